"""No kind of obligation is idle.

For each kind there is a small plan that is refuted, and refuted by this kind alone; with the kind
switched off the plan is proved.  So whoever stops generating a kind of obligation, or makes it
vacuous, sees one of these plans turn up as proved.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from planproof.spec import core, parse, typecheck, typed
from planproof.spec.core import Kind
from planproof.spec.limits import DEFAULT
from planproof.spec.lower.builder import Builder
from planproof.spec.source import Source
from planproof.verifier import generate, verify
from planproof.verifier.report.data import PlanReport
from planproof.verifier.term import Term

DOMAIN = """domain mutation;
default seconds 1;
type Key;
type Nat = Int where self >= 0;
resource points: Int;
state total: Int;
state stock: Map<Key, Nat>;
tool add(n: Int)
  requires n > 0
  modifies total
  ensures total == old(total) + n
  cost points n;
tool ask() -> Bool;
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A plan, and what it needs beside the common domain."""

    kind: Kind
    plan: str
    policy: str = ""
    domain: str = ""


CASES = (
    Case(Kind.DEFINED, "plan p(a: Int, b: Int) -> Bool { return b == 7 && a / (b - 7) > 0; }"),
    Case(
        Kind.CONSISTENT,
        "plan p(k: Key) requires k in stock { take_one(k); }",
        domain="""tool take_one(k: Key)
  requires k in stock
  modifies stock[k]
  ensures stock[k] == old(stock[k]) - 1;
""",
    ),
    Case(Kind.REQUIRES, "plan p(n: Int) { add(n); }"),
    Case(
        Kind.INVARIANT,
        "plan p(n: Int) requires n > 0 { add(n); }",
        policy="invariant low: total <= 10;",
    ),
    Case(
        Kind.LOOP_ENTRY,
        "plan p(n: Int) { var x = n; repeat 3 invariant x >= 0 { x = x + 1; } assert x >= 0; }",
    ),
    Case(
        Kind.LOOP_STEP,
        """plan p(n: Int) requires n > 0 {
  var x = n;
  repeat 3 invariant x <= 3 || n != 3 { x = x + 1; }
}""",
    ),
    Case(
        Kind.TERMINATION,
        "plan p(n: Int) { var x = n; while x > 0 decreases x max 3 { x = x - 1; } assert x <= 0; }",
    ),
    Case(
        Kind.BUDGET,
        "plan p(n: Int) requires n > 0 { add(n); }",
        policy="budget points <= 5;",
    ),
    Case(Kind.REFINEMENT, "plan p(a: Int, b: Int) -> Nat requires a > 0 { return a - b; }"),
    Case(Kind.ENSURES, "plan p(a: Int) -> Int ensures result > a { return a + a; }"),
    Case(Kind.ASSERT, "plan p(a: Int) { let b = ask(); assert b || a != 3; }"),
    Case(Kind.WITNESS, "plan p(a: Int) requires a > 0 { if a + a == 1 { add(1); } }"),
)


def world_of(case: Case) -> typed.World:
    domain_file, found = parse.parse_domain(Source("m.domain", DOMAIN + case.domain), DEFAULT)
    assert domain_file is not None, found
    domain, found = typecheck.check_domain(domain_file, DEFAULT)
    assert domain is not None, found
    if not case.policy:
        return typed.World(domain, ())
    text = f"policy rules for mutation;\n{case.policy}\n"
    policy_file, found = parse.parse_policy(Source("m.policy", text), DEFAULT)
    assert policy_file is not None, found
    policy, found = typecheck.check_policy(policy_file, domain, DEFAULT)
    assert policy is not None, found
    return typed.World(domain, (policy,))


def report(case: Case) -> PlanReport:
    world = world_of(case)
    plan_file, found = parse.parse_plan(Source("m.plan", case.plan), DEFAULT)
    assert plan_file is not None, found
    plans, found = typecheck.check_plans(plan_file, world, DEFAULT)
    assert plans is not None, found
    verify._domains.clear()  # settled once for a text, mutated or not
    return verify.verify_plan(plans, "p", world)


def refuted(found: PlanReport) -> Iterator[str]:
    for each in (*found.obligations, *found.domain_obligations):
        if each.verdict != "proved":
            yield each.kind


@pytest.fixture
def clean_domains() -> Iterator[None]:
    yield
    verify._domains.clear()


def test_every_kind_has_a_plan() -> None:
    assert {each.kind for each in CASES} == set(Kind)


@pytest.mark.parametrize("case", CASES, ids=lambda each: each.kind.value)
def test_the_plan_is_refuted_by_this_kind_alone(case: Case) -> None:
    found = report(case)
    assert found.verdict == "refuted"
    assert set(refuted(found)) == {case.kind.value}


@pytest.mark.parametrize("case", CASES, ids=lambda each: each.kind.value)
@pytest.mark.usefixtures("clean_domains")
def test_without_this_kind_the_plan_is_proved(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    switch_off(case.kind, monkeypatch)
    assert report(case).verdict == "proved"


def switch_off(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    """No obligation of this kind is generated: neither by lowering nor for the loops' heads."""
    emit = Builder.emit

    def emit_others(self: Builder, statement: core.Statement) -> None:
        if isinstance(statement, core.Assert) and statement.tag.kind is kind:
            return
        emit(self, statement)

    monkeypatch.setattr(Builder, "emit", emit_others)
    owe_term = generate.Generator.owe_term

    def owe_others(
        self: generate.Generator, tag: core.Tag, goal: Term, state: generate.State
    ) -> None:
        before = len(self.conditions)
        owe_term(self, tag, goal, state)
        if tag.kind is kind:
            del self.conditions[before:]

    monkeypatch.setattr(generate.Generator, "owe_term", owe_others)
    if kind is Kind.WITNESS:
        monkeypatch.setattr(verify, "_reachable", lambda _: frozenset())
