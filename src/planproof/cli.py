"""The command line: how a process begins and ends.

    main        this process: collector, streams, exit code
    run         a command to an exit code, whatever goes wrong
    options     what can be written, read by click
    commands    what is then done

`verify FILE...` and `check FILE...` without any option are what agents and editors run all day; for
them there is nothing to read, so `run` goes to `commands` directly and click stays where it is,
which saves 15 ms of 90.  An error of ours is one line and exit code 70; PLANPROOF_DEBUG=1 adds the
traceback.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence

from planproof import commands
from planproof.exits import Exit

_PLAIN: dict[str, Callable[[tuple[str, ...]], Exit]] = {
    "check": commands.check,
    "verify": commands.verify,
}


def main() -> None:
    """Runs the command of this process and ends it with the exit code.

    The process ends here and now: to take down, object by object, what its memory is freed of
    anyway would take another 10 ms.  All output is written by then, and no thread is left.
    """
    # Trees have no cycles: what is garbage is freed without the collector, which by default would
    # look through everything there is a hundred times and take a tenth of the time.
    gc.set_threshold(100_000, 20, 20)
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = code or Exit.BROKEN_PIPE
    os._exit(code)


def run(arguments: Sequence[str]) -> int:
    """Runs a command; the exit code. Whatever goes wrong is one of them."""
    try:
        code = _run(list(arguments))
        sys.stdout.flush()
        return Exit(code or Exit.DONE)
    except KeyboardInterrupt:
        sys.stderr.write("\n")  # so that the shell's prompt does not stand after the ^C
        return Exit.INTERRUPTED
    except commands.Refused as error:
        sys.stderr.write(f"Error: {error}\n")
        return Exit.USAGE
    except BrokenPipeError:
        # Whoever reads us has gone, and needs no message.
        commands.drop_stdout()
        return Exit.BROKEN_PIPE
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not look like a verdict
        if os.environ.get("PLANPROOF_DEBUG") == "1":
            import traceback

            traceback.print_exc()
        said = " ".join(str(error).split())[:300]
        sys.stderr.write(
            f"planproof: internal error: {type(error).__name__}: {said}\n"
            "This is a bug in planproof, and nothing was proved. Please report it with the files"
            " that show it; PLANPROOF_DEBUG=1 prints where it happened.\n"
        )
        return Exit.BUG


def _run(arguments: list[str]) -> Exit | None:
    command, files = _PLAIN.get(arguments[0] if arguments else ""), tuple(arguments[1:])
    # On Windows click expands `*.plan`, which elsewhere the shell has done.
    if command and files and not any(each.startswith("-") for each in files) and os.name != "nt":
        return command(files)

    import click

    from planproof import options

    try:
        code: Exit | None = options.cli.main(arguments, "planproof", standalone_mode=False)
    except click.exceptions.Abort:
        return Exit.INTERRUPTED  # and the end of the line is written
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except SystemExit:
        # Click makes of a broken pipe an exit with code 1, which here would say `refuted`; it makes
        # no other exit when it is not standalone.
        raise BrokenPipeError from None
    return code


if __name__ == "__main__":
    main()
