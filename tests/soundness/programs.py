"""Random worlds and plans, as text: what the whole pipeline is tested with.

`Maker(seed)` writes a domain, a policy and a file of plans that typecheck.  They are small, they use
most of the language, and their conditions are biased to be almost true: constants are few and
close together, guards are usually there and sometimes one off.  Equal seeds give equal texts.

`settle` makes them better still.  It runs the plan against an adversary and deletes most of the
claims, calls and clauses that a run breaks.  What is left is a mixture of what is true, what is true
in most runs, and what is not: so proved, refuted and unknown all come up.

Left out, as the verifier does not know them yet: rules, flows, `parallel`, shared state, `best`,
comprehensions, `bag`, `keys`, `once`.
"""

# ruff: noqa: E501 - a text of the language is not wrapped in the middle of a clause

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

from hypothesis import strategies as st

from planproof.spec import core, lower, parse, typecheck, typed
from planproof.spec.diagnostic import Diagnostic, Severity
from planproof.spec.limits import DEFAULT
from planproof.spec.source import Source

# ---- what is made ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Texts:
    """A world and a file of plans; the plan of interest is the last one, `main`."""

    domain: str
    policy: str
    plan: str

    def __str__(self) -> str:
        return f"{self.domain}\n// ---- policy\n{self.policy}\n// ---- plan\n{self.plan}"


class NotAccepted(Exception):
    """The front end refuses the texts: the generator's fault."""


def checked(texts: Texts) -> tuple[typed.World, typed.PlanSet]:
    """The texts after the front end; raises NotAccepted where it finds an error in them."""
    found: tuple[Diagnostic, ...]
    domain_file, found = parse.parse_domain(Source("fuzz.domain", texts.domain), DEFAULT)
    if domain_file is None:
        raise NotAccepted(_said(found))
    domain, found = typecheck.check_domain(domain_file, DEFAULT)
    if domain is None:
        raise NotAccepted(_said(found))
    policies: tuple[typed.Policy, ...] = ()
    if texts.policy:
        policy_file, found = parse.parse_policy(Source("fuzz.policy", texts.policy), DEFAULT)
        if policy_file is None:
            raise NotAccepted(_said(found))
        policy, found = typecheck.check_policy(policy_file, domain, DEFAULT)
        if policy is None:
            raise NotAccepted(_said(found))
        policies = (policy,)
    world = typed.World(domain, policies)
    plan_file, found = parse.parse_plan(Source("fuzz.plan", texts.plan), DEFAULT)
    if plan_file is None:
        raise NotAccepted(_said(found))
    plans, found = typecheck.check_plans(plan_file, world, DEFAULT)
    if plans is None:
        raise NotAccepted(_said(found))
    return world, plans


def lowered(texts: Texts) -> core.Program:
    """The core program of `main`; raises NotAccepted where a part of it has no meaning yet."""
    world, plans = checked(texts)
    program, found = lower.lower_plan(plans, "main", world)
    if program is None or any(each.severity is Severity.ERROR for each in found):
        raise NotAccepted(_said(found))
    return program


def domain_programs(texts: Texts) -> tuple[core.Program, ...]:
    """What the domain and the policy owe by themselves, as programs."""
    world, _ = checked(texts)
    return lower.lower_world(world, DEFAULT)


def _said(found: tuple[Diagnostic, ...]) -> str:
    return "; ".join(f"{d.span!r} [{d.code}] {d.headline}" for d in found)


def texts() -> st.SearchStrategy[Texts]:
    """The generator as a Hypothesis strategy; `minimise` shrinks better than Hypothesis could."""
    return st.integers(0, 2**32 - 1).map(lambda seed: Maker(seed).texts())


# ---- types -----------------------------------------------------------------------------------------

# A type is its text.  `BASE` says what a value of it is at run time, and so what may stand for what.
BASE = {
    "Int": "Int",
    "Nat": "Int",
    "Small": "Int",
    "Bool": "Bool",
    "Decimal": "Decimal",
    "Key": "Key",
    "Color": "Color",
    "Text<4>": "Text",
    "Item": "Item",
    "(Int, Bool)": "(Int, Bool)",
    "Option<Key>": "Option<Key>",
    "Option<Int>": "Option<Int>",
    "Option<Item>": "Option<Item>",
    "List<Int, 3>": "List<Int>",
    "List<Item, 4>": "List<Item>",
    "List<Key, 3>": "List<Key>",
    "Set<Key>": "Set<Key>",
    "Map<Key, Nat>": "Map<Key, Nat>",
    "Map<Color, Int>": "Map<Color, Int>",
    "Map<Text<4>, Small>": "Map<Text<4>, Small>",
    "Full": "Item",
    "Few": "List<Int>",
    "Map<Key, Item>": "Map<Key, Item>",
    "Map<(Key, Color), Full>": "Map<(Key, Color), Full>",
    "List<Full, 3>": "List<Item>",
    "Set<Color>": "Set<Color>",
    "Map<Key, List<Int, 3>>": "Map<Key, List<Int, 3>>",
    "(Key, Color)": "(Key, Color)",
    "Option<Full>": "Option<Item>",
    "Date": "Date",
    "Option<Option<Int>>": "Option<Option<Int>>",
}
ITEM_OF = {"List<Int>": "Int", "List<Item>": "Item", "List<Key>": "Key"}
KEY_OF = {
    "Map<Key, Nat>": ("Key", "Nat"),
    "Map<Color, Int>": ("Color", "Int"),
    "Map<Text<4>, Small>": ("Text<4>", "Small"),
    "Map<Key, Item>": ("Key", "Item"),
    "Map<(Key, Color), Full>": ("(Key, Color)", "Full"),
    "Map<Key, List<Int, 3>>": ("Key", "List<Int, 3>"),
}
LITERAL_INTS = ("0", "0", "1", "1", "2", "3", "5", "6", "-1", "CAP")
LITERAL_TEXTS = ('""', '"a"', '"ab"', '"abc"')
COLORS = ("Color.Red", "Color.Green", "Color.Blue")

PARAMETER_TYPES = (
    "Int",
    "Int",
    "Nat",
    "Small",
    "Small",
    "Bool",
    "Key",
    "Key",
    "Key",
    "Color",
    "Item",
    "List<Item, 4>",
    "List<Int, 3>",
    "List<Key, 3>",
    "Option<Key>",
    "Option<Int>",
    "Text<4>",
    "Decimal",
    "(Int, Bool)",
    "Set<Key>",
    "Map<Key, Nat>",
    "Map<Color, Int>",
    "Full",
    "Few",
    "List<Full, 3>",
    "Map<Key, Item>",
    "Map<Key, List<Int, 3>>",
    "Set<Color>",
    "Map<(Key, Color), Full>",
    "Option<Full>",
    "Date",
    "Date",
    "Option<Option<Int>>",
)

STATES = {
    "stock": "Map<Key, Nat>",
    "total": "Int",
    "flag": "Bool",
    "seen": "Set<Key>",
    "box": "Item",
    "tally": "Map<Color, Int>",
    "names": "Map<Text<4>, Small>",
    "fee": "Decimal",
    "chart": "Map<Key, Item>",
    "grid": "Map<(Key, Color), Full>",
    "queue": "List<Item, 4>",
    "last": "Option<Full>",
    "hues": "Set<Color>",
    "due": "Date",
}


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool of the world: how it is declared, and what a plan must know to call it."""

    name: str
    parameters: tuple[tuple[str, str], ...]
    result: str | None
    clauses: tuple[str, ...]
    fails: bool
    guards: tuple[str, ...] = ()  # what code may test before a call: no state in it

    def text(self) -> str:
        inside = ", ".join(f"{name}: {type}" for name, type in self.parameters)
        head = f"tool {self.name}({inside})" + (f" -> {self.result}" if self.result else "")
        return "\n".join([head, *(f"  {each}" for each in self.clauses)]) + ";"


@dataclass(slots=True)
class Scope:
    """The names in reach, with their types; `spec`: state, `old` and contracts' words too."""

    names: dict[str, str] = field(default_factory=dict)
    mutable: frozenset[str] = frozenset()
    spec: bool = False
    old: bool = False

    def inner(self) -> Scope:
        return Scope(dict(self.names), self.mutable, self.spec, self.old)

    def having(self, name: str, type: str) -> Scope:
        return Scope({**self.names, name: type}, self.mutable, self.spec, self.old)


