"""The program under construction: statements, tags, sites, the store, assumptions, findings.

One `Builder` is one program.  Everything is appended in program order, so tags are numbered in
that order; a nested statement is built by `nested`, which collects what a function emits.
"""

from __future__ import annotations

from collections.abc import Callable

from planproof.spec import typed
from planproof.spec.core import (
    Assert,
    Assign,
    Assume,
    Assumption,
    BudgetLine,
    Expr,
    Havoc,
    If,
    Kind,
    Loop,
    Mark,
    Program,
    Reached,
    Ref,
    Role,
    Seq,
    Skip,
    Statement,
    Tag,
    Try,
    Variable,
)
from planproof.spec.diagnostic import Diagnostic
from planproof.spec.limits import Limits
from planproof.spec.lower.obligations import Obligations, Owed
from planproof.spec.lower.terms import mentions
from planproof.spec.source import Span
from planproof.spec.types import Type


class TooLarge(Exception):
    """The program is beyond a limit; the diagnostic says which."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.headline)
        self.diagnostic = diagnostic


class Builder:
    """See the module's header."""

    def __init__(self, world: typed.World, limits: Limits) -> None:
        self.world = world
        self.domain = world.domain
        self.limits = limits
        self.obligations = Obligations(
            {
                **{n: f for policy in world.policies for n, f in policy.functions.items()},
                **world.domain.functions,
            },
            self.fresh,
        )
        self.items: list[Statement] = []
        self.tags: list[Tag] = []
        self.store: dict[str, Variable] = {}
        self.assumptions: dict[Assumption, None] = {}
        self.diagnostics: list[Diagnostic] = []
        self.incomplete = False  # part of the text could not be lowered: there is no program
        self._reported: set[tuple[str, int, int]] = set()
        self._shared: set[str] = set()
        self._sites = 0
        self._bound = 0

    # ---- names, numbers ----

    def fresh(self, name: str) -> str:
        """A name for a bound variable that nothing else has; `~` can't stand in any other name."""
        self._bound += 1
        return f"{name.partition('~')[0]}~{self._bound}"

    def site(self) -> int:
        self._sites += 1
        return self._sites - 1

    def declare(self, name: str, type: Type, shown: str | None = None) -> Ref:
        """The variable `name` of the store."""
        known = self.store.get(name)
        if known is None:
            self.store[name] = Variable(name, shown or name, type)
        elif known.type != type:
            raise TypeError(f"{name} has two types")
        return Ref(name, type)

    def tag(self, kind: Kind, name: str, at: Span, clause: Span) -> Tag:
        tag = Tag(len(self.tags), kind, name, at, clause)
        self.tags.append(tag)
        return tag

    # ---- statements ----

    def emit(self, statement: Statement) -> None:
        self.items.append(statement)

    def nested(self, fill: Callable[[], None]) -> Statement:
        """One statement that does what `fill` emits."""
        outer, self.items = self.items, []
        try:
            fill()
            return seq(self.items)
        finally:
            self.items = outer

    def mark(self, mark: Mark) -> None:
        self.emit(Skip(mark))

    def reached(self, what: str, at: Span) -> None:
        self.mark(Reached(what, at, self.tag(Kind.WITNESS, what, at, at)))

    def owe(self, condition: Expr, kind: Kind, name: str, at: Span, clause: Span) -> None:
        self.emit(Assert(condition, self.tag(kind, name, at, clause)))

    def owe_all(self, owed: list[Owed], at: Span) -> None:
        for each in owed:
            self.owe(each.condition(self.fresh), each.kind, each.name, at, each.span)

    def evaluated(self, expr: Expr, at: Span) -> None:
        """Asserts what evaluating `expr` here owes."""
        self.owe_all(self.obligations.owed(expr), at)

    def assign(self, target: Ref, value: Expr, at: Span) -> None:
        """Evaluates `value` into `target`, whose type it must have."""
        owed = self.obligations.owed(value)
        owed += self.obligations.entering(value, target.type, value.span)
        self.owe_all(owed, at)
        self.emit(Assign(target.name, value, at))

    def assume(self, condition: Expr, kind: str, clause: Span) -> None:
        self.emit(Assume(condition, kind, clause))

    def havoc(self, target: Ref, role: Role, shown: str, span: Span) -> None:
        self.emit(Havoc(target.name, target.type, role, self.site(), shown, span))

    # ---- findings ----

    def believe(self, kind: str, of: str, says: str, checked_at_run: bool) -> None:
        self.assumptions[Assumption(kind, of, says, checked_at_run)] = None

    def not_yet(self, what: str, span: Span, note: str, fatal: bool) -> None:
        """Reports a construct that is checked but not verified; once for each place in the text."""
        key = (span.source.name, span.start, span.end)
        self.incomplete = self.incomplete or fatal
        if key in self._reported:
            return
        self._reported.add(key)
        self.diagnostics.append(
            Diagnostic(
                "not-yet-verified",
                f"{what} not verified yet, so this plan can't be proved",
                span,
                notes=(note,),
            )
        )

    def admit(self, expr: Expr) -> None:
        """Reports what `expr` contains that has no meaning in the core, or not yet."""
        found = mentions(expr)
        for each in found.unsupported:
            self.not_yet(f"`{each.what}` is", each.span, "it has no meaning in the core yet", True)
        for name, ref in found.free.items():
            state = self.domain.states.get(name)
            if state is not None and state.shared and name not in self._shared:
                self._shared.add(name)
                span = ref.span if ref.span.text else expr.span
                self.not_yet(
                    f"shared state `{name}` is",
                    span,
                    f"`{name}` has other writers and may change at every step",
                    True,
                )

    # ---- the end ----

    def program(
        self,
        name: str,
        parameters: tuple[Variable, ...],
        state: tuple[Variable, ...],
        resources: tuple[BudgetLine, ...],
    ) -> Program:
        body = seq(self.items)
        return Program(
            name,
            body,
            parameters,
            state,
            resources,
            tuple(self.tags),
            tuple(self.assumptions),
            steps(body),
            tuple(self.store.values()),
        )


def seq(items: list[Statement]) -> Statement:
    """The statements one after the other, flat where they are sequences themselves."""
    flat: list[Statement] = []
    for each in items:
        if isinstance(each, Seq):
            flat += each.items
        else:
            flat.append(each)
    if len(flat) == 1:
        return flat[0]
    return Seq(tuple(flat)) if flat else Skip()


def steps(statement: Statement) -> int:
    """At most how many steps a run of `statement` takes, counted as the interpreter counts."""
    match statement:
        case Skip():
            return 0
        case Seq(items):
            return sum(map(steps, items))
        case If(_, then, otherwise):
            return 1 + max(steps(then), steps(otherwise))
        case Loop():
            return 1 + statement.bound * (1 + steps(statement.body))
        case Try(_, body, handler):
            return steps(body) + steps(handler)
        case _:
            return 1
