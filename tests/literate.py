"""Literate tests: Markdown whose fenced blocks are texts of the language that say what is expected.

A section is what stands below a heading.  Its fenced blocks ```domain, ```policy and ```plan are
texts; a section without a domain (or policy) of its own uses those of the file's first section that
has a domain, and one with a domain but no policy has no policy.  Each plan block is a case; a
section with a domain or policy but no plan is one too.  Comments in the texts say what is expected:

    // error: [code]        a diagnostic with that code begins on this line, and the text is refused
    // warning: [code]      the same for a warning
    // refuted: [kind]      an obligation of that kind that arises on this line is refuted
    // unknown: [code]      an undecided obligation of that kind, or a diagnostic with that code
    // proved               (on the first line of a plan) every obligation is proved

Errors, refuted and undecided obligations are compared exactly: one that no comment expects fails
the case as well.  A ```report block after a plan is the text report on it; `ACCEPT=1` rewrites it.

The idea is that of mdtest, the test format of ty (Astral).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from planproof import workspace
from planproof.spec import parse, typecheck, typed
from planproof.spec.diagnostic import Diagnostic, render
from planproof.spec.limits import DEFAULT
from planproof.spec.source import Source
from planproof.verifier.report import data
from planproof.verifier.report.text import report_text

WORDS = ("error", "warning", "refuted", "unknown")
_EXPECTATION = re.compile(r"//\s*(error|warning|refuted|unknown):\s*((?:\[[a-z0-9-]+\][,\s]*)+)")
_FENCE = re.compile(r"^```(\w*)\s*$")

Finding = tuple[str, str, int, str]
"""What (`error`, ...), in which kind of text, on which of its lines, and the code or kind."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced text; `line` is where it begins in the file, counted from one."""

    kind: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    blocks: list[Block] = field(default_factory=list)

    def own(self, kind: str) -> list[Block]:
        return [each for each in self.blocks if each.kind == kind]


@dataclass(frozen=True, slots=True)
class Case:
    """One plan (or none) in one world, and the report block that follows it, if there is one."""

    file: Path
    title: str
    domain: Block
    policies: tuple[Block, ...]
    plan: Block | None
    report: Block | None

    def __str__(self) -> str:
        line = self.plan.line if self.plan is not None else self.domain.line
        return f"{self.file.name}:{line}:{re.sub(r'[^a-z0-9]+', '-', self.title.lower())}"


def sections(text: str) -> list[Section]:
    """The sections of a file in order; a fence that does not end is an error."""
    found = [Section("")]
    inside: tuple[str, int] | None = None
    lines: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        fence = _FENCE.match(line)
        if inside is not None:
            if fence is not None and fence[1] == "":
                found[-1].blocks.append(Block(inside[0], "\n".join([*lines, ""]), inside[1] + 1))
                inside = None
            else:
                lines.append(line)
        elif fence is not None:
            inside, lines = (fence[1], number), []
        elif line.startswith("#"):
            found.append(Section(line.lstrip("# ")))
    if inside is not None:
        raise ValueError(f"the block that begins on line {inside[1]} does not end")
    return found


def cases(file: Path) -> Iterator[Case]:
    """The cases of a file, in order."""
    parts = sections(file.read_text(encoding="utf-8"))
    first = next((each for each in parts if each.own("domain")), None)
    for part in parts:
        domains = part.own("domain") or (first.own("domain") if first is not None else [])
        policies = part.own("policy")
        if not policies and first is not None and not part.own("domain"):
            policies = first.own("policy")
        if part is not first and not any(map(part.own, ("domain", "policy", "plan"))):
            continue  # prose
        if len(domains) != 1:
            raise ValueError(f"{file.name}: section `{part.title}` has {len(domains)} domains")
        plans = part.own("plan")
        for plan in plans:
            after = part.blocks[part.blocks.index(plan) + 1 :]
            report = after[0] if after and after[0].kind == "report" else None
            yield Case(file, part.title, domains[0], tuple(policies), plan, report)
        if not plans and (part is not first or expected("domain", domains[0].text)):
            yield Case(file, part.title, domains[0], tuple(policies), None, None)


def expected(kind: str, text: str) -> set[Finding]:
    """What the comments of a text expect."""
    found: set[Finding] = set()
    for number, line in enumerate(text.split("\n"), 1):
        for match in _EXPECTATION.finditer(line):
            for code in re.findall(r"\[([a-z0-9-]+)\]", match[2]):
                found.add((match[1], kind, number, code))
    return found


