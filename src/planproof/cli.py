"""The command line.

Each command reads files, says what it found on stdout and nothing else there, and ends with a code
of `exits`.  What is heavy is imported by the command that needs it: `--help` and `check` load no
solver.  An error of ours is one line and exit code 70; PLANPROOF_DEBUG=1 adds the traceback.

Colour only on a terminal, and not where NO_COLOR is set; progress only on stderr, only on a
terminal, and only for what takes over a second.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import click

from planproof import __version__, exits
from planproof.exits import Exit
from planproof.spec.node import replace

if TYPE_CHECKING:
    from planproof.spec.source import Source
    from planproof.verifier.report import data

FILES = click.Path(path_type=str)  # we say ourselves what is wrong with a file: as a diagnostic


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 proved or done, 1 refuted, 2 unknown, 3 bad input, 64 usage, 70 our bug.",
)
@click.version_option(__version__, prog_name="planproof", message="%(prog)s %(version)s")
def cli() -> None:
    """Proves plans against a domain and its policies before one call is made."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a command and leaves the process with its exit code; raises nothing but SystemExit."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; the exit code. Whatever goes wrong is one of them."""
    try:
        code = cli.main(arguments, prog_name="planproof", standalone_mode=False)
        sys.stdout.flush()
        return Exit(code or Exit.DONE)
    except click.exceptions.Abort:
        return Exit.INTERRUPTED
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except (BrokenPipeError, SystemExit):
        # Whoever reads us has gone, and needs no message. Click makes of it an exit with code 1,
        # which here would say `refuted`; it makes no other exit when it is not standalone.
        _drop_stdout()
        return Exit.BROKEN_PIPE
    except Exception as error:
        if os.environ.get("PLANPROOF_DEBUG") == "1":
            raise
        said = " ".join(str(error).split())[:300]
        click.echo(
            f"planproof: internal error: {type(error).__name__}: {said}\n"
            "This is a bug in planproof, and nothing was proved. Please report it with the files"
            " that show it; PLANPROOF_DEBUG=1 prints where it happened.",
            err=True,
        )
        return Exit.BUG


def _drop_stdout() -> None:
    """Sends what is still buffered nowhere; Python would complain of it once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


# ---- what several commands share ---------------------------------------------------------------


def _against(command: Callable[..., Exit]) -> Callable[..., Exit]:
    """The options that say what a plan is verified against."""
    for option in (
        click.option(
            "--policy", "policies", type=FILES, multiple=True, help="A policy file; repeatable."
        ),
        click.option("--domain", type=FILES, help="The domain file."),
    ):
        command = option(command)
    return command


FORMAT = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)


def _colour() -> bool:
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and sys.stdout.isatty()


