"""The LALR(1) tables of `grammar.lark`, shipped as data.

Lark builds them (DeRemer and Pennello's algorithm) in 320 ms after 36 ms of import, too much for
every start of a command, and a pickled cache in the user's folder is a file that runs code when
loaded.  So they are built once, when the grammar changes, into `tables.json`, which `load` reads in
a few milliseconds and a test compares with what Lark says now:

    python -m planproof.spec.tables

A terminal is called by its text where it is one (`"=="`, `"let"`) and by its name where it is a
pattern (`"NAME"`).  Lark is needed only here.
"""

from __future__ import annotations

import json
import os
from typing import Any, TypeAlias

from planproof.spec.node import node

Step: TypeAlias = int
"""In a row of actions: `s >= 0` shifts to state s, `r < 0` reduces by rule `-1 - r`."""


@node
class Rule:
    """`target: symbols`; how its children become a value.

    `build` lists the children that count, as positions on the right-hand side; -1 is an optional
    part that is not there.  `splice` are the positions whose value is a list that belongs to this
    one.  `name` is the alias or the target; `passes` says that an only child is the value.
    """

    target: str
    size: int
    name: str
    build: tuple[int, ...]
    splice: tuple[int, ...]
    passes: bool


@node
class Tables:
    rules: tuple[Rule, ...]
    actions: tuple[dict[str, Step], ...]
    gotos: tuple[dict[str, int], ...]
    start: int
    accept: int
    symbols: tuple[str, ...]  # by state: the symbol that leads there, empty for the start
    patterns: dict[str, str]  # of the terminals that are patterns, the ignored ones included
    words: tuple[str, ...]  # the terminals that are texts


FOLDER = os.path.dirname(__file__)


def _read(name: str) -> str:
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return file.read()


def load() -> Tables:
    """The shipped tables."""
    data = json.loads(_read("tables.json"))
    action_rows, goto_rows = data["action_rows"], data["goto_rows"]
    return Tables(
        tuple(
            Rule(target, size, name, tuple(build), tuple(splice), passes)
            for target, size, name, build, splice, passes in data["rules"]
        ),
        tuple(action_rows[row] for row in data["actions"]),
        tuple(goto_rows[row] for row in data["gotos"]),
        data["start"],
        data["accept"],
        tuple(data["symbols"]),
        data["patterns"],
        tuple(data["words"]),
    )


def build() -> str:
    """What `tables.json` has to say for the grammar as it is; raises where it has a conflict."""
    import lark
    from lark.lexer import PatternStr
    from lark.parsers.lalr_analysis import Shift

    grammar = _read("grammar.lark")
    parser: Any = lark.Lark(grammar, parser="lalr", strict=True, maybe_placeholders=True)
    table = parser.parser.parser._parse_table
    called: dict[str, str] = {"$END": "$END"}
    patterns: dict[str, str] = {}
    words: list[str] = []
    for terminal in parser.terminals:
        if isinstance(terminal.pattern, PatternStr):
            called[terminal.name] = terminal.pattern.value
            words.append(terminal.pattern.value)
        else:
            called[terminal.name] = terminal.name
            patterns[terminal.name] = terminal.pattern.value

    rules = sorted(
        parser.rules,
        key=lambda rule: (rule.origin.name, rule.order, [s.name for s in rule.expansion]),
    )
    number = {rule: at for at, rule in enumerate(rules)}

    # States in the order of a walk from the start, so that the file does not depend on hashing.
    (start,) = table.start_states.values()
    (accept,) = table.end_states.values()
    order: dict[Any, int] = {start: 0}
    symbols = [""]
    waiting = [start]
    while waiting:
        state = waiting.pop(0)
        for name, (kind, argument) in sorted(table.states[state].items()):
            if kind is Shift and argument not in order:
                order[argument] = len(order)
                symbols.append(called.get(name, name))
                waiting.append(argument)

    actions: list[int] = []
    gotos: list[int] = []
    action_rows: dict[str, int] = {}
    goto_rows: dict[str, int] = {}
    for state in order:
        action: dict[str, int] = {}
        goto: dict[str, int] = {}
        for name, (kind, argument) in sorted(table.states[state].items()):
            if kind is not Shift:
                action[called[name]] = -1 - number[argument]
            elif name in called:
                action[called[name]] = order[argument]
            else:
                goto[name] = order[argument]
        actions.append(action_rows.setdefault(_line(action), len(action_rows)))
        gotos.append(goto_rows.setdefault(_line(goto), len(goto_rows)))

    parts = {
        "rules": _lines([_line(_rule(rule)) for rule in rules]),
        "action_rows": _lines(list(action_rows)),
        "goto_rows": _lines(list(goto_rows)),
        "actions": _line(actions),
        "gotos": _line(gotos),
        "start": "0",
        "accept": _line(order[accept]),
        "symbols": _line(symbols),
        "patterns": _line(dict(sorted(patterns.items()))),
        "words": _line(sorted(words)),
    }
    return "{\n" + ",\n".join(f'"{name}": {text}' for name, text in parts.items()) + "\n}\n"


def _rule(rule: Any) -> list[Any]:
    """One rule of Lark as the fields of `Rule`."""
    kept = [
        at
        for at, symbol in enumerate(rule.expansion)
        if rule.options.keep_all_tokens or not (symbol.is_term and symbol.filter_out)
    ]
    # `empty_indices` has, in order, False for each symbol and True for each part that is absent.
    absent = rule.options.empty_indices
    build: list[int] = []
    if absent:
        at = 0
        for is_absent in absent:
            if is_absent:
                build.append(-1)
            else:
                if at in kept:
                    build.append(at)
                at += 1
    else:
        build = kept
    splice = [at for at in kept if rule.expansion[at].name.startswith("_")]
    return [
        rule.origin.name,
        len(rule.expansion),
        rule.alias or rule.origin.name,
        build,
        splice,
        bool(rule.options.expand1 and not rule.alias),
    ]


def _line(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _lines(items: list[str]) -> str:
    return "[\n" + ",\n".join(items) + "\n]"


if __name__ == "__main__":
    with open(os.path.join(FOLDER, "tables.json"), "w", encoding="utf-8") as out:
        out.write(build())
