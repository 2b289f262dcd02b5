"""Small worlds for the tests of names and types."""

from __future__ import annotations

from functools import cache

from planproof.spec import core, typed
from planproof.spec.diagnostic import Diagnostic, Severity
from planproof.spec.limits import DEFAULT, Limits
from planproof.spec.parse import parse_domain, parse_plan, parse_policy
from planproof.spec.source import Source
from planproof.spec.typecheck import check_domain, check_plans, check_policy

SHOP = """
domain shop;
default seconds 1;
type Account;
type Cents = Int where self >= 0;
enum Colour { red, green }
record Invoice { payee: Account, amount: Cents, tags: List<Text<8>, 3> }
resource usd: Decimal;
const LIMIT: Int = 2 + 3;
const FEE: Cents = 25;
state balance: Map<Account, Cents>;
state closed: Bool;
state level: Int observed by read_level;
function twice(n: Int) -> Int = n + n;
function same(c: Cents) -> Cents = c;
function some_over(xs: List<Int, 9>, n: Int) -> Bool = exists x in xs :: x > n;
function score(a: Account) -> Int;
function good(a: Account) -> Bool = twice(score(a)) > 3;
tool read_level() -> Int;
tool invoices(owner: Account) -> List<Invoice, 50>;
tool pay(target: Account, amount: Cents, note: Text<20> = "none")
  requires target in balance
  modifies balance[target]
  ensures balance[target] == old(balance[target]) + amount
  cost usd 0.25
  fails;
tool ask(question: Text) -> Bool;
tool poll() -> (Int, Bool);
tool search() -> Option<Account>;
"""


@cache
def domain(text: str = SHOP, limits: Limits = DEFAULT) -> typed.Domain:
    found, diagnostics = domain_findings(text, limits)
    assert found is not None, diagnostics
    return found


def domain_findings(
    text: str, limits: Limits = DEFAULT
) -> tuple[typed.Domain | None, tuple[Diagnostic, ...]]:
    file, wrong = parse_domain(Source("domain", text), limits)
    assert file is not None, wrong
    return check_domain(file, limits)


def policy_findings(
    text: str, world: typed.Domain | None = None
) -> tuple[typed.Policy | None, tuple[Diagnostic, ...]]:
    file, wrong = parse_policy(Source("policy", "policy rules for shop;\n" + text))
    assert file is not None, wrong
    return check_policy(file, world or domain())


def plan_findings(
    text: str, world: typed.World | None = None, limits: Limits = DEFAULT
) -> tuple[typed.PlanSet | None, tuple[Diagnostic, ...]]:
    file, wrong = parse_plan(Source("plan", text), limits)
    assert file is not None, wrong
    return check_plans(file, world or typed.World(domain(), ()), limits)


def plan(text: str, world: typed.World | None = None) -> typed.Plan:
    found, diagnostics = plan_findings(text, world)
    assert found is not None, diagnostics
    return next(iter(found.plans.values()))


PARAMETERS = (
    "a: Account, b: Account, n: Int, c: Cents, d: Decimal, t: Text<10>, day: Date, now: Time, "
    "e: Colour, o: Option<Int>, xs: List<Int, 9>, cs: List<Cents, 4>, s: Set<Int>, "
    "m: Map<Account, Cents>, q: Map<Account, Int, 5>, v: Invoice, p: (Int, Text<3>), yes: Bool, "
    "vs: List<Invoice, 6>"
)


def expr(text: str) -> core.Expr:
    """The expression in the code of a plan with one parameter of each type."""
    made = plan(f"plan p_({PARAMETERS}) {{ let it = {text}; }}").body.statements[0]
    assert isinstance(made, typed.Bind)
    return made.value


def ensured(text: str) -> core.Expr:
    """The expression, a condition, in the `ensures` of such a plan."""
    made = plan(f"plan p_({PARAMETERS}) ensures {text} {{ }}")
    return made.ensures[0].condition


def errors(diagnostics: tuple[Diagnostic, ...]) -> list[tuple[str, str]]:
    """Codes and underlined texts of the errors, in order."""
    return [
        (each.code, each.span.text) for each in diagnostics if each.severity is Severity.ERROR
    ]


def warnings(diagnostics: tuple[Diagnostic, ...]) -> list[tuple[str, str]]:
    return [
        (each.code, each.span.text) for each in diagnostics if each.severity is Severity.WARNING
    ]


def expr_errors(text: str) -> list[tuple[str, str]]:
    _, found = plan_findings(f"plan p_({PARAMETERS}) {{ let it = {text}; }}")
    return errors(found)


def body_errors(text: str, header: str = f"({PARAMETERS})") -> list[tuple[str, str]]:
    _, found = plan_findings(f"plan p_{header} {{ {text} }}")
    return errors(found)


def tool_errors(clauses: str, parameters: str = "a: Account, n: Int") -> list[tuple[str, str]]:
    _, found = domain_findings(SHOP + f"tool t({parameters}) {clauses};")
    return errors(found)


def domain_errors(text: str) -> list[tuple[str, str]]:
    _, found = domain_findings(SHOP + text)
    return errors(found)


def policy_errors(text: str) -> list[tuple[str, str]]:
    _, found = policy_findings(text)
    return errors(found)
