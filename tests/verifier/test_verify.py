"""The pipeline's promises: fails closed, no vacuous proof, stable texts, small replayed runs."""

from __future__ import annotations

import time

import pytest

from planproof.spec import lower, typed
from planproof.spec.limits import DEFAULT, Limits
from planproof.spec.parse import parse_domain, parse_plan, parse_policy
from planproof.spec.source import Source
from planproof.spec.typecheck import check_domain, check_plans, check_policy
from planproof.verifier.generate import Generator
from planproof.verifier.report.data import PlanReport
from planproof.verifier.solve import Discharged, Prover
from planproof.verifier.verify import Options, prove, verify_plan

DOMAIN = """\
domain bank;
type Account;
type Cents = Int where self >= 0;
resource usd: Decimal;
state balance: Map<Account, Cents>;
state closed: Bool;
default seconds 1;
tool pay(source: Account, target: Account, amount: Cents)
  requires source != target && source in balance && target in balance
  requires balance[source] >= amount
  modifies balance[source], balance[target]
  ensures balance[source] == old(balance[source]) - amount
  ensures balance[target] == old(balance[target]) + amount
  cost usd 0.25
  fails;
tool look() -> List<Int, 50>
  ensures forall x in result :: x >= 1;
tool ping() -> Bool;
tool spend(amount: Cents) cost usd 2.0 * amount;
"""

POLICY = "policy rules for bank;\ninvariant conserved: sum(balance) == initially(sum(balance));\n"


def world(domain: str = DOMAIN, policy: str | None = POLICY) -> typed.World:
    file, found = parse_domain(Source("bank.domain", domain))
    assert file is not None, found
    checked, found = check_domain(file)
    assert checked is not None, found
    if policy is None:
        return typed.World(checked, ())
    rules, found = parse_policy(Source("rules.policy", policy))
    assert rules is not None, found
    known, found = check_policy(rules, checked)
    assert known is not None, found
    return typed.World(checked, (known,))


def plans(text: str, within: typed.World) -> typed.PlanSet:
    file, found = parse_plan(Source("p.plan", text))
    assert file is not None, found
    checked, found = check_plans(file, within)
    assert checked is not None, found
    return checked


def report(text: str, within: typed.World | None = None, limits: Limits = DEFAULT) -> PlanReport:
    within = within or world()
    found = plans(text, within)
    return verify_plan(found, next(iter(found.plans)), within, Options(limits=limits))


def open_ones(found: PlanReport) -> list[tuple[str, str]]:
    owed = found.obligations + found.domain_obligations
    return [(o.kind, o.verdict) for o in owed if o.verdict != "proved"]


# ---- nothing is proved in vain -------------------------------------------------------------------


def test_a_plan_that_nobody_can_start_is_refuted() -> None:
    found = report("plan p() requires false { ping(); assert 1 == 2; }")
    assert found.verdict == "refuted"
    assert {kind for kind, _ in open_ones(found)} == {"witness"}


def test_a_call_behind_a_condition_that_is_never_true_is_refuted() -> None:
    found = report("plan p(n: Int) requires n > 0 { if n < 0 { ping(); } }")
    assert found.verdict == "refuted"
    assert ("witness", "refuted") in open_ones(found)


def test_the_same_call_behind_a_condition_that_may_be_true_is_proved() -> None:
    assert report("plan p(n: Int) requires n > 0 { if n < 9 { ping(); } }").verdict == "proved"


def test_a_type_without_values_is_refuted() -> None:
    empty = DOMAIN + "type Never = Int where self > 5 && self < 3;\ntool nothing() -> Never;\n"
    found = report("plan p() { let _x = nothing(); assert 1 == 2; }", world(empty))
    assert ("consistent", "refuted") in open_ones(found)
    assert found.verdict == "refuted"


def test_a_type_with_one_value_is_not() -> None:
    one = DOMAIN + "type Four = Int where self > 3 && self < 5;\ntool four() -> Four;\n"
    assert report("plan p() { let x = four(); assert x == 4; }", world(one)).verdict == "proved"


def test_a_contract_that_no_state_satisfies_is_refuted_where_it_is_called() -> None:
    broken = DOMAIN + "tool broken() -> Int ensures result > 1 ensures result < 1;\n"
    found = report("plan p() { let _x = broken(); assert 1 == 2; }", world(broken))
    assert found.verdict == "refuted"
    assert ("witness", "refuted") in open_ones(found)


# ---- refuted means replayed ----------------------------------------------------------------------


def test_a_refutation_comes_with_the_smallest_run() -> None:
    text = """\
plan p(from_: Account, to: Account, n: Cents)
  requires from_ != to && from_ in balance && to in balance
{
  let xs = look();
  for x in xs {
    check x <= n else "too much";
    try { pay(from_, to, x); } else { }
  }
}
"""
    found = report(text)
    assert found.verdict == "refuted"
    run = found.counterexample
    assert run is not None and run.replayed
    assert [s.call for s in run.steps] == ["look"]
    assert run.steps[0].result == [1]
    assert run.inputs["n"] == 1
    assert sorted(run.initial_state["balance"].values()) == [0, 0]  # type: ignore[attr-defined]


def test_only_the_second_iteration_shows_it() -> None:
    text = """\
plan p(from_: Account, to: Account)
  requires from_ != to && from_ in balance && to in balance && balance[from_] >= 1
{
  repeat 2 { try { pay(from_, to, 1); } else { } }
}
"""
    run = report(text).counterexample
    assert run is not None and run.replayed
    assert [s.outcome for s in run.steps] == ["returned"]


