"""From a core program to conditions: one forward pass, in passive form.

The pass executes the program once on symbolic values.  Each assertion becomes a `Condition`: a
goal, the facts learned before it, and the trail (branch conditions) to it.  After an assertion its
condition is a fact, after a havoc the type of what was havocked.  Where paths meet, a variable's
value becomes a choice between the values it has on them, so the size of everything grows with the
plan and not with the number of paths.  (Passive form and one condition per assertion: Flanagan,
Saxe, POPL 2001; Barnett, Leino, PASTE 2005.)

A loop is cut at its head: what the body may assign is havocked, the invariants are assumed, the
body is executed once and the invariants are owed again.  Beside the author's invariants the pass
uses some of its own:

* by rule: a numeric variable that one iteration changes by an amount in [a, b] has, after i
  iterations, changed by an amount in [a i, b i]; the variant is at most `bound` less i; a map that
  the body only updates at present keys keeps its keys;
* by trial: conditions from the plan's contract, policy, guards and ranges are assumed together,
  those that are false at the entry or not restored are dropped, until all that remain are
  inductive (Houdini: Flanagan, Leino, FME 2001).

With `unroll` loops are executed iteration by iteration instead: completely, or only the first few
iterations of them (`cut`), which refutes and witnesses but proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias, assert_never

from planproof.spec import core
from planproof.spec.core import Exit, Expr, Op
from planproof.spec.lower.terms import mentions
from planproof.spec.node import dataclass, field
from planproof.spec.semantics import children
from planproof.spec.source import Span
from planproof.spec.types import (
    BOOL,
    INT,
    DecimalType,
    IntType,
    MapType,
    RefinedType,
    Type,
    fits,
    strip,
)
from planproof.verifier.path import Fact, Level, Trail
from planproof.verifier.symbolic import Quantifier, Shape, SValue, Symbolic, Unencodable
from planproof.verifier.term import Number, Term, linear

Iterations: TypeAlias = tuple[int, ...]


@dataclass(slots=True)
class Condition:
    """`goal` is owed on `trail` under the first `facts` facts.

    `used` is the list of facts by which lookup settled it, or None if a solver has to.  `problem`
    says why it could not be stated at all.
    """

    tag: core.Tag
    goal: Term
    facts: int
    trail: Trail
    used: list[Fact] | None
    problem: str | None = None
    choices: int = 0  # how many choices of the adversary came before


@dataclass(slots=True)
class Spot:
    """A place a run may be at: where a witness is asked for, or the plan ends."""

    tag: core.Tag
    facts: int
    trail: Trail
    choices: int


@dataclass(slots=True)
class Guard:
    """A `check`: whether its condition can fail at all is worth a warning."""

    span: Span
    condition: Condition


@dataclass(slots=True)
class Inferred:
    """An invariant the pass found for a loop, in words, with the conditions that establish it."""

    loop: core.Loop
    says: str
    conditions: list[Condition]


class Env:
    """The store: values by variable, in layers.

    A branch writes into a layer of its own.  Once an exit has captured a layer it is frozen, and
    whoever goes on writes into a new one.  A layer with `sources` brings several captured stores
    together, and looks a variable up in them only when it is asked for.
    """

    __slots__ = ("below", "changed", "frozen", "own", "segment", "sources")

    def __init__(self, below: Env | None) -> None:
        self.below = below
        self.own: dict[str, SValue] = {}
        self.sources: list[tuple[Term, Env]] | None = None
        self.changed: frozenset[str] | None = None
        self.frozen = False
        self.segment = 0  # how many layers below it only continue the same branch

    def freeze(self) -> Env:
        at: Env | None = self
        while at is not None and not at.frozen:
            at.frozen = True
            at = at.below
        return self

    def thawed(self) -> Env:
        """A layer to write into that goes on from this one."""
        if not self.frozen:
            return self
        new = Env(self)
        new.segment = self.segment + 1
        if new.segment > _SEGMENT_MAX:
            layers: list[Env] = []
            at = self
            while at.segment > 0:
                layers.append(at)
                assert at.below is not None
                at = at.below
            if at.sources is None:
                layers.append(at)
                new.below = at.below
            else:
                new.below = at
            for layer in reversed(layers):
                new.own.update(layer.own)
            new.segment = 0 if at.sources is None else 1
        return new

    def changes(self, until: Env | None) -> dict[str, None]:
        """The variables that may differ from what they are in `until`, in a fixed order."""
        found: dict[str, None] = {}
        at: Env | None = self
        while at is not None and at is not until:
            found.update(dict.fromkeys(at.own))
            if at.sources is not None:
                for _, env in at.sources:
                    found.update(env.changes(at.below))
            at = at.below
        return found


@dataclass(slots=True)
class State:
    env: Env
    trail: Trail
    level: Level


@dataclass(slots=True)
class Flow:
    """How control leaves a statement: at its end, and by which exits."""

    normal: State | None
    exits: dict[Exit, list[State]] = field(default_factory=dict)


class View(Mapping[str, SValue]):
    """A store as the mapping that `Symbolic.evaluate` reads."""

    __slots__ = ("env", "generator")

    def __init__(self, generator: Generator, env: Env) -> None:
        self.generator = generator
        self.env = env

    def __getitem__(self, name: str) -> SValue:
        return self.generator.lookup(self.env, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.env.changes(None))

    def __len__(self) -> int:
        return len(self.env.changes(None))


Judge: TypeAlias = Callable[["Generator", Condition], bool]


class Generator:
    """One pass over one program. `judge` settles conditions while invariants are being tried."""

    def __init__(
        self,
        program: core.Program,
        judge: Judge,
        *,
        unroll: int | None = None,
        cut: bool = False,
        scope: int | None = None,
        unroll_statements_max: int = 4_000,
        suspects: set[int] | None = None,
    ) -> None:
        self.program = program
        self.judge = judge
        self.unroll = unroll
        self.cut = cut
        self.symbolic = Symbolic(scope)
        self.terms = self.symbolic.terms
        self.facts: list[Fact] = []
        self.conditions: list[Condition] = []
        self.spots: list[Spot] = []
        self.guards: list[Guard] = []
        self.inferred: list[Inferred] = []
        self.choices: dict[tuple[int, Iterations], SValue] = {}
        self.choice_order: list[tuple[core.Havoc, Iterations, SValue]] = []
        self.counters: list[list[Term]] = []
        self.ends: list[State] = []
        self.root = Trail(None, None)
        self.iterations: Iterations = ()
        self.suspects = suspects  # obligations with other tags are known to hold, and left out
        self._types: dict[str, Type] | None = None
        self.assigned_cache: dict[int, frozenset[str]] = {}
        self.fresh: set[Term] = set()  # havocked scalars of which nothing is known but their type
        self.definitions: dict[Term, Term] = {}  # of those that a contract determined
        self.touched: list[str] = []  # variables assigned since the first of them was made
        self.sink: list[Fact] = []  # facts that simplification used
        self.around: list[core.Loop] = []  # the loops whose bodies are being executed
        self.trying = 0  # > 0: the body of a loop is executed to learn about it
        self.statements_left = unroll_statements_max
        self.exhausted = False  # complete unrolling went beyond the limit
        self.inexact = False  # something was left out that a counterexample would have to respect
        self.names = 0

    @property
    def types(self) -> dict[str, Type]:
        """The declared type of each variable; only loops ask."""
        if self._types is None:
            self._types = {v.name: v.type for v in self.program.variables}
            for name, type in _types_of(self.program).items():
                self._types.setdefault(name, type)
        return self._types

    def run(self) -> None:
        """Fills `conditions`, `spots`, `facts`, `ends`; the judge may be asked along the way."""
        level = Level(self.terms, None)
        state = State(Env(None), self.root, level)
        self.use(state)
        flow = self.execute(self.program.body, state, tail=True)
        if flow.normal is not None:
            self.ends.append(flow.normal)
        for states in flow.exits.values():
            self.ends += states

    # ---- store -----------------------------------------------------------------------------------

    def use(self, state: State) -> None:
        self.symbolic.known = state.level
        state.level.used = self.sink

    def lookup(self, env: Env, name: str) -> SValue:
        """The value of a variable; `KeyError` where none was assigned on the way here."""
        at: Env | None = env
        while at is not None:
            found = at.own.get(name)
            if found is not None:
                return found
            if at.sources is not None:
                if at.changed is None:
                    at.changed = frozenset(
                        n for _, each in at.sources for n in each.changes(at.below)
                    )
                if name in at.changed:
                    value = self._merged(at, name)
                    at.own[name] = value
                    return value
            at = at.below
        raise KeyError(name)

    def _merged(self, env: Env, name: str) -> SValue:
        assert env.sources is not None
        values: list[tuple[Term, SValue]] = []
        for condition, each in env.sources:
            try:
                values.append((condition, self.lookup(each, name)))
            except KeyError:
                continue  # not assigned on that path, so not looked at after it
        result = values[-1][1]
        for condition, value in reversed(values[:-1]):
            result = self.symbolic.choose(condition, value, result)
        return result

    def assign(self, state: State, name: str, value: SValue) -> None:
        state.env = state.env.thawed()
        state.env.own[name] = value
        if self.fresh:
            self.touched.append(name)

    def unknown(self, type: Type, name: str) -> SValue:
        self.names += 1
        return self.symbolic.unknown(type, f"{name}!{self.names}")

    def evaluate(self, expr: Expr, state: State) -> SValue:
        self.symbolic.known = state.level
        state.level.used = self.sink
        return self.symbolic.evaluate(expr, View(self, state.env))

    def truth(self, expr: Expr, state: State) -> Term:
        value = self.evaluate(expr, state)
        assert isinstance(value, Term)
        return value

    # ---- facts -----------------------------------------------------------------------------------

    def learn(self, formula: Term, state: State, kind: str, origin: Span | None) -> None:
        """From here on `formula` holds on this trail."""
        if formula.op == "and":
            for each in formula.args:
                self.learn(each, state, kind, origin)
            return
        if formula is self.terms.true or state.level.proves(formula, []):
            return
        fact = Fact(formula, state.trail, kind, origin)
        self.facts.append(fact)
        state.level.learn(formula, fact)
        if self.fresh:
            self._spend(formula)

    def _learn_loose(self, state: State) -> None:
        """Learns what types say of whole collections: that a refined list is not empty, say."""
        loose, self.symbolic.loose = self.symbolic.loose, []
        for fact in loose:
            self.learn(fact, state, "type", None)

    def _spend(self, formula: Term) -> None:
        """Symbols that a fact speaks of are no longer free to be defined."""
        oldest = min(t.uid for t in self.fresh)
        work, seen = [formula], set()
        while work:
            at = work.pop()
            if at.uid < oldest or at in seen:
                continue
            seen.add(at)
            if at in self.fresh:
                self.fresh.discard(at)
                if not self.fresh:
                    return
            if at.op == "quant":
                assert isinstance(at.data, Quantifier)
                work.append(at.data.symbols)
            work += at.args

    def branch(self, state: State, literal: Term) -> State:
        """The state on a new trail on which `literal` holds."""
        trail = Trail(state.trail, literal)
        level = Level(self.terms, state.level)
        level.used = self.sink
        fact = Fact(literal, trail, "path", None)
        self.facts.append(fact)
        level.learn(literal, fact)
        return State(Env(state.env), trail, level)

    def merge(self, states: list[State], at: State) -> State | None:
        """One state for all of `states`, which went on from `at`; `at` is not used after."""
        if not states:
            return None
        env = at.env.thawed()
        if len(states) == 1:
            [only] = states
            env.own.update({n: self.lookup(only.env, n) for n in only.env.changes(at.env)})
            at.level.absorb(only.level)
            return State(env, only.trail, at.level)
        ways = [s.trail.beyond(at.trail) for s in states]
        names: dict[str, None] = {}
        for each in states:
            names.update(each.env.changes(at.env))
        # The last way is the one left when the others were not taken, on the merged trail.
        conditions = [self.terms.and_(*way) for way in ways]
        merged: dict[str, SValue] = {}
        for name in names:
            values: list[tuple[Term, SValue]] = []
            for condition, each in zip(conditions, states, strict=True):
                try:
                    values.append((condition, self.lookup(each.env, name)))
                except KeyError:
                    continue  # local to the other branch, and not looked at after it
            result = values[-1][1]
            for condition, value in reversed(values[:-1]):
                result = self.symbolic.choose(condition, value, result)
            merged[name] = self._named(result, at, name)
        env.own.update(merged)
        literal = _union(ways, self.terms)
        if literal is self.terms.true:
            return State(env, at.trail, at.level)
        joined = self.branch(State(env, at.trail, at.level), literal)
        at.level.absorb(joined.level)
        return State(env, joined.trail, at.level)

    def _named(self, value: SValue, at: State, name: str) -> SValue:
        """A long sum as a symbol that equals it: terms must not grow with the plan."""
        if not isinstance(value, Term) or value.op != "lin" or len(value.args) < _SUM_MAX:
            return value
        self.names += 1
        path = f"{name}!{self.names}"
        self.terms.intervals[path] = (value.low, value.high)
        symbol = self.terms.app(path, (), value.sort)
        self.facts.append(Fact(self.terms.eq(symbol, value), at.trail, "definition", None))
        return symbol

    # ---- obligations -----------------------------------------------------------------------------

    def owe(self, tag: core.Tag, condition: Expr, state: State) -> None:
        """States the obligation, and from here on takes it as a lemma."""
        if self.suspects is not None and tag.id not in self.suspects:
            return
        try:
            goal = self.truth(condition, state)
        except Unencodable as error:
            stated = Condition(
                tag,
                self.terms.false,
                len(self.facts),
                state.trail,
                None,
                f"{error} can't be stated as a condition",
                len(self.choice_order),
            )
            self.conditions.append(stated)
            return
        self.owe_term(tag, goal, state)

    def owe_term(self, tag: core.Tag, goal: Term, state: State) -> None:
        if self.suspects is not None and tag.id not in self.suspects:
            return
        used: list[Fact] = []
        settled = state.level.proves(goal, used)
        stated = Condition(
            tag,
            goal,
            len(self.facts),
            state.trail,
            used if settled else None,
            None,
            len(self.choice_order),
        )
        self.conditions.append(stated)
        if not settled:
            self.learn(goal, state, "lemma", None)

    # ---- statements ------------------------------------------------------------------------------

    def execute(self, statement: core.Statement, state: State, tail: bool = False) -> Flow:
        """How control leaves the statement; `tail`: nothing comes after it in the program."""
        if self.unroll is not None:
            self.statements_left -= 1
            if self.statements_left < 0:
                self.exhausted = True
                return Flow(None, {})
        match statement:
            case core.Skip(mark):
                self.mark(mark, state)
                return Flow(state, {})
            case core.Assign(target, value):
                try:
                    result = self.evaluate(value, state)
                except Unencodable:
                    self.inexact = True
                    result = self.unknown(value.type, target)
                self.assign(state, target, result)
                return Flow(state, {})
            case core.Havoc():
                self.havoc(statement, state)
                return Flow(state, {})
            case core.Assume(condition, kind, clause):
                return Flow(self.assume(condition, kind, clause, state), {})
            case core.Assert(condition, tag):
                self.owe(tag, condition, state)
                return Flow(state, {})
            case core.Seq(items):
                return self.sequence(items, state, tail)
            case core.If():
                return self.conditional(statement, state)
            case core.Loop():
                if self.unroll is None:
                    return self.loop(statement, state)
                return self.unrolled(statement, state)
            case core.Raise(exit):
                return Flow(None, {exit: [self._captured(state)]})
            case core.Try(exit, body, handler):
                return self.attempt(exit, body, handler, state, tail)
            case _:
                assert_never(statement)

    def _captured(self, state: State) -> State:
        """The state as it is now, whatever other paths go on to write."""
        return State(state.env.freeze(), state.trail, state.level)

    def sequence(self, items: tuple[core.Statement, ...], state: State, tail: bool) -> Flow:
        exits: dict[Exit, list[State]] = {}
        at: State | None = state
        last = len(items) - 1
        for i, item in enumerate(items):
            if at is None:
                break
            flow = self.execute(item, at, tail and i == last)
            for exit, states in flow.exits.items():
                exits.setdefault(exit, []).extend(states)
            at = flow.normal
        return Flow(at, exits)

    def mark(self, mark: core.Mark | None, state: State) -> None:
        tag: core.Tag | None = None
        match mark:
            case None | core.Ended():
                return
            case core.CallBegins():
                tag = mark.witness
            case core.CallEnds():
                tag = mark.witness
                self.fresh.clear()
                self.touched.clear()
            case core.Reached():
                tag = mark.witness
            case _:
                assert_never(mark)
        if tag is not None:
            self.spots.append(Spot(tag, len(self.facts), state.trail, len(self.choice_order)))

    def havoc(self, statement: core.Havoc, state: State) -> None:
        value = self.unknown(statement.type, _symbol_name(statement))
        self.choices[(statement.site, self.iterations)] = value
        self.choice_order.append((statement, self.iterations, value))
        self.assign(state, statement.target, value)
        self._learn_loose(state)
        for leaf in self.symbolic.scalars(value):
            if leaf.op == "app" and not leaf.args and self.symbolic.scope is None:
                self.fresh.add(leaf)
                if not self.touched:
                    self.touched.append(statement.target)
        if self.fresh:
            self.touched.append(statement.target)

    def assume(self, condition: Expr, kind: str, clause: Span, state: State) -> State | None:
        try:
            formula = self.truth(condition, state)
        except Unencodable:
            # Less is known: a proof can only get harder, but a run could be made up.
            self.inexact = True
            return state
        parts = list(formula.args) if formula.op == "and" else [formula]
        while parts:
            part = parts.pop(0)
            found = self._solved(part) if self.fresh else None
            if found is None:
                self.learn(part, state, kind, clause)
                continue
            memo = self._define(*found, state, kind, clause)
            self.sink.append(Fact(part, state.trail, kind, clause))
            rest = [self.symbolic.substitute(p, *found, memo) for p in parts]
            parts = [
                q for p in rest if isinstance(p, Term) for q in (p.args if p.op == "and" else (p,))
            ]
        return state

    def _define(
        self, symbol: Term, value: Term, state: State, kind: str, clause: Span
    ) -> dict[object, SValue]:
        """For a fresh symbol: it is replaced everywhere, and its type's facts become facts."""
        self.fresh.discard(symbol)
        self.definitions[symbol] = value
        memo: dict[object, SValue] = {}
        for name in dict.fromkeys(self.touched):
            try:
                old = self.lookup(state.env, name)
            except KeyError:
                continue
            state.env = state.env.thawed()
            state.env.own[name] = self.symbolic.substitute(old, symbol, value, memo)
        terms = self.terms
        for bound, sign in ((symbol.low, 1), (symbol.high, -1)):
            if bound is not None:
                edge = terms.number(bound, value.sort)
                within = terms.ge0(terms.scale(sign, terms.sub(value, edge)))
                self.learn(within, state, kind, clause)
        for formula in self.symbolic.facts.get(symbol, ()):
            replaced = self.symbolic.substitute(formula, symbol, value, memo)
            assert isinstance(replaced, Term)
            self.learn(replaced, state, kind, clause)
        return memo

    def _solved(self, part: Term) -> tuple[Term, Term] | None:
        terms = self.terms
        op = part.op
        if part in self.fresh:
            return part, terms.true
        if op == "not" and part.args[0] in self.fresh:
            return part.args[0], terms.false
        if op == "eq":
            left, right = sorted(part.args, key=_age)  # the younger one goes
            for symbol, value in ((right, left), (left, right)):
                if symbol in self.fresh and not self._occurs(symbol, value):
                    return symbol, value
        if op == "eq0":
            inner = part.args[0]
            coefficients = (
                dict(zip(inner.args, inner.data[0], strict=True))  # type: ignore[index]
                if inner.op == "lin"
                else {inner: 1}
            )
            for symbol in sorted(coefficients, key=_age, reverse=True):
                c = coefficients[symbol]
                if symbol in self.fresh and abs(c) == 1:
                    # c v + rest == 0, so v == -rest / c == -c rest.
                    rest = terms.sub(inner, terms.scale(c, symbol))
                    value = terms.scale(-c, rest)
                    if not self._occurs(symbol, value):
                        return symbol, value
        return None

    def _occurs(self, symbol: Term, value: Term) -> bool:
        work, seen = [value], set()
        while work:
            at = work.pop()
            if at is symbol:
                return True
            if at.uid < symbol.uid or at in seen:
                continue
            if at.op == "quant":
                return True  # its body may speak of anything
            seen.add(at)
            work += at.args
        return False

    def conditional(self, statement: core.If, state: State) -> Flow:
        try:
            test = self.truth(statement.test, state)
        except Unencodable:
            self.inexact = True
            self.names += 1
            test = self.terms.app(f"branch!{self.names}", (), "Bool")
        plain, test = test, self.symbolic.settled(test)
        if _is_check(statement):
            used: list[Fact] = []
            settled = state.level.proves(plain, used)
            tag = core.Tag(-1, core.Kind.ASSERT, "check", statement.span, statement.test.span)
            condition = Condition(
                tag, plain, len(self.facts), state.trail, used if settled else None
            )
            self.guards.append(Guard(statement.span, condition))
        if test is self.terms.true:
            return self.execute(statement.then, state)
        if test is self.terms.false:
            return self.execute(statement.otherwise, state)
        self.fresh.clear()
        self.touched.clear()
        first = self.execute(statement.then, self.branch(state, test))
        second = self.execute(statement.otherwise, self.branch(state, self.terms.not_(test)))
        exits = dict(first.exits)
        for exit, states in second.exits.items():
            exits[exit] = exits.get(exit, []) + states
        normals = [s for s in (first.normal, second.normal) if s is not None]
        return Flow(self.merge(normals, state), exits)

    def attempt(
        self,
        exit: Exit,
        body: core.Statement,
        handler: core.Statement,
        state: State,
        tail: bool,
    ) -> Flow:
        inner = State(Env(state.env), state.trail, Level(self.terms, state.level))
        quiet = tail and not _matters(handler)
        flow = self.execute(body, inner, quiet)
        caught = flow.exits.pop(exit, [])
        renamed = _renamed(handler)
        if quiet:
            # Nothing comes after: the runs that end here need not be brought together.
            self.ends += caught
        elif caught and renamed is not None:
            # The handler only raises another exit; nothing has to be brought together for that.
            flow.exits.setdefault(renamed, []).extend(caught)
        if not caught or quiet or renamed is not None:
            if flow.normal is None:
                return flow
            return Flow(self.merge([flow.normal], state), flow.exits)
        # The handler starts from what was known at the entry: the level of the body is not its.
        entry = State(state.env, state.trail, Level(self.terms, state.level))
        start = self.merge_exits(caught, entry)
        after = self.execute(handler, start)
        for other, states in after.exits.items():
            flow.exits.setdefault(other, []).extend(states)
        normals = [s for s in (flow.normal, after.normal) if s is not None]
        return Flow(self.merge(normals, state), flow.exits)

    def merge_exits(self, states: list[State], at: State) -> State:
        """The state in which a handler starts. `at` stays as it is: other paths go on from it."""
        ways = [s.trail.beyond(at.trail) for s in states]
        env = Env(at.env)
        env.sources = [(self.terms.and_(*way), s.env) for way, s in zip(ways, states, strict=True)]
        literal = _union(ways, self.terms)
        base = State(env, at.trail, Level(self.terms, at.level))
        if literal is self.terms.true:
            return base
        return self.branch(base, literal)

    # ---- loops -----------------------------------------------------------------------------------

    def unrolled(self, statement: core.Loop, state: State) -> Flow:
        assert self.unroll is not None
        outer = self.iterations
        exits: dict[Exit, list[State]] = {}
        leaving: list[State] = []
        entry = State(state.env, state.trail, state.level)
        at: State | None = State(Env(state.env), state.trail, Level(self.terms, state.level))
        assert at is not None
        self.assign(at, statement.counter, self.terms.integer(0))
        rounds = min(self.unroll, statement.bound)
        before: Term | None = None
        for i in range(rounds + 1):
            for invariant in statement.invariants:
                self.owe(invariant.entry if i == 0 else invariant.step, invariant.condition, at)
            before = self._variant(statement, at, i, before)
            try:
                guard = self.symbolic.settled(self.truth(statement.guard, at))
            except Unencodable:
                self.inexact = True
                self.names += 1
                guard = self.terms.app(f"branch!{self.names}", (), "Bool")
            if guard is self.terms.false:
                leaving.append(at)
                break
            if guard is not self.terms.true:
                leaving.append(self._captured(self.branch(at, self.terms.not_(guard))))
            if i == rounds:
                if not self.cut or rounds == statement.bound:
                    self._owe_end(statement, guard, at)
                break
            if guard is not self.terms.true:
                at = self.branch(at, guard)
            if before is not None:
                self._owe_positive(statement, before, at)
            self.iterations = (*outer, i)
            flow = self.execute(statement.body, at)
            self.iterations = outer
            for exit, states in flow.exits.items():
                exits.setdefault(exit, []).extend(states)
            at = flow.normal
            if at is None or self.exhausted:
                break
            self.assign(at, statement.counter, self.terms.integer(i + 1))
        if not leaving:
            return Flow(None, exits)
        return Flow(self.merge(leaving, entry), exits)

    def _variant(
        self, statement: core.Loop, at: State, i: int, before: Term | None
    ) -> Term | None:
        """Owes what the variant owes at the head, and returns its value there."""
        try:
            value = self.evaluate(statement.variant, at)
        except Unencodable as error:
            self.inexact = True
            tag = statement.fits or self._own_tag(statement)
            if self.suspects is None or tag.id in self.suspects:
                self.conditions.append(
                    Condition(tag, self.terms.false, len(self.facts), at.trail, None, str(error))
                )
            return None
        assert isinstance(value, Term)
        if i == 0:
            within = self.terms.le(value, self.terms.integer(statement.bound))
            self.owe_term(statement.fits or self._own_tag(statement), within, at)
        elif before is not None:
            smaller = self.terms.lt(value, before)
            self.owe_term(statement.decreases or self._own_tag(statement), smaller, at)
        return value

    def _owe_end(self, statement: core.Loop, guard: Term, at: State) -> None:
        tag = statement.positive or statement.fits
        if tag is None:
            tag = self._own_tag(statement)
        self.owe_term(tag, self.terms.not_(guard), at)

    def _own_tag(self, statement: core.Loop) -> core.Tag:
        return core.Tag(
            -1 - statement.site, core.Kind.TERMINATION, "loop bound", statement.span, statement.span
        )

    def loop(self, statement: core.Loop, state: State) -> Flow:
        """Cuts the loop at its head; see the module header."""
        entry = State(Env(state.env), state.trail, Level(self.terms, state.level))
        self.assign(entry, statement.counter, self.terms.integer(0))
        for invariant in statement.invariants:
            self.owe(invariant.entry, invariant.condition, entry)
        self._variant(statement, entry, 0, None)
        state = self.merge([entry], state) or entry
        assigned = self._assigned(statement.body) | {statement.counter}
        guesses = self._guesses(statement, state, assigned)
        keys_kept = {
            name
            for name in assigned
            if isinstance(strip(self.types.get(name, INT)), MapType)
            and _only_put(statement.body, name)
        }
        # First without any guess, to see how far one iteration moves each number, and which keys
        # of a map it writes to.
        keyed: dict[str, list[SValue]] = {}
        moves = self._moves(statement, state, assigned, keys_kept, keyed)
        self._present_at_entry(keyed, state)
        entry_conditions: dict[int, Condition] = {}
        for number, (_, _, condition) in enumerate(guesses):
            stated = self._trial(condition, state)
            if stated is not None and self._judged(stated):
                entry_conditions[number] = stated
        kept = [number for number in range(len(guesses)) if number in entry_conditions]
        while True:
            snapshot = self._snapshot()
            at = self._head(statement, state, assigned, keys_kept, moves, keyed)
            for number in kept:
                self.assume(guesses[number][2], "inferred", statement.span, at)
            flow, puts, goal_state = self._body(statement, at, keys_kept, state)
            if goal_state is None:
                break  # no iteration is ever completed
            lost = [
                name for name in sorted(keys_kept) if not all(self._judged(c) for c in puts[name])
            ]
            failing = []
            stated_steps: dict[int, Condition] = {}
            for number in kept:
                stated = self._trial(guesses[number][2], goal_state)
                if stated is None or not self._judged(stated):
                    failing.append(number)
                else:
                    stated_steps[number] = stated
            if not lost and not failing:
                for number in kept:
                    self.inferred.append(
                        Inferred(
                            statement,
                            guesses[number][0],
                            [entry_conditions[number], stated_steps[number]],
                        )
                    )
                for name in sorted(keys_kept):
                    self.inferred.append(
                        Inferred(statement, f"the keys of {name} stay the same", puts[name])
                    )
                break
            self._restore(snapshot)
            if lost:
                keys_kept -= set(lost)
                keyed = {}
                moves = self._moves(statement, state, assigned, keys_kept, keyed)
                self._present_at_entry(keyed, state)
            kept = [number for number in kept if number not in failing]
        for name, (low, high) in sorted(moves.items()):
            if low is not None or high is not None:
                self.inferred.append(
                    Inferred(statement, f"each iteration changes {name} by {_range(low, high)}", [])
                )
        leaving = self._leave(statement, at)
        if leaving is None:
            return Flow(None, flow.exits)
        if leaving is not at:
            at.level.absorb(leaving.level)
        env = state.env.thawed()
        env.own.update({n: self.lookup(at.env, n) for n in at.env.changes(state.env)})
        state.level.absorb(at.level)
        return Flow(State(env, leaving.trail, state.level), flow.exits)

    def _present_at_entry(self, keyed: dict[str, list[SValue]], state: State) -> None:
        """Drops the maps some of whose keys might not be there when the loop is first reached.

        The head says of the others that these keys are present, and what the body shows under that
        assumption can't be the reason for it.
        """
        tag = core.Tag(-1, core.Kind.LOOP_ENTRY, "inferred", core.TRUE.span, core.TRUE.span)
        self.use(state)
        for name in sorted(keyed):
            before = self.lookup(state.env, name)
            assert isinstance(before, Shape)
            for key in keyed[name]:
                goal = self.symbolic.map_has(before, key)
                used: list[Fact] = []
                settled = state.level.proves(goal, used)
                if not self._judged(
                    Condition(tag, goal, len(self.facts), state.trail, used if settled else None)
                ):
                    del keyed[name]
                    break

    def _snapshot(self) -> tuple[int, int, int, int, int, int]:
        return (
            len(self.facts),
            len(self.conditions),
            len(self.spots),
            len(self.guards),
            len(self.inferred),
            len(self.ends),
        )

    def _restore(self, snapshot: tuple[int, int, int, int, int, int]) -> None:
        facts, conditions, spots, guards, inferred, ends = snapshot
        del self.facts[facts:]
        del self.conditions[conditions:]
        del self.spots[spots:]
        del self.guards[guards:]
        del self.inferred[inferred:]
        del self.ends[ends:]

    def _judged(self, condition: Condition) -> bool:
        return condition.used is not None or self.judge(self, condition)

    def _trial(self, expr: Expr, state: State) -> Condition | None:
        """The condition, stated but not owed; None if it can't be stated."""
        try:
            goal = self.truth(expr, state)
        except (Unencodable, KeyError):
            return None
        used: list[Fact] = []
        settled = state.level.proves(goal, used)
        tag = core.Tag(-1, core.Kind.LOOP_STEP, "inferred", expr.span, expr.span)
        return Condition(tag, goal, len(self.facts), state.trail, used if settled else None)

    def _head(
        self,
        statement: core.Loop,
        state: State,
        assigned: frozenset[str],
        keys_kept: set[str],
        moves: dict[str, tuple[Number | None, Number | None]],
        keyed: dict[str, list[SValue]],
    ) -> State:
        """An arbitrary state at the head after any number of complete iterations."""
        terms = self.terms
        at = State(Env(state.env), state.trail, Level(terms, state.level))
        self.use(at)
        self.names += 1
        path = f"{statement.counter}!{self.names}"
        terms.intervals[path] = (0, statement.bound)
        count = terms.app(path, (), "Int")
        self.assign(at, statement.counter, count)
        for name in sorted(assigned - {statement.counter}):
            try:
                before = self.lookup(state.env, name)
            except KeyError:
                continue  # local to the body
            type = self.types.get(name)
            if type is None:
                continue
            if name in keyed and isinstance(before, Shape):
                bare = strip(type)
                assert isinstance(bare, MapType)
                changed = before
                for key in keyed[name]:
                    changed = self.symbolic.map_put(changed, key, self.unknown(bare.value, name))
                value: SValue = changed
            elif name in keys_kept and isinstance(before, Shape):
                self.names += 1
                value = self.symbolic.shape(
                    "map", (f"{name}!{self.names}", (), before), type
                )
            elif name in moves and isinstance(before, Term):
                value = self._moved(before, moves[name], count, name)
            else:
                value = self.unknown(type, name)
            self.assign(at, name, value)
            self._learn_loose(at)
            if name in moves and isinstance(value, Term) and isinstance(before, Term):
                self._learn_move(value, before, moves[name], count, at, type)
        for invariant in statement.invariants:
            self.assume(invariant.condition, "invariant", invariant.step.clause, at)
        try:
            variant = self.evaluate(statement.variant, at)
            if isinstance(variant, Term):
                room = terms.sub(terms.integer(statement.bound), count)
                self.learn(terms.le(variant, room), at, "variant", None)
        except Unencodable:
            pass
        self._learn_from_guard(statement, count, at, assigned)
        self.fresh.clear()
        self.touched.clear()
        return at

    def _learn_from_guard(
        self, statement: core.Loop, count: Term, at: State, assigned: frozenset[str]
    ) -> None:
        """For `while a + counter < b`: at the head counter is 0, or a + counter <= b.

        If the counter is not 0, an iteration was completed that started with the guard true and the
        counter one less; the rest of the guard speaks of nothing that the body assigns.
        """
        guard = statement.guard
        if not (isinstance(guard, core.Apply) and guard.op is Op.LT):
            return
        if mentions(guard).free.keys() & assigned != {statement.counter}:
            return
        try:
            left, right = (self.evaluate(a, at) for a in guard.arguments)
        except Unencodable:
            return
        terms = self.terms
        if not isinstance(left, Term) or not isinstance(right, Term) or left.sort != "Int":
            return
        gap = terms.sub(right, left)
        coefficients, _ = linear(gap)
        others = [a for a in coefficients if a is not count and self._occurs(count, a)]
        if coefficients.get(count) != -1 or others:
            return
        at_start = terms.add(gap, count)
        first = terms.and_(terms.eq(count, terms.integer(0)), terms.not_(terms.ge0(at_start)))
        self.learn(terms.or_(first, terms.ge0(gap)), at, "guard", None)

    def _moved(
        self,
        before: Term,
        move: tuple[Number | None, Number | None],
        count: Term,
        name: str,
    ) -> SValue:
        """`before` plus an unknown distance of known interval, or exactly i times the move."""
        low, high = move
        if low is not None and low == high:
            scaled = count if before.sort == "Int" else self.terms.to_real(count)
            return self.terms.add(before, self.terms.scale(low, scaled))
        assert count.high is not None
        self.names += 1
        path = f"{name} moved!{self.names}"
        self.terms.intervals[path] = (
            None if low is None else min(0, low * count.high),
            None if high is None else max(0, high * count.high),
        )
        distance = self.terms.app(path, (), before.sort)
        return self.terms.add(before, distance)

    def _learn_move(
        self,
        value: Term,
        before: Term,
        move: tuple[Number | None, Number | None],
        count: Term,
        at: State,
        type: Type,
    ) -> None:
        terms = self.terms
        low, high = move
        scaled = count if value.sort == "Int" else terms.to_real(count)
        if low is not None:
            self.learn(
                terms.le(terms.scale(low, scaled), terms.sub(value, before)), at, "move", None
            )
        if high is not None:
            self.learn(
                terms.le(terms.sub(value, before), terms.scale(high, scaled)), at, "move", None
            )
        while isinstance(type, RefinedType):
            # The declared type holds at the head: each assignment owed it.
            self.learn(self.symbolic.truth(type.predicate, {"self": value}), at, "type", None)
            type = type.base

    def _leave(self, statement: core.Loop, at: State) -> State | None:
        try:
            guard = self.symbolic.settled(self.truth(statement.guard, at))
        except Unencodable:
            self.inexact = True
            return at
        if guard is self.terms.true:
            return None
        if guard is self.terms.false:
            return at
        return self.branch(at, self.terms.not_(guard))

    def _body(
        self, statement: core.Loop, at: State, keys_kept: set[str], state: State
    ) -> tuple[Flow, dict[str, list[Condition]], State | None]:
        """Executes the body once from the head `at`, which stays as it is, as does `state`."""
        terms = self.terms
        head = State(Env(at.env), at.trail, Level(terms, at.level))
        self.use(head)
        try:
            guard = self.symbolic.settled(self.truth(statement.guard, head))
        except Unencodable:
            self.inexact = True
            self.names += 1
            guard = terms.app(f"branch!{self.names}", (), "Bool")
        if guard is terms.false:
            return Flow(None, {}), {}, None
        inside = head if guard is terms.true else self.branch(head, guard)
        variant: Term | None = None
        try:
            evaluated = self.evaluate(statement.variant, inside)
            assert isinstance(evaluated, Term)
            variant = evaluated
            self._owe_positive(statement, variant, inside)
        except Unencodable:
            pass  # said at the entry
        start = {name: self.lookup(at.env, name) for name in keys_kept}
        count = self.lookup(at.env, statement.counter)
        assert isinstance(count, Term)
        self.around.append(statement)
        flow = self.execute(statement.body, inside)
        self.around.pop()
        after = flow.normal
        flow.normal = None
        puts: dict[str, list[Condition]] = {name: [] for name in keys_kept}
        if after is None:
            return flow, puts, None
        after = State(Env(after.env), after.trail, after.level)
        self.use(after)
        self.assign(after, statement.counter, terms.add(count, terms.integer(1)))
        for invariant in statement.invariants:
            self.owe(invariant.step, invariant.condition, after)
        if variant is not None:
            tag = statement.decreases or self._own_tag(statement)
            try:
                later = self.evaluate(statement.variant, after)
                assert isinstance(later, Term)
                self.owe_term(tag, terms.lt(later, variant), after)
            except Unencodable as error:
                self.conditions.append(
                    Condition(tag, terms.false, len(self.facts), after.trail, None, str(error))
                )
        for name in sorted(keys_kept):
            before = self.lookup(state.env, name)
            puts[name] = self._keys_present(
                self.lookup(after.env, name), start[name], before, after
            )
        return flow, puts, after

    def _owe_positive(self, statement: core.Loop, variant: Term, inside: State) -> None:
        """At the start of an iteration the variant is at least 1."""
        goal = self.terms.ge0(self.terms.sub(variant, self.terms.integer(1)))
        self.owe_term(statement.positive or self._own_tag(statement), goal, inside)

    def _keys_present(
        self, after: SValue, start: SValue, before: SValue, state: State
    ) -> list[Condition]:
        """Conditions that every key put since `start` (or `before` the loop) was already there."""
        found: list[Condition] = []
        tag = core.Tag(-1, core.Kind.LOOP_STEP, "inferred", core.TRUE.span, core.TRUE.span)
        work: list[tuple[SValue, tuple[Term, ...]]] = [(after, ())]
        seen: set[object] = set()
        while work:
            value, under = work.pop()
            if value is start or value is before or (value, under) in seen:
                continue
            seen.add((value, under))
            assert isinstance(value, Shape)
            if value.kind == "choice":
                test, then, otherwise = value.parts
                assert isinstance(test, Term)
                assert isinstance(then, Shape) and isinstance(otherwise, Shape)
                work.append((then, (*under, test)))
                work.append((otherwise, (*under, self.terms.not_(test))))
            elif value.kind == "put":
                base, key, _ = value.parts
                assert isinstance(key, Term | Shape) and isinstance(before, Shape)
                # Of the map before the loop: what the head says of it is what is to be shown.
                present = self.symbolic.map_has(before, key)
                goal = self.terms.implies(self.terms.and_(*under), present)
                used: list[Fact] = []
                settled = state.level.proves(goal, used)
                found.append(
                    Condition(tag, goal, len(self.facts), state.trail, used if settled else None)
                )
                assert isinstance(base, Shape)
                work.append((base, under))
            else:
                found.append(Condition(tag, self.terms.false, len(self.facts), state.trail, None))
        return found

    def _moves(
        self,
        statement: core.Loop,
        state: State,
        assigned: frozenset[str],
        keys_kept: set[str],
        keyed: dict[str, list[SValue]],
    ) -> dict[str, tuple[Number | None, Number | None]]:
        """For each number the body changes: bounds of the change in one complete iteration.

        Found by executing the body from a head of which only types and invariants are known; as
        that head covers every iteration, so do the bounds.  Fills `keyed` with the maps that are
        written only at keys that are the same in each iteration: those made of symbols older than
        the loop.
        """
        snapshot = self._snapshot()
        # Intervals add up the worst of an inner loop and of the iteration that leaves it.
        nested = self.trying == 0 and any(
            isinstance(s, core.Loop) for s in statements_of(statement.body)
        )
        oldest = len(self.terms)
        self.trying += 1
        try:
            at = self._head(statement, state, assigned, keys_kept, {}, {})
            _, _, after = self._body(statement, at, keys_kept, state)
            moves: dict[str, tuple[Number | None, Number | None]] = {}
            if after is not None:
                for name in sorted(keys_kept):
                    start, end = self.lookup(at.env, name), self.lookup(after.env, name)
                    keys = _keys_put(end, start)
                    if keys is not None and all(_older(key, oldest) for key in keys):
                        keyed[name] = keys
                for name in sorted(assigned - {statement.counter}):
                    type = strip(self.types.get(name, MapType(INT, INT)))
                    if not isinstance(type, IntType | DecimalType):
                        continue
                    try:
                        start, end = self.lookup(at.env, name), self.lookup(after.env, name)
                    except KeyError:
                        continue
                    assert isinstance(start, Term) and isinstance(end, Term)
                    difference = self.terms.sub(end, start)
                    low, high = difference.low, difference.high
                    if nested and name.startswith("#") and isinstance(high, int):
                        high = self._lowered(difference, low, high, after)
                    if low is not None or high is not None:
                        moves[name] = (low, high)
            return moves
        finally:
            self.trying -= 1
            self._restore(snapshot)

    def _lowered(self, change: Term, low: Number | None, high: int, after: State) -> int:
        """The least upper bound of a change that the judge proves, by bisection."""
        least = int(low) if low is not None else 0
        while least < high:
            middle = (least + high) // 2
            goal = self.terms.le(change, self.terms.integer(middle))
            tag = core.Tag(-1, core.Kind.LOOP_STEP, "inferred", core.TRUE.span, core.TRUE.span)
            if self._judged(Condition(tag, goal, len(self.facts), after.trail, None)):
                high = middle
            else:
                least = middle + 1
        return high

    def _assigned(self, statement: core.Statement) -> frozenset[str]:
        """The variables a statement may assign or havoc."""
        cached = self.assigned_cache.get(id(statement))
        if cached is None:
            cached = frozenset(_assigned(statement))
            self.assigned_cache[id(statement)] = cached
        return cached

    def _guesses(
        self, statement: core.Loop, state: State, assigned: frozenset[str]
    ) -> list[tuple[str, str, Expr]]:
        """Candidate invariants that speak of something the body assigns, each once."""
        found: dict[Expr, tuple[str, str, Expr]] = {}

        def offer(expr: Expr, why: str) -> None:
            for part in _conjuncts(expr):
                names = mentions(part).free.keys()
                if part in found or not names & assigned:
                    continue
                try:
                    for name in names:
                        self.lookup(state.env, name)
                except KeyError:
                    continue
                found[part] = (part.span.one_line, why, part)

        for each in _assumptions(self.program.body):
            offer(each.condition, each.kind)
        for around in self.around:
            for invariant in around.invariants:
                offer(invariant.condition, "invariant of an enclosing loop")
        for each_assert in _assertions(statement.body):
            if each_assert.tag.kind is core.Kind.INVARIANT:
                offer(each_assert.condition, "policy")
        if statement.positive is not None:
            zero = core.Literal(0, INT)
            offer(
                core.Apply(Op.GE, (statement.variant, zero), BOOL, statement.variant.span),
                "variant",
            )
        for guess in _preserved(statement.body):
            offer(guess, "guard in the body")
        own = {invariant.condition for invariant in statement.invariants}
        return [guess for expr, guess in found.items() if expr not in own]


