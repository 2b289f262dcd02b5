"""Where text came from.

A `Source` is a named text; a `Span` is a half-open range of its code points and owns its source,
so whoever holds a span can show the lines.  (Lark's exceptions do not keep the text and callers
have to pass it again; we do not repeat that.)
"""

from __future__ import annotations

import bisect

from planproof.spec.node import dataclass, field


@dataclass(frozen=True, slots=True)
class Source:
    """A text and the name a person knows it by (a file name, or `<text>`)."""

    name: str
    text: str
    line_starts: tuple[int, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        starts = [0]
        find = self.text.find
        at = find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = find("\n", at + 1)
        object.__setattr__(self, "line_starts", tuple(starts))

    def locate(self, offset: int) -> tuple[int, int]:
        """Line and column of `offset`, both counted from one; columns count code points."""
        line = bisect.bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of line `number` (from one), without its line end; empty beyond the last."""
        if not 1 <= number <= len(self.line_starts):
            return ""
        start = self.line_starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start : len(self.text) if end < 0 else end].rstrip("\r")


@dataclass(frozen=True, slots=True)
class Span:
    """The code points `start` up to, not including, `end` of a source."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    @property
    def one_line(self) -> str:
        """The text with comments left in and every run of white space made one blank."""
        return " ".join(self.text.split())

    def to(self, other: Span) -> Span:
        """From the start of this span to the end of `other`."""
        return Span(self.source, self.start, max(self.end, other.end))

    def __repr__(self) -> str:
        line, column = self.source.locate(self.start)
        return f"{self.source.name}:{line}:{column}"


NOWHERE = Span(Source("<nowhere>", ""), 0, 0)
"""For what no text says: defaults, and things made by the program itself."""
