"""Terms: hash-consed formulas over scalars, folded as they are made.

A `Term` is a Bool, Int, Real, Text or an element of an opaque type; lists, maps, records and
options never become terms (see `symbolic`).  `Terms` makes them.  Two terms of one factory are
equal exactly if they are the same object, so equality, hashing and memo tables cost nothing, and a
condition that folds to TRUE never reaches a solver.

Arithmetic is kept in one normal form: `lin` is a sum of atoms with rational coefficients plus a
constant, atoms in order of creation; comparisons are `lin >= 0`, `lin > 0` (Real only, an Int
comparison is tightened to `>=` and divided by the gcd) and `lin == 0`.  Each numeric term knows an
interval that contains its value in every interpretation; it is computed once, from its parts
(interval arithmetic, Moore 1966).  The interval of an application is what its symbol was declared
with.  (Smart constructors: Cedar's `SymCC/Factory`; hash-consing: Filliatre, Conchon 2006.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from math import gcd
from operator import attrgetter
from typing import TypeAlias

from planproof.spec.arithmetic import div as euclidean_div
from planproof.spec.arithmetic import mod as euclidean_mod

Number: TypeAlias = int | Fraction
Sort: TypeAlias = str

BOOL: Sort = "Bool"
INT: Sort = "Int"
REAL: Sort = "Real"
TEXT: Sort = "Text"


class Term:
    """One node. `op` is one of

    const (data: the value), app (data: the symbol's name), lin (data: coefficients and constant),
    ge0 gt0 eq0 (of one numeric term), eq (of two others), not and or ite, mul div mod rdiv to_real,
    quant (data: a `Quantifier` of `symbolic`).
    """

    __slots__ = ("args", "data", "high", "low", "op", "sort", "uid")

    op: str
    args: tuple[Term, ...]
    data: object
    sort: Sort
    uid: int
    low: Number | None
    high: Number | None

    def __repr__(self) -> str:
        if self.op == "const":
            return str(self.data)
        if self.op == "app":
            inner = ",".join(map(repr, self.args))
            return f"{self.data}({inner})" if self.args else str(self.data)
        if self.op == "lin":
            coefficients, constant = linear(self)
            parts = [f"{c}*{a!r}" for a, c in coefficients.items()]
            return "(" + " + ".join([*parts, str(constant)]) + ")"
        if self.op == "quant":
            return f"quant{self.uid}"
        return f"({self.op} {' '.join(map(repr, self.args))})"


def linear(term: Term) -> tuple[dict[Term, Number], Number]:
    """The atoms of a numeric term with their coefficients, and its constant."""
    if term.op == "lin":
        coefficients, constant = parts_of(term)
        return dict(zip(term.args, coefficients, strict=True)), constant
    if term.op == "const":
        return {}, term.data  # type: ignore[return-value]
    return {term: 1}, 0


def parts_of(term: Term) -> tuple[tuple[Number, ...], Number]:
    """The coefficients of a `lin` term, in the order of its atoms, and its constant."""
    return term.data  # type: ignore[return-value]


class Terms:
    """Makes terms, and is the only one who does."""

    def __init__(self) -> None:
        self._table: dict[tuple[object, ...], Term] = {}
        self._negated: dict[Term, Term] = {}
        self._split: dict[Term, tuple[Term, Number]] = {}
        self.intervals: dict[str, tuple[Number | None, Number | None]] = {}
        self.true = self._make("const", (), True, BOOL)
        self.false = self._make("const", (), False, BOOL)

    def _make(self, op: str, args: tuple[Term, ...], data: object, sort: Sort) -> Term:
        key = (op, args, data, sort)
        found = self._table.get(key)
        if found is not None:
            return found
        term = Term()
        term.op, term.args, term.data, term.sort = op, args, data, sort
        term.uid = len(self._table)
        if sort in (INT, REAL):
            term.low, term.high = self._interval(term)
        else:
            term.low = term.high = None
        self._table[key] = term
        return term

    def __len__(self) -> int:
        return len(self._table)

    # ---- leaves ----------------------------------------------------------------------------------

    def boolean(self, value: bool) -> Term:
        return self.true if value else self.false

    def number(self, value: Number, sort: Sort) -> Term:
        return self._make("const", (), int(value) if sort == INT else Fraction(value), sort)

    def integer(self, value: int) -> Term:
        return self._make("const", (), value, INT)

    def text(self, value: str) -> Term:
        return self._make("const", (), value, TEXT)

    def app(self, name: str, args: tuple[Term, ...], sort: Sort) -> Term:
        """The symbol `name` applied; its declared interval (`intervals`) must be known before."""
        return self._make("app", args, name, sort)

    def quantifier(self, payload: object) -> Term:
        """The truth value of a quantified formula, as an atom."""
        return self._make("quant", (), payload, BOOL)

    # ---- propositions ----------------------------------------------------------------------------

    def not_(self, term: Term) -> Term:
        found = self._negated.get(term)
        if found is None:
            found = self._negated[term] = self._negation(term)
        return found

    def _negation(self, term: Term) -> Term:
        op = term.op
        if term is self.true:
            return self.false
        if term is self.false:
            return self.true
        if op == "not":
            return term.args[0]
        if op == "ge0":
            inner = term.args[0]
            if inner.sort == INT:
                return self.ge0(self.add(self.scale(-1, inner), self.integer(-1)))
            return self.gt0(self.scale(-1, inner))
        if op == "gt0":
            return self.ge0(self.scale(-1, term.args[0]))
        return self._make("not", (term,), None, BOOL)

    def and_(self, *terms: Term) -> Term:
        return self._junction("and", terms, self.true, self.false)

    def or_(self, *terms: Term) -> Term:
        return self._junction("or", terms, self.false, self.true)

    def _junction(self, op: str, terms: Iterable[Term], unit: Term, zero: Term) -> Term:
        parts: dict[Term, None] = {}
        for term in terms:
            for each in term.args if term.op == op else (term,):
                if each is zero:
                    return zero
                if each is not unit:
                    parts[each] = None
        if not parts:
            return unit
        if len(parts) == 1:
            return next(iter(parts))
        for each in parts:
            if self.not_(each) in parts:
                return zero
        return self._make(op, tuple(parts), None, BOOL)

    def implies(self, left: Term, right: Term) -> Term:
        if left is self.true:
            return right
        return self.or_(self.not_(left), right)

    def ite(self, test: Term, then: Term, otherwise: Term) -> Term:
        if test is self.true or then is otherwise:
            return then
        if test is self.false:
            return otherwise
        if test.op == "not":
            return self.ite(test.args[0], otherwise, then)
        if then.sort == BOOL:
            if then is self.true:
                return self.or_(test, otherwise)
            if then is self.false:
                return self.and_(self.not_(test), otherwise)
            if otherwise is self.true:
                return self.or_(self.not_(test), then)
            if otherwise is self.false:
                return self.and_(test, then)
        elif then.sort == INT or then.sort == REAL:
            # What both have in common stays outside: a counter that one branch increases is
            # `c + ite(test, 1, 0)`, whose distance from c has the interval [0, 1].
            left, left_constant = linear(then)
            right, right_constant = linear(otherwise)
            common = {a: c for a, c in left.items() if right.get(a) == c}
            if common:
                rest = self.ite(
                    test,
                    self._sum(
                        {a: c for a, c in left.items() if a not in common}, left_constant, then.sort
                    ),
                    self._sum(
                        {a: c for a, c in right.items() if a not in common},
                        right_constant,
                        then.sort,
                    ),
                )
                return self.add(self._sum(common, 0, then.sort), rest)
        if then.op == "ite" and then.args[0] is test:
            then = then.args[1]
        if otherwise.op == "ite" and otherwise.args[0] is test:
            otherwise = otherwise.args[2]
        return self._make("ite", (test, then, otherwise), None, then.sort)

    # ---- comparisons -----------------------------------------------------------------------------

    def eq(self, left: Term, right: Term) -> Term:
        if left is right:
            return self.true
        if left.sort == INT or left.sort == REAL:
            return self.eq0(self.sub(left, right))
        if left.op == "const" and right.op == "const":
            return self.false  # constants of one sort are made once, so these two differ
        if left.sort == BOOL:
            for one, other in ((left, right), (right, left)):
                if one is self.true:
                    return other
                if one is self.false:
                    return self.not_(other)
            if self.not_(left) is right:
                return self.false
        if left.uid > right.uid:
            left, right = right, left
        return self._make("eq", (left, right), None, BOOL)

    def ge0(self, term: Term) -> Term:
        if term.low is not None and term.low >= 0:
            return self.true
        if term.high is not None and term.high < 0:
            return self.false
        folded = self._fold_choice(term, lambda value: value >= 0)
        if folded is not None:
            return folded
        return self._make("ge0", (self._divided(term, tighten=True),), None, BOOL)

    def gt0(self, term: Term) -> Term:
        if term.sort == INT:
            return self.ge0(self.add(term, self.integer(-1)))
        if term.low is not None and term.low > 0:
            return self.true
        if term.high is not None and term.high <= 0:
            return self.false
        folded = self._fold_choice(term, lambda value: value > 0)
        if folded is not None:
            return folded
        return self._make("gt0", (self._divided(term, tighten=False),), None, BOOL)

    def eq0(self, term: Term) -> Term:
        if term.op == "const":
            return self.boolean(term.data == 0)
        if (term.low is not None and term.low > 0) or (term.high is not None and term.high < 0):
            return self.false
        coefficients, constant = linear(term)
        if next(iter(coefficients.values())) < 0:
            term = self.scale(-1, term)
            coefficients, constant = linear(term)
        if term.sort == INT and constant % gcd(*map(int, coefficients.values())) != 0:
            return self.false
        folded = self._fold_choice(term, lambda value: value == 0)
        if folded is not None:
            return folded
        return self._make("eq0", (self._divided(term, tighten=False),), None, BOOL)

    def _fold_choice(self, term: Term, holds: Callable[[Number], bool]) -> Term | None:
        """`ite(c, 1, 0) == 1` is c: comparing a choice between constants, as a proposition."""
        coefficients, constant = linear(term)
        if len(coefficients) != 1:
            return None
        [(atom, factor)] = coefficients.items()
        if atom.op != "ite":
            return None
        test, then, otherwise = atom.args
        if then.op != "const" or otherwise.op != "const":
            return None
        return self.ite(
            test,
            self.boolean(holds(factor * then.data + constant)),  # type: ignore[operator]
            self.boolean(holds(factor * otherwise.data + constant)),  # type: ignore[operator]
        )

    def le(self, left: Term, right: Term) -> Term:
        return self.ge0(self.sub(right, left))

    def lt(self, left: Term, right: Term) -> Term:
        return self.gt0(self.sub(right, left))

    def _divided(self, term: Term, tighten: bool) -> Term:
        """The term over the gcd of its coefficients; the sign, and so the comparison, is kept."""
        coefficients, constant = linear(term)
        if term.sort == INT:
            common = gcd(*map(int, coefficients.values()))
            if common > 1 and (tighten or constant % common == 0):
                return self._sum(
                    {a: int(c) // common for a, c in coefficients.items()},
                    int(constant) // common,  # rounds down: 2x + 1 >= 0 is x + 0 >= 0
                    INT,
                )
            return term
        divisor = abs(Fraction(next(iter(coefficients.values()))))
        if divisor != 1:
            return self._sum(
                {a: Fraction(c) / divisor for a, c in coefficients.items()},
                Fraction(constant) / divisor,
                REAL,
            )
        return term

    # ---- arithmetic ------------------------------------------------------------------------------

    def _sum(self, coefficients: dict[Term, Number], constant: Number, sort: Sort) -> Term:
        atoms = [a for a, c in coefficients.items() if c]
        if not atoms:
            return self.number(constant, sort)
        if len(atoms) > 1:
            atoms.sort(key=_by_uid)
        if sort == REAL:
            values: tuple[Number, ...] = tuple([Fraction(coefficients[a]) for a in atoms])
            constant = Fraction(constant)
        else:
            values = tuple([coefficients[a] for a in atoms])
        if not constant and len(atoms) == 1 and values[0] == 1:
            return atoms[0]
        return self._make("lin", tuple(atoms), (values, constant), sort)

    def add(self, *terms: Term) -> Term:
        total, constant = linear(terms[0])
        for term in terms[1:]:
            if term.op == "const":
                constant = constant + term.data  # type: ignore[operator]
                continue
            coefficients, own = linear(term)
            constant = constant + own
            for atom, c in coefficients.items():
                total[atom] = total.get(atom, 0) + c
        return self._sum(total, constant, terms[0].sort)

    def sub(self, left: Term, right: Term) -> Term:
        total, constant = linear(left)
        if right.op == "const":
            return self._sum(total, constant - right.data, left.sort)  # type: ignore[operator]
        coefficients, own = linear(right)
        for atom, c in coefficients.items():
            total[atom] = total.get(atom, 0) - c
        return self._sum(total, constant - own, left.sort)

    def split(self, term: Term) -> tuple[Term, Number]:
        """The term without its constant, and the constant."""
        found = self._split.get(term)
        if found is None:
            coefficients, constant = linear(term)
            found = self._sum(coefficients, 0, term.sort), constant
            self._split[term] = found
        return found

    def scale(self, factor: Number, term: Term) -> Term:
        coefficients, constant = linear(term)
        return self._sum(
            {a: factor * c for a, c in coefficients.items()}, factor * constant, term.sort
        )

    def mul(self, left: Term, right: Term) -> Term:
        if left.op == "const":
            return self.scale(left.data, right)  # type: ignore[arg-type]
        if right.op == "const":
            return self.scale(right.data, left)  # type: ignore[arg-type]
        if left.op == "lin" or right.op == "lin":
            a, a0 = linear(left)
            b, b0 = linear(right)
            if len(a) * len(b) <= _DISTRIBUTE_MAX:
                parts = [self.number(a0 * b0, left.sort)]
                parts += [self.scale(c * b0, x) for x, c in a.items()]
                parts += [self.scale(c * a0, y) for y, c in b.items()]
                parts += [
                    self.scale(c * d, self.mul(x, y)) for x, c in a.items() for y, d in b.items()
                ]
                return self.add(*parts)
        if left.uid > right.uid:
            left, right = right, left
        return self._make("mul", (left, right), None, left.sort)

    def div(self, left: Term, right: Term) -> Term:
        """Euclidean; what it is for a zero divisor is left open, as in SMT-LIB."""
        if right.op == "const" and right.data == 1:
            return left
        if left.op == "const" and right.op == "const" and right.data != 0:
            return self.integer(euclidean_div(left.data, right.data))  # type: ignore[arg-type]
        return self._make("div", (left, right), None, INT)

    def mod(self, left: Term, right: Term) -> Term:
        if left.op == "const" and right.op == "const" and right.data != 0:
            return self.integer(euclidean_mod(left.data, right.data))  # type: ignore[arg-type]
        return self._make("mod", (left, right), None, INT)

    def quotient(self, left: Term, right: Term) -> Term:
        if right.op == "const" and right.data != 0:
            return self.scale(Fraction(1) / right.data, left)  # type: ignore[operator]
        return self._make("rdiv", (left, right), None, REAL)

    def to_real(self, term: Term) -> Term:
        if term.sort == REAL:
            return term
        coefficients, constant = linear(term)
        atoms = {
            self._make("to_real", (a,), None, REAL): c for a, c in coefficients.items()
        }
        return self._sum(atoms, constant, REAL)

    # ---- intervals -------------------------------------------------------------------------------

    def _interval(self, term: Term) -> tuple[Number | None, Number | None]:
        op = term.op
        if op == "const":
            return term.data, term.data  # type: ignore[return-value]
        if op == "app":
            return self.intervals.get(term.data, (None, None))  # type: ignore[call-overload, no-any-return]
        if op == "lin":
            coefficients, constant = parts_of(term)
            low: Number | None = constant
            high: Number | None = constant
            for atom, c in zip(term.args, coefficients, strict=True):
                down, up = (atom.low, atom.high) if c > 0 else (atom.high, atom.low)
                low = None if low is None or down is None else low + c * down
                high = None if high is None or up is None else high + c * up
            return low, high
        if op == "ite":
            _, a, b = term.args
            return (
                None if a.low is None or b.low is None else min(a.low, b.low),
                None if a.high is None or b.high is None else max(a.high, b.high),
            )
        if op == "to_real":
            return term.args[0].low, term.args[0].high
        if op == "mul":
            a, b = term.args
            if a is b:
                square = [x * x for x in (a.low, a.high) if x is not None]
                return 0, max(square) if len(square) == 2 else None
            if (
                a.low is not None
                and b.low is not None
                and a.high is not None
                and b.high is not None
            ):
                corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
                return min(corners), max(corners)
            if a.low is not None and b.low is not None and a.low >= 0 and b.low >= 0:
                return a.low * b.low, None
            return None, None
        if op == "mod":
            divisor = term.args[1]
            if divisor.op == "const" and divisor.data != 0:
                return 0, abs(divisor.data) - 1  # type: ignore[arg-type]
            return None, None
        if op == "div":
            a, divisor = term.args
            if divisor.op == "const" and divisor.data > 0:  # type: ignore[operator]
                by: int = divisor.data  # type: ignore[assignment]
                return (
                    None if a.low is None else euclidean_div(int(a.low), by),
                    None if a.high is None else euclidean_div(int(a.high), by),
                )
            return None, None
        return None, None


_DISTRIBUTE_MAX = 16


_by_uid = attrgetter("uid")
