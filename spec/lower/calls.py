"""Tool calls.

A call of `t` lowers, in this order, to

    t.p := argument            for each parameter; definedness and types are owed
    assert requires            each clause of t
    #r := #r + cost            each resource t charges, and #calls
    assert budgets             those on what was charged: the policies', the plan's, its callers'
    mark: the call begins
    havoc t:fails              where t fails
    if t:fails {               dirty, or as it was; then the invariants, then `raise fail` }
    havoc frame, result        the places t modifies, at their declared types; what they are part
                               of has its declared type too, which is assumed
    assume ensures
    mark: the call returned
    assert invariants

A parameter of a tool is one variable of the store, `t.p`, for all calls of the tool: no call is
ever inside another, so a tool's clauses are renamed once and shared by all its calls.

A policy invariant speaks of nothing but state, holds at the start and is asserted whenever a call
may have changed what it speaks of; a call that leaves all of that alone leaves it true.

A failing call that is not dirty changed nothing.  After a dirty failure everything in the frame
has some value of its type for which `leaving` holds; keyed places keep their keys.  (That whole
maps keep their keys is not used: it would take a quantifier over all keys.)

Time-outs.  That of a tool that `fails dirty` is covered by its dirty failure, that of an
`idempotent` tool that `fails` is a clean failure.  That of any other tool is outside its contract:
it stops the run, which is an assumption that the report lists (kind `timing`).

Left out: that a `pure` tool gives the same result for the same arguments (sound without, but some
plans stay unproved).
"""

from __future__ import annotations

from fractions import Fraction
from typing import cast

from planproof.spec import typed
from planproof.spec.core import (
    FALSE,
    TOOL,
    Apply,
    Assign,
    CallBegins,
    CallEnds,
    Exit,
    Expr,
    If,
    Kind,
    Literal,
    Op,
    Outcome,
    Raise,
    Ref,
    Role,
    Skip,
    Uninterpreted,
    conjunction,
    number,
)
from planproof.spec.lower.builder import Builder
from planproof.spec.lower.contracts import undetermined
from planproof.spec.lower.terms import (
    OLD,
    Steps,
    disjunction,
    equation,
    frame,
    mentions,
    read_place,
    refined_around,
    refresh,
    substitute,
    write_place,
)
from planproof.spec.node import node
from planproof.spec.source import Span
from planproof.spec.types import BOOL, DecimalType, IntType, Type, strip

CALLS = "calls"


@node
class Watched:
    """A policy invariant in force, and the states it speaks of."""

    name: str
    condition: Expr
    states: frozenset[str]
    binds: bool
    clause: Span


@node
class Limit:
    """A budget in force: `within` says that what was spent is at most `limit`."""

    resource: str
    limit: Expr
    within: Expr
    clause: Span


@node
class Frame:
    """What a plan says it modifies: places with their keys evaluated at the plan's start."""

    places: tuple[typed.Place, ...]
    clause: Span


@node
class Piece:
    """A place of a frame: `value` is havocked, then `store` puts it into a state that has parts."""

    value: Ref
    shown: str
    store: Assign | None
    around: tuple[Expr, ...]  # the refinements of what the place is a part of, after the call


@node
class Prepared:
    """A tool over the variables of the store: all that its calls have in common."""

    tool: typed.Tool
    parameters: tuple[Ref, ...]
    shown: tuple[tuple[str, Expr], ...]
    requires: tuple[typed.Clause, ...]
    keys: tuple[Assign, ...]  # of the frame, where they must be evaluated before the call
    charges: tuple[Assign, ...]
    charged: frozenset[str]
    snapshots: tuple[Assign, ...]
    places: tuple[typed.Place, ...]
    pieces: tuple[Piece, ...]
    ensures: tuple[typed.Clause, ...]
    leaving: typed.Clause | None
    result: Ref | None
    binds: bool  # whether some clause or cost has bound variables, which must differ at each use


def counter(resource: str) -> str:
    """The variable that counts what was charged."""
    return f"#{resource}"


