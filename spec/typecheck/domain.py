"""Domains: declarations, then the clauses of each tool, then what ties them together."""

from __future__ import annotations

from fractions import Fraction
from typing import assert_never

from planproof.spec import syntax as s
from planproof.spec import typed
from planproof.spec.core import Expr
from planproof.spec.diagnostic import Diagnostic, Label
from planproof.spec.limits import DEFAULT, Limits
from planproof.spec.resolve import (
    BROKEN,
    Findings,
    Globals,
    Scope,
    builtin_resources,
    did_you_mean,
    is_broken,
)
from planproof.spec.source import Span
from planproof.spec.typecheck import places
from planproof.spec.typecheck.contracts import (
    flows,
    known_label,
    parameter_scope,
    refuse_overlaps,
    resource_type,
    state_named,
)
from planproof.spec.typecheck.contracts import places as read_places
from planproof.spec.typecheck.declarations import Declarations
from planproof.spec.typecheck.places import Env, Where
from planproof.spec.typecheck.values import constant_value, free_names
from planproof.spec.types import show


def check_domain(
    file: s.DomainFile, limits: Limits = DEFAULT
) -> tuple[typed.Domain | None, tuple[Diagnostic, ...]]:
    """The checked domain, or None where there is an error; warnings may come with either."""
    findings = Findings(limits)
    names = Globals(findings)
    builtin_resources(names)
    domain = _Domain(Declarations(names, limits, "d"), file).check()
    return None if findings.failed else domain, findings.result()


