"""The built-in functions; what binds a variable is in `binders`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING

from planproof.spec import syntax as s
from planproof.spec.core import Apply, Expr, Literal, Op, Unsupported
from planproof.spec.resolve import broken, is_broken
from planproof.spec.typecheck.places import Env
from planproof.spec.typecheck.values import coerce, is_number, join_numbers
from planproof.spec.types import (
    BOOL,
    DATE,
    INT,
    TEXT,
    TIME,
    DateType,
    EnumType,
    ListType,
    MapType,
    OptionType,
    SetType,
    TextType,
    TimeType,
    Type,
    strip,
)

if TYPE_CHECKING:
    from planproof.spec.typecheck.expressions import Expressions

UNBOUNDED = 2**63
"""The length of the text of a number: no text in any machine is longer."""


def call(x: Expressions, expr: s.Call, env: Env) -> Expr:
    """`len(xs)`, `min(a, b)`, ..."""
    name = expr.name.text
    if any(each.name is not None for each in expr.arguments):
        x.findings.error(
            "wrong-arguments", f"the arguments of `{name}` have no names", expr.span
        )
        return broken(expr.span)
    written = tuple(each.value for each in expr.arguments)
    least, most, takes, elaborate = _BUILTINS[name]
    if not least <= len(written) <= most:
        help = None
        if name in ("min", "max") and len(written) == 1:
            sign = "" if name == "max" else "-"
            help = f"for the {name} of a list say `best v in xs by {sign}v`"
        x.findings.error(
            "wrong-arguments",
            f"`{name}` takes {takes}, and {len(written)} are given",
            expr.span,
            help=help,
        )
        return broken(expr.span)
    return elaborate(x, expr, written, env)


Written = tuple[s.Expr, ...]


def _len(x: Expressions, expr: s.Call, written: Written, env: Env) -> Expr:
    value = x.natural(written[0], env)
    if is_broken(value):
        return value
    match strip(value.type):
        case TextType():
            return Apply(Op.TEXT_LEN, (value,), INT, expr.span)
        case ListType():
            return Apply(Op.LIST_LEN, (value,), INT, expr.span)
        case SetType() | MapType():
            text = written[0].span.one_line
            return x.wrong(
                value,
                written[0],
                "the argument of `len`",
                "a list or text",
                help=f"say `count(k in {text} :: true)`",
            )
        case _:
            return x.wrong(value, written[0], "the argument of `len`", "a list or text")


def _extreme(x: Expressions, expr: s.Call, written: Written, env: Env) -> Expr:
    op = Op.MIN if expr.name.text == "min" else Op.MAX
    values = [x.natural(each, env) for each in written]
    if is_broken(*values):
        return broken(expr.span)
    type: Type = strip(values[0].type)
    for each, value in zip(written, values, strict=True):
        if not is_number(value.type) and not isinstance(strip(value.type), DateType | TimeType):
            what = f"an argument of `{expr.name.text}`"
            return x.wrong(value, each, what, "a number, date or time")
        joined = join_numbers(type, strip(value.type))
        if joined is None:
            return x.fit(value, type, each, f"an argument of `{expr.name.text}`")
        type = joined
    fitted = tuple(coerce(each, type) or each for each in values)
    return Apply(op, fitted, type, expr.span)


def _abs(x: Expressions, expr: s.Call, written: Written, env: Env) -> Expr:
    value = x.number(written[0], env, "the argument of `abs`")
    if is_broken(value):
        return value
    return Apply(Op.ABS, (value,), strip(value.type), expr.span)


def _text(x: Expressions, expr: s.Call, written: Written, env: Env) -> Expr:
    value = x.natural(written[0], env)
    if is_broken(value):
        return value
    plain = strip(value.type)
    if isinstance(plain, EnumType):
        longest = max(map(len, plain.members))
        return Apply(Op.TEXT_OF, (value,), TextType(longest), expr.span)
    if is_number(plain) or isinstance(plain, DateType | TimeType):
        return Apply(Op.TEXT_OF, (value,), TextType(UNBOUNDED), expr.span)
    help = "it is a text already" if isinstance(plain, TextType) else None
    what = "the argument of `text`"
    return x.wrong(value, written[0], what, "a number, date, time or enum", help=help)


_TESTS = {
    "contains": Op.CONTAINS,
    "starts_with": Op.STARTS_WITH,
    "ends_with": Op.ENDS_WITH,
}


def _test(x: Expressions, expr: s.Call, written: Written, env: Env) -> Expr:
    name = expr.name.text
    whole = x.natural(written[0], env)
    if not is_broken(whole) and isinstance(strip(whole.type), ListType | SetType | MapType):
        asked = f"{written[1].span.one_line} in {written[0].span.one_line}"
        x.natural(written[1], env)
        return x.wrong(
            whole, written[0], f"the first argument of `{name}`", "a text", help=f"say `{asked}`"
        )
    whole = x.fit(whole, TEXT, written[0], f"the first argument of `{name}`")
    part = x.expect(written[1], env, TEXT, f"the second argument of `{name}`")
    if is_broken(whole, part):
        return broken(expr.span)
    return Apply(_TESTS[name], (whole, part), BOOL, expr.span)


def _matches(x: Expressions, expr: s.Call, written: Written, env: Env) -> Expr:
    whole = x.expect(written[0], env, TEXT, "the first argument of `matches`")
    pattern = x.natural(written[1], env)
    if is_broken(whole, pattern):
        return broken(expr.span)
    if not isinstance(pattern, Literal) or not isinstance(pattern.value, str):
        x.findings.error(
            "bad-pattern",
            "the pattern of `matches` must be a literal text",
            written[1].span,
            notes=("it is compiled when the plan is verified",),
        )
        return broken(expr.span)
    from planproof.spec.typecheck import regex  # seldom used

    try:
        regex.validate(pattern.value)
    except regex.NotInSubset as trouble:
        x.findings.error(
            "bad-pattern",
            f"in the pattern, at character {trouble.at + 1}: {trouble.reason}",
            written[1].span,
            notes=("patterns have literals, `.`, classes, `|`, `*`, `+`, `?`, `{m,n}` and groups",),
        )
        return broken(expr.span)
    return Apply(Op.MATCHES, (whole, pattern), BOOL, expr.span)


def _is_some(x: Expressions, expr: s.Call, written: Written, env: Env) -> Expr:
    value = x.natural(written[0], env)
    if is_broken(value):
        return value
    if not isinstance(strip(value.type), OptionType):
        return x.wrong(value, written[0], "the argument of `is_some`", "an option")
    return Apply(Op.IS_SOME, (value,), BOOL, expr.span)


def _some(x: Expressions, expr: s.Call, written: Written, env: Env) -> Expr:
    value = x.natural(written[0], env)
    if is_broken(value):
        return value
    return Apply(Op.SOME, (value,), OptionType(value.type), expr.span)


def _date(x: Expressions, expr: s.Call, written: Written, env: Env) -> Expr:
    del env
    value = written[0].value if isinstance(written[0], s.TextLiteral) else None
    parsed = None
    if value is not None and len(value) == 10 and value.isascii():
        try:
            parsed = dt.datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=dt.UTC)
        except ValueError:
            parsed = None
    if parsed is None:
        x.findings.error(
            "bad-date",
            "this is not a date",
            expr.span,
            help='a date is written `date("2026-04-01")`; others come as parameters and results',
        )
        return broken(expr.span)
    return Literal(parsed.toordinal() - _EPOCH, DATE, expr.span)


def _time(x: Expressions, expr: s.Call, written: Written, env: Env) -> Expr:
    del env
    value = written[0].value if isinstance(written[0], s.TextLiteral) else None
    parsed = None
    if value is not None and len(value) == 20 and value.isascii():
        try:
            parsed = dt.datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC)
        except ValueError:
            parsed = None
    if parsed is None:
        x.findings.error(
            "bad-date",
            "this is not a time",
            expr.span,
            help='a time is in UTC and written `time("2026-04-01T12:00:00Z")`',
        )
        return broken(expr.span)
    days = parsed.toordinal() - _EPOCH
    seconds = parsed.hour * 3600 + parsed.minute * 60 + parsed.second
    return Literal(days * 86_400 + seconds, TIME, expr.span)


_EPOCH = dt.date(1970, 1, 1).toordinal()


def _keys(x: Expressions, expr: s.Call, written: Written, env: Env) -> Expr:
    value = x.natural(written[0], env)
    plain = strip(value.type)
    if is_broken(value):
        return value
    if not isinstance(plain, MapType):
        return x.wrong(value, written[0], "the argument of `keys`", "a map")
    if plain.max is None:
        x.findings.error(
            "unbounded-keys",
            "the keys of a map without a bound are no list",
            expr.span,
            help="give the map a bound, `Map<K, V, N>`; a quantifier may go over the map itself",
        )
        return broken(expr.span)
    return Unsupported("keys", ListType(plain.key, plain.max), expr.span)


def _only_as_domain(x: Expressions, expr: s.Call, written: Written, env: Env) -> Expr:
    for each in written:
        x.natural(each, env)
    name = expr.name.text
    where = {
        "range": "after `in` of a `for`, quantifier, `sum` or `count`",
        "take": "after `in` of a quantifier, `sum` or `count`",
        "bag": "on both sides of `<=` or `==`",
        "sum": "as `sum(x in xs :: e)` or `sum(m)`",
        "count": "as `count(x in xs :: p)`",
    }[name]
    x.findings.error("misplaced-builtin", f"`{name}` stands only {where}", expr.span)
    return broken(expr.span)


_Elaborate = Callable[["Expressions", s.Call, Written, Env], Expr]
_ONE = "one argument"
_TWO = "two arguments"
_MANY = 10**9
_BUILTINS: dict[str, tuple[int, int, str, _Elaborate]] = {
    "abs": (1, 1, _ONE, _abs),
    "bag": (1, 1, _ONE, _only_as_domain),
    "contains": (2, 2, _TWO, _test),
    "count": (0, _MANY, _ONE, _only_as_domain),
    "date": (1, 1, _ONE, _date),
    "ends_with": (2, 2, _TWO, _test),
    "is_some": (1, 1, _ONE, _is_some),
    "keys": (1, 1, _ONE, _keys),
    "len": (1, 1, _ONE, _len),
    "matches": (2, 2, _TWO, _matches),
    "max": (2, _MANY, "two or more arguments", _extreme),
    "min": (2, _MANY, "two or more arguments", _extreme),
    "range": (2, 2, _TWO, _only_as_domain),
    "some": (1, 1, _ONE, _some),
    "starts_with": (2, 2, _TWO, _test),
    "sum": (0, _MANY, _ONE, _only_as_domain),
    "take": (2, 2, _TWO, _only_as_domain),
    "text": (1, 1, _ONE, _text),
    "time": (1, 1, _ONE, _time),
}
