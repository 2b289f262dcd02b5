"""The core: ten statements, and expressions whose every name and type is known.

Everything else in the language is lowered to this.  The verifier's generator, the reference
interpreter (`spec.semantics`), the kernel and the Coq theory all speak of it and of nothing else.

    skip   assign   havoc   assume   assert(tag)   seq   if   loop   raise(exit)   try(exit)

A store maps names to values.  `havoc x: T` gives x any value of type T, refinements and bounds
included; who chooses is the adversary (a tool, an input, a failure).  `assume` blocks the run
where its condition is false; `assert` is a violation there.  The exits are fail, break, return
and abort; `try(exit)` catches one of them.

Expressions are pure.  Partial operations (`/`, `%`, `xs[i]`, `m[k]`, `o.value`) have no value
outside their domain: lowering puts an `assert` with kind `defined` before each use.
Evaluation is left to right, and AND, OR, IMPLIES and conditionals guard what stands to their right.
"""

from __future__ import annotations

from enum import Enum
from fractions import Fraction
from typing import TypeAlias

from planproof.spec.node import field, node
from planproof.spec.source import NOWHERE, Span
from planproof.spec.types import BOOL, INT, Type

# ---- values --------------------------------------------------------------------------------------


@node
class OpaqueValue:
    """An element of an opaque type; elements with the same index are the same."""

    type: str
    index: int


@node
class EnumValue:
    type: str
    member: str


@node
class RecordValue:
    type: str
    fields: tuple[Value, ...]


@node
class TupleValue:
    items: tuple[Value, ...]


@node
class NoneValue:
    pass


@node
class SomeValue:
    item: Value


@node
class ListValue:
    items: tuple[Value, ...]


@node
class SetValue:
    items: frozenset[Value]


@node
class MapValue:
    """Finite and partial; equal when the entries are, in whatever order they came."""

    entries: frozenset[tuple[Value, Value]]

    def get(self, key: Value) -> Value | None:
        return next((value for each, value in self.entries if each == key), None)


Value: TypeAlias = (
    bool
    | int
    | Fraction
    | str
    | OpaqueValue
    | EnumValue
    | RecordValue
    | TupleValue
    | NoneValue
    | SomeValue
    | ListValue
    | SetValue
    | MapValue
)
"""Dates and times are ints (days, seconds); a Decimal is always a Fraction, never an int."""


# ---- expressions ---------------------------------------------------------------------------------


class Op(Enum):
    """Operators, with the types of their operands; those marked * are partial."""

    NOT = "not"  # Bool
    AND = "and"  # Bool, Bool; n-ary
    OR = "or"  # n-ary
    IMPLIES = "implies"
    EQ = "eq"  # equal types; content, not identity
    NE = "ne"
    LT = "lt"  # two Int, Decimal, Date or Time
    LE = "le"
    GT = "gt"
    GE = "ge"
    ADD = "add"  # Int, Int; Decimal, Decimal; Date or Time and Int
    SUB = "sub"  # as ADD; also Date - Date and Time - Time: Int
    MUL = "mul"
    NEG = "neg"
    DIV = "div"  # * Int, Int: Euclidean
    MOD = "mod"  # * Int, Int: Euclidean, never negative
    QUOTIENT = "quotient"  # * Decimal, Decimal: exact
    TO_DECIMAL = "to_decimal"  # Int
    MIN = "min"  # n-ary
    MAX = "max"  # n-ary
    ABS = "abs"
    CONCAT = "concat"  # Text, Text
    TEXT_OF = "text_of"  # a number, date, time or enum member
    TEXT_LEN = "text_len"
    CONTAINS = "contains"  # Text, Text: the second stands in the first
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    MATCHES = "matches"  # Text, literal Text: full match
    LIST_LEN = "list_len"
    LIST_GET = "list_get"  # * List, Int
    LIST_APPEND = "list_append"  # List, item
    LIST_HAS = "list_has"  # List, item
    SET_HAS = "set_has"  # Set, item
    SET_ADD = "set_add"
    SET_REMOVE = "set_remove"
    MAP_HAS = "map_has"  # Map, key
    MAP_GET = "map_get"  # * Map, key
    MAP_PUT = "map_put"  # Map, key, value
    MAP_REMOVE = "map_remove"  # Map, key
    MAP_SUM = "map_sum"  # Map to Int or Decimal: over present keys
    SOME = "some"
    IS_SOME = "is_some"
    VALUE_OF = "value_of"  # * Option


PARTIAL = frozenset({Op.DIV, Op.MOD, Op.QUOTIENT, Op.LIST_GET, Op.MAP_GET, Op.VALUE_OF})


