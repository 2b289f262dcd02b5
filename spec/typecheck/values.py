"""What is done with elaborated expressions: shapes, constants, sizes."""

from __future__ import annotations

from fractions import Fraction

from planproof.spec import syntax as s
from planproof.spec.core import (
    Apply,
    Conditional,
    Expr,
    Literal,
    Make,
    NoneValue,
    Op,
    Ref,
    Uninterpreted,
    Value,
)
from planproof.spec.source import Span
from planproof.spec.types import (
    DECIMAL,
    INT,
    DecimalType,
    EnumType,
    IntType,
    ListType,
    MapType,
    OptionType,
    RecordType,
    RefinedType,
    SetType,
    TextType,
    TupleType,
    Type,
    assignable,
    is_known,
    join,
    strip,
)

# ---- types of values -----------------------------------------------------------------------------


def is_number(type: Type) -> bool:
    return isinstance(strip(type), IntType | DecimalType)


def join_numbers(one: Type, other: Type) -> Type | None:
    """As `join`, and Decimal for an Int and a Decimal."""
    plain = {strip(one), strip(other)}
    return DECIMAL if plain == {INT, DECIMAL} else join(one, other)


def coerce(value: Expr, expected: Type) -> Expr | None:
    """The value with the shape of `expected`, or None where it has another shape.

    An Int becomes a Decimal, and what `[]`, `{}` and `none` are empty of becomes known; inside
    literals item by item.
    """
    have, want = strip(value.type), strip(expected)
    if isinstance(have, IntType) and isinstance(want, DecimalType):
        return to_decimal(value)
    if is_known(have) and assignable(have, want):
        return value
    match value, want:
        case Literal(NoneValue()), OptionType():
            return Literal(value.value, want, value.span)
        case Make(items, ListType()), ListType(item):
            parts = _coerce_all(items, item)
            if parts is None:
                return None
            return Make(parts, ListType(_join_all(parts, item), len(parts)), value.span)
        case Make(items, SetType()), SetType(item):
            parts = _coerce_all(items, item)
            if parts is None:
                return None
            return Make(parts, SetType(_join_all(parts, item)), value.span)
        case Make(items, TupleType()), TupleType(wanted) if len(items) == len(wanted):
            pairs = [coerce(each, item) for each, item in zip(items, wanted, strict=True)]
            known = tuple(each for each in pairs if each is not None)
            if len(known) < len(pairs):
                return None
            return Make(known, TupleType(tuple(each.type for each in known)), value.span)
        case Apply(Op.SOME, (inside,)), OptionType(item):
            content = coerce(inside, item)
            if content is None:
                return None
            return Apply(Op.SOME, (content,), OptionType(content.type), value.span)
        case Conditional(test, then, otherwise), _:
            one, other = coerce(then, expected), coerce(otherwise, expected)
            if one is None or other is None:
                return None
            both = join(one.type, other.type)
            return None if both is None else Conditional(test, one, other, both, value.span)
    return value if assignable(have, want) else None


def _coerce_all(items: tuple[Expr, ...], item: Type) -> tuple[Expr, ...] | None:
    fitted = tuple(coerce(each, item) for each in items)
    known = tuple(each for each in fitted if each is not None)
    return known if len(known) == len(items) else None


def _join_all(items: tuple[Expr, ...], empty: Type) -> Type:
    """The type of the items, which have one shape; `empty` where there are none."""
    if not items:
        return empty
    type: Type = items[0].type
    for each in items[1:]:
        type = join(type, each.type) or type
    return type


def to_decimal(value: Expr) -> Expr:
    if isinstance(value, Literal) and isinstance(value.value, int):
        return Literal(Fraction(value.value), DECIMAL, value.span)
    return Apply(Op.TO_DECIMAL, (value,), DECIMAL, value.span)


def placed(value: Expr, span: Span) -> Expr:
    """A constant's value where it is used."""
    if isinstance(value, Literal):
        return Literal(value.value, value.type, span)
    return value


