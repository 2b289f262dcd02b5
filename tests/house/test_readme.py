"""What README.md shows is what the program says. `ACCEPT=1 pytest tests/house` writes it anew."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from planproof import cli
from planproof.exits import Exit

README = Path(__file__).resolve().parents[2] / "README.md"
TRANSCRIPT = re.compile(r"(<!-- transcript: (.*?) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def test_the_transcripts_are_what_the_program_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = README.read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    def run(found: re.Match[str]) -> str:
        said = ""
        for command in found[2].split(" && "):
            name, *arguments = command.split()
            assert name == "planproof"
            assert cli.run(arguments) in (Exit.DONE, Exit.REFUTED), capsys.readouterr().err
            said += f"$ {command}\n{capsys.readouterr().out}"
        return f"{found[1]}\n```console\n{said}```\n\n{found[4]}"

    assert TRANSCRIPT.search(text), "README.md shows no transcript"
    fresh = TRANSCRIPT.sub(run, text)
    if os.environ.get("ACCEPT") == "1":
        README.write_text(fresh, encoding="utf-8")
        return
    assert text == fresh, "run ACCEPT=1 pytest tests/house/test_readme.py"
