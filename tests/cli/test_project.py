"""Which domain and policies count: the command line, `planproof.toml`, and nothing guessed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planproof import cli, project
from planproof.exits import Exit
from planproof.workspace import Against, Workspace

DOMAIN = "domain shop;\n\ntool look() -> Bool\n  cost seconds 1;\n"
POLICY = "policy rules for shop;\n\nbudget calls <= 1;\n"
PLAN = "plan p() {\n  let _seen = look();\n}\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "shop.domain": DOMAIN,
        "rules.policy": POLICY,
        "p.plan": PLAN,
        "planproof.toml": 'domain = "shop.domain"\npolicies = ["rules.policy"]\n',
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def checked(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    """The exit code of `check` and the codes it reports."""
    code = cli.run(["check", "--format", "json", *arguments])
    found = json.loads(capsys.readouterr().out)
    return code, [each["code"] for each in found["diagnostics"] if each["severity"] == "error"]


def test_the_project_file_says_what_a_plan_is_verified_against(here: Path) -> None:
    against, found = Workspace().against("p.plan", Against())
    assert (against, found) == (Against("shop.domain", ("rules.policy",)), ())


def test_the_nearest_project_file_counts_and_its_paths_are_relative_to_it(here: Path) -> None:
    inner = here / "a" / "b"
    inner.mkdir(parents=True)
    assert Workspace().against("a/b/p.plan", Against())[0].domain == "shop.domain"
    (here / "a" / project.FILE_NAME).write_text('domain = "b/near.domain"', encoding="utf-8")
    assert Workspace().against("a/b/p.plan", Against())[0] == Against("a/b/near.domain", ())


def test_the_command_line_wins_key_by_key_so_no_policy_is_lost(here: Path) -> None:
    space = Workspace()
    given, _ = space.against("p.plan", Against("other.domain"))
    assert given == Against("other.domain", ("rules.policy",))
    given, _ = space.against("p.plan", Against(None, ("x.policy", "y.policy")))
    assert given == Against("shop.domain", ("x.policy", "y.policy"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('domain = "shop.domain"\npolicy = ["rules.policy"]', "unknown key `policy`"),
        ('domain = "shop.domain"\n[tools]\nx = 1', "unknown key `tools`"),
        ('policies = "rules.policy"', "`policies` is not a list"),
        ("policies = [1]", "`policies` is not a list"),
        ("domain = 3", "`domain` is not the name"),
        ("domain = ", "not TOML: invalid value"),
        ("domain = 'a'\ndomain = 'b'", "not TOML: cannot overwrite"),
        ("a" + ".a" * 8_000 + " = 1", "unknown key `a`"),
        ("x = " + "[" * 16_000, "not TOML"),
    ],
)
def test_a_project_file_that_is_not_understood_is_bad_input(
    here: Path, text: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / project.FILE_NAME).write_text(text, encoding="utf-8")
    for command in ("check", "verify"):
        assert cli.run([command, "p.plan"]) == Exit.BAD_INPUT
        out = capsys.readouterr().out
        assert "error[bad-project]" in out
        assert says in out


def test_a_misspelt_key_is_shown_where_it_stands_and_corrected(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / project.FILE_NAME).write_text('domain = "d"\npolicis = []\n', encoding="utf-8")
    assert cli.run(["check", "p.plan"]) == Exit.BAD_INPUT
    out = capsys.readouterr().out
    assert "--> planproof.toml:2:1\n" in out
    assert "did you mean `policies`?" in out


def test_a_project_file_that_cannot_be_read_is_bad_input(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / project.FILE_NAME).write_bytes(b"\xff")
    assert checked("p.plan", capsys=capsys) == (Exit.BAD_INPUT, ["not-utf8"])


def test_a_plan_without_a_domain_is_bad_input(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / project.FILE_NAME).unlink()
    assert checked("p.plan", capsys=capsys) == (Exit.BAD_INPUT, ["no-domain"])
    assert checked("p.plan", "--domain", "shop.domain", capsys=capsys) == (Exit.DONE, [])
    assert cli.run(["verify", "p.plan"]) == Exit.BAD_INPUT


def test_check_takes_the_only_domain_among_the_files(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / project.FILE_NAME).unlink()
    files = ["shop.domain", "rules.policy", "p.plan"]
    assert checked(*files, capsys=capsys) == (Exit.DONE, [])
    (here / "other.domain").write_text("domain other;\n", encoding="utf-8")
    code, codes = checked(*files, "other.domain", capsys=capsys)
    assert (code, codes) == (Exit.BAD_INPUT, ["no-domain", "no-domain"])


def test_an_error_in_the_domain_is_said_once_for_all_plans(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "shop.domain").write_text("domain shop\n", encoding="utf-8")
    (here / "q.plan").write_text(PLAN, encoding="utf-8")
    code, codes = checked("p.plan", "q.plan", "shop.domain", capsys=capsys)
    assert code == Exit.BAD_INPUT
    assert len(codes) == 1
    assert cli.run(["verify", "p.plan", "q.plan"]) == Exit.BAD_INPUT
    assert capsys.readouterr().out.count("error[") == 1


def test_a_policy_that_is_missing_is_never_passed_over(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "rules.policy").unlink()
    assert checked("p.plan", capsys=capsys) == (Exit.BAD_INPUT, ["file-not-found"])
    assert cli.run(["verify", "p.plan"]) == Exit.BAD_INPUT
    assert "proved" not in capsys.readouterr().out


def test_a_file_of_another_kind_is_bad_input(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["verify", "shop.domain"]) == Exit.BAD_INPUT
    assert "error[wrong-kind]" in capsys.readouterr().out
    assert cli.run(["verify", "p.plan", "--domain", "p.plan"]) == Exit.BAD_INPUT
    assert "error[wrong-kind]" in capsys.readouterr().out
