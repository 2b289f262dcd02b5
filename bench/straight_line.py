"""How verification grows with a plan: n calls in a row, with state, an invariant and budgets.

The plan pays n times from one account to another under the treasury's contracts: each call owes
four `requires`, a refinement, the conserved total and two budgets.  What is timed is
`verify_plan` in a warm process (parsing and type checking are given beside it); the memory is the
peak of a fresh process that verifies the one plan.  The exponent is the slope of log time over
log n between the first and the last length.

    python bench/straight_line.py [--lengths 100,1000,10000] [--memory]
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import statistics
import subprocess
import sys
import time

DOMAIN = """\
domain treasury;
type Account;
type Cents = Int where self >= 0;
resource usd: Decimal;
state balance: Map<Account, Cents>;
tool transfer(source: Account, target: Account, amount: Cents)
  requires amount > 0
  requires source != target
  requires source in balance && target in balance
  requires balance[source] >= amount
  modifies balance[source], balance[target]
  ensures balance[source] == old(balance[source]) - amount
  ensures balance[target] == old(balance[target]) + amount
  cost usd 0.25, seconds 5;
"""


def policy(n: int) -> str:
    return (
        "policy rules for treasury;\n"
        "invariant conserved: sum(balance) == initially(sum(balance));\n"
        f"budget calls <= {n};\nbudget usd <= {n};\n"
    )


def plan(n: int) -> str:
    calls = "\n".join(
        f"  transfer({a}, {b}, {1 + i % 7});"
        for i in range(n)
        for a, b in [("p", "q") if i % 3 else ("q", "p")]
    )
    return (
        "plan pay(p: Account, q: Account)\n"
        "  requires p != q && p in balance && q in balance\n"
        f"  requires balance[p] >= {8 * n} && balance[q] >= {8 * n}\n"
        "{\n" + calls + "\n}\n"
    )


def measure(n: int, rounds: int) -> dict[str, float]:
    """Median seconds of each phase for a plan of `n` calls."""
    from planproof.spec.parse import parse_domain, parse_plan, parse_policy
    from planproof.spec.source import Source
    from planproof.spec.typecheck import check_domain, check_plans, check_policy
    from planproof.spec.typed import World
    from planproof.verifier.verify import Options, verify_plan

    domain_file, _ = parse_domain(Source("treasury.domain", DOMAIN))
    assert domain_file is not None
    domain, _ = check_domain(domain_file)
    policy_file, _ = parse_policy(Source("rules.policy", policy(n)))
    assert domain is not None and policy_file is not None
    rules, _ = check_policy(policy_file, domain)
    assert rules is not None
    world = World(domain, (rules,))
    began = time.perf_counter()
    tree, found = parse_plan(Source("pay.plan", plan(n)))
    assert tree is not None, found
    parsed = time.perf_counter()
    plans, found = check_plans(tree, world)
    assert plans is not None, found
    checked = time.perf_counter()
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        report = verify_plan(plans, "pay", world, Options(digest=False))
        seconds.append(time.perf_counter() - start)
        wrong = [o for o in report.obligations if o.verdict != "proved"]
        assert report.verdict == "proved", wrong[:3]
        del report  # the next round must not pay for keeping this one
    return {
        "calls": n,
        "parse": round(parsed - began, 4),
        "check": round(checked - parsed, 4),
        "verify": round(statistics.median(seconds), 4),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--lengths", default="100,1000,10000")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--one", type=int, help="measure one length here, print it as JSON")
    given = arguments.parse_args()
    if given.one is not None:
        print(json.dumps(measure(given.one, given.rounds)))
        return
    rows = []
    for n in map(int, given.lengths.split(",")):
        # A process for each length, so that the peak of memory is its own.
        done = subprocess.run(
            [sys.executable, __file__, "--one", str(n), "--rounds", str(given.rounds)],
            check=True,
            capture_output=True,
            text=True,
        )
        rows.append(json.loads(done.stdout))
    print("| calls | parse s | check s | verify s | per call ms | peak MB |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for row in rows:
        per_call = 1000 * row["verify"] / row["calls"]
        print(
            f"| {row['calls']:,} | {row['parse']:.3f} | {row['check']:.3f} | {row['verify']:.3f} "
            f"| {per_call:.2f} | {row['peak_mb']:.0f} |"
        )
    if len(rows) > 1:
        first, last = rows[0], rows[-1]
        slope = math.log(last["verify"] / first["verify"]) / math.log(
            last["calls"] / first["calls"]
        )
        print(f"\nverify grows as n^{slope:.2f} from {first['calls']:,} to {last['calls']:,} calls")


if __name__ == "__main__":
    main()
