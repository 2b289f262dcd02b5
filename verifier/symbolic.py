"""Core expressions over symbolic values.

A symbolic value is a `Term` where the type is scalar and a `Shape` where it is structured: a
record is its fields, an option a flag and an item, a map an unknown base with the updates made
since.  Reads go through updates at once, so what reaches the solver speaks of scalars only:
an unknown list of records is a family of functions from index to scalar, `invoices[].amount(i)`,
one for each path.  There are no arrays, datatypes or quantifiers left to reason about; the theory
is equality with uninterpreted functions and arithmetic.  (Read-over-write as term rewriting:
McCarthy 1962; functions in place of arrays: Burch, Dill, CAV 1994.)

An unknown value of a type satisfies the facts of its type.  They are kept per symbol (`facts`),
unconditionally: what an absent key or a position beyond a list's end holds is never looked at
(`defined` obligations see to that), so it may be taken to be well-typed too.  This needs every
type to have a value, which is an obligation of the domain.

Quantified formulas are atoms (`Quantifier`); `ground` instantiates them over the footprint.

In *exact* mode (`scope` is a number K) unknown lists and sets have at most K items and unknown maps
at most K + 1 keys, all written out, so quantifiers, sums, searches unfold completely and a model of
the formula is a concrete run.  That mode serves to refute and to witness, never to prove.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import wraps
from typing import Any, TypeAlias, TypeVar, assert_never

from planproof.spec import core, semantics
from planproof.spec import types as types_
from planproof.spec.core import Expr, Op
from planproof.spec.limits import DEFAULT
from planproof.spec.lower.terms import mentions
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
    show,
    strip,
)
from planproof.verifier.term import BOOL, INT, REAL, TEXT, Number, Sort, Term, Terms, parts_of


class Unencodable(Exception):
    """The expression is outside what conditions can say; the obligation becomes `unknown`."""


class Shape:
    """A structured symbolic value, made once for equal parts (compare with `is`).

    kind      parts
    record    the fields, of a record or tuple
    option    flag, item (None for a literal `none`)
    items     the items of a list of known length
    bounded   length term, items: a list written out, of which the first `length` count
    list      path, args: an unknown list
    append    list, item
    map       path, args, keys: an unknown map; its keys are those of the map `keys` if given
    put       map, key, value
    drop      map, key
    entries   (present, key, value) for each: a map written out; present keys differ
    set       path, args: an unknown set
    empty     nothing: the empty set
    with      set, item
    without   set, item
    members   (present, item) for each: a set written out
    choice    test, then, otherwise: of two lists, maps or sets
    """

    __slots__ = ("kind", "parts", "stamp", "type")

    kind: str
    parts: tuple[object, ...]
    type: Type
    stamp: int  # how many terms there were: no younger term occurs in it

    def __repr__(self) -> str:
        return f"{self.kind}{self.parts}"


SValue: TypeAlias = Term | Shape
Env: TypeAlias = Mapping[str, SValue]
Flat: TypeAlias = tuple[Term, ...]


class Source:
    """Where the ground terms come from over which a schema is instantiated.

    `symbol` is the name of a function whose applications count, the first `prefix` arguments fixed;
    the instance is the `width` arguments after them.  With `symbol` None every argument of sort
    `sort` of any application counts.
    """

    __slots__ = ("prefix", "sort", "symbol", "width")

    def __init__(self, symbol: str | None, prefix: Flat, width: int, sort: Sort = "") -> None:
        self.symbol = symbol
        self.prefix = prefix
        self.width = width
        self.sort = sort


class Schema:
    """A fact that holds for every ground instance: assumed over the footprint by `ground`."""

    __slots__ = ("_instances", "_make", "sources")

    def __init__(self, sources: tuple[Source, ...], make: Callable[[Flat], Term]) -> None:
        self.sources = sources
        self._make = make
        self._instances: dict[Flat, Term] = {}

    def instance(self, flat: Flat) -> Term:
        """The fact for these arguments; made once, since many conditions ask for the same."""
        found = self._instances.get(flat)
        if found is None:
            found = self._instances[flat] = self._make(flat)
        return found


class Quantifier:
    """`for all x: holds(x)`: what stands behind a `quant` term. `skolem` makes fresh arguments."""

    __slots__ = ("key", "schema", "skolem", "symbols")

    def __init__(
        self, key: object, schema: Schema, skolem: Callable[[], Flat], symbols: Term
    ) -> None:
        self.key = key
        self.schema = schema
        self.skolem = skolem
        self.symbols = symbols  # the body at a placeholder: which symbols it speaks of


class Special:
    """What is known about the applications of one symbol: lemmas and schemas, made on demand."""

    __slots__ = ("footprint", "lemmas", "pairs", "schema")

    def __init__(
        self,
        lemmas: Callable[[Term], list[Term]] | None = None,
        schema: Schema | None = None,
        pairs: Callable[[list[Term]], list[Term]] | None = None,
        footprint: Callable[[Term, Callable[[tuple[Source, ...]], list[Flat]]], list[Term]]
        | None = None,
    ) -> None:
        self.lemmas = lemmas  # for one application
        self.schema = schema  # once one application occurs
        self.pairs = pairs  # for all applications that occur, together
        self.footprint = footprint  # for one application, given a way to ask for the footprint


class Known:
    """What simplification may use: whether a proposition is settled on the current path.

    `memo` holds what was read through shapes while exactly this was known.  Shapes share parts, so
    a read that visited a part once for each way to it would take time exponential in the plan.
    """

    __slots__ = ("memo",)

    def __init__(self) -> None:
        self.memo: dict[tuple[object, ...], Any] = {}

    def holds(self, proposition: Term) -> bool | None:  # noqa: ARG002 - nothing is known here
        return None


F = TypeVar("F", bound=Callable[..., Any])


def _read_once(method: F) -> F:
    """Each read is done once for each shape, key and state of knowledge."""

    @wraps(method)
    def read(self: Symbolic, *arguments: object) -> object:
        key = (method.__name__, *arguments)
        memo = self.known.memo
        found = memo.get(key)
        if found is None:
            found = method(self, *arguments)
            if len(memo) > _MEMO_MAX:
                memo.clear()
            memo[key] = found
        return found

    return read  # type: ignore[return-value]


class Symbolic:
    """Evaluates core expressions to symbolic values, and remembers what their symbols mean."""

    def __init__(self, scope: int | None = None) -> None:
        self.terms = Terms()
        self.scope = scope
        self.known = Known()
        self.facts: dict[Term, list[Term]] = {}  # of an application of a symbol
        self.special: dict[str, Special] = {}
        self.loose: list[Term] = []  # facts of types that no scalar stands for, not learned yet
        self.uses_strings = False
        # Symbols that what is known of a symbol speaks of: a slice with the one needs the others.
        self.links: dict[str, list[Term]] = {}
        self.restrictions: list[Term] = []  # in exact mode: what a model has to satisfy besides
        self._summed: dict[Term, Shape] = {}  # which map an application of a `+` symbol sums
        self._shapes: dict[tuple[object, ...], Shape] = {}
        self._quantifiers: dict[object, Term] = {}
        self._numbered: dict[object, int] = {}
        self._free: dict[int, tuple[str, ...]] = {}
        self._kept: list[Expr] = []  # whose id is a key of `_free`, so that no id is used twice
        self._placeholders = 0
        self._nowhere = Known()

    # ---- making values ---------------------------------------------------------------------------

    def shape(self, kind: str, parts: tuple[object, ...], type: Type) -> Shape:
        key = (kind, parts)
        found = self._shapes.get(key)
        if found is None:
            found = Shape()
            found.kind, found.parts, found.type = kind, parts, type
            found.stamp = len(self.terms)
            self._shapes[key] = found
        return found

    def sort(self, type: Type) -> Sort | None:
        """The sort of a scalar type; None for a structured one."""
        match strip(type):
            case BoolType():
                return BOOL
            case IntType() | DateType() | TimeType() | EnumType():
                return INT  # a member of an enum is its position
            case DecimalType():
                return REAL
            case TextType():
                return TEXT
            case OpaqueType(name):
                return "U:" + name
            case NeverType():
                return "U:?"
            case _:
                return None

    def number_of(self, key: object, prefix: str) -> str:
        """A name for `key`, the same each time it is asked for."""
        return f"{prefix}{self._numbered.setdefault((prefix, key), len(self._numbered))}"

    def unknown(self, type: Type, path: str, args: Flat = ()) -> SValue:
        """An unknown value of `type`: its symbols begin with `path` and are functions of `args`."""
        terms = self.terms
        match type:
            case RefinedType(_, base, predicate):
                value = self.unknown(base, path, args)
                self._learn(value, predicate)
                return value
            case RecordType(_, fields):
                return self.shape(
                    "record", tuple(self.unknown(t, f"{path}.{n}", args) for n, t in fields), type
                )
            case TupleType(items):
                return self.shape(
                    "record",
                    tuple(self.unknown(t, f"{path}.{i}", args) for i, t in enumerate(items)),
                    type,
                )
            case OptionType(item):
                flag = terms.app(path + "?", args, BOOL)
                return self.shape("option", (flag, self.unknown(item, path + "!", args)), type)
            case ListType(item, bound):
                if self.scope is not None:
                    size = min(bound, self.scope)
                    terms.intervals.setdefault(path + "#", (0, size))
                    written = [self.unknown(item, f"{path}[{i}]", args) for i in range(size)]
                    length = terms.app(path + "#", args, INT)
                    return self.shape("bounded", (length, *written), type)
                terms.intervals.setdefault(path + "#", (0, bound))
                return self.shape("list", (path, args), type)
            case MapType(key, value, bound):
                if self.scope is not None:
                    size = self.scope + 1 if bound is None else min(bound, self.scope + 1)
                    return self._written_out("entries", path, args, type, size, key, value)
                self._keys_conform(path, len(args), key)
                return self.shape("map", (path, args, None), type)
            case SetType(item):
                if self.scope is not None:
                    return self._written_out("members", path, args, type, self.scope, item, None)
                self._keys_conform(path, len(args), item)
                return self.shape("set", (path, args), type)
            case EnumType(_, members):
                terms.intervals.setdefault(path, (0, len(members) - 1))
                return terms.app(path, args, INT)
            case TextType(bound):
                term = terms.app(path, args, TEXT)
                if term not in self.facts:
                    self.facts[term] = [terms.le(self.text_len(term), terms.integer(bound))]
                return term
            case (
                BoolType()
                | IntType()
                | DateType()
                | TimeType()
                | DecimalType()
                | OpaqueType()
                | NeverType()
            ):
                sort = self.sort(type)
                assert sort is not None
                return terms.app(path, args, sort)
            case _:
                assert_never(type)

    def _keys_conform(self, path: str, prefix: int, key: Type) -> None:
        """The keys of an unknown map, or members of a set, are values of their type."""
        name = path + "?"
        if name in self.special or not _says_something(key):
            return

        def present(application: Term) -> list[Term]:
            value = self.unflat(application.args[prefix:], key)
            return [
                self.neutral(lambda: self.terms.implies(application, self.conforms(value, key)))
            ]

        self.special[name] = Special(present)

    def conforms(self, value: SValue, type: Type) -> Term:
        """Whether a key is a value of its type: refinements and bounds."""
        terms = self.terms
        match type:
            case RefinedType(_, base, predicate):
                return terms.and_(
                    self.conforms(value, base), self.truth(predicate, {"self": value})
                )
            case TextType(bound):
                return terms.le(self.text_len(_term(value)), terms.integer(bound))
            case EnumType(_, members):
                last = terms.integer(len(members) - 1)
                return terms.and_(terms.ge0(_term(value)), terms.le(_term(value), last))
            case RecordType(_, fields):
                parts = zip(_shape(value).parts, fields, strict=True)
                return terms.and_(*(self.conforms(_svalue(v), t) for v, (_, t) in parts))
            case TupleType(items):
                pairs = zip(_shape(value).parts, items, strict=True)
                return terms.and_(*(self.conforms(_svalue(v), t) for v, t in pairs))
            case _:
                return terms.true

    def _learn(self, value: SValue, predicate: Expr) -> None:
        """The facts of a refinement, on every scalar of the value; bounds become intervals."""
        terms = self.terms
        if isinstance(value, Term) and value.op == "app" and value not in self.facts:
            bounds = _interval_of(predicate)
            if bounds is not None:
                # The interval must be there before the term is: make the symbol anew.
                name: str = value.data  # type: ignore[assignment]
                if name not in terms.intervals:
                    terms.intervals[name] = bounds
                    value.low, value.high = bounds
                if terms.intervals[name] == bounds:
                    self.facts[value] = []
                    return
        try:
            fact = self.neutral(lambda: self.truth(predicate, {"self": value}))
        except Unencodable:
            return  # less is known, which only makes a proof harder
        leaves = [t for t in self.scalars(value) if t.op == "app"]
        if not leaves and fact is not terms.true:
            self.loose.append(fact)
        for leaf in leaves:
            known = self.facts.setdefault(leaf, [])
            if fact is not terms.true and fact not in known:
                known.append(fact)
                links = self.links.setdefault(str(leaf.data), [])
                if len(links) < _LINKS_MAX:
                    links.append(fact)

    def _written_out(
        self, kind: str, path: str, args: Flat, type: Type, size: int, key: Type, value: Type | None
    ) -> Shape:
        terms = self.terms
        rows: list[tuple[object, ...]] = []
        for i in range(size):
            present = terms.app(f"{path}?{i}", args, BOOL)
            row: tuple[object, ...] = (present, self.unknown(key, f"{path}@{i}", args))
            if value is not None:
                row = (*row, self.unknown(value, f"{path}[{i}]", args))
            rows.append(row)
        facts = []
        for i, row in enumerate(rows):
            if i > 0:
                facts.append(terms.implies(_term(row[0]), _term(rows[i - 1][0])))
            for before in rows[:i]:
                both = terms.and_(_term(row[0]), _term(before[0]))
                a, b = _svalue(row[1]), _svalue(before[1])
                same = self.neutral(lambda a=a, b=b: self.equal(a, b))  # type: ignore[misc]
                facts.append(terms.implies(both, terms.not_(same)))
        if facts:
            fact = terms.and_(*facts)
            for row in rows:
                leaves = [t for each in row for t in self.scalars(_svalue(each))]
                for leaf in leaves:
                    known = self.facts.setdefault(leaf, [])
                    if fact not in known:
                        known.append(fact)
        return self.shape(kind, tuple(rows), type)

    def scalars(self, value: SValue) -> list[Term]:
        """Every term a written-out value consists of, those of unknown collections left out."""
        if isinstance(value, Term):
            return [value]
        found: list[Term] = []
        for part in value.parts:
            if isinstance(part, Term | Shape):
                found += self.scalars(part)
            elif isinstance(part, tuple):
                for each in part:
                    if isinstance(each, Term | Shape):
                        found += self.scalars(each)
        return found

    def literal(self, value: core.Value, type: Type) -> SValue:
        """A concrete value as a symbolic one."""
        terms = self.terms
        type = strip(type)
        match value:
            case bool():
                return terms.boolean(value)
            case int() if isinstance(type, DecimalType):
                return terms.number(value, REAL)
            case int():
                return terms.integer(value)
            case Fraction():
                return terms.number(value, REAL)
            case str():
                return terms.text(value)
            case core.EnumValue(_, member):
                assert isinstance(type, EnumType)
                return terms.integer(type.members.index(member))
            case core.OpaqueValue(name, index):
                return terms.app(f"{name}!{index}", (), "U:" + name)
            case core.RecordValue(_, fields):
                assert isinstance(type, RecordType)
                parts = zip(fields, type.fields, strict=True)
                return self.shape("record", tuple(self.literal(v, t) for v, (_, t) in parts), type)
            case core.TupleValue(items):
                assert isinstance(type, TupleType)
                pairs = zip(items, type.items, strict=True)
                return self.shape("record", tuple(self.literal(v, t) for v, t in pairs), type)
            case core.NoneValue():
                return self.shape("option", (terms.false, None), type)
            case core.SomeValue(item):
                assert isinstance(type, OptionType)
                return self.shape("option", (terms.true, self.literal(item, type.item)), type)
            case core.ListValue(items):
                assert isinstance(type, ListType)
                return self.shape("items", tuple(self.literal(v, type.item) for v in items), type)
            case core.SetValue() | core.MapValue():
                members = value.items if isinstance(value, core.SetValue) else value.entries
                if members:
                    raise Unencodable("a set or map constant with members")
                return self.shape(
                    "empty" if isinstance(value, core.SetValue) else "entries", (), type
                )
            case _:
                assert_never(value)

    # ---- choices ---------------------------------------------------------------------------------

    def choose(self, test: Term, then: SValue, otherwise: SValue) -> SValue:
        """`if test then ... else ...`, pushed inwards as far as the shapes agree."""
        if then is otherwise or test is self.terms.true:
            return then
        if test is self.terms.false:
            return otherwise
        if isinstance(then, Term):
            return self.terms.ite(test, then, _term(otherwise))
        assert isinstance(otherwise, Shape)
        if then.kind == otherwise.kind == "record":
            parts = zip(then.parts, otherwise.parts, strict=True)
            return self.shape(
                "record",
                tuple(self.choose(test, _svalue(a), _svalue(b)) for a, b in parts),
                then.type,
            )
        if then.kind == otherwise.kind == "option":
            flag = self.terms.ite(test, _term(then.parts[0]), _term(otherwise.parts[0]))
            a, b = then.parts[1], otherwise.parts[1]
            # The item of `none` is never looked at, so either side will do for it.
            item = b if a is None else a if b is None else self.choose(test, _svalue(a), _svalue(b))
            return self.shape("option", (flag, item), then.type)
        if then.kind == otherwise.kind == "put" and then.parts[1] is otherwise.parts[1]:
            base = self.choose(test, _svalue(then.parts[0]), _svalue(otherwise.parts[0]))
            value = self.choose(test, _svalue(then.parts[2]), _svalue(otherwise.parts[2]))
            assert isinstance(base, Shape)
            return self.shape("put", (base, then.parts[1], value), then.type)
        return self.shape("choice", (test, then, otherwise), then.type)

    # ---- lists -----------------------------------------------------------------------------------

    @_read_once
    def list_len(self, xs: Shape) -> Term:
        terms = self.terms
        match xs.kind:
            case "items":
                return terms.integer(len(xs.parts))
            case "bounded":
                return _term(xs.parts[0])
            case "list":
                path, args = xs.parts
                return terms.app(f"{path}#", args, INT)  # type: ignore[arg-type]
            case "append":
                return terms.add(self.list_len(_shape(xs.parts[0])), terms.integer(1))
            case _:
                test, then, otherwise = xs.parts
                return terms.ite(
                    _term(test), self.list_len(_shape(then)), self.list_len(_shape(otherwise))
                )

    @_read_once
    def list_get(self, xs: Shape, index: Term, type: Type) -> SValue:
        terms = self.terms
        match xs.kind:
            case "items" | "bounded":
                items = xs.parts if xs.kind == "items" else xs.parts[1:]
                if not items:
                    return self.unknown(type, f"beyond {show(type)}", (index,))
                if index.op == "const":
                    at = index.data
                    if isinstance(at, int) and 0 <= at < len(items):
                        return _svalue(items[at])
                    return _svalue(items[-1])
                result = _svalue(items[-1])
                for at in range(len(items) - 2, -1, -1):
                    here = self.settled(terms.eq(index, terms.integer(at)))
                    result = self.choose(here, _svalue(items[at]), result)
                return result
            case "list":
                path, args = xs.parts
                item = strip(xs.type)
                assert isinstance(item, ListType)
                return self.unknown(item.item, f"{path}[]", (*args, index))  # type: ignore[misc]
            case "append":
                base = _shape(xs.parts[0])
                last = self.settled(terms.eq(index, self.list_len(base)))
                if last is terms.true:
                    return _svalue(xs.parts[1])
                before = self.list_get(base, index, type)
                return self.choose(last, _svalue(xs.parts[1]), before)
            case _:
                test, then, otherwise = xs.parts
                return self.choose(
                    _term(test),
                    self.list_get(_shape(then), index, type),
                    self.list_get(_shape(otherwise), index, type),
                )

    def list_append(self, xs: Shape, item: SValue) -> Shape:
        if xs.kind == "items":
            return self.shape("items", (*xs.parts, item), xs.type)
        if xs.kind == "bounded":
            length = _term(xs.parts[0])
            old = xs.parts[1:]
            grown = [
                self.choose(
                    self.settled(self.terms.eq(length, self.terms.integer(i))), item, _svalue(each)
                )
                for i, each in enumerate(old)
            ]
            return self.shape(
                "bounded",
                (self.terms.add(length, self.terms.integer(1)), *grown, item),
                xs.type,
            )
        return self.shape("append", (xs, item), xs.type)

    # ---- maps and sets ---------------------------------------------------------------------------

    def flat(self, key: SValue) -> Flat:
        """A key as the scalars it consists of, by which functions are applied to it."""
        if isinstance(key, Term):
            return (key,)
        if key.kind == "record":
            return tuple(t for part in key.parts for t in self.flat(_svalue(part)))
        raise Unencodable(f"a key of type {show(key.type)}")

    def unflat(self, flat: Flat, type: Type) -> SValue:
        value, rest = self._unflat(flat, type)
        assert not rest
        return value

    def _unflat(self, flat: Flat, type: Type) -> tuple[SValue, Flat]:
        bare = strip(type)
        match bare:
            case RecordType(_, fields):
                types: tuple[Type, ...] = tuple(t for _, t in fields)
            case TupleType(items):
                types = items
            case _:
                if self.sort(bare) is None:
                    raise Unencodable(f"a key of type {show(type)}")
                return flat[0], flat[1:]
        parts: list[SValue] = []
        for each in types:
            part, flat = self._unflat(flat, each)
            parts.append(part)
        return self.shape("record", tuple(parts), type), flat

    def width(self, type: Type) -> int:
        bare = strip(type)
        match bare:
            case RecordType(_, fields):
                return sum(self.width(t) for _, t in fields)
            case TupleType(items):
                return sum(self.width(t) for t in items)
            case _:
                if self.sort(bare) is None:
                    raise Unencodable(f"a key of type {show(type)}")
                return 1

    @_read_once
    def map_has(self, m: Shape, key: SValue) -> Term:
        terms = self.terms
        match m.kind:
            case "map":
                path, args, keys = m.parts
                if keys is not None:
                    return self.map_has(_shape(keys), key)
                return self.settled(terms.app(f"{path}?", (*args, *self.flat(key)), BOOL))  # type: ignore[misc]
            case "put":
                inner = self.map_has(_shape(m.parts[0]), key)
                if inner is terms.true:
                    return inner
                return terms.or_(self.same(_svalue(m.parts[1]), key), inner)
            case "drop":
                other = terms.not_(self.same(_svalue(m.parts[1]), key))
                return terms.and_(other, self.map_has(_shape(m.parts[0]), key))
            case "entries":
                return terms.or_(
                    *(
                        terms.and_(_term(row[0]), self.same(_svalue(row[1]), key))
                        for row in m.parts
                        if isinstance(row, tuple)
                    )
                )
            case _:
                test, then, otherwise = m.parts
                return terms.ite(
                    _term(test),
                    self.map_has(_shape(then), key),
                    self.map_has(_shape(otherwise), key),
                )

    @_read_once
    def map_get(self, m: Shape, key: SValue, type: Type) -> SValue:
        match m.kind:
            case "map":
                path, args, _ = m.parts
                bare = strip(m.type)
                assert isinstance(bare, MapType)
                return self.unknown(bare.value, f"{path}[]", (*args, *self.flat(key)))  # type: ignore[misc]
            case "put":
                here = self.same(_svalue(m.parts[1]), key)
                if here is self.terms.true:
                    return _svalue(m.parts[2])
                return self.choose(
                    here, _svalue(m.parts[2]), self.map_get(_shape(m.parts[0]), key, type)
                )
            case "drop":
                return self.map_get(_shape(m.parts[0]), key, type)
            case "entries":
                rows = [row for row in m.parts if isinstance(row, tuple)]
                if not rows:
                    return self.unknown(type, f"absent {show(m.type)} {show(type)}", self.flat(key))
                result = _svalue(rows[-1][2])
                for row in reversed(rows[:-1]):
                    here = self.terms.and_(_term(row[0]), self.same(_svalue(row[1]), key))
                    result = self.choose(here, _svalue(row[2]), result)
                return result
            case _:
                test, then, otherwise = m.parts
                return self.choose(
                    _term(test),
                    self.map_get(_shape(then), key, type),
                    self.map_get(_shape(otherwise), key, type),
                )

    def map_put(self, m: Shape, key: SValue, value: SValue) -> Shape:
        """The map with `value` at `key`; an older write to the same key is dropped."""
        return self.shape("put", (self._forget(m, key), key, value), m.type)

    def _forget(self, m: Shape, key: SValue) -> Shape:
        """The map without an older `put` at this very key, which a newer one hides.

        Only for values: the caller puts the key again, so that it is present is not lost.
        """
        above: list[Shape] = []
        at = m
        while at.kind == "put":
            if at.parts[1] is key:
                result = _shape(at.parts[0])
                for each in reversed(above):
                    result = self.shape("put", (result, each.parts[1], each.parts[2]), each.type)
                return result
            above.append(at)
            at = _shape(at.parts[0])
            if len(above) > _FORGET_MAX:
                return m
        return m

    @_read_once
    def map_sum(self, m: Shape) -> Term:
        """The sum of the values at present keys."""
        terms = self.terms
        bare = strip(m.type)
        assert isinstance(bare, MapType)
        sort = self.sort(bare.value)
        if sort not in (INT, REAL):
            raise Unencodable("the sum of a map to something other than numbers")
        zero = terms.number(0, sort)
        match m.kind:
            case "map":
                path, args, _ = m.parts
                name = f"{path}+"
                value = self.unknown(
                    bare.value, f"{path}[]", self._placeholder_flat(args, bare.key)
                )
                low = _term(value).low
                if low is not None and low >= 0:
                    terms.intervals.setdefault(name, (0, None))
                    if name not in self.special:
                        self.special[name] = self._sum_is_at_least(bare)
                total = terms.app(name, args, sort)  # type: ignore[arg-type]
                self._summed[total] = m
                return total
            case "put":
                base, key, new = _shape(m.parts[0]), _svalue(m.parts[1]), _term(m.parts[2])
                present = self.settled(self.map_has(base, key))
                old = zero
                if present is not terms.false:
                    old = terms.ite(present, _term(self.map_get(base, key, bare.value)), zero)
                return terms.add(self.map_sum(base), terms.scale(-1, old), new)
            case "drop":
                base, key = _shape(m.parts[0]), _svalue(m.parts[1])
                present = self.settled(self.map_has(base, key))
                old = terms.ite(present, _term(self.map_get(base, key, bare.value)), zero)
                return terms.sub(self.map_sum(base), old)
            case "entries":
                rows = [row for row in m.parts if isinstance(row, tuple)]
                return terms.add(
                    zero, *(terms.ite(_term(row[0]), _term(row[2]), zero) for row in rows)
                )
            case _:
                test, then, otherwise = m.parts
                return terms.ite(
                    _term(test), self.map_sum(_shape(then)), self.map_sum(_shape(otherwise))
                )

    def _sum_is_at_least(self, type: MapType) -> Special:
        """Non-negative values: the sum is at least that of any keys that are known to differ."""
        terms = self.terms

        def partial(total: Term, ask: Callable[[tuple[Source, ...]], list[Flat]]) -> list[Term]:
            m = self._summed[total]
            zero = terms.number(0, total.sort)
            keys = [self.unflat(flat, type.key) for flat in ask(self._key_sources(m))[:_PAIRS_MAX]]

            def sum_of_keys() -> Term:
                parts = [zero]
                for i, key in enumerate(keys):
                    new = terms.and_(*(terms.not_(self.equal(key, other)) for other in keys[:i]))
                    counted = terms.and_(self.map_has(m, key), new)
                    parts.append(terms.ite(counted, _term(self.map_get(m, key, type.value)), zero))
                return terms.le(terms.add(*parts), total)

            return [self.neutral(sum_of_keys)]

        return Special(footprint=partial)

    @_read_once
    def set_has(self, s: Shape, item: SValue) -> Term:
        terms = self.terms
        match s.kind:
            case "set":
                path, args = s.parts
                return self.settled(terms.app(f"{path}?", (*args, *self.flat(item)), BOOL))  # type: ignore[misc]
            case "empty":
                return terms.false
            case "with":
                return terms.or_(
                    self.same(_svalue(s.parts[1]), item), self.set_has(_shape(s.parts[0]), item)
                )
            case "without":
                other = terms.not_(self.same(_svalue(s.parts[1]), item))
                return terms.and_(other, self.set_has(_shape(s.parts[0]), item))
            case "members":
                return terms.or_(
                    *(
                        terms.and_(_term(row[0]), self.same(_svalue(row[1]), item))
                        for row in s.parts
                        if isinstance(row, tuple)
                    )
                )
            case _:
                test, then, otherwise = s.parts
                return terms.ite(
                    _term(test),
                    self.set_has(_shape(then), item),
                    self.set_has(_shape(otherwise), item),
                )

    # ---- equality --------------------------------------------------------------------------------

    def same(self, left: SValue, right: SValue) -> Term:
        """Whether two keys are equal, as far as the path already settles it."""
        return self.settled(self.equal(left, right))

    def settled(self, proposition: Term) -> Term:
        if proposition.op == "const":
            return proposition
        answer = self.known.holds(proposition)
        return proposition if answer is None else self.terms.boolean(answer)

    @_read_once
    def equal(self, left: SValue, right: SValue) -> Term:
        """Equality of content."""
        terms = self.terms
        if left is right:
            return terms.true
        if isinstance(left, Term):
            return terms.eq(left, _term(right))
        assert isinstance(right, Shape)
        for one, other in ((left, right), (right, left)):
            if one.kind == "choice":
                test, then, otherwise = one.parts
                return terms.ite(
                    _term(test),
                    self.equal(_shape(then), other),
                    self.equal(_shape(otherwise), other),
                )
        bare = strip(left.type)
        match bare:
            case RecordType() | TupleType():
                parts = zip(left.parts, right.parts, strict=True)
                return terms.and_(*(self.equal(_svalue(a), _svalue(b)) for a, b in parts))
            case OptionType():
                flags = terms.eq(_term(left.parts[0]), _term(right.parts[0]))
                a, b = left.parts[1], right.parts[1]
                if a is None or b is None:
                    return flags
                items = self.equal(_svalue(a), _svalue(b))
                return terms.and_(flags, terms.implies(_term(left.parts[0]), items))
            case ListType(item_type):
                lengths = terms.eq(self.list_len(left), self.list_len(right))
                if lengths is terms.false:
                    return lengths
                written = [x for x in (left, right) if x.kind in ("items", "bounded")]
                if written:
                    count = min(len(x.parts) - (x.kind == "bounded") for x in written)
                    length = self.list_len(left)
                    same = []
                    for i in range(count):
                        at = terms.integer(i)
                        here = self.equal(
                            self.list_get(left, at, item_type), self.list_get(right, at, item_type)
                        )
                        same.append(terms.implies(terms.lt(at, length), here))
                    return terms.and_(lengths, *same)

                def item_equal(flat: Flat) -> Term:
                    [at] = flat
                    inside = terms.and_(
                        terms.ge0(at), terms.lt(at, self.list_len(left))
                    )
                    return terms.implies(
                        inside,
                        self.equal(
                            self.list_get(left, at, item_type), self.list_get(right, at, item_type)
                        ),
                    )

                sources = self._list_sources(left) + self._list_sources(right)
                return terms.and_(
                    lengths, self.for_all(("list", left, right), sources, (INT,), item_equal)
                )
            case MapType(key_type, value_type):

                def entry_equal(flat: Flat) -> Term:
                    key = self.unflat(flat, key_type)
                    a, b = self.map_has(left, key), self.map_has(right, key)
                    values = self.equal(
                        self.map_get(left, key, value_type), self.map_get(right, key, value_type)
                    )
                    return terms.and_(terms.eq(a, b), terms.implies(a, values))

                if self.scope is not None:
                    keys = self.keys_written(left) + self.keys_written(right)
                    return terms.and_(*(entry_equal(self.flat(k)) for k in keys))
                sources = self._key_sources(left) + self._key_sources(right)
                return self.for_all(
                    ("map", left, right), sources, self._sorts(key_type), entry_equal
                )
            case SetType(member_type):

                def member_equal(flat: Flat) -> Term:
                    item = self.unflat(flat, member_type)
                    return terms.eq(self.set_has(left, item), self.set_has(right, item))

                if self.scope is not None or not (self._has_base(left) or self._has_base(right)):
                    keys = self.keys_written(left) + self.keys_written(right)
                    return terms.and_(*(member_equal(self.flat(k)) for k in keys))
                sources = self._key_sources(left) + self._key_sources(right)
                return self.for_all(
                    ("set", left, right), sources, self._sorts(member_type), member_equal
                )
            case _:
                raise Unencodable(f"equality of {show(left.type)}")

    def _has_base(self, value: Shape) -> bool:
        return any(part.kind in ("map", "set", "list") for part in self._parts(value))

    def keys_written(self, value: Shape) -> list[SValue]:
        """The keys or members that a written-out map or set, with its updates, may have."""
        found: dict[SValue, None] = {}
        for part in self._parts(value):
            if part.kind in ("entries", "members"):
                found.update(
                    (_svalue(row[1]), None) for row in part.parts if isinstance(row, tuple)
                )
            elif part.kind in ("put", "drop", "with", "without"):
                found[_svalue(part.parts[1])] = None
        return list(found)

    def _parts(self, value: Shape) -> list[Shape]:
        """The collections that `value` was made from by updates and choices, each once."""
        found: dict[Shape, None] = {}
        work = [value]
        while work:
            at = work.pop()
            if at in found:
                continue
            found[at] = None
            if at.kind == "choice":
                work += [_shape(at.parts[2]), _shape(at.parts[1])]
            elif at.kind in ("put", "drop", "with", "without", "append"):
                work.append(_shape(at.parts[0]))
            elif at.kind == "map" and at.parts[2] is not None:
                work.append(_shape(at.parts[2]))
        return list(found)

    def _sorts(self, type: Type) -> tuple[Sort, ...]:
        bare = strip(type)
        match bare:
            case RecordType(_, fields):
                return tuple(s for _, t in fields for s in self._sorts(t))
            case TupleType(items):
                return tuple(s for t in items for s in self._sorts(t))
            case _:
                sort = self.sort(bare)
                if sort is None:
                    raise Unencodable(f"a key of type {show(type)}")
                return (sort,)

    def _list_sources(self, xs: Shape) -> tuple[Source, ...]:
        """The reads of the unknown lists in `xs`: the indices that matter."""
        found: list[Source] = []
        for part in self._parts(xs):
            if part.kind == "list":
                path, args = part.parts
                bare = strip(part.type)
                assert isinstance(bare, ListType)
                found += self._reads(f"{path}[]", args, 1, bare.item)  # type: ignore[arg-type]
        return tuple(found)

    def _key_sources(self, m: Shape) -> tuple[Source, ...]:
        """The reads of the unknown maps or sets in `m`: the keys that matter."""
        found: list[Source] = []
        for part in self._parts(m):
            bare = strip(part.type)
            if part.kind == "map":
                path, args, keys = part.parts
                assert isinstance(bare, MapType)
                width = self.width(bare.key)
                if keys is None:
                    found.append(Source(f"{path}?", args, width))  # type: ignore[arg-type]
                found += self._reads(f"{path}[]", args, width, bare.value)  # type: ignore[arg-type]
            elif part.kind == "set":
                path, args = part.parts
                assert isinstance(bare, SetType)
                found.append(Source(f"{path}?", args, self.width(bare.item)))  # type: ignore[arg-type]
        return tuple(found)

    def _reads(self, path: str, args: Flat, width: int, type: Type) -> tuple[Source, ...]:
        """A source for each symbol that stands for a scalar of an item."""
        bare = strip(type)
        match bare:
            case RecordType(_, fields):
                return tuple(
                    s for n, t in fields for s in self._reads(f"{path}.{n}", args, width, t)
                )
            case TupleType(items):
                return tuple(
                    s
                    for i, t in enumerate(items)
                    for s in self._reads(f"{path}.{i}", args, width, t)
                )
            case OptionType(item):
                return (
                    Source(path + "?", args, width),
                    *self._reads(path + "!", args, width, item),
                )
            case ListType(item):
                return (
                    Source(path + "#", args, width),
                    *self._reads(path + "[]", args, width, item),
                )
            case MapType(_, value):
                return (
                    Source(path + "?", args, width),
                    Source(path + "+", args, width),
                    *self._reads(path + "[]", args, width, value),
                )
            case SetType():
                return (Source(path + "?", args, width),)
            case _:
                return (Source(path, args, width),)

    # ---- quantifiers -----------------------------------------------------------------------------

    def neutral(self, work: Callable[[], Term]) -> Term:
        """`work()` without what the current path knows: its result may be kept for other paths."""
        saved, self.known = self.known, self._nowhere
        try:
            return work()
        finally:
            self.known = saved

    def for_all(
        self,
        key: object,
        sources: tuple[Source, ...],
        sorts: tuple[Sort, ...],
        holds: Callable[[Flat], Term],
        intervals: tuple[tuple[Number | None, Number | None], ...] = (),
    ) -> Term:
        """The atom for `for all x of these sorts: holds(x)`; the same atom for the same formula."""
        depth = self._placeholders
        self._placeholders += 1
        try:
            spots = tuple(self.terms.app(f"•{depth}.{i}", (), s) for i, s in enumerate(sorts))
            body = self.neutral(lambda: holds(spots))
        finally:
            self._placeholders -= 1
        if body.op == "const":
            # True whatever x is, or false whatever x is; every sort has an element.
            return body
        found = self._quantifiers.get((body, sorts))
        if found is not None:
            return found
        if any(source.symbol is None for source in sources):
            # Instances are of use where a symbol of the body is applied to them.
            sources = _triggers(body, spots[0]) or sources
        name = self.number_of((body, sorts), "sk")

        def skolem() -> Flat:
            for i, interval in enumerate(intervals):
                self.terms.intervals.setdefault(f"{name}.{i}", interval)
            return tuple(self.terms.app(f"{name}.{i}", (), s) for i, s in enumerate(sorts))

        def instance(flat: Flat) -> Term:
            return self.neutral(lambda: holds(flat))

        del key
        atom = self.terms.quantifier(
            Quantifier((body, sorts), Schema(sources, instance), skolem, body)
        )
        self._quantifiers[(body, sorts)] = atom
        return atom

    def _placeholder_flat(self, args: object, key: Type) -> Flat:
        assert isinstance(args, tuple)
        spots = tuple(
            self.terms.app(f"•k{i}", (), sort) for i, sort in enumerate(self._sorts(key))
        )
        return (*args, *spots)

    def quantified(self, expr: core.Quantified, env: Env) -> Term:
        """`forall` as a conjunction where the domain is written out, otherwise as an atom."""
        if not expr.universal:
            negated = core.Apply(Op.NOT, (expr.body,), expr.body.type, expr.span)
            every = core.Quantified(True, expr.variable, expr.domain, negated, expr.type, expr.span)
            return self.terms.not_(self.quantified(every, env))
        terms = self.terms
        name, type = expr.variable.name, expr.variable.type

        captured = self.capture(expr, env)

        def body(value: SValue) -> Term:
            return self.truth(expr.body, {**captured, name: value})

        match expr.domain:
            case core.Items(collection):
                value = self.evaluate(collection, env)
                assert isinstance(value, Shape)
                if isinstance(strip(collection.type), ListType):
                    return self._every_item(value, type, None, body)
                return self._every_key(value, type, body)
            case core.FirstItems(collection, count):
                value = self.evaluate(collection, env)
                assert isinstance(value, Shape)
                return self._every_item(value, type, _term(self.evaluate(count, env)), body)
            case core.Between(low_expr, high_expr):
                low, high = (
                    _term(self.evaluate(low_expr, env)),
                    _term(self.evaluate(high_expr, env)),
                )
                if low.low is not None and high.high is not None:
                    start, stop = int(low.low), int(high.high)
                    most = _WRITTEN_MAX if self.scope is None else _WRITTEN_EXACT_MAX
                    if stop - start <= most:
                        parts = []
                        for i in range(start, stop):
                            at = terms.integer(i)
                            inside = terms.and_(terms.le(low, at), terms.lt(at, high))
                            if inside is not terms.false:
                                parts.append(terms.implies(inside, body(at)))
                        return terms.and_(*parts)
                if self.scope is not None:
                    # Nothing bounds the range: only runs are looked for in which it is short.
                    edge = terms.integer(2 * self.scope + 2)
                    self.restrictions.append(terms.le(terms.scale(-1, edge), low))
                    self.restrictions.append(terms.le(high, edge))
                    window = range(-2 * self.scope - 2, 2 * self.scope + 2)
                    return terms.and_(
                        *(
                            terms.implies(
                                terms.and_(
                                    terms.le(low, terms.integer(i)),
                                    terms.lt(terms.integer(i), high),
                                ),
                                body(terms.integer(i)),
                            )
                            for i in window
                        )
                    )

                def in_range(flat: Flat) -> Term:
                    [i] = flat
                    return terms.implies(terms.and_(terms.le(low, i), terms.lt(i, high)), body(i))

                return self.for_all(None, (Source(None, (), 1, INT),), (INT,), in_range)
            case core.AllOf(domain_type):
                sort = self.sort(domain_type)
                assert sort is not None
                interval: tuple[tuple[Number | None, Number | None], ...] = ()
                return self.for_all(
                    None,
                    (Source(None, (), 1, sort),),
                    (sort,),
                    lambda flat: body(flat[0]),
                    interval,
                )
            case _:
                assert_never(expr.domain)

    def _every_item(
        self, xs: Shape, type: Type, count: Term | None, body: Callable[[SValue], Term]
    ) -> Term:
        terms = self.terms
        match xs.kind:
            case "items" | "bounded":
                items = xs.parts if xs.kind == "items" else xs.parts[1:]
                length = self.list_len(xs)
                parts = []
                for i, item in enumerate(items):
                    at = terms.integer(i)
                    inside = terms.lt(at, length)
                    if count is not None:
                        inside = terms.and_(inside, terms.lt(at, count))
                    if inside is not terms.false:
                        parts.append(terms.implies(inside, body(_svalue(item))))
                return terms.and_(*parts)
            case "append":
                base = _shape(xs.parts[0])
                inside = terms.true if count is None else terms.lt(self.list_len(base), count)
                return terms.and_(
                    self._every_item(base, type, count, body),
                    terms.implies(self.settled(inside), body(_svalue(xs.parts[1]))),
                )
            case "choice":
                test, then, otherwise = xs.parts
                return terms.ite(
                    _term(test),
                    self._every_item(_shape(then), type, count, body),
                    self._every_item(_shape(otherwise), type, count, body),
                )
            case _:
                length = self.list_len(xs)

                def holds(flat: Flat) -> Term:
                    [i] = flat
                    inside = terms.and_(terms.ge0(i), terms.lt(i, length))
                    if count is not None:
                        inside = terms.and_(inside, terms.lt(i, count))
                    return terms.implies(inside, body(self.list_get(xs, i, type)))

                return self.for_all(None, self._list_sources(xs), (INT,), holds, ((0, None),))

    def _every_key(self, m: Shape, type: Type, body: Callable[[SValue], Term]) -> Term:
        terms = self.terms
        has = self.map_has if isinstance(strip(m.type), MapType) else self.set_has
        if self.scope is not None or not self._has_base(m):
            return terms.and_(*(terms.implies(has(m, k), body(k)) for k in self.keys_written(m)))
        written = [terms.implies(has(m, k), body(k)) for k in self.keys_written(m)]

        def holds(flat: Flat) -> Term:
            key = self.unflat(flat, type)
            return terms.implies(has(m, key), body(key))

        return terms.and_(
            *written, self.for_all(None, self._key_sources(m), self._sorts(type), holds)
        )

    # ---- sums and searches -----------------------------------------------------------------------

    def total(self, expr: core.Total, env: Env) -> Term:
        terms = self.terms
        sort = self.sort(expr.type)
        assert sort is not None
        zero = terms.number(0, sort)
        name, type = expr.variable.name, expr.variable.type

        captured = self.capture(expr, env)

        def amount(value: SValue) -> Term:
            inner = {**captured, name: value}
            test = terms.true if expr.test is None else self.truth(expr.test, inner)
            own = _term(self.evaluate(expr.body, inner))
            return terms.ite(test, own, zero)

        match expr.domain:
            case core.Items(collection):
                value = self.evaluate(collection, env)
                assert isinstance(value, Shape)
                if isinstance(strip(collection.type), ListType):
                    return self._sum_items(value, type, self.list_len(value), amount, sort)
                if self._has_base(value):
                    raise Unencodable("a sum over an unknown set or the keys of an unknown map")
                return self._sum_keys(value, amount, zero)
            case core.FirstItems(collection, count_expr):
                value = self.evaluate(collection, env)
                assert isinstance(value, Shape)
                count = _term(self.evaluate(count_expr, env))
                return self._sum_items(value, type, count, amount, sort)
            case core.Between(low_expr, high_expr):
                low, high = (
                    _term(self.evaluate(low_expr, env)),
                    _term(self.evaluate(high_expr, env)),
                )
                if low.op != "const" or high.high is None:
                    raise Unencodable("a sum over a range without bounds")
                start: int = low.data  # type: ignore[assignment]
                if high.high - start > _WRITTEN_MAX:
                    raise Unencodable("a sum over a long range")
                parts = [zero]
                for i in range(start, int(high.high)):
                    at = terms.integer(i)
                    parts.append(terms.ite(terms.lt(at, high), amount(at), zero))
                return terms.add(*parts)
            case core.AllOf():
                raise Unencodable("a sum over all values of a type")
            case _:
                assert_never(expr.domain)

    def _sum_keys(self, m: Shape, amount: Callable[[SValue], Term], zero: Term) -> Term:
        terms = self.terms
        has = self.map_has if isinstance(strip(m.type), MapType) else self.set_has
        keys = self.keys_written(m)
        parts = [zero]
        for i, key in enumerate(keys):
            new = terms.and_(*(terms.not_(self.same(key, other)) for other in keys[:i]))
            parts.append(terms.ite(terms.and_(has(m, key), new), amount(key), zero))
        return terms.add(*parts)

    def _sum_items(
        self, xs: Shape, type: Type, count: Term, amount: Callable[[SValue], Term], sort: Sort
    ) -> Term:
        terms = self.terms
        zero = terms.number(0, sort)
        match xs.kind:
            case "items" | "bounded":
                items = xs.parts if xs.kind == "items" else xs.parts[1:]
                length = self.list_len(xs)
                parts = [zero]
                for i, item in enumerate(items):
                    at = terms.integer(i)
                    inside = terms.and_(terms.lt(at, length), terms.lt(at, count))
                    inside = self.settled(inside)
                    if inside is not terms.false:
                        parts.append(terms.ite(inside, amount(_svalue(item)), zero))
                return terms.add(*parts)
            case "append":
                base = _shape(xs.parts[0])
                inside = self.settled(terms.lt(self.list_len(base), count))
                return terms.add(
                    self._sum_items(base, type, count, amount, sort),
                    terms.ite(inside, amount(_svalue(xs.parts[1])), zero),
                )
            case "choice":
                test, then, otherwise = xs.parts
                return terms.ite(
                    _term(test),
                    self._sum_items(_shape(then), type, count, amount, sort),
                    self._sum_items(_shape(otherwise), type, count, amount, sort),
                )
            case _:
                return self._prefix_sum(xs, type, count, amount, sort)

    def _prefix_sum(
        self, xs: Shape, type: Type, count: Term, amount: Callable[[SValue], Term], sort: Sort
    ) -> Term:
        """S(count), where S(0) = 0 and S(i + 1) = S(i) + amount(xs[i]) for 0 <= i < len(xs)."""
        terms = self.terms
        depth = self._placeholders
        self._placeholders += 1
        try:
            spot = terms.app(f"•{depth}.0", (), INT)
            body = self.neutral(lambda: amount(self.list_get(xs, spot, type)))
        finally:
            self._placeholders -= 1
        name = self.number_of((xs, body, sort), "sum")
        length = self.list_len(xs)
        if name not in self.special:
            low, high = body.low, body.high
            bound = strip(xs.type)
            assert isinstance(bound, ListType)
            terms.intervals[name] = (
                0 if low is not None and low >= 0 else None if low is None else low * bound.max,
                0 if high is not None and high <= 0 else None if high is None else high * bound.max,
            )

            def at(index: Term) -> Term:
                if index.op == "const" and index.data == 0:
                    return terms.number(0, sort)
                return terms.app(name, (index,), sort)

            def step(flat: Flat) -> Term:
                [i] = flat
                inside = terms.and_(terms.ge0(i), terms.lt(i, length))
                one = self.neutral(lambda: amount(self.list_get(xs, i, type)))
                following = at(terms.add(i, terms.integer(1)))
                return terms.implies(inside, terms.eq(following, terms.add(at(i), one)))

            def bounds(application: Term) -> list[Term]:
                index = application.args[0]
                inside = terms.and_(terms.ge0(index), terms.le(index, length))
                scaled = index if sort == INT else terms.to_real(index)
                facts = []
                if low is not None:
                    facts.append(terms.le(terms.scale(low, scaled), application))
                if high is not None:
                    facts.append(terms.le(application, terms.scale(high, scaled)))
                empty = terms.implies(
                    terms.eq(index, terms.integer(0)), terms.eq(application, terms.number(0, sort))
                )
                return [terms.implies(inside, terms.and_(*facts)), empty]

            def monotone(applications: list[Term]) -> list[Term]:
                if low is None or low < 0:
                    return []
                facts = []
                for one in applications[:_PAIRS_MAX]:
                    for other in applications[:_PAIRS_MAX]:
                        if one is not other:
                            i, j = one.args[0], other.args[0]
                            order = terms.and_(terms.ge0(i), terms.le(i, j), terms.le(j, length))
                            facts.append(terms.implies(order, terms.le(one, other)))
                return facts

            self.links.setdefault(name, []).extend([body, length])
            reads = self._list_sources(xs)
            prefixes = (Source(name, (), 1),)
            self.special[name] = Special(bounds, Schema(reads + prefixes, step), monotone)
        inside = self.settled(terms.and_(terms.ge0(count), terms.le(count, length)))
        if inside is not terms.true:
            count = terms.ite(
                self.settled(terms.ge0(count)),
                terms.ite(self.settled(terms.le(count, length)), count, length),
                terms.integer(0),
            )
        if count.op == "const" and count.data == 0:
            return terms.number(0, sort)
        return terms.app(name, (count,), sort)

    def first(self, expr: core.First, env: Env) -> SValue:
        name, type = expr.variable.name, expr.variable.type

        captured = self.capture(expr, env)

        def test(value: SValue) -> Term:
            return self.truth(expr.test, {**captured, name: value})

        match expr.domain:
            case core.Items(collection):
                value = self.evaluate(collection, env)
                assert isinstance(value, Shape)
                return self._first_item(value, type, expr.type, test)
            case _:
                raise Unencodable("a search in something other than a list")

    def _first_item(
        self, xs: Shape, item_type: Type, type: Type, test: Callable[[SValue], Term]
    ) -> SValue:
        terms = self.terms
        none = self.shape("option", (terms.false, None), type)
        match xs.kind:
            case "items" | "bounded":
                items = xs.parts if xs.kind == "items" else xs.parts[1:]
                length = self.list_len(xs)
                result: SValue = none
                for i in range(len(items) - 1, -1, -1):
                    item = _svalue(items[i])
                    here = terms.and_(terms.lt(terms.integer(i), length), test(item))
                    result = self.choose(
                        here, self.shape("option", (terms.true, item), type), result
                    )
                return result
            case "append":
                before = self._first_item(_shape(xs.parts[0]), item_type, type, test)
                last = _svalue(xs.parts[1])
                own = self.choose(test(last), self.shape("option", (terms.true, last), type), none)
                return self.choose(_term(_shape(before).parts[0]), before, own)
            case "choice":
                condition, then, otherwise = xs.parts
                return self.choose(
                    _term(condition),
                    self._first_item(_shape(then), item_type, type, test),
                    self._first_item(_shape(otherwise), item_type, type, test),
                )
            case _:
                depth = self._placeholders
                self._placeholders += 1
                try:
                    spot = terms.app(f"•{depth}.0", (), INT)
                    body = self.neutral(lambda: test(self.list_get(xs, spot, item_type)))
                finally:
                    self._placeholders -= 1
                name = self.number_of((xs, body), "find")
                terms.intervals.setdefault(name + "@", (0, None))
                some, index = terms.app(name + "?", (), BOOL), terms.app(name + "@", (), INT)
                length = self.list_len(xs)
                if name + "?" not in self.special:
                    found = self.neutral(
                        lambda: terms.implies(
                            some,
                            terms.and_(
                                terms.lt(index, length), test(self.list_get(xs, index, item_type))
                            ),
                        )
                    )

                    def earliest(flat: Flat) -> Term:
                        [i] = flat
                        inside = terms.and_(terms.ge0(i), terms.lt(i, length))
                        passes = self.neutral(lambda: test(self.list_get(xs, i, item_type)))
                        return terms.implies(
                            terms.and_(inside, passes), terms.and_(some, terms.le(index, i))
                        )

                    schema = Schema(self._list_sources(xs), earliest)
                    for symbol in (name + "?", name + "@"):
                        self.links.setdefault(symbol, []).append(found)
                        self.special[symbol] = Special(lambda _: [found], schema)
                return self.shape("option", (some, self.list_get(xs, index, item_type)), type)

    # ---- text ------------------------------------------------------------------------------------

    def text_len(self, text: Term) -> Term:
        terms = self.terms
        if text.op == "const":
            return terms.integer(len(text.data))  # type: ignore[arg-type]
        if text.op == "app" and text.data == "text.concat":
            return terms.add(*(self.text_len(part) for part in text.args))
        terms.intervals.setdefault("text.len", (0, None))
        return terms.app("text.len", (text,), INT)

    def concat(self, left: Term, right: Term) -> Term:
        terms = self.terms
        if left.op == "const" and right.op == "const":
            return terms.text(left.data + right.data)  # type: ignore[operator]
        if left.op == "const" and left.data == "":
            return right
        if right.op == "const" and right.data == "":
            return left
        return terms.app("text.concat", (left, right), TEXT)

    def text_of(self, operand: Term, type: Type) -> Term:
        """`text(a)`: an injection, the only thing that is known of it besides its values."""
        terms = self.terms
        bare = strip(type)
        if operand.op == "const":
            if isinstance(bare, EnumType) and isinstance(operand.data, int):
                value: core.Value = core.EnumValue(bare.name, bare.members[operand.data])
            else:
                value = operand.data  # type: ignore[assignment]
            argument = core.Literal(value, bare)
            result = semantics.evaluate(
                core.Apply(Op.TEXT_OF, (argument,), types_.TEXT), {}, semantics.no_functions
            )
            return terms.text(str(result))
        name = f"text.of.{show(bare)}"
        if name not in self.special:
            back = f"text.from.{show(bare)}"

            def inverse(application: Term) -> list[Term]:
                [argument] = application.args
                return [terms.eq(terms.app(back, (application,), argument.sort), argument)]

            self.special[name] = Special(inverse)
        return terms.app(name, (operand,), TEXT)

    def product(self, left: Term, right: Term) -> Term:
        """The product; a factor with few possible values is split into cases, each of them linear.

        Linear arithmetic is decided, products of two unknowns are not (Matiyasevich 1970).
        """
        terms = self.terms
        if left.op == "const" or right.op == "const" or left.sort != INT:
            return terms.mul(left, right)
        for few, other in ((left, right), (right, left)):
            if few.low is not None and few.high is not None:
                low, high = int(few.low), int(few.high)
                if high - low < DEFAULT.split_values_max:
                    result = terms.scale(high, other)
                    for value in range(high - 1, low - 1, -1):
                        here = self.settled(terms.eq(few, terms.integer(value)))
                        result = terms.ite(here, terms.scale(value, other), result)
                    return result
        return terms.mul(left, right)

    def capture(self, expr: Expr, env: Env) -> dict[str, SValue]:
        """The free variables of `expr` with their values now: instances are made much later."""
        names = self._free.get(id(expr))
        if names is None:
            names = tuple(sorted(mentions(expr).free))
            self._free[id(expr)] = names
            self._kept.append(expr)
        return {name: env[name] for name in names}

    # ---- expressions -----------------------------------------------------------------------------

    def truth(self, expr: Expr, env: Env) -> Term:
        return _term(self.evaluate(expr, env))

    def evaluate(self, expr: Expr, env: Env) -> SValue:
        """The symbolic value of `expr`; `Unencodable` if conditions can't say it."""
        match expr:
            case core.Literal(value, type):
                return self.literal(value, type)
            case core.Ref(name, _):
                return env[name]
            case core.Apply():
                return self._apply(expr, env)
            case core.Conditional(test, then, otherwise):
                condition = self.settled(self.truth(test, env))
                if condition is self.terms.true:
                    return self.evaluate(then, env)
                if condition is self.terms.false:
                    return self.evaluate(otherwise, env)
                return self.choose(
                    condition, self.evaluate(then, env), self.evaluate(otherwise, env)
                )
            case core.Make(items, type):
                return self._make(items, type, env)
            case core.FieldOf(operand, name, _):
                whole = _shape(self.evaluate(operand, env))
                return _svalue(whole.parts[_position(strip(operand.type), name)])
            case core.WithField(operand, name, new, type):
                whole = _shape(self.evaluate(operand, env))
                at = _position(strip(operand.type), name)
                parts = (*whole.parts[:at], self.evaluate(new, env), *whole.parts[at + 1 :])
                return self.shape("record", parts, type)
            case core.Quantified():
                return self.quantified(expr, env)
            case core.Total():
                return self.total(expr, env)
            case core.First():
                return self.first(expr, env)
            case core.Uninterpreted(function, arguments, type):
                flat: list[Term] = []
                for argument in arguments:
                    own = self.evaluate(argument, env)
                    try:
                        flat += self.flat(own)
                    except Unencodable:
                        # A list or map goes in as a name for itself: same object, same name.
                        # Equal lists that are different objects get different names, which only
                        # forgets a fact.
                        flat.append(self.terms.app(self.number_of(own, "whole"), (), "U:whole"))
                return self.unknown(type, f"fn {function}", tuple(flat))
            case core.Unsupported(what):
                raise Unencodable(what)
            case _:
                assert_never(expr)

    def _make(self, items: tuple[Expr, ...], type: Type, env: Env) -> SValue:
        values = [self.evaluate(item, env) for item in items]
        bare = strip(type)
        match bare:
            case RecordType() | TupleType():
                return self.shape("record", tuple(values), type)
            case ListType():
                return self.shape("items", tuple(values), type)
            case SetType():
                result = self.shape("empty", (), type)
                for value in values:
                    result = self.shape("with", (result, value), type)
                return result
            case _:
                raise Unencodable(f"a literal of type {show(type)}")

    def _apply(self, expr: core.Apply, env: Env) -> SValue:
        terms = self.terms
        op, arguments, type = expr.op, expr.arguments, expr.type
        if op is Op.AND:
            parts = []
            for each in arguments:
                part = self.truth(each, env)
                if part is terms.false:
                    return part
                parts.append(part)
            return terms.and_(*parts)
        if op is Op.OR:
            parts = []
            for each in arguments:
                part = self.truth(each, env)
                if part is terms.true:
                    return part
                parts.append(part)
            return terms.or_(*parts)
        if op is Op.IMPLIES:
            left = self.truth(arguments[0], env)
            return (
                terms.true
                if left is terms.false
                else terms.implies(left, self.truth(arguments[1], env))
            )
        values = [self.evaluate(each, env) for each in arguments]
        frequent = _FREQUENT.get(op)
        if frequent is not None:
            return frequent(self, values)
        match op:
            case (
                Op.NOT | Op.EQ | Op.NE | Op.LT | Op.LE | Op.GT | Op.GE | Op.ADD | Op.SUB
                | Op.MAP_HAS | Op.MAP_PUT | Op.MAP_SUM
            ):  # fmt: skip
                return _FREQUENT[op](self, values)
            case Op.MUL:
                return self.product(_term(values[0]), _term(values[1]))
            case Op.NEG:
                return terms.scale(-1, _term(values[0]))
            case Op.DIV:
                return terms.div(_term(values[0]), _term(values[1]))
            case Op.MOD:
                return terms.mod(_term(values[0]), _term(values[1]))
            case Op.QUOTIENT:
                return terms.quotient(_term(values[0]), _term(values[1]))
            case Op.TO_DECIMAL:
                return terms.to_real(_term(values[0]))
            case Op.MIN | Op.MAX:
                result = _term(values[0])
                for value in values[1:]:
                    other = _term(value)
                    smaller = self.settled(terms.le(result, other))
                    ordered = (result, other) if op is Op.MIN else (other, result)
                    result = terms.ite(smaller, *ordered)
                return result
            case Op.ABS:
                own = _term(values[0])
                return terms.ite(self.settled(terms.ge0(own)), own, terms.scale(-1, own))
            case Op.CONCAT:
                return self.concat(_term(values[0]), _term(values[1]))
            case Op.TEXT_OF:
                return self.text_of(_term(values[0]), arguments[0].type)
            case Op.TEXT_LEN:
                return self.text_len(_term(values[0]))
            case Op.CONTAINS | Op.STARTS_WITH | Op.ENDS_WITH | Op.MATCHES:
                a, b = _term(values[0]), _term(values[1])
                if a.op == "const" and b.op == "const":
                    pair = tuple(core.Literal(str(t.data), types_.TEXT) for t in (a, b))
                    answer = semantics.evaluate(
                        core.Apply(op, pair, types_.BOOL), {}, semantics.no_functions
                    )
                    return terms.boolean(answer is True)
                if op is Op.MATCHES and any(c > _LAST_PLAIN for c in str(b.data)):
                    raise Unencodable("a pattern with a character beyond U+FFFF")
                self.uses_strings = True
                return terms.app(f"text.{op.value}", (a, b), BOOL)
            case Op.LIST_LEN:
                return self.list_len(_shape(values[0]))
            case Op.LIST_GET:
                return self.list_get(_shape(values[0]), _term(values[1]), type)
            case Op.LIST_APPEND:
                return self.list_append(_shape(values[0]), values[1])
            case Op.LIST_HAS:
                own_type = strip(arguments[0].type)
                assert isinstance(own_type, ListType)
                return terms.not_(
                    self._every_item(
                        _shape(values[0]),
                        own_type.item,
                        None,
                        lambda item: terms.not_(self.equal(item, values[1])),
                    )
                )
            case Op.SET_HAS:
                return self.set_has(_shape(values[0]), values[1])
            case Op.SET_ADD:
                return self.shape("with", (values[0], values[1]), type)
            case Op.SET_REMOVE:
                return self.shape("without", (values[0], values[1]), type)
            case Op.MAP_GET:
                return self.map_get(_shape(values[0]), values[1], type)
            case Op.MAP_REMOVE:
                return self.shape("drop", (values[0], values[1]), type)
            case Op.SOME:
                return self.shape("option", (terms.true, values[0]), type)
            case Op.IS_SOME:
                return _term(_shape(values[0]).parts[0])
            case Op.VALUE_OF:
                item = _shape(values[0]).parts[1]
                if item is None:
                    # Never looked at, but its type's facts hold: each type needs a name of its own.
                    return self.unknown(type, f"nothing {show(type)}")
                return _svalue(item)
            case _:
                assert_never(op)

    # ---- substitution ----------------------------------------------------------------------------

    def substitute(
        self, value: SValue, symbol: Term, by: Term, memo: dict[object, SValue]
    ) -> SValue:
        """`value` with the 0-ary `symbol` replaced; what is older than the symbol is left alone."""
        if isinstance(value, Term):
            return self._substitute_term(value, symbol, by, memo)
        if value.stamp <= symbol.uid:
            return value
        found = memo.get(value)
        if found is None:
            found = self.shape(
                value.kind, self._substitute_parts(value.parts, symbol, by, memo), value.type
            )
            memo[value] = found
        return found

    def _substitute_parts(
        self, parts: tuple[object, ...], symbol: Term, by: Term, memo: dict[object, SValue]
    ) -> tuple[object, ...]:
        return tuple(
            self.substitute(p, symbol, by, memo)
            if isinstance(p, Term | Shape)
            else self._substitute_parts(p, symbol, by, memo)
            if isinstance(p, tuple)
            else p
            for p in parts
        )

    def _substitute_term(
        self, term: Term, symbol: Term, by: Term, memo: dict[object, SValue]
    ) -> Term:
        if term is symbol:
            return by
        if term.uid < symbol.uid or not term.args:
            return term
        found = memo.get(term)
        if found is not None:
            return _term(found)
        args = tuple(self._substitute_term(a, symbol, by, memo) for a in term.args)
        terms = self.terms
        match term.op:
            case "app":
                result = terms.app(term.data, args, term.sort)  # type: ignore[arg-type]
            case "lin":
                coefficients, constant = parts_of(term)
                scaled = [terms.scale(c, a) for c, a in zip(coefficients, args, strict=True)]
                result = terms.add(*scaled, terms.number(constant, term.sort))
            case "ge0":
                result = terms.ge0(*args)
            case "gt0":
                result = terms.gt0(*args)
            case "eq0":
                result = terms.eq0(*args)
            case "eq":
                result = terms.eq(*args)
            case "not":
                result = terms.not_(*args)
            case "and":
                result = terms.and_(*args)
            case "or":
                result = terms.or_(*args)
            case "ite":
                result = terms.ite(*args)
            case "mul":
                result = terms.mul(*args)
            case "div":
                result = terms.div(*args)
            case "mod":
                result = terms.mod(*args)
            case "rdiv":
                result = terms.quotient(*args)
            case _:
                result = terms.to_real(*args)
        memo[term] = result
        return result


