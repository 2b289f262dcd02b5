"""`init` and `verify` from files to exit codes, on the project that `init` writes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import planproof
from planproof import cli, template, workspace
from planproof.exits import Exit
from planproof.proofs import certificate
from planproof.verifier.report import schema

RIGHT, WRONG = "refund.plan", "wrong/refund.plan"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    assert cli.run(["init"]) == Exit.DONE
    return tmp_path


def report(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    """The exit code and the JSON report, which must be as its schema says."""
    capsys.readouterr()
    code = cli.run(["verify", "--format", "json", *arguments])
    found = json.loads(capsys.readouterr().out)
    shipped = Path(schema.__file__).with_name("report.schema.json").read_text(encoding="utf-8")
    jsonschema.validate(found, json.loads(shipped))
    return code, found


def without_seconds(found: dict[str, Any]) -> dict[str, Any]:
    for plan in found["plans"]:
        plan["seconds"] = {}
    return found


# ---- init --------------------------------------------------------------------------------------


def test_what_init_writes_is_proved_and_its_twin_is_refuted(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = report(RIGHT, capsys=capsys)
    assert (code, found["verdict"]) == (Exit.DONE, "proved")
    assert found["plans"][0]["policies"][0]["name"] == "shop_rules"

    code, found = report(WRONG, capsys=capsys)
    assert (code, found["verdict"]) == (Exit.REFUTED, "refuted")
    run = found["plans"][0]["counterexample"]
    assert run["replayed"] is True
    assert run["steps"][0]["call"] == "amount_paid"
    assert run["steps"][0]["result"] == 0  # nothing was paid for this order


def test_what_init_writes_is_in_canonical_form_and_has_no_warnings(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [name for name in template.FILES if name.endswith((".domain", ".policy", ".plan"))]
    assert len(files) == 4
    assert cli.run(["fmt", "--check", *files]) == Exit.DONE
    capsys.readouterr()
    assert cli.run(["check", *files]) == Exit.DONE
    assert capsys.readouterr().out == "checked 4 files: nothing to report\n"


def test_init_overwrites_nothing_and_then_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shop.policy").write_text("mine", encoding="utf-8")
    assert cli.run(["init", str(tmp_path)]) == Exit.BAD_INPUT
    assert "shop.policy exists already" in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["shop.policy"]
    assert (tmp_path / "shop.policy").read_text(encoding="utf-8") == "mine"


# ---- verify ------------------------------------------------------------------------------------


def test_the_report_for_people_says_what_is_wrong_where_and_in_which_run(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert cli.run(["verify", RIGHT, WRONG]) == Exit.REFUTED
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith("proved   refund_order  (refund.plan): ")
    assert "error[requires]: precondition of `refund` does not hold\n" in out
    assert "--> wrong/refund.plan:10:7\n" in out
    assert "counterexample, replayed step by step:" in out
    assert out.endswith("2 plans: 1 proved, 1 refuted\n")


def test_several_plans_of_a_file_are_each_verified(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twice = (here / RIGHT).read_text(encoding="utf-8") + "\nplan nothing() {\n}\n"
    (here / "two.plan").write_text(twice, encoding="utf-8")
    code, found = report("two.plan", capsys=capsys)
    assert code == Exit.DONE
    assert [each["plan"] for each in found["plans"]] == ["refund_order", "nothing"]


def test_the_worst_of_several_files_counts_and_the_others_are_still_reported(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "bad.plan").write_text("plan p( {", encoding="utf-8")
    code, found = report(RIGHT, "bad.plan", WRONG, capsys=capsys)
    assert (code, found["verdict"]) == (Exit.BAD_INPUT, "bad-input")
    assert [each["verdict"] for each in found["plans"]] == ["proved", "refuted"]
    assert found["diagnostics"][0]["at"]["file"] == "bad.plan"


def test_the_report_is_the_same_for_any_number_of_processes(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "bad.plan").write_text("plan p( {", encoding="utf-8")
    files = [WRONG, RIGHT, "bad.plan", RIGHT, "nowhere.plan"]
    one = report("--jobs", "1", *files, capsys=capsys)
    three = report("--jobs", "3", *files, capsys=capsys)
    assert one[0] == three[0] == Exit.BAD_INPUT
    assert without_seconds(one[1]) == without_seconds(three[1])


def test_the_report_does_not_depend_on_how_python_hashes(here: Path) -> None:
    found = []
    for seed in ("0", "1", "2"):
        done = subprocess.run(
            [sys.executable, "-m", "planproof.cli", "verify", "--format=json", RIGHT, WRONG],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        assert done.returncode == Exit.REFUTED, done.stderr
        found.append(without_seconds(json.loads(done.stdout)))
    assert found[0] == found[1] == found[2]


def test_too_little_effort_is_unknown_and_never_proved(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = report("--rlimit", "1", RIGHT, capsys=capsys)
    assert (code, found["verdict"]) == (Exit.UNKNOWN, "unknown")
    assert found["solver"]["rlimit"] == 1
    undecided = [o for o in found["plans"][0]["obligations"] if o["verdict"] != "proved"]
    assert undecided
    assert all(each["reason"] for each in undecided)
    assert cli.run(["verify", "--rlimit", "1", RIGHT]) == Exit.UNKNOWN
    assert "= note: not decided: " in capsys.readouterr().out


def test_explain_says_of_every_obligation_why_it_holds(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, found = report(RIGHT, capsys=capsys)
    assert cli.run(["verify", "--explain", RIGHT]) == Exit.DONE
    out = capsys.readouterr().out
    plan = found["plans"][0]
    for owed in plan["obligations"] + plan["domain_obligations"]:
        assert f"  {owed['id']}  " in out
    assert len(plan["assumptions"]) == out.count("  assumes [")


def test_a_report_goes_to_a_file_wholly_or_is_an_error(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert cli.run(["verify", RIGHT, "-o", "report.txt"]) == Exit.DONE
    assert capsys.readouterr().out == ""
    assert (here / "report.txt").read_text(encoding="utf-8").startswith("proved ")
    assert cli.run(["verify", RIGHT, "-o", "no/such/folder"]) == Exit.USAGE
    assert "cannot write `no/such/folder`" in capsys.readouterr().err


def test_dump_writes_the_conditions_for_other_solvers(here: Path) -> None:
    assert cli.run(["verify", RIGHT, "--dump", "one"]) == Exit.DONE
    assert list((here / "one").rglob("*.smt2"))
    assert cli.run(["verify", RIGHT, WRONG, "--dump", "two"]) == Exit.REFUTED
    assert list((here / "two/refund").rglob("*.smt2"))
    assert list((here / "two/wrong_refund").rglob("*.smt2"))


def test_a_worker_that_is_killed_is_our_bug_and_proves_nothing(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def dies(name: str, asked: workspace.Asked) -> workspace.Verified:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError(name, asked)

    monkeypatch.setattr(workspace, "verify_file", dies)
    capsys.readouterr()
    assert cli.run(["verify", "--jobs", "2", RIGHT, RIGHT]) == Exit.BUG
    out, err = capsys.readouterr()
    assert out == ""
    assert "internal error" in err


def test_control_c_ends_all_workers(here: Path) -> None:
    """A plan with many branches keeps the workers busy until the signal comes."""
    lines = "".join(
        f"  let a{i} = approve_refund(order, {i + 1});\n" for i in range(9)
    )
    busy = f"plan busy(order: Order)\n  requires order in paid\n{{\n{lines}}}\n"
    for i in range(40):
        (here / f"{i}.plan").write_text(busy, encoding="utf-8")
    files = [f"{i}.plan" for i in range(40)] * 20
    process = subprocess.Popen(
        [sys.executable, "-m", "planproof.cli", "verify", "--jobs", "2", *files],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    time.sleep(1.5)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    out, err = process.communicate(timeout=20)
    assert process.returncode == Exit.INTERRUPTED, err
    assert (out, err) == ("", "\n")  # so that the shell's prompt does not stand after the ^C


def test_control_c_ends_a_proof_that_takes_long(here: Path) -> None:
    """Z3 has a handler of its own, after which a run would go on as if the solver had given up."""
    text = "plan long(order: Order)\n  requires order in paid\n{\n"
    text += "".join(f"  let a{i} = approve_refund(order, {i + 1});\n" for i in range(400)) + "}\n"
    (here / "long.plan").write_text(text, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "planproof.cli", "verify", "long.plan", "long.plan", "--jobs", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == Exit.INTERRUPTED, err
    assert (out, err) == ("", "\n")


# ---- certificates ------------------------------------------------------------------------------


def test_a_proved_plan_gets_a_certificate_of_its_very_texts(here: Path) -> None:
    assert cli.run(["verify", RIGHT, "--certificate", "c.json"]) == Exit.DONE
    found = certificate.read((here / "c.json").read_text(encoding="utf-8"))
    plan, domain, policy = (
        (here / name).read_text(encoding="utf-8") for name in (RIGHT, "shop.domain", "shop.policy")
    )
    assert certificate.matches(found, certificate.Texts(plan, domain, (policy,)))
    assert not certificate.matches(found, certificate.Texts(plan + "\n", domain, (policy,)))
    assert found.trusting[0].startswith("z3 ")


def test_what_is_not_proved_gets_no_certificate(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["verify", WRONG, "--certificate", "c.json"]) == Exit.REFUTED
    assert not (here / "c.json").exists()
    assert "no certificate written: `refund_order` is refuted" in capsys.readouterr().err
    assert cli.run(["verify", RIGHT, "--rlimit", "1", "--certificate", "c.json"]) == Exit.UNKNOWN
    assert not (here / "c.json").exists()


def test_the_certificates_of_several_plans_go_to_a_folder(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "other.plan").write_text("plan nothing() {\n}\n", encoding="utf-8")
    assert cli.run(["verify", RIGHT, "other.plan", "--certificate", "c"]) == Exit.USAGE
    assert "must be a folder" in capsys.readouterr().err
    (here / "c").mkdir()
    assert cli.run(["verify", RIGHT, "other.plan", "--certificate", "c"]) == Exit.DONE
    assert sorted(each.name for each in (here / "c").iterdir()) == [
        "nothing.certificate.json",
        "refund_order.certificate.json",
    ]
    assert cli.run(["verify", RIGHT, WRONG, "--certificate", "c"]) == Exit.USAGE
    assert "two of the plans are called `refund_order`" in capsys.readouterr().err


# ---- the Python interface ----------------------------------------------------------------------


def test_the_python_interface_says_the_same(here: Path) -> None:
    world = planproof.load("shop.domain", "shop.policy")
    right = planproof.verify(RIGHT, world)
    assert right.verdict == "proved"
    assert right.certificate().plan.name == "refund_order"
    assert right.bounds is not None
    wrong = planproof.verify((here / WRONG).read_text(encoding="utf-8"), world)
    assert wrong.verdict == "refuted"
    assert wrong.counterexample is not None
    with pytest.raises(planproof.NotProved):
        wrong.certificate()
    assert planproof.verify("plan p( {", world).verdict == "bad-input"
    assert planproof.verify(Path("nowhere.plan"), world).verdict == "bad-input"
    assert planproof.verify(RIGHT, world, rlimit=1).verdict == "unknown"


def test_loading_bad_texts_raises_with_all_that_is_wrong(here: Path) -> None:
    (here / "bad.domain").write_text("domain shop;\ntype A = Wrong;\ntype B = Worse;\n", "utf-8")
    with pytest.raises(planproof.BadInput) as caught:
        planproof.load("bad.domain")
    assert len(caught.value.diagnostics) == 2
    with pytest.raises(planproof.BadInput, match="there is no file"):
        planproof.load("shop.domain", "nowhere.policy")
