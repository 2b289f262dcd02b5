"""Z3's shared library: errors are exceptions, and the library is the package's own."""

from __future__ import annotations

import ctypes
import os
import sys
from importlib.machinery import PathFinder
from pathlib import Path

import pytest
import z3

from planproof.verifier import libz3

NAME = {"win32": "libz3.dll", "darwin": "libz3.dylib"}.get(sys.platform, "libz3.so")


def test_the_library_is_the_one_of_the_package() -> None:
    assert libz3.version() == z3.get_version_string()


def test_a_text_that_is_not_smtlib_is_an_error_and_not_an_empty_condition() -> None:
    solver = libz3.library().mk_simple_solver(libz3.context())
    libz3.library().solver_inc_ref(libz3.context(), solver)
    try:
        with pytest.raises(libz3.SolverError, match="unknown constant"):
            libz3.library().solver_from_string(libz3.context(), solver, b"(assert nowhere)")
    finally:
        libz3.library().solver_dec_ref(libz3.context(), solver)


def test_a_function_that_is_not_declared_is_not_there() -> None:
    with pytest.raises(AttributeError):
        getattr(libz3.library(), "solver_get_proof")  # noqa: B009 - looking is the point


def test_every_declared_function_is_in_the_library_with_the_arity_of_the_package() -> None:
    for name, signature in libz3._SIGNATURES.items():
        theirs = getattr(z3.z3core, f"Z3_{name}").__defaults__[0].f
        assert len(theirs.argtypes) == len(signature.partition(" ")[2]), name
        assert getattr(libz3.library(), name) is not None


def test_without_the_package_the_library_is_looked_for_where_one_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (place,) = (folder for folder in libz3._folders() if Path(folder, NAME).is_file())
    monkeypatch.setattr(PathFinder, "find_spec", lambda _: None)
    monkeypatch.setenv("Z3_LIBRARY_PATH", f".{os.pathsep}{place}")
    assert place in libz3._folders()
    assert "." not in libz3._folders()
    found = libz3.library.__wrapped__()
    assert found._loaded._handle == libz3.library()._loaded._handle


def test_without_any_library_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(libz3, "_folders", lambda: iter(()))
    monkeypatch.setattr("sys.platform", "a system without it")
    monkeypatch.setattr(ctypes, "CDLL", raises_os_error)
    with pytest.raises(libz3.SolverError, match="z3-solver is not installed"):
        libz3.library.__wrapped__()


def raises_os_error(name: str) -> None:
    raise OSError(name)