class _Domain:
    def __init__(self, declarations: Declarations, file: s.DomainFile) -> None:
        self.declarations = declarations
        self.names = declarations.names
        self.findings = declarations.findings
        self.x = declarations.x
        self.file = file
        self.defaults: dict[str, tuple[s.DefaultCost, Expr]] = {}

    def check(self) -> typed.Domain:
        others = (s.InitiallyDecl, s.DefaultCost, s.FlowDecl)
        self.declarations.resolve(
            tuple(each for each in self.file.items if not isinstance(each, others))
        )
        labels: dict[str, str] = {}
        written = tuple(each for each in self.file.items if isinstance(each, s.FlowDecl))
        flows(self.findings, written, labels)
        self._labels(labels)
        for item in self.file.items:
            if isinstance(item, s.DefaultCost):
                self._default(item)
        tools = {
            item.name.text: item for item in self.file.items if isinstance(item, s.ToolDecl)
        }
        for name, tool in self.names.tools.items():
            if tool.span is tools[name].span:
                self.names.tools[name] = _Clauses(self, tool, tools[name]).check()
        for item in self.file.items:
            if isinstance(item, s.StateDecl) and item.observer is not None:
                self._observer(item, item.observer)
        initially = tuple(
            self._initially(item) for item in self.file.items if isinstance(item, s.InitiallyDecl)
        )
        source = self.file.span.source
        names = self.names
        return typed.Domain(
            name=self.file.name.text,
            source=source.text,
            types=names.types,
            constants=names.constants,
            functions=names.functions,
            resources=self._resources(),
            states=names.states,
            tools=names.tools,
            initially=initially,
            flows=written,
            file=source.name,
            places=tuple((name, each.span) for name, each in names.declared.items()),
            labels=tuple(self.declarations.types.labels),
        )

    def _labels(self, known: dict[str, str]) -> None:
        """A label may be one of a policy's; one that is nearly one of the domain's is misspelt."""
        for label in self.declarations.types.labels:
            if did_you_mean(label.text, tuple(known)) is not None:
                known_label(self.findings, label, known)

    def _resources(self) -> dict[str, typed.Resource]:
        written = {
            item.name.text: item for item in self.file.items if isinstance(item, s.ResourceDecl)
        }
        made = {}
        for name, type in self.names.resources.items():
            item = written.get(name)
            if item is None:
                made[name] = typed.Resource(name, type)
            else:
                made[name] = typed.Resource(name, type, item.doc, item.span)
        return made

    def _initially(self, item: s.InitiallyDecl) -> typed.Clause:
        env = Env(Scope(), places.INITIALLY)
        condition = self.x.condition(item.condition, env, "what is so initially")
        return typed.Clause(condition, item.condition.span)

    def _default(self, item: s.DefaultCost) -> None:
        name = item.resource.text
        if name in self.defaults:
            self.findings.error(
                "repeated-clause",
                f"there are two defaults for `{name}`",
                item.span,
                "",
                Label(self.defaults[name][0].span, "the first one"),
            )
            return
        amount = self.amount(item.resource, item.amount, Scope())
        if amount is not None:
            self.defaults[name] = (item, amount)

    def amount(self, resource: s.Ident, written: s.Expr, scope: Scope) -> Expr | None:
        """What a call charges, never negative as far as one can tell here."""
        if resource.text == "calls":
            self.findings.error(
                "bad-resource",
                "`calls` counts calls by itself, one for each",
                resource.span,
                help="declare a resource of your own",
            )
            return None
        type = resource_type(self.x, resource)
        if type is None:
            return None
        reason = f"the cost in `{resource.text}`"
        amount = self.x.expect(written, Env(scope, places.COST), type, reason)
        if is_broken(amount):
            return None
        known = constant_value(amount)
        if isinstance(known, int | Fraction) and known < 0:
            self._negative(written)
            return None
        return amount

    def _negative(self, written: s.Expr) -> None:
        self.findings.error(
            "negative-cost",
            "a cost is never negative",
            written.span,
            notes=("a call that gave something back could hide that a budget was exceeded",),
        )

    def _observer(self, item: s.StateDecl, ident: s.Ident) -> None:
        name = item.name.text
        state = self.names.states.get(name)
        tool = self.names.tools.get(ident.text)
        if state is None or state.span is not item.span or state.type is BROKEN:
            return
        if tool is None:
            declared = self.names.declared.get(ident.text)
            self.findings.error(
                "unknown-tool",
                f"there is no tool `{ident.text}`"
                if declared is None
                else f"`{ident.text}` is {declared.what}, and only tools observe",
                ident.span,
                help=did_you_mean(ident.text, tuple(self.names.tools)),
            )
            return
        trouble = self._not_observing(tool, state)
        if trouble is not None:
            self.findings.error(
                "bad-observer",
                f"`{tool.name}` can't observe `{name}`: {trouble}",
                ident.span,
                "",
                Label(tool.span, "declared here"),
                notes=("each time code reads the state, this tool is called for its value",),
            )
        elif name not in tool.reads:
            # Whoever returns the state's value has read it, also where its author did not say so.
            self.names.tools[tool.name] = _reading(tool, name)

    def _not_observing(self, tool: typed.Tool, state: typed.State) -> str | None:
        if tool.parameters:
            return "it takes arguments"
        if tool.result is None:
            return "it returns nothing"
        if tool.result is not BROKEN and tool.result != state.type:
            return f"it returns `{show(tool.result)}`, and the state is `{show(state.type)}`"
        if tool.modifies:
            return "it modifies state"
        if tool.pure:
            return "it is `pure`, so its result never changes"
        return None


def _reading(tool: typed.Tool, state: str) -> typed.Tool:
    values = {name: getattr(tool, name) for name in typed.Tool.__match_args__}
    values["reads"] = (*tool.reads, state)
    return typed.Tool(**values)


