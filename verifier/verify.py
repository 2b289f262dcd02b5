"""The pipeline: a checked plan in, a report out. Start reading here.

    lower        the plan to a core program                            spec.lower
    generate     one pass, a condition for each obligation             generate
    discharge    lookup, then Z3 on a slice, then on all that counts   solve
    unroll       where loops stayed unproved: iteration by iteration   generate
    search       runs that violate what is unproved, and runs that     counterexample
                 reach every call and branch; each one replayed
    report       verdicts, bounds, assumptions, warnings               report

A plan is `proved` if every obligation is, those of its domain and policies included, and nothing
of it is beyond what can be verified; `refuted` if a replayed run violates one; else `unknown`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from planproof.spec import core, lower, semantics, typed
from planproof.spec.core import Kind
from planproof.spec.diagnostic import Diagnostic, Severity
from planproof.spec.digest import digest
from planproof.spec.limits import DEFAULT, Limits
from planproof.spec.lower.terms import mentions
from planproof.spec.node import dataclass, field, replace
from planproof.spec.source import Span
from planproof.verifier import libz3, obligation
from planproof.verifier.counterexample import Findings, search
from planproof.verifier.generate import Condition, Generator, Inferred, statements_of
from planproof.verifier.report import data
from planproof.verifier.resources import worst_cases
from planproof.verifier.solve import TRIVIAL, Discharged, Falsified, Open, Prover, Result
from planproof.verifier.term import Term
from planproof.verifier.vacuity import unused_clauses, useless_checks
from planproof.verifier.witness import read_off

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """How to verify: the limits, where to write each phase (`dump`), whether reasons are wanted.

    `digest` asks for the digest of the core program, which a certificate needs and which costs as
    much as a tenth of verifying a long plan.
    """

    limits: Limits = DEFAULT
    dump: Path | None = None
    explain: bool = False
    digest: bool = True


_AS_USUAL = Options()


@dataclass(slots=True)
class Proof:
    """What became of one program: a result for each of its tags, and for conditions without one."""

    program: core.Program
    generator: Generator
    results: dict[int, list[tuple[Condition, Result]]]
    findings: Findings
    reachable: frozenset[int]
    unrolled: bool = False
    prover: Prover | None = None
    inferred: list[Inferred] = field(default_factory=list)
    impossible: dict[int, bool] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether everything that is settled by a proof is proved."""
        return all(
            isinstance(r, Discharged) for results in self.results.values() for _, r in results
        )

    def proved(self, tag: core.Tag) -> bool:
        if tag.id in self.reachable:
            return tag.id in self.findings.reached
        return all(isinstance(r, Discharged) for _, r in self.results.get(tag.id, ()))


def verify_plan(
    plans: typed.PlanSet, name: str, world: typed.World, options: Options = _AS_USUAL
) -> data.PlanReport:
    """The report on the plan called `name`; never raises for what a plan says."""
    began = time.perf_counter()
    limits = options.limits
    program, found = lower.lower_plan(plans, name, world, limits)
    domain = domain_report(world, options)
    plan = plans.plans[name]
    seconds = {"generate": 0.0, "solve": 0.0}
    if program is None:
        return _report(plans, name, world, None, None, domain, found, seconds, (), options)
    proof = prove(program, limits, seconds)
    warnings = () if proof.prover is None else _warnings(plan, proof)
    if options.dump is not None:
        from planproof.verifier.dump import write

        write(options.dump, plans, name, program, proof)
    seconds["generate"] = round(time.perf_counter() - began - seconds["solve"], 6)
    return _report(plans, name, world, program, proof, domain, found, seconds, warnings, options)


