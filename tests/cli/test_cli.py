"""The command line: exit codes, what goes to stdout, and what happens when things go wrong."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from planproof import cli, workspace
from planproof.exits import Exit

PAGES = Path(__file__).resolve().parents[2] / "docs/errors"
PLANPROOF = [sys.executable, "-m", "planproof.cli"]


@pytest.mark.parametrize(
    "arguments",
    [["no-such-command"], ["check"], ["verify"], ["fmt"], ["verify", "--jobs", "0", "a.plan"],
     ["verify", "--format", "xml", "a.plan"], ["verify", "--no-such-option", "a.plan"],
     ["explain", "no-such-code"], ["explain", "a", "b"]],
)  # fmt: skip
def test_a_wrong_command_line_exits_64(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(arguments) == Exit.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert "Error:" in err


def test_a_file_that_is_not_there_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("check", "verify", "fmt"):
        assert cli.run([command, "nowhere.plan"]) == Exit.BAD_INPUT
        out, err = capsys.readouterr()
        assert "error[file-not-found]" in out + err


def test_a_bug_of_ours_is_one_line_and_exit_70(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("it\nbroke")

    monkeypatch.setattr(workspace, "check_files", broken)
    assert cli.run(["check", "a.plan"]) == Exit.BUG
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("planproof: internal error: RuntimeError: it broke\n")
    assert "Traceback" not in err

    monkeypatch.setenv("PLANPROOF_DEBUG", "1")
    assert cli.run(["check", "a.plan"]) == Exit.BUG
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("error", [RecursionError, MemoryError, AssertionError])
def test_running_out_of_stack_or_memory_is_never_success(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(workspace, "verify_files", broken)
    assert cli.run(["verify", "a.plan"]) == Exit.BUG


def test_control_c_exits_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(workspace, "check_files", interrupted)
    assert cli.run(["check", "a.plan"]) == Exit.INTERRUPTED


def test_a_reader_that_has_gone_is_no_success_and_no_noise() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [*PLANPROOF, "explain"], stdout=write_end, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write_end)
    assert done.returncode == Exit.BROKEN_PIPE
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is full")
def test_a_report_that_does_not_fit_on_the_disk_is_no_success() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PLANPROOF, "explain"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == Exit.USAGE
    assert done.stderr == "Error: cannot write to stdout: No space left on device\n"


def terminal_output(arguments: list[str], **environment: str) -> str:
    """What the command writes where stdout is a terminal."""
    leader, follower = pty.openpty()
    done = subprocess.Popen(
        [*PLANPROOF, *arguments],
        stdout=follower,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TERM": "xterm", **environment},
    )
    os.close(follower)
    found = b""
    try:
        while part := os.read(leader, 65536):
            found += part
    except OSError:  # Linux says so when the other side is closed
        pass
    os.close(leader)
    done.wait()
    return found.decode()


def test_colour_is_for_terminals_whose_owner_did_not_refuse_it() -> None:
    arguments = ["check", "nowhere.plan"]
    assert "\x1b[" in terminal_output(arguments)
    assert "\x1b[" not in terminal_output(arguments, NO_COLOR="1")
    assert "\x1b[" not in terminal_output(arguments, TERM="dumb")
    piped = subprocess.run([*PLANPROOF, *arguments], capture_output=True, text=True, check=False)
    assert "\x1b[" not in piped.stdout
    assert "file-not-found" in piped.stdout


def test_explain_prints_the_page_of_a_code_and_lists_all(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.run(["explain", "no-domain"]) == Exit.DONE
    assert capsys.readouterr().out == (PAGES / "no-domain.md").read_text(encoding="utf-8")
    assert cli.run(["explain"]) == Exit.DONE
    listed = capsys.readouterr().out
    assert "no-domain  " in listed
    assert "bad-project  " in listed


def test_explain_asks_whether_another_code_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["explain", "no-domian"]) == Exit.USAGE
    assert "did you mean `no-domain`?" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["check", "verify"])
def test_a_plain_command_line_means_what_click_reads_in_it(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`check FILE` and `verify FILE` go past click; with an option they do not."""
    monkeypatch.chdir(tmp_path)
    assert cli.run(["init"]) == Exit.DONE
    capsys.readouterr()
    for file in ("refund.plan", "wrong_refund.plan", "nowhere.plan"):
        plain = cli.run([command, file]), capsys.readouterr()
        assert (cli.run([command, "--format", "text", file]), capsys.readouterr()) == plain


@pytest.mark.parametrize("file", ["refund.plan", "wrong_refund.plan"])
def test_a_process_ends_with_the_code_and_all_its_output(file: str, tmp_path: Path) -> None:
    subprocess.run([*PLANPROOF, "init"], check=True, cwd=tmp_path, capture_output=True)
    code = "import sys; from planproof import cli; sys.exit(cli.run(['verify', sys.argv[1]]))"
    slow, quick = (
        subprocess.run([*command, file], cwd=tmp_path, capture_output=True, text=True)
        for command in ([sys.executable, "-c", code], [*PLANPROOF, "verify"])
    )
    assert quick.stdout
    assert (quick.returncode, quick.stdout) == (slow.returncode, slow.stdout)
