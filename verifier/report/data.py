"""What was found, as data: the report that people read, programs parse, certificates are made of.

Everything here is plain text, numbers and places (file, line, column), so a report can cross a
process boundary and be written as JSON without the trees it came from.  Field names are the keys
of the JSON form (`planproof.report/1`), whose schema is generated from this module; a field that
has the default None is left out there when it is None.

Left out: how a report is drawn (`text`), written (`json_form`) or typed for others (`schema`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, TypeAlias

from planproof.spec.diagnostic import Diagnostic
from planproof.spec.node import dataclass, field
from planproof.spec.source import Span

if TYPE_CHECKING:
    from planproof.proofs.certificate import Certificate

Json: TypeAlias = object
"""None, bool, int, str, or a list or dict (keys are str) of such; never a float."""

Verdict: TypeAlias = Literal["proved", "refuted", "unknown"]
FileVerdict: TypeAlias = Literal["proved", "refuted", "unknown", "bad-input"]

_WORST_FIRST: tuple[FileVerdict, ...] = ("bad-input", "refuted", "unknown", "proved")

REPORT_SCHEMA: Literal["planproof.report/1"] = "planproof.report/1"
CHECK_SCHEMA: Literal["planproof.check/1"] = "planproof.check/1"


def worst(verdicts: Iterable[FileVerdict]) -> FileVerdict:
    """The verdict of the whole: the worst of the parts; nothing at all is `unknown`."""
    found = set(verdicts)
    return next((each for each in _WORST_FIRST if each in found), "unknown")


# ---- places and findings -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """A range of a file; lines and columns count from one, the end is not included."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    @classmethod
    def of(cls, span: Span) -> Place:
        line, column = span.source.locate(span.start)
        end_line, end_column = span.source.locate(span.end)
        return cls(span.source.name, line, column, end_line, end_column)


@dataclass(frozen=True, slots=True)
class LabelReport:
    """A second place that belongs to a finding, and a few words on why."""

    at: Place
    message: str


@dataclass(frozen=True, slots=True)
class DiagnosticReport:
    """An error or a warning about a text; `code` has a page (`planproof explain CODE`)."""

    code: str
    severity: Literal["error", "warning"]
    message: str
    at: Place
    here: str = ""  # a few words drawn under the place
    labels: tuple[LabelReport, ...] = ()
    notes: tuple[str, ...] = ()
    help: str | None = None

    @classmethod
    def of(cls, diagnostic: Diagnostic) -> DiagnosticReport:
        return cls(
            diagnostic.code,
            diagnostic.severity.value,
            diagnostic.headline,
            Place.of(diagnostic.span),
            diagnostic.here,
            tuple(LabelReport(Place.of(each.span), each.text) for each in diagnostic.labels),
            diagnostic.notes,
            diagnostic.help,
        )


# ---- one plan ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TextReport:
    """A domain or a policy by its name, file and the digest of its text (`sha256:...`)."""

    name: str
    file: str
    digest: str


