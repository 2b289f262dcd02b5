"""The canonical form: what it looks like, and that it changes nothing but the look."""

from __future__ import annotations

import random
import re
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.spec import strategies

from planproof.spec import syntax as s
from planproof.spec.format import WIDTH, format, format_expr
from planproof.spec.limits import Limits
from planproof.spec.parse import parse
from planproof.spec.source import Source

SNIPPETS = sorted((Path(__file__).parent / "snippets" / "accept").iterdir())
DEEP = Limits(nesting_depth_max=80)  # a random tree may be deeper than a sensible one


def read(text: str) -> s.File:
    file, diagnostics = parse(Source("text", text), DEEP)
    assert file is not None, (text, diagnostics)
    return file


def read_expr(text: str) -> s.Expr:
    file = read(f"plan p() {{ let x = {text}; }}")
    assert isinstance(file, s.PlanFile)
    (statement,) = file.plans[0].body.statements
    assert isinstance(statement, s.Let)
    return statement.value


@settings(deadline=None, max_examples=300)
@given(strategies.exprs)
def test_an_expression_reads_back_as_itself(expr: s.Expr) -> None:
    assert read_expr(format_expr(expr)) == expr


@settings(deadline=None, max_examples=300)
@given(strategies.files)
def test_a_file_reads_back_as_itself_and_formatting_twice_changes_nothing(file: s.File) -> None:
    text = format(file)
    again = read(text)
    assert again == file
    assert format(again) == text


@settings(deadline=None, max_examples=200)
@given(strategies.files, st.integers(0, 10**9))
def test_comments_are_kept_and_do_not_wander(file: s.File, seed: int) -> None:
    choice = random.Random(seed)  # noqa: S311 - places for comments, not secrets
    text = sprinkled(format(file), choice)
    commented = read(text)
    assert commented == file
    once = format(commented)
    again = read(once)
    assert again == file
    assert comments(again) == comments(commented)
    assert format(again) == once


def comments(file: s.File) -> list[str]:
    return [re.sub(r"\s+", " ", comment.text.strip()) for comment in file.comments]


def sprinkled(text: str, choice: random.Random) -> str:
    """The text with comments of all kinds at some of its blanks and line ends.

    None directly before a doc comment's line or in it: there it would be text.
    """
    parts: list[str] = []
    number = 0
    for line in text.split("\n"):
        if line.lstrip().startswith("///") or '"' in line:
            parts.append(line + "\n")
            continue
        for word in re.split(r"( )", line):
            parts.append(word)
            if word == " " and choice.random() < 0.08:
                number += 1
                ends = (f"/* {number} */ ", f"// {number}\n", f"\n\n/* {number}\n  x */\n")
                parts.append(choice.choice(ends))
        if choice.random() < 0.1:
            number += 1
            parts.append(f" // {number}")
        parts.append("\n" * choice.choice((1, 1, 1, 2, 3)))
    return "".join(parts)


@pytest.mark.parametrize("path", SNIPPETS, ids=lambda path: path.name)
def test_a_snippet_keeps_its_tree_and_its_comments(path: Path) -> None:
    file = read(path.read_text(encoding="utf-8"))
    once = format(file)
    assert read(once) == file
    assert format(read(once)) == once
    assert comments(read(once)) == comments(file)


