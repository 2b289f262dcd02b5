"""`fmt` changes a file wholly or not at all."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from planproof import cli
from planproof.exits import Exit
from planproof.files import write_atomically

UGLY = "plan   p( n:Int ){ let a=n+1;\n}\n"
PRETTY = "plan p(n: Int) {\n  let a = n + 1;\n}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "p.plan"
    path.write_text(UGLY, encoding="utf-8")
    return path


def test_fmt_rewrites_a_file_and_then_has_nothing_to_do(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["fmt", str(file)]) == Exit.DONE
    assert file.read_text(encoding="utf-8") == PRETTY
    assert capsys.readouterr().out == f"formatted {file}\n"
    before = file.stat()
    assert cli.run(["fmt", str(file)]) == Exit.DONE
    assert capsys.readouterr().out == ""
    assert file.stat() == before


def test_fmt_check_changes_nothing_and_says_so(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["fmt", "--check", str(file)]) == Exit.REFUTED
    assert file.read_text(encoding="utf-8") == UGLY
    assert capsys.readouterr().out == f"would change {file}\n"
    file.write_text(PRETTY, encoding="utf-8")
    assert cli.run(["fmt", "--check", str(file)]) == Exit.DONE


@pytest.mark.parametrize("bad", ["plan p( {", "plan p() { let 'x' = 1; }", "\x00", "é"])
def test_what_cannot_be_read_is_left_as_it_is_and_the_rest_is_done(
    file: Path, tmp_path: Path, bad: str, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.plan"
    broken.write_text(bad, encoding="utf-8")
    assert cli.run(["fmt", str(broken), str(file)]) == Exit.BAD_INPUT
    assert broken.read_text(encoding="utf-8") == bad
    assert file.read_text(encoding="utf-8") == PRETTY
    assert "error[" in capsys.readouterr().err


def test_fmt_formats_stdin_to_stdout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(UGLY.encode())))
    assert cli.run(["fmt", "-"]) == Exit.DONE
    assert capsys.readouterr().out == PRETTY
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"plan \xff")))
    assert cli.run(["fmt", "-"]) == Exit.BAD_INPUT
    assert "error[not-utf8]" in capsys.readouterr().err


def test_a_written_file_keeps_its_mode_and_a_link_stays_a_link(file: Path, tmp_path: Path) -> None:
    file.chmod(0o640)
    link = tmp_path / "link.plan"
    link.symlink_to(file)
    write_atomically(link, "new\n")
    assert link.is_symlink()
    assert file.read_text(encoding="utf-8") == "new\n"
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_new_file_has_the_mode_that_files_have_here(tmp_path: Path) -> None:
    write_atomically(tmp_path / "new", "text")
    (tmp_path / "other").write_text("text", encoding="utf-8")
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(file, "new")
    assert file.read_text(encoding="utf-8") == UGLY
    assert list(tmp_path.iterdir()) == [file]
    assert cli.run(["fmt", str(file)]) == Exit.USAGE
    assert file.read_text(encoding="utf-8") == UGLY
