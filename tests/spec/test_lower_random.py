"""Lowering against random expressions and random adversaries.

Two sentences are tested on many small programs.  What an expression owes is exactly what it takes
for it to have a value: where nothing owed is violated the interpreter never gets stuck, and where
something `defined` is violated the expression has no value.  And every store respects the types
that the program says its variables have, in no more steps than it says.
"""

from __future__ import annotations

import random

import pytest

from planproof.spec import core, typed
from planproof.spec.adversary import RandomAdversary
from planproof.spec.core import (
    Apply,
    Between,
    Conditional,
    Expr,
    First,
    FirstItems,
    Items,
    Kind,
    Literal,
    Op,
    Quantified,
    Ref,
    Total,
    number,
)
from planproof.spec.lower import lower_plan
from planproof.spec.semantics import Run, Stuck, Undefined, Violated, conforms, evaluate, run
from planproof.spec.source import NOWHERE
from planproof.spec.types import (
    BOOL,
    INT,
    ListType,
    MapType,
    OptionType,
    RecordType,
    RefinedType,
    Type,
)

X, Y = Ref("x", INT), Ref("y", INT)
XS = Ref("xs", ListType(INT, 3))
M = Ref("m", MapType(INT, INT))
MAYBE = Ref("o", OptionType(INT))
PARAMETERS = (X, Y, XS, M, MAYBE)
DOMAIN = typed.Domain(
    "d",
    "",
    {},
    {},
    {},
    {each: typed.Resource(each, INT) for each in ("calls", "seconds")},
    {},
    {},
    (),
    (),
)
WORLD = typed.World(DOMAIN, ())


class Expressions:
    """Random expressions over `PARAMETERS`, rich in partial operations and in guards."""

    def __init__(self, seed: int) -> None:
        self.roll = random.Random(seed)  # noqa: S311 - the same expressions each time
        self.bound = 0

    def condition(self, depth: int, scope: tuple[Ref, ...]) -> Expr:
        kind = self.roll.randint(0, 8 if depth else 2)
        if kind <= 1:
            which = self.roll.choice((Op.LT, Op.LE, Op.EQ, Op.NE, Op.GE))
            return self.make(which, self.integer(depth - 1, scope), self.integer(depth - 1, scope))
        if kind == 2:
            return self.roll.choice(
                (
                    self.make(Op.MAP_HAS, M, self.leaf(scope)),
                    self.make(Op.IS_SOME, MAYBE),
                    self.make(Op.NE, self.leaf(scope), number(0)),
                    self.make(Op.LT, self.leaf(scope), self.make(Op.LIST_LEN, XS, type=INT)),
                    self.make(Op.LE, number(0), self.leaf(scope)),
                )
            )
        one, other = self.condition(depth - 1, scope), self.condition(depth - 1, scope)
        if kind == 3:
            return self.make(Op.NOT, one)
        if kind <= 6:
            if kind == 6:
                return self.make(Op.IMPLIES, one, other)
            which = Op.AND if kind == 4 else Op.OR
            return self.make(which, one, other, self.condition(depth - 1, scope))
        variable, domain = self.binder(depth, scope)
        body = self.condition(depth - 1, (*scope, variable))
        return Quantified(kind == 7, variable, domain, body)

    def integer(self, depth: int, scope: tuple[Ref, ...]) -> Expr:
        kind = self.roll.randint(0, 9 if depth > 0 else 0)
        if kind == 0:
            return self.leaf(scope)
        one = self.integer(depth - 1, scope)
        if kind <= 2:
            which = self.roll.choice((Op.DIV, Op.MOD, Op.ADD))
            return self.make(which, one, self.integer(depth - 1, scope), type=INT)
        if kind == 3:
            return self.make(Op.LIST_GET, XS, one, type=INT)
        if kind == 4:
            return self.make(Op.MAP_GET, M, one, type=INT)
        if kind == 5:
            return self.make(Op.VALUE_OF, MAYBE, type=INT)
        if kind == 6:
            test = self.condition(depth - 1, scope)
            return Conditional(test, one, self.integer(depth - 1, scope), INT)
        variable, domain = self.binder(depth, scope)
        inner = (*scope, variable)
        if kind == 7:
            found = First(variable, Items(XS), self.condition(depth - 1, inner), OptionType(INT))
            return self.make(Op.VALUE_OF, found, type=INT)
        test_or_none = None if kind == 8 else self.condition(depth - 1, inner)
        return Total(variable, domain, test_or_none, self.integer(depth - 1, inner), INT)

    def binder(self, depth: int, scope: tuple[Ref, ...]) -> tuple[Ref, core.Domain]:
        self.bound += 1
        variable = Ref(f"b'{self.bound}", INT)
        low = self.integer(depth - 2, scope)
        return variable, self.roll.choice(
            (Items(XS), Items(M), FirstItems(XS, low), Between(low, number(2)))
        )

    def leaf(self, scope: tuple[Ref, ...]) -> Expr:
        leaves: tuple[Expr, ...] = (X, Y, *scope, number(0), number(1), number(2))
        return self.roll.choice(leaves)

    def make(self, which: Op, *arguments: Expr, type: Type = BOOL) -> Apply:
        return Apply(which, arguments, type)


def plan(*statements: typed.Statement, result: Type | None = None) -> typed.PlanSet:
    parameters = tuple(typed.Parameter(each.name, each.type, (), None) for each in PARAMETERS)
    main = typed.Plan("main", "", parameters, result, (), (), None, (), typed.Block(statements))
    return typed.PlanSet("", {"main": main})


