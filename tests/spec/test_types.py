"""How types compare: laws, and what they mean for values."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from planproof.spec import core
from planproof.spec.core import Apply, Literal, Op, Ref
from planproof.spec.semantics import conforms
from planproof.spec.types import (
    BOOL,
    DECIMAL,
    INT,
    NEVER,
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
    fits,
    is_known,
    join,
    show,
    strip,
)


def _at_least(name: str, base: Type, least: int) -> RefinedType:
    test = Apply(Op.GE, (Ref("self", base), Literal(least, INT)), BOOL)
    return RefinedType(name, base, test)


NATURAL = _at_least("Natural", INT, 0)
POSITIVE = _at_least("Positive", NATURAL, 1)
BOX = RecordType("Box", (("fill", NATURAL), ("name", TextType(2))))

SIMPLE: tuple[Type, ...] = (INT, NATURAL, POSITIVE, BOOL, TextType(1), TextType(3), BOX)
simple: st.SearchStrategy[Type] = st.sampled_from(SIMPLE)
types: st.SearchStrategy[Type] = st.recursive(
    simple,
    lambda inner: st.one_of(
        st.builds(ListType, inner, st.integers(0, 2)),
        st.builds(SetType, inner),
        st.builds(OptionType, inner),
        st.builds(TupleType, st.tuples(inner, inner)),
        st.builds(MapType, inner, inner, st.one_of(st.none(), st.integers(0, 2))),
    ),
    max_leaves=4,
)


@st.composite
def related(draw: st.DrawFn) -> tuple[Type, Type]:
    """Two types of one shape, more often than two at random would be."""
    return _vary(draw, one := draw(types)), _vary(draw, one)


def _vary(draw: st.DrawFn, type: Type) -> Type:
    match type:
        case TextType():
            return TextType(draw(st.integers(0, 3)))
        case ListType(item):
            return ListType(_vary(draw, item), draw(st.integers(0, 2)))
        case SetType(item):
            return SetType(_vary(draw, item))
        case OptionType(item):
            return OptionType(_vary(draw, item))
        case TupleType(items):
            return TupleType(tuple(_vary(draw, item) for item in items))
        case MapType(key, value):
            most = draw(st.one_of(st.none(), st.integers(0, 2)))
            return MapType(_vary(draw, key), _vary(draw, value), most)
        case _ if strip(type) == INT:
            return draw(st.sampled_from(SIMPLE[:3]))
    return type


@st.composite
def value_of(draw: st.DrawFn, type: Type) -> core.Value:
    match strip(type):
        case ListType(item, max):
            return core.ListValue(tuple(draw(st.lists(value_of(item), max_size=max))))
        case SetType(item):
            return core.SetValue(frozenset(draw(st.lists(value_of(item), max_size=2))))
        case OptionType(item):
            if draw(st.booleans()):
                return core.NoneValue()
            return core.SomeValue(draw(value_of(item)))
        case TupleType(items):
            return core.TupleValue(tuple(draw(value_of(item)) for item in items))
        case MapType(key, value, most):
            size = 2 if most is None else most
            pairs = draw(st.dictionaries(value_of(key), value_of(value), max_size=size))
            return core.MapValue(frozenset(pairs.items()))
        case RecordType(name, fields):
            return core.RecordValue(name, tuple(draw(value_of(field)) for _, field in fields))
        case TextType(max):
            return draw(st.text("ab", max_size=max))
        case plain if plain == BOOL:
            return draw(st.booleans())
    return draw(st.integers({"Natural": 0, "Positive": 1}.get(show(type), -2), 3))


@settings(deadline=None)
@given(related(), st.data())
def test_a_value_of_a_type_is_of_every_type_it_fits(
    pair: tuple[Type, Type], data: st.DataObject
) -> None:
    one, other = pair
    assume(fits(one, other))
    value = data.draw(value_of(one))
    assert conforms(value, one)
    assert conforms(value, other)


@settings(deadline=None)
@given(related())
def test_both_fit_their_join_and_it_is_no_larger_than_either_that_is_larger(
    pair: tuple[Type, Type],
) -> None:
    one, other = pair
    both = join(one, other)
    assert both is not None
    assert fits(one, both)
    assert fits(other, both)
    assert fits(both, join(other, one) or NEVER)
    if fits(one, other):
        assert both == other


@given(types, types)
def test_types_have_a_join_only_where_their_shapes_agree(one: Type, other: Type) -> None:
    assert (join(one, other) is not None) == (assignable(one, other))
    assert assignable(one, other) == assignable(other, one)
    assert not fits(one, other) or assignable(one, other)


@given(types)
def test_a_type_fits_itself_and_never_fits_all(type: Type) -> None:
    assert fits(type, type)
    assert fits(NEVER, type)
    assert not fits(type, NEVER)
    assert not assignable(type, NEVER)
    assert join(type, NEVER) == join(NEVER, type) == type
    assert is_known(type)
    assert not is_known(OptionType(TupleType((type, NEVER))))


def test_what_is_refined_may_lose_its_refinement_and_gain_none() -> None:
    assert fits(POSITIVE, NATURAL)
    assert fits(NATURAL, INT)
    assert not fits(INT, NATURAL)
    assert not fits(NATURAL, POSITIVE)
    assert join(POSITIVE, INT) == INT
    assert join(_at_least("Other", NATURAL, 5), POSITIVE) == NATURAL


def test_a_record_is_compared_by_its_fields() -> None:
    # A raw record is called like the declared one, and promises less.
    raw = RecordType("Box", (("fill", INT), ("name", TextType(9))))
    assert fits(BOX, raw)
    assert not fits(raw, BOX)
    assert assignable(raw, BOX)


def test_an_int_is_no_decimal_before_it_is_converted() -> None:
    assert not assignable(INT, DECIMAL)
    assert join(INT, DECIMAL) is None
