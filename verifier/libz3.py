"""The part of Z3's C interface that we use, straight from its shared library.

The Python package `z3` declares a thousand functions and wraps every formula in an object; loading
it takes four times as long as loading the library itself, and we send conditions as text.  Here are
the forty functions that `smt` needs, under their names in Z3's manual without the `Z3_`:

    z3.solver_push(context, solver)

An error code that a call leaves behind raises `SolverError`, so no null handle travels on.  Objects
are reference-counted by the caller, as the manual says.  The library is the one inside the package
`z3-solver`; where it has none, those places are searched in which the package would look.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from functools import cache
from importlib.machinery import PathFinder
from typing import Any


class SolverError(Exception):
    """Z3 refused a call; the message is its own."""


# p: handle or pointer, s: text (UTF-8), u: unsigned, i: int, b: bool, v: nothing.
_KINDS: dict[str, Any] = {
    "p": ctypes.c_void_p,
    "s": ctypes.c_char_p,
    "u": ctypes.c_uint,
    "i": ctypes.c_int,
    "b": ctypes.c_bool,
    "v": None,
}

# The result, then the arguments.  Where the first argument is a context, errors are looked for.
_SIGNATURES = {
    "ast_to_string": "s pp",
    "ast_vector_dec_ref": "v pp",
    "ast_vector_get": "p ppu",
    "ast_vector_inc_ref": "v pp",
    "ast_vector_size": "u pp",
    "del_config": "v p",
    "del_context": "v p",
    "func_entry_dec_ref": "v pp",
    "func_entry_get_arg": "p ppu",
    "func_entry_get_num_args": "u pp",
    "func_entry_get_value": "p pp",
    "func_entry_inc_ref": "v pp",
    "func_interp_dec_ref": "v pp",
    "func_interp_get_else": "p pp",
    "func_interp_get_entry": "p ppu",
    "func_interp_get_num_entries": "u pp",
    "func_interp_inc_ref": "v pp",
    "get_ast_kind": "u pp",
    "get_decl_name": "p pp",
    "get_error_code": "u p",
    "get_error_msg": "s pu",
    "get_numeral_string": "s pp",
    "get_sort": "p pp",
    "get_sort_kind": "u pp",
    "get_string": "s pp",
    "get_symbol_string": "s pp",
    "get_version": "v pppp",
    "is_string": "b pp",
    "mk_config": "p ",
    "mk_context_rc": "p p",
    "mk_params": "p p",
    "mk_simple_solver": "p p",
    "mk_string_symbol": "p ps",
    "model_dec_ref": "v pp",
    "model_get_const_decl": "p ppu",
    "model_get_const_interp": "p ppp",
    "model_get_func_decl": "p ppu",
    "model_get_func_interp": "p ppp",
    "model_get_num_consts": "u pp",
    "model_get_num_funcs": "u pp",
    "model_inc_ref": "v pp",
    "params_dec_ref": "v pp",
    "params_inc_ref": "v pp",
    "params_set_bool": "v pppb",
    "params_set_uint": "v pppu",
    "set_ast_print_mode": "v pu",
    "set_error_handler": "v pp",
    "solver_check": "i pp",
    "solver_dec_ref": "v pp",
    "solver_from_string": "v pps",
    "solver_get_model": "p pp",
    "solver_get_reason_unknown": "s pp",
    "solver_get_statistics": "p pp",
    "solver_get_unsat_core": "p pp",
    "solver_inc_ref": "v pp",
    "solver_pop": "v ppu",
    "solver_push": "v pp",
    "solver_set_params": "v ppp",
    "stats_dec_ref": "v pp",
    "stats_get_key": "s ppu",
    "stats_get_uint_value": "u ppu",
    "stats_inc_ref": "v pp",
    "stats_size": "u pp",
}
_NO_CONTEXT = ("mk_config", "mk_context_rc", "del_config", "del_context", "get_version")
_ABOUT_ERRORS = ("get_error_code", "get_error_msg")


class Library:
    """Z3's functions as methods; a function gets its types when it is first asked for."""

    def __init__(self, loaded: ctypes.CDLL) -> None:
        self._loaded = loaded

    def __getattr__(self, name: str) -> Any:
        if name not in _SIGNATURES:
            raise AttributeError(name)
        result, _, arguments = _SIGNATURES[name].partition(" ")
        function = self._loaded[f"Z3_{name}"]
        function.restype = _KINDS[result]
        function.argtypes = [_KINDS[each] for each in arguments]
        # Counting references cannot fail, and leaves the error of an earlier call where it is.
        quiet = name in _NO_CONTEXT or name in _ABOUT_ERRORS or name.endswith("_ref")
        if not quiet:
            function.errcheck = self._checked
        setattr(self, name, function)
        return function

    def _checked(self, result: Any, _: object, arguments: tuple[Any, ...]) -> Any:
        code = self.get_error_code(arguments[0])
        if code:
            raise SolverError(self.get_error_msg(arguments[0], code).decode())
        return result


