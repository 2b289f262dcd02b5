"""What can be written on the command line: commands, options, their help.

Each command hands over to its function in `commands`.  Reading a command line takes click, which
costs 15 ms to load; see `cli`.
"""

from __future__ import annotations

from collections.abc import Callable

import click

from planproof import __version__, commands
from planproof.exits import Exit

FILES = click.Path(path_type=str)  # we say ourselves what is wrong with a file: as a diagnostic


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 proved or done, 1 refuted, 2 unknown, 3 bad input, 64 usage, 70 our bug.",
)
@click.version_option(__version__, prog_name="planproof", message="%(prog)s %(version)s")
def cli() -> None:
    """Proves plans against a domain and its policies before one call is made."""


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


@cli.command()
@click.argument("files", nargs=-1, required=True, type=FILES)
@_against
@FORMAT
def check(files: tuple[str, ...], domain: str | None, policies: tuple[str, ...], form: str) -> Exit:
    """Checks syntax, names and types; uses no solver.

    A policy or a plan is checked in the domain that --domain or planproof.toml names, or in the
    only domain among FILES.
    """
    return commands.check(files, domain, policies, form)


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
    return commands.verify(
        plans, domain, policies, form, output, certificate, dump, rlimit, jobs, explain
    )


@cli.command()
@click.argument("files", nargs=-1, required=True, type=FILES)
@click.option("--check", is_flag=True, help="Change nothing; exit 1 if a file would change.")
def fmt(files: tuple[str, ...], check: bool) -> Exit:
    """Rewrites files in the one canonical form; `-` formats stdin to stdout.

    A file that can't be read is left as it is.
    """
    return commands.fmt(files, check)


@cli.command()
@click.argument("code", required=False)
def explain(code: str | None) -> Exit:
    """Explains a diagnostic code: what it means, why we insist, an example and its repair.

    Without CODE, lists all codes.
    """
    return commands.explain(code)


@cli.command()
@click.argument("folder", default=".", metavar="[DIR]", type=FILES)
def init(folder: str) -> Exit:
    """Writes a small working project to DIR (default: here); overwrites nothing."""
    return commands.init(folder)
