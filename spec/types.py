"""The types of the language, resolved: no names left to look up.

Records are written out with their fields (they cannot be recursive), constants are numbers, and a
refinement carries its predicate, an expression over `Ref("self")`.  Labels of information flow are
not part of a type; declarations carry them beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from planproof.spec.node import field, node

if TYPE_CHECKING:
    from planproof.spec.core import Expr


@node
class BoolType:
    pass


@node
class IntType:
    pass


@node
class DecimalType:
    """Exact rationals."""


@node
class TextType:
    """At most `max` code points."""

    max: int


@node
class DateType:
    """Days since 1970-01-01."""


@node
class TimeType:
    """Seconds since 1970-01-01T00:00:00Z."""


@node
class OpaqueType:
    """Only `==` and `!=`; at least one value, no upper bound."""

    name: str


@node
class EnumType:
    name: str
    members: tuple[str, ...]


@node
class RecordType:
    name: str
    fields: tuple[tuple[str, Type], ...]

    def field(self, name: str) -> Type | None:
        return next((type for each, type in self.fields if each == name), None)


@node
class TupleType:
    items: tuple[Type, ...]


@node
class OptionType:
    item: Type


@node
class ListType:
    """At most `max` items."""

    item: Type
    max: int


@node
class SetType:
    item: Type


@node
class MapType:
    """Partial and finite; at most `max` keys where that is given."""

    key: Type
    value: Type
    max: int | None = None


@node
class RefinedType:
    """`type N = T where P(self);` - equal by name and base, the predicate follows from the name."""

    name: str
    base: Type
    predicate: Expr = field(compare=False, repr=False)


@node
class NeverType:
    """The item of `[]`, `{}` and `none` before anything says otherwise; a subtype of every type."""


Type: TypeAlias = (
    BoolType
    | IntType
    | DecimalType
    | TextType
    | DateType
    | TimeType
    | OpaqueType
    | EnumType
    | RecordType
    | TupleType
    | OptionType
    | ListType
    | SetType
    | MapType
    | RefinedType
    | NeverType
)

BOOL = BoolType()
INT = IntType()
DECIMAL = DecimalType()
TEXT_MAX_DEFAULT = 4096
TEXT = TextType(TEXT_MAX_DEFAULT)
DATE = DateType()
TIME = TimeType()
NEVER = NeverType()


def strip(type: Type) -> Type:
    """The type without its outermost refinements."""
    while isinstance(type, RefinedType):
        type = type.base
    return type


def show(type: Type) -> str:
    """The type as it is written."""
    match type:
        case BoolType():
            return "Bool"
        case IntType():
            return "Int"
        case DecimalType():
            return "Decimal"
        case TextType(max):
            return "Text" if max == TEXT_MAX_DEFAULT else f"Text<{max}>"
        case DateType():
            return "Date"
        case TimeType():
            return "Time"
        case OpaqueType(name) | EnumType(name) | RecordType(name) | RefinedType(name):
            return name
        case TupleType(items):
            return "(" + ", ".join(map(show, items)) + ")"
        case OptionType(item):
            return f"Option<{show(item)}>"
        case ListType(item, max):
            return f"List<{show(item)}, {max}>"
        case SetType(item):
            return f"Set<{show(item)}>"
        case MapType(key, value, bound):
            tail = "" if bound is None else f", {bound}"
            return f"Map<{show(key)}, {show(value)}{tail}>"
        case NeverType():
            return "?"


# ---- how types compare ---------------------------------------------------------------------------


def assignable(actual: Type, expected: Type) -> bool:
    """Whether a value of `actual` can be an `expected` once its refinements and bounds are proved.

    Refinements and bounds are ignored, `NeverType` fits all, and nothing is converted.
    """
    have, want = strip(actual), strip(expected)
    match have, want:
        case NeverType(), _:
            return True
        case TextType(), TextType():
            return True
        case (ListType(item), ListType(other)) | (SetType(item), SetType(other)):
            return assignable(item, other)
        case OptionType(item), OptionType(other):
            return assignable(item, other)
        case MapType(key, value), MapType(other_key, other_value):
            return assignable(key, other_key) and assignable(value, other_value)
        case TupleType(items), TupleType(others):
            return len(items) == len(others) and all(map(assignable, items, others))
        case RecordType(name), RecordType(other_name):
            return name == other_name
        case _:
            return have == want


def fits(actual: Type, expected: Type) -> bool:
    """Whether every value of `actual` is an `expected`, by the types alone.

    A refinement may be dropped and a bound may grow, element by element; records are compared by
    their fields, since a raw record is called like the declared one.
    """
    if actual == expected or isinstance(actual, NeverType):
        return True
    if isinstance(expected, RefinedType):
        while isinstance(actual, RefinedType):
            if actual == expected:
                return True
            actual = actual.base
        return False
    match strip(actual), expected:
        case TextType(size), TextType(bound):
            return size <= bound
        case ListType(item, size), ListType(other, bound):
            return size <= bound and fits(item, other)
        case (SetType(item), SetType(other)) | (OptionType(item), OptionType(other)):
            return fits(item, other)
        case MapType(key, value, keys), MapType(other_key, other_value, most):
            small = most is None or (keys is not None and keys <= most)
            return small and fits(key, other_key) and fits(value, other_value)
        case TupleType(items), TupleType(others):
            return len(items) == len(others) and all(map(fits, items, others))
        case RecordType(name, fields), RecordType(other_name, other_fields):
            return (
                name == other_name
                and len(fields) == len(other_fields)
                and all(
                    one == two and fits(have, want)
                    for (one, have), (two, want) in zip(fields, other_fields, strict=True)
                )
            )
        case plain, _:
            return plain == expected


def join(one: Type, other: Type) -> Type | None:
    """A smallest type that both fit, or None where their shapes differ.

    Of two refinements it is the innermost that they share; of two bounds the larger.
    """
    if fits(one, other):
        return other
    wider = one
    while True:
        if fits(other, wider):
            return wider
        if not isinstance(wider, RefinedType):
            break
        wider = wider.base
    match strip(one), strip(other):
        case TextType(size), TextType(bound):
            return TextType(max(size, bound))
        case ListType(item, size), ListType(item_2, bound):
            both = join(item, item_2)
            return None if both is None else ListType(both, max(size, bound))
        case SetType(item), SetType(item_2):
            both = join(item, item_2)
            return None if both is None else SetType(both)
        case OptionType(item), OptionType(item_2):
            both = join(item, item_2)
            return None if both is None else OptionType(both)
        case MapType(key, value, most), MapType(key_2, value_2, most_2):
            keys, values = join(key, key_2), join(value, value_2)
            if keys is None or values is None:
                return None
            larger = None if most is None or most_2 is None else max(most, most_2)
            return MapType(keys, values, larger)
        case TupleType(items), TupleType(items_2) if len(items) == len(items_2):
            parts = tuple(map(join, items, items_2))
            known = tuple(part for part in parts if part is not None)
            return TupleType(known) if len(known) == len(parts) else None
        case _:
            return None


def is_known(type: Type) -> bool:
    """Whether no `NeverType` is left in it, as it is in what `[]`, `{}` and `none` are alone."""
    match type:
        case NeverType():
            return False
        case RefinedType(_, base):
            return is_known(base)
        case OptionType(item) | SetType(item) | ListType(item):
            return is_known(item)
        case MapType(key, value):
            return is_known(key) and is_known(value)
        case TupleType(items):
            return all(map(is_known, items))
        case _:
            return True
