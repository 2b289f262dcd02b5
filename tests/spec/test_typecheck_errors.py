"""What is refused, where it is underlined, and what is said.

One line for each rule; how the messages read is shown by `docs/errors`, whose examples are run.
"""

from __future__ import annotations

import pytest
from tests.spec.checking import (
    PARAMETERS,
    SHOP,
    body_errors,
    domain,
    domain_errors,
    domain_findings,
    errors,
    expr_errors,
    plan_findings,
    policy_errors,
    policy_findings,
    tool_errors,
)

from planproof.spec import typed
from planproof.spec.diagnostic import Severity, render
from planproof.spec.limits import Limits

EXPRESSIONS = {
    # names
    "nn": ("unknown-name", "nn"),
    "pay": ("unknown-name", "pay"),
    "Colour": ("unknown-name", "Colour"),
    "red": ("unknown-name", "red"),
    "Colour.blue": ("unknown-member", "blue"),
    "v.amuont": ("unknown-field", "amuont"),
    "m.size": ("unknown-field", "size"),
    "o.payee": ("unknown-field", "payee"),
    "p.2": ("unknown-field", "p.2"),
    "twcie(n)": ("unknown-function", "twcie"),
    "Colour(1)": ("not-a-function", "Colour"),
    "n(1)": ("not-a-function", "n"),
    # calls
    'ask("x")': None,
    '!ask("x")': ("call-in-expression", 'ask("x")'),
    "twice()": ("missing-argument", "twice()"),
    "twice(1, 2)": ("too-many-arguments", "2"),
    "twice(m: 1)": ("unknown-argument", "m"),
    "twice(n: 1, n: 2)": ("repeated-argument", "n: 2"),
    "some_over(n: 1, [1])": ("argument-order", "[1]"),
    'Invoice(a, 1, ["x"])': ("unnamed-field", 'Invoice(a, 1, ["x"])'),
    "Invoice(payee: a, amount: 1)": ("missing-argument", "Invoice(payee: a, amount: 1)"),
    "len(n)": ("wrong-type", "n"),
    "len(m)": ("wrong-type", "m"),
    "len()": ("wrong-arguments", "len()"),
    "len(x: t)": ("wrong-arguments", "len(x: t)"),
    "max(n)": ("wrong-arguments", "max(n)"),
    "max(n, t)": ("wrong-type", "t"),
    "text(t)": ("wrong-type", "t"),
    "is_some(n)": ("wrong-type", "n"),
    "contains(xs, 1)": ("wrong-type", "xs"),
    "matches(t, t)": ("bad-pattern", "t"),
    'matches(t, "(a")': ("bad-pattern", '"(a"'),
    "score(a)": ("not-executable", "score(a)"),
    "good(a)": ("not-executable", "good(a)"),
    # operators
    "n && yes": ("wrong-type", "n"),
    "!n": ("wrong-type", "n"),
    "!n in s": ("not-before-in", "!n in s"),
    "-t": ("wrong-type", "t"),
    "t + n": ("no-such-operation", "t + n"),
    "d % d": ("no-such-operation", "d % d"),
    "t * 2": ("no-such-operation", "t * 2"),
    "day + day": ("no-such-operation", "day + day"),
    "1 + day": ("no-such-operation", "1 + day"),
    "a < b": ("no-such-operation", "a < b"),
    "t < t": ("no-such-operation", "t < t"),
    "e < e": ("no-such-operation", "e < e"),
    "xs + xs": ("no-such-operation", "xs + xs"),
    "xs + 1": ("no-such-operation", "xs + 1"),
    "xs + [t]": ("wrong-type", "[t]"),
    "s - 1": ("no-such-operation", "s - 1"),
    "m - {n}": ("no-such-operation", "m - {n}"),
    "n == t": ("not-comparable", "n == t"),
    "o == 3": ("not-comparable", "o == 3"),
    "a == v": ("not-comparable", "a == v"),
    "n in n": ("not-a-collection", "n"),
    "t in m": ("wrong-type", "t"),
    "bag(xs)": ("misplaced-builtin", "bag(xs)"),
    "bag(xs) < bag(xs)": ("bag-alone", "bag(xs) < bag(xs)"),
    "bag(xs) == xs": ("bag-alone", "bag(xs) == xs"),
    # parts and wholes
    "n[0]": ("not-indexable", "n[0]"),
    "xs[yes]": ("wrong-type", "yes"),
    "m[n]": ("wrong-type", "n"),
    "xs[0 := 1]": ("not-a-map", "xs[0 := 1]"),
    "n with { amount: 1 }": ("not-a-record", "n"),
    "v with { amuont: 1 }": ("unknown-argument", "amuont"),
    "v with { amount: t }": ("wrong-type", "t"),
    "[n, t]": ("mixed-types", "t"),
    "if yes then n else t": ("mixed-types", "t"),
    "if n then n else n": ("wrong-type", "n"),
    "[]": ("untyped-empty", "[]"),
    "none": ("untyped-empty", "none"),
    "{}": ("untyped-empty", "{}"),
    "none == none": ("untyped-empty", "none == none"),
    # binders
    "forall x in n :: yes": ("not-a-collection", "n"),
    "forall x in xs :: x": ("wrong-type", "x"),
    "forall n in xs :: yes": ("name-taken", "n"),
    "forall level in xs :: yes": ("name-taken", "level"),
    "forall x in [] :: yes": ("untyped-empty", "[]"),
    "forall k: Int :: k > 0": ("forall-type-here", "forall k: Int :: k > 0"),
    "sum(x in xs :: yes)": ("wrong-type", "yes"),
    "sum(xs)": ("wrong-type", "xs"),
    "count(x in xs :: x)": ("wrong-type", "x"),
    "find x in s where x > 0": ("not-a-collection", "s"),
    "best x in xs by yes": ("wrong-type", "yes"),
    "take(xs, 2)": ("misplaced-builtin", "take(xs, 2)"),
    "sum(x in take(s, 2) :: x)": ("wrong-type", "s"),
    "range(0, 2)": ("misplaced-builtin", "range(0, 2)"),
    "keys(m)": ("unbounded-keys", "keys(m)"),
    # dates
    'date("2026-02-30")': ("bad-date", 'date("2026-02-30")'),
    'date("2026-W01-1")': ("bad-date", 'date("2026-W01-1")'),
    'time("2026-04-01T12:00:00")': ("bad-date", 'time("2026-04-01T12:00:00")'),
    # state, time, result
    "balance": ("unobserved-state", "balance"),
    "level + 1": None,
    "old(level)": ("old-not-allowed", "old(level)"),
    "initially(level)": ("initially-not-allowed", "initially(level)"),
    'once(ask("x"))': ("once-not-allowed", 'once(ask("x"))'),
    "result": ("no-result-here", "result"),
    "self": ("no-self-here", "self"),
}


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_an_expression_in_code_is_refused(text: str) -> None:
    expected = EXPRESSIONS[text]
    assert expr_errors(text) == ([] if expected is None else [expected])