def lowered(*statements: typed.Statement) -> core.Program:
    program, diagnostics = lower_plan(plan(*statements), "main", WORLD)
    assert program is not None
    assert diagnostics == ()
    return program


@pytest.mark.parametrize("batch", range(8))
def test_what_is_owed_is_what_it_takes_to_have_a_value(batch: int) -> None:
    defined = undefined = 0
    for seed in range(batch * 100, batch * 100 + 100):
        expr = Expressions(seed).condition(3, ())
        program = lowered(typed.Assert(typed.Clause(expr, NOWHERE)))
        for turn in range(6):
            result = run(program, RandomAdversary(seed * 1_000 + turn))
            try:
                value = evaluate(expr, dict(result.inputs))
            except Undefined:
                assert isinstance(result.outcome, Violated)
                assert result.outcome.tag.kind is Kind.DEFINED
                undefined += 1
            else:
                if value:
                    assert not isinstance(result.outcome, Violated | Stuck)
                else:
                    assert isinstance(result.outcome, Violated)
                    assert result.outcome.tag.kind is Kind.ASSERT
                defined += 1
    # The generator is worth nothing if one of the two cases hardly comes up.
    assert min(defined, undefined) > 60


def test_bound_variables_stay_unique_however_often_they_are_copied() -> None:
    for seed in range(150):
        expr = Expressions(seed).condition(3, ())
        program = lowered(typed.Assert(typed.Clause(expr, NOWHERE)))
        names: list[str] = []
        for each in everything(program.body):
            if isinstance(each, core.Assert):
                names += binders(each.condition)
        assert len(names) == len(set(names))


def everything(statement: core.Statement) -> list[core.Statement]:
    match statement:
        case core.Seq(items):
            return [inner for each in items for inner in everything(each)]
        case core.Try(_, body, handler):
            return everything(body) + everything(handler)
        case _:
            return [statement]


def binders(expr: Expr) -> list[str]:
    from planproof.spec.semantics import children

    own = [expr.variable.name] if isinstance(expr, Quantified | Total | First) else []
    return own + [name for each in children(expr) for name in binders(each)]


# ---- types of the store ----

SMALL = RefinedType("Small", INT, Apply(Op.LE, (Ref("self", INT), number(2)), BOOL))
PAIR = RecordType("Pair", (("one", SMALL), ("two", INT)))
TARGETS = (
    Ref("a", SMALL),
    Ref("b", ListType(SMALL, 2)),
    Ref("c", MapType(INT, SMALL)),
    Ref("d", OptionType(SMALL)),
    Ref("e", PAIR),
    Ref("f", MapType(SMALL, INT, 2)),
)
XS_APPENDED = Apply(Op.LIST_APPEND, (XS, X), ListType(INT, 4))
M_PUT = Apply(Op.MAP_PUT, (M, X, Y), MapType(INT, SMALL))
VALUES: tuple[tuple[Ref, Expr], ...] = (
    (TARGETS[0], X),
    (TARGETS[0], Apply(Op.ADD, (X, Y), INT)),
    (TARGETS[0], Apply(Op.MAX, (X, Y), SMALL)),
    (TARGETS[1], XS),
    (TARGETS[1], XS_APPENDED),
    (TARGETS[1], Apply(Op.LIST_APPEND, (TARGETS[1], X), ListType(SMALL, 2))),
    (TARGETS[1], Literal(core.ListValue((1, 2)), ListType(INT, 2))),
    (TARGETS[2], M),
    (TARGETS[2], M_PUT),
    (TARGETS[3], MAYBE),
    (TARGETS[3], Apply(Op.SOME, (Y,), OptionType(SMALL))),
    (TARGETS[4], core.Make((X, Y), PAIR)),
    (TARGETS[4], core.WithField(TARGETS[4], "one", Y, PAIR)),
    (TARGETS[5], M),
    (TARGETS[5], Apply(Op.MAP_PUT, (TARGETS[5], X, Y), MapType(SMALL, INT, 2))),
)


def check_store(program: core.Program, result: Run) -> None:
    types = {each.name: each.type for each in program.variables}
    for name, value in result.store.items():
        assert conforms(value, types[name]), (name, value)
    assert result.steps <= program.steps_max


def test_every_store_respects_its_types_or_something_was_violated() -> None:
    violated = finished = 0
    for seed in range(1_500):
        roll = random.Random(seed)  # noqa: S311 - the same programs each time
        chosen = roll.sample(VALUES, 4)
        begin = [
            typed.Bind(TARGETS[1], Literal(core.ListValue((1,)), ListType(INT, 1))),
            typed.Bind(TARGETS[4], core.Make((number(0), number(0)), PAIR)),
            typed.Bind(TARGETS[5], Literal(core.MapValue(frozenset()), MapType(SMALL, INT, 0))),
        ]
        loop = typed.Repeat(2, (), typed.Block(tuple(typed.Bind(*each) for each in chosen)))
        program = lowered(*begin, loop)
        result = run(program, RandomAdversary(seed))
        assert not isinstance(result.outcome, Stuck)
        check_store(program, result)
        if isinstance(result.outcome, Violated):
            assert result.outcome.tag.kind is Kind.REFINEMENT
            violated += 1
        else:
            finished += 1
    assert min(violated, finished) > 50
