"""Certificates: what was proved of a plan, as canonical JSON.

A certificate says which texts were verified (by digest), what they were lowered to, which
obligations were found to hold, what was inferred and assumed, and whom that trusts (the solver, by
name and version).  It is a statement and not evidence: it carries no proof that can be checked by
itself, so nothing may run on its word alone; whoever must be sure verifies the texts again.  What
it is good for: to see that a plan has changed since it was proved, and on what it rested.

    write(read(text)) == text        a certificate has exactly one spelling, and no other is read

Canonical JSON: UTF-8, keys sorted, no blanks, one newline at the end, no floats (RFC 8785 without
its number format, which we do not need).  A `Certificate` that says nothing (no obligation, nobody
trusted) cannot be made.

Left out for now: evidence for single conditions, the independent audit, signatures.
"""

from __future__ import annotations

import json
import re
from enum import Enum
from fractions import Fraction
from typing import Literal

from planproof.spec import core, types
from planproof.spec.digest import digest
from planproof.spec.node import dataclass
from planproof.spec.source import Span

SCHEMA: Literal["planproof.certificate/1"] = "planproof.certificate/1"


class CertificateRejected(Exception):
    """What was read is not a certificate of this version, or contradicts itself."""


# ---- what it says ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Text:
    """A text by its name and digest."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Proved:
    """An obligation that was found to hold; `digest` identifies its closed condition."""

    id: str
    kind: str
    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Invariant:
    """A loop invariant that was inferred and proved; where its loop begins in the plan's file."""

    line: int
    column: int
    says: str


@dataclass(frozen=True, slots=True)
class Bound:
    """A resource's worst case: an int, an exact decimal or an expression as text, or unknown."""

    resource: str
    worst: int | str | None
    budget: int | str | None


@dataclass(frozen=True, slots=True)
class Bounds:
    """`steps` core statements at most in any run, and each resource, in order of their names."""

    steps: int
    resources: tuple[Bound, ...]


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something believed and not proved."""

    kind: str
    of: str
    says: str
    checked_at_run: bool


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was proved of one plan; raises CertificateRejected where it could not be true."""

    schema: Literal["planproof.certificate/1"]
    planproof: str
    plan: Text
    domain: Text
    policies: tuple[Text, ...]
    core: str
    obligations: tuple[Proved, ...]
    invariants: tuple[Invariant, ...]
    bounds: Bounds
    assumptions: tuple[Assumption, ...]
    trusting: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.schema != SCHEMA:
            raise CertificateRejected(f"its schema is {self.schema!r}, and we know {SCHEMA!r}")
        texts = (self.plan, self.domain, *self.policies)
        digests = [("core", self.core)]
        digests += [(each.name, each.digest) for each in texts]
        digests += [(each.id, each.digest) for each in self.obligations]
        for of, found in digests:
            if _DIGEST.fullmatch(found) is None:
                raise CertificateRejected(f"the digest of `{of}` is not sha256 in hexadecimal")
        if not self.obligations:
            raise CertificateRejected("it certifies no obligation, so it says nothing")
        ids = [each.id for each in self.obligations]
        if len(set(ids)) != len(ids):
            raise CertificateRejected("two of its obligations have the same id")
        if not all(self.trusting):
            raise CertificateRejected("it trusts someone without a name")
        if not self.trusting:
            raise CertificateRejected("it does not say who decided the obligations")


_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


# ---- to text and back --------------------------------------------------------------------------


def write(certificate: Certificate) -> str:
    """The one spelling of the certificate."""
    import dataclasses

    value = dataclasses.asdict(certificate)
    text = json.dumps(
        value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
    )
    return text + "\n"


def read(text: str) -> Certificate:
    """The certificate that `write` spelled so.

    Raises CertificateRejected for anything else: other fields, other types, another order of keys,
    a blank too many, a key twice.
    """
    import pydantic  # 0.1 s, and only whoever reads a certificate needs it

    adapter = pydantic.TypeAdapter(Certificate)
    try:
        found = adapter.validate_json(text, strict=True, extra="forbid")
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(each) for each in first["loc"]) or "the text"
        raise CertificateRejected(f"{where}: {first['msg']}") from None
    if write(found) != text:
        raise CertificateRejected("it is not in canonical form, so it was not written by us")
    return found


# ---- what it is about --------------------------------------------------------------------------


def text_digest(text: str) -> str:
    """`sha256:` and the digest of the text in UTF-8."""
    return digest(text)


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts somebody holds: of the plan's file, the domain and the policies in their order."""

    plan: str
    domain: str
    policies: tuple[str, ...] = ()


