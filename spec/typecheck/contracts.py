"""What tools, functions and plans have in common: parameters, places, budgets, flows, cycles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from planproof.spec import syntax as s
from planproof.spec import typed
from planproof.spec.core import Expr, Ref
from planproof.spec.diagnostic import Label
from planproof.spec.resolve import (
    BROKEN,
    Findings,
    Globals,
    Local,
    Scope,
    broken,
    declare_local,
    did_you_mean,
    is_broken,
    listing,
)
from planproof.spec.typecheck.expressions import Expressions
from planproof.spec.typecheck.places import DEFAULT, Env, Where
from planproof.spec.typecheck.values import fields_of
from planproof.spec.types import ListType, MapType, RecordType, Type, show, strip

# ---- parameters ----------------------------------------------------------------------------------


def parameters(
    x: Expressions, written: tuple[s.Parameter, ...], labelled: bool
) -> tuple[typed.Parameter, ...]:
    """The parameters with their defaults; names are entered in a scope by `parameter_scope`."""
    made = []
    with_default: s.Parameter | None = None
    for each in written:
        if labelled:
            type, labels = x.types.labelled(each.type)
        else:
            type, labels = x.types.read(each.type), ()
        default = None
        if each.default is not None:
            with_default = each
            reason = f"the default of `{each.name.text}`"
            default = x.expect(each.default, Env(Scope(), DEFAULT), type, reason)
        elif with_default is not None:
            x.findings.error(
                "default-order",
                f"`{each.name.text}` has no default and stands after one that has",
                each.span,
                "",
                Label(with_default.span, "this has a default"),
                help="put parameters with defaults last",
            )
        made.append(typed.Parameter(each.name.text, type, labels, default, each.span))
    return tuple(made)


def parameter_scope(
    names: Globals, written: tuple[s.Parameter, ...], made: tuple[typed.Parameter, ...]
) -> Scope:
    scope = Scope()
    for each, parameter in zip(written, made, strict=True):
        expr: Expr = Ref(parameter.name, parameter.type, each.name.span)
        if parameter.type is BROKEN:
            expr = broken(each.name.span)
        declare_local(
            names, scope, each.name, Local(parameter.name, "a parameter", expr, each.name.span)
        )
    return scope


# ---- places --------------------------------------------------------------------------------------


def places(x: Expressions, written: tuple[s.Place, ...], env: Env) -> tuple[typed.Place, ...]:
    """The places of a `modifies`, those left out that are wrong."""
    found = (place(x, each, env) for each in written)
    return tuple(each for each in found if each is not None)


def state_named(x: Expressions, ident: s.Ident, what: str) -> typed.State | None:
    x.names.demand(ident.text)
    state = x.names.states.get(ident.text)
    if state is None and ident.text not in x.names.faulty:
        declared = x.names.declared.get(ident.text)
        x.findings.error(
            "unknown-state",
            f"there is no state `{ident.text}`"
            if declared is None
            else f"`{ident.text}` is {declared.what}, and {what} names state",
            ident.span,
            help=did_you_mean(ident.text, tuple(x.names.states)),
        )
    return state


def place(x: Expressions, written: s.Place, env: Env) -> typed.Place | None:
    state = state_named(x, written.root, "`modifies`")
    if state is None or state.type is BROKEN:
        return None
    type: Type = state.type
    steps: list[typed.PlaceKey | typed.PlaceField] = []
    text = state.name
    for step in written.steps:
        plain = strip(type)
        match step:
            case s.KeyStep(key):
                if not isinstance(plain, MapType):
                    x.findings.error(
                        "bad-place",
                        f"`{text}` is `{show(type)}`, and only maps have places at keys",
                        written.span,
                        help=f"say `modifies {text}`" if isinstance(plain, ListType) else None,
                    )
                    return None
                at = x.expect(key, env, plain.key, f"a key of `{text}`")
                if is_broken(at):
                    return None
                steps.append(typed.PlaceKey(at))
                type, text = plain.value, f"{text}[{key.span.one_line}]"
            case s.FieldStep(name):
                field = plain.field(name.text) if isinstance(plain, RecordType) else None
                if field is None:
                    fields = (
                        tuple(each for each, _ in plain.fields)
                        if isinstance(plain, RecordType)
                        else ()
                    )
                    x.findings.error(
                        "unknown-field",
                        f"`{show(type)}` has no field `{name.text}`",
                        name.span,
                        help=did_you_mean(name.text, fields)
                        or (listing(fields, f"fields of `{show(type)}`") if fields else None),
                    )
                    return None
                steps.append(typed.PlaceField(name.text))
                type, text = field, f"{text}.{name.text}"
    return typed.Place(state.name, tuple(steps), state.type, type, written.span)


def refuse_overlaps(findings: Findings, found: tuple[typed.Place, ...]) -> None:
    """A place that surely lies in another is an error: the two can't be distinct."""
    for at, one in enumerate(found):
        for other in found[:at]:
            shorter, longer = sorted((one, other), key=lambda each: len(each.steps))
            if (
                one.state == other.state
                and longer.steps[: len(shorter.steps)] == shorter.steps
            ):
                findings.error(
                    "overlapping-places",
                    f"`{longer.span.one_line}` is a part of `{shorter.span.one_line}`",
                    one.span,
                    "",
                    Label(other.span, "named here"),
                    help="name the larger one only, or the parts that really change",
                )


