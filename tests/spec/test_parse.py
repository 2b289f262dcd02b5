"""The parser: what it reads, what it says about what it can't read, and that nothing breaks it."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.spec import strategies

from planproof.spec import syntax as s
from planproof.spec import tables
from planproof.spec.diagnostic import Diagnostic, render
from planproof.spec.limits import Limits
from planproof.spec.parse import parse, parse_domain, parse_plan, parse_policy, read_source
from planproof.spec.source import Source, Span

SNIPPETS = Path(__file__).parent / "snippets"
ACCEPT = sorted((SNIPPETS / "accept").iterdir())
REJECT = sorted((SNIPPETS / "reject").iterdir())


def by_name(path: Path) -> str:
    return path.name


def accepted(text: str) -> s.File:
    file, diagnostics = parse(Source("text", text))
    assert file is not None, "\n".join(map(render, diagnostics))
    assert diagnostics == ()
    return file


def refused(text: str, limits: Limits | None = None) -> tuple[Diagnostic, ...]:
    file, diagnostics = parse(Source("text", text), limits or Limits())
    assert file is None
    assert diagnostics
    return diagnostics


def codes(text: str, limits: Limits | None = None) -> list[str]:
    return [diagnostic.code for diagnostic in refused(text, limits)]


def body(text: str) -> tuple[s.Statement, ...]:
    file = accepted(f"plan p() {{ {text} }}")
    assert isinstance(file, s.PlanFile)
    return file.plans[0].body.statements


def expr(text: str) -> s.Expr:
    (statement,) = body(f"let x = {text};")
    assert isinstance(statement, s.Let)
    return statement.value


# ---- snippets ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ACCEPT, ids=by_name)
def test_a_snippet_is_accepted(path: Path) -> None:
    accepted(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", REJECT, ids=by_name)
def test_a_snippet_is_refused_with_exactly_the_errors_it_names(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    wanted = [line.removeprefix("// error: ") for line in text.split("\n") if "// error: " in line]
    found = [
        each.headline + ("" if each.help is None else f" | {each.help}") for each in refused(text)
    ]
    assert found == wanted


def test_every_kind_of_node_is_in_some_snippet() -> None:
    """So that the snippets are a whole picture of the language."""
    seen: set[str] = set()

    def walk(value: object) -> None:
        if isinstance(value, tuple):
            for each in value:
                walk(each)
        elif type(value).__module__ == s.__name__ and hasattr(value, "__match_args__"):
            seen.add(type(value).__name__)
            for name in type(value).__match_args__:
                walk(getattr(value, name))

    for path in ACCEPT:
        file = accepted(path.read_text(encoding="utf-8"))
        walk(file)
        walk(file.comments)
    nodes = {
        name
        for name, each in vars(s).items()
        if hasattr(each, "__match_args__") and each.__module__ == s.__name__
    }
    assert nodes - seen == set()


# ---- what is read --------------------------------------------------------------------------------


def test_precedence_and_associativity() -> None:
    a, b, c = s.Name("a"), s.Name("b"), s.Name("c")
    both = s.BinaryOp
    assert expr("a - b - c") == s.Binary(both.SUB, s.Binary(both.SUB, a, b), c)
    assert expr("a ==> b ==> c") == s.Binary(both.IMPLIES, a, s.Binary(both.IMPLIES, b, c))
    assert expr("a || b && c") == s.Binary(both.OR, a, s.Binary(both.AND, b, c))
    assert expr("-a * b") == s.Binary(both.MUL, s.Unary(s.UnaryOp.NEG, a), b)
    assert expr("!a in b") == s.Binary(both.IN, s.Unary(s.UnaryOp.NOT, a), b)
    assert expr("(a + b) * c") == s.Binary(both.MUL, s.Binary(both.ADD, a, b), c)


def test_a_quantifier_reaches_as_far_right_as_possible() -> None:
    a, b = s.Name("a"), s.Name("b")
    inner = s.Binary(s.BinaryOp.OR, a, b)
    quantifier = s.QuantifierIn(s.QuantifierKind.FORALL, s.Ident("x"), s.Name("xs"), inner)
    assert expr("a && forall x in xs :: a || b") == s.Binary(s.BinaryOp.AND, a, quantifier)


def test_numbers_and_texts() -> None:
    assert expr("1_000") == s.IntLiteral(1000)
    assert expr("12.50") == s.DecimalLiteral(Fraction(25, 2), 2)
    assert expr('"\\u00e9\\ud83d\\ude00\\n\\""') == s.TextLiteral('é😀\n"')


def test_the_same_characters_are_different_tokens_in_different_places() -> None:
    inner = s.Component(s.Component(s.Name("t"), 1), 0)
    assert expr("t.1.0") == inner
    (statement,) = body("let x: List<Int, 5>= [1];")
    assert isinstance(statement, s.Let)
    assert statement.type == s.NamedType(s.Ident("List"), (s.NamedType(s.Ident("Int")), 5))


def test_a_member_may_be_called_like_a_keyword_that_starts_no_expression() -> None:
    accepted("domain d; record R { state: Int, plan: Bool, at: Date } tool f() modifies r.cost;")
    assert expr("o.state") == s.FieldAccess(s.Name("o"), s.Ident("state"))
    assert expr("f(cost: 1)") == s.Call(
        s.Ident("f"), (s.Argument(s.Ident("cost"), s.IntLiteral(1)),)
    )
    assert codes("plan p() { let x = o.result; }") == ["reserved-word"]
    assert codes("domain d; record R { old: Int }") == ["reserved-word"]


def test_max_is_a_function_and_the_bound_of_a_loop() -> None:
    call = s.Call(s.Ident("max"), (s.Argument(None, s.Name("a")), s.Argument(None, s.Name("b"))))
    assert expr("max(a, b)") == call
    (loop,) = body("for i in range(0, max(a, b)) max 5 { }")
    assert isinstance(loop, s.For)
    assert loop.bound == 5


def test_spans_cover_what_was_written() -> None:
    file = accepted("plan p(a: Int) { let x = (a + 1) * 2; f(x, b: a); }")
    assert isinstance(file, s.PlanFile)
    let, call = file.plans[0].body.statements
    assert isinstance(let, s.Let)
    assert isinstance(let.value, s.Binary)
    assert isinstance(call, s.CallStatement)
    assert let.span.text == "let x = (a + 1) * 2;"
    assert let.value.span.text == "(a + 1) * 2"
    assert let.value.left.span.text == "a + 1"
    assert call.span.text == "f(x, b: a);"
    assert [each.span.text for each in call.call.arguments] == ["x", "b: a"]
    assert file.plans[0].parameters[0].span.text == "a: Int"


def test_every_node_lies_within_its_parent() -> None:
    def walk(value: object, outer: Span | None) -> None:
        if isinstance(value, tuple):
            for each in value:
                walk(each, outer)
        elif hasattr(value, "__match_args__"):
            span = getattr(value, "span", outer)
            if outer is not None and span is not None:
                assert outer.start <= span.start <= span.end <= outer.end, (value, span)
            for name in type(value).__match_args__:
                if name not in ("span", "comments"):
                    walk(getattr(value, name), span)

    for path in ACCEPT:
        walk(accepted(path.read_text(encoding="utf-8")), None)


def test_doc_comments_belong_to_the_next_declaration_and_others_are_kept() -> None:
    text = """
