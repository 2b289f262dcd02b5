"""Reports: what people read, what programs parse, and what becomes a certificate."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from planproof.proofs import certificate
from planproof.spec.source import Source
from planproof.verifier.report import data, schema
from planproof.verifier.report.json_form import report_json
from planproof.verifier.report.text import VALUE_SHOWN_MAX, headline, report_text, show

ZERO = "sha256:" + "0" * 64
PLAN = Source("pay.plan", "plan pay(n: Int)\n  ensures n > 0\n{\n  transfer(n);\n}\n")
CALL = data.Place("pay.plan", 4, 3, 4, 15)
ENSURES = data.Place("pay.plan", 2, 11, 2, 16)
REQUIRES = data.Place("bank.domain", 7, 12, 7, 22)

OWED = data.ObligationReport(
    id="pay/0",
    kind="requires",
    name="transfer#1",
    verdict="proved",
    at=CALL,
    clause=REQUIRES,
    says="amount > 0",
    message="the argument is positive whenever the call is made",
    rlimit_used=120,
    digest=ZERO,
    used=("requires of pay",),
)
TRACE = data.Counterexample(
    obligation="pay/0",
    replayed=True,
    inputs={"n": 0},
    initial_state={"balance": {"Account!0": 10}},
    steps=(
        data.Step(CALL, "look", {"who": "Account!0"}, "returned", 10, {}, {"calls": 1}),
        data.Step(CALL, "transfer", {"amount": 0}, "not-attempted", None, {}, {"calls": 2}),
    ),
    violated="amount > 0 is false: amount = 0",
)
PROVED = data.PlanReport(
    plan="pay",
    file="pay.plan",
    digest=ZERO,
    core=ZERO,
    domain=data.TextReport("bank", "bank.domain", ZERO),
    policies=(),
    verdict="proved",
    obligations=(OWED,),
    domain_obligations=(replace(OWED, id="tool transfer/0", kind="consistent"),),
    bounds=data.Bounds(
        9,
        {"calls": data.ResourceBound(2, 10), "usd": data.ResourceBound("0.50", "12.50")},
    ),
    invariants=(data.InvariantReport(CALL, "n >= 0"),),
    assumptions=(data.AssumptionReport("tool-contract", "transfer", "ensures ...", True),),
    warnings=(),
    diagnostics=(),
    seconds={"parse": 0.1, "solve": 0.2},
)
REFUTED = replace(
    PROVED,
    verdict="refuted",
    obligations=(replace(OWED, verdict="refuted", message=""),),
    counterexample=TRACE,
)


def report(*plans: data.PlanReport) -> data.Report:
    return data.Report(
        schema=data.REPORT_SCHEMA,
        planproof="0.1.0",
        solver=data.Solver("z3", "5.4.1", 5_000_000, 0),
        verdict=data.worst(each.verdict for each in plans),
        plans=plans,
        diagnostics=(),
    )


def text(*plans: data.PlanReport, explain: bool = False, colour: bool = False) -> str:
    return report_text(report(*plans), {"pay.plan": PLAN}, explain=explain, colour=colour)


# ---- for people --------------------------------------------------------------------------------


def test_a_proved_plan_is_one_line_and_what_it_rests_on() -> None:
    assert text(PROVED) == (
        "proved   pay  (pay.plan): 2 obligations; at worst calls 2 of 10, usd 0.50 of 12.50\n"
        "  rests on 1 assumption (1 tool-contract); --explain lists them\n"
    )


def test_a_refuted_plan_shows_the_place_and_the_run() -> None:
    assert text(REFUTED) == (
        "refuted  pay  (pay.plan): 1 of 2 obligations not proved; "
        "at worst calls 2 of 10, usd 0.50 of 12.50\n"
        "error[requires]: precondition of `transfer` does not hold\n"
        " --> pay.plan:4:3\n"
        "   |\n"
        " 4 |   transfer(n);\n"
        "   |   ^^^^^^^^^^^^\n"
        "  counterexample, replayed step by step:\n"
        "    inputs: n = 0\n"
        '    state:  balance = {Account!0: 10}\n'
        "    1. look(who: Account!0) returned 10 (line 4; so far calls 1)\n"
        "    2. transfer(amount: 0) not attempted (line 4; so far calls 2)\n"
        "    so amount > 0 is false: amount = 0\n"
    )


def test_the_clause_that_demands_it_is_quoted_where_its_text_is_known() -> None:
    owed = replace(OWED, verdict="refuted", kind="ensures", name="pay", clause=ENSURES)
    drawn = text(replace(REFUTED, obligations=(owed,)))
    assert "2 |   ensures n > 0\n" in drawn
    assert "----- this is what demands it" in drawn


def test_three_facts_have_three_wordings() -> None:
    unknown = replace(OWED, verdict="unknown", reason="the solver says unknown")
    assert headline(replace(OWED, verdict="refuted")).endswith("does not hold")
    assert headline(unknown).endswith("might not hold")
    assert headline(replace(unknown, limit=5_000_000)).endswith(
        "could not be decided within 5,000,000 solver units"
    )


def test_a_model_that_does_not_replay_is_not_called_a_counterexample() -> None:
    owed = replace(OWED, verdict="unknown", reason="its model does not replay")
    drawn = text(
        replace(
            REFUTED,
            verdict="unknown",
            obligations=(owed,),
            counterexample=replace(TRACE, replayed=False),
        )
    )
    assert "does not replay, so it refutes nothing" in drawn
    assert "counterexample" not in drawn


def test_explain_says_all_that_the_summary_counts() -> None:
    drawn = text(PROVED, explain=True)
    for said in (
        OWED.message,
        "amount > 0",
        "by requires of pay",
        "inferred for the loop at line 4: n >= 0",
        "assumes [tool-contract, looked at in every run] transfer: ensures ...",
    ):
        assert said in drawn


def test_what_a_shared_domain_owes_is_said_once() -> None:
    owed = (replace(OWED, id="tool transfer/0", kind="consistent", verdict="refuted"),)
    one = replace(PROVED, verdict="refuted", domain_obligations=owed)
    assert text(one, replace(one, plan="other")).count("error[consistent]") == 1


def test_a_plan_cannot_draw_over_its_own_verdict() -> None:
    evil = "\x1b[2J\rproved\n\u202e"
    step = replace(TRACE.steps[0], arguments={"who": evil}, call=evil)
    plan = replace(
        REFUTED,
        file=evil,
        obligations=(replace(REFUTED.obligations[0], message=evil, name=evil),),
        counterexample=replace(TRACE, steps=(step,), violated=evil, inputs={evil: evil}),
        assumptions=(data.AssumptionReport("k", evil, evil, False),),
    )
    drawn = text(plan, explain=True)
    assert all(each.isprintable() or each == "\n" for each in drawn)
    assert not any(line.startswith("proved") for line in drawn.splitlines())


def test_colour_is_only_decoration() -> None:
    coloured = text(REFUTED, PROVED, colour=True)
    assert "\x1b[31;1mrefuted" in coloured
    plain = coloured
    for style in ("31;1", "32;1", "33;1", "1", "0"):
        plain = plain.replace(f"\x1b[{style}m", "")
    assert plain == text(REFUTED, PROVED)


def test_a_long_value_is_cut_in_text() -> None:
    assert len(show(list(range(10_000)))) == VALUE_SHOWN_MAX + len(" ...")


# ---- for programs ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(schema.FILES))
def test_the_schema_that_is_shipped_is_the_one_that_is_generated(name: str) -> None:
    shipped = Path(schema.__file__).with_name(name).read_text(encoding="utf-8")
    assert shipped == schema.generate(name), "run `just schema`"


def validator(name: str) -> jsonschema.Draft202012Validator:
    loaded = json.loads(Path(schema.__file__).with_name(name).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(loaded)
    return jsonschema.Draft202012Validator(loaded)


@pytest.mark.parametrize("plans", [(), (PROVED,), (REFUTED, PROVED)])
def test_the_json_form_is_as_its_schema_says(plans: tuple[data.PlanReport, ...]) -> None:
    validator("report.schema.json").validate(json.loads(report_json(report(*plans))))


def test_the_schema_refuses_what_is_not_in_it() -> None:
    found = json.loads(report_json(report(REFUTED)))
    check = validator("report.schema.json")
    spoilers: list[Callable[[Any], object]] = [
        lambda it: it.update(extra=1),
        lambda it: it.update(verdict="fine"),
        lambda it: it["plans"][0]["obligations"][0].pop("digest"),
        lambda it: it["plans"][0]["obligations"][0].update(reason=None),
        lambda it: it["plans"][0]["bounds"].update(steps="9"),
    ]
    for spoil in spoilers:
        spoilt = json.loads(json.dumps(found))
        spoil(spoilt)
        assert not check.is_valid(spoilt)


def test_what_is_none_is_left_out_of_json_but_a_result_is_not() -> None:
    found = json.loads(report_json(report(PROVED, REFUTED)))
    assert "counterexample" not in found["plans"][0]
    assert "reason" not in found["plans"][0]["obligations"][0]
    assert found["plans"][1]["counterexample"]["steps"][1]["result"] is None


# ---- verdicts and certificates -----------------------------------------------------------------


def test_the_worst_verdict_counts_and_nothing_is_not_proved() -> None:
    assert data.worst(["proved", "unknown"]) == "unknown"
    assert data.worst(["proved", "unknown", "refuted"]) == "refuted"
    assert data.worst(["refuted", "bad-input", "proved"]) == "bad-input"
    assert data.worst(["proved"]) == "proved"
    assert data.worst([]) == "unknown"


def test_a_proved_plan_has_a_certificate_that_says_no_more_than_the_report() -> None:
    found = report(PROVED).certificate("pay")
    assert certificate.read(certificate.write(found)) == found
    assert [each.id for each in found.obligations] == ["pay/0", "tool transfer/0"]
    assert found.trusting == ("z3 5.4.1",)
    assert found.bounds.resources[1] == certificate.Bound("usd", "0.50", "12.50")


@pytest.mark.parametrize(
    "plan",
    [
        REFUTED,
        replace(PROVED, verdict="unknown"),
        replace(PROVED, obligations=(replace(OWED, verdict="unknown"),)),
        replace(PROVED, domain_obligations=(replace(OWED, id="d/0", verdict="refuted"),)),
        replace(PROVED, bounds=None),
        replace(
            PROVED,
            diagnostics=(data.DiagnosticReport("not-yet-verified", "error", "rules", CALL),),
        ),
    ],
)
def test_whatever_is_not_wholly_proved_has_no_certificate(plan: data.PlanReport) -> None:
    with pytest.raises(data.NotProved):
        report(plan).certificate()


def test_a_certificate_needs_somebody_to_trust() -> None:
    with pytest.raises(data.NotProved):
        replace(report(PROVED), solver=None).certificate()