# ---- syntax of statements ------------------------------------------------------------------------


_SEGMENT_MAX = 32
_SUM_MAX = 24


def _age(term: Term) -> int:
    return term.uid


def _types_of(program: core.Program) -> dict[str, Type]:
    """The declared type of each variable, from where it is havocked or read."""
    types: dict[str, Type] = {}
    for statement in statements_of(program.body):
        if isinstance(statement, core.Havoc):
            name, own = statement.target, statement.type
            types[name] = _wider(types.get(name, own), own)
        for expr in expressions_of(statement):
            for part in subexpressions(expr):
                if isinstance(part, core.Ref):
                    types[part.name] = _wider(types.get(part.name, part.type), part.type)
    for line in program.resources:
        types[line.counter] = line.type
    return types


def _wider(one: Type, other: Type) -> Type:
    """The type that promises less of two under which a variable occurs."""
    if one == other or fits(one, other):
        return other
    return one if fits(other, one) else strip(one)


def statements_of(statement: core.Statement) -> Iterator[core.Statement]:
    work: list[core.Statement] = [statement]
    while work:
        at = work.pop()
        yield at
        match at:
            case core.Seq(items):
                work += reversed(items)
            case core.If(_, then, otherwise):
                work += [otherwise, then]
            case core.Loop():
                work.append(at.body)
            case core.Try(_, body, handler):
                work += [handler, body]
            case _:
                pass