STATEMENTS = {
    "let n = 1;": ("name-taken", "n"),
    "let pay = 1;": ("name-taken", "pay"),
    "let Cents = 1;": ("name-taken", "Cents"),
    "let usd = 1;": ("name-taken", "usd"),
    "let x = 1; if yes { let x = 2; }": ("name-taken", "x"),
    "for x in xs { let x = 2; }": ("name-taken", "x"),
    "let x = 1; x = 2;": ("not-assignable", "x"),
    "n = 2;": ("not-assignable", "n"),
    "closed = true;": ("not-assignable", "closed"),
    "LIMIT = 2;": ("not-assignable", "LIMIT"),
    "x = 2;": ("unknown-name", "x"),
    'var x = 1; x = "a";': ("wrong-type", '"a"'),
    "var x = 1; x = 1.5;": ("wrong-type", "1.5"),
    "let x: Colour = n;": ("wrong-type", "n"),
    "let x: Strng = n;": ("unknown-type", "Strng"),
    "let x: List<Int> = [];": ("type-arguments", "List<Int>"),
    "let x: List<Int, n> = [];": ("bad-bound", "n"),
    "let x: Text<9_999_999> = t;": ("bad-bound", "Text<9_999_999>"),
    "let x: Int @secret = 1;": ("misplaced-label", "secret"),
    "let x = pay(a, 1);": ("no-result", "pay(a, 1)"),
    "let (x, y) = read_level();": ("wrong-tuple", "read_level()"),
    "let (x, y, z) = poll();": ("wrong-tuple", "poll()"),
    "let x: Text = read_level();": ("wrong-type", "read_level()"),
    "pay(a);": ("missing-argument", "pay(a)"),
    "pay(a, t);": ("wrong-type", "t"),
    "pay(a, amont: 2);": ("unknown-argument", "amont"),
    "twice(n);": ("no-effect", "twice(n);"),
    "payy(a, 1);": ("unknown-function", "payy"),
    "if n { }": ("wrong-type", "n"),
    "if closed { }": ("unobserved-state", "closed"),
    "check closed else \"no\";": ("unobserved-state", "closed"),
    "let x = closed;": ("unobserved-state", "closed"),
    "while level > 0 decreases n max 3 { }": ("state-not-allowed", "level"),
    "while n > 0 decreases d max 3 { }": ("wrong-type", "d"),
    "while n > 0 decreases n max n { }": ("bad-bound", "n"),
    "assert closed && balance[a] > 0;": None,
    "assert old(closed) == closed;": None,
    "assert old(old(closed));": ("nested-old", "old(closed)"),
    "var x = a; assert old(balance[x]) == 0;": ("old-of-local", "x"),
    "let x = 1; assert old(x) == 1;": ("old-of-nothing", "old(x)"),
    "assert old(n) == n;": None,
    "assert score(a) > 0;": None,
    "break;": ("break-outside-loop", "break;"),
    "repeat 2 { break; }": None,
    "repeat 2 { if yes { break; } else { return; } let _x = 1; }": (
        "unreachable",
        "let _x = 1;",
    ),
    "return; pay(a, 1);": ("unreachable", "pay(a, 1);"),
    "abort \"x\"; assert yes;": ("unreachable", "assert yes;"),
    "return 1;": ("unexpected-value", "1"),
    "parallel { { return; } { } }": ("exit-in-parallel", "return;"),
    "parallel { { check yes else \"x\"; } { } }": ("exit-in-parallel", "check yes else \"x\";"),
    "repeat 2 { parallel { { break; } { } } }": ("exit-in-parallel", "break;"),
    "for x in m { }": ("not-a-loop-domain", "m"),
    "for x in s { }": ("not-a-loop-domain", "s"),
    "for x in n { }": ("not-a-loop-domain", "n"),
    "for x in {1, 1} { }": ("not-a-loop-domain", "{1, 1}"),
    "for x in {1, n} { }": ("not-a-loop-domain", "{1, n}"),
    "for x in xs max 3 { }": ("not-a-loop-domain", "xs"),
    "for i in range(0, n) { }": ("unbounded-range", "range(0, n)"),
    "for i in range(n, 9) { }": ("unbounded-range", "range(n, 9)"),
    "for i in range(-3, len(xs)) { }": ("unbounded-range", "range(-3, len(xs))"),
    "for i, x in range(0, 3) { }": ("index-of-range", "i"),
    "for i in range(3) max 3 { }": ("wrong-arguments", "range(3)"),
    "for x in xs invariant x > 0 { }": ("unknown-name", "x"),
    "for i, x in xs invariant i > 0 { assert x > 0; } assert i > 0;": ("unknown-name", "i"),
}


