"""`planproof.toml`: which domain and policies the plans of a folder are verified against.

    domain   = "treasury.domain"
    policies = ["treasury.policy"]

The file is looked for from the plan's folder upwards, and the nearest one counts; its paths are
relative to the folder it is in.  What the command line says wins.  A key we do not know is an
error: a misspelt `policies` must not mean "no policies".
"""

from __future__ import annotations

import os

from planproof.spec.diagnostic import Diagnostic, suggest
from planproof.spec.limits import DEFAULT, Limits
from planproof.spec.node import dataclass, replace
from planproof.spec.source import Source, Span

FILE_NAME = "planproof.toml"
KEYS = ("domain", "policies")
_BYTES_MAX = 16 * 1024  # tomllib takes quadratic time for long dotted keys: 0.3 s for this much


@dataclass(frozen=True, slots=True)
class Project:
    """What a project file says; paths as a person would type them from the working folder."""

    file: str
    domain: str | None
    policies: tuple[str, ...]


def find(start: str) -> str | None:
    """The project file of a file in the folder `start`: the nearest, from there upwards."""
    folder = os.path.abspath(start)
    while True:
        candidate = os.path.join(folder, FILE_NAME)
        if os.path.isfile(candidate):
            return candidate
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


def read(file: str, limits: Limits = DEFAULT) -> tuple[Project | None, tuple[Diagnostic, ...]]:
    """What the project file says, or all that is wrong with it."""
    import tomllib  # only projects need it

    from planproof.spec.parse import read_source

    shown = as_typed(file)
    few = replace(limits, source_bytes_max=min(_BYTES_MAX, limits.source_bytes_max))
    source, trouble = read_source(shown, few)
    if source is None:
        return None, trouble
    try:
        content = tomllib.loads(source.text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return None, (_wrong(_place_of(source, str(error)), f"not TOML: {_first(error)}"),)

    found: list[Diagnostic] = []
    for key in content:
        if key not in KEYS:
            close = suggest(key, KEYS)
            found.append(
                _wrong(
                    _key(source, key),
                    f"unknown key `{key}`",
                    f"did you mean `{close}`?" if close else "the keys are `domain` and `policies`",
                )
            )
    domain = content.get("domain")
    if not (domain is None or isinstance(domain, str)):
        found.append(_wrong(_key(source, "domain"), "`domain` is not the name of a file"))
    policies = content.get("policies", [])
    if not isinstance(policies, list) or not all(isinstance(each, str) for each in policies):
        found.append(
            _wrong(
                _key(source, "policies"),
                "`policies` is not a list of file names",
                'write `policies = ["name.policy"]`',
            )
        )
    if found:
        return None, tuple(found)
    beside = os.path.dirname(file)
    return (
        Project(
            shown,
            None if domain is None else as_typed(os.path.join(beside, domain)),
            tuple(as_typed(os.path.join(beside, each)) for each in policies),
        ),
        (),
    )


def as_typed(path: str) -> str:
    """The path relative to the working folder where that is shorter, as a person would type it."""
    whole = os.path.abspath(path)
    try:
        relative = os.path.relpath(whole)
    except ValueError:  # on another drive
        return whole
    return min(relative, whole, key=len)


def _wrong(span: Span, headline: str, help: str | None = None) -> Diagnostic:
    return Diagnostic("bad-project", headline, span, help=help)


def _first(error: Exception) -> str:
    """The error on one line, beginning in lower case, without the place that is shown beside it."""
    text = (str(error) or type(error).__name__).split(" (at ")[0].splitlines()[0]
    return text[:1].lower() + text[1:]


def _place_of(source: Source, message: str) -> Span:
    """Where tomllib says the error is: it ends its messages in `(at line 3, column 7)`."""
    numbers = [int(each) for each in _digits(message.rpartition("(at ")[2])]
    if len(numbers) == 2 and numbers[0] <= len(source.line_starts):
        start = source.line_starts[numbers[0] - 1] + numbers[1] - 1
        return Span(source, min(start, len(source.text)), min(start + 1, len(source.text)))
    return Span(source, len(source.text), len(source.text))


def _digits(text: str) -> list[str]:
    return "".join(each if each.isdecimal() else " " for each in text).split()


def _key(source: Source, key: str) -> Span:
    """Where the key is written; the start of the file where it is written in some unusual way."""
    for number, start in enumerate(source.line_starts, 1):
        line = source.line(number)
        name = line.split("=")[0].strip().strip("[]\"' ")
        if name == key or name.startswith(key + "."):
            at = start + line.index(key)
            return Span(source, at, at + len(key))
    return Span(source, 0, 0)
