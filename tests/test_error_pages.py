"""Each page of `docs/errors` shows what it speaks of: one example that fails so, one that passes.

The blocks of a page are literate tests (`tests/literate.py`).  A few codes are about files and
sizes and can't be shown in a block of a page; their pages show a command or a sketch, and here it
is done.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.literate import cases, check, expected

from planproof import workspace
from planproof.spec import parse, typecheck
from planproof.spec.diagnostic import Diagnostic
from planproof.spec.limits import Limits
from planproof.spec.source import Source

PAGES = sorted((Path(__file__).parents[1] / "docs" / "errors").glob("*.md"))
SAYS = ("An example that fails", "An example that passes")
DOMAIN = "domain shop;\n\ndefault seconds 1;\n\ntool log(message: Text<40>);\n"


def _project(folder: Path, plan: bytes = b'plan p() { log("x"); }\n') -> str:
    """A folder with a domain, a project file and a plan; the plan's name."""
    (folder / "shop.domain").write_text(DOMAIN, encoding="utf-8")
    (folder / "planproof.toml").write_text('domain = "shop.domain"\n', encoding="utf-8")
    (folder / "p.plan").write_bytes(plan)
    return str(folder / "p.plan")


def _verified(name: str, limits: Limits | None = None) -> set[str]:
    """The codes that `verify` finds in a file."""
    asked = workspace.Asked() if limits is None else workspace.Asked(limits=limits)
    found = workspace.verify_file(name, asked)
    return {each.code for each in found.diagnostics} | {
        each.code for plan in found.plans for each in plan.diagnostics
    }


def _domain(text: str) -> tuple[Diagnostic, ...]:
    """What is found in the text of a domain that can be read."""
    file, _ = parse.parse_domain(Source("domain", text))
    assert file is not None
    return typecheck.check_domain(file)[1]


def _codes(found: tuple[Diagnostic, ...]) -> set[str]:
    return {each.code for each in found}


def file_not_found(folder: Path) -> set[str]:
    _project(folder)
    return _verified(str(folder / "nowhere.plan"))


def not_a_file(folder: Path) -> set[str]:
    _project(folder)
    return _verified(str(folder))


def unreadable(folder: Path) -> set[str]:
    name = _project(folder)
    if os.geteuid() == 0:
        # For root there is no unreadable file; a name that is too long is refused to all.
        return _verified(str(folder / ("x" * 5_000 + ".plan")))
    Path(name).chmod(0)
    return _verified(name)


def not_utf8(folder: Path) -> set[str]:
    return _verified(_project(folder, b'plan p() { log("\xff"); }\n'))


def too_large(folder: Path) -> set[str]:
    return _verified(_project(folder, b"/" * (Limits().source_bytes_max + 1)))


def nested_too_deeply(folder: Path) -> set[str]:
    deep = Limits().nesting_depth_max + 1
    text = "plan p(n: Int) { assert " + "(" * deep + "n" + ")" * deep + " == n; }\n"
    return _verified(_project(folder, text.encode()))


def integer_too_long(folder: Path) -> set[str]:
    digits = "9" * (Limits().integer_digits_max + 1)
    return _verified(_project(folder, f"plan p(n: Int) {{ assert n < {digits}; }}\n".encode()))


def plan_too_large(folder: Path) -> set[str]:
    plans = ['plan p0() { log("x"); log("x"); }']
    plans += [f"plan p{n}() {{ {f'p{n - 1}(); ' * 10}}}" for n in range(1, 6)]
    return _verified(_project(folder, "\n".join([*plans, ""]).encode()))


def function_too_large(_: Path) -> set[str]:
    functions = ["function f0(x: Int) -> Int = x + x;"]
    functions += [f"function f{n}(x: Int) -> Int = f{n - 1}(f{n - 1}(x));" for n in range(1, 20)]
    text = DOMAIN + "\n".join([*functions, "tool t()\n  requires f19(1) > 0;\n"])
    return _codes(_domain(text))


def type_too_large(_: Path) -> set[str]:
    records = ["record R0 { left: Int, right: Int }"]
    records += [f"record R{n} {{ left: R{n - 1}, right: R{n - 1} }}" for n in range(1, 30)]
    return _codes(_domain(DOMAIN + "\n".join([*records, ""])))


def no_domain(folder: Path) -> set[str]:
    name = _project(folder)
    (folder / "planproof.toml").write_text("", encoding="utf-8")
    return _verified(name)


def bad_project(folder: Path) -> set[str]:
    name = _project(folder)
    (folder / "planproof.toml").write_text('policy = ["shop.policy"]\n', encoding="utf-8")
    return _verified(name)


BY_HAND: dict[str, Callable[[Path], set[str]]] = {
    each.__name__.replace("_", "-"): each
    for each in (
        file_not_found,
        not_a_file,
        unreadable,
        not_utf8,
        too_large,
        nested_too_deeply,
        integer_too_long,
        plan_too_large,
        function_too_large,
        type_too_large,
        no_domain,
        bad_project,
    )
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_example_that_fails_fails_with_the_code(page: Path, tmp_path: Path) -> None:
    failing = [case for case in cases(page) if case.title == SAYS[0]]
    if page.stem in BY_HAND:
        assert not failing, "shown in the page, so there is no need to do it by hand"
        assert page.stem in BY_HAND[page.stem](tmp_path)
        return
    assert failing
    for case in failing:
        texts = [case.domain, *case.policies, *([case.plan] if case.plan is not None else [])]
        codes = {code for each in texts for *_, code in expected(each.kind, each.text)}
        assert codes == {page.stem}, "the example is not about this code"
        check(case)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_example_that_passes_is_proved(page: Path) -> None:
    passing = [case for case in cases(page) if case.title == SAYS[1]]
    assert passing
    for case in passing:
        assert case.plan is not None
        # What is not verified yet can be right, and not proved.
        later = "unknown: [not-yet-verified]" in case.domain.text
        assert later or case.plan.text.startswith("// proved")
        check(case)


def test_pages_have_the_same_parts() -> None:
    assert PAGES
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        parts = [line.lstrip("# ") for line in text.split("\n") if line.startswith("## ")]
        assert parts == list(SAYS), page.name
        assert "Why we insist: " in text, page.name
