"""Concrete runs: counterexamples and witnesses, found by solving and believed only when replayed.

The program is generated again in exact mode: lists, sets and maps small and written out, loops
executed a few times.  A model of a condition's negation is then a run: it is decoded into inputs,
the world, tool results and failures, and the reference interpreter replays it.  Only a run that
violates an obligation there is a counterexample.  Sizes grow step by step, numbers are pushed
towards zero, so what is found first is small.  (Small scopes: Jackson, "Software Abstractions";
replaying models: Cedar's `SymCC/Concretizer`.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from planproof.spec import core, semantics
from planproof.spec.limits import Limits
from planproof.spec.node import dataclass, field
from planproof.spec.types import (
    DecimalType,
    EnumType,
    ListType,
    MapType,
    OpaqueType,
    OptionType,
    RecordType,
    RefinedType,
    SetType,
    TextType,
    TupleType,
    Type,
    strip,
)
from planproof.verifier import smt
from planproof.verifier.generate import (
    Condition,
    Generator,
    Iterations,
    Spot,
    expressions_of,
    statements_of,
    subexpressions,
)
from planproof.verifier.ground import ground
from planproof.verifier.path import Trail
from planproof.verifier.solve import relative
from planproof.verifier.symbolic import Shape, SValue
from planproof.verifier.term import Term


@dataclass(slots=True)
class Findings:
    """What the search found: a replayed run for each violated tag, the runs that witness tags."""

    violations: dict[int, semantics.Run] = field(default_factory=dict)
    witnesses: list[semantics.Run] = field(default_factory=list)
    reached: set[int] = field(default_factory=set)
    candidates: dict[int, semantics.Run] = field(default_factory=dict)  # models that do not replay
    settled: frozenset[int] = (
        frozenset()
    )  # obligations that are proved, whatever a run can evaluate
    exhausted: bool = False  # a limit ended the search somewhere
    complete: bool = False  # every run was looked at: sizes and iterations beyond were none


def search(
    program: core.Program,
    suspects: set[int],
    wanted: set[int],
    limits: Limits,
    possible: Callable[[int], bool],
    findings: Findings,
) -> None:
    """Adds runs that violate the tags in `suspects`, and runs that reach the tags in `wanted`.

    `possible` says whether a witness tag may be reached at all, as far as a proof can tell; it is
    asked before larger runs are tried for one.
    """
    for scope in scopes(program, limits):
        suspects_left = suspects - findings.violations.keys()
        wanted_left = wanted - findings.reached
        if not suspects_left and not wanted_left:
            break
        if findings.violations and scope > 1:
            break  # refuted: larger runs would say nothing that matters more
        if scope > _SMALL and wanted_left:
            wanted_left = {tag for tag in wanted_left if possible(tag)}
            if not suspects_left and not wanted_left:
                break
        generator = Generator(
            program,
            lambda *_: False,
            unroll=scope,
            cut=True,
            scope=scope,
            unroll_statements_max=max(limits.search_statements_max, _size(program)),
            suspects=suspects,
        )
        generator.run()
        if generator.exhausted:
            findings.exhausted = True
            break
        _Search(program, generator, limits, findings).run(suspects_left, wanted_left)


def scopes(program: core.Program, limits: Limits) -> Iterator[int]:
    """The sizes to try, growing; one alone where nothing in the program depends on a size."""
    statements = list(statements_of(program.body))
    sizes = [s.bound for s in statements if isinstance(s, core.Loop)]
    looping = bool(sizes)
    unbounded = False
    for each in statements:
        if isinstance(each, core.Havoc):
            own = list(_sizes(each.type))
            unbounded = unbounded or None in own
            sizes += [size for size in own if size is not None]
    yield 1
    if not sizes and not unbounded and not _ranges(program):
        return
    yield 2
    yield 3
    largest = max(sizes, default=0)
    if not looping:
        largest = min(largest, _LIST_MAX)
    scope = 5
    while scope < largest * 2:
        if min(scope, largest) * len(statements) > limits.search_statements_max:
            return
        yield min(scope, largest)
        scope *= 2


_LIST_MAX = 40  # without loops, longer lists than this are not tried


def _ranges(program: core.Program) -> bool:
    """Whether an expression of the program goes over a range of integers."""
    return any(
        isinstance(part, core.Quantified | core.Total) and isinstance(part.domain, core.Between)
        for statement in statements_of(program.body)
        for expr in expressions_of(statement)
        for part in subexpressions(expr)
    )


def _size(program: core.Program) -> int:
    return sum(1 for _ in statements_of(program.body))


def _sizes(type: Type) -> Iterator[int | None]:
    """The bounds of the collections in a type; None for those without one."""
    match strip(type):
        case ListType(item, bound):
            yield bound
            yield from _sizes(item)
        case MapType(_, value):
            yield None
            yield from _sizes(value)
        case SetType():
            yield None
        case RecordType(_, fields):
            for _, each in fields:
                yield from _sizes(each)
        case TupleType(items):
            for each in items:
                yield from _sizes(each)
        case OptionType(item):
            yield from _sizes(item)
        case _:
            return


class _Search:
    def __init__(
        self, program: core.Program, generator: Generator, limits: Limits, findings: Findings
    ) -> None:
        self.program = program
        self.generator = generator
        self.symbolic = generator.symbolic
        self.limits = limits
        self.findings = findings
        self.large = self.symbolic.scope is not None and self.symbolic.scope > _SMALL

    def run(self, suspects: set[int], wanted: set[int]) -> None:
        tries: dict[int, int] = {}
        pending = [
            c
            for c in self.generator.conditions
            if c.tag.id in suspects and c.used is None and c.problem is None
        ]
        if self.large and pending:
            self.refute_any(pending, suspects)
        for condition in pending:
            tag = condition.tag.id
            if tag in self.findings.violations:
                continue
            if self.large and self.findings.violations:
                break
            tries[tag] = tries.get(tag, 0) + 1
            if not self.large or tries[tag] <= _TRIES_LARGE:
                self.refute(condition, suspects)
        # The furthest spots first: a run that gets there has passed most of the others.
        tries = {}
        for spot in reversed(self.generator.spots):
            tag = spot.tag.id
            if tag not in wanted or tag in self.findings.reached:
                continue
            tries[tag] = tries.get(tag, 0) + 1
            if tries[tag] <= _TRIES_MAX:
                self.witness(spot)

    def refute_any(self, conditions: list[Condition], suspects: set[int]) -> None:
        """Looks for a run of a simple pattern that violates any of the conditions.

        One question for all of them: which comes first on a run, the replay says.
        """
        terms, generator = self.symbolic.terms, self.generator
        goals = [
            terms.implies(terms.and_(*c.trail.beyond(generator.root)), c.goal) for c in conditions
        ]
        found = self.solve(
            len(generator.facts),
            generator.root,
            len(generator.choice_order),
            terms.and_(*goals),
            minimise=True,
            patterns=True,
        )
        if found is not None and isinstance(found.outcome, semantics.Violated):
            violated = found.outcome.tag.id
            if violated in suspects:
                self.findings.violations.setdefault(violated, found)

    def refute(self, condition: Condition, suspects: set[int]) -> None:
        found = self.solve(
            condition.facts, condition.trail, condition.choices, condition.goal, minimise=True
        )
        if found is None:
            return
        outcome = found.outcome
        if isinstance(outcome, semantics.Violated):
            violated = outcome.tag.id
            if violated in suspects or violated == condition.tag.id:
                self.findings.violations.setdefault(violated, found)
            if violated == condition.tag.id:
                return
        self.findings.candidates.setdefault(condition.tag.id, found)

    def witness(self, spot: Spot) -> None:
        found = None
        if self.large:
            found = self.solve(
                spot.facts, spot.trail, spot.choices, None, minimise=False, patterns=True
            )
        if found is None:
            found = self.solve(spot.facts, spot.trail, spot.choices, None, minimise=False)
        if found is None:
            return
        new = set(found.reached) - self.findings.reached
        if new:
            self.findings.reached |= new
            self.findings.witnesses.append(found)

    def solve(
        self,
        count: int,
        trail: Trail,
        choices: int,
        goal: Term | None,
        minimise: bool,
        patterns: bool = False,
    ) -> semantics.Run | None:
        """A run in which the first `count` facts hold and `goal` does not, replayed, or None.

        With `patterns` only runs of a simple pattern are tried (see `hinted`), and what other
        obligations claim is not taken for granted.
        """
        symbolic = self.symbolic
        hypotheses = []
        for fact in self.generator.facts[:count]:
            if patterns and fact.kind == "lemma":
                continue
            formula = relative(fact, trail, symbolic)
            if formula is not symbolic.terms.true:
                hypotheses.append(formula)
        hypotheses += dict.fromkeys(symbolic.restrictions)
        made = self.generator.choice_order[:choices]
        leaves = list(dict.fromkeys(t for _, _, v in made for t in symbolic.scalars(v)))
        roots = [*hypotheses, *leaves]
        if goal is not None:
            roots.append(symbolic.terms.not_(goal))
        lemmas = ground(roots, symbolic, self.limits.instances_max * 5)
        script = smt.script(hypotheses, lemmas, goal, symbolic, leaves, named=False)
        session = smt.Session(script, self.limits, core=False)
        answer: smt.Answer | None = None
        if patterns:
            answer = self.hinted(session, script, made)
        elif not self.large or len(script.text) < _TEXT_SEARCHED_MAX:
            answer = session.check()
        if not isinstance(answer, smt.Sat):
            if not patterns and not isinstance(answer, smt.Unsat):
                self.findings.exhausted = True
            return None
        if minimise:
            answer = self.smaller(session, script, made, answer)
        decoder = Decoder(self.generator, script, answer)
        table = {(h.site, its): decoder.value(v, h.type) for h, its, v in made}
        return semantics.run(
            self.program, Replay(table, decoder), self.limits, self.findings.settled
        )

    def hinted(
        self,
        session: smt.Session,
        script: smt.Script,
        made: list[tuple[core.Havoc, Iterations, SValue]],
    ) -> smt.Answer | None:
        """A model in which lists are full, and calls that may fail do so in a simple pattern.

        What takes many iterations to break is mostly a budget, and the worst runs look like this;
        without the hint the solver has to find them among exponentially many.
        """
        symbols = script.symbols
        full = []
        for _, _, value in made:
            if isinstance(value, Shape) and value.kind == "bounded":
                length = value.parts[0]
                if isinstance(length, Term) and length in symbols and length.high is not None:
                    full.append(f"(= {symbols[length]} {length.high})")
        fails = [
            (symbols[value], iterations[-1] if iterations else 0)
            for havoc, iterations, value in made
            if havoc.role is core.Role.FAILS and isinstance(value, Term) and value in symbols
        ]
        rounds = {i for _, i in fails}
        # Failing in all iterations, in none, and in all but the last few of the innermost loop.
        patterns = [max(rounds, default=0) + 1, 0, *sorted(rounds - {0}, reverse=True)[:4]]
        for until in patterns:
            flags = [name if i < until else f"(not {name})" for name, i in fails]
            session.push("\n".join(f"(assert {claim})" for claim in [*full, *flags]))
            answer = session.check()
            session.pop()
            if isinstance(answer, smt.Sat):
                return answer
        return None

    def smaller(
        self,
        session: smt.Session,
        script: smt.Script,
        made: list[tuple[core.Havoc, Iterations, SValue]],
        answer: smt.Sat,
    ) -> smt.Sat:
        """A model with the same property and smaller values, within a fixed number of checks."""
        best = answer
        left = _CHECKS_MAX if len(script.text) < _TEXT_MAX else _CHECKS_MAX_LARGE
        symbols = script.symbols
        leaves = list(dict.fromkeys(t for _, _, v in made for t in self.symbolic.scalars(v)))
        numbers = [t for t in leaves if t.sort in ("Int", "Real") and t in symbols]
        flags = [t for t in leaves if t.sort == "Bool" and t in symbols]

        def attempt(claims: list[str]) -> bool:
            nonlocal best, left
            left -= 1
            session.push("\n".join(f"(assert {claim})" for claim in claims))
            found = session.check()
            if isinstance(found, smt.Sat):
                best = found
                return True
            session.pop()
            return False

        # All numbers at once within a small range: most counterexamples need no large ones.
        big = [t for t in numbers if abs(best.values.get(t, 0)) > 1]
        if big:
            for bound in (1, 2, 10, 100, 10_000):
                claims = [f"(<= (- {bound}) {symbols[t]} {bound})" for t in numbers]
                if left <= 0 or attempt(claims):
                    break
        for term in flags:
            if left <= 0:
                break
            if best.values.get(term) is True:
                attempt([f"(not {symbols[term]})"])
        for term in numbers:
            if left <= 0:
                break
            value = best.values.get(term, 0)
            if value == 0:
                continue
            if attempt([f"(= {symbols[term]} 0)"]):
                continue
            low, high = (0, value) if value > 0 else (value, 0)
            if isinstance(value, Fraction) or high - low == 1:
                continue
            sign = 1 if value > 0 else -1
            if left > 0 and attempt([f"(= {symbols[term]} {_signed(sign)})"]):
                continue
        return best


def _signed(value: int) -> str:
    return str(value) if value >= 0 else f"(- {-value})"


_SMALL = 3  # up to this size everything is tried
_TRIES_MAX = 3  # instances of one spot (iterations of the loops around it) that are tried
_TRIES_LARGE = 3  # instances of one obligation that are tried in larger runs
_CHECKS_MAX = 24  # solver calls spent on making one counterexample smaller
_TEXT_SEARCHED_MAX = 400_000  # characters; larger conditions are only tried with a hint
_TEXT_MAX = 100_000  # characters of a condition; for a larger one each call takes long, so:
_CHECKS_MAX_LARGE = 3


class Replay:
    """The adversary that answers as the model says, and with a default value where it is silent."""

    def __init__(self, table: dict[tuple[int, Iterations], core.Value], decoder: Decoder) -> None:
        self.table = table
        self.decoder = decoder
        self.result: core.Value | None = None

    def choose(
        self,
        havoc: core.Havoc,
        iterations: Iterations,
        store: Mapping[str, core.Value],  # noqa: ARG002 - what the interpreter offers
    ) -> core.Value:
        found = self.table.get((havoc.site, iterations))
        if found is None:
            found = semantics.default_value(havoc.type)
        if havoc.role is core.Role.RESULT:
            self.result = found
        return found

    def apply(self, function: str, arguments: tuple[core.Value, ...], type: Type) -> core.Value:
        if function.startswith(core.TOOL) and self.result is not None:
            # A pure tool is asked about right after its result was chosen; for arguments that it
            # had before, the interpreter has the value of that time.
            return self.result
        return self.decoder.function_value(function, arguments, type)


class Decoder:
    """Reads values of the language out of a model."""

    def __init__(self, generator: Generator, script: smt.Script, answer: smt.Sat) -> None:
        self.symbolic = generator.symbolic
        self.script = script
        self.values = answer.values
        self.tables = answer.tables
        self.elements: dict[str, dict[Any, int]] = {}
        self.texts: dict[Any, str] = {}
        self.taken: set[str] = set()
        self.key: tuple[Any, ...] = ()
        for term, value in self.values.items():
            if term.op == "const" and isinstance(value, tuple | str):
                self.texts[value] = str(term.data)
                self.taken.add(str(term.data))

    def value(self, value: SValue, type: Type) -> core.Value:
        """The concrete value of an unknown of `type`, in this model."""
        bare = strip(type)
        if isinstance(value, Term):
            return self.scalar(self.of(value), bare, value)
        parts = value.parts
        match bare:
            case RecordType(name, fields):
                items = zip(parts, fields, strict=True)
                return core.RecordValue(name, tuple(self.value(_sv(v), t) for v, (_, t) in items))
            case TupleType(types):
                pairs = zip(parts, types, strict=True)
                return core.TupleValue(tuple(self.value(_sv(v), t) for v, t in pairs))
            case OptionType(item):
                flag, inner = parts
                if self.of(_t(flag)) is not True or inner is None:
                    return core.NoneValue()
                return core.SomeValue(self.value(_sv(inner), item))
            case ListType(item):
                length, *rest = parts
                count = self.of(_t(length)) or 0
                return core.ListValue(tuple(self.value(_sv(v), item) for v in rest[:count]))
            case MapType(key, item):
                entries = set()
                for row in parts:
                    assert isinstance(row, tuple)
                    if self.of(_t(row[0])) is True:
                        entries.add((self.value(_sv(row[1]), key), self.value(_sv(row[2]), item)))
                return core.MapValue(frozenset(entries))
            case SetType(item):
                members = set()
                for row in parts:
                    assert isinstance(row, tuple)
                    if self.of(_t(row[0])) is True:
                        members.add(self.value(_sv(row[1]), item))
                return core.SetValue(frozenset(members))
            case _:
                raise TypeError(f"no values of {bare}")

    def of(self, term: Term) -> Any:
        if term.op == "const":
            return term.data
        if term.args:
            # A function of the arguments that are being asked about.
            entries, otherwise = self.tables.get(
                self.script.functions.get(str(term.data), ""), ([], None)
            )
            return next((value for each, value in entries if each == self.key), otherwise)
        return self.values.get(term)

    def scalar(self, raw: Any, bare: Type, term: Term | None) -> core.Value:
        match bare:
            case OpaqueType(name):
                return core.OpaqueValue(name, self.element(name, raw))
            case EnumType(name, members):
                index = raw if isinstance(raw, int) and 0 <= raw < len(members) else 0
                return core.EnumValue(name, members[index])
            case TextType():
                return self.text(raw)
            case DecimalType():
                if raw is None:
                    raw = 0 if term is None else default_number(term)
                return Fraction(raw)
            case RefinedType():
                return self.scalar(raw, strip(bare), term)
            case _:
                if raw is None:
                    if term is not None and term.sort == "Bool":
                        return False
                    return (
                        False if _is_bool(bare) else (0 if term is None else default_number(term))
                    )
                result: core.Value = raw
                return result

    def element(self, name: str, raw: Any) -> int:
        known = self.elements.setdefault(name, {})
        return known.setdefault(raw, len(known))

    def text(self, raw: Any) -> str:
        if raw is None:
            return ""
        if isinstance(raw, str):
            return self.texts.get(raw, raw)
        found = self.texts.get(raw)
        if found is None:
            found = self.fresh_text(self.length(raw))
            self.texts[raw] = found
            self.taken.add(found)
        return found

    def length(self, raw: Any) -> int | None:
        name = self.script.functions.get("text.len")
        if name is None or name not in self.tables:
            return None
        entries, otherwise = self.tables[name]
        for key, value in entries:
            if key == (raw,):
                return int(value)
        return int(otherwise) if isinstance(otherwise, int) else None

    def fresh_text(self, length: int | None) -> str:
        if length == 0:
            return ""
        number = 0
        while True:
            digits = ""
            rest = number
            while True:
                digits = chr(ord("a") + rest % 26) + digits
                rest = rest // 26 - 1
                if rest < 0:
                    break
            candidate = digits if length is None else digits.rjust(length, "a")[-length:]
            if candidate not in self.taken or number > 1000:
                return candidate
            number += 1

    def function_value(
        self, function: str, arguments: tuple[core.Value, ...], type: Type
    ) -> core.Value:
        """The value of an uninterpreted function in the model; a default where it is silent."""
        try:
            key = tuple(self.raw(a) for a in arguments)
        except TypeError:
            return semantics.default_value(type)
        self.key = key
        sorts = ["Bool" if isinstance(k, bool) else "Int" for k in key]
        spots = tuple(
            self.symbolic.terms.app(f"argument {i}", (), sort) for i, sort in enumerate(sorts)
        )
        found = self.value(self.symbolic.unknown(type, f"fn {function}", spots), type)
        return found if semantics.conforms(found, type) else semantics.default_value(type)

    def raw(self, value: core.Value) -> Any:
        """A concrete scalar as the model writes it."""
        match value:
            case core.OpaqueValue(name, index):
                known = self.elements.get(name, {})
                return next((raw for raw, i in known.items() if i == index), ("element", "?"))
            case str():
                return next((raw for raw, t in self.texts.items() if t == value), value)
            case bool() | int() | Fraction():
                return value
            case core.EnumValue():
                raise TypeError("enum arguments are written as positions")
            case _:
                raise TypeError("not a scalar")


def default_number(term: Term) -> int | Fraction:
    if term.low is not None and term.low > 0:
        return term.low
    if term.high is not None and term.high < 0:
        return term.high
    return 0


def _is_bool(type: Type) -> bool:
    from planproof.spec.types import BoolType

    return isinstance(type, BoolType)


def _t(value: object) -> Term:
    assert isinstance(value, Term)
    return value


def _sv(value: object) -> SValue:
    assert isinstance(value, Term | Shape)
    return value
