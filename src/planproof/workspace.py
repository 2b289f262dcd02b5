"""From file names to reports: finds the domain and the policies, reads, checks, verifies.

This is the glue between the phases, for the command line and the public API; it decides nothing
about plans.  Each phase returns values and diagnostics; here they are put in order, and a text with
an error goes no further.

What is verified against what: `--domain` or the project file's `domain`; `--policy` or the project
file's `policies`.  One is never a reason to drop the other, so naming a domain by hand does not
quietly free a plan from the project's policies.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import planproof
from planproof import project
from planproof.spec import parse, typecheck, typed
from planproof.spec.diagnostic import BadInput, Diagnostic, Severity
from planproof.spec.limits import DEFAULT, Limits
from planproof.spec.node import dataclass, field, replace
from planproof.spec.source import Source, Span

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path

    from planproof.verifier.report import data

Diagnostics = tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class Against:
    """What the command line says a plan is verified against; None and () leave it to a project."""

    domain: str | None = None
    policies: tuple[str, ...] = ()


@dataclass(slots=True)
class Workspace:
    """Reads and checks files, each once; what it found of a file is always the same answer.

    `sources` has every text that was read, by the name a person knows it by.
    """

    limits: Limits = DEFAULT
    sources: dict[str, Source] = field(default_factory=dict)
    _read: dict[str, tuple[Source | None, Diagnostics]] = field(default_factory=dict)
    _worlds: dict[tuple[str, ...], tuple[typed.World | None, Diagnostics]] = field(
        default_factory=dict
    )
    _projects: dict[str, tuple[project.Project | None, Diagnostics]] = field(default_factory=dict)

    def source(self, name: str) -> tuple[Source | None, Diagnostics]:
        """The text of a file."""
        if name not in self._read:
            self._read[name] = parse.read_source(name, self.limits)
            found, trouble = self._read[name]
            if found is not None:
                self.sources[name] = found
            for each in trouble:
                self.sources.setdefault(each.span.source.name, each.span.source)
        return self._read[name]

    def against(self, name: str, given: Against) -> tuple[Against, Diagnostics]:
        """What the file is verified against, by the command line and its project file."""
        if given.domain is not None and given.policies:
            return given, ()
        file = project.find(os.path.dirname(name))
        if file is None:
            return given, ()
        if file not in self._projects:
            self._projects[file] = project.read(file, self.limits)
        found, trouble = self._projects[file]
        for each in trouble:
            self.sources.setdefault(each.span.source.name, each.span.source)
        if found is None:
            return given, trouble
        return Against(given.domain or found.domain, given.policies or found.policies), ()

    def world(
        self, domain: str, policies: tuple[str, ...]
    ) -> tuple[typed.World | None, Diagnostics]:
        """The checked domain and policies of these files; None where one of them has an error."""
        key = (domain, *policies)
        if key not in self._worlds:
            self._worlds[key] = self._world(domain, policies)
        return self._worlds[key]

    def plans(self, source: Source, world: typed.World) -> tuple[typed.PlanSet | None, Diagnostics]:
        """The checked plans of a text."""
        file, found = parse.parse_plan(source, self.limits)
        if file is None:
            return None, found
        plans, more = typecheck.check_plans(file, world, self.limits)
        return plans, found + more

    def _world(
        self, name: str, policies: tuple[str, ...]
    ) -> tuple[typed.World | None, Diagnostics]:
        domain, found = self._domain(name)
        if domain is None:
            return None, found
        known = []
        for each in policies:
            policy, more = self._policy(each, domain)
            found += more
            known += [] if policy is None else [policy]
        return (typed.World(domain, tuple(known)) if len(known) == len(policies) else None), found

    def _domain(self, name: str) -> tuple[typed.Domain | None, Diagnostics]:
        source, found = self.source(name)
        if source is None:
            return None, found
        file, found = parse.parse_domain(source, self.limits)
        if file is None:
            return None, found
        domain, more = typecheck.check_domain(file, self.limits)
        return domain, found + more

    def _policy(self, name: str, domain: typed.Domain) -> tuple[typed.Policy | None, Diagnostics]:
        source, found = self.source(name)
        if source is None:
            return None, found
        file, found = parse.parse_policy(source, self.limits)
        if file is None:
            return None, found
        policy, more = typecheck.check_policy(file, domain, self.limits)
        return policy, found + more


def no_domain(source: Source) -> Diagnostic:
    """Nothing says what the world is."""
    return Diagnostic(
        "no-domain",
        f"no domain for `{source.name}`",
        Span(source, 0, 0),
        notes=(f"there is no {project.FILE_NAME} in its folder or above that names one",),
        help='say `--domain FILE`, or write `domain = "FILE"` into planproof.toml',
    )


# ---- verify ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Verified:
    """What became of one plan file; it crosses process boundaries."""

    plans: tuple[data.PlanReport, ...]
    diagnostics: tuple[data.DiagnosticReport, ...]
    sources: dict[str, Source]


@dataclass(frozen=True, slots=True)
class Asked:
    """How plans are to be verified: against what, how far, and what to write on the way."""

    against: Against = Against()
    limits: Limits = DEFAULT
    explain: bool = False
    dump: Path | None = None
    jobs: int = 1
    digest: bool = True  # of the core program; certificates and programs that read reports need it


def verify_file(name: str, asked: Asked) -> Verified:
    """Verifies each plan of a file."""
    space = Workspace(asked.limits)
    source, found = space.source(name)
    if source is None:
        return _stopped(space, found)
    against, found = space.against(name, asked.against)
    if found:
        return _stopped(space, found)
    if against.domain is None:
        return _stopped(space, (no_domain(source),))
    began = time.perf_counter()
    world, found = space.world(against.domain, against.policies)
    if world is None:
        return _stopped(space, found)
    return _verify(space, source, world, found, asked, began)


def verify_text(source: Source, world: typed.World, asked: Asked) -> Verified:
    """Verifies each plan of a text in a world that is checked already."""
    space = Workspace(asked.limits)
    space.sources[source.name] = source
    return _verify(space, source, world, (), asked, time.perf_counter())


def _verify(
    space: Workspace,
    source: Source,
    world: typed.World,
    found: Diagnostics,
    asked: Asked,
    began: float,
) -> Verified:
    from planproof.verifier import verify
    from planproof.verifier.report import data

    plans, more = space.plans(source, world)
    found += more
    parsed = time.perf_counter() - began
    if plans is None:
        return _stopped(space, found)
    options = verify.Options(asked.limits, asked.dump, asked.explain, asked.digest)
    reports = []
    for name in plans.plans:
        report = verify.verify_plan(plans, name, world, options)
        reports.append(replace(report, seconds={"parse": round(parsed, 6), **report.seconds}))
    return Verified(
        tuple(reports), tuple(map(data.DiagnosticReport.of, found)), dict(space.sources)
    )


def _stopped(space: Workspace, found: Diagnostics) -> Verified:
    from planproof.verifier.report import data

    if not any(each.severity is Severity.ERROR for each in found):
        # A phase that gives no result owes a reason; without one nobody must take this for success.
        raise AssertionError("a phase returned nothing and said no error")
    return Verified((), tuple(map(data.DiagnosticReport.of, found)), dict(space.sources))


def verify_files(
    names: Sequence[str], asked: Asked, progress: Callable[[int], None] | None = None
) -> tuple[data.Report, dict[str, Source]]:
    """The report on all plans of all files, in the order given, and the texts it speaks of.

    The same whatever `asked.jobs` is.  `progress` is told how many files are done.
    """
    results: list[Verified] = []
    for result in _each(names, asked):
        results.append(result)
        if progress is not None:
            progress(len(results))
    return _report(results, asked.limits), {
        name: source for result in results for name, source in result.sources.items()
    }


def _each(names: Sequence[str], asked: Asked) -> Iterator[Verified]:
    """The files' results in order, from as many processes as asked for (and are of use)."""
    work = [(name, replace(asked, dump=_dump_of(asked.dump, name, names))) for name in names]
    jobs = min(asked.jobs, len(names))
    if jobs <= 1:
        yield from (verify_file(*each) for each in work)
        return

    yield from _in_processes(work, jobs)


