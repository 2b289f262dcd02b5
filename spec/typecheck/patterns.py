"""Call patterns: `transfer(_, t, amount: a) == e where P`.

A name binds the argument where it is new and equates with what it means where it is not.  Given by
position, a pattern has a slot for each parameter; given by name, those it does not name are free.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from planproof.spec import syntax as s
from planproof.spec import typed
from planproof.spec.core import TRUE, Expr, Ref, Unsupported
from planproof.spec.diagnostic import Label
from planproof.spec.resolve import (
    Local,
    Scope,
    broken,
    declare_local,
    did_you_mean,
    is_broken,
    listing,
)
from planproof.spec.typecheck.places import Env
from planproof.spec.typecheck.values import coerce, fields_of
from planproof.spec.types import BOOL, Type, show

if TYPE_CHECKING:
    from planproof.spec.typecheck.expressions import Expressions


def once(x: Expressions, expr: s.Once, env: Env) -> Expr:
    """`once(g(args) where Q)` in a contract: checked, not verified yet."""
    if not env.where.once:
        x.findings.error(
            "once-not-allowed",
            f"{env.where.name} can't speak of `once(...)`",
            expr.span,
            notes=("`once` stands in contracts, invariants and asserts",),
        )
        return broken(expr.span)
    inner = env.inside(Scope(env.scope))
    fine = pattern(x, expr.pattern, inner)
    return Unsupported("once", BOOL, expr.span) if fine is not None else broken(expr.span)


def pattern(x: Expressions, written: s.Pattern, env: Env) -> Expr | None:
    """Checks a pattern and enters the names it binds into `env.scope`.

    The `where` condition (true where there is none), or None where the pattern is wrong.
    """
    tool = _tool(x, written)
    if tool is None:
        return None
    slots = _slots(x, written, tool)
    if slots is None:
        return None
    fine = True
    for parameter, each in slots:
        fine = _slot(x, each, parameter, tool.name, env) and fine
    if written.result is not None:
        fine = _result(x, written.result, tool, env) and fine
    if written.where is None:
        return TRUE if fine else None
    condition = x.condition(written.where, env, "a `where` condition")
    return None if is_broken(condition) or not fine else condition


def _tool(x: Expressions, written: s.Pattern) -> typed.Tool | None:
    name = written.tool.text
    x.names.demand(name)
    tool = x.names.tools.get(name)
    if tool is not None or name in x.names.faulty:
        return tool
    declared = x.names.declared.get(name)
    x.findings.error(
        "unknown-tool",
        f"there is no tool `{name}`"
        if declared is None
        else f"`{name}` is {declared.what}, and a pattern is about calls of a tool",
        written.tool.span,
        help=did_you_mean(name, tuple(x.names.tools)),
    )
    return None


def _slots(
    x: Expressions, written: s.Pattern, tool: typed.Tool
) -> list[tuple[typed.Parameter, s.Slot]] | None:
    parameters = {each.name: each for each in tool.parameters}
    names = tuple(parameters)
    given: dict[str, s.PatternArgument] = {}
    by_name = False
    for argument in written.arguments:
        if argument.name is None:
            if by_name:
                x.findings.error(
                    "argument-order", "a slot by position stands after one by name", argument.span
                )
                return None
            if len(given) >= len(names):
                break
            given[names[len(given)]] = argument
            continue
        by_name = True
        name = argument.name.text
        if name not in parameters:
            x.findings.error(
                "unknown-argument",
                f"`{tool.name}` has no argument `{name}`",
                argument.name.span,
                help=did_you_mean(name, names) or listing(names, f"arguments of `{tool.name}`"),
            )
            return None
        if name in given:
            x.findings.error("repeated-argument", f"`{name}` is given twice", argument.span)
            return None
        given[name] = argument
    positional = any(each.name is None for each in written.arguments)
    complete = len(given) == len(written.arguments) == len(names)
    if not complete and (positional or not written.arguments):
        shape = ", ".join("_" for _ in names)
        x.findings.error(
            "pattern-arguments",
            f"`{tool.name}` has {len(names)} arguments, and the pattern {len(written.arguments)}",
            written.span,
            "",
            Label(tool.span, "declared here"),
            notes=("`_` matches anything; named slots may leave others out",),
            help=f"write `{tool.name}({shape})`",
        )
        return None
    return [(parameters[name], argument.slot) for name, argument in given.items()]


def _slot(
    x: Expressions, slot: s.Slot, parameter: typed.Parameter, tool: str, env: Env
) -> bool:
    reason = f"`{parameter.name}` of `{tool}`"
    match slot:
        case s.Wildcard():
            return True
        case s.Bind(name):
            known = env.scope.find(name.text)
            x.names.demand(name.text)
            if known is None and name.text not in x.names.constants:
                variable = x.variable(name, parameter.type)
                local = Local(name.text, "a bound variable", variable, name.span)
                declare_local(x.names, env.scope, name, local)
                return True
            return _same(x, s.Name(name.text, name.span), parameter.type, reason, env)
        case s.IntLiteral() | s.DecimalLiteral() | s.TextLiteral() | s.BoolLiteral():
            return _same(x, slot, parameter.type, reason, env)
        case _:
            assert_never(slot)


def _same(x: Expressions, written: s.Expr, type: Type, reason: str, env: Env) -> bool:
    """Whether the written value can be equal to one of `type`."""
    value = x.natural(written, env, type)
    if is_broken(value):
        return False
    if coerce(value, type) is None and coerce(Ref("", type), value.type) is None:
        x.wrong(value, written, reason, f"`{show(type)}`")
        return False
    return True


def _result(x: Expressions, written: s.Expr, tool: typed.Tool, env: Env) -> bool:
    if tool.result is None:
        x.findings.error(
            "no-result",
            f"`{tool.name}` returns nothing that could be compared",
            written.span,
            "",
            Label(tool.span, "declared here"),
        )
        return False
    return _same(x, written, tool.result, f"the result of `{tool.name}`", env)


# ---- rules ---------------------------------------------------------------------------------------


def rule(x: Expressions, written: s.Rule, env: Env) -> None:
    """Checks the names and types of a rule; its first pattern binds for the second."""
    match written:
        case s.NeverRule(forbidden, scope):
            pattern(x, forbidden, env)
            match scope:
                case s.AfterScope(opening) | s.BeforeScope(opening):
                    pattern(x, opening, env.inside(Scope(env.scope)))
                case s.BetweenScope(opening, closing):
                    inner = env.inside(Scope(env.scope))
                    pattern(x, opening, inner)
                    pattern(x, closing, inner)
                case None:
                    pass
                case _:
                    assert_never(scope)
        case s.PrecedenceRule(guarded, need):
            pattern(x, guarded, env)
            _need(x, guarded, need, env)
        case s.AtMostRule(bound, counted, per):
            x.types.size(bound, counted.span)
            pattern(x, counted, env)
            if per is not None and per.text not in env.scope.names:
                x.findings.error(
                    "unknown-name",
                    f"`per {per.text}` names nothing that the pattern binds",
                    per.span,
                    help=did_you_mean(per.text, tuple(env.scope.names))
                    or "give an argument that name in the pattern",
                )
        case s.FinallyRule(needed):
            pattern(x, needed, env)
        case s.ResponseRule(trigger, response):
            pattern(x, trigger, env)
            pattern(x, response, env.inside(Scope(env.scope)))
        case _:
            assert_never(written)


def _need(x: Expressions, guarded: s.Pattern, need: s.Need, env: Env) -> None:
    match need:
        case s.ConditionNeed(condition):
            x.condition(condition, env, "what a rule requires")
        case s.OnceNeed(earlier):
            pattern(x, earlier, env.inside(Scope(env.scope)))
        case s.OwnNeed(earlier):
            inner = env.inside(Scope(env.scope))
            fine = pattern(x, earlier, inner) is not None
            if fine and earlier.where is not None:
                slots = (each.slot for each in earlier.arguments)
                equated = (slot.name.text for slot in slots if isinstance(slot, s.Bind))
                own = frozenset((*inner.scope.names, *equated))
                first = frozenset(env.scope.names) - own
                _own_conditions(x, earlier.where, guarded, own, first)
        case _:
            assert_never(need)


def _own_conditions(
    x: Expressions,
    where: s.Expr,
    guarded: s.Pattern,
    own: frozenset[str],
    first: frozenset[str],
) -> None:
    """`own` pairs calls by equations: `where` equates arguments of both, or is about g's alone."""
    if isinstance(where, s.Binary) and where.op is s.BinaryOp.AND:
        _own_conditions(x, where.left, guarded, own, first)
        _own_conditions(x, where.right, guarded, own, first)
        return
    if not first & names_in(where):
        return
    if isinstance(where, s.Binary) and where.op is s.BinaryOp.EQ:
        sides = [each.name for each in (where.left, where.right) if isinstance(each, s.Name)]
        if len(sides) == 2 and len(first & set(sides)) == 1 and len(own & set(sides)) == 1:
            return
    x.findings.error(
        "own-condition",
        "this condition compares the two calls of `own` otherwise than by `==`",
        where.span,
        "",
        Label(guarded.span, "the call that needs one of its own"),
        notes=(
            "each call uses up an earlier one, and which one must not depend on an order of trying",
            "so `where` equates their arguments, and all else is about the earlier call alone",
        ),
        help="say `once` if one earlier call may serve several",
    )


def names_in(written: object) -> frozenset[str]:
    """Every variable's name in a piece of syntax."""
    if isinstance(written, s.Name):
        return frozenset((written.name,))
    found: frozenset[str] = frozenset()
    if isinstance(written, tuple):
        for each in written:
            found |= names_in(each)
    else:
        for name in fields_of(written):
            found |= names_in(getattr(written, name))
    return found
