"""What to say about a token that can't stand where it is, and where to go on.

`explain` knows the mistakes that people and language models make when they come from other
languages, and computes from the text what to write instead; for all else it says what was expected.
`resume` is panic-mode recovery: the rest of the statement or declaration is skipped, and where a
broken header stands before a block, the block is still read.  Loaded only after an error.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from planproof.spec.build import EXPRESSION_WORDS, words
from planproof.spec.diagnostic import Diagnostic, Label, suggest
from planproof.spec.source import Span

if TYPE_CHECKING:
    from planproof.spec.parse import Parser

OPERATORS = ("==>", "||", "&&", "==", "!=", "<", "<=", ">", ">=", "in", "+", "-", "*", "/", "%")
COMPARISONS = frozenset(["==", "!=", "<", "<=", ">", ">=", "in"])
SUFFIXES = frozenset((".", "[", "with"))
VALUES = frozenset(("NAME", "INT", "DECIMAL", "STRING"))
STATEMENTS = frozenset(
    words("let var if for while repeat break check assert try parallel return abort")
)
TOOL_CLAUSES = words("""
    requires ensures reads modifies cost fails idempotent undo pure extracts relabels
""")
PLAN_CLAUSES = ("requires", "ensures", "modifies", "budget")
DECLARATIONS = frozenset(
    words("""
    domain policy plan type record enum resource state initially const function tool default
    flow invariant budget rule
