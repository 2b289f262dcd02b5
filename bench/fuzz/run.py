"""The long profile of the soundness tests: random plans, verdicts, and runs against them.

    python bench/fuzz/run.py --plans 5000

Each plan is made, settled (see `tests/soundness/programs.py`), verified under the quick limits and
attacked by many runs; every other seed has loops.  A contradiction is minimised, printed and makes
the command fail.  The figures are the rates of proved, refuted and unknown, overall and for plans
without loops, among plans that some run can execute at all.  Ctrl-C ends it early.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.soundness import judging, programs
from tests.soundness.judging import QUICK, Unsound, prove
from tests.soundness.programs import NotAccepted, Texts, lowered

VERDICTS = ("proved", "refuted", "unknown")


def contradicted(texts: Texts, seed: int, runs: int) -> list[str]:
    """What runs say against the verdict on these texts; nothing where there is no verdict."""
    try:
        program = lowered(texts)
        proof = prove(program, QUICK)
        return list(judging.contradictions(proof, judging.attack(program, seed, runs)))
    except (NotAccepted, Unsound):
        return []


def one(seed: int, runs: int, count: Counter[str], spent: Counter[str]) -> str | None:
    """Makes, verifies and attacks one plan; a report where a run contradicts the verdict."""
    began = time.perf_counter()
    texts = programs.settle(programs.make(seed, seed % 2 == 0), seed, judging.broken)
    program = lowered(texts)
    made = time.perf_counter()
    proof = prove(program, QUICK)
    verdict = judging.verdict(proof)
    proved = time.perf_counter()
    found = judging.attack(program, seed, runs)
    against = list(judging.contradictions(proof, found))
    spent["make"] += int(1e6 * (made - began))
    spent["verify"] += int(1e6 * (proved - made))
    spent["attack"] += int(1e6 * (time.perf_counter() - proved))
    count["plans"] += 1
    count["runs"] += found.feasible
    if found.feasible == 0:
        count["never feasible"] += 1
    else:
        count[verdict] += 1
        if not judging.has_loop(program):
            count[f"{verdict}, no loop"] += 1
        if proof.findings.violations:
            count["refuted by a run"] += 1
        if proof.unrolled:
            count["proved by unrolling"] += verdict == "proved"
    if not against:
        return None
    small = programs.minimise(texts, lambda each: bool(contradicted(each, seed, runs)))
    return f"seed {seed}: {against[0]}\n{small}"


def share(count: Counter[str], suffix: str) -> str:
    total = sum(count[each + suffix] for each in VERDICTS)
    parts = [f"{each} {100 * count[each + suffix] / max(total, 1):.1f} %" for each in VERDICTS]
    return f"{total} plans: {', '.join(parts)}"


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--plans", type=int, default=1_000)
    arguments.add_argument("--first", type=int, default=1_000_000, help="the first seed")
    arguments.add_argument("--runs", type=int, default=60, help="adversaries for each plan")
    asked = arguments.parse_args()
    count: Counter[str] = Counter()
    spent: Counter[str] = Counter()
    wrong = 0
    try:
        for seed in range(asked.first, asked.first + asked.plans):
            try:
                said = one(seed, asked.runs, count, spent)
            except Unsound as reason:
                said = f"seed {seed}: {reason}"
            if said is not None:
                wrong += 1
                print(said, flush=True)
    except KeyboardInterrupt:
        print("interrupted; so far:")
    print(f"all      {share(count, '')}")
    print(f"no loop  {share(count, ', no loop')}")
    print(
        ", ".join(f"{key} {value}" for key, value in sorted(count.items()) if key not in VERDICTS)
    )
    print(", ".join(f"{key} {value / 1e6:.1f} s" for key, value in spent.items()))
    print(f"{wrong} contradictions")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
