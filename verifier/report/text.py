"""The report as a person reads it in a terminal.

One line for each plan with its verdict and its bounds; below it, for each obligation that is not
proved, a diagnostic in the manner of rustc and the counterexample as a numbered run.  The three
facts that are easily confused have three wordings: *does not hold* (a counterexample was replayed),
*might not hold* (we failed to prove it) and *could not be decided within N* (a limit ran out).

Promises: complete without colour; all that the texts or the solver put in it is shown on one line
and without control characters, so a plan cannot draw over its own verdict.  Long values are cut
here; the JSON form has all of them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from planproof.spec.diagnostic import Diagnostic, Label, Severity, render
from planproof.spec.source import Source, Span
from planproof.verifier.report.data import (
    AssumptionReport,
    Bounds,
    CheckReport,
    Counterexample,
    DiagnosticReport,
    Json,
    ObligationReport,
    Place,
    PlanReport,
    Report,
    Step,
)

VALUE_SHOWN_MAX = 160  # characters of one value; a list of 50 records helps nobody

_GREEN, _RED, _YELLOW, _BOLD = "32;1", "31;1", "33;1", "1"
_COLOURS = {
    "proved": _GREEN,
    "done": _GREEN,
    "refuted": _RED,
    "bad-input": _RED,
    "error": _RED,
    "unknown": _YELLOW,
    "warning": _YELLOW,
}

# What each kind of obligation is about, and how we say that it is violated, and that it may be.
_DOES, _MIGHT = "does not hold", "might not hold"
_WORDS: dict[str, tuple[str, str, str]] = {
    "defined": ("`{says}`", "has no value here", "might have no value here"),
    "consistent": ("contract `{name}`", "is not consistent", "might not be consistent"),
    "requires": ("precondition of `{name}`", _DOES, _MIGHT),
    "invariant": ("invariant `{name}`", _DOES, _MIGHT),
    "loop-entry": ("loop invariant", f"{_DOES} at entry", f"{_MIGHT} at entry"),
    "loop-step": ("loop invariant", f"{_DOES} after an iteration", f"{_MIGHT} after an iteration"),
    "termination": ("bound of the loop (`{name}`)", _DOES, _MIGHT),
    "budget": ("budget of `{name}`", _DOES, _MIGHT),
    "refinement": ("`{says}`", "is not of type `{name}`", "might not be of type `{name}`"),
    "ensures": ("postcondition of `{name}`", _DOES, _MIGHT),
    "assert": ("assertion", _DOES, _MIGHT),
    "witness": ("`{name}`", "is reached by no run", "might be reached by no run"),
}


def report_text(
    report: Report,
    sources: Mapping[str, Source],
    *,
    explain: bool = False,
    colour: bool = False,
) -> str:
    """The whole report, ending in a newline; `sources` has the texts to quote, by file name."""
    draw = _Draw(sources, explain, colour)
    blocks = [draw.finding(each) for each in report.diagnostics]
    domain_shown: set[tuple[str, str]] = set()
    for plan in report.plans:
        blocks += draw.plan(plan, domain_shown)
    if len(report.plans) > 1 or not report.plans:
        blocks.append(draw.totals(report))
    return "\n".join(blocks) + "\n"


def check_text(
    report: CheckReport, sources: Mapping[str, Source], *, colour: bool = False
) -> str:
    """The report of `check`, ending in a newline."""
    draw = _Draw(sources, explain=False, colour=colour)
    blocks = [draw.finding(each) for each in report.diagnostics]
    counts = Counter(each.severity for each in report.diagnostics)
    said = ", ".join(_some(counts[each], each) for each in ("error", "warning") if counts[each])
    blocks.append(f"checked {_some(len(report.files), 'file')}: {said or 'nothing to report'}")
    return "\n".join(blocks) + "\n"


class _Draw:
    def __init__(self, sources: Mapping[str, Source], explain: bool, colour: bool) -> None:
        self.sources = sources
        self.explain = explain
        self.colour = colour

    def plan(self, plan: PlanReport, domain_shown: set[tuple[str, str]]) -> Iterator[str]:
        """The verdict of a plan and all that it has to say."""
        yield self._verdict(plan)
        for each in plan.diagnostics:
            yield self.finding(each)
        for owed in plan.domain_obligations:
            # Many plans share a domain; what it owes is said once.
            if (owed.id, owed.digest) not in domain_shown:
                domain_shown.add((owed.id, owed.digest))
                yield from self._obligation(owed, plan.counterexample)
        refuted = [o for o in plan.obligations if o.verdict == "refuted"]
        # What comes after a violation that every run meets is reached by no run: say the cause.
        causes = [o for o in refuted if o.kind != "witness"] or refuted
        shown = causes if causes and not self.explain else plan.obligations
        for owed in shown:
            yield from self._obligation(owed, plan.counterexample)
        left = sum(o.verdict != "proved" for o in plan.obligations) - len(causes)
        if causes and left and not self.explain:
            yield f"  {_some(left, 'more obligation')} not proved; --explain lists them"
        for each in plan.warnings:
            yield self.finding(each)
        if self.explain:
            yield from self._explained(plan)
        elif plan.verdict == "proved" and plan.assumptions:
            yield f"  rests on {_summary(plan.assumptions)}"

    def finding(self, found: DiagnosticReport) -> str:
        """A diagnostic with the lines it speaks of."""
        return self._drawn(
            found.code,
            found.message,
            found.at,
            found.here,
            tuple((each.at, each.message) for each in found.labels),
            found.notes,
            found.help,
            Severity(found.severity),
        )

    def totals(self, report: Report) -> str:
        counts = Counter(each.verdict for each in report.plans)
        said = [
            f"{counts[each]} {each}" for each in ("proved", "refuted", "unknown") if counts[each]
        ]
        errors = sum(each.severity == "error" for each in report.diagnostics)
        if errors:
            said.append(_some(errors, "error"))
        return f"{_some(len(report.plans), 'plan')}: {', '.join(said) or 'nothing to verify'}"

    # ---- parts ----------------------------------------------------------------------------------

    def _verdict(self, plan: PlanReport) -> str:
        owed = plan.domain_obligations + plan.obligations
        open_ones = sum(each.verdict != "proved" for each in owed)
        said = (
            f"{open_ones} of {_some(len(owed), 'obligation')} not proved"
            if open_ones
            else _some(len(owed), "obligation")
        )
        bounds = f"; {_bounds(plan.bounds)}" if plan.bounds is not None else ""
        verdict = self._paint(f"{plan.verdict:<7}", _COLOURS[plan.verdict])
        return f"{verdict}  {plan.plan}  ({_clean(plan.file)}): {said}{bounds}"

    def _obligation(
        self, owed: ObligationReport, counterexample: Counterexample | None
    ) -> Iterator[str]:
        if owed.verdict == "proved":
            return
        shown = counterexample
        if shown is not None and shown.obligation != owed.id:
            shown = None
        labels = () if owed.clause == owed.at else ((owed.clause, "this is what demands it"),)
        notes = [owed.message] if owed.message else []
        if owed.reason is not None:
            notes.append(f"not decided: {owed.reason}")
        yield self._drawn(
            owed.kind, headline(owed), owed.at, "", labels, tuple(notes), None, Severity.ERROR
        )
        if shown is not None:
            yield "\n".join(_run(shown))

    def _explained(self, plan: PlanReport) -> Iterator[str]:
        """Each obligation in words, what was inferred, and all that it rests on."""
        for owed in plan.domain_obligations + plan.obligations:
            where = f"{_clean(owed.at.file)}:{owed.at.line}:{owed.at.column}"
            mark = self._paint(f"{owed.verdict:<7}", _COLOURS[owed.verdict])
            yield f"  {mark}  {owed.id}  {owed.kind} `{_clean(owed.name)}`  {where}"
            yield f"           {_cut(_clean(owed.says))}"
            if owed.message:
                yield f"           {_cut(_clean(owed.message))}"
            if owed.used:
                yield f"           by {_cut(_clean(', '.join(owed.used)))}"
        for found in plan.invariants:
            yield f"  inferred for the loop at line {found.at.line}: {_clean(found.says)}"
        for each in plan.assumptions:
            checked = ", looked at in every run" if each.checked_at_run else ""
            yield f"  assumes [{each.kind}{checked}] {_clean(each.of)}: {_clean(each.says)}"

    def _drawn(
        self,
        code: str,
        message: str,
        at: Place,
        here: str,
        labels: tuple[tuple[Place, str], ...],
        notes: tuple[str, ...],
        help: str | None,
        severity: Severity,
    ) -> str:
        primary = self._span(at)
        lines = tuple(_clean(each) for each in notes)
        if primary is None:
            # No text to quote: the place alone, in the same shape.
            text = "\n".join(
                [
                    f"{severity.value}[{code}]: {_clean(message)}",
                    f" --> {_clean(at.file)}:{at.line}:{at.column}",
                    *(f"  = note: {each}" for each in lines),
                    *([] if help is None else [f"  = help: {_clean(help)}"]),
                ]
            )
        else:
            known = ((self._span(place), text) for place, text in labels)
            text = render(
                Diagnostic(
                    code,
                    _clean(message),
                    primary,
                    _clean(here),
                    tuple(Label(span, _clean(text)) for span, text in known if span is not None),
                    lines,
                    None if help is None else _clean(help),
                    severity,
                )
            )
        head, line_end, rest = text.partition("\n")
        kind, colon, said = head.partition(":")
        return (
            self._paint(kind, _COLOURS[severity.value])
            + self._paint(colon + said, _BOLD)
            + line_end
            + rest
        )

    def _span(self, place: Place) -> Span | None:
        source = self.sources.get(place.file)
        if source is None or not place.end_line <= len(source.line_starts):
            return None
        starts = source.line_starts
        return Span(
            source,
            starts[place.line - 1] + place.column - 1,
            starts[place.end_line - 1] + place.end_column - 1,
        )

    def _paint(self, text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self.colour and text else text


def headline(owed: ObligationReport) -> str:
    """What is wrong with an obligation that is not proved, in one sentence without a full stop."""
    subject, does, might = _WORDS.get(owed.kind, ("`{name}`", _DOES, _MIGHT))
    if owed.verdict == "refuted":
        sentence = f"{subject} {does}"
    elif owed.limit is not None:
        sentence = f"{subject} could not be decided within {owed.limit:,} solver units"
    else:
        sentence = f"{subject} {might}"
    # The texts are filled in last and at once, so a brace in one of them is only a brace.
    return sentence.format(name=owed.name.partition("#")[0], says=owed.says)


def _run(found: Counterexample) -> Iterator[str]:
    """The counterexample as a run that can be followed with a finger."""
    if found.replayed:
        yield "  counterexample, replayed step by step:"
    else:
        yield "  the solver proposed this, but it does not replay, so it refutes nothing:"
    if found.inputs:
        yield f"    inputs: {_bindings(found.inputs)}"
    if found.initial_state:
        yield f"    state:  {_bindings(found.initial_state)}"
    if found.functions:
        yield f"    where:  {_bindings(found.functions)}"
    width = len(str(len(found.steps)))
    last = len(found.steps)
    for number, step in enumerate(found.steps, 1):
        if last > _STEPS_SHOWN_MAX and _STEPS_FIRST < number <= last - _STEPS_LAST:
            if number == _STEPS_FIRST + 1:
                left_out = last - _STEPS_FIRST - _STEPS_LAST
                more = f"... {left_out} more calls (--format json has them all) ..."
                yield f"    {' ' * width}  {more}"
            continue
        yield f"    {number:>{width}}. {_step(step)}"
        if step.state:
            yield f"    {' ' * width}  then {_bindings(step.state)}"
    yield f"    so {_clean(found.violated)}"


_STEPS_SHOWN_MAX = 14  # of a run; of a longer one only its beginning and its end
_STEPS_FIRST = 4
_STEPS_LAST = 6


def _step(step: Step) -> str:
    arguments = ", ".join(f"{_clean(name)}: {show(v)}" for name, v in step.arguments.items())
    outcome = step.outcome.replace("-", " ")
    if step.outcome == "returned" and step.result is not None:
        outcome += f" {show(step.result)}"
    costs = ", ".join(f"{_clean(name)} {amount}" for name, amount in step.costs.items())
    so_far = f"; so far {costs}" if costs else ""
    return f"{_clean(step.call)}({arguments}) {outcome} (line {step.at.line}{so_far})"


def _bindings(values: Mapping[str, Json]) -> str:
    return ", ".join(f"{_clean(name)} = {show(value)}" for name, value in values.items())


def show(value: Json) -> str:
    """A JSON value much as the language writes it, cut at VALUE_SHOWN_MAX characters."""
    return _cut(_shown(value))


def _shown(value: Json) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            # `Account!0` and `Level.high` are names of values; a text is in quotes.
            name = value.replace("!", "", 1).replace(".", "", 1)
            bare = name.isascii() and name.replace("_", "a").isalnum() and name != value
            return value if bare else json.dumps(value, ensure_ascii=True)
        case list() | tuple():
            return "[" + ", ".join(_shown(each) for each in value) + "]"
        case dict():
            inside = ", ".join(f"{_clean(str(k))}: {_shown(v)}" for k, v in value.items())
            return "{" + inside + "}"
        case _:
            raise TypeError(f"a report holds a {type(value).__name__}")


def _bounds(bounds: Bounds) -> str:
    said = []
    for name, bound in bounds.resources.items():
        worst = "not bounded" if bound.worst is None else _clean(str(bound.worst))
        budget = "" if bound.budget is None else f" of {_clean(str(bound.budget))}"
        said.append(f"{name} {worst}{budget}")
    return f"at worst {', '.join(said)}" if said else f"at worst {bounds.steps} steps"


def _summary(assumptions: Iterable[AssumptionReport]) -> str:
    kinds = Counter(each.kind for each in assumptions)
    parts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    return f"{_some(sum(kinds.values()), 'assumption')} ({parts}); --explain lists them"


def _some(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _cut(text: str) -> str:
    return text if len(text) <= VALUE_SHOWN_MAX else text[:VALUE_SHOWN_MAX] + " ..."


def _clean(text: str) -> str:
    """On one line, control and other invisible characters as `?`."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