def _say(text: str) -> None:
    """To stdout, all of it or an error: half a report must not end in success."""
    try:
        click.echo(text, nl=False, color=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        _drop_stdout()
        raise click.ClickException(f"cannot write to stdout: {error.strerror or error}") from None


def _note(text: str) -> None:
    click.echo(f"planproof: {text}", err=True)


# ---- commands ----------------------------------------------------------------------------------


@cli.command()
@click.argument("files", nargs=-1, required=True, type=FILES)
@_against
@FORMAT
def check(files: tuple[str, ...], domain: str | None, policies: tuple[str, ...], form: str) -> Exit:
    """Checks syntax, names and types; uses no solver.

    A policy or a plan is checked in the domain that --domain or planproof.toml names, or in the
    only domain among FILES.
    """
    from planproof import workspace

    report, sources = workspace.check_files(files, workspace.Against(domain, policies))
    if form == "json":
        from planproof.verifier.report.json_form import report_json

        _say(report_json(report))
    else:
        from planproof.verifier.report.text import check_text

        _say(check_text(report, sources, colour=_colour()))
    return Exit.BAD_INPUT if report.verdict == "bad-input" else Exit.DONE


@cli.command()
@click.argument("plans", nargs=-1, required=True, type=FILES)
@_against
@FORMAT
@click.option("-o", "--output", type=FILES, help="Write the report to this file.")
@click.option(
    "--certificate",
    type=FILES,
    help="Write what was proved to this file; a folder, where there are several plans.",
)
@click.option(
    "--dump", type=FILES, help="Write each phase, and each condition as .smt2, to this folder."
)
@click.option(
    "--rlimit",
    type=click.IntRange(min=1, max=4_000_000_000),
    help="The most solver resource units for one condition.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1, max=1024),
    help="Processes to use.  [default: one for each processor]",
)
@click.option("--explain", is_flag=True, help="Say of each obligation why it holds or fails.")
def verify(
    plans: tuple[str, ...],
    domain: str | None,
    policies: tuple[str, ...],
    form: str,
    output: str | None,
    certificate: str | None,
    dump: str | None,
    rlimit: int | None,
    jobs: int | None,
    explain: bool,
) -> Exit:
    """Proves plans for all inputs, all tool results and all failures.

    The domain and the policies are those that planproof.toml names (looked for from a plan's folder
    upwards); --domain and --policy win over it.
    """
    from planproof import workspace
    from planproof.spec.limits import DEFAULT

    asked = workspace.Asked(
        workspace.Against(domain, policies),
        DEFAULT if rlimit is None else replace(DEFAULT, solver_rlimit_max=rlimit),
        explain,
        None if dump is None else Path(dump),
        jobs or _processors(),
    )
    with _Progress(len(plans)) as progress:
        report, sources = workspace.verify_files(plans, asked, progress.done)

    colour = output is None and _colour()
    text = _formatted(report, sources, form, explain, colour)
    if output is None:
        _say(text)
    else:
        _write(Path(output), text)
    if certificate is not None:
        _certify(report, certificate)
    return exits.OF_VERDICT[report.verdict]


@cli.command()
@click.argument("files", nargs=-1, required=True, type=FILES)
@click.option("--check", is_flag=True, help="Change nothing; exit 1 if a file would change.")
def fmt(files: tuple[str, ...], check: bool) -> Exit:
    """Rewrites files in the one canonical form; `-` formats stdin to stdout.

    A file that can't be read is left as it is.
    """
    from planproof import canonical
    from planproof.spec.diagnostic import render

    codes = [Exit.DONE]
    for name in files:
        formatted, source, found = canonical.formatted(name)
        for each in found:
            click.echo(render(each), err=True)
        if formatted is None or source is None:
            codes.append(Exit.BAD_INPUT)
        elif name == "-" and not check:
            _say(formatted)
        elif formatted != source.text:
            if not check:
                _write(Path(name), formatted)
            _say(f"would change {name}\n" if check else f"formatted {name}\n")
            if check:
                codes.append(Exit.REFUTED)
    return exits.worst(codes)


@cli.command()
@click.argument("code", required=False)
def explain(code: str | None) -> Exit:
    """Explains a diagnostic code: what it means, why we insist, an example and its repair.

    Without CODE, lists all codes.
    """
    from planproof import pages

    if code is None:
        _say("".join(f"{known:<28} {title}\n" for known, title in pages.titles()))
        return Exit.DONE
    page = pages.page(code)
    if page is None:
        from planproof.spec.diagnostic import suggest

        close = suggest(code, tuple(known for known, _ in pages.titles()))
        more = f"did you mean `{close}`?" if close else "`planproof explain` lists all codes"
        raise click.UsageError(f"no code `{code}`; {more}")
    _say(page)
    return Exit.DONE


@cli.command()
@click.argument("folder", default=".", metavar="[DIR]", type=FILES)
def init(folder: str) -> Exit:
    """Writes a small working project to DIR (default: here); overwrites nothing."""
    from planproof import template

    there = template.clashes(Path(folder))
    if there:
        _note(f"nothing written, since {', '.join(there)} exists already")
        return Exit.BAD_INPUT
    for name in template.write(Path(folder)):
        _say(f"wrote {name}\n")
    _say(f"now try: planproof verify {Path(folder) / template.PLAN}\n")
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

    folder = Path(where).is_dir()
    names = [each.plan for each in report.plans]
    if len(names) > 1 and not folder:
        raise click.ClickException(
            f"--certificate: {len(names)} plans were verified, so `{where}` must be a folder"
        )
    twice = next((each for each in names if names.count(each) > 1), None)
    if twice is not None:
        raise click.ClickException(f"--certificate: two of the plans are called `{twice}`")
    for plan in report.plans:
        file = Path(where, f"{plan.plan}.certificate.json") if folder else Path(where)
        try:
            text = certificate.write(report.certificate_of(plan))
        except NotProved as why:
            _note(f"no certificate written: {why}")
        else:
            _write(file, text)


def _write(file: Path, text: str) -> None:
    """Writes the whole file or leaves it as it was."""
    from planproof.files import write_atomically

    try:
        write_atomically(file, text)
    except OSError as error:
        raise click.ClickException(f"cannot write `{file}`: {error.strerror or error}") from None


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


if __name__ == "__main__":
    main()