class Maker:
    """Writes one world and one file of plans."""

    def __init__(self, seed: int, loopy: bool | None = None, small: bool = False) -> None:
        self.roll = random.Random(seed)  # noqa: S311 - the same texts for the same seed
        self.counter = 0
        self.states: dict[str, str] = {}
        self.tools: list[Tool] = []
        self.lines: list[str] = []
        self.left = 0
        self.loops = 0
        self.in_loop = False
        self.result: str | None = None
        self.helper: tuple[str, tuple[tuple[str, str], ...], str] | None = None
        self.strings = self.chance(0.06)
        self.loopy = self.chance(0.5) if loopy is None else loopy
        self.small = small

    # ---- dice ----

    def chance(self, p: float) -> bool:
        return self.roll.random() < p

    def pick(self, options: list[str] | tuple[str, ...]) -> str:
        return self.roll.choice(options)

    def fresh(self, prefix: str) -> str:
        self.counter += 1
        return f"{prefix}{self.counter}"

    # ---- the whole ----

    def texts(self) -> Texts:
        domain = self.domain()
        policy = self.policy()
        return Texts(domain, policy, self.plan_file())

    def domain(self) -> str:
        names = list(STATES)
        self.roll.shuffle(names)
        chosen = names[: self.roll.randint(1, 2) if self.small else self.roll.randint(2, 4)]
        self.states = {name: STATES[name] for name in STATES if name in chosen}
        parts = [
            "domain fuzz;",
            "default seconds 1;",
            "type Key;",
            "enum Color { Red, Green, Blue }",
            "type Nat = Int where self >= 0;",
            "type Small = Int where self >= 0 && self <= 5;",
            "record Item { owner: Key, size: Small, tone: Color, rank: Int }",
            "type Full = Item where self.size > 0 && self.rank >= self.size;",
            "type Few = List<Int, 3> where len(self) > 0;",
            "resource usd: Decimal;",
            "resource points: Int;",
            "const CAP: Int = 4;",
            "function double(x: Int) -> Int = x + x;",
            "function weight(k: Key) -> Nat;",
        ]
        for name, type in self.states.items():
            observer = " observed by read_total" if name == "total" else ""
            parts.append(f"state {name}: {type}{observer};")
        self.tools = list(self.make_tools())
        if "total" in self.states and self.chance(0.2):
            parts.append("initially total >= 0;")
        parts += [tool.text() for tool in self.tools]
        return "\n".join(parts) + "\n"

    def make_tools(self) -> Iterator[Tool]:
        has = self.states.__contains__
        if has("total"):
            yield Tool("read_total", (), "Int", ("reads total", "ensures result == total"), False)
            effect = self.pick(
                (
                    "total == old(total) + n",
                    "total == old(total) + n",
                    "total >= old(total) + n",
                    "total == old(total) - n",
                    "total <= old(total) + n && total >= old(total)",
                )
            )
            needs = self.some(("requires n >= 0", "requires n <= 3", "requires total + n >= 0"), 1)
            failing = self.failing(("total >= old(total)", "total <= old(total) + 1"))
            if "total >= old(total)" in effect and "requires n >= 0" not in needs:
                needs = [*needs, "requires n >= 0"]
            yield self.tool(
                "add",
                (("n", "Int"),),
                None,
                needs,
                ["modifies total", f"ensures {effect}", *failing],
            )
        if has("stock"):
            yield Tool(
                "holds",
                (("k", "Key"),),
                "Bool",
                ("reads stock", f"ensures result {self.pick(('==', '==', '==>'))} (k in stock)"),
                False,
            )
            yield Tool(
                "stock_of",
                (("k", "Key"),),
                "Nat",
                ("requires k in stock", "reads stock", "ensures result == stock[k]"),
                False,
            )
            ensures = [
                self.pick(
                    (
                        "stock[a] == old(stock[a]) - n",
                        "stock[a] == old(stock[a]) - n",
                        "stock[a] <= old(stock[a])",
                    )
                ),
                self.pick(
                    (
                        "stock[b] == old(stock[b]) + n",
                        "stock[b] == old(stock[b]) + n",
                        "stock[b] >= old(stock[b])",
                    )
                ),
            ]
            needs = ["requires a in stock && b in stock", "requires stock[a] >= n"]
            needs += ["requires n >= 0", "requires a != b"] if self.chance(0.85) else []
            failing = self.failing(
                ("stock[a] + stock[b] <= old(stock[a] + stock[b])", "stock[a] >= 0")
            )
            yield self.tool(
                "move",
                (("a", "Key"), ("b", "Key"), ("n", self.pick(("Int", "Nat", "Small")))),
                None,
                needs,
                ["modifies stock[a], stock[b]", *(f"ensures {each}" for each in ensures), *failing],
            )
            extra = self.some(
                (
                    "ensures forall j in old(stock) :: j in stock",
                    "ensures forall j in stock :: j == k || j in old(stock)",
                    "ensures forall j in old(stock) :: j != k ==> j in stock && stock[j] == old(stock[j])",
                ),
                1,
            )
            yield self.tool(
                "put",
                (("k", "Key"), ("n", "Nat")),
                None,
                self.some(("requires !(k in stock)",), 1),
                [
                    "modifies stock",
                    "ensures k in stock",
                    "ensures stock[k] == n",
                    *extra,
                    *self.failing(()),
                ],
            )
        if has("flag"):
            effect = self.pick(("flag == b", "flag == b", "flag == (old(flag) || b)", "b ==> flag"))
            yield self.tool(
                "set_flag",
                (("b", "Bool"),),
                None,
                self.some(("requires !flag",), 1, 0.3),
                ["modifies flag", f"ensures {effect}", *self.failing(("flag ==> old(flag)",))],
            )
        if has("seen"):
            effect = self.pick(
                ("seen == old(seen) + {k}", "k in seen", "forall j in old(seen) :: j in seen")
            )
            yield self.tool(
                "mark",
                (("k", "Key"),),
                self.pick(("", "Bool")) or None,
                [],
                ["modifies seen", f"ensures {effect}", *self.failing(())],
            )
            yield Tool(
                "pick",
                (),
                "Option<Key>",
                ("reads seen", "ensures is_some(result) ==> result.value in seen"),
                False,
            )
        if has("tally"):
            effect = self.pick(
                ("tally[c] == old(tally[c]) + n", "tally[c] >= old(tally[c])", "tally[c] == n")
            )
            yield self.tool(
                "paint",
                (("c", "Color"), ("n", "Int")),
                None,
                ["requires c in tally"],
                [
                    "modifies tally[c]",
                    f"ensures {effect}",
                    *self.failing(("tally[c] <= old(tally[c])",)),
                ],
            )
        if has("box"):
            if self.chance(0.5):
                yield self.tool(
                    "resize",
                    (("n", "Small"),),
                    None,
                    [],
                    [
                        "modifies box.size",
                        self.pick(("ensures box.size == n", "ensures box.size <= n")),
                        *self.failing(("box.size >= old(box.size)",)),
                    ],
                )
            yield Tool(
                "swap",
                (("x", "Item"),),
                "Item",
                ("modifies box", "ensures box == x", "ensures result == old(box)"),
                False,
            )
        if has("names"):
            yield self.tool(
                "name",
                (("t", "Text<4>"), ("n", "Small")),
                None,
                self.some(("requires len(t) > 0",), 1),
                ["modifies names", "ensures t in names && names[t] == n", *self.failing(())],
            )
        if has("fee"):
            yield self.tool(
                "raise_fee",
                (("d", "Decimal"),),
                None,
                self.some(("requires d >= 0.5",), 1),
                [
                    "modifies fee",
                    self.pick(("ensures fee == old(fee) + d / 2.0", "ensures fee >= old(fee)")),
                    *self.failing(("fee == old(fee) || fee > 1.0",)),
                ],
            )
        if has("chart"):
            effect = self.pick(
                ("chart[k].size == n", "chart[k].size == n", "chart[k].size >= old(chart[k].size)")
            )
            yield self.tool(
                "edit",
                (("k", "Key"), ("n", "Small")),
                None,
                ["requires k in chart"],
                [
                    "modifies chart[k].size",
                    f"ensures {effect}",
                    *self.failing(("chart[k].size <= old(chart[k].size)",)),
                ],
            )
            yield self.tool(
                "replace",
                (("k", "Key"), ("x", "Item")),
                "Item",
                ["requires k in chart"],
                [
                    "modifies chart[k]",
                    "ensures chart[k] == x",
                    "ensures result == old(chart[k])",
                    *self.failing(()),
                ],
            )
        if has("grid"):
            effect = self.pick(
                ("grid[(k, c)] == x", "grid[(k, c)].rank == old(grid[(k, c)].rank) + 1")
            )
            yield self.tool(
                "plot",
                (("k", "Key"), ("c", "Color"), ("x", "Full")),
                None,
                ["requires (k, c) in grid"],
                [
                    "modifies grid[(k, c)]",
                    f"ensures {effect}",
                    *self.failing(("grid[(k, c)].size >= 2",)),
                ],
            )
        if has("queue"):
            yield self.tool(
                "push",
                (("x", "Item"),),
                None,
                ["requires len(queue) < 4"],
                [
                    "modifies queue",
                    self.pick(
                        (
                            "ensures queue == old(queue) + [x]",
                            "ensures x in queue",
                            "ensures len(queue) == old(len(queue)) + 1",
                        )
                    ),
                    *self.failing(("len(queue) <= old(len(queue))",)),
                ],
            )
        if has("last"):
            yield self.tool(
                "note",
                (("x", "Full"),),
                "Bool",
                [],
                [
                    "modifies last",
                    self.pick(("ensures last == some(x)", "ensures is_some(last)")),
                    "ensures result == is_some(old(last))",
                    *self.failing(("is_some(last) ==> last == old(last)",)),
                ],
            )
        if has("hues"):
            yield self.tool(
                "dye",
                (("c", "Color"),),
                None,
                [],
                [
                    "modifies hues",
                    self.pick(
                        (
                            "ensures hues == old(hues) + {c}",
                            "ensures forall h in old(hues) :: h in hues",
                        )
                    ),
                    *self.failing(()),
                ],
            )
        if has("due"):
            yield self.tool(
                "postpone",
                (("n", "Int"),),
                "Int",
                self.some(("requires n >= 0",), 1, 0.7),
                [
                    "modifies due",
                    self.pick(("ensures due == old(due) + n", "ensures due >= old(due) + n")),
                    "ensures result == due - old(due)",
                    *self.failing(("due >= old(due)",)),
                ],
            )
        promises = self.some(
            (
                "ensures forall x in result :: x.owner == k",
                "ensures forall x in result :: x.size > 0",
                "ensures forall x in result :: x.rank >= x.size",
                "ensures forall i in range(0, len(result)) :: result[i].rank >= i",
                "ensures sum(x in result :: x.size) <= 8",
                "ensures len(result) <= 2",
                "ensures count(x in result :: x.tone == Color.Red) <= 1",
                "ensures exists x in result :: x.tone == Color.Blue",
            ),
            3,
        )
        if has("stock"):
            promises += self.some(("ensures forall x in result :: x.owner in stock",), 1)
        yield self.tool(
            "list_items",
            (("k", "Key"),),
            f"List<Item, {self.roll.randint(2, 4)}>",
            [],
            [
                *(["reads stock"] if has("stock") and "stock" in " ".join(promises) else []),
                *promises,
                *self.failing(()),
            ],
        )
        bounds = self.pick(
            (
                "low <= result && result <= high",
                "result >= low",
                "low <= result && result < high + 1",
            )
        )
        yield self.tool(
            "draw",
            (("low", "Int"), ("high", "Int")),
            self.pick(("Int", "Int", "Small")),
            ["requires low <= high"],
            [f"ensures {bounds}", *self.failing(())],
        )
        yield self.tool(
            "pair",
            (("n", "Int"),),
            "(Int, Bool)",
            [],
            [
                self.pick(
                    (
                        "ensures result.0 >= n",
                        "ensures result.1 == (result.0 > n)",
                        "ensures result.0 == double(n)",
                    )
                )
            ],
        )
        yield (
            Tool("ask", (("n", "Int"),), "Bool", self.costs(), self.chance(0.2))
            if self.chance(0.5)
            else Tool(
                "maybe",
                (("n", "Int"),),
                "Option<Int>",
                ("ensures is_some(result) ==> result.value > n", *self.costs()),
                False,
            )
        )
        amount = self.pick(("n", "n", "min(n, 3)", "n + 1", "2"))
        yield self.tool(
            "charge",
            (("n", "Nat"),),
            None,
            [],
            [f"cost points {amount}, usd 0.25", *self.failing(())],
            False,
        )

    def some(self, options: tuple[str, ...], most: int, p: float = 0.55) -> list[str]:
        chosen = [each for each in options if self.chance(p)]
        self.roll.shuffle(chosen)
        return chosen[:most]

    def failing(self, leavings: tuple[str, ...]) -> list[str]:
        roll = self.roll.random()
        if roll < 0.5:
            return []
        if roll < 0.75:
            return ["fails"]
        if leavings and self.chance(0.7):
            return [f"fails dirty leaving {self.pick(leavings)}"]
        return ["fails dirty"]

    def costs(self) -> tuple[str, ...]:
        return self.roll.choice(((), (), ("cost points 1",), ("cost usd 0.5, seconds 2",)))

    def tool(
        self,
        name: str,
        parameters: tuple[tuple[str, str], ...],
        result: str | None,
        requires: list[str],
        rest: list[str],
        costs: bool = True,
    ) -> Tool:
        names = [p for p, _ in parameters]
        guards = [
            each.removeprefix("requires ")
            for each in requires
            if not any(state in each for state in self.states)
        ]
        del names
        clauses = (*requires, *rest, *(self.costs() if costs else ()))
        return Tool(
            name,
            parameters,
            result,
            clauses,
            any(c.startswith("fails") for c in clauses),
            tuple(guards),
        )

    def policy(self) -> str:
        library = [
            ("stock", "sum(stock) == initially(sum(stock))"),
            ("stock", "sum(stock) >= initially(sum(stock))"),
            ("stock", "forall k in stock :: stock[k] <= 9"),
            ("stock", "forall k in initially(stock) :: k in stock"),
            ("total", "total >= 0"),
            ("total", "total >= initially(total)"),
            ("total", "total <= initially(total) + 6"),
            ("flag", "initially(flag) ==> flag"),
            ("seen", "forall k in initially(seen) :: k in seen"),
            ("box", "box.size <= 4"),
            ("box", "box.rank >= box.size"),
            ("tally", "forall c in tally :: tally[c] >= 0"),
            ("tally", "sum(tally) >= initially(sum(tally))"),
            ("fee", "fee >= initially(fee)"),
            ("chart", "forall k in chart :: chart[k].size <= 4"),
            ("chart", "forall k in chart :: chart[k].rank == initially(chart)[k].rank"),
            ("due", "due >= initially(due)"),
            ("queue", "forall x in queue :: x.rank >= 0"),
            ("queue", "sum(x in queue :: x.size) <= 9"),
            ("last", "is_some(initially(last)) ==> is_some(last)"),
            ("hues", "forall h in initially(hues) :: h in hues"),
        ]
        lines = []
        for state, condition in library:
            if state in self.states and self.chance(0.22):
                lines.append(f"invariant {self.fresh('i')}: {condition};")
        if self.chance(0.6):
            lines.append(f"budget calls <= {self.roll.choice((2, 4, 8, 12))};")
        if self.chance(0.4):
            lines.append(f"budget points <= {self.roll.choice((1, 3, 6, 12))};")
        if self.chance(0.3):
            lines.append(f"budget usd <= {self.pick(('0.25', '1.0', '2.0'))};")
        if self.chance(0.2):
            lines.append(f"budget seconds <= {self.roll.choice((3, 6, 20))};")
        return "\n".join(["policy rules for fuzz;", *lines]) + "\n" if lines else ""

    # ---- plans ----

    def plan_file(self) -> str:
        self.lines = []
        if self.chance(0.25):
            self.write_helper()
        if self.small:
            self.write_plan("main", self.roll.randint(1, 3), self.roll.randint(2, 5))
        else:
            self.write_plan("main", self.roll.randint(2, 5), self.roll.randint(3, 10))
        return "\n".join(self.lines) + "\n"

    def write_helper(self) -> None:
        result = self.pick(("Int", "Small", "Bool"))
        parameters = self.write_plan("helper", 2, 3, result)
        self.helper = ("helper", parameters, result)

    def write_plan(
        self, name: str, parameters: int, statements: int, result: str | None = None
    ) -> tuple[tuple[str, str], ...]:
        self.left = statements
        self.loops = 2 if name == "main" else 1
        if not self.loopy:
            self.loops = 0
        scope = Scope()
        scope.names[self.fresh("p")] = (
            "Key"  # keys have no literals: without one few things can be said
        )
        for _ in range(parameters - 1):
            scope.names[self.fresh("p")] = self.pick(PARAMETER_TYPES)
        own = tuple(scope.names.items())
        self.result = result or (
            self.pick(("Int", "Small", "Bool", "Key", "Option<Key>")) if self.chance(0.45) else None
        )
        inside = ", ".join(f"{n}: {t}" for n, t in own)
        self.lines.append(f"plan {name}({inside})" + (f" -> {self.result}" if self.result else ""))
        contract = Scope(dict(scope.names), spec=True)
        for each in self.requirements(contract):
            self.lines.append(f"  requires {each}")
        for _ in range(self.roll.randint(0, 2)):
            after = Scope(dict(scope.names), spec=True, old=True)
            if self.result:
                after.names["result"] = self.result
            try:
                self.lines.append(f"  ensures {self.claim(after, 2)}")
            except Dead:
                continue
        if self.chance(0.15):
            self.lines.append(
                f"  budget {self.pick(('calls', 'points'))} <= {self.roll.randint(1, 8)}"
            )
        if self.chance(0.12):
            places = [s for s in self.states if self.chance(0.5)]
            keys = [n for n, t in own if t == "Key"]
            if "stock" in self.states and "stock" not in places and keys:
                places.append(f"stock[{self.pick(keys)}]")
            if "chart" in self.states and "chart" not in places and keys:
                places.append(f"chart[{self.pick(keys)}]")
            if places:
                self.lines.append(f"  modifies {', '.join(places)}")
        self.lines.append("{")
        if self.loops:
            self.block(scope, 1, self.roll.randint(1, 3))
            written = len(self.lines)
            try:
                self.loop(scope, 1)
            except Dead:
                del self.lines[written:]
        self.block(scope, 1, statements)
        if self.result:
            self.lines.append(f"  return {self.value(scope, self.result, 2)};")
        self.lines.append("}")
        return own

    def requirements(self, scope: Scope) -> Iterator[str]:
        keys = [n for n, t in scope.names.items() if t == "Key"]
        for key in keys:
            if "stock" in self.states and self.chance(0.75):
                yield f"{key} in stock"
        for one, other in pairwise(keys):
            if self.chance(0.6):
                yield f"{one} != {other}"
        for name, type in scope.names.items():
            if type == "Int" and self.chance(0.5):
                yield self.pick(
                    (
                        f"{name} >= 0",
                        f"{name} <= CAP",
                        f"{name} >= 0 && {name} <= 3",
                        f"{name} != 0",
                    )
                )
            if type == "Color" and "tally" in self.states and self.chance(0.7):
                yield f"{name} in tally"
            if type.startswith("List<Item") and self.chance(0.4):
                yield self.pick(
                    (
                        f"forall x in {name} :: x.size > 0",
                        f"len({name}) > 0",
                        f"forall x in {name} :: x.rank >= 0",
                        *(
                            (f"forall x in {name} :: x.owner in stock",)
                            if "stock" in self.states
                            else ()
                        ),
                    )
                )
            if type.startswith("List<Int") and self.chance(0.4):
                yield self.pick(
                    (
                        f"forall x in {name} :: x >= 0",
                        f"len({name}) > 1",
                        f"exists x in {name} :: x > 2",
                    )
                )
        if "flag" in self.states and self.chance(0.4):
            yield self.pick(("!flag", "flag"))
        if self.chance(0.25):
            yield self.condition(scope, 1)

    # ---- statements ----

    def block(self, scope: Scope, depth: int, statements: int) -> None:
        inner = scope
        for _ in range(statements):
            if self.left <= 0:
                return
            self.left -= 1
            self.statement(inner, depth)

    def emit(self, depth: int, text: str) -> None:
        self.lines.append("  " * depth + text)

    def statement(self, scope: Scope, depth: int) -> None:
        ways: list[tuple[int, Callable[[Scope, int], None]]] = [
            (4, self.let),
            (3, self.var),
            (4, self.assign),
            (16 if self.in_loop else 9, self.call),
            (3 if depth < 4 else 0, self.branch),
            (2, self.check),
            (8, self.claim_here),
            (6 if depth < 3 and self.loops > 0 else 0, self.loop),
            (2 if depth < 4 else 0, self.attempt),
            (1, self.leave),
            (2 if self.helper is not None else 0, self.call_helper),
        ]
        [way] = self.roll.choices([w for _, w in ways], [n for n, _ in ways])
        written, known = len(self.lines), dict(scope.names)
        try:
            way(scope, depth)
        except Dead:
            del self.lines[written:]
            scope.names = known

    def let(self, scope: Scope, depth: int) -> None:
        type = self.pick(
            (
                "Int",
                "Int",
                "Bool",
                "Key",
                "Option<Item>",
                "Option<Int>",
                "Item",
                "(Int, Bool)",
                "Color",
                "List<Int, 3>",
                "Small",
                "Nat",
                "Decimal",
                "Text<4>",
                "Set<Key>",
            )
        )
        value = self.value(scope, type, 2)
        name = self.fresh("x")
        if type == "(Int, Bool)" and self.chance(0.5):
            other = self.fresh("x")
            self.emit(depth, f"let ({name}, {other}) = {value};")
            scope.names[name], scope.names[other] = "Int", "Bool"
            return
        self.emit(depth, f"let {name}: {type} = {value};")
        scope.names[name] = type

    def var(self, scope: Scope, depth: int) -> None:
        type = self.pick(
            (
                "Int",
                "Int",
                "Nat",
                "Small",
                "Bool",
                "List<Int, 3>",
                "Option<Key>",
                "Map<Key, Nat>",
                "Map<Color, Int>",
                "Item",
                "Set<Key>",
                "Decimal",
            )
        )
        value = self.value(scope, type, 1)
        name = self.fresh("v")
        self.emit(depth, f"var {name}: {type} = {value};")
        scope.names[name] = type
        scope.mutable |= {name}

    def assign(self, scope: Scope, depth: int) -> None:
        names = [n for n in scope.names if n in scope.mutable]
        if not names:
            self.var(scope, depth)
            return
        name = self.pick(names)
        type = scope.names[name]
        if BASE[type] == "Int" and self.chance(0.6):
            step = self.pick(("1", "1", "2", self.value(scope, "Small", 1)))
            value = f"{name} {self.pick(('+', '+', '-'))} {step}"
            if type == "Small" and self.chance(0.7):
                value = f"min({value}, 5)" if "+" in value else f"max(0, {value})"
            if type == "Nat" and "-" in value and self.chance(0.7):
                value = f"max(0, {value})"
        elif BASE[type] in KEY_OF and self.chance(0.8):
            key, mapped = KEY_OF[BASE[type]]
            value = f"{name}[{self.value(scope, key, 1)} := {self.value(scope, mapped, 1)}]"
        elif type == "List<Int, 3>" and self.chance(0.7):
            guard = f"len({name}) < 3"
            value = f"if {guard} then {name} + [{self.value(scope, 'Int', 1)}] else {name}"
        else:
            value = self.value(scope, type, 2)
        self.emit(depth, f"{name} = {value};")

    def call(self, scope: Scope, depth: int) -> None:
        tool = self.roll.choice(self.tools)
        arguments = [
            self.value(scope, type, 1 if self.chance(0.4) else 0) for _, type in tool.parameters
        ]
        self.emit_call(scope, depth, tool, arguments)
        for _ in range(2):
            if self.chance(0.35):
                self.claim_here(scope, depth)

    def emit_call(self, scope: Scope, depth: int, tool: Tool, arguments: list[str]) -> None:
        if tool.guards and self.chance(0.6):
            for guard in tool.guards:
                written = _substituted(
                    guard, dict(zip([p for p, _ in tool.parameters], arguments, strict=True))
                )
                self.emit(depth, f'check {written} else "no";')
        text = f"{tool.name}({', '.join(arguments)})"
        if tool.fails and self.chance(0.55):
            target = ""
            if tool.result is not None and self.chance(0.6):
                fitting = [
                    n for n in scope.names if n in scope.mutable and scope.names[n] == tool.result
                ]
                if fitting:
                    target = f"{self.pick(fitting)} = "
            self.emit(depth, "try {")
            self.emit(depth + 1, f"{target}{text};")
            self.block(scope.inner(), depth + 1, self.roll.randint(0, 1))
            self.emit(depth, "} else {")
            self.block(scope.inner(), depth + 1, self.roll.randint(0, 1))
            self.emit(depth, "}")
            return
        if tool.result is not None and self.chance(0.85):
            name = self.fresh("r")
            if tool.result == "(Int, Bool)" and self.chance(0.4):
                other = self.fresh("r")
                self.emit(depth, f"let ({name}, {other}) = {text};")
                scope.names[name], scope.names[other] = "Int", "Bool"
                return
            self.emit(depth, f"let {name} = {text};")
            if tool.result in BASE:
                scope.names[name] = tool.result
            elif tool.result.startswith("List<Item"):
                scope.names[name] = "List<Item, 4>"
            return
        self.emit(depth, f"{text};")

    def call_helper(self, scope: Scope, depth: int) -> None:
        assert self.helper is not None
        name, parameters, result = self.helper
        arguments = ", ".join(self.value(scope, type, 1) for _, type in parameters)
        target = self.fresh("h")
        self.emit(depth, f"let {target} = {name}({arguments});")
        scope.names[target] = result

    def branch(self, scope: Scope, depth: int) -> None:
        self.emit(depth, f"if {self.condition(scope, 2)} {{")
        self.block(scope.inner(), depth + 1, self.roll.randint(1, 2))
        if self.chance(0.3):
            self.emit(depth, f"}} else if {self.condition(scope, 1)} {{")
            self.block(scope.inner(), depth + 1, 1)
        if self.chance(0.5):
            self.emit(depth, "} else {")
            self.block(scope.inner(), depth + 1, self.roll.randint(1, 2))
        self.emit(depth, "}")

    def check(self, scope: Scope, depth: int) -> None:
        condition = self.condition(scope, 1)
        self.emit(depth, f'check {condition} else "no";')
        if self.chance(0.3):
            self.emit(depth, f"assert {condition};")  # an observer may have been called in between

    def claim_here(self, scope: Scope, depth: int) -> None:
        seen = Scope(scope.names, scope.mutable, spec=True, old=True)
        self.emit(depth, f"assert {self.claim(seen, 2)};")

    def loop(self, scope: Scope, depth: int) -> None:
        self.loops -= 1
        outer, self.in_loop = self.in_loop, True
        kind = self.roll.randint(0, 9)
        inner = scope.inner()
        head = Scope(dict(scope.names), scope.mutable, spec=True, old=True)
        lists = [n for n, t in scope.names.items() if BASE[t] in ITEM_OF and n not in scope.mutable]
        after = ""
        if kind == 9 and self.chance(0.7):
            x = self.fresh("e")
            self.emit(
                depth, f"for {x} in {{{self.pick(('Color.Red', 'Color.Green'))}, Color.Blue}}"
            )
            inner.names[x] = "Color"
        elif kind <= 4 and lists:
            xs = self.pick(lists)
            x, i = self.fresh("e"), self.fresh("n")
            indexed = self.chance(0.6)
            self.emit(depth, f"for {i}, {x} in {xs}" if indexed else f"for {x} in {xs}")
            inner.names[x] = ITEM_OF[BASE[scope.names[xs]]]
            if indexed:
                inner.names[i] = "Int"
                head.names[i] = "Int"
                if self.chance(0.4):
                    self.emit(depth + 1, f"invariant {self.prefix_claim(head, xs, i)}")
        elif kind <= 6:
            i = self.fresh("n")
            low = self.pick(("0", "0", "1", self.value(scope, "Small", 0)))
            high = self.pick(("2", "3", self.value(scope, "Small", 1)))
            self.emit(depth, f"for {i} in range({low}, {high}) max {self.roll.choice((3, 5, 5))}")
            inner.names[i] = "Int"
            head.names[i] = "Int"
        elif kind <= 8 and (
            counters := [
                n for n in scope.names if n in scope.mutable and BASE[scope.names[n]] == "Int"
            ]
        ):
            v = self.pick(counters)
            down = self.chance(0.5)
            bound = self.roll.choice((3, 5))
            if down:
                self.emit(depth, f"while {v} > 0 decreases {v} max {bound}")
                after = f"{v} = {v} - 1;"
            else:
                self.emit(depth, f"while {v} < 3 decreases 3 - {v} max {bound}")
                after = f"{v} = {v} + {self.pick(('1', '1', '2', 'max(1, ' + self.value(scope, 'Int', 0) + ')'))};"
        else:
            self.emit(depth, f"repeat {self.roll.randint(1, 3)}")
        for _ in range(self.roll.randint(0, 2)):
            self.emit(depth + 1, f"invariant {self.claim(head, 2)}")
        self.emit(depth, "{")
        self.left += 2
        self.block(inner, depth + 1, self.roll.randint(1, 3))
        if after:
            self.emit(depth + 1, after)
        if self.chance(0.25):
            self.emit(depth + 1, f"if {self.condition(inner, 1)} {{")
            self.emit(depth + 2, "break;")
            self.emit(depth + 1, "}")
        self.emit(depth, "}")
        self.in_loop = outer

    def prefix_claim(self, head: Scope, xs: str, i: str) -> str:
        """An invariant that speaks of what the loop has seen so far."""
        numbers = [n for n in head.names if n in head.mutable and BASE[head.names[n]] == "Int"]
        item = ITEM_OF[BASE[head.names[xs]]]
        body = {"Int": "y", "Item": "y.size", "Key": "weight(y)"}[item]
        test = {"Int": "y > 0", "Item": "y.size > 0", "Key": "weight(y) > 0"}[item]
        ways = [f"forall y in take({xs}, {i}) :: {self.condition(head.having('y', item), 1)}"]
        if numbers:
            v = self.pick(numbers)
            ways += [
                f"{v} <= sum(y in take({xs}, {i}) :: {body})",
                f"{v} == count(y in take({xs}, {i}) :: {test})",
                f"{v} >= 0 && {v} <= {i}",
            ]
        return self.pick(ways)

    def attempt(self, scope: Scope, depth: int) -> None:
        self.emit(depth, "try {")
        self.block(scope.inner(), depth + 1, self.roll.randint(1, 3))
        self.emit(depth, "} else {")
        self.block(scope.inner(), depth + 1, self.roll.randint(0, 2))
        self.emit(depth, "}")

    def leave(self, scope: Scope, depth: int) -> None:
        condition = self.condition(scope, 1)
        self.emit(depth, f"if {condition} {{")
        if self.chance(0.3):
            self.emit(depth + 1, 'abort "gave up";')
        elif self.result:
            self.emit(depth + 1, f"return {self.value(scope, self.result, 1)};")
        else:
            self.emit(depth + 1, "return;")
        self.emit(depth, "}")

    # ---- claims: what is to be proved ----

    def claim(self, scope: Scope, depth: int) -> str:
        """A condition that speaks of what matters: mutable variables, state, results."""
        ways: list[str] = []
        numbers = [n for n in scope.names if n in scope.mutable and BASE[scope.names[n]] == "Int"]
        for n in numbers:
            ways += [
                f"{n} >= 0",
                f"{n} <= {self.pick(LITERAL_INTS)}",
                f"{n} >= {self.value(scope, 'Int', 0)}",
            ]
        if scope.old:
            for state, type in self.states.items():
                if type in ("Int", "Decimal"):
                    ways += [f"{state} >= old({state})", f"{state} == old({state})"]
                    if type == "Int":
                        ways.append(f"{state} == old({state}) + {self.value(scope, 'Int', 1)}")
                elif type.startswith("Map"):
                    key, mapped = KEY_OF[type]
                    ways += [
                        f"forall j in old({state}) :: j in {state}",
                        f"{state} == old({state})",
                    ]
                    k = self.value(scope, key, 0)
                    ways.append(f"{k} in old({state}) ==> {k} in {state}")
                    if BASE[mapped] == "Int":
                        ways.append(f"sum({state}) == old(sum({state}))")
                    part = {"Int": "", "Item": self.pick((".size", ".rank"))}[BASE[mapped]]
                    both = f"{k} in {state} && {k} in old({state})"
                    ways.append(f"{both} ==> {state}[{k}]{part} >= old({state}[{k}]{part})")
                    if part and key == "Key":
                        ways.append(
                            f"forall j in {state} :: {state}[j].tone == old({state})[j].tone"
                        )
                elif type == "Bool":
                    ways += [f"{state} == old({state})", f"old({state}) ==> {state}"]
                elif type == "Date":
                    ways += [
                        f"{state} >= old({state})",
                        f"{state} - old({state}) == {self.value(scope, 'Int', 1)}",
                    ]
                elif type == "Set<Key>":
                    ways += [
                        f"forall j in old({state}) :: j in {state}",
                        f"{self.value(scope, 'Key', 0)} in {state}",
                    ]
                elif type.startswith("List"):
                    ways += [
                        f"len({state}) >= old(len({state}))",
                        f"forall x in old({state}) :: x in {state}",
                        f"{state} == old({state})",
                        f"len({state}) > 0 ==> {state}[len({state}) - 1].rank >= 0",
                    ]
                elif type == "Option<Full>":
                    ways += [
                        f"is_some({state}) ==> {state}.value.size > 0",
                        f"{state} == old({state})",
                    ]
                elif type == "Set<Color>":
                    ways += [
                        f"{state} == old({state})",
                        f"forall h in old({state}) :: h in {state}",
                    ]
                elif type == "Item":
                    ways += [f"{state}.owner == old({state}.owner)", f"{state} == old({state})"]
        if "result" in scope.names:
            ways += [self.about(scope, "result", scope.names["result"])] * 3
        for name, type in list(scope.names.items())[-3:]:
            ways.append(self.about(scope, name, type))
        if ways and self.chance(0.75):
            claim = self.pick(ways)
            if self.chance(0.2):
                return f"{self.condition(scope, 1)} ==> {claim}"
            return claim
        return self.condition(scope, depth)

    def about(self, scope: Scope, name: str, type: str) -> str:
        base = BASE[type]
        others = [n for n, t in scope.names.items() if BASE[t] == base and n != name]
        if base == "Int":
            return self.pick(
                (
                    f"{name} >= 0",
                    f"{name} <= 5",
                    f"{name} <= {self.value(scope, 'Int', 1)}",
                    f"abs({name}) >= {name}",
                    f"{name} / 2 * 2 + {name} % 2 == {name}",
                )
            )
        if base in ITEM_OF:
            item = ITEM_OF[base]
            inner = scope.having("y", item)
            return self.pick(
                (
                    f"forall y in {name} :: {self.condition(inner, 1)}",
                    f"len({name}) <= 2",
                    f"exists y in {name} :: {self.condition(inner, 1)}",
                    f"is_some(find y in {name} where {self.condition(inner, 1)}) ==> len({name}) > 0",
                    f"count(y in {name} :: {self.condition(inner, 1)}) <= len({name})",
                )
            )
        if base in KEY_OF:
            key, mapped = KEY_OF[base]
            if BASE[mapped] == "Item" and self.chance(0.5):
                return f"forall j in {name} :: {name}[j].size {self.pick(('>', '>=', '<='))} {self.pick(('0', '1', '4'))}"
            return f"forall j in {name} :: {self.condition(scope.having('j', key), 1)}"
        if base == "Option<Key>" or base == "Option<Int>" or base == "Option<Item>":
            inner_type = base[7:-1]
            return f"is_some({name}) ==> {self.about_value(scope, f'{name}.value', inner_type)}"
        if others:
            return f"{name} == {self.pick(others)}"
        return self.condition(scope, 1)

    def about_value(self, scope: Scope, text: str, type: str) -> str:
        if type == "Int":
            return f"{text} {self.pick(('>', '>=', '!=', '<='))} {self.value(scope, 'Int', 0)}"
        if type == "Key":
            return f"{text} {self.pick(('==', '!='))} {self.value(scope, 'Key', 0)}"
        return f"{text}.size {self.pick(('>=', '<='))} {self.value(scope, 'Int', 0)}"

    # ---- expressions ----

    def reachable(self, scope: Scope) -> dict[str, str]:
        """Expressions without operators, with their types: variables and, in contracts, state."""
        found = dict(scope.names)
        if scope.spec:
            found.update(self.states)
        elif "total" in self.states and not self.in_loop and self.chance(0.15):
            found["total"] = "Int"
        return found

    def atoms(self, scope: Scope, base: str) -> list[str]:
        found: list[str] = []
        for name, type in self.reachable(scope).items():
            own = BASE[type]
            if own == base:
                found.append(name)
            if own == "Item":
                found += {
                    "Key": [f"{name}.owner"],
                    "Int": [f"{name}.size", f"{name}.rank"],
                    "Color": [f"{name}.tone"],
                }.get(base, [])
            if own == "(Int, Bool)" and base in ("Int", "Bool"):
                found.append(f"{name}.0" if base == "Int" else f"{name}.1")
        if scope.old and self.chance(0.3):
            found += [f"old({s})" for s, t in self.states.items() if BASE[t] == base]
        return found

    def value(self, scope: Scope, type: str, depth: int) -> str:
        """An expression that can stand where a `type` is wanted; for a refinement, most often one of it."""
        base = BASE[type]
        if type in ("Small", "Nat") and self.chance(0.85):
            exact = [n for n, t in self.reachable(scope).items() if t == "Small" or t == type]
            exact += [f"{n}.size" for n, t in self.reachable(scope).items() if t == "Item"]
            ways = [*exact, *exact, "0", "1", "2", "3"]
            if depth > 0:
                inner = self.value(scope, "Int", depth - 1)
                ways += [
                    f"max(0, min(5, {inner}))",
                    f"({inner}) % 5" if self.chance(0.5) else f"min(5, abs({inner}))",
                ]
            return self.pick(ways)
        if type in ("Full", "Few", "List<Full, 3>", "Option<Full>") and self.chance(0.9):
            exact = [n for n, t in self.reachable(scope).items() if t == type]
            if exact and (type != "Full" or self.chance(0.7)):
                return self.pick(exact)
            if type == "Full":
                size = self.pick(("1", "2", "3"))
                rank = f"max({size}, {self.integer(scope, max(0, depth - 1))})"
                return f"Item(owner: {self.key(scope, 0)}, size: {size}, tone: {self.color(scope, 0)}, rank: {rank})"
            if type == "Few":
                return f"[{self.integer(scope, 0)}]"
            if type == "Option<Full>":
                return f"some({self.value(scope, 'Full', depth)})"
        return {
            "Int": self.integer,
            "Bool": self.condition,
            "Decimal": self.decimal,
            "Key": self.key,
            "Color": self.color,
            "Text": self.text,
            "Date": self.date,
            "Item": self.item,
        }.get(base, lambda s, d: self.structured(s, base, d))(scope, depth)

    def integer(self, scope: Scope, depth: int) -> str:
        atoms = self.atoms(scope, "Int")
        if depth <= 0 or self.chance(0.25):
            if atoms and self.chance(0.75):
                return self.pick(atoms)
            return self.pick(LITERAL_INTS)
        a, b = self.integer(scope, depth - 1), self.integer(scope, depth - 1)
        ways = [
            f"{a} + {b}",
            f"{a} - {b}",
            f"{a} - ({b})",
            f"({a}) * {self.pick(('2', '3', '-1'))}",
            f"({a}) / {self.pick(('2', '3', '-2'))}",
            f"({a}) % {self.pick(('2', '3', '-3'))}",
            f"min({a}, {b})",
            f"max({a}, {b})",
            f"abs({a})",
            f"double({a})",
            f"(if {self.condition(scope, depth - 1)} then {a} else {b})",
        ]
        if self.chance(0.1):
            ways.append(f"(if ({b}) != 0 then ({a}) {self.pick(('/', '%'))} ({b}) else 0)")
        if self.chance(0.08):
            ways.append(f"({a}) * ({b})")
        if self.chance(0.04):
            ways.append(f"({a}) / ({b})")
        for name, type in self.reachable(scope).items():
            base = BASE[type]
            if base in ITEM_OF:
                item = ITEM_OF[base]
                y = self.fresh("y")
                inner = scope.having(y, item)
                of_key = f"weight({y})" if scope.spec else "1"
                amount = {"Int": y, "Item": f"{y}.{self.pick(('size', 'rank'))}", "Key": of_key}[
                    item
                ]
                ways += [
                    f"len({name})",
                    f"sum({y} in {name} :: {amount})",
                    f"count({y} in {name} :: {self.condition(inner, depth - 1)})",
                ]
                if item == "Int":
                    guard = f"0 <= ({a}) && ({a}) < len({name})"
                    ways.append(
                        f"(if {guard} then {name}[{a}] else {b})"
                        if self.chance(0.9)
                        else f"{name}[{a}]"
                    )
            elif base in KEY_OF:
                k = self.value(scope, KEY_OF[base][0], depth - 1)
                mapped = BASE[KEY_OF[base][1]]
                part = {"Int": "", "Item": ".rank", "List<Int>": ""}[mapped]
                read = f"{name}[{k}]{part}" if mapped != "List<Int>" else f"len({name}[{k}])"
                ways.append(
                    f"(if {k} in {name} then {read} else {b})" if self.chance(0.85) else read
                )
                if mapped == "Int" and (scope.spec or name in scope.names):
                    ways.append(f"sum({name})")
            elif base == "Date":
                ways.append(f"{name} - {self.date(scope, 0)}")
            elif base == "Option<Option<Int>>":
                there = f"is_some({name}) && is_some({name}.value)"
                ways.append(f"(if {there} then {name}.value.value else {b})")
            elif base == "Option<Int>":
                ways.append(f"(if is_some({name}) then {name}.value else {b})")
            elif base == "Text":
                ways.append(f"len({name})")
            elif base == "Key" and scope.spec:  # no program can compute what has no body
                ways.append(f"weight({name})")
        return self.pick(ways)

    def decimal(self, scope: Scope, depth: int) -> str:
        atoms = self.atoms(scope, "Decimal")
        if depth <= 0 or self.chance(0.4):
            return self.pick([*atoms, *atoms, "0.5", "1.0", "0.0", "2.25"])
        a, b = self.decimal(scope, depth - 1), self.decimal(scope, depth - 1)
        return self.pick(
            (
                f"{a} + {b}",
                f"{a} - {b}",
                f"({a}) / 2.0",
                f"({a}) * 1.5",
                f"min({a}, {b})",
                f"abs({a})",
                f"({a}) + ({self.integer(scope, depth - 1)})",
                f"(if ({b}) != 0.0 then ({a}) / ({b}) else 1.0)"
                if self.chance(0.2)
                else f"max({a}, {b})",
            )
        )

    def key(self, scope: Scope, depth: int) -> str:
        atoms = self.atoms(scope, "Key")
        options = [n for n, t in self.reachable(scope).items() if t == "Option<Key>"]
        lists = [n for n, t in self.reachable(scope).items() if BASE[t] == "List<Key>"]
        if not atoms:
            # There is no literal of an opaque type: some parameter has to be one.
            if options and self.chance(0.5):
                return f"{self.pick(options)}.value"
            raise Dead
        one = self.pick(atoms)
        if options and self.chance(0.2):
            o = self.pick(options)
            return f"(if is_some({o}) then {o}.value else {one})"
        if lists and self.chance(0.15):
            xs = self.pick(lists)
            return f"(if len({xs}) > 0 then {xs}[0] else {one})"
        if depth > 0 and self.chance(0.15):
            return f"(if {self.condition(scope, depth - 1)} then {one} else {self.pick(atoms)})"
        return one

    def color(self, scope: Scope, depth: int) -> str:
        atoms = self.atoms(scope, "Color")
        if depth > 0 and self.chance(0.15):
            return f"(if {self.condition(scope, depth - 1)} then {self.pick([*atoms, *COLORS])} else {self.pick(COLORS)})"
        return self.pick([*atoms, *atoms, *COLORS])

    def text(self, scope: Scope, depth: int) -> str:
        atoms = self.atoms(scope, "Text")
        if depth > 0 and self.chance(0.15):
            return f"text({self.value(scope, 'Small', depth - 1)})"
        if depth > 0 and atoms and self.chance(0.15):
            one = self.pick(atoms)
            return f'(if len({one}) < 4 then {one} + "a" else {one})'
        return self.pick([*atoms, *atoms, *LITERAL_TEXTS])

    def date(self, scope: Scope, depth: int) -> str:
        atoms = self.atoms(scope, "Date")
        if depth > 0 and self.chance(0.5):
            return f"{self.date(scope, depth - 1)} {self.pick(('+', '-'))} ({self.integer(scope, depth - 1)})"
        return self.pick([*atoms, *atoms, 'date("1970-01-02")', 'date("1969-12-31")'])

    def item(self, scope: Scope, depth: int) -> str:
        atoms = self.atoms(scope, "Item")
        lists = [n for n, t in self.reachable(scope).items() if BASE[t] == "List<Item>"]
        options = [n for n, t in self.reachable(scope).items() if t == "Option<Item>"]
        if atoms and (depth <= 0 or self.chance(0.4)):
            return self.pick(atoms)
        if atoms and self.chance(0.4):
            one = self.pick(atoms)
            change = self.pick(
                (
                    f"size: {self.value(scope, 'Small', 0)}",
                    f"tone: {self.color(scope, 0)}",
                    f"rank: {self.integer(scope, depth - 1)}",
                )
            )
            return f"({one} with {{ {change} }})"
        if atoms and lists and self.chance(0.4):
            xs, i = self.pick(lists), self.value(scope, "Small", 0)
            return f"(if {i} < len({xs}) then {xs}[{i}] else {self.pick(atoms)})"
        if atoms and options and self.chance(0.4):
            o = self.pick(options)
            return f"(if is_some({o}) then {o}.value else {self.pick(atoms)})"
        return (
            f"Item(owner: {self.key(scope, 0)}, size: {self.value(scope, 'Small', max(0, depth - 1))}, "
            f"tone: {self.color(scope, 0)}, rank: {self.integer(scope, max(0, depth - 1))})"
        )

    def structured(self, scope: Scope, base: str, depth: int) -> str:
        atoms = self.atoms(scope, base)
        if atoms and (depth <= 0 or self.chance(0.4)):
            return self.pick(atoms)
        down = max(0, depth - 1)
        if base == "(Key, Color)":
            return f"({self.key(scope, 0)}, {self.color(scope, 0)})"
        if base == "Set<Color>":
            if atoms and self.chance(0.6):
                return f"{self.pick(atoms)} {self.pick(('+', '-'))} {{{self.color(scope, 0)}}}"
            return f"{{{self.color(scope, 0)}, {self.color(scope, 0)}}}"
        if base == "(Int, Bool)":
            return f"({self.integer(scope, down)}, {self.condition(scope, down)})"
        if base.startswith("Option<"):
            inner = base[7:-1]
            lists = [n for n, t in self.reachable(scope).items() if BASE[t] == f"List<{inner}>"]
            if lists and self.chance(0.6):
                y = self.fresh("y")
                return f"(find {y} in {self.pick(lists)} where {self.condition(scope.having(y, inner), 1)})"
            if self.chance(0.3):
                return "none"
            return f"some({self.value(scope, inner, down)})"
        if base in ITEM_OF:
            count = self.roll.randint(0, 3)
            return (
                "[" + ", ".join(self.value(scope, ITEM_OF[base], down) for _ in range(count)) + "]"
            )
        if base == "Set<Key>":
            if atoms and self.chance(0.6):
                return f"{self.pick(atoms)} {self.pick(('+', '-'))} {{{self.key(scope, 0)}}}"
            return "{" + ", ".join(self.key(scope, 0) for _ in range(self.roll.randint(1, 2))) + "}"
        key, mapped = KEY_OF[base]
        if atoms:
            one = self.pick(atoms)
            if self.chance(0.75):
                return f"{one}[{self.value(scope, key, 0)} := {self.value(scope, mapped, down)}]"
            return f"{one} - {{{self.value(scope, key, 0)}}}"
        # There is no literal of a map: some parameter or state has to be one.
        raise Dead

    def condition(self, scope: Scope, depth: int) -> str:
        atoms = self.atoms(scope, "Bool")
        if depth <= 0:
            ways = [*atoms, self.comparison(scope, 0), self.comparison(scope, 0)]
            return self.pick(ways)
        a = self.condition(scope, depth - 1)
        b = self.condition(scope, depth - 1)
        ways = [
            self.comparison(scope, depth - 1),
            self.comparison(scope, depth - 1),
            self.comparison(scope, depth - 1),
            f"(({a}) && ({b}))",
            f"(({a}) || ({b}))",
            f"!({a})",
            f"(({a}) ==> ({b}))",
        ]
        for name, type in self.reachable(scope).items():
            base = BASE[type]
            if base in ITEM_OF:
                y = self.fresh("y")
                inner = scope.having(y, ITEM_OF[base])
                word = self.pick(("forall", "exists"))
                over = (
                    f"take({name}, {self.value(scope, 'Small', 0)})" if self.chance(0.15) else name
                )
                ways.append(f"({word} {y} in {over} :: {self.condition(inner, depth - 1)})")
            elif base.startswith("Option"):
                ways.append(f"is_some({name})")
            elif base in KEY_OF:
                try:
                    ways.append(f"{self.value(scope, KEY_OF[base][0], depth - 1)} in {name}")
                except Dead:
                    continue
                if scope.spec:
                    j = self.fresh("j")
                    inner = scope.having(j, KEY_OF[base][0])
                    word = self.pick(("forall", "exists"))
                    ways.append(f"({word} {j} in {name} :: {self.condition(inner, depth - 1)})")
            elif base == "Set<Color>":
                ways.append(f"{self.color(scope, 0)} in {name}")
            elif base == "Set<Key>" and self.atoms(scope, "Key"):
                ways.append(f"{self.key(scope, 0)} in {name}")
            elif base == "Text" and self.strings:
                test = self.pick(("contains", "starts_with", "ends_with"))
                ways.append(f"{test}({name}, {self.pick(LITERAL_TEXTS)})")
                ways.append(f'matches({name}, "{self.pick(("a*", "[ab]+", "a|b", ".b.?"))}")')
        if self.chance(0.1):
            y = self.fresh("y")
            inner = scope.having(y, "Int")
            low, high = (
                self.pick(("0", "1", self.integer(scope, 0))),
                self.pick(("2", "3", self.integer(scope, 0))),
            )
            word = self.pick(("forall", "exists"))
            ways.append(
                f"({word} {y} in range({low}, {high}) :: {self.condition(inner, depth - 1)})"
            )
        return self.pick(ways)

    def comparison(self, scope: Scope, depth: int) -> str:
        kinds = ["Int"] * 5
        for base, weight in (
            ("Key", 2),
            ("Color", 1),
            ("Item", 1),
            ("Text", 1),
            ("Decimal", 1),
            ("Option<Key>", 1),
            ("Date", 2),
            ("Option<Option<Int>>", 1),
            ("Option<Int>", 1),
            ("List<Int>", 1),
            ("Set<Key>", 1),
            ("(Int, Bool)", 1),
            ("Map<Key, Nat>", 1),
        ):
            if self.atoms(scope, base):
                kinds += [base] * weight
        base = self.pick(kinds)
        if base in ("Int", "Decimal", "Date"):
            make = {"Int": self.integer, "Decimal": self.decimal, "Date": self.date}[base]
            sign = self.pick(("<", "<=", "==", "!=", ">", ">="))
            left, right = self.different(lambda: make(scope, depth))
            return f"{left} {sign} {right}"
        type = next(t for t, b in BASE.items() if b == base)
        atoms = self.atoms(scope, base)
        left, right = self.different(
            lambda: (
                self.pick(atoms) if atoms and self.chance(0.4) else self.value(scope, type, depth)
            )
        )
        return f"{left} {self.pick(('==', '!='))} {right}"

    def different(self, write: Callable[[], str]) -> tuple[str, str]:
        """Two expressions that are not the same, and not both constants, as far as a few tries go."""
        left, right = write(), write()
        for _ in range(4):
            constant = _CONSTANT.fullmatch(left) and _CONSTANT.fullmatch(right)
            if left != right and not constant:
                break
            left, right = write(), write()
        return left, right


