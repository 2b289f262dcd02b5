"""The reference interpreter: what a core program means.

`run` executes a program against an adversary, who answers every `havoc` and interprets the
uninterpreted functions; `evaluate` gives an expression its value.  Both follow the definitions
word by word, so that they can be believed by reading them: no caching, no cleverness.  Every
counterexample is replayed here before it is shown, and every test of the verifier compares with it.

What it promises: the run is the one the core's semantics prescribes, or the outcome says why there
is none (`Infeasible`: an assumption is false or the adversary answered outside the type;
`Stuck`: an expression has no value; `OutOfFuel`).  It never raises for what a program does.

What it leaves out: `AllOf` over Int has no finite meaning.  It is refuted where one of the integers
in sight falsifies it and is `Undecided` otherwise.  Over an opaque type it is decided by the
elements in sight and one more that stands for all the others.

The idea is a definitional interpreter (J. Reynolds, "Definitional interpreters for higher-order
programming languages", ACM 1972) with exits as values, not as Python exceptions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Protocol, TypeAlias, assert_never

from planproof.spec.arithmetic import date_text, decimal_text, div, mod, time_text
from planproof.spec.core import (
    AllOf,
    Apply,
    Assert,
    Assign,
    Assume,
    Between,
    CallBegins,
    CallEnds,
    Conditional,
    Domain,
    Ended,
    EnumValue,
    Exit,
    Expr,
    FieldOf,
    First,
    FirstItems,
    Havoc,
    If,
    Items,
    ListValue,
    Literal,
    Loop,
    Make,
    MapValue,
    Mark,
    NoneValue,
    Op,
    OpaqueValue,
    Program,
    Quantified,
    Raise,
    Reached,
    RecordValue,
    Ref,
    Role,
    Seq,
    SetValue,
    Skip,
    SomeValue,
    Statement,
    Tag,
    Total,
    Try,
    TupleValue,
    Uninterpreted,
    Unsupported,
    Value,
    WithField,
)
from planproof.spec.limits import DEFAULT, Limits
from planproof.spec.node import node
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
from planproof.spec.types import show as show_type

# ---- what a run is -------------------------------------------------------------------------------

#   ValueError
#     NoValue       an expression has no value
#       Undefined   a partial operation outside its domain
#       Undecided   a quantifier that finitely many evaluations do not settle


class NoValue(ValueError):
    """An expression has no value in this store."""


class Undefined(NoValue):
    """A partial operation was applied outside its domain."""


class Undecided(NoValue):
    """A quantifier over infinitely many values is not settled by those in sight."""


Functions: TypeAlias = Callable[[str, tuple[Value, ...], Type], Value]
"""Interprets uninterpreted functions, by name, arguments and result type; each is a function."""

Iterations: TypeAlias = tuple[int, ...]
"""Finished iterations of the loops around a statement, the outermost first."""


class Adversary(Protocol):
    """Whoever chooses inputs, the world, failures, results and uninterpreted functions."""

    def choose(self, havoc: Havoc, iterations: Iterations, store: Mapping[str, Value]) -> Value: ...

    def apply(self, function: str, arguments: tuple[Value, ...], type: Type) -> Value: ...


@node
class Finished:
    """The run came to an end; `result` is None where there is none, `reason` is of an abort."""

    result: Value | None
    aborted: bool
    reason: str


@node
class Violated:
    """The obligation `tag` does not hold in this run."""

    tag: Tag


@node
class Infeasible:
    """No run of the program: an assumption is false, or a choice is not of its type."""

    reason: str


@node
class Stuck:
    """An expression has no value, or the program is broken."""

    reason: str


@node
class OutOfFuel:
    """The run took more steps than the limit allows."""


RunOutcome: TypeAlias = Finished | Violated | Infeasible | Stuck | OutOfFuel


@node
class Event:
    """A mark that the run passed, and what was so at that moment.

    `arguments` are those of a call that begins, `result` is that of a call that returned or of the
    end; `state` and `resources` are pairs of what a person calls it and its value.
    """

    mark: Mark
    iterations: Iterations
    arguments: tuple[tuple[str, Value], ...]
    result: Value | None
    state: tuple[tuple[str, Value], ...]
    resources: tuple[tuple[str, Value], ...]


@node
class Choice:
    """One answer of the adversary."""

    havoc: Havoc
    iterations: Iterations
    value: Value


@node
class Run:
    """What happened: `reached` are the ids of the witness tags passed, in the order of passing.

    `store` is the last one; where the outcome is a violation it is the state of that moment.
    """

    outcome: RunOutcome
    trace: tuple[Event, ...]
    reached: tuple[int, ...]
    inputs: tuple[tuple[str, Value], ...]
    initial: tuple[tuple[str, Value], ...]
    choices: tuple[Choice, ...]
    functions: tuple[tuple[str, tuple[Value, ...], Value], ...]
    steps: int
    store: Mapping[str, Value]
    asserted: tuple[
        int, ...
    ] = ()  # ids of the tags of assertions that were tested, violated or not


def run(
    program: Program,
    adversary: Adversary,
    limits: Limits = DEFAULT,
    settled: frozenset[int] = frozenset(),
    traced: bool = True,
) -> Run:
    """The one run of `program` against `adversary`; at most `limits.replay_steps_max` steps.

    `settled` are ids of obligations that are known to hold: where one of them can't be evaluated
    (`forall k: Int`), the run goes on instead of being stuck. Without `traced` the run has no trace
    and no choices: a run of 10,000 calls has 20,000 events, and a witness needs none of them.

    Never raises for what the program does; what the adversary raises passes through.
    """
    machine = _Machine(program, adversary, limits, settled, traced)
    outcome: RunOutcome
    try:
        leftover = machine.execute(program.body)
        if leftover is None:
            outcome = machine.ended or Finished(None, False, "")
        else:
            outcome = Stuck(f"nothing catches the exit `{leftover.value}`")
    except _Stop as stop:
        outcome = stop.outcome
    except NoValue as reason:
        outcome = Stuck(str(reason))
    return Run(
        outcome,
        tuple(machine.trace),
        tuple(machine.reached),
        tuple((each.shown, machine.inputs[each.name]) for each in program.parameters
              if each.name in machine.inputs),
        tuple((each.shown, machine.initial[each.name]) for each in program.state
              if each.name in machine.initial),
        tuple(machine.choices),
        tuple((name, arguments, value) for (name, arguments), value in machine.memo.items()),
        machine.steps,
        machine.store,
        tuple(machine.asserted),
    )


class _Stop(Exception):
    """The run is over, from wherever we are."""

    def __init__(self, outcome: RunOutcome) -> None:
        super().__init__()
        self.outcome = outcome


class _Machine:
    def __init__(
        self,
        program: Program,
        adversary: Adversary,
        limits: Limits,
        settled: frozenset[int],
        traced: bool,
    ) -> None:
        self.traced = traced
        self.settled = settled
        self.program = program
        self.adversary = adversary
        self.fuel = limits.replay_steps_max
        self.steps = 0
        self.store: dict[str, Value] = {}
        self.iterations: Iterations = ()
        self.memo: dict[tuple[str, tuple[Value, ...]], Value] = {}
        self.trace: list[Event] = []
        self.reached: dict[int, None] = {}
        self.asserted: dict[int, None] = {}
        self.inputs: dict[str, Value] = {}
        self.initial: dict[str, Value] = {}
        self.choices: list[Choice] = []
        self.ended: Finished | None = None

    def execute(self, statement: Statement) -> Exit | None:
        """Runs the statement; the exit it raises, or None where it ends normally."""
        if not isinstance(statement, Skip | Seq | Try):
            self.step()
        match statement:
            case Skip(mark):
                if mark is not None:
                    self.record(mark)
                return None
            case Assign(target, value):
                self.store[target] = self.value(value)
                return None
            case Havoc():
                self.havoc(statement)
                return None
            case Assume(condition, kind, clause):
                if not self.holds(condition):
                    raise _Stop(Infeasible(f"{kind} `{clause.one_line}` is false"))
                return None
            case Assert(condition, tag):
                self.asserted[tag.id] = None
                try:
                    held = self.holds(condition)
                except Undecided:
                    if tag.id not in self.settled:
                        raise
                    held = True
                if not held:
                    raise _Stop(Violated(tag))
                return None
            case Seq(items):
                for each in items:
                    exit = self.execute(each)
                    if exit is not None:
                        return exit
                return None
            case If(test, then, otherwise):
                return self.execute(then if self.holds(test) else otherwise)
            case Loop():
                return self.loop(statement)
            case Raise(exit):
                return exit
            case Try(caught, body, handler):
                raised = self.execute(body)
                return self.execute(handler) if raised is caught else raised
            case _:
                assert_never(statement)

    def loop(self, loop: Loop) -> Exit | None:
        """The loop, each of its obligations tested where it is owed."""
        self.store[loop.counter] = 0
        for invariant in loop.invariants:
            if not self.holds(invariant.condition):
                raise _Stop(Violated(invariant.entry))
        variant = self.integer(loop.variant)
        if variant > loop.bound:
            raise self.broken_bound(loop.fits)
        finished = 0
        while self.holds(loop.guard):
            if variant < 1:
                raise self.broken_bound(loop.positive)
            around = self.iterations
            self.iterations = (*around, finished)
            exit = self.execute(loop.body)
            self.iterations = around
            if exit is not None:
                return exit
            self.step()
            finished += 1
            self.store[loop.counter] = finished
            for invariant in loop.invariants:
                if not self.holds(invariant.condition):
                    raise _Stop(Violated(invariant.step))
            after = self.integer(loop.variant)
            if not after < variant:
                raise self.broken_bound(loop.decreases)
            variant = after
        return None

    def broken_bound(self, tag: Tag | None) -> _Stop:
        # A variant of at most `bound`, at least 1 and strictly smaller each time allows at most
        # `bound` iterations, so no count of them is needed.
        return _Stop(Stuck("a loop breaks its own bound") if tag is None else Violated(tag))

    def havoc(self, havoc: Havoc) -> None:
        value = self.adversary.choose(havoc, self.iterations, self.store)
        if not conforms(value, havoc.type, self.function):
            raise _Stop(
                Infeasible(f"`{havoc.shown}` can't be {show(value)}: not a {show_type(havoc.type)}")
            )
        self.store[havoc.target] = value
        if self.traced:
            self.choices.append(Choice(havoc, self.iterations, value))
        if havoc.role is Role.INPUT:
            self.inputs[havoc.target] = value
        elif havoc.role is Role.INITIAL:
            self.initial[havoc.target] = value

    def record(self, mark: Mark) -> None:
        arguments: tuple[tuple[str, Value], ...] = ()
        result: Value | None = None
        match mark:
            case CallBegins():
                if self.traced:
                    arguments = tuple((name, self.value(each)) for name, each in mark.arguments)
                witness = mark.witness
            case CallEnds():
                result = None if mark.result is None else self.read(mark.result)
                witness = mark.witness
            case Reached():
                witness = mark.witness
            case Ended():
                result = None if mark.result is None else self.read(mark.result)
                witness = None
                self.ended = Finished(result, mark.aborted, mark.reason)
            case _:
                assert_never(mark)
        if witness is not None:
            self.reached[witness.id] = None
        if not self.traced:
            return
        self.trace.append(
            Event(
                mark,
                self.iterations,
                arguments,
                result,
                tuple((each.shown, self.store[each.name]) for each in self.program.state
                      if each.name in self.store),
                tuple((each.resource, self.store[each.counter]) for each in self.program.resources
                      if each.counter in self.store),
            )
        )

    def step(self) -> None:
        self.steps += 1
        if self.steps > self.fuel:
            raise _Stop(OutOfFuel())

    def read(self, name: str) -> Value:
        if name not in self.store:
            raise Undefined(f"`{name}` has no value yet")
        return self.store[name]

    def function(self, name: str, arguments: tuple[Value, ...], type: Type) -> Value:
        key = (name, arguments)
        if key not in self.memo:
            value = self.adversary.apply(name, arguments, type)
            self.memo[key] = value
            if not conforms(value, type, self.function):
                raise _Stop(Infeasible(f"`{name}` can't give {show(value)}"))
        return self.memo[key]

    def value(self, expr: Expr) -> Value:
        return evaluate(expr, self.store, self.function)

    def holds(self, expr: Expr) -> bool:
        return _bool(self.value(expr))

    def integer(self, expr: Expr) -> int:
        return _int(self.value(expr))


# ---- expressions ---------------------------------------------------------------------------------


def no_functions(function: str, _arguments: tuple[Value, ...], _type: Type) -> Value:
    """For expressions without uninterpreted functions."""
    raise Undecided(f"nobody says what `{function}` is")


def evaluate(
    expr: Expr, store: Mapping[str, Value], functions: Functions = no_functions
) -> Value:
    """The value of `expr`; raises `Undefined` or `Undecided` where there is none.

    The body of a quantifier, aggregate or search is evaluated for every item, also where an
    earlier one settles the matter: a partial operation in it is owed for all of them.
    """
    match expr:
        case Literal(value):
            return value
        case Ref(name):
            if name not in store:
                raise Undefined(f"`{name}` has no value yet")
            return store[name]
        case Apply():
            return _apply(expr, store, functions)
        case Conditional(test, then, otherwise):
            chosen = then if _bool(evaluate(test, store, functions)) else otherwise
            return evaluate(chosen, store, functions)
        case Make(items, type):
            values = tuple(evaluate(each, store, functions) for each in items)
            match strip(type):
                case RecordType(name):
                    return RecordValue(name, values)
                case TupleType():
                    return TupleValue(values)
                case ListType():
                    return ListValue(values)
                case SetType():
                    return SetValue(frozenset(values))
            raise Undefined(f"nothing of type {show_type(type)} is made from parts")
        case FieldOf(operand, name):
            whole = evaluate(operand, store, functions)
            if isinstance(whole, TupleValue):
                return whole.items[int(name)]
            return _record(whole).fields[_position(operand.type, name)]
        case WithField(operand, name, value):
            record = _record(evaluate(operand, store, functions))
            at = _position(operand.type, name)
            new = evaluate(value, store, functions)
            return RecordValue(record.type, (*record.fields[:at], new, *record.fields[at + 1 :]))
        case Quantified():
            return _quantified(expr, store, functions)
        case Total(variable, domain, test, body, type):
            total: Value = Fraction(0) if isinstance(strip(type), DecimalType) else 0
            for item in _domain(domain, store, functions):
                inner = {**store, variable.name: item}
                if test is None or _bool(evaluate(test, inner, functions)):
                    total = _number(total) + _number(evaluate(body, inner, functions))
            return total
        case First(variable, domain, test):
            found: Value = NoneValue()
            for item in _domain(domain, store, functions):
                passes = _bool(evaluate(test, {**store, variable.name: item}, functions))
                if passes and isinstance(found, NoneValue):
                    found = SomeValue(item)
            return found
        case Uninterpreted(function, arguments, type):
            values = tuple(evaluate(each, store, functions) for each in arguments)
            return functions(function, values, type)
        case Unsupported(what):
            raise Undecided(f"`{what}` is not verified yet")
        case _:
            assert_never(expr)


def _apply(expr: Apply, store: Mapping[str, Value], functions: Functions) -> Value:
    def of(at: int) -> Value:
        return evaluate(expr.arguments[at], store, functions)

    match expr.op:
        case Op.AND:
            return all(_bool(of(at)) for at in range(len(expr.arguments)))
        case Op.OR:
            return any(_bool(of(at)) for at in range(len(expr.arguments)))
        case Op.IMPLIES:
            return not _bool(of(0)) or _bool(of(1))
        case Op.NOT:
            return not _bool(of(0))
        case Op.EQ:
            return of(0) == of(1)
        case Op.NE:
            return of(0) != of(1)
        case Op.LT:
            return _number(of(0)) < _number(of(1))
        case Op.LE:
            return _number(of(0)) <= _number(of(1))
        case Op.GT:
            return _number(of(0)) > _number(of(1))
        case Op.GE:
            return _number(of(0)) >= _number(of(1))
        case Op.ADD:
            return _number(of(0)) + _number(of(1))
        case Op.SUB:
            return _number(of(0)) - _number(of(1))
        case Op.MUL:
            return _number(of(0)) * _number(of(1))
        case Op.NEG:
            return -_number(of(0))
        case Op.DIV | Op.MOD:
            dividend, divisor = _int(of(0)), _int(of(1))
            if divisor == 0:
                raise Undefined(f"division by zero in `{_text(expr)}`")
            return div(dividend, divisor) if expr.op is Op.DIV else mod(dividend, divisor)
        case Op.QUOTIENT:
            above, below = Fraction(_number(of(0))), Fraction(_number(of(1)))
            if below == 0:
                raise Undefined(f"division by zero in `{_text(expr)}`")
            return above / below
        case Op.TO_DECIMAL:
            return Fraction(_number(of(0)))
        case Op.MIN:
            smallest: int | Fraction = min([_number(of(at)) for at in range(len(expr.arguments))])
            return smallest
        case Op.MAX:
            largest: int | Fraction = max([_number(of(at)) for at in range(len(expr.arguments))])
            return largest
        case Op.ABS:
            signed = _number(of(0))
            return signed if signed >= 0 else -signed
        case Op.CONCAT:
            return _str(of(0)) + _str(of(1))
        case Op.TEXT_OF:
            return text_of_value(of(0), expr.arguments[0].type)
        case Op.TEXT_LEN:
            return len(_str(of(0)))
        case Op.CONTAINS | Op.STARTS_WITH | Op.ENDS_WITH | Op.MATCHES:
            return text_test(expr.op, _str(of(0)), _str(of(1)))
        case Op.LIST_LEN:
            return len(_list(of(0)).items)
        case Op.LIST_GET:
            items, at = _list(of(0)).items, _int(of(1))
            if not 0 <= at < len(items):
                raise Undefined(f"no item {at} of {len(items)} in `{_text(expr)}`")
            return items[at]
        case Op.LIST_APPEND:
            return ListValue((*_list(of(0)).items, of(1)))
        case Op.LIST_HAS:
            return of(1) in _list(of(0)).items
        case Op.SET_HAS:
            return of(1) in _set(of(0)).items
        case Op.SET_ADD:
            return SetValue(_set(of(0)).items | {of(1)})
        case Op.SET_REMOVE:
            return SetValue(_set(of(0)).items - {of(1)})
        case Op.MAP_HAS:
            return _map(of(0)).get(of(1)) is not None
        case Op.MAP_GET:
            key = of(1)
            found = _map(of(0)).get(key)
            if found is None:
                raise Undefined(f"no key {show(key)} in `{_text(expr)}`")
            return found
        case Op.MAP_PUT:
            entries, key, new = _map(of(0)).entries, of(1), of(2)
            return MapValue(frozenset(each for each in entries if each[0] != key) | {(key, new)})
        case Op.MAP_REMOVE:
            entries, key = _map(of(0)).entries, of(1)
            return MapValue(frozenset(each for each in entries if each[0] != key))
        case Op.MAP_SUM:
            zero = Fraction(0) if isinstance(strip(expr.type), DecimalType) else 0
            return sum((_number(value) for _, value in _map(of(0)).entries), zero)
        case Op.SOME:
            return SomeValue(of(0))
        case Op.IS_SOME:
            return isinstance(of(0), SomeValue)
        case Op.VALUE_OF:
            option = of(0)
            if not isinstance(option, SomeValue):
                raise Undefined(f"no value in `{_text(expr)}`")
            return option.item
        case _:
            assert_never(expr.op)


def _domain(domain: Domain, store: Mapping[str, Value], functions: Functions) -> list[Value]:
    """The values of a finite domain, of sets and maps in a fixed order."""
    match domain:
        case Items(collection):
            whole = evaluate(collection, store, functions)
            match whole:
                case ListValue(items):
                    return list(items)
                case SetValue(members):
                    return sorted(members, key=_order)
                case MapValue(entries):
                    return sorted((key for key, _ in entries), key=_order)
            raise Undefined(f"{show(whole)} has no items")
        case FirstItems(collection, count):
            items = _list(evaluate(collection, store, functions)).items
            return list(items[: max(0, _int(evaluate(count, store, functions)))])
        case Between(low, high):
            start = _int(evaluate(low, store, functions))
            return list(range(start, _int(evaluate(high, store, functions))))
        case AllOf(type):
            raise Undecided(f"no run goes through every {show_type(type)}")
        case _:
            assert_never(domain)


def _quantified(expr: Quantified, store: Mapping[str, Value], functions: Functions) -> bool:
    if isinstance(expr.domain, AllOf):
        return _for_all_of(expr, expr.domain.type, store, functions)
    values = [
        _bool(evaluate(expr.body, {**store, expr.variable.name: item}, functions))
        for item in _domain(expr.domain, store, functions)
    ]
    return all(values) if expr.universal else any(values)


def _for_all_of(
    expr: Quantified, type: Type, store: Mapping[str, Value], functions: Functions
) -> bool:
    """A quantifier over every value of an opaque type or of Int.

    One value in sight may settle it (the second half of this function looks for that one).  If none
    does, an opaque type is settled by the element that stands for all others, as long as no
    uninterpreted function tells them apart: then nothing but (dis)equality sees the difference.
    """
    asked: list[Value] = []

    def listening(function: str, arguments: tuple[Value, ...], result: Type) -> Value:
        value = functions(function, arguments, result)
        asked.extend((*arguments, value))
        return value

    base = strip(type)
    if isinstance(base, OpaqueType):
        seen = {
            each.index
            for value in store.values()
            for each in _parts(value)
            if isinstance(each, OpaqueValue) and each.type == base.name
        }
        for index in (*sorted(seen), _unused(seen)):
            here = {**store, expr.variable.name: OpaqueValue(base.name, index)}
            if _bool(evaluate(expr.body, here, listening)) != expr.universal:
                return not expr.universal
        if not asked:
            return expr.universal
    elif isinstance(base, IntType):
        near = {0}
        for value in (*store.values(), *_literals(expr.body)):
            for each in _parts(value):
                if isinstance(each, int) and not isinstance(each, bool):
                    near |= {each - 1, each, each + 1}
        for number in sorted(near):
            here = {**store, expr.variable.name: number}
            if not conforms(number, type, functions):
                continue
            if _bool(evaluate(expr.body, here, functions)) != expr.universal:
                return not expr.universal
    raise Undecided(f"`{_text(expr)}` speaks of infinitely many values")


def _unused(indices: set[int]) -> int:
    return max(indices, default=-1) + 1


def _parts(value: Value) -> Iterator[Value]:
    """The value and everything in it."""
    yield value
    match value:
        case RecordValue(_, inner) | TupleValue(inner) | ListValue(inner):
            for each in inner:
                yield from _parts(each)
        case SetValue(members):
            for each in members:
                yield from _parts(each)
        case SomeValue(item):
            yield from _parts(item)
        case MapValue(entries):
            for key, mapped in entries:
                yield from _parts(key)
                yield from _parts(mapped)


def _literals(expr: Expr) -> Iterator[Value]:
    """The constants written in the expression."""
    pending: list[Expr] = [expr]
    while pending:
        each = pending.pop()
        if isinstance(each, Literal):
            yield each.value
        pending += children(each)


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct sub-expressions, in order of evaluation, those of a domain included."""
    match expr:
        case Literal() | Ref() | Unsupported():
            return ()
        case Apply(_, arguments) | Make(arguments) | Uninterpreted(_, arguments):
            return arguments
        case Conditional(test, then, otherwise):
            return test, then, otherwise
        case FieldOf(operand):
            return (operand,)
        case WithField(operand, _, value):
            return operand, value
        case Quantified(_, _, domain, body):
            return *domain_children(domain), body
        case Total(_, domain, test, body):
            return (*domain_children(domain), *(() if test is None else (test,)), body)
        case First(_, domain, test):
            return *domain_children(domain), test
        case _:
            assert_never(expr)