def test_a_failed_call_has_changed_nothing_and_is_charged() -> None:
    text = """\
plan p(from_: Account, to: Account)
  requires from_ != to && from_ in balance && to in balance && balance[from_] >= 5
  ensures balance[from_] == old(balance[from_])
  budget usd <= 0.25
{
  try { pay(from_, to, 5); abort "paid"; } else { }
}
"""
    assert report(text).verdict == "proved"
    assert report(text.replace("0.25", "0.24")).verdict == "refuted"


def test_unknown_says_why_and_never_runs() -> None:
    text = "plan p(a: Int, b: Int, c: Int) { assert a * a * a + b * b * b != c * c * c + 7; }"
    found = report(text, limits=Limits(solver_rlimit_max=2_000))
    [owed] = [o for o in found.obligations if o.kind == "assert"]
    assert owed.verdict == "unknown" and owed.reason
    assert found.verdict == "unknown"


# ---- bounds --------------------------------------------------------------------------------------


def test_branches_that_exclude_each_other_are_not_added_up() -> None:
    text = "plan p(n: Int) { if n > 0 { ping(); } if n < 1 { ping(); } }"
    bounds = report(text).bounds
    assert bounds is not None and bounds.resources["calls"].worst == 1


def test_a_bound_may_be_an_expression_in_the_parameters() -> None:
    bounds = report("plan p(n: Cents) { spend(n); ping(); }").bounds
    assert bounds is not None and bounds.resources["usd"].worst == "2 * n"
    assert bounds.resources["calls"].worst == 2


# ---- size, stability, determinism ----------------------------------------------------------------


def diamonds(n: int) -> str:
    tests = "\n".join(f"  if a{i} {{ n = n + 1; }}" for i in range(n))
    parameters = ", ".join(f"a{i}: Bool" for i in range(n))
    return f"plan p({parameters}) ensures result <= {n} {{\n  var n = 0;\n{tests}\n  return n;\n}}"


def test_paths_are_joined_and_not_multiplied() -> None:
    """2^24 paths: what this takes says whether they were gone through."""
    began = time.perf_counter()
    found = report(diamonds(24).replace("ensures", "-> Int ensures"))
    assert found.verdict == "proved"
    assert time.perf_counter() - began < 20


def digests(text: str) -> dict[str, str]:
    return {o.says: o.digest for o in report(text).obligations if o.kind == "assert"}


def test_a_condition_does_not_change_when_unrelated_code_does() -> None:
    own = "assert max(first, second) + 3 >= first;"
    header = "plan p(first: Int, second: Int, z: Int)"
    [one] = digests(f"{header} {{ {own} }}").values()
    more = f"""{header} requires z > 4 {{
  let other = look();
  if z > 7 {{ ping(); }}
  {own}
}}"""
    [two] = digests(more).values()
    other = own.replace("first", "b").replace("second", "a")
    [renamed] = digests(f"plan p(b: Int, a: Int) {{ {other} }}").values()
    assert one == two == renamed
    [different] = digests(f"{header} {{ {own.replace('3', '4')} }}").values()
    assert different != one


@pytest.mark.parametrize("text", [diamonds(6).replace("ensures", "-> Int ensures")])
def test_one_plan_has_one_report(text: str) -> None:
    def stable() -> PlanReport:
        found = report(text)
        found.seconds.clear()
        return found

    assert stable() == stable()


def test_a_loop_proved_by_invariants_agrees_with_its_unrolling() -> None:
    text = """\
plan p(from_: Account, to: Account) -> Int
  requires from_ != to && from_ in balance && to in balance && balance[from_] >= 9
  ensures 0 <= result && result <= 4
{
  var done = 0;
  repeat 4
    invariant balance[from_] >= 9 - done && done <= 4
    invariant from_ in balance && to in balance
  {
    try { pay(from_, to, 1); done = done + 1; } else { break; }
  }
  return done;
}
"""
    within = world()
    program, found = lower.lower_plan(plans(text, within), "p", within)
    assert program is not None and not found
    proof = prove(program, DEFAULT)
    assert proof.complete and not proof.unrolled
    prover = Prover(DEFAULT)
    unrolled = Generator(program, prover.judge, unroll=4)
    unrolled.run()
    assert not unrolled.exhausted
    for condition in unrolled.conditions:
        assert isinstance(prover.discharge(unrolled, condition), Discharged)


# ---- warnings ------------------------------------------------------------------------------------


def codes(found: PlanReport) -> set[str]:
    return {w.code for w in found.warnings}


def test_a_clause_that_no_proof_used_is_pointed_out_and_a_used_one_is_not() -> None:
    text = "plan p(n: Int, m: Int) requires n > 1 requires m > 1 { assert n > 0; }"
    found = report(text)
    assert [w.at.column for w in found.warnings if w.code == "unused-clause"] == [48]
    both = report(text.replace("assert n > 0", "assert n + m > 2"))
    assert "unused-clause" not in codes(both)


def test_a_check_that_cannot_fail_is_pointed_out() -> None:
    useless = report('plan p(n: Int) requires n > 1 { check n > 0 else "no"; }')
    useful = report('plan p(n: Int) { check n > 0 else "no"; }')
    assert "useless-check" in codes(useless) and useless.verdict == "proved"
    assert "useless-check" not in codes(useful)