@pytest.mark.parametrize("text", STATEMENTS)
def test_a_statement_is_refused(text: str) -> None:
    expected = STATEMENTS[text]
    assert body_errors(text) == ([] if expected is None else [expected])


PLANS = {
    "plan p() -> Int { }": ("missing-return", "}"),
    "plan p(n: Int) -> Int { if n > 0 { return n; } }": ("missing-return", "}"),
    "plan p(n: Int) -> Int { repeat 2 { return n; } }": ("missing-return", "}"),
    'plan p(n: Int) -> Int { try { return n; } else { abort "x"; } }': None,
    "plan p(n: Int) -> Int { if n > 0 { return n; } else if n < 0 { return 1; } }": (
        "missing-return",
        "}",
    ),
    "plan p(n: Int) -> Int { return; }": ("missing-value", "return;"),
    "plan p(n: Int) -> Int { return ask(\"x\"); }": ("call-in-expression", 'ask("x")'),
    "plan p(n: Text) -> Int { return n; }": ("wrong-type", "n"),
    "plan p() { p(); }": ("recursive-plan", "p"),
    "plan p() { q(); } plan q() { r(); } plan r() { q(); }": ("recursive-plan", "r"),
    "plan p() { } plan p() { }": ("name-taken", "p"),
    "plan pay() { }": ("name-taken", "pay"),
    "plan len() { }": ("name-taken", "len"),
    "plan p(closed: Bool) { }": ("name-taken", "closed"),
    "plan p(n: Int, n: Int) { }": ("name-taken", "n"),
    "plan p(n: Int = 1, k: Int) { }": ("default-order", "k: Int"),
    "plan p() ensures result > 0 { }": ("no-result-here", "result"),
    "plan p() requires old(closed) { }": ("old-not-allowed", "old(closed)"),
    "plan p() requires initially(closed) { }": ("initially-not-allowed", "initially(closed)"),
    "plan p() requires forall k: Cents :: k > 0 { }": ("forall-type", "Cents"),
    "plan p() requires 1 { }": ("wrong-type", "1"),
    "plan p() budget eur <= 3 { }": ("unknown-resource", "eur"),
    "plan p() budget calls <= 2.5 { }": ("wrong-type", "2.5"),
    "plan p() budget calls <= level { }": ("state-not-allowed", "level"),
    "plan p() modifies blance { }": ("unknown-state", "blance"),
    "plan p() modifies closed[1] { }": ("bad-place", "closed[1]"),
    "plan p(a: Account) modifies balance, balance[a] { }": ("overlapping-places", "balance[a]"),
    "plan p(n: Int @secret) { }": ("unknown-label", "secret"),
    "plan p() { parallel { { q(); } { } } } plan q() { r(); } plan r() { abort \"x\"; }": (
        "exit-in-parallel",
        "q()",
    ),
}


