"""Loops.

Each becomes one `core.Loop`; one with a `break` stands inside `try(break)`.

    for i, x in xs           xs is evaluated once; counter i; guard i < len(xs); variant len(xs) - i
    for i in range(a, b)     a, b are evaluated once; guard a + n < b; variant b - a - n;
                             i is a + n, in the body (assigned) and in invariants (written out)
    while e decreases v      the variant is the author's, and so are its three obligations
    repeat N                 guard n < N; variant N - n

An invariant that is not defined everywhere owes that at the head, under the invariants before it:
it is preceded by its definedness as an invariant of its own.  The condition of a `while` and its
variant are evaluated at the head too, and owe the same after all invariants.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from planproof.spec import typed
from planproof.spec.core import (
    Apply,
    Assign,
    Exit,
    Expr,
    Invariant,
    Kind,
    Literal,
    Loop,
    Make,
    Op,
    Raise,
    Ref,
    Skip,
    Tag,
    Try,
    number,
)
from planproof.spec.lower.terms import substitute
from planproof.spec.source import Span
from planproof.spec.types import BOOL, INT, ListType, SetType, strip

if TYPE_CHECKING:
    from planproof.spec.lower.plan import Activation, PlanLowering


class Loops:
    """Lowers loops for a `PlanLowering`."""

    def __init__(self, plans: PlanLowering) -> None:
        self.plans = plans
        self.b = plans.b
        self.breaks = False  # whether the loop being lowered has a `break` of its own

    def for_in(self, act: Activation, loop: typed.ForIn) -> None:
        b = self.b
        collection = self.plans.code(act, (loop.collection,), loop.span)[0]
        if isinstance(collection, Make) and isinstance(strip(collection.type), SetType):
            collection = _as_list(collection)
        items = b.declare(f"{act.prefix}items:{b.site()}", collection.type)
        b.assign(items, collection, loop.span)
        count = self.plans.local(act, loop.index)
        length = Apply(Op.LIST_LEN, (items,), INT, loop.collection.span)
        variable = self.plans.local(act, loop.variable)
        plain = strip(items.type)
        item_type = plain.item if isinstance(plain, ListType) else variable.type
        item = Apply(Op.LIST_GET, (items, count), item_type, loop.variable.span)

        def head() -> None:
            # Defined: the guard says count < len, and the counter is never negative.
            for each in b.obligations.entering(item, variable.type, loop.variable.span):
                b.owe_all([each], loop.variable.span)
            b.emit(Assign(variable.name, item, loop.variable.span))

        self._loop(
            act,
            guard=Apply(Op.LT, (count, length), BOOL, loop.collection.span),
            variant=Apply(Op.SUB, (length, count), INT, loop.collection.span),
            bound=loop.bound,
            count=count,
            invariants=[(self.plans.spec(act, c.condition), c.span) for c in loop.invariants],
            head=head,
            body=loop.body,
            span=loop.span,
        )

    def for_range(self, act: Activation, loop: typed.ForRange) -> None:
        b, span = self.b, loop.span
        ends = self.plans.code(act, (loop.low, loop.high), span)
        site = b.site()
        low: Expr = ends[0]
        if not isinstance(low, Literal):
            low = b.declare(f"{act.prefix}low:{site}", INT)
            b.assign(low, ends[0], span)
        high: Expr = ends[1]
        if not isinstance(high, Literal):
            high = b.declare(f"{act.prefix}high:{site}", INT)
            b.assign(high, ends[1], span)
        distance = _minus(high, low, span)
        if loop.bound_given:
            within = Apply(Op.LE, (distance, number(loop.bound)), BOOL, span)
            b.owe(within, Kind.TERMINATION, f"at most {loop.bound}", span, span)
        count = b.declare(f"{act.prefix}count:{site}", INT)
        variable = self.plans.local(act, loop.variable)
        current = _plus(low, count, loop.variable.span)

        def here(clause: typed.Clause) -> tuple[Expr, Span]:
            condition = self.plans.spec(act, clause.condition)
            renamed = substitute(
                condition, lambda ref: current if ref.name == variable.name else ref, b.fresh
            )
            return renamed, clause.span

        self._loop(
            act,
            guard=Apply(Op.LT, (current, high), BOOL, span),
            variant=_minus(distance, count, span),
            bound=loop.bound,
            count=count,
            invariants=[here(each) for each in loop.invariants],
            head=lambda: b.assign(variable, current, loop.variable.span),
            body=loop.body,
            span=span,
        )

    def while_(self, act: Activation, loop: typed.While) -> None:
        b = self.b
        guard = self.plans.spec(act, loop.test)
        self.plans.refuse_state(guard, loop.span)
        variant = self.plans.spec(act, loop.variant.condition)
        at = loop.variant.span
        count = b.declare(f"{act.prefix}count:{b.site()}", INT)
        self._loop(
            act,
            guard=guard,
            variant=variant,
            bound=loop.bound,
            count=count,
            invariants=[(self.plans.spec(act, c.condition), c.span) for c in loop.invariants],
            head=lambda: None,
            body=loop.body,
            span=loop.span,
            tags=(
                lambda: b.tag(Kind.TERMINATION, f"at most {loop.bound}", loop.span, at),
                lambda: b.tag(Kind.TERMINATION, "positive", loop.span, at),
                lambda: b.tag(Kind.TERMINATION, "decreases", loop.span, at),
            ),
        )

    def repeat(self, act: Activation, loop: typed.Repeat) -> None:
        count = self.b.declare(f"{act.prefix}count:{self.b.site()}", INT)
        bound = number(loop.bound)
        self._loop(
            act,
            guard=Apply(Op.LT, (count, bound), BOOL, loop.span),
            variant=_minus(bound, count, loop.span),
            bound=loop.bound,
            count=count,
            invariants=[(self.plans.spec(act, c.condition), c.span) for c in loop.invariants],
            head=lambda: None,
            body=loop.body,
            span=loop.span,
        )

    def break_(self) -> None:
        self.breaks = True
        self.b.emit(Raise(Exit.BREAK))

    def _loop(
        self,
        act: Activation,
        *,
        guard: Expr,
        variant: Expr,
        bound: int,
        count: Ref,
        invariants: list[tuple[Expr, Span]],
        head: Callable[[], None],
        body: typed.Block,
        span: Span,
        tags: tuple[Callable[[], Tag], Callable[[], Tag], Callable[[], Tag]] | None = None,
    ) -> None:
        b = self.b
        site = b.site()
        held: list[Invariant] = []
        for place, (condition, clause) in enumerate(invariants, 1):
            held += self._defined(condition, span)
            entry = b.tag(Kind.LOOP_ENTRY, f"invariant#{place}", span, clause)
            step = b.tag(Kind.LOOP_STEP, f"invariant#{place}", span, clause)
            held.append(Invariant(condition, entry, step))
        fits = positive = decreases = None
        if tags is not None:
            held += self._defined(guard, span)
            held += self._defined(variant, span)
            fits, positive, decreases = (each() for each in tags)
        around, self.breaks = self.breaks, False

        def inside() -> None:
            b.reached("body", body.span)
            head()
            b.emit(self.plans.block(act, body))

        iteration = b.nested(inside)
        loop = Loop(
            guard,
            iteration,
            tuple(held),
            variant,
            bound,
            fits,
            positive,
            decreases,
            count.name,
            site,
            span,
        )
        b.emit(Try(Exit.BREAK, loop, Skip()) if self.breaks else loop)
        self.breaks = around

    def _defined(self, expr: Expr, at: Span) -> list[Invariant]:
        """What evaluating `expr` at the head owes."""
        b = self.b
        return [
            Invariant(
                each.condition(b.fresh),
                b.tag(each.kind, each.name, at, each.span),
                b.tag(each.kind, each.name, at, each.span),
            )
            for each in b.obligations.owed(expr)
        ]


def _as_list(items: Make) -> Make:
    plain = strip(items.type)
    if not isinstance(plain, SetType):
        raise TypeError("only the items of a set become a list")
    return Make(items.items, ListType(plain.item, len(items.items)), items.span)


def _is_zero(expr: Expr) -> bool:
    return isinstance(expr, Literal) and expr.value == 0


def _plus(left: Expr, right: Expr, span: Span) -> Expr:
    return right if _is_zero(left) else Apply(Op.ADD, (left, right), INT, span)


def _minus(left: Expr, right: Expr, span: Span) -> Expr:
    return left if _is_zero(right) else Apply(Op.SUB, (left, right), INT, span)
