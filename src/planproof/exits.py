"""The exit codes of the program: one table, and which of several is the worst.

Codes 64 and 70 are those of sysexits.h (usage, software), 130 and 141 those a shell gives a
process that a signal ended.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class Exit(IntEnum):
    """What the exit code says."""

    DONE = 0  # proved, or done
    REFUTED = 1  # a plan is refuted; `fmt --check`: a file is not in canonical form
    UNKNOWN = 2  # neither proved nor refuted
    BAD_INPUT = 3  # files, syntax, names, types
    REJECTED = 4  # a certificate or a signature
    STOPPED = 5  # the run was aborted, a contract broken, a budget reached
    USAGE = 64  # the command line
    BUG = 70  # ours
    INTERRUPTED = 130
    BROKEN_PIPE = 141


# Unknown is less than refuted since more resources may still settle it; what could not be read at
# all may hide anything, so it is worse than both.
_WORST_FIRST = (
    Exit.BUG,
    Exit.BROKEN_PIPE,
    Exit.INTERRUPTED,
    Exit.USAGE,
    Exit.BAD_INPUT,
    Exit.REJECTED,
    Exit.STOPPED,
    Exit.REFUTED,
    Exit.UNKNOWN,
    Exit.DONE,
)

OF_VERDICT: dict[str, Exit] = {
    "proved": Exit.DONE,
    "refuted": Exit.REFUTED,
    "unknown": Exit.UNKNOWN,
    "bad-input": Exit.BAD_INPUT,
}


def worst(exits: Iterable[Exit]) -> Exit:
    """The one that counts for several plans; nothing looked at is UNKNOWN, never DONE."""
    return min(exits, key=_WORST_FIRST.index, default=Exit.UNKNOWN)