_LAST_PLAIN = "\uffff"  # the last character that regular expressions of SMT-LIB are used for here
_WRITTEN_MAX = 16  # a quantifier or sum over a range this long is written out
_WRITTEN_EXACT_MAX = 256  # in exact mode, where nothing else will do
_MEMO_MAX = 4096  # reads remembered while one thing is known; enough for the deepest shape
_LINKS_MAX = 4  # facts of one symbol speak of the same symbols, whatever it is applied to
_PAIRS_MAX = 8  # monotonicity of sums is stated for this many prefixes: it costs their square
_FORGET_MAX = 64  # how far back a hidden write is looked for; a missed one costs only size


def _term(value: object) -> Term:
    assert isinstance(value, Term)
    return value


def _shape(value: object) -> Shape:
    assert isinstance(value, Shape)
    return value


def _svalue(value: object) -> SValue:
    assert isinstance(value, Term | Shape)
    return value


def _says_something(key: Type) -> bool:
    """Whether being of this type is a fact about a key."""
    match key:
        case RefinedType() | TextType() | EnumType():
            return True
        case RecordType(_, fields):
            return any(_says_something(t) for _, t in fields)
        case TupleType(items):
            return any(_says_something(t) for t in items)
        case _:
            return False


# What contracts are mostly made of, by table: the long `match` below them costs a microsecond.
_FREQUENT: dict[Op, Callable[[Symbolic, list[SValue]], SValue]] = {
    Op.NOT: lambda s, v: s.terms.not_(_term(v[0])),
    Op.EQ: lambda s, v: s.equal(v[0], v[1]),
    Op.NE: lambda s, v: s.terms.not_(s.equal(v[0], v[1])),
    Op.LT: lambda s, v: s.terms.lt(_term(v[0]), _term(v[1])),
    Op.LE: lambda s, v: s.terms.le(_term(v[0]), _term(v[1])),
    Op.GT: lambda s, v: s.terms.lt(_term(v[1]), _term(v[0])),
    Op.GE: lambda s, v: s.terms.le(_term(v[1]), _term(v[0])),
    Op.ADD: lambda s, v: s.terms.add(*map(_term, v)),
    Op.SUB: lambda s, v: s.terms.sub(_term(v[0]), _term(v[1])),
    Op.MAP_HAS: lambda s, v: s.map_has(_shape(v[0]), v[1]),
    Op.MAP_PUT: lambda s, v: s.map_put(_shape(v[0]), v[1], v[2]),
    Op.MAP_SUM: lambda s, v: s.map_sum(_shape(v[0])),
}


