"""Random syntax trees, of every kind of node, such that their text is within the language.

Trees are shallow (a handful of levels); names are drawn from few, so that clauses meet.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TypeVar

from hypothesis import strategies as st

from planproof.spec import syntax as s

NAMES = ("a", "b", "xs", "m", "owner", "balance", "Account", "_k", "text", "min", "date", "v2")
# Words that a field or a named argument may be called by although they are keywords.
MEMBER_WORDS = ("status", "state", "cost", "type", "at", "by", "let", "plan", "value", "dirty")

idents = st.sampled_from(NAMES).map(s.Ident)
members = st.sampled_from(NAMES + MEMBER_WORDS).map(s.Ident)
numbers = st.one_of(st.integers(0, 12), st.integers(9_990, 10_010), st.integers(0, 10**25))
# Any text that is no lone surrogate; much of it is what a literal has to escape.
texts = st.text(
    st.one_of(
        st.sampled_from('"\\/\n\r\t\b\f\x00\x7f\u00ad\u202e\ufeff\u2028é字😀'),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=12,
)
# A line of documentation keeps its text, but not the blanks at its end.
doc_lines = st.text(st.sampled_from("ab /*`é "), max_size=8).map(lambda line: line.rstrip())
docs = st.one_of(
    st.just(""),
    st.just(""),
    st.lists(doc_lines, min_size=1, max_size=3).map("\n".join),
)
decimals = st.builds(
    lambda units, digits: s.DecimalLiteral(Fraction(units, 10**digits), digits),
    st.integers(0, 10**12),
    st.integers(1, 8),
)
bounds = st.one_of(numbers, idents)


T = TypeVar("T")


def some(
    item: st.SearchStrategy[T], low: int = 0, high: int = 3
) -> st.SearchStrategy[tuple[T, ...]]:
    """Tuples of `low` to `high` items."""
    return st.lists(item, min_size=low, max_size=high).map(tuple)


# ---- types ---------------------------------------------------------------------------------------

labels = some(idents, 0, 2)
types: st.SearchStrategy[s.TypeExpr] = st.recursive(
    st.builds(s.NamedType, idents, st.just(()), labels),
    lambda inner: st.one_of(
        st.builds(s.NamedType, idents, some(st.one_of(inner, numbers), 1, 3), labels),
        st.builds(s.TupleType, some(inner, 2, 3), labels),
    ),
    max_leaves=4,
)


# ---- expressions and patterns --------------------------------------------------------------------

atoms: st.SearchStrategy[s.Expr] = st.one_of(
    numbers.map(s.IntLiteral),
    decimals,
    texts.map(s.TextLiteral),
    st.booleans().map(s.BoolLiteral),
    st.builds(s.NoneLiteral),
    st.builds(s.ResultRef),
    st.builds(s.SelfRef),
    st.sampled_from(NAMES).map(s.Name),
)


def arguments(inner: st.SearchStrategy[s.Expr]) -> st.SearchStrategy[tuple[s.Argument, ...]]:
    return some(st.builds(s.Argument, st.one_of(st.none(), members), inner))


def patterns(inner: st.SearchStrategy[s.Expr]) -> st.SearchStrategy[s.Pattern]:
    slots = st.one_of(
        st.builds(s.Wildcard),
        idents.map(s.Bind),
        numbers.map(s.IntLiteral),
        decimals,
        texts.map(s.TextLiteral),
        st.booleans().map(s.BoolLiteral),
    )
    slot = st.builds(s.PatternArgument, st.one_of(st.none(), members), slots)
    maybe = st.one_of(st.none(), inner)
    return st.builds(s.Pattern, idents, some(slot), maybe, maybe)


def _larger(inner: st.SearchStrategy[s.Expr]) -> st.SearchStrategy[s.Expr]:
    maybe = st.one_of(st.none(), inner)
    return st.one_of(
        st.builds(
            s.Call,
            st.sampled_from((*NAMES, "max")).map(s.Ident),
            arguments(inner),
        ),
        some(inner, 2).map(s.TupleExpr),
        some(inner).map(s.ListExpr),
        some(inner).map(s.SetExpr),
        st.builds(s.Unary, st.sampled_from(s.UnaryOp), inner),
        st.builds(s.Binary, st.sampled_from(s.BinaryOp), inner, inner),
        st.builds(s.Binary, st.sampled_from(s.BinaryOp), inner, inner),
        st.builds(s.IfExpr, inner, inner, inner),
        st.builds(s.QuantifierIn, st.sampled_from(s.QuantifierKind), idents, inner, inner),
        st.builds(s.ForallType, idents, types, inner),
        st.builds(s.Find, idents, inner, inner),
        st.builds(s.Best, idents, inner, maybe, inner),
        st.builds(s.Aggregate, st.sampled_from(s.AggregateKind), idents, inner, maybe, inner),
        st.builds(s.SumOf, inner),
        st.builds(s.Old, inner),
        st.builds(s.Initially, inner),
        st.builds(s.Once, patterns(inner)),
        st.builds(s.FieldAccess, inner, members),
        st.builds(s.Component, inner, st.integers(0, 12)),
        st.builds(s.Index, inner, inner),
        st.builds(s.Updated, inner, inner, inner),
        st.builds(s.With, inner, some(st.builds(s.Argument, members, inner), 1)),
        st.builds(s.Comprehension, inner, idents, inner, maybe),
    )


exprs: st.SearchStrategy[s.Expr] = st.recursive(atoms, _larger, max_leaves=8)
small: st.SearchStrategy[s.Expr] = st.recursive(atoms, _larger, max_leaves=3)
maybe_small = st.one_of(st.none(), small)
call_patterns = patterns(small)


# ---- clauses -------------------------------------------------------------------------------------

places = st.builds(
    s.Place,
    idents,
    some(st.one_of(st.builds(s.KeyStep, small), st.builds(s.FieldStep, members))),
)
requires = st.builds(s.Requires, small)
ensures = st.builds(s.Ensures, small)
modifies = st.builds(s.Modifies, some(places, 1))
budgets = st.builds(s.Budget, idents, small)
clean_or_dirty = st.one_of(
    st.just(s.Fails(False, None)),
    st.builds(s.Fails, st.just(True), maybe_small),
)
tool_clauses = st.one_of(
    requires,
    ensures,
    modifies,
    st.builds(s.Reads, some(places, 1)),
    st.builds(s.Cost, some(st.builds(s.Charge, idents, small), 1)),
    clean_or_dirty,
    st.builds(s.Undo, idents, arguments(small)),
    st.builds(s.Flag, st.sampled_from(s.FlagKind)),
)
plan_clauses = st.one_of(requires, ensures, modifies, budgets)


# ---- statements ----------------------------------------------------------------------------------

flat_statements: st.SearchStrategy[s.Statement] = st.one_of(
    st.builds(
        s.Let, idents.map(lambda name: (name,)), st.just(False), st.one_of(st.none(), types), small
    ),
    st.builds(s.Let, some(idents, 2), st.just(True), st.one_of(st.none(), types), small),
    st.builds(s.Var, idents, st.one_of(st.none(), types), small),
    st.builds(s.Assign, idents, small),
    st.builds(s.CallStatement, st.builds(s.Call, idents, arguments(small))),
    st.builds(s.Break),
    st.builds(s.Check, small, texts),
    st.builds(s.Assert, small),
    st.builds(s.Return, maybe_small),
    st.builds(s.Abort, texts),
)


def _blocks(inner: st.SearchStrategy[s.Statement]) -> st.SearchStrategy[s.Statement]:
    block = st.builds(s.Block, some(inner))
    invariants = some(st.builds(s.LoopInvariant, small), 0, 2)
    plain_if = st.builds(s.If, small, block, st.one_of(st.none(), block))
    return st.one_of(
        plain_if,
        st.builds(s.If, small, block, plain_if),
        st.builds(
            s.For,
            st.one_of(st.none(), idents),
            idents,
            small,
            st.one_of(st.none(), bounds),
            invariants,
            block,
        ),
        st.builds(s.While, small, small, bounds, invariants, block),
        st.builds(s.Repeat, bounds, invariants, block),
        st.builds(s.Try, block, block),
        st.builds(s.Parallel, some(block, 1)),
    )


statements: st.SearchStrategy[s.Statement] = st.recursive(flat_statements, _blocks, max_leaves=5)


# ---- declarations and files ----------------------------------------------------------------------

parameters = some(st.builds(s.Parameter, idents, types, maybe_small))
result_types = st.one_of(st.none(), types)
functions = st.builds(s.FunctionDecl, idents, parameters, types, maybe_small, docs)
constants = st.builds(s.ConstDecl, idents, types, small, docs)
flows = st.builds(s.FlowDecl, idents, some(some(idents, 2), 1), docs)
domain_items: st.SearchStrategy[s.DomainItem] = st.one_of(
    st.builds(s.TypeDecl, idents, st.none(), st.none(), docs),
    st.builds(s.TypeDecl, idents, types, maybe_small, docs),
    st.builds(s.RecordDecl, idents, some(st.builds(s.FieldDecl, members, types), 1, 6), docs),
    st.builds(s.EnumDecl, idents, some(idents, 1, 6), docs),
    st.builds(s.ResourceDecl, idents, types, docs),
    st.builds(s.StateDecl, idents, types, st.one_of(st.none(), idents), st.booleans(), docs),
    st.builds(s.InitiallyDecl, small, docs),
    constants,
    functions,
    st.builds(s.ToolDecl, idents, parameters, result_types, some(tool_clauses, 0, 4), docs),
    st.builds(s.DefaultCost, idents, small, docs),
    flows,
)
scopes = st.one_of(
    st.none(),
    st.builds(s.AfterScope, call_patterns),
    st.builds(s.BeforeScope, call_patterns),
    st.builds(s.BetweenScope, call_patterns, call_patterns),
)
needs = st.one_of(
    st.builds(s.OnceNeed, call_patterns),
    st.builds(s.OwnNeed, call_patterns),
    st.builds(s.ConditionNeed, small),
)
rules: st.SearchStrategy[s.Rule] = st.one_of(
    st.builds(s.NeverRule, call_patterns, scopes),
    st.builds(s.PrecedenceRule, call_patterns, needs),
    st.builds(s.AtMostRule, bounds, call_patterns, st.one_of(st.none(), idents)),
    st.builds(s.FinallyRule, call_patterns, st.booleans()),
    st.builds(s.ResponseRule, call_patterns, call_patterns, st.booleans()),
)
policy_items: st.SearchStrategy[s.PolicyItem] = st.one_of(
    st.builds(s.InvariantDecl, idents, small, docs),
    st.builds(lambda name, limit, doc: s.Budget(name, limit, doc=doc), idents, small, docs),
    st.builds(s.RuleDecl, idents, rules, docs),
    flows,
    st.builds(s.FlowDefault, st.sampled_from(("parameters", "calls")).map(s.Ident), idents, docs),
    constants,
    functions,
)
plans: st.SearchStrategy[s.Plan] = st.builds(
    s.Plan,
    idents,
    parameters,
    result_types,
    some(plan_clauses),
    st.builds(s.Block, some(statements)),
    docs,
)
files: st.SearchStrategy[s.File] = st.one_of(
    st.builds(s.DomainFile, idents, some(domain_items, 0, 5), docs),
    st.builds(s.PolicyFile, idents, idents, some(policy_items, 0, 5), docs),
    st.builds(s.PlanFile, some(plans, 1, 2)),
)
