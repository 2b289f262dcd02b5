"""Plans to core programs.

A program is closed: it begins by giving the plan's parameters and the world's state any value of
their types, takes the domain's `initially`, the policies' invariants and the plan's `requires` for
granted, and then is the plan's body:

    try abort {
      try fail {
        try return { body } {}
        assert ensures
        mark: the end                            else  mark: a call failed outside `try`
      }
    }

A plan that is called is written out where it is called: its parameters and locals become variables
`callee.x` (the call graph has no cycle, so no activation is ever inside another of the same plan),
its requires and ensures are owed there and known afterwards, its budgets count from its own start.

A statement that reads observed state in its code is preceded by a call of the observer, one for
each state it reads, in the order in which they are read.  The executor does the same.

`for x in {a, b}` goes through the items as they are written, also where two of them are equal.

Names in the store: `x` (a local of the plan), `s` (state), `s@start` (its value at the start),
`#r` (what was charged), `t.p`, `t:result` (of a tool), `callee.x`, `callee:old s` (of a plan).
"""

from __future__ import annotations

from typing import assert_never

from planproof.spec import typed
from planproof.spec.core import (
    Apply,
    Assert,
    Assign,
    BudgetLine,
    Ended,
    Exit,
    Expr,
    FieldOf,
    If,
    Kind,
    Op,
    Program,
    Raise,
    Ref,
    Role,
    Seq,
    Skip,
    Statement,
    Try,
)
from planproof.spec.diagnostic import Diagnostic
from planproof.spec.limits import DEFAULT, Limits
from planproof.spec.lower.builder import Builder, TooLarge, seq
from planproof.spec.lower.calls import (
    Calls,
    Frame,
    Limit,
    Watched,
    as_type,
    counter,
    observed,
    zero,
)
from planproof.spec.lower.loops import Loops
from planproof.spec.lower.terms import INITIALLY, OLD, equation, mentions, substitute
from planproof.spec.source import Span
from planproof.spec.types import BOOL, TupleType, strip

FAILED_OUTSIDE_TRY = "a call failed outside `try`"


def lower_plan(
    plans: typed.PlanSet, name: str, world: typed.World, limits: Limits = DEFAULT
) -> tuple[Program | None, tuple[Diagnostic, ...]]:
    """The plan called `name` as a program, and what of it can't be verified yet.

    With a diagnostic the verdict is at best `unknown`, also where there is a program: then that is
    the part of the plan's obligations which can be stated.  None where the rest would not mean
    what was written, or is beyond a limit.
    """
    b = Builder(world, limits)
    lowering = PlanLowering(b, plans)
    try:
        program = lowering.main(plans.plans[name])
    except TooLarge as reason:
        return None, (*b.diagnostics, reason.diagnostic)
    return (None if b.incomplete else program), tuple(b.diagnostics)


class Activation:
    """A plan being written out: where its names go."""

    def __init__(self, plan: typed.Plan, prefix: str) -> None:
        self.plan = plan
        self.prefix = prefix  # empty for the plan that the program is

    @property
    def is_main(self) -> bool:
        return not self.prefix

    def local(self, ref: Ref) -> Ref:
        return Ref(self.prefix + ref.name, ref.type, ref.span) if self.prefix else ref

    def special(self, name: str) -> str:
        return name if self.is_main else f"{self.plan.name}:{name}"


