"""Lowering, seen through the reference interpreter: what the programs do, owe and rest on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from planproof.spec import core, typed
from planproof.spec.core import (
    FALSE,
    TRUE,
    Apply,
    Conditional,
    Expr,
    FieldOf,
    Havoc,
    Items,
    Kind,
    ListValue,
    Literal,
    MapValue,
    Op,
    OpaqueValue,
    Outcome,
    Quantified,
    RecordValue,
    Ref,
    Role,
    Total,
    Value,
    number,
)
from planproof.spec.limits import Limits
from planproof.spec.lower import lower_plan, lower_world
from planproof.spec.semantics import (
    Finished,
    Iterations,
    Run,
    Violated,
    conforms,
    default_value,
    run,
)
from planproof.spec.source import Source, Span
from planproof.spec.types import (
    BOOL,
    INT,
    ListType,
    MapType,
    OpaqueType,
    OptionType,
    RecordType,
    RefinedType,
    TupleType,
    Type,
    strip,
)

# ---- a small world, written as trees ----

ACCOUNT = OpaqueType("Account")
CENTS = RefinedType("Cents", INT, Apply(Op.GE, (Ref("self", INT), number(0)), BOOL))
INVOICE = RecordType("Invoice", (("payee", ACCOUNT), ("amount", CENTS), ("disputed", BOOL)))
INVOICES = ListType(INVOICE, 3)
BALANCES = MapType(ACCOUNT, CENTS)
A, B, C = (OpaqueValue("Account", each) for each in range(3))
BALANCE = Ref("balance", BALANCES)
CLOSED = Ref("closed", BOOL)


def op(which: Op, *arguments: Expr, type: Type = BOOL) -> Apply:
    return Apply(which, arguments, type)


def at(container: Expr, key: Expr) -> Apply:
    whole = strip(container.type)
    assert isinstance(whole, MapType)
    return op(Op.MAP_GET, container, key, type=whole.value)


def old(ref: Ref) -> Ref:
    return Ref(f"old {ref.name}", ref.type)


def plus(left: Expr, right: Expr) -> Apply:
    return op(Op.ADD, left, right, type=INT)


def minus(left: Expr, right: Expr) -> Apply:
    return op(Op.SUB, left, right, type=INT)


def words(text: str) -> Span:
    return Span(Source("<test>", text), 0, len(text))


def clause(condition: Expr, text: str = "clause") -> typed.Clause:
    return typed.Clause(condition, words(text))


def parameter(ref: Ref) -> typed.Parameter:
    return typed.Parameter(ref.name, ref.type, (), None)


def tool(
    name: str,
    parameters: tuple[Ref, ...] = (),
    result: Type | None = None,
    requires: tuple[Expr, ...] = (),
    ensures: tuple[Expr, ...] = (),
    modifies: tuple[typed.Place, ...] = (),
    charges: tuple[typed.Charge, ...] = (typed.Charge("seconds", number(1)),),
    fails: bool = False,
    dirty: bool = False,
    leaving: Expr | None = None,
    idempotent: bool = False,
) -> typed.Tool:
    return typed.Tool(
        name,
        "",
        tuple(map(parameter, parameters)),
        result,
        (),
        tuple(clause(each, f"requires {at}") for at, each in enumerate(requires)),
        tuple(clause(each, f"ensures {at}") for at, each in enumerate(ensures)),
        modifies,
        (),
        charges,
        fails,
        dirty,
        None if leaving is None else clause(leaving, "leaving"),
        idempotent,
        False,
        False,
        False,
        None,
    )


def place(state: Ref, *keys: Expr) -> typed.Place:
    type: Type = state.type
    for _ in keys:
        inner = strip(type)
        assert isinstance(inner, MapType)
        type = inner.value
    steps = tuple(typed.PlaceKey(key) for key in keys)
    return typed.Place(state.name, steps, state.type, type, words(f"{state.name}[...]"))


SOURCE, TARGET, AMOUNT = Ref("source", ACCOUNT), Ref("target", ACCOUNT), Ref("amount", CENTS)
PAYEE = Ref("payee", ACCOUNT)

TRANSFER_REQUIRES = (
    op(Op.GT, AMOUNT, number(0)),
    op(Op.NE, SOURCE, TARGET),
    op(Op.AND, op(Op.MAP_HAS, BALANCE, SOURCE), op(Op.MAP_HAS, BALANCE, TARGET)),
    op(Op.GE, at(BALANCE, SOURCE), AMOUNT),
)
TRANSFER_ENSURES = (
    op(Op.EQ, at(BALANCE, SOURCE), minus(at(old(BALANCE), SOURCE), AMOUNT)),
    op(Op.EQ, at(BALANCE, TARGET), plus(at(old(BALANCE), TARGET), AMOUNT)),
)


def transfer(
    requires: tuple[Expr, ...] = TRANSFER_REQUIRES,
    ensures: tuple[Expr, ...] = TRANSFER_ENSURES,
    dirty: bool = False,
    leaving: Expr | None = None,
) -> typed.Tool:
    return tool(
        "transfer",
        (SOURCE, TARGET, AMOUNT),
        None,
        requires,
        ensures,
        (place(BALANCE, SOURCE), place(BALANCE, TARGET)),
        (typed.Charge("seconds", number(5)),),
        fails=True,
        dirty=dirty,
        leaving=leaving,
    )


LIST_INVOICES = tool("list_invoices", (Ref("owner", ACCOUNT),), INVOICES)
CLOSE_BOOKS = tool("close_books", (), None, (op(Op.NOT, CLOSED),), (CLOSED,), (place(CLOSED),))
NEXT = tool("next", (), INT)
READ_BALANCE = tool("read_balance", (), BALANCES)
PROBE = tool("probe", fails=True)

STATES = {
    "balance": typed.State("balance", "", BALANCES, None, False),
    "closed": typed.State("closed", "", BOOL, None, False),
}


def domain(
    *tools: typed.Tool,
    states: Mapping[str, typed.State] = STATES,
    types: Mapping[str, Type] | None = None,
    initially: tuple[Expr, ...] = (),
    functions: Mapping[str, typed.Function] | None = None,
) -> typed.Domain:
    resources = {each: typed.Resource(each, INT) for each in ("calls", "seconds")}
    return typed.Domain(
        "treasury",
        "",
        dict(types or {}),
        {},
        dict(functions or {}),
        resources,
        dict(states),
        {each.name: each for each in tools},
        tuple(clause(each) for each in initially),
        (),
    )


def world(*tools: typed.Tool, policies: tuple[typed.Policy, ...] = ()) -> typed.World:
    return typed.World(domain(*tools), policies)


def policy(
    invariants: tuple[tuple[str, Expr], ...] = (), budgets: tuple[tuple[str, int], ...] = ()
) -> typed.Policy:
    return typed.Policy(
        "rules",
        "",
        "treasury",
        {},
        {},
        tuple(typed.PolicyInvariant(name, clause(each, name)) for name, each in invariants),
        tuple(typed.Budget(name, number(each)) for name, each in budgets),
        (),
        (),
        (),
    )


CONSERVED = op(
    Op.EQ,
    op(Op.MAP_SUM, BALANCE, type=INT),
    op(Op.MAP_SUM, Ref("initially balance", BALANCES), type=INT),
)


def block(*statements: typed.Statement) -> typed.Block:
    return typed.Block(statements)


def plan(
    *statements: typed.Statement,
    name: str = "main",
    parameters: tuple[Ref, ...] = (),
    result: Type | None = None,
    requires: tuple[Expr, ...] = (),
    ensures: tuple[Expr, ...] = (),
    modifies: tuple[typed.Place, ...] | None = None,
    budgets: tuple[tuple[str, int], ...] = (),
) -> typed.Plan:
    return typed.Plan(
        name,
        "",
        tuple(map(parameter, parameters)),
        result,
        tuple(clause(each) for each in requires),
        tuple(clause(each) for each in ensures),
        modifies,
        tuple(typed.Budget(resource, number(each)) for resource, each in budgets),
        block(*statements),
    )


def lower(
    where: typed.World, main: typed.Plan, *others: typed.Plan, limits: Limits | None = None
) -> core.Program:
    plans = typed.PlanSet("", {each.name: each for each in (*others, main)})
    program, diagnostics = lower_plan(plans, main.name, where, limits or Limits())
    assert program is not None
    assert diagnostics == ()
    assert [each.id for each in program.tags] == list(range(len(program.tags)))
    return program


def call(name: str, *arguments: Expr, to: Ref | None = None) -> typed.CallTool:
    return typed.CallTool(name, arguments, () if to is None else (to,), False)


def call_plan(name: str, *arguments: Expr, to: Ref | None = None) -> typed.CallPlan:
    return typed.CallPlan(name, arguments, () if to is None else (to,), False)


# ---- an adversary that is told what to do by what things are called ----


class Told:
    """Gives what `answers` say for a name, one after the other; the last one stays.

    Names are those shown to people.  What is not told is the default of its type.
    """

    def __init__(self, **answers: Value | tuple[Value, ...]) -> None:
        self._answers = {
            name.replace("__", " "): list(each if isinstance(each, tuple) else (each,))
            for name, each in answers.items()
        }

    def choose(self, havoc: Havoc, iterations: Iterations, store: Mapping[str, Value]) -> Value:
        assert isinstance(iterations, tuple)
        assert "self" not in store
        name = havoc.shown if havoc.role is not Role.FRAME else havoc.target
        known = self._answers.get(name)
        if known is None:
            return default_value(havoc.type)
        return known.pop(0) if len(known) > 1 else known[0]

    def apply(self, function: str, arguments: tuple[Value, ...], type: Type) -> Value:
        raise AssertionError((function, arguments, type))


def balances(**entries: int) -> MapValue:
    names = {"a": A, "b": B, "c": C}
    return MapValue(frozenset((names[name], value) for name, value in entries.items()))


class Honest:
    """An adversary whose transfers do what they promise; `fails` is one answer for each attempt."""

    def __init__(self, fails: tuple[bool, ...] = (), **answers: Value) -> None:
        self._fails = iter((*fails, *([False] * 1000)))
        self._told = Told(**answers)

    def choose(self, havoc: Havoc, iterations: Iterations, store: Mapping[str, Value]) -> Value:
        if havoc.role is Role.FAILS:
            return next(self._fails)
        if havoc.role is Role.FRAME and havoc.target.startswith("transfer:"):
            source, target = store["transfer.source"], store["transfer.target"]
            amount, before = store["transfer.amount"], store["transfer:old balance"]
            assert isinstance(amount, int)
            assert isinstance(before, MapValue)
            first = havoc.target.startswith("transfer:0")
            value = before.get(source if first else target)
            assert isinstance(value, int)
            return value - amount if first else value + amount
        if havoc.role is Role.FRAME:
            return True
        return self._told.choose(havoc, iterations, store)

    def apply(self, function: str, arguments: tuple[Value, ...], type: Type) -> Value:
        raise AssertionError((function, arguments, type))


def violated(result: Run) -> tuple[Kind, str]:
    assert isinstance(result.outcome, Violated), result.outcome
    return result.outcome.tag.kind, result.outcome.tag.name


def events(result: Run) -> list[str]:
    shown = []
    for each in result.trace:
        match each.mark:
            case core.CallBegins(_, name):
                shown.append(f"{name}({', '.join(str(value) for _, value in each.arguments)})")
            case core.CallEnds(_, ended):
                shown.append(ended.value)
            case core.Ended(aborted, reason):
                shown.append(f"aborted: {reason}" if aborted else "ended")
    return shown


def kinds(program: core.Program, kind: Kind) -> list[str]:
    return [each.name for each in program.tags if each.kind is kind]


def statements(statement: core.Statement) -> Iterator[core.Statement]:
    yield statement
    match statement:
        case core.Seq(items):
            for each in items:
                yield from statements(each)
        case core.If(_, then, otherwise):
            yield from statements(then)
            yield from statements(otherwise)
        case core.Loop():
            yield from statements(statement.body)
        case core.Try(_, body, handler):
            yield from statements(body)
            yield from statements(handler)


# ---- the treasury plan, right and wrong ----

OWNER, LIMIT, PAID = Ref("owner", ACCOUNT), Ref("limit", CENTS), Ref("paid", CENTS)
FOUND, EACH, INDEX = Ref("invoices", INVOICES), Ref("invoice", INVOICE), Ref("index", INT)
EACH_PAYEE, EACH_AMOUNT = FieldOf(EACH, "payee", ACCOUNT), FieldOf(EACH, "amount", CENTS)
TREASURY = world(
    LIST_INVOICES,
    transfer(),
    CLOSE_BOOKS,
    policies=(policy((("conserved", CONSERVED),), (("calls", 5),)),),
)

SELF_PAYMENT = op(Op.NE, EACH_PAYEE, OWNER)
KNOWN = op(Op.MAP_HAS, BALANCE, EACH_PAYEE)
WITHIN = op(Op.LE, plus(PAID, EACH_AMOUNT), LIMIT)


def pay(
    *guards: Expr, after_try: bool = False, close_first: bool = False, result: Expr = PAID
) -> typed.Plan:
    """The plan of the design's section 1; the payee is known by assumption of the caller."""
    guard = op(Op.AND, op(Op.GT, EACH_AMOUNT, number(0)), *guards)
    increase = typed.Bind(PAID, plus(PAID, EACH_AMOUNT))
    payment = call("transfer", OWNER, EACH_PAYEE, EACH_AMOUNT)
    attempt = typed.Try(block(payment) if after_try else block(payment, increase), block())
    inside = block(attempt, increase) if after_try else block(attempt)
    left = op(
        Op.AND,
        op(Op.MAP_HAS, BALANCE, OWNER),
        op(Op.EQ, at(BALANCE, OWNER), minus(at(old(BALANCE), OWNER), PAID)),
    )
    loop = typed.ForIn(
        INDEX,
        EACH,
        FOUND,
        3,
        (clause(op(Op.LE, PAID, LIMIT), "paid <= limit"), clause(left, "left")),
        block(typed.If(guard, inside, None)),
    )
    close = call("close_books")
    taken = minus(at(old(BALANCE), OWNER), Ref("result", CENTS))
    return plan(
        call("list_invoices", OWNER, to=FOUND),
        *([close] if close_first else []),
        typed.Bind(PAID, number(0)),
        loop,
        *([] if close_first else [close]),
        typed.Return(result),
        parameters=(OWNER, LIMIT),
        result=CENTS,
        requires=(
            op(Op.MAP_HAS, BALANCE, OWNER),
            op(Op.GE, at(BALANCE, OWNER), LIMIT),
            op(Op.NOT, CLOSED),
        ),
        ensures=(
            op(Op.LE, Ref("result", CENTS), LIMIT),
            op(Op.EQ, at(BALANCE, OWNER), taken),
        ),
    )


