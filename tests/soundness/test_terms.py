"""Smart constructors, intervals and lookup against values.

Random operations are done twice: by `Terms`, which folds, and on numbers in a random assignment.
The two must agree, each interval must contain its value, and what `Level` derives from truths must
be true.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction

import pytest
from tests.soundness.expressions import Model, Raw

from planproof.spec.arithmetic import div, mod
from planproof.verifier.path import Fact, Level, Trail
from planproof.verifier.term import BOOL, INT, REAL, Number, Term, Terms

Pair = tuple[Term, Raw]


class Both:
    """Terms and their values, made together."""

    def __init__(self, seed: int) -> None:
        self.roll = random.Random(seed)  # noqa: S311 - the same terms again
        self.terms = Terms()
        self.assigned: dict[str, Raw] = {}
        self.propositions: list[Pair] = []
        self.numbers: dict[str, list[Pair]] = {INT: [], REAL: []}
        self.leaves()

    def leaves(self) -> None:
        roll, terms = self.roll, self.terms
        for i in range(4):
            value = roll.randint(-4, 6)
            low = value - roll.choice((0, 1, 3)) if roll.random() < 0.6 else None
            high = value + roll.choice((0, 1, 3)) if roll.random() < 0.6 else None
            terms.intervals[f"n{i}"] = (low, high)
            self.assigned[f"n{i}"] = value
            self.numbers[INT].append((terms.app(f"n{i}", (), INT), value))
        for i in range(3):
            part = Fraction(roll.randint(-8, 8), roll.choice((1, 2, 3)))
            terms.intervals[f"d{i}"] = (
                part - 1 if roll.random() < 0.5 else None,
                part if roll.random() < 0.5 else None,
            )
            self.assigned[f"d{i}"] = part
            self.numbers[REAL].append((terms.app(f"d{i}", (), REAL), part))
        for i in range(3):
            truth = roll.random() < 0.5
            self.assigned[f"b{i}"] = truth
            self.propositions.append((terms.app(f"b{i}", (), BOOL), truth))
        for value in (-2, -1, 0, 1, 2, 3):
            self.numbers[INT].append((terms.integer(value), value))
            self.numbers[REAL].append((terms.number(Fraction(value, 2), REAL), Fraction(value, 2)))

    def model(self) -> Model:
        return Model(lambda term, _: self.assigned[str(term.data)])

    def number(self, sort: str) -> tuple[Term, Number]:
        term, value = self.roll.choice(self.numbers[sort])
        assert isinstance(value, int | Fraction)
        return term, value

    def proposition(self) -> tuple[Term, bool]:
        term, value = self.roll.choice(self.propositions)
        assert isinstance(value, bool)
        return term, value

    def grow(self) -> None:
        """One more number or proposition, from those there are."""
        if self.roll.random() < 0.5:
            self.propositions.append(self.new_proposition())
        else:
            sort = self.roll.choice((INT, INT, REAL))
            self.numbers[sort].append(self.new_number(sort))

    def new_proposition(self) -> Pair:
        roll, terms = self.roll, self.terms
        sort = roll.choice((INT, INT, REAL))
        (a, x), (b, y) = self.number(sort), self.number(sort)
        (p, s), (q, t), (r, u) = self.proposition(), self.proposition(), self.proposition()
        ways: list[Callable[[], Pair]] = [
            lambda: (terms.le(a, b), x <= y),
            lambda: (terms.lt(a, b), x < y),
            lambda: (terms.eq(a, b), x == y),
            lambda: (terms.ge0(a), x >= 0),
            lambda: (terms.gt0(a), x > 0),
            lambda: (terms.not_(p), not s),
            lambda: (terms.and_(p, q, r), s and t and u),
            lambda: (terms.or_(p, q, r), s or t or u),
            lambda: (terms.implies(p, q), not s or t),
            lambda: (terms.ite(p, q, r), t if s else u),
            lambda: (terms.eq(p, q), s == t),
        ]
        return roll.choice(ways)()

    def new_number(self, sort: str) -> Pair:
        roll, terms = self.roll, self.terms
        (a, x), (b, y), (c, z) = self.number(sort), self.number(sort), self.number(sort)
        p, s = self.proposition()
        factor: Number = roll.choice((-2, -1, 2, 3))
        ways: list[Callable[[], tuple[Term, Number]]] = [
            lambda: (terms.add(a, b, c), x + y + z),
            lambda: (terms.sub(a, b), x - y),
            lambda: (terms.scale(factor, a), factor * x),
            lambda: (terms.mul(a, b), x * y),
            lambda: (terms.ite(p, a, b), x if s else y),
            lambda: (terms.ite(terms.lt(a, b), b, a), max(x, y)),
        ]
        if sort == INT and isinstance(x, int) and isinstance(y, int) and y != 0:
            ways += [lambda: (terms.div(a, b), div(x, y)), lambda: (terms.mod(a, b), mod(x, y))]
        if sort == REAL:
            whole, n = self.number(INT)
            ways.append(lambda: (terms.to_real(whole), Fraction(n)))
            if y != 0:
                ways.append(lambda: (terms.quotient(a, b), Fraction(x) / y))
        term, value = roll.choice(ways)()
        if not -10_000 <= value <= 10_000:
            return a, x
        return term, Fraction(value) if sort == REAL else value


@pytest.mark.parametrize("batch", range(4))
def test_folding_keeps_the_value_and_intervals_contain_it(batch: int) -> None:
    folded = 0
    for seed in range(batch * 100, batch * 100 + 100):
        both = Both(seed)
        for _ in range(60):
            both.grow()
        model = both.model()
        for term, value in (*both.propositions, *both.numbers[INT], *both.numbers[REAL]):
            assert model.of(term) == value, (seed, term)
            if term.low is not None:
                assert isinstance(value, int | Fraction)
                assert value >= term.low, (seed, term)
            if term.high is not None:
                assert isinstance(value, int | Fraction)
                assert value <= term.high, (seed, term)
            folded += term.op == "const"
    assert folded > 2_000


@pytest.mark.parametrize("batch", range(4))
def test_what_lookup_derives_from_truths_is_true(batch: int) -> None:
    yes = no = 0
    for seed in range(batch * 100, batch * 100 + 100):
        both = Both(seed)
        for _ in range(40):
            both.grow()
        level = Level(both.terms, None)
        levels = [level]
        trail = Trail(None, None)
        for _ in range(14):
            if both.roll.random() < 0.3:
                level = Level(both.terms, level)
                levels.append(level)
            term, value = both.new_proposition()
            true = term if value else both.terms.not_(term)
            level.learn(true, Fact(true, trail, "test", None))
        if both.roll.random() < 0.5 and len(levels) > 1:
            levels[-2].absorb(levels[-1])
            level = levels[-2]
        for _ in range(60):
            both.grow()
        for term, value in both.propositions:
            answer = level.holds(term)
            if answer is not None:
                assert answer == value, (seed, term)
                yes += 1
            else:
                no += 1
            used: list[Fact] = []
            if level.proves(term, used):
                assert value is True, (seed, term)
                # The facts that are named suffice: a level that knows only them says yes as well.
                again = Level(both.terms, None)
                for fact in used:
                    again.learn(fact.formula, fact)
                assert again.proves(term, []), (seed, term)
    assert yes > 1_500
    assert no > 1_500


def test_an_inconsistent_fact_is_noticed_by_this_very_test() -> None:
    both = Both(1)
    level = Level(both.terms, None)
    term, value = both.propositions[0]
    level.learn(both.terms.not_(term) if value else term, None)
    assert level.holds(term) is not value
