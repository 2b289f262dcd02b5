"""The tree of what was written: declarations, statements, expressions; no name is looked up yet.

Nodes are frozen and compare by structure; spans and comments do not take part, so
`parse(format(x)) == x` says what it should.  Parentheses leave no node.  Each union (`Expr`,
`Statement`, ...) is closed: a pass over it is one `match` that ends in `assert_never`.
"""

from __future__ import annotations

from enum import Enum
from fractions import Fraction
from typing import TypeAlias

from planproof.spec.node import field, node
from planproof.spec.source import NOWHERE, Span


@node
class Ident:
    """A name as written."""

    text: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Comment:
    """A `//` or `/* */` comment, or a `///` comment that documents nothing; text as written."""

    text: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)


# ---- types ---------------------------------------------------------------------------------------


@node
class NamedType:
    """`Int`, `Account`, `Text<40>`, `Map<K, V>`; a size is an int or the name of a `const`."""

    name: Ident
    arguments: tuple[TypeExpr | int, ...] = ()
    labels: tuple[Ident, ...] = ()
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class TupleType:
    items: tuple[TypeExpr, ...]
    labels: tuple[Ident, ...] = ()
    span: Span = field(default=NOWHERE, compare=False, repr=False)


TypeExpr: TypeAlias = NamedType | TupleType


# ---- expressions ---------------------------------------------------------------------------------


