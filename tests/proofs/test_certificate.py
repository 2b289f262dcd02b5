"""Certificates: one spelling, nothing more than was proved, and no doubt about what they are of."""

from __future__ import annotations

import dataclasses
import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planproof.proofs.certificate import (
    SCHEMA,
    Assumption,
    Bound,
    Bounds,
    Certificate,
    CertificateRejected,
    Invariant,
    Proved,
    Text,
    Texts,
    core_digest,
    differences,
    matches,
    read,
    text_digest,
    write,
)
from planproof.spec import core
from planproof.spec.source import Source, Span
from planproof.spec.types import BOOL, DECIMAL, INT, RefinedType

ZERO = "sha256:" + "0" * 64

GOOD = Certificate(
    schema=SCHEMA,
    planproof="0.1.0",
    plan=Text("pay", text_digest("plan pay() {}")),
    domain=Text("bank", text_digest("domain bank;")),
    policies=(Text("rules", text_digest("policy rules for bank;")),),
    core=ZERO,
    obligations=(Proved("pay/0", "requires", "transfer#1", ZERO),),
    invariants=(Invariant(3, 1, "paid <= limit"),),
    bounds=Bounds(12, (Bound("calls", 3, 10), Bound("usd", "0.75", None))),
    assumptions=(Assumption("tool-contract", "transfer", "ensures ...", True),),
    trusting=("z3 5.4.1",),
)


def test_a_certificate_reads_back_as_it_was_written() -> None:
    assert read(write(GOOD)) == GOOD


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
numbers = st.one_of(st.none(), st.integers(), names)


@given(
    st.lists(st.builds(Invariant, st.integers(1), st.integers(1), names), max_size=3),
    st.lists(st.builds(Bound, names, numbers, numbers), max_size=3),
    st.lists(st.builds(Assumption, names, names, names, st.booleans()), max_size=3),
)
def test_every_certificate_has_exactly_one_spelling(
    invariants: list[Invariant], resources: list[Bound], assumptions: list[Assumption]
) -> None:
    certificate = dataclasses.replace(
        GOOD,
        invariants=tuple(invariants),
        bounds=Bounds(1, tuple(resources)),
        assumptions=tuple(assumptions),
    )
    text = write(certificate)
    assert read(text) == certificate
    assert text == json.dumps(
        json.loads(text), ensure_ascii=False, sort_keys=True, separators=(",", ":")
    ) + "\n"
    with pytest.raises(CertificateRejected):
        read(text.replace(",", ", ", 1))


def _spelled(change: Any) -> str:
    value = json.loads(write(GOOD))
    change(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n"


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("", "the text: Invalid JSON"),
        ("null", "the text"),
        ("[" * 100_000, "the text"),
        ("{}", "schema: Field required"),
        (write(GOOD).rstrip("\n"), "canonical"),
        (write(GOOD) + " ", "canonical"),
        (write(GOOD).replace('"line":3', '"line":3.0'), "invariants.0.line"),
        (write(GOOD).replace('"line":3', '"line":"3"'), "invariants.0.line"),
        (write(GOOD).replace('"name":"pay"', '"name":"other","name":"pay"'), "canonical"),
        (_spelled(lambda it: it.update(evidence=[])), "evidence"),
        (_spelled(lambda it: it.update(schema="planproof.certificate/2")), "schema"),
        (_spelled(lambda it: it.pop("assumptions")), "assumptions: Field required"),
        (_spelled(lambda it: it["plan"].update(verdict="proved")), "plan.verdict"),
        (_spelled(lambda it: it.update(obligations=[])), "says nothing"),
        (_spelled(lambda it: it.update(trusting=[])), "who decided"),
        (_spelled(lambda it: it.update(trusting=[""])), "without a name"),
        (_spelled(lambda it: it.update(core="sha256:12")), "digest of `core`"),
        (_spelled(lambda it: it["domain"].update(digest=ZERO.upper())), "digest of `bank`"),
        (_spelled(lambda it: it.update(obligations=it["obligations"] * 2)), "the same id"),
    ],
)
def test_what_is_not_exactly_a_certificate_is_rejected(text: str, because: str) -> None:
    with pytest.raises(CertificateRejected, match=because):
        read(text)


