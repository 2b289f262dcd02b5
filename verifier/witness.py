"""Witnesses of plans without loops, read off the proof.

In a plan without loops the generator abstracts nothing: each symbolic value is what the program
computes.  A model of what is known at a spot is then a run that gets there, and the conditions are
those the proof already has, much smaller than the ones of exact mode.  As always the run counts
only if the interpreter replays it; where it does not, `counterexample.search` tries in exact mode.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from planproof.spec import core, semantics
from planproof.spec.arithmetic import div, mod
from planproof.spec.limits import Limits
from planproof.spec.types import ListType, MapType, SetType, Type, strip
from planproof.verifier import smt
from planproof.verifier.counterexample import Decoder, Findings, Replay, default_number
from planproof.verifier.generate import Generator, Spot
from planproof.verifier.ground import Grounding
from planproof.verifier.solve import relative
from planproof.verifier.symbolic import Shape, SValue
from planproof.verifier.term import BOOL, INT, REAL, Term, linear


def read_off(
    program: core.Program,
    generator: Generator,
    findings: Findings,
    wanted: set[int],
    limits: Limits,
) -> None:
    """Adds to `findings` replayed runs that reach tags in `wanted`, the furthest spots first."""
    misses = 0
    for spot in reversed(generator.spots):
        if misses == _MISSES_MAX:
            return
        if spot.tag.id in wanted and spot.tag.id not in findings.reached:
            run = _run_to(spot, program, generator, findings, limits)
            if run is not None and isinstance(run.outcome, semantics.Finished):
                findings.reached.update(run.reached)
                findings.witnesses.append(run)
            if spot.tag.id not in findings.reached:
                misses += 1


_MISSES_MAX = 3  # models that did not replay; exact mode is the better way then


def _run_to(
    spot: Spot, program: core.Program, generator: Generator, findings: Findings, limits: Limits
) -> semantics.Run | None:
    symbolic = generator.symbolic
    hypotheses = [relative(f, spot.trail, symbolic) for f in generator.facts[: spot.facts]]
    grounding = Grounding(symbolic, limits.instances_max)
    lemmas = grounding.run(hypotheses)
    script = smt.script(hypotheses, lemmas, None, symbolic, named=False)
    session = smt.Session(script, limits, core=False)
    short = [
        f"(assert (<= {name} 2))"
        for term, name in script.symbols.items()
        if isinstance(term.data, str) and term.data.endswith("#")
    ]
    answer: smt.Answer | None = None
    if short:
        session.push("\n".join(short))
        answer = session.check()
        if not isinstance(answer, smt.Sat):
            session.pop()
    if not isinstance(answer, smt.Sat):
        answer = session.check()
    if not isinstance(answer, smt.Sat):
        return None
    decoder = _Reader(generator, script, answer, grounding)
    try:
        table = {
            (havoc.site, iterations): decoder.value(value, havoc.type)
            for havoc, iterations, value in generator.choice_order
        }
    except _Unread:
        return None
    adversary = Replay(table, decoder)
    return semantics.run(program, adversary, limits, findings.settled, traced=False)


class _Unread(Exception):
    """A value depends on something that the model does not say."""


class _Reader(Decoder):
    """Evaluates any term in a model; unknown collections are what the footprint says of them."""

    def __init__(
        self, generator: Generator, script: smt.Script, answer: smt.Sat, grounding: Grounding
    ) -> None:
        super().__init__(generator, script, answer)
        self.definitions = generator.definitions
        self.applications = grounding.applications
        self.memo: dict[Term, Any] = {}

    def value(self, value: SValue, type: Type) -> core.Value:
        if isinstance(value, Shape) and value.kind in ("list", "map", "set"):
            return self.collection(value, type)
        return super().value(value, type)

    def collection(self, value: Shape, type: Type) -> core.Value:
        symbolic = self.symbolic
        bare = strip(type)
        if isinstance(bare, ListType):
            count = int(self.of(symbolic.list_len(value)))
            items = []
            for i in range(count):
                item = symbolic.list_get(value, symbolic.terms.integer(i), bare.item)
                items.append(self.value(item, bare.item))
            return core.ListValue(tuple(items))
        path, args = value.parts[0], value.parts[1]
        assert isinstance(path, str) and isinstance(args, tuple)
        prefixes = (path + "?", path + "[]", path + "+")
        flats: dict[tuple[Term, ...], None] = {}
        for name in list(self.applications):
            if name.startswith(prefixes) and not name.startswith(path + "+"):
                for application in self.applications[name]:
                    if application.args[: len(args)] == args:
                        flats[application.args[len(args) :]] = None
        if isinstance(bare, SetType):
            members = set()
            for flat in flats:
                key = symbolic.unflat(flat, bare.item)
                if self.of(symbolic.set_has(value, key)) is True:
                    members.add(self.value(key, bare.item))
            return core.SetValue(frozenset(members))
        assert isinstance(bare, MapType)
        entries: dict[core.Value, core.Value] = {}
        width = symbolic.width(bare.key)
        for flat in flats:
            key = symbolic.unflat(flat[:width], bare.key)
            if self.of(symbolic.map_has(value, key)) is True:
                shown = self.value(key, bare.key)
                if shown not in entries:
                    entries[shown] = self.value(
                        symbolic.map_get(value, key, bare.value), bare.value
                    )
        return core.MapValue(frozenset(entries.items()))

    def of(self, term: Term) -> Any:
        found = self.memo.get(term)
        if found is None:
            found = self.evaluated(term)
            self.memo[term] = found
        return found

    def evaluated(self, term: Term) -> Any:
        op = term.op
        if op == "const":
            return term.data
        if op == "app":
            return self.applied(term)
        if op == "lin":
            coefficients, constant = linear(term)
            return constant + sum(c * self.of(a) for a, c in coefficients.items())
        if op == "and":
            return all(self.of(a) for a in term.args)
        if op == "or":
            return any(self.of(a) for a in term.args)
        if op == "not":
            return not self.of(term.args[0])
        if op == "ite":
            return self.of(term.args[1 if self.of(term.args[0]) else 2])
        if op == "quant":
            raise _Unread
        values = [self.of(a) for a in term.args]
        match op:
            case "ge0":
                return values[0] >= 0
            case "gt0":
                return values[0] > 0
            case "eq0":
                return values[0] == 0
            case "eq":
                return values[0] == values[1]
            case "mul":
                return values[0] * values[1]
            case "to_real":
                return Fraction(values[0])
            case "div" | "mod" if values[1] != 0:
                return (div if op == "div" else mod)(values[0], values[1])
            case "rdiv" if values[1] != 0:
                return Fraction(values[0]) / values[1]
            case _:
                raise _Unread

    def applied(self, term: Term) -> Any:
        if not term.args:
            defined = self.definitions.get(term)
            if defined is not None:
                return self.of(defined)
            found = self.values.get(term)
        else:
            name = str(term.data)
            if name.startswith("text.") and name != "text.len":
                raise _Unread
            entries, otherwise = self.tables.get(self.script.functions.get(name, ""), ([], None))
            key = tuple(self.of(a) for a in term.args)
            found = next((value for each, value in entries if each == key), otherwise)
        if found is None and term.sort == BOOL:
            return False
        if found is None and term.sort in (INT, REAL):
            return default_number(term)
        return found
