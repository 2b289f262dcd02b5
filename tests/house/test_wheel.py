"""The wheel has what it needs and nothing else, and works where only it is installed."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of a copy of the tree, so that building leaves nothing in the tree."""
    import shutil

    copy = tmp_path_factory.mktemp("build") / "planproof"
    shutil.copytree(
        ROOT,
        copy,
        symlinks=True,
        ignore=shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__"),
    )
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, copy],
        check=True,
        capture_output=True,
    )
    (found,) = out.glob("*.whl")
    return found


def test_the_wheel_has_every_module_and_every_data_file(wheel: Path) -> None:
    expected = {f"planproof/{each.name}" for each in (ROOT / "src/planproof").glob("*.py")}
    for part in ("spec", "proofs", "verifier", "planner", "executor"):
        expected |= {
            f"planproof/{each.relative_to(ROOT)}"
            for each in (ROOT / part).rglob("*")
            if each.suffix in {".py", ".lark", ".json"}
        }
    expected |= {f"planproof/errors/{each.name}" for each in (ROOT / "docs/errors").glob("*.md")}
    expected |= {
        f"planproof/template_files/{each.name}"
        for each in (ROOT / "src/planproof/template_files").iterdir()
    }
    expected.add("planproof/py.typed")
    with zipfile.ZipFile(wheel) as archive:
        found = {each for each in archive.namelist() if ".dist-info/" not in each}
    assert found == expected


def test_the_wheel_works_alone(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import planproof\n"
        "assert planproof.__file__.startswith(sys.argv[1])\n"
        "from planproof import cli, pages\n"
        "assert pages.page('no-domain')\n"
        "assert cli.run(['init', sys.argv[2]]) == 0\n"
        "sys.exit(cli.run(['verify', sys.argv[2] + '/refund.plan']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, site, tmp_path / "new"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "proved   refund_order" in done.stdout