def invoice(payee: OpaqueValue, amount: int) -> RecordValue:
    return RecordValue("Invoice", (payee, amount, False))


def invoices(*items: RecordValue) -> ListValue:
    return ListValue(items)


def pay_run(
    main: typed.Plan,
    *items: RecordValue,
    limit: int = 1,
    a: int = 1,
    b: int = 0,
    fails: tuple[bool, ...] = (),
) -> Run:
    honest = Honest(
        fails,
        owner=A,
        limit=limit,
        balance=balances(a=a, b=b),
        **{"result of list_invoices": invoices(*items)},
    )
    return run(lower(TREASURY, main), honest)


RIGHT = (SELF_PAYMENT, WITHIN)


def test_the_right_plan_ends_whatever_fails() -> None:
    for fails in ((), (True,), (False, True), (True, True, True)):
        result = pay_run(
            pay(*RIGHT), invoice(B, 1), invoice(B, 2), invoice(A, 1), limit=3, a=3, fails=fails
        )
        assert isinstance(result.outcome, Finished), result.outcome
        paid = {(): 3, (True,): 2, (False, True): 1, (True, True, True): 0}[fails]
        assert result.outcome == Finished(paid, False, "")
        assert result.store["balance"] == balances(a=3 - paid, b=paid)


def test_the_trace_of_the_right_plan() -> None:
    result = pay_run(pay(*RIGHT), invoice(B, 1), fails=(True,))
    assert events(result) == [
        "list_invoices(OpaqueValue(type='Account', index=0))",
        "returned",
        f"transfer({A}, {B}, 1)",
        "failed",
        "close_books()",
        "returned",
        "ended",
    ]
    assert result.trace[-1].resources == (("calls", 3), ("seconds", 7))


