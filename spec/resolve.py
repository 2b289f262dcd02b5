"""Names: what a file declares, what a scope sees, and what we say when a name is not there.

There is one space of declared names: no local, parameter or bound variable is called like a state,
constant, function, tool, plan, type or resource, and none hides another.  Sibling blocks may use a
name again.  Fields, named arguments, enum members and labels have spaces of their own, and a
variable may be called like a builtin function (`text`, `date`), which only ever stands before `(`.

`Findings` collects diagnostics.  An expression that was found wrong gets the type `BROKEN`, which
goes with everything, so that one mistake is reported once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from planproof.spec import syntax as s
from planproof.spec import typed
from planproof.spec.core import Expr, Unsupported
from planproof.spec.diagnostic import Diagnostic, Label, Severity, suggest
from planproof.spec.limits import Limits
from planproof.spec.node import dataclass, field, node
from planproof.spec.source import NOWHERE, Span
from planproof.spec.types import INT, NeverType, Type

BUILTIN_TYPES = ("Bool", "Int", "Decimal", "Text", "Date", "Time", "List", "Set", "Map", "Option")
BUILTIN_FUNCTIONS = (
    *("abs", "bag", "contains", "count", "date", "ends_with", "is_some", "keys", "len", "matches"),
    *("max", "min", "range", "some", "starts_with", "sum", "take", "text", "time"),
)
BUILTIN_RESOURCES = ("calls", "seconds")

BROKEN = NeverType()
"""The type of what was found wrong already; told from other `NeverType`s by identity."""


def broken(span: Span) -> Expr:
    return Unsupported("error", BROKEN, span)


def is_broken(*exprs: Expr) -> bool:
    return any(each.type is BROKEN for each in exprs)


# ---- diagnostics ---------------------------------------------------------------------------------


class Findings:
    """The diagnostics of one file, in order of place, errors before the bound on their number."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.errors: list[Diagnostic] = []
        self.warnings: list[Diagnostic] = []
        self.swallowed = 0
        self._quiet = False

    def error(
        self,
        code: str,
        headline: str,
        span: Span,
        here: str = "",
        *labels: Label,
        notes: tuple[str, ...] = (),
        help: str | None = None,
    ) -> None:
        if self._quiet:
            self.swallowed += 1
            return
        labels = tuple(each for each in labels if each.span is not NOWHERE)
        self.errors.append(Diagnostic(code, headline, span, here, labels, notes, help))

    def warn(
        self, code: str, headline: str, span: Span, here: str = "", help: str | None = None
    ) -> None:
        if not self._quiet:
            self.warnings.append(
                Diagnostic(code, headline, span, here, help=help, severity=Severity.WARNING)
            )

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Inside, findings are only counted (`swallowed`): they were reported at a declaration."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    @property
    def failed(self) -> bool:
        return bool(self.errors)

    def result(self) -> tuple[Diagnostic, ...]:
        """Errors take precedence where there are more findings than the limit."""
        most = self.limits.diagnostics_max
        kept = sorted(self.errors, key=_place)[:most]
        kept += sorted(self.warnings, key=_place)[: most - len(kept)]
        return tuple(sorted(kept, key=_place))


