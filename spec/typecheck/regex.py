"""Which regular expressions `matches` takes: those that mean the same to everyone who reads them.

    union     =  sequence ("|" sequence)*
    sequence  =  (atom ["*" | "+" | "?" | "{m}" | "{m,n}"])*
    atom      =  character | "." | class | "(" union ")" | escape
    class     =  "[" ["^"] (character | character "-" character | escape)+ "]"
    escape    =  "\\d" | "\\w" | "\\s" (ASCII) | "\\" and one of  . [ ] { } ( ) * + ? | ^ $ \\ - /

A match is of the whole text, so there are no anchors; there are no back references, look-around,
lazy or possessive repetitions, flags, or repeated repetitions (`a**`, `a*+`), on whose meaning
Python and SMT-LIB differ.  `.` is any character but a line feed.
"""

from __future__ import annotations

SPECIAL = frozenset(".[]{}()*+?|^$\\")
COUNT_MAX = 1000  # of a repetition; a solver writes it out


class NotInSubset(Exception):
    """The pattern says something at `at` that the subset does not have."""

    def __init__(self, at: int, reason: str) -> None:
        super().__init__(reason)
        self.at = at
        self.reason = reason


def validate(pattern: str) -> None:
    """Raises `NotInSubset` where the pattern is not in the subset."""
    reader = _Reader(pattern)
    reader.union()
    if reader.at < len(pattern):
        raise NotInSubset(reader.at, "this `)` closes nothing")


class _Reader:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.depth = 0

    def peek(self, ahead: int = 0) -> str:
        return self.pattern[self.at + ahead : self.at + ahead + 1]

    def refuse(self, reason: str) -> NotInSubset:
        return NotInSubset(self.at, reason)

    def union(self) -> None:
        self.sequence()
        while self.peek() == "|":
            self.at += 1
            self.sequence()

    def sequence(self) -> None:
        while self.peek() not in ("", "|", ")"):
            self.atom()
            self.repetition()
            if self.peek() in ("*", "+", "?", "{"):
                raise self.refuse("a repetition is not repeated; put parentheses around it")

    def repetition(self) -> None:
        sign = self.peek()
        if sign in ("*", "+", "?"):
            self.at += 1
        elif sign == "{":
            end = self.pattern.find("}", self.at)
            counts = self.pattern[self.at + 1 : end].split(",") if end >= 0 else []
            if not 1 <= len(counts) <= 2 or not all(c.isascii() and c.isdigit() for c in counts):
                raise self.refuse("a repetition is `{m}` or `{m,n}`")
            if any(len(c) > 4 for c in counts) or int(counts[-1]) > COUNT_MAX:
                raise self.refuse(f"at most {COUNT_MAX} repetitions are counted")
            if int(counts[0]) > int(counts[-1]):
                raise self.refuse("the smaller count stands first")
            self.at = end + 1

    def atom(self) -> None:
        sign = self.peek()
        if sign == "(":
            self.group()
        elif sign == "[":
            self.character_class()
        elif sign == "\\":
            self.escape()
        elif sign in ("^", "$"):
            raise self.refuse("there are no anchors: `matches` is about the whole text")
        elif sign in ("*", "+", "?"):
            raise self.refuse(f"there is nothing before `{sign}` to repeat")
        elif sign in SPECIAL and sign != ".":
            raise self.refuse(f"write `\\{sign}` for the character `{sign}`")
        else:
            self.at += 1

    def group(self) -> None:
        if self.peek(1) == "?":
            raise self.refuse("groups are plain: no look-around, names or flags")
        self.depth += 1
        if self.depth > 50:
            raise self.refuse("groups are nested too deeply")
        opened = self.at
        self.at += 1
        self.union()
        if self.peek() != ")":
            raise NotInSubset(opened, "this `(` is not closed")
        self.at += 1
        self.depth -= 1

    def escape(self) -> str:
        """The escaped character, or empty where it stands for several."""
        sign = self.peek(1)
        if not sign or (sign not in SPECIAL and sign not in "-/dws"):
            raise self.refuse(f"`\\{sign}` is not in the subset")
        self.at += 2
        return "" if sign in "dws" else sign

    def character_class(self) -> None:
        opened = self.at
        self.at += 2 if self.peek(1) == "^" else 1
        if self.peek() == "]":
            raise self.refuse("a class has at least one character; write `\\]` for `]`")
        while self.peek() != "]":
            low = self.class_character(opened)
            if self.peek() == "-" and self.peek(1) not in ("]", ""):
                self.at += 1
                high = self.class_character(opened)
                if not low or not high or high < low:
                    raise self.refuse("a range goes from one character up to another")
        self.at += 1

    def class_character(self, opened: int) -> str:
        sign = self.peek()
        if not sign:
            raise NotInSubset(opened, "this `[` is not closed")
        if sign == "\\":
            return self.escape()
        if sign == "[":
            raise self.refuse("write `\\[` for the character `[`")
        if sign in "-&~|" and sign == self.peek(1):
            raise self.refuse(f"`{sign}` stands twice")
        self.at += 1
        return sign