def test_paying_oneself_breaks_a_requires() -> None:
    assert violated(pay_run(pay(WITHIN), invoice(A, 1))) == (Kind.REQUIRES, "transfer#2")


def test_forgetting_what_was_paid_breaks_a_requires() -> None:
    each_within = op(Op.LE, EACH_AMOUNT, LIMIT)
    result = pay_run(pay(SELF_PAYMENT, each_within), invoice(B, 1), invoice(B, 1))
    # The loop invariant `paid <= limit` would be owed only after the second transfer.
    assert violated(result) == (Kind.REQUIRES, "transfer#4")


def test_counting_a_failed_payment_breaks_the_invariant() -> None:
    right = pay_run(pay(*RIGHT, after_try=True), invoice(B, 1))
    assert isinstance(right.outcome, Finished)
    wrong = pay_run(pay(*RIGHT, after_try=True), invoice(B, 1), fails=(True,))
    assert violated(wrong) == (Kind.LOOP_STEP, "invariant#2")


def test_a_wrong_result_breaks_an_ensures() -> None:
    result = pay_run(pay(*RIGHT, result=number(0)), invoice(B, 1))
    assert violated(result) == (Kind.ENSURES, "main#2")


def test_a_requires_that_is_false_at_the_start_is_no_run() -> None:
    assert not isinstance(pay_run(pay(*RIGHT), limit=2, a=1).outcome, Finished | Violated)


def test_the_worst_case_reaches_the_budget_and_not_more() -> None:
    many = [invoice(B, 1)] * 3
    assert isinstance(pay_run(pay(*RIGHT), *many, limit=3, a=3).outcome, Finished)
    tight = world(LIST_INVOICES, transfer(), CLOSE_BOOKS, policies=(policy((), (("calls", 4),)),))
    honest = Honest(
        (),
        owner=A,
        limit=3,
        balance=balances(a=3, b=0),
        **{"result of list_invoices": invoices(*many)},
    )
    assert violated(run(lower(tight, pay(*RIGHT)), honest)) == (Kind.BUDGET, "calls")


def test_steps_max_bounds_every_run() -> None:
    program = lower(TREASURY, pay(*RIGHT))
    result = pay_run(pay(*RIGHT), *[invoice(B, 1)] * 3, limit=3, a=3)
    assert 0 < result.steps <= program.steps_max


def test_obligations_are_numbered_in_program_order() -> None:
    program = lower(TREASURY, pay(*RIGHT))
    seen = [each.tag.id for each in statements(program.body) if isinstance(each, core.Assert)]
    assert seen == sorted(seen)
    assert kinds(program, Kind.REQUIRES) == [
        *(f"transfer#{each}" for each in range(1, 5)),
        "close_books#1",
    ]
    assert kinds(program, Kind.INVARIANT) == ["conserved"]


def test_every_call_and_branch_asks_for_a_witness() -> None:
    program = lower(TREASURY, pay(*RIGHT))
    assert kinds(program, Kind.WITNESS) == [
        "list_invoices",
        "list_invoices returned",
        "body",
        "then",
        "transfer",
        "transfer returned",
        "handler",
        "close_books",
        "close_books returned",
        "end",
    ]
    everything = [
        pay_run(pay(*RIGHT), invoice(B, 1)),
        pay_run(pay(*RIGHT), invoice(B, 1), fails=(True,)),
    ]
    reached = {each for result in everything for each in result.reached}
    assert reached == {each.id for each in program.tags if each.kind is Kind.WITNESS}


def test_every_variable_has_a_type_that_every_store_respects() -> None:
    program = lower(TREASURY, pay(*RIGHT))
    types = {each.name: each.type for each in program.variables}
    result = pay_run(pay(*RIGHT), invoice(B, 1))
    assert result.store.keys() <= types.keys()
    for name, value in result.store.items():
        assert conforms(value, types[name])


# ---- calls ----


def test_a_place_that_is_not_named_keeps_its_value() -> None:
    result = pay_run(pay(*RIGHT), invoice(B, 1))
    assert result.store["closed"] is True
    program = lower(
        world(transfer()),
        plan(call("transfer", Literal(A, ACCOUNT), Literal(B, ACCOUNT), number(1))),
    )
    after = run(program, Honest((), balance=balances(a=1, b=0, c=7), closed=True))
    assert after.store["balance"] == balances(a=0, b=1, c=7)
    assert after.store["closed"] is True


def test_arguments_owe_their_parameter_s_type() -> None:
    program = lower(
        world(transfer()),
        plan(
            call("transfer", SOURCE, TARGET, minus(number(0), number(1))),
            parameters=(SOURCE, TARGET),
        ),
    )
    assert violated(run(program, Told())) == (Kind.REFINEMENT, "Cents")


def test_cost_is_charged_before_a_failing_attempt_and_the_budget_is_asserted_first() -> None:
    main = plan(
        typed.Try(block(call("probe")), block()),
        typed.Try(block(call("probe")), block()),
        budgets=(("seconds", 1),),
    )
    result = run(lower(world(PROBE), main), Told(probe__fails=True))
    assert violated(result) == (Kind.BUDGET, "seconds")
    assert events(result) == ["probe()", "failed"]
    assert result.store["#calls"] == 2


def test_a_failure_outside_try_aborts_the_plan() -> None:
    result = run(
        lower(world(PROBE), plan(call("probe"), ensures=(FALSE,))), Told(probe__fails=True)
    )
    assert result.outcome == Finished(None, True, "a call failed outside `try`")


def dirty_transfer(leaving: Expr | None = None) -> core.Program:
    main = plan(
        typed.Try(block(call("transfer", SOURCE, TARGET, number(1))), block()),
        parameters=(SOURCE, TARGET),
    )
    rules = policy((("conserved", CONSERVED),))
    where = world(transfer(dirty=True, leaving=leaving), policies=(rules,))
    return lower(where, main)


