"""Every bound of the program itself: its unit, its price, and how the bounds relate.

Reaching a bound is an answer (`bad input` or `unknown`, with the bound named), never a crash.
"""

from __future__ import annotations

import sys

from planproof.spec.node import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Everything that could run away, and how far we let it."""

    source_bytes_max: int = (
        4 * 1024 * 1024
    )  # a 10,000-call plan is 0.5 MB; parsing costs about 2 s/MB
    nesting_depth_max: int = (
        64  # of expressions and blocks; a recursive pass uses a few frames a level
    )
    integer_digits_max: int = 1000  # of a literal; Python's own limit for int(text) is 4300
    list_bound_max: int = 1_000_000  # N of List<T, N> and of `max N`
    diagnostics_max: int = 50  # for one file; more help nobody
    inlined_statements_max: int = 100_000  # of a plan after the plans it calls are written out
    inlined_calls_max: int = 10_000  # applications of functions that one of them is written out to
    inlined_nodes_max: int = 20_000  # operations of an application or parts of a type, written out
    unroll_statements_max: int = 4_000  # complete unrolling stops here and the loop stays unproved
    search_statements_max: int = 16_000  # of a plan executed symbolically to find a run; about 5 s
    solver_rlimit_max: int = 5_000_000  # Z3 resource units for one condition; roughly 2 s
    solver_seed: int = 0  # of the solver's choices; no verdict should depend on it
    instances_max: int = 2_000  # ground instances of assumed universals, for one condition
    split_values_max: int = 64  # a factor of a product with this small a range is split into cases
    replay_steps_max: int = 1_000_000  # of one run of the reference interpreter; about 5 s

    def __post_init__(self) -> None:
        if not self.nesting_depth_max * 12 < sys.getrecursionlimit():
            raise ValueError("nesting_depth_max leaves the passes too little stack")


DEFAULT = Limits()
