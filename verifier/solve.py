"""Discharging conditions.

A condition is settled by the cheapest means that will do: lookup (done while it was generated),
then Z3 on the facts closest to the goal, then Z3 on every fact that is connected with it.  Fewer
hypotheses prove less, so a proof from a slice is a proof; only the last stage's failure counts.
A solver that runs out of its limit, gives up or fails is `Open`, with the reason; nothing raises.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from planproof.spec.node import dataclass
from planproof.verifier import smt
from planproof.verifier.ground import Grounding
from planproof.verifier.path import Fact, Trail, symbols_of
from planproof.verifier.symbolic import Symbolic
from planproof.verifier.term import Term

if TYPE_CHECKING:
    from planproof.spec.limits import Limits
    from planproof.verifier.generate import Condition, Generator

TRIVIAL = "sha256:" + "0" * 64
"""The digest of a condition that folded to true: there is no text to digest."""


@dataclass(frozen=True, slots=True)
class Discharged:
    """Proved; `used` are the facts the proof needed (all it was given, where that is not known)."""

    used: tuple[Fact, ...]
    rlimit: int
    script: smt.Script | None


@dataclass(frozen=True, slots=True)
class Falsified:
    """The solver has a model of the negation: a candidate, not yet a counterexample."""

    rlimit: int
    script: smt.Script
    values: dict[Term, object]


@dataclass(frozen=True, slots=True)
class Open:
    """Neither; `exhausted` says that the resource limit ended it."""

    reason: str
    exhausted: bool
    rlimit: int
    script: smt.Script | None


Result: TypeAlias = Discharged | Falsified | Open

_LOOKED_UP = Discharged((), 0, None)


class Prover:
    """Discharges the conditions of one generator, each text at most once."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.answers: dict[str, smt.Answer] = {}
        self.queries = 0
        self._settled: dict[int, tuple[Condition, Result]] = {}  # by identity
        self._symbols: dict[Term, frozenset[str]] = {}
        self._index: dict[str, list[int]] = {}
        self._indexed: list[Fact] = []

    def judge(self, generator: Generator, condition: Condition) -> bool:
        return isinstance(self.discharge(generator, condition), Discharged)

    def discharge(self, generator: Generator, condition: Condition) -> Result:
        """What became of the condition; worked out when first asked for."""
        if condition.used is not None:
            return Discharged(tuple(condition.used), 0, None) if condition.used else _LOOKED_UP
        known = self._settled.get(id(condition))
        if known is None:
            known = condition, self._discharge(generator, condition)
            self._settled[id(condition)] = known
        return known[1]

    def _discharge(self, generator: Generator, condition: Condition) -> Result:
        if condition.problem is not None:
            return Open(condition.problem, False, 0, None)
        if condition.goal is generator.terms.false:
            return self.discharge_all(generator, condition)
        near = self.slice(generator, condition, True)
        result, whole = self._solve(generator.symbolic, condition, near, _NEAR_INSTANCES_MAX)
        if isinstance(result, Discharged):
            return result
        connected = self.slice(generator, condition, False)
        if whole and len(connected) == len(near):
            return result
        result, _ = self._solve(
            generator.symbolic, condition, connected, self.limits.instances_max
        )
        return result

    def discharge_all(self, generator: Generator, condition: Condition) -> Result:
        """As `discharge`, from every fact before the condition, connected with the goal or not.

        For goals that speak of nothing: whether the facts contradict each other.
        """
        facts = generator.facts[: condition.facts]
        return self._solve(generator.symbolic, condition, facts, self.limits.instances_max)[0]

    def _solve(
        self, symbolic: Symbolic, condition: Condition, chosen: Sequence[Fact], instances_max: int
    ) -> tuple[Result, bool]:
        """What a solver says, and whether it was told all there is to say of the symbols."""
        hypotheses = [relative(f, condition.trail, symbolic) for f in chosen]
        terms = symbolic.terms
        grounding = Grounding(symbolic, instances_max)
        lemmas = grounding.run([*hypotheses, terms.not_(condition.goal)])
        whole = grounding.left > 0
        script = smt.script(hypotheses, lemmas, condition.goal, symbolic)
        digest = script.digest
        answer = self.answers.get(digest)
        if answer is None:
            self.queries += 1
            answer = smt.check(script, self.limits, core=True)
            self.answers[digest] = answer
        match answer:
            case smt.Unsat(rlimit, names):
                if names is None:
                    return Discharged(tuple(chosen), rlimit, script), whole
                wanted = set(names)
                used = tuple(f for i, f in enumerate(chosen) if f"h{i}" in wanted)
                return Discharged(used, rlimit, script), whole
            case smt.Sat(rlimit, values):
                return Falsified(rlimit, script, values), whole
            case smt.Undecided(rlimit, exhausted, reason):
                return Open(reason, exhausted, rlimit, script), whole

    # ---- slices ----------------------------------------------------------------------------------

    def slice(self, generator: Generator, condition: Condition, near: bool) -> list[Fact]:
        """The facts before the condition that speak of its symbols, or are connected with it."""
        facts = generator.facts
        self._update_index(facts)
        trail = condition.trail
        reached = {_NEVER, *symbols_of(condition.goal, self._symbols)}
        frontier = sorted(reached)
        chosen: set[int] = set()
        rounds = 0
        while frontier:
            rounds += 1
            new: set[int] = set()
            for symbol in frontier:
                new.update(
                    i
                    for i in self._index.get(symbol, ())
                    if i < condition.facts and i not in chosen
                )
            if near and len(new) > _NEAR_MAX:
                new = set(sorted(new)[-_NEAR_MAX:])
            chosen |= new
            if near and rounds == _NEAR_ROUNDS:
                break
            grown: set[str] = set()
            for i in new:
                fact = facts[i]
                grown |= self._fact_symbols(fact)
                if not trail.extends(fact.trail):
                    for literal in fact.trail.beyond(trail):
                        grown |= symbols_of(literal, self._symbols)
            for symbol in sorted(grown | set(frontier)):
                for term in generator.symbolic.links.get(symbol, ()):
                    grown |= symbols_of(term, self._symbols)
            frontier = sorted(grown - reached)
            reached |= grown
        return [facts[i] for i in sorted(chosen)]

    def _fact_symbols(self, fact: Fact) -> frozenset[str]:
        if fact.symbols is None:
            fact.symbols = symbols_of(fact.formula, self._symbols) or _NOWHERE
        return fact.symbols

    def _update_index(self, facts: list[Fact]) -> None:
        indexed = self._indexed
        if len(facts) == len(indexed) and (not facts or facts[-1] is indexed[-1]):
            return
        # Trials of loop invariants take facts back: drop what is no longer there.
        common = min(len(facts), len(indexed))
        while common > 0 and facts[common - 1] is not indexed[common - 1]:
            common -= 1
        for i in range(len(indexed) - 1, common - 1, -1):
            for symbol in self._fact_symbols(indexed[i]):
                places = self._index[symbol]
                if places and places[-1] == i:
                    places.pop()
        del indexed[common:]
        for i in range(common, len(facts)):
            for symbol in self._fact_symbols(facts[i]):
                self._index.setdefault(symbol, []).append(i)
            indexed.append(facts[i])


_NEVER = (
    "false"  # stands for a symbol in facts without any: such a fact says that nothing gets here
)
_NOWHERE = frozenset({_NEVER})
_NEAR_INSTANCES_MAX = 100  # for the first stage; most proofs need few instances, or none
_NEAR_MAX = 40  # facts taken by the first stage, the latest ones
_NEAR_ROUNDS = 2  # how far from the goal's own symbols the first stage looks


def relative(fact: Fact, trail: Trail, symbolic: Symbolic) -> Term:
    """What the fact says at a point on `trail`."""
    if trail.extends(fact.trail):
        return fact.formula
    terms = symbolic.terms
    return terms.implies(terms.and_(*fact.trail.beyond(trail)), fact.formula)