@node
class Literal:
    """A constant. An empty option is `Literal(NoneValue(), OptionType(...))`."""

    value: Value
    type: Type
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Ref:
    """A variable of the store, or one that a quantifier, aggregate or search binds."""

    name: str
    type: Type
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Apply:
    op: Op
    arguments: tuple[Expr, ...]
    type: Type
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Conditional:
    test: Expr
    then: Expr
    otherwise: Expr
    type: Type
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Make:
    """A record (fields in declared order), tuple, list or set, by its type."""

    items: tuple[Expr, ...]
    type: Type
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class FieldOf:
    """A field of a record, or (`name` a number) a component of a tuple."""

    operand: Expr
    name: str
    type: Type
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class WithField:
    """The record with one field replaced."""

    operand: Expr
    name: str
    value: Expr
    type: Type
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Items:
    """The items of a list or set, or the keys of a map."""

    collection: Expr


@node
class FirstItems:
    """`take(xs, i)`: the first i items of a list; none where i < 0, all where i > len."""

    collection: Expr
    count: Expr


@node
class Between:
    """The integers from `low` up to, not including, `high`."""

    low: Expr
    high: Expr


@node
class AllOf:
    """Every value of an opaque type or of Int."""

    type: Type


Domain: TypeAlias = Items | FirstItems | Between | AllOf


@node
class Quantified:
    """`forall`/`exists`; the variable's name is unique in the whole program."""

    universal: bool
    variable: Ref
    domain: Domain
    body: Expr
    type: Type = BOOL
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Total:
    """`sum(x in d where p :: e)`: the sum of `body` over the items for which `test` holds.

    `count(x in d :: p)` is the sum of 1 with p as the test.
    """

    variable: Ref
    domain: Domain
    test: Expr | None
    body: Expr
    type: Type
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class First:
    """`find x in xs where p`: the first item of a list for which `test` holds, as an option."""

    variable: Ref
    domain: Domain
    test: Expr
    type: Type
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Uninterpreted:
    """An application of a domain `function` without a body."""

    function: str
    arguments: tuple[Expr, ...]
    type: Type
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Unsupported:
    """A construct that is not verified yet: `best`, `[e for ...]`, `bag`, `keys`, `once`.

    Lowering reports it as `not-yet-verified` and the verdict is `unknown`; it has no value.
    """

    what: str
    type: Type
    span: Span = field(default=NOWHERE, compare=False, repr=False)


Expr: TypeAlias = (
    Literal
    | Ref
    | Apply
    | Conditional
    | Make
    | FieldOf
    | WithField
    | Quantified
    | Total
    | First
    | Uninterpreted
    | Unsupported
)

TOOL = "tool "
"""Before a tool's name: the function that a `pure` tool is, as the name of an uninterpreted one."""

TRUE = Literal(True, BOOL)
FALSE = Literal(False, BOOL)


def number(value: int) -> Literal:
    return Literal(value, INT)


def conjunction(parts: tuple[Expr, ...]) -> Expr:
    if not parts:
        return TRUE
    return parts[0] if len(parts) == 1 else Apply(Op.AND, parts, BOOL, parts[0].span)


# ---- obligations and marks -----------------------------------------------------------------------


class Kind(Enum):
    """What an obligation is about; the same words as in section 8 of docs/LANGUAGE.md."""

    DEFINED = "defined"
    CONSISTENT = "consistent"
    REQUIRES = "requires"
    INVARIANT = "invariant"
    LOOP_ENTRY = "loop-entry"
    LOOP_STEP = "loop-step"
    TERMINATION = "termination"
    BUDGET = "budget"
    REFINEMENT = "refinement"
    ENSURES = "ensures"
    ASSERT = "assert"
    WITNESS = "witness"


@node
class Tag:
    """The identity of an obligation: `id` counts from 0 in program order.

    `at` is where it arises (the call, the statement), `clause` the text that demands it, which may
    stand in another file (the tool's `requires`, the policy's invariant), `name` a short handle for
    reports such as `transfer#4` or `conserved`.
    """

    id: int
    kind: Kind
    name: str
    at: Span
    clause: Span


class Outcome(Enum):
    RETURNED = "returned"
    FAILED = "failed"
    FAILED_DIRTY = "failed-dirty"


@node
class CallBegins:
    """A call is about to be attempted, its requires hold and its cost is charged."""

    site: int
    tool: str
    arguments: tuple[tuple[str, Expr], ...]
    at: Span
    witness: Tag | None  # this call statement is reached by some run


