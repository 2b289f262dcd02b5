"""Our data classes do what the standard library's do, as far as we use them."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pydantic
import pytest

from planproof.spec.node import dataclass, field, node, replace


@dataclass(frozen=True, slots=True)
class Ours:
    """A value; never negative."""

    a: int
    b: str = "b"
    c: tuple[int, ...] = field(default=(), compare=False, repr=False)
    d: dict[str, int] = field(default_factory=dict, compare=False)
    e: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        if self.a < 0:
            raise ValueError("negative")
        object.__setattr__(self, "e", self.a + 1)


@dataclasses.dataclass(frozen=True, slots=True)
class Theirs:
    a: int
    b: str = "b"
    c: tuple[int, ...] = dataclasses.field(default=(), compare=False, repr=False)
    d: dict[str, int] = dataclasses.field(default_factory=dict, compare=False)
    e: int = dataclasses.field(init=False, compare=False)

    def __post_init__(self) -> None:
        if self.a < 0:
            raise ValueError("negative")
        object.__setattr__(self, "e", self.a + 1)


@dataclass(slots=True)
class Changing:
    seen: list[int] = field(default_factory=list)
    count: int = 0


@node
class One:
    value: object


BOTH = pytest.mark.parametrize("kind", [Ours, Theirs])


@BOTH
def test_fields_have_the_values_given_by_position_by_name_or_by_default(kind: type[Ours]) -> None:
    value = kind(1, c=(2,))
    assert (value.a, value.b, value.c, value.d, value.e) == (1, "b", (2,), {}, 2)
    assert kind(1).d is not kind(1).d
    assert repr(value).startswith(f"{kind.__qualname__}(a=1, b='b', d=")


@BOTH
@pytest.mark.parametrize(
    ("given", "named"),
    [((), {}), ((1, "b", (), {}, 5), {}), ((1,), {"a": 2}), ((1,), {"f": 2}), ((1,), {"e": 2})],
)
def test_a_wrong_call_is_refused(
    kind: Any, given: tuple[object, ...], named: dict[str, object]
) -> None:
    with pytest.raises(TypeError):
        kind(*given, **named)


@BOTH
def test_equality_and_hash_go_by_the_fields_that_count(kind: type[Ours]) -> None:
    assert kind(1, "x", (1,)) == kind(1, "x", (2,))
    assert hash(kind(1, "x", (1,))) == hash(kind(1, "x", (2,)))
    assert kind(1) != kind(2)
    other: object = (1, "b")
    assert kind(1) != other


def test_values_of_two_classes_differ() -> None:
    other: object = Ours(1)
    assert One(1) != other
    assert One(One(1)) != One(1)


@BOTH
def test_a_frozen_value_cannot_be_changed(kind: type[Ours]) -> None:
    value: Any = kind(1)
    with pytest.raises(AttributeError):
        value.a = 2
    with pytest.raises(AttributeError):
        del value.a
    assert value.a == 1


def test_a_value_that_is_not_frozen_can_be_changed_and_not_hashed() -> None:
    value: Any = Changing()
    value.count += 1
    value.seen.append(3)
    assert value == Changing([3], 1)
    with pytest.raises(AttributeError):
        value.other = 1
    with pytest.raises(TypeError):
        hash(value)


@BOTH
def test_copies_and_changed_copies_are_values_like_others(kind: type[Ours]) -> None:
    value = kind(1, "x", (3,), {"k": 1})
    for same in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):  # noqa: S301
        assert same == value
        assert (same.c, same.d, same.e) == ((3,), {"k": 1}, 2)
    changed = dataclasses.replace(value, a=7)
    assert (changed.a, changed.c, changed.e) == (7, (3,), 8)
    if kind is Ours:
        assert replace(value, a=7) == changed
        with pytest.raises(TypeError):
            replace(value, z=7)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="negative"):
        dataclasses.replace(value, a=-1)


def test_the_standard_library_and_pydantic_know_our_classes() -> None:
    value = Ours(1, "x", (3,), {"k": 1})
    assert dataclasses.is_dataclass(value)
    assert dataclasses.asdict(value) == {"a": 1, "b": "x", "c": (3,), "d": {"k": 1}, "e": 2}
    ours, theirs = (
        [(f.name, f.init, f.compare, f.repr, f.default) for f in dataclasses.fields(kind)]
        for kind in (Ours, Theirs)
    )
    assert ours == theirs
    read = pydantic.TypeAdapter(Ours).validate_python({"a": 1, "b": "x"})
    assert read == Ours(1, "x")
    assert read.e == 2
    with pytest.raises(pydantic.ValidationError):
        pydantic.TypeAdapter(Ours).validate_python({"a": "one"})


def test_values_match_by_position() -> None:
    match Ours(1, "x"):
        case Ours(a, b):
            assert (a, b) == (1, "x")
        case _:
            pytest.fail("no match")
