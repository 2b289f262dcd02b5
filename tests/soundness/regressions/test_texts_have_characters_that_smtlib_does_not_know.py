"""SMT-LIB's strings end at U+2FFFF; those of the language at U+10FFFF.

A literal beyond was read as the ten characters of its escape, and `[^a]` did not cover it.
"""

from __future__ import annotations

import pytest
from tests.soundness import judging
from tests.soundness.judging import QUICK, prove
from tests.soundness.programs import Texts, lowered

DOMAIN = "domain d;\ndefault seconds 1;\n"


def verdict(plan: str) -> str:
    return judging.verdict(prove(lowered(Texts(DOMAIN, "", plan)), QUICK))


@pytest.mark.parametrize(
    "body",
    [
        '(s: Text) { assert !(s == "\U0010ffff" && len(s) == 1 && contains(s, "")); }',
        '(s: Text) requires matches(s, "[^a]") { assert !(s == "\U0010ffff"); }',
        '(s: Text) requires matches(s, ".") { assert s != "\U00030000"; }',
    ],
)
def test_what_only_such_a_text_refutes_is_refuted(body: str) -> None:
    assert verdict(f"plan main{body}") == "refuted"


def test_a_pattern_that_tells_such_characters_apart_proves_nothing() -> None:
    plan = 'plan main(s: Text) requires len(s) == 1 { assert matches(s, "[\\u0000-\U0002ffff]"); }'
    assert verdict(plan) == "unknown"


def test_what_holds_for_all_texts_is_still_proved() -> None:
    assert (
        verdict('plan main(s: Text) requires len(s) == 1 { assert matches(s, "(.|\\n)"); }')
        == "proved"
    )