# ---- resources -----------------------------------------------------------------------------------


def resource_type(x: Expressions, ident: s.Ident) -> Type | None:
    x.names.demand(ident.text)
    type = x.names.resources.get(ident.text)
    if type is None and ident.text not in x.names.faulty:
        x.findings.error(
            "unknown-resource",
            f"there is no resource `{ident.text}`",
            ident.span,
            help=did_you_mean(ident.text, tuple(x.names.resources))
            or f"declare `resource {ident.text}: Int;` in the domain",
        )
    return None if type is BROKEN else type


def budget(x: Expressions, written: s.Budget, scope: Scope, where: Where) -> typed.Budget | None:
    type = resource_type(x, written.resource)
    if type is None:
        return None
    reason = f"the budget of `{written.resource.text}`"
    limit = x.expect(written.limit, Env(scope, where), type, reason)
    if is_broken(limit):
        return None
    return typed.Budget(written.resource.text, limit, written.span)


# ---- flows ---------------------------------------------------------------------------------------


def flows(findings: Findings, written: Iterable[s.FlowDecl], known: dict[str, str]) -> None:
    """Checks lattices; enters each label into `known` with the name of its lattice."""
    seen: dict[str, s.FlowDecl] = {}
    for flow in written:
        name = flow.name.text
        if name in seen or name in known.values():
            findings.error("name-taken", f"there is a flow `{name}` already", flow.name.span)
            continue
        seen[name] = flow
        above: dict[str, dict[str, None]] = {}
        idents: dict[str, s.Ident] = {}
        for chain in flow.chains:
            for label in chain:
                idents.setdefault(label.text, label)
                above.setdefault(label.text, {})
            for low, high in pairwise(chain):
                above[low.text][high.text] = None
        cycle = find_cycle(above)
        if cycle is not None:
            findings.error(
                "cyclic-flow",
                f"`{cycle[0]}` is below itself in `{name}`",
                idents[cycle[0]].span,
                notes=(" < ".join(cycle),),
            )
        for text, ident in idents.items():
            if text in known:
                findings.error(
                    "repeated-label",
                    f"`{text}` belongs to the flow `{known[text]}` already",
                    ident.span,
                    help="a label belongs to one lattice",
                )
            else:
                known[text] = name


def known_label(findings: Findings, label: s.Ident, known: Mapping[str, str]) -> None:
    if label.text not in known:
        findings.error(
            "unknown-label",
            f"no flow declares the label `{label.text}`",
            label.span,
            help=did_you_mean(label.text, tuple(known))
            or f"declare it: `flow confidentiality public < {label.text};`",
        )


# ---- cycles --------------------------------------------------------------------------------------


def find_cycle(edges: Mapping[str, Iterable[str]]) -> tuple[str, ...] | None:
    """A cycle `a, b, ..., a` in a graph, the first in the order of the mapping, or None."""
    done: set[str] = set()
    for root in edges:
        if root in done:
            continue
        path = [root]
        on_path = {root}
        pending: list[Iterator[str]] = [iter(edges[root])]
        while path:
            following = next(pending[-1], None)
            if following is None:
                left = path.pop()
                on_path.discard(left)
                done.add(left)
                pending.pop()
            elif following in on_path:
                return (*path[path.index(following) :], following)
            elif following in edges and following not in done:
                path.append(following)
                on_path.add(following)
                pending.append(iter(edges[following]))
    return None


def called(written: object) -> Iterator[s.Ident]:
    """The names of everything that a piece of syntax calls, in order."""
    if isinstance(written, tuple):
        for each in written:
            yield from called(each)
    else:
        if isinstance(written, s.Call):
            yield written.name
        for name in fields_of(written):
            yield from called(getattr(written, name))


def reachable(edges: Mapping[str, Iterable[str]], starts: Iterable[str]) -> set[str]:
    """Everything from which one of `starts` is reached against the direction of the edges."""
    before: dict[str, list[str]] = {}
    for name, targets in edges.items():
        for target in targets:
            before.setdefault(target, []).append(name)
    found = set(starts)
    pending = list(found)
    while pending:
        for each in before.get(pending.pop(), ()):
            if each not in found:
                found.add(each)
                pending.append(each)
    return found