def expressions_of(statement: core.Statement) -> Iterator[Expr]:
    match statement:
        case core.Assign(_, value):
            yield value
        case core.Assume(condition) | core.Assert(condition):
            yield condition
        case core.If(test):
            yield test
        case core.Loop():
            yield statement.guard
            yield statement.variant
            for invariant in statement.invariants:
                yield invariant.condition
        case _:
            return


def subexpressions(expr: Expr) -> Iterator[Expr]:
    """The expression and everything in it."""
    work: list[Expr] = [expr]
    while work:
        at = work.pop()
        yield at
        work += reversed(children(at))


def _assigned(statement: core.Statement) -> set[str]:
    names: set[str] = set()
    for each in statements_of(statement):
        if isinstance(each, core.Assign | core.Havoc):
            names.add(each.target)
        elif isinstance(each, core.Loop):
            names.add(each.counter)
    return names


def _assumptions(statement: core.Statement) -> list[core.Assume]:
    """What the plan takes for granted at its start."""
    kinds = ("requires", "policy", "initially")
    return [s for s in statements_of(statement) if isinstance(s, core.Assume) and s.kind in kinds]


def _assertions(statement: core.Statement) -> list[core.Assert]:
    return [s for s in statements_of(statement) if isinstance(s, core.Assert)]


