"""A model of exact mode is a run: decoded and replayed it does what it was asked for."""

from __future__ import annotations

from tests.soundness import judging, programs
from tests.soundness.judging import QUICK, prove
from tests.soundness.programs import lowered

from planproof.spec import semantics


def test_models_replay_to_the_obligation_they_were_made_for() -> None:
    violated = lost = 0
    for seed in range(2_000, 2_060):
        program = lowered(programs.make(seed))
        proof = prove(program, QUICK)
        for tag, run in proof.findings.violations.items():
            assert isinstance(run.outcome, semantics.Violated)
            assert run.outcome.tag.id == tag
            assert not judging.discharged(proof, tag)
            violated += 1
        # A model for one obligation that runs into another one before is a run all the same.
        lost += sum(
            not isinstance(run.outcome, semantics.Violated)
            for run in proof.findings.candidates.values()
        )
    assert violated >= 25
    assert lost <= violated * 0.05
