"""The regular expressions of `matches`, as SMT-LIB.

The subset of the language: literals, `.`, classes `[a-z]` and `[^a-z]`, the escapes `\\d \\w \\s`
(ASCII), `|`, `*`, `+`, `?`, `{m}`, `{m,n}`, groups `( )`.  A match is always of the whole text.
`.` is any code point but a line feed, as in Python's `re`, by which the interpreter matches.
"""

from __future__ import annotations


class BadPattern(Exception):
    """The pattern is not in the subset."""


_CLASSES = {"d": ("09",), "w": ("az", "AZ", "09", "__"), "s": ("  ", "\t\r")}
_SPECIAL = frozenset(".[]{}()*+?|^$\\")


def to_smt(pattern: str) -> str:
    """The pattern as an SMT-LIB term of sort RegLan; `BadPattern` if it is not in the subset."""
    parser = _Parser(pattern)
    result = parser.union()
    if parser.at < len(pattern):
        raise BadPattern(f"unexpected {pattern[parser.at]!r} at {parser.at}")
    return result


class _Parser:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def peek(self) -> str:
        return self.pattern[self.at] if self.at < len(self.pattern) else ""

    def take(self) -> str:
        c = self.peek()
        if not c:
            raise BadPattern("ends too early")
        self.at += 1
        return c

    def union(self) -> str:
        parts = [self.sequence()]
        while self.peek() == "|":
            self.take()
            parts.append(self.sequence())
        return parts[0] if len(parts) == 1 else f"(re.union {' '.join(parts)})"

    def sequence(self) -> str:
        parts = []
        while self.peek() not in ("", "|", ")"):
            parts.append(self.repeated())
        if not parts:
            return '(str.to_re "")'
        return parts[0] if len(parts) == 1 else f"(re.++ {' '.join(parts)})"

    def repeated(self) -> str:
        one = self.atom()
        while self.peek() in ("*", "+", "?", "{"):
            sign = self.take()
            if sign == "{":
                low, high = self.counts()
                one = f"((_ re.loop {low} {high}) {one})"
            else:
                one = f"({ {'*': 're.*', '+': 're.+', '?': 're.opt'}[sign] } {one})"
        return one

    def counts(self) -> tuple[int, int]:
        end = self.pattern.find("}", self.at)
        inside = self.pattern[self.at : end] if end >= 0 else ""
        parts = inside.split(",")
        if not all(p.isdigit() for p in parts) or len(parts) > 2:
            raise BadPattern("repetition is {m} or {m,n}")
        self.at = end + 1
        low, high = int(parts[0]), int(parts[-1])
        if low > high:
            raise BadPattern("repetition counts are the wrong way round")
        return low, high

    def atom(self) -> str:
        c = self.take()
        if c == "(":
            if self.peek() == "?":
                raise BadPattern("groups are plain")
            inner = self.union()
            if self.peek() != ")":
                raise BadPattern("a group is not closed")
            self.take()
            return inner
        if c == ".":
            return f"(re.diff re.allchar {_one(chr(10))})"
        if c == "[":
            return self.character_class()
        if c == "\\":
            return self.escape()
        if c in _SPECIAL:
            raise BadPattern(f"{c!r} has no meaning here")
        return _one(c)

    def escape(self) -> str:
        c = self.take()
        if c in _CLASSES:
            return _ranges(_CLASSES[c])
        if c in _SPECIAL or c in "-/":
            return _one(c)
        raise BadPattern(f"the escape \\{c} is not in the subset")

    def character_class(self) -> str:
        negated = self.peek() == "^"
        if negated:
            self.take()
        ranges: list[str] = []
        first = True
        while self.peek() != "]" or first:
            first = False
            c = self.take()
            if c == "\\":
                c = self.take()
                if c in _CLASSES:
                    ranges += _CLASSES[c]
                    continue
                if c not in _SPECIAL and c not in "-/":
                    raise BadPattern(f"the escape \\{c} is not in the subset")
            high = c
            if self.peek() == "-" and self.pattern[self.at + 1 : self.at + 2] not in ("]", ""):
                self.take()
                high = self.take()
                if high == "\\":
                    high = self.take()
                if high < c:
                    raise BadPattern("a range is the wrong way round")
            ranges.append(c + high)
        self.take()
        inside = _ranges(tuple(ranges))
        return f"(re.diff re.allchar {inside})" if negated else inside


def _one(c: str) -> str:
    return f"(str.to_re {_literal(c)})"


def _ranges(ranges: tuple[str, ...]) -> str:
    parts = [
        _one(r[0]) if r[0] == r[1] else f"(re.range {_literal(r[0])} {_literal(r[1])})"
        for r in ranges
    ]
    return parts[0] if len(parts) == 1 else f"(re.union {' '.join(parts)})"


def _literal(c: str) -> str:
    return (
        '"'
        + ('""' if c == '"' else c if " " <= c <= "~" and c != "\\" else f"\\u{{{ord(c):x}}}")
        + '"'
    )