def dirty_run(program: core.Program, dirty: bool, a: int, b: int) -> Run:
    return run(
        program,
        Told(
            source=A,
            target=B,
            balance=balances(a=5, b=5),
            transfer__fails=True,
            transfer__fails__dirty=dirty,
            **{"transfer:0 balance[...]": a, "transfer:1 balance[...]": b},
        ),
    )


def test_a_dirty_failure_may_leave_anything_in_the_frame() -> None:
    result = dirty_run(dirty_transfer(), True, 0, 9)
    assert violated(result) == (Kind.INVARIANT, "conserved")
    assert events(result)[-1] == Outcome.FAILED_DIRTY.value
    assert result.store["balance"] == balances(a=0, b=9)


def test_a_dirty_tool_may_fail_cleanly_too() -> None:
    result = dirty_run(dirty_transfer(), False, 0, 9)
    assert isinstance(result.outcome, Finished)
    assert "failed" in events(result)
    assert result.store["balance"] == balances(a=5, b=5)


def test_leaving_is_what_a_dirty_failure_still_promises() -> None:
    total = op(
        Op.EQ,
        plus(at(BALANCE, SOURCE), at(BALANCE, TARGET)),
        plus(at(old(BALANCE), SOURCE), at(old(BALANCE), TARGET)),
    )
    program = dirty_transfer(total)
    assert not isinstance(dirty_run(program, True, 0, 9).outcome, Finished | Violated)
    kept = dirty_run(program, True, 0, 10)
    assert isinstance(kept.outcome, Finished)


def test_time_outs_are_listed_where_no_failure_covers_them() -> None:
    def timing(which: typed.Tool) -> bool:
        program = lower(world(which), plan(call(which.name)))
        return any(each.kind == "timing" for each in program.assumptions)

    assert timing(tool("t"))
    assert timing(tool("t", fails=True))
    assert timing(tool("t", idempotent=True))
    assert not timing(tool("t", fails=True, idempotent=True))
    assert not timing(tool("t", fails=True, dirty=True))


def test_what_a_plan_rests_on_is_listed() -> None:
    program = lower(TREASURY, pay(*RIGHT))
    listed = {(each.kind, each.of) for each in program.assumptions}
    assert {
        ("tool-contract", "transfer"),
        ("tool-contract", "close_books"),
        ("frame", "transfer"),
        ("exclusive-state", "treasury"),
        ("invariant-at-start", "conserved"),
        ("requires-at-start", "main"),
        ("timing", "close_books"),
        ("undetermined-type", "list_invoices"),
    } <= listed
    assert ("undetermined-type", "transfer") not in listed


def test_a_key_that_mentions_changed_state_is_that_before_the_call() -> None:
    current = Ref("current", ACCOUNT)
    states = {**STATES, "current": typed.State("current", "", ACCOUNT, None, False)}
    # The call changes `current` and the balance at what it was.
    move = tool(
        "move",
        (),
        None,
        (op(Op.MAP_HAS, BALANCE, current),),
        (op(Op.NE, current, old(current)),),
        (place(current), place(BALANCE, current)),
    )
    where = typed.World(domain(move, states=states), ())
    program = lower(where, plan(call("move")))
    told = Told(balance=balances(a=1, b=2), **{"move:1 balance[...]": 7})
    choices = iter((A, B))

    class Moving:
        def choose(self, havoc: Havoc, iterations: Iterations, store: Mapping[str, Value]) -> Value:
            if havoc.target == "current":
                return next(choices)
            return told.choose(havoc, iterations, store)

        def apply(self, function: str, arguments: tuple[Value, ...], type: Type) -> Value:
            raise AssertionError((function, arguments, type))

    after = run(program, Moving())
    assert isinstance(after.outcome, Finished)
    assert after.store["current"] == B
    assert after.store["balance"] == balances(a=7, b=2)


# ---- observed state ----


def observed_world(observer: typed.Tool = READ_BALANCE) -> typed.World:
    states = {**STATES, "balance": typed.State("balance", "", BALANCES, observer.name, False)}
    return typed.World(domain(observer, NEXT, states=states), ())


def test_reading_observed_state_calls_the_observer_once_for_each_statement() -> None:
    here = Literal(A, ACCOUNT)
    both = op(Op.AND, op(Op.MAP_HAS, BALANCE, here), op(Op.GT, at(BALANCE, here), number(0)))
    main = plan(typed.Check(both, "none"), typed.If(both, block(), None))
    program = lower(observed_world(), main)
    result = run(program, Told(balance=balances(a=1), result__of__read_balance=balances(a=1)))
    assert events(result) == ["read_balance()", "returned"] * 2 + ["ended"]
    assert result.store["#calls"] == 2
    assert any(each.kind == "observer" for each in program.assumptions)


def test_an_observer_that_lies_is_no_run() -> None:
    main = plan(typed.Check(op(Op.MAP_HAS, BALANCE, Literal(A, ACCOUNT)), "none"))
    result = run(lower(observed_world(), main), Told(balance=balances(a=1)))
    assert not isinstance(result.outcome, Finished | Violated)


def test_reasoning_about_state_observes_nothing() -> None:
    known = op(Op.MAP_HAS, BALANCE, Literal(A, ACCOUNT))
    main = plan(typed.Assert(clause(known)), ensures=(known,), requires=(known,))
    result = run(lower(observed_world(), main), Told(balance=balances(a=1)))
    assert events(result) == ["ended"]


def test_code_that_reads_unobserved_state_has_no_program() -> None:
    main = plan(typed.Check(CLOSED, "open"))
    program, diagnostics = lower_plan(typed.PlanSet("", {"main": main}), "main", TREASURY)
    assert program is None
    assert [each.code for each in diagnostics] == ["unobserved-state"]


# ---- control ----

X = Ref("x", INT)


def test_a_false_check_aborts_through_every_try() -> None:
    main = plan(
        typed.Try(block(typed.Check(FALSE, "stop here")), block(call("next"))), call("next")
    )
    result = run(lower(world(NEXT), main), Told())
    assert events(result) == ["aborted: stop here"]
    assert result.outcome == Finished(None, True, "stop here")


def test_abort_in_a_plan_that_is_called_ends_the_caller_too() -> None:
    inner = plan(typed.Abort("inner"), name="inner")
    main = plan(typed.Try(block(call_plan("inner")), block(call("next"))), ensures=(FALSE,))
    result = run(lower(world(NEXT), main, inner), Told())
    assert result.outcome == Finished(None, True, "inner")


def test_a_failure_in_a_plan_that_is_called_goes_to_the_caller_s_try() -> None:
    inner = plan(call("next"), call("probe"), call("next"), name="inner", ensures=(FALSE,))
    main = plan(typed.Try(block(call_plan("inner")), block(call("next"))))
    result = run(lower(world(NEXT, PROBE), main, inner), Told(probe__fails=True))
    assert events(result) == [
        "next()",
        "returned",
        "probe()",
        "failed",
        "next()",
        "returned",
        "ended",
    ]


def test_return_in_a_plan_that_is_called_returns_to_the_caller() -> None:
    inner = plan(
        typed.Repeat(3, (), block(typed.Try(block(typed.Return(number(7))), block()))),
        typed.Return(number(8)),
        name="inner",
        result=INT,
    )
    main = plan(
        call_plan("inner", to=X),
        typed.Assert(clause(op(Op.EQ, X, number(7)))),
        typed.Return(plus(X, number(1))),
        result=INT,
    )
    assert run(lower(world(), main, inner), Told()).outcome == Finished(8, False, "")


def test_break_leaves_the_loop_and_not_the_one_around() -> None:
    inner = typed.Repeat(3, (), block(call("next"), typed.Try(block(typed.Break()), block())))
    main = plan(typed.Repeat(2, (), block(inner)))
    result = run(lower(world(NEXT), main), Told())
    assert events(result).count("next()") == 2