/// of the domain
//// a ruler
domain d; // one
/// first
///   indented
///
// between
/// last
tool f() /* two */ requires true
  /// inside
  ;
type A; /// trailing
"""
    file = accepted(text)
    assert isinstance(file, s.DomainFile)
    tool, opaque = file.items
    assert file.doc == "of the domain"
    assert tool.doc == "first\n  indented\n\nlast"
    assert opaque.doc == ""
    assert [comment.text for comment in file.comments] == [
        "//// a ruler",
        "// one",
        "// between",
        "/* two */",
        "/// inside",
        "/// trailing",
    ]


def test_a_doc_comment_before_a_clause_is_a_plain_comment() -> None:
    file = accepted("plan p()\n  /// not a doc\n  budget calls <= 3\n{ }")
    assert isinstance(file, s.PlanFile)
    assert file.plans[0].clauses == (s.Budget(s.Ident("calls"), s.IntLiteral(3)),)
    assert [comment.text for comment in file.comments] == ["/// not a doc"]


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_line_ends_of_all_systems_are_read(end: str) -> None:
    text = f"// c{end or chr(10)}plan p() {{{end} f(); /// d{end or chr(10)} }} // e{end}"
    file = accepted(text)
    assert [comment.text for comment in file.comments] == ["// c", "/// d", "// e"]


# ---- what is refused -----------------------------------------------------------------------------


def test_all_errors_of_a_file_are_reported_in_order() -> None:
    text = "plan p() {\n  let = 1;\n  f(;\n  if { g(); }\n  h()\n}\nplan q( {\n  let 3;\n}\n"
    lines = [each.span.source.locate(each.span.start)[0] for each in refused(text)]
    assert lines == [2, 3, 4, 5, 7, 8]


def test_a_broken_declaration_does_not_hide_the_next() -> None:
    text = "domain d;\nstate x;\ntool f(a: Int requires true;\nrecord R { a Int }\ntype A = ;\n"
    lines = [each.span.source.locate(each.span.start)[0] for each in refused(text)]
    assert lines == [2, 3, 4, 5]


def test_no_more_diagnostics_than_the_limit() -> None:
    assert len(refused("plan p() {" + "let = 1;" * 100 + "}", Limits(diagnostics_max=7))) == 7
    assert len(refused("$" * 100, Limits(diagnostics_max=7))) == 7
    assert len(refused("plan p() { let x = \0 + $ + ; }", Limits(diagnostics_max=1))) == 1


def test_no_message_shows_a_terminal_of_the_grammar() -> None:
    for path in REJECT:
        for diagnostic in refused(path.read_text(encoding="utf-8")):
            shown = render(diagnostic)
            assert not re.search(r"\$END|__ANON|LBRACE|\bDECIMAL\b|STRING", shown), shown


def test_an_empty_file_is_an_error() -> None:
    for text in ("", "   \n", "// nothing\n", "/// nothing"):
        (diagnostic,) = refused(text)
        assert diagnostic.headline == "the file is empty"


def test_a_file_of_another_kind_is_an_error() -> None:
    domain, policy, plan = "domain d;", "policy p for d;", "plan p() { }"
    assert parse_domain(Source("x", domain))[0] is not None
    assert parse_policy(Source("x", policy))[0] is not None
    assert parse_plan(Source("x", plan))[0] is not None
    for text, wrong in (
        (domain, parse_plan(Source("x", domain))),
        (plan, parse_policy(Source("x", plan))),
        (policy, parse_domain(Source("x", policy))),
    ):
        file, (diagnostic,) = wrong
        assert file is None
        assert diagnostic.code == "wrong-kind"
        assert diagnostic.span.text == text.split()[0]


@pytest.mark.parametrize("character", ["\0", "\x1b", "\u202e", "\u200b", "\ufeff", "\r", "\u2028"])
def test_what_a_person_cannot_see_is_refused_everywhere(character: str) -> None:
    for text in (
        f"plan p() {{ {character}f(); }}",
        f"plan p() {{ // a{character}b\n f(); }}",
        f'plan p() {{ f("a{character}b"); }}',
    ):
        (diagnostic,) = refused(text)
        assert diagnostic.code == "bad-character"
        assert f"(U+{ord(character):04X})" in diagnostic.headline


def test_a_lone_surrogate_is_refused() -> None:
    assert codes('plan p() { f("\ud800"); }') == ["bad-character"]
    assert codes('plan p() { f("\\ud800"); }') == ["bad-text"]
    assert codes('plan p() { f("\\ude00\\ud83d"); }') == ["bad-text"]


@pytest.mark.parametrize(
    "text",
    [
        "let x = " + "(" * 10_000 + "a" + ")" * 10_000 + ";",
        "let x = " + "(" * 10_000,
        "let x = " + "!" * 10_000 + "a;",
        "let x = " + "-" * 300_000 + "a;",
        "let x = " + "+".join(["a"] * 30_000) + ";",
        "let x = " + " ==> ".join(["a"] * 10_000) + ";",
        "let x = a" + ".b" * 10_000 + ";",
        "let x = a" + "[0]" * 10_000 + ";",
        "let x = " + "if a then b else " * 10_000 + "c;",
        "let x = " + "forall x in xs :: " * 10_000 + "c;",
        "let x: " + "List<" * 10_000 + "Int" + ">" * 10_000 + " = a;",
        "if a { } " + "else if a { } " * 5_000,
        "if a { " * 5_000 + "}" * 5_000,
        "try { " * 100 + "} else { }" * 100,
        "f(" * 10_000,
    ],
    ids=lambda text: text[:24],
)
def test_deep_nesting_is_one_clear_error(text: str) -> None:
    begin = time.perf_counter()
    assert codes("plan p() { " + text + " }") == ["nested-too-deeply"]
    assert time.perf_counter() - begin < 5


def test_the_limit_of_nesting_is_that_of_the_tree() -> None:
    limits = Limits(nesting_depth_max=10)
    for depth, wanted in ((8, True), (11, False)):
        chain = "plan p() { let x = " + "!" * depth + "a; }"
        assert (parse(Source("x", chain), limits)[0] is not None) is wanted
        blocks = "plan p() { " + "if a { " * depth + "}" * (depth + 1)
        assert (parse(Source("x", blocks), limits)[0] is not None) is wanted
    # Many parentheses side by side, and long lists, are not deep.
    accepted("plan p() { f(" + ", ".join(["(a)"] * 1000) + "); }")
    accepted("plan p() { " + "if a { f((b)); } " * 1000 + "}")


def test_long_numbers_are_refused_before_they_are_read() -> None:
    accepted("plan p() { let x = " + "9" * 1000 + "; }")
    for number in ("9" * 1001, "9" * 1_000_000, "0." + "3" * 1_000_000, "1." + "0" * 2000):
        assert codes(f"plan p() {{ let x = {number}; }}") == ["integer-too-long"]
    for text in ("let x = t.%s;", "repeat %s { }", "let x: Text<%s> = y;"):
        assert codes("plan p() { " + text % ("9" * 2000) + " }") == ["integer-too-long"]


def test_a_long_text_is_refused_unread() -> None:
    assert codes("plan p() { }" + " " * 100, Limits(source_bytes_max=100)) == ["too-large"]


# ---- nothing breaks it ---------------------------------------------------------------------------


def reads_or_says_why(text: str) -> None:
    """Either a tree or diagnostics, which can be drawn and lie within the text."""
    file, diagnostics = parse(Source("text", text))
    assert (file is None) == bool(diagnostics)
    for diagnostic in diagnostics:
        assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(text)
        assert diagnostic.headline
        render(diagnostic)
    starts = [diagnostic.span.start for diagnostic in diagnostics]
    assert starts == sorted(starts)


@given(st.text(st.characters(), max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    reads_or_says_why(text)


WORDS = [*sorted(tables.load().words), "a", "1", "2.5", '"x"', "'y'", "//", "/*", "*/", "\n", "&"]


@given(
    st.sampled_from(["", "plan p() { ", "domain d; ", "policy p for d; ", "plan p() { let x = "]),
    st.lists(st.sampled_from(WORDS), max_size=25),
)
def test_any_row_of_tokens_is_read_or_refused(start: str, words: list[str]) -> None:
    reads_or_says_why(start + " ".join(words))


TEXTS = [path.read_text(encoding="utf-8") for path in ACCEPT + REJECT]


@given(st.randoms(use_true_random=False))
@settings(max_examples=200)
def test_a_mutilated_file_is_read_or_refused(choice: random.Random) -> None:
    text = choice.choice(TEXTS)
    for _ in range(choice.randint(1, 6)):
        at = choice.randint(0, len(text))
        end = min(len(text), at + choice.randint(0, 12))
        other = choice.choice(TEXTS)
        other_at = choice.randint(0, len(other))
        text = choice.choice(
            [
                text[:at],
                text[:at] + text[end:],
                text[:at] + " " + choice.choice(WORDS) + " " + text[at:],
                text[:at] + choice.choice("(){}[];:,=<>!&|+-*/.\"'\\@\0é") + text[at:],
                text[:at] + other[other_at : other_at + choice.randint(0, 80)] + text[at:],
            ]
        )
    reads_or_says_why(text)


@given(strategies.files, st.randoms(use_true_random=False))
def test_a_token_left_out_never_reads_as_the_same_file(file: s.File, choice: random.Random) -> None:
    """No error is repaired silently: what is read is what was written."""
    from planproof.spec.format import format

    deep = Limits(nesting_depth_max=80)
    text = format(file)
    tokens = [m for m in re.finditer(r'"[^"]*"|\w+|[^\w\s]', text) if not m.group().isspace()]
    gone = choice.choice(tokens)
    other, diagnostics = parse(Source("x", text[: gone.start()] + " " + text[gone.end() :]), deep)
    assert (other is None) == bool(diagnostics)
    if other == file:
        # Only punctuation that says nothing: the comma before a closing bracket, the `;` after a
        # record, and what stands in a doc comment or a text.
        line = text[: gone.start()].rsplit("\n", 1)[-1]
        assert gone.group() in ",;" or line.lstrip().startswith("///") or '"' in line


# ---- files ---------------------------------------------------------------------------------------


def io_code(path: Path | str, limits: Limits | None = None) -> str:
    source, diagnostics = read_source(path, limits or Limits())
    assert source is None
    (diagnostic,) = diagnostics
    render(diagnostic)
    return diagnostic.code


def test_a_file_is_read_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a.plan"
    path.write_bytes('\ufeffplan p() { f("é"); }\r\n'.encode())
    source, diagnostics = read_source(path)
    assert diagnostics == ()
    assert source is not None
    assert source.name == str(path)
    assert source.text == 'plan p() { f("é"); }\r\n'
    assert parse(source)[0] is not None


def test_a_file_that_cannot_be_read_is_one_diagnostic(tmp_path: Path) -> None:
    (tmp_path / "latin.plan").write_bytes(b'plan p() {\n f("\xe9"); }')
    (tmp_path / "large.plan").write_bytes(b" " * 101)
    assert io_code(tmp_path / "missing.plan") == "file-not-found"
    assert io_code(tmp_path) == "not-a-file"
    assert io_code(tmp_path / "latin.plan") == "not-utf8"
    assert "line 2" in read_source(tmp_path / "latin.plan")[1][0].headline
    assert io_code(tmp_path / "large.plan", Limits(source_bytes_max=100)) == "too-large"
    assert io_code("a\0b") == "file-not-found"
    assert io_code(tmp_path / ("x" * 5000)) == "unreadable"


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes")
def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert io_code(tmp_path / "pipe") == "not-a-file"


@pytest.mark.skipif(sys.platform == "win32", reason="no modes of files")
def test_a_forbidden_file_is_a_diagnostic() -> None:
    """Root may read all, so as root the file is read on behalf of a user who is nobody."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # pytest's own folders keep nobody out from further above
        path = Path(folder, "secret.plan")
        path.write_text("plan p() { }")
        path.chmod(0)
        before = os.geteuid()
        try:
            if before == 0:
                os.seteuid(65534)
            assert io_code(path) == "unreadable"
            beside = io_code(folder)  # a folder that everybody may see
        finally:
            os.seteuid(before)
        assert beside == "not-a-file"


