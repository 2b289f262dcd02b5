"""The tree after names and types are known: what `typecheck` returns and `lower` consumes.

Expressions are already `core.Expr`; statements and declarations keep the shape of the text.
Names follow these conventions, which lowering turns into variables of the store:

* a local (parameter, `let`, `var`, loop variable) is `Ref(unique)`, unique in its plan;
* state `s` is `Ref("s")`; inside `old(...)` it is `Ref("old s")`, inside `initially(...)` it is
  `Ref("initially s")` (a blank cannot occur in a written name);
* `result` is `Ref("result")`, `self` is `Ref("self")`;
* in a tool's clauses a parameter `p` is `Ref("p")`;
* constants are literals, functions with a body are written out, default arguments filled in;
* every bound variable of a quantifier, aggregate or search has a name unique in the world
  (`x'7`), also where a function is written out twice, so substitution cannot capture.
"""

from __future__ import annotations

from typing import TypeAlias

from planproof.spec import syntax
from planproof.spec.core import Expr, Ref
from planproof.spec.node import field, node
from planproof.spec.source import NOWHERE, Span
from planproof.spec.types import Type


@node
class Clause:
    """A condition and the text it was written as."""

    condition: Expr
    span: Span


@node
class Parameter:
    name: str
    type: Type
    labels: tuple[str, ...]
    default: Expr | None
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class PlaceKey:
    key: Expr


@node
class PlaceField:
    name: str


@node
class Place:
    """A piece of state: `type` is the type of the piece, `whole` that of the state it is in."""

    state: str
    steps: tuple[PlaceKey | PlaceField, ...]
    whole: Type
    type: Type
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Charge:
    resource: str
    amount: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Undo:
    tool: str
    arguments: tuple[Expr, ...]


@node
class Tool:
    """`charges` has every resource the tool names, and `seconds` (from the default if need be)."""

    name: str
    doc: str
    parameters: tuple[Parameter, ...]
    result: Type | None
    result_labels: tuple[str, ...]
    requires: tuple[Clause, ...]
    ensures: tuple[Clause, ...]
    modifies: tuple[Place, ...]
    reads: tuple[str, ...]
    charges: tuple[Charge, ...]
    fails: bool
    dirty: bool
    leaving: Clause | None
    idempotent: bool
    pure: bool
    relabels: bool
    extracts: bool
    undo: Undo | None
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class State:
    name: str
    doc: str
    type: Type
    observer: str | None  # a tool without parameters whose result is the state's value
    shared: bool
    span: Span = field(default=NOWHERE, compare=False, repr=False)
    labels: tuple[str, ...] = ()


@node
class Resource:
    """`calls` and `seconds` are always among a domain's resources."""

    name: str
    type: Type
    doc: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Constant:
    name: str
    type: Type
    value: Expr


@node
class Function:
    """`body` is None for an uninterpreted function; parameters are `Ref(name)` in it."""

    name: str
    parameters: tuple[Parameter, ...]
    result: Type
    body: Expr | None
    span: Span = field(default=NOWHERE, compare=False, repr=False)
    # What was written: typecheck writes it out anew at each application, with its arguments' types.
    declaration: syntax.FunctionDecl | None = field(default=None, compare=False, repr=False)


@node
class Domain:
    """A checked domain. `types` has every declared name, the built-in ones left out.

    `places` has every declared name and where it is declared; `labels` every label that is used
    in it, with its place: which are known depends on the policies.
    """

    name: str
    source: str  # the text, for digests
    types: dict[str, Type]
    constants: dict[str, Constant]
    functions: dict[str, Function]
    resources: dict[str, Resource]
    states: dict[str, State]
    tools: dict[str, Tool]
    initially: tuple[Clause, ...]
    flows: tuple[syntax.FlowDecl, ...]
    file: str = "<domain>"
    places: tuple[tuple[str, Span], ...] = field(default=(), compare=False, repr=False)
    labels: tuple[syntax.Ident, ...] = field(default=(), compare=False, repr=False)


