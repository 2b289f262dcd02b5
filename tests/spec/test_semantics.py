"""The reference interpreter, statement by statement and operator by operator."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from fractions import Fraction

import pytest

from planproof.spec.arithmetic import date_text, decimal_text, div, mod, time_text
from planproof.spec.core import (
    FALSE,
    TRUE,
    AllOf,
    Apply,
    Assert,
    Assign,
    Assume,
    Between,
    BudgetLine,
    CallBegins,
    CallEnds,
    Conditional,
    Ended,
    EnumValue,
    Exit,
    Expr,
    FieldOf,
    First,
    FirstItems,
    Havoc,
    If,
    Invariant,
    Items,
    Kind,
    ListValue,
    Literal,
    Loop,
    Make,
    MapValue,
    NoneValue,
    Op,
    OpaqueValue,
    Outcome,
    Program,
    Quantified,
    Raise,
    Reached,
    RecordValue,
    Ref,
    Role,
    Seq,
    SetValue,
    Skip,
    SomeValue,
    Statement,
    Tag,
    Total,
    Try,
    TupleValue,
    Uninterpreted,
    Unsupported,
    Value,
    Variable,
    WithField,
    number,
)
from planproof.spec.limits import Limits
from planproof.spec.semantics import (
    Finished,
    Infeasible,
    Iterations,
    OutOfFuel,
    Run,
    ScriptedAdversary,
    Stuck,
    Undecided,
    Undefined,
    Violated,
    conforms,
    default_value,
    evaluate,
    run,
    show,
    to_json,
)
from planproof.spec.source import NOWHERE
from planproof.spec.types import (
    BOOL,
    DATE,
    DECIMAL,
    INT,
    TIME,
    EnumType,
    ListType,
    MapType,
    OpaqueType,
    OptionType,
    RecordType,
    RefinedType,
    SetType,
    TextType,
    TupleType,
    Type,
)

ACCOUNT = OpaqueType("Account")
A, B, C = (OpaqueValue("Account", each) for each in range(3))
BALANCES = MapType(ACCOUNT, INT)
LIST = ListType(INT, 5)
X = Ref("x", INT)
POSITIVE = RefinedType("Positive", INT, Apply(Op.GT, (Ref("self", INT), number(0)), BOOL))
INVOICE = RecordType("Invoice", (("payee", ACCOUNT), ("amount", INT)))


def op(which: Op, *arguments: Expr, type: Type = BOOL) -> Apply:
    return Apply(which, arguments, type)


def ints(*values: int) -> Literal:
    return Literal(ListValue(values), LIST)


def balances(**entries: int) -> MapValue:
    names = {"a": A, "b": B, "c": C}
    return MapValue(frozenset((names[name], value) for name, value in entries.items()))


def tag(at: int, kind: Kind = Kind.ASSERT) -> Tag:
    return Tag(at, kind, f"tag {at}", NOWHERE, NOWHERE)


def program(*items: Statement, state: tuple[Variable, ...] = ()) -> Program:
    return Program("p", Seq(items), (), state, (), (), (), 0)


def outcome(*items: Statement, script: Mapping[tuple[int, Iterations], Value] | None = None) -> Run:
    return run(program(*items), ScriptedAdversary(script or {}))


def assign(name: str, value: int) -> Assign:
    return Assign(name, number(value))


def bump(name: str) -> Assign:
    return Assign(name, op(Op.ADD, Ref(name, INT), number(1), type=INT))


def loop(body: Statement, times: int = 3, counter: str = "i", site: int = 90) -> Loop:
    i, n = Ref(counter, INT), number(times)
    return Loop(
        op(Op.LT, i, n),
        body,
        (),
        op(Op.SUB, n, i, type=INT),
        times,
        None,
        None,
        None,
        counter,
        site,
    )


# ---- arithmetic ----


@pytest.mark.parametrize("a", range(-9, 10))
@pytest.mark.parametrize("b", [-4, -3, -1, 1, 3, 4])
def test_division_is_euclidean_for_all_signs(a: int, b: int) -> None:
    assert a == b * div(a, b) + mod(a, b)
    assert 0 <= mod(a, b) < abs(b)


def test_minus_seven_by_minus_two_is_four() -> None:
    assert (div(-7, -2), mod(-7, -2)) == (4, 1)
    assert evaluate(op(Op.DIV, number(-7), number(-2), type=INT), {}) == 4
    assert evaluate(op(Op.MOD, number(-7), number(2), type=INT), {}) == 1


@pytest.mark.parametrize("which", [Op.DIV, Op.MOD])
def test_division_by_zero_is_undefined(which: Op) -> None:
    with pytest.raises(Undefined):
        evaluate(op(which, number(1), number(0), type=INT), {})


def test_decimals_are_exact() -> None:
    third = op(
        Op.QUOTIENT, Literal(Fraction(1), DECIMAL), Literal(Fraction(3), DECIMAL), type=DECIMAL
    )
    three = Literal(Fraction(3), DECIMAL)
    product = evaluate(op(Op.MUL, third, three, type=DECIMAL), {})
    assert product == 1
    assert isinstance(product, Fraction)


def test_a_quotient_by_zero_is_undefined() -> None:
    zero = Literal(Fraction(0), DECIMAL)
    with pytest.raises(Undefined):
        evaluate(op(Op.QUOTIENT, zero, zero, type=DECIMAL), {})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(25, 2), "12.5"),
        (Fraction(-1, 4), "-0.25"),
        (Fraction(3), "3.0"),
        (Fraction(1, 3), "1/3"),
        (Fraction(0), "0.0"),
        (Fraction(-7, 1000), "-0.007"),
        (Fraction(10**20), "1" + "0" * 20 + ".0"),
    ],
)
def test_decimals_have_one_text_each(value: Fraction, text: str) -> None:
    assert decimal_text(value) == text
    assert Fraction(text) == value


@pytest.mark.parametrize(
    ("days", "text"),
    [
        (0, "1970-01-01"),
        (-1, "1969-12-31"),
        (11_016, "2000-02-29"),
        (20_544, "2026-04-01"),
        (2_932_897, "10000-01-01"),
        (-719_529, "-0001-12-31"),
    ],
)
def test_dates_of_any_year_have_a_text(days: int, text: str) -> None:
    # -719529 is the day before 0000-01-01, far outside what datetime knows.
    assert date_text(days) == text


def test_dates_agree_with_the_standard_library() -> None:
    for days in range(-700_000, 2_900_000, 9_973):
        expected = dt.date(1970, 1, 1) + dt.timedelta(days=days)
        assert date_text(days) == expected.isoformat()


def test_times_before_the_epoch_have_a_text() -> None:
    assert time_text(-1) == "1969-12-31T23:59:59Z"
    assert time_text(43_200) == "1970-01-01T12:00:00Z"


# ---- operators ----


def test_and_or_and_implies_do_not_look_right_of_what_decides() -> None:
    bad = op(Op.EQ, op(Op.DIV, number(1), number(0), type=INT), number(1))
    assert evaluate(op(Op.AND, FALSE, bad), {}) is False
    assert evaluate(op(Op.OR, TRUE, bad), {}) is True
    assert evaluate(op(Op.IMPLIES, FALSE, bad), {}) is True
    assert evaluate(Conditional(TRUE, number(1), number(2), INT), {}) == 1
    for undecided in (op(Op.AND, TRUE, bad), op(Op.OR, FALSE, bad), op(Op.AND, bad, FALSE)):
        with pytest.raises(Undefined):
            evaluate(undecided, {})


@pytest.mark.parametrize("index", [-1, 0, 7])
def test_an_item_outside_a_list_is_undefined(index: int) -> None:
    with pytest.raises(Undefined):
        evaluate(op(Op.LIST_GET, ints(), number(index), type=INT), {})


def test_python_does_not_count_from_the_end_here() -> None:
    with pytest.raises(Undefined):
        evaluate(op(Op.LIST_GET, ints(1, 2), number(-1), type=INT), {})


def test_an_absent_key_is_undefined() -> None:
    store: dict[str, Value] = {"m": balances(a=1), "k": B}
    m, k = Ref("m", BALANCES), Ref("k", ACCOUNT)
    assert evaluate(op(Op.MAP_HAS, m, k), store) is False
    with pytest.raises(Undefined):
        evaluate(op(Op.MAP_GET, m, k, type=INT), store)


def test_the_value_of_none_is_undefined() -> None:
    none = Literal(NoneValue(), OptionType(INT))
    assert evaluate(op(Op.IS_SOME, none), {}) is False
    with pytest.raises(Undefined):
        evaluate(op(Op.VALUE_OF, none, type=INT), {})
    some = op(Op.SOME, number(3), type=OptionType(INT))
    assert evaluate(op(Op.VALUE_OF, some, type=INT), {}) == 3


def test_equality_of_maps_is_equality_of_content() -> None:
    store: dict[str, Value] = {"m": balances(a=1), "b": B}
    m, b = Ref("m", BALANCES), Ref("b", ACCOUNT)
    put = op(Op.MAP_PUT, m, b, number(1), type=BALANCES)
    removed = op(Op.MAP_REMOVE, put, b, type=BALANCES)
    assert evaluate(op(Op.EQ, removed, m), store) is True
    assert evaluate(op(Op.EQ, put, m), store) is False
    twice = op(Op.MAP_PUT, put, b, number(2), type=BALANCES)
    assert evaluate(twice, store) == balances(a=1, b=2)


def test_removing_an_absent_key_changes_nothing() -> None:
    store: dict[str, Value] = {"m": balances(a=1), "b": B}
    removed = op(Op.MAP_REMOVE, Ref("m", BALANCES), Ref("b", ACCOUNT), type=BALANCES)
    assert evaluate(removed, store) == balances(a=1)


def test_sums_over_maps_count_present_keys_only() -> None:
    store: dict[str, Value] = {"m": balances(a=3, b=-5), "e": balances()}
    assert evaluate(op(Op.MAP_SUM, Ref("m", BALANCES), type=INT), store) == -2
    assert evaluate(op(Op.MAP_SUM, Ref("e", BALANCES), type=INT), store) == 0
    decimals = MapType(ACCOUNT, DECIMAL)
    total = evaluate(op(Op.MAP_SUM, Ref("e", decimals), type=DECIMAL), store)
    assert isinstance(total, Fraction)


def test_sets_forget_order_and_repetition() -> None:
    numbers = SetType(INT)
    one = Make((number(1), number(2), number(1)), numbers)
    other = op(Op.SET_ADD, Make((number(2),), numbers), number(1), type=numbers)
    assert evaluate(op(Op.EQ, one, other), {}) is True
    assert evaluate(op(Op.SET_REMOVE, one, number(3), type=numbers), {}) == evaluate(one, {})
    assert evaluate(op(Op.SET_HAS, one, number(2)), {}) is True


def test_records_change_one_field() -> None:
    made = Make((Literal(A, ACCOUNT), number(3)), INVOICE)
    changed = WithField(made, "amount", number(4), INVOICE)
    assert evaluate(changed, {}) == RecordValue("Invoice", (A, 4))
    assert evaluate(FieldOf(changed, "payee", ACCOUNT), {}) == A
    pair = Make((number(1), TRUE), TupleType((INT, BOOL)))
    assert evaluate(FieldOf(pair, "1", BOOL), {}) is True


def test_texts() -> None:
    text = TextType(20)
    hello = Literal("hello", text)
    assert evaluate(op(Op.CONCAT, hello, Literal("!", text), type=text), {}) == "hello!"
    assert evaluate(op(Op.TEXT_LEN, Literal("naïve 🙂", text), type=INT), {}) == 7
    assert evaluate(op(Op.CONTAINS, hello, Literal("ell", text)), {}) is True
    assert evaluate(op(Op.MATCHES, hello, Literal("hel", text)), {}) is False
    assert evaluate(op(Op.MATCHES, hello, Literal("hel+o", text)), {}) is True
    assert evaluate(op(Op.STARTS_WITH, hello, Literal("lo", text)), {}) is False
    assert evaluate(op(Op.ENDS_WITH, hello, Literal("lo", text)), {}) is True


def test_text_of_a_date_and_of_a_number_of_days_differ() -> None:
    assert evaluate(op(Op.TEXT_OF, Literal(0, DATE), type=TextType(30)), {}) == "1970-01-01"
    assert evaluate(op(Op.TEXT_OF, Literal(0, TIME), type=TextType(30)), {}) == (
        "1970-01-01T00:00:00Z"
    )
    assert evaluate(op(Op.TEXT_OF, number(-5), type=TextType(30)), {}) == "-5"
    member = Literal(EnumValue("E", "X"), EnumType("E", ("X",)))
    assert evaluate(op(Op.TEXT_OF, member, type=TextType(30)), {}) == "X"


# ---- quantifiers, aggregates, searches ----


def test_quantifiers_over_nothing() -> None:
    for_all = Quantified(True, X, Items(ints()), FALSE)
    exists = Quantified(False, X, Items(ints()), TRUE)
    assert evaluate(for_all, {}) is True
    assert evaluate(exists, {}) is False


def test_the_body_of_a_quantifier_is_owed_for_every_item() -> None:
    # The first item already refutes, the second has no value: the whole has none.
    inverse = op(Op.GT, op(Op.DIV, number(1), X, type=INT), number(5))
    with pytest.raises(Undefined):
        evaluate(Quantified(True, X, Items(ints(1, 0)), inverse), {})


def test_take_has_its_edges() -> None:
    def total(count: int) -> Value:
        return evaluate(Total(X, FirstItems(ints(1, 2, 4), number(count)), None, X, INT), {})

    assert [total(count) for count in (-3, 0, 1, 3, 9)] == [0, 0, 1, 7, 7]


def test_ranges_are_half_open() -> None:
    def total(low: int, high: int) -> Value:
        return evaluate(Total(X, Between(number(low), number(high)), None, X, INT), {})

    assert [total(0, 4), total(2, 2), total(3, 1)] == [6, 0, 0]


def test_a_filtered_sum_does_not_evaluate_what_it_leaves_out() -> None:
    inverse = op(Op.DIV, number(6), X, type=INT)
    not_zero = op(Op.NE, X, number(0))
    assert evaluate(Total(X, Items(ints(0, 2, 3)), not_zero, inverse, INT), {}) == 5


def test_find_gives_the_first() -> None:
    def find(*values: int) -> Value:
        big = op(Op.GT, X, number(2))
        return evaluate(First(X, Items(ints(*values)), big, OptionType(INT)), {})

    assert find(1, 5, 7) == SomeValue(5)
    assert find(1, 2) == NoneValue()
    assert find() == NoneValue()


def test_bound_variables_do_not_leak() -> None:
    total = Total(X, Items(ints(1, 2)), None, X, INT)
    assert evaluate(op(Op.ADD, total, X, type=INT), {"x": 10}) == 13


def test_a_universal_over_an_opaque_type_sees_an_element_nobody_mentions() -> None:
    account = Ref("k", ACCOUNT)
    everywhere = op(Op.MAP_HAS, Ref("m", BALANCES), account)
    store: dict[str, Value] = {"m": balances(a=1, b=2)}
    assert evaluate(Quantified(True, account, AllOf(ACCOUNT), everywhere), store) is False
    positive = op(Op.GT, op(Op.MAP_GET, Ref("m", BALANCES), account, type=INT), number(0))
    guarded = Quantified(True, account, AllOf(ACCOUNT), op(Op.IMPLIES, everywhere, positive))
    assert evaluate(guarded, store) is True
    assert evaluate(guarded, {"m": balances(a=1, b=0)}) is False


def test_nested_universals_get_an_element_each() -> None:
    one, other = Ref("k", ACCOUNT), Ref("l", ACCOUNT)
    same = op(Op.EQ, one, other)
    nested = Quantified(True, one, AllOf(ACCOUNT), Quantified(True, other, AllOf(ACCOUNT), same))
    assert evaluate(nested, {}) is False


def test_an_uninterpreted_function_may_tell_unmentioned_elements_apart() -> None:
    account = Ref("k", ACCOUNT)
    allowed = Uninterpreted("allowed", (account,), BOOL)
    for_all = Quantified(True, account, AllOf(ACCOUNT), allowed)
    with pytest.raises(Undecided):
        evaluate(for_all, {}, lambda _name, _arguments, _type: True)
    assert evaluate(for_all, {}, lambda _name, _arguments, _type: False) is False


def test_a_universal_over_the_integers_is_refuted_or_undecided() -> None:
    below = Quantified(True, X, AllOf(INT), op(Op.LE, X, number(41)))
    assert evaluate(below, {}) is False
    square = Quantified(True, X, AllOf(INT), op(Op.GE, op(Op.MUL, X, X, type=INT), number(0)))
    with pytest.raises(Undecided):
        evaluate(square, {})


def test_what_is_not_supported_has_no_value() -> None:
    with pytest.raises(Undecided):
        evaluate(Unsupported("best", INT), {})


# ---- statements ----


def test_a_violation_names_its_tag_and_stops_there() -> None:
    result = outcome(assign("x", 1), Assert(op(Op.GT, X, number(1)), tag(7)), assign("x", 5))
    assert result.outcome == Violated(tag(7))
    assert result.store["x"] == 1


def test_a_false_assumption_is_no_run() -> None:
    result = outcome(Assume(FALSE, "requires", NOWHERE), Assert(FALSE, tag(0)))
    assert isinstance(result.outcome, Infeasible)


def test_an_undefined_assertion_is_neither_true_nor_false() -> None:
    bad = op(Op.EQ, op(Op.DIV, number(1), number(0), type=INT), number(1))
    assert isinstance(outcome(Assert(bad, tag(0))).outcome, Stuck)


def test_a_choice_outside_its_type_is_no_run() -> None:
    havoc = Havoc("x", POSITIVE, Role.RESULT, 0, "x")
    assert outcome(havoc, script={(0, ()): 1}).outcome == Finished(None, False, "")
    assert isinstance(outcome(havoc, script={(0, ()): 0}).outcome, Infeasible)
    assert isinstance(outcome(havoc, script={(0, ()): True}).outcome, Infeasible)


def test_each_iteration_has_its_own_choice() -> None:
    havoc = Havoc("x", INT, Role.RESULT, 4, "x")
    collect = Assign("sum", op(Op.ADD, Ref("sum", INT), X, type=INT))
    inner = loop(Seq((havoc, collect)), times=2, counter="j", site=91)
    script: dict[tuple[int, Iterations], Value] = {
        (4, (0, 0)): 1,
        (4, (0, 1)): 10,
        (4, (1, 0)): 100,
        (4, (1, 1)): 1000,
    }
    result = outcome(assign("sum", 0), loop(inner, times=2), script=script)
    assert result.store["sum"] == 1111
    assert [each.iterations for each in result.choices] == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_uninterpreted_functions_are_functions() -> None:
    asked: list[tuple[Value, ...]] = []

    class Moody:
        def choose(self, havoc: Havoc, iterations: Iterations, store: Mapping[str, Value]) -> Value:
            raise AssertionError((havoc, iterations, store))

        def apply(self, function: str, arguments: tuple[Value, ...], type: Type) -> Value:
            assert (function, type) == ("f", INT)
            asked.append(arguments)
            return len(asked)

    f = Uninterpreted("f", (number(1),), INT)
    result = run(program(Assert(op(Op.EQ, f, f), tag(0))), Moody())
    assert isinstance(result.outcome, Finished)
    assert result.functions == (("f", (1,), 1),)


def test_break_leaves_the_innermost_loop() -> None:
    broken = Try(Exit.BREAK, loop(Seq((bump("x"), Raise(Exit.BREAK))), counter="j"), Skip())
    result = outcome(assign("x", 0), loop(broken))
    assert result.store["x"] == 3


def test_break_passes_through_a_try_that_catches_failures() -> None:
    body = Try(Exit.FAIL, Seq((bump("x"), Raise(Exit.BREAK))), assign("x", 99))
    result = outcome(assign("x", 0), Try(Exit.BREAK, loop(body), bump("x")))
    assert result.store["x"] == 2


def test_return_leaves_loops_and_tries() -> None:
    body = Try(Exit.FAIL, Try(Exit.BREAK, Raise(Exit.RETURN), assign("x", 98)), assign("x", 99))
    result = outcome(
        assign("x", 0), Try(Exit.RETURN, Seq((loop(body), assign("x", 97))), bump("x"))
    )
    assert result.store["x"] == 1


def test_a_failure_in_a_handler_goes_to_the_try_around() -> None:
    inner = Try(Exit.FAIL, Raise(Exit.FAIL), Seq((bump("x"), Raise(Exit.FAIL), assign("x", 99))))
    result = outcome(assign("x", 0), Try(Exit.FAIL, inner, bump("x")))
    assert result.store["x"] == 2


def test_abort_passes_through_everything_else() -> None:
    inside: Statement = Raise(Exit.ABORT)
    for exit in (Exit.FAIL, Exit.BREAK, Exit.RETURN):
        inside = Try(exit, inside, assign("x", 99))
    result = outcome(assign("x", 0), Try(Exit.ABORT, inside, bump("x")))
    assert result.store["x"] == 1


def test_an_exit_that_nothing_catches_is_a_broken_program() -> None:
    assert isinstance(outcome(Raise(Exit.FAIL)).outcome, Stuck)


def test_assignments_before_a_failure_stand() -> None:
    body = Seq((assign("x", 5), Raise(Exit.FAIL)))
    assert outcome(assign("x", 0), Try(Exit.FAIL, body, Skip())).store["x"] == 5


# ---- loops owe ----


def guarded(
    guard: Expr, body: Statement, variant: Expr, invariants: tuple[Invariant, ...] = ()
) -> Loop:
    return Loop(guard, body, invariants, variant, 3, tag(1), tag(2), tag(3), "i", 90)


X_FALLS = Assign("x", op(Op.SUB, X, number(1), type=INT))


def test_a_variant_above_the_bound_at_entry_does_not_fit() -> None:
    counting = guarded(op(Op.GT, X, number(0)), X_FALLS, X)
    assert outcome(assign("x", 3), counting).outcome == Finished(None, False, "")
    assert outcome(assign("x", 4), counting).outcome == Violated(tag(1))


def test_a_variant_is_at_least_one_when_an_iteration_starts() -> None:
    # `while x >= 0 decreases x max 3` would run four times from 3.
    counting = guarded(op(Op.GE, X, number(0)), X_FALLS, X)
    assert outcome(assign("x", 3), counting).outcome == Violated(tag(2))


def test_a_variant_must_fall() -> None:
    assert outcome(assign("x", 1), guarded(TRUE, Skip(), X)).outcome == Violated(tag(3))


def test_an_invariant_may_be_false_at_entry_or_later() -> None:
    at_most_one = Invariant(op(Op.LE, Ref("i", INT), number(1)), tag(4), tag(5))
    never = Invariant(FALSE, tag(6), tag(7))
    falls = op(Op.GT, X, number(0))
    second = outcome(assign("x", 3), guarded(falls, X_FALLS, X, (at_most_one,)))
    assert second.outcome == Violated(tag(5))
    assert second.store["i"] == 2
    assert outcome(assign("x", 3), guarded(falls, X_FALLS, X, (never,))).outcome == Violated(tag(6))


def test_an_invariant_need_not_hold_where_the_loop_is_left() -> None:
    zero = Invariant(op(Op.EQ, X, number(0)), tag(4), tag(5))
    leaving = Loop(
        TRUE, Seq((bump("x"), Raise(Exit.BREAK))), (zero,), number(1), 1, None, None, None, "i", 90
    )
    result = outcome(assign("x", 0), Try(Exit.BREAK, leaving, Skip()))
    assert result.outcome == Finished(None, False, "")


def test_a_counter_starts_again_at_each_entry() -> None:
    result = outcome(assign("x", 0), loop(loop(bump("x"), counter="j", site=91), times=4))
    assert (result.store["x"], result.store["j"], result.store["i"]) == (12, 3, 4)


def test_a_loop_that_lowering_broke_is_not_a_violation() -> None:
    endless = Loop(TRUE, Skip(), (), number(1), 1, None, None, None, "i", 90)
    assert isinstance(outcome(endless).outcome, Stuck)


def test_fuel_runs_out() -> None:
    limits = Limits(replay_steps_max=10)
    result = run(program(assign("x", 0), loop(bump("x"), times=50)), ScriptedAdversary({}), limits)
    assert result.outcome == OutOfFuel()
    assert result.steps == 11


# ---- what a run shows ----


def test_the_trace_has_what_a_counterexample_is_drawn_from() -> None:
    begins = CallBegins(5, "pay", (("amount", X),), NOWHERE, tag(0, Kind.WITNESS))
    ends = CallEnds(5, Outcome.RETURNED, "x", tag(1, Kind.WITNESS))
    body = Seq(
        (
            Havoc("x", INT, Role.INPUT, 0, "x"),
            Havoc("m", BALANCES, Role.INITIAL, 1, "m"),
            Assign("#calls", number(1)),
            Skip(begins),
            Assign("m", Literal(balances(b=2), BALANCES)),
            Skip(ends),
            Skip(Reached("end", NOWHERE, tag(2, Kind.WITNESS))),
            Skip(Ended(True, "why", None)),
        )
    )
    whole = Program(
        "p",
        body,
        (Variable("x", "x", INT),),
        (Variable("m", "money", BALANCES),),
        (BudgetLine("calls", "#calls", INT, ()),),
        (),
        (),
        0,
    )
    script: dict[tuple[int, Iterations], Value] = {(0, ()): 3, (1, ()): balances(a=1)}
    result = run(whole, ScriptedAdversary(script))
    assert result.outcome == Finished(None, True, "why")
    assert result.reached == (0, 1, 2)
    assert result.inputs == (("x", 3),)
    assert result.initial == (("money", balances(a=1)),)
    first, second = result.trace[:2]
    assert first.arguments == (("amount", 3),)
    assert first.state == (("money", balances(a=1)),)
    assert first.resources == (("calls", 1),)
    assert (second.result, second.state) == (3, (("money", balances(b=2)),))


def test_unreached_witnesses_are_not_reached() -> None:
    mark = Skip(Reached("then", NOWHERE, tag(0, Kind.WITNESS)))
    assert outcome(If(FALSE, mark, Skip())).reached == ()
    assert outcome(If(TRUE, mark, Skip())).reached == (0,)


# ---- values ----


@pytest.mark.parametrize(
    ("value", "type"),
    [
        (True, INT),
        (1, BOOL),
        (1, DECIMAL),
        (Fraction(1), INT),
        ("abc", TextType(2)),
        ("\ud800", TextType(9)),
        (B, OpaqueType("Other")),
        (EnumValue("E", "Z"), EnumType("E", ())),
        (ListValue((1, 2)), ListType(INT, 1)),
        (ListValue((0,)), ListType(POSITIVE, 3)),
        (balances(a=0), MapType(ACCOUNT, POSITIVE)),
        (SomeValue(0), OptionType(POSITIVE)),
        (balances(a=1, b=2), MapType(ACCOUNT, INT, 1)),
        (MapValue(frozenset({(A, 1), (A, 2)})), BALANCES),
        (RecordValue("Invoice", (A,)), INVOICE),
        (RecordValue("Other", (A, 1)), INVOICE),
        (TupleValue((1, 0)), TupleType((INT, POSITIVE))),
        (SetValue(frozenset({0})), SetType(POSITIVE)),
    ],
)
def test_values_outside_a_type(value: Value, type: Type) -> None:
    assert not conforms(value, type)


@pytest.mark.parametrize(
    "type",
    [
        BOOL,
        INT,
        DECIMAL,
        DATE,
        TextType(3),
        ACCOUNT,
        EnumType("E", ("X", "Y")),
        INVOICE,
        TupleType((INT, POSITIVE)),
        OptionType(POSITIVE),
        ListType(POSITIVE, 2),
        SetType(INT),
        MapType(ACCOUNT, POSITIVE),
        POSITIVE,
        RefinedType("Late", INT, op(Op.GE, Ref("self", INT), number(1_000))),
    ],
)
def test_defaults_are_of_their_type(type: Type) -> None:
    assert conforms(default_value(type), type)


def test_values_are_shown_as_they_are_written() -> None:
    invoice = RecordValue("Invoice", (A, 5))
    assert show(invoice, INVOICE) == "Invoice(payee: Account!0, amount: 5)"
    assert show(balances(b=2, a=1)) == "{Account!0: 1, Account!1: 2}"
    assert show(ListValue((1, 2))) == "[1, 2]"
    assert show(SetValue(frozenset({3, 1, 2}))) == "{1, 2, 3}"
    assert show(SomeValue(0), OptionType(DATE)) == 'some(date("1970-01-01"))'
    assert show('say "hi"') == '"say \\"hi\\""'
    assert show(True) == "true"
    assert show(Fraction(25, 2)) == "12.5"
    assert show(EnumValue("E", "X")) == "E.X"
    assert show(TupleValue((NoneValue(), 1))) == "(none, 1)"


def test_values_for_machines() -> None:
    assert to_json(RecordValue("Invoice", (A, 5)), INVOICE) == {"payee": "Account!0", "amount": 5}
    assert to_json(balances(b=2, a=1)) == {"Account!0": 1, "Account!1": 2}
    assert to_json(SomeValue(Fraction(1, 3))) == "1/3"
    assert to_json(NoneValue()) is None
    assert to_json(ListValue((0,)), ListType(DATE, 1)) == ["1970-01-01"]


def test_large_sets_are_shown_in_one_order() -> None:
    elements: frozenset[Value] = frozenset(OpaqueValue("Account", each) for each in range(12))
    shown = ", ".join(f"Account!{each}" for each in range(12))
    assert show(SetValue(elements)) == f"{{{shown}}}"