@pytest.mark.parametrize("text", PLANS)
def test_a_plan_is_refused(text: str) -> None:
    expected = PLANS[text]
    _, found = plan_findings(text)
    assert errors(found) == ([] if expected is None else [expected])


TOOLS = {
    "requires level > m": ("unknown-name", "m"),
    "requires n": ("wrong-type", "n"),
    "requires result > 0": ("no-result-here", "result"),
    "ensures result > 0": ("no-result-here", "result"),
    "-> Int ensures old(result) > 0": ("no-result-here", "result"),
    "-> Int ensures result == balance[a]": ("missing-reads", "result == balance[a]"),
    "-> Int reads balance ensures result == balance[a]": None,
    "ensures old(closed)": ("missing-reads", "old(closed)"),
    "modifies closed ensures closed == old(closed)": None,
    "modifies blance[a]": ("unknown-state", "blance"),
    "modifies balance[n]": ("wrong-type", "n"),
    "modifies balance[a].x": ("unknown-field", "x"),
    "modifies balance, balance[a]": ("overlapping-places", "balance[a]"),
    "modifies balance[a], balance[a]": ("overlapping-places", "balance[a]"),
    "reads LIMIT": ("unknown-state", "LIMIT"),
    "cost usd level": ("state-not-allowed", "level"),
    "cost usd n": None,
    "cost seconds 1.5": ("wrong-type", "1.5"),
    "cost eur 1": ("unknown-resource", "eur"),
    "cost calls 2": ("bad-resource", "calls"),
    "cost usd -1": ("negative-cost", "-1"),
    "cost usd 1, usd 2": ("repeated-clause", "usd 2"),
    "fails fails": ("repeated-clause", "fails"),
    "idempotent idempotent": ("repeated-clause", "idempotent"),
    "fails dirty leaving n > 0": None,
    "requires closed pure": ("pure-tool", "pure"),
    "-> Int reads closed pure": ("pure-tool", "pure"),
    "relabels": ("no-result", "relabels"),
    "undo undo_it(a)": ("unknown-tool", "undo_it"),
    "undo pay(a)": ("missing-argument", "undo pay(a)"),
    "undo pay(a, n)": None,
    "undo t(a, n)": ("unknown-tool", "t"),
}