def members(type: Type) -> tuple[str, ...]:
    return type.members if isinstance(type, EnumType) else ()


def hint(value: Expr, expected: Type, written: s.Expr) -> str | None:
    """What to write so that the type is right, where one can tell."""
    have, want = strip(value.type), strip(expected)
    text = written.span.one_line
    if isinstance(have, OptionType) and assignable(have.item, want):
        return f"say `{text}.value` where `is_some({text})` is known"
    if isinstance(want, OptionType) and assignable(have, want.item):
        return f"say `some({text})`"
    if isinstance(want, TextType) and (is_number(have) or isinstance(have, EnumType)):
        return f"say `text({text})`"
    if isinstance(want, IntType) and isinstance(have, DecimalType):
        return "a Decimal does not become an Int by itself; make the other a Decimal"
    if isinstance(want, ListType) and isinstance(have, SetType):
        return "a list is written `[a, b]`, a set `{a, b}`"
    return None


# ---- constants -----------------------------------------------------------------------------------


def free_names(expr: Expr) -> tuple[str, ...]:
    """Every name of a variable in the expression, bound ones too, each once."""
    from planproof.spec.semantics import children

    found: dict[str, None] = {}
    pending = [expr]
    while pending:
        each = pending.pop()
        if isinstance(each, Ref):
            found[each.name] = None
        pending += children(each)
    return tuple(found)


def constant_value(expr: Expr) -> Value | None:
    """The value of an expression that depends on nothing; None where it has none or depends."""
    if isinstance(expr, Literal):
        return expr.value
    if isinstance(expr, Ref):
        return None
    from planproof.spec.semantics import NoValue, evaluate

    try:
        return evaluate(expr, {})
    except NoValue:
        return None


def constant_int(expr: Expr) -> int | None:
    value = constant_value(expr)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def smaller_than(expr: Expr, nodes_max: int, depth_max: int) -> bool:
    """Whether the expression, written out as a tree, has at most so many nodes and levels."""
    from planproof.spec.semantics import children

    count = 0
    level = [expr]
    for _ in range(depth_max):
        count += len(level)
        if count > nodes_max:
            return False
        level = [child for each in level for child in children(each)]
        if not level:
            return True
    return False


def uninterpreted(expr: Expr) -> str | None:
    """The name of a function without a body that the expression applies, if there is one."""
    from planproof.spec.semantics import children

    pending = [expr]
    while pending:
        each = pending.pop()
        if isinstance(each, Uninterpreted):
            return each.function
        pending += children(each)
    return None


def parts(type: Type, most: int) -> int:
    """How many parts the type has when it is written out; counting stops beyond `most`."""
    count = 0
    pending = [type]
    while pending and count <= most:
        count += 1
        match pending.pop():
            case RefinedType(_, inner) | OptionType(inner) | SetType(inner) | ListType(inner):
                pending.append(inner)
            case MapType(key, value):
                pending += (key, value)
            case TupleType(items):
                pending += items
            case RecordType(_, fields):
                pending += (field for _, field in fields)
            case _:
                pass
    return count


def depth(type: Type) -> int:
    """How deep the type is nested; for types of few parts only."""
    match type:
        case RefinedType(_, inner) | OptionType(inner) | SetType(inner) | ListType(inner):
            return 1 + depth(inner)
        case MapType(key, value):
            return 1 + max(depth(key), depth(value))
        case TupleType(items):
            return 1 + max(map(depth, items))
        case RecordType(_, fields):
            return 1 + max(depth(field) for _, field in fields)
        case _:
            return 1


# ---- syntax --------------------------------------------------------------------------------------


def fields_of(written: object) -> tuple[str, ...]:
    """The names of the fields of a node of the syntax tree; none for anything else."""
    if type(written).__module__ != s.__name__:
        return ()
    names: tuple[str, ...] = getattr(type(written), "__match_args__", ())
    return names
