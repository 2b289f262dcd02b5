"""Random expressions with stores in which they have values, and terms evaluated by definition.

The expressions come from the generator of whole plans: a plan is nothing but claims and bindings
over parameters of many types and the state, and the front end makes core expressions of them.
`Model` gives every term the value that the theory of its operators says, one operator after the
other; it is what the smart constructors, the lookup and the symbolic evaluation are compared with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from tests.soundness.adversaries import Cunning, Known
from tests.soundness.programs import (
    PARAMETER_TYPES,
    Dead,
    Maker,
    NotAccepted,
    Scope,
    Texts,
    checked,
)

from planproof.spec import core, typed
from planproof.spec.arithmetic import div, mod
from planproof.spec.core import Expr, Value
from planproof.spec.semantics import map_entries, show
from planproof.spec.types import (
    EnumType,
    ListType,
    MapType,
    OptionType,
    RecordType,
    SetType,
    TupleType,
    Type,
    strip,
)
from planproof.verifier.symbolic import Shape, SValue, Symbolic
from planproof.verifier.term import Term, linear

Store = dict[str, Value]

BIND_TYPES = (
    "Int",
    "Int",
    "Bool",
    "Key",
    "Color",
    "Item",
    "Option<Item>",
    "Option<Int>",
    "(Int, Bool)",
    "Decimal",
    "List<Int, 3>",
    "Set<Key>",
    "Map<Key, Nat>",
    "Text<4>",
    "Option<Key>",
)


@dataclass(frozen=True, slots=True)
class Sample:
    """Expressions, and the types of the variables they speak of."""

    expressions: tuple[Expr, ...]
    types: dict[str, Type]


def sample(seed: int, depth: int = 3) -> Sample:
    """A handful of expressions over parameters and state."""
    for turn in range(200):
        maker = Maker(seed * 1_000 + turn)
        try:
            return _sample(maker, depth)
        except (Dead, NotAccepted):
            continue
    raise NotAccepted(f"nothing for seed {seed}")


def _sample(maker: Maker, depth: int) -> Sample:
    domain = maker.domain()
    scope = Scope({"k": "Key"}, spec=True)
    for _ in range(6):
        scope.names[maker.fresh("p")] = maker.pick(PARAMETER_TYPES)
    inside = ", ".join(f"{n}: {t}" for n, t in scope.names.items())
    lines = [f"plan main({inside}) {{"]
    lines += [f"  assert {maker.condition(scope, depth)};" for _ in range(4)]
    code = Scope(dict(scope.names))
    for _ in range(4):
        type = maker.pick(BIND_TYPES)
        lines.append(f"  let {maker.fresh('x')}: {type} = {maker.value(code, type, depth)};")
    lines.append("}")
    world, plans = checked(Texts(domain, "", "\n".join(lines) + "\n"))
    plan = plans.plans["main"]
    found: list[Expr] = []
    for statement in plan.body.statements:
        if isinstance(statement, typed.Assert):
            found.append(statement.clause.condition)
        elif isinstance(statement, typed.Bind):
            found.append(statement.value)
    types = {p.name: p.type for p in plan.parameters}
    types |= {s.name: s.type for s in world.domain.states.values()}
    return Sample(tuple(found), types)


def store(types: dict[str, Type], seed: int) -> tuple[Store, Cunning]:
    """A value for each variable, and who interprets the uninterpreted functions."""
    guess = Cunning(Known(None), seed)
    numbers = [0, 1, 2, 3, 5, -1]
    return {name: guess.of(type, numbers) for name, type in types.items()}, guess


# ---- terms by definition -------------------------------------------------------------------------

Raw = bool | int | Fraction | str | tuple[str, object]
"""The value of a term; an element of an opaque type is a pair of its sort and what it is."""


class Model:
    """Values for applications of symbols; everything else follows."""

    def __init__(self, missing: Callable[[Term, tuple[Raw, ...]], Raw]) -> None:
        self.table: dict[tuple[str, tuple[Raw, ...]], Raw] = {}
        self.missing = missing
        self.known: dict[Term, Raw] = {}

    def of(self, term: Term) -> Raw:
        found = self.known.get(term)
        if found is None:
            found = self.compute(term)
            self.known[term] = found
        return found

    def truth(self, term: Term) -> bool:
        value = self.of(term)
        assert isinstance(value, bool)
        return value

    def number(self, term: Term) -> int | Fraction:
        value = self.of(term)
        assert isinstance(value, int | Fraction)
        assert not isinstance(value, bool)
        return value

    def whole(self, term: Term) -> int:
        value = self.of(term)
        assert isinstance(value, int)
        assert not isinstance(value, bool)
        return value

    def compute(self, term: Term) -> Raw:
        args = term.args
        match term.op:
            case "const":
                value = term.data
                assert isinstance(value, bool | int | Fraction | str)
                return value
            case "app":
                values = tuple(map(self.of, args))
                key = (str(term.data), values)
                if key not in self.table:
                    self.table[key] = self.missing(term, values)
                return self.table[key]
            case "lin":
                coefficients, constant = linear(term)
                total = constant
                for atom, c in coefficients.items():
                    total = total + c * self.number(atom)
                return Fraction(total) if term.sort == "Real" else int(total)
            case "ge0":
                return self.number(args[0]) >= 0
            case "gt0":
                return self.number(args[0]) > 0
            case "eq0":
                return self.number(args[0]) == 0
            case "eq":
                return self.of(args[0]) == self.of(args[1])
            case "not":
                return not self.truth(args[0])
            case "and":
                return all(self.truth(a) for a in args)
            case "or":
                return any(self.truth(a) for a in args)
            case "ite":
                return self.of(args[1] if self.truth(args[0]) else args[2])
            case "mul":
                return self.number(args[0]) * self.number(args[1])
            case "div":
                a, b = self.whole(args[0]), self.whole(args[1])
                return div(a, b) if b != 0 else a + 17  # some function of a; which one is open
            case "mod":
                a, b = self.whole(args[0]), self.whole(args[1])
                return mod(a, b) if b != 0 else a + 19
            case "rdiv":
                above, below = Fraction(self.number(args[0])), Fraction(self.number(args[1]))
                return above / below if below != 0 else above + 23
            case "to_real":
                return Fraction(self.number(args[0]))
            case _:
                raise ValueError(f"no value for {term.op}")


def raw(value: Value, type: Type) -> Raw:
    """A concrete scalar as the value of a term."""
    bare = strip(type)
    match value:
        case core.EnumValue(_, member):
            assert isinstance(bare, EnumType)
            return bare.members.index(member)
        case core.OpaqueValue(name, index):
            return ("U:" + name, index)
        case bool() | int() | Fraction() | str():
            return value
        case _:
            raise TypeError(f"{value} is no scalar")


def bind(model: Model, symbolic: SValue, value: Value, type: Type, fill: Cunning) -> None:
    """Gives the symbols of an unknown of exact mode the values that make it `value`.

    Rows and items beyond the size of `value` are not looked at; they get any values of their type.
    """
    bare = strip(type)
    if isinstance(symbolic, Term):
        if symbolic.op == "app":
            model.table[(str(symbolic.data), ())] = raw(value, type)
        return
    numbers = [0, 1, 2]
    match value, bare:
        case core.RecordValue(_, fields), RecordType(_, named):
            for part, each, (_, inner) in zip(symbolic.parts, fields, named, strict=True):
                bind(model, _part(part), each, inner, fill)
        case core.TupleValue(items), TupleType(inners):
            for part, each, inner in zip(symbolic.parts, items, inners, strict=True):
                bind(model, _part(part), each, inner, fill)
        case ((core.NoneValue() | core.SomeValue()), OptionType(inner)):
            there = isinstance(value, core.SomeValue)
            bind(model, _part(symbolic.parts[0]), there, core.TRUE.type, fill)
            item = value.item if isinstance(value, core.SomeValue) else fill.of(inner, numbers)
            bind(model, _part(symbolic.parts[1]), item, inner, fill)
        case core.ListValue(items), ListType(inner):
            length, *rest = symbolic.parts
            assert isinstance(length, Term)
            model.table[(str(length.data), ())] = len(items)
            for at, part in enumerate(rest):
                item = items[at] if at < len(items) else fill.of(inner, numbers)
                bind(model, _part(part), item, inner, fill)
        case core.SetValue(members), SetType(inner):
            chosen: list[tuple[Value, ...]] = [(each,) for each in sorted(members, key=show)]
            _rows(model, symbolic, chosen, (inner,), fill)
        case core.MapValue(), MapType(key, mapped):
            pairs: list[tuple[Value, ...]] = list(map_entries(value))
            _rows(model, symbolic, pairs, (key, mapped), fill)
        case _:
            raise TypeError(f"{value} is no {type}")


def _rows(
    model: Model,
    symbolic: Shape,
    chosen: list[tuple[Value, ...]],
    types: tuple[Type, ...],
    fill: Cunning,
) -> None:
    for at, row in enumerate(symbolic.parts):
        assert isinstance(row, tuple)
        bind(model, _part(row[0]), at < len(chosen), core.TRUE.type, fill)
        values = chosen[at] if at < len(chosen) else tuple(fill.of(t, [0, 1, 2]) for t in types)
        for part, each, type in zip(row[1:], values, types, strict=True):
            bind(model, _part(part), each, type, fill)


def _part(part: object) -> SValue:
    assert isinstance(part, Term | Shape)
    return part


def decoded(model: Model, symbolic: Symbolic, value: SValue, type: Type) -> object:
    """The concrete value of a symbolic one in a model, as nested tuples and frozen sets of raws."""
    bare = strip(type)
    if isinstance(value, Term):
        return model.of(value)
    match bare:
        case RecordType(_, fields):
            return tuple(
                decoded(model, symbolic, _part(p), t)
                for p, (_, t) in zip(value.parts, fields, strict=True)
            )
        case TupleType(items):
            return tuple(
                decoded(model, symbolic, _part(p), t)
                for p, t in zip(value.parts, items, strict=True)
            )
        case OptionType(item):
            flag, inner = value.parts
            assert isinstance(flag, Term)
            if not model.truth(flag):
                return ("none",)
            return ("some", decoded(model, symbolic, _part(inner), item))
        case ListType(item):
            length = model.whole(symbolic.list_len(value))
            terms = symbolic.terms
            return tuple(
                decoded(model, symbolic, symbolic.list_get(value, terms.integer(i), item), item)
                for i in range(length)
            )
        case SetType(item):
            keys = symbolic.keys_written(value)
            return frozenset(
                decoded(model, symbolic, k, item)
                for k in keys
                if model.truth(symbolic.set_has(value, k))
            )
        case MapType(key, mapped):
            return frozenset(
                (
                    decoded(model, symbolic, k, key),
                    decoded(model, symbolic, symbolic.map_get(value, k, mapped), mapped),
                )
                for k in symbolic.keys_written(value)
                if model.truth(symbolic.map_has(value, k))
            )
        case _:
            raise TypeError(f"no values of {type}")


def plain(value: Value, type: Type) -> object:
    """A concrete value in the form of `decoded`."""
    bare = strip(type)
    match value, bare:
        case core.RecordValue(_, fields), RecordType(_, named):
            return tuple(plain(v, t) for v, (_, t) in zip(fields, named, strict=True))
        case core.TupleValue(items), TupleType(types):
            return tuple(plain(v, t) for v, t in zip(items, types, strict=True))
        case core.NoneValue(), _:
            return ("none",)
        case core.SomeValue(item), OptionType(inner):
            return ("some", plain(item, inner))
        case core.ListValue(items), ListType(inner):
            return tuple(plain(v, inner) for v in items)
        case core.SetValue(members), SetType(inner):
            return frozenset(plain(v, inner) for v in members)
        case core.MapValue(entries), MapType(key, mapped):
            return frozenset((plain(k, key), plain(v, mapped)) for k, v in entries)
        case _:
            return raw(value, type)