def test_break_inside_a_called_plan_s_loop_does_not_mark_the_caller_s() -> None:
    inner = plan(typed.Repeat(3, (), block(typed.Break())), name="inner")
    main = plan(typed.Repeat(2, (), block(call_plan("inner"), call("next"))))
    program = lower(world(NEXT), main, inner)
    catches = [
        each
        for each in statements(program.body)
        if isinstance(each, core.Try) and each.exit is core.Exit.BREAK
    ]
    assert len(catches) == 1
    assert events(run(program, Told())).count("next()") == 2


def test_what_a_failed_body_assigned_stands() -> None:
    main = plan(
        typed.Bind(X, number(0)),
        typed.Try(
            block(typed.Bind(X, number(1)), call("probe"), typed.Bind(X, number(2))), block()
        ),
        typed.Return(X),
        result=INT,
    )
    program = lower(world(PROBE), main)
    assert run(program, Told(probe__fails=True)).outcome == Finished(1, False, "")
    assert run(program, Told()).outcome == Finished(2, False, "")


def test_an_else_if_asks_for_no_witness_of_its_own() -> None:
    last = typed.If(FALSE, block(), block())
    program = lower(world(), plan(typed.If(TRUE, block(), block(last))))
    assert kinds(program, Kind.WITNESS) == ["then", "then", "else", "end"]


# ---- loops ----


def looped(loop: typed.Statement, *before: typed.Statement) -> core.Program:
    return lower(world(NEXT), plan(typed.Bind(X, number(0)), *before, loop))


EYE = Ref("i", INT)


def for_range(
    low: Expr, high: Expr, bound: int, *body: typed.Statement, invariant: Expr = TRUE
) -> typed.ForRange:
    return typed.ForRange(EYE, low, high, bound, True, (clause(invariant),), block(*body))


def test_a_range_runs_from_low_up_to_not_including_high() -> None:
    add = typed.Bind(X, plus(X, EYE))
    result = run(looped(for_range(number(2), number(5), 3, add)), Told())
    assert result.store["x"] == 2 + 3 + 4


def test_an_empty_or_backward_range_does_nothing() -> None:
    for high in (2, -7):
        result = run(
            looped(for_range(number(2), number(high), 0, typed.Bind(X, number(9)))), Told()
        )
        assert isinstance(result.outcome, Finished)
        assert result.store["x"] == 0


def test_a_range_longer_than_its_max_is_refuted() -> None:
    assert violated(run(looped(for_range(number(2), number(6), 3)), Told())) == (
        Kind.TERMINATION,
        "at most 3",
    )


def test_the_ends_of_a_range_are_evaluated_once() -> None:
    grow = typed.Bind(X, plus(X, number(1)))
    loop = for_range(X, plus(X, number(2)), 2, grow)
    assert run(looped(loop), Told()).store["x"] == 2


def test_in_the_invariant_of_a_range_i_is_low_plus_what_was_done() -> None:
    at_head = op(Op.EQ, X, op(Op.MUL, EYE, number(2), type=INT))
    grow = typed.Bind(X, plus(X, number(2)))
    start = typed.Bind(X, number(6))
    assert isinstance(
        run(
            looped(for_range(number(3), number(6), 3, grow, invariant=at_head), start), Told()
        ).outcome,
        Finished,
    )
    off = op(Op.EQ, X, EYE)
    wrong = run(looped(for_range(number(3), number(6), 3, grow, invariant=off), start), Told())
    assert violated(wrong) == (Kind.LOOP_ENTRY, "invariant#1")


def test_a_list_is_evaluated_once_and_in_order() -> None:
    numbers = Ref("xs", ListType(INT, 4))
    value = Literal(ListValue((1, 2, 3)), numbers.type)
    each = Ref("each", INT)
    shrink = typed.Bind(numbers, Literal(ListValue(()), numbers.type))
    digits = typed.Bind(X, plus(op(Op.MUL, X, number(10), type=INT), each))
    loop = typed.ForIn(
        INDEX, each, numbers, 4, (clause(op(Op.LE, INDEX, number(3))),), block(shrink, digits)
    )
    result = run(looped(loop, typed.Bind(numbers, value)), Told())
    assert isinstance(result.outcome, Finished)
    assert result.store["x"] == 123


def test_a_while_owes_its_three_obligations() -> None:
    falls = typed.Bind(X, minus(X, number(1)))

    def counting(test: Expr, start: int, *body: typed.Statement) -> Run:
        loop = typed.While(test, clause(X), 3, (), block(*body))
        return run(looped(loop, typed.Bind(X, number(start))), Told())

    positive = op(Op.GT, X, number(0))
    assert isinstance(counting(positive, 3, falls).outcome, Finished)
    assert violated(counting(positive, 4, falls)) == (Kind.TERMINATION, "at most 3")
    assert violated(counting(op(Op.GE, X, number(0)), 3, falls)) == (Kind.TERMINATION, "positive")
    assert violated(counting(positive, 3)) == (Kind.TERMINATION, "decreases")


def test_the_condition_of_a_while_is_owed_at_every_head() -> None:
    # The divisor is 0 only at the second head.
    quotient = op(Op.DIV, number(6), minus(X, number(1)), type=INT)
    loop = typed.While(
        op(Op.NE, quotient, number(9)), clause(X), 3, (), block(typed.Bind(X, minus(X, number(1))))
    )
    result = run(looped(loop, typed.Bind(X, number(2))), Told())
    assert violated(result)[0] is Kind.DEFINED
    assert result.store["x"] == 1


def test_an_invariant_is_defined_under_those_before_it() -> None:
    not_zero = op(Op.NE, X, number(0))
    small = op(Op.LE, op(Op.DIV, number(6), X, type=INT), number(6))
    loop = typed.Repeat(1, (clause(not_zero), clause(small)), block())
    program = looped(loop, typed.Bind(X, number(3)))
    [made] = [each for each in statements(program.body) if isinstance(each, core.Loop)]
    assert [each.entry.kind for each in made.invariants] == [
        Kind.LOOP_ENTRY,
        Kind.DEFINED,
        Kind.LOOP_ENTRY,
    ]
    assert violated(run(looped(loop), Told())) == (Kind.LOOP_ENTRY, "invariant#1")


# ---- plans that call plans ----


def test_a_called_plan_owes_its_contract_at_the_call() -> None:
    value = Ref("value", CENTS)
    inner = plan(
        typed.Return(value),
        name="inner",
        parameters=(value,),
        result=CENTS,
        requires=(op(Op.GT, value, number(0)),),
        ensures=(op(Op.GT, Ref("result", CENTS), number(1)),),
    )

    def calling(argument: int) -> Run:
        return run(lower(world(), plan(call_plan("inner", number(argument))), inner), Told())

    assert isinstance(calling(2).outcome, Finished)
    assert violated(calling(1)) == (Kind.ENSURES, "inner#1")
    assert violated(calling(0)) == (Kind.REQUIRES, "inner#1")
    assert violated(calling(-1)) == (Kind.REFINEMENT, "Cents")


def test_old_in_a_called_plan_is_the_state_at_its_own_start() -> None:
    unchanged = op(Op.EQ, BALANCE, old(BALANCE))
    inner = plan(name="inner", ensures=(unchanged,))
    here, there = Literal(A, ACCOUNT), Literal(B, ACCOUNT)
    main = plan(call("transfer", here, there, number(1)), call_plan("inner"))
    where = world(transfer())
    result = run(lower(where, main, inner), Honest((), balance=balances(a=1, b=0)))
    assert isinstance(result.outcome, Finished)
    same = plan(*main.body.statements, ensures=(unchanged,))
    refuted = run(lower(where, same, inner), Honest((), balance=balances(a=1, b=0)))
    assert violated(refuted) == (Kind.ENSURES, "main#1")


