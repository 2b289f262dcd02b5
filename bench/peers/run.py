"""The same twenty questions for Planproof, Dafny and Boogie: who answers right, and how fast.

Each folder beside this file is a task: `right` is provable and `wrong` has one realistic mistake,
each written as a plan (with `task.domain` and `task.policy`), in Dafny 2.3.0 and in Boogie 2.4.1
with the same meaning.  What the three do not share: Planproof also looks for runs that reach each
call (its `witness` obligations), infers the loop invariants on costs that the twins spell out, and
replays each counterexample; in `conserved_transfer` Dafny proves the law of sums that Boogie takes
as an axiom and Planproof has built in.

What is timed is the whole process, from a cold start to the verdict, the tools taking turns so that
a disturbance hits all of them; the median counts.  `warm` is our own time in a process that has
loaded everything, as an agent that verifies many plans would see it.

    python bench/peers/run.py                     # all tools that are installed, five rounds
    python bench/peers/run.py --rounds 1 paging   # one task, once

Ends with 1 if some verdict is not the expected one.  Dafny and Boogie: `apt install dafny boogie`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
TWINS = ("right", "wrong")
SECONDS_MAX = 120  # for one process; a verifier that needs longer counts as undecided
EXPECTED = {"right": "proved", "wrong": "refuted"}


@dataclass(slots=True)
class Timing:
    """What one tool said of one file each time, and how many seconds each took."""

    verdicts: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def median(self) -> float:
        return statistics.median(self.seconds)

    def verdict(self) -> str:
        """The verdict; all of them where they differ."""
        return " / ".join(sorted(set(self.verdicts)))


def command_of(tool: str, task: Path, twin: str) -> list[str]:
    if tool == "planproof":
        return [
            sys.executable, "-m", "planproof.cli", "verify", str(task / f"{twin}.plan"),
            "--domain", str(task / "task.domain"), "--policy", str(task / "task.policy"),
        ]  # fmt: skip
    if tool == "dafny":
        return ["dafny", "/compile:0", str(task / f"{twin}.dfy")]
    return ["boogie", str(task / f"{twin}.bpl")]


def verdict_of(tool: str, code: int, output: str) -> str:
    """`proved`, `refuted`, or what went wrong. Boogie and Dafny end with 0 also for some errors."""
    if tool == "planproof":
        known = {0: "proved", 1: "refuted", 2: "unknown"}
        return known.get(code, f"exit {code}")
    found = re.search(r"finished with (\d+) verified, (\d+) errors?(.*)", output)
    if found is None or "time out" in found[3] or "inconclusive" in found[3]:
        return "undecided"
    # These tools have one word for a counterexample and for giving up; we read it in their favour.
    return "proved" if int(found[2]) == 0 and int(found[1]) > 0 else "refuted"


def run(tool: str, task: Path, twin: str) -> tuple[str, float]:
    """The verdict of one process and the seconds it took."""
    began = time.perf_counter()
    try:
        done = subprocess.run(
            command_of(tool, task, twin),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "undecided", float(SECONDS_MAX)
    return verdict_of(tool, done.returncode, done.stdout), time.perf_counter() - began


def warm(task: Path, twin: str) -> Callable[[], tuple[str, float]]:
    """A function that verifies the plan in this process: all is loaded, the world is checked."""
    import planproof

    world = planproof.load(task / "task.domain", task / "task.policy")
    text = (task / f"{twin}.plan").read_text(encoding="utf-8")

    def once() -> tuple[str, float]:
        began = time.perf_counter()
        report = planproof.verify(text, world)
        return report.verdict, time.perf_counter() - began

    once()
    return once


def version(tool: str) -> str:
    if tool == "planproof":
        import planproof

        return planproof.__version__
    # Neither has a version switch that ends with 0; both print the version in their first line.
    done = subprocess.run(
        [tool, "/version"], capture_output=True, text=True, check=False, timeout=SECONDS_MAX
    )
    found = re.search(r"\d+(\.\d+)+", done.stdout)
    return found[0] if found else "unknown"


def measure(tasks: list[Path], tools: list[str], rounds: int) -> dict[tuple[str, str, str], Timing]:
    """By task, twin and tool (`warm` is ours in process)."""
    results: dict[tuple[str, str, str], Timing] = {}
    for task in tasks:
        for twin in TWINS:
            print(f"{task.name} {twin}", file=sys.stderr)
            for _ in range(rounds):
                for tool in tools:
                    said, seconds = run(tool, task, twin)
                    timing = results.setdefault((task.name, twin, tool), Timing())
                    timing.verdicts.append(said)
                    timing.seconds.append(seconds)
            if "planproof" in tools:
                once = warm(task, twin)
                timing = results.setdefault((task.name, twin, "warm"), Timing())
                for _ in range(rounds):
                    said, seconds = once()
                    timing.verdicts.append(said)
                    timing.seconds.append(seconds)
    return results


def table(
    results: dict[tuple[str, str, str], Timing], columns: list[str], versions: dict[str, str]
) -> str:
    """Markdown: milliseconds, and the verdict where it is not the expected one."""
    heads = [f"{each} {versions[each]}" if each in versions else each for each in columns]
    lines = [
        "| task | twin | " + " | ".join(heads) + " |",
        "| --- | --- |" + " ---: |" * len(columns),
    ]
    for name, twin in dict.fromkeys((task, twin) for task, twin, _ in results):
        cells = []
        for column in columns:
            timing = results[name, twin, column]
            right = timing.verdict() == EXPECTED[twin]
            cells.append(
                f"{timing.median() * 1000:.0f}" + ("" if right else f" **{timing.verdict()}**")
            )
        lines.append(f"| {name} | {twin} | " + " | ".join(cells) + " |")
    medians = [
        statistics.median(
            timing.median() for (_, _, tool), timing in results.items() if tool == column
        )
        for column in columns
    ]
    bold = [f"**{each * 1000:.0f}**" for each in medians]
    lines.append("| **median** | | " + " | ".join(bold) + " |")
    as_expected = [
        sum(
            timing.verdict() == EXPECTED[twin]
            for (_, twin, tool), timing in results.items()
            if tool == column
        )
        for column in columns
    ]
    total = len({(task, twin) for task, twin, _ in results})
    shares = [f"{each}/{total}" for each in as_expected]
    lines.append("| right verdicts | | " + " | ".join(shares) + " |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tasks", nargs="*", help="names of folders; default: all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=None, help="folder for results.{md,json}")
    asked = parser.parse_args()
    known = sorted(each.parent for each in HERE.glob("*/task.domain"))
    tasks = [each for each in known if not asked.tasks or each.name in asked.tasks]
    if not tasks or asked.rounds < 1:
        parser.error("no such task" if not tasks else "--rounds must be at least 1")
    tools = ["planproof", *(each for each in ("dafny", "boogie") if shutil.which(each))]
    for missing in {"dafny", "boogie"} - set(tools):
        print(f"{missing} is not installed and left out", file=sys.stderr)

    versions = {each: version(each) for each in tools}
    results = measure(tasks, tools, asked.rounds)
    columns = ["planproof", "warm", *tools[1:]]
    text = table(results, columns, versions)
    print(text)
    if asked.out is not None:
        asked.out.mkdir(parents=True, exist_ok=True)
        head = (
            f"Milliseconds, median of {asked.rounds}; {os.cpu_count()} cores, "
            f"{platform.machine()}, Python {platform.python_version()}.\n\n"
        )
        (asked.out / "results.md").write_text(head + text, encoding="utf-8")
        rows = [
            {
                "task": task, "twin": twin, "tool": tool, "expected": EXPECTED[twin],
                "verdict": timing.verdict(), "seconds": [round(each, 4) for each in timing.seconds],
            }
            for (task, twin, tool), timing in results.items()
        ]  # fmt: skip
        (asked.out / "results.json").write_text(
            json.dumps({"versions": versions, "results": rows}, indent=1) + "\n", encoding="utf-8"
        )
    wrong = [key for key, timing in results.items() if timing.verdict() != EXPECTED[key[1]]]
    for task, twin, tool in wrong:
        said = results[task, twin, tool].verdict()
        print(f"{tool} says {said} of {task}/{twin}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
