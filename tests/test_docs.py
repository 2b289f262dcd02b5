"""The example that docs/LANGUAGE.md begins with is what it says it is."""

from __future__ import annotations

import re
from pathlib import Path

from planproof import workspace
from planproof.spec.core import Kind

LANGUAGE = Path(__file__).parents[1] / "docs" / "LANGUAGE.md"


def _files() -> dict[str, str]:
    """The blocks that begin with the name of a file, by that name."""
    text = LANGUAGE.read_text(encoding="utf-8")
    return dict(re.findall(r"^```\n// (\w+\.\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))


def test_the_complete_example_is_proved_with_the_worst_case_it_names(tmp_path: Path) -> None:
    files = _files()
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    against = workspace.Against(
        str(tmp_path / "treasury.domain"), (str(tmp_path / "treasury.policy"),)
    )
    [plan] = workspace.verify_file(str(tmp_path / "pay.plan"), workspace.Asked(against)).plans
    assert plan.verdict == "proved"
    assert plan.bounds is not None
    worst = {name: each.worst for name, each in plan.bounds.resources.items()}
    assert worst["calls"] == 52
    assert worst["seconds"] == 257
    assert float(str(worst["usd"])) == 12.5


def test_every_kind_of_obligation_is_in_the_table() -> None:
    text = LANGUAGE.read_text(encoding="utf-8")
    for kind in Kind:
        assert re.search(rf"^\| .*`{kind.value}`.* \|", text, re.MULTILINE), kind.value