def test_a_called_plan_s_budget_counts_from_its_own_start() -> None:
    inner = plan(call("next"), name="inner", budgets=(("calls", 1),))
    main = plan(call("next"), call_plan("inner"), call_plan("inner"), budgets=(("calls", 3),))
    assert isinstance(run(lower(world(NEXT), main, inner), Told()).outcome, Finished)
    short = plan(*main.body.statements, budgets=(("calls", 2),))
    result = run(lower(world(NEXT), short, inner), Told())
    assert violated(result) == (Kind.BUDGET, "calls")
    twice = plan(call("next"), call("next"), name="inner", budgets=(("calls", 1),))
    result = run(lower(world(NEXT), main, twice), Told())
    assert violated(result) == (Kind.BUDGET, "calls")
    assert result.store["#calls"] == 3


def test_the_budget_of_a_called_plan_ends_with_it() -> None:
    inner = plan(call("next"), name="inner", budgets=(("calls", 1),))
    main = plan(call_plan("inner"), call("next"), call("next"))
    assert isinstance(run(lower(world(NEXT), main, inner), Told()).outcome, Finished)


def test_names_of_caller_and_called_do_not_meet() -> None:
    inner = plan(typed.Bind(X, number(9)), name="inner")
    main = plan(typed.Bind(X, number(1)), call_plan("inner"), typed.Return(X), result=INT)
    assert run(lower(world(), main, inner), Told()).outcome == Finished(1, False, "")


# ---- the frame of a plan ----


def test_a_plan_may_change_only_what_it_says() -> None:
    def moving(*modifies: typed.Place) -> Run:
        main = plan(
            call("transfer", SOURCE, TARGET, number(1)),
            parameters=(SOURCE, TARGET),
            modifies=modifies,
        )
        honest = Honest((), source=A, target=B, balance=balances(a=1, b=0))
        return run(lower(world(transfer()), main), honest)

    keyed = (place(BALANCE, SOURCE), place(BALANCE, TARGET))
    assert isinstance(moving(*keyed).outcome, Finished)
    assert isinstance(moving(place(BALANCE)).outcome, Finished)
    assert violated(moving(keyed[0])) == (Kind.ENSURES, "modifies")
    assert violated(moving(place(CLOSED))) == (Kind.ENSURES, "modifies")
    assert violated(moving()) == (Kind.ENSURES, "modifies")


# ---- what expressions owe ----


def owed(expr: Expr, *, of: tuple[Ref, ...]) -> list[str]:
    program = lower(world(), plan(typed.Assert(clause(expr)), parameters=of))
    return [each.kind.value for each in program.tags if each.kind is not Kind.WITNESS]


M, K = Ref("m", MapType(ACCOUNT, INT)), Ref("k", ACCOUNT)
HAS, GETS = op(Op.MAP_HAS, M, K), op(Op.GT, at(M, K), number(0))


def test_a_guard_that_says_it_word_by_word_is_enough() -> None:
    assert owed(op(Op.AND, HAS, GETS), of=(M, K)) == ["assert"]
    assert owed(op(Op.IMPLIES, HAS, GETS), of=(M, K)) == ["assert"]
    assert owed(op(Op.AND, TRUE, op(Op.AND, HAS, TRUE), GETS), of=(M, K)) == ["assert"]
    assert owed(op(Op.AND, GETS, HAS), of=(M, K)) == ["defined", "assert"]
    assert owed(op(Op.OR, HAS, GETS), of=(M, K)) == ["defined", "assert"]


def refute(expr: Expr, of: tuple[Ref, ...], **values: Value) -> Run:
    return run(lower(world(), plan(typed.Assert(clause(expr)), parameters=of)), Told(**values))


def test_an_or_guards_by_what_is_false() -> None:
    absent = op(Op.OR, op(Op.NOT, HAS), GETS)
    assert isinstance(refute(absent, (M, K), m=balances(), k=A).outcome, Finished)
    assert isinstance(refute(absent, (M, K), m=balances(a=1), k=A).outcome, Finished)
    present = op(Op.OR, HAS, GETS)
    assert violated(refute(present, (M, K), m=balances(), k=A))[0] is Kind.DEFINED


def test_both_branches_of_a_conditional_are_guarded() -> None:
    inverse = op(Op.DIV, number(1), X, type=INT)
    zero = op(Op.EQ, X, number(0))
    good = op(Op.EQ, Conditional(zero, number(1), inverse, INT), number(1))
    wrong = op(Op.EQ, Conditional(zero, inverse, number(1), INT), number(1))
    assert isinstance(refute(good, (X,), x=0).outcome, Finished)
    assert isinstance(refute(good, (X,), x=1).outcome, Finished)
    assert violated(refute(wrong, (X,), x=0))[0] is Kind.DEFINED


def test_a_binder_owes_for_every_item() -> None:
    numbers = Ref("xs", ListType(INT, 4))
    each = Ref("e", INT)
    inverse = op(Op.DIV, number(1), each, type=INT)
    total = op(Op.GE, Total(each, Items(numbers), None, inverse, INT), number(0))
    filtered = Total(each, Items(numbers), op(Op.NE, each, number(0)), inverse, INT)
    with_zero = ListValue((1, 0))
    assert violated(refute(total, (numbers,), xs=with_zero))[0] is Kind.DEFINED
    clean = refute(op(Op.GE, filtered, number(0)), (numbers,), xs=with_zero)
    assert isinstance(clean.outcome, Finished)


def test_values_inside_an_expression_owe_their_type() -> None:
    made = core.Make((K, minus(X, number(1)), FALSE), INVOICE)
    same = op(Op.EQ, made, made)
    assert violated(refute(same, (K, X), k=A, x=0)) == (Kind.REFINEMENT, "Cents")
    assert isinstance(refute(same, (K, X), k=A, x=1).outcome, Finished)
    put = op(Op.MAP_PUT, BALANCE, K, X, type=BALANCES)
    entry = op(Op.MAP_HAS, put, K)
    assert violated(refute(entry, (K, X), k=A, x=-1)) == (Kind.REFINEMENT, "Cents")


@pytest.mark.parametrize(
    ("expected", "actual", "good", "bad"),
    [
        (ListType(CENTS, 2), ListType(INT, 3), ListValue((0, 1)), ListValue((0, -1))),
        (ListType(INT, 2), ListType(INT, 3), ListValue((0, 1)), ListValue((0, 1, 2))),
        (OptionType(CENTS), OptionType(INT), core.NoneValue(), core.SomeValue(-1)),
        (MapType(ACCOUNT, CENTS), MapType(ACCOUNT, INT), balances(a=1), balances(a=1, b=-1)),
        (MapType(ACCOUNT, INT, 1), MapType(ACCOUNT, INT), balances(a=1), balances(a=1, b=1)),
        (
            MapType(CENTS, BOOL),
            MapType(INT, BOOL),
            MapValue(frozenset({(1, True)})),
            MapValue(frozenset({(-1, True)})),
        ),
        (
            TupleType((INT, CENTS)),
            TupleType((INT, INT)),
            core.TupleValue((-1, 1)),
            core.TupleValue((1, -1)),
        ),
    ],
)
def test_a_value_entering_a_type_owes_all_of_it(
    expected: Type, actual: Type, good: Value, bad: Value
) -> None:
    given, target = Ref("given", actual), Ref("target", expected)
    program = lower(world(), plan(typed.Bind(target, given), parameters=(given,)))
    assert isinstance(run(program, Told(given=good)).outcome, Finished)
    assert not conforms(bad, expected)
    assert violated(run(program, Told(given=bad)))[0] is Kind.REFINEMENT