def prove(program: core.Program, limits: Limits, seconds: dict[str, float] | None = None) -> Proof:
    """Discharges or refutes every obligation of a program, as far as `limits` allow."""
    libz3.renew()
    prover = Prover(limits)
    generator = Generator(program, prover.judge)
    generator.run()
    began = time.perf_counter()
    reachable = _reachable(program)
    proof = Proof(program, generator, {}, Findings(), reachable, prover=prover)
    proof.results = _discharge(prover, generator)
    proof.inferred = generator.inferred
    owed = [t for t in program.tags if t.id not in reachable]
    open_tags = {t.id for t in owed if not proof.proved(t)}
    open_tags |= {
        tag for tag in proof.results if tag < 0 and not _all_discharged(proof.results[tag])
    }
    settled = frozenset(t.id for t in owed) - open_tags
    proof.findings = findings = Findings(settled=settled)
    if not open_tags and not _loops(program):
        read_off(program, generator, findings, set(reachable), limits)
    search(
        program,
        open_tags,
        set(reachable),
        limits,
        lambda tag: not _impossible(proof, tag),
        findings,
    )
    left = open_tags - proof.findings.violations.keys()
    if left and not proof.findings.violations and _loops(program):
        _unroll(proof, limits)
    if seconds is not None:
        seconds["solve"] = round(seconds.get("solve", 0.0) + time.perf_counter() - began, 6)
    return proof


def _discharge(prover: Prover, generator: Generator) -> dict[int, list[tuple[Condition, Result]]]:
    results: dict[int, list[tuple[Condition, Result]]] = {}
    for condition in generator.conditions:
        results.setdefault(condition.tag.id, []).append(
            (condition, prover.discharge(generator, condition))
        )
    for each in generator.inferred:
        for condition in each.conditions:
            prover.discharge(generator, condition)
    return results


def _unroll(proof: Proof, limits: Limits) -> None:
    """Tries the program once more with every loop executed iteration by iteration, to its bound."""
    bound = max(loop.bound for loop in _loops(proof.program))
    if bound > limits.unroll_statements_max:
        return
    prover = Prover(limits)
    generator = Generator(
        proof.program,
        prover.judge,
        unroll=bound,
        unroll_statements_max=limits.unroll_statements_max,
    )
    generator.run()
    if generator.exhausted:
        return
    results = _discharge(prover, generator)
    if all(_all_discharged(each) for each in results.values()):
        proof.results, proof.generator, proof.prover = results, generator, prover
        proof.unrolled = True
        proof.inferred = []


def _all_discharged(results: list[tuple[Condition, Result]]) -> bool:
    return all(isinstance(r, Discharged) for _, r in results)


def _loops(program: core.Program) -> list[core.Loop]:
    return [s for s in statements_of(program.body) if isinstance(s, core.Loop)]


def _reachable(program: core.Program) -> frozenset[int]:
    """The tags that are settled by a run that reaches them, and not by a proof.

    Those of kind `witness`, and where a type has to have a value the `consistent` of its mark.
    """
    found = {t.id for t in program.tags if t.kind is Kind.WITNESS}
    for each in statements_of(program.body):
        if isinstance(each, core.Skip) and isinstance(each.mark, core.Reached):
            found.add(each.mark.witness.id)
    return frozenset(found)


# ---- the domain ----------------------------------------------------------------------------------

_KEPT_MAX = 16
_domains: dict[tuple[object, ...], tuple[data.ObligationReport, ...]] = {}


def domain_report(world: typed.World, options: Options) -> tuple[data.ObligationReport, ...]:
    """What the domain and the policies owe by themselves; settled once for the same texts."""
    domain = world.domain
    key = (
        domain.file,
        domain.source,
        tuple((p.file, p.source) for p in world.policies),
        options.limits,
    )
    known = _domains.get(key)
    if known is None:
        reports: list[data.ObligationReport] = []
        for program in lower.lower_world(world, options.limits):
            proof = prove(program, options.limits)
            reports += _obligations(proof, program.name, options.limits)
        known = tuple(reports)
        while len(_domains) >= _KEPT_MAX:
            del _domains[next(iter(_domains))]
        _domains[key] = known
    return known


# ---- the report ----------------------------------------------------------------------------------


