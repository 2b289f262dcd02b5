"""Data classes that cost nothing to define.

`dataclass`, `field` and `replace` are those of the standard library without the generated source:
the standard decorator compiles five functions for each class, which for our 250 classes took 80 ms
at every start of the program (Python 3.11), and its module loads `inspect`, which takes 5 ms more.
Here the methods are closures over the field names; defining all classes takes 6 ms.  `@node` is
`@dataclass(frozen=True, slots=True)`, which all trees are made of.

A class has `__init__`, `__repr__`, `__eq__`, `__match_args__` and slots, and if it is frozen
`__hash__` and no way to set a field; it is copied and pickled by its fields.  What the standard
library's own functions (`asdict`, `fields`, `replace`) and pydantic need to know of a class they
get when they first ask, from the standard decorator.

Left out, because no class of ours needs it: inheritance, order, classes without slots, keyword-only
fields.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

C = TypeVar("C")
_NO_DEFAULT: Any = object()

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
    from dataclasses import field as field
    from dataclasses import replace as replace
else:

    def dataclass(*, frozen: bool = False, slots: bool) -> Callable[[type[C]], type[C]]:
        """The decorator; `slots` must be true."""
        if not slots:
            raise TypeError("our data classes have slots")
        return _frozen_class if frozen else _mutable_class

    class field:
        """What is said of one field."""

        __slots__ = ("compare", "default", "default_factory", "init", "repr")

        def __init__(
            self,
            *,
            default: Any = _NO_DEFAULT,
            default_factory: Any = _NO_DEFAULT,
            init: bool = True,
            repr: bool = True,
            compare: bool = True,
        ) -> None:
            self.default = default
            self.default_factory = default_factory
            self.init = init
            self.repr = repr
            self.compare = compare

    def replace(of: C, /, **changes: Any) -> C:
        """The same value but for the fields named."""
        for name in type(of).__match_args__:
            if name not in changes:
                changes[name] = getattr(of, name)
        return type(of)(**changes)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def node(cls: type[C]) -> type[C]:
    """The class as a node of a tree: frozen, with slots."""
    return _frozen_class(cls)


def _frozen_class(cls: type[C]) -> type[C]:
    return _class(cls, True)


def _mutable_class(cls: type[C]) -> type[C]:
    return _class(cls, False)


def _class(cls: type[C], frozen: bool) -> type[C]:
    body = dict(cls.__dict__)
    names: tuple[str, ...] = tuple(body.get("__annotations__", ()))
    given: list[str] = []
    defaults: list[Any] = []
    factories: dict[str, Any] = {}
    compared: list[str] = []
    shown: list[str] = []
    said: dict[str, Any] = {}
    for name in names:
        default = body.pop(name, _NO_DEFAULT)
        if default is not _NO_DEFAULT:
            said[name] = default
            if type(default) is field:
                if default.compare:
                    compared.append(name)
                if default.repr:
                    shown.append(name)
                if default.init:
                    given.append(name)
                    if default.default_factory is not _NO_DEFAULT:
                        factories[name] = default.default_factory
                    defaults.append(default.default)
                continue
        compared.append(name)
        shown.append(name)
        given.append(name)
        defaults.append(default)
    body.pop("__dict__", None)
    body.pop("__weakref__", None)
    body["__slots__"] = names
    body["__match_args__"] = tuple(given)
    body["__dataclass_fields__"] = _Fields(said)
    body["__reduce__"] = _reduce
    if frozen:
        body["__setattr__"] = body["__delattr__"] = _frozen
    meta: Any = type(cls)
    new: Any = meta(cls.__name__, cls.__bases__, body)
    new.__qualname__ = cls.__qualname__
    setters = tuple([new.__dict__[name].__set__ for name in given])
    count = len(given)

    def fill(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        if len(args) > count:
            raise TypeError(f"{cls.__name__} takes {count} fields, got {len(args)}")
        values = list(args)
        for at in range(len(args), count):
            name = given[at]
            value = kwargs.pop(name, defaults[at])
            if value is _NO_DEFAULT:
                if name not in factories:
                    raise TypeError(f"{cls.__name__} lacks {name}")
                value = factories[name]()
            values.append(value)
        if kwargs:
            raise TypeError(f"{cls.__name__} has no field {next(iter(kwargs))}")
        return values

    new.__init__ = _INITS.get(count, _init_many)(setters, count, fill)
    if "__post_init__" in body:
        new.__init__ = _with_post_init(new.__init__)

    # One field gives its bare value and none gives nothing to compare: both are fine as keys, since
    # only values of one class are ever compared by them.
    key: Callable[[Any], Any] = attrgetter(*compared) if compared else _nothing

    def __eq__(self: Any, other: object) -> bool:
        if self is other:
            return True
        if other.__class__ is not self.__class__:
            return False
        return bool(key(self) == key(other))

    new.__eq__ = __eq__
    if "__repr__" not in body:

        def __repr__(self: Any) -> str:
            inner = ", ".join([f"{name}={getattr(self, name)!r}" for name in shown])
            return f"{cls.__qualname__}({inner})"

        new.__repr__ = __repr__
    if frozen:
        salt = hash(cls.__name__)

        def __hash__(self: Any) -> int:
            return hash((salt, key(self)))

        new.__hash__ = __hash__
    else:
        new.__hash__ = None
    return new  # type: ignore[no-any-return]


# ---- __init__ ----------------------------------------------------------------------------------
# Written out for the usual numbers of fields: half the time of the loop.  Plans have a hundred
# nodes for each call.

Fill = Callable[[tuple[Any, ...], dict[str, Any]], list[Any]]


def _init_many(setters: tuple[Any, ...], count: int, fill: Fill) -> Any:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        values = fill(args, kwargs) if kwargs or len(args) != count else args
        for put, value in zip(setters, values):  # noqa: B905 - `strict` takes time; as many they are
            put(self, value)

    return __init__


def _init_2(setters: tuple[Any, ...], count: int, fill: Fill) -> Any:
    put_0, put_1 = setters

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        a, b = fill(args, kwargs) if kwargs or len(args) != count else args
        put_0(self, a)
        put_1(self, b)

    return __init__


def _init_3(setters: tuple[Any, ...], count: int, fill: Fill) -> Any:
    put_0, put_1, put_2 = setters

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        a, b, c = fill(args, kwargs) if kwargs or len(args) != count else args
        put_0(self, a)
        put_1(self, b)
        put_2(self, c)

    return __init__


def _init_4(setters: tuple[Any, ...], count: int, fill: Fill) -> Any:
    put_0, put_1, put_2, put_3 = setters

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        a, b, c, d = fill(args, kwargs) if kwargs or len(args) != count else args
        put_0(self, a)
        put_1(self, b)
        put_2(self, c)
        put_3(self, d)

    return __init__


_INITS: dict[int, Callable[[tuple[Any, ...], int, Fill], Any]] = {
    2: _init_2,
    3: _init_3,
    4: _init_4,
}


def _with_post_init(fields: Any) -> Any:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        fields(self, *args, **kwargs)
        self.__post_init__()

    return __init__


# ---- the rest ----------------------------------------------------------------------------------


class _Fields:
    """`__dataclass_fields__` of a class: made, and put in its own place, when first asked for."""

    __slots__ = ("said",)

    def __init__(self, said: dict[str, Any]) -> None:
        self.said = said

    def __get__(self, _: object, owner: type) -> Any:
        import dataclasses

        body: dict[str, Any] = {
            "__annotations__": owner.__annotations__,
            "__module__": owner.__module__,  # where the names in annotations are looked up
        }
        for name, value in self.said.items():
            if type(value) is field:
                options = {each: getattr(value, each) for each in field.__slots__}
                value = dataclasses.field(
                    **{key: each for key, each in options.items() if each is not _NO_DEFAULT}
                )
            body[name] = value
        made: Any = dataclasses.dataclass(type(owner.__name__, (), body))
        owner.__dataclass_fields__ = made.__dataclass_fields__  # type: ignore[attr-defined]
        return made.__dataclass_fields__


def _nothing(self: Any) -> Any:
    return None


def _frozen(self: Any, *_: Any) -> None:
    raise AttributeError(f"{type(self).__name__} is immutable")


def _reduce(self: Any) -> tuple[Any, ...]:
    return type(self), tuple([getattr(self, name) for name in self.__match_args__])