def domain_children(domain: Domain) -> tuple[Expr, ...]:
    match domain:
        case Items(collection):
            return (collection,)
        case FirstItems(collection, count):
            return collection, count
        case Between(low, high):
            return low, high
        case AllOf():
            return ()
        case _:
            assert_never(domain)


def _text(expr: Expr) -> str:
    return expr.span.one_line or "an expression that no text says"


def text_of_value(value: Value, type: Type) -> str:
    """`text(e)` for a number, date, time or enum member; different values have different texts."""
    match value, strip(type):
        case EnumValue(_, member), _:
            return member
        case int(), DateType():
            return date_text(value)
        case int(), TimeType():
            return time_text(value)
        case str(), _:
            return value
        case _:
            return show(value)


def text_test(op: Op, text: str, part: str) -> bool:
    """`contains`, `starts_with`, `ends_with` and `matches` (of the whole text) on constants."""
    match op:
        case Op.CONTAINS:
            return part in text
        case Op.STARTS_WITH:
            return text.startswith(part)
        case Op.ENDS_WITH:
            return text.endswith(part)
        case Op.MATCHES:
            import re  # seldom used, and not free to import

            # The escapes \d, \w, \s are ASCII in the language.
            return re.fullmatch(part, text, re.ASCII) is not None
    raise ValueError(f"{op.value} does not test a text")


