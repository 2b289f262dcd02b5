"""Small plans against every adversary there is in a small world.

Two keys, numbers from -1 to 2, collections of at most one item: within that every choice is tried,
one after the other, so nothing depends on luck.  (The small scope hypothesis: Jackson, "Software
Abstractions", 2006.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import product

import pytest
from tests.soundness import judging, programs
from tests.soundness.judging import QUICK, Attack, prove

from planproof.spec import core, semantics
from planproof.spec.core import (
    EnumValue,
    ListValue,
    MapValue,
    NoneValue,
    OpaqueValue,
    RecordValue,
    SetValue,
    SomeValue,
    TupleValue,
    Value,
)
from planproof.spec.semantics import Iterations, conforms, no_functions
from planproof.spec.types import (
    BoolType,
    DateType,
    DecimalType,
    EnumType,
    IntType,
    ListType,
    MapType,
    NeverType,
    OpaqueType,
    OptionType,
    RecordType,
    RefinedType,
    SetType,
    TextType,
    TimeType,
    TupleType,
    Type,
)

RUNS_MAX = 2_000


def values(type: Type) -> list[Value]:
    """All values of the type in the small world, in a fixed order."""
    match type:
        case BoolType():
            return [False, True]
        case IntType() | DateType() | TimeType():
            return [0, 1, -1, 2]
        case DecimalType():
            return [Fraction(0), Fraction(1, 2), Fraction(2)]
        case TextType():
            return ["", "a"]
        case OpaqueType(name):
            return [OpaqueValue(name, 0), OpaqueValue(name, 1)]
        case EnumType(name, members):
            return [EnumValue(name, member) for member in members[:2]]
        case RecordType(name, fields):
            # Records of all combinations are too many: the fields change one at a time.
            choices = [values(each) for _, each in fields]
            first = tuple(each[0] for each in choices)
            found = {first: None}
            for at, options in enumerate(choices):
                for option in options:
                    found[(*first[:at], option, *first[at + 1 :])] = None
            return [RecordValue(name, each) for each in found]
        case TupleType(items):
            return [TupleValue(each) for each in product(*map(values, items))]
        case OptionType(item):
            return [NoneValue(), *(SomeValue(each) for each in values(item))]
        case ListType(item, _):
            return [ListValue(()), *(ListValue((each,)) for each in values(item))]
        case SetType(item):
            return [SetValue(frozenset()), *(SetValue(frozenset([e])) for e in values(item))]
        case MapType(key, mapped, _):
            pairs = product(values(key), values(mapped))
            return [MapValue(frozenset()), *(MapValue(frozenset([pair])) for pair in pairs)]
        case RefinedType(_, base, _):
            fitting: list[Value] = [
                each for each in values(base) if conforms(each, type, no_functions)
            ]
            if not fitting and isinstance(base, RecordType):
                every = product(*(values(each) for _, each in base.fields))
                records: Iterator[Value] = (RecordValue(base.name, each) for each in every)
                fitting = [each for each in records if conforms(each, type, no_functions)][:3]
            return fitting
        case NeverType():
            return []


class Odometer:
    """Makes the choices of one run after the other, as a number is counted up digit by digit."""

    def __init__(self) -> None:
        self.digits: list[tuple[int, int]] = []  # the choice made, of how many
        self.at = 0
        self.cache: dict[Type, list[Value]] = {}

    def choose(
        self, havoc: core.Havoc, _iterations: Iterations, _store: Mapping[str, Value]
    ) -> Value:
        return self.next(havoc.type)

    def apply(self, _function: str, arguments: tuple[Value, ...], _type: Type) -> Value:
        [key] = arguments  # `weight`: a fixed function will do
        assert isinstance(key, OpaqueValue)
        return key.index

    def next(self, type: Type) -> Value:
        options = self.cache.get(type)
        if options is None:
            options = self.cache[type] = values(type)
        if self.at == len(self.digits):
            self.digits.append((0, len(options)))
        chosen = options[self.digits[self.at][0]]
        self.at += 1
        return chosen

    def advance(self) -> bool:
        """Prepares the next run; whether there is one."""
        del self.digits[self.at :]
        self.at = 0
        while self.digits:
            now, count = self.digits.pop()
            if now + 1 < count:
                self.digits.append((now + 1, count))
                return True
        return False


def every_run(program: core.Program) -> Attack | None:
    """What all runs of the small world do; None where there are too many of them."""
    odometer = Odometer()
    found = Attack()
    for _ in range(RUNS_MAX):
        run = semantics.run(program, odometer)
        match run.outcome:
            case semantics.Violated(tag):
                found.violated.setdefault(tag.id, run)
                found.feasible += 1
            case semantics.Finished():
                found.finished.append(run)
                found.feasible += 1
            case semantics.Infeasible():
                found.infeasible += 1
            case _:
                raise judging.Unsound(str(run.outcome))
        found.reached.update(run.reached)
        if not odometer.advance():
            return found
    return None


@pytest.mark.parametrize("batch", range(3))
def test_no_run_of_the_small_world_contradicts_a_verdict(batch: int) -> None:
    done = runs = 0
    for seed in range(3_000 + batch * 30, 3_030 + batch * 30):
        texts = programs.make(seed, small=True)
        program = programs.lowered(texts)
        if len(havocs(program.body)) > 6:
            continue
        found = every_run(program)
        if found is None or not found.feasible:
            continue
        proof = prove(program, QUICK)
        against = list(judging.contradictions(proof, found))
        assert not against, f"seed {seed}: {against[0]}\n{texts}"
        done += 1
        runs += found.feasible
    assert done >= 8
    assert runs > 300


def havocs(statement: core.Statement) -> list[core.Havoc]:
    match statement:
        case core.Seq(items):
            return [each for item in items for each in havocs(item)]
        case core.If(_, then, otherwise):
            return havocs(then) + havocs(otherwise)
        case core.Try(_, body, handler):
            return havocs(body) + havocs(handler)
        case core.Loop():
            return havocs(statement.body)
        case core.Havoc():
            return [statement]
        case _:
            return []
