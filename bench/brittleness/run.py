"""Does a verdict survive changes that mean nothing?

Solver-based verifiers are known to lose proofs when names, the order of declarations or the random
seed change (Zhou, Bosamiya, Takashima, Li, Heule, Parno, "Mariposa: Measuring SMT Instability in
Automated Program Verification", FMCAD 2023, whose kinds of mutation we use on our source texts).
Each example and each peer task is verified as it is and then as mutants of three kinds:

    rename    every declared name becomes another one, the same in domain, policy and plan
    shuffle   the declarations of domain and policy stand in another order
    extend    the domain has a type, a state and a tool more that the plan does not use

    python bench/brittleness/run.py                 # three mutants of each kind for each plan
    python bench/brittleness/run.py --mutants 10 --seed 7 examples/treasury

Ends with 1 if a mutant has another verdict than its original, and prints which; the mutants follow
from `--seed` alone, so what it prints can be made again.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import planproof
from planproof import workspace
from planproof.spec import parse, typecheck, typed
from planproof.spec.limits import Limits
from planproof.spec.source import Source

ROOT = Path(__file__).resolve().parents[2]

# A text is comments, strings, names, numbers, white space and single signs.
_TOKEN = re.compile(
    r"//[^\n]*|/\*.*?\*/|\"(?:[^\"\\]|\\.)*\"|[A-Za-z_]\w*|\d[\d_.]*|\s+|.", re.DOTALL
)
_NAME = re.compile(r"[A-Za-z_]\w*")
_BUILT_INS = (
    "Bool Int Decimal Text Date Time Option List Set Map calls seconds value some is_some len min"
    " max abs text range take date time contains starts_with ends_with matches bag keys parameters"
    " sum count old initially once find best"
)


@dataclass(frozen=True, slots=True)
class Texts:
    """A plan and all it is verified against."""

    name: str
    domain: str
    policies: tuple[str, ...]
    plan: str

    def each(self, change: Callable[[str], str]) -> Texts:
        return replace(
            self,
            domain=change(self.domain),
            policies=tuple(map(change, self.policies)),
            plan=change(self.plan),
        )


def originals(folders: list[Path]) -> list[Texts]:
    """Every plan below the folders, with its domain and policies."""
    found = []
    for folder in folders:
        for plan in sorted(folder.rglob("*.plan")):
            domain, policies = _against(plan)
            found.append(
                Texts(
                    str(plan.relative_to(ROOT)),
                    domain.read_text(encoding="utf-8"),
                    tuple(each.read_text(encoding="utf-8") for each in policies),
                    plan.read_text(encoding="utf-8"),
                )
            )
    return found


def _against(plan: Path) -> tuple[Path, list[Path]]:
    for folder in plan.parents:
        if (folder / "planproof.toml").is_file():
            project = tomllib.loads((folder / "planproof.toml").read_text(encoding="utf-8"))
            return folder / project["domain"], [folder / each for each in project["policies"]]
        if (folder / "task.domain").is_file():
            return folder / "task.domain", [folder / "task.policy"]
    raise SystemExit(f"nothing says what {plan} is verified against")


# ---- mutations -----------------------------------------------------------------------------------


def rename(texts: Texts, chance: random.Random) -> Texts:
    """Every name that the texts declare becomes another, of random letters."""
    keywords = _keywords()
    names = sorted(
        {
            word
            for text in (texts.domain, *texts.policies, texts.plan)
            for word in _TOKEN.findall(text)
            if _NAME.fullmatch(word) and word != "_"
        }
        - keywords
        - set(_BUILT_INS.split())
    )
    fresh = [f"{chance.choice('abcxyz')}{chance.randrange(10**9):09d}" for _ in names]
    if len(set(fresh)) < len(fresh):
        return rename(texts, chance)
    new = dict(zip(names, fresh, strict=True))

    def change(text: str) -> str:
        return "".join(new.get(word, word) for word in _TOKEN.findall(text))

    return texts.each(change)


def shuffle(texts: Texts, chance: random.Random) -> Texts:
    """The declarations of domain and policies in another order; plans are left as they are."""

    def change(text: str) -> str:
        head, *rest = _declarations(text)
        chance.shuffle(rest)
        return "\n".join([head, *rest, ""])

    return replace(texts, domain=change(texts.domain), policies=tuple(map(change, texts.policies)))


def extend(texts: Texts, chance: random.Random) -> Texts:
    """Declarations more that nothing uses."""
    n = chance.randrange(10**6)
    more = (
        f"\ntype Unused{n};\nstate unused_{n}: Map<Unused{n}, Int>;\n"
        f"tool unused_tool_{n}(x: Unused{n})\n"
        f"  requires x in unused_{n}\n"
        f"  modifies unused_{n}[x]\n"
        f"  ensures unused_{n}[x] == old(unused_{n}[x]) + {1 + n % 7}\n"
        f"  cost seconds {1 + n % 5};\n"
    )
    return replace(texts, domain=texts.domain + more)


MUTATIONS: dict[str, Callable[[Texts, random.Random], Texts]] = {
    "rename": rename,
    "shuffle": shuffle,
    "extend": extend,
}


def _keywords() -> frozenset[str]:
    grammar = (ROOT / "spec" / "grammar.lark").read_text(encoding="utf-8")
    return frozenset(re.findall(r"\"([a-z]+)\"", grammar))


def _declarations(text: str) -> list[str]:
    """The header and the declarations of a domain or policy, each with its terminator.

    A declaration ends in `;` outside of all braces, or in the `}` of a record or enum.
    """
    found: list[str] = []
    piece: list[str] = []
    depth = 0
    for word in _TOKEN.findall(text):
        if word.startswith(("//", "/*")) or (word.isspace() and not piece):
            continue
        piece.append(word)
        depth += (word in "({[") - (word in ")}]")
        ends = word == ";" or (word == "}" and piece[0] in ("record", "enum"))
        if ends and depth == 0 and piece != [";"]:
            found.append("".join(piece))
            piece = []
        elif piece == [";"]:  # the `;` that may follow a record
            piece = []
    return found


# ---- verdicts ------------------------------------------------------------------------------------


def verdict(texts: Texts, seed: int = 0) -> str:
    """The verdict on the plan file; `bad-input` if a text is not even well-formed.

    `seed` is the solver's.
    """
    world = _world(texts)
    if world is None:
        return "bad-input"
    verified = workspace.verify_text(
        Source("plan", texts.plan), world, workspace.Asked(limits=Limits(solver_seed=seed))
    )
    verdicts = sorted({each.verdict for each in verified.plans})
    return " and ".join(verdicts) or "bad-input"


def _world(texts: Texts) -> typed.World | None:
    file, _ = parse.parse_domain(Source("domain", texts.domain))
    domain = None if file is None else typecheck.check_domain(file)[0]
    if domain is None:
        return None
    policies = []
    for text in texts.policies:
        tree, _ = parse.parse_policy(Source("policy", text))
        policy = None if tree is None else typecheck.check_policy(tree, domain)[0]
        if policy is None:
            return None
        policies.append(policy)
    return typed.World(domain, tuple(policies))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="*", type=Path, help="default: examples, bench/peers")
    parser.add_argument("--mutants", type=int, default=3, help="of each kind, for each plan")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    folders = [each.resolve() for each in asked.folders] or [
        ROOT / "examples",
        ROOT / "bench/peers",
    ]

    total: Counter[str] = Counter()
    changed: Counter[str] = Counter()
    for texts in originals(folders):
        before = verdict(texts)
        for kind, mutate in MUTATIONS.items():
            for number in range(asked.mutants):
                seed = f"{asked.seed}/{texts.name}/{number}"
                after = verdict(mutate(texts, random.Random(seed)))  # noqa: S311
                total[kind] += 1
                if after != before:
                    changed[kind] += 1
                    print(f"{texts.name}: {before}, but {after} after {kind} {number}")
        for number in range(asked.mutants):
            after = verdict(texts, number + 1)
            total["reseed"] += 1
            if after != before:
                changed["reseed"] += 1
                print(f"{texts.name}: {before}, but {after} with the solver's seed {number + 1}")
    print(f"\nplanproof {planproof.__version__}, seed {asked.seed}\n")
    print("| mutation | mutants | verdicts changed |\n| --- | ---: | ---: |")
    for kind in (*MUTATIONS, "reseed"):
        print(f"| {kind} | {total[kind]} | {changed[kind]} |")
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