@pytest.mark.parametrize(
    ("loose", "canonical"),
    [
        ("((a))", "a"),
        ("(a + b) + c", "a + b + c"),
        ("a + (b + c)", "a + (b + c)"),
        ("(a * b) + c", "a * b + c"),
        ("a * (b + c)", "a * (b + c)"),
        ("(a && b) || c", "a && b || c"),
        ("a && (b || c)", "a && (b || c)"),
        ("a ==> (b ==> c)", "a ==> b ==> c"),
        ("(a ==> b) ==> c", "(a ==> b) ==> c"),
        ("!(k in m)", "!(k in m)"),
        ("!(a.b[c])", "!a.b[c]"),
        ("-(-a)", "--a"),
        ("(a == b) == c", "(a == b) == c"),
        ("a && (forall x in xs :: x > 0)", "a && forall x in xs :: x > 0"),
        ("(forall x in xs :: x > 0) && a", "(forall x in xs :: x > 0) && a"),
        ("(if a then b else c) + 1", "(if a then b else c) + 1"),
        ("(a && if b then c else d) || e", "a && (if b then c else d) || e"),
        ("sum((a == b))", "sum((a == b))"),
        ("(1).0", "(1).0"),
        ("t.1.0", "t.1.0"),
        ("[ 1,2 , ]", "[1, 2]"),
        ("f( p:a,q : b, )", "f(p: a, q: b)"),
        ("r with{f:1}", "r with { f: 1 }"),
        ("1_0 + 10000 + 1234567.50", "10 + 10_000 + 1_234_567.50"),
        ('"\\u0041\\/\\ud83d\\ude00\\u202e"', '"A/😀\\u202e"'),
        ("sum(x in xs where x>0::x)", "sum(x in xs where x > 0 :: x)"),
        ("best x in xs where (p) by (x.at)", "best x in xs where p by x.at"),
    ],
)
def test_parentheses_and_blanks_are_canonical(loose: str, canonical: str) -> None:
    assert format_expr(read_expr(loose)) == canonical


def test_a_decimal_keeps_its_digits() -> None:
    assert format_expr(s.DecimalLiteral(Fraction(25, 2), 2)) == "12.50"


def test_clauses_stand_on_lines_of_their_own_and_long_ones_are_broken() -> None:
    text = format(
        read(
            "plan p(a: Int) requires a > 0 && aaaaaaaaaaaaaaaaaaaaaaaa > bbbbbbbbbbbbbbbbbbbbbb &&"
            " ccccccccccccccccccccc > ddddddddddddddddddddd && a != 7 { for x in xs invariant a > 0"
            " { f(x); } return; }"
        )
    )
    assert text == (
        "plan p(a: Int)\n"
        "  requires a > 0 && aaaaaaaaaaaaaaaaaaaaaaaa > bbbbbbbbbbbbbbbbbbbbbb\n"
        "      && ccccccccccccccccccccc > ddddddddddddddddddddd && a != 7\n"
        "{\n"
        "  for x in xs\n"
        "    invariant a > 0\n"
        "  {\n"
        "    f(x);\n"
        "  }\n"
        "  return;\n"
        "}\n"
    )
    assert max(map(len, text.split("\n"))) <= WIDTH


def test_comments_stay_where_they_were() -> None:
    text = (
        "// first\n"
        "\n"
        "/// what p is for\n"
        "plan p(a: Int)\n"
        "  // why\n"
        "  requires a > 0  // really\n"
        "{  // open\n"
        "  // lead\n"
        "  let x = f(a);  // trail\n"
        "\n"
        "  if x {\n"
        "    g();\n"
        "    // end of branch\n"
        "  } else {  // otherwise\n"
        "    // nothing\n"
        "  }  // after\n"
        "  /* two\n"
        "lines */\n"
        "}  // end\n"
        "// last\n"
    )
    assert format(read(text)) == text


@pytest.mark.parametrize(
    "head",
    [
        "for i in xs /* c */ max 3 invariant p",
        "for i, x in xs max 3 // c\n invariant p",
        "while a /* c */ decreases b // d\n max 3 invariant p // e\n",
        "repeat // c\n 3 invariant p",
        "if a // c\n",
        "for x in xs // c\n invariant p // d\n invariant q // e\n",
    ],
)
def test_a_comment_in_the_head_of_a_block_finds_its_place_at_once(head: str) -> None:
    once = format(read(f"plan p() {{ {head} {{ }} }}"))
    assert format(read(once)) == once
    assert re.search(r"(// c$|/\* c \*/)", once, re.MULTILINE)


def test_many_nested_parentheses_are_printed_in_linear_time() -> None:
    expr: s.Expr = s.Name("a")
    for _ in range(60):
        expr = s.Unary(s.UnaryOp.NOT, s.Binary(s.BinaryOp.AND, expr, s.Name("b")))
    assert len(format_expr(expr)) == 1 + 60 * len("!( && b)")
