"""Text to tokens.

The terminals are those of the grammar, matched by one regular expression made of them, longest
first.  What is no token gets a diagnostic that says what to write and, where we can tell what was
meant, a token in its place, so that one wrong character is one error.

Refused everywhere, also in comments and texts: control characters, lone carriage returns, lone
surrogates, and the invisible and direction-changing characters by which a text can read one way to
a person and another way to us (Boucher and Anderson, "Trojan Source", USENIX Security 2023).
"""

from __future__ import annotations

import re
from bisect import bisect_left

from planproof.spec.diagnostic import Diagnostic, Label
from planproof.spec.limits import Limits
from planproof.spec.source import Source, Span
from planproof.spec.syntax import Comment
from planproof.spec.tables import Tables


class Tokens:
    """Parallel lists, one entry a token, ended by `$END`; positions are offsets of code points.

    `docs` has the `///` comments that stand before a token, by the token's start; `comments` the
    other comments, in order.  `cut_off` says that the text is not read to its end.
    """

    __slots__ = ("comments", "cut_off", "docs", "ends", "kinds", "source", "starts", "texts")

    def __init__(self, source: Source) -> None:
        self.source = source
        self.kinds: list[str] = []
        self.texts: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.comments: list[Comment] = []
        self.docs: dict[int, list[Comment]] = {}
        self.cut_off = False

    def span(self, at: int) -> Span:
        return Span(self.source, self.starts[at], self.ends[at])

    def insert(self, at: int, *tokens: tuple[str, str]) -> None:
        """Puts tokens of no width, as (kind, text), before token `at`."""
        here = self.starts[at]
        self.kinds[at:at] = [kind for kind, _ in tokens]
        self.texts[at:at] = [text for _, text in tokens]
        self.starts[at:at] = [here] * len(tokens)
        self.ends[at:at] = [here] * len(tokens)

    def replace(self, at: int, count: int, kind: str, text: str) -> None:
        """Makes one token of `count` tokens from `at` on."""
        self.kinds[at : at + count] = [kind]
        self.texts[at : at + count] = [text]
        self.starts[at : at + count] = [self.starts[at]]
        self.ends[at : at + count] = [self.ends[at + count - 1]]

    def split(self, at: int, first: str, rest: list[tuple[str, str]]) -> None:
        """Makes token `at` several, that together have its text."""
        start = self.starts[at]
        parts = [(first, self.texts[at][: len(self.texts[at]) - sum(len(t) for _, t in rest)])]
        parts += rest
        starts: list[int] = []
        for _, text in parts:
            starts.append(start)
            start += len(text)
        self.kinds[at : at + 1] = [kind for kind, _ in parts]
        self.texts[at : at + 1] = [text for _, text in parts]
        self.starts[at : at + 1] = starts
        self.ends[at : at + 1] = [*starts[1:], start]

    def index_at(self, start: int) -> int:
        """The first token that starts at or after offset `start`."""
        return bisect_left(self.starts, start)

    def first_on_line(self, at: int) -> bool:
        """Whether only white space and comments stand before token `at` on its line."""
        if at == 0:
            return True
        between = self.source.text[self.ends[at - 1] : self.starts[at]]
        return "\n" in between