def _position(type: Type, field: str) -> int:
    record = strip(type)
    if not isinstance(record, RecordType):
        raise Undefined(f"{show_type(type)} has no field `{field}`")
    return next(at for at, (name, _) in enumerate(record.fields) if name == field)


# An ill-typed tree is a fault of ours, and must not pass for a violation or a proof.


def _bool(value: Value) -> bool:
    if not isinstance(value, bool):
        raise Undefined(f"{show(value)} is not a truth value")
    return value


def _int(value: Value) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Undefined(f"{show(value)} is not an integer")
    return value


def _number(value: Value) -> int | Fraction:
    if not isinstance(value, int | Fraction) or isinstance(value, bool):
        raise Undefined(f"{show(value)} is not a number")
    return value


def _str(value: Value) -> str:
    if not isinstance(value, str):
        raise Undefined(f"{show(value)} is not a text")
    return value


def _list(value: Value) -> ListValue:
    if not isinstance(value, ListValue):
        raise Undefined(f"{show(value)} is not a list")
    return value


def _set(value: Value) -> SetValue:
    if not isinstance(value, SetValue):
        raise Undefined(f"{show(value)} is not a set")
    return value


def _map(value: Value) -> MapValue:
    if not isinstance(value, MapValue):
        raise Undefined(f"{show(value)} is not a map")
    return value


