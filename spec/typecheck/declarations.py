"""Declarations that may stand in any order: types, constants, functions, state, headers of tools.

Each is resolved when its name is first looked up, so the order in a file means nothing; meeting a
name while it is being resolved is a cycle, which is refused with the way around it.
"""

from __future__ import annotations

from typing import TypeAlias, assert_never

from planproof.spec import syntax as s
from planproof.spec import typed
from planproof.spec.core import Literal
from planproof.spec.diagnostic import Label
from planproof.spec.limits import Limits
from planproof.spec.resolve import BROKEN, Globals, Scope, is_broken
from planproof.spec.typecheck.contracts import called, find_cycle, parameter_scope, parameters
from planproof.spec.typecheck.expressions import Expressions, TooLarge
from planproof.spec.typecheck.places import CONSTANT, FUNCTION, PREDICATE, Env
from planproof.spec.typecheck.types import Types
from planproof.spec.typecheck.values import constant_value, depth, parts
from planproof.spec.types import (
    BoolType,
    DateType,
    DecimalType,
    EnumType,
    IntType,
    OpaqueType,
    RecordType,
    RefinedType,
    TextType,
    TimeType,
    Type,
    fits,
    show,
    strip,
)

Item: TypeAlias = (
    s.TypeDecl
    | s.RecordDecl
    | s.EnumDecl
    | s.ConstDecl
    | s.FunctionDecl
    | s.ResourceDecl
    | s.StateDecl
    | s.ToolDecl
)

_CHAIN_MAX = 16  # each link takes some twenty frames; one that is declared before is no link
_WHAT: dict[type[Item], str] = {
    s.TypeDecl: "a type",
    s.RecordDecl: "a record",
    s.EnumDecl: "an enum",
    s.ConstDecl: "a constant",
    s.FunctionDecl: "a function",
    s.ResourceDecl: "a resource",
    s.StateDecl: "a state",
    s.ToolDecl: "a tool",
}


