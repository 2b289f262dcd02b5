"""All conditions were solved in one Z3 context, whose models and costs depend on its past.

So a plan could be `unknown` when verified alone and `proved` after others.
"""

from __future__ import annotations

from tests.soundness import judging, programs
from tests.soundness.judging import QUICK, prove

from planproof.spec import core

SEEDS = (0, 1, 2, 3, 6)


def said(program: core.Program) -> tuple[object, ...]:
    """The verdict, how it was reached, and what it cost."""
    proof = prove(program, QUICK)
    return (
        judging.verdict(proof),
        sorted(proof.findings.reached),
        sorted((tag, run.inputs, run.initial) for tag, run in proof.findings.violations.items()),
        [[result.rlimit for _, result in each] for _, each in sorted(proof.results.items())],
    )


def test_first_and_last_are_the_same() -> None:
    made = {seed: programs.lowered(programs.make(seed)) for seed in SEEDS}
    first = {seed: said(made[seed]) for seed in SEEDS}
    last = {seed: said(made[seed]) for seed in reversed(SEEDS)}
    assert first == last