def _record(value: Value) -> RecordValue:
    if not isinstance(value, RecordValue):
        raise Undefined(f"{show(value)} is not a record")
    return value


# ---- values and types ----------------------------------------------------------------------------


def conforms(value: Value, type: Type, functions: Functions = no_functions) -> bool:
    """Whether `value` is of `type`, refinements and bounds of everything in it included.

    Raises `NoValue` where a refinement's predicate has no value.
    """
    match type:
        case BoolType():
            return isinstance(value, bool)
        case IntType() | DateType() | TimeType():
            return isinstance(value, int) and not isinstance(value, bool)
        case DecimalType():
            return isinstance(value, Fraction)
        case TextType(max):
            return (
                isinstance(value, str)
                and len(value) <= max
                and not any("\ud800" <= each <= "\udfff" for each in value)
            )
        case OpaqueType(name):
            return isinstance(value, OpaqueValue) and value.type == name
        case EnumType(name, members):
            return isinstance(value, EnumValue) and value.type == name and value.member in members
        case RecordType(name, fields):
            return (
                isinstance(value, RecordValue)
                and value.type == name
                and len(value.fields) == len(fields)
                and all(
                    conforms(each, expected, functions)
                    for each, (_, expected) in zip(value.fields, fields, strict=True)
                )
            )
        case TupleType(items):
            return (
                isinstance(value, TupleValue)
                and len(value.items) == len(items)
                and all(
                    conforms(each, expected, functions)
                    for each, expected in zip(value.items, items, strict=True)
                )
            )
        case OptionType(item):
            return isinstance(value, NoneValue) or (
                isinstance(value, SomeValue) and conforms(value.item, item, functions)
            )
        case ListType(item, max):
            return (
                isinstance(value, ListValue)
                and len(value.items) <= max
                and all(conforms(each, item, functions) for each in value.items)
            )
        case SetType(item):
            return isinstance(value, SetValue) and all(
                conforms(each, item, functions) for each in value.items
            )
        case MapType(key, mapped, bound):
            return (
                isinstance(value, MapValue)
                and (bound is None or len(value.entries) <= bound)
                and len({each for each, _ in value.entries}) == len(value.entries)
                and all(
                    conforms(k, key, functions) and conforms(v, mapped, functions)
                    for k, v in value.entries
                )
            )
        case RefinedType(_, base, predicate):
            return conforms(value, base, functions) and _bool(
                evaluate(predicate, {"self": value}, functions)
            )
        case NeverType():
            return False
        case _:
            assert_never(type)


