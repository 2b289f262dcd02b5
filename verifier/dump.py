"""Each phase on disk, numbered, for whoever wants to see what was proved (`verify --dump DIR`).

    PLAN/1-plan.txt          the text of the plan's file
    PLAN/2-core.txt          the core program, one statement a line
    PLAN/3-obligations.txt   each obligation with what became of it
    PLAN/4-conditions/       one SMT-LIB script for each condition a solver was asked about

The scripts are the very texts that were solved and digested; any SMT-LIB solver reads them.
`unsat` means proved.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from planproof.spec import core, semantics, typed
from planproof.verifier.solve import Discharged, Falsified

if TYPE_CHECKING:
    from planproof.verifier.verify import Proof


def write(
    folder: Path, plans: typed.PlanSet, name: str, program: core.Program, proof: Proof
) -> None:
    """Writes the phases of one plan under `folder/name`; raises OSError where it can't."""
    place = folder / name
    conditions = place / "4-conditions"
    conditions.mkdir(parents=True, exist_ok=True)
    (place / "1-plan.txt").write_text(plans.source, encoding="utf-8")
    (place / "2-core.txt").write_text("\n".join(lines(program.body, 0)) + "\n", encoding="utf-8")
    report = []
    for tag in program.tags:
        results = proof.results.get(tag.id, [])
        report.append(f"{tag.id} {tag.kind.value} {tag.name} {tag.at!r}: {tag.clause.one_line}")
        for number, (_, result) in enumerate(results):
            outcome = type(result).__name__.lower()
            file = ""
            if result.script is not None:
                expected = {Discharged: "unsat", Falsified: "sat"}.get(type(result), "unknown")
                file = f"{tag.id:04d}-{number}-{tag.kind.value}.smt2"
                text = f"; {tag.kind.value} {tag.name}\n(set-info :status {expected})\n"
                (conditions / file).write_text(
                    text + result.script.text + "(check-sat)\n", encoding="utf-8"
                )
            report.append(f"    {outcome} {result.rlimit} {file}".rstrip())
    (place / "3-obligations.txt").write_text("\n".join(report) + "\n", encoding="utf-8")


def lines(statement: core.Statement, depth: int) -> Iterator[str]:
    """The statement as text, for reading only; there is no way back."""
    pad = "  " * depth
    match statement:
        case core.Seq(items):
            for item in items:
                yield from lines(item, depth)
        case core.Skip(mark):
            if mark is not None:
                yield f"{pad}-- {_mark(mark)}"
        case core.Assign(target, value):
            yield f"{pad}{target} := {text(value)}"
        case core.Havoc(target, _, role, site, shown):
            yield f"{pad}havoc {target}  -- {role.value} {site}: {shown}"
        case core.Assume(condition, kind):
            yield f"{pad}assume {text(condition)}  -- {kind}"
        case core.Assert(condition, tag):
            yield f"{pad}assert {text(condition)}  -- {tag.id} {tag.kind.value} {tag.name}"
        case core.If(test, then, otherwise):
            yield f"{pad}if {text(test)}"
            yield from lines(then, depth + 1)
            yield f"{pad}else"
            yield from lines(otherwise, depth + 1)
        case core.Loop():
            yield (
                f"{pad}loop {statement.counter} < {statement.bound} while {text(statement.guard)}"
                f" variant {text(statement.variant)}"
            )
            for invariant in statement.invariants:
                yield f"{pad}  invariant {text(invariant.condition)}"
            yield from lines(statement.body, depth + 1)
        case core.Raise(exit):
            yield f"{pad}raise {exit.value}"
        case core.Try(exit, body, handler):
            yield f"{pad}try {exit.value}"
            yield from lines(body, depth + 1)
            yield f"{pad}handle"
            yield from lines(handler, depth + 1)


def _mark(mark: core.Mark) -> str:
    match mark:
        case core.CallBegins(site, tool):
            return f"call {site} {tool}"
        case core.CallEnds(site, outcome):
            return f"call {site} {outcome.value}"
        case core.Reached(what):
            return f"reached {what}"
        case core.Ended(aborted, reason):
            return f"aborted: {reason}" if aborted else "ended"


def text(expr: core.Expr) -> str:
    """The expression in prefix form."""
    match expr:
        case core.Literal(value, type):
            return semantics.show(value, type)
        case core.Ref(name):
            return name
        case core.Apply(op, arguments):
            return f"{op.value}({', '.join(map(text, arguments))})"
        case core.Conditional(test, then, otherwise):
            return f"if({text(test)}, {text(then)}, {text(otherwise)})"
        case core.Make(items):
            return f"[{', '.join(map(text, items))}]"
        case core.FieldOf(operand, name):
            return f"{text(operand)}.{name}"
        case core.WithField(operand, name, value):
            return f"({text(operand)} with {name}: {text(value)})"
        case core.Quantified(universal, variable, domain, body):
            word = "forall" if universal else "exists"
            return f"({word} {variable.name} in {_domain(domain)} :: {text(body)})"
        case core.Total(variable, domain, condition, body):
            where = "" if condition is None else f" where {text(condition)}"
            return f"sum({variable.name} in {_domain(domain)}{where} :: {text(body)})"
        case core.First(variable, domain, condition_of):
            return f"(find {variable.name} in {_domain(domain)} where {text(condition_of)})"
        case core.Uninterpreted(function, arguments):
            return f"{function}({', '.join(map(text, arguments))})"
        case core.Unsupported(what):
            return f"<{what}>"


def _domain(domain: core.Domain) -> str:
    match domain:
        case core.Items(collection):
            return text(collection)
        case core.FirstItems(collection, count):
            return f"take({text(collection)}, {text(count)})"
        case core.Between(low, high):
            return f"range({text(low)}, {text(high)})"
        case core.AllOf():
            return "all values"