class Dead(Exception):
    """No expression of this type can be written here; the maker starts anew."""


_CONSTANT = re.compile(r"[-()0-9. A-Z+*/%]*|CAP")


def _substituted(text: str, by: dict[str, str]) -> str:
    """The condition with parameters replaced by arguments, word by word."""
    return re.sub(
        r"[A-Za-z_][A-Za-z_0-9]*", lambda m: f"({by[m[0]]})" if m[0] in by else m[0], text
    )


def make(seed: int, loopy: bool | None = None, small: bool = False) -> Texts:
    """The texts of a seed; a maker that gets stuck is followed by another one.

    `loopy` says whether `main` has loops; without it, half of them do.  A `small` one has little
    to choose for an adversary.
    """
    for turn in range(200):
        maker = Maker(seed * 1_000 + turn, loopy, small)
        try:
            found = maker.texts()
            checked(found)
        except (Dead, NotAccepted):
            continue
        return found
    raise NotAccepted(f"nothing for seed {seed}")


# ---- what is left of it ----------------------------------------------------------------------------


def removable(text: str) -> Iterator[tuple[int, int]]:
    """Ranges of lines that may go: a statement with its block, or a clause."""
    lines = text.splitlines()
    for start, line in enumerate(lines):
        bare = line.strip()
        if not bare or bare in ("{", "}") or bare.startswith(("}", "plan ", "policy ", "domain ")):
            continue
        if bare.endswith(";") or bare.startswith(
            ("requires", "ensures", "invariant", "budget", "modifies")
        ):
            yield start, start + 1
            continue
        depth, end = 0, start
        while end < len(lines):
            depth += lines[end].count("{") - lines[end].count("}")
            end += 1
            if depth == 0 and "}" in lines[end - 1]:
                break
        yield start, end


