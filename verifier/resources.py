"""Worst cases: the smallest bound of each resource that was proved.

The generator charges resources like any variable, so at each end of the plan a counter is a term.
Its interval gives a first bound; where a smaller one can be proved (two branches that exclude each
other, say), the bound is lowered as long as the solver agrees.  Where nothing bounds a counter by a
number, what can't be bounded is looked for in the plan's parameters: `2 * amount + 3`.
"""

from __future__ import annotations

from fractions import Fraction

from planproof.spec import core, semantics
from planproof.verifier.counterexample import Findings
from planproof.verifier.generate import Condition, Generator
from planproof.verifier.path import Fact
from planproof.verifier.report.data import ResourceBound
from planproof.verifier.solve import Discharged, Prover
from planproof.verifier.term import Number, Term, linear

_ENDS_MAX = 12  # more ends than this are not looked at one by one
_LOWERINGS_MAX = 8  # solver rounds spent on lowering one bound


def worst_cases(
    program: core.Program, generator: Generator, prover: Prover, findings: Findings
) -> dict[str, ResourceBound]:
    """For each resource the worst case over all runs, beside the tightest budget."""
    return {
        line.resource: ResourceBound(
            _worst(line, program, generator, prover, findings), _budget(line)
        )
        for line in program.resources
        if line.budgets or _is_charged(line, generator)
    }


def _is_charged(line: core.BudgetLine, generator: Generator) -> bool:
    """`calls` and `seconds` are always of interest; others where the plan uses them."""
    if line.resource in ("calls", "seconds"):
        return True
    return any(t.op != "const" or t.data != 0 for t in _at_ends(line, generator))


def _at_ends(line: core.BudgetLine, generator: Generator) -> list[Term]:
    found: dict[Term, None] = {}
    for end in generator.ends:
        value = generator.lookup(end.env, line.counter)
        assert isinstance(value, Term)
        found[value] = None
    return list(found)


def _worst(
    line: core.BudgetLine,
    program: core.Program,
    generator: Generator,
    prover: Prover,
    findings: Findings,
) -> int | str | None:
    terms = _at_ends(line, generator)
    if not terms:
        return shown(0)
    highs = [t.high for t in terms]
    if any(h is None for h in highs):
        return _expression(terms, program)
    high = max(h for h in highs if h is not None)
    seen = _seen(line, findings)
    return shown(_lowered(line, generator, prover, high, seen))


def _seen(line: core.BudgetLine, findings: Findings) -> Number:
    """The most that any replayed run has spent: no bound can be below it."""
    most: Number = 0
    for run in findings.witnesses:
        value = run.store.get(line.counter)
        if isinstance(value, int | Fraction):
            most = max(most, value)
    return most


def _lowered(
    line: core.BudgetLine, generator: Generator, prover: Prover, high: Number, seen: Number
) -> Number:
    if len(generator.ends) > _ENDS_MAX:
        return high
    if isinstance(high, int):
        least = int(seen)
        if least < high and not _at_most(line, generator, prover, high - 1):
            return high
        while least < high:
            middle = (least + high) // 2
            if _at_most(line, generator, prover, middle):
                high = middle
            else:
                least = middle + 1
        return high
    for _ in range(_LOWERINGS_MAX):
        between = (high + Fraction(seen)) / 2
        if high <= seen or not _at_most(line, generator, prover, between):
            return high
        high = between
    return high


def _at_most(line: core.BudgetLine, generator: Generator, prover: Prover, bound: Number) -> bool:
    terms = generator.terms
    for end in generator.ends:
        value = generator.lookup(end.env, line.counter)
        assert isinstance(value, Term)
        goal = terms.le(value, terms.number(bound, value.sort))
        tag = core.Tag(-1, core.Kind.BUDGET, line.resource, core.TRUE.span, core.TRUE.span)
        used: list[Fact] | None = [] if goal is terms.true else None
        condition = Condition(tag, goal, len(generator.facts), end.trail, used)
        if not isinstance(prover.discharge(generator, condition), Discharged):
            return False
    return True


def _expression(terms: list[Term], program: core.Program) -> str | None:
    """An upper bound over the plan's parameters; None where there is none of that form."""
    shown_by_name = {v.name: v.shown for v in program.parameters}
    bounds = []
    for term in terms:
        coefficients, constant = linear(term)
        parts: dict[str, Number] = {}
        total: Number = constant
        for atom, c in coefficients.items():
            name = _parameter(atom, shown_by_name)
            if name is not None:
                parts[name] = parts.get(name, 0) + c
                continue
            edge = atom.high if c > 0 else atom.low
            if edge is None:
                return None
            total = total + c * edge
        bounds.append((parts, total))
    texts = {_written(parts, total): None for parts, total in bounds}
    if len(texts) == 1:
        return next(iter(texts))
    return f"max({', '.join(texts)})"


def _parameter(atom: Term, names: dict[str, str]) -> str | None:
    if atom.op == "to_real":
        atom = atom.args[0]
    if atom.op != "app" or atom.args:
        return None
    root, _, rest = str(atom.data).partition("!")
    if root not in names:
        return None
    path = rest.lstrip("0123456789")
    if path == "":
        return names[root]
    if path == "#":
        return f"len({names[root]})"
    return f"{names[root]}{path}" if path.startswith(".") else None


def _written(parts: dict[str, Number], constant: Number) -> str:
    pieces = []
    for name, c in parts.items():
        if c == 1:
            pieces.append(name)
        else:
            factor = int(c) if c == int(c) else shown(c)
            pieces.append(f"{factor} * {name}")
    if constant != 0 or not pieces:
        pieces.append(str(shown(constant)))
    return " + ".join(pieces)


def _budget(line: core.BudgetLine) -> int | str | None:
    """The tightest budget that is a number, else the first as it is written."""
    numbers: list[Number] = []
    for budget in line.budgets:
        try:
            value = semantics.evaluate(budget, {}, semantics.no_functions)
        except (KeyError, ValueError):
            continue
        if isinstance(value, int | Fraction) and not isinstance(value, bool):
            numbers.append(value)
    if numbers:
        return shown(min(numbers))
    return line.budgets[0].span.one_line if line.budgets else None


def shown(value: Number) -> int | str:
    """An int as it is, anything else as an exact decimal in text."""
    if isinstance(value, int):
        return value
    text = semantics.show(value)
    whole, point, digits = text.partition(".")
    return f"{whole}.{digits:0<2}" if point and digits.isdigit() else text