def _position(type: Type, field: str) -> int:
    if isinstance(type, RecordType):
        return next(i for i, (name, _) in enumerate(type.fields) if name == field)
    return int(field)


def _interval_of(predicate: Expr) -> tuple[Number | None, Number | None] | None:
    """The bounds of `self >= a && self <= b`; None if the predicate says anything else."""
    match predicate:
        case core.Apply(Op.AND, parts):
            low: Number | None = None
            high: Number | None = None
            for part in parts:
                inner = _interval_of(part)
                if inner is None:
                    return None
                if inner[0] is not None:
                    low = inner[0] if low is None else max(low, inner[0])
                if inner[1] is not None:
                    high = inner[1] if high is None else min(high, inner[1])
            return low, high
        case core.Apply(op, (core.Ref("self"), core.Literal(int() | Fraction() as bound))):
            integral = isinstance(strip(predicate.arguments[0].type), IntType)
            if op is Op.GE or (op is Op.GT and integral):
                return (bound if op is Op.GE else bound + 1), None
            if op is Op.LE or (op is Op.LT and integral):
                return None, (bound if op is Op.LE else bound - 1)
            return None
        case _:
            return None


def _triggers(body: Term, spot: Term) -> tuple[Source, ...]:
    """The applications in a quantifier's body that have its variable for an argument."""
    found: dict[tuple[str, Flat], None] = {}
    work, seen = [body], set()
    while work:
        at = work.pop()
        if at in seen:
            continue
        seen.add(at)
        if at.op == "quant":
            assert isinstance(at.data, Quantifier)
            work.append(at.data.symbols)
        elif at.op == "app" and spot in at.args:
            prefix = at.args[: at.args.index(spot)]
            if not any(str(a.data).startswith("•") for a in prefix):
                found[(str(at.data), prefix)] = None
        work += at.args
    return tuple(Source(name, prefix, 1) for name, prefix in found)


__all__ = [
    "Env",
    "Flat",
    "Known",
    "Quantifier",
    "SValue",
    "Schema",
    "Shape",
    "Source",
    "Special",
    "Symbolic",
    "Unencodable",
]
