"""Planproof: plans for agents, proved before they run.

    import planproof

    world = planproof.load("treasury.domain", "treasury.policy")
    report = planproof.verify("pay.plan", world)
    if report.verdict == "proved":
        ...

A plan is proved against a domain and its policies for all inputs, all tool results that the
contracts allow and all tool failures.  Importing this package loads neither the solver nor the
parser; they come with the first call that needs them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from planproof.spec.diagnostic import BadInput
    from planproof.spec.typed import World
    from planproof.verifier.report.data import NotProved, Report

__version__ = "0.1.0"

__all__ = ["BadInput", "NotProved", "Report", "World", "__version__", "load", "verify"]

_LAZY = {
    "BadInput": "planproof.spec.diagnostic",
    "NotProved": "planproof.verifier.report.data",
    "Report": "planproof.verifier.report.data",
    "World": "planproof.spec.typed",
}


def load(domain: str | Path, *policies: str | Path) -> World:
    """The domain and the policies in these files, checked.

    Raises `BadInput`, whose `diagnostics` are all that is wrong with them.
    """
    from planproof import workspace

    return workspace.load(str(domain), tuple(map(str, policies)))


def verify(plan: str | Path, world: World, *, rlimit: int | None = None) -> Report:
    """What can be proved of every plan in a file or a text (a `str` with a brace or a line end).

    `rlimit` is the most solver resource units for one condition.  A plan that can't be read or does
    not typecheck is a report with the verdict `bad-input`, not an exception.
    """
    from planproof import workspace
    from planproof.spec.limits import DEFAULT
    from planproof.spec.node import replace

    limits = DEFAULT if rlimit is None else replace(DEFAULT, solver_rlimit_max=rlimit)
    return workspace.verify_one(plan, world, limits)


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    value: object = getattr(importlib.import_module(_LAZY[name]), name)
    globals()[name] = value
    return value