def _place(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    span = diagnostic.span
    return span.source.name, span.start, span.end, diagnostic.code


def did_you_mean(name: str, known: tuple[str, ...]) -> str | None:
    close = suggest(name, known)
    return None if close is None else f"did you mean `{close}`?"


def listing(names: tuple[str, ...], what: str) -> str:
    """`the fields of X are a, b, c`, shortened where there are many."""
    if not names:
        return f"there are no {what}"
    shown = ", ".join(f"`{each}`" for each in names[:8])
    return f"the {what} are {shown}" + (", ..." if len(names) > 8 else "")


# ---- declared names ------------------------------------------------------------------------------


@node
class Declared:
    """A declared name: `what` it is (`a state`, `a tool`) and where, or NOWHERE if built in."""

    what: str
    span: Span


Callee: TypeAlias = typed.Tool | typed.Plan


def _nothing_more(name: str) -> None:
    """What `Globals.demand` does where everything is resolved."""
    del name


@dataclass(slots=True)
class Globals:
    """Everything that is declared outside bodies.

    `demand` is called before a name is looked up and may fill in what is declared further down;
    the dictionaries hold what is resolved so far.  `elsewhere` says of names that are not visible
    here where they are.
    """

    findings: Findings
    declared: dict[str, Declared] = field(default_factory=dict)
    types: dict[str, Type] = field(default_factory=dict)
    constants: dict[str, typed.Constant] = field(default_factory=dict)
    functions: dict[str, typed.Function] = field(default_factory=dict)
    states: dict[str, typed.State] = field(default_factory=dict)
    resources: dict[str, Type] = field(default_factory=dict)
    tools: dict[str, typed.Tool] = field(default_factory=dict)
    plans: dict[str, typed.Plan] = field(default_factory=dict)
    faulty: set[str] = field(default_factory=set)
    elsewhere: dict[str, str] = field(default_factory=dict)
    demand: Callable[[str], None] = _nothing_more

    def declare(self, ident: s.Ident, what: str) -> bool:
        """Enters a name; False, and an error, where it is taken."""
        name = ident.text
        if name in BUILTIN_TYPES or (
            name in BUILTIN_FUNCTIONS and what in ("a function", "a tool", "a plan", "a record")
        ):
            kind = "type" if name in BUILTIN_TYPES else "function"
            self.findings.error(
                "name-taken",
                f"`{name}` is the name of a built-in {kind}",
                ident.span,
                help="choose another name",
            )
            return False
        known = self.declared.get(name)
        if known is not None:
            self.taken(ident, known)
            return False
        self.declared[name] = Declared(what, ident.span)
        return True

    def taken(self, ident: s.Ident, known: Declared) -> None:
        builtin = " (built in)" if known.span is NOWHERE else ""
        self.findings.error(
            "name-taken",
            f"`{ident.text}` is already the name of {known.what}{builtin}",
            ident.span,
            "the same name again",
            Label(known.span, "declared here"),
            notes=("no name hides another, so that a reader need not ask which one is meant",),
            help=f"choose another name, for example `{ident.text}_2`",
        )

    def callee(self, name: str) -> Callee | None:
        return self.tools.get(name) or self.plans.get(name)


def of_domain(domain: typed.Domain, findings: Findings) -> Globals:
    """What a checked domain declares."""
    names = Globals(
        findings,
        types=dict(domain.types),
        constants=dict(domain.constants),
        functions=dict(domain.functions),
        states=dict(domain.states),
        resources={name: each.type for name, each in domain.resources.items()},
        tools=dict(domain.tools),
    )
    for name, span in domain.places:
        names.declared[name] = Declared(_what(domain, name), span)
    for resource in BUILTIN_RESOURCES:
        names.declared.setdefault(resource, Declared("a resource", NOWHERE))
    return names


def _what(domain: typed.Domain, name: str) -> str:
    kinds = (
        (domain.types, "a type"),
        (domain.constants, "a constant"),
        (domain.functions, "a function"),
        (domain.states, "a state"),
        (domain.tools, "a tool"),
    )
    return next((what for names, what in kinds if name in names), "a resource")


def builtin_resources(names: Globals) -> None:
    for each in BUILTIN_RESOURCES:
        names.resources[each] = INT
        names.declared[each] = Declared("a resource", NOWHERE)


# ---- local names ---------------------------------------------------------------------------------


@dataclass(slots=True)
class Local:
    """A local name: `expr` is what stands for it in elaborated expressions."""

    name: str
    what: str  # a parameter, a `let`, a `var`, a loop variable, a bound variable
    expr: Expr
    span: Span
    mutable: bool = False
    used: bool = False


class Scope:
    """Local names, innermost first."""

    def __init__(self, outer: Scope | None = None) -> None:
        self.outer = outer
        self.names: dict[str, Local] = {}

    def find(self, name: str) -> Local | None:
        scope: Scope | None = self
        while scope is not None:
            found = scope.names.get(name)
            if found is not None:
                return found
            scope = scope.outer
        return None

    def visible(self) -> tuple[str, ...]:
        names: dict[str, None] = {}
        scope: Scope | None = self
        while scope is not None:
            names |= dict.fromkeys(scope.names)
            scope = scope.outer
        return tuple(names)

    def add(self, local: Local) -> None:
        self.names[local.name] = local


def declare_local(names: Globals, scope: Scope, ident: s.Ident, local: Local) -> None:
    """Enters a local; where the name is taken, an error, and the new meaning holds from here on."""
    names.demand(ident.text)
    inner = scope.find(ident.text)
    if inner is not None:
        names.taken(ident, Declared(inner.what, inner.span))
    elif ident.text in BUILTIN_TYPES:
        names.taken(ident, Declared("a type", NOWHERE))
    elif ident.text in names.declared:
        names.taken(ident, names.declared[ident.text])
    scope.add(local)