class PlanLowering:
    """Lowers one plan, and those it calls, into a builder."""

    def __init__(self, b: Builder, plans: typed.PlanSet) -> None:
        self.b = b
        self.plans = plans
        self.calls = Calls(b)
        self.loops = Loops(self)
        self.statements = 0
        self.depth = 0
        self._starts: dict[str, None] = {}  # states whose value at the start somebody asks for
        self._olds: dict[str, dict[str, None]] = {}  # the same for each plan that is called

    # ---- the program ----

    def main(self, plan: typed.Plan) -> Program:
        b, domain = self.b, self.b.domain
        act = Activation(plan, "")
        self._unverified_features(plan)
        parameters = []
        for parameter in plan.parameters:
            own = b.declare(parameter.name, parameter.type)
            b.havoc(own, Role.INPUT, parameter.name, parameter.span)
            parameters.append(b.store[own.name])
        states = []
        for state in domain.states.values():
            ref = b.declare(state.name, state.type)
            b.havoc(ref, Role.INITIAL, state.name, state.span)
            states.append(b.store[ref.name])
        snapshots_at = len(b.items)
        for resource in domain.resources.values():
            spent = b.declare(counter(resource.name), resource.type)
            b.emit(Assign(spent.name, zero(resource.type)))
        self._start(act)
        budgets = self._budgets(act)
        self._frame(act)
        b.emit(Try(Exit.ABORT, b.nested(lambda: self._run(act)), Skip()))
        snapshots: list[Statement] = []
        for name in self._starts:
            start = b.declare(f"{name}@start", domain.states[name].type)
            snapshots.append(Assign(start.name, Ref(name, start.type)))
        b.items[snapshots_at:snapshots_at] = snapshots
        self._believe_about_state()
        return b.program(plan.name, tuple(parameters), tuple(states), budgets)

    def _start(self, act: Activation) -> None:
        """What is taken for granted when the plan starts."""
        b, domain = self.b, self.b.domain
        for clause in domain.initially:
            condition = self.spec(act, clause.condition)
            b.assume(condition, "initially", clause.span)
            b.believe(
                "initially", domain.name, clause.span.one_line, observed(domain, clause.condition)
            )
        for policy in b.world.policies:
            for invariant in policy.invariants:
                clause = invariant.clause
                condition = self.spec(act, clause.condition)
                found = mentions(condition)
                speaks = frozenset(found.free.keys() & domain.states.keys())
                self.calls.invariants.append(
                    Watched(invariant.name, condition, speaks, found.binds, clause.span)
                )
                b.assume(condition, "policy", clause.span)
                b.believe(
                    "invariant-at-start",
                    invariant.name,
                    clause.span.one_line,
                    observed(domain, clause.condition),
                )
        for clause in act.plan.requires:
            condition = self.spec(act, clause.condition)
            b.evaluated(condition, clause.span)
            b.assume(condition, "requires", clause.span)
            if mentions(condition).free.keys() & domain.states.keys():
                b.believe(
                    "requires-at-start",
                    act.plan.name,
                    clause.span.one_line,
                    observed(domain, clause.condition),
                )

    def _budgets(self, act: Activation) -> tuple[BudgetLine, ...]:
        """Puts the policies' and the plan's budgets in force."""
        b = self.b
        for policy in b.world.policies:
            for budget in policy.budgets:
                self._limit(act, budget, None)
        for budget in act.plan.budgets:
            self._limit(act, budget, None)
        return tuple(
            BudgetLine(
                each.name,
                counter(each.name),
                each.type,
                tuple(limit.limit for limit in self.calls.limits if limit.resource == each.name),
            )
            for each in b.domain.resources.values()
        )

    def _limit(self, act: Activation, budget: typed.Budget, since: Ref | None) -> None:
        """Puts one budget in force; `since` holds what had been spent before it counts."""
        b = self.b
        type = b.domain.resources[budget.resource].type
        limit = self.spec(act, budget.limit)
        b.evaluated(limit, budget.span)
        found = mentions(limit)
        if found.binds or found.free.keys() & b.domain.states.keys():
            # A budget is a number: the one that its expression is at the plan's start.
            name = act.special(f"budget {budget.resource} {len(self.calls.limits)}")
            fixed = b.declare(name, limit.type)
            b.emit(Assign(fixed.name, limit, budget.span))
            limit = fixed
        spent: Expr = Ref(counter(budget.resource), type)
        if since is not None:
            spent = Apply(Op.SUB, (spent, since), type, budget.span)
        limit = as_type(limit, type)
        within = Apply(Op.LE, (spent, limit), BOOL, budget.span)
        self.calls.limits.append(Limit(budget.resource, limit, within, budget.span))

    def _frame(self, act: Activation) -> None:
        """Puts the plan's own `modifies` in force, its keys evaluated now."""
        plan, b = act.plan, self.b
        if plan.modifies is None:
            return
        places: list[typed.Place] = []
        for place in plan.modifies:
            steps: list[typed.PlaceKey | typed.PlaceField] = []
            for step in place.steps:
                if isinstance(step, typed.PlaceKey):
                    key = self.spec(act, step.key)
                    name = act.special(f"modifies {len(places)} {len(steps)}")
                    fixed = b.declare(name, key.type)
                    b.assign(fixed, key, place.span)
                    step = typed.PlaceKey(fixed)
                steps.append(step)
            places.append(
                typed.Place(place.state, tuple(steps), place.whole, place.type, place.span)
            )
        clause = plan.modifies[0].span if plan.modifies else plan.span
        self.calls.frames.append(Frame(tuple(places), clause))

    def _run(self, act: Activation) -> None:
        b, plan = self.b, act.plan

        def normally() -> None:
            self._body(act)
            self._ensures(act, plan.span)
            b.reached("end", plan.span)
            b.mark(Ended(False, "", None if plan.result is None else "result"))

        failed = Skip(Ended(True, FAILED_OUTSIDE_TRY, None))
        b.emit(Try(Exit.FAIL, b.nested(normally), failed))

    def _body(self, act: Activation) -> None:
        """The statements of the plan, up to their normal end or `return`."""
        b, plan = self.b, act.plan
        if plan.result is not None:
            b.declare(act.special("result"), plan.result)
        b.emit(Try(Exit.RETURN, self.block(act, plan.body), Skip()))

    def _ensures(self, act: Activation, at: Span) -> None:
        b, plan = self.b, act.plan
        for place, clause in enumerate(plan.ensures, 1):
            condition = self.spec(act, clause.condition)
            where = clause.span if act.is_main else at
            b.evaluated(condition, where)
            b.owe(condition, Kind.ENSURES, f"{plan.name}#{place}", where, clause.span)

    # ---- statements ----

    def block(self, act: Activation, block: typed.Block, reached: str | None = None) -> Statement:
        """The block as one statement; `reached` names the branch that it is."""
        self.depth += 1
        if self.depth > self.b.limits.nesting_depth_max:
            raise TooLarge(
                Diagnostic(
                    "nested-too-deeply",
                    f"`{act.plan.name}` is nested more than "
                    f"{self.b.limits.nesting_depth_max} levels deep, "
                    "the plans it calls written out",
                    block.span,
                )
            )

        def fill() -> None:
            if reached is not None:
                self.b.reached(reached, block.span)
            for each in block.statements:
                self.statement(act, each)

        try:
            return self.b.nested(fill)
        finally:
            self.depth -= 1

    def statement(self, act: Activation, statement: typed.Statement) -> None:
        b = self.b
        self._count(statement)
        match statement:
            case typed.Bind(target, value, span):
                own = self.local(act, target)
                b.assign(own, self.code(act, (value,), span)[0], span)
            case typed.BindTuple(targets, value, span):
                whole = self.code(act, (value,), span)[0]
                kept = b.declare(f"{act.prefix}tuple:{b.site()}", whole.type)
                b.assign(kept, whole, span)
                self._take_apart(act, targets, kept, span)
            case typed.CallTool(tool, arguments, targets, destructure, span, call_span):
                values = self.code(act, arguments, call_span)
                result = self.calls.call(tool, values, call_span)
                self._targets(act, targets, destructure, result, span)
            case typed.CallPlan(plan, arguments, targets, destructure, span, call_span):
                values = self.code(act, arguments, call_span)
                result = self._inline(self.plans.plans[plan], values, call_span)
                self._targets(act, targets, destructure, result, span)
            case typed.If(test, then, otherwise, span):
                condition = self.code(act, (test,), span)[0]
                b.evaluated(condition, span)
                chosen = self.block(act, then, "then")
                rejected: Statement = Skip()
                if otherwise is not None:
                    # In `else if` the branches of the inner `if` are the ones to be reached.
                    inner = otherwise.statements
                    chained = len(inner) == 1 and isinstance(inner[0], typed.If)
                    rejected = self.block(act, otherwise, None if chained else "else")
                b.emit(If(condition, chosen, rejected, span))
            case typed.ForIn():
                self.loops.for_in(act, statement)
            case typed.ForRange():
                self.loops.for_range(act, statement)
            case typed.While():
                self.loops.while_(act, statement)
            case typed.Repeat():
                self.loops.repeat(act, statement)
            case typed.Break():
                self.loops.break_()
            case typed.Check(condition, message, span):
                tested = self.code(act, (condition,), span)[0]
                b.evaluated(tested, span)
                b.emit(If(tested, Skip(), _abort(message), span))
            case typed.Assert(clause, span):
                claim = self.spec(act, clause.condition)
                b.evaluated(claim, span)
                b.emit(Assert(claim, b.tag(Kind.ASSERT, "assert", span, clause.span)))
            case typed.Try(body, otherwise, span):
                tried = self.block(act, body)
                b.emit(Try(Exit.FAIL, tried, self.block(act, otherwise, "handler")))
            case typed.Parallel(_, span):
                b.not_yet(
                    "`parallel` is", span, "its branches would have to be proved disjoint", True
                )
            case typed.Return(value, span):
                if value is not None and act.plan.result is not None:
                    own = b.declare(act.special("result"), act.plan.result)
                    b.assign(own, self.code(act, (value,), span)[0], span)
                b.emit(Raise(Exit.RETURN))
            case typed.Abort(message):
                b.emit(_abort(message))
            case _:
                assert_never(statement)

    def _count(self, statement: typed.Statement) -> None:
        self.statements += 1
        if self.statements > self.b.limits.inlined_statements_max:
            raise TooLarge(
                Diagnostic(
                    "plan-too-large",
                    f"the plan has more than {self.b.limits.inlined_statements_max} statements "
                    "when the plans it calls are written out",
                    statement.span,
                )
            )

    def _targets(
        self,
        act: Activation,
        targets: tuple[Ref, ...],
        destructure: bool,
        result: Ref | None,
        span: Span,
    ) -> None:
        if not targets:
            return
        if result is None:
            raise TypeError("what returns nothing can't be bound")
        if destructure:
            self._take_apart(act, targets, result, span)
        else:
            self.b.assign(self.local(act, targets[0]), result, span)

    def _take_apart(self, act: Activation, targets: tuple[Ref, ...], whole: Ref, at: Span) -> None:
        parts = strip(whole.type)
        if not isinstance(parts, TupleType):
            raise TypeError("only a tuple can be taken apart")
        for index, (target, type) in enumerate(zip(targets, parts.items, strict=True)):
            part = FieldOf(whole, str(index), type, at)
            self.b.assign(self.local(act, target), part, at)

    # ---- plans that are called ----

    def _inline(self, plan: typed.Plan, arguments: tuple[Expr, ...], at: Span) -> Ref | None:
        """Writes the plan out; the variable that then holds its result."""
        b = self.b
        act = Activation(plan, f"{plan.name}.")
        limits, frames = len(self.calls.limits), len(self.calls.frames)
        self.depth += 1
        for parameter, value in zip(plan.parameters, arguments, strict=True):
            own = b.declare(act.prefix + parameter.name, parameter.type)
            b.assign(own, value, at)
        body = b.nested(lambda: self._activation(act, at))
        for state in self._olds.get(plan.name, {}):
            old = b.declare(f"{plan.name}:{OLD}{state}", b.domain.states[state].type)
            b.emit(Assign(old.name, Ref(state, old.type), at))
        b.items += body.items if isinstance(body, Seq) else (body,)
        self.depth -= 1
        del self.calls.limits[limits:], self.calls.frames[frames:]
        return None if plan.result is None else Ref(act.special("result"), plan.result)

    def _activation(self, act: Activation, at: Span) -> None:
        b, plan = self.b, act.plan
        for place, clause in enumerate(plan.requires, 1):
            condition = self.spec(act, clause.condition)
            b.evaluated(condition, at)
            b.owe(condition, Kind.REQUIRES, f"{plan.name}#{place}", at, clause.span)
        since: dict[str, Ref] = {}
        for budget in plan.budgets:
            if budget.resource not in since:
                spent = Ref(counter(budget.resource), b.domain.resources[budget.resource].type)
                start = b.declare(act.special(f"{spent.name}@start"), spent.type)
                b.emit(Assign(start.name, spent, at))
                since[budget.resource] = start
            self._limit(act, budget, since[budget.resource])
        self._frame(act)
        self._body(act)
        self._ensures(act, at)

    # ---- expressions ----

    def local(self, act: Activation, ref: Ref) -> Ref:
        """The variable of the store for a local of the plan, declared."""
        return self.b.declare(act.prefix + ref.name, ref.type, ref.name)

    def code(self, act: Activation, exprs: tuple[Expr, ...], at: Span) -> tuple[Expr, ...]:
        """Expressions of one statement that is executed, the observers they need called before."""
        renamed = tuple([self._rename(act, each) for each in exprs])
        read: dict[str, None] = {}
        for each in renamed:
            for name in mentions(each).free:
                if name in self.b.domain.states:
                    read[name] = None
        for name in read:
            self._observe(name, at)
        return renamed

    def spec(self, act: Activation, expr: Expr) -> Expr:
        """An expression that is only reasoned about; observes nothing."""
        return self._rename(act, expr)

    def refuse_state(self, expr: Expr, at: Span) -> None:
        """Reports state that is read where no observer can be called before."""
        for name in mentions(expr).free:
            if name in self.b.domain.states:
                self._unreadable(name, at, "before each test of a loop's condition")

    def _unreadable(self, name: str, at: Span, when: str) -> None:
        self.b.incomplete = True
        self.b.diagnostics.append(
            Diagnostic(
                "unobserved-state",
                f"`{name}` is read here, but no tool observes it {when}".rstrip(),
                at,
                help=f"bind what a tool says about `{name}` with `let`, and read that",
            )
        )

    def _observe(self, name: str, at: Span) -> None:
        state = self.b.domain.states[name]
        if state.observer is None:
            self._unreadable(name, at, "")
            return
        result = self.calls.call(state.observer, (), at)
        if result is None:
            raise TypeError(f"{state.observer} returns nothing to observe")
        self.b.assume(equation(result, Ref(name, state.type)), "observed", state.span)
        self.b.believe("observer", state.observer, f"returns the value of `{name}`", False)

    def _rename(self, act: Activation, expr: Expr) -> Expr:
        """The expression over the variables of the store."""
        self.b.admit(expr)
        found = mentions(expr)
        if act.is_main and not any(" " in name for name in found.free):
            return expr

        def rename(ref: Ref) -> Expr:
            name = ref.name
            if name.startswith(INITIALLY) or (act.is_main and name.startswith(OLD)):
                state = name.removeprefix(INITIALLY).removeprefix(OLD)
                self._starts[state] = None
                return Ref(f"{state}@start", ref.type, ref.span)
            if name.startswith(OLD):
                state = name.removeprefix(OLD)
                self._olds.setdefault(act.plan.name, {})[state] = None
                return Ref(f"{act.plan.name}:{name}", ref.type, ref.span)
            if name in self.b.domain.states:
                return ref
            if name == "result":
                return Ref(act.special(name), ref.type, ref.span)
            return act.local(ref)

        return substitute(expr, rename, self.b.fresh)

    # ---- what is reported ----

    def _believe_about_state(self) -> None:
        domain = self.b.domain
        if domain.states:
            self.b.believe(
                "exclusive-state",
                domain.name,
                "state changes only by this plan's calls",
                False,
            )

    def _unverified_features(self, plan: typed.Plan) -> None:
        """Rules and flows: the rest of the plan can be proved without them, but is not enough."""
        b = self.b
        for policy in b.world.policies:
            for rule in policy.rules:
                b.not_yet(
                    f"rule `{rule.name.text}` is",
                    rule.span,
                    "rules over the sequence of calls are checked for names and types only",
                    False,
                )
        note = "information flow is checked for names only"
        flows = [each.span for each in b.domain.flows]
        for policy in b.world.policies:
            flows += [each.span for each in policy.flows]
            flows += [each.span for each in policy.flow_defaults]
        for span in flows[:1]:
            b.not_yet("information flow is", span, note, False)
        labelled = [each for each in plan.parameters if each.labels]
        for tool in b.domain.tools.values():
            labelled += [each for each in tool.parameters if each.labels]
            if tool.result_labels and not flows:
                b.not_yet("information flow is", tool.span, note, False)
        if labelled and not flows:
            b.not_yet("information flow is", labelled[0].span, note, False)


def _abort(message: str) -> Statement:
    return seq([Skip(Ended(True, message, None)), Raise(Exit.ABORT)])
