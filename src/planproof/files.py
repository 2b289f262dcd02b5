"""Writing a file so that it is the old one or the new one, whatever happens in between."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_atomically(file: Path, text: str) -> None:
    """Makes `text`, in UTF-8, the content of the file; raises OSError and then changed nothing.

    The mode of a file that exists is kept, and a link stays a link to the file that is written.
    What is no regular file (`/dev/stdout`, a pipe) cannot be replaced and is written to directly.
    """
    target = Path(os.path.realpath(file))
    if target.exists() and not target.is_file():
        target.write_bytes(text.encode())
        return
    try:
        mode = target.stat().st_mode & 0o7777
    except FileNotFoundError:
        mode = 0o666 & ~_umask()
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(text.encode())
            out.flush()
            os.fsync(out.fileno())
        temporary.chmod(mode)
        temporary.replace(target)
    except BaseException:
        temporary.unlink()
        raise


def _umask() -> int:
    """The process's umask, which can be read only by setting it; commands have one thread."""
    current = os.umask(0o077)
    os.umask(current)
    return current
