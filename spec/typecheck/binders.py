"""What binds a variable: quantifiers, sums, counts, searches, comprehensions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planproof.spec import syntax as s
from planproof.spec.core import (
    AllOf,
    Apply,
    Between,
    Domain,
    Expr,
    First,
    FirstItems,
    Items,
    Literal,
    Op,
    Quantified,
    Total,
    Unsupported,
    conjunction,
    number,
)
from planproof.spec.resolve import BROKEN, broken, is_broken
from planproof.spec.typecheck import operators
from planproof.spec.typecheck.places import Env
from planproof.spec.typecheck.values import is_number
from planproof.spec.types import (
    BOOL,
    INT,
    DateType,
    IntType,
    ListType,
    MapType,
    OpaqueType,
    OptionType,
    SetType,
    TimeType,
    Type,
    is_known,
    show,
    strip,
)

if TYPE_CHECKING:
    from planproof.spec.typecheck.expressions import Expressions


def quantifier(x: Expressions, expr: s.QuantifierIn, env: Env) -> Expr:
    word = expr.kind.value
    domain, item = _domain(x, expr.domain, env, f"`{word}`")
    variable, inner = x.bind(expr.variable, item, env)
    body = x.condition(expr.body, inner, f"what `{word}` says of each item")
    if domain is None or is_broken(body):
        return broken(expr.span)
    universal = expr.kind is s.QuantifierKind.FORALL
    return Quantified(universal, variable, domain, body, BOOL, expr.span)


def forall_type(x: Expressions, expr: s.ForallType, env: Env) -> Expr:
    type = x.types.read(expr.type)
    if type is not BROKEN and not env.where.everything:
        x.findings.error(
            "forall-type-here",
            f"{env.where.name} can't speak of every `{show(type)}`",
            expr.span,
            notes=("it can be proved, but not computed; code is executed",),
            help="say `forall x in xs :: ...` over a list, set, map or range",
        )
        type = BROKEN
    elif type is not BROKEN and not isinstance(type, OpaqueType | IntType):
        refined = isinstance(strip(type), IntType)
        x.findings.error(
            "forall-type",
            f"`forall {expr.variable.text}: {show(type)}` is not supported",
            expr.type.span,
            notes=("`forall x: T` is over opaque types and Int",),
            help=f"say `forall {expr.variable.text}: Int :: ... ==> ...`" if refined else None,
        )
        type = BROKEN
    variable, inner = x.bind(expr.variable, type, env)
    body = x.condition(expr.body, inner, "what `forall` says of each value")
    if type is BROKEN or is_broken(body):
        return broken(expr.span)
    return Quantified(True, variable, AllOf(type), body, BOOL, expr.span)


def aggregate(x: Expressions, expr: s.Aggregate, env: Env) -> Expr:
    word = expr.kind.value
    domain, item = _domain(x, expr.domain, env, f"`{word}`")
    variable, inner = x.bind(expr.variable, item, env)
    tests: tuple[Expr, ...] = ()
    if expr.where is not None:
        tests = (x.condition(expr.where, inner, "a `where` condition"),)
    if expr.kind is s.AggregateKind.SUM:
        body = x.number(expr.body, inner, "what `sum` adds up")
    else:
        counted = x.condition(expr.body, inner, "what `count` asks of each item")
        if not (isinstance(counted, Literal) and counted.value is True):
            tests = (*tests, counted)
        body = broken(expr.span) if is_broken(counted) else number(1)
    if domain is None or is_broken(body, *tests):
        return broken(expr.span)
    test = conjunction(tests) if tests else None
    return Total(variable, domain, test, body, strip(body.type), expr.span)


def sum_of(x: Expressions, expr: s.SumOf, env: Env) -> Expr:
    whole = x.natural(expr.operand, env)
    if is_broken(whole):
        return whole
    plain = strip(whole.type)
    if isinstance(plain, MapType) and is_number(plain.value):
        return Apply(Op.MAP_SUM, (whole,), strip(plain.value), expr.span)
    help = None
    if isinstance(plain, ListType | SetType | MapType):
        help = f"say `sum(x in {expr.operand.span.one_line} :: ...)`"
    return x.wrong(whole, expr.operand, "the argument of `sum`", "a map to numbers", help=help)


def find(x: Expressions, expr: s.Find, env: Env) -> Expr:
    domain, item = _list(x, expr.domain, env, "`find`")
    variable, inner = x.bind(expr.variable, item, env)
    test = x.condition(expr.where, inner, "what `find` looks for")
    if domain is None or is_broken(test):
        return broken(expr.span)
    return First(variable, domain, test, OptionType(item), expr.span)


def best(x: Expressions, expr: s.Best, env: Env) -> Expr:
    domain, item = _list(x, expr.domain, env, "`best`")
    _, inner = x.bind(expr.variable, item, env)
    test = None
    if expr.where is not None:
        test = x.condition(expr.where, inner, "a `where` condition")
    by = x.natural(expr.by, inner)
    if domain is None or is_broken(by) or (test is not None and is_broken(test)):
        return broken(expr.span)
    if not is_number(by.type) and not isinstance(strip(by.type), DateType | TimeType):
        return x.wrong(by, expr.by, "what `best` compares by", "a number, date or time")
    return Unsupported("best", OptionType(item), expr.span)


def comprehension(x: Expressions, expr: s.Comprehension, env: Env) -> Expr:
    domain, item = _list(x, expr.domain, env, "a list comprehension")
    _, inner = x.bind(expr.variable, item, env)
    test = None
    if expr.where is not None:
        test = x.condition(expr.where, inner, "a `where` condition")
    body = x.natural(expr.body, inner)
    if domain is None or is_broken(body) or (test is not None and is_broken(test)):
        return broken(expr.span)
    if not is_known(body.type):
        x.findings.error("untyped-empty", "nothing says of what this is empty", expr.body.span)
        return broken(expr.span)
    collection = strip(domain.collection.type)
    most = collection.max if isinstance(collection, ListType) else 0
    return Unsupported("[... for ...]", ListType(body.type, most), expr.span)


# ---- domains -------------------------------------------------------------------------------------


def _domain(x: Expressions, written: s.Expr, env: Env, what: str) -> tuple[Domain | None, Type]:
    """What a variable goes over, and its type; None and BROKEN, after an error, if wrong."""
    if isinstance(written, s.Call):
        arguments = written.arguments
        if written.name.text == "range":
            ends = operators.range_ends(x, written, env)
            return (None, INT) if ends is None else (Between(*ends), INT)
        if written.name.text == "take" and len(arguments) == 2:
            return _take(x, written, env)
        if written.name.text == "keys" and len(arguments) == 1 and arguments[0].name is None:
            # A quantifier over the keys is one over the map; only their order is not known.
            keys = x.natural(written, env)
            if is_broken(keys):
                return None, BROKEN
            written = arguments[0].value
    value = x.natural(written, env)
    if is_broken(value):
        return None, BROKEN
    match strip(value.type):
        case ListType(item) | SetType(item) | MapType(item):
            if is_known(item):
                return Items(value), item
            x.findings.error("untyped-empty", f"there is nothing in this for {what}", written.span)
        case _:
            x.findings.error(
                "not-a-collection",
                f"{what} goes over a list, set, map or range, and this is `{show(value.type)}`",
                written.span,
                help=f"say `range(0, {written.span.one_line})`"
                if isinstance(strip(value.type), IntType)
                else None,
            )
    return None, BROKEN


def _take(x: Expressions, written: s.Call, env: Env) -> tuple[Domain | None, Type]:
    if any(each.name is not None for each in written.arguments):
        x.findings.error("wrong-arguments", "the arguments of `take` have no names", written.span)
        return None, BROKEN
    whole = x.natural(written.arguments[0].value, env)
    count = x.expect(written.arguments[1].value, env, INT, "how many items `take` takes")
    if is_broken(whole, count):
        return None, BROKEN
    plain = strip(whole.type)
    if not isinstance(plain, ListType) or not is_known(plain):
        x.wrong(whole, written.arguments[0].value, "the first argument of `take`", "a list")
        return None, BROKEN
    return FirstItems(whole, count), plain.item


def _list(x: Expressions, written: s.Expr, env: Env, what: str) -> tuple[Items | None, Type]:
    value = x.natural(written, env)
    if is_broken(value):
        return None, BROKEN
    plain = strip(value.type)
    if isinstance(plain, ListType) and is_known(plain):
        return Items(value), plain.item
    x.findings.error(
        "not-a-collection",
        f"{what} goes over a list, whose items have an order, and this is `{show(value.type)}`",
        written.span,
    )
    return None, BROKEN
