"""An adversary that guesses, for tests and for finding witnesses without a solver.

`RandomAdversary(seed)` answers every `havoc` with a value of its type.  Its values are small and
collide often, with each other and with what is in the store already: runs that go wrong mostly do
so where two things are equal, or differ by one.  Equal seeds give equal runs, in every process.

What it leaves out: it does not look at contracts, so many of its runs are `Infeasible`.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from fractions import Fraction
from typing import assert_never

from planproof.spec.core import (
    TOOL,
    EnumValue,
    Havoc,
    ListValue,
    MapValue,
    NoneValue,
    OpaqueValue,
    RecordValue,
    Role,
    SetValue,
    SomeValue,
    TupleValue,
    Value,
)
from planproof.spec.semantics import Iterations, NoValue, conforms, default_value, no_functions
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

SIZE_MAX = 3  # of the collections it makes; two and three are where order and repetition show
TRIES_MAX = 40  # for a value that satisfies a refinement


class RandomAdversary:
    """See the module's header."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a test wants the same guesses again
        self._result: Value | None = None

    def choose(self, _havoc: Havoc, _iterations: Iterations, store: Mapping[str, Value]) -> Value:
        known = [
            value
            for value in store.values()
            if isinstance(value, int) and not isinstance(value, bool)
        ]
        for name, value in store.items():
            if isinstance(value, MapValue) and self._random.random() < _LOOK_INTO_MAPS:
                known += [each for _, each in sorted_entries(name, value)]
        chosen = self.value(_havoc.type, known)
        if _havoc.role is Role.RESULT:
            self._result = chosen
        return chosen

    def apply(self, function: str, _arguments: tuple[Value, ...], type: Type) -> Value:
        if function.startswith(TOOL) and self._result is not None:
            return self._result  # a pure tool is asked about right after its result was chosen
        return self.value(type, [])

    def value(self, type: Type, known: list[int]) -> Value:
        """A value of the type; `known` are integers worth trying, and so are their sums."""
        roll = self._random
        match type:
            case BoolType():
                return roll.random() < _TRUE
            case IntType() | DateType() | TimeType():
                return self._integer(known)
            case DecimalType():
                return Fraction(self._integer(known), roll.choice((1, 1, 2, 4, 3)))
            case TextType(max):
                return "".join(roll.choice("ab ") for _ in range(roll.randint(0, min(max, 3))))
            case OpaqueType(name):
                return OpaqueValue(name, roll.randint(0, 2))
            case EnumType(name, members):
                return EnumValue(name, roll.choice(members))
            case RecordType(name, fields):
                return RecordValue(name, tuple([self.value(each, known) for _, each in fields]))
            case TupleType(items):
                return TupleValue(tuple([self.value(each, known) for each in items]))
            case OptionType(item):
                return NoneValue() if roll.random() < _NONE else SomeValue(self.value(item, known))
            case ListType(item, max):
                size = roll.randint(0, min(max, SIZE_MAX))
                return ListValue(tuple([self.value(item, known) for _ in range(size)]))
            case SetType(item):
                size = roll.randint(0, SIZE_MAX)
                return SetValue(frozenset([self.value(item, known) for _ in range(size)]))
            case MapType(key, mapped, max):
                size = roll.randint(0, SIZE_MAX if max is None else min(max, SIZE_MAX))
                pairs = {self.value(key, known): self.value(mapped, known) for _ in range(size)}
                return MapValue(frozenset(pairs.items()))
            case RefinedType(_, base, _):
                for _ in range(TRIES_MAX):
                    guess = self.value(base, known)
                    try:
                        if conforms(guess, type, no_functions):
                            return guess
                    except NoValue:
                        continue
                return default_value(type)
            case NeverType():
                raise ValueError("there is no value of no type")
            case _:
                assert_never(type)

    def _integer(self, known: list[int]) -> int:
        roll = self._random
        if not known or roll.random() < _SMALL:
            return roll.randint(-1, 3)
        one = roll.choice(known)
        way = roll.randint(0, 3)
        if way == 0:
            return one + roll.choice(known)
        if way == 1:
            return one - roll.choice(known)
        return one + roll.randint(-1, 1) if way == 2 else one


def sorted_entries(name: str, value: MapValue) -> list[tuple[str, int]]:
    """The integers in a map with their names, in an order that does not depend on hashes."""
    return sorted(
        (f"{name} {key!r}", each)
        for key, each in value.entries
        if isinstance(each, int) and not isinstance(each, bool)
    )


_TRUE = 0.6
_NONE = 0.3
_SMALL = 0.5
_LOOK_INTO_MAPS = 0.8
