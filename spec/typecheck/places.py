"""Where an expression stands, and what may be said there.

State is spoken of freely where nothing runs (contracts, invariants, asserts, rules).  In code it
is read only where a tool observes it, since each such read is a call.
"""

from __future__ import annotations

from enum import Enum

from planproof.spec.node import node
from planproof.spec.resolve import Scope
from planproof.spec.types import Type


class StateUse(Enum):
    ANY = "any"
    OBSERVED = "observed"
    NONE = "none"


@node
class Where:
    """A kind of place: `name` with its article, for messages; `why` says why state is barred."""

    name: str
    state: StateUse = StateUse.ANY
    why: str = ""
    old: bool = False
    initially: bool = False
    once: bool = False
    everything: bool = False  # `forall x: T`
    runs: bool = False  # it is executed, so all in it must be computable


class Time(Enum):
    """Which value of the state a name means, and how its variable is called."""

    NOW = ""
    OLD = "old "
    INITIALLY = "initially "


@node
class Env:
    """A scope, the kind of place, the time at which state is read, the types of special names."""

    scope: Scope
    where: Where
    time: Time = Time.NOW
    result: Type | None = None
    self_type: Type | None = None

    def at(self, time: Time) -> Env:
        return Env(self.scope, self.where, time, self.result, self.self_type)

    def inside(self, scope: Scope) -> Env:
        return Env(scope, self.where, self.time, self.result, self.self_type)


_NOBODY = "what a type, constant or function means does not depend on the state of the world"
_CONSTANT = "it is known before any plan runs"

PREDICATE = Where("a type's predicate", StateUse.NONE, _NOBODY)
CONSTANT = Where("a constant", StateUse.NONE, _NOBODY)
FUNCTION = Where("a function", StateUse.NONE, _NOBODY)
DEFAULT = Where("a default argument", StateUse.NONE, _CONSTANT)
INITIALLY = Where("an `initially` fact", everything=True)
TOOL_REQUIRES = Where("a tool's `requires`", once=True, everything=True)
TOOL_ENSURES = Where("a tool's `ensures`", old=True, once=True, everything=True)
LEAVING = Where("a `leaving` clause", old=True, everything=True)
COST = Where("a cost", StateUse.NONE, "a cost is bounded over the parameters of the tool")
UNDO = Where("the arguments of `undo`", StateUse.NONE, "they are known when the call has returned")
KEY = Where("the key of a place")
POLICY_INVARIANT = Where("an invariant", initially=True, once=True, everything=True)
RULE = Where("a rule", initially=True, everything=True)
POLICY_BUDGET = Where("a budget", StateUse.NONE, _CONSTANT)
PLAN_BUDGET = Where("a budget", StateUse.NONE, "a budget is fixed when the plan starts")
PLAN_REQUIRES = Where("a plan's `requires`", once=True, everything=True)
PLAN_ENSURES = Where("a plan's `ensures`", old=True, once=True, everything=True)
LOOP_INVARIANT = Where("a loop invariant", old=True, once=True, everything=True)
VARIANT = Where("what a loop decreases", old=True)
ASSERT = Where("an `assert`", old=True, once=True, everything=True)
CODE = Where("the code of a plan", StateUse.OBSERVED, runs=True)
WHILE = Where(
    "the condition of a `while`",
    StateUse.NONE,
    "it is evaluated again and again, and each read of state is a call; read it with `let` in the "
    "body and test that",
    runs=True,
)
