"""Symbolic evaluation against the interpreter, expression by expression."""

from __future__ import annotations

import pytest
from tests.soundness.adversaries import Cunning
from tests.soundness.expressions import Model, Raw, bind, decoded, plain, sample, store

from planproof.spec import core, semantics
from planproof.spec.core import Expr, Value
from planproof.spec.types import BOOL, MapType, SetType, Type, show, strip
from planproof.verifier.path import Level
from planproof.verifier.symbolic import SValue, Symbolic, Unencodable
from planproof.verifier.term import Term


def valued(expr: Expr, values: dict[str, Value], functions: Cunning) -> Value | None:
    """The value of the expression, or None where it has none."""
    try:
        return semantics.evaluate(expr, values, functions.apply)
    except semantics.NoValue:
        return None


def functions_of(guess: Cunning, types: dict[str, Type]) -> Model:
    """A model that interprets `weight` as `guess` does, and the rest as arbitrary but fixed."""
    key_type = types["k"]

    def missing(term: Term, arguments: tuple[Raw, ...]) -> Raw:
        name = str(term.data)
        if name == "fn weight":
            [key] = arguments
            assert isinstance(key, tuple)
            index = key[1]
            assert isinstance(index, int)
            from planproof.spec.types import IntType

            nat = guess.apply("weight", (core.OpaqueValue(show(key_type), index),), IntType())
            assert isinstance(nat, int)
            return abs(nat)
        if name == "text.len":
            [text] = arguments
            assert isinstance(text, str)
            return len(text)
        if name == "text.concat":
            return "".join(map(str, arguments))
        if name.startswith("text.of."):
            return str(arguments[0])
        if name.startswith("text."):
            op = core.Op(name.removeprefix("text."))
            return semantics.text_test(op, str(arguments[0]), str(arguments[1]))
        if term.sort.startswith("U:"):
            return (term.sort, name)
        nothing: dict[str, Raw] = {"Bool": False, "Int": 0, "Text": ""}
        return nothing[term.sort]

    return Model(missing)


class Nats(Cunning):
    """Interprets functions by non-negative numbers, as `weight` needs."""

    def apply(self, function: str, arguments: tuple[Value, ...], type: Type) -> Value:
        found = super().apply(function, arguments, type)
        assert isinstance(found, int)
        return abs(found)


@pytest.mark.parametrize("batch", range(2))
def test_a_term_has_the_value_of_its_expression(batch: int) -> None:
    compared = 0
    for seed in range(batch * 20, batch * 20 + 20):
        one = sample(seed)
        for turn in range(4):
            compared += compare(one.expressions, one.types, seed * 10 + turn)
    # Most expressions have a value in most stores; else the test says nothing.
    assert compared > 150


def compare(expressions: tuple[Expr, ...], types: dict[str, Type], seed: int) -> int:
    """In exact mode, unknowns bound to a random store: how many expressions were compared."""
    values, guess = store(types, seed)
    functions = Nats(guess.known, seed)
    symbolic = Symbolic(scope=4)
    model = functions_of(functions, types)
    env: dict[str, SValue] = {}
    for name, type in types.items():
        if guess.roll.random() < 0.3 and not isinstance(strip(type), MapType | SetType):
            env[name] = symbolic.literal(values[name], type)
            for index in range(8):
                model.table[(f"Key!{index}", ())] = ("U:Key", index)
        else:
            env[name] = symbolic.unknown(type, name)
            bind(model, env[name], values[name], type, guess)
    # What is known on the way must not change a value: some truths, learned before.
    level = Level(symbolic.terms, None)
    compared = 0
    for expr in expressions:
        expected = valued(expr, values, functions)
        if expected is None:
            continue
        symbolic.known = level
        try:
            found = symbolic.evaluate(expr, env)
        except Unencodable:
            continue
        got = decoded(model, symbolic, found, expr.type)
        if got != plain(expected, expr.type):
            raise AssertionError(
                f"{semantics.show(expected)} became {got}: {expr.span.one_line}, seed {seed}"
            )
        compared += 1
        if strip(expr.type) == BOOL and isinstance(found, Term):
            level.learn(found if expected is True else symbolic.terms.not_(found), None)
    for term, facts in symbolic.facts.items():
        if all(a.op != "app" or not str(a.data).startswith("•") for a in (term, *term.args)):
            for fact in facts:
                if _has_value(model, fact):
                    assert model.truth(fact), f"{fact} is no fact, seed {seed}"
    return compared


def _has_value(model: Model, term: Term) -> bool:
    try:
        model.of(term)
    except (ValueError, AssertionError, TypeError):
        return False
    return True
