"""Plans: headers of a whole file first, then the body of each, statement by statement.

A body knows where it can go on: what stands behind a `return`, `break` or `abort` is never
reached, and a plan with a result returns on every path.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from planproof.spec import syntax as s
from planproof.spec import typed
from planproof.spec.core import Apply, Expr, Literal, Make, Op, Ref
from planproof.spec.diagnostic import Diagnostic, Label
from planproof.spec.limits import DEFAULT, Limits
from planproof.spec.node import node
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
    of_domain,
)
from planproof.spec.source import Span
from planproof.spec.typecheck import operators, places
from planproof.spec.typecheck.contracts import (
    budget,
    find_cycle,
    flows,
    known_label,
    parameter_scope,
    parameters,
    reachable,
    refuse_overlaps,
)
from planproof.spec.typecheck.contracts import places as read_places
from planproof.spec.typecheck.expressions import Expressions
from planproof.spec.typecheck.places import Env, Where
from planproof.spec.typecheck.types import Types
from planproof.spec.typecheck.values import coerce, constant_int
from planproof.spec.types import (
    INT,
    TEXT_MAX_DEFAULT,
    BoolType,
    ListType,
    MapType,
    OptionType,
    SetType,
    TextType,
    TupleType,
    Type,
    assignable,
    is_known,
    show,
    strip,
)


def check_plans(
    file: s.PlanFile, world: typed.World, limits: Limits = DEFAULT
) -> tuple[typed.PlanSet | None, tuple[Diagnostic, ...]]:
    """The checked plans, or None where there is an error; warnings may come with either."""
    findings = Findings(limits)
    names = of_domain(world.domain, findings)
    for policy in world.policies:
        for name in (*policy.constants, *policy.functions):
            names.elsewhere[name] = (
                f"`{name}` is declared in the policy `{policy.name}`, for the policy alone; "
                "declare it in the domain if plans need it"
            )
    x = Expressions(names, Types(names, limits), limits, "p")
    plans = _Plans(x, names, file).check()
    _labels(findings, world, x.types.labels)
    if findings.failed:
        return None, findings.result()
    source = file.span.source
    return typed.PlanSet(source.text, plans, source.name), findings.result()


def _labels(findings: Findings, world: typed.World, used: list[s.Ident]) -> None:
    """Each label of the domain and the plans is declared in some flow, and in one only."""
    known: dict[str, str] = {}
    flows(findings, world.domain.flows, known)
    for policy in world.policies:
        flows(findings, policy.flows, known)
    for label in (*world.domain.labels, *used):
        known_label(findings, label, known)


class _Plans:
    def __init__(self, x: Expressions, names: Globals, file: s.PlanFile) -> None:
        self.x = x
        self.names = names
        self.findings = names.findings
        self.file = file
        self.calls: dict[str, tuple[str, ...]] = {}

    def check(self) -> dict[str, typed.Plan]:
        mine = [each for each in self.file.plans if self.names.declare(each.name, "a plan")]
        for plan in mine:
            calls = dict.fromkeys(each.text for each in _called(plan.body))
            self.calls[plan.name.text] = tuple(calls)
        self._refuse_recursion(mine)
        headers = {}
        for plan in mine:
            headers[plan.name.text] = self._header(plan)
        self.names.plans.update(headers)
        stopping = self._stopping(mine)
        return {
            plan.name.text: _Plan(self.x, plan, headers[plan.name.text], stopping).check()
            for plan in mine
        }

    def _header(self, plan: s.Plan) -> typed.Plan:
        made = parameters(self.x, plan.parameters, labelled=True)
        # The labels of a result say what a caller may do with it; they are those of its value.
        result = None if plan.result is None else self.x.types.labelled(plan.result)[0]
        return typed.Plan(
            name=plan.name.text,
            doc=plan.doc,
            parameters=made,
            result=result,
            requires=(),
            ensures=(),
            modifies=None,
            budgets=(),
            body=typed.Block(()),
            span=plan.span,
        )

    def _refuse_recursion(self, plans: list[s.Plan]) -> None:
        known = {plan.name.text: plan for plan in plans}
        edges = dict(self.calls)
        while (cycle := find_cycle(edges)) is not None:
            first = known[cycle[0]]
            call = next(each for each in _called(first.body) if each.text == cycle[1])
            self.findings.error(
                "recursive-plan",
                f"the plan `{cycle[0]}` leads back to itself",
                call.span,
                "called here",
                Label(first.name.span, "from this plan"),
                notes=(" -> ".join(cycle), "a call of a plan means its body, written out"),
                help="say it with a loop",
            )
            for name in cycle[:-1]:
                del edges[name]

    def _stopping(self, plans: list[s.Plan]) -> dict[str, None]:
        """The plans in which a `check` or an `abort` stands, or that call one of those."""
        own = [
            plan.name.text
            for plan in plans
            if any(isinstance(each, s.Check | s.Abort) for each in _statements(plan.body))
        ]
        found = reachable(self.calls, own)
        return {plan.name.text: None for plan in plans if plan.name.text in found}


def _statements(block: s.Block) -> Iterator[s.Statement]:
    """The statements of a block and those inside them, in order."""
    pending = list(reversed(block.statements))
    while pending:
        statement = pending.pop()
        yield statement
        blocks: tuple[s.Block, ...] = ()
        match statement:
            case s.If(_, then, otherwise):
                if isinstance(otherwise, s.If):
                    pending.append(otherwise)
                blocks = (then, otherwise) if isinstance(otherwise, s.Block) else (then,)
            case s.For() | s.While() | s.Repeat():
                blocks = (statement.body,)
            case s.Try(body, handler):
                blocks = (body, handler)
            case s.Parallel(branches):
                blocks = branches
            case _:
                continue
        for each in reversed(blocks):
            pending += reversed(each.statements)


def _called(block: s.Block) -> Iterator[s.Ident]:
    """What the statements of a block call."""
    for statement in _statements(block):
        match statement:
            case s.CallStatement(call):
                yield call.name
            case s.Let(value=s.Call(name)) | s.Var(value=s.Call(name)) | s.Assign(_, s.Call(name)):
                yield name


@node
class _Around:
    """What stands around a statement."""

    loop: bool = False
    parallel: Span | None = None

    def in_loop(self) -> _Around:
        return _Around(True, self.parallel)


class _Plan:
    """One plan."""

    def __init__(
        self, x: Expressions, plan: s.Plan, header: typed.Plan, stopping: dict[str, None]
    ) -> None:
        self.x = x
        self.names = x.names
        self.findings = x.findings
        self.plan = plan
        self.header = header
        self.stopping = stopping
        self.uses: dict[str, int] = {}

    def check(self) -> typed.Plan:
        plan, header = self.plan, self.header
        scope = parameter_scope(self.names, plan.parameters, header.parameters)
        for parameter in header.parameters:
            self.uses[parameter.name] = 1
        requires: list[typed.Clause] = []
        ensures: list[typed.Clause] = []
        budgets: list[typed.Budget] = []
        modifies: tuple[typed.Place, ...] | None = None
        for clause in plan.clauses:
            match clause:
                case s.Requires(condition):
                    where = places.PLAN_REQUIRES
                    requires.append(self._clause(condition, scope, where, "`requires`"))
                case s.Ensures(condition):
                    where = places.PLAN_ENSURES
                    ensures.append(self._clause(condition, scope, where, "`ensures`"))
                case s.Modifies(written):
                    found = read_places(self.x, written, Env(scope, places.KEY))
                    modifies = found if modifies is None else modifies + found
                case s.Budget():
                    limit = budget(self.x, clause, scope, places.PLAN_BUDGET)
                    if limit is not None:
                        budgets.append(limit)
                case _:
                    assert_never(clause)
        refuse_overlaps(self.findings, modifies or ())
        body, ends = self.block(plan.body, scope, _Around())
        if header.result is not None and not ends:
            end = plan.body.span
            self.findings.error(
                "missing-return",
                f"`{header.name}` can end without returning a result",
                Span(end.source, max(end.start, end.end - 1), end.end),
                "the end is reached here",
                Label(plan.name.span, f"returns `{show(header.result)}`"),
                help="end every path with `return e;` or `abort \"why\";`",
            )
        return typed.Plan(
            name=header.name,
            doc=header.doc,
            parameters=header.parameters,
            result=header.result,
            requires=tuple(requires),
            ensures=tuple(ensures),
            modifies=modifies,
            budgets=tuple(budgets),
            body=body,
            span=header.span,
        )

    def _clause(self, written: s.Expr, scope: Scope, where: Where, word: str) -> typed.Clause:
        result = self.header.result if where is places.PLAN_ENSURES else None
        env = Env(scope, where, result=result)
        condition = self.x.condition(written, env, f"what {word} says")
        return typed.Clause(condition, written.span)

    # ---- blocks ----------------------------------------------------------------------------------

    def block(self, block: s.Block, outer: Scope, around: _Around) -> tuple[typed.Block, bool]:
        """The block, and whether it surely ends before its end (by return, break or abort)."""
        return self._block(block, Scope(outer), around)

    def _block(self, block: s.Block, scope: Scope, around: _Around) -> tuple[typed.Block, bool]:
        made: list[typed.Statement] = []
        last: s.Statement | None = None
        reported = False
        for statement in block.statements:
            if last is not None and not reported:
                reported = True
                self.findings.error(
                    "unreachable",
                    "this is never reached",
                    statement.span,
                    "",
                    Label(last.span, "nothing goes on after this"),
                )
            ends = False
            for each, ending in self.statement(statement, scope, around):
                made.append(each)
                ends = ending
            if ends and last is None:
                last = statement
        self._unused(scope)
        return typed.Block(tuple(made), block.span), last is not None

    def _unused(self, scope: Scope) -> None:
        for local in scope.names.values():
            if local.used or local.name.startswith("_") or is_broken(local.expr):
                continue
            self.findings.warn(
                "unused-variable",
                f"`{local.name}` is never used",
                local.span,
                help=f"leave it out, or call it `_{local.name}`",
            )

    def statement(
        self, statement: s.Statement, scope: Scope, around: _Around
    ) -> Iterator[tuple[typed.Statement, bool]]:
        """The statements it becomes (none where it is wrong), each with whether it surely ends."""
        code = Env(scope, places.CODE)
        span = statement.span
        match statement:
            case s.Let(names, is_tuple, type, value):
                for each in self._declare(names, is_tuple, type, value, scope, span, around):
                    yield each, False
            case s.Var(name, type, value):
                for each in self._declare(
                    (name,), False, type, value, scope, span, around, mutable=True
                ):
                    yield each, False
            case s.Assign():
                for each in self._assign(statement, scope, around):
                    yield each, False
            case s.CallStatement(call):
                found = self._call(call, code, span, around)
                if found is not None:
                    self._unused_result(call, found.result)
                    yield found.statement((), False), False
            case s.If():
                yield self._if(statement, scope, around)
            case s.For():
                loop = self._for(statement, scope, around)
                if loop is not None:
                    yield loop, False
            case s.While():
                yield self._while(statement, scope, around), False
            case s.Repeat(bound, _, body):
                most = self.x.types.size(bound, span)
                inside, _ = self.block(body, scope, around.in_loop())
                invariants = self._invariants(statement, scope)
                yield typed.Repeat(most or 0, invariants, inside, span), False
            case s.Break():
                if around.parallel is not None:
                    self._not_in_parallel("break", span, around.parallel)
                elif not around.loop:
                    self.findings.error("break-outside-loop", "`break` stands in no loop", span)
                yield typed.Break(span), True
            case s.Check(condition, message):
                test = self.x.condition(condition, code, "what `check` tests")
                if around.parallel is not None:
                    self._not_in_parallel("check", span, around.parallel)
                yield typed.Check(test, message, span), False
            case s.Assert(condition):
                yield typed.Assert(
                    self._clause(condition, scope, places.ASSERT, "`assert`"), span
                ), False
            case s.Try(body, otherwise):
                tried, ends = self.block(body, scope, around)
                handler, handler_ends = self.block(otherwise, scope, around)
                yield typed.Try(tried, handler, span), ends and handler_ends
            case s.Parallel(branches):
                inner = _Around(loop=False, parallel=span)
                made = tuple(self.block(each, scope, inner)[0] for each in branches)
                yield typed.Parallel(made, span), False
            case s.Return(value):
                yield self._return(value, code, span, around), True
            case s.Abort(message):
                if around.parallel is not None:
                    self._not_in_parallel("abort", span, around.parallel)
                yield typed.Abort(message, span), True
            case _:
                assert_never(statement)

    def _not_in_parallel(self, word: str, span: Span, parallel: Span) -> None:
        self.findings.error(
            "exit-in-parallel",
            f"a branch of `parallel` can't `{word}`",
            span,
            "",
            Label(Span(parallel.source, parallel.start, parallel.start + len("parallel")), "here"),
            notes=("all branches run to their ends, whatever the others do",),
            help=f"let the branch set a variable, and `{word}` after the `parallel`",
        )

    # ---- locals ----------------------------------------------------------------------------------

    def unique(self, name: str) -> str:
        """A name for the store: `x`, then `x'2`, `x'3` for later locals of the same name."""
        count = self.uses.get(name, 0) + 1
        self.uses[name] = count
        return name if count == 1 else f"{name}'{count}"

    def local(self, ident: s.Ident, what: str, type: Type, scope: Scope) -> Ref:
        target = Ref(self.unique(ident.text), type, ident.span)
        known = type is not BROKEN and is_known(type)
        expr: Expr = target if known else broken(ident.span)
        local = Local(ident.text, what, expr, ident.span, mutable=what == "a `var`")
        declare_local(self.names, scope, ident, local)
        return target

    def _declare(
        self,
        idents: tuple[s.Ident, ...],
        is_tuple: bool,
        written_type: s.TypeExpr | None,
        value: s.Expr,
        scope: Scope,
        span: Span,
        around: _Around,
        mutable: bool = False,
    ) -> list[typed.Statement]:
        what = "a `var`" if mutable else "a `let`"
        type = None if written_type is None else self.x.types.read(written_type)
        code = Env(scope, places.CODE)
        call = self._callable(value)
        if call is not None:
            found = self._call(call, code, span, around)
            have = BROKEN if found is None else self._result_of(found, call)
            want = have if type is None else type
            types = self._parts(want, idents, is_tuple, value)
            targets = tuple(
                self.local(ident, what, each, scope)
                for ident, each in zip(idents, types, strict=True)
            )
            if found is None or have is BROKEN or want is BROKEN or BROKEN in types:
                return []
            return self._bind_call(found, targets, is_tuple, have, want, call, span)
        reason = (
            f"`{idents[0].text}`" if len(idents) == 1 else "what is taken apart"
        )
        because = None
        if written_type is not None:
            because = Label(written_type.span, "declared here")
        if type is None:
            made = self.x.natural(value, code)
            if not is_broken(made) and not is_known(made.type):
                self._untyped(idents, value, made.type, mutable)
                made = broken(value.span)
        else:
            made = self.x.expect(value, code, type, reason, because)
        want = made.type if type is None else type
        if mutable and type is None and isinstance(want, TextType):
            # A variable that could hold nothing longer than its first value would be of no use.
            want = TextType(max(want.max, TEXT_MAX_DEFAULT))
        types = self._parts(want, idents, is_tuple, value)
        targets = tuple(
            self.local(ident, what, each, scope)
            for ident, each in zip(idents, types, strict=True)
        )
        if is_broken(made):
            for ident in idents:
                scope.names[ident.text].used = True  # what it would be used for is not known
            return []
        if is_tuple:
            return [typed.BindTuple(targets, made, span)]
        return [typed.Bind(targets[0], made, span)]

    def _untyped(
        self, idents: tuple[s.Ident, ...], value: s.Expr, type: Type, mutable: bool
    ) -> None:
        word = "var" if mutable else "let"
        match strip(type):
            case ListType():
                shown = "List<T, 10>"
            case SetType():
                shown = "Set<T>"
            case OptionType():
                shown = "Option<T>"
            case _:
                shown = "T"
        self.findings.error(
            "untyped-empty",
            f"nothing says what `{value.span.one_line}` is empty of",
            value.span,
            help=f"name the type: `{word} {idents[0].text}: {shown} = {value.span.one_line};`",
        )

    def _parts(
        self, type: Type, idents: tuple[s.Ident, ...], is_tuple: bool, value: s.Expr
    ) -> tuple[Type, ...]:
        """The types of the names on the left; BROKEN, after an error, where they don't match."""
        if not is_tuple:
            return (type,)
        plain = strip(type)
        if isinstance(plain, TupleType) and len(plain.items) == len(idents):
            return plain.items
        if type is not BROKEN:
            self.findings.error(
                "wrong-tuple",
                f"{len(idents)} names stand for the parts of a `{show(type)}`",
                value.span,
                f"this is `{show(type)}`",
                help=f"it has {len(plain.items)} parts" if isinstance(plain, TupleType) else None,
            )
        return (BROKEN,) * len(idents)

    def _assign(
        self, statement: s.Assign, scope: Scope, around: _Around
    ) -> list[typed.Statement]:
        ident, value, span = statement.name, statement.value, statement.span
        code = Env(scope, places.CODE)
        target = self._assignable(ident, scope)
        want = target.type if target is not None else BROKEN
        call = self._callable(value)
        if call is not None:
            found = self._call(call, code, span, around)
            have = BROKEN if found is None else self._result_of(found, call)
            if found is None or target is None or BROKEN in (have, want):
                return []
            return self._bind_call(found, (target,), False, have, want, call, span)
        if target is None:
            self.x.natural(value, code)
            return []
        local = scope.find(ident.text)
        because = None if local is None else Label(local.span, "declared here")
        made = self.x.expect(value, code, want, f"`{ident.text}`", because)
        return [] if is_broken(made) else [typed.Bind(target, made, span)]

    def _assignable(self, ident: s.Ident, scope: Scope) -> Ref | None:
        name = ident.text
        local = scope.find(name)
        if local is not None and local.mutable:
            if isinstance(local.expr, Ref):
                return Ref(local.expr.name, local.expr.type, ident.span)
            return None
        if local is not None:
            help = f"declare it with `var {name} = ...;`" if local.what == "a `let`" else None
            self.findings.error(
                "not-assignable",
                f"`{name}` is {local.what}, which keeps its value",
                ident.span,
                "",
                Label(local.span, "declared here"),
                help=help or "copy it into a `var` of another name",
            )
        elif name in self.names.states:
            self.findings.error(
                "not-assignable",
                f"`{name}` is state, and a plan changes state only by calling tools",
                ident.span,
                "",
                Label(self.names.states[name].span, "declared here"),
                help=self._changing(name),
            )
        else:
            declared = self.names.declared.get(name)
            mutable = tuple(
                each
                for each in scope.visible()
                if (known := scope.find(each)) is not None and known.mutable
            )
            self.findings.error(
                "unknown-name" if declared is None else "not-assignable",
                f"there is no variable `{name}` here"
                if declared is None
                else f"`{name}` is {declared.what} and can't be assigned",
                ident.span,
                help=did_you_mean(name, mutable) or f"declare it: `var {name} = ...;`"
                if declared is None
                else None,
            )
        return None

    def _changing(self, state: str) -> str | None:
        tools = [
            f"`{tool.name}`"
            for tool in self.names.tools.values()
            if any(place.state == state for place in tool.modifies)
        ]
        return f"{', '.join(tools[:4])} can change it" if tools else None

    # ---- calls -----------------------------------------------------------------------------------

    def _callable(self, value: s.Expr) -> s.Call | None:
        """The call of a tool or plan that the expression is, if it is one."""
        if isinstance(value, s.Call):
            declared = self.names.declared.get(value.name.text)
            if declared is not None and declared.what in ("a tool", "a plan"):
                return value
        return None

    def _call(self, call: s.Call, env: Env, span: Span, around: _Around) -> _Call | None:
        """The call of a tool or a plan; None, and an error, where it is wrong."""
        name = call.name.text
        if self._callable(call) is None:
            before = len(self.findings.errors)
            value = self.x.natural(call, env)
            if len(self.findings.errors) == before and not is_broken(value):
                self.findings.error(
                    "no-effect",
                    f"`{name}` is a function, so this statement has no effect",
                    span,
                    help=f"use its value: `let answer = {call.span.one_line};`",
                )
            return None
        callee = self.names.callee(name)
        if callee is None:
            return None
        if around.parallel is not None and name in self.stopping:
            self.findings.error(
                "exit-in-parallel",
                f"the plan `{name}` can abort, and a branch of `parallel` can't",
                call.span,
                "",
                Label(callee.span, "declared here"),
                notes=("all branches run to their ends, whatever the others do",),
            )
        values = self.x.arguments(name, callee.parameters, call, env)
        if values is None or callee.result is BROKEN:
            return None
        is_tool = isinstance(callee, typed.Tool)
        return _Call(is_tool, name, values, callee.result, span, call.span)

    def _result_of(self, found: _Call, call: s.Call) -> Type:
        if found.result is not None:
            return found.result
        callee = self.names.callee(found.name)
        self.findings.error(
            "no-result",
            f"`{found.name}` returns nothing",
            call.span,
            "",
            *(() if callee is None else (Label(callee.span, "declared here"),)),
            help=f"call it as a statement: `{call.span.one_line};`",
        )
        return BROKEN

    def _bind_call(
        self,
        found: _Call,
        targets: tuple[Ref, ...],
        is_tuple: bool,
        have: Type,
        want: Type,
        call: s.Call,
        span: Span,
    ) -> list[typed.Statement]:
        if assignable(have, want):
            return [found.statement(targets, is_tuple)]
        between = Ref(self.unique(f"{found.name}'result"), have, call.span)
        fitted = coerce(between, want)
        if fitted is None or is_tuple:
            self.x.fit(between, want, call, f"the result of `{found.name}`")
            return []
        # An Int result for a Decimal variable: two steps, since a call converts nothing.
        return [found.statement((between,), False), typed.Bind(targets[0], fitted, span)]

    def _unused_result(self, call: s.Call, result: Type | None) -> None:
        plain = None if result is None else strip(result)
        if isinstance(plain, BoolType | OptionType):
            self.findings.warn(
                "unused-result",
                f"the answer of `{call.name.text}` is ignored",
                call.span,
                f"this gives a `{show(plain)}`",
                help=f"bind it: `let answer = {call.span.one_line};`",
            )

    # ---- control ---------------------------------------------------------------------------------

    def _if(self, statement: s.If, scope: Scope, around: _Around) -> tuple[typed.Statement, bool]:
        env = Env(scope, places.CODE)
        test = self.x.condition(statement.condition, env, "the condition of an `if`")
        then, then_ends = self.block(statement.then, scope, around)
        match statement.otherwise:
            case None:
                return typed.If(test, then, None, statement.span), False
            case s.Block() as block:
                otherwise, ends = self.block(block, scope, around)
            case s.If() as nested:
                inner, ends = self._if(nested, scope, around)
                otherwise = typed.Block((inner,), nested.span)
            case _:
                assert_never(statement.otherwise)
        return typed.If(test, then, otherwise, statement.span), then_ends and ends

    def _invariants(
        self, loop: s.For | s.While | s.Repeat, scope: Scope
    ) -> tuple[typed.Clause, ...]:
        return tuple(
            self._clause(each.condition, scope, places.LOOP_INVARIANT, "a loop invariant")
            for each in loop.invariants
        )

    def _while(self, statement: s.While, scope: Scope, around: _Around) -> typed.While:
        env = Env(scope, places.WHILE)
        test = self.x.condition(statement.condition, env, "the condition of a `while`")
        reason = "what a loop decreases"
        written = statement.decreases
        variant = self.x.expect(written, Env(scope, places.VARIANT), INT, reason)
        most = self.x.types.size(statement.bound, statement.span)
        invariants = self._invariants(statement, scope)
        body, _ = self.block(statement.body, scope, around.in_loop())
        clause = typed.Clause(variant, written.span)
        return typed.While(test, clause, most or 0, invariants, body, statement.span)

    def _for(
        self, statement: s.For, scope: Scope, around: _Around
    ) -> typed.ForIn | typed.ForRange | None:
        domain = statement.domain
        inner = around.in_loop()
        if isinstance(domain, s.Call) and domain.name.text == "range":
            return self._for_range(statement, domain, scope, inner)
        collection, item = self._collection(statement, scope)
        head = Scope(scope)
        if statement.index is not None:
            index = self.local(statement.index, "a loop index", INT, head)
        else:
            index = Ref(self.unique(f"{statement.variable.text}'index"), INT, domain.span)
        invariants = self._invariants(statement, head)
        inside = Scope(head)
        variable = self.local(statement.variable, "a loop variable", item, inside)
        body, _ = self.block(statement.body, inside, inner)
        self._unused(inside)
        self._unused(head)
        if collection is None:
            return None
        plain = strip(collection.type)
        bound = plain.max if isinstance(plain, ListType) else 0
        return typed.ForIn(
            index, variable, collection, bound, invariants, body, statement.span
        )

    def _collection(self, statement: s.For, scope: Scope) -> tuple[Expr | None, Type]:
        """The list a loop goes over and the type of its items."""
        domain = statement.domain
        value = self.x.natural(domain, Env(scope, places.CODE))
        if is_broken(value):
            return None, BROKEN
        plain = strip(value.type)
        trouble: tuple[str, str | None]
        text = domain.span.one_line
        match plain:
            case ListType(item) | SetType(item) if not is_known(item):
                trouble = (f"`{text}` is empty, so the loop does nothing", None)
            case ListType(item):
                if statement.bound is None:
                    return value, item
                trouble = (
                    "`max` bounds loops over a range; a list is bounded by its type",
                    f"leave `max` out: at most {plain.max} items are in it",
                )
            case SetType(item) if isinstance(domain, s.SetExpr) and isinstance(value, Make):
                items = [each for each in value.items if isinstance(each, Literal)]
                if len({(type(i.value), i.value) for i in items}) == len(value.items):
                    made = Make(value.items, ListType(item, len(value.items)), value.span)
                    return made, item
                trouble = (
                    "the items of a set that a loop goes over must be distinct literals",
                    "write a list, `[a, b]`, if an item may come twice",
                )
            case MapType():
                trouble = (
                    "a loop can't go over a map: its keys have no bound and no order",
                    f"go over the list `keys({text})`"
                    if plain.max is not None
                    else "give the map a bound, `Map<K, V, N>`, and go over `keys(...)`, or let a "
                    "tool return the keys as a list",
                )
            case SetType():
                trouble = (
                    "a loop can't go over a set: it has no bound and no order",
                    "let a tool return a list, or write the items out",
                )
            case _:
                trouble = (
                    f"a loop goes over a list or a range, and this is `{show(value.type)}`",
                    f"say `range(0, {text})`" if plain == INT else None,
                )
        self.findings.error("not-a-loop-domain", trouble[0], domain.span, help=trouble[1])
        return None, BROKEN

    def _for_range(
        self, statement: s.For, domain: s.Call, scope: Scope, around: _Around
    ) -> typed.ForRange | None:
        if statement.index is not None:
            self.findings.error(
                "index-of-range",
                "a loop over a range has one variable",
                statement.index.span,
                help=f"write `for {statement.variable.text} in {domain.span.one_line}`",
            )
        ends = operators.range_ends(self.x, domain, Env(scope, places.CODE))
        bound = None
        if statement.bound is not None:
            bound = self.x.types.size(statement.bound, statement.span)
        elif ends is not None:
            bound = self._range_bound(*ends)
            if bound is None:
                self.findings.error(
                    "unbounded-range",
                    "nothing says how often this loop runs at most",
                    domain.span,
                    notes=("the bound follows only from constant ends or `range(0, len(xs))`",),
                    help=f"write `{domain.span.one_line} max 100` with the bound you need",
                )
        head = Scope(scope)
        variable = self.local(statement.variable, "a loop variable", INT, head)
        invariants = self._invariants(statement, head)
        body, _ = self.block(statement.body, head, around)
        self._unused(head)
        if ends is None or bound is None:
            return None
        given = statement.bound is not None
        return typed.ForRange(
            variable, ends[0], ends[1], bound, given, invariants, body, statement.span
        )

    def _range_bound(self, low: Expr, high: Expr) -> int | None:
        """How often a range loop runs at most, where its ends say so."""
        least, most = constant_int(low), constant_int(high)
        if least is None:
            return None
        if isinstance(high, Apply) and high.op is Op.LIST_LEN and least >= 0:
            plain = strip(high.arguments[0].type)
            most = plain.max if isinstance(plain, ListType) else None
        if most is None:
            return None
        turns = max(0, most - least)
        limit = self.x.limits.list_bound_max
        return turns if turns <= limit else None

    def _return(
        self, value: s.Expr | None, env: Env, span: Span, around: _Around
    ) -> typed.Statement:
        if around.parallel is not None:
            self._not_in_parallel("return", span, around.parallel)
        result = self.header.result
        if value is None:
            if result is not None:
                self.findings.error(
                    "missing-value",
                    f"`{self.header.name}` returns a `{show(result)}`, and this returns nothing",
                    span,
                )
            return typed.Return(None, span)
        if result is None:
            self.x.natural(value, env)
            self.findings.error(
                "unexpected-value",
                f"`{self.header.name}` has no result to return",
                value.span,
                "",
                Label(self.plan.name.span, "declared without a result"),
                help=f"declare it: `plan {self.header.name}(...) -> T`, or write `return;`",
            )
            return typed.Return(None, span)
        written = self.plan.result
        because = None if written is None else Label(written.span, "declared here")
        reason = f"the result of `{self.header.name}`"
        return typed.Return(self.x.expect(value, env, result, reason, because), span)


@node
class _Call:
    """A checked call that does not yet know where its result goes."""

    is_tool: bool
    name: str
    arguments: tuple[Expr, ...]
    result: Type | None
    span: Span
    call_span: Span

    def statement(self, targets: tuple[Ref, ...], is_tuple: bool) -> typed.Statement:
        make = typed.CallTool if self.is_tool else typed.CallPlan
        return make(self.name, self.arguments, targets, is_tuple, self.span, self.call_span)