# ---- speed and determinism -----------------------------------------------------------------------


def test_a_plan_of_ten_thousand_calls_is_read_in_seconds() -> None:
    calls = "\n".join(f"  transfer(owner, account_{i}, {i} + limit * 2);" for i in range(10_000))
    text = f"plan p(owner: Account) {{\n{calls}\n}}\n"
    begin = time.perf_counter()
    accepted(text)
    assert time.perf_counter() - begin < 5  # 0.7 s on the machine where this was written


def test_parsing_needs_no_parser_generator() -> None:
    """Lark costs more than reading a plan, and is there for developers only."""
    program = (
        "import sys\n"
        "from planproof.spec.parse import parse\n"
        "from planproof.spec.source import Source\n"
        "assert parse(Source('x', 'plan p() { }'))[0]; print(*sorted(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = done.stdout.split()
    assert "planproof.spec.parse" in loaded
    assert not {"lark", "z3", "difflib", "planproof.spec.mistakes"} & set(loaded)


def test_diagnostics_do_not_depend_on_the_order_of_hashes() -> None:
    program = (
        "from pathlib import Path; from planproof.spec.diagnostic import render\n"
        "from planproof.spec.parse import parse, read_source\n"
        f"for path in sorted(Path({str(SNIPPETS / 'reject')!r}).iterdir()):\n"
        "    for diagnostic in parse(read_source(path)[0])[1]: print(render(diagnostic))"
    )
    shown = {
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(shown) == 1
    assert len(shown.pop()) > 1000
