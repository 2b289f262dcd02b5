"""Expressions: names to variables of the core, every node with its type.

`natural` gives an expression the type it has by itself; `expect` fits it to the type its place
demands, and says why the place demands it where it does not fit.  Only the shape counts: that a
value obeys a refinement or a bound is an obligation, not a matter of types.  An Int becomes a
Decimal where one is expected or stands beside it; nothing else is converted.

A natural type is a fact about the value, so arithmetic on a refined type gives its base and a
function is written out with the types of its arguments, not those of its parameters.

`operators`, `builtins`, `binders` and `patterns` have the cases that take more than a few lines.
"""

from __future__ import annotations

from typing import assert_never

from planproof.spec import syntax as s
from planproof.spec import typed
from planproof.spec.core import (
    Apply,
    Conditional,
    EnumValue,
    Expr,
    FieldOf,
    Literal,
    Make,
    NoneValue,
    Op,
    Ref,
    Uninterpreted,
    WithField,
)
from planproof.spec.diagnostic import Label
from planproof.spec.limits import Limits
from planproof.spec.resolve import (
    BROKEN,
    BUILTIN_FUNCTIONS,
    BUILTIN_TYPES,
    Globals,
    Local,
    Scope,
    broken,
    declare_local,
    did_you_mean,
    is_broken,
    listing,
)
from planproof.spec.source import NOWHERE, Span
from planproof.spec.typecheck import binders, builtins, operators, patterns
from planproof.spec.typecheck.places import FUNCTION, Env, StateUse, Time
from planproof.spec.typecheck.types import Types
from planproof.spec.typecheck.values import (
    coerce,
    free_names,
    hint,
    is_number,
    join_numbers,
    members,
    placed,
    smaller_than,
    uninterpreted,
)
from planproof.spec.types import (
    BOOL,
    DECIMAL,
    INT,
    NEVER,
    EnumType,
    ListType,
    MapType,
    OptionType,
    RecordType,
    SetType,
    TextType,
    TupleType,
    Type,
    is_known,
    join,
    show,
    strip,
)


class TooLarge(Exception):
    """What declarations mean grows beyond all bounds when it is written out."""


