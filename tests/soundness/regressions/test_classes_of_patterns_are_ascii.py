"""`\\d`, `\\w` and `\\s` are ASCII in the language; the interpreter took them for all of Unicode.

So a run with an Arabic digit violated what was rightly proved.
"""

from __future__ import annotations

import pytest

from planproof.spec import semantics
from planproof.spec.core import Op


@pytest.mark.parametrize(("pattern", "text"), [("\\d", "٣"), ("\\w", "é"), ("\\s", "\u00a0")])
def test_other_alphabets_do_not_match(pattern: str, text: str) -> None:
    assert not semantics.text_test(Op.MATCHES, text, pattern)


@pytest.mark.parametrize(("pattern", "text"), [("\\d", "3"), ("\\w", "_"), ("\\s", "\v")])
def test_ascii_does(pattern: str, text: str) -> None:
    assert semantics.text_test(Op.MATCHES, text, pattern)
