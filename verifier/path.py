"""Paths through a plan, and what is known on them.

A `Trail` is the list of branch conditions from the start of the plan to a point of it.  A `Fact` is
a formula that holds wherever the trail on which it was learned was taken.  At a point whose trail
extends the fact's, the fact holds as it is; elsewhere it holds under the conditions by which the
fact's trail leaves the common part.  So straight-line code needs no guards at all.

`Level` is the fast half: formulas that hold here, looked up by identity, and bounds of linear
terms.  Many obligations of a plan are settled there, without a solver, by the same two rules each
time: the formula itself was learned, or a bound at least as strong was.
"""

from __future__ import annotations

from planproof.spec.source import Span
from planproof.verifier.symbolic import Known, Quantifier
from planproof.verifier.term import INT, Number, Term, Terms, linear


class Trail:
    """One branch condition, and the trail before it; the root has no condition.

    `jump` makes finding an ancestor logarithmic (Myers, "An applicative random-access stack").
    """

    __slots__ = ("depth", "jump", "literal", "parent")

    def __init__(self, parent: Trail | None, literal: Term | None) -> None:
        self.parent = parent
        self.literal = literal
        if parent is None:
            self.depth = 0
            self.jump: Trail = self
        else:
            self.depth = parent.depth + 1
            far = parent.jump
            if parent.depth - far.depth == far.depth - far.jump.depth:
                self.jump = far.jump
            else:
                self.jump = parent

    def at_depth(self, depth: int) -> Trail:
        """The beginning of this trail that has `depth` conditions."""
        at = self
        while at.depth > depth:
            if at.jump.depth >= depth:
                at = at.jump
            else:
                assert at.parent is not None
                at = at.parent
        return at

    def extends(self, other: Trail) -> bool:
        return self.depth >= other.depth and self.at_depth(other.depth) is other

    def beyond(self, other: Trail) -> list[Term]:
        """The conditions of this trail after the part it has in common with `other`."""
        found: list[Term] = []
        at = self
        while not other.extends(at):
            assert at.literal is not None and at.parent is not None
            found.append(at.literal)
            at = at.parent
        found.reverse()
        return found


class Fact:
    """A formula learned on a trail. `origin` is the clause it came from, if a person wrote one."""

    __slots__ = ("formula", "kind", "origin", "symbols", "trail")

    def __init__(self, formula: Term, trail: Trail, kind: str, origin: Span | None) -> None:
        self.formula = formula
        self.trail = trail
        self.kind = kind
        self.origin = origin
        self.symbols: frozenset[str] | None = None