def as_type(value: Expr, type: Type) -> Expr:
    """An Int where a Decimal is due becomes one; all else is of its type already."""
    if isinstance(strip(type), DecimalType) and isinstance(strip(value.type), IntType):
        return Apply(Op.TO_DECIMAL, (value,), type, value.span)
    return value


def zero(type: Type) -> Literal:
    return Literal(Fraction(0) if isinstance(strip(type), DecimalType) else 0, type)


class Calls:
    """Lowers calls into a builder, under the invariants, budgets and frames in force."""

    def __init__(self, b: Builder) -> None:
        self.b = b
        self.invariants: list[Watched] = []
        self.limits: list[Limit] = []
        self.frames: list[Frame] = []
        self._prepared: dict[str, Prepared] = {}

    def call(self, name: str, arguments: tuple[Expr, ...], at: Span) -> Ref | None:
        """Emits the call up to its return; the variable that then holds its result."""
        b = self.b
        tool = self._prepare(name)
        for parameter, value in zip(tool.parameters, arguments, strict=True):
            b.assign(parameter, value, at)
        for place, clause in enumerate(tool.requires, 1):
            b.owe(self._use(tool, clause), Kind.REQUIRES, f"{name}#{place}", at, clause.span)
        b.items += tool.keys
        self._within_frames(tool, at)
        self._charge(tool, at)
        site = b.site()
        b.mark(CallBegins(site, name, tool.shown, at, b.tag(Kind.WITNESS, name, at, at)))
        b.items += tool.snapshots
        if tool.tool.fails:
            fails = b.declare(f"{name}:fails", BOOL)
            b.havoc(fails, Role.FAILS, f"{name} fails", at)
            b.emit(If(fails, b.nested(lambda: self._failure(tool, site, at)), Skip(), at))
        self._change(tool, at)
        if tool.result is not None:
            b.havoc(tool.result, Role.RESULT, f"result of {name}", at)
            if tool.tool.pure:
                # The same result for the same arguments: some function of them, the same all along.
                parameters = tuple(Ref(each.name, each.type) for each in tool.parameters)
                same = Uninterpreted(f"{TOOL}{name}", parameters, tool.result.type, at)
                b.assume(equation(tool.result, same), "pure", tool.tool.span)
        for clause in tool.ensures:
            b.assume(self._use(tool, clause), "ensures", clause.span)
        returned = b.tag(Kind.WITNESS, f"{name} returned", at, at)
        result = None if tool.result is None else tool.result.name
        b.mark(CallEnds(site, Outcome.RETURNED, result, returned))
        self._assert_invariants(tool, at)
        return tool.result

    # ---- the parts of a call ----

    def _charge(self, tool: Prepared, at: Span) -> None:
        b = self.b
        for each in tool.charges:
            value = refresh(each.value, b.fresh) if tool.binds else each.value
            b.emit(each if value is each.value else Assign(each.target, value, each.span))
        for limit in self.limits:
            if limit.resource in tool.charged:
                b.owe(limit.within, Kind.BUDGET, limit.resource, at, limit.clause)

    def _within_frames(self, tool: Prepared, at: Span) -> None:
        """Owes that each place the tool modifies lies in what the plans around say they modify.

        A place whose keys are, in value, those of a declared place lies in it.  That is owed at
        each call, not at the end: a change that is undone again is a change.
        """
        for around in self.frames:
            for place in tool.places:
                if any(each.state == place.state and not each.steps for each in around.places):
                    continue
                inside = [_inside(place, each) for each in around.places]
                ways = tuple(each for each in inside if each is not None)
                goal = disjunction(ways) if ways else FALSE
                self.b.owe(goal, Kind.ENSURES, "modifies", at, around.clause)

    def _failure(self, tool: Prepared, site: int, at: Span) -> None:
        b, name = self.b, tool.tool.name
        if tool.tool.dirty:
            dirty = b.declare(f"{name}:dirty", BOOL)
            b.havoc(dirty, Role.FAILS, f"{name} fails dirty", at)
            clean = Skip(CallEnds(site, Outcome.FAILED, None, None))
            b.emit(If(dirty, b.nested(lambda: self._dirty(tool, site, at)), clean, at))
            self._assert_invariants(tool, at)
        else:
            b.mark(CallEnds(site, Outcome.FAILED, None, None))
        b.emit(Raise(Exit.FAIL))

    def _dirty(self, tool: Prepared, site: int, at: Span) -> None:
        self._change(tool, at)
        if tool.leaving is not None:
            self.b.assume(self._use(tool, tool.leaving), "leaving", tool.leaving.span)
        self.b.mark(CallEnds(site, Outcome.FAILED_DIRTY, None, None))

    def _change(self, tool: Prepared, at: Span) -> None:
        """Gives each place of the frame some value of its type."""
        for piece in tool.pieces:
            self.b.havoc(piece.value, Role.FRAME, piece.shown, at)
            if piece.store is not None:
                self.b.emit(piece.store)
        # Only now: two places of one whole may break its refinement one after the other.
        for piece in tool.pieces:
            for each in piece.around:
                self.b.assume(refresh(each, self.b.fresh), "type", at)

    def _assert_invariants(self, tool: Prepared, at: Span) -> None:
        changed = {place.state for place in tool.places}
        for each in self.invariants:
            if each.states & changed:
                condition = refresh(each.condition, self.b.fresh) if each.binds else each.condition
                self.b.owe(condition, Kind.INVARIANT, each.name, at, each.clause)

    def _use(self, tool: Prepared, clause: typed.Clause) -> Expr:
        return refresh(clause.condition, self.b.fresh) if tool.binds else clause.condition

    # ---- once for each tool ----

    def _prepare(self, name: str) -> Prepared:
        known = self._prepared.get(name)
        if known is None:
            known = self._prepared[name] = self._rename(self.b.domain.tools[name])
            self._believe(known)
        return known

    def _rename(self, tool: typed.Tool) -> Prepared:
        b, name = self.b, tool.name
        own = {each.name: b.declare(f"{name}.{each.name}", each.type) for each in tool.parameters}
        result = None if tool.result is None else b.declare(f"{name}:result", tool.result)
        places = frame(tool)
        changed = {place.state for place in places}
        snapshots: dict[str, None] = {}

        def rename(ref: Ref) -> Expr:
            if ref.name in own:
                return Ref(own[ref.name].name, ref.type, ref.span)
            if ref.name == "result":
                return Ref(f"{name}:result", ref.type, ref.span)
            if ref.name.startswith(OLD):
                state = ref.name.removeprefix(OLD)
                if state not in changed:
                    return Ref(state, ref.type, ref.span)
                snapshots[state] = None
                return Ref(f"{name}:{OLD}{state}", ref.type, ref.span)
            return ref

        binds = False

        def over(expr: Expr) -> Expr:
            nonlocal binds
            b.admit(expr)
            binds = binds or mentions(expr).binds
            return substitute(expr, rename, b.fresh)

        def clause(written: typed.Clause) -> typed.Clause:
            return typed.Clause(over(written.condition), written.span)

        keys: list[Assign] = []

        def place_over(place: typed.Place) -> typed.Place:
            steps: list[typed.PlaceKey | typed.PlaceField] = []
            for step in place.steps:
                if isinstance(step, typed.PlaceKey):
                    key = over(step.key)
                    if mentions(key).free.keys() & changed:
                        saved = b.declare(f"{name}:key {len(keys)}", key.type)
                        keys.append(Assign(saved.name, key, place.span))
                        key = saved
                    step = typed.PlaceKey(key)
                steps.append(step)
            if b.domain.states[place.state].shared:
                b.admit(Ref(place.state, place.whole, place.span))
            return typed.Place(place.state, tuple(steps), place.whole, place.type, place.span)

        requires = tuple(map(clause, tool.requires))
        spent = [(CALLS, cast("Expr", number(1)))]
        spent += [(each.resource, over(each.amount)) for each in tool.charges]
        renamed = tuple(map(place_over, places))
        ensures = tuple(map(clause, tool.ensures))
        leaving = None if tool.leaving is None else clause(tool.leaving)
        # `keys`, `snapshots` and `binds` are complete only now.
        return Prepared(
            tool,
            tuple(own.values()),
            tuple(own.items()),
            requires,
            tuple(keys),
            tuple([self._charging(resource, amount) for resource, amount in spent]),
            frozenset(resource for resource, _ in spent),
            tuple([self._snapshot(name, state) for state in snapshots]),
            renamed,
            tuple([self._piece(name, index, place) for index, place in enumerate(renamed)]),
            ensures,
            leaving,
            result,
            binds,
        )

    def _charging(self, resource: str, amount: Expr) -> Assign:
        spent = Ref(counter(resource), self.b.domain.resources[resource].type)
        total = Apply(Op.ADD, (spent, as_type(amount, spent.type)), spent.type, amount.span)
        return Assign(spent.name, total, amount.span)

    def _snapshot(self, name: str, state: str) -> Assign:
        old = self.b.declare(f"{name}:{OLD}{state}", self.b.domain.states[state].type)
        return Assign(old.name, Ref(state, old.type))

    def _piece(self, name: str, index: int, place: typed.Place) -> Piece:
        shown = place_text(place)
        whole = Ref(place.state, self.b.domain.states[place.state].type)
        if not place.steps:
            return Piece(whole, shown, None, ())
        value = self.b.declare(f"{name}:{index} {shown}", place.type, shown)
        written = write_place(whole, place.steps, value)
        around = [
            goal
            for steps, type in refined_around(place)
            for goal in self.b.obligations.misfits(read_place(whole, steps), type, strip(type))
        ]
        return Piece(value, shown, Assign(whole.name, written, place.span), tuple(around))

    def _believe(self, tool: Prepared) -> None:
        """Lists what a call of the tool rests on."""
        b, written = self.b, tool.tool
        promised = written.ensures if written.leaving is None else (
            *written.ensures, written.leaving
        )
        for clause in promised:
            checked = observed(b.domain, clause.condition)
            b.believe("tool-contract", written.name, clause.span.one_line, checked)
        if b.domain.states:
            changed = {place.state for place in tool.places if not place.steps}
            others = [each for each in b.domain.states.values() if each.name not in changed]
            names = ", ".join(map(place_text, tool.places)) or "nothing"
            b.believe(
                "frame",
                written.name,
                f"changes {names}" + ("" if names == "nothing" else " and nothing else"),
                all(each.observer is not None for each in others),
            )
        for what in undetermined(written):
            b.believe("undetermined-type", written.name, what.says, what.checked_at_run(b.domain))
        if not written.dirty and not (written.fails and written.idempotent):
            b.believe("timing", written.name, "ends in time; a call that does not stops the run",
                      True)
        if not written.fails:
            b.believe("no-failure", written.name, "does not fail; a call that does stops the run",
                      True)


def place_text(place: typed.Place) -> str:
    """The place as written."""
    return place.span.one_line or place.state


def observed(domain: typed.Domain, expr: Expr) -> bool:
    """Whether the executor can evaluate the clause: it speaks of no state that nobody observes."""
    for name in mentions(expr).free:
        state = domain.states.get(name.removeprefix(OLD).removeprefix("initially "))
        if state is not None and state.observer is None:
            return False
    return True


def _inside(place: typed.Place, declared: typed.Place) -> Expr | None:
    """When `place` lies in `declared`; None where their shapes rule it out."""
    if declared.state != place.state or len(declared.steps) > len(place.steps):
        return None
    equal: list[Expr] = []
    outer: Steps = declared.steps
    for mine, theirs in zip(place.steps, outer, strict=False):
        if isinstance(mine, typed.PlaceKey) and isinstance(theirs, typed.PlaceKey):
            equal.append(equation(mine.key, theirs.key))
        elif mine != theirs:
            return None
    return conjunction(tuple(equal))
