"""What we tell a person about a text, and how it is drawn.

A diagnostic answers, in this order: what, where, why we believe so, what to do.  It is data;
`render` draws it in the manner of rustc.  Errors in a plan are diagnostics, returned; the one
exception, `BadInput`, is for callers of the public API.
"""

from __future__ import annotations

from enum import Enum

from planproof.spec.node import dataclass
from planproof.spec.source import Span


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Label:
    """A second place that belongs to the message, and a few words on why."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    `code` is kebab-case and stable and has a page `docs/errors/<code>.md`; `headline` begins in
    lower case and has no full stop, what the author wrote stands in backticks; `here` is the few
    words drawn under the primary span (may be empty).
    """

    code: str
    headline: str
    span: Span
    here: str = ""
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: str | None = None
    severity: Severity = Severity.ERROR


class BadInput(Exception):
    """A text that can't be read as what it should be; `.diagnostics` says why, all of it."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__("; ".join(d.headline for d in diagnostics[:3]))
        self.diagnostics = diagnostics


def render(diagnostic: Diagnostic) -> str:
    """The diagnostic as lines of text, primary span underlined with `^`, labels with `-`."""
    head = f"{diagnostic.severity.value}[{diagnostic.code}]: {diagnostic.headline}"
    source = diagnostic.span.source
    line, column = source.locate(diagnostic.span.start)
    marks = [(diagnostic.span, "^", diagnostic.here)]
    marks += [(each.span, "-", each.text) for each in diagnostic.labels]
    lines = [head, f" --> {source.name}:{line}:{column}", "  |"]
    width = max(len(str(each.source.locate(each.start)[0])) for each, _, _ in marks)
    pad = " " * (width + 1)
    lines[1] = " " * (width - 1) + lines[1]
    lines[2] = pad + " |"
    previous: tuple[str, int] | None = None
    in_source = sorted(
        marks, key=lambda mark: (mark[0].source is not source, mark[0].source.name, mark[0].start)
    )
    for span, sign, text in in_source:
        number, start = span.source.locate(span.start)
        here = (span.source.name, number)
        if span.source is not source and (previous is None or previous[0] != span.source.name):
            lines.append(f"{' ' * width}::: {span.source.name}:{number}:{start}")
            previous = None
        elif previous is not None and number > previous[1] + 1:
            lines.append("...")
        content = span.source.line(number)
        if previous != here:
            # A line of a machine-made file can be megabytes long; a person needs what is near.
            shown = content if len(content) <= _SHOWN_MAX else content[:_SHOWN_MAX] + " ..."
            lines.append(f"{number:>{width + 1}} | {_visible(shown)}".rstrip())
        end_line, end = span.source.locate(span.end)
        stop = end if end_line == number else len(content) + 1
        stop = min(stop, _SHOWN_MAX + 1)
        if start <= _SHOWN_MAX:
            underline = " " * (start - 1) + sign * max(1, stop - start)
            lines.append(f"{pad} | {underline} {text}".rstrip())
        previous = here
    rest = [f"note: {note}" for note in diagnostic.notes]
    if diagnostic.help is not None:
        rest.append(f"help: {diagnostic.help}")
    if rest:
        lines.append(pad + " |")
        lines += [f"{pad} = {each}" for each in rest]
    return "\n".join(lines)


_SHOWN_MAX = 240


def _visible(text: str) -> str:
    """Tabs as one blank and control characters as `?`, so columns line up and nothing hides."""
    return "".join(" " if c == "\t" else c if c.isprintable() else "?" for c in text)


def suggest(wrong: str, known: tuple[str, ...]) -> str | None:
    """The known name closest to `wrong`, if it is close enough that a person may have meant it."""
    import difflib  # 5 ms, and only on the way to an error

    found = difflib.get_close_matches(wrong, known, n=1, cutoff=0.7)
    return found[0] if found else None
