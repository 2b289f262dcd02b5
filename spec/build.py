"""Values of grammar rules: each method `on_RULE` makes the tree node of one rule of the grammar.

Its arguments are the rule's span and the children that count (see `tables.Rule`), None for an
optional part that is absent.  What the grammar can't say is checked here: reserved words, the size
of numbers, escapes in texts.
"""

# ruff: noqa: ARG002 - every method gets the span, also where the node has none

from __future__ import annotations

from fractions import Fraction
from typing import Any

from planproof.spec import syntax as s
from planproof.spec.diagnostic import Diagnostic
from planproof.spec.lexer import Tokens
from planproof.spec.limits import Limits
from planproof.spec.source import Span


def words(text: str) -> tuple[str, ...]:
    """The words of a text, to write long lists of them legibly."""
    return tuple(text.split())


EXPRESSION_WORDS = frozenset(
    words("""
    best count exists false find forall if initially max none old once result self sum true
""")
)
"""The keywords that can start an expression: not even a field may be called so."""

LEVELS = frozenset(
    words("""
    implies or_ and_ eq ne lt le gt ge member add sub mul div mod neg not_ if_expr forall_in
    exists_in forall_type find best field component index updated with_ tuple list set
    comprehension sum_in count_in sum_of old initially once call call_max block if_else_if
    parallel named_type tuple_type
""")
)
"""The rules that make the tree one level deeper."""