@cache
def library() -> Library:
    """The library, loaded once for the process."""
    _keep_freed_memory()
    name = {"win32": "libz3.dll", "darwin": "libz3.dylib"}.get(sys.platform, "libz3.so")
    for folder in _folders():
        file = os.path.join(folder, name)
        if os.path.isfile(file):
            return Library(ctypes.CDLL(file))
    try:
        return Library(ctypes.CDLL(name))
    except OSError as error:
        raise SolverError(f"the package z3-solver is not installed: {error}") from None


def _folders() -> Iterator[str]:
    """Where the library may be: the places in which the package looks, but not the working folder.

    What lies in the folder of a plan must not decide what proves it.
    """
    package = PathFinder.find_spec("z3")
    for folder in (package and package.submodule_search_locations) or ():
        yield os.path.join(folder, "lib")
        yield folder
    yield os.path.join(sys.prefix, "lib")
    yield from filter(os.path.isabs, os.environ.get("Z3_LIBRARY_PATH", "").split(os.pathsep))


def _keep_freed_memory() -> None:
    """Lets the next context use the memory of the last one, where the C library is glibc.

    A context begins with two tables of 8.5 MB.  By default the first ones go back to the system
    and come again as fresh pages, which takes 6 ms; glibc then learns, for the third, to set these
    same thresholds.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_M_MMAP_THRESHOLD, 16 << 20)
            mallopt(_M_TRIM_THRESHOLD, 32 << 20)


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of malloc.h


class Context:
    """A context, in which errors are codes and terms print as SMT-LIB; goes with its last user."""

    def __init__(self) -> None:
        self._z3 = z3 = library()
        config = z3.mk_config()
        made = z3.mk_context_rc(config)
        z3.del_config(config)
        if not made:
            raise SolverError("no context could be made")
        self._as_parameter_ = ctypes.c_void_p(made)  # what ctypes passes on for this object
        z3.set_error_handler(self, None)  # otherwise an error prints a line and ends the process
        z3.set_ast_print_mode(self, _SMTLIB2_COMPLIANT)

    def __del__(self) -> None:
        if hasattr(self, "_as_parameter_"):
            self._z3.del_context(self)


_contexts: list[Context] = []


def context() -> Context:
    """The context that new sessions use."""
    if not _contexts:
        _contexts.append(Context())
    return _contexts[0]


def renew() -> None:
    """From here on new sessions use a context of their own.

    A context remembers the names and terms of all that was ever solved in it, and its models, its
    proofs and what they cost depend on them.  A program that is proved in a new context has the
    same verdict whatever was proved before it in the process.
    """
    _contexts.clear()


_SMTLIB2_COMPLIANT = 2  # Z3_PRINT_SMTLIB2_COMPLIANT


def version() -> str:
    """As in `5.4.1`."""
    parts = [ctypes.c_uint() for _ in range(4)]
    library().get_version(*(ctypes.byref(each) for each in parts))
    return ".".join(str(each.value) for each in parts[:3])
