"""What `planproof init` writes: a small project that verifies as it stands.

The files lie in `template_files/`, under names without dots and folders in front, so that any
archive carries them; a test verifies what they become.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from planproof.files import write_atomically

PLAN = "refund.plan"
FILES = {
    "shop.domain": "shop.domain",
    "shop.policy": "shop.policy",
    PLAN: "refund.plan",
    "wrong/refund.plan": "wrong_refund.plan",
    "planproof.toml": "planproof.toml",
    ".gitignore": "gitignore",
    ".github/workflows/planproof.yml": "workflow.yml",
}


def clashes(folder: Path) -> list[str]:
    """Which of the files exist in the folder already."""
    return [name for name in FILES if (folder / name).exists() or (folder / name).is_symlink()]


def write(folder: Path) -> list[Path]:
    """Writes the project to the folder, which is made if need be; the files in their order."""
    source = resources.files("planproof") / "template_files"
    written = []
    for name, stored in FILES.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, (source / stored).read_text(encoding="utf-8"))
        written.append(target)
    return written