def without(text: str, start: int, end: int) -> str:
    lines = text.splitlines()
    return "\n".join([*lines[:start], *lines[end:]]) + "\n"


def minimise(texts: Texts, fails: Callable[[Texts], bool]) -> Texts:
    """Texts for which `fails` still holds and of which nothing more can be left out, line by line."""
    best = texts
    changed = True
    while changed:
        changed = False
        for part in ("plan", "policy", "domain"):
            spans = sorted(removable(getattr(best, part)), key=lambda s: (s[0] - s[1], s[0]))
            for start, end in spans:
                candidate = replace(best, **{part: without(getattr(best, part), start, end)})
                if part == "policy" and candidate.policy.count("\n") <= 1:
                    candidate = replace(candidate, policy="")
                try:
                    checked(candidate)
                    if not fails(candidate):
                        continue
                except NotAccepted:
                    continue
                best, changed = candidate, True
                break
            if changed:
                break
    return best


def settle(texts: Texts, seed: int, broken: Callable[[core.Program, int], list[core.Tag]]) -> Texts:
    """The texts without most of what runs break; `broken` runs a program and says which tags fail."""
    roll = random.Random(seed)  # noqa: S311 - the same choices for the same seed
    keep = roll.random() < 0.25
    best = texts
    for turn in range(_ROUNDS):
        tags = broken(lowered(best), seed + turn)
        if not tags or (keep and roll.random() < 0.4):
            return best
        dead = all(tag.kind is core.Kind.WITNESS for tag in tags)
        for few in (tags[:6], tags[:1], []):
            candidate = _without_tags(best, few) if few else _without_a_stop(best, roll, dead)
            try:
                lowered(candidate)
            except NotAccepted:
                continue
            if candidate != best:
                best = candidate
                break
        else:
            return best
    return best