class TooDeep(Exception):
    """The text nests deeper than the limits allow; the diagnostic says where."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.headline)
        self.diagnostic = diagnostic


class Lexer:
    """The lexer of one grammar; compiled once."""

    def __init__(self, tables: Tables) -> None:
        self.keywords = {word: word for word in tables.words if word[0].isalpha()}
        marks = [word for word in tables.words if not word[0].isalpha()]
        marks.sort(key=lambda word: (-len(word), word))
        # Names and blanks come first because most matches are those; no two of the patterns can
        # match at one place but INT and DECIMAL, and the comments and the division sign.
        order = ("NAME", "WS", "DECIMAL", "INT", "STRING", "DOC", "COMMENT", "BLOCK_COMMENT")
        parts = [f"(?P<{name}>{tables.patterns[name]})" for name in order]
        parts.append("(?P<MARK>" + "|".join(re.escape(word) for word in marks) + ")")
        parts.append(r"(?P<STRAY>[\s\S])")
        self.pattern = re.compile("|".join(parts))

    def tokens(self, source: Source, limits: Limits) -> tuple[Tokens, list[Diagnostic]]:
        """The tokens of `source`, and what in it is none; raises TooDeep.

        At most `limits.diagnostics_max` diagnostics.
        """
        found: list[Diagnostic] = []
        tokens = Tokens(source)
        text = source.text
        for match in _FORBIDDEN.finditer(text):
            if len(found) < limits.diagnostics_max:
                found.append(_forbidden(Span(source, match.start(), match.end())))
        if found:
            text = _FORBIDDEN.sub(" ", text)
        text += "\n"  # a `//` comment ends with its line

        kinds, texts, starts, ends = tokens.kinds, tokens.texts, tokens.starts, tokens.ends
        keyword = self.keywords.get
        pending: list[Comment] = []
        opened: list[int] = []
        position: int | None = 0
        while position is not None:
            begin, position = position, None
            for match in self.pattern.finditer(text, begin):
                kind = match.lastgroup
                if kind == "WS":
                    continue
                start, end = match.span()
                word = match.group()
                if kind == "NAME":
                    kind = keyword(word, "NAME")
                elif kind == "MARK":
                    kind = word
                    if word in "([{":
                        opened.append(start)
                        if len(opened) > limits.nesting_depth_max:
                            span = Span(source, start, end)
                            outermost = Span(source, opened[0], opened[0] + 1)
                            raise TooDeep(too_deep(span, outermost, limits))
                    elif word in ")]}":
                        if opened:
                            opened.pop()
                    elif word == "/" and text.startswith("/*", start):
                        found.append(_unclosed_comment(Span(source, start, start + 2)))
                        tokens.cut_off = True
                        break
                elif kind in _COMMENTS:
                    word = word.rstrip("\r\n")
                    comment = Comment(word, Span(source, start, start + len(word)))
                    # A line of slashes is a ruler, not documentation.
                    if kind == "DOC" and not word.startswith("////"):
                        pending.append(comment)
                    else:
                        tokens.comments.append(comment)
                    continue
                elif kind == "STRAY":
                    diagnostic, meant, position = _stray(source, text, start)
                    found.append(diagnostic)
                    if len(found) >= limits.diagnostics_max:
                        tokens.cut_off = True
                        position = None
                        break
                    touches = bool(ends) and ends[-1] == start and texts[-1][0].isalnum()
                    if meant is not None and meant[0] == "NAME" and touches:
                        kinds[-1], texts[-1] = meant  # the rest of a name that began well
                        ends[-1] = position
                    elif meant is not None:
                        if pending:
                            tokens.docs[start] = pending
                            pending = []
                        kinds.append(meant[0])
                        texts.append(meant[1])
                        starts.append(start)
                        ends.append(position)
                    break
                if pending:
                    tokens.docs[start] = pending
                    pending = []
                kinds.append(kind or "")
                texts.append(word)
                starts.append(start)
                ends.append(end)
        tokens.comments += pending
        kinds.append("$END")
        texts.append("")
        starts.append(len(source.text))
        ends.append(len(source.text))
        return tokens, found


_COMMENTS = frozenset({"DOC", "COMMENT", "BLOCK_COMMENT"})

# Controls, a carriage return that is no part of a line end, line separators, surrogates, soft
# hyphen, zero-width and direction-changing characters, tag characters.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ud800-\udfff\U000e0000-\U000e007f]|\r(?!\n)"
)


def is_forbidden(character: str) -> bool:
    """Whether a text may hold the character only as an escape."""
    return _FORBIDDEN.match(character) is not None


def character_name(character: str) -> str:
    """`CYRILLIC SMALL LETTER A (U+0430)`, for a person who can't see the difference."""
    import unicodedata  # only on the way to an error

    name = unicodedata.name(character, "") or _CONTROL_NAMES.get(character, "unnamed character")
    return f"{name} (U+{ord(character):04X})"


_CONTROL_NAMES = {
    "\x00": "NULL",
    "\x08": "BACKSPACE",
    "\x0b": "LINE TABULATION",
    "\x0c": "FORM FEED",
    "\r": "CARRIAGE RETURN",
    "\x1b": "ESCAPE",
    "\x7f": "DELETE",
    "\x85": "NEXT LINE",
}


def too_large(span: Span, limits: Limits) -> Diagnostic:
    return Diagnostic(
        "too-large",
        f"the text is longer than {limits.source_bytes_max} bytes",
        span,
        help="split it into several files",
    )


def too_deep(span: Span, outermost: Span | None, limits: Limits) -> Diagnostic:
    labels = () if outermost is None else (Label(outermost, "the outermost level is here"),)
    return Diagnostic(
        "nested-too-deeply",
        f"this is nested more than {limits.nesting_depth_max} levels deep",
        span,
        "",
        labels,
        help="name parts of it with `let`, or split the plan",
    )


def _forbidden(span: Span) -> Diagnostic:
    name = character_name(span.text)
    code = ord(span.text)
    lone_surrogate = 0xD800 <= code <= 0xDFFF
    return Diagnostic(
        "bad-character",
        f"the character {name} may not stand in a text",
        span,
        notes=("it is invisible, or makes a text read otherwise than it looks",),
        help="remove it"
        if lone_surrogate or code > 0xFFFF
        else f"remove it; inside double quotes it may be written `\\u{code:04x}`",
    )