def test_a_certificate_that_claims_nothing_cannot_be_made() -> None:
    with pytest.raises(CertificateRejected, match="says nothing"):
        dataclasses.replace(GOOD, obligations=())


def test_a_certificate_is_of_its_texts_and_no_others() -> None:
    texts = Texts("plan pay() {}", "domain bank;", ("policy rules for bank;",))
    assert matches(GOOD, texts)
    for other in (
        dataclasses.replace(texts, plan="plan pay() { }"),
        dataclasses.replace(texts, domain="domain bank; "),
        dataclasses.replace(texts, policies=()),
        dataclasses.replace(texts, policies=("policy rules for bank;",) * 2),
        dataclasses.replace(texts, policies=("policy others for bank;",)),
    ):
        assert not matches(GOOD, other)
        assert len(differences(GOOD, other)) == 1


# ---- the digest of a lowered program -----------------------------------------------------------


def program(value: core.Expr, at: Span, name: str = "p") -> core.Program:
    return core.Program(
        name=name,
        body=core.Seq(
            (
                core.Havoc("x", INT, core.Role.INPUT, 0, "x", at),
                core.Assign("y", value, at),
                core.Assert(
                    core.Apply(core.Op.LE, (core.Ref("y", INT), value), BOOL),
                    core.Tag(0, core.Kind.ASSERT, "a", at, at),
                ),
            )
        ),
        parameters=(core.Variable("x", "x", INT),),
        state=(),
        resources=(),
        tags=(core.Tag(0, core.Kind.ASSERT, "a", at, at),),
        assumptions=(),
        steps_max=3,
    )


HERE = Span(Source("a.plan", "some text"), 0, 4)
THERE = Span(Source("b.plan", "other text\n"), 5, 9)
ONE = core.Literal(1, INT)


def test_the_core_digest_does_not_depend_on_where_the_text_stood() -> None:
    assert core_digest(program(ONE, HERE)) == core_digest(program(ONE, THERE))


def refined(limit: int) -> RefinedType:
    bound = core.Apply(core.Op.LE, (core.Ref("self", INT), core.Literal(limit, INT)), BOOL)
    return RefinedType("Small", INT, bound)


def test_the_core_digest_tells_apart_all_that_means_something_else() -> None:
    variants: list[core.Expr] = [
        ONE,
        core.Literal(2, INT),
        core.Literal(True, BOOL),
        core.Literal("1", INT),
        core.Literal(Fraction(1), DECIMAL),
        core.Literal(1, DECIMAL),
        core.Ref("1", INT),
        core.Ref("x", INT),
        core.Ref("x", refined(1)),
        core.Ref("x", refined(2)),
        core.Literal(core.TupleValue((1, 2)), INT),
        core.Literal(core.ListValue((1, 2)), INT),
        core.Literal(core.TupleValue((12,)), INT),
        core.Literal(core.SetValue(frozenset({1, 2})), INT),
        core.Apply(core.Op.ADD, (ONE, ONE), INT),
        core.Apply(core.Op.SUB, (ONE, ONE), INT),
        core.Conditional(core.Literal(True, BOOL), ONE, ONE, INT),
    ]
    digests = [core_digest(program(each, HERE)) for each in variants]
    digests.append(core_digest(program(ONE, HERE, name="q")))
    assert len(set(digests)) == len(digests)


def test_the_core_digest_does_not_depend_on_the_order_of_a_set() -> None:
    texts = [f"key {i}" for i in range(50)]
    forwards = core.Literal(core.SetValue(frozenset(texts)), INT)
    backwards = core.Literal(core.SetValue(frozenset(reversed(texts))), INT)
    assert core_digest(program(forwards, HERE)) == core_digest(program(backwards, HERE))