@node
class IntLiteral:
    value: int
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class DecimalLiteral:
    """An exact decimal; `digits` counts the digits after the point, so `12.50` prints again."""

    value: Fraction
    digits: int
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class TextLiteral:
    value: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class BoolLiteral:
    value: bool
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class NoneLiteral:
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class ResultRef:
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class SelfRef:
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Name:
    """A variable, parameter, state, constant, or (before a dot) an enum type."""

    name: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Argument:
    """`e` or `name: e`."""

    name: Ident | None
    value: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Call:
    """A function, tool, plan, record constructor or builtin (`len`, `min`, `date`, `range` ...)."""

    name: Ident
    arguments: tuple[Argument, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class TupleExpr:
    items: tuple[Expr, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class ListExpr:
    items: tuple[Expr, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class SetExpr:
    items: tuple[Expr, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


class UnaryOp(Enum):
    NEG = "-"
    NOT = "!"


class BinaryOp(Enum):
    IMPLIES = "==>"
    OR = "||"
    AND = "&&"
    EQ = "=="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    IN = "in"
    ADD = "+"
    SUB = "-"
    MUL = "*"
    DIV = "/"
    MOD = "%"


@node
class Unary:
    op: UnaryOp
    operand: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Binary:
    op: BinaryOp
    left: Expr
    right: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class IfExpr:
    condition: Expr
    then: Expr
    otherwise: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


class QuantifierKind(Enum):
    FORALL = "forall"
    EXISTS = "exists"


@node
class QuantifierIn:
    """`forall x in xs :: p`, `exists x in xs :: p`; `xs` may be `range(a, b)` or `take(xs, i)`."""

    kind: QuantifierKind
    variable: Ident
    domain: Expr
    body: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class ForallType:
    """`forall x: T :: p`."""

    variable: Ident
    type: TypeExpr
    body: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Find:
    variable: Ident
    domain: Expr
    where: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Best:
    variable: Ident
    domain: Expr
    where: Expr | None
    by: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


class AggregateKind(Enum):
    SUM = "sum"
    COUNT = "count"


@node
class Aggregate:
    """`sum(x in xs where p :: e)`, `count(x in xs where p :: q)`."""

    kind: AggregateKind
    variable: Ident
    domain: Expr
    where: Expr | None
    body: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class SumOf:
    """`sum(m)`: over the values of a map."""

    operand: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Old:
    operand: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Initially:
    operand: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Once:
    """`once(g(args) == r where Q)`: such a call has surely happened."""

    pattern: Pattern
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class FieldAccess:
    """`e.name`; also `E.X` for a member of an enum and `o.value`."""

    operand: Expr
    name: Ident
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Component:
    """`t.0`."""

    operand: Expr
    index: int
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Index:
    """`m[k]`, `xs[i]`."""

    operand: Expr
    key: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Updated:
    """`m[k := v]`."""

    operand: Expr
    key: Expr
    value: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class With:
    """`r with { f: e }`; every argument is named."""

    operand: Expr
    fields: tuple[Argument, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Comprehension:
    """`[e for x in xs where p]`."""

    body: Expr
    variable: Ident
    domain: Expr
    where: Expr | None
    span: Span = field(default=NOWHERE, compare=False, repr=False)


Expr: TypeAlias = (
    IntLiteral
    | DecimalLiteral
    | TextLiteral
    | BoolLiteral
    | NoneLiteral
    | ResultRef
    | SelfRef
    | Name
    | Call
    | TupleExpr
    | ListExpr
    | SetExpr
    | Unary
    | Binary
    | IfExpr
    | QuantifierIn
    | ForallType
    | Find
    | Best
    | Aggregate
    | SumOf
    | Old
    | Initially
    | Once
    | FieldAccess
    | Component
    | Index
    | Updated
    | With
    | Comprehension
)


# ---- call patterns and rules ---------------------------------------------------------------------


@node
class Wildcard:
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Bind:
    """A name in a pattern: binds where it is new, equates where it is not."""

    name: Ident
    span: Span = field(default=NOWHERE, compare=False, repr=False)


Slot: TypeAlias = Wildcard | Bind | IntLiteral | DecimalLiteral | TextLiteral | BoolLiteral


@node
class PatternArgument:
    name: Ident | None
    slot: Slot
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Pattern:
    """`f(_, t, amount: a) == e where P`."""

    tool: Ident
    arguments: tuple[PatternArgument, ...]
    result: Expr | None
    where: Expr | None
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class AfterScope:
    pattern: Pattern


@node
class BeforeScope:
    pattern: Pattern


@node
class BetweenScope:
    opening: Pattern
    closing: Pattern


Scope: TypeAlias = AfterScope | BeforeScope | BetweenScope


@node
class NeverRule:
    pattern: Pattern
    scope: Scope | None


@node
class OnceNeed:
    pattern: Pattern


@node
class OwnNeed:
    pattern: Pattern


@node
class ConditionNeed:
    condition: Expr


Need: TypeAlias = OnceNeed | OwnNeed | ConditionNeed


@node
class PrecedenceRule:
    pattern: Pattern
    need: Need


@node
class AtMostRule:
    bound: Bound
    pattern: Pattern
    per: Ident | None


@node
class FinallyRule:
    pattern: Pattern
    always: bool


@node
class ResponseRule:
    trigger: Pattern
    response: Pattern
    always: bool


Rule: TypeAlias = NeverRule | PrecedenceRule | AtMostRule | FinallyRule | ResponseRule


# ---- clauses -------------------------------------------------------------------------------------


@node
class Requires:
    condition: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Ensures:
    condition: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class KeyStep:
    key: Expr


@node
class FieldStep:
    name: Ident


@node
class Place:
    """`s`, `m[e]`, `r.f`, `m[e].f`."""

    root: Ident
    steps: tuple[KeyStep | FieldStep, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Modifies:
    places: tuple[Place, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Reads:
    places: tuple[Place, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Charge:
    resource: Ident
    amount: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Cost:
    charges: tuple[Charge, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Fails:
    dirty: bool
    leaving: Expr | None
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Undo:
    tool: Ident
    arguments: tuple[Argument, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


class FlagKind(Enum):
    IDEMPOTENT = "idempotent"
    PURE = "pure"
    RELABELS = "relabels"
    EXTRACTS = "extracts"


@node
class Flag:
    kind: FlagKind
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Budget:
    """`budget resource <= e`, in a policy or on a plan."""

    resource: Ident
    limit: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)
    doc: str = ""


ToolClause: TypeAlias = Requires | Ensures | Modifies | Reads | Cost | Fails | Undo | Flag
PlanClause: TypeAlias = Requires | Ensures | Modifies | Budget


# ---- statements ----------------------------------------------------------------------------------

Bound: TypeAlias = int | Ident
"""A number, or the name of a `const`."""


@node
class Block:
    statements: tuple[Statement, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Let:
    """`let x: T = e;` or `let (a, b) = e;`: one name, or two and more with `is_tuple`."""

    names: tuple[Ident, ...]
    is_tuple: bool
    type: TypeExpr | None
    value: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Var:
    name: Ident
    type: TypeExpr | None
    value: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Assign:
    name: Ident
    value: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class CallStatement:
    call: Call
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class If:
    """`otherwise` is None, a block, or another `If` for `else if`."""

    condition: Expr
    then: Block
    otherwise: Block | If | None
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class LoopInvariant:
    condition: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class For:
    """`for x in xs`, `for i, x in xs` (`index` is i), `for i in range(a, b) max N`."""

    index: Ident | None
    variable: Ident
    domain: Expr
    bound: Bound | None
    invariants: tuple[LoopInvariant, ...]
    body: Block
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class While:
    condition: Expr
    decreases: Expr
    bound: Bound
    invariants: tuple[LoopInvariant, ...]
    body: Block
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Repeat:
    bound: Bound
    invariants: tuple[LoopInvariant, ...]
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
    condition: Expr
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
    Let
    | Var
    | Assign
    | CallStatement
    | If
    | For
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


# ---- declarations and files ----------------------------------------------------------------------


@node
class Parameter:
    name: Ident
    type: TypeExpr
    default: Expr | None
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class TypeDecl:
    """`type A;` (opaque: `base` is None), `type N = T where P;`."""

    name: Ident
    base: TypeExpr | None
    where: Expr | None
    doc: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class FieldDecl:
    name: Ident
    type: TypeExpr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class RecordDecl:
    name: Ident
    fields: tuple[FieldDecl, ...]
    doc: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class EnumDecl:
    name: Ident
    members: tuple[Ident, ...]
    doc: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class ResourceDecl:
    name: Ident
    type: TypeExpr
    doc: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class StateDecl:
    name: Ident
    type: TypeExpr
    observer: Ident | None
    shared: bool
    doc: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class InitiallyDecl:
    condition: Expr
    doc: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class ConstDecl:
    name: Ident
    type: TypeExpr
    value: Expr
    doc: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class FunctionDecl:
    """`body` is None for an uninterpreted function."""

    name: Ident
    parameters: tuple[Parameter, ...]
    result: TypeExpr
    body: Expr | None
    doc: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class ToolDecl:
    name: Ident
    parameters: tuple[Parameter, ...]
    result: TypeExpr | None
    clauses: tuple[ToolClause, ...]
    doc: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class DefaultCost:
    """`default seconds 30;`."""

    resource: Ident
    amount: Expr
    doc: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class FlowDecl:
    """`flow secrecy public < internal < secret, public < partner;`: a chain for each comma."""

    name: Ident
    chains: tuple[tuple[Ident, ...], ...]
    doc: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class FlowDefault:
    """`flow default parameters trusted;`: `what` is `parameters` or `calls`."""

    what: Ident
    label: Ident
    doc: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class InvariantDecl:
    name: Ident
    condition: Expr
    doc: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class RuleDecl:
    name: Ident
    rule: Rule
    doc: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


DomainItem: TypeAlias = (
    TypeDecl
    | RecordDecl
    | EnumDecl
    | ResourceDecl
    | StateDecl
    | InitiallyDecl
    | ConstDecl
    | FunctionDecl
    | ToolDecl
    | DefaultCost
    | FlowDecl
)
PolicyItem: TypeAlias = (
    InvariantDecl | Budget | RuleDecl | FlowDecl | FlowDefault | ConstDecl | FunctionDecl
)


@node
class DomainFile:
    name: Ident
    items: tuple[DomainItem, ...]
    doc: str = ""
    comments: tuple[Comment, ...] = field(default=(), compare=False, repr=False)
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class PolicyFile:
    name: Ident
    domain: Ident
    items: tuple[PolicyItem, ...]
    doc: str = ""
    comments: tuple[Comment, ...] = field(default=(), compare=False, repr=False)
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Plan:
    name: Ident
    parameters: tuple[Parameter, ...]
    result: TypeExpr | None
    clauses: tuple[PlanClause, ...]
    body: Block
    doc: str = ""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class PlanFile:
    plans: tuple[Plan, ...]
    comments: tuple[Comment, ...] = field(default=(), compare=False, repr=False)
    span: Span = field(default=NOWHERE, compare=False, repr=False)


File: TypeAlias = DomainFile | PolicyFile | PlanFile