def _only_put(statement: core.Statement, name: str) -> bool:
    """Whether every assignment to the map `name` updates it at some key, and none havocs it."""
    for each in statements_of(statement):
        if isinstance(each, core.Havoc) and each.target == name:
            return False
        if isinstance(each, core.Assign) and each.target == name:
            value = each.value
            while isinstance(value, core.Apply) and value.op is Op.MAP_PUT:
                value = value.arguments[0]
            if not (isinstance(value, core.Ref) and value.name == name):
                return False
    return True


def _conjuncts(expr: Expr) -> Iterator[Expr]:
    if isinstance(expr, core.Apply) and expr.op is Op.AND:
        for part in expr.arguments:
            yield from _conjuncts(part)
    else:
        yield expr


def _preserved(statement: core.Statement) -> list[Expr]:
    """From `if total + x <= limit { total = total + x; }` the guess `total <= limit`."""
    assigns = [s for s in statements_of(statement) if isinstance(s, core.Assign)]
    guesses: list[Expr] = []
    targets = {assign.target for assign in assigns}
    for each in statements_of(statement):
        test: Expr | None = None
        if isinstance(each, core.If):
            test = each.test
            # `if n < 10 { n = n + 1; }` keeps n <= 10.
            for part in _conjuncts(test):
                if not isinstance(part, core.Apply) or part.op not in (Op.LT, Op.GT):
                    continue
                if any(isinstance(a, core.Ref) and a.name in targets for a in part.arguments):
                    op = Op.LE if part.op is Op.LT else Op.GE
                    guesses.append(core.Apply(op, part.arguments, part.type, part.span))
        elif isinstance(each, core.Assume):
            test = each.condition
        if test is None:
            continue
        for part in _conjuncts(test):
            inner = list(subexpressions(part))
            for assign in assigns:
                if isinstance(assign.value, core.Apply) and assign.value in inner:
                    variable = core.Ref(assign.target, assign.value.type, assign.span)
                    guesses.append(replaced(part, assign.value, variable))
    return guesses