@pytest.mark.parametrize("clauses", TOOLS)
def test_a_tool_is_refused(clauses: str) -> None:
    expected = TOOLS[clauses]
    assert tool_errors(clauses) == ([] if expected is None else [expected])


DOMAINS = {
    "type Cents;": ("name-taken", "Cents"),
    "type Int;": ("name-taken", "Int"),
    "tool len();": ("name-taken", "len"),
    "state seconds: Int;": ("name-taken", "seconds"),
    "type N = Int where self;": ("wrong-type", "self"),
    "type N = Int where level > self;": ("state-not-allowed", "level"),
    "type N = List<N, 3>;": ("recursive-declaration", "N"),
    "record R { x: Q } record Q { y: R }": ("recursive-declaration", "R"),
    "record R { x: Int, x: Int }": ("repeated-field", "x"),
    "enum E { X, X }": ("repeated-member", "X"),
    "resource eur: Text;": ("bad-resource", "Text"),
    "const A: Int = B; const B: Int = A;": ("recursive-declaration", "A"),
    "const A: Int = 1 / 0;": ("bad-constant", "1 / 0"),
    "const A: Cents = 2 - 3;": ("bad-constant", "2 - 3"),
    "const A: Int = level;": ("state-not-allowed", "level"),
    "const A: Int = 2.5;": ("wrong-type", "2.5"),
    "function f(x: Int) -> Int = f(x);": ("recursive-function", "f"),
    "function f(x: Int) -> Int = g(x); function g(x: Int) -> Int = f(x);": (
        "recursive-function",
        "f",
    ),
    "function f(x: Int) -> Int = level;": ("state-not-allowed", "level"),
    "function f(x: Int) -> Int = y;": ("unknown-name", "y"),
    "function f(x: Int) -> Text = x;": ("wrong-type", "x"),
    "initially old(closed);": ("old-not-allowed", "old(closed)"),
    "initially level;": ("wrong-type", "level"),
    "default usd 1; default usd 2;": ("repeated-clause", "default usd 2;"),
    "state s: Int observed by nobody;": ("unknown-tool", "nobody"),
    "state s: Int observed by ask;": ("bad-observer", "ask"),
    "state s: Text observed by read_level;": ("bad-observer", "read_level"),
    "state s: Cents observed by read_level;": ("bad-observer", "read_level"),
    "state s: Int observed by r; tool r() -> Int pure;": ("bad-observer", "r"),
    "state s: Int observed by r; tool r() -> Int modifies closed;": ("bad-observer", "r"),
    "flow f a < b, b < a;": ("cyclic-flow", "a"),
    "flow f a < b; flow g b < c;": ("repeated-label", "b"),
    "flow f a < b; flow f c < e;": ("name-taken", "f"),
    "flow f public < secret; tool t(x: Int @pubilc);": ("unknown-label", "pubilc"),
    "tool t(x: List<Int @secret, 3>);": ("misplaced-label", "secret"),
    "tool t(x: Int @secret @secret);": ("repeated-label", "secret"),
    "state s: Map<Int>;": ("type-arguments", "Map<Int>"),
    "state s: Map<Int, Int, Text>;": ("bad-bound", "Text"),
    "state s: Int<3>;": ("type-arguments", "Int<3>"),
    "state s: List<3, 3>;": ("type-arguments", "List<3, 3>"),
    "state s: closed;": ("unknown-type", "closed"),
    "state s: string;": ("unknown-type", "string"),
}


@pytest.mark.parametrize("text", DOMAINS)
def test_a_declaration_is_refused(text: str) -> None:
    assert domain_errors(text) == [DOMAINS[text]]


def test_a_tool_names_its_seconds() -> None:
    _, found = domain_findings("domain d; tool t();")
    assert errors(found) == [("no-seconds", "t")]