def _report(
    plans: typed.PlanSet,
    name: str,
    world: typed.World,
    program: core.Program | None,
    proof: Proof | None,
    domain: tuple[data.ObligationReport, ...],
    found: tuple[Diagnostic, ...],
    seconds: dict[str, float],
    warnings: tuple[Diagnostic, ...],
    options: Options,
) -> data.PlanReport:
    core_text = ""
    if program is not None and options.digest:
        from planproof.proofs.certificate import core_digest

        core_text = core_digest(program)
    obligations: tuple[data.ObligationReport, ...] = ()
    counterexample: data.Counterexample | None = None
    bounds: data.Bounds | None = None
    if program is not None and proof is not None:
        limits = DEFAULT if proof.prover is None else proof.prover.limits
        obligations = _obligations(proof, name, limits)
        counterexample = _counterexample(proof, name)
        if all(o.verdict == "proved" for o in obligations):
            bounds = _bounds(proof)
    verdicts = [o.verdict for o in (*obligations, *domain)]
    incomplete = program is None or any(d.severity is Severity.ERROR for d in found)
    verdict: data.Verdict = "proved"
    if "refuted" in verdicts:
        verdict = "refuted"
    elif incomplete or "unknown" in verdicts:
        verdict = "unknown"
    return data.PlanReport(
        plan=name,
        file=plans.file,
        digest=digest(plans.source),
        core=core_text,
        domain=data.TextReport(world.domain.name, world.domain.file, digest(world.domain.source)),
        policies=tuple(data.TextReport(p.name, p.file, digest(p.source)) for p in world.policies),
        verdict=verdict,
        obligations=obligations,
        domain_obligations=domain,
        bounds=bounds,
        invariants=() if proof is None else _invariants(proof),
        assumptions=()
        if program is None
        else tuple(
            data.AssumptionReport(a.kind, a.of, a.says, a.checked_at_run)
            for a in program.assumptions
        ),
        warnings=tuple(map(data.DiagnosticReport.of, warnings)),
        diagnostics=tuple(map(data.DiagnosticReport.of, found)),
        seconds=dict(seconds),
        counterexample=counterexample,
    )


def _obligations(proof: Proof, name: str, limits: Limits) -> tuple[data.ObligationReport, ...]:
    reports: list[data.ObligationReport] = []
    asserted = {tag for run in proof.findings.witnesses for tag in run.asserted}
    violations = () if proof.unrolled else proof.findings.violations
    places: dict[int, tuple[data.Place, str]] = {}  # by identity: tools' clauses stand at each call

    def place(span: Span) -> tuple[data.Place, str]:
        known = places.get(id(span))
        if known is None:
            known = places[id(span)] = data.Place.of(span), span.one_line.rstrip(" ;")
        return known

    def reported(
        tag: core.Tag,
        results: list[tuple[Condition, Result]],
        verdict: data.Verdict,
        message: str,
        used: tuple[str, ...] = (),
    ) -> data.ObligationReport:
        clause, says = place(tag.clause)
        return data.ObligationReport(
            f"{name}/{tag.id}",
            tag.kind.value,
            tag.name,
            verdict,
            place(tag.at)[0],
            clause,
            says,
            message,
            sum(r.rlimit for _, r in results),
            _digest_of([r for _, r in results]),
            used,
        )

    for tag in proof.program.tags:
        results = proof.results.get(tag.id, [])
        if tag.id in proof.reachable:
            reports.append(
                _witness(proof, tag, reported(tag, results, "proved", obligation.holds(tag)))
            )
            continue
        if tag.id in violations:
            reports.append(reported(tag, results, "refuted", obligation.fails(tag)))
            continue
        failed = [r for _, r in results if not isinstance(r, Discharged)]
        if not results and tag.id in asserted:
            # The generator took this for unreachable, and a run has been there: a bug of ours, and
            # nothing may be called proved because of it.
            failed = [Open("no condition was stated for it: please report this", False, 0, None)]
        if failed:
            report = reported(tag, results, "unknown", "")
            reports.append(_undecided(report, tag, failed[0], proof, limits))
            continue
        used = {
            f.origin.one_line: None
            for _, r in results
            if isinstance(r, Discharged)
            for f in r.used
            if f.origin is not None
        }
        reports.append(reported(tag, results, "proved", obligation.holds(tag), tuple(used)))
    # Conditions that no tag of the program stands for: the bounds of lowering's own loops.
    for tag_id, results in sorted(proof.results.items()):
        if tag_id < 0 and not _all_discharged(results):
            condition, result = next(e for e in results if not isinstance(e[1], Discharged))
            own = condition.tag
            report = replace(
                reported(own, [(condition, result)], "unknown", ""),
                id=f"{name}/loop{-tag_id}",
                says="the loop stays within its bound",
            )
            reports.append(_undecided(report, own, result, proof, limits))
    return tuple(reports)


