"""Whole plans: what the verifier says of them, held against runs.

The short profile: a few hundred plans, the same ones each time.  `python bench/fuzz/run.py` is the
long one.  See `judging` for the claims.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from tests.soundness import judging, programs
from tests.soundness.judging import QUICK, Attack, prove
from tests.soundness.programs import NotAccepted, Texts, lowered

from planproof.spec import core

ROOT = Path(__file__).parents[2]
BATCHES, EACH, RUNS = 6, 20, 40


@cache
def judged(seed: int) -> tuple[Texts, core.Program, str, tuple[str, ...], Attack, bool]:
    """One plan, its verdict, and what the runs say against it; made once for all tests."""
    texts = programs.settle(programs.make(seed), seed, judging.broken)
    program = lowered(texts)
    proof = prove(program, QUICK)
    found = judging.attack(program, seed, RUNS)
    against = tuple(judging.contradictions(proof, found))
    return texts, program, judging.verdict(proof), against, found, proof.unrolled


@pytest.mark.parametrize("batch", range(BATCHES))
def test_no_run_contradicts_a_verdict(batch: int) -> None:
    feasible = 0
    verdicts: dict[str, int] = {}
    for seed in range(batch * EACH, batch * EACH + EACH):
        texts, _, verdict, against, found, _ = judged(seed)
        assert not against, f"seed {seed}: {against[0]}\n{texts}"
        feasible += found.feasible > 0
        verdicts[verdict] = verdicts.get(verdict, 0) + 1
    # A test that sees no run, or only one verdict, would be worth nothing.
    assert feasible >= EACH * 0.8
    assert verdicts.get("proved", 0) >= 3
    assert verdicts.get("refuted", 0) >= 3


@given(programs.texts())
@settings(max_examples=15)
def test_no_run_contradicts_a_verdict_on_plans_as_they_are_made(texts: Texts) -> None:
    try:
        program = lowered(texts)
    except NotAccepted:
        return  # a construct that the front end refuses: nothing is claimed of it
    proof = prove(program, QUICK)
    found = judging.attack(program, 0, 20)
    assert not list(judging.contradictions(proof, found))


def test_a_proof_with_invariants_and_one_by_unrolling_agree_with_runs() -> None:
    both = 0
    for seed in range(16):
        texts = programs.settle(programs.make(seed, loopy=True), seed, judging.broken)
        program = lowered(texts)
        if not judging.has_loop(program):
            continue
        unrolled = judging.unrolled_verdict(program)
        found = judging.attack(program, seed, RUNS)
        if unrolled:
            assert not found.violated, f"seed {seed}\n{texts}"
            both += judging.verdict(prove(program, QUICK)) == "proved"
    assert both >= 3


# ---- what must not matter ------------------------------------------------------------------------


def renamed(texts: Texts) -> Texts:
    """The plan with every local called something else."""
    return replace(texts, plan=re.sub(r"\b([pxvrneyjh])(\d+)\b", r"other_\2_\1", texts.plan))


def reordered(texts: Texts, seed: int) -> Texts:
    """The domain with its tools in another order."""
    head, *tools = re.split(r"(?m)^(?=tool )", texts.domain)
    random.Random(seed).shuffle(tools)  # noqa: S311 - the same order again
    return replace(texts, domain=head + "".join(tools))


@pytest.mark.parametrize("seed", range(0, 40, 4))
def test_names_and_the_order_of_tools_do_not_matter(seed: int) -> None:
    texts, _, verdict, _, _, _ = judged(seed)
    assert renamed(texts) != texts
    for other in (renamed(texts), reordered(texts, seed)):
        assert judging.verdict(prove(lowered(other), QUICK)) == verdict


SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
from tests.soundness import judging, programs
for seed in (1, 4):
    program = programs.lowered(programs.settle(programs.make(seed), seed, judging.broken))
    proof = judging.prove(program, judging.QUICK)
    results = [r for each in proof.results.values() for _, r in each]
    scripts = [r.script.digest for r in results if r.script is not None]
    runs = [(tag, run.inputs, run.steps) for tag, run in sorted(proof.findings.violations.items())]
    print(judging.verdict(proof), scripts, sorted(proof.findings.reached), len(runs))
    print(*(run[2] for run in runs))
"""


def test_the_hash_seed_does_not_matter() -> None:
    said = set()
    for hash_seed in ("0", "1", "77"):
        result = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(ROOT)],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        said.add(result.stdout)
    assert len(said) == 1


# ---- the judge itself ----------------------------------------------------------------------------


def test_a_wrong_proof_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a solver that always says unsat some plan is contradicted at once."""
    from planproof.verifier import smt

    monkeypatch.setattr(smt, "check", lambda *_, **__: smt.Unsat(0, None))
    noticed = 0
    for seed in range(12):
        program = lowered(programs.make(seed))
        try:
            proof = prove(program, QUICK)
        except AssertionError:
            continue
        noticed += bool(list(judging.contradictions(proof, judging.attack(program, seed, 30))))
    assert noticed >= 3


def test_minimising_keeps_the_failure_and_leaves_little() -> None:
    texts = programs.make(3)
    wanted = "assert 1 == 2;"
    lines = texts.plan.splitlines()
    at = max(i for i, line in enumerate(lines) if line == "{")
    texts = replace(texts, plan="\n".join([*lines[: at + 1], wanted, *lines[at + 1 :]]) + "\n")
    small = programs.minimise(texts, lambda t: wanted in t.plan)
    assert wanted in small.plan
    assert len(str(small)) < len(str(texts)) / 2