""")
)
OPENING = {"(": ")", "[": "]", "{": "}"}
CLOSING = frozenset(OPENING.values())


def explain(parser: Parser, at: int) -> tuple[Diagnostic, int | None]:
    """The error at token `at`; the token to go on with if the tokens were corrected, else None."""
    for guess in _GUESSES:
        answer = guess(parser, at)
        if answer is not None:
            diagnostic, on = answer
            return diagnostic, at if on is True else None if on is False else on
    return _generic(parser, at), None


# ---- known mistakes ------------------------------------------------------------------------------
# Each looks at the parser's stack and the tokens around `at` and answers, or leaves it to the next.

_Answer = tuple[Diagnostic, bool | int] | None
"""The error, and whether, or where, parsing can go on since the tokens were corrected."""


def _error(
    span: Span, headline: str, help: str | None, here: str = "", *labels: Label
) -> Diagnostic:
    return Diagnostic("syntax", headline, span, here, labels, help=help)


def _whole(parser: Parser, first: int, last: int) -> Span:
    """From token `first` to token `last`."""
    return parser.tokens.span(first).to(parser.tokens.span(last))


def _text(parser: Parser, first: int, end: int) -> str:
    """The text of tokens `first` up to, not including, `end`, on one line."""
    return "" if end <= first else _whole(parser, first, end - 1).one_line


def _restart(parser: Parser, outer: bool = False) -> bool | int:
    """Where to read the current statement or declaration again, after a correction of its tokens;
    with `outer`, the one around it.  False if there is none."""
    levels = [level for level in range(len(parser.states)) if _is_list(parser, level)]
    if outer:
        del levels[-1:]
    if not levels or levels[-1] + 1 >= len(parser.states):
        return False
    begin = parser.tokens.index_at(parser.starts[levels[-1] + 1])
    parser.cut(levels[-1])
    return begin


def _is_list(parser: Parser, level: int) -> bool:
    """Whether the state at `level` of the stack is in a list of statements or declarations."""
    row = parser.grammar.actions[parser.states[level]]
    in_block = row.get("let", -1) >= 0 and row.get("}", -1) >= 0
    return in_block or max(row.get(word, -1) for word in ("tool", "rule", "plan")) >= 0


def _at_statement(parser: Parser, back: int) -> bool:
    """Whether the symbol `back` places below the top of the stack begins a statement."""
    level = len(parser.states) - 2 - back
    if level < 0:
        return False
    row = parser.grammar.actions[parser.states[level]]
    return row.get("let", -1) >= 0 and row.get("}", -1) >= 0


def _stretch(parser: Parser, at: int, stops: frozenset[str]) -> int:
    """The first token from `at` on, outside brackets opened after it, that ends an operand."""
    kinds = parser.tokens.kinds
    depth = 0
    while kinds[at] != "$END":
        kind = kinds[at]
        if depth == 0 and (kind in stops or kind in CLOSING):
            break
        depth += (kind in OPENING) - (kind in CLOSING)
        at += 1
    return at


_ENDS_OPERAND = frozenset(
    words("""
    ==> || && ; , { :: then else where by max decreases invariant
""")
)
_ENDS_VALUE = frozenset((";", "}", "$END"))


def _chained_comparison(parser: Parser, at: int) -> _Answer:
    tokens = parser.tokens
    second = tokens.kinds[at]
    if second not in COMPARISONS or parser.symbol(1) not in COMPARISONS:
        return None
    if parser.symbol(2) != "sum_expr":
        return None
    left = tokens.index_at(parser.starts[-3])
    middle = tokens.index_at(parser.starts[-1])
    end = _stretch(parser, at + 1, _ENDS_OPERAND | COMPARISONS)
    shown, again = _text(parser, left, at), _text(parser, middle, at)
    right = _text(parser, at + 1, end)
    diagnostic = _error(
        _whole(parser, left, max(at, end - 1)),
        "comparisons do not chain",
        f"write `{shown} && {again} {second} {right}`",
    )
    tokens.insert(at, ("&&", "&&"), ("NAME", "_again"))
    return diagnostic, True


def _assignment_to_part(parser: Parser, at: int) -> _Answer:
    """`m[k] = v;`, `r.f = v;`, `x += 1;`, `x := 1;`"""
    tokens = parser.tokens
    kinds = tokens.kinds
    if at == 0 or kinds[at - 1] != "NAME" or parser.symbol(0) != "NAME":
        return None
    if not _at_statement(parser, 0):
        return None
    name = tokens.texts[at - 1]
    if kinds[at] == ":=" or (kinds[at] in "+-*/%" and kinds[at + 1] in ("=", "+", "-", "==")):
        compound = kinds[at] != ":="
        begin = at + 2 if compound else at + 1
        end = _stretch(parser, begin, _ENDS_VALUE)
        value = _text(parser, begin, end)
        if compound:
            if kinds[at + 1] == kinds[at] and not value:
                value = "1"
            value = f"{name} {kinds[at]} {value}"
        diagnostic = _error(
            _whole(parser, at, begin - 1),
            f"there is no assignment with `{_text(parser, at, begin).replace(' ', '')}`",
            f"write `{name} = {value};`",
        )
        tokens.replace(at, begin - at, "=", "=")
        if kinds[at + 1] == ";":
            tokens.insert(at + 1, ("INT", "1"))
        return diagnostic, True
    if kinds[at] not in ("[", "."):
        return None
    steps: list[tuple[bool, str]] = []
    here = at
    while True:
        if kinds[here] == "[":
            end = _stretch(parser, here + 1, frozenset())
            if kinds[end] != "]":
                return None
            steps.append((True, _text(parser, here + 1, end)))
            here = end + 1
        elif kinds[here] == "." and tokens.texts[here + 1][:1].isalpha():
            steps.append((False, tokens.texts[here + 1]))
            here += 2
        else:
            break
    if kinds[here] == "(" and not steps[-1][0]:
        end = _stretch(parser, here + 1, frozenset())
        target = name + "".join(f"[{k}]" if is_key else f".{k}" for is_key, k in steps[:-1])
        arguments = _text(parser, here + 1, end)
        call = f"{steps[-1][1]}({target}{', ' if arguments else ''}{arguments})"
        return (
            _error(_whole(parser, at - 1, here - 1), "there are no methods", f"write `{call};`"),
            False,
        )
    operator = kinds[here] if kinds[here] in "+-*/%" and kinds[here + 1] == "=" else ""
    value_at = here + (2 if operator else 1)
    if kinds[value_at - 1] != "=":
        return None
    end = _stretch(parser, value_at, _ENDS_VALUE)
    value = _text(parser, value_at, end)
    if operator:
        value = f"{_text(parser, at - 1, here)} {operator} {value}"
    value = _updated(name, steps, value)
    diagnostic = _error(
        _whole(parser, at - 1, here - 1),
        "only a whole variable can be assigned to",
        f"write `{name} = {value};`",
    )
    tokens.replace(at, value_at - at, "=", "=")
    return diagnostic, True


def _updated(base: str, steps: list[tuple[bool, str]], value: str) -> str:
    """The expression that is `base` with `value` at the place that `steps` lead to."""
    if not steps:
        return value
    (is_key, part), rest = steps[0], steps[1:]
    if is_key:
        return f"{base}[{part} := {_updated(f'{base}[{part}]', rest, value)}]"
    return f"{base} with {{ {part}: {_updated(f'{base}.{part}', rest, value)} }}"


def _record_braces(parser: Parser, at: int) -> _Answer:
    """`Invoice { amount: 3 }`, where the brace or, after `if`, the colon can't stand."""
    tokens = parser.tokens
    kinds = tokens.kinds
    if kinds[at] == ":" and at >= 3 and kinds[at - 2] == "{":
        brace = at - 2
    elif kinds[at] == "{":
        brace = at
    else:
        return None
    is_name = brace >= 1 and kinds[brace - 1] == "NAME"
    if not is_name or not tokens.texts[brace + 1][:1].isalpha() or kinds[brace + 2] != ":":
        return None
    close = _stretch(parser, brace + 1, frozenset())
    name = tokens.texts[brace - 1]
    inner = _text(parser, brace + 1, close).rstrip(", ")
    diagnostic = _error(
        _whole(parser, brace - 1, min(close, len(kinds) - 2)),
        "a record is made like a call",
        f"write `{name}({inner})`",
    )
    if kinds[close] != "}":
        return diagnostic, False
    kinds[brace], kinds[close] = "(", ")"
    if brace == at and parser.accepts("("):
        return diagnostic, True
    return diagnostic, _restart(parser, outer=brace < at)


_WORD = re.compile(r"[A-Za-z_]")
_WORDS = {"and": "&&", "or": "||", "AND": "&&", "OR": "||", "implies": "==>", "xor": "!="}
_WORDS |= {"div": "/", "mod": "%", "equals": "==", "is": "=="}


def _operator_word(parser: Parser, at: int) -> _Answer:
    """`a and b`, `not a`, `k not in m`."""
    tokens = parser.tokens
    word = tokens.texts[at]
    instead = _WORDS.get(word)
    if instead is not None and (parser.accepts(instead) or parser.symbol(0) == "expr"):
        diagnostic = _error(tokens.span(at), f"`{word}` is no operator", f"write `{instead}`")
        accepted = parser.accepts(instead)
        tokens.replace(at, 1, instead, instead)
        # `and` ends an expression in `between f() and g()`, so the expression may be closed by now.
        return diagnostic, accepted or _restart(parser)
    if word == "not" and tokens.kinds[at + 1] == "in" and parser.accepts("in"):
        left = tokens.index_at(parser.starts[-1])
        end = _stretch(parser, at + 2, _ENDS_OPERAND | COMPARISONS)
        diagnostic = _error(
            _whole(parser, at, at + 1),
            "`not in` is no operator",
            f"write `!({_text(parser, left, at)} in {_text(parser, at + 2, end)})`",
        )
        tokens.replace(at, 2, "in", "in")
        return diagnostic, True
    if at > 0 and tokens.texts[at - 1] in ("not", "NOT") and parser.symbol(0) == "NAME":
        end = _stretch(parser, at, _ENDS_OPERAND)
        operand = _text(parser, at, end)
        bare = end == at + 1 or (tokens.kinds[at] == "(" and tokens.kinds[end - 1] == ")")
        shown = f"!{operand}" if bare else f"!({operand})"
        diagnostic = _error(tokens.span(at - 1), "`not` is no operator", f"write `{shown}`")
        tokens.insert(at, ("==", "=="))
        return diagnostic, parser.accepts("==", tokens.kinds[at + 1])
    return None


def _equals_in_condition(parser: Parser, at: int) -> _Answer:
    """`if x = 1 {`, `x === 1`, `x <> 1`, `x => y`"""
    tokens = parser.tokens
    kinds = tokens.kinds
    touching = tokens.ends[at] == tokens.starts[min(at + 1, len(kinds) - 1)]
    pair = kinds[at] + kinds[at + 1] if touching and kinds[at] != "$END" else ""
    if pair == "=>" and parser.accepts("==>"):
        diagnostic = _error(
            _whole(parser, at, at + 1), "`=>` is no operator", "write `==>` (implies) or `>=`"
        )
        tokens.replace(at, 2, "==>", "==>")
        return diagnostic, True
    if kinds[at] == "=" and at > 0 and tokens.ends[at - 1] == tokens.starts[at]:
        before = kinds[at - 1]
        if before in ("==", "!="):
            diagnostic = _error(
                _whole(parser, at - 1, at), f"`{before}=` is no operator", f"write `{before}`"
            )
            del kinds[at], tokens.texts[at], tokens.starts[at], tokens.ends[at]
            return diagnostic, True
    if kinds[at] == "=" and parser.accepts("=="):
        diagnostic = _error(
            tokens.span(at), "`=` is assignment, not comparison", "write `==` to compare"
        )
        tokens.replace(at, 1, "==", "==")
        return diagnostic, True
    if (
        kinds[at] == ">"
        and at > 0
        and kinds[at - 1] == "<"
        and tokens.ends[at - 1] == tokens.starts[at]
    ):
        diagnostic = _error(_whole(parser, at - 1, at), "`<>` is no operator", "write `!=`")
        del kinds[at], tokens.texts[at], tokens.starts[at], tokens.ends[at]
        return diagnostic, True
    return None


def _numbers(parser: Parser, at: int) -> _Answer:
    """`.5`, `5.`, `0..n`, `1e5`"""
    tokens = parser.tokens
    kinds = tokens.kinds
    before = tokens.ends[at - 1] if at else -1
    if kinds[at] == "." and at > 0 and kinds[at - 1] == "." and before == tokens.starts[at]:
        return _range(parser, at - 1)
    if kinds[at] == "INT" and at > 1 and kinds[at - 1] == "." and kinds[at - 2] == ".":
        return _range(parser, at - 2)
    if kinds[at] == "DECIMAL" and at > 0 and kinds[at - 1] == "." and before == tokens.starts[at]:
        return None
    if (
        kinds[at] == "."
        and kinds[at + 1] == "INT"
        and parser.accepts("DECIMAL")
        and tokens.ends[at] == tokens.starts[at + 1]
    ):
        digits = tokens.texts[at + 1]
        diagnostic = _error(
            _whole(parser, at, at + 1),
            "a decimal has a digit before its point",
            f"write `0.{digits}`",
        )
        tokens.replace(at, 2, "DECIMAL", f"0.{digits}")
        return diagnostic, True
    if (
        at > 1
        and kinds[at - 1] == "."
        and kinds[at - 2] == "INT"
        and tokens.ends[at - 2] == tokens.starts[at - 1]
        and kinds[at] not in VALUES
    ):
        whole = tokens.texts[at - 2]
        span = _whole(parser, at - 2, at - 1)
        return _insert(
            parser, at, "INT", "0", "a decimal has a digit after its point", f"{whole}.0", span
        )
    if (
        at > 0
        and kinds[at - 1] in ("INT", "DECIMAL")
        and before == tokens.starts[at]
        and _WORD.match(tokens.texts[at])
    ):
        span = _whole(parser, at - 1, at)
        return (
            _error(
                span,
                f"`{_shortened(span.text)}` is no number",
                "numbers are written in decimal, without exponent or suffix",
            ),
            False,
        )
    return None


def _insert(
    parser: Parser, at: int, kind: str, text: str, headline: str, write: str, span: Span
) -> _Answer:
    diagnostic = _error(span, headline, f"write `{write}`")
    corrected = parser.accepts(kind)
    if corrected:
        parser.tokens.insert(at, (kind, text))
    return diagnostic, corrected


def _range(parser: Parser, dots: int) -> _Answer:
    """`a..b`, with the dots at tokens `dots` and `dots + 1`."""
    tokens = parser.tokens
    first = dots - 1
    last = dots + 2
    if tokens.kinds[last] == "=":
        last += 1
    end = _stretch(parser, last, _ENDS_OPERAND | COMPARISONS)
    left, right = _text(parser, max(first, 0), dots), _text(parser, last, end)
    return (
        _error(
            _whole(parser, max(first, 0), max(end - 1, dots + 1)),
            "a range is written as a call",
            f"write `range({left}, {right})`: from {left} up to, not including, {right}",
        ),
        False,
    )


def _foreign_statement(parser: Parser, at: int) -> _Answer:
    """Words of other languages at the start of a statement, and `;` after a block."""
    tokens = parser.tokens
    kinds = tokens.kinds
    word = tokens.texts[at - 1] if at else ""
    statement = at > 0 and parser.symbol(0) == "NAME" and _at_statement(parser, 0)
    if statement and word in _FOREIGN and kinds[at] not in ("=", "("):
        instead = _FOREIGN[word]
        return _error(tokens.span(at - 1), f"there is no `{word}`", instead), False
    if tokens.texts[at] in ("catch", "except", "rescue", "finally", "otherwise") and parser.accepts(
        "else"
    ):
        diagnostic = _error(tokens.span(at), f"there is no `{tokens.texts[at]}`", "write `else`")
        tokens.replace(at, 1, "else", "else")
        return diagnostic, True
    if kinds[at] == "{" and parser.accepts("decreases"):
        return _error(
            tokens.span(at),
            "this loop does not say why it ends",
            "write `while c decreases v max N { ... }`: the Int v falls in each iteration,"
            " there are at most N",
        ), False
    if (
        kinds[at] == "["
        and parser.symbol(0) == "NAME"
        and parser.accepts("<", "NAME", ">")
        and not parser.accepts("[")
    ):
        close = _stretch(parser, at + 1, frozenset())
        inner = _text(parser, at + 1, close)
        return _error(
            _whole(parser, at - 1, min(close, len(kinds) - 2)),
            "what a type is made of stands in angle brackets",
            f"write `{word}<{inner}>`, with a size for lists: `List<Int, 50>`",
        ), False
    if kinds[at] == ";" and at > 0 and kinds[at - 1] in ("}", ";") and not parser.accepts(";"):
        what = "no `;` stands after a block" if kinds[at - 1] == "}" else "one `;` is enough"
        diagnostic = _error(tokens.span(at), what, "remove it")
        del kinds[at], tokens.texts[at], tokens.starts[at], tokens.ends[at]
        return diagnostic, True
    if kinds[at] == "," and at > 1 and kinds[at - 2] == "let" and parser.symbol(0) == "NAME":
        end = _stretch(parser, at, frozenset(("=", ":", ";")))
        names = _text(parser, at - 1, end)
        return _error(
            _whole(parser, at - 1, end - 1),
            "a tuple of names stands in parentheses",
            f"write `let ({names})`",
        ), False
    if kinds[at] == "(" and at > 0 and kinds[at - 1] == "for" and not parser.accepts("("):
        return _error(
            tokens.span(at),
            "no parentheses stand around the head of a loop",
            "write `for x in xs { ... }` or `for i, x in xs { ... }`",
        ), False
    if kinds[at] == "(" and parser.symbol(0) == "NAME" and parser.symbol(1) == ".":
        first = tokens.index_at(parser.starts[-3])
        end = _stretch(parser, at + 1, frozenset())
        arguments = _text(parser, at + 1, end)
        target = _text(parser, first, at - 2)
        call = f"{word}({target}{', ' if arguments else ''}{arguments})"
        return _error(
            _whole(parser, first, min(end, len(kinds) - 2)),
            "there are no methods",
            f"write `{call}`",
        ), False
    if kinds[at] == ":" and at > 1 and kinds[at - 2] == "exists":
        return _error(
            _whole(parser, at - 2, at),
            "`exists` ranges over a list, a set, a map or `range`",
            "only `forall x: T` ranges over a type; write `exists x in xs :: p`",
        ), False
    return None


_FOREIGN = {
    "const": "in a plan, write `let`",
    "mut": "write `var`",
    "def": "write `plan`; a function is declared in the domain",
    "fn": "write `plan`; a function is declared in the domain",
    "func": "write `plan`; a function is declared in the domain",
    "function": "a function is declared in the domain",
    "elif": "write `else if`",
    "elsif": "write `else if`",
    "elseif": "write `else if`",
    "foreach": "write `for x in xs { ... }`",
    "loop": "write `while c decreases v max N { ... }` or `repeat N { ... }`",
    "do": "write `while c decreases v max N { ... }` or `repeat N { ... }`",
    "until": "write `while !c decreases v max N { ... }`",
    "switch": "write `if ... { } else if ... { }`",
    "match": "write `if ... { } else if ... { }`",
    "require": 'write `check e else "why";`, or `requires` before the plan\'s body',
    "assume": 'write `check e else "why";`, or `requires` before the plan\'s body',
    "requires": 'clauses stand before the body; here, write `check e else "why";`',
    "ensures": "clauses stand before the body; here, write `assert e;`",
    "invariant": "invariants stand between the head of a loop and its body",
    "throw": 'write `abort "why";`',
    "raise": 'write `abort "why";`',
    "print": "only tools have effects; call one",
    "await": "calls need no `await`",
    "set": "write `x = e;`",
    "continue": "there is no `continue`; put the rest of the body under an `if`",
    "pass": "an empty block is `{ }`",
}


def _missing_semicolon(parser: Parser, at: int) -> _Answer:
    tokens = parser.tokens
    if (
        at == 0
        or not parser.accepts(";")
        or not any(_is_list(parser, level) for level in range(len(parser.states)))
    ):
        return None
    kind = tokens.kinds[at]
    begins = kind in STATEMENTS or kind in DECLARATIONS or kind in ("}", "$END", "NAME", "rule")
    if not begins or not (tokens.first_on_line(at) or parser.accepts(";", kind)):
        return None
    if kind == "NAME" and not (tokens.first_on_line(at) and parser.accepts(";", kind)):
        return None
    end = tokens.ends[at - 1]
    span = Span(tokens.source, tokens.starts[at - 1], end)
    level = max(level for level in range(len(parser.states)) if _is_list(parser, level))
    whole = Span(tokens.source, parser.starts[min(level + 1, len(parser.starts) - 1)], end)
    help = f"write `{whole.one_line};`" if len(whole.one_line) < 60 else "end it with `;`"
    between = tokens.source.text[end : tokens.starts[at]]
    if "//" in between.split("\n", 1)[0] and ";" in between.split("\n", 1)[0]:
        help += "; `//` begins a comment, a division is `/`"
    tokens.insert(at, (";", ";"))
    return _error(span, "missing `;` after this", help), True


_GUESSES = (
    _chained_comparison,
    _assignment_to_part,
    _record_braces,
    _operator_word,
    _equals_in_condition,
    _numbers,
    _foreign_statement,
    _missing_semicolon,
)


# ---- everything else -----------------------------------------------------------------------------


def _generic(parser: Parser, at: int) -> Diagnostic:
    """Expected this, found that."""
    tokens = parser.tokens
    expected = parser.expected()
    wanted = _in_words(expected)
    found = _found(parser, at)
    labels: list[Label] = []
    notes: list[str] = []
    help = None
    closers = expected & CLOSING
    if tokens.kinds[at] == "$END" or tokens.kinds[at] in CLOSING or closers:
        opener = _open_bracket(parser, at)
        if opener is not None and OPENING[tokens.kinds[opener]] in closers:
            text = f"this `{tokens.kinds[opener]}` is never closed"
            if tokens.kinds[at] in CLOSING | {"$END", ";", "{"}:
                labels.append(Label(tokens.span(opener), text))
    if tokens.kinds[at] == "$END" and at == 0:
        return Diagnostic(
            "syntax",
            "the file is empty",
            tokens.span(at),
            help="a file begins with `domain`, `policy` or `plan`",
        )
    if "domain" in expected and "plan" in expected:
        help = "a file begins with `domain NAME;`, `policy NAME for DOMAIN;` or `plan NAME(...)`"
    elif _is_expression_statement(parser, at):
        return Diagnostic(
            "syntax",
            "an expression is no statement",
            tokens.span(at),
            help='use its value: `let x = e;`, `check e else "why";`, `return e;`',
        )
    if tokens.kinds[at] in parser.grammar.keywords and "NAME" in expected:
        word = tokens.texts[at]
        notes.append(f"`{word}` is a keyword and can't be a name")
    if tokens.kinds[at] == "NAME":
        words = tuple(sorted(kind for kind in expected if kind[0].isalpha() and kind.islower()))
        close = suggest(tokens.texts[at], words)
        if close is not None:
            help = f"did you mean `{close}`?"
    return Diagnostic(
        "syntax",
        f"expected {wanted}, found {found}",
        tokens.span(at),
        "",
        tuple(labels),
        tuple(notes),
        help,
    )


def _is_expression_statement(parser: Parser, at: int) -> bool:
    kind = parser.tokens.kinds[at]
    if _at_statement(parser, -1):
        return kind in VALUES or kind in EXPRESSION_WORDS or kind in ("(", "[", "-", "!")
    return (
        _at_statement(parser, 0)
        and parser.symbol(0) == "NAME"
        and (kind in OPERATORS or kind in SUFFIXES or kind == ";")
    )


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else text[:36] + " ..."


def _found(parser: Parser, at: int) -> str:
    tokens = parser.tokens
    kind, text = tokens.kinds[at], tokens.texts[at]
    if kind == "$END":
        return "the end of the file"
    shown = _shortened(text)
    if kind == "STRING":
        return f"the text `{shown}`"
    if kind in ("INT", "DECIMAL"):
        return f"the number `{shown}`"
    return f"`{shown}`"


def _in_words(expected: frozenset[str]) -> str:
    """A set of terminals as a person would put it; the most telling first."""
    rest = set(expected)
    parts: list[str] = []
    clauses: list[str] = []
    if {"INT", "NAME", "(", "!"} <= rest:
        parts.append("an expression")
        rest -= EXPRESSION_WORDS | VALUES | {"(", "[", "{", "-", "!"}
    if {"let", "return"} <= rest:
        parts.append("a statement")
        rest -= STATEMENTS | {"NAME", "max"}
    if "tool" in rest or "rule" in rest:
        parts.append("a declaration")
        rest -= DECLARATIONS - {"domain", "policy", "plan"}
    operators = rest & (set(OPERATORS) | SUFFIXES)
    if {"+", "*"} & operators:
        rest -= operators
        rest -= {"(", ":"}  # after a name, which might have begun a call or a named argument
    else:
        operators = set()
    for group in (TOOL_CLAUSES, PLAN_CLAUSES):
        some = [word for word in group if word in rest]
        if len(some) > 2:
            clauses = some
            rest -= set(some)
    if "NAME" in rest:
        parts.append("a name")
    if rest & {"INT", "DECIMAL"}:
        parts.append("a number")
    if "STRING" in rest:
        parts.append("a text in double quotes")
    rest -= VALUES
    ends = "$END" in rest
    rest.discard("$END")
    order = {mark: at for at, mark in enumerate([";", ")", "]", "}", "{", ",", ":", "=", "->"])}
    parts += [f"`{mark}`" for mark in sorted(rest, key=lambda mark: (order.get(mark, 99), mark))]
    if clauses:
        parts.append("a clause (" + ", ".join(f"`{word}`" for word in clauses) + ")")
    if operators:
        parts.append("an operator")
    if ends:
        parts.append("the end of the file")
    if len(parts) > 8:
        parts = [*parts[:7], "..."]
    if len(parts) < 2:
        return "".join(parts) or "nothing more"
    return ", ".join(parts[:-1]) + " or " + parts[-1]


def _open_bracket(parser: Parser, at: int) -> int | None:
    """The innermost bracket that is open before token `at`."""
    kinds = parser.tokens.kinds
    depth = 0
    for before in range(at - 1, -1, -1):
        if kinds[before] in CLOSING:
            depth += 1
        elif kinds[before] in OPENING:
            if depth == 0:
                return before
            depth -= 1
    return None


# ---- going on ------------------------------------------------------------------------------------


def resume(parser: Parser, at: int) -> int | None:
    """Cuts the stack back to the enclosing list of statements or declarations and answers where to
    go on: at the next of them, or at the block of a statement or plan whose head is broken."""
    tokens = parser.tokens
    declaration = tokens.first_on_line(at) and _is_start(parser, at)
    level = len(parser.states) - 1
    while level >= 0:
        row = parser.grammar.actions[parser.states[level]]
        in_block = row.get("let", -1) >= 0
        if _is_list(parser, level) and not (in_block and declaration):
            break
        level -= 1
    if level < 0:
        return None  # the head of the file is broken, what follows can't be read
    shortened = level + 1 < len(parser.states)
    begin = tokens.index_at(parser.starts[level + 1]) if shortened else at
    parser.cut(level)
    if parser.grammar.actions[parser.states[level]].get("let", -1) < 0:
        return _skip_declaration(parser, begin, at, shortened)
    return _skip_statement(parser, begin, at, shortened)


def _is_start(parser: Parser, at: int) -> bool:
    """Whether token `at` surely begins a declaration of a plan, domain or policy file."""
    kinds = parser.tokens.kinds
    return kinds[at] in ("plan", "tool", "rule", "state", "record", "enum", "function") and (
        kinds[at + 1] == "NAME"
    )


def _is_block(kinds: list[str], brace: int) -> bool:
    """Whether the brace at `brace` begins a block and not a set."""
    first = kinds[brace + 1]
    if first == "NAME":
        return kinds[brace + 2] in ("(", "=", "[", ".")
    return first == "}" or first in STATEMENTS


def _skip_statement(parser: Parser, begin: int, at: int, shortened: bool) -> int | None:
    tokens = parser.tokens
    kinds = tokens.kinds
    has_block = kinds[begin] in ("if", "for", "while", "repeat") or "else" in kinds[begin:at]
    opened: list[str] = []
    for here in range(begin, at):
        _bracket(kinds[here], opened)
    here = at
    while kinds[here] != "$END":
        kind = kinds[here]
        if kind == "{" and has_block and "{" not in opened and _is_block(kinds, here):
            tokens.insert(here, ("if", "if"), ("true", "true"))
            return here
        if kind == "}" and "{" not in opened:
            break
        if kind == ";" and "{" not in opened:
            return here + 1
        if here > begin and (here > at or shortened) and "{" not in opened:
            starts = kind in STATEMENTS and kind != "if" and tokens.first_on_line(here)
            if starts or (_is_start(parser, here) and tokens.first_on_line(here)):
                break
        _bracket(kind, opened)
        here += 1
        if (
            kind == "}"
            and not opened
            and kinds[here] not in (";", "else", ")", ",")
            and tokens.first_on_line(here)
        ):
            break
    if kinds[here] == "$END":
        return None  # the brace that is missing here is no second mistake
    # Nothing skipped and nothing cut: the same token would fail again.
    return here + 1 if here == at and not shortened else here


def _bracket(kind: str, opened: list[str]) -> None:
    """Follows a bracket; a brace closes the brackets that were left open inside it."""
    if kind in OPENING:
        opened.append(kind)
    elif kind == "}":
        while opened and opened.pop() != "{":
            pass
    elif kind in CLOSING and opened and OPENING[opened[-1]] == kind:
        opened.pop()


def _skip_declaration(parser: Parser, begin: int, at: int, shortened: bool) -> int | None:
    tokens = parser.tokens
    kinds = tokens.kinds
    opened: list[str] = []
    for here in range(begin, at):
        _bracket(kinds[here], opened)
    row = parser.grammar.actions[parser.states[-1]]
    plans = row.get("plan", -1) >= 0
    here = at
    while kinds[here] != "$END":
        kind = kinds[here]
        if (
            plans
            and kinds[begin] == "plan"
            and kind == "{"
            and "{" not in opened
            and _is_block(kinds, here)
        ):
            tokens.insert(here, ("plan", "plan"), ("NAME", "_"), ("(", "("), (")", ")"))
            return here
        if not plans and kind == ";" and "{" not in opened:
            return here + 1
        fresh = here > at or shortened
        if fresh and kind in DECLARATIONS and tokens.first_on_line(here) and row.get(kind, -1) >= 0:
            return here
        _bracket(kind, opened)
        here += 1
    return None  # what was cut away is incomplete, and there is nothing more to find