def test_a_value_whose_type_fits_owes_nothing() -> None:
    given = Ref("given", ListType(CENTS, 2))
    target = Ref("target", ListType(INT, 3))
    program = lower(world(), plan(typed.Bind(target, given), parameters=(given,)))
    assert kinds(program, Kind.REFINEMENT) == []


def test_bound_variables_are_unique_in_a_program() -> None:
    numbers = Ref("xs", ListType(INT, 4))
    each = Ref("e", INT)
    all_of = Quantified(True, each, Items(numbers), op(Op.GE, each, number(0)))
    inverse = op(Op.GT, op(Op.DIV, number(1), X, type=INT), number(0))
    guarded = op(Op.AND, all_of, inverse)
    given = Items(Ref("result", numbers.type))
    promised = Quantified(True, each, given, op(Op.GE, each, number(0)))
    give = tool("give", (), numbers.type, ensures=(promised,))
    main = plan(typed.Assert(clause(guarded)), call("give"), call("give"), parameters=(numbers, X))
    program = lower(world(give), main)
    names = []
    for statement in statements(program.body):
        if isinstance(statement, core.Assert | core.Assume):
            names += list(binders(statement.condition))
    assert len(names) == 4
    assert len(set(names)) == len(names)


def binders(expr: Expr) -> Iterator[str]:
    from planproof.spec.semantics import children

    if isinstance(expr, Quantified | Total | core.First):
        yield expr.variable.name
    for each in children(expr):
        yield from binders(each)


# ---- domains ----


def world_run(where: typed.World, name: str, **values: Value) -> Run:
    [program] = [each for each in lower_world(where) if each.name == name]
    return run(program, Told(**values))


def contract(*tools: typed.Tool) -> typed.World:
    return typed.World(domain(*tools, types={"Cents": CENTS}), ())


WEAK = tuple(each for each in TRANSFER_REQUIRES if each is not TRANSFER_REQUIRES[3])
AFTER_TRANSFER = {"after 0 balance[...]": 0, "after 1 balance[...]": 0}


def transfer_contract(where: typed.World, a: int, b: int, amount: int, to: Value = B) -> Run:
    return world_run(
        where,
        "tool transfer",
        source=A,
        target=to,
        amount=amount,
        balance=balances(a=a, b=b),
        **{
            "after 0 balance[...]": a - amount,
            "after 1 balance[...]": b + amount,
        },
    )


def test_a_strong_contract_keeps_its_types() -> None:
    result = transfer_contract(contract(transfer()), 5, 1, 5)
    assert isinstance(result.outcome, Finished), result.outcome


def test_a_contract_too_weak_to_keep_its_types_is_refuted() -> None:
    result = transfer_contract(contract(transfer(requires=WEAK)), 1, 1, 5)
    assert violated(result) == (Kind.CONSISTENT, "transfer balance[...]")
    assert result.inputs == (("source", A), ("target", B), ("amount", 5))
    assert result.initial == (("balance", balances(a=1, b=1)), ("closed", False))


def test_places_that_may_be_the_same_are_refuted() -> None:
    aliased = tuple(each for each in TRANSFER_REQUIRES if each is not TRANSFER_REQUIRES[1])
    result = transfer_contract(contract(transfer(requires=aliased)), 5, 1, 5, to=A)
    assert violated(result) == (Kind.CONSISTENT, "transfer modifies")


def test_a_place_that_may_be_absent_is_refuted() -> None:
    result = world_run(
        contract(transfer(requires=TRANSFER_REQUIRES[:2])),
        "tool transfer",
        source=A,
        target=B,
        amount=1,
        balance=balances(b=1),
    )
    assert violated(result) == (Kind.CONSISTENT, "transfer modifies")


def test_clauses_are_defined_under_those_before_them() -> None:
    backwards = (TRANSFER_REQUIRES[3], *TRANSFER_REQUIRES[:3])
    result = world_run(
        contract(transfer(requires=backwards)),
        "tool transfer",
        source=A,
        target=B,
        amount=1,
        balance=balances(),
    )
    assert violated(result)[0] is Kind.DEFINED


def test_a_dirty_failure_s_promise_is_checked_too() -> None:
    below = op(Op.EQ, at(BALANCE, SOURCE), minus(at(old(BALANCE), SOURCE), plus(AMOUNT, number(1))))
    where = contract(transfer(dirty=True, leaving=below))
    result = world_run(
        where,
        "tool transfer",
        source=A,
        target=B,
        amount=5,
        balance=balances(a=5, b=0),
        **{"transfer returns": False, "left 0 balance[...]": -1},
    )
    assert violated(result) == (Kind.CONSISTENT, "transfer balance[...]")


def test_what_no_clause_determines_is_an_assumption() -> None:
    some_promise = (op(Op.LE, at(BALANCE, SOURCE), at(old(BALANCE), SOURCE)),)
    where = contract(transfer(ensures=some_promise))
    [program] = [each for each in lower_world(where) if each.name == "tool transfer"]
    assert [each.says for each in program.assumptions if each.kind == "undetermined-type"] == [
        "what it leaves in balance[...] is of its type"
    ]


def test_raw_values_carry_no_type_that_could_prove_itself() -> None:
    [program] = [each for each in lower_world(contract(transfer())) if each.name == "tool transfer"]
    promised = [
        each.condition
        for each in statements(program.body)
        if isinstance(each, core.Assume) and each.kind == "ensures"
    ]
    assert len(promised) == 2
    for condition in promised:
        assert isinstance(condition, Apply)
        assert condition.arguments[0].type == INT
    havocs = [
        each
        for each in statements(program.body)
        if isinstance(each, Havoc) and each.role is Role.FRAME
    ]
    assert [each.type for each in havocs] == [INT, INT]


SELF_BALANCES = Ref("self", BALANCES)
LEDGER = RefinedType(
    "Ledger", BALANCES, op(Op.LE, op(Op.MAP_SUM, SELF_BALANCES, type=INT), number(9))
)
BOOK = Ref("book", LEDGER)


def ledger(*ensures: Expr) -> typed.World:
    """One tool changes one entry of a map whose total is refined."""
    put = tool(
        "put",
        (SOURCE, AMOUNT),
        None,
        (op(Op.MAP_HAS, BOOK, SOURCE),),
        ensures,
        (place(BOOK, SOURCE),),
    )
    states = {"book": typed.State("book", "", LEDGER, None, False)}
    return typed.World(domain(put, states=states), ())


def test_a_place_in_a_refined_whole_owes_the_whole_where_it_is_determined() -> None:
    where = ledger(op(Op.EQ, at(BOOK, SOURCE), AMOUNT))

    def putting(amount: int) -> Run:
        return world_run(
            where,
            "tool put",
            source=A,
            amount=amount,
            book=balances(a=1, b=1),
            **{"after 0 book[...]": amount},
        )

    assert isinstance(putting(8).outcome, Finished)
    assert violated(putting(9)) == (Kind.CONSISTENT, "put Ledger")