class Level(Known):
    """What is known here and on all levels above; `None` stands for "not settled"."""

    __slots__ = ("above", "bounds", "terms", "truths", "used")

    def __init__(self, terms: Terms, above: Level | None) -> None:
        super().__init__()
        self.terms = terms
        self.above = above
        self.truths: dict[Term, Fact | None] = {}
        self.bounds: dict[Term, tuple[Number, Fact | None]] = {}
        self.used: list[Fact] | None = None

    def learn(self, formula: Term, fact: Fact | None) -> None:
        op = formula.op
        if op == "and":
            for each in formula.args:
                self.learn(each, fact)
            return
        if op == "const":
            return
        self.truths[formula] = fact
        if op == "ge0":
            self._bound(formula.args[0], fact)
        elif op == "eq0":
            self._bound(formula.args[0], fact)
            self._bound(self.terms.scale(-1, formula.args[0]), fact)

    def _bound(self, term: Term, fact: Fact | None) -> None:
        """`term >= 0`, kept as the greatest known lower bound of its linear part."""
        part, constant = self.terms.split(term)
        best = self.lower(part)
        if best is None or -constant > best[0]:
            self.bounds[part] = (-constant, fact)

    def lower(self, part: Term) -> tuple[Number, Fact | None] | None:
        at: Level | None = self
        best: tuple[Number, Fact | None] | None = None
        while at is not None:
            own = at.bounds.get(part)
            if own is not None and (best is None or own[0] > best[0]):
                best = own
            at = at.above
        return best

    def find(self, formula: Term) -> tuple[Fact | None] | None:
        at: Level | None = self
        while at is not None:
            if formula in at.truths:
                return (at.truths[formula],)
            at = at.above
        return None

    def holds(self, proposition: Term) -> bool | None:
        """Whether the proposition is true here (True), false here (False), or neither is known."""
        if proposition.op == "const":
            return proposition is self.terms.true
        for claim, answer in ((proposition, True), (self.terms.not_(proposition), False)):
            used: list[Fact] = []
            if self.proves(claim, used):
                if self.used is not None:
                    self.used += used
                return answer
        return None

    def proves(self, formula: Term, used: list[Fact]) -> bool:
        """Whether the formula follows by lookup; adds the facts that say so to `used`."""
        op = formula.op
        if op == "const":
            return formula is self.terms.true
        found = self.find(formula)
        if found is not None:
            if found[0] is not None:
                used.append(found[0])
            return True
        if op == "and":
            return all(self.proves(each, used) for each in formula.args)
        if op == "or":
            return any(self.proves(each, used) for each in formula.args)
        if op == "ge0" or op == "gt0":
            return self._above(formula.args[0], op == "gt0", used)
        if op == "eq0":
            term = formula.args[0]
            return self._above(term, False, used) and self._above(
                self.terms.scale(-1, term), False, used
            )
        if op == "not":
            inner = formula.args[0]
            if inner.op == "eq0":  # a number that is not zero: above or below it
                term = inner.args[0]
                if term.sort == INT:
                    one = self.terms.integer(-1)
                    return self._above(self.terms.add(term, one), False, used) or self._above(
                        self.terms.add(self.terms.scale(-1, term), one), False, used
                    )
                return self._above(term, True, used) or self._above(
                    self.terms.scale(-1, term), True, used
                )
            if inner.op == "or":
                return all(self.proves(self.terms.not_(each), used) for each in inner.args)
            if inner.op == "and":
                return any(self.proves(self.terms.not_(each), used) for each in inner.args)
        return False

    def _above(self, term: Term, strictly: bool, used: list[Fact]) -> bool:
        part, constant = self.terms.split(term)
        if part.op == "const":
            return constant > 0 if strictly else constant >= 0
        best = self.lower(part)
        if best is not None and (best[0] + constant > 0 if strictly else best[0] + constant >= 0):
            if best[1] is not None:
                used.append(best[1])
            return True
        if part.op == "lin" and len(part.args) > 1:
            coefficients, _ = linear(part)
            # One known sum among the atoms, intervals for the rest: b >= 100, a in [0, 10] give
            # b - a >= 90.
            for atom, c in coefficients.items():
                rest = self.terms.sub(part, self.terms.scale(c, atom))
                own = self.lower(rest)
                edge = atom.low if c > 0 else atom.high
                if own is not None and edge is not None:
                    least = own[0] + c * edge + constant
                    if least > 0 if strictly else least >= 0:
                        if own[1] is not None:
                            used.append(own[1])
                        return True
        return False

    def absorb(self, child: Level) -> None:
        """Takes over what `child` knows: the only path that goes on from here went through it."""
        self.truths.update(child.truths)
        for part, (bound, fact) in child.bounds.items():
            best = self.bounds.get(part)
            if best is None or bound > best[0]:
                self.bounds[part] = (bound, fact)


def symbols_of(term: Term, cache: dict[Term, frozenset[str]]) -> frozenset[str]:
    """The names of all symbols applied in `term`, those of quantified bodies included."""
    found = cache.get(term)
    if found is not None:
        return found
    names: set[str] = set()
    seen: set[Term] = set()
    work = [term]
    while work:
        at = work.pop()
        if at in seen:
            continue
        seen.add(at)
        if at.op == "app":
            name = str(at.data)
            if not name.startswith("•"):
                names.add(name)
        elif at.op == "quant":
            payload = at.data
            assert isinstance(payload, Quantifier)
            work.append(payload.symbols)
        work += at.args
    result = frozenset(names)
    cache[term] = result
    return result