def replaced(expr: Expr, old: Expr, new: Expr) -> Expr:
    """`expr` with each occurrence of `old` replaced, bound variables left alone."""
    if expr == old:
        return new
    match expr:
        case core.Apply(op, arguments, type, span):
            return core.Apply(op, tuple(replaced(a, old, new) for a in arguments), type, span)
        case core.Conditional(test, then, otherwise, type, span):
            return core.Conditional(
                replaced(test, old, new),
                replaced(then, old, new),
                replaced(otherwise, old, new),
                type,
                span,
            )
        case _:
            return expr


def _keys_put(after: SValue, start: SValue) -> list[SValue] | None:
    """The keys at which `after` was written since it was `start`; None if more happened to it."""
    found: dict[SValue, None] = {}
    work, seen = [after], set()
    while work:
        at = work.pop()
        if at is start or at in seen:
            continue
        seen.add(at)
        assert isinstance(at, Shape)
        if at.kind == "put":
            base, key, _ = at.parts
            assert isinstance(key, Term | Shape) and isinstance(base, Shape)
            found[key] = None
            work.append(base)
        elif at.kind == "choice":
            work += [p for p in reversed(at.parts[1:]) if isinstance(p, Shape)]
        else:
            return None
    return list(found)


def _older(value: SValue, age: int) -> bool:
    """Whether a key is made of terms that existed when there were `age` of them."""
    if isinstance(value, Term):
        return value.uid < age
    return all(_older(p, age) for p in value.parts if isinstance(p, Term | Shape))


