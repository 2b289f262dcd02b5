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


WITH_REPORT = [case for case in ALL if case.report is not None]


@pytest.mark.parametrize("case", WITH_REPORT, ids=str)
def test_the_report_reads_as_shown(case: Case) -> None:
    assert case.report is not None
    report = outcome(case).report.rstrip() + "\n"
    if os.environ.get("ACCEPT") == "1":
        _rewrite(case, report)
    else:
        assert report == case.report.text


def _rewrite(case: Case, text: str) -> None:
    """Puts `text` in place of the case's report. For one process at a time: run without `-n`."""
    number = [each for each in WITH_REPORT if each.file == case.file].index(case)
    content = case.file.read_text(encoding="utf-8")
    found = list(re.finditer(r"^```report\n(.*?)^```$", content, re.DOTALL | re.MULTILINE))[number]
    content = content[: found.start(1)] + text + content[found.end(1) :]
    case.file.write_text(content, encoding="utf-8")


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