def _unclosed_comment(span: Span) -> Diagnostic:
    return Diagnostic("syntax", "this comment is never closed", span, help="close it with `*/`")


_QUOTED_MAX = 4096
_QUOTES = {"'": "'", "`": "`", "\u2018": "\u2019", "\u201c": "\u201d", "\u00ab": "\u00bb"}
_LOOSE_STRING = re.compile(r'"([^"\\\n]|\\.)*"')
_BAD_ESCAPE = re.compile(r'\\(?!["\\/bfnrt]|u[0-9a-fA-F]{4}).?')
_FOREIGN_NAME = re.compile(r"\w+")
_INSTEAD = {"&": "&&", "|": "||", "\u2264": "<=", "\u2265": ">=", "\u2260": "!=", "\u2212": "-"}
_INSTEAD |= {"\u2227": "&&", "\u2228": "||", "\u00ac": "!", "\u00d7": "*", "\u00f7": "/"}
_INSTEAD |= {"\u2208": "in", "\u2200": "forall", "\u2203": "exists", "\u21d2": "==>"}
_INSTEAD |= {"\u2192": "->", "\uff1b": ";", "\uff0c": ",", "\u2013": "-", "\u037e": ";"}


def _stray(source: Source, text: str, start: int) -> tuple[Diagnostic, tuple[str, str] | None, int]:
    """What is wrong at `start`, the token that was meant (kind, text), and where to go on."""
    character = text[start]

    def error(headline: str, end: int, help: str | None, code: str = "bad-character") -> Diagnostic:
        return Diagnostic(code, headline, Span(source, start, end), help=help)

    if character == '"':
        loose = _LOOSE_STRING.match(text, start)
        if loose is not None:
            bad = _BAD_ESCAPE.search(text, start, loose.end())
            if bad is None:
                diagnostic = error("a tab stands in a text", loose.end(), "write `\\t`", "bad-text")
                return diagnostic, ("STRING", '""'), loose.end()
            span = Span(source, bad.start(), bad.end())
            diagnostic = Diagnostic(
                "bad-text",
                f"`{bad.group()}` is no escape",
                span,
                help='the escapes are `\\"`, `\\\\`, `\\/`, `\\b`, `\\f`, `\\n`, `\\r`, `\\t` and'
                " `\\u0041`; a backslash itself is `\\\\`",
            )
            return diagnostic, ("STRING", '""'), loose.end()
        # What closes brackets and statements at the end of the line was hardly meant as text.
        line = text[start : text.index("\n", start)]
        end = start + max(1, len(line.rstrip(" \t\r;,)]}{")))
        close = 'close it with `"` on the same line; a line end inside is `\\n`'
        return error("this text is never closed", end, close, "bad-text"), ("STRING", '""'), end

    if text.startswith("```", start):
        end = text.index("\n", start)
        diagnostic = error("a fence is no part of the file", end, "leave out the lines with ```")
        return diagnostic, None, end

    if character in _QUOTES:
        # As far as a text may reach; a longer search at each of many quotes would be quadratic.
        line_end = text.find("\n", start, start + _QUOTED_MAX)
        line_end = line_end if line_end >= 0 else start + _QUOTED_MAX
        quote = text.find(_QUOTES[character], start + 1, line_end)
        if quote >= 0:
            inner = text[start + 1 : quote].replace('"', '\\"')
            meant = f'"{inner}"'
            diagnostic = error("a text stands in double quotes", quote + 1, f"write `{meant}`")
            return diagnostic, ("STRING", '""'), quote + 1

    if character == "#":
        end = text.index("\n", start)
        return error("a comment begins with `//`", end, "write `//`"), None, end

    if character in _INSTEAD:
        instead = _INSTEAD[character]
        what = (
            f"`{character}` is no operator"
            if character.isascii()
            else f"the character {character_name(character)} is no part of the language"
        )
        return error(what, start + 1, f"write `{instead}`"), (instead, instead), start + 1

    foreign = _FOREIGN_NAME.match(text, start)
    if foreign is not None and not character.isascii():
        end = foreign.end()
        diagnostic = Diagnostic(
            "bad-character",
            f"the character {character_name(character)} may not stand in a name",
            Span(source, start, start + 1),
            help="names are of the letters `a` to `z`, `A` to `Z`, digits and `_`",
        )
        return diagnostic, ("NAME", "_foreign"), end

    what = f"`{character}`" if character.isascii() else f"the character {character_name(character)}"
    help = None
    if character == "?":
        help = "a choice is `if c then a else b`; an optional type is `Option<T>`"
    return error(f"{what} is no part of the language", start + 1, help), None, start + 1
