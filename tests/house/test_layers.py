"""What each part loads, seen from a fresh interpreter, and which names are used where."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("spec", "proofs", "verifier", "planner", "executor")
MODULES = sorted(
    [each for part in PARTS for each in (ROOT / part).rglob("*.py")]
    + list((ROOT / "src/planproof").glob("*.py"))
)
HEAVY = ("z3", "lark", "pydantic", "rich", "click")


def loaded_by(code: str) -> set[str]:
    """The modules a fresh interpreter has loaded after the code."""
    script = f"{code}\nimport sys\nprint('\\n'.join(sys.modules), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=ROOT
    )
    return set(done.stderr.split())


def names(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_importing_planproof_loads_nothing_heavy() -> None:
    loaded = loaded_by("import planproof")
    assert "planproof" in loaded
    assert loaded.isdisjoint(HEAVY)


@pytest.mark.parametrize("arguments", [["--help"], ["verify", "--help"], ["--version"]])
def test_help_loads_click_and_nothing_else_that_is_heavy(arguments: list[str]) -> None:
    loaded = loaded_by(f"from planproof import cli\nassert cli.run({arguments}) == 0")
    assert "click" in loaded
    assert loaded.isdisjoint({"z3", "lark", "pydantic", "rich"})


def test_check_loads_no_solver() -> None:
    file = ROOT / "src/planproof/template_files/shop.domain"
    loaded = loaded_by(f"from planproof import cli\nassert cli.run(['check', {str(file)!r}]) == 0")
    assert "planproof.spec.parse" in loaded
    assert loaded.isdisjoint({"z3", "lark", "pydantic", "rich"})


@pytest.mark.parametrize(
    "module", ["planproof.proofs", "planproof.proofs.certificate", "planproof.executor"]
)
def test_what_is_apart_from_the_prover_does_not_load_it(module: str) -> None:
    loaded = loaded_by(f"import {module}")
    assert module in loaded
    assert "z3" not in loaded
    assert not any(each.startswith(("planproof.verifier", "planproof.planner")) for each in loaded)


def test_the_language_loads_no_other_part() -> None:
    imports = "\n".join(
        f"import planproof.spec.{'.'.join(each.relative_to(ROOT / 'spec').with_suffix('').parts)}"
        for each in sorted((ROOT / "spec").rglob("*.py"))
        if each.stem != "__init__"
    )
    loaded = {each for each in loaded_by(imports) if each.startswith("planproof.")}
    assert "planproof.spec.core" in loaded
    assert all(each.split(".")[1] == "spec" for each in loaded)


@pytest.mark.parametrize("path", MODULES, ids=names)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    header = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert header, "no header"
    assert header.splitlines()[0].rstrip().endswith((".", ":"))


def test_every_folder_of_modules_is_a_package_in_pyproject_and_no_other_is() -> None:
    setup = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = setup["tool"]["setuptools"]
    folders = {
        ".".join(("planproof", *each.parent.relative_to(ROOT).parts))
        for part in PARTS
        for each in (ROOT / part).rglob("*.py")
    }
    data_only = {"planproof.errors", "planproof.template_files"}
    assert set(declared["packages"]) == {"planproof"} | folders | data_only
    assert set(declared["package-dir"]) == set(declared["packages"])
    for package, folder in declared["package-dir"].items():
        assert (ROOT / folder).is_dir(), package
        assert package in data_only or (ROOT / folder / "__init__.py").is_file(), package


@pytest.mark.parametrize("part", [*PARTS, "errors"])
def test_links_are_links(part: str) -> None:
    link = ROOT / "src/planproof" / part
    target = "../../docs/errors" if part == "errors" else f"../../{part}"
    assert link.is_symlink()
    assert str(link.readlink()) == target


def test_nothing_in_proofs_rests_on_an_assert() -> None:
    paths = sorted((ROOT / "proofs").rglob("*.py"))
    assert paths
    for path in paths:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert not [each.lineno for each in ast.walk(tree) if isinstance(each, ast.Assert)], path


def test_the_command_says_the_version_of_the_package() -> None:
    import planproof

    done = subprocess.run(
        [sys.executable, "-m", "planproof.cli", "--version"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"planproof {planproof.__version__}\n"
