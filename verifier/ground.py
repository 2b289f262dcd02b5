"""Grounding: what a condition says of its symbols and universals, instance by instance.

A condition reaches the solver without quantifiers.  Starting from its hypotheses and its negated
goal, this pass collects the footprint (every application of a symbol that occurs) and adds

* the facts of each symbol's type, of sums, searches and texts;
* for each universal that is *assumed*, its instances over the footprint;
* for each universal that is *to be proved*, one instance at fresh symbols (Skolem).

Which of the two a `quant` atom needs follows from the polarity with which it occurs; under an
equivalence it needs both.  New instances bring new applications, so this is repeated until nothing
is added or a bound is reached.  Every added formula is implied by the meaning of the symbols, so
stopping early can only make a proof fail.  (Footprint grounding: Cedar's `SymCC/Enforcer`.)
"""

from __future__ import annotations

from collections.abc import Iterable

from planproof.verifier.symbolic import Flat, Quantifier, Schema, Source, Symbolic
from planproof.verifier.term import Term

_ROUNDS_MAX = 6


def ground(roots: Iterable[Term], symbolic: Symbolic, instances_max: int) -> list[Term]:
    """The formulas to assert beside `roots`, in a fixed order."""
    return Grounding(symbolic, instances_max).run(list(roots))


class Grounding:
    def __init__(self, symbolic: Symbolic, instances_max: int) -> None:
        self.symbolic = symbolic
        self.left = instances_max
        self.added: dict[Term, None] = {}
        self.seen: set[tuple[Term, int]] = set()
        self.applications: dict[str, dict[Term, None]] = {}
        self.by_sort: dict[str, dict[Term, None]] = {}
        self.schemas: dict[tuple[int, Term | None], tuple[Schema, Term | None]] = {}
        self.done: set[tuple[int, Term | None, Flat]] = set()

    def run(self, roots: list[Term]) -> list[Term]:
        for root in roots:
            self.visit(root, 1)
        for _ in range(_ROUNDS_MAX):
            before = len(self.added)
            self.lemmas()
            for schema, atom in list(self.schemas.values()):
                self.instantiate(schema, atom)
            if len(self.added) == before or self.left <= 0:
                break
        return list(self.added)

    def add(self, fact: Term) -> None:
        if fact is self.symbolic.terms.true or fact in self.added or self.left <= 0:
            return
        self.left -= 1
        self.added[fact] = None
        self.visit(fact, 1)

    def visit(self, term: Term, polarity: int) -> None:
        """Takes in the footprint of `term`; polarity 1: asserted, -1: denied, 0: either."""
        work = [(term, polarity)]
        while work:
            term, polarity = work.pop()
            if (term, polarity) in self.seen or (term, 0) in self.seen:
                continue
            self.seen.add((term, polarity))
            op = term.op
            if op == "app":
                self.application(term)
                work += [(a, 0) for a in reversed(term.args)]
            elif op == "quant":
                self.quantifier(term, polarity)
            elif op == "and" or op == "or":
                work += [(a, polarity) for a in reversed(term.args)]
            elif op == "not":
                work.append((term.args[0], -polarity))
            elif op == "ite" and term.sort == "Bool":
                work += [(term.args[2], polarity), (term.args[1], polarity), (term.args[0], 0)]
            else:
                work += [(a, 0) for a in reversed(term.args)]

    def application(self, term: Term) -> None:
        name: str = term.data  # type: ignore[assignment]
        known = self.applications.setdefault(name, {})
        if term in known:
            return
        known[term] = None
        for argument in term.args:
            self.by_sort.setdefault(argument.sort, {})[argument] = None
        if not term.args and term.sort.startswith("U:"):
            self.by_sort.setdefault(term.sort, {})[term] = None

    def quantifier(self, atom: Term, polarity: int) -> None:
        payload = atom.data
        assert isinstance(payload, Quantifier)
        terms = self.symbolic.terms
        for term in _closed(payload.symbols):
            self.application(term)
        if polarity >= 0:
            self.schemas.setdefault((id(payload.schema), atom), (payload.schema, atom))
        if polarity <= 0:
            self.add(terms.or_(atom, terms.not_(payload.schema.instance(payload.skolem()))))

    def lemmas(self) -> None:
        symbolic = self.symbolic
        for name in list(self.applications):
            applications = list(self.applications[name])
            special = symbolic.special.get(name)
            for application in applications:
                for fact in symbolic.facts.get(application, ()):
                    self.add(fact)
                if special is not None and special.lemmas is not None:
                    for fact in special.lemmas(application):
                        self.add(fact)
                if special is not None and special.footprint is not None:
                    for fact in special.footprint(application, self.footprint):
                        self.add(fact)
            if special is not None and special.pairs is not None:
                for fact in special.pairs(applications):
                    self.add(fact)
            if special is not None and special.schema is not None:
                self.schemas.setdefault((id(special.schema), None), (special.schema, None))

    def footprint(self, sources: tuple[Source, ...]) -> list[Flat]:
        found: dict[Flat, None] = {}
        for source in sources:
            if source.symbol is None:
                for term in self.by_sort.get(source.sort, {}):
                    found[(term,)] = None
                continue
            start = len(source.prefix)
            for application in self.applications.get(source.symbol, {}):
                if application.args[:start] == source.prefix:
                    found[application.args[start : start + source.width]] = None
        return list(found)

    def instantiate(self, schema: Schema, atom: Term | None) -> None:
        terms = self.symbolic.terms
        for flat in self.footprint(schema.sources):
            key = (id(schema), atom, flat)
            if key in self.done:
                continue
            self.done.add(key)
            fact = schema.instance(flat)
            self.add(fact if atom is None else terms.implies(atom, fact))
            if self.left <= 0:
                return


def _closed(body: Term) -> list[Term]:
    """The applications in a quantified formula that do not depend on what it binds.

    `forall x in xs :: x in xs` is false at some sk only if no i has xs[i] == xs[sk]: the index that
    settles it occurs inside the inner formula and nowhere else.
    """
    found: list[Term] = []
    closed: dict[Term, bool] = {}
    work = [body]
    while work:
        term = work[-1]
        if term in closed:
            work.pop()
            continue
        open_parts = [each for each in term.args if each not in closed]
        if open_parts:
            work += open_parts
            continue
        work.pop()
        bound = term.op == "quant" or (term.op == "app" and str(term.data).startswith("•"))
        closed[term] = not bound and all(closed[each] for each in term.args)
        if closed[term] and term.op == "app" and term.args:
            found.append(term)
    return found