_ROUNDS = 12


def _without_a_stop(texts: Texts, roll: random.Random, dead: bool) -> Texts:
    """Where no run gets far: the texts without one of the statements or clauses that may stop it."""
    lines = texts.plan.splitlines()
    spans = [s for s in removable(texts.plan) if lines[s[0]].strip().startswith(_STOPS)]
    if not dead or not spans:
        return texts
    return replace(texts, plan=without(texts.plan, *roll.choice(spans)))


_STOPS = ("check ", "if ", "requires ")


def _without_tags(texts: Texts, tags: list[core.Tag]) -> Texts:
    """The texts without the lines that ask for these obligations."""
    lines: dict[str, set[tuple[int, int]]] = {"plan": set(), "policy": set()}
    for tag in tags:
        for span in (tag.clause, tag.at):
            part = {"fuzz.plan": "plan", "fuzz.policy": "policy"}.get(span.source.name)
            if part is None:
                continue
            text: str = getattr(texts, part)
            line = text.count("\n", 0, span.start)
            found = [each for each in removable(text) if each[0] == line]
            if found:
                lines[part].add(found[0])
                break
    result = texts
    for part, spans in lines.items():
        text = getattr(texts, part)
        last = text.count("\n") + 1
        for start, end in sorted(spans, reverse=True):
            if end <= last:
                text, last = without(text, start, end), start
        result = replace(result, **{part: text})
    return result
