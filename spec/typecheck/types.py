"""Types as they are written, resolved."""

from __future__ import annotations

from typing import assert_never

from planproof.spec import syntax as s
from planproof.spec.core import Literal
from planproof.spec.limits import Limits
from planproof.spec.resolve import (
    BROKEN,
    BUILTIN_TYPES,
    Globals,
    did_you_mean,
)
from planproof.spec.source import Span
from planproof.spec.types import (
    BOOL,
    DATE,
    DECIMAL,
    INT,
    TEXT_MAX_DEFAULT,
    TIME,
    IntType,
    ListType,
    MapType,
    OptionType,
    SetType,
    TextType,
    TupleType,
    Type,
    strip,
)

_SIMPLE: dict[str, Type] = {
    "Bool": BOOL,
    "Int": INT,
    "Decimal": DECIMAL,
    "Date": DATE,
    "Time": TIME,
}
_ARGUMENTS = {
    "List": "List<T, N>",
    "Set": "Set<T>",
    "Map": "Map<K, V>` or `Map<K, V, N>",
    "Option": "Option<T>",
}


class Types:
    """Reads types; `labels` keeps every label that was used, in order."""

    def __init__(self, names: Globals, limits: Limits) -> None:
        self.names = names
        self.findings = names.findings
        self.limits = limits
        self.labels: list[s.Ident] = []

    def labelled(self, written: s.TypeExpr) -> tuple[Type, tuple[str, ...]]:
        """The type of a parameter or result, and its labels."""
        self.labels += written.labels
        seen: dict[str, s.Ident] = {}
        for label in written.labels:
            if label.text in seen:
                self.findings.error("repeated-label", f"`@{label.text}` stands twice", label.span)
            seen[label.text] = label
        return self._read(written), tuple(seen)

    def read(self, written: s.TypeExpr) -> Type:
        """The type of anything that carries no label of its own."""
        for label in written.labels:
            self.findings.error(
                "misplaced-label",
                f"`@{label.text}` does not belong to this type",
                label.span,
                notes=("labels belong to whole parameters, results and states",),
                help="label the parameter or the result instead",
            )
        return self._read(written)

    def _read(self, written: s.TypeExpr) -> Type:
        match written:
            case s.TupleType(items):
                return _known(TupleType(tuple(self.read(each) for each in items)))
            case s.NamedType():
                return self._named(written)
            case _:
                assert_never(written)

    def _named(self, written: s.NamedType) -> Type:
        name, arguments = written.name.text, written.arguments
        span = written.span
        if name in _SIMPLE:
            return self._plain(_SIMPLE[name], written)
        match name, arguments:
            case "Text", ():
                return TextType(TEXT_MAX_DEFAULT)
            case "Text", (size,):
                most = self.size(size, span)
                return BROKEN if most is None else TextType(most)
            case "List", (item, size):
                inner, most = self._item(item, span), self.size(size, span)
                return BROKEN if most is None or inner is BROKEN else ListType(inner, most)
            case "Set", (item,):
                inner = self._item(item, span)
                return BROKEN if inner is BROKEN else SetType(inner)
            case "Option", (item,):
                inner = self._item(item, span)
                return BROKEN if inner is BROKEN else OptionType(inner)
            case "Map", (key, value):
                keys, values = self._item(key, span), self._item(value, span)
                return BROKEN if BROKEN in (keys, values) else MapType(keys, values)
            case "Map", (key, value, size):
                keys, values = self._item(key, span), self._item(value, span)
                most = self.size(size, span)
                if most is None or BROKEN in (keys, values):
                    return BROKEN
                return MapType(keys, values, most)
            case "Text", _:
                return self._wrong_arguments(written, "Text` or `Text<N>")
            case "List", (_,):
                self.findings.error(
                    "type-arguments",
                    "a list has a maximum length in its type",
                    span,
                    notes=("everything is bounded, so that every plan ends",),
                    help=f"write `List<{_shown(arguments[0])}, 100>` with the bound you need",
                )
                return BROKEN
        if name in _ARGUMENTS:
            return self._wrong_arguments(written, _ARGUMENTS[name])
        return self._declared(written)

    def _declared(self, written: s.NamedType) -> Type:
        name, span = written.name.text, written.name.span
        self.names.demand(name)
        found = self.names.types.get(name)
        if found is not None:
            return self._plain(found, written)
        if name in self.names.faulty:
            return BROKEN
        declared = self.names.declared.get(name)
        if declared is not None:
            self.findings.error(
                "unknown-type", f"`{name}` is {declared.what}, not a type", span
            )
        else:
            help = _FOREIGN.get(name.lower())
            if help is not None:
                help = f"say `{help}`"
            help = help or did_you_mean(name, (*BUILTIN_TYPES, *self.names.types))
            self.findings.error("unknown-type", f"there is no type `{name}`", span, help=help)
        return BROKEN

    def _plain(self, type: Type, written: s.NamedType) -> Type:
        if written.arguments:
            return self._wrong_arguments(written, written.name.text)
        return type

    def _wrong_arguments(self, written: s.NamedType, form: str) -> Type:
        self.findings.error(
            "type-arguments",
            f"`{written.name.text}` does not take these arguments",
            written.span,
            help=f"write `{form}`",
        )
        return BROKEN

    def _item(self, argument: s.TypeExpr | int, span: Span) -> Type:
        if isinstance(argument, int):
            self.findings.error(
                "type-arguments", f"`{argument}` stands where a type belongs", span
            )
            return BROKEN
        return self.read(argument)

    def size(self, written: s.TypeExpr | int | s.Ident, span: Span) -> int | None:
        """A bound: a number or the name of an Int constant, from 0 up to the limit."""
        match written:
            case int():
                value, at = written, span
            case s.Ident(text, at) | s.NamedType(s.Ident(text), (), _, at):
                named = self._constant_size(text, at)
                if named is None:
                    return None
                value = named
            case _:
                self.findings.error(
                    "bad-bound", "a bound is a number or the name of a constant", written.span
                )
                return None
        if not 0 <= value <= self.limits.list_bound_max:
            self.findings.error(
                "bad-bound",
                f"a bound is from 0 to {self.limits.list_bound_max}, and this is {value}",
                at,
            )
            return None
        return value

    def _constant_size(self, name: str, at: Span) -> int | None:
        self.names.demand(name)
        if name in self.names.faulty:
            return None
        constant = self.names.constants.get(name)
        if constant is not None and isinstance(constant.value, Literal):
            value = constant.value.value
            if isinstance(value, int) and isinstance(strip(constant.type), IntType):
                return value
        if constant is not None:
            headline = f"the constant `{name}` is not an Int"
        elif name in self.names.declared:
            headline = f"`{name}` is {self.names.declared[name].what}, not a constant"
        else:
            headline = f"there is no constant `{name}`"
        self.findings.error(
            "bad-bound",
            headline,
            at,
            notes=("a bound is known before a plan runs: a number or an Int constant",),
            help=did_you_mean(name, tuple(self.names.constants)),
        )
        return None


def _known(type: TupleType) -> Type:
    return BROKEN if any(each is BROKEN for each in type.items) else type


def _shown(argument: s.TypeExpr | int) -> str:
    return str(argument) if isinstance(argument, int) else argument.span.one_line or "T"


_FOREIGN = {
    "string": "Text",
    "str": "Text",
    "boolean": "Bool",
    "bool": "Bool",
    "integer": "Int",
    "int": "Int",
    "number": "Int` or `Decimal",
    "float": "Decimal",
    "double": "Decimal",
    "datetime": "Time",
    "timestamp": "Time",
    "array": "List<T, N>",
    "dict": "Map<K, V>",
    "optional": "Option<T>",
}
