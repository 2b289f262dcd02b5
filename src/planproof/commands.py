"""What each command does: reads files, says what it found, and returns an exit code of `exits`.

What is found goes to stdout and nothing else does.  Colour only on a terminal, and not where
NO_COLOR is set; progress only on stderr, only on a terminal, and only for what takes over a second.
What is heavy is imported by the command that needs it: `check` loads no solver.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Self

from planproof import exits
from planproof.exits import Exit
from planproof.spec.node import replace

if TYPE_CHECKING:
    from pathlib import Path

    from planproof.spec.source import Source
    from planproof.verifier.report import data


class Refused(Exception):
    """What was asked for makes no sense or can't be done; the message says why."""


def check(
    files: Sequence[str],
    domain: str | None = None,
    policies: tuple[str, ...] = (),
    form: str = "text",
) -> Exit:
    """Checks syntax, names and types."""
    from planproof import workspace

    report, sources = workspace.check_files(files, workspace.Against(domain, policies))
    if form == "json":
        from planproof.verifier.report.json_form import report_json

        _say(report_json(report))
    else:
        from planproof.verifier.report.text import check_text

        _say(check_text(report, sources, colour=_colour()))
    return Exit.BAD_INPUT if report.verdict == "bad-input" else Exit.DONE


def verify(
    plans: Sequence[str],
    domain: str | None = None,
    policies: tuple[str, ...] = (),
    form: str = "text",
    output: str | None = None,
    certificate: str | None = None,
    dump: str | None = None,
    rlimit: int | None = None,
    jobs: int | None = None,
    explain: bool = False,
) -> Exit:
    """Verifies the plans of each file."""
    from planproof import workspace
    from planproof.spec.limits import DEFAULT

    asked = workspace.Asked(
        workspace.Against(domain, policies),
        DEFAULT if rlimit is None else replace(DEFAULT, solver_rlimit_max=rlimit),
        explain,
        None if dump is None else _path(dump),
        jobs or _processors(),
        digest=form == "json" or certificate is not None,
    )
    with _Progress(len(plans)) as progress:
        report, sources = workspace.verify_files(plans, asked, progress.done)

    colour = output is None and _colour()
    text = _formatted(report, sources, form, explain, colour)
    if output is None:
        _say(text)
    else:
        _write(output, text)
    if certificate is not None:
        _certify(report, certificate)
    return exits.OF_VERDICT[report.verdict]


def fmt(files: Sequence[str], check: bool) -> Exit:
    """Rewrites files in canonical form, or says which are not in it."""
    from planproof import canonical
    from planproof.spec.diagnostic import render

    codes = [Exit.DONE]
    for name in files:
        formatted, source, found = canonical.formatted(name)
        for each in found:
            sys.stderr.write(render(each) + "\n")
        if formatted is None or source is None:
            codes.append(Exit.BAD_INPUT)
        elif name == "-" and not check:
            _say(formatted)
        elif formatted != source.text:
            if not check:
                _write(name, formatted)
            _say(f"would change {name}\n" if check else f"formatted {name}\n")
            if check:
                codes.append(Exit.REFUTED)
    return exits.worst(codes)


def explain(code: str | None) -> Exit:
    """Shows the page of a code, or lists all codes."""
    from planproof import pages

    if code is None:
        _say("".join(f"{known:<28} {title}\n" for known, title in pages.titles()))
        return Exit.DONE
    page = pages.page(code)
    if page is None:
        from planproof.spec.diagnostic import suggest

        close = suggest(code, tuple(known for known, _ in pages.titles()))
        more = f"did you mean `{close}`?" if close else "`planproof explain` lists all codes"
        raise Refused(f"no code `{code}`; {more}")
    _say(page)
    return Exit.DONE


def init(folder: str) -> Exit:
    """Writes the project that people begin with."""
    from planproof import template

    there = template.clashes(_path(folder))
    if there:
        _note(f"nothing written, since {', '.join(there)} exists already")
        return Exit.BAD_INPUT
    for name in template.write(_path(folder)):
        _say(f"wrote {name}\n")
    _say(f"now try: planproof verify {_path(folder) / template.PLAN}\n")
    return Exit.DONE


# ---- parts of verify ---------------------------------------------------------------------------


def _formatted(
    report: data.Report, sources: Mapping[str, Source], form: str, explain: bool, colour: bool
) -> str:
    if form == "json":
        from planproof.verifier.report.json_form import report_json

        return report_json(report)
    from planproof.verifier.report.text import report_text

    return report_text(report, sources, explain=explain, colour=colour)


def _certify(report: data.Report, where: str) -> None:
    """Writes the certificates of the plans that are proved, and says which others have none."""
    from planproof.proofs import certificate
    from planproof.verifier.report.data import NotProved

    folder = os.path.isdir(where)
    names = [each.plan for each in report.plans]
    if len(names) > 1 and not folder:
        raise Refused(
            f"--certificate: {len(names)} plans were verified, so `{where}` must be a folder"
        )
    twice = next((each for each in names if names.count(each) > 1), None)
    if twice is not None:
        raise Refused(f"--certificate: two of the plans are called `{twice}`")
    for plan in report.plans:
        file = os.path.join(where, f"{plan.plan}.certificate.json") if folder else where
        try:
            text = certificate.write(report.certificate_of(plan))
        except NotProved as why:
            _note(f"no certificate written: {why}")
        else:
            _write(file, text)


def _write(file: str, text: str) -> None:
    """Writes the whole file or leaves it as it was."""
    from planproof.files import write_atomically

    try:
        write_atomically(_path(file), text)
    except OSError as error:
        raise Refused(f"cannot write `{file}`: {error.strerror or error}") from None


def _path(name: str) -> Path:
    from pathlib import Path  # 3 ms, and only what writes needs it

    return Path(name)


def _processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1


class _Progress:
    """A line on stderr that says how far we are; nothing for what takes less than a second."""

    def __init__(self, total: int) -> None:
        import time

        self.clock = time.monotonic
        self.total = total
        self.began = self.clock()
        self.shown = False

    def __enter__(self) -> Self:
        return self

    def done(self, count: int) -> None:
        if self.clock() - self.began > 1 and sys.stderr.isatty() and count < self.total:
            sys.stderr.write(f"\r\x1b[Kverified {count} of {self.total} files")
            sys.stderr.flush()
            self.shown = True

    def __exit__(self, *_: object) -> None:
        if self.shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


# ---- what several commands share ---------------------------------------------------------------


def _colour() -> bool:
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and sys.stdout.isatty()


def _say(text: str) -> None:
    """To stdout, all of it or an error: half a report must not end in success."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        drop_stdout()
        raise Refused(f"cannot write to stdout: {error.strerror or error}") from None


def _note(text: str) -> None:
    sys.stderr.write(f"planproof: {text}\n")


def drop_stdout() -> None:
    """Sends what is still buffered nowhere; Python would complain of it once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