@node
class PolicyInvariant:
    name: str
    clause: Clause


@node
class Budget:
    resource: str
    limit: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Policy:
    """A checked policy. Rules are checked for names and types; lowering does not know them yet."""

    name: str
    source: str
    domain: str
    constants: dict[str, Constant]
    functions: dict[str, Function]
    invariants: tuple[PolicyInvariant, ...]
    budgets: tuple[Budget, ...]
    rules: tuple[syntax.RuleDecl, ...]
    flows: tuple[syntax.FlowDecl, ...]
    flow_defaults: tuple[syntax.FlowDefault, ...]
    file: str = "<policy>"


@node
class World:
    """A domain and the policies that apply: what plans are checked and proved against."""

    domain: Domain
    policies: tuple[Policy, ...]


# ---- statements ----------------------------------------------------------------------------------


@node
class Block:
    statements: tuple[Statement, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Bind:
    """`let`, `var` and assignment: `target` has the declared type, or its initialiser's."""

    target: Ref
    value: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class BindTuple:
    targets: tuple[Ref, ...]
    value: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class CallTool:
    """A tool call; arguments in the order of the parameters. Several targets for a tuple."""

    tool: str
    arguments: tuple[Expr, ...]
    targets: tuple[Ref, ...]
    destructure: bool  # `let (a, b) = f();`
    span: Span = field(default=NOWHERE, compare=False, repr=False)  # the whole statement
    call_span: Span = field(default=NOWHERE, compare=False, repr=False)  # `f(a, b)`


@node
class CallPlan:
    plan: str
    arguments: tuple[Expr, ...]
    targets: tuple[Ref, ...]
    destructure: bool
    span: Span = field(default=NOWHERE, compare=False, repr=False)
    call_span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class If:
    test: Expr
    then: Block
    otherwise: Block | None
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class ForIn:
    """Over a list expression (evaluated once), or over the literal items of a set written there.

    `index` is the store variable for the number of finished iterations: the author's name where
    one was given, otherwise one that typecheck makes up.  Invariants may use it.
    """

    index: Ref
    variable: Ref
    collection: Expr
    bound: int
    invariants: tuple[Clause, ...]
    body: Block
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class ForRange:
    """`for i in range(low, high) max bound`; in the body and in invariants `variable` is i.

    At the head, i is low plus the number of finished iterations.  `bound_given` is False where
    the bound follows from the text (two literals, `range(0, len(xs))`).
    """

    variable: Ref
    low: Expr
    high: Expr
    bound: int
    bound_given: bool
    invariants: tuple[Clause, ...]
    body: Block
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class While:
    test: Expr
    variant: Clause
    bound: int
    invariants: tuple[Clause, ...]
    body: Block
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Repeat:
    bound: int
    invariants: tuple[Clause, ...]
    body: Block
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Break:
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Check:
    condition: Expr
    message: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Assert:
    clause: Clause
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Try:
    body: Block
    otherwise: Block
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Parallel:
    branches: tuple[Block, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Return:
    value: Expr | None
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Abort:
    message: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)


Statement: TypeAlias = (
    Bind
    | BindTuple
    | CallTool
    | CallPlan
    | If
    | ForIn
    | ForRange
    | While
    | Repeat
    | Break
    | Check
    | Assert
    | Try
    | Parallel
    | Return
    | Abort
)


@node
class Plan:
    name: str
    doc: str
    parameters: tuple[Parameter, ...]
    result: Type | None
    requires: tuple[Clause, ...]
    ensures: tuple[Clause, ...]
    modifies: tuple[Place, ...] | None  # None where the plan does not say
    budgets: tuple[Budget, ...]
    body: Block
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class PlanSet:
    """The plans of one file, in order; the call graph has no cycle."""

    source: str
    plans: dict[str, Plan]
    file: str = "<plan>"