@node
class CallEnds:
    """The call came back; `result` is the store variable that holds what it returned."""

    site: int
    outcome: Outcome
    result: str | None
    witness: Tag | None  # a contract that no state satisfies would make everything after it vacuous


@node
class Reached:
    """A branch, or the normal end of the plan."""

    what: str
    at: Span
    witness: Tag


@node
class Ended:
    """The run ends: normally with a result, or aborted with a reason."""

    aborted: bool
    reason: str
    result: str | None


Mark: TypeAlias = CallBegins | CallEnds | Reached | Ended


# ---- statements ----------------------------------------------------------------------------------


class Exit(Enum):
    FAIL = "fail"
    BREAK = "break"
    RETURN = "return"
    ABORT = "abort"


@node
class Skip:
    """Does nothing; `mark` goes to the trace."""

    mark: Mark | None = None


@node
class Assign:
    target: str
    value: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


class Role(Enum):
    """Why a variable is given an arbitrary value."""

    INPUT = "input"  # a parameter of the plan
    INITIAL = "initial"  # the world's state at the start
    FAILS = "fails"  # a Bool: this call fails (cleanly or not)
    RESULT = "result"  # what a tool returns
    FRAME = "frame"  # what a tool leaves in a place it modifies
    CHOICE = "choice"  # any other free choice


@node
class Havoc:
    """`target` gets any value of `type`, refinements and bounds included.

    `site` is unique in the program, so (site, iteration counters of the loops around it) names one
    choice of the adversary in one run.
    """

    target: str
    type: Type
    role: Role
    site: int
    shown: str  # how a person would name it: `balance[source]`, `result of list_invoices`
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Assume:
    """`kind` says what is taken for granted: requires, ensures, check, policy, initially, ..."""

    condition: Expr
    kind: str
    clause: Span


@node
class Assert:
    condition: Expr
    tag: Tag


@node
class Seq:
    items: tuple[Statement, ...]


@node
class If:
    test: Expr
    then: Statement
    otherwise: Statement
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Invariant:
    """`condition` holds whenever the loop's head is reached; the author's, or lowering's own."""

    condition: Expr
    entry: Tag
    step: Tag


@node
class Loop:
    """`while guard { body }`, at most `bound` times.

    `variant` is at most `bound` at entry (tag `fits`), at least 1 whenever an iteration starts (tag
    `positive`) and strictly smaller after it (tag `decreases`).  The tags are None for loops that
    lowering made over a counter of its own, where the three hold by construction; the generator
    checks them all the same.  `counter` is the store variable that counts finished iterations: the
    loop sets it to 0 at entry and adds 1 after each complete iteration; the body never assigns it.
    `site` is unique among loops.
    """

    guard: Expr
    body: Statement
    invariants: tuple[Invariant, ...]
    variant: Expr
    bound: int
    fits: Tag | None
    positive: Tag | None
    decreases: Tag | None
    counter: str
    site: int
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@node
class Raise:
    exit: Exit


@node
class Try:
    """Runs `body`; if it raises `exit`, goes on with `handler`. Other exits pass through."""

    exit: Exit
    body: Statement
    handler: Statement


Statement: TypeAlias = (
    Skip | Assign | Havoc | Assume | Assert | Seq | If | Loop | Raise | Try
)


# ---- programs ------------------------------------------------------------------------------------


@node
class Variable:
    """A variable of the store that reports speak of."""

    name: str
    shown: str
    type: Type


@node
class BudgetLine:
    """A resource, the store variable that counts it, and the budgets on it (expressions)."""

    resource: str
    counter: str
    type: Type
    budgets: tuple[Expr, ...]


@node
class Assumption:
    """Something that is believed and not proved; `says` is the clause or a sentence."""

    kind: str  # tool-contract, timing, frame, invariant-at-start, initially, exclusive-state, ...
    of: str
    says: str
    checked_at_run: bool


@node
class Program:
    """A closed core program: it begins by havocking its inputs and the world.

    `tags` are all its obligations in order (`tags[i].id == i`), the witness tags among them.
    `steps_max` bounds the number of core statements (skip, seq and try not counted) of any run.
    `variables` is the whole store, each name with its declared type: whatever is assigned to it
    was proved to be of that type, so a havoc (that of a loop head too) may take it for granted.
    """

    name: str
    body: Statement
    parameters: tuple[Variable, ...]
    state: tuple[Variable, ...]
    resources: tuple[BudgetLine, ...]
    tags: tuple[Tag, ...]
    assumptions: tuple[Assumption, ...]
    steps_max: int
    variables: tuple[Variable, ...] = ()