def default_value(type: Type) -> Value:
    """A smallest value of the type.

    For a refinement a few small values are tried; where none conforms it is that of the base, so
    the caller who needs a value of the type asks `conforms`.
    """
    match type:
        case BoolType():
            return False
        case IntType() | DateType() | TimeType():
            return 0
        case DecimalType():
            return Fraction(0)
        case TextType():
            return ""
        case OpaqueType(name):
            return OpaqueValue(name, 0)
        case EnumType(name, members):
            return EnumValue(name, members[0])
        case RecordType(name, fields):
            return RecordValue(name, tuple(default_value(each) for _, each in fields))
        case TupleType(items):
            return TupleValue(tuple(map(default_value, items)))
        case OptionType():
            return NoneValue()
        case ListType():
            return ListValue(())
        case SetType():
            return SetValue(frozenset())
        case MapType():
            return MapValue(frozenset())
        case RefinedType(_, base, predicate):
            for candidate in (default_value(base), *_near_constants(base, predicate)):
                try:
                    if conforms(candidate, type):
                        return candidate
                except NoValue:
                    continue
            return default_value(base)
        case NeverType():
            raise ValueError("there is no value of no type")
        case _:
            assert_never(type)


def _near_constants(base: Type, predicate: Expr) -> Iterator[Value]:
    """The constants of a predicate and their neighbours: where a bound is, a value is near."""
    plain = strip(base)
    for value in (1, -1, *_literals(predicate)):
        match value, plain:
            case bool(), _:
                continue
            case int(), IntType() | DateType() | TimeType():
                yield from (value, value + 1, value - 1)
            case int() | Fraction(), DecimalType():
                yield from (Fraction(value), Fraction(value) + 1, Fraction(value) - 1)
            case int(), TextType(max) if 0 < value <= max:
                yield "a" * value
            case int(), ListType(item, max) if 0 < value <= min(max, 1_000):
                yield ListValue((default_value(item),) * value)
            case str() | EnumValue(), _:
                yield value