def _in_processes(work: Sequence[tuple[str, Asked]], jobs: int) -> Iterator[Verified]:
    """Each worker is handed the next file when it has answered; a worker that dies is an error.

    Not the standard pool: when one of its workers is killed, its shutdown may wait for ever.
    """
    import multiprocessing
    import sys
    from multiprocessing.connection import wait

    # A forked worker has the solver loaded already; elsewhere than on Linux forking is not safe.
    linux = sys.platform == "linux"
    context = multiprocessing.get_context("fork") if linux else multiprocessing.get_context("spawn")
    _load_solver()
    processes = []
    ours: list[Connection] = []
    done: dict[int, Verified] = {}
    handed = 0
    try:
        for _ in range(jobs):
            near, far = context.Pipe()
            process = context.Process(target=_worker, args=(far, work), daemon=True)
            process.start()
            # Only the worker may hold its end, or its death would not end the connection.
            far.close()
            processes.append(process)
            ours.append(near)
            near.send(handed)
            handed += 1
        for at in range(len(work)):
            while at not in done:
                ready = wait(ours)
                for connection in [each for each in ours if each in ready]:
                    try:
                        number, answer = connection.recv()
                    except (EOFError, ConnectionResetError):
                        raise RuntimeError("a worker ended without an answer") from None
                    if isinstance(answer, str):
                        raise RuntimeError(f"a worker failed:\n{answer}")
                    done[number] = answer
                    if handed < len(work):
                        connection.send(handed)
                        handed += 1
            yield done.pop(at)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


def _worker(connection: Connection, work: Sequence[tuple[str, Asked]]) -> None:
    """Answers for each number it is sent, until it is ended."""
    import signal
    import traceback

    # Ctrl-C goes to the parent too, which ends its workers; one that died of it by itself would
    # look like one that had been killed.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            number = connection.recv()
        except EOFError:
            return
        answer: Verified | str
        try:
            answer = verify_file(*work[number])
        except Exception:  # noqa: BLE001 - the parent must know, whatever it is
            answer = traceback.format_exc()
        connection.send((number, answer))


