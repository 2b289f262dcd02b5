"""Conditions as SMT-LIB text, and Z3.  The only module that imports z3.

One condition is one self-contained SMT-LIB 2.6 script: hypotheses and negated goal, symbols
renamed in order of first occurrence, so the text depends on nothing but the condition itself.  The
text is what is digested, dumped and solved; what is dumped is what was proved, and any solver reads
it.  Effort is counted in Z3's resource units, never in time, so a verdict is the same on every
machine.  Trusted: this encoding, and Z3.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

from planproof.spec.digest import digest
from planproof.spec.node import dataclass
from planproof.verifier import libz3
from planproof.verifier.regex import to_smt as regex_to_smt
from planproof.verifier.term import BOOL, INT, REAL, TEXT, Number, Term, parts_of

if TYPE_CHECKING:
    from planproof.spec.limits import Limits
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
        return digest(self.text)


def script(
    hypotheses: Sequence[Term],
    lemmas: Iterable[Term],
    goal: Term | None,
    symbolic: Symbolic,
    mentioned: Iterable[Term] = (),
    named: bool = True,
) -> Script:
    """`hypotheses and lemmas and not goal`, to be refuted; without a goal, to be satisfied.

    With `named` an unsatisfiable core can be asked for.  The terms in `mentioned` are declared,
    with their intervals, so that a model speaks of them.
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


# ---- Z3 ------------------------------------------------------------------------------------------


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
    return libz3.version()