POLICIES = {
    "invariant i: level;": ("wrong-type", "level"),
    "invariant i: old(closed);": ("old-not-allowed", "old(closed)"),
    "invariant i: closed; invariant i: closed;": ("name-taken", "i"),
    "budget eur <= 2;": ("unknown-resource", "eur"),
    "budget usd <= level;": ("state-not-allowed", "level"),
    "const LIMIT: Int = 2;": ("name-taken", "LIMIT"),
    "function pay(x: Int) -> Int = x;": ("name-taken", "pay"),
    "flow default parameters trusted;": ("unknown-label", "trusted"),
    "rule r: never payy(_, _, _);": ("unknown-tool", "payy"),
    "rule r: never twice(_);": ("unknown-tool", "twice"),
    "rule r: never pay(_, _);": ("pattern-arguments", "pay(_, _)"),
    "rule r: never pay();": ("pattern-arguments", "pay()"),
    "rule r: never pay(_, _, _, _);": ("pattern-arguments", "pay(_, _, _, _)"),
    "rule r: never pay(amont: _);": ("unknown-argument", "amont"),
    "rule r: never pay(_, \"x\", _);": ("wrong-type", '"x"'),
    "rule r: never pay(x, x, _);": ("wrong-type", "x"),
    "rule r: never pay(closed, _, _);": ("name-taken", "closed"),
    "rule r: never pay(_, LIMIT, _);": None,
    "rule r: never ask(_) == 3;": ("wrong-type", "3"),
    "rule r: never pay(_, _, _) == true;": ("no-result", "true"),
    "rule r: never pay(_, a, _) where b > a;": ("unknown-name", "b"),
    "rule r: at most 3 pay(_, a, _) per b;": ("unknown-name", "b"),
    "rule r: at most NONE pay(_, a, _);": ("bad-bound", "NONE"),
    "rule r: before pay(_, a, _) require own pay(_, b, _) where b >= a;": (
        "own-condition",
        "b >= a",
    ),
    "rule r: before pay(_, a, _) require own pay(_, b, _) where b == a;": None,
    "rule r: before pay(_, a, _) require b;": ("unknown-name", "b"),
}


@pytest.mark.parametrize("text", POLICIES)
def test_a_policy_is_refused(text: str) -> None:
    expected = POLICIES[text]
    assert policy_errors(text) == ([] if expected is None else [expected])


def test_a_policy_is_for_its_domain() -> None:
    other = domain("domain other; default seconds 1;")
    _, found = policy_findings("budget calls <= 1;", other)
    assert errors(found) == [("wrong-domain", "shop")]


def test_a_label_of_the_domain_may_be_declared_in_a_policy() -> None:
    labelled = domain(SHOP + "tool send(x: Int @secret);")
    _, found = plan_findings("plan p() { }", typed.World(labelled, ()))
    assert errors(found) == [("unknown-label", "secret")]
    rules, _ = policy_findings("flow f public < secret;", labelled)
    assert rules is not None
    made, found = plan_findings("plan p() { }", typed.World(labelled, (rules,)))
    assert made is not None, found


# ---- how it is said ------------------------------------------------------------------------------


def test_one_mistake_is_reported_once() -> None:
    # Everything after the first line depends on it.
    text = "let x = nn; let y = x + 1; var z = [y]; z = z + [t]; pay(x, y); if x { } for w in x { }"
    assert body_errors(text) == [("unknown-name", "nn")]


def test_all_mistakes_are_reported_in_order() -> None:
    text = "let x = nn; let y: Text = 1; pay(a); return 3;"
    assert [code for code, _ in body_errors(text)] == [
        "unknown-name",
        "wrong-type",
        "missing-argument",
        "unexpected-value",
    ]


HELP = {
    "let x = balanc;": "did you mean `balance`?",
    "let x = v.amuont;": "did you mean `amount`?",
    "let x = !a in m;": "write `!(a in m)`",
    "let x = red;": "write `Colour.red`",
    'let x = ask("y") && yes;': 'bind its result first: `let answer = ask("y");`',
    "let x: Text = n;": "say `text(n)`",
    "let x: Int = o;": "say `o.value` where `is_some(o)` is known",
    "let x: Option<Int> = n;": "say `some(n)`",
    "let x = t + n;": "say `t + text(n)`",
    "let x = xs + n;": "say `xs + [n]`",
    'let x = Invoice(a, 1, ["y"]);': 'write `Invoice(payee: a, amount: 1, tags: ["y"])`',
    "let x = len(m);": "say `count(k in m :: true)`",
    "closed = true;": "a plan changes state only by calling tools",
    "balance = m;": "`pay` can change it",
    "for k in m { }": "`Map<K, V, N>`",
    "for i in range(0, n) { }": "write `range(0, n) max 100`",
    "let x: string = t;": "say `Text`",
    "let x = [];": "name the type: `let x: List<T, 10> = [];`",
}