def _undecided(
    report: data.ObligationReport, tag: core.Tag, result: Result, proof: Proof, limits: Limits
) -> data.ObligationReport:
    message = ""
    limit: int | None = None
    match result:
        case Falsified(_, _, values):
            reason = (
                "the solver proposes a state in which it fails, "
                "but no run was found that gets there"
            )
            state = _shown_state(proof, values)
            if state:
                message = f"the proposed state has {state}"
            if tag.kind is Kind.LOOP_STEP:
                reason = (
                    "an iteration that starts where the invariants hold might not restore it; "
                    "no run from the plan's start was found that breaks it"
                )
        case Open(why, exhausted):
            reason = why
            if exhausted:
                limit = limits.solver_rlimit_max
        case Discharged():
            reason = ""
    if proof.findings.exhausted and limit is None and not reason:
        reason = "a limit ended the search for a run"
    return replace(report, verdict="unknown", message=message, reason=reason, limit=limit)


def _shown_state(proof: Proof, values: Mapping[Term, object]) -> str:
    """The model's numbers and truths for the program's own variables, for a person to read."""
    shown = {v.name: v.shown for v in (*proof.program.parameters, *proof.program.state)}
    parts: list[str] = []
    for term, value in values.items():
        name = str(getattr(term, "data", "")).partition("!")[0]
        if (
            "•" in name
            or name.startswith(("sk", "sum", "find", "quant"))
            or isinstance(value, tuple)
        ):
            continue
        label = shown.get(name, name)
        if label.startswith("#"):
            label = f"{label[1:]} spent so far"
        text = str(value).lower() if isinstance(value, bool) else str(value)
        parts.append(f"{label} = {text}")
        if len(parts) == 6:
            break
    return ", ".join(parts)


def _witness(proof: Proof, tag: core.Tag, report: data.ObligationReport) -> data.ObligationReport:
    if tag.id in proof.findings.reached:
        return report
    if proof.complete and _impossible(proof, tag.id):
        return replace(report, verdict="refuted", message=obligation.fails(tag))
    if not proof.complete:
        # What is owed and not proved is a hypothesis of all that comes after it, so that nothing
        # gets there may only mean that it is false.
        reason = "not settled while other obligations are open"
    else:
        reason = "no run was found that gets here"
    return replace(report, verdict="unknown", message="", reason=reason)


def _impossible(proof: Proof, tag: int) -> bool:
    """Whether it is proved that no run reaches the tag: what is known there is contradictory."""
    known = proof.impossible.get(tag)
    if known is None:
        generator, prover = proof.generator, proof.prover
        assert prover is not None
        known = True
        for spot in generator.spots:
            if spot.tag.id == tag:
                condition = Condition(
                    spot.tag, generator.terms.false, spot.facts, spot.trail, None
                )
                if not isinstance(prover.discharge_all(generator, condition), Discharged):
                    known = False
                    break
        proof.impossible[tag] = known
    return known


def _digest_of(results: list[Result]) -> str:
    """One digest for an obligation: that of its condition, or of the list of its conditions'."""
    digests = [r.script.digest for r in results if r.script is not None]
    if not digests:
        return TRIVIAL
    return digests[0] if len(digests) == 1 else digest("\n".join(digests))


def _invariants(proof: Proof) -> tuple[data.InvariantReport, ...]:
    return tuple(
        data.InvariantReport(data.Place.of(each.loop.span), each.says) for each in proof.inferred
    )


def _bounds(proof: Proof) -> data.Bounds:
    assert proof.prover is not None
    resources = worst_cases(proof.program, proof.generator, proof.prover, proof.findings)
    return data.Bounds(proof.program.steps_max, resources)