def show(value: Value, type: Type | None = None) -> str:
    """The value as it is written in the language; opaque elements are `Account!0`.

    With `type`, records show the names of their fields, and dates and times are dates and times.
    """
    plain = None if type is None else strip(type)
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            if isinstance(plain, DateType):
                return f'date("{date_text(value)}")'
            if isinstance(plain, TimeType):
                return f'time("{time_text(value)}")'
            return str(value)
        case Fraction():
            return decimal_text(value)
        case str():
            return json.dumps(value, ensure_ascii=False)
        case OpaqueValue(name, index):
            return f"{name}!{index}"
        case EnumValue(name, member):
            return f"{name}.{member}"
        case RecordValue(name, fields):
            if isinstance(plain, RecordType):
                shown = (
                    f"{field}: {show(each, inner)}"
                    for each, (field, inner) in zip(fields, plain.fields, strict=True)
                )
                return f"{name}({', '.join(shown)})"
            return f"{name}({', '.join(map(show, fields))})"
        case TupleValue(items):
            inners = plain.items if isinstance(plain, TupleType) else (None,) * len(items)
            return f"({', '.join(map(show, items, inners))})"
        case NoneValue():
            return "none"
        case SomeValue(item):
            return f"some({show(item, plain.item if isinstance(plain, OptionType) else None)})"
        case ListValue(items):
            inner = plain.item if isinstance(plain, ListType) else None
            return f"[{', '.join(show(each, inner) for each in items)}]"
        case SetValue(members):
            inner = plain.item if isinstance(plain, SetType) else None
            return f"{{{', '.join(show(each, inner) for each in sorted(members, key=_order))}}}"
        case MapValue():
            keys, values = (plain.key, plain.value) if isinstance(plain, MapType) else (None, None)
            pairs = (
                f"{show(key, keys)}: {show(each, values)}" for key, each in map_entries(value)
            )
            return f"{{{', '.join(pairs)}}}"
        case _:
            assert_never(value)