@pytest.mark.parametrize("text", HELP)
def test_a_message_says_what_to_do(text: str) -> None:
    _, found = plan_findings(f"plan p_({PARAMETERS}) {{ {text} }}")
    first = next(each for each in found if each.severity is Severity.ERROR)
    assert HELP[text] in render(first)


def test_no_python_type_appears_in_a_message() -> None:
    for text in EXPRESSIONS:
        _, found = plan_findings(f"plan p_({PARAMETERS}) {{ let it = {text}; }}")
        for each in found:
            shown = render(each)
            assert "Type(" not in shown
            assert "Type'" not in shown
            assert not each.headline.endswith(".")
            assert each.headline[0].islower() or each.headline[0] in "`0123456789"


def test_errors_take_precedence_where_there_are_too_many() -> None:
    few = Limits(diagnostics_max=3)
    text = "plan p() { let a1 = 1; let a2 = 2; let a3 = 3; let a4 = x1; let a5 = x2; }"
    made, found = plan_findings(text, limits=few)
    assert made is None
    assert [each.code for each in found] == ["unused-variable", "unknown-name", "unknown-name"]
    many = "plan p() { " + "".join(f"let a{k} = x{k}; " for k in range(9)) + "}"
    made, found = plan_findings(many, limits=few)
    assert made is None
    assert len(found) == 3


# ---- what could run away -------------------------------------------------------------------------


def test_functions_that_grow_exponentially_are_refused() -> None:
    text = "domain d; default seconds 1; function f0(x: Int) -> Int = x + x;"
    text += "".join(f"function f{k + 1}(x: Int) -> Int = f{k}(f{k}(x));" for k in range(12))
    made, found = domain_findings(text)
    assert made is None
    assert {each.code for each in found} == {"function-too-large"}


def test_functions_that_double_their_argument_are_refused() -> None:
    call = "x"
    for _ in range(30):
        call = f"twice({call})"
    _, found = plan_findings(f"plan p(x: Int) {{ let _y = {call}; }}")
    assert [each.code for each in found] == ["function-too-large"]


def test_a_deep_result_of_shallow_functions_is_refused() -> None:
    deep = "x" + " + 1" * 50
    text = f"domain d; default seconds 1; function f(x: Int) -> Int = {deep};"
    call = "f(f(f(x)))"
    _, found = plan_findings(
        f"plan p(x: Int) {{ let _y = {call}; }}", typed.World(domain(text), ())
    )
    assert [each.code for each in found] == ["function-too-large"]


@pytest.mark.parametrize("order", [1, -1])
def test_long_chains_of_declarations_are_no_crash(order: int) -> None:
    items = [f"record R{k + 1} {{ x: R{k} }}" for k in range(300)][::order]
    made, found = domain_findings("domain d; default seconds 1; type R0;" + "".join(items))
    assert made is None
    assert {each.code for each in found} <= {"type-too-large", "nested-too-deeply"}


@pytest.mark.parametrize("order", [1, -1])
def test_long_chains_of_functions_are_no_crash(order: int) -> None:
    deep = "(" * 40
    items = [
        f"function f{k + 1}(x: Int) -> Int = {deep}f{k}(x){' + 1)' * 40};" for k in range(60)
    ][::order]
    text = "domain d; default seconds 1; function f0(x: Int) -> Int = x;" + "".join(items)
    made, found = domain_findings(text)
    assert made is None
    assert {each.code for each in found} <= {"function-too-large", "nested-too-deeply"}


def test_types_that_grow_exponentially_are_refused() -> None:
    items = [f"record R{k + 1} {{ x: R{k}, y: R{k} }}" for k in range(40)]
    made, found = domain_findings("domain d; default seconds 1; type R0;" + "".join(items))
    assert made is None
    assert [each.code for each in found] == ["type-too-large"]
