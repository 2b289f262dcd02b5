"""The pages that explain diagnostic codes: `docs/errors/*.md`, shipped as `planproof.errors`."""

from __future__ import annotations

import re
from importlib import resources

_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def titles() -> list[tuple[str, str]]:
    """Every code with the first heading of its page, in alphabetical order."""
    pages = resources.files("planproof.errors")
    codes = sorted(each.name[:-3] for each in pages.iterdir() if each.name.endswith(".md"))
    return [(code, _title((pages / f"{code}.md").read_text(encoding="utf-8"))) for code in codes]


def page(code: str) -> str | None:
    """The page of a code, ending in a newline; None where there is no such code."""
    if _CODE.fullmatch(code) is None:
        return None
    found = resources.files("planproof.errors") / f"{code}.md"
    return found.read_text(encoding="utf-8").rstrip() + "\n" if found.is_file() else None


def _title(text: str) -> str:
    return next((line.lstrip("# ") for line in text.splitlines() if line.startswith("#")), "")