Json: TypeAlias = bool | int | str | list["Json"] | dict[str, "Json"] | None


def to_json(value: Value, type: Type | None = None) -> Json:
    """The value for a machine: decimals, opaque elements and (with `type`) dates are text.

    A record is an object where `type` gives the names of its fields, a list otherwise; the keys
    of a map are text as they are, anything else as `show` writes it.
    """
    plain = None if type is None else strip(type)
    match value:
        case bool():
            return value
        case int():
            if isinstance(plain, DateType):
                return date_text(value)
            return time_text(value) if isinstance(plain, TimeType) else value
        case str():
            return value
        case Fraction():
            return decimal_text(value)
        case OpaqueValue():
            return show(value)
        case EnumValue(_, member):
            return member
        case RecordValue(_, fields):
            if isinstance(plain, RecordType):
                return {
                    field: to_json(each, inner)
                    for each, (field, inner) in zip(fields, plain.fields, strict=True)
                }
            return [to_json(each) for each in fields]
        case TupleValue(items):
            inners = plain.items if isinstance(plain, TupleType) else (None,) * len(items)
            return [to_json(each, inner) for each, inner in zip(items, inners, strict=True)]
        case NoneValue():
            return None
        case SomeValue(item):
            return to_json(item, plain.item if isinstance(plain, OptionType) else None)
        case ListValue(items):
            inner = plain.item if isinstance(plain, ListType) else None
            return [to_json(each, inner) for each in items]
        case SetValue(members):
            inner = plain.item if isinstance(plain, SetType) else None
            return [to_json(each, inner) for each in sorted(members, key=_order)]
        case MapValue():
            keys, values = (plain.key, plain.value) if isinstance(plain, MapType) else (None, None)
            return {
                key if isinstance(key, str) else show(key, keys): to_json(each, values)
                for key, each in map_entries(value)
            }
        case _:
            assert_never(value)