def test_a_place_in_a_refined_whole_is_believed_where_it_is_not_determined() -> None:
    where = ledger(op(Op.GE, at(BOOK, SOURCE), AMOUNT))
    [program] = [each for each in lower_world(where) if each.name == "tool put"]
    assert "undetermined-type" in {each.kind for each in program.assumptions}
    main = lower(
        where,
        plan(
            call("put", SOURCE, AMOUNT),
            parameters=(SOURCE, AMOUNT),
            requires=(op(Op.MAP_HAS, BOOK, SOURCE),),
        ),
    )

    def putting(value: int) -> Run:
        return run(
            main, Told(source=A, amount=0, book=balances(a=1, b=1), **{"put:0 book[...]": value})
        )

    assert isinstance(putting(8).outcome, Finished)
    assert not isinstance(putting(9).outcome, Finished | Violated)


def test_what_claims_a_refinement_owes_it() -> None:
    even = RefinedType("Even", INVOICE, FieldOf(Ref("self", INVOICE), "disputed", BOOL))
    given = Ref("given", even)
    changed = core.WithField(given, "disputed", FALSE, even)
    made = core.Make((K, number(1), FALSE), even)
    whole: tuple[Expr, ...] = (changed, made)
    for claim in whole:
        program = lower(
            world(), plan(typed.Assert(clause(op(Op.EQ, claim, claim))), parameters=(given, K))
        )
        right = RecordValue("Invoice", (A, 1, True))
        assert violated(run(program, Told(given=right, k=A))) == (Kind.REFINEMENT, "Even")
    small = RefinedType("Small", INT, op(Op.LE, Ref("self", INT), number(2)))
    one = Ref("one", small)
    for claim in (op(Op.ADD, one, one, type=small), op(Op.MUL, one, number(3), type=small)):
        program = lower(
            world(), plan(typed.Assert(clause(op(Op.EQ, claim, claim))), parameters=(one,))
        )
        assert violated(run(program, Told(one=2))) == (Kind.REFINEMENT, "Small")


def test_a_negative_cost_is_refuted() -> None:
    paid = Ref("n", INT)
    where = contract(tool("t", (paid,), charges=(typed.Charge("seconds", paid),)))
    assert violated(world_run(where, "tool t", n=-1)) == (Kind.CONSISTENT, "seconds of t")
    assert isinstance(world_run(where, "tool t", n=0).outcome, Finished)


def test_a_refinement_must_be_inhabited_and_total() -> None:
    where = contract()
    result = world_run(where, "type Cents", **{"a value for Cents": 3})
    assert result.reached == (0,)
    [program] = lower_world(where)
    assert program.tags[0].kind is Kind.CONSISTENT
    self_ref = Ref("self", INT)
    inverse = op(Op.GT, op(Op.DIV, number(1), self_ref, type=INT), number(0))
    partial = RefinedType("Odd", INT, inverse)
    owing = typed.World(domain(types={"Odd": partial}), ())
    assert violated(world_run(owing, "type Odd"))[0] is Kind.DEFINED


def test_invariants_of_a_policy_have_a_value_in_every_state() -> None:
    here = op(Op.GE, at(BALANCE, Literal(A, ACCOUNT)), number(0))
    where = typed.World(domain(), (policy((("funded", here),)),))
    assert violated(world_run(where, "policy rules"))[0] is Kind.DEFINED


# ---- what is not verified yet ----


def test_rules_leave_a_program_and_a_diagnostic() -> None:
    from planproof.spec import syntax

    close = syntax.Pattern(syntax.Ident("close_books"), (), None, None)
    rule = syntax.RuleDecl(
        syntax.Ident("closed"), syntax.FinallyRule(close, False), "", words("rule closed")
    )
    rules = policy()
    with_rule = typed.Policy(rules.name, "", "treasury", {}, {}, (), (), (rule,), (), ())
    main = plan(call("next"))
    plans = typed.PlanSet("", {"main": main})
    program, diagnostics = lower_plan(plans, "main", typed.World(domain(NEXT), (with_rule,)))
    assert program is not None
    assert [(each.code, each.span.text) for each in diagnostics] == [
        ("not-yet-verified", "rule closed")
    ]


@pytest.mark.parametrize(
    "statement",
    [
        typed.Parallel((block(), block()), words("parallel")),
        typed.Bind(X, core.Unsupported("best", INT, words("best x in xs by x"))),
        typed.Assert(clause(core.Unsupported("once", BOOL, words("once(f())")))),
    ],
)
def test_what_has_no_meaning_yet_leaves_no_program(statement: typed.Statement) -> None:
    plans = typed.PlanSet("", {"main": plan(statement)})
    program, diagnostics = lower_plan(plans, "main", world())
    assert program is None
    assert [each.code for each in diagnostics] == ["not-yet-verified"]


def test_shared_state_leaves_no_program_where_it_is_mentioned() -> None:
    states = {**STATES, "closed": typed.State("closed", "", BOOL, None, True)}
    where = typed.World(domain(CLOSE_BOOKS, NEXT, states=states), ())
    mentioned = typed.PlanSet("", {"main": plan(call("close_books"))})
    program, diagnostics = lower_plan(mentioned, "main", where)
    assert program is None
    assert [each.code for each in diagnostics] == ["not-yet-verified"]
    elsewhere = typed.PlanSet("", {"main": plan(call("next"))})
    assert lower_plan(elsewhere, "main", where)[0] is not None


# ---- size ----


def test_a_plan_that_grows_beyond_the_limit_is_refused() -> None:
    plans = [plan(call("next"), call("next"), name="p0")]
    plans += [plan(*[call_plan(f"p{level - 1}")] * 4, name=f"p{level}") for level in range(1, 8)]
    limits = Limits(inlined_statements_max=5_000)
    given = typed.PlanSet("", {each.name: each for each in plans})
    program, diagnostics = lower_plan(given, "p7", world(NEXT), limits)
    assert program is None
    assert [each.code for each in diagnostics] == ["plan-too-large"]


def test_nesting_through_calls_is_refused_before_the_stack_ends() -> None:
    plans = [plan(call("next"), name="p0")]
    plans += [plan(call_plan(f"p{level - 1}"), name=f"p{level}") for level in range(1, 200)]
    given = typed.PlanSet("", {each.name: each for each in plans})
    program, diagnostics = lower_plan(given, "p199", world(NEXT))
    assert program is None
    assert [each.code for each in diagnostics] == ["nested-too-deeply"]


def test_the_deepest_plan_is_lowered_and_run() -> None:
    depth = Limits().nesting_depth_max - 1
    value: Expr = X
    for _ in range(depth):
        value = op(Op.DIV, Conditional(TRUE, value, X, INT), number(1), type=INT)
    body: typed.Statement = typed.Bind(X, value)
    for _ in range(depth):
        body = typed.Repeat(1, (), block(body, typed.Break()))
    program = lower(world(), plan(typed.Bind(X, number(4)), body))
    result = run(program, Told())
    assert isinstance(result.outcome, Finished)
    assert result.store["x"] == 4


def test_straight_line_plans_grow_linearly() -> None:
    def size(calls: int) -> tuple[int, int]:
        here, there = Literal(A, ACCOUNT), Literal(B, ACCOUNT)
        main = plan(*[call("transfer", here, there, number(1))] * calls)
        program = lower(TREASURY, main)
        return len(program.tags), len(list(statements(program.body)))

    one, ten, hundred = size(1), size(10), size(100)
    for small, middle, large in zip(one, ten, hundred, strict=True):
        assert (middle - small) * 10 == large - middle


def test_the_store_does_not_grow_with_the_number_of_calls() -> None:
    main = plan(*[call("next", to=X)] * 50)
    assert len(lower(world(NEXT), main).variables) < 12