@dataclass(slots=True)
class Outcome:
    """What was found, and what a person needs to see where it is not what was expected."""

    findings: set[Finding] = field(default_factory=set)
    verdicts: list[data.FileVerdict] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    report: str = ""


def outcome(case: Case) -> Outcome:
    """Parses, checks and verifies the texts of a case."""
    found = Outcome()
    world = _world(case, found)
    if world is None or case.plan is None:
        return found
    source = Source("plan", case.plan.text)
    verified = workspace.verify_text(source, world, workspace.Asked())
    for diagnostic in verified.diagnostics:
        _note(found, diagnostic)
    for plan in verified.plans:
        found.verdicts.append(plan.verdict)
        for diagnostic in plan.diagnostics:
            place = diagnostic.at
            found.findings.add(("unknown", place.file, place.line, diagnostic.code))
            found.shown.append(f"{diagnostic.code}: {diagnostic.message}")
        for diagnostic in plan.warnings:
            _note(found, diagnostic)
        for owed in plan.obligations + plan.domain_obligations:
            if owed.verdict != "proved":
                found.findings.add((owed.verdict, owed.at.file, owed.at.line, owed.kind))
                found.shown.append(
                    f"{owed.at.file}:{owed.at.line}: {owed.verdict} {owed.kind} {owed.says}"
                    f" ({owed.message}; {owed.reason})"
                )
        refuted = {each.kind for each in plan.obligations if each.verdict == "refuted"}
        if refuted - {"witness"}:  # that no run gets somewhere is proved, and not shown by a run
            assert plan.counterexample is not None, "refuted without a counterexample"
            assert plan.counterexample.replayed, "refuted by a run that was not replayed"
    if not verified.plans:
        found.verdicts.append("bad-input")
    else:
        report = workspace._report([verified], DEFAULT)
        found.report = report_text(report, verified.sources, explain=False, colour=False)
    return found


def _world(case: Case, found: Outcome) -> typed.World | None:
    """The checked domain and policies; None where one of them has an error."""
    domain = None
    file, wrong = parse.parse_domain(Source("domain", case.domain.text))
    if file is not None:
        domain, more = typecheck.check_domain(file)
        wrong += more
    _note_all(found, wrong)
    if domain is None:
        found.verdicts.append("bad-input")
        return None
    policies = []
    for block in case.policies:
        policy = None
        text, wrong = parse.parse_policy(Source("policy", block.text))
        if text is not None:
            policy, more = typecheck.check_policy(text, domain)
            wrong += more
        _note_all(found, wrong)
        if policy is None:
            found.verdicts.append("bad-input")
            return None
        policies.append(policy)
    return typed.World(domain, tuple(policies))


def _note_all(found: Outcome, diagnostics: tuple[Diagnostic, ...]) -> None:
    for each in diagnostics:
        found.shown.append(render(each))
        _note(found, data.DiagnosticReport.of(each))


def _note(found: Outcome, diagnostic: data.DiagnosticReport) -> None:
    place = diagnostic.at
    found.findings.add((diagnostic.severity, place.file, place.line, diagnostic.code))
    found.shown.append(f"{place.file}:{place.line}: {diagnostic.severity} {diagnostic.code}")


def check(case: Case) -> Outcome:
    """What was found, after it was compared with what the comments say; raises AssertionError."""
    texts = [case.domain, *case.policies, *([case.plan] if case.plan is not None else [])]
    wanted = {finding for block in texts for finding in expected(block.kind, block.text)}
    says_proved = case.plan is not None and case.plan.text.startswith("// proved")
    assert wanted or says_proved, "the case expects nothing, so it can't fail"

    found = outcome(case)

    # Warnings are compared one way: a text about one thing may well be warned about another.  So
    # are witnesses beside another violation: where every run breaks something, none gets further.
    unexpected = {each for each in found.findings - wanted if each[0] != "warning"}
    if any(each[0] == "refuted" and each[3] != "witness" for each in wanted):
        unexpected = {each for each in unexpected if each[3] != "witness"}
    shown = "\n".join(found.shown)
    assert not unexpected, f"not expected: {sorted(unexpected)}\n{shown}"
    assert not wanted - found.findings, f"missing: {sorted(wanted - found.findings)}\n{shown}"
    if says_proved:
        assert data.worst(found.verdicts) == "proved", shown
    for word, verdict in (("error", "bad-input"), ("refuted", "refuted")):
        if any(each[0] == word for each in wanted):
            assert data.worst(found.verdicts) == verdict, shown
    return found