class Expressions:
    """Elaborates the expressions of one file; `tag` sets its bound variables apart from others'."""

    def __init__(self, names: Globals, types: Types, limits: Limits, tag: str) -> None:
        self.names = names
        self.types = types
        self.findings = names.findings
        self.limits = limits
        self.tag = tag
        self._bound = 0
        self._written_out = 0
        self._writing_out = 0
        self._depth = 0
        # A text alone is less deep; each level takes about six frames.
        self._depth_max = limits.nesting_depth_max * 3 // 2

    # ---- the two ways in -------------------------------------------------------------------------

    def expect(
        self, expr: s.Expr, env: Env, expected: Type, reason: str, because: Label | None = None
    ) -> Expr:
        """The expression as an `expected`; `reason` names what must be of that type."""
        return self.fit(self.natural(expr, env, expected), expected, expr, reason, because)

    def condition(self, expr: s.Expr, env: Env, reason: str) -> Expr:
        return self.expect(expr, env, BOOL, reason)

    def number(self, expr: s.Expr, env: Env, reason: str) -> Expr:
        """An Int or a Decimal."""
        value = self.natural(expr, env)
        if is_broken(value) or is_number(value.type):
            return value
        return self.wrong(value, expr, reason, "a number")

    def fit(
        self,
        value: Expr,
        expected: Type,
        written: s.Expr,
        reason: str,
        because: Label | None = None,
    ) -> Expr:
        if is_broken(value) or expected is BROKEN:
            return broken(written.span)
        fitted = coerce(value, expected)
        if fitted is not None:
            return fitted
        return self.wrong(
            value, written, reason, f"`{show(expected)}`", because, hint(value, expected, written)
        )

    def wrong(
        self,
        value: Expr,
        written: s.Expr,
        reason: str,
        wanted: str,
        because: Label | None = None,
        help: str | None = None,
    ) -> Expr:
        found = f"`{show(value.type)}`" if is_known(value.type) else "empty"
        self.findings.error(
            "wrong-type",
            f"{reason} must be {wanted}, and this is {found}",
            written.span,
            f"this is {found}",
            *(() if because is None else (because,)),
            help=help,
        )
        return broken(written.span)

    def natural(self, expr: s.Expr, env: Env, wish: Type | None = None) -> Expr:
        """The expression with the type it has by itself; `wish` is what its place would like."""
        self._depth += 1
        try:
            if self._depth > self._depth_max:
                raise TooLarge
            return self._natural(expr, env, wish)
        finally:
            self._depth -= 1

    def _natural(self, expr: s.Expr, env: Env, wish: Type | None) -> Expr:
        span = expr.span
        match expr:
            case s.IntLiteral(value):
                return Literal(value, INT, span)
            case s.DecimalLiteral(value):
                return Literal(value, DECIMAL, span)
            case s.TextLiteral(value):
                return Literal(value, TextType(len(value)), span)
            case s.BoolLiteral(value):
                return Literal(value, BOOL, span)
            case s.NoneLiteral():
                return Literal(NoneValue(), OptionType(NEVER), span)
            case s.ResultRef():
                return self._result(expr, env)
            case s.SelfRef():
                return self._self(expr, env)
            case s.Name():
                return self._name(expr, env)
            case s.Call():
                return self._call(expr, env)
            case s.TupleExpr(items):
                return self._tuple(expr, env, wish)
            case s.ListExpr(items):
                wanted = strip(wish) if wish is not None else None
                item = wanted.item if isinstance(wanted, ListType) else None
                values, type = self.unify(items, env, item, "the items of a list")
                if type is None:
                    return broken(span)
                return Make(values, ListType(type, len(values)), span)
            case s.SetExpr(items):
                wanted = strip(wish) if wish is not None else None
                item = wanted.item if isinstance(wanted, SetType) else None
                values, type = self.unify(items, env, item, "the items of a set")
                return broken(span) if type is None else Make(values, SetType(type), span)
            case s.Unary():
                return operators.unary(self, expr, env)
            case s.Binary():
                return operators.binary(self, expr, env, wish)
            case s.IfExpr():
                return self._if(expr, env, wish)
            case s.QuantifierIn():
                return binders.quantifier(self, expr, env)
            case s.ForallType():
                return binders.forall_type(self, expr, env)
            case s.Find():
                return binders.find(self, expr, env)
            case s.Best():
                return binders.best(self, expr, env)
            case s.Aggregate():
                return binders.aggregate(self, expr, env)
            case s.SumOf():
                return binders.sum_of(self, expr, env)
            case s.Comprehension():
                return binders.comprehension(self, expr, env)
            case s.Old():
                return self._old(expr, env)
            case s.Initially():
                return self._initially(expr, env)
            case s.Once():
                return patterns.once(self, expr, env)
            case s.FieldAccess():
                return self._field(expr, env)
            case s.Component():
                return self._component(expr, env)
            case s.Index():
                return self._index(expr, env)
            case s.Updated():
                return self._updated(expr, env)
            case s.With():
                return self._with(expr, env)
            case _:
                assert_never(expr)

    # ---- names -----------------------------------------------------------------------------------

    def _name(self, expr: s.Name, env: Env) -> Expr:
        name, span = expr.name, expr.span
        local = env.scope.find(name)
        if local is not None:
            return self._local(local, expr, env)
        self.names.demand(name)
        if name in self.names.faulty:
            return broken(span)
        state = self.names.states.get(name)
        if state is not None:
            return self._state(state, expr, env)
        constant = self.names.constants.get(name)
        if constant is not None:
            return placed(constant.value, span)
        self._unknown_name(expr, env)
        return broken(span)

    def _local(self, local: Local, expr: s.Name, env: Env) -> Expr:
        local.used = True
        if env.time is not Time.NOW and local.mutable:
            word = env.time.value.strip()
            self.findings.error(
                "old-of-local",
                f"`{word}(...)` speaks of `{local.name}`, which changes",
                expr.span,
                "a `var` has no value at that time",
                Label(local.span, "declared here"),
                help=f"keep its value in a `let` and speak of that outside `{word}(...)`",
            )
            return broken(expr.span)
        if isinstance(local.expr, Ref):
            return Ref(local.expr.name, local.expr.type, expr.span)
        return local.expr

    def _state(self, state: typed.State, expr: s.Name, env: Env) -> Expr:
        where = env.where
        if where.state is StateUse.NONE:
            self.findings.error(
                "state-not-allowed",
                f"`{state.name}` is state, and {where.name} can't speak of state",
                expr.span,
                "",
                Label(state.span, "declared here"),
                notes=(where.why,),
            )
            return broken(expr.span)
        if where.state is StateUse.OBSERVED and state.observer is None:
            self.findings.error(
                "unobserved-state",
                f"`{state.name}` is state that no tool observes, so code can't read it",
                expr.span,
                "read here",
                Label(state.span, "declared here"),
                notes=("contracts, invariants and asserts may speak of it all the same",),
                help=f"declare `state {state.name}: ... observed by` a tool that returns its "
                "value, or call a tool that answers the question",
            )
            return broken(expr.span)
        return Ref(env.time.value + state.name, state.type, expr.span)

    def _unknown_name(self, expr: s.Name, env: Env) -> None:
        name = expr.name
        names = self.names
        declared = names.declared.get(name)
        headline, help = f"there is no `{name}` here", None
        if declared is not None and declared.what in ("a tool", "a plan", "a function"):
            headline = f"`{name}` is {declared.what}, not a value"
            help = f"call it: `{name}(...)`"
        elif declared is not None or name in BUILTIN_TYPES:
            headline = f"`{name}` is {declared.what if declared else 'a type'}, not a value"
            if isinstance(names.types.get(name), EnumType):
                help = f"name a member, as in `{name}.{members(names.types[name])[0]}`"
        elif name in names.elsewhere:
            help = names.elsewhere[name]
        else:
            owner = next(
                (
                    each
                    for each, type in names.types.items()
                    if isinstance(type, EnumType) and name in type.members
                ),
                None,
            )
            if owner is not None:
                help = f"write `{owner}.{name}`"
            else:
                known = (*env.scope.visible(), *names.states, *names.constants)
                help = did_you_mean(name, known)
        self.findings.error("unknown-name", headline, expr.span, "not known here", help=help)

    def _result(self, expr: s.ResultRef, env: Env) -> Expr:
        type = env.result
        if type is BROKEN:
            return broken(expr.span)
        if type is None or env.time is not Time.NOW:
            late = "before the call there is no result" if type is not None else None
            self.findings.error(
                "no-result-here",
                f"{env.where.name} can't speak of `result`",
                expr.span,
                notes=(late or "`result` stands in `ensures` of what returns something",),
            )
            return broken(expr.span)
        return Ref("result", type, expr.span)

    def _self(self, expr: s.SelfRef, env: Env) -> Expr:
        type = env.self_type
        if type is None:
            self.findings.error(
                "no-self-here",
                f"{env.where.name} can't speak of `self`",
                expr.span,
                notes=("`self` is the value in the predicate of `type N = T where ...`",),
            )
            return broken(expr.span)
        return broken(expr.span) if type is BROKEN else Ref("self", type, expr.span)

    def _old(self, expr: s.Old, env: Env) -> Expr:
        if not env.where.old:
            self.findings.error(
                "old-not-allowed",
                f"{env.where.name} can't speak of `old(...)`",
                expr.span,
                notes=(
                    "in a tool's `ensures`, `old` is the state before the call",
                    "in a plan's `ensures`, loop invariants and asserts, it is that at the start",
                ),
                help="in a policy, say `initially(...)`" if env.where.initially else None,
            )
            return broken(expr.span)
        return self._earlier(expr, env, Time.OLD)

    def _initially(self, expr: s.Initially, env: Env) -> Expr:
        if not env.where.initially:
            self.findings.error(
                "initially-not-allowed",
                f"{env.where.name} can't speak of `initially(...)`",
                expr.span,
                notes=("`initially(...)` belongs to policies",),
                help="say `old(...)`" if env.where.old else None,
            )
            return broken(expr.span)
        return self._earlier(expr, env, Time.INITIALLY)

    def _earlier(self, expr: s.Old | s.Initially, env: Env, time: Time) -> Expr:
        word = time.value.strip()
        if env.time is not Time.NOW:
            self.findings.error(
                "nested-old",
                f"`{word}(...)` stands inside `{env.time.value.strip()}(...)`",
                expr.span,
                help="the outer one says it already; leave the inner one out",
            )
            return broken(expr.span)
        value = self.natural(expr.operand, env.at(time))
        if not is_broken(value) and not self._speaks_of_past(value, env):
            self.findings.error(
                "old-of-nothing",
                f"`{word}(...)` speaks of no state, so it changes nothing",
                expr.span,
                help=f"leave `{word}` out",
            )
            return broken(expr.span)
        return value

    def _speaks_of_past(self, value: Expr, env: Env) -> bool:
        parameters = {
            local.expr.name
            for name in env.scope.visible()
            if (local := env.scope.find(name)) is not None
            and local.what == "a parameter"
            and isinstance(local.expr, Ref)
        }
        return any(
            name.startswith((Time.OLD.value, Time.INITIALLY.value)) or name in parameters
            for name in free_names(value)
        )

    # ---- calls -----------------------------------------------------------------------------------

    def _call(self, expr: s.Call, env: Env) -> Expr:
        name = expr.name.text
        names = self.names
        if name in BUILTIN_FUNCTIONS:
            return builtins.call(self, expr, env)
        names.demand(name)
        if name in names.faulty:
            for each in expr.arguments:
                self.natural(each.value, env)
            return broken(expr.span)
        function = names.functions.get(name)
        if function is not None:
            return self._function(function, expr, env)
        type = names.types.get(name)
        if isinstance(type, RecordType):
            return self._record(type, expr, env)
        callee = names.declared.get(name)
        if callee is not None and callee.what in ("a tool", "a plan"):
            self._call_in_expression(expr, callee.what)
        elif type is not None or name in BUILTIN_TYPES:
            member = f"`{name}.X`" if isinstance(type, EnumType) else "the value itself"
            self.findings.error(
                "not-a-function",
                f"`{name}` is a type and can't be called",
                expr.name.span,
                help=f"write {member}; only records are made with `R(field: value)`",
            )
        elif env.scope.find(name) is not None or callee is not None:
            what = callee.what if callee is not None else "a value"
            self.findings.error(
                "not-a-function", f"`{name}` is {what} and can't be called", expr.name.span
            )
        else:
            records = [each for each, t in names.types.items() if isinstance(t, RecordType)]
            known = (*names.functions, *names.tools, *names.plans, *records, *BUILTIN_FUNCTIONS)
            self.findings.error(
                "unknown-function",
                f"there is no function, tool or record `{name}`",
                expr.name.span,
                "not known here",
                help=names.elsewhere.get(name) or did_you_mean(name, known),
            )
        for each in expr.arguments:
            self.natural(each.value, env)
        return broken(expr.span)

    def _call_in_expression(self, expr: s.Call, what: str) -> None:
        self.findings.error(
            "call-in-expression",
            f"`{expr.name.text}` is {what}: its call is a step, not a part of an expression",
            expr.span,
            "called inside an expression",
            notes=("between two calls invariants must hold and failures are handled",),
            help=f"bind its result first: `let answer = {expr.span.one_line};`",
        )

    def match_arguments(
        self, what: str, names: tuple[str, ...], optional: frozenset[str], call: s.Call | s.Undo
    ) -> list[s.Expr | None] | None:
        """The arguments in the order of the parameters `names`, None for one left out.

        None, and an error, where they do not match.
        """
        findings = self.findings
        given: dict[str, s.Argument] = {}
        position = 0
        for argument in call.arguments:
            if argument.name is None:
                if position < len(given):
                    findings.error(
                        "argument-order",
                        "an argument by position stands after one by name",
                        argument.span,
                        help="name it too, or put it before the named ones",
                    )
                    return None
                if position >= len(names):
                    takes = f"{len(names)} argument" + ("" if len(names) == 1 else "s")
                    findings.error(
                        "too-many-arguments",
                        f"`{what}` takes {takes}, and {len(call.arguments)} are given",
                        argument.span,
                        "one too many",
                        help=listing(names, f"arguments of `{what}`"),
                    )
                    return None
                given[names[position]] = argument
                position += 1
                continue
            name = argument.name.text
            if name not in names:
                findings.error(
                    "unknown-argument",
                    f"`{what}` has no argument `{name}`",
                    argument.name.span,
                    help=did_you_mean(name, names) or listing(names, f"arguments of `{what}`"),
                )
                return None
            if name in given:
                findings.error(
                    "repeated-argument",
                    f"`{name}` is given twice",
                    argument.span,
                    "",
                    Label(given[name].span, "given here"),
                )
                return None
            given[name] = argument
        missing = tuple(name for name in names if name not in given and name not in optional)
        if missing:
            lacking = ", ".join(f"`{each}`" for each in missing)
            findings.error(
                "missing-argument",
                f"`{what}` lacks {lacking}",
                call.span,
                help=listing(names, f"arguments of `{what}`"),
            )
            return None
        return [given[name].value if name in given else None for name in names]

    def arguments(
        self,
        what: str,
        parameters: tuple[typed.Parameter, ...],
        call: s.Call | s.Undo,
        env: Env,
    ) -> tuple[Expr, ...] | None:
        """The values of the parameters in order, defaults filled in; None where one is wrong."""
        names = tuple(each.name for each in parameters)
        optional = frozenset(each.name for each in parameters if each.default is not None)
        matched = self.match_arguments(what, names, optional, call)
        if matched is None:
            for argument in call.arguments:
                self.natural(argument.value, env)
            return None
        values = []
        for parameter, written in zip(parameters, matched, strict=True):
            if written is None:
                values.append(parameter.default or broken(call.span))
                continue
            because = Label(parameter.span, "declared here") if parameter.span.source.text else None
            reason = f"`{parameter.name}` of `{what}`"
            values.append(self.expect(written, env, parameter.type, reason, because))
        return None if is_broken(*values) else tuple(values)

    def _function(self, function: typed.Function, expr: s.Call, env: Env) -> Expr:
        values = self.arguments(function.name, function.parameters, expr, env)
        if values is None:
            return broken(expr.span)
        declaration = function.declaration
        if declaration is None or declaration.body is None:
            value: Expr = Uninterpreted(function.name, values, function.result, expr.span)
        else:
            value = self.write_out(function, declaration.body, values, expr.span)
        without_body = uninterpreted(value) if env.where.runs else None
        if without_body is None:
            return value
        self.findings.error(
            "not-executable",
            f"`{without_body}` has no body, so no program can compute it",
            expr.span,
            "",
            Label(self.names.functions[without_body].span, "declared here"),
            notes=("contracts, invariants and asserts may speak of it all the same",),
            help="let a tool answer the question",
        )
        return broken(expr.span)

    def write_out(
        self, function: typed.Function, body: s.Expr, values: tuple[Expr, ...], span: Span
    ) -> Expr:
        """The body with its parameters standing for `values`, its bound variables fresh."""
        outermost = self._writing_out == 0
        if outermost:
            self._written_out = 0
        self._written_out += 1
        scope = Scope()
        for parameter, value in zip(function.parameters, values, strict=True):
            scope.add(Local(parameter.name, "a parameter", value, parameter.span))
        limits = self.limits
        self._writing_out += 1
        before = self.findings.swallowed
        try:
            if (
                self._written_out > limits.inlined_calls_max
                or self._depth > self._depth_max
            ):
                raise TooLarge
            with self.findings.quietly():
                value = self.expect(body, Env(scope, FUNCTION), function.result, "the body")
            if not smaller_than(value, limits.inlined_nodes_max, self._depth_max):
                raise TooLarge
        except TooLarge:
            if not outermost:
                raise
            self.findings.error(
                "function-too-large",
                f"`{function.name}` is too large when it is written out here",
                span,
                notes=(
                    f"at most {limits.inlined_calls_max} applications of functions are written out",
                    f"to at most {limits.inlined_nodes_max} operations, {self._depth_max} deep",
                ),
                help="declare it without a body and say what it does in contracts",
            )
            return broken(span)
        finally:
            self._writing_out -= 1
        if is_broken(value) and self.findings.swallowed > before and outermost:
            # Its body was checked with these shapes where it was declared.
            raise TypeError(f"{function.name} does not fit its own parameters")
        return value

    def _record(self, type: RecordType, expr: s.Call, env: Env) -> Expr:
        fields = tuple(name for name, _ in type.fields)
        if any(each.name is None for each in expr.arguments):
            shown = ", ".join(
                f"{name}: {each.value.span.one_line}"
                for name, each in zip(fields, expr.arguments, strict=False)
            )
            self.findings.error(
                "unnamed-field",
                f"the fields of the record `{type.name}` are given by name",
                expr.span,
                help=f"write `{type.name}({shown})`"
                if len(fields) == len(expr.arguments)
                else listing(fields, f"fields of `{type.name}`"),
            )
            return broken(expr.span)
        matched = self.match_arguments(type.name, fields, frozenset(), expr)
        if matched is None:
            return broken(expr.span)
        values = tuple(
            self.expect(written, env, field, f"the field `{name}` of `{type.name}`")
            for (name, field), written in zip(type.fields, matched, strict=True)
            if written is not None
        )
        return broken(expr.span) if is_broken(*values) else Make(values, type, expr.span)

    # ---- parts and wholes ------------------------------------------------------------------------

    def _tuple(self, expr: s.TupleExpr, env: Env, wish: Type | None) -> Expr:
        wanted = strip(wish) if wish is not None else None
        wishes: tuple[Type | None, ...] = (None,) * len(expr.items)
        if isinstance(wanted, TupleType) and len(wanted.items) == len(expr.items):
            wishes = wanted.items
        values = tuple(
            self.natural(each, env, item) for each, item in zip(expr.items, wishes, strict=True)
        )
        if is_broken(*values):
            return broken(expr.span)
        return Make(values, TupleType(tuple(each.type for each in values)), expr.span)

    def unify(
        self, items: tuple[s.Expr, ...], env: Env, wish: Type | None, what: str
    ) -> tuple[tuple[Expr, ...], Type | None]:
        """The values with one type they all fit; None for it, and an error, where there is none."""
        values = [self.natural(each, env, wish) for each in items]
        if is_broken(*values):
            return (), None
        type: Type = NEVER
        for written, value in zip(items, values, strict=True):
            both = join_numbers(type, value.type)
            if both is None:
                self.findings.error(
                    "mixed-types",
                    f"{what} must have one type, and this is `{show(value.type)}`",
                    written.span,
                    f"this is `{show(value.type)}`",
                    Label(items[0].span, f"this is `{show(values[0].type)}`"),
                )
                return (), None
            type = both
        fitted = tuple(coerce(each, type) or each for each in values)
        return fitted, type

    def _if(self, expr: s.IfExpr, env: Env, wish: Type | None) -> Expr:
        test = self.condition(expr.condition, env, "the condition of an `if`")
        both = (expr.then, expr.otherwise)
        values, type = self.unify(both, env, wish, "the branches of an `if`")
        if type is None or is_broken(test):
            return broken(expr.span)
        return Conditional(test, values[0], values[1], type, expr.span)

    def _field(self, expr: s.FieldAccess, env: Env) -> Expr:
        name, span = expr.name.text, expr.span
        operand = expr.operand
        if isinstance(operand, s.Name) and env.scope.find(operand.name) is None:
            self.names.demand(operand.name)
            type = self.names.types.get(operand.name)
            if isinstance(type, EnumType):
                return self._member(type, expr)
        whole = self.natural(operand, env)
        if is_broken(whole):
            return whole
        plain = strip(whole.type)
        if isinstance(plain, RecordType):
            field = plain.field(name)
            if field is not None:
                return broken(span) if field is BROKEN else FieldOf(whole, name, field, span)
            fields = tuple(each for each, _ in plain.fields)
            help = did_you_mean(name, fields) or listing(fields, f"fields of `{plain.name}`")
        elif isinstance(plain, OptionType):
            if name == "value":
                return Apply(Op.VALUE_OF, (whole,), plain.item, span)
            help = f"an option has only `.value`; say `{operand.span.one_line}.value.{name}`"
        elif isinstance(plain, TupleType):
            help = "the parts of a tuple are `.0`, `.1`, ..."
        elif isinstance(plain, MapType):
            help = f"look up a key: `{operand.span.one_line}[{name}]`"
        elif isinstance(plain, ListType) and name in ("length", "size", "len"):
            help = f"say `len({operand.span.one_line})`"
        else:
            help = None
        self.findings.error(
            "unknown-field",
            f"`{show(whole.type)}` has no field `{name}`",
            expr.name.span if expr.name.span is not NOWHERE else span,
            "",
            Label(operand.span, f"this is `{show(whole.type)}`"),
            help=help,
        )
        return broken(span)

    def _member(self, type: EnumType, expr: s.FieldAccess) -> Expr:
        name = expr.name.text
        if name in type.members:
            return Literal(EnumValue(type.name, name), type, expr.span)
        self.findings.error(
            "unknown-member",
            f"`{type.name}` has no member `{name}`",
            expr.name.span,
            help=did_you_mean(name, type.members)
            or listing(type.members, f"members of `{type.name}`"),
        )
        return broken(expr.span)

    def _component(self, expr: s.Component, env: Env) -> Expr:
        whole = self.natural(expr.operand, env)
        if is_broken(whole):
            return whole
        plain = strip(whole.type)
        if isinstance(plain, TupleType) and expr.index < len(plain.items):
            return FieldOf(whole, str(expr.index), plain.items[expr.index], expr.span)
        self.findings.error(
            "unknown-field",
            f"`{show(whole.type)}` has no part `.{expr.index}`",
            expr.span,
            help=f"its parts are `.0` up to `.{len(plain.items) - 1}`"
            if isinstance(plain, TupleType)
            else "only tuples have numbered parts",
        )
        return broken(expr.span)

    def _index(self, expr: s.Index, env: Env) -> Expr:
        whole = self.natural(expr.operand, env)
        if is_broken(whole):
            self.natural(expr.key, env)
            return whole
        match strip(whole.type):
            case MapType(key, value):
                at = self.expect(expr.key, env, key, f"a key of `{show(whole.type)}`")
                return broken(expr.span) if is_broken(at) else Apply(
                    Op.MAP_GET, (whole, at), value, expr.span
                )
            case ListType(item):
                at = self.expect(expr.key, env, INT, "the index of a list")
                return broken(expr.span) if is_broken(at) else Apply(
                    Op.LIST_GET, (whole, at), item, expr.span
                )
            case plain:
                self.findings.error(
                    "not-indexable",
                    f"`{show(whole.type)}` has nothing to look up with `[...]`",
                    expr.span,
                    "",
                    Label(expr.operand.span, f"this is `{show(whole.type)}`"),
                    help="`.0`, `.1`, ... are the parts of a tuple"
                    if isinstance(plain, TupleType)
                    else "only lists and maps are indexed",
                )
                self.natural(expr.key, env)
                return broken(expr.span)

    def _updated(self, expr: s.Updated, env: Env) -> Expr:
        whole = self.natural(expr.operand, env)
        plain = strip(whole.type)
        if is_broken(whole) or not isinstance(plain, MapType):
            if not is_broken(whole):
                self.findings.error(
                    "not-a-map",
                    f"`[k := v]` replaces the value at a key of a map, and this is "
                    f"`{show(whole.type)}`",
                    expr.span,
                    help="say `r with { field: value }`" if isinstance(plain, RecordType) else None,
                )
            self.natural(expr.key, env)
            self.natural(expr.value, env)
            return broken(expr.span)
        key = self.expect(expr.key, env, plain.key, f"a key of `{show(plain)}`")
        value = self.expect(expr.value, env, plain.value, f"a value of `{show(plain)}`")
        keys, values = join(plain.key, key.type), join(plain.value, value.type)
        if is_broken(key, value) or keys is None or values is None:
            return broken(expr.span)
        size = None if plain.max is None else plain.max + 1
        return Apply(Op.MAP_PUT, (whole, key, value), MapType(keys, values, size), expr.span)

    def _with(self, expr: s.With, env: Env) -> Expr:
        whole = self.natural(expr.operand, env)
        plain = strip(whole.type)
        if is_broken(whole) or not isinstance(plain, RecordType):
            if not is_broken(whole):
                self.findings.error(
                    "not-a-record",
                    f"`with` replaces fields of a record, and this is `{show(whole.type)}`",
                    expr.operand.span,
                    help="say `m[k := v]`" if isinstance(plain, MapType) else None,
                )
            for each in expr.fields:
                self.natural(each.value, env)
            return broken(expr.span)
        names = tuple(name for name, _ in plain.fields)
        call = s.Call(s.Ident(plain.name, expr.span), expr.fields, expr.span)
        matched = self.match_arguments(plain.name, names, frozenset(names), call)
        if matched is None:
            return broken(expr.span)
        for (name, field), written in zip(plain.fields, matched, strict=True):
            if written is not None:
                value = self.expect(written, env, field, f"the field `{name}` of `{plain.name}`")
                if is_broken(value) or is_broken(whole):
                    whole = broken(expr.span)
                else:
                    whole = WithField(whole, name, value, plain, expr.span)
        return whole

    # ---- bound variables -------------------------------------------------------------------------

    def bind(self, ident: s.Ident, type: Type, env: Env) -> tuple[Ref, Env]:
        """A bound variable with a name that nothing else has, and the environment that knows it."""
        variable = self.variable(ident, type)
        scope = Scope(env.scope)
        local = Local(ident.text, "a bound variable", variable, ident.span)
        if type is BROKEN:
            local.expr = broken(ident.span)
        declare_local(self.names, scope, ident, local)
        return variable, env.inside(scope)

    def variable(self, ident: s.Ident, type: Type) -> Ref:
        self._bound += 1
        return Ref(f"{ident.text}'{self.tag}{self._bound}", type, ident.span)
