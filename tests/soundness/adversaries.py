"""Adversaries that look for trouble within the contracts.

A run is a run of the program only if its inputs satisfy what is required of them and each tool's
answer what it ensures.  `Cunning` therefore looks ahead: where values are chosen it guesses all the
values of the group, follows the program to the assumptions that bind them, and repairs its guess
until they hold.  Its values are few, close together and taken from what the program speaks of:
plans go wrong where two keys are equal, a list is empty or full, a number is one off, a call fails.

What it promises: equal seeds give equal runs, in every process.  What it leaves out: it does not
always find a value where there is one; such a run is `Infeasible` and counts for nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from fractions import Fraction

from planproof.spec import core
from planproof.spec.core import (
    EnumValue,
    Expr,
    ListValue,
    MapValue,
    NoneValue,
    Op,
    OpaqueValue,
    RecordValue,
    SetValue,
    SomeValue,
    TupleValue,
    Value,
)
from planproof.spec.semantics import (
    Iterations,
    NoValue,
    children,
    conforms,
    default_value,
    evaluate,
    show,
)
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
    strip,
)

Store = dict[str, Value]


class Group:
    """Havocs that follow each other, the assignments among them, and what is assumed of them."""

    __slots__ = ("assumed", "failures", "havocs", "steps", "successes")

    def __init__(self) -> None:
        self.failures = (
            0  # guesses that came to nothing: little is spent where nothing is to be had
        )
        self.successes = 0
        self.havocs: list[core.Havoc] = []
        self.steps: list[core.Havoc | core.Assign] = []
        self.assumed: list[Expr] = []


def groups(program: core.Program) -> dict[int, Group]:
    """For the site of the first havoc of each group: the group."""
    found: dict[int, Group] = {}
    work: list[core.Statement] = [program.body]
    while work:
        at = work.pop()
        match at:
            case core.Seq(items):
                for i, item in enumerate(items):
                    before = items[i - 1] if i > 0 else None
                    if isinstance(item, core.Havoc) and not _belongs(before):
                        found[item.site] = _group(items[i:])
                work += [each for each in items if not isinstance(each, core.Havoc)]
            case core.If(_, then, otherwise):
                work += [then, otherwise]
            case core.Loop():
                work.append(at.body)
            case core.Try(_, body, handler):
                work += [body, handler]
            case core.Havoc():
                found.setdefault(at.site, _group((at,)))
            case _:
                pass
    return found


def _belongs(statement: core.Statement | None) -> bool:
    """Whether a havoc after `statement` is of a group that began before."""
    return isinstance(statement, core.Havoc)


def _group(items: tuple[core.Statement, ...]) -> Group:
    group = Group()
    for item in items:
        match item:
            case core.Havoc():
                if group.assumed:
                    break
                if item.role is core.Role.FAILS and group.havocs:
                    break
                group.havocs.append(item)
                group.steps.append(item)
                if item.role is core.Role.FAILS:
                    break
            case core.Assign():
                if group.assumed:
                    break
                group.steps.append(item)
            case core.Assume(condition):
                group.assumed += _conjuncts(condition)
            case core.Assert() | core.Skip():
                continue
            case _:
                break
    return group


def _conjuncts(expr: Expr) -> Iterator[Expr]:
    if isinstance(expr, core.Apply) and expr.op is Op.AND:
        for each in expr.arguments:
            yield from _conjuncts(each)
    else:
        yield expr


class Cunning:
    """See the module's header. `failing`: how probable it is that a call that may fail does."""

    def __init__(self, known: Known, seed: int) -> None:
        self.roll = random.Random(seed)  # noqa: S311 - the same guesses again
        self.known = known
        self.failing = self.roll.choice((0.0, 0.1, 0.3, 0.6))
        self.spread = self.roll.choice((0.1, 0.3, 0.6))  # how often a number is not a boundary
        self.size = self.roll.choice((0, 1, 2, 2, 3, 4))  # of the collections it likes
        self.keys = self.roll.choice((2, 3, 3, 4))
        self.plan: dict[int, Value] = {}
        self.memo: dict[tuple[str, tuple[Value, ...]], Value] = {}

    def choose(
        self, havoc: core.Havoc, _iterations: Iterations, store: Mapping[str, Value]
    ) -> Value:
        group = self.known.groups.get(havoc.site)
        if group is not None:
            self.plan = self.guess(group, dict(store))
        found = self.plan.get(havoc.site)
        if found is None:
            return self.value(havoc, havoc.type, self.numbers(store))
        return found

    def apply(self, function: str, arguments: tuple[Value, ...], type: Type) -> Value:
        key = (function, arguments)
        if key not in self.memo:
            self.memo[key] = self.of(type, [0, 1, 2, 3])
        return self.memo[key]

    # ---- a group together ----

    def guess(self, group: Group, store: Store) -> dict[int, Value]:
        best: dict[int, Value] = {}
        least = 1_000_000
        hopeless = group.failures > 4 * (group.successes + 1)
        for _ in range(1 if hopeless else _STARTS):
            values = self.first_guess(group, store)
            false = self.broken(group, store, values)
            for _ in range(_REPAIRS // 4 if hopeless else _REPAIRS):
                if not false:
                    group.successes += 1
                    return values
                changed = self.repaired(group, store, values, self.roll.choice(false))
                if changed is None:
                    continue
                still = self.broken(group, store, changed)
                if len(still) <= len(false):
                    values, false = changed, still
            if len(false) < least:
                best, least = values, len(false)
        group.failures += least > 0
        return best

    def first_guess(self, group: Group, store: Store) -> dict[int, Value]:
        values: dict[int, Value] = {}
        here = dict(store)
        for step in group.steps:
            if isinstance(step, core.Havoc):
                values[step.site] = self.value(step, step.type, self.numbers(here))
                here[step.target] = values[step.site]
            else:
                self.assign(step, here)
        return values

    def assign(self, step: core.Assign, here: Store) -> None:
        try:
            here[step.target] = evaluate(step.value, here, self.apply)
        except NoValue:
            here.pop(step.target, None)

    def after(self, group: Group, store: Store, values: dict[int, Value]) -> Store:
        here = dict(store)
        for step in group.steps:
            if isinstance(step, core.Havoc):
                here[step.target] = values[step.site]
            else:
                self.assign(step, here)
        return here

    def broken(self, group: Group, store: Store, values: dict[int, Value]) -> list[Expr]:
        here = self.after(group, store, values)
        return [each for each in group.assumed if not self.true(each, here)]

    def true(self, expr: Expr, here: Store) -> bool:
        try:
            return evaluate(expr, here, self.apply) is True
        except NoValue:
            return False

    def repaired(
        self, group: Group, store: Store, values: dict[int, Value], false: Expr
    ) -> dict[int, Value] | None:
        """The guess with one value changed so that `false` may become true."""
        here = self.after(group, store, values)
        while isinstance(false, core.Apply) and false.op in (Op.OR, Op.IMPLIES):
            false = false.arguments[-1] if self.roll.random() < 0.6 else false.arguments[0]
        names = {e.name for e in _within(false) if isinstance(e, core.Ref)}
        written = {
            step.target: {e.name for e in _within(step.value) if isinstance(e, core.Ref)}
            for step in group.steps
            if isinstance(step, core.Assign)
        }
        for _ in range(2):
            names |= {n for target, more in written.items() if target in names for n in more}
        able = [h for h in group.havocs if h.target in names]
        if not able:
            return None
        havoc = self.roll.choice(able)
        old = values[havoc.site]
        new = self.changed(old, havoc, false, here)
        if new is None or not self.fits(new, havoc.type):
            return None
        return {**values, havoc.site: new}

    def fits(self, value: Value, type: Type) -> bool:
        try:
            return conforms(value, type, self.apply)
        except NoValue:
            return False

    def changed(self, old: Value, havoc: core.Havoc, false: Expr, here: Store) -> Value | None:
        roll = self.roll
        sides: list[Value] = []
        if isinstance(false, core.Apply) and len(false.arguments) == 2:
            for each in false.arguments:
                try:
                    sides.append(evaluate(each, here, self.apply))
                except NoValue:
                    continue
        match old:
            case bool():
                return not old
            case int() | Fraction() if len(sides) == 2 and roll.random() < 0.8:
                one, other = sides
                if isinstance(one, int | Fraction) and isinstance(other, int | Fraction):
                    gap = one - other
                    moves = (
                        old - gap,
                        old + gap,
                        old - gap + 1,
                        old - gap - 1,
                        old + gap + 1,
                        old + gap - 1,
                    )
                    new: Value = roll.choice(moves)
                    return Fraction(new) if isinstance(old, Fraction) else new  # type: ignore[arg-type]
            case _:
                pass
        if isinstance(false, core.Quantified) and false.universal and roll.random() < 0.8:
            mended = self.mended(old, havoc.type, false, here)
            if mended is not None:
                return mended
        fitting = [s for s in sides if type(s) is type(old) and s != old]
        if fitting and roll.random() < 0.6:
            return roll.choice(fitting)
        if isinstance(old, ListValue) and old.items:
            at = roll.randrange(len(old.items))
            way = roll.random()
            if way < 0.35:
                return ListValue(old.items[:at] + old.items[at + 1 :])
            bare = strip(havoc.type)
            assert isinstance(bare, ListType)
            inner = self.of(bare.item, self.numbers(here))
            if isinstance(old.items[at], RecordValue) and way < 0.8:
                inner = self.field_changed(old.items[at], bare.item, here)
            return ListValue((*old.items[:at], inner, *old.items[at + 1 :]))
        if isinstance(old, RecordValue):
            return self.field_changed(old, havoc.type, here)
        if isinstance(old, MapValue | SetValue):
            return self.collection_changed(old, havoc.type, here)
        if isinstance(old, TupleValue):
            bare = strip(havoc.type)
            assert isinstance(bare, TupleType)
            at = roll.randrange(len(old.items))
            inner = self.of(bare.items[at], self.numbers(here))
            return TupleValue((*old.items[:at], inner, *old.items[at + 1 :]))
        return self.value(havoc, havoc.type, self.numbers(here))

    def mended(self, old: Value, type: Type, false: core.Quantified, here: Store) -> Value | None:
        """The collection with one of the items that make the universal false left out or mended."""

        def holds(item: Value, at: Store) -> bool:
            return self.true(false.body, {**at, false.variable.name: item})

        roll = self.roll
        if isinstance(old, ListValue):
            wrong = [i for i, item in enumerate(old.items) if not holds(item, here)]
            if not wrong:
                return None
            at = roll.choice(wrong)
            item = old.items[at]
            bare = strip(type)
            assert isinstance(bare, ListType)
            for _ in range(12):
                new = (
                    self.field_changed(item, bare.item, here)
                    if isinstance(item, RecordValue)
                    else self.of(bare.item, self.numbers(here))
                )
                if holds(new, here):
                    return ListValue((*old.items[:at], new, *old.items[at + 1 :]))
            return ListValue(old.items[:at] + old.items[at + 1 :])
        if isinstance(old, MapValue):
            bad = [
                k for k, _ in sorted(old.entries, key=lambda e: show(e[0])) if not holds(k, here)
            ]
            if not bad:
                return None
            key = roll.choice(bad)
            rest = frozenset(each for each in old.entries if each[0] != key)
            bare = strip(type)
            assert isinstance(bare, MapType)
            if roll.random() < 0.4:
                return MapValue(rest)
            return MapValue(rest | {(key, self.of(bare.value, self.numbers(here)))})
        return None

    def field_changed(self, old: Value, type: Type, here: Store) -> Value:
        bare = strip(type)
        assert isinstance(old, RecordValue)
        assert isinstance(bare, RecordType)
        at = self.roll.randrange(len(old.fields))
        new = self.of(bare.fields[at][1], self.numbers(here))
        return RecordValue(old.type, (*old.fields[:at], new, *old.fields[at + 1 :]))

    def collection_changed(self, old: Value, type: Type, here: Store) -> Value:
        """One member more or less: most often one that is in sight."""
        bare = strip(type)
        roll = self.roll
        if isinstance(old, SetValue):
            assert isinstance(bare, SetType)
            item = self.seen_or_new(bare.item, here)
            return SetValue(old.items - {item} if item in old.items else old.items | {item})
        assert isinstance(old, MapValue)
        assert isinstance(bare, MapType)
        key = self.seen_or_new(bare.key, here)
        rest = frozenset(each for each in old.entries if each[0] != key)
        if len(rest) < len(old.entries) and roll.random() < 0.35:
            return MapValue(rest)
        return MapValue(rest | {(key, self.of(bare.value, self.numbers(here)))})

    def seen_or_new(self, type: Type, here: Store) -> Value:
        if self.roll.random() < 0.7:
            seen = list(here.values())
            self.roll.shuffle(seen)
            for each in seen:
                if self.fits(each, type):
                    return each
        return self.of(type, self.numbers(here))

    # ---- one value ----

    def numbers(self, store: Mapping[str, Value]) -> list[int]:
        found = list(self.known.numbers)
        for value in store.values():
            if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGE:
                found.append(value)
            elif isinstance(value, MapValue) and self.roll.random() < 0.5:
                for _, each in sorted(value.entries, key=lambda e: show(e[0])):
                    if isinstance(each, int) and not isinstance(each, bool):
                        found.append(each)
        return found

    def value(self, havoc: core.Havoc, type: Type, numbers: list[int]) -> Value:
        if havoc.role is core.Role.FAILS:
            return self.roll.random() < (0.5 if "dirty" in havoc.target else self.failing)
        return self.of(type, numbers)

    def number(self, numbers: list[int]) -> int:
        roll = self.roll
        if roll.random() < self.spread:
            return roll.randint(-3, 8)
        one = roll.choice(numbers)
        way = roll.randint(0, 5)
        if way == 0:
            return one + roll.choice(numbers)
        if way == 1:
            return one - roll.choice(numbers)
        return one + roll.choice((-1, 0, 0, 1))

    def of(self, type: Type, numbers: list[int]) -> Value:
        roll = self.roll
        match type:
            case BoolType():
                return roll.random() < 0.5
            case IntType() | DateType() | TimeType():
                return self.number(numbers)
            case DecimalType():
                return Fraction(self.number(numbers), roll.choice((1, 1, 2, 4)))
            case TextType(bound):
                if self.known.texts and roll.random() < 0.6:
                    text = roll.choice(self.known.texts)
                    if len(text) <= bound:
                        return text
                return "".join(roll.choice("ab") for _ in range(roll.randint(0, min(bound, 4))))
            case OpaqueType(name):
                return OpaqueValue(name, roll.randrange(self.keys))
            case EnumType(name, members):
                return EnumValue(name, roll.choice(members))
            case RecordType(name, fields):
                return RecordValue(name, tuple([self.of(each, numbers) for _, each in fields]))
            case TupleType(items):
                return TupleValue(tuple([self.of(each, numbers) for each in items]))
            case OptionType(item):
                return NoneValue() if roll.random() < 0.35 else SomeValue(self.of(item, numbers))
            case ListType(item, bound):
                size = roll.choice((0, bound, roll.randint(0, bound), min(self.size, bound)))
                size = min(size, 6)
                made = [self.of(item, numbers) for _ in range(size)]
                if made and roll.random() < 0.3:
                    made[-1] = made[0]
                return ListValue(tuple(made))
            case SetType(item):
                return SetValue(frozenset([self.of(item, numbers) for _ in range(self.size)]))
            case MapType(key, mapped, bound):
                size = min(self.size + 1, 4 if bound is None else bound)
                pairs = {self.of(key, numbers): self.of(mapped, numbers) for _ in range(size)}
                return MapValue(frozenset(pairs.items()))
            case RefinedType(_, base, _):
                for _ in range(8 if isinstance(strip(base), IntType) else 80):
                    guess = self.of(base, numbers)
                    if self.fits(guess, type):
                        return guess
                if isinstance(strip(base), IntType):
                    for guess in (abs(self.number(numbers)), 1, 0, 2, 5):
                        if self.fits(guess, type):
                            return guess
                return default_value(type)
            case NeverType():
                raise ValueError("there is no value of no type")


class Known:
    """What a program speaks of, looked up once for all its runs."""

    __slots__ = ("groups", "numbers", "texts")

    def __init__(self, program: core.Program | None) -> None:
        self.groups = {} if program is None else groups(program)
        numbers, texts = {0: None, 1: None}, {"": None}
        for expr in () if program is None else _expressions(program.body):
            for each in _within(expr):
                if isinstance(each, core.Literal):
                    value = each.value
                    if (
                        isinstance(value, int)
                        and not isinstance(value, bool)
                        and abs(value) < _LARGE
                    ):
                        numbers[value] = None
                    elif isinstance(value, str):
                        texts[value] = None
        self.numbers = tuple(numbers)
        self.texts = tuple(texts)


def _expressions(statement: core.Statement) -> Iterator[Expr]:
    match statement:
        case core.Seq(items):
            for each in items:
                yield from _expressions(each)
        case core.Assign(_, value):
            yield value
        case core.Assume(condition) | core.Assert(condition):
            yield condition
        case core.If(test, then, otherwise):
            yield test
            yield from _expressions(then)
            yield from _expressions(otherwise)
        case core.Loop():
            yield statement.guard
            for invariant in statement.invariants:
                yield invariant.condition
            yield from _expressions(statement.body)
        case core.Try(_, body, handler):
            yield from _expressions(body)
            yield from _expressions(handler)
        case _:
            return


def _within(expr: Expr) -> Iterator[Expr]:
    work = [expr]
    while work:
        at = work.pop()
        yield at
        work += children(at)


_STARTS = 4
_REPAIRS = 50
_LARGE = 1_000
