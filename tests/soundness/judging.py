"""What a verdict claims, held against runs.

The claims, and where they come from:

* a run never violates an obligation that was discharged.  This is more than "a proved plan has no
  violation": what comes before the violation held in that run, and nothing else is assumed;
* a run never ends `Stuck`: partial operations are owed before they are used;
* a run never reaches a place that was said to be out of reach;
* where all is proved, no run spends more than the worst case, or takes more steps;
* a counterexample, run once more, violates the same obligation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from tests.soundness.adversaries import Cunning, Known

from planproof.spec import core, semantics
from planproof.spec.limits import DEFAULT, Limits
from planproof.verifier.generate import Condition, Generator
from planproof.verifier.resources import worst_cases
from planproof.verifier.solve import Discharged
from planproof.verifier.verify import Proof, prove

QUICK = Limits(solver_rlimit_max=400_000, unroll_statements_max=1_500)
"""Limits under which a verdict takes a fraction of a second; what is not settled is `unknown`."""


class Unsound(AssertionError):
    """A claim of the verifier that a run contradicts."""


@dataclass(slots=True)
class Attack:
    """What a number of runs did to a program."""

    feasible: int = 0
    infeasible: int = 0
    violated: dict[int, semantics.Run] = field(default_factory=dict)
    reached: set[int] = field(default_factory=set)
    finished: list[semantics.Run] = field(default_factory=list)


def attack(program: core.Program, seed: int, runs: int) -> Attack:
    """Runs the program against that many adversaries; raises Unsound where one gets stuck."""
    known = Known(program)
    result = Attack()
    for turn in range(runs):
        run = semantics.run(program, Cunning(known, seed * 10_007 + turn))
        match run.outcome:
            case semantics.Infeasible():
                result.infeasible += 1
                result.reached.update(run.reached)  # infeasible only later: these were reached
                continue
            case semantics.Violated(tag):
                result.violated.setdefault(tag.id, run)
            case semantics.Finished():
                result.finished.append(run)
            case semantics.Stuck(reason):
                raise Unsound(f"a run gets stuck: {reason}")
            case semantics.OutOfFuel():
                raise Unsound("a run does not end")
        result.feasible += 1
        result.reached.update(run.reached)
        if run.steps > program.steps_max:
            raise Unsound(f"{run.steps} steps where at most {program.steps_max} were claimed")
    return result


def broken(program: core.Program, seed: int) -> list[core.Tag]:
    """Which tags a few runs violate, the most often violated first; if none, which none reaches."""
    known = Known(program)
    count: dict[int, int] = {}
    reached: set[int] = set()
    feasible = 0
    for turn in range(16):
        run = semantics.run(program, Cunning(known, seed * 1_009 + turn))
        if isinstance(run.outcome, semantics.Infeasible):
            continue
        feasible += 1
        reached.update(run.reached)
        if isinstance(run.outcome, semantics.Violated):
            count[run.outcome.tag.id] = count.get(run.outcome.tag.id, 0) + 1
    if not count and feasible >= 6:
        return [t for t in to_reach(program) if t.id not in reached]
    return [program.tags[tag] for tag in sorted(count, key=lambda t: (-count[t], t))]


def loops(statement: core.Statement) -> Iterator[core.Loop]:
    """The loops in a statement, those within others included."""
    match statement:
        case core.Seq(items):
            for each in items:
                yield from loops(each)
        case core.If(_, then, otherwise):
            yield from loops(then)
            yield from loops(otherwise)
        case core.Try(_, body, handler):
            yield from loops(body)
            yield from loops(handler)
        case core.Loop():
            yield statement
            yield from loops(statement.body)
        case _:
            return


def has_loop(program: core.Program) -> bool:
    return any(True for _ in loops(program.body))


def to_reach(program: core.Program) -> list[core.Tag]:
    """The tags that a run settles by getting there: those of marks, whatever their kind."""
    found: list[core.Tag] = []
    work: list[core.Statement] = [program.body]
    while work:
        match work.pop():
            case core.Seq(items):
                work += items
            case core.If(_, then, otherwise):
                work += [then, otherwise]
            case core.Try(_, body, handler):
                work += [body, handler]
            case core.Loop() as loop:
                work.append(loop.body)
            case core.Skip(core.CallBegins() | core.CallEnds() | core.Reached() as mark):
                if mark.witness is not None:
                    found.append(mark.witness)
            case _:
                continue
    return sorted(found, key=lambda tag: tag.id)


def discharged(proof: Proof, tag: int) -> bool:
    results = proof.results.get(tag, [])
    return all(isinstance(each, Discharged) for _, each in results)


def verdict(proof: Proof) -> str:
    """`proved`, `refuted` or `unknown`, as the report has it."""
    if proof.findings.violations and not proof.unrolled:
        return "refuted"
    # Negative tags are those of conditions that lowering did not ask for: a loop's own bound.
    if not all(discharged(proof, tag) for tag in proof.results):
        return "unknown"
    missing = [t for t in to_reach(proof.program) if t.id not in proof.findings.reached]
    if not missing:
        return "proved"
    return "refuted" if any(out_of_reach(proof, t) for t in missing) else "unknown"


def out_of_reach(proof: Proof, tag: core.Tag) -> bool:
    """Whether the verifier claims that no run gets there."""
    assert proof.prover is not None
    for spot in (s for s in proof.generator.spots if s.tag.id == tag.id):
        condition = Condition(tag, proof.generator.terms.false, spot.facts, spot.trail, None)
        if not isinstance(proof.prover.discharge_all(proof.generator, condition), Discharged):
            return False
    return True


def contradictions(proof: Proof, found: Attack) -> Iterator[str]:
    """What the runs say against the proof, one sentence each."""
    program = proof.program
    for tag in found.violated:
        if discharged(proof, tag):
            yield f"{program.tags[tag]} was discharged, and a run violates it"
    for tag in sorted(found.reached - proof.findings.reached):
        if out_of_reach(proof, program.tags[tag]):
            yield f"{program.tags[tag]} was said to be out of reach, and a run gets there"
    if verdict(proof) == "proved":
        yield from too_dear(proof, found)
    for tag, run in proof.findings.violations.items():
        again = semantics.run(program, replay(run))
        if not isinstance(again.outcome, semantics.Violated) or again.outcome.tag.id != tag:
            yield f"the counterexample to {program.tags[tag]} does not replay: {again.outcome}"
    for run in proof.findings.witnesses:
        if not run.choices:
            continue  # the verifier did not ask for a record of it
        again = semantics.run(program, replay(run))
        if not set(run.reached) <= set(again.reached):
            yield "a witness does not replay"


def replay(run: semantics.Run) -> semantics.ScriptedAdversary:
    """An adversary that does what was done in `run`."""
    script = {(each.havoc.site, each.iterations): each.value for each in run.choices}
    functions = {(name, arguments): value for name, arguments, value in run.functions}
    return semantics.ScriptedAdversary(script, None, functions)


def too_dear(proof: Proof, found: Attack) -> Iterator[str]:
    """Runs that spend more than the worst case that was claimed."""
    assert proof.prover is not None
    bounds = worst_cases(proof.program, proof.generator, proof.prover, proof.findings)
    counters = {line.resource: line.counter for line in proof.program.resources}
    for run in (*found.finished, *found.violated.values()):
        inputs = dict(run.inputs)
        for resource, bound in bounds.items():
            spent = run.store.get(counters[resource], 0)
            limit = bound_value(bound.worst, inputs)
            if limit is not None and isinstance(spent, int | Fraction) and spent > limit:
                yield f"a run spends {spent} {resource}, and the worst case is {bound.worst}"


def bound_value(bound: object, inputs: dict[str, core.Value]) -> Fraction | None:
    """The number a worst case stands for in a run with these inputs; None for no bound."""
    if bound is None:
        return None
    if isinstance(bound, int):
        return Fraction(bound)
    words: dict[str, object] = {}
    for name, value in inputs.items():
        words[name] = _Fields(value) if isinstance(value, core.RecordValue) else value
    try:
        return Fraction(str(bound))
    except ValueError:
        pass
    import re

    exact = re.sub(r"\d+(?:\.\d+)?(?:/\d+)?", lambda m: f"Fraction('{m[0]}')", str(bound))
    exact = re.sub(r"(?<![\w'.])Fraction", "Fraction", exact)
    names = {
        "Fraction": Fraction,
        "max": max,
        "len": lambda each: len(each.items),
        "__builtins__": {},
        **words,
    }
    try:
        return Fraction(eval(_names_kept(str(bound)), names))  # noqa: S307 - an expression of our own report
    except (NameError, SyntaxError, AttributeError, TypeError):
        return None


def _names_kept(text: str) -> str:
    """The bound as Python: decimals exact, names left alone."""
    import re

    return re.sub(r"(?<![\w.])\d+(?:\.\d+)?(?:/\d+)?", lambda m: f"Fraction('{m[0]}')", text)


class _Fields:
    """A record of a bound's expression: only its numbers matter, by position of the field."""

    def __init__(self, value: core.RecordValue) -> None:
        self.size, self.rank = value.fields[1], value.fields[3]


def unrolled_verdict(program: core.Program, limits: Limits = QUICK) -> bool | None:
    """Whether every obligation is discharged with all loops unrolled; None beyond the limit."""
    from planproof.verifier.solve import Prover

    bound = max((each.bound for each in loops(program.body)), default=0)
    prover = Prover(limits)
    generator = Generator(
        program, prover.judge, unroll=bound, unroll_statements_max=limits.unroll_statements_max
    )
    generator.run()
    if generator.exhausted:
        return None
    return all(
        isinstance(prover.discharge(generator, each), Discharged) for each in generator.conditions
    )


__all__ = [
    "DEFAULT",
    "QUICK",
    "Attack",
    "Unsound",
    "attack",
    "bound_value",
    "broken",
    "contradictions",
    "discharged",
    "has_loop",
    "out_of_reach",
    "prove",
    "replay",
    "unrolled_verdict",
    "verdict",
]
