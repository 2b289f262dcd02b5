"""What an obligation says, in words: when it holds, and when it does not.

One kind, one pair of sentences, so that reports, certificates and documentation cannot drift apart.
(Dafny's `ProofObligationDescription`.)
"""

from __future__ import annotations

from planproof.spec.core import Kind, Tag

_HOLDS: dict[Kind, str] = {
    Kind.DEFINED: "`{clause}` always has a value here",
    Kind.CONSISTENT: "the contract keeps its own promises: `{clause}`",
    Kind.REQUIRES: "what the call needs holds before it: `{clause}`",
    Kind.INVARIANT: "`{clause}` holds after this step too",
    Kind.LOOP_ENTRY: "`{clause}` holds when the loop is first reached",
    Kind.LOOP_STEP: "each iteration restores `{clause}`",
    Kind.TERMINATION: "the loop ends within its bound",
    Kind.BUDGET: "the worst case so far is within `{clause}`",
    Kind.REFINEMENT: "the value is one of its type",
    Kind.ENSURES: "the plan ends with `{clause}`",
    Kind.ASSERT: "`{clause}` holds here",
    Kind.WITNESS: "some run gets here",
}

_FAILS: dict[Kind, str] = {
    Kind.DEFINED: "`{clause}` has no value in this run",
    Kind.CONSISTENT: "the contract does not keep its own promises: `{clause}`",
    Kind.REQUIRES: "the call needs `{clause}`, which is false before it",
    Kind.INVARIANT: "`{clause}` is false after this step",
    Kind.LOOP_ENTRY: "`{clause}` is false when the loop is first reached",
    Kind.LOOP_STEP: "`{clause}` is false after an iteration",
    Kind.TERMINATION: "the loop does not keep its bound",
    Kind.BUDGET: "`{clause}` is exceeded",
    Kind.REFINEMENT: "the value is not one of its type",
    Kind.ENSURES: "the plan ends with `{clause}` false",
    Kind.ASSERT: "`{clause}` is false here",
    Kind.WITNESS: "no run gets here: what stands here can never happen",
}


def said(tag: Tag) -> str:
    """The clause as it is written, on one line."""
    return tag.clause.one_line.rstrip(" ;")


def holds(tag: Tag) -> str:
    """Why a proved obligation is good news."""
    if tag.kind is Kind.ENSURES and tag.name == "modifies":
        return "the call changes nothing but what `modifies` names"
    return _HOLDS[tag.kind].format(clause=said(tag))


def fails(tag: Tag) -> str:
    """What a run that violates the obligation shows."""
    if tag.kind is Kind.ENSURES and tag.name == "modifies":
        return "the call changes something that `modifies` does not name"
    return _FAILS[tag.kind].format(clause=said(tag))
