"""What a proof did not need: checks that always hold, clauses that no proof used.

Both are read off proofs.  A check whose condition follows from what is known before it tests
nothing; a `requires` or loop invariant in no unsatisfiable core (and not used by lookup) may be
there by mistake.  These are warnings: a plan is not less proved for them.  (Dafny's
`ProofDependencyWarnings`.)  That a plan can run at all is not left to warnings: see the `witness`
obligations.
"""

from __future__ import annotations

from planproof.spec import typed
from planproof.spec.diagnostic import Diagnostic, Severity
from planproof.spec.source import Span
from planproof.verifier.generate import Generator
from planproof.verifier.path import Fact
from planproof.verifier.solve import Discharged, Prover


def useless_checks(generator: Generator, prover: Prover) -> tuple[Diagnostic, ...]:
    """A warning for each `check` that can't fail, wherever it is executed."""
    always: dict[Span, bool] = {}
    for guard in generator.guards:
        if always.get(guard.span, True):
            always[guard.span] = isinstance(
                prover.discharge(generator, guard.condition), Discharged
            )
    return tuple(
        Diagnostic(
            "useless-check",
            "this check can't fail",
            span,
            "its condition follows from what is known here",
            help="remove it, or look whether it tests what it was meant to test",
            severity=Severity.WARNING,
        )
        for span, holds in always.items()
        if holds
    )


def unused_clauses(
    plan: typed.Plan, generator: Generator, prover: Prover
) -> tuple[Diagnostic, ...]:
    """A warning for each `requires` of the plan that no proof used."""
    used: set[Span] = set()
    facts: list[Fact] = list(generator.sink)
    for condition in generator.conditions:
        result = prover.discharge(generator, condition)
        if isinstance(result, Discharged):
            facts += result.used
    for inferred in generator.inferred:
        for condition in inferred.conditions:
            result = prover.discharge(generator, condition)
            if isinstance(result, Discharged):
                facts += result.used
    for fact in facts:
        if fact.origin is not None:
            used.add(fact.origin)
    return tuple(
        Diagnostic(
            "unused-clause",
            "no proof used this clause",
            clause.span,
            help="remove it, or look whether it says what it was meant to say",
            severity=Severity.WARNING,
        )
        for clause in plan.requires
        if clause.span not in used
    )
