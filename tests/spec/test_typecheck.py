"""What correct texts become: core expressions, their types, statements."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction

import pytest
from hypothesis import given, settings
from tests.spec import strategies
from tests.spec.checking import (
    PARAMETERS,
    SHOP,
    domain,
    ensured,
    expr,
    plan,
    plan_findings,
    policy_findings,
    warnings,
)

from planproof.spec import core, typed
from planproof.spec import syntax as s
from planproof.spec.core import Apply, Literal, Make, Op, Ref
from planproof.spec.diagnostic import Severity, render
from planproof.spec.lower.obligations import Obligations
from planproof.spec.lower.plan import lower_plan
from planproof.spec.semantics import Undecided, children, conforms, default_value, evaluate
from planproof.spec.typecheck import check_domain, check_plans, check_policy
from planproof.spec.types import (
    BOOL,
    DECIMAL,
    INT,
    BoolType,
    ListType,
    MapType,
    OptionType,
    RefinedType,
    SetType,
    TextType,
    Type,
    show,
    strip,
)

# ---- natural types -------------------------------------------------------------------------------

TYPES = {
    "1": "Int",
    "1.50": "Decimal",
    '"abc"': "Text<3>",
    "true": "Bool",
    "c": "Cents",
    "c + 1": "Int",
    "-c": "Int",
    "c + c": "Int",
    "n + d": "Decimal",
    "n / 2": "Int",
    "n / 2.0": "Decimal",
    "n % 2": "Int",
    "t + t": "Text<20>",
    "len(t)": "Int",
    "text(e)": "Text<5>",
    "min(n, c)": "Int",
    "max(c, c)": "Int",
    "max(n, d)": "Decimal",
    "abs(c - 1)": "Int",
    "m[a]": "Cents",
    "cs[0]": "Cents",
    "o.value": "Int",
    "v.amount": "Cents",
    "p.1": "Text<3>",
    "(c, d)": "(Cents, Decimal)",
    "some(c)": "Option<Cents>",
    "[c, c]": "List<Cents, 2>",
    "[c, n]": "List<Int, 2>",
    "[n, d]": "List<Decimal, 2>",
    "[none, some(1)]": "List<Option<Int>, 2>",
    '["a", "bcd"]': "List<Text<3>, 2>",
    "{1, 2}": "Set<Int>",
    "xs + [1]": "List<Int, 10>",
    "cs + [c, n]": "List<Int, 6>",
    "cs + [c]": "List<Cents, 5>",
    "s + {1, 2}": "Set<Int>",
    "s - {1}": "Set<Int>",
    "m - {a}": "Map<Account, Cents>",
    "m[a := c]": "Map<Account, Cents>",
    "m[a := n]": "Map<Account, Int>",
    "q[a := n]": "Map<Account, Int, 6>",
    "v with { amount: n }": "Invoice",
    'Invoice(payee: a, amount: 1, tags: ["x"])': "Invoice",
    "if yes then c else n": "Int",
    "if yes then c else c": "Cents",
    "if yes then n else d": "Decimal",
    "if yes then none else some(n)": "Option<Int>",
    "find x in cs where x > 1": "Option<Cents>",
    "best x in cs by x": "Option<Cents>",
    "[x + 1 for x in cs]": "List<Int, 4>",
    "[x for x in cs where x > 1]": "List<Cents, 4>",
    "keys(q)": "List<Account, 5>",
    "sum(x in cs :: x)": "Int",
    "sum(x in cs :: x * 1.5)": "Decimal",
    "count(x in cs :: x > 1)": "Int",
    "sum(m)": "Int",
    "day + 1": "Date",
    "day - day": "Int",
    "now - 60": "Time",
    "Colour.red": "Colour",
    "LIMIT": "Int",
    "FEE": "Cents",
    "FEE + 1": "Int",
    "twice(c)": "Int",
    "same(c)": "Cents",
    "same(n)": "Int",
    "level": "Int",
    'date("1970-01-02")': "Date",
}


@pytest.mark.parametrize("text", TYPES)
def test_an_expression_has_its_natural_type(text: str) -> None:
    assert show(expr(text).type) == TYPES[text]


def _values(type: Type, pick: random.Random) -> core.Value:
    """Some value of the type."""
    match type:
        case RefinedType(_, base):
            while not conforms(value := _values(base, pick), type):
                pass
            return value
        case BoolType():
            return pick.random() < 0.5
        case TextType(max):
            return "abc"[: pick.randint(0, min(max, 3))] * (max // 3)
        case OptionType(item):
            some = pick.random() < 0.5
            return core.SomeValue(_values(item, pick)) if some else core.NoneValue()
        case ListType(item, max):
            return core.ListValue(tuple(_values(item, pick) for _ in range(pick.randint(0, max))))
        case SetType(item):
            return core.SetValue(frozenset(_values(item, pick) for _ in range(3)))
        case MapType(key, value, max):
            count = 3 if max is None else pick.randint(0, max)
            entries = {_values(key, pick): _values(value, pick) for _ in range(count)}
            return core.MapValue(frozenset(entries.items()))
    match show(type):
        case "Int" | "Date" | "Time":
            return pick.randint(-3, 12)
        case "Decimal":
            return Fraction(pick.randint(-9, 9), pick.randint(1, 4))
        case "Colour":
            return core.EnumValue("Colour", pick.choice(("red", "green")))
        case "Account":
            return core.OpaqueValue("Account", pick.randint(0, 6))
        case _:
            return default_value(type)


def _store(pick: random.Random) -> Iterator[dict[str, core.Value]]:
    parameters = plan(f"plan p_({PARAMETERS}) {{ }}").parameters
    for _ in range(40):
        yield {each.name: _values(each.type, pick) for each in parameters} | {
            "level": pick.randint(-3, 3)
        }


def test_every_value_of_an_expression_is_of_its_natural_type() -> None:
    # The verifier takes types for facts, so this is a matter of soundness.
    pick = random.Random(1)  # noqa: S311 - the same values each time
    assert sum(_conforming(expr(text), pick) for text in TYPES) > 1500


def _conforming(made: core.Expr, pick: random.Random) -> int:
    """Asserts it in some stores, and counts those where all that is owed holds."""
    fresh = _fresh()
    owed = Obligations(domain().functions, lambda name: f"{name}~{next(fresh)}").owed(made)
    conditions = [each.condition(lambda name: f"{name}~{next(fresh)}") for each in owed]
    seen = 0
    for store in _store(pick):
        try:
            if not all(evaluate(each, store) for each in conditions):
                continue
            value = evaluate(made, store)
        except Undecided:
            continue  # not verified yet
        seen += 1
        assert conforms(value, made.type), (made.span.text, value, store)
    return seen


def _fresh() -> Iterator[int]:
    yield from range(10**9)


TEMPLATES = (
    *("({} + {})", "({} - {})", "({} * {})", "({} / {})", "({} % {})", "-{}", "!{}"),
    *("({} == {})", "({} < {})", "({} in {})", "({} && {})", "({} ==> {})", "({}, {})"),
    *("[{}]", "[{}, {}]", "{{{}}}", "{}[{}]", "{}[{} := {}]", "({} + [{}])", "({} - {{{}}})"),
    *("(if {} then {} else {})", "some({})", "is_some({})", "{}.value", "{}.amount", "{}.0"),
    *("len({})", "min({}, {})", "abs({})", "text({})", "sum({})", "twice({})", "same({})"),
    *("(forall k in {} :: k == {})", "sum(k in {} :: k + {})", "count(k in {} :: k > {})"),
    *("(find k in {} where k == {})", "({} with {{ amount: {} }})", "some_over({}, {})"),
)


def _random_expr(pick: random.Random, depth: int) -> str:
    if depth == 0 or pick.random() < 0.2:
        return f"({pick.choice(list(TYPES))})"
    template = pick.choice(TEMPLATES)
    holes = template.replace("{{", "").replace("}}", "").count("{}")
    return template.format(*(_random_expr(pick, depth - 1) for _ in range(holes)))


def test_what_is_accepted_at_random_has_its_type_and_can_be_lowered() -> None:
    pick = random.Random(7)  # noqa: S311 - the same texts each time
    world = typed.World(domain(), ())
    accepted = evaluated = 0
    for _ in range(1200):
        text = f"plan p_({PARAMETERS}) {{ let it = {_random_expr(pick, pick.randint(1, 2))}; }}"
        plans, diagnostics = plan_findings(text, world)
        assert (plans is None) == any(each.severity is Severity.ERROR for each in diagnostics)
        if plans is None:
            continue
        accepted += 1
        lower_plan(plans, "p_", world)
        made = plans.plans["p_"].body.statements[0]
        assert isinstance(made, typed.Bind)
        if accepted % 4 == 0:
            evaluated += _conforming(made.value, pick)
    assert accepted > 150
    assert evaluated > 400


@settings(deadline=None, max_examples=120)
@given(strategies.files)
def test_no_tree_whatever_raises(file: s.File) -> None:
    match file:
        case s.DomainFile():
            found, diagnostics = check_domain(file)
        case s.PolicyFile():
            file = s.PolicyFile(file.name, s.Ident("shop"), file.items)
            _, diagnostics = check_policy(file, domain())
            found = None
        case s.PlanFile():
            _, diagnostics = check_plans(file, typed.World(domain(), ()))
            found = None
    for each in diagnostics:
        render(each)
    assert found is None or not any(each.severity is Severity.ERROR for each in diagnostics)


def test_a_function_is_written_out_with_the_types_of_its_arguments() -> None:
    # `same` is declared to give Cents, but of an Int it gives that Int.
    assert expr("same(n - 7)") == expr("n - 7")
    assert expr("some(same(n))").type == OptionType(INT)


# ---- what expressions become ---------------------------------------------------------------------


def evaluated(text: str, **store: core.Value) -> core.Value:
    return evaluate(expr(text), store)


def test_an_int_becomes_a_decimal_where_one_stands_beside_it() -> None:
    made = expr("n + d")
    assert isinstance(made, Apply)
    assert made.arguments[0] == Apply(Op.TO_DECIMAL, (Ref("n", INT),), DECIMAL)
    assert expr("1 + d") == Apply(
        Op.ADD, (Literal(Fraction(1), DECIMAL), Ref("d", DECIMAL)), DECIMAL
    )
    assert evaluated("[1, 2.5]") == core.ListValue((Fraction(1), Fraction(5, 2)))
    assert evaluated("n == d", n=2, d=Fraction(2)) is True
    assert evaluated("if yes then 1 else d", yes=True, d=Fraction(0)) == Fraction(1)


@pytest.mark.parametrize(
    ("text", "op"),
    [("a in m", Op.MAP_HAS), ("n in s", Op.SET_HAS), ("n in xs", Op.LIST_HAS)],
)
def test_membership_asks_the_collection(text: str, op: Op) -> None:
    made = expr(text)
    assert isinstance(made, Apply)
    assert made.op is op


def test_membership_in_a_range_excludes_its_end() -> None:
    text = "n in range(2, 4)"
    assert [evaluated(text, n=k) for k in (1, 2, 3, 4)] == [False, True, True, False]
    assert evaluated("a in keys(q)", a=core.OpaqueValue("Account", 1), q=core.MapValue(frozenset())
    ) is False


def test_items_are_added_and_removed_one_by_one() -> None:
    xs = core.ListValue((1,))
    assert evaluated("xs + [2, 3]", xs=xs) == core.ListValue((1, 2, 3))
    s = core.SetValue(frozenset((1, 2)))
    assert evaluated("s - {1} + {5}", s=s) == core.SetValue(frozenset((2, 5)))
    assert evaluated("xs + []", xs=xs) == xs


def test_several_fields_are_replaced_at_once() -> None:
    made = expr('v with { amount: 1, tags: ["x"] }')
    assert isinstance(made, core.WithField)
    assert made.name == "tags"
    assert isinstance(made.operand, core.WithField)
    assert made.operand.name == "amount"


def test_an_empty_literal_gets_its_type_from_its_place() -> None:
    made = expr("o == none")
    assert isinstance(made, Apply)
    assert made.arguments[1] == Literal(core.NoneValue(), OptionType(INT))
    made = expr("none == o")
    assert isinstance(made, Apply)
    assert made.arguments[0] == Literal(core.NoneValue(), OptionType(INT))
    declared = plan("plan p() { let xs: List<Int, 5> = []; }").body.statements[0]
    assert isinstance(declared, typed.Bind)
    assert declared.value == Make((), ListType(INT, 0))


def test_count_adds_one_for_each_item_that_passes() -> None:
    made = expr("count(x in xs where x > 1 :: x < 5)")
    assert isinstance(made, core.Total)
    assert made.body == core.number(1)
    xs = core.ListValue((0, 2, 3, 7))
    assert evaluate(made, {"xs": xs}) == 2
    assert evaluated("count(x in xs :: true)", xs=xs) == 4


def test_a_chain_of_ands_is_one_node() -> None:
    made = expr("yes && yes && yes")
    assert isinstance(made, Apply)
    assert len(made.arguments) == 3


def test_constants_are_literals() -> None:
    assert expr("LIMIT") == Literal(5, INT)
    assert expr("n + LIMIT") == Apply(Op.ADD, (Ref("n", INT), Literal(5, INT)), INT)


def test_old_state_has_a_name_of_its_own() -> None:
    made = ensured("balance[a] == old(balance[a])")
    assert isinstance(made, Apply)
    before = made.arguments[1]
    assert isinstance(before, Apply)
    assert before.arguments[0] == Ref("old balance", domain().states["balance"].type)


def test_initially_has_a_name_of_its_own() -> None:
    found, _ = policy_findings("invariant i: sum(balance) == initially(sum(balance));")
    assert found is not None
    made = found.invariants[0].clause.condition
    assert isinstance(made, Apply)
    assert {each.name for side in made.arguments for each in _refs(side)} == {
        "balance",
        "initially balance",
    }


def _refs(made: core.Expr) -> Iterator[Ref]:
    if isinstance(made, Ref):
        yield made
    for child in children(made):
        yield from _refs(child)


def _binders(made: core.Expr) -> Iterator[str]:
    if isinstance(made, core.Quantified | core.Total | core.First):
        yield made.variable.name
    for child in children(made):
        yield from _binders(child)


def test_bound_variables_have_unique_names_also_where_a_function_is_written_out_twice() -> None:
    made = ensured(
        "some_over(xs, 1) && some_over(xs, 2) && (forall x in xs :: some_over([x], x))"
    )
    names = list(_binders(made))
    assert len(names) == len(set(names)) == 4


def test_writing_a_function_out_captures_nothing() -> None:
    # The caller's bound variable is called like the function's own.
    text = "forall x in xs :: some_over([1, 2], x)"
    assert evaluated(text, xs=core.ListValue((0, 1))) is True
    assert evaluated(text, xs=core.ListValue((0, 2))) is False


def test_a_function_without_a_body_stays() -> None:
    made = ensured("score(a) > 0")
    assert isinstance(made, Apply)
    assert made.arguments[0] == core.Uninterpreted(
        "score", (Ref("a", domain().types["Account"]),), INT
    )


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("best x in xs by x", "best"),
        ("[x for x in xs]", "[... for ...]"),
        ("bag(xs) == bag(xs)", "bag"),
        ("keys(q)", "keys"),
    ],
)
def test_what_is_not_verified_yet_says_so(text: str, what: str) -> None:
    made = expr(text)
    assert isinstance(made, core.Unsupported)
    assert made.what == what


def test_a_quantifier_over_keys_is_one_over_the_map() -> None:
    made = expr("forall k in keys(q) :: q[k] > 0")
    assert isinstance(made, core.Quantified)
    assert made.domain == core.Items(Ref("q", strip(_parameter("q"))))


def _parameter(name: str) -> Type:
    parameters = plan(f"plan p_({PARAMETERS}) {{ }}").parameters
    return next(each.type for each in parameters if each.name == name)


def test_dates_and_times_count_from_the_epoch() -> None:
    assert evaluated('date("2026-04-01")') == 20544
    assert evaluated('time("2026-04-01T12:00:01Z")') == 20544 * 86400 + 43201
    assert evaluated('date("1969-12-31")') == -1


def test_every_node_knows_where_it_was_written() -> None:
    for text in ("a in m && m[a] > 0", "xs + [1]", "n + d", "forall x in xs :: x > twice(n)"):
        pending = [expr(text)]
        while pending:
            each = pending.pop()
            assert each.span.source.text, (text, each)
            pending += children(each)


# ---- statements ----------------------------------------------------------------------------------


def test_sibling_blocks_may_use_a_name_again_and_the_store_tells_them_apart() -> None:
    made = plan(
        "plan p(n: Int) { if n > 0 { let x = 1; assert x > 0; } else { let x = 2; assert x > 0; } }"
    ).body.statements[0]
    assert isinstance(made, typed.If)
    assert made.otherwise is not None
    one, other = made.then.statements[0], made.otherwise.statements[0]
    assert isinstance(one, typed.Bind)
    assert isinstance(other, typed.Bind)
    assert [one.target.name, other.target.name] == ["x", "x'2"]
    asserted = made.otherwise.statements[1]
    assert isinstance(asserted, typed.Assert)
    assert isinstance(asserted.clause.condition, Apply)
    assert asserted.clause.condition.arguments[0] == Ref("x'2", INT)


def test_arguments_are_put_in_order_and_defaults_filled_in() -> None:
    made = plan("plan p(a: Account) { pay(amount: 5, target: a); }").body.statements[0]
    assert isinstance(made, typed.CallTool)
    assert made.arguments[1:] == (Literal(5, INT), Literal("none", TextType(4)))
    assert made.call_span.text == "pay(amount: 5, target: a)"
    assert made.span.text == "pay(amount: 5, target: a);"


def test_calls_bind_one_name_or_the_parts_of_a_tuple() -> None:
    made = plan("plan p() { let (k, ok) = poll(); let _w = poll(); assert ok || k > 0; }")
    first, second, _ = made.body.statements
    assert isinstance(first, typed.CallTool)
    assert first.destructure
    assert first.targets == (Ref("k", INT), Ref("ok", BOOL))
    assert isinstance(second, typed.CallTool)
    assert not second.destructure
    assert len(second.targets) == 1


def test_an_int_result_for_a_decimal_variable_takes_two_steps() -> None:
    made = plan("plan p() { let x: Decimal = read_level(); assert x > 0; }").body.statements
    assert isinstance(made[0], typed.CallTool)
    assert isinstance(made[1], typed.Bind)
    assert made[1].target == Ref("x", DECIMAL)
    assert made[1].value == Apply(Op.TO_DECIMAL, (made[0].targets[0],), DECIMAL)


def test_a_plan_may_call_another() -> None:
    made = plan("plan p() -> Int { let x = q(3); return x; } plan q(n: Int) -> Int { return n; }")
    assert isinstance(made.body.statements[0], typed.CallPlan)


@pytest.mark.parametrize(
    ("domain_text", "bound"),
    [
        ("range(0, 3)", 3),
        ("range(2, LIMIT)", 3),
        ("range(0, len(xs))", 9),
        ("range(2, len(xs))", 7),
        ("range(5, 2)", 0),
        ("range(-1, LIMIT - 1)", 5),
    ],
)
def test_the_bound_of_a_range_follows_from_its_ends(domain_text: str, bound: int) -> None:
    loop = plan(
        f"plan p(xs: List<Int, 9>) {{ for i in {domain_text} {{ assert i >= i; }} }}"
    ).body.statements[0]
    assert isinstance(loop, typed.ForRange)
    assert (loop.bound, loop.bound_given) == (bound, False)


def test_a_given_bound_is_kept() -> None:
    loop = plan("plan p(n: Int) { for i in range(0, n) max LIMIT { assert i >= 0; } }")
    made = loop.body.statements[0]
    assert isinstance(made, typed.ForRange)
    assert (made.bound, made.bound_given) == (5, True)


def test_a_loop_over_a_literal_set_goes_over_a_list() -> None:
    made = plan('plan p() { for w in {"a", "b"} { let _ok = ask(w); } }').body.statements[0]
    assert isinstance(made, typed.ForIn)
    assert made.collection == Make(
        (Literal("a", TextType(1)), Literal("b", TextType(1))), ListType(TextType(1), 2)
    )
    assert made.bound == 2


def test_a_loop_counts_its_iterations_under_a_name() -> None:
    made = plan(
        "plan p(xs: List<Int, 9>) { for i, x in xs invariant i <= 9 { assert x == x; }"
        " for x in xs { assert x == x; } }"
    ).body.statements
    first, second = made
    assert isinstance(first, typed.ForIn)
    assert isinstance(second, typed.ForIn)
    assert first.index == Ref("i", INT)
    assert second.index.name not in ("i", "x", "x'2")
    assert second.variable.name == "x'2"


def test_a_var_of_text_can_hold_more_than_its_first_value() -> None:
    made = plan('plan p() { var w = "a"; w = w + "b"; assert len(w) > 0; }').body.statements[0]
    assert isinstance(made, typed.Bind)
    assert made.target.type == TextType(4096)


# ---- domains -------------------------------------------------------------------------------------


def test_declarations_may_stand_in_any_order() -> None:
    text = """
    domain d;
    tool t(r: R) -> N cost seconds M, usd K;
    record R { n: N, list: List<N, M> }
    type N = Int where self > 0 && f(self) < K;
    function f(n: Int) -> Int = g(n) + 1;
    function g(n: Int) -> Int = n - 1;
    const K: Int = M * 2;
    const M: Int = 7;
    resource usd: Int;
    """
    made = domain(text)
    assert made.constants["K"].value == Literal(14, INT)
    assert show(made.types["R"]) == "R"
    assert [each.amount for each in made.tools["t"].charges] == [Literal(7, INT), Literal(14, INT)]


def test_a_tool_takes_the_default_for_what_it_does_not_say() -> None:
    made = domain("domain d; default seconds 9; tool a(); tool b() cost seconds 1;")
    assert [each.amount for each in made.tools["a"].charges] == [Literal(9, INT)]
    assert [each.amount for each in made.tools["b"].charges] == [Literal(1, INT)]


def test_a_place_knows_the_type_of_its_piece() -> None:
    made = domain(
        SHOP + "record Box { fill: Cents } state boxes: Map<Text, Box>;"
        'tool t() requires "a" in boxes modifies boxes["a"].fill, closed;'
    )
    place, whole = made.tools["t"].modifies
    assert place.state == "boxes"
    assert show(place.type) == "Cents"
    assert place.whole == made.states["boxes"].type
    assert whole.steps == ()


def test_an_observer_reads_what_it_observes() -> None:
    assert domain().tools["read_level"].reads == ("level",)


def test_a_policy_keeps_its_declarations_to_itself() -> None:
    found, _ = policy_findings("const MOST: Int = 3; budget calls <= MOST;")
    assert found is not None
    assert found.budgets[0].limit == Literal(3, INT)
    assert set(found.constants) == {"MOST"}
    _, diagnostics = plan_findings(
        "plan p() { assert MOST > 0; }", typed.World(domain(), (found,))
    )
    (error,) = diagnostics
    assert error.code == "unknown-name"
    assert error.help is not None
    assert "the policy `rules`" in error.help


RULES = """
rule r1: before pay(_, a, _) where a > 100 require once ask(w) == true where len(w) > 1;
rule r2: never pay(t, _, _) after pay(t, 5, "x");
rule r3: at most 3 pay(target: t) where t in balance per t;
rule r4: before pay(_, a, _) require a <= 10 && !closed;
rule r5: before pay(_, a, _) require own ask(w) where w == "yes";
rule r6: before pay(t, a, _) require own pay(u, b, _) where t == u && b > 3;
rule r7: always finally ask(_);
rule r8: after pay(t, _, _) require eventually pay(t, 0, _);
rule r9: never ask(_) between pay(x, _, _) and pay(x, _, _);
"""


def test_rules_of_every_kind_are_accepted() -> None:
    found, diagnostics = policy_findings(RULES)
    assert found is not None, diagnostics
    assert len(found.rules) == 9


# ---- warnings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("let x = 1;", [("unused-variable", "x")]),
        ("let _x = 1;", []),
        ("var x = 1; x = 2;", [("unused-variable", "x")]),
        ("for i in range(0, 2) { }", [("unused-variable", "i")]),
        ('ask("?");', [("unused-result", 'ask("?")')]),
        ("search();", [("unused-result", "search()")]),
        ("read_level();", []),
        ("assert n * n >= 0;", [("nonlinear", "n * n")]),
        ("assert n * LIMIT + n * 2 >= n;", []),
    ],
)
def test_a_warning_comes_with_a_result(body: str, expected: list[tuple[str, str]]) -> None:
    found, diagnostics = plan_findings(f"plan p(n: Int) {{ {body} }}")
    assert found is not None
    assert warnings(diagnostics) == expected
