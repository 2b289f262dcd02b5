"""What is proved of unknown values is true of every value, tried on one store at a time.

A random store, true facts about it assumed, and claims that are false in it: none of them may be
discharged.  This goes through what exact mode does not use: lists, maps and sets as functions,
quantifiers as atoms with instances over the footprint, sums by prefixes, searches by an index,
definitions that replace fresh symbols, lookup, slicing, SMT-LIB and Z3.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from tests.soundness.expressions import Sample, sample, store
from tests.soundness.judging import QUICK
from tests.soundness.test_symbolic import Nats, valued

from planproof.spec import core
from planproof.spec.core import Apply, Expr, Kind, Literal, Make, Op, Ref, Role, Value
from planproof.spec.semantics import map_entries, show
from planproof.spec.source import NOWHERE
from planproof.spec.types import (
    BOOL,
    ListType,
    MapType,
    OpaqueType,
    OptionType,
    RecordType,
    SetType,
    TupleType,
    Type,
    strip,
)
from planproof.verifier.generate import Generator
from planproof.verifier.solve import Discharged, Prover

KEYS = 5


def written(value: Value, type: Type) -> Expr:
    """An expression for the value, in which opaque elements are variables."""
    bare = strip(type)
    match value, bare:
        case core.OpaqueValue(name, index), _:
            return Ref(f"{name} {index}", OpaqueType(name))
        case core.RecordValue(_, fields), RecordType(_, named):
            return Make(tuple(written(v, t) for v, (_, t) in zip(fields, named, strict=True)), bare)
        case core.TupleValue(items), TupleType(types):
            return Make(tuple(written(v, t) for v, t in zip(items, types, strict=True)), bare)
        case core.SomeValue(item), OptionType(inner):
            return Apply(Op.SOME, (written(item, inner),), bare)
        case core.ListValue(items), ListType(inner):
            return Make(tuple(written(v, inner) for v in items), bare)
        case core.SetValue(members), SetType(inner):
            result: Expr = Literal(core.SetValue(frozenset()), bare)
            for each in sorted(members, key=show):
                result = Apply(Op.SET_ADD, (result, written(each, inner)), bare)
            return result
        case core.MapValue(), MapType(key, mapped):
            result = Literal(core.MapValue(frozenset()), bare)
            for k, v in map_entries(value):
                result = Apply(Op.MAP_PUT, (result, written(k, key), written(v, mapped)), bare)
            return result
        case _:
            return Literal(value, type)


def statements(
    one: Sample, values: dict[str, Value], roll: random.Random, functions: Nats
) -> Iterator[core.Statement]:
    """Unknown keys that differ, the variables, and true facts about them."""
    key = next(t for t in map(strip, one.types.values()) if isinstance(t, OpaqueType))
    keys = [Ref(f"{key.name} {i}", key) for i in range(KEYS)]
    everything = [*((k.name, k.type) for k in keys), *one.types.items()]
    for site, (name, type) in enumerate(everything):
        yield core.Havoc(name, type, Role.INPUT, site, name)
    for i, left in enumerate(keys):
        for right in keys[:i]:
            yield core.Assume(Apply(Op.NE, (left, right), BOOL), "requires", NOWHERE)
    facts: list[Expr] = []
    for name, type in one.types.items():
        if roll.random() < 0.5 or isinstance(strip(type), OpaqueType):
            pair = (Ref(name, type), written(values[name], type))
            facts.append(Apply(Op.EQ, pair, BOOL))
    for expr in one.expressions[:3]:
        value = valued(expr, values, functions)
        if isinstance(value, bool):
            facts.append(expr if value else Apply(Op.NOT, (expr,), BOOL))
    roll.shuffle(facts)
    for fact in facts:
        yield core.Assume(fact, "requires", NOWHERE)


def false_claims(
    one: Sample, values: dict[str, Value], functions: Nats
) -> Iterator[tuple[Expr, Expr]]:
    """Claims that are false in the store, each with its negation, which is true."""
    for expr in one.expressions[3:]:
        value = valued(expr, values, functions)
        if value is None:
            continue
        if isinstance(value, bool):
            true, false = expr, Apply(Op.NOT, (expr,), BOOL)
            yield (false, true) if value else (true, false)
        else:
            pair = (expr, written(value, expr.type))
            yield Apply(Op.NE, pair, BOOL), Apply(Op.EQ, pair, BOOL)


def program(body: list[core.Statement], claim: Expr) -> core.Program:
    tag = core.Tag(0, Kind.ASSERT, "claim", NOWHERE, claim.span)
    whole = core.Seq((*body, core.Assert(claim, tag)))
    return core.Program("main", whole, (), (), (), (tag,), (), 1_000)


def proved(made: core.Program) -> bool:
    prover = Prover(QUICK)
    generator = Generator(made, prover.judge)
    generator.run()
    return all(isinstance(prover.discharge(generator, c), Discharged) for c in generator.conditions)


def try_seed(seed: int) -> tuple[int, int]:
    """How many true claims were proved, of how many; raises where a false one is."""
    one = sample(seed)
    values, guess = store(one.types, seed)
    functions = Nats(guess.known, seed)
    body = list(statements(one, values, random.Random(seed), functions))  # noqa: S311
    count = right = 0
    for false, true in false_claims(one, values, functions):
        count += 1
        made = program(body, false)
        assert not proved(made), (seed, false.span.one_line)
        right += proved(program(body, true))
    return right, count


@pytest.mark.parametrize("batch", range(4))
def test_no_false_claim_is_proved(batch: int) -> None:
    right = count = 0
    for seed in range(batch * 25, batch * 25 + 25):
        some, all = try_seed(seed)
        right += some
        count += all
    # Much of what is true is proved too: else the facts were not used at all.
    assert count > 60
    assert right > count // 4
