"""What evaluating an expression owes, and what a value owes to enter a type.

`owed(e)` lists, in order of evaluation, a condition for each partial operation in `e` (kind
`defined`) and for each value that enters a refined or bounded type in it (kind `refinement`).
What stands to the left in `&&`, `||`, `==>` and a conditional guards what stands to the right, so

    owed(a && b)                =  owed(a),  a ==> owed(b)
    owed(a || b)                =  owed(a),  !a ==> owed(b)
    owed(if c then a else b)    =  owed(c),  c ==> owed(a),  !c ==> owed(b)
    owed(forall x in d :: p)    =  owed(d),  forall x in d :: owed(p)      and so for every binder
    owed(xs[i])                 =  owed(xs), owed(i), 0 <= i && i < len(xs)

A condition that its own guards say word by word is not listed.

`misfits(v, T)` are the conditions under which v is of type T; it is empty where v's own type says
so (`types.fits`).  Predicates of refinements are total: that is proved when the domain is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import assert_never

from planproof.spec import typed
from planproof.spec.core import (
    PARTIAL,
    AllOf,
    Apply,
    Between,
    Conditional,
    Domain,
    Expr,
    FieldOf,
    First,
    FirstItems,
    Items,
    Kind,
    Literal,
    Make,
    Op,
    Quantified,
    Ref,
    Total,
    Uninterpreted,
    Unsupported,
    WithField,
    conjunction,
    number,
)
from planproof.spec.lower.terms import (
    Fresh,
    conjuncts,
    implication,
    negation,
    refresh,
    substitute,
)
from planproof.spec.node import node
from planproof.spec.source import NOWHERE, Span
from planproof.spec.types import (
    BOOL,
    INT,
    ListType,
    MapType,
    OptionType,
    RecordType,
    RefinedType,
    SetType,
    TextType,
    TupleType,
    Type,
    fits,
    show,
    strip,
)


@node
class Owed:
    """One condition: `guards` (the outermost first) imply `goal`; the piece at `span` owes it."""

    kind: Kind
    name: str
    guards: tuple[Expr, ...]
    goal: Expr
    span: Span

    def condition(self, fresh: Fresh) -> Expr:
        """The condition, closed but for the variables of the store, its bound variables fresh."""
        whole = implication(conjunction(self.guards), self.goal) if self.guards else self.goal
        return refresh(whole, fresh)


class Obligations:
    """Computes what is owed, for one world."""

    def __init__(self, functions: Mapping[str, typed.Function], fresh: Fresh) -> None:
        self._functions = functions
        self._fresh = fresh

    def owed(self, expr: Expr) -> list[Owed]:
        """What evaluating `expr` owes, in order of evaluation."""
        match expr:
            case Literal() | Ref() | Unsupported():
                return []
            case Apply(Op.AND | Op.OR | Op.IMPLIES, arguments):
                found = self.owed(arguments[0])
                guard = arguments[0] if expr.op is not Op.OR else negation(arguments[0])
                for each in arguments[1:]:
                    found += _under(guard, self.owed(each))
                    next_guard = negation(each) if expr.op is Op.OR else each
                    guard = Apply(Op.AND, (guard, next_guard), BOOL, expr.span)
                return found
            case Apply(op, arguments):
                found = [owed for each in arguments for owed in self.owed(each)]
                if op in PARTIAL:
                    found += _partial(expr)
                return found + self._entering(expr, _entries(expr))
            case Conditional(test, then, otherwise, type):
                found = self.owed(test)
                branches = self.owed(then) + self._entering(expr, [(then, type)])
                found += _under(test, branches)
                branches = self.owed(otherwise) + self._entering(expr, [(otherwise, type)])
                return found + _under(negation(test), branches)
            case Make(items):
                found = [owed for each in items for owed in self.owed(each)]
                entries = _parts(expr)
                if isinstance(expr.type, RefinedType):
                    entries.append((Make(items, strip(expr.type), expr.span), expr.type))
                return found + self._entering(expr, entries)
            case FieldOf(operand):
                return self.owed(operand)
            case WithField(operand, name, value):
                record = strip(operand.type)
                inner = record.field(name) if isinstance(record, RecordType) else None
                entries = [] if inner is None else [(value, inner)]
                if isinstance(expr.type, RefinedType):
                    plain = WithField(operand, name, value, strip(expr.type), expr.span)
                    entries.append((plain, expr.type))
                found = self.owed(operand) + self.owed(value)
                return found + self._entering(expr, entries)
            case Uninterpreted(function, arguments):
                found = [owed for each in arguments for owed in self.owed(each)]
                parameters = self._functions[function].parameters
                expected = [
                    (each, parameter.type)
                    for each, parameter in zip(arguments, parameters, strict=True)
                ]
                return found + self._entering(expr, expected)
            case Quantified(_, variable, domain, body):
                return self._domain(domain) + self._binder(variable, domain, self.owed(body))
            case Total(variable, domain, test, body):
                inside = self.owed(body)
                if test is not None:
                    inside = self.owed(test) + _under(test, inside)
                return self._domain(domain) + self._binder(variable, domain, inside)
            case First(variable, domain, test):
                return self._domain(domain) + self._binder(variable, domain, self.owed(test))
            case _:
                assert_never(expr)

    def entering(self, value: Expr, expected: Type, span: Span) -> list[Owed]:
        """What `value` owes to become of type `expected`."""
        name = show(expected)
        return [
            Owed(Kind.REFINEMENT, name, (), each, span)
            for each in self.misfits(value, expected, value.type)
        ]

    def misfits(self, value: Expr, expected: Type, actual: Type) -> list[Expr]:
        """The conditions under which `value`, known to be of type `actual`, is an `expected`."""
        if fits(actual, expected):
            return []
        plain = strip(actual)
        match expected:
            case RefinedType(_, base, predicate):
                inner = self.misfits(value, base, actual)
                return [*inner, self._predicate(predicate, value)]
            case TextType(max):
                return [_at_most(Apply(Op.TEXT_LEN, (value,), INT, value.span), max)]
            case ListType(item, max):
                found: list[Expr] = []
                if not (isinstance(plain, ListType) and plain.max <= max):
                    found.append(_at_most(Apply(Op.LIST_LEN, (value,), INT, value.span), max))
                inside = plain.item if isinstance(plain, ListType) else item
                return found + self._for_each(value, inside, item)
            case SetType(item):
                inside = plain.item if isinstance(plain, SetType) else item
                return self._for_each(value, inside, item)
            case MapType(key, mapped, bound):
                keys, values = (key, mapped)
                if isinstance(plain, MapType):
                    keys, values = plain.key, plain.value
                found = self._for_each(value, keys, key)
                each = Ref(self._fresh("key"), keys)
                at = Apply(Op.MAP_GET, (value, each), values, value.span)
                found += self._each_of(value, each, self.misfits(at, mapped, values))
                known = plain.max if isinstance(plain, MapType) else None
                if bound is not None and (known is None or known > bound):
                    one = Ref(self._fresh("key"), keys)
                    size = Total(one, Items(value), None, number(1), INT, value.span)
                    found.append(_at_most(size, bound))
                return found
            case OptionType(item):
                inside = plain.item if isinstance(plain, OptionType) else item
                content = Apply(Op.VALUE_OF, (value,), inside, value.span)
                present = Apply(Op.IS_SOME, (value,), BOOL, value.span)
                goals = self.misfits(content, item, inside)
                return [implication(present, goal) for goal in goals]
            case TupleType(items):
                own = plain.items if isinstance(plain, TupleType) else items
                return [
                    goal
                    for at, (have, want) in enumerate(zip(own, items, strict=True))
                    for goal in self._component(value, str(at), want, have)
                ]
            case RecordType(_, fields):
                have_fields = plain.fields if isinstance(plain, RecordType) else fields
                return [
                    goal
                    for (name, have), (_, want) in zip(have_fields, fields, strict=True)
                    for goal in self._component(value, name, want, have)
                ]
            case _:
                # Any other pair of types has no common values, and typecheck let none through.
                raise TypeError(f"{show(actual)} can't enter {show(expected)}")

    def _component(self, value: Expr, name: str, want: Type, have: Type) -> list[Expr]:
        return self.misfits(FieldOf(value, name, have, value.span), want, have)

    def _for_each(self, value: Expr, have: Type, want: Type) -> list[Expr]:
        item = Ref(self._fresh("item"), have)
        return self._each_of(value, item, self.misfits(item, want, have))

    def _each_of(self, value: Expr, item: Ref, goals: list[Expr]) -> list[Expr]:
        return [
            refresh(Quantified(True, item, Items(value), goal, BOOL, value.span), self._fresh)
            for goal in goals
        ]

    def _predicate(self, predicate: Expr, value: Expr) -> Expr:
        return substitute(
            predicate, lambda ref: value if ref.name == "self" else ref, self._fresh
        )

    def _domain(self, domain: Domain) -> list[Owed]:
        match domain:
            case Items(collection):
                return self.owed(collection)
            case FirstItems(collection, count):
                return self.owed(collection) + self.owed(count)
            case Between(low, high):
                return self.owed(low) + self.owed(high)
            case AllOf():
                return []
            case _:
                assert_never(domain)

    def _binder(self, variable: Ref, domain: Domain, inside: list[Owed]) -> list[Owed]:
        return [
            Owed(
                each.kind,
                each.name,
                (),
                Quantified(
                    True,
                    variable,
                    domain,
                    implication(conjunction(each.guards), each.goal) if each.guards else each.goal,
                    BOOL,
                    each.span,
                ),
                each.span,
            )
            for each in inside
        ]

    def _entering(self, at: Expr, entries: list[tuple[Expr, Type]]) -> list[Owed]:
        found: list[Owed] = []
        for value, expected in entries:
            span = at.span if value.span is NOWHERE else value.span
            found += self.entering(value, expected, span)
        return found


def _under(guard: Expr, inside: list[Owed]) -> list[Owed]:
    """The conditions under a further guard, without those that the guard says itself."""
    if not inside:
        return inside
    said = conjuncts(guard)
    return [
        Owed(each.kind, each.name, (guard, *each.guards), each.goal, each.span)
        for each in inside
        if each.goal not in said
    ]


def _partial(expr: Apply) -> list[Owed]:
    """The condition under which the partial operation has a value; none for a non-zero literal."""
    operand = expr.arguments[0]
    match expr.op:
        case Op.DIV | Op.MOD | Op.QUOTIENT:
            divisor = expr.arguments[1]
            if isinstance(divisor, Literal) and divisor.value != 0:
                return []
            zero = Literal(Fraction(0) if expr.op is Op.QUOTIENT else 0, strip(divisor.type))
            goal: Expr = Apply(Op.NE, (divisor, zero), BOOL, expr.span)
        case Op.LIST_GET:
            index = expr.arguments[1]
            length = Apply(Op.LIST_LEN, (operand,), INT, operand.span)
            low = Apply(Op.LE, (number(0), index), BOOL, expr.span)
            high = Apply(Op.LT, (index, length), BOOL, expr.span)
            goal = Apply(Op.AND, (low, high), BOOL, expr.span)
        case Op.MAP_GET:
            goal = Apply(Op.MAP_HAS, expr.arguments, BOOL, expr.span)
        case Op.VALUE_OF:
            goal = Apply(Op.IS_SOME, expr.arguments, BOOL, expr.span)
        case _:
            raise TypeError(f"{expr.op} is not partial")
    return [Owed(Kind.DEFINED, _short(expr), (), goal, expr.span)]


_AS_STORED = frozenset({Op.LIST_GET, Op.MAP_GET, Op.VALUE_OF, Op.MIN, Op.MAX})
"""Operations whose result is one of the values put in, and so of a type that was owed before."""


def _entries(expr: Apply) -> list[tuple[Expr, Type]]:
    """The values that enter a type in an operation, with that type.

    No operation keeps the refinement of its operand by itself; should its type claim one, the
    result owes it.
    """
    entries = _operands(expr)
    if isinstance(expr.type, RefinedType) and expr.op not in _AS_STORED:
        entries.append((_unbounded(expr, strip(expr.type)), expr.type))
    return entries


def _operands(expr: Apply) -> list[tuple[Expr, Type]]:
    arguments, type = expr.arguments, strip(expr.type)
    match expr.op, type:
        case Op.MAP_PUT, MapType(key, value, bound):
            operand = strip(arguments[0].type)
            entries: list[tuple[Expr, Type]] = [
                (arguments[0], MapType(key, value)),
                (arguments[1], key),
                (arguments[2], value),
            ]
            size = operand.max if isinstance(operand, MapType) else None
            if bound is not None and (size is None or size >= bound):
                # A new key may be one too many.
                entries.append((_unbounded(expr, MapType(key, value)), type))
            return entries
        case Op.LIST_APPEND, ListType(item, max):
            operand = strip(arguments[0].type)
            size = operand.max if isinstance(operand, ListType) else max
            entries = [(arguments[0], ListType(item, size)), (arguments[1], item)]
            if size >= max:
                entries.append((_unbounded(expr, ListType(item, size + 1)), type))
            return entries
        case Op.SET_ADD, SetType(item):
            return [(arguments[0], type), (arguments[1], item)]
        case Op.SOME, OptionType(item):
            return [(arguments[0], item)]
        case Op.CONCAT, TextType(max):
            plain = [strip(each.type) for each in arguments]
            total = sum(each.max if isinstance(each, TextType) else max + 1 for each in plain)
            return [(_unbounded(expr, TextType(total)), type)] if total > max else []
        case (Op.MIN | Op.MAX), _:
            return [(each, expr.type) for each in arguments]
        case _:
            return []


def _unbounded(expr: Apply, type: Type) -> Expr:
    """The same operation, claiming less about its result."""
    return Apply(expr.op, expr.arguments, type, expr.span)


def _parts(expr: Make) -> list[tuple[Expr, Type]]:
    match strip(expr.type):
        case RecordType(_, fields):
            return [(each, want) for each, (_, want) in zip(expr.items, fields, strict=True)]
        case TupleType(items):
            return list(zip(expr.items, items, strict=True))
        case ListType(item) | SetType(item):
            return [(each, item) for each in expr.items]
    raise TypeError(f"nothing of type {show(expr.type)} is made from parts")


def _at_most(value: Expr, max: int) -> Expr:
    return Apply(Op.LE, (value, number(max)), BOOL, value.span)


def _short(expr: Expr) -> str:
    text = expr.span.one_line
    return text if len(text) <= _SHORT_MAX else text[: _SHORT_MAX - 4] + " ..."


_SHORT_MAX = 60