class Builder:
    """Builds the tree of one file and collects what is wrong with it."""

    def __init__(self, tokens: Tokens, limits: Limits) -> None:
        self.tokens = tokens
        self.source = tokens.source
        self.limits = limits
        self.diagnostics: list[Diagnostic] = []
        self.reserved: dict[int, str] = {}
        """Keywords that stand where a name belongs, by offset, until a field claims them."""

    def finish(self, reported: set[int]) -> None:
        """Reports the keywords that are used as names, but for those at offsets `reported`."""
        for start, word in self.reserved.items():
            if start in reported:
                continue
            self.diagnostics.append(
                Diagnostic(
                    "reserved-word",
                    f"`{word}` is a keyword and can't be a name",
                    Span(self.source, start, start + len(word)),
                    help=f"call it something else, for example `{word}_`",
                )
            )

    # ---- helpers ---------------------------------------------------------------------------------

    def _member(self, name: s.Ident) -> s.Ident:
        """The name of a field or an argument, which may be most keywords."""
        if name.text not in EXPRESSION_WORDS:
            self.reserved.pop(name.span.start, None)
        return name

    def _doc(self, span: Span) -> str:
        """The text of the doc comments before `span`, which belong to it from now on."""
        lines = self.tokens.docs.pop(span.start, None)
        if lines is None:
            return ""
        return "\n".join(line.text[3:].removeprefix(" ").rstrip() for line in lines)

    def _comments(self) -> tuple[s.Comment, ...]:
        comments = list(self.tokens.comments)
        for unclaimed in self.tokens.docs.values():
            comments += unclaimed
        return tuple(sorted(comments, key=lambda comment: comment.span.start))

    def _int(self, span: Span, text: str) -> int:
        # A number of more than `integer_digits_max` digits is not even read: int() is quadratic.
        digits = text.replace("_", "")
        if len(digits) > self.limits.integer_digits_max:
            self.diagnostics.append(
                Diagnostic(
                    "integer-too-long",
                    f"this number has {len(digits)} digits",
                    span,
                    help=f"at most {self.limits.integer_digits_max} digits are read",
                )
            )
            return 0
        return int(digits)

    def _text(self, span: Span, text: str) -> str:
        inner = text[1:-1]
        if "\\" not in inner:
            return inner
        import json

        value: str = json.loads(text)
        if any("\ud800" <= c <= "\udfff" for c in value):
            self.diagnostics.append(
                Diagnostic(
                    "bad-text",
                    "this text has half of a surrogate pair",
                    span,
                    help="write the character itself, or both halves `\\ud83d\\ude00`",
                )
            )
            return ""
        return value

    # ---- files -----------------------------------------------------------------------------------

    def on_start(self, span: Span, file: s.File) -> s.File:
        return file

    def on_domain_file(self, span: Span, name: s.Ident, *items: Any) -> s.DomainFile:
        doc = self._doc(span)
        return s.DomainFile(name, items, doc, self._comments(), span)

    def on_policy_file(
        self, span: Span, name: s.Ident, domain: s.Ident, *items: Any
    ) -> s.PolicyFile:
        doc = self._doc(span)
        return s.PolicyFile(name, domain, items, doc, self._comments(), span)

    def on_plan_file(self, span: Span, *plans: s.Plan) -> s.PlanFile:
        return s.PlanFile(plans, self._comments(), span)

    # ---- domain ----------------------------------------------------------------------------------

    def on_opaque_decl(self, span: Span, name: s.Ident) -> s.TypeDecl:
        return s.TypeDecl(name, None, None, self._doc(span), span)

    def on_type_decl(
        self, span: Span, name: s.Ident, base: s.TypeExpr, where: s.Expr | None
    ) -> s.TypeDecl:
        return s.TypeDecl(name, base, where, self._doc(span), span)

    def on_record_decl(self, span: Span, name: s.Ident, *fields: s.FieldDecl) -> s.RecordDecl:
        return s.RecordDecl(name, fields, self._doc(span), span)

    def on_field_decl(self, span: Span, name: s.Ident, type: s.TypeExpr) -> s.FieldDecl:
        return s.FieldDecl(self._member(name), type, span)

    def on_enum_decl(self, span: Span, name: s.Ident, *members: s.Ident) -> s.EnumDecl:
        return s.EnumDecl(name, members, self._doc(span), span)

    def on_resource_decl(self, span: Span, name: s.Ident, type: s.TypeExpr) -> s.ResourceDecl:
        return s.ResourceDecl(name, type, self._doc(span), span)

    def on_state_decl(
        self,
        span: Span,
        name: s.Ident,
        type: s.TypeExpr,
        observer: s.Ident | None,
        shared: str | None,
    ) -> s.StateDecl:
        return s.StateDecl(name, type, observer, shared is not None, self._doc(span), span)

    def on_initially_decl(self, span: Span, condition: s.Expr) -> s.InitiallyDecl:
        return s.InitiallyDecl(condition, self._doc(span), span)

    def on_const_decl(
        self, span: Span, name: s.Ident, type: s.TypeExpr, value: s.Expr
    ) -> s.ConstDecl:
        return s.ConstDecl(name, type, value, self._doc(span), span)

    def on_function_decl(
        self,
        span: Span,
        name: s.Ident,
        parameters: tuple[s.Parameter, ...] | None,
        result: s.TypeExpr,
        body: s.Expr | None,
    ) -> s.FunctionDecl:
        return s.FunctionDecl(name, parameters or (), result, body, self._doc(span), span)

    def on_default_cost(self, span: Span, resource: s.Ident, amount: s.Expr) -> s.DefaultCost:
        return s.DefaultCost(resource, amount, self._doc(span), span)

    def on_flow_decl(self, span: Span, name: s.Ident, *chains: tuple[s.Ident, ...]) -> s.FlowDecl:
        return s.FlowDecl(name, chains, self._doc(span), span)

    def on_chain(self, span: Span, *labels: s.Ident) -> tuple[s.Ident, ...]:
        return labels

    def on_tool_decl(
        self,
        span: Span,
        name: s.Ident,
        parameters: tuple[s.Parameter, ...] | None,
        result: s.TypeExpr | None,
        *clauses: s.ToolClause,
    ) -> s.ToolDecl:
        return s.ToolDecl(name, parameters or (), result, clauses, self._doc(span), span)

    def on_requires(self, span: Span, condition: s.Expr) -> s.Requires:
        return s.Requires(condition, span)

    def on_ensures(self, span: Span, condition: s.Expr) -> s.Ensures:
        return s.Ensures(condition, span)

    def on_modifies(self, span: Span, *places: s.Place) -> s.Modifies:
        return s.Modifies(places, span)

    def on_reads(self, span: Span, *places: s.Place) -> s.Reads:
        return s.Reads(places, span)

    def on_place(self, span: Span, root: s.Ident, *steps: s.KeyStep | s.FieldStep) -> s.Place:
        return s.Place(root, steps, span)

    def on_key_step(self, span: Span, key: s.Expr) -> s.KeyStep:
        return s.KeyStep(key)

    def on_field_step(self, span: Span, name: s.Ident) -> s.FieldStep:
        return s.FieldStep(self._member(name))

    def on_cost(self, span: Span, *charges: s.Charge) -> s.Cost:
        return s.Cost(charges, span)

    def on_charge(self, span: Span, resource: s.Ident, amount: s.Expr) -> s.Charge:
        return s.Charge(resource, amount, span)

    def on_fails(self, span: Span, dirty: str | None, leaving: s.Expr | None) -> s.Fails:
        return s.Fails(dirty is not None, leaving, span)

    def on_undo(
        self, span: Span, tool: s.Ident, arguments: tuple[s.Argument, ...] | None
    ) -> s.Undo:
        return s.Undo(tool, arguments or (), span)

    def on_flag(self, span: Span, word: str) -> s.Flag:
        return s.Flag(s.FlagKind(word), span)

    def on_params(self, span: Span, *parameters: s.Parameter) -> tuple[s.Parameter, ...]:
        return parameters

    def on_param(
        self, span: Span, name: s.Ident, type: s.TypeExpr, default: s.Expr | None
    ) -> s.Parameter:
        return s.Parameter(name, type, default, span)

    # ---- types -----------------------------------------------------------------------------------

    def on_named_type(
        self,
        span: Span,
        name: s.Ident,
        arguments: tuple[s.TypeExpr | int, ...] | None,
        *labels: s.Ident,
    ) -> s.NamedType:
        return s.NamedType(name, arguments or (), labels, span)

    def on_type_args(
        self, span: Span, *arguments: s.TypeExpr | int
    ) -> tuple[s.TypeExpr | int, ...]:
        return arguments

    def on_size(self, span: Span, text: str) -> int:
        return self._int(span, text)

    def on_tuple_type(self, span: Span, *parts: Any) -> s.TupleType:
        items = tuple(part for part in parts if not isinstance(part, s.Ident))
        labels = tuple(part for part in parts if isinstance(part, s.Ident))
        return s.TupleType(items, labels, span)

    def on_label(self, span: Span, name: s.Ident) -> s.Ident:
        return name

    # ---- policy ----------------------------------------------------------------------------------

    def on_invariant_decl(self, span: Span, name: s.Ident, condition: s.Expr) -> s.InvariantDecl:
        return s.InvariantDecl(name, condition, self._doc(span), span)

    def on_budget_decl(self, span: Span, resource: s.Ident, limit: s.Expr) -> s.Budget:
        return s.Budget(resource, limit, span, self._doc(span))

    def on_flow_default(self, span: Span, what: s.Ident, label: s.Ident) -> s.FlowDefault:
        if what.text not in ("parameters", "calls"):
            self.diagnostics.append(
                Diagnostic(
                    "syntax",
                    f"expected `parameters` or `calls`, found `{what.text}`",
                    what.span,
                    help="write `flow default parameters LABEL;` or `flow default calls LABEL;`",
                )
            )
        return s.FlowDefault(what, label, self._doc(span), span)

    def on_rule_decl(self, span: Span, name: s.Ident, rule: s.Rule) -> s.RuleDecl:
        return s.RuleDecl(name, rule, self._doc(span), span)

    def on_never(self, span: Span, pattern: s.Pattern, scope: s.Scope | None) -> s.NeverRule:
        return s.NeverRule(pattern, scope)

    def on_after_scope(self, span: Span, pattern: s.Pattern) -> s.AfterScope:
        return s.AfterScope(pattern)

    def on_before_scope(self, span: Span, pattern: s.Pattern) -> s.BeforeScope:
        return s.BeforeScope(pattern)

    def on_between_scope(
        self, span: Span, opening: s.Pattern, closing: s.Pattern
    ) -> s.BetweenScope:
        return s.BetweenScope(opening, closing)

    def on_precedence(self, span: Span, pattern: s.Pattern, need: s.Need) -> s.PrecedenceRule:
        return s.PrecedenceRule(pattern, need)

    def on_once_need(self, span: Span, pattern: s.Pattern) -> s.OnceNeed:
        return s.OnceNeed(pattern)

    def on_own_need(self, span: Span, pattern: s.Pattern) -> s.OwnNeed:
        return s.OwnNeed(pattern)

    def on_condition_need(self, span: Span, condition: s.Expr) -> s.ConditionNeed:
        return s.ConditionNeed(condition)

    def on_at_most(
        self, span: Span, bound: s.Bound, pattern: s.Pattern, per: s.Ident | None
    ) -> s.AtMostRule:
        return s.AtMostRule(bound, pattern, per)

    def on_existence(self, span: Span, always: str | None, pattern: s.Pattern) -> s.FinallyRule:
        return s.FinallyRule(pattern, always is not None)

    def on_response(
        self, span: Span, always: str | None, trigger: s.Pattern, response: s.Pattern
    ) -> s.ResponseRule:
        return s.ResponseRule(trigger, response, always is not None)

    def on_pattern(
        self,
        span: Span,
        tool: s.Ident,
        arguments: tuple[s.PatternArgument, ...] | None,
        result: s.Expr | None,
        where: s.Expr | None,
    ) -> s.Pattern:
        return s.Pattern(tool, arguments or (), result, where, span)

    def on_pattern_args(
        self, span: Span, *arguments: s.PatternArgument
    ) -> tuple[s.PatternArgument, ...]:
        return arguments

    def on_positional_slot(self, span: Span, slot: s.Slot) -> s.PatternArgument:
        return s.PatternArgument(None, slot, span)

    def on_named_slot(self, span: Span, name: s.Ident, slot: s.Slot) -> s.PatternArgument:
        return s.PatternArgument(self._member(name), slot, span)

    def on_wildcard(self, span: Span) -> s.Wildcard:
        return s.Wildcard(span)

    def on_bind(self, span: Span, name: s.Ident) -> s.Bind:
        return s.Bind(name, span)

    # ---- plans -----------------------------------------------------------------------------------

    def on_plan(
        self,
        span: Span,
        name: s.Ident,
        parameters: tuple[s.Parameter, ...] | None,
        result: s.TypeExpr | None,
        *rest: Any,
    ) -> s.Plan:
        *clauses, body = rest
        return s.Plan(name, parameters or (), result, tuple(clauses), body, self._doc(span), span)

    def on_budget(self, span: Span, resource: s.Ident, limit: s.Expr) -> s.Budget:
        return s.Budget(resource, limit, span)

    def on_block(self, span: Span, *statements: s.Statement) -> s.Block:
        return s.Block(statements, span)

    def on_let(self, span: Span, name: s.Ident, type: s.TypeExpr | None, value: s.Expr) -> s.Let:
        return s.Let((name,), False, type, value, span)

    def on_let_tuple(self, span: Span, *parts: Any) -> s.Let:
        *names, type, value = parts
        return s.Let(tuple(names), True, type, value, span)

    def on_var(self, span: Span, name: s.Ident, type: s.TypeExpr | None, value: s.Expr) -> s.Var:
        return s.Var(name, type, value, span)

    def on_assign(self, span: Span, name: s.Ident, value: s.Expr) -> s.Assign:
        return s.Assign(name, value, span)

    def on_call_statement(self, span: Span, call: s.Call) -> s.CallStatement:
        return s.CallStatement(call, span)

    def on_if_statement(self, span: Span, condition: s.Expr, then: s.Block) -> s.If:
        return s.If(condition, then, None, span)

    def on_if_else(
        self, span: Span, condition: s.Expr, then: s.Block, otherwise: s.Block | s.If
    ) -> s.If:
        return s.If(condition, then, otherwise, span)

    on_if_else_if = on_if_else

    def on_for(
        self, span: Span, variable: s.Ident, domain: s.Expr, bound: s.Bound | None, *rest: Any
    ) -> s.For:
        *invariants, body = rest
        return s.For(None, variable, domain, bound, tuple(invariants), body, span)

    def on_for_indexed(
        self,
        span: Span,
        index: s.Ident,
        variable: s.Ident,
        domain: s.Expr,
        bound: s.Bound | None,
        *rest: Any,
    ) -> s.For:
        *invariants, body = rest
        return s.For(index, variable, domain, bound, tuple(invariants), body, span)

    def on_while(
        self, span: Span, condition: s.Expr, decreases: s.Expr, bound: s.Bound, *rest: Any
    ) -> s.While:
        *invariants, body = rest
        return s.While(condition, decreases, bound, tuple(invariants), body, span)

    def on_repeat(self, span: Span, bound: s.Bound, *rest: Any) -> s.Repeat:
        *invariants, body = rest
        return s.Repeat(bound, tuple(invariants), body, span)

    def on_loop_invariant(self, span: Span, condition: s.Expr) -> s.LoopInvariant:
        return s.LoopInvariant(condition, span)

    def on_bound_number(self, span: Span, text: str) -> int:
        return self._int(span, text)

    def on_break(self, span: Span) -> s.Break:
        return s.Break(span)

    def on_check(self, span: Span, condition: s.Expr, message: str) -> s.Check:
        return s.Check(condition, self._text(span, message), span)

    def on_assert(self, span: Span, condition: s.Expr) -> s.Assert:
        return s.Assert(condition, span)

    def on_try(self, span: Span, body: s.Block, otherwise: s.Block) -> s.Try:
        return s.Try(body, otherwise, span)

    def on_parallel(self, span: Span, *branches: s.Block) -> s.Parallel:
        return s.Parallel(branches, span)

    def on_return(self, span: Span, value: s.Expr | None) -> s.Return:
        return s.Return(value, span)

    def on_abort(self, span: Span, message: str) -> s.Abort:
        return s.Abort(self._text(span, message), span)

    # ---- expressions -----------------------------------------------------------------------------

    def on_implies(self, span: Span, left: s.Expr, right: s.Expr) -> s.Binary:
        return s.Binary(s.BinaryOp.IMPLIES, left, right, span)

    def on_or_(self, span: Span, left: s.Expr, right: s.Expr) -> s.Binary:
        return s.Binary(s.BinaryOp.OR, left, right, span)

    def on_and_(self, span: Span, left: s.Expr, right: s.Expr) -> s.Binary:
        return s.Binary(s.BinaryOp.AND, left, right, span)

    def on_eq(self, span: Span, left: s.Expr, right: s.Expr) -> s.Binary:
        return s.Binary(s.BinaryOp.EQ, left, right, span)

    def on_ne(self, span: Span, left: s.Expr, right: s.Expr) -> s.Binary:
        return s.Binary(s.BinaryOp.NE, left, right, span)

    def on_lt(self, span: Span, left: s.Expr, right: s.Expr) -> s.Binary:
        return s.Binary(s.BinaryOp.LT, left, right, span)

    def on_le(self, span: Span, left: s.Expr, right: s.Expr) -> s.Binary:
        return s.Binary(s.BinaryOp.LE, left, right, span)

    def on_gt(self, span: Span, left: s.Expr, right: s.Expr) -> s.Binary:
        return s.Binary(s.BinaryOp.GT, left, right, span)

    def on_ge(self, span: Span, left: s.Expr, right: s.Expr) -> s.Binary:
        return s.Binary(s.BinaryOp.GE, left, right, span)

    def on_member(self, span: Span, left: s.Expr, right: s.Expr) -> s.Binary:
        return s.Binary(s.BinaryOp.IN, left, right, span)

    def on_add(self, span: Span, left: s.Expr, right: s.Expr) -> s.Binary:
        return s.Binary(s.BinaryOp.ADD, left, right, span)

    def on_sub(self, span: Span, left: s.Expr, right: s.Expr) -> s.Binary:
        return s.Binary(s.BinaryOp.SUB, left, right, span)

    def on_mul(self, span: Span, left: s.Expr, right: s.Expr) -> s.Binary:
        return s.Binary(s.BinaryOp.MUL, left, right, span)

    def on_div(self, span: Span, left: s.Expr, right: s.Expr) -> s.Binary:
        return s.Binary(s.BinaryOp.DIV, left, right, span)

    def on_mod(self, span: Span, left: s.Expr, right: s.Expr) -> s.Binary:
        return s.Binary(s.BinaryOp.MOD, left, right, span)

    def on_neg(self, span: Span, operand: s.Expr) -> s.Unary:
        return s.Unary(s.UnaryOp.NEG, operand, span)

    def on_not_(self, span: Span, operand: s.Expr) -> s.Unary:
        return s.Unary(s.UnaryOp.NOT, operand, span)

    def on_if_expr(
        self, span: Span, condition: s.Expr, then: s.Expr, otherwise: s.Expr
    ) -> s.IfExpr:
        return s.IfExpr(condition, then, otherwise, span)

    def on_forall_in(
        self, span: Span, variable: s.Ident, domain: s.Expr, body: s.Expr
    ) -> s.QuantifierIn:
        return s.QuantifierIn(s.QuantifierKind.FORALL, variable, domain, body, span)

    def on_exists_in(
        self, span: Span, variable: s.Ident, domain: s.Expr, body: s.Expr
    ) -> s.QuantifierIn:
        return s.QuantifierIn(s.QuantifierKind.EXISTS, variable, domain, body, span)

    def on_forall_type(
        self, span: Span, variable: s.Ident, type: s.TypeExpr, body: s.Expr
    ) -> s.ForallType:
        return s.ForallType(variable, type, body, span)

    def on_find(self, span: Span, variable: s.Ident, domain: s.Expr, where: s.Expr) -> s.Find:
        return s.Find(variable, domain, where, span)

    def on_best(
        self, span: Span, variable: s.Ident, domain: s.Expr, where: s.Expr | None, by: s.Expr
    ) -> s.Best:
        return s.Best(variable, domain, where, by, span)

    def on_field(self, span: Span, operand: s.Expr, name: s.Ident) -> s.FieldAccess:
        return s.FieldAccess(operand, self._member(name), span)

    def on_component(self, span: Span, operand: s.Expr, index: str) -> s.Component:
        return s.Component(operand, self._int(span, index), span)

    def on_index(self, span: Span, operand: s.Expr, key: s.Expr) -> s.Index:
        return s.Index(operand, key, span)

    def on_updated(self, span: Span, operand: s.Expr, key: s.Expr, value: s.Expr) -> s.Updated:
        return s.Updated(operand, key, value, span)

    def on_with_(self, span: Span, operand: s.Expr, *fields: s.Argument) -> s.With:
        return s.With(operand, fields, span)

    def on_none(self, span: Span) -> s.NoneLiteral:
        return s.NoneLiteral(span)

    def on_result(self, span: Span) -> s.ResultRef:
        return s.ResultRef(span)

    def on_self(self, span: Span) -> s.SelfRef:
        return s.SelfRef(span)

    def on_name(self, span: Span, name: s.Ident) -> s.Name:
        return s.Name(name.text, span)

    def on_tuple(self, span: Span, *items: s.Expr) -> s.TupleExpr:
        return s.TupleExpr(items, span)

    def on_list(self, span: Span, items: tuple[s.Expr, ...] | None) -> s.ListExpr:
        return s.ListExpr(items or (), span)

    def on_set(self, span: Span, items: tuple[s.Expr, ...] | None) -> s.SetExpr:
        return s.SetExpr(items or (), span)

    def on_items(self, span: Span, *items: s.Expr) -> tuple[s.Expr, ...]:
        return items

    def on_comprehension(
        self, span: Span, body: s.Expr, variable: s.Ident, domain: s.Expr, where: s.Expr | None
    ) -> s.Comprehension:
        return s.Comprehension(body, variable, domain, where, span)

    def on_sum_in(
        self, span: Span, variable: s.Ident, domain: s.Expr, where: s.Expr | None, body: s.Expr
    ) -> s.Aggregate:
        return s.Aggregate(s.AggregateKind.SUM, variable, domain, where, body, span)

    def on_count_in(
        self, span: Span, variable: s.Ident, domain: s.Expr, where: s.Expr | None, body: s.Expr
    ) -> s.Aggregate:
        return s.Aggregate(s.AggregateKind.COUNT, variable, domain, where, body, span)

    def on_sum_of(self, span: Span, operand: s.Expr) -> s.SumOf:
        return s.SumOf(operand, span)

    def on_old(self, span: Span, operand: s.Expr) -> s.Old:
        return s.Old(operand, span)

    def on_initially(self, span: Span, operand: s.Expr) -> s.Initially:
        return s.Initially(operand, span)

    def on_once(self, span: Span, pattern: s.Pattern) -> s.Once:
        return s.Once(pattern, span)

    def on_int(self, span: Span, text: str) -> s.IntLiteral:
        return s.IntLiteral(self._int(span, text), span)

    def on_decimal(self, span: Span, text: str) -> s.DecimalLiteral:
        whole, _, fraction = text.partition(".")
        digits = self._int(span, whole + fraction)
        if digits == 0:  # also where the literal is too long to be read
            return s.DecimalLiteral(Fraction(0), len(fraction), span)
        return s.DecimalLiteral(Fraction(digits, 10 ** len(fraction)), len(fraction), span)

    def on_text(self, span: Span, text: str) -> s.TextLiteral:
        return s.TextLiteral(self._text(span, text), span)

    def on_true(self, span: Span) -> s.BoolLiteral:
        return s.BoolLiteral(True, span)

    def on_false(self, span: Span) -> s.BoolLiteral:
        return s.BoolLiteral(False, span)

    def on_call(
        self, span: Span, name: s.Ident, arguments: tuple[s.Argument, ...] | None
    ) -> s.Call:
        return s.Call(name, arguments or (), span)

    def on_call_max(self, span: Span, arguments: tuple[s.Argument, ...] | None) -> s.Call:
        name = s.Ident("max", Span(self.source, span.start, span.start + 3))
        return s.Call(name, arguments or (), span)

    def on_args(self, span: Span, *arguments: s.Argument) -> tuple[s.Argument, ...]:
        return arguments

    def on_positional(self, span: Span, value: s.Expr) -> s.Argument:
        return s.Argument(None, value, span)

    def on_named(self, span: Span, name: s.Ident, value: s.Expr) -> s.Argument:
        return s.Argument(self._member(name), value, span)
