"""The canonical form of a file or of stdin: what `fmt` writes. Needs the parser and no more."""

from __future__ import annotations

import sys

from planproof.spec import format, parse
from planproof.spec.diagnostic import Diagnostic
from planproof.spec.lexer import too_large
from planproof.spec.limits import DEFAULT, Limits
from planproof.spec.source import Source, Span

Diagnostics = tuple[Diagnostic, ...]


def formatted(
    name: str, limits: Limits = DEFAULT
) -> tuple[str | None, Source | None, Diagnostics]:
    """The canonical form of a file (`-`: of stdin), its text, and what is wrong with it."""
    source, found = _stdin(limits) if name == "-" else parse.read_source(name, limits)
    if source is None:
        return None, None, found
    file, found = parse.parse(source, limits)
    return (None if file is None else format.format(file)), source, found


def _stdin(limits: Limits) -> tuple[Source | None, Diagnostics]:
    content = sys.stdin.buffer.read(limits.source_bytes_max + 1)
    nowhere = Span(Source("<stdin>", ""), 0, 0)
    if len(content) > limits.source_bytes_max:
        return None, (too_large(nowhere, limits),)
    try:
        return Source("<stdin>", content.decode("utf-8-sig")), ()
    except UnicodeDecodeError as error:
        byte = content[error.start]
        return None, (Diagnostic("not-utf8", f"stdin is not UTF-8: byte 0x{byte:02x}", nowhere),)
