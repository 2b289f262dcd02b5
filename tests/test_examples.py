"""The examples and the peer tasks: what is right is proved, each wrong twin is refuted by a run.

A wrong twin begins with a comment on the mistake and what it breaks; the kind of an obligation that
is refuted must be named there, so that a twin that is refuted for another reason does not pass.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from planproof import workspace
from planproof.spec.core import Kind
from planproof.spec.parse import parse, read_source

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
RIGHT = sorted(EXAMPLES.glob("*/*.plan"))
WRONG = sorted(EXAMPLES.glob("*/wrong/*.plan"))
PEERS = sorted((ROOT / "bench" / "peers").glob("*/*.plan"))


def _name(path: Path) -> str:
    return "-".join(path.relative_to(ROOT).with_suffix("").parts[1:])


def _asked(path: Path) -> workspace.Asked:
    if path not in PEERS:
        return workspace.Asked()
    policy = str(path.with_name("task.policy"))
    against = workspace.Against(str(path.with_name("task.domain")), (policy,))
    return workspace.Asked(against)


@pytest.mark.parametrize("path", RIGHT + [p for p in PEERS if p.stem == "right"], ids=_name)
def test_what_is_right_is_proved(path: Path) -> None:
    found = workspace.verify_file(str(path), _asked(path))
    assert not [each for each in found.diagnostics if each.severity == "error"]
    assert found.plans
    for plan in found.plans:
        owed = [each for each in plan.obligations if each.verdict != "proved"]
        assert plan.verdict == "proved", [(each.kind, each.at, each.message) for each in owed]
        assert not plan.warnings, "a clause, check or result that we could do without"


@pytest.mark.parametrize("path", WRONG + [p for p in PEERS if p.stem == "wrong"], ids=_name)
def test_what_is_wrong_is_refuted_by_a_run(path: Path) -> None:
    found = workspace.verify_file(str(path), _asked(path))
    [plan] = found.plans
    owed = [(each.kind, each.verdict, each.message) for each in plan.obligations]
    assert plan.verdict == "refuted", [each for each in owed if each[1] != "proved"]
    assert plan.counterexample is not None
    assert plan.counterexample.replayed


@pytest.mark.parametrize("path", WRONG, ids=_name)
def test_a_wrong_twin_breaks_what_it_says(path: Path) -> None:
    head = " ".join(
        line.removeprefix("//").strip()
        for line in path.read_text(encoding="utf-8").split("\n")
        if line.startswith("//") and not line.startswith("///")
    )
    assert head.startswith("Wrong: ")
    [plan] = workspace.verify_file(str(path), workspace.Asked()).plans
    # That no run gets any further follows from most mistakes, and is the mistake of none of these.
    kinds = {each.kind for each in plan.obligations if each.verdict == "refuted"}
    kinds -= {Kind.WITNESS.value}
    assert kinds & set(_words(head)), f"refuted: {sorted(kinds)}, but the comment says: {head}"


def _words(text: str) -> list[str]:
    for sign in "`.,:;()":
        text = text.replace(sign, " ")
    return text.split()


def test_every_right_plan_has_a_wrong_twin() -> None:
    for path in RIGHT:
        twins = (path.parent / "wrong").glob(f"{path.stem.split('_')[0]}*.plan")
        assert list(twins), f"{path.name} has no twin"


def test_every_example_has_a_page_and_names_all_its_plans() -> None:
    for folder in sorted(EXAMPLES.iterdir()):
        text = (folder / "README.md").read_text(encoding="utf-8")
        for plan in folder.glob("*.plan"):
            assert plan.name in text, f"{folder.name}/README.md does not speak of {plan.name}"


def test_rules_are_checked_though_not_verified() -> None:
    for folder in sorted(EXAMPLES.iterdir()):
        project = tomllib.loads((folder / "planproof.toml").read_text(encoding="utf-8"))
        rules = sorted(folder.glob("*_rules.policy"))
        assert rules
        for path in rules:
            assert path.name not in project["policies"]
            world, found = workspace.Workspace().world(
                str(folder / project["domain"]), (str(path),)
            )
            assert world is not None, found
            assert world.policies[0].rules


def test_examples_are_in_canonical_form() -> None:
    from planproof.spec.format import format

    texts = [*EXAMPLES.rglob("*.plan"), *EXAMPLES.rglob("*.domain"), *EXAMPLES.rglob("*.policy")]
    assert len(texts) > 50
    for path in texts:
        source, _ = read_source(str(path))
        assert source is not None
        file, _ = parse(source)
        assert file is not None
        assert format(file) == source.text, path


def test_peer_tasks_are_complete() -> None:
    names = {"task.domain", "task.policy"}
    names |= {f"{twin}.{kind}" for twin in ("right", "wrong") for kind in ("plan", "dfy", "bpl")}
    tasks = sorted(each.parent for each in PEERS if each.stem == "right")
    assert len(tasks) == 10
    for task in tasks:
        assert names == {each.name for each in task.iterdir()}, task