def differences(certificate: Certificate, texts: Texts) -> tuple[str, ...]:
    """One sentence for each text that is not the one the certificate is about; () if all are."""
    found = []
    if text_digest(texts.plan) != certificate.plan.digest:
        found.append(f"the plan `{certificate.plan.name}` has changed since it was proved")
    if text_digest(texts.domain) != certificate.domain.digest:
        found.append(f"the domain `{certificate.domain.name}` is not the one it was proved in")
    if len(texts.policies) != len(certificate.policies):
        found.append(
            f"it was proved under {len(certificate.policies)} policies, not {len(texts.policies)}"
        )
    else:
        for held, written in zip(texts.policies, certificate.policies, strict=True):
            if text_digest(held) != written.digest:
                found.append(f"the policy `{written.name}` is not the one it was proved under")
    return tuple(found)


def matches(certificate: Certificate, texts: Texts) -> bool:
    """Whether the certificate is about exactly these texts."""
    return not differences(certificate, texts)


def core_digest(program: core.Program) -> str:
    """The digest of a lowered program: equal for equal programs, wherever their text stood.

    Spans are left out, so moving a plan in its file or renaming the file changes nothing; all else
    is in it, order included.  Linear in the size of the program.
    """
    out: list[str] = []
    _Speller(out).add(program)
    return digest("".join(out))


class _Speller:
    """Appends an unambiguous text of values to `out`: strings quoted, all else bracketed.

    A plan of ten thousand calls has a million values, so what kinds of value need is looked up and
    not matched, and strings and types, which occur again and again, are spelled once.
    """

    def __init__(self, out: list[str]) -> None:
        self.out = out
        self.strings: dict[str, str] = {}
        # By identity; whoever holds the program keeps them alive.  A tool's clauses are the same
        # objects at each of its calls.
        self.types: dict[int, str] = {}
        self.applications: dict[int, str] = {}

    def add(self, value: object) -> None:
        kind = type(value)
        if kind is core.Apply:
            self._application(value)
        elif kind in _NODES:
            self._node(value)
        elif kind is str:
            self._string(value)  # type: ignore[arg-type]
        elif kind in _ATOMS:
            self.out.append(f"{value} ")
        elif kind is Span:
            self.out.append("@")
        elif kind is tuple:
            self.out.append("[")
            for each in value:  # type: ignore[attr-defined]
                self.add(each)
            self.out.append("]")
        elif kind in _TYPES:
            self._type(value)
        else:
            self._rest(value)

    def _string(self, value: str) -> None:
        known = self.strings.get(value)
        if known is None:
            known = self.strings[value] = json.dumps(value)
        self.out.append(known)

    def _type(self, value: object) -> None:
        known = self.types.get(id(value))
        if known is None:
            inner: list[str] = []
            speller = _Speller(inner)
            speller.types = self.types
            speller._node(value)
            known = self.types[id(value)] = "".join(inner)
        self.out.append(known)

    def _application(self, value: object) -> None:
        known = self.applications.get(id(value))
        if known is None:
            outer, self.out = self.out, []
            self._node(value)
            known = self.applications[id(value)] = "".join(self.out)
            self.out = outer
        self.out.append(known)

    def _rest(self, value: object) -> None:
        match value:
            case Enum():
                self.out.append(f"{type(value).__name__}.{value.name} ")
            case Fraction():
                self.out.append(f"{value.numerator}/{value.denominator} ")
            case frozenset():
                self.out.append("{" + ",".join(sorted(map(self._apart, value))) + "}")
            case _:
                self._node(value)

    def _apart(self, value: object) -> str:
        inner: list[str] = []
        _Speller(inner).add(value)
        return "".join(inner)

    def _node(self, value: object) -> None:
        kind = type(value)
        known = _NODES.get(kind)
        if known is None:
            # Types are spelled by `_type`, through here once for each, and must not get past it.
            fields: tuple[str, ...] | None = getattr(kind, "__match_args__", None)
            if fields is None:
                raise TypeError(f"a core program holds a {kind.__name__}")
            # Spans that a node only shows are named `span`; leaving them out here saves the most.
            kept = tuple(name for name in fields if name != "span")
            known = (f"({kind.__name__} ", kept)
            if kind not in _TYPES:
                _NODES[kind] = known
        opening, names = known
        self.out.append(opening)
        for name in names:
            self.add(getattr(value, name))
        self.out.append(")")


_ATOMS = frozenset({bool, int, type(None)})
_TYPES = frozenset(
    each
    for each in vars(types).values()
    if isinstance(each, type) and each.__module__ == types.__name__
)
_NODES: dict[type, tuple[str, tuple[str, ...]]] = {}  # how a class is spelled, once found
