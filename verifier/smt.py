"""Conditions as SMT-LIB text, and Z3.  The only module that imports z3.

One condition is one self-contained SMT-LIB 2.6 script: hypotheses and negated goal, symbols
renamed in order of first occurrence, so the text depends on nothing but the condition itself.  The
text is what is digested, dumped and solved; what is dumped is what was proved, and any solver reads
it.  Effort is counted in Z3's resource units, never in time, so a verdict is the same on every
machine.  Trusted: this encoding, and Z3.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

from planproof.verifier.regex import to_smt as regex_to_smt
from planproof.verifier.term import BOOL, INT, REAL, TEXT, Number, Term, parts_of

if TYPE_CHECKING:
    from planproof.verifier.symbolic import Symbolic


@dataclass(frozen=True, slots=True)
class Script:
    """A condition in SMT-LIB. `names[i]` is the name under which hypothesis i is asserted."""

    text: str
    names: tuple[str, ...]
    symbols: dict[Term, str]  # constants and text literals, by which models are read
    functions: dict[str, str]  # the SMT-LIB name of each symbol that takes arguments

    @property
    def digest(self) -> str:
        return "sha256:" + hashlib.sha256(self.text.encode()).hexdigest()


def script(
    hypotheses: Sequence[Term],
    lemmas: Iterable[Term],
    goal: Term | None,
    symbolic: Symbolic,
    mentioned: Iterable[Term] = (),
    named: bool = True,
) -> Script:
    """`hypotheses and lemmas and not goal`, to be refuted; without a goal, to be satisfied.

    With `named` an unsatisfiable core can be asked for.  The terms in `mentioned` are declared, with their intervals, so that a model speaks of them.
    """
    writer = _Writer(symbolic, named)
    for term in mentioned:
        writer.write(term)
    for i, hypothesis in enumerate(hypotheses):
        writer.assertion(hypothesis, f"h{i}")
    for lemma in lemmas:
        writer.assertion(lemma, None)
    if goal is not None:
        writer.assertion(symbolic.terms.not_(goal), "goal")
    return Script(
        writer.finish(),
        tuple(f"h{i}" for i in range(len(hypotheses))),
        writer.constants,
        {name: symbol for (name, arguments, _), symbol in writer.declared.items() if arguments},
    )


class _Writer:
    def __init__(self, symbolic: Symbolic, named: bool) -> None:
        self.named = named
        self.symbolic = symbolic
        self.strings = symbolic.uses_strings
        self.lines: list[str] = []
        self.declared: dict[tuple[str, tuple[str, ...], str], str] = {}
        self.declarations: list[str] = []
        self.sorts: dict[str, str] = {}
        self.written: dict[Term, str] = {}
        self.constants: dict[Term, str] = {}
        self.literals: dict[Term, str] = {}
        self.bounds: list[str] = []
        self.measured = False

    def assertion(self, term: Term, name: str | None) -> None:
        body = self.write(term)
        if name is not None and self.named:
            body = f"(! {body} :named {name})"
        self.lines.append(f"(assert {body})")

    def finish(self) -> str:
        extra = list(self.bounds)
        if self.literals:
            names = list(self.literals.values())
            if len(names) > 1:
                extra.append(f"(assert (distinct {' '.join(names)}))")
            if self.measured or self.strings:
                length = (
                    "str.len"
                    if self.strings
                    else self.symbol("text.len", (self.sort(TEXT),), "Int")
                )
                extra += [
                    f"(assert (= ({length} {name}) {len(str(literal.data))}))"
                    for literal, name in self.literals.items()
                ]
        sorts = [f"(declare-sort {name} 0)" for name in self.sorts.values()]
        # Without the option Z3 takes names for comments and every core is empty.
        head = ["(set-option :produce-unsat-cores true)"] if self.named else []
        head.append("(set-logic ALL)")
        return "\n".join([*head, *sorts, *self.declarations, *extra, *self.lines]) + "\n"

    def sort(self, sort: str) -> str:
        if sort in (BOOL, INT, REAL):
            return sort
        if sort == TEXT and self.strings:
            return "String"
        return self.sorts.setdefault(sort, f"S{len(self.sorts)}")

    def symbol(self, name: str, arguments: tuple[str, ...], result: str) -> str:
        key = (name, arguments, result)
        found = self.declared.get(key)
        if found is None:
            found = f"f{len(self.declared)}"
            self.declared[key] = found
            self.declarations.append(f"(declare-fun {found} ({' '.join(arguments)}) {result})")
        return found

    def write(self, term: Term) -> str:
        """The term as text; a node that is large and used again is defined once."""
        uses: dict[Term, int] = {}
        order: list[Term] = []
        work: list[tuple[Term, bool]] = [(term, False)]
        while work:
            at, ready = work.pop()
            if at in self.written:
                continue
            if ready:
                order.append(at)
                continue
            uses[at] = uses.get(at, 0) + 1
            if uses[at] == 1:
                work.append((at, True))
                work += [(a, False) for a in reversed(at.args)]
        for at in order:
            text = self.node(at)
            if at.op in ("const", "app") and not at.args:
                self.written[at] = text
            elif len(text) > _SHARE_FROM and at is not term:
                name = f"d{len(self.lines)}"
                self.lines.append(f"(define-fun {name} () {self.sort(at.sort)} {text})")
                self.written[at] = name
            else:
                self.written[at] = text
        return self.written[term]

    def node(self, term: Term) -> str:
        op = term.op
        args = [self.written[a] for a in term.args]
        match op:
            case "const":
                return self.constant(term)
            case "app":
                return self.application(term, args)
            case "quant":
                return self.symbol(f"quant {term.uid}", (), "Bool")
            case "lin":
                coefficients, constant = parts_of(term)
                parts = [
                    a if c == 1 else f"(* {_number(c, term.sort)} {a})"
                    for a, c in zip(args, coefficients, strict=True)
                ]
                if constant != 0:
                    parts.append(_number(constant, term.sort))
                return parts[0] if len(parts) == 1 else f"(+ {' '.join(parts)})"
            case "ge0":
                return f"(>= {args[0]} {_number(0, term.args[0].sort)})"
            case "gt0":
                return f"(> {args[0]} {_number(0, term.args[0].sort)})"
            case "eq0":
                return f"(= {args[0]} {_number(0, term.args[0].sort)})"
            case "eq":
                return f"(= {args[0]} {args[1]})"
            case "not" | "and" | "or" | "ite" | "div" | "mod" | "to_real":
                return f"({op} {' '.join(args)})"
            case "mul":
                return f"(* {args[0]} {args[1]})"
            case "rdiv":
                return f"(/ {args[0]} {args[1]})"
            case _:
                raise ValueError(f"no SMT-LIB for {op}")

    def application(self, term: Term, args: list[str]) -> str:
        name: str = term.data  # type: ignore[assignment]
        if self.strings and name in _STRING_FUNCTIONS:
            if name == "text.matches":
                return f"(str.in_re {args[0]} {regex_to_smt(str(term.args[1].data))})"
            if name in ("text.starts_with", "text.ends_with"):
                args.reverse()
            return f"({_STRING_FUNCTIONS[name]} {' '.join(args)})"
        if name == "text.len":
            self.measured = True
        result = self.sort(term.sort)
        symbol = self.symbol(name, tuple(self.sort(a.sort) for a in term.args), result)
        text = f"({symbol} {' '.join(args)})" if args else symbol
        if not args:
            self.constants[term] = symbol
        # Smart constructors have folded the declared interval away wherever it decides something;
        # the solver must know it as well.
        for bound, relation in ((term.low, "<="), (term.high, ">=")):
            if bound is not None:
                self.bounds_for(term, f"(assert ({relation} {_number(bound, term.sort)} {text}))")
        return text

    def bounds_for(self, term: Term, line: str) -> None:
        if term.args:
            self.lines.append(line)  # its arguments may be defined among the lines above
        else:
            self.bounds.append(line)

    def constant(self, term: Term) -> str:
        value = term.data
        if value is True:
            return "true"
        if value is False:
            return "false"
        if isinstance(value, int | Fraction):
            return _number(value, term.sort)
        if self.strings and all(c <= _LAST_PLAIN for c in str(value)):
            return string_literal(str(value))
        if term not in self.literals:
            self.literals[term] = self.symbol(f"literal {value}", (), self.sort(TEXT))
            self.constants[term] = self.literals[term]
        return self.literals[term]


_SHARE_FROM = 60
# SMT-LIB's alphabet ends at U+2FFFF, that of the language at U+10FFFF.  Literals that the solver is
# told letter by letter stay below U+10000: whatever a plan does with characters beyond, it does
# with those from U+10000 to U+2FFFF too, as nothing tells them apart but equality.
_LAST_PLAIN = "\uffff"
_STRING_FUNCTIONS = {
    "text.len": "str.len",
    "text.concat": "str.++",
    "text.contains": "str.contains",
    "text.starts_with": "str.prefixof",
    "text.ends_with": "str.suffixof",
    "text.matches": "str.in_re",
}


def string_literal(value: str) -> str:
    """An SMT-LIB string; everything but plain ASCII is escaped, code point by code point."""
    parts = []
    for c in value:
        if c == '"':
            parts.append('""')
        elif " " <= c <= "~" and c != "\\":
            parts.append(c)
        else:
            parts.append(f"\\u{{{ord(c):x}}}")
    return '"' + "".join(parts) + '"'


def _number(value: Number, sort: str) -> str:
    if sort == INT:
        return str(value) if value >= 0 else f"(- {-value})"
    value = Fraction(value)
    top, bottom = abs(value.numerator), value.denominator
    text = f"{top}.0" if bottom == 1 else f"(/ {top}.0 {bottom}.0)"
    return text if value >= 0 else f"(- {text})"


# ---- Z3 --------------------------------------------------------------------------------------------


Table: TypeAlias = tuple[list[tuple[tuple[Any, ...], Any]], Any]
"""A function in a model: its entries (arguments, value) and its value everywhere else."""


@dataclass(frozen=True, slots=True)
class Unsat:
    """Proved. `used` are the names of the hypotheses in the unsatisfiable core, if asked for."""

    rlimit: int
    used: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Sat:
    rlimit: int
    values: dict[Term, Any]
    tables: dict[str, Table]  # of functions that take arguments, by SMT-LIB name


@dataclass(frozen=True, slots=True)
class Undecided:
    """`exhausted`: the resource limit ended it; otherwise the solver gave up, for `reason`."""

    rlimit: int
    exhausted: bool
    reason: str


Answer = Unsat | Sat | Undecided


def solver_version() -> str:
    import z3

    return str(z3.get_version_string())


class Session:
    """One condition in a solver, to which bounds may be added to find smaller models."""

    def __init__(self, condition: Script, rlimit: int, core: bool) -> None:
        import z3
        self._z3 = z3
        self._core = core
        self._condition = condition
        self._rlimit = rlimit
        self._solver = z3.SimpleSolver()
        self._solver.set("rlimit", rlimit)
        self._solver.set("random_seed", 0)
        if core:
            self._solver.set("unsat_core", True)
            self._solver.set("core.minimize", True)
        self._solver.from_string(condition.text)
        self._spent = 0

    def check(self) -> Answer:
        z3 = self._z3
        before = _spent(self._solver)
        try:
            answer = self._solver.check()
        except z3.Z3Exception as error:
            return Undecided(0, False, str(error))
        used = max(0, _spent(self._solver) - before)
        if answer == z3.unsat:
            names: tuple[str, ...] | None = None
            if self._core:
                names = tuple(sorted((str(c) for c in self._solver.unsat_core()), key=_by_number))
            return Unsat(used, names)
        if answer == z3.sat:
            return Sat(used, self._values(), self._tables() if self._condition.functions else {})
        reason = str(self._solver.reason_unknown())
        exhausted = "resource" in reason or "canceled" in reason
        return Undecided(used, exhausted, reason)

    def push(self, extra: str) -> None:
        self._solver.push()
        self._solver.from_string(extra)

    def pop(self) -> None:
        self._solver.pop()

    def _values(self) -> dict[Term, Any]:
        """The value of each constant: bool, int, Fraction, str, or (opaque) the element's name.

        Written against Z3's C interface: a long plan's model has thousands of constants, and the
        Python wrappers cost 30 microseconds for each.
        """
        core = self._z3.z3core
        model = self._solver.model()
        context, handle = model.ctx.ref(), model.model
        by_name: dict[str, Any] = {}
        for i in range(core.Z3_model_get_num_consts(context, handle)):
            declaration = core.Z3_model_get_const_decl(context, handle, i)
            name = core.Z3_get_symbol_string(context, core.Z3_get_decl_name(context, declaration))
            by_name[name] = declaration
        values: dict[Term, Any] = {}
        for term, name in self._condition.symbols.items():
            declaration = by_name.get(name)
            if declaration is None:
                continue
            value = core.Z3_model_get_const_interp(context, handle, declaration)
            if core.Z3_get_ast_kind(context, value) == _NUMERAL:
                text = core.Z3_get_numeral_string(context, value)
                values[term] = Fraction(text) if term.sort == REAL else int(text)
            elif term.sort == BOOL:
                values[term] = core.Z3_ast_to_string(context, value) == "true"
            elif term.sort in (INT, REAL):
                continue  # an irrational: no value of ours
            elif core.Z3_is_string(context, value):
                values[term] = _unescape(core.Z3_get_string(context, value))
            else:
                values[term] = ("element", core.Z3_ast_to_string(context, value))
        return values

    def _tables(self) -> dict[str, Table]:
        z3 = self._z3
        model = self._solver.model()
        tables: dict[str, Table] = {}
        for declaration in model.decls():
            if declaration.arity() == 0:
                continue
            interpretation = model[declaration]
            if not isinstance(interpretation, z3.FuncInterp):
                continue
            entries = []
            for i in range(interpretation.num_entries()):
                entry = interpretation.entry(i)
                key = tuple(_plain(z3, entry.arg_value(j)) for j in range(entry.num_args()))
                entries.append((key, _plain(z3, entry.value())))
            tables[str(declaration.name())] = (entries, _plain(z3, interpretation.else_value()))
        return tables


_NUMERAL = 0  # Z3_NUMERAL_AST


def check(condition: Script, rlimit: int, core: bool = False) -> Answer:
    """Whether the condition is satisfiable, as far as `rlimit` resource units tell."""
    return Session(condition, rlimit, core).check()


def _spent(solver: Any) -> int:
    statistics = solver.statistics()
    for i in range(len(statistics)):
        key, value = statistics[i]
        if key == "rlimit count":
            return int(value)
    return 0


def _by_number(name: str) -> tuple[int, str]:
    return (int(name[1:]), name) if name[1:].isdigit() else (1 << 30, name)


def _plain(z3: Any, value: Any) -> Any:
    if value is None:
        return None
    if z3.is_int_value(value):
        return value.as_long()
    if z3.is_rational_value(value):
        return Fraction(value.numerator_as_long(), value.denominator_as_long())
    if z3.is_true(value) or z3.is_false(value):
        return z3.is_true(value)
    if z3.is_string_value(value):
        return _unescape(value.as_string())
    return ("element", str(value))


def _unescape(text: str) -> str:
    import re

    return re.sub(r"\\u\{([0-9a-fA-F]+)\}", lambda m: chr(int(m.group(1), 16)), text)