def _renamed(handler: core.Statement) -> Exit | None:
    """The exit a handler raises if that is all it does."""
    match handler:
        case core.Raise(exit):
            return exit
        case core.Seq(items):
            last: Exit | None = None
            for item in items:
                if isinstance(item, core.Skip) and not isinstance(item.mark, core.Reached):
                    continue
                if isinstance(item, core.Raise):
                    return item.exit
                return None
            return last
        case _:
            return None


def _is_check(statement: core.If) -> bool:
    """Whether an `if` is a `check`: nothing on one side, the end of the plan on the other."""
    if not isinstance(statement.then, core.Skip) or statement.then.mark is not None:
        return False
    other = statement.otherwise
    return isinstance(other, core.Seq) and any(
        isinstance(each, core.Raise) and each.exit is Exit.ABORT for each in other.items
    )


def _matters(handler: core.Statement) -> bool:
    """Whether a handler does anything but leave marks that ask for no witness."""
    for each in statements_of(handler):
        match each:
            case core.Seq():
                continue
            case core.Skip(mark) if mark is None or isinstance(mark, core.Ended):
                continue
            case _:
                return True
    return False


def _union(ways: list[list[Term]], terms: object) -> Term:
    """The disjunction of the ways; two that differ only in the sign of the last condition join."""
    from planproof.verifier.term import Terms

    assert isinstance(terms, Terms)
    rest = [tuple(way) for way in ways]
    changed = True
    while changed and len(rest) > 1:
        changed = False
        for i in range(len(rest)):
            for j in range(i + 1, len(rest)):
                a, b = rest[i], rest[j]
                if a and len(a) == len(b) and a[:-1] == b[:-1] and terms.not_(a[-1]) is b[-1]:
                    rest[i] = a[:-1]
                    del rest[j]
                    changed = True
                    break
            if changed:
                break
    return terms.or_(*(terms.and_(*way) for way in rest))


def _symbol_name(statement: core.Havoc) -> str:
    return statement.target


def _range(low: Number | None, high: Number | None) -> str:
    if low is not None and low == high:
        return f"exactly {low}"
    if low is None:
        return f"at most {high}"
    if high is None:
        return f"at least {low}"
    return f"{low} to {high}"
