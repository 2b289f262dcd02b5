"""What a command costs as a whole process, beside what loading Z3's Python package costs.

Runs take turns, so that a busy moment of the machine meets all of them, and the median of each is
reported.  Byte code is written and used (the environment's PYTHONDONTWRITEBYTECODE is dropped): the
first round, which may compile, does not count.

    python bench/startup.py [--rounds 25]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLAN = "examples/treasury/month_end.plan"
COMMAND = "import sys; from planproof.cli import main; main()"  # what the installed script says
RUNS: dict[str, list[str]] = {
    'python -c "pass"': ["-c", "pass"],
    'python -c "import z3"': ["-c", "import z3"],
    "planproof --help": ["-c", COMMAND, "--help"],
    f"planproof check {PLAN}": ["-c", COMMAND, "check", PLAN],
    f"planproof verify {PLAN}": ["-c", COMMAND, "verify", PLAN],
    f"planproof verify --format json {PLAN}": ["-c", COMMAND, "verify", "--format", "json", PLAN],
}
UNIT = 'python -c "import z3"'


def seconds(arguments: list[str], environment: dict[str, str]) -> float:
    """Wall-clock time of one process; raises CalledProcessError where it does not succeed."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments],
        check=True,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=25)
    rounds = parser.parse_args().rounds
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = str(ROOT / "src")
    measured: dict[str, list[float]] = {name: [] for name in RUNS}
    for round in range(rounds + 1):
        for name, arguments in RUNS.items():
            taken = seconds(arguments, environment)
            if round > 0:
                measured[name].append(taken)
    unit = statistics.median(measured[UNIT])
    print(f"| process | median, ms | least, ms | times `{UNIT}` |\n| --- | ---: | ---: | ---: |")
    for name, times in measured.items():
        median = statistics.median(times)
        print(f"| `{name}` | {1e3 * median:.0f} | {1e3 * min(times):.0f} | {median / unit:.2f} |")


if __name__ == "__main__":
    main()
