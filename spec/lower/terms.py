"""Passes over core expressions that lowering needs: renaming, mentions, places, raw types.

Every binder of a copied expression gets a new name, so that names of bound variables stay unique
in the whole program and substitution cannot capture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias, assert_never

from planproof.spec import typed
from planproof.spec.core import (
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
    Literal,
    Make,
    Op,
    Quantified,
    Ref,
    Total,
    Uninterpreted,
    Unsupported,
    WithField,
)
from planproof.spec.node import node
from planproof.spec.semantics import children
from planproof.spec.types import (
    BOOL,
    ListType,
    MapType,
    OptionType,
    RecordType,
    RefinedType,
    SetType,
    TextType,
    TupleType,
    Type,
    strip,
)

Renaming: TypeAlias = Callable[[Ref], Expr]
"""What stands for a free variable."""

Fresh: TypeAlias = Callable[[str], str]
"""A name for a bound variable that is used nowhere else."""

OLD = "old "
INITIALLY = "initially "

RAW_SIZE_MAX = 2**31
"""The bound of a list or text whose declared bound must not be taken for granted."""


@node
class Mentions:
    """Free variables in the order of their first use, and what else a caller must know."""

    free: dict[str, Ref]
    binds: bool
    unsupported: tuple[Unsupported, ...]


def mentions(expr: Expr) -> Mentions:
    """What `expr` speaks of; one pass."""
    if isinstance(expr, Ref):
        return Mentions({expr.name: expr}, False, ())
    free: dict[str, Ref] = {}
    bound: set[str] = set()
    unsupported: list[Unsupported] = []
    pending: list[Expr] = [expr]
    while pending:
        each = pending.pop()
        match each:
            case Ref(name):
                free.setdefault(name, each)
            case Unsupported():
                unsupported.append(each)
            case Quantified() | Total() | First():
                bound.add(each.variable.name)
                pending += reversed(children(each))
            case _:
                pending += reversed(children(each))
    if bound:
        free = {name: ref for name, ref in free.items() if name not in bound}
    return Mentions(free, bool(bound), tuple(unsupported))


def substitute(expr: Expr, renaming: Renaming, fresh: Fresh) -> Expr:
    """`expr` with its free variables renamed and its bound ones fresh; shared where nothing is."""
    return _Substitution(renaming, fresh).visit(expr, {})


def refresh(expr: Expr, fresh: Fresh) -> Expr:
    """The expression with fresh bound variables; itself where it binds none."""
    return substitute(expr, lambda ref: ref, fresh)


class _Substitution:
    def __init__(self, renaming: Renaming, fresh: Fresh) -> None:
        self.renaming = renaming
        self.fresh = fresh

    def visit(self, expr: Expr, bound: dict[str, Ref]) -> Expr:
        match expr:
            case Literal() | Unsupported():
                return expr
            case Ref(name):
                renamed = bound.get(name)
                if renamed is None:
                    return self.renaming(expr)
                return Ref(renamed.name, expr.type, expr.span)
            case Apply(op, arguments, type, span):
                new = self.all(arguments, bound)
                return expr if new is arguments else Apply(op, new, type, span)
            case Conditional(test, then, otherwise, type, span):
                parts: tuple[Expr, ...] = (test, then, otherwise)
                new = self.all(parts, bound)
                return expr if new is parts else Conditional(new[0], new[1], new[2], type, span)
            case Make(items, type, span):
                new = self.all(items, bound)
                return expr if new is items else Make(new, type, span)
            case FieldOf(operand, name, type, span):
                whole = self.visit(operand, bound)
                return expr if whole is operand else FieldOf(whole, name, type, span)
            case WithField(operand, name, value, type, span):
                whole, part = self.visit(operand, bound), self.visit(value, bound)
                if whole is operand and part is value:
                    return expr
                return WithField(whole, name, part, type, span)
            case Uninterpreted(function, arguments, type, span):
                new = self.all(arguments, bound)
                return expr if new is arguments else Uninterpreted(function, new, type, span)
            case Quantified(universal, variable, domain, body, type, span):
                where = self.domain(domain, bound)
                own, inner = self.bind(variable, bound)
                return Quantified(universal, own, where, self.visit(body, inner), type, span)
            case Total(variable, domain, test, body, type, span):
                where = self.domain(domain, bound)
                own, inner = self.bind(variable, bound)
                filter = None if test is None else self.visit(test, inner)
                return Total(own, where, filter, self.visit(body, inner), type, span)
            case First(variable, domain, test, type, span):
                where = self.domain(domain, bound)
                own, inner = self.bind(variable, bound)
                return First(own, where, self.visit(test, inner), type, span)
            case _:
                assert_never(expr)

    def all(self, exprs: tuple[Expr, ...], bound: dict[str, Ref]) -> tuple[Expr, ...]:
        new = tuple([self.visit(each, bound) for each in exprs])
        same = all(one is other for one, other in zip(new, exprs, strict=True))
        return exprs if same else new

    def domain(self, domain: Domain, bound: dict[str, Ref]) -> Domain:
        match domain:
            case Items(collection):
                return Items(self.visit(collection, bound))
            case FirstItems(collection, count):
                return FirstItems(self.visit(collection, bound), self.visit(count, bound))
            case Between(low, high):
                return Between(self.visit(low, bound), self.visit(high, bound))
            case AllOf():
                return domain
            case _:
                assert_never(domain)

    def bind(self, variable: Ref, bound: dict[str, Ref]) -> tuple[Ref, dict[str, Ref]]:
        own = Ref(self.fresh(variable.name), variable.type, variable.span)
        return own, {**bound, variable.name: own}


# ---- small constructors --------------------------------------------------------------------------


def conjuncts(expr: Expr) -> tuple[Expr, ...]:
    """The parts of a chain of `&&`, in order."""
    if isinstance(expr, Apply) and expr.op is Op.AND:
        return tuple(part for each in expr.arguments for part in conjuncts(each))
    return (expr,)


def negation(expr: Expr) -> Expr:
    return Apply(Op.NOT, (expr,), BOOL, expr.span)


def implication(guard: Expr, goal: Expr) -> Expr:
    return Apply(Op.IMPLIES, (guard, goal), BOOL, goal.span)


def equation(left: Expr, right: Expr) -> Expr:
    return Apply(Op.EQ, (left, right), BOOL, left.span)


def disjunction(parts: tuple[Expr, ...]) -> Expr:
    """The disjunction of at least one part."""
    return parts[0] if len(parts) == 1 else Apply(Op.OR, parts, BOOL, parts[0].span)


# ---- places --------------------------------------------------------------------------------------

Steps: TypeAlias = tuple[typed.PlaceKey | typed.PlaceField, ...]


def read_place(whole: Expr, steps: Steps) -> Expr:
    """The piece of `whole` that the steps lead to."""
    for step in steps:
        whole = _piece(whole, step)
    return whole


def write_place(whole: Expr, steps: Steps, value: Expr) -> Expr:
    """`whole` with the piece that the steps lead to replaced."""
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    new = write_place(_piece(whole, step), rest, value) if rest else value
    # That the new whole satisfies what refines its type has to be said by whoever writes.
    if isinstance(step, typed.PlaceKey):
        return Apply(Op.MAP_PUT, (whole, step.key, new), strip(whole.type), value.span)
    return WithField(whole, step.name, new, strip(whole.type), value.span)


def refined_around(place: typed.Place) -> list[tuple[Steps, RefinedType]]:
    """The refined types of what the place is a part of, with the way to each; the inner first."""
    found: list[tuple[Steps, RefinedType]] = []
    whole: Expr = Ref(place.state, place.whole)
    for depth, step in enumerate(place.steps):
        if isinstance(whole.type, RefinedType):
            found.append((place.steps[:depth], whole.type))
        whole = _piece(whole, step)
    return found[::-1]


def _piece(whole: Expr, step: typed.PlaceKey | typed.PlaceField) -> Expr:
    type = strip(whole.type)
    if isinstance(step, typed.PlaceKey):
        if not isinstance(type, MapType):
            raise TypeError("a key leads into something that is not a map")
        return Apply(Op.MAP_GET, (whole, step.key), type.value, step.key.span)
    inner = type.field(step.name) if isinstance(type, RecordType) else None
    if inner is None:
        raise TypeError(f"there is no field {step.name}")
    return FieldOf(whole, step.name, inner)


def covers(outer: typed.Place, inner: typed.Place) -> bool:
    """Whether `inner` surely is a part of `outer`, by their texts."""
    return (
        outer.state == inner.state
        and len(outer.steps) <= len(inner.steps)
        and outer.steps == inner.steps[: len(outer.steps)]
    )


def frame(tool: typed.Tool) -> tuple[typed.Place, ...]:
    """The places a tool modifies, those left out that lie in another of them."""
    kept: list[typed.Place] = []
    for place in tool.modifies:
        if any(covers(each, place) for each in kept):
            continue
        kept = [each for each in kept if not covers(place, each)]
        kept.append(place)
    return tuple(kept)


# ---- raw types -----------------------------------------------------------------------------------


def raw(type: Type) -> Type:
    """The type with no refinement and no bound anywhere in it."""
    match type:
        case RefinedType(_, base):
            return raw(base)
        case TextType():
            return TextType(RAW_SIZE_MAX)
        case ListType(item):
            return ListType(raw(item), RAW_SIZE_MAX)
        case SetType(item):
            return SetType(raw(item))
        case MapType(key, value):
            return MapType(raw(key), raw(value))
        case OptionType(item):
            return OptionType(raw(item))
        case TupleType(items):
            return TupleType(tuple(map(raw, items)))
        case RecordType(name, fields):
            return RecordType(name, tuple((each, raw(inner)) for each, inner in fields))
        case _:
            return type


def is_plain(type: Type) -> bool:
    """Whether every value that the solver's sort admits is of the type."""
    return raw(type) == type


