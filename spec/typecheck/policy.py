"""Policies: invariants, budgets, rules and flows over a checked domain."""

from __future__ import annotations

from planproof.spec import syntax as s
from planproof.spec import typed
from planproof.spec.diagnostic import Diagnostic, Label
from planproof.spec.limits import DEFAULT, Limits
from planproof.spec.resolve import Findings, Scope, of_domain
from planproof.spec.typecheck import patterns, places
from planproof.spec.typecheck.contracts import budget, flows, known_label
from planproof.spec.typecheck.declarations import Declarations
from planproof.spec.typecheck.places import Env


def check_policy(
    file: s.PolicyFile, domain: typed.Domain, limits: Limits = DEFAULT
) -> tuple[typed.Policy | None, tuple[Diagnostic, ...]]:
    """The checked policy, or None where there is an error; warnings may come with either.

    What a policy declares is its own: other policies and plans do not see it.
    """
    findings = Findings(limits)
    names = of_domain(domain, findings)
    inherited = frozenset(names.constants), frozenset(names.functions)
    if file.domain.text != domain.name:
        findings.error(
            "wrong-domain",
            f"this policy is for `{file.domain.text}`, and the domain is `{domain.name}`",
            file.domain.span,
        )
        return None, findings.result()
    declarations = Declarations(names, limits, f"{file.name.text}'")
    declarations.resolve(
        tuple(each for each in file.items if isinstance(each, s.ConstDecl | s.FunctionDecl))
    )
    x = declarations.x

    written = tuple(each for each in file.items if isinstance(each, s.FlowDecl))
    labels: dict[str, str] = {}
    flows(findings, domain.flows, labels)
    flows(findings, written, labels)
    defaults = tuple(each for each in file.items if isinstance(each, s.FlowDefault))
    seen: dict[str, s.FlowDefault] = {}
    for default in defaults:
        known_label(findings, default.label, labels)
        what = f"{default.what.text} in {labels.get(default.label.text, '?')}"
        if what in seen and default.label.text in labels:
            findings.error(
                "repeated-clause",
                f"there are two defaults for {what}",
                default.span,
                "",
                Label(seen[what].span, "the first one"),
            )
        seen[what] = default

    invariants, budgets = [], []
    named: dict[str, s.Ident] = {}
    for item in file.items:
        if isinstance(item, s.InvariantDecl | s.RuleDecl):
            name = item.name.text
            if name in named:
                findings.error(
                    "name-taken",
                    f"there is an invariant or rule `{name}` already",
                    item.name.span,
                    "the same name again",
                    Label(named[name].span, "declared here"),
                )
            named[name] = item.name
        match item:
            case s.InvariantDecl(ident, written_condition):
                env = Env(Scope(), places.POLICY_INVARIANT)
                reason = f"the invariant `{ident.text}`"
                condition = x.condition(written_condition, env, reason)
                clause = typed.Clause(condition, written_condition.span)
                invariants.append(typed.PolicyInvariant(ident.text, clause))
            case s.Budget():
                limit = budget(x, item, Scope(), places.POLICY_BUDGET)
                if limit is not None:
                    budgets.append(limit)
            case s.RuleDecl(_, rule):
                patterns.rule(x, rule, Env(Scope(), places.RULE))
            case _:
                pass
    if findings.failed:
        return None, findings.result()
    constants, functions = inherited
    source = file.span.source
    return (
        typed.Policy(
            name=file.name.text,
            source=source.text,
            domain=domain.name,
            constants={k: v for k, v in names.constants.items() if k not in constants},
            functions={k: v for k, v in names.functions.items() if k not in functions},
            invariants=tuple(invariants),
            budgets=tuple(budgets),
            rules=tuple(each for each in file.items if isinstance(each, s.RuleDecl)),
            flows=written,
            flow_defaults=defaults,
            file=source.name,
        ),
        findings.result(),
    )