class _Clauses:
    """The clauses of one tool, in order."""

    def __init__(self, domain: _Domain, header: typed.Tool, written: s.ToolDecl) -> None:
        self.domain = domain
        self.x = domain.x
        self.names = domain.names
        self.findings = domain.findings
        self.header = header
        self.written = written
        self.scope = parameter_scope(domain.names, written.parameters, header.parameters)
        self.requires: list[typed.Clause] = []
        self.ensures: list[typed.Clause] = []
        self.modifies: list[typed.Place] = []
        self.reads: dict[str, s.Place] = {}
        self.charges: dict[str, typed.Charge] = {}
        self.fails: s.Fails | None = None
        self.leaving: typed.Clause | None = None
        self.undo: typed.Undo | None = None
        self.flags: dict[s.FlagKind, s.Flag] = {}

    def check(self) -> typed.Tool:
        undo: s.Undo | None = None
        for clause in self.written.clauses:
            match clause:
                case s.Requires(condition):
                    self.requires.append(self._clause(condition, places.TOOL_REQUIRES, "requires"))
                case s.Ensures(condition):
                    self.ensures.append(self._clause(condition, places.TOOL_ENSURES, "ensures"))
                case s.Modifies(written):
                    self.modifies += read_places(self.x, written, Env(self.scope, places.KEY))
                case s.Reads(written):
                    for place in written:
                        if state_named(self.x, place.root, "`reads`") is not None:
                            self.reads[place.root.text] = place
                case s.Cost(charges):
                    for charge in charges:
                        self._charge(charge)
                case s.Fails():
                    if self.fails is not None:
                        self._repeated(clause.span, self.fails.span, "fails")
                    self.fails = clause
                    if clause.leaving is not None:
                        self.leaving = self._clause(clause.leaving, places.LEAVING, "leaving")
                case s.Undo():
                    if undo is not None:
                        self._repeated(clause.span, undo.span, "undo")
                    undo = clause
                    self.undo = self._undo(clause)
                case s.Flag(kind):
                    if kind in self.flags:
                        self._repeated(clause.span, self.flags[kind].span, kind.value)
                    self.flags[kind] = clause
                case _:
                    assert_never(clause)
        self._defaults()
        refuse_overlaps(self.findings, tuple(self.modifies))
        self._frame()
        self._flags()
        header = self.header
        return typed.Tool(
            name=header.name,
            doc=header.doc,
            parameters=header.parameters,
            result=header.result,
            result_labels=header.result_labels,
            requires=tuple(self.requires),
            ensures=tuple(self.ensures),
            modifies=tuple(self.modifies),
            reads=tuple(self.reads),
            charges=tuple(self.charges.values()),
            fails=self.fails is not None,
            dirty=self.fails is not None and self.fails.dirty,
            leaving=self.leaving,
            idempotent=s.FlagKind.IDEMPOTENT in self.flags,
            pure=s.FlagKind.PURE in self.flags,
            relabels=s.FlagKind.RELABELS in self.flags,
            extracts=s.FlagKind.EXTRACTS in self.flags,
            undo=self.undo,
            span=header.span,
        )

    def _clause(self, written: s.Expr, where: Where, word: str) -> typed.Clause:
        result = self.header.result if where is places.TOOL_ENSURES else None
        env = Env(self.scope, where, result=result)
        condition = self.x.condition(written, env, f"what `{word}` says")
        return typed.Clause(condition, written.span)

    def _repeated(self, again: Span, first: Span, word: str) -> None:
        self.findings.error(
            "repeated-clause",
            f"`{self.header.name}` says `{word}` twice",
            again,
            "",
            Label(first, "said here"),
        )

    # ---- costs -----------------------------------------------------------------------------------

    def _charge(self, written: s.Charge) -> None:
        name = written.resource.text
        if name in self.charges:
            self.findings.error(
                "repeated-clause",
                f"`{self.header.name}` charges `{name}` twice",
                written.span,
                "",
                Label(self.charges[name].span, "charged here"),
                help="add the two amounts",
            )
            return
        amount = self.domain.amount(written.resource, written.amount, self.scope)
        if amount is not None:
            self.charges[name] = typed.Charge(name, amount, written.span)

    def _defaults(self) -> None:
        for name, (item, amount) in self.domain.defaults.items():
            if name not in self.charges:
                self.charges[name] = typed.Charge(name, amount, item.span)
        named = any(
            isinstance(clause, s.Cost)
            and any(charge.resource.text == "seconds" for charge in clause.charges)
            for clause in self.written.clauses
        )
        if "seconds" not in self.charges and not named:
            self.findings.error(
                "no-seconds",
                f"`{self.header.name}` does not say how many seconds it takes at most",
                self.written.name.span,
                notes=("`seconds` is the time-out that is enforced when the tool runs",),
                help="write `cost seconds 5`, or `default seconds 30;` once for all tools",
            )

    # ---- the frame -------------------------------------------------------------------------------

    def _frame(self) -> None:
        """What the contract speaks of after the call is either changed by it or read by it."""
        changed = {place.state for place in self.modifies}
        written = [clause for clause in self.written.clauses if isinstance(clause, s.Ensures)]
        reported: set[str] = set()
        for clause, each in zip(self.ensures, written, strict=True):
            for name in _states(clause, self.names):
                if name in changed or name in self.reads or name in reported:
                    continue
                if name in self._wrongly_modified():
                    continue
                reported.add(name)
                self.findings.error(
                    "missing-reads",
                    f"`{self.header.name}` says something about `{name}` without saying that it "
                    "reads it",
                    each.condition.span,
                    f"this speaks of `{name}`",
                    notes=(
                        "what reads a state may not run beside what changes it",
                        "and its result is as secret as the state",
                    ),
                    help=f"write `reads {name}`, or `modifies {name}` if it changes it",
                )

    def _wrongly_modified(self) -> set[str]:
        """States in a `modifies` that was found wrong: no second error about them."""
        return {
            place.root.text
            for clause in self.written.clauses
            if isinstance(clause, s.Modifies)
            for place in clause.places
        }

    # ---- flags -----------------------------------------------------------------------------------

    def _flags(self) -> None:
        name = self.header.name
        pure = self.flags.get(s.FlagKind.PURE)
        if pure is not None:
            clauses = [*self.requires, *self.ensures]
            clauses += [] if self.leaving is None else [self.leaving]
            mentioned = [state for clause in clauses for state in _states(clause, self.names)]
            mentioned += [*self.reads, *(place.state for place in self.modifies)]
            if mentioned:
                self.findings.error(
                    "pure-tool",
                    f"`{name}` is `pure` and speaks of the state `{mentioned[0]}`",
                    pure.span,
                    notes=("a pure tool gives the same result for the same arguments, always",),
                    help="leave `pure` out, or the state",
                )
        for kind in (s.FlagKind.RELABELS, s.FlagKind.EXTRACTS):
            flag = self.flags.get(kind)
            if flag is not None and self.header.result is None:
                self.findings.error(
                    "no-result",
                    f"`{name}` is `{kind.value}` and returns nothing",
                    flag.span,
                    notes=(f"`{kind.value}` is about the result",),
                )

    def _undo(self, written: s.Undo) -> typed.Undo | None:
        name = written.tool.text
        tool = self.names.tools.get(name)
        if tool is None or name == self.header.name:
            declared = self.names.declared.get(name)
            headline = f"there is no tool `{name}`"
            if tool is not None:
                headline = f"`{name}` can't undo itself"
            elif declared is not None:
                headline = f"`{name}` is {declared.what}, and only a tool undoes something"
            self.findings.error(
                "unknown-tool",
                headline,
                written.tool.span,
                help=None if tool is not None else did_you_mean(name, tuple(self.names.tools)),
            )
            return None
        env = Env(self.scope, places.UNDO, result=self.header.result)
        values = self.x.arguments(name, tool.parameters, written, env)
        return None if values is None else typed.Undo(name, values)


def _states(clause: typed.Clause, names: Globals) -> tuple[str, ...]:
    """The states a clause speaks of, each once."""
    found = (name.removeprefix("old ") for name in free_names(clause.condition))
    return tuple(dict.fromkeys(name for name in found if name in names.states))
