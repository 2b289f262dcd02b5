"""What the files of the project say about each other, and what none of them may say."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from planproof import exits, pages
from planproof.exits import Exit

ROOT = Path(__file__).resolve().parents[2]
SKIPPED = {".git", "build", "dist", "__pycache__", "node_modules"}


def own_files(folder: Path = ROOT) -> Iterator[Path]:
    """Every file of the project once: no links, no caches, nothing that was built."""
    for each in sorted(folder.iterdir()):
        if each.is_symlink() or each.name in SKIPPED or each.name.endswith("egg-info"):
            continue
        if each.is_dir():
            if each.name.startswith(".") and each.name not in {".ci", ".github"}:
                continue
            yield from own_files(each)
        else:
            yield each


# Spelled in pieces, so that this file does not break its own rule.
FORBIDDEN = [
    "/" + "work/",
    "/" + "tmp/bash",
    "/" + "root/",
    "/" + "home/",
    "files.python" + "hosted",
    "pypi." + "org",
    "../" + "shared",
]


def test_no_file_names_a_machine_or_a_registry() -> None:
    looked = 0
    for path in own_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        looked += 1
        for each in FORBIDDEN:
            assert each not in text, f"{path.relative_to(ROOT)} names {each}"
    assert looked > 50


# ---- diagnostic codes --------------------------------------------------------------------------


def codes() -> set[str]:
    """Codes of the diagnostics that the source makes.

    A code is a literal handed to `Diagnostic`, or to any function with a parameter called `code`.
    """
    parts = ("spec", "proofs", "verifier", "planner", "executor", "src")
    files = (each for part in parts for each in own_files(ROOT / part))
    modules = [each for each in files if each.suffix == ".py"]
    trees = [ast.parse(each.read_text(encoding="utf-8")) for each in modules]
    theirs: dict[str, set[int]] = {"Diagnostic": {0}}
    for tree in trees:
        for name, places in _takers(tree, methods_only=True).items():
            theirs.setdefault(name, set()).update(places)
    found: set[str] = set()
    for tree in trees:
        # A module's own function is meant before another's method of the same name.
        own: dict[str, set[int]] = {
            each.name: set() for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)
        }
        found.update(_handed(tree, {**theirs, **own, **_takers(tree)}))
    return found


def _takers(tree: ast.Module, *, methods_only: bool = False) -> dict[str, set[int]]:
    """The functions with a parameter called `code`, and the positions in which they take it."""
    positions: dict[str, set[int]] = {}
    for each in ast.walk(tree):
        if isinstance(each, ast.FunctionDef):
            parameters = [p.arg for p in each.args.posonlyargs + each.args.args]
            is_method = parameters[:1] == ["self"]
            if "code" in parameters and (is_method or not methods_only):
                place = parameters.index("code") - is_method
                positions.setdefault(each.name, set()).add(place)
    return positions


def _handed(tree: ast.Module, positions: dict[str, set[int]]) -> Iterator[str]:
    """The literals that calls of these functions have in these positions, or as `code`."""
    for each in ast.walk(tree):
        if not isinstance(each, ast.Call):
            continue
        function = each.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        places = positions.get(name, set())
        handed = [k.value for k in each.keywords if places and k.arg == "code"]
        handed += [value for place, value in enumerate(each.args) if place in places]
        for value in handed:
            for part in ast.walk(value):  # either side of a conditional
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value


def test_the_search_for_codes_finds_them() -> None:
    assert {"no-domain", "bad-project", "not-utf8", "file-not-found"} <= codes()


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    from planproof.spec.core import Kind

    pages_there = {each.stem for each in (ROOT / "docs/errors").glob("*.md")}
    kinds = {each.value for each in Kind}  # of obligations, which reports show as codes
    assert codes() | kinds == pages_there


def test_codes_are_kebab_case() -> None:
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", each) for each in codes())


def test_every_page_is_found_by_its_code_and_has_a_title() -> None:
    listed = pages.titles()
    assert [code for code, _ in listed] == sorted(p.stem for p in (ROOT / "docs/errors").glob("*"))
    for code, title in listed:
        assert title, code
        page = pages.page(code)
        assert page is not None
        assert page.startswith("#")


@pytest.mark.parametrize("wrong", ["", "..", "../errors/no-domain", "No-Domain", "no-domain.md"])
def test_what_is_no_code_has_no_page(wrong: str) -> None:
    assert pages.page(wrong) is None


# ---- the commands of README.md -----------------------------------------------------------------


def readme_commands() -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return [each.strip() for each in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)]


def test_readme_has_two_commands_and_ci_runs_them_as_they_are() -> None:
    commands = readme_commands()
    assert len(commands) == 2
    lines = [each.strip() for each in (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()]
    for each in commands:
        assert each in lines
    assert commands[1].endswith(".venv/bin/pytest -q -n auto")


def test_ci_stops_at_the_first_failure_and_skips_nothing() -> None:
    text = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert "set -euo pipefail" in text
    assert "|| true" not in text
    assert (ROOT / ".ci/run").stat().st_mode & 0o111


# ---- exit codes --------------------------------------------------------------------------------


def test_the_worst_exit_counts_and_nothing_is_not_success() -> None:
    assert exits.worst([Exit.DONE, Exit.UNKNOWN]) is Exit.UNKNOWN
    assert exits.worst([Exit.UNKNOWN, Exit.REFUTED]) is Exit.REFUTED
    assert exits.worst([Exit.REFUTED, Exit.BAD_INPUT, Exit.DONE]) is Exit.BAD_INPUT
    assert exits.worst([Exit.BAD_INPUT, Exit.BUG]) is Exit.BUG
    assert exits.worst([]) is Exit.UNKNOWN
    for each in Exit:
        assert exits.worst([each, Exit.DONE]) is each
        assert exits.worst([Exit.BUG, each]) is Exit.BUG


def test_only_proved_exits_with_success() -> None:
    assert [v for v, code in exits.OF_VERDICT.items() if code == 0] == ["proved"]
