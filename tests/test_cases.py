"""The rules of the language, tested where they are explained: `tests/cases/*.md`.

`ACCEPT=1 pytest tests/test_cases.py` rewrites the report blocks. Read the diff: it is the change
that users will see.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from tests.literate import WORDS, Block, Case, cases, check, expected, outcome

CASES = Path(__file__).parent / "cases"
ALL = [case for file in sorted(CASES.glob("*.md")) for case in cases(file)]


@pytest.mark.parametrize("case", ALL, ids=str)
def test_the_text_means_what_its_comments_say(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("case", [each for each in ALL if each.report is not None], ids=str)
def test_the_report_reads_as_shown(case: Case) -> None:
    assert case.report is not None
    report = _without_times(outcome(case).report)
    if os.environ.get("ACCEPT") == "1":
        _rewrite(case.file, case.report, report)
    else:
        assert report == case.report.text


def _without_times(text: str) -> str:
    """The report without what differs from run to run, and without blanks at its end."""
    return re.sub(r"\d+(\.\d+)? m?s\b", "N s", text).rstrip() + "\n"


def _rewrite(file: Path, block: Block, text: str) -> None:
    """Puts `text` in the block's place. Only for one process at a time: run without `-n`."""
    content = file.read_text(encoding="utf-8")
    old, new = f"```report\n{block.text}```", f"```report\n{text}```"
    assert content.count(old) == 1, "two report blocks are the same; ACCEPT can't tell them apart"
    file.write_text(content.replace(old, new), encoding="utf-8")


def test_each_kind_of_expectation_is_used_somewhere() -> None:
    used = {
        word
        for case in ALL
        for block in (case.domain, *case.policies, *([case.plan] if case.plan else []))
        for word, *_ in expected(block.kind, block.text)
    }
    assert used == set(WORDS)


def test_a_wrong_expectation_is_noticed() -> None:
    domain = Block("domain", "domain d;\n", 1)
    good = Block("plan", "// proved\nplan p() { assert 1 < 2; }\n", 1)
    false = Block("plan", "// proved\nplan p() { assert 2 < 1; }\n", 1)
    missing = Block("plan", "plan p() { assert 1 < 2; }  // error: [unknown-name]\n", 1)
    check(Case(Path("x"), "", domain, (), good, None))
    for wrong in (false, missing):
        with pytest.raises(AssertionError):
            check(Case(Path("x"), "", domain, (), wrong, None))
