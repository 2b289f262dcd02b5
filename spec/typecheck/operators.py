"""Unary and binary operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from planproof.spec import syntax as s
from planproof.spec.core import Apply, Expr, Literal, Make, Op, Unsupported
from planproof.spec.diagnostic import Label
from planproof.spec.resolve import broken, is_broken
from planproof.spec.typecheck.places import Env
from planproof.spec.typecheck.values import coerce, free_names, is_number, to_decimal
from planproof.spec.types import (
    BOOL,
    DECIMAL,
    INT,
    BoolType,
    DateType,
    EnumType,
    IntType,
    ListType,
    MapType,
    OptionType,
    SetType,
    TextType,
    TimeType,
    Type,
    is_known,
    join,
    show,
    strip,
)

if TYPE_CHECKING:
    from planproof.spec.typecheck.expressions import Expressions


def unary(x: Expressions, expr: s.Unary, env: Env) -> Expr:
    if expr.op is s.UnaryOp.NOT:
        value = x.condition(expr.operand, env, "what `!` negates")
        return broken(expr.span) if is_broken(value) else Apply(Op.NOT, (value,), BOOL, expr.span)
    value = x.number(expr.operand, env, "what `-` negates")
    if is_broken(value):
        return broken(expr.span)
    if isinstance(value, Literal) and not isinstance(value.value, bool) and is_number(value.type):
        number = value.value
        if isinstance(number, int):
            return Literal(-number, INT, expr.span)
    return Apply(Op.NEG, (value,), strip(value.type), expr.span)


def binary(x: Expressions, expr: s.Binary, env: Env, wish: Type | None) -> Expr:
    match expr.op:
        case s.BinaryOp.AND | s.BinaryOp.OR | s.BinaryOp.IMPLIES:
            return _logical(x, expr, env)
        case s.BinaryOp.EQ | s.BinaryOp.NE:
            return _equality(x, expr, env)
        case s.BinaryOp.LT | s.BinaryOp.LE | s.BinaryOp.GT | s.BinaryOp.GE:
            return _comparison(x, expr, env)
        case s.BinaryOp.IN:
            return _member(x, expr, env)
        case s.BinaryOp.ADD:
            return _add(x, expr, env, wish)
        case s.BinaryOp.SUB:
            return _subtract(x, expr, env)
        case s.BinaryOp.MUL:
            return _multiply(x, expr, env)
        case s.BinaryOp.DIV:
            return _divide(x, expr, env)
        case s.BinaryOp.MOD:
            return _remainder(x, expr, env)
        case _:
            assert_never(expr.op)


# ---- truth ---------------------------------------------------------------------------------------

_LOGICAL = {s.BinaryOp.AND: Op.AND, s.BinaryOp.OR: Op.OR, s.BinaryOp.IMPLIES: Op.IMPLIES}


def _logical(x: Expressions, expr: s.Binary, env: Env) -> Expr:
    op = _LOGICAL[expr.op]
    left = x.condition(expr.left, env, f"the left side of `{expr.op.value}`")
    right = x.condition(expr.right, env, f"the right side of `{expr.op.value}`")
    if is_broken(left, right):
        return broken(expr.span)
    if op is not Op.IMPLIES and isinstance(left, Apply) and left.op is op:
        # A chain is one n-ary node; what stands in parentheses on the right stays apart.
        return Apply(op, (*left.arguments, right), BOOL, expr.span)
    return Apply(op, (left, right), BOOL, expr.span)


def _equality(x: Expressions, expr: s.Binary, env: Env) -> Expr:
    bags = _bags(x, expr, env)
    if bags is not None:
        return bags
    op = Op.EQ if expr.op is s.BinaryOp.EQ else Op.NE
    left = x.natural(expr.left, env)
    right = x.natural(expr.right, env, left.type)
    if is_broken(left, right):
        return broken(expr.span)
    one, other = coerce(left, right.type), coerce(right, left.type)
    # Whichever side gives way: an Int beside a Decimal, `none` beside an option.
    if other is not None:
        right = other
    elif one is not None:
        left = one
    else:
        x.findings.error(
            "not-comparable",
            f"`{show(left.type)}` and `{show(right.type)}` are never equal",
            expr.span,
            "compared here",
            Label(expr.left.span, f"this is `{show(left.type)}`"),
            Label(expr.right.span, f"this is `{show(right.type)}`"),
            help=_equality_help(expr, left.type, right.type),
        )
        return broken(expr.span)
    if one is not None and not is_known(left.type):
        left = one
    if not is_known(left.type) or not is_known(right.type):
        x.findings.error(
            "untyped-empty", "nothing says of what these are empty", expr.span, help="name a type"
        )
        return broken(expr.span)
    return Apply(op, (left, right), BOOL, expr.span)


def _equality_help(expr: s.Binary, left: Type, right: Type) -> str | None:
    for written, have, want in ((expr.left, left, right), (expr.right, right, left)):
        plain = strip(have)
        text = written.span.one_line
        if isinstance(plain, OptionType) and join(plain.item, want) is not None:
            return f"compare `{text}` with `some(...)`, or its `.value` where `is_some({text})`"
        if isinstance(plain, EnumType) and isinstance(strip(want), TextType):
            return f"name a member, as in `{plain.name}.{plain.members[0]}`"
    return None


_ORDER = {
    s.BinaryOp.LT: Op.LT,
    s.BinaryOp.LE: Op.LE,
    s.BinaryOp.GT: Op.GT,
    s.BinaryOp.GE: Op.GE,
}


def _comparison(x: Expressions, expr: s.Binary, env: Env) -> Expr:
    bags = _bags(x, expr, env)
    if bags is not None:
        return bags
    left, right = x.natural(expr.left, env), x.natural(expr.right, env)
    if is_broken(left, right):
        return broken(expr.span)
    pair = _numbers(left, right)
    if pair is None:
        one, other = strip(left.type), strip(right.type)
        if one == other and isinstance(one, DateType | TimeType):
            pair = (left, right)
        else:
            return _no_operation(x, expr, left, right, "numbers, dates and times are ordered")
    return Apply(_ORDER[expr.op], pair, BOOL, expr.span)


def _bags(x: Expressions, expr: s.Binary, env: Env) -> Expr | None:
    """`bag(xs) <= bag(ys)`, `==` and `!=`; None where neither side is a bag."""
    sides = (expr.left, expr.right)
    bags = [each for each in sides if isinstance(each, s.Call) and each.name.text == "bag"]
    if not bags:
        return None
    if len(bags) < 2 or expr.op not in (s.BinaryOp.LE, s.BinaryOp.EQ, s.BinaryOp.NE):
        x.findings.error(
            "bag-alone",
            "a bag is only compared with a bag",
            expr.span,
            help="write `bag(xs) <= bag(ys)` or `bag(xs) == bag(ys)`",
        )
        return broken(expr.span)
    types: list[Type] = []
    for bag in bags:
        if len(bag.arguments) != 1 or bag.arguments[0].name is not None:
            x.findings.error("wrong-arguments", "`bag` takes one list", bag.span)
            return broken(expr.span)
        value = x.natural(bag.arguments[0].value, env)
        plain = strip(value.type)
        if is_broken(value):
            return value
        if not isinstance(plain, ListType):
            return x.wrong(value, bag.arguments[0].value, "the argument of `bag`", "a list")
        types.append(plain.item)
    if join(types[0], types[1]) is None:
        x.findings.error(
            "not-comparable",
            f"bags of `{show(types[0])}` and `{show(types[1])}` are never equal",
            expr.span,
        )
        return broken(expr.span)
    return Unsupported("bag", BOOL, expr.span)


def _member(x: Expressions, expr: s.Binary, env: Env) -> Expr:
    if isinstance(expr.left, s.Unary) and expr.left.op is s.UnaryOp.NOT:
        inner = x.natural(expr.left.operand, env)
        if not is_broken(inner) and not isinstance(strip(inner.type), BoolType):
            text = f"{expr.left.operand.span.one_line} in {expr.right.span.one_line}"
            x.findings.error(
                "not-before-in",
                f"`!` binds tighter than `in`, and `{show(inner.type)}` has no `!`",
                expr.span,
                help=f"write `!({text})`",
            )
            return broken(expr.span)
    collection = expr.right
    if isinstance(collection, s.Call) and collection.name.text == "range":
        return _in_range(x, expr, collection, env)
    if isinstance(collection, s.Call) and collection.name.text == "keys":
        keys = x.natural(collection, env)
        if is_broken(keys):
            return keys
        whole = x.natural(collection.arguments[0].value, env)
    else:
        whole = x.natural(collection, env)
    if is_broken(whole):
        x.natural(expr.left, env)
        return broken(expr.span)
    match strip(whole.type):
        case MapType(key):
            op, item = Op.MAP_HAS, key
        case SetType(item):
            op = Op.SET_HAS
        case ListType(item):
            op = Op.LIST_HAS
        case plain:
            x.findings.error(
                "not-a-collection",
                f"`in` asks of a list, set, map or range, and this is `{show(whole.type)}`",
                collection.span,
                help="say `contains(text, part)`" if isinstance(plain, TextType) else None,
            )
            x.natural(expr.left, env)
            return broken(expr.span)
    if not is_known(item):
        # In a literal the other side may say what it is empty of.
        left = x.natural(expr.left, env)
        refit = None if is_broken(left) else coerce(whole, _of(whole, left.type))
        if refit is None or not is_known(refit.type):
            x.findings.error("untyped-empty", "nothing is in this", expr.span)
            return broken(expr.span)
        return Apply(op, (refit, left), BOOL, expr.span)
    left = x.expect(expr.left, env, item, f"what is looked for in `{collection.span.one_line}`")
    return broken(expr.span) if is_broken(left) else Apply(op, (whole, left), BOOL, expr.span)


def _of(whole: Expr, item: Type) -> Type:
    plain = strip(whole.type)
    return ListType(item, plain.max) if isinstance(plain, ListType) else SetType(item)


def _in_range(x: Expressions, expr: s.Binary, call: s.Call, env: Env) -> Expr:
    """`k in range(a, b)` is `a <= k && k < b`."""
    value = x.expect(expr.left, env, INT, "what is looked for in a range")
    ends = range_ends(x, call, env)
    if ends is None or is_broken(value):
        return broken(expr.span)
    low = Apply(Op.LE, (ends[0], value), BOOL, expr.span)
    high = Apply(Op.LT, (value, ends[1]), BOOL, expr.span)
    return Apply(Op.AND, (low, high), BOOL, expr.span)


def range_ends(x: Expressions, call: s.Call, env: Env) -> tuple[Expr, Expr] | None:
    """`range(a, b)`; None, and an error, where it is not that."""
    if len(call.arguments) != 2 or any(each.name for each in call.arguments):
        x.findings.error(
            "wrong-arguments",
            "`range` takes two numbers: from the first up to, not including, the second",
            call.span,
            help=f"write `range(0, {call.arguments[0].value.span.one_line})`"
            if len(call.arguments) == 1
            else None,
        )
        return None
    ends = [x.expect(each.value, env, INT, "an end of a range") for each in call.arguments]
    return None if is_broken(*ends) else (ends[0], ends[1])


# ---- arithmetic ----------------------------------------------------------------------------------


def _numbers(left: Expr, right: Expr) -> tuple[Expr, Expr] | None:
    """Two numbers of one type, or None where one is no number."""
    one, other = strip(left.type), strip(right.type)
    if isinstance(one, IntType) and isinstance(other, IntType):
        return left, right
    if is_number(one) and is_number(other):
        return (
            to_decimal(left) if isinstance(one, IntType) else left,
            to_decimal(right) if isinstance(other, IntType) else right,
        )
    return None


def _add(x: Expressions, expr: s.Binary, env: Env, wish: Type | None) -> Expr:
    left = x.natural(expr.left, env, wish)
    plain = strip(left.type)
    if isinstance(plain, SetType | ListType) and not is_broken(left):
        return _grow(x, expr, left, plain, env)
    right = x.natural(expr.right, env)
    if is_broken(left, right):
        return broken(expr.span)
    pair = _numbers(left, right)
    if pair is not None:
        return Apply(Op.ADD, pair, strip(pair[0].type), expr.span)
    other = strip(right.type)
    if isinstance(plain, TextType) and isinstance(other, TextType):
        return Apply(Op.CONCAT, (left, right), TextType(plain.max + other.max), expr.span)
    if isinstance(plain, DateType | TimeType) and isinstance(other, IntType):
        return Apply(Op.ADD, (left, right), plain, expr.span)
    return _no_operation(
        x, expr, left, right, "`+` adds numbers, texts, days to a date, seconds to a time, and "
        "items to a list or set"
    )


def _grow(
    x: Expressions, expr: s.Binary, left: Expr, plain: SetType | ListType, env: Env
) -> Expr:
    """`xs + [a, b]` and `s + {a, b}`, item by item."""
    written = expr.right
    if isinstance(plain, ListType) and isinstance(written, s.ListExpr):
        wish: Type = ListType(plain.item, len(written.items))
        op = Op.LIST_APPEND
    elif isinstance(plain, SetType) and isinstance(written, s.SetExpr):
        wish = plain
        op = Op.SET_ADD
    else:
        right = x.natural(written, env, plain)
        if is_broken(right):
            return right
        form = "xs + [a, b]" if isinstance(plain, ListType) else "s + {a, b}"
        return _no_operation(
            x, expr, left, right, f"items are added one by one: `{form}`; use a loop for more"
        )
    right = x.natural(written, env, wish)
    if is_broken(right):
        return right
    shaped = coerce(right, wish)
    if shaped is None and is_known(plain):
        return x.wrong(right, written, f"what is added to `{show(plain)}`", f"`{show(wish)}`")
    items = shaped if shaped is not None and is_known(plain) else right
    if not isinstance(items, Make):
        return broken(expr.span)
    if not items.items:
        return left
    if not is_known(plain):
        # `[] + [a]`: the right side says of what the left one is empty.
        known = coerce(left, items.type)
        if known is None:
            return broken(expr.span)
        left, plain = known, _collection(strip(known.type))
    whole = left
    for item in items.items:
        have = _collection(strip(whole.type))
        joined = join(have.item, item.type)
        if joined is None:
            return x.wrong(right, written, f"what is added to `{show(plain)}`", f"`{show(wish)}`")
        type: Type = (
            ListType(joined, have.max + 1) if isinstance(have, ListType) else SetType(joined)
        )
        whole = Apply(op, (whole, item), type, expr.span)
    return whole


def _collection(type: Type) -> SetType | ListType:
    if isinstance(type, SetType | ListType):
        return type
    raise TypeError(f"{show(type)} is neither a list nor a set")


def _subtract(x: Expressions, expr: s.Binary, env: Env) -> Expr:
    left = x.natural(expr.left, env)
    plain = strip(left.type)
    if isinstance(plain, SetType | MapType) and not is_broken(left):
        return _shrink(x, expr, left, plain, env)
    right = x.natural(expr.right, env)
    if is_broken(left, right):
        return broken(expr.span)
    pair = _numbers(left, right)
    if pair is not None:
        return Apply(Op.SUB, pair, strip(pair[0].type), expr.span)
    other = strip(right.type)
    if isinstance(plain, DateType | TimeType):
        if plain == other:
            return Apply(Op.SUB, (left, right), INT, expr.span)
        if isinstance(other, IntType):
            return Apply(Op.SUB, (left, right), plain, expr.span)
    return _no_operation(
        x, expr, left, right, "`-` takes numbers from numbers, a date or days from a date, a time "
        "or seconds from a time, and `{k}` from a set or map"
    )


def _shrink(x: Expressions, expr: s.Binary, left: Expr, plain: SetType | MapType, env: Env) -> Expr:
    """`s - {a, b}` and `m - {k}`, item by item."""
    item = plain.item if isinstance(plain, SetType) else plain.key
    right = x.natural(expr.right, env, SetType(item))
    if is_broken(right):
        return right
    shaped = coerce(right, SetType(item)) if isinstance(expr.right, s.SetExpr) else None
    if not isinstance(shaped, Make):
        return _no_operation(
            x, expr, left, right, "items and keys are removed one by one: `m - {a, b}`"
        )
    op = Op.SET_REMOVE if isinstance(plain, SetType) else Op.MAP_REMOVE
    whole = left
    for each in shaped.items:
        whole = Apply(op, (whole, each), plain, expr.span)
    return whole


def _multiply(x: Expressions, expr: s.Binary, env: Env) -> Expr:
    left, right = x.natural(expr.left, env), x.natural(expr.right, env)
    if is_broken(left, right):
        return broken(expr.span)
    pair = _numbers(left, right)
    if pair is None:
        return _no_operation(x, expr, left, right, "`*` multiplies numbers")
    if free_names(left) and free_names(right):
        x.findings.warn(
            "nonlinear",
            "a product of two variables is hard to reason about",
            expr.span,
            "neither factor is constant",
            help="bound one factor to a small range, or say what you need of the product",
        )
    return Apply(Op.MUL, pair, strip(pair[0].type), expr.span)


def _divide(x: Expressions, expr: s.Binary, env: Env) -> Expr:
    left, right = x.natural(expr.left, env), x.natural(expr.right, env)
    if is_broken(left, right):
        return broken(expr.span)
    pair = _numbers(left, right)
    if pair is None:
        return _no_operation(x, expr, left, right, "`/` divides numbers")
    whole = isinstance(strip(pair[0].type), IntType)
    return Apply(Op.DIV if whole else Op.QUOTIENT, pair, INT if whole else DECIMAL, expr.span)


def _remainder(x: Expressions, expr: s.Binary, env: Env) -> Expr:
    left, right = x.natural(expr.left, env), x.natural(expr.right, env)
    if is_broken(left, right):
        return broken(expr.span)
    if not isinstance(strip(left.type), IntType) or not isinstance(strip(right.type), IntType):
        return _no_operation(x, expr, left, right, "`%` is the remainder of two Int")
    return Apply(Op.MOD, (left, right), INT, expr.span)


def _no_operation(
    x: Expressions, expr: s.Binary, left: Expr, right: Expr, reason: str
) -> Expr:
    sign = expr.op.value
    x.findings.error(
        "no-such-operation",
        f"`{sign}` does not go with `{show(left.type)}` and `{show(right.type)}`",
        expr.span,
        "",
        Label(expr.left.span, f"this is `{show(left.type)}`"),
        Label(expr.right.span, f"this is `{show(right.type)}`"),
        notes=(reason,),
        help=_operation_help(expr, strip(left.type), strip(right.type)),
    )
    return broken(expr.span)


def _operation_help(expr: s.Binary, left: Type, right: Type) -> str | None:
    one, other = expr.left.span.one_line, expr.right.span.one_line
    if expr.op is s.BinaryOp.ADD:
        if isinstance(left, TextType):
            return f"say `{one} + text({other})`"
        if isinstance(right, TextType):
            return f"say `text({one}) + {other}`"
        if isinstance(right, DateType | TimeType):
            return f"say `{other} + {one}`"
        if isinstance(left, ListType):
            return f"say `{one} + [{other}]`" if join(left.item, right) is not None else None
        if isinstance(left, SetType):
            return f"say `{one} + {{{other}}}`" if join(left.item, right) is not None else None
    if expr.op is s.BinaryOp.SUB and isinstance(left, SetType | MapType):
        return f"say `{one} - {{{other}}}`"
    if isinstance(left, OptionType) or isinstance(right, OptionType):
        return "take the `.value` of the option where `is_some` is known"
    return None