class Declarations:
    """The declarations of a file on top of `names`, which they are entered into."""

    def __init__(self, names: Globals, limits: Limits, tag: str) -> None:
        self.names = names
        self.findings = names.findings
        self.limits = limits
        self.types = Types(names, limits)
        self.x = Expressions(names, self.types, limits, tag)
        self._pending: dict[str, Item] = {}
        self._resolving: list[str] = []
        names.demand = self.demand

    def resolve(self, items: tuple[Item, ...]) -> None:
        """Enters all items; each error is reported, and what it is about is faulty from then on."""
        for item in items:
            if self.names.declare(item.name, _WHAT[type(item)]):
                self._pending[item.name.text] = item
        self._refuse_recursion()
        for item in items:
            self.demand(item.name.text)

    def demand(self, name: str) -> None:
        item = self._pending.get(name)
        if item is None:
            return
        if name in self._resolving:
            self._cycle(name, item)
            return
        if len(self._resolving) >= _CHAIN_MAX:
            self._too_long_a_chain(name, item)
            return
        self._resolving.append(name)
        try:
            self._enter(name, item)
        except TooLarge:
            self._too_long_a_chain(name, item)
        self._resolving.pop()
        del self._pending[name]

    def _too_long_a_chain(self, name: str, item: Item) -> None:
        self.names.faulty.add(name)
        self.findings.error(
            "nested-too-deeply",
            f"`{name}` stands at the end of a long chain of declarations that each need the next",
            item.name.span,
            help="declare what others need before them",
        )

    def _cycle(self, name: str, item: Item) -> None:
        if name in self.names.faulty:
            return
        self.names.faulty.add(name)
        cycle = (*self._resolving[self._resolving.index(name) :], name)
        self.findings.error(
            "recursive-declaration",
            f"`{name}` is declared by means of itself",
            item.name.span,
            notes=(" -> ".join(cycle),),
            help="refer to the other by a key, and keep the things themselves in a `Map`"
            if isinstance(item, s.RecordDecl)
            else None,
        )

    def _refuse_recursion(self) -> None:
        """Functions are written out where they are applied, so none may lead back to itself."""
        functions = {
            name: item for name, item in self._pending.items() if isinstance(item, s.FunctionDecl)
        }
        edges = {
            name: tuple(dict.fromkeys(ident.text for ident in called(item.body)))
            for name, item in functions.items()
        }
        while (cycle := find_cycle(edges)) is not None:
            self.findings.error(
                "recursive-function",
                f"the function `{cycle[0]}` leads back to itself",
                functions[cycle[0]].name.span,
                notes=(" -> ".join(cycle), "functions are total, so they are not recursive"),
            )
            for name in cycle[:-1]:
                del edges[name]
                del self._pending[name]
                self.names.faulty.add(name)

    def _enter(self, name: str, item: Item) -> None:
        names = self.names
        match item:
            case s.TypeDecl():
                type = self._type(item)
            case s.RecordDecl():
                type = self._record(item)
            case s.EnumDecl():
                type = self._enum(item)
            case s.ConstDecl():
                constant = self._constant(item)
                if constant is None:
                    names.faulty.add(name)
                else:
                    names.constants[name] = constant
                return
            case s.FunctionDecl():
                function = self._function(item)
                if function is None:
                    names.faulty.add(name)
                else:
                    names.functions[name] = function
                return
            case s.ResourceDecl():
                names.resources[name] = self._resource(item)
                return
            case s.StateDecl():
                type, labels = self.types.labelled(item.type)
                observer = item.observer.text if item.observer is not None else None
                if type is BROKEN:
                    names.faulty.add(name)
                names.states[name] = typed.State(
                    name, item.doc, type, observer, item.shared, item.span, labels
                )
                return
            case s.ToolDecl():
                names.tools[name] = self._header(item)
                return
            case _:
                assert_never(item)
        if type is BROKEN or name in names.faulty or self._too_large(type, item):
            names.faulty.add(name)
        else:
            names.types[name] = type

    def _too_large(self, type: Type, item: Item) -> bool:
        """Types are written out, so one of few lines may be larger than any memory."""
        limits = self.limits
        large = parts(type, limits.inlined_nodes_max) > limits.inlined_nodes_max
        if large or depth(type) > limits.nesting_depth_max:
            self.findings.error(
                "type-too-large",
                f"`{item.name.text}` is too large when it is written out",
                item.name.span,
                notes=(
                    f"a type has at most {limits.inlined_nodes_max} parts",
                    f"nested at most {limits.nesting_depth_max} levels deep",
                ),
                help="refer to other things by a key, and keep them in a `Map`",
            )
            return True
        return False

    # ---- types -----------------------------------------------------------------------------------

    def _type(self, item: s.TypeDecl) -> Type:
        name = item.name.text
        if item.base is None:
            return OpaqueType(name)
        base = self.types.read(item.base)
        if base is BROKEN or item.where is None:
            return base
        env = Env(Scope(), PREDICATE, self_type=base)
        predicate = self.x.condition(item.where, env, f"the predicate of `{name}`")
        return BROKEN if is_broken(predicate) else RefinedType(name, base, predicate)

    def _record(self, item: s.RecordDecl) -> Type:
        fields: dict[str, Type] = {}
        written: dict[str, s.FieldDecl] = {}
        for field in item.fields:
            name = field.name.text
            if name in written:
                self.findings.error(
                    "repeated-field",
                    f"the record `{item.name.text}` has two fields `{name}`",
                    field.name.span,
                    "",
                    Label(written[name].span, "the first one"),
                )
            written[name] = field
            fields[name] = self.types.read(field.type)
        if any(each is BROKEN for each in fields.values()):
            return BROKEN
        return RecordType(item.name.text, tuple(fields.items()))

    def _enum(self, item: s.EnumDecl) -> Type:
        members: dict[str, s.Ident] = {}
        for member in item.members:
            if member.text in members:
                self.findings.error(
                    "repeated-member",
                    f"the enum `{item.name.text}` has two members `{member.text}`",
                    member.span,
                    "",
                    Label(members[member.text].span, "the first one"),
                )
            members[member.text] = member
        return EnumType(item.name.text, tuple(members))

    def _resource(self, item: s.ResourceDecl) -> Type:
        type = self.types.read(item.type)
        if type is BROKEN or type in (IntType(), DecimalType()):
            return type
        self.findings.error(
            "bad-resource",
            f"a resource is counted in Int or Decimal, and this is `{show(type)}`",
            item.type.span,
        )
        return BROKEN

    # ---- constants and functions -----------------------------------------------------------------

    def _constant(self, item: s.ConstDecl) -> typed.Constant | None:
        from planproof.spec.semantics import NoValue, conforms

        name = item.name.text
        type = self.types.read(item.type)
        value = self.x.expect(
            item.value, Env(Scope(), CONSTANT), type, f"the constant `{name}`"
        )
        if is_broken(value):
            return None
        known = constant_value(value)
        if known is None:
            self.findings.error(
                "bad-constant",
                f"the value of `{name}` can't be computed",
                item.value.span,
                notes=("it is made of literals, other constants and functions with bodies",),
            )
            return None
        try:
            fine = conforms(known, type)
        except NoValue:
            fine = False
        if not fine:
            self.findings.error(
                "bad-constant",
                f"the value of `{name}` is not a `{show(type)}`",
                item.value.span,
                "",
                Label(item.type.span, "which is declared here"),
            )
            return None
        if isinstance(strip(type), _SCALAR):
            # That it conforms was just seen, so the literal may claim it.
            own = value.type if fits(value.type, type) else type
            value = Literal(known, own, item.value.span)
        return typed.Constant(name, type, value)

    def _function(self, item: s.FunctionDecl) -> typed.Function | None:
        made = parameters(self.x, item.parameters, labelled=False)
        scope = parameter_scope(self.names, item.parameters, made)
        result = self.types.read(item.result)
        if result is BROKEN or any(each.type is BROKEN for each in made):
            return None
        name = item.name.text
        body = None
        if item.body is not None:
            reason = f"what `{name}` gives"
            body = self.x.expect(item.body, Env(scope, FUNCTION), result, reason)
            if is_broken(body):
                return None
        return typed.Function(name, made, result, body, item.span, item)

    # ---- tools -----------------------------------------------------------------------------------

    def _header(self, item: s.ToolDecl) -> typed.Tool:
        made = parameters(self.x, item.parameters, labelled=True)
        result: Type | None = None
        labels: tuple[str, ...] = ()
        if item.result is not None:
            result, labels = self.types.labelled(item.result)
        return typed.Tool(
            name=item.name.text,
            doc=item.doc,
            parameters=made,
            result=result,
            result_labels=labels,
            requires=(),
            ensures=(),
            modifies=(),
            reads=(),
            charges=(),
            fails=False,
            dirty=False,
            leaving=None,
            idempotent=False,
            pure=False,
            relabels=False,
            extracts=False,
            undo=None,
            span=item.span,
        )


_SCALAR = (BoolType, IntType, DecimalType, TextType, DateType, TimeType, EnumType)