@dataclass(frozen=True, slots=True)
class ObligationReport:
    """One obligation and what became of it.

    `at` is where it arises, `clause` the text that demands it (maybe in another file) and `says`
    that text on one line.  `message` is a sentence on why it holds or fails.  `digest` identifies
    the closed condition; `used` names the clauses its proof used; `rlimit_used` counts solver
    resource units.  `reason` says why the verdict is `unknown`, and only then; `limit` is the
    number of units that did not suffice where that is the reason.
    """

    id: str
    kind: str
    name: str
    verdict: Verdict
    at: Place
    clause: Place
    says: str
    message: str
    rlimit_used: int
    digest: str
    used: tuple[str, ...] = ()
    reason: str | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a run.

    `result` is None where nothing came back; `state` is what the call changed, by the name of the
    state; `costs` is what has been charged since the start, this call included.
    """

    at: Place
    call: str
    arguments: dict[str, Json]
    outcome: Literal["returned", "failed", "failed-dirty", "not-attempted"]
    result: Json
    state: dict[str, Json]
    costs: dict[str, int | str]


@dataclass(frozen=True, slots=True)
class Counterexample:
    """Inputs and tool results under which an obligation is violated.

    `replayed` says that the reference interpreter ran it to that violation; otherwise it is no
    more than what the solver proposed, and nothing is refuted.  `violated` is the condition with
    the values that make it false.  `functions` has, by name, the values that uninterpreted
    functions take: a list of `{"arguments": [...], "result": ...}`.
    """

    obligation: str
    replayed: bool
    inputs: dict[str, Json]
    initial_state: dict[str, Json]
    steps: tuple[Step, ...]
    violated: str
    functions: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResourceBound:
    """The smallest worst case that was proved, and the tightest budget.

    An int, an exact decimal as text (`"12.50"`) or an expression in the plan's parameters;
    `worst` is None where no bound was proved.
    """

    worst: int | str | None
    budget: int | str | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """Worst cases over all runs: core statements executed, and each resource by name."""

    steps: int
    resources: dict[str, ResourceBound]


@dataclass(frozen=True, slots=True)
class InvariantReport:
    """A loop invariant that the verifier found by itself and proved."""

    at: Place
    says: str


@dataclass(frozen=True, slots=True)
class AssumptionReport:
    """Something believed and not proved; `checked_at_run` where an executor can look."""

    kind: str
    of: str
    says: str
    checked_at_run: bool


@dataclass(frozen=True, slots=True)
class PlanReport:
    """All that is known of one plan.

    `digest` is of the whole file's text, since a plan may call others of its file; `core` is of
    the lowered program (`proofs.certificate.core_digest`), empty if there is none.
    `domain_obligations` are what the domain and the policies owe by themselves; the verdict is
    `proved` only if they hold too.  `diagnostics` say what kept the plan from being verified as a
    whole (`not-yet-verified`).  `seconds` is by phase: parse, generate, solve.
    """

    plan: str
    file: str
    digest: str
    core: str
    domain: TextReport
    policies: tuple[TextReport, ...]
    verdict: Verdict
    obligations: tuple[ObligationReport, ...]
    domain_obligations: tuple[ObligationReport, ...]
    bounds: Bounds | None
    invariants: tuple[InvariantReport, ...]
    assumptions: tuple[AssumptionReport, ...]
    warnings: tuple[DiagnosticReport, ...]
    diagnostics: tuple[DiagnosticReport, ...]
    seconds: dict[str, float]
    counterexample: Counterexample | None = None


# ---- the whole ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Solver:
    """Who decided the conditions, and how far it was let: `rlimit` resource units for each."""

    name: str
    version: str
    rlimit: int
    seed: int


class NotProved(Exception):
    """A certificate was asked for a plan that is not proved."""


@dataclass(frozen=True, slots=True)
class Report:
    """The report on any number of plans.

    `diagnostics` are what was found in the files before anything was proved; a file with an error
    among them has no entry in `plans`.  `solver` is None where no plan got as far as that.
    """

    schema: Literal["planproof.report/1"]
    planproof: str
    solver: Solver | None
    verdict: FileVerdict
    plans: tuple[PlanReport, ...]
    diagnostics: tuple[DiagnosticReport, ...]

    @property
    def obligations(self) -> tuple[ObligationReport, ...]:
        """Those of all plans, in order."""
        return tuple(each for plan in self.plans for each in plan.obligations)

    @property
    def counterexample(self) -> Counterexample | None:
        """That of the first plan that has one."""
        return next((p.counterexample for p in self.plans if p.counterexample is not None), None)

    @property
    def bounds(self) -> Bounds | None:
        """Those of the only plan; None where there are several, or where nothing was bounded."""
        return self.plans[0].bounds if len(self.plans) == 1 else None

    def plan(self, name: str | None = None) -> PlanReport:
        """The plan of that name; without a name, the only one. Raises LookupError otherwise."""
        found = [each for each in self.plans if name is None or each.plan == name]
        if len(found) != 1:
            raise LookupError(f"{len(found)} plans" + (f" are called {name}" if name else ""))
        return found[0]

    def certificate(self, plan: str | None = None) -> Certificate:
        """What was proved of the plan of that name (or the only one); see `certificate_of`."""
        return self.certificate_of(self.plan(plan))

    def certificate_of(self, found: PlanReport) -> Certificate:
        """What was proved of one of our plans, to be written down; raises NotProved unless it is.

        A certificate states what was found and names whom that trusts.  It is no evidence by
        itself: whoever needs to be sure verifies the texts again.
        """
        from planproof.proofs import certificate as on_paper

        owed = found.obligations + found.domain_obligations
        open_ones = [each.id for each in owed if each.verdict != "proved"]
        if found.verdict != "proved" or open_ones or found.diagnostics:
            raise NotProved(f"`{found.plan}` is {found.verdict}; only what is proved is certified")
        if found.bounds is None or self.solver is None:
            raise NotProved(f"the report on `{found.plan}` lacks its bounds or its solver")
        return on_paper.Certificate(
            schema=on_paper.SCHEMA,
            planproof=self.planproof,
            plan=on_paper.Text(found.plan, found.digest),
            domain=on_paper.Text(found.domain.name, found.domain.digest),
            policies=tuple(on_paper.Text(each.name, each.digest) for each in found.policies),
            core=found.core,
            obligations=tuple(
                on_paper.Proved(each.id, each.kind, each.name, each.digest) for each in owed
            ),
            invariants=tuple(
                on_paper.Invariant(each.at.line, each.at.column, each.says)
                for each in found.invariants
            ),
            bounds=on_paper.Bounds(
                found.bounds.steps,
                tuple(
                    on_paper.Bound(name, each.worst, each.budget)
                    for name, each in sorted(found.bounds.resources.items())
                ),
            ),
            assumptions=tuple(
                on_paper.Assumption(each.kind, each.of, each.says, each.checked_at_run)
                for each in found.assumptions
            ),
            trusting=(f"{self.solver.name} {self.solver.version}",),
        )


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The report of `check`: names, types and lint; nothing about what holds."""

    schema: Literal["planproof.check/1"]
    planproof: str
    verdict: Literal["done", "bad-input"]
    files: tuple[str, ...]
    diagnostics: tuple[DiagnosticReport, ...]