class Session:
    """One condition in a solver, to which bounds may be added to find smaller models."""

    def __init__(self, condition: Script, limits: Limits, core: bool) -> None:
        self._z3 = z3 = libz3.library()
        self._context = context = libz3.context()
        self._core = core
        self._condition = condition
        self._solver = z3.mk_simple_solver(context)
        z3.solver_inc_ref(context, self._solver)
        self._set(limits.solver_rlimit_max, limits.solver_seed)
        z3.solver_from_string(context, self._solver, condition.text.encode())

    def __del__(self) -> None:
        if hasattr(self, "_solver"):
            self._z3.solver_dec_ref(self._context, self._solver)

    def _set(self, rlimit: int, seed: int) -> None:
        z3, context = self._z3, self._context
        parameters = z3.mk_params(context)
        z3.params_inc_ref(context, parameters)
        try:
            for name, number in ((b"rlimit", rlimit), (b"random_seed", seed)):
                symbol = z3.mk_string_symbol(context, name)
                z3.params_set_uint(context, parameters, symbol, number)
            # Z3 would take ^C for itself and answer `unknown`, and the run would go on.
            switches = [(b"ctrl_c", False)]
            if self._core:
                switches += [(b"unsat_core", True), (b"core.minimize", True)]
            for name, on in switches:
                symbol = z3.mk_string_symbol(context, name)
                z3.params_set_bool(context, parameters, symbol, on)
            z3.solver_set_params(context, self._solver, parameters)
        finally:
            z3.params_dec_ref(context, parameters)

    def check(self) -> Answer:
        z3, context = self._z3, self._context
        before = self._spent()
        try:
            answer = z3.solver_check(context, self._solver)
        except libz3.SolverError as error:
            return Undecided(0, False, str(error))
        used = max(0, self._spent() - before)
        if answer == _UNSAT:
            return Unsat(used, self._names() if self._core else None)
        if answer == _SAT:
            model = z3.solver_get_model(context, self._solver)
            z3.model_inc_ref(context, model)
            try:
                tables = self._tables(model) if self._condition.functions else {}
                return Sat(used, self._values(model), tables)
            finally:
                z3.model_dec_ref(context, model)
        reason = z3.solver_get_reason_unknown(context, self._solver).decode()
        exhausted = "resource" in reason or "canceled" in reason
        return Undecided(used, exhausted, reason)

    def push(self, extra: str) -> None:
        self._z3.solver_push(self._context, self._solver)
        self._z3.solver_from_string(self._context, self._solver, extra.encode())

    def pop(self) -> None:
        self._z3.solver_pop(self._context, self._solver, 1)

    def _spent(self) -> int:
        """Resource units so far."""
        z3, context = self._z3, self._context
        statistics = z3.solver_get_statistics(context, self._solver)
        z3.stats_inc_ref(context, statistics)
        try:
            for i in reversed(range(z3.stats_size(context, statistics))):
                if z3.stats_get_key(context, statistics, i) == b"rlimit count":
                    return int(z3.stats_get_uint_value(context, statistics, i))
        finally:
            z3.stats_dec_ref(context, statistics)
        return 0

    def _names(self) -> tuple[str, ...]:
        """The names of the assertions in the unsatisfiable core."""
        z3, context = self._z3, self._context
        core = z3.solver_get_unsat_core(context, self._solver)
        z3.ast_vector_inc_ref(context, core)
        try:
            found = [
                z3.ast_to_string(context, z3.ast_vector_get(context, core, i)).decode()
                for i in range(z3.ast_vector_size(context, core))
            ]
        finally:
            z3.ast_vector_dec_ref(context, core)
        return tuple(sorted(found, key=_by_number))

    def _values(self, model: Any) -> dict[Term, Any]:
        """The value of each constant: bool, int, Fraction, str, or (opaque) the element's name."""
        z3, context = self._z3, self._context
        by_name: dict[str, Any] = {}
        for i in range(z3.model_get_num_consts(context, model)):
            declaration = z3.model_get_const_decl(context, model, i)
            by_name[self._name(declaration)] = declaration
        values: dict[Term, Any] = {}
        for term, name in self._condition.symbols.items():
            declaration = by_name.get(name)
            if declaration is None:
                continue
            value = z3.model_get_const_interp(context, model, declaration)
            if z3.get_ast_kind(context, value) == _NUMERAL:
                text = z3.get_numeral_string(context, value).decode()
                values[term] = Fraction(text) if term.sort == REAL else int(text)
            elif term.sort == BOOL:
                values[term] = z3.ast_to_string(context, value) == b"true"
            elif term.sort in (INT, REAL):
                continue  # an irrational: no value of ours
            elif z3.is_string(context, value):
                values[term] = _unescape(z3.get_string(context, value).decode())
            else:
                values[term] = ("element", z3.ast_to_string(context, value).decode())
        return values

    def _tables(self, model: Any) -> dict[str, Table]:
        """The functions that take arguments, by their SMT-LIB name."""
        z3, context = self._z3, self._context
        tables: dict[str, Table] = {}
        for i in range(z3.model_get_num_funcs(context, model)):
            declaration = z3.model_get_func_decl(context, model, i)
            function = z3.model_get_func_interp(context, model, declaration)
            if function is None:
                continue
            z3.func_interp_inc_ref(context, function)
            try:
                entries = [
                    self._entry(z3.func_interp_get_entry(context, function, j))
                    for j in range(z3.func_interp_get_num_entries(context, function))
                ]
                otherwise = self._plain(z3.func_interp_get_else(context, function))
            finally:
                z3.func_interp_dec_ref(context, function)
            tables[self._name(declaration)] = (entries, otherwise)
        return tables

    def _entry(self, entry: Any) -> tuple[tuple[Any, ...], Any]:
        z3, context = self._z3, self._context
        z3.func_entry_inc_ref(context, entry)
        try:
            count = z3.func_entry_get_num_args(context, entry)
            arguments = (z3.func_entry_get_arg(context, entry, k) for k in range(count))
            key = tuple(map(self._plain, arguments))
            return key, self._plain(z3.func_entry_get_value(context, entry))
        finally:
            z3.func_entry_dec_ref(context, entry)

    def _name(self, declaration: Any) -> str:
        z3, context = self._z3, self._context
        symbol = z3.get_decl_name(context, declaration)
        return str(z3.get_symbol_string(context, symbol).decode())

    def _plain(self, value: Any) -> Any:
        """A value by itself, as `_values` has them; None where the model has none."""
        z3, context = self._z3, self._context
        if value is None:
            return None
        if z3.get_ast_kind(context, value) == _NUMERAL:
            text = z3.get_numeral_string(context, value).decode()
            sort = z3.get_sort_kind(context, z3.get_sort(context, value))
            return int(text) if sort == _INT_SORT else Fraction(text)
        if z3.is_string(context, value):
            return _unescape(z3.get_string(context, value).decode())
        text = z3.ast_to_string(context, value).decode()
        return text == "true" if text in ("true", "false") else ("element", text)


# Z3's constants, by their names in its manual.
_UNSAT, _SAT = -1, 1  # Z3_L_FALSE, Z3_L_TRUE
_NUMERAL = 0  # Z3_NUMERAL_AST
_INT_SORT = 2  # Z3_INT_SORT


def check(condition: Script, limits: Limits, core: bool = False) -> Answer:
    """Whether the condition is satisfiable, as far as the limits tell."""
    return Session(condition, limits, core).check()


def _by_number(name: str) -> tuple[int, str]:
    return (int(name[1:]), name) if name[1:].isdigit() else (1 << 30, name)


def _unescape(text: str) -> str:
    import re

    return re.sub(r"\\u\{([0-9a-fA-F]+)\}", lambda m: chr(int(m.group(1), 16)), text)
