"""Digests of texts: SHA-256.

The standard `hashlib` loads OpenSSL, which takes 2 ms, a fiftieth of verifying a small plan; we
digest small texts, so the plain implementation that Python has inside will do.  Where a Python has
been built without it, `hashlib` is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import sha256
else:
    try:
        from _sha2 import sha256  # from Python 3.12 on
    except ImportError:
        try:
            from _sha256 import sha256
        except ImportError:
            from hashlib import sha256


def digest(text: str) -> str:
    """`sha256:` and the digest of the text in UTF-8, in hexadecimal."""
    return "sha256:" + sha256(text.encode()).hexdigest()