def erase(expr: Expr, names: Iterable[str]) -> Expr:
    """`expr` with raw types wherever a value may depend on the variables called `names`.

    A type is a fact about a value; about values that are only to be proved of that type nothing
    may be taken for granted, whichever node of the expression says so.
    """
    return _erase(expr, frozenset(names))


def _erase(expr: Expr, names: frozenset[str]) -> Expr:
    match expr:
        case Literal() | Unsupported():
            return expr
        case Ref(name, type, span):
            return Ref(name, raw(type), span) if name in names else expr
        case Apply(op, arguments, type, span):
            new = tuple(_erase(each, names) for each in arguments)
            return expr if new == arguments else Apply(op, new, raw(type), span)
        case Conditional(test, then, otherwise, type, span):
            parts: tuple[Expr, ...] = (test, then, otherwise)
            new = tuple(_erase(each, names) for each in parts)
            return expr if new == parts else Conditional(new[0], new[1], new[2], raw(type), span)
        case Make(items, type, span):
            new = tuple(_erase(each, names) for each in items)
            return expr if new == items else Make(new, raw(type), span)
        case FieldOf(operand, name, type, span):
            whole = _erase(operand, names)
            return expr if whole == operand else FieldOf(whole, name, raw(type), span)
        case WithField(operand, name, value, type, span):
            whole, new_value = _erase(operand, names), _erase(value, names)
            if whole == operand and new_value == value:
                return expr
            return WithField(whole, name, new_value, raw(type), span)
        case Uninterpreted(function, arguments, type, span):
            # What a function gives is of its type whatever it is given.
            new = tuple(_erase(each, names) for each in arguments)
            return expr if new == arguments else Uninterpreted(function, new, type, span)
        case Quantified(universal, variable, domain, body, type, span):
            where, own, inner = _erase_binder(domain, variable, names)
            return Quantified(universal, own, where, _erase(body, inner), type, span)
        case Total(variable, domain, test, body, type, span):
            where, own, inner = _erase_binder(domain, variable, names)
            filter = None if test is None else _erase(test, inner)
            return Total(own, where, filter, _erase(body, inner), raw(type), span)
        case First(variable, domain, test, type, span):
            where, own, inner = _erase_binder(domain, variable, names)
            result = type if own is variable else raw(type)
            return First(own, where, _erase(test, inner), result, span)
        case _:
            assert_never(expr)


def _erase_binder(
    domain: Domain, variable: Ref, names: frozenset[str]
) -> tuple[Domain, Ref, frozenset[str]]:
    """The domain, the variable and the names that are raw below it."""
    match domain:
        case Items(collection):
            whole = _erase(collection, names)
            if whole == collection:
                return domain, variable, names
            where: Domain = Items(whole)
        case FirstItems(collection, count):
            whole, many = _erase(collection, names), _erase(count, names)
            if whole == collection:
                return FirstItems(collection, many), variable, names
            where = FirstItems(whole, many)
        case Between(low, high):
            return Between(_erase(low, names), _erase(high, names)), variable, names
        case AllOf():
            return domain, variable, names
        case _:
            assert_never(domain)
    own = Ref(variable.name, raw(variable.type), variable.span)
    return where, own, names | {variable.name}
