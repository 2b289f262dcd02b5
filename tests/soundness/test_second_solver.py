"""Two solvers, one answer: on random obligations and on those of the examples."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.soundness.judging import QUICK, broken, prove
from tests.soundness.programs import lowered, make, settle
from tests.soundness.second_solver import status

from planproof.verifier.solve import Discharged, Falsified
from planproof.workspace import Asked, verify_files

EXAMPLES = Path(__file__).parents[2] / "examples"
PLANS = sorted(EXAMPLES.glob("*/*.plan")) + sorted(EXAMPLES.glob("*/wrong/*.plan"))


@pytest.mark.parametrize("batch", range(2))
def test_random_obligations_have_one_answer(batch: int) -> None:
    answered = {"sat": 0, "unsat": 0}
    for seed in range(500 + batch * 20, 520 + batch * 20):
        proof = prove(lowered(settle(make(seed), seed, broken)), QUICK)
        results = [r for each in proof.results.values() for _, r in each if r.script is not None]
        for result in results[:8]:
            assert result.script is not None
            expected = {Discharged: "unsat", Falsified: "sat"}.get(type(result))
            if expected is None:
                continue
            found = status(result.script.text)
            assert found in (expected, "unknown"), (seed, result.script.text)
            answered[expected] += found == expected
    assert min(answered.values()) >= 4


@pytest.mark.parametrize("plan", PLANS, ids=lambda p: p.relative_to(EXAMPLES).as_posix())
def test_the_examples_have_one_answer(plan: Path, tmp_path: Path) -> None:
    report, _ = verify_files([str(plan)], Asked(dump=tmp_path))
    assert report.plans, report.diagnostics
    for script in sorted(tmp_path.rglob("*.smt2")):
        text = script.read_text(encoding="utf-8")
        expected = text.partition("(set-info :status ")[2].partition(")")[0]
        if expected not in ("sat", "unsat"):
            continue
        found = status(text)
        assert found in (expected, "unknown"), script.name


def test_a_wrong_answer_would_be_noticed() -> None:
    assert (
        status("(set-logic ALL)(declare-fun x () Int)(assert (> x 2))(assert (< x 2))") == "unsat"
    )
    assert status("(set-logic ALL)(declare-fun x () Int)(assert (> x 2))") == "sat"