def _load_solver() -> None:
    """Pays for the heavy imports once, before there are workers (no solver context is made yet)."""
    from planproof.verifier import smt, verify  # noqa: F401

    smt.solver_version()


def _dump_of(dump: Path | None, name: str, names: Sequence[str]) -> Path | None:
    """Where the phases of one file are written: a folder of its own where there are several."""
    if dump is None or len(names) == 1:
        return dump
    return dump / "_".join(
        p for p in re.split(r"[/\\]+", os.path.splitext(name)[0]) if p.strip(".")
    )


def _report(results: Iterable[Verified], limits: Limits) -> data.Report:
    from planproof.verifier.report import data

    plans: list[data.PlanReport] = []
    found: dict[data.DiagnosticReport, None] = {}  # two plans may stumble over one domain
    verdicts: list[data.FileVerdict] = []
    for result in results:
        plans += result.plans
        found.update(dict.fromkeys(result.diagnostics))
        verdicts += [each.verdict for each in result.plans]
        if any(each.severity == "error" for each in result.diagnostics) or not result.plans:
            verdicts.append("bad-input")
    return data.Report(
        schema=data.REPORT_SCHEMA,
        planproof=planproof.__version__,
        solver=_solver(limits) if plans else None,
        verdict=data.worst(verdicts),
        plans=tuple(plans),
        diagnostics=tuple(found),
    )


def _solver(limits: Limits) -> data.Solver:
    from planproof.verifier import smt
    from planproof.verifier.report import data

    return data.Solver("z3", smt.solver_version(), limits.solver_rlimit_max, 0)


# ---- check -------------------------------------------------------------------------------------


def check_files(
    names: Sequence[str], given: Against, limits: Limits = DEFAULT
) -> tuple[data.CheckReport, dict[str, Source]]:
    """Syntax, names, types and lint of files of all three kinds; loads no solver.

    A policy or a plan is checked in its domain; where neither the command line nor a project file
    names one, the only domain among the files will do.
    """
    from planproof.verifier.report import data

    space = Workspace(limits)
    found: dict[Diagnostic, None] = {}
    domains = [name for name in names if _kind(space, name) == "domain"]
    only = domains[0] if len(domains) == 1 else None
    for name in names:
        found.update(dict.fromkeys(_check(space, name, given, only)))
    wrong = any(each.severity is Severity.ERROR for each in found)
    report = data.CheckReport(
        schema=data.CHECK_SCHEMA,
        planproof=planproof.__version__,
        verdict="bad-input" if wrong else "done",
        files=tuple(names),
        diagnostics=tuple(map(data.DiagnosticReport.of, found)),
    )
    return report, space.sources


def _check(space: Workspace, name: str, given: Against, only: str | None) -> Diagnostics:
    source, found = space.source(name)
    if source is None:
        return found
    kind = _kind(space, name)
    if kind == "domain":
        return space.world(name, ())[1]
    against, found = space.against(name, given)
    if found:
        return found
    domain = against.domain or only
    if domain is None:
        return (no_domain(source),)
    if kind == "policy":
        return space.world(domain, (name,))[1]
    world, found = space.world(domain, against.policies)
    return found if world is None else found + space.plans(source, world)[1]


Kind = Literal["domain", "policy", "plan"]
_KINDS: dict[str, Kind] = {".domain": "domain", ".policy": "policy", ".plan": "plan"}
_FIRST_WORD = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)*(domain|policy)\b", re.DOTALL)


def _kind(space: Workspace, name: str) -> Kind:
    """What the file should hold: by its name, or by its first word where the name does not say."""
    by_name = _KINDS.get(os.path.splitext(name)[1])
    if by_name is not None:
        return by_name
    source, _ = space.source(name)
    first = None if source is None else _FIRST_WORD.match(source.text)
    if first is None:
        return "plan"
    return "domain" if first[1] == "domain" else "policy"


# ---- for the public API ------------------------------------------------------------------------


def load(domain: str, policies: Iterable[str], limits: Limits = DEFAULT) -> typed.World:
    """The checked world; raises BadInput with all that is wrong."""
    world, found = Workspace(limits).world(domain, tuple(policies))
    if world is None:
        raise BadInput(tuple(each for each in found if each.severity is Severity.ERROR))
    return world


def verify_one(
    plan: str | Path, world: typed.World, limits: Limits = DEFAULT
) -> data.Report:
    """The report on the plans of a file or of a text, which is told by its braces."""
    asked = Asked(limits=limits)
    if isinstance(plan, str) and ("{" in plan or "\n" in plan):
        return _report([verify_text(Source("<text>", plan), world, asked)], limits)
    space = Workspace(limits)
    source, found = space.source(str(plan))
    if source is None:
        return _report([_stopped(space, found)], limits)
    return _report([verify_text(source, world, asked)], limits)