def map_entries(value: MapValue) -> list[tuple[Value, Value]]:
    """The entries in the order of their keys, the same in every process."""
    return sorted(value.entries, key=lambda entry: _order(entry[0]))


def _order(value: Value) -> tuple[int, int | Fraction, str]:
    """A fixed order of the values of one type: numbers and elements by size, the rest by text."""
    match value:
        case int() | Fraction():
            return 0, value, ""
        case OpaqueValue(name, index):
            return 1, index, name
        case _:
            return 2, 0, show(value)


# ---- an adversary that reads from a script -------------------------------------------------------


class ScriptedAdversary:
    """Answers from a table by (site, iterations), then by `default`.

    `functions` interprets the uninterpreted ones by (name, arguments).  Without a `default`, what
    the script does not say is the smallest value of its type.
    """

    def __init__(
        self,
        script: Mapping[tuple[int, Iterations], Value],
        default: Adversary | None = None,
        functions: Mapping[tuple[str, tuple[Value, ...]], Value] | None = None,
    ) -> None:
        self._script = script
        self._default = default
        self._functions = functions or {}

    def choose(self, havoc: Havoc, iterations: Iterations, store: Mapping[str, Value]) -> Value:
        scripted = self._script.get((havoc.site, iterations))
        if scripted is not None:
            return scripted
        if self._default is not None:
            return self._default.choose(havoc, iterations, store)
        return default_value(havoc.type)

    def apply(self, function: str, arguments: tuple[Value, ...], type: Type) -> Value:
        scripted = self._functions.get((function, arguments))
        if scripted is not None:
            return scripted
        if self._default is not None:
            return self._default.apply(function, arguments, type)
        return default_value(type)