def _warnings(plan: typed.Plan, proof: Proof) -> tuple[Diagnostic, ...]:
    assert proof.prover is not None
    found = useless_checks(proof.generator, proof.prover)
    if all(_all_discharged(r) for r in proof.results.values()):
        found += unused_clauses(plan, proof.generator, proof.prover)
    return found


# ---- counterexamples -----------------------------------------------------------------------------


def _counterexample(proof: Proof, name: str) -> data.Counterexample | None:
    """The run for the first refuted obligation in program order."""
    if proof.unrolled:
        return None
    for tag in proof.program.tags:
        run = proof.findings.violations.get(tag.id)
        if run is not None:
            return draw(run, f"{name}/{tag.id}", tag, proof.program)
    return None


def draw(
    run: semantics.Run, obligation_id: str, tag: core.Tag, program: core.Program
) -> data.Counterexample:
    """A replayed run as the report shows it."""
    types = {v.shown: v.type for v in (*program.parameters, *program.state)}

    def state_of(pairs: tuple[tuple[str, core.Value], ...]) -> dict[str, data.Json]:
        return {n: semantics.to_json(v, types.get(n)) for n, v in pairs}

    steps: list[data.Step] = []
    pending: semantics.Event | None = None
    last = dict(run.initial)
    for event in run.trace:
        mark = event.mark
        if isinstance(mark, core.CallBegins):
            pending = event
        elif isinstance(mark, core.CallEnds) and pending is not None:
            begins = pending.mark
            assert isinstance(begins, core.CallBegins)
            now = dict(event.state)
            changed = tuple((n, v) for n, v in event.state if last.get(n) != v)
            last = now
            steps.append(
                data.Step(
                    at=data.Place.of(begins.at),
                    call=begins.tool,
                    arguments={n: semantics.to_json(v) for n, v in pending.arguments},
                    outcome=mark.outcome.value,
                    result=None if event.result is None else semantics.to_json(event.result),
                    state=state_of(changed),
                    costs=_costs(event),
                )
            )
            pending = None
    return data.Counterexample(
        obligation=obligation_id,
        replayed=True,
        inputs=state_of(run.inputs),
        initial_state=state_of(run.initial),
        steps=tuple(steps),
        violated=violated_text(run, tag, program),
        functions={
            name: [
                {
                    "arguments": [semantics.to_json(a) for a in arguments],
                    "result": semantics.to_json(value),
                }
                for each, arguments, value in run.functions
                if each == name
            ]
            for name in dict.fromkeys(n for n, _, _ in run.functions)
        },
    )


def _costs(event: semantics.Event) -> dict[str, int | str]:
    return {name: _amount(value) for name, value in event.resources}


def _amount(value: core.Value) -> int | str:
    shown = semantics.to_json(value)
    return shown if isinstance(shown, int) else str(shown)


def violated_text(run: semantics.Run, tag: core.Tag, program: core.Program) -> str:
    """The clause with the values of the variables in it at the moment it failed."""
    condition: core.Expr | None = None
    for each in statements_of(program.body):
        if isinstance(each, core.Assert) and each.tag.id == tag.id:
            condition = each.condition
        elif isinstance(each, core.Loop):
            for invariant in each.invariants:
                if tag.id in (invariant.entry.id, invariant.step.id):
                    condition = invariant.condition
    if condition is None:
        return obligation.said(tag)
    parts = []
    for name in sorted(mentions(condition).free):
        value = run.store.get(name)
        if value is not None and not isinstance(value, core.ListValue | core.MapValue):
            label = name.lstrip("#")
            parts.append(f"{label} = {semantics.show(value)}")
    where = f" where {', '.join(parts)}" if parts else ""
    return f"{obligation.said(tag)}{where}"


def budget_text(value: int | Fraction) -> int | str:
    """A bound as the report writes it: an int, or an exact decimal as text."""
    if isinstance(value, int) or value.denominator == 1:
        return int(value)
    return semantics.show(value)


__all__ = ["Options", "Proof", "domain_report", "draw", "prove", "verify_plan"]

