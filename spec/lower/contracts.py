"""What a domain and its policies owe by themselves.

A plan takes contracts for granted; so they are proved, as far as they can be, when they are loaded:

* `defined`: each clause has a value whenever those before it hold;
* `consistent`: the places a tool modifies are there and are distinct, its costs are not negative,
  and every value that its `ensures` (or `leaving`) determine is of its declared type.

The last one matters most.  After a call the declared types of what it changed are facts.  Were a
contract too weak to keep them, say `balance[source] == old(balance[source]) - amount` without
`requires balance[source] >= amount`, then `balance[source] >= 0` as a fact *proves* that the payer
could pay.  So here, and only here, a determined place is havocked at its *raw* type, without
refinements and bounds, and its declared type is owed as soon as the clause that determines it is
assumed.  To treat more places as determined than are is safe; it only owes more.

A place is determined by a conjunct `place == e` or `e == place` where e does not contain the place.
What no conjunct determines is believed to be of its type: an assumption in every report.  So is
the refinement of a whole of which only places change, if none of them is determined; if one is,
that refinement is owed after all clauses.

Each obligation here stands for every state of the world, not only for the initial ones: `initially`
and the policies' invariants are not assumed.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial

from planproof.spec import typed
from planproof.spec.core import (
    Apply,
    Assign,
    Expr,
    If,
    Kind,
    Literal,
    Op,
    Program,
    Reached,
    Ref,
    Role,
)
from planproof.spec.limits import DEFAULT, Limits
from planproof.spec.lower.builder import Builder
from planproof.spec.lower.terms import (
    INITIALLY,
    OLD,
    Renaming,
    Steps,
    conjuncts,
    disjunction,
    erase,
    frame,
    is_plain,
    raw,
    read_place,
    refined_around,
    substitute,
    write_place,
)
from planproof.spec.node import node
from planproof.spec.semantics import children
from planproof.spec.source import NOWHERE, Span
from planproof.spec.types import BOOL, INT, DecimalType, RefinedType, Type, strip

RESULT = "result"


def lower_world(world: typed.World, limits: Limits = DEFAULT) -> tuple[Program, ...]:
    """The programs whose obligations the domain and its policies owe, those without any left out.

    A clause with a construct that has no meaning in the core yet makes no program: each plan that
    depends on it is reported by `lower_plan`.
    """
    domain = world.domain
    tasks: list[tuple[str, tuple[str, ...], Callable[[Builder], None]]] = [
        (f"type {each.name}", (), partial(_refinement, type=each))
        for each in domain.types.values()
        if isinstance(each, RefinedType)
    ]
    tasks.append((f"domain {domain.name}", (), partial(_initially, domain=domain)))
    for tool in domain.tools.values():
        inputs = tuple(each.name for each in tool.parameters)
        tasks.append((f"tool {tool.name}", inputs, partial(_tool, tool=tool)))
    tasks += [
        (f"policy {each.name}", (), partial(_policy, policy=each)) for each in world.policies
    ]
    made: list[Program] = []
    for name, inputs, fill in tasks:
        b = Builder(world, limits)
        fill(b)
        if b.tags and not b.incomplete:
            parameters = tuple(b.store[each] for each in inputs)
            states = tuple(b.store[each] for each in domain.states if each in b.store)
            made.append(b.program(name, parameters, states, ()))
    return tuple(made)


def _refinement(b: Builder, type: RefinedType) -> None:
    """The predicate has a value for each value of the base, and holds for one of them."""
    at = type.predicate.span
    value = b.declare("self", type.base)
    b.havoc(value, Role.CHOICE, f"a value for {type.name}", at)
    predicate = _clause(b, type.predicate, lambda ref: ref)
    b.evaluated(predicate, at)
    b.assume(predicate, "refinement", at)
    b.mark(Reached(type.name, at, b.tag(Kind.CONSISTENT, type.name, at, at)))


def _initially(b: Builder, domain: typed.Domain) -> None:
    _any_state(b)
    for clause in domain.initially:
        _take(b, clause, "initially", lambda ref: ref)


def _policy(b: Builder, policy: typed.Policy) -> None:
    """Invariants have a value in every pair of a state and an initial state; budgets have one."""
    _any_state(b)
    begins: dict[str, Ref] = {}
    for state in b.domain.states.values():
        begins[f"{INITIALLY}{state.name}"] = b.declare(f"{state.name}@start", state.type)
        b.havoc(
            begins[f"{INITIALLY}{state.name}"], Role.CHOICE, f"initially({state.name})", state.span
        )

    def rename(ref: Ref) -> Expr:
        start = begins.get(ref.name)
        return ref if start is None else Ref(start.name, ref.type, ref.span)

    for invariant in policy.invariants:
        _take(b, invariant.clause, "policy", rename)
    for budget in policy.budgets:
        b.evaluated(_clause(b, budget.limit, rename), budget.span)


def _any_state(b: Builder) -> None:
    for state in b.domain.states.values():
        b.havoc(b.declare(state.name, state.type), Role.INITIAL, state.name, state.span)


def _clause(b: Builder, expr: Expr, rename: Renaming) -> Expr:
    b.admit(expr)
    return substitute(expr, rename, b.fresh)


def _take(b: Builder, clause: typed.Clause, kind: str, rename: Renaming) -> None:
    """Owes that the clause has a value, then takes it for granted."""
    condition = _clause(b, clause.condition, rename)
    b.evaluated(condition, clause.span)
    b.assume(condition, kind, clause.span)


# ---- tools ---------------------------------------------------------------------------------------


@node
class Changed:
    """Something a call gives a value: a place of its frame, or (`place` None) its result."""

    place: typed.Place | None
    type: Type
    shown: str

    @property
    def says(self) -> str:
        return f"what it leaves in {self.shown} is of its type" if self.place is not None else (
            "its result is of its type"
        )

    def checked_at_run(self, domain: typed.Domain) -> bool:
        return self.place is None or domain.states[self.place.state].observer is not None

    def around(self) -> list[tuple[Steps, RefinedType]]:
        """The refined types that it is a part of."""
        return [] if self.place is None else refined_around(self.place)

    def read(self) -> Expr:
        if self.place is None:
            return Ref(RESULT, self.type)
        return read_place(Ref(self.place.state, self.place.whole), self.place.steps)


def changed_by(tool: typed.Tool, with_result: bool) -> tuple[Changed, ...]:
    """What a call of the tool gives a value, in order."""
    found = [
        Changed(place, place.type, place.span.one_line or place.state) for place in frame(tool)
    ]
    if with_result and tool.result is not None:
        found.append(Changed(None, tool.result, RESULT))
    return tuple(found)


def undetermined(tool: typed.Tool) -> tuple[Changed, ...]:
    """What a call gives a value that no clause determines, where its type says anything at all."""
    ways = [(changed_by(tool, True), tool.ensures)]
    if tool.dirty:
        ways.append((changed_by(tool, False), () if tool.leaving is None else (tool.leaving,)))
    found: dict[str, Changed] = {}
    for changed, clauses in ways:
        for each in changed:
            says_something = not is_plain(each.type) or bool(each.around())
            if says_something and _determining(each, clauses) is None:
                found.setdefault(each.shown, each)
    return tuple(found.values())


def _determining(changed: Changed, clauses: tuple[typed.Clause, ...]) -> int | None:
    """Which clause determines it; the first that does."""
    place = changed.read()
    for at, clause in enumerate(clauses):
        for each in conjuncts(clause.condition):
            if not isinstance(each, Apply) or each.op is not Op.EQ:
                continue
            left, right = each.arguments
            if (left == place and not _contains(right, place)) or (
                right == place and not _contains(left, place)
            ):
                return at
    return None


def _contains(expr: Expr, part: Expr) -> bool:
    pending = [expr]
    while pending:
        each = pending.pop()
        if each == part:
            return True
        pending += children(each)
    return False


def _tool(b: Builder, tool: typed.Tool) -> None:
    for each in undetermined(tool):
        b.believe("undetermined-type", tool.name, each.says, each.checked_at_run(b.domain))
    _Contract(b, tool).owe()


class _Contract:
    """The obligations of one tool, over its parameters and the state before the call."""

    def __init__(self, b: Builder, tool: typed.Tool) -> None:
        self.b = b
        self.tool = tool

    def owe(self) -> None:
        b, tool = self.b, self.tool
        for parameter in tool.parameters:
            own = b.declare(parameter.name, parameter.type)
            b.havoc(own, Role.INPUT, parameter.name, parameter.span)
        _any_state(b)
        for clause in tool.requires:
            _take(b, clause, "requires", lambda ref: ref)
        for charge in tool.charges:
            self._charge(charge)
        self._places()
        if not tool.dirty:
            self._outcome(tool.ensures, True, "after")
            return
        ways = b.declare("returns", BOOL)
        b.havoc(ways, Role.CHOICE, f"{tool.name} returns", tool.span)
        leaving = () if tool.leaving is None else (tool.leaving,)
        b.emit(
            If(
                ways,
                b.nested(lambda: self._outcome(tool.ensures, True, "after")),
                b.nested(lambda: self._outcome(leaving, False, "left")),
                tool.span,
            )
        )

    def _charge(self, charge: typed.Charge) -> None:
        b = self.b
        amount = _clause(b, charge.amount, lambda ref: ref)
        span = charge.span if charge.span.text else self.tool.span
        b.evaluated(amount, span)
        decimal = isinstance(strip(amount.type), DecimalType)
        zero = Literal(Fraction(0), amount.type) if decimal else Literal(0, INT)
        enough = Apply(Op.GE, (amount, zero), BOOL, amount.span)
        b.owe(enough, Kind.CONSISTENT, f"{charge.resource} of {self.tool.name}", span, span)

    def _places(self) -> None:
        """The places are there, and no two of them overlap."""
        b, name = self.b, self.tool.name
        places = frame(self.tool)
        for place in places:
            b.admit(Ref(place.state, place.whole, place.span))
            whole: Expr = Ref(place.state, place.whole)
            for depth, step in enumerate(place.steps):
                if not isinstance(step, typed.PlaceKey):
                    continue
                b.admit(step.key)
                b.evaluated(step.key, place.span)
                container = read_place(whole, place.steps[:depth])
                there = Apply(Op.MAP_HAS, (container, step.key), BOOL, place.span)
                b.owe(there, Kind.CONSISTENT, f"{name} modifies", place.span, place.span)
        for at, one in enumerate(places):
            for other in places[at + 1 :]:
                apart = _apart(one, other)
                if apart is not None:
                    b.owe(apart, Kind.CONSISTENT, f"{name} modifies", other.span, one.span)

    def _outcome(
        self, clauses: tuple[typed.Clause, ...], with_result: bool, prefix: str
    ) -> None:
        """The clauses have values, and what they determine is of its type."""
        b = self.b
        changed = changed_by(self.tool, with_result)
        determined: dict[int, list[Changed]] = {}
        for each in changed:
            says_something = not is_plain(each.type) or bool(each.around())
            clause_at = _determining(each, clauses) if says_something else None
            if clause_at is not None:
                determined.setdefault(clause_at, []).append(each)
        open_ones = [each for group in determined.values() for each in group]
        raw_names = {f"{prefix} {_name(each)}" for each in open_ones}
        after = self._after(changed, open_ones, raw_names, prefix)

        def rename(ref: Ref) -> Expr:
            if ref.name.startswith(OLD):
                return Ref(ref.name.removeprefix(OLD), ref.type, ref.span)
            new = after.get(ref.name)
            return ref if new is None else Ref(new.name, ref.type, ref.span)

        for at, clause in enumerate(clauses):
            condition = erase(_clause(b, clause.condition, rename), raw_names)
            b.evaluated(condition, clause.span)
            b.assume(condition, "ensures" if with_result else "leaving", clause.span)
            for each in determined.get(at, []):
                self._conforms(each, after[_name(each)], clause.span)
        for each in changed:
            self._whole(each, after[_name(each)], f"{prefix} {_name(each)}" in raw_names)

    def _after(
        self,
        changed: tuple[Changed, ...],
        open_ones: list[Changed],
        raw_names: set[str],
        prefix: str,
    ) -> dict[str, Ref]:
        """Emits the state after the call; the variable that holds each changed state, or result."""
        b = self.b
        after: dict[str, Ref] = {}
        for index, each in enumerate(changed):
            key = _name(each)
            new_name = f"{prefix} {key}"
            type = raw(each.type) if each in open_ones else each.type
            shown = f"{each.shown} after {self.tool.name}"
            role = Role.RESULT if each.place is None else Role.FRAME
            if each.place is None or not each.place.steps:
                after[key] = b.declare(new_name, type)
                b.havoc(after[key], role, shown, self.tool.span)
                continue
            whole_type = raw(each.place.whole) if new_name in raw_names else each.place.whole
            new = b.declare(new_name, whole_type)
            before = after.get(key, Ref(each.place.state, each.place.whole))
            value = b.declare(f"{prefix} {index} {each.shown}", type)
            b.havoc(value, role, shown, self.tool.span)
            start = Ref(before.name, whole_type)
            b.emit(Assign(new.name, write_place(start, each.place.steps, value), each.place.span))
            after[key] = new
        return after

    def _conforms(self, changed: Changed, after: Ref, clause: Span) -> None:
        b = self.b
        steps = () if changed.place is None else changed.place.steps
        value = read_place(after, steps)
        at = self.tool.span if changed.place is None else changed.place.span
        for goal in b.obligations.misfits(value, changed.type, raw(changed.type)):
            b.owe(goal, Kind.CONSISTENT, f"{self.tool.name} {changed.shown}", clause, at)


    def _whole(self, changed: Changed, after: Ref, owed: bool) -> None:
        """The refinements of what the place is a part of, owed or else believed."""
        b = self.b
        for steps, type in changed.around():
            value = read_place(after, steps)
            for goal in b.obligations.misfits(value, type, raw(type) if owed else strip(type)):
                if owed:
                    name = f"{self.tool.name} {type.name}"
                    b.owe(goal, Kind.CONSISTENT, name, self.tool.span, type.predicate.span)
                else:
                    b.assume(goal, "type", type.predicate.span)


def _name(changed: Changed) -> str:
    return RESULT if changed.place is None else changed.place.state


def _apart(one: typed.Place, other: typed.Place) -> Expr | None:
    """When the places do not overlap; None where their shapes say so."""
    if one.state != other.state:
        return None
    different: list[Expr] = []
    for mine, theirs in zip(one.steps, other.steps, strict=False):
        if isinstance(mine, typed.PlaceKey) and isinstance(theirs, typed.PlaceKey):
            if mine.key != theirs.key:
                span = mine.key.span if mine.key.span is not NOWHERE else one.span
                different.append(Apply(Op.NE, (mine.key, theirs.key), BOOL, span))
        elif mine != theirs:
            return None
    return disjunction(tuple(different))
