"""One grammar for everybody: Lark finds no conflict in it, llguidance decodes under it, and the
shipped tables are made of it.

llguidance takes a keyword for a name anywhere (a lexer without context), so it accepts more than
the parser does: it offers `let if = 1;`.  That is harmless, since what a model writes is parsed
again, and is the reason why only one direction is tested on random files.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import interegular  # noqa: F401 - without it Lark does not look for overlaps
import lark
import llguidance as guidance
import pytest
from hypothesis import given, settings
from tests.spec import strategies

from planproof.spec import syntax as s
from planproof.spec import tables
from planproof.spec.format import format
from planproof.spec.limits import Limits
from planproof.spec.parse import parse
from planproof.spec.source import Source

SNIPPETS = Path(__file__).parent / "snippets"
ACCEPT = sorted((SNIPPETS / "accept").iterdir())
REJECT = sorted((SNIPPETS / "reject").iterdir())
GRAMMAR = Path(tables.FOLDER, "grammar.lark").read_text(encoding="utf-8")
# What the parser refuses after or before the grammar has its say.
NOT_BY_GRAMMAR = {"reserved-word", "bad-text", "bad-character", "integer-too-long"}


@pytest.fixture(scope="module")
def by_lark() -> Any:
    """Lark itself; with `strict` any conflict, of rules or of overlapping patterns, is an error."""
    return lark.Lark(GRAMMAR, parser="lalr", strict=True, maybe_placeholders=True)


@pytest.fixture(scope="module")
def by_llguidance() -> Any:
    """A function that says whether llguidance could have generated a text."""
    tokenizer = guidance.LLTokenizer("byte")
    header = '%llguidance {"allow_initial_skip": true}\n'
    grammar = guidance.LLMatcher.grammar_from_lark(header + GRAMMAR)

    def generates(text: str) -> bool:
        matcher = guidance.LLMatcher(tokenizer, grammar)
        assert not matcher.get_error()
        tokens = list(text.encode())
        consumed: int = matcher.try_consume_tokens(tokens)
        return consumed == len(tokens) and bool(matcher.is_accepting())

    return generates


def lark_accepts(parser: Any, text: str) -> bool:
    try:
        parser.parse(text + "\n")
    except lark.exceptions.LarkError:
        return False
    return True


def cuts_a_word(parser: Any, text: str) -> bool:
    """Whether Lark reads one word as a keyword and a rest, as it does where the state admits no
    name: `xs invoices` as `xs in voices`.  We do not."""
    previous: Any = None
    parser_state = parser.parse_interactive(text + "\n")
    for token in parser_state.iter_parse():
        touches = previous is not None and previous.end_pos == token.start_pos
        if touches and (previous[-1] + token[0]).replace("_", "a").isalnum():
            return True
        previous = token
    return False


def test_the_shipped_tables_are_those_of_the_grammar() -> None:
    shipped = Path(tables.FOLDER, "tables.json").read_text(encoding="utf-8")
    built = tables.build()
    assert json.loads(shipped) == json.loads(built)
    assert shipped == built, "run python -m planproof.spec.tables"


@pytest.mark.parametrize("path", ACCEPT, ids=lambda path: path.name)
def test_all_three_accept_a_snippet(path: Path, by_lark: Any, by_llguidance: Any) -> None:
    text = path.read_text(encoding="utf-8")
    assert parse(Source("x", text))[0] is not None
    assert lark_accepts(by_lark, text)
    assert by_llguidance(text + "\n")


@pytest.mark.parametrize("path", REJECT, ids=lambda path: path.name)
def test_lark_refuses_what_the_parser_refuses(path: Path, by_lark: Any) -> None:
    text = path.read_text(encoding="utf-8")
    _, diagnostics = parse(Source("x", text))
    by_grammar = {each.code for each in diagnostics} - NOT_BY_GRAMMAR
    not_in_grammar = "expected `parameters` or `calls`"
    if by_grammar and not all(not_in_grammar in each.headline for each in diagnostics):
        assert not lark_accepts(by_lark, text)


@settings(max_examples=60)
@given(file=strategies.files)
def test_all_three_accept_a_random_file(file: s.File, by_lark: Any, by_llguidance: Any) -> None:
    text = format(file)
    assert parse(Source("x", text), Limits(nesting_depth_max=80))[0] == file
    assert lark_accepts(by_lark, text)
    assert by_llguidance(text)


def test_the_parser_reads_what_lark_reads_after_small_changes(by_lark: Any) -> None:
    """Each token of each snippet left out, and each doubled: the same answer as Lark's."""
    compared = 0
    for path in ACCEPT:
        text = path.read_text(encoding="utf-8")
        spans = [(token.start_pos, token.end_pos) for token in by_lark.lex(text + "\n")]
        for number, (start, end) in enumerate(spans):
            if number % 3:  # a third of them is plenty
                continue
            for changed in (
                text[:start] + " " + text[end:],
                text[:end] + " " + text[start:],
            ):
                _, diagnostics = parse(Source("x", changed))
                codes = {each.code for each in diagnostics}
                if codes & NOT_BY_GRAMMAR or "flow default" in changed[start - 20 : end + 20]:
                    continue
                ours, larks = not codes, lark_accepts(by_lark, changed)
                if larks and not ours and cuts_a_word(by_lark, changed):
                    continue
                assert ours == larks, changed[max(0, start - 40) : end + 40]
                compared += 1
    assert compared > 500


def test_a_model_cannot_generate_what_is_hard_to_read(by_llguidance: Any) -> None:
    for text in (
        "plan p() { m[k] = 3; }",
        'plan p() { check 0 <= i < 5 else "w"; }',
        "plan p() { let a = 'x'; }",
        "plan p() { let i = Invoice { amount: 3 }; }",
        "plan p() { f(1) }",
        "domain d; state x: Int",
    ):
        assert not by_llguidance(text)
    assert by_llguidance("plan p() { let a = t.1.0; for i in range(0, 5) max 5 { } }")
