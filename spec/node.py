"""Frozen tree nodes that cost nothing to define.

`@node` is `@dataclass(frozen=True, slots=True)` without the generated source: the standard
decorator compiles five functions for each class, which for our 200 node classes took 72 ms at
every start of the program (Python 3.11), more than importing z3.  Here they are closures over the
field names; defining all nodes takes 9 ms.  Nodes are immutable, compare and hash by class and by
the fields with `compare=True`, and match by position.

Left out, because no node needs it: inheritance between nodes, `init=False`, `__post_init__`, order.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

C = TypeVar("C")
_NO_DEFAULT: Any = object()


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def node(cls: type[C]) -> type[C]:
    """The class with `__init__`, `__eq__`, `__hash__`, `__repr__`, `__match_args__` and slots."""
    names: tuple[str, ...] = tuple(cls.__dict__.get("__annotations__", ()))
    body = dict(cls.__dict__)
    defaults: list[Any] = []
    compared: list[str] = []
    shown: list[str] = []
    for name in names:
        default = body.pop(name, _NO_DEFAULT)
        if isinstance(default, dataclasses.Field):
            if default.compare:
                compared.append(name)
            if default.repr:
                shown.append(name)
            default = (
                _NO_DEFAULT if default.default is dataclasses.MISSING else default.default
            )
        else:
            compared.append(name)
            shown.append(name)
        defaults.append(default)
    body.pop("__dict__", None)
    body.pop("__weakref__", None)
    body["__slots__"] = names
    body["__match_args__"] = names
    meta: Any = type(cls)
    new: Any = meta(cls.__name__, cls.__bases__, body)
    new.__qualname__ = cls.__qualname__
    setters = tuple(new.__dict__[name].__set__ for name in names)
    count = len(names)
    shown_names = tuple(shown)

    def fill(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        if len(args) > count:
            raise TypeError(f"{cls.__name__} takes {count} fields, got {len(args)}")
        values = list(args)
        for at in range(len(args), count):
            value = kwargs.pop(names[at], defaults[at])
            if value is _NO_DEFAULT:
                raise TypeError(f"{cls.__name__} lacks {names[at]}")
            values.append(value)
        if kwargs:
            raise TypeError(f"{cls.__name__} has no field {next(iter(kwargs))}")
        return values

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        if kwargs or len(args) != count:
            for put, value in zip(setters, fill(args, kwargs), strict=True):
                put(self, value)
        else:
            for put, value in zip(setters, args, strict=True):
                put(self, value)

    def __repr__(self: Any) -> str:
        inner = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown_names)
        return f"{cls.__name__}({inner})"

    # One field gives its bare value and none gives nothing to compare: both are fine as keys, since
    # only nodes of one class are ever compared by them.
    key: Callable[[Any], Any] = attrgetter(*compared) if compared else _nothing

    def __eq__(self: Any, other: object) -> bool:
        if self is other:
            return True
        if other.__class__ is not self.__class__:
            return False
        return bool(key(self) == key(other))

    salt = hash(cls.__name__)

    def __hash__(self: Any) -> int:
        return hash((salt, key(self)))

    new.__init__ = __init__
    new.__repr__ = __repr__
    new.__eq__ = __eq__
    new.__hash__ = __hash__
    new.__setattr__ = _frozen
    new.__delattr__ = _frozen
    new.__reduce__ = _reduce
    return new  # type: ignore[no-any-return]


def _nothing(self: Any) -> Any:
    return None


def _frozen(self: Any, *_: Any) -> None:
    raise AttributeError(f"{type(self).__name__} is immutable")


def _reduce(self: Any) -> tuple[Any, ...]:
    return type(self), tuple(getattr(self, name) for name in self.__slots__)
