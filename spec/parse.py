"""Text to tree: the parser of domain, policy and plan files.

A shift-reduce parser over the LALR(1) tables of `grammar.lark` (see `tables`), with the lexing
rule of Lark's contextual lexer: a terminal counts only where the state accepts it, so a keyword is
a name where the keyword can't stand.  Tree nodes are built while reducing.

Every error of a file is reported, not only the first.  At an error the parser first tries the
correction its message proposes (a missing `;`, `=` for `==`, ...) and goes on as if it had been
written; otherwise it skips to the end of the statement or declaration.  A file with an error
has no tree.  No input raises, and none takes more than linear time and memory: the parser has its
own stack, nesting is bounded before the tree gets deeper than `limits.nesting_depth_max`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from planproof.spec import syntax as s
from planproof.spec import tables
from planproof.spec.build import LEVELS, Builder
from planproof.spec.diagnostic import Diagnostic
from planproof.spec.lexer import Lexer, Tokens, TooDeep, too_deep, too_large
from planproof.spec.limits import DEFAULT, Limits
from planproof.spec.source import Source, Span

F = TypeVar("F", s.DomainFile, s.PolicyFile, s.PlanFile)


def parse(source: Source, limits: Limits = DEFAULT) -> tuple[s.File | None, tuple[Diagnostic, ...]]:
    """The tree of a file of any kind, or None and what is wrong with it, in order of place."""
    if len(source.text) > limits.source_bytes_max:
        return None, (too_large(Span(source, 0, 0), limits),)
    lexer, grammar = _loaded()
    try:
        tokens, found = lexer.tokens(source, limits)
        parser = Parser(grammar, tokens, limits)
        file = parser.run(limits.diagnostics_max - len(found))
    except TooDeep as error:
        return None, (error.diagnostic,)
    if found or parser.diagnostics or file is None:
        # A statement that was read again after a correction may have reported a number twice.
        found = list(dict.fromkeys([*found, *parser.diagnostics]))
        found.sort(key=lambda diagnostic: (diagnostic.span.start, diagnostic.span.end))
        return None, tuple(found[: limits.diagnostics_max])
    return file, ()


def parse_domain(
    source: Source, limits: Limits = DEFAULT
) -> tuple[s.DomainFile | None, tuple[Diagnostic, ...]]:
    """As `parse`, and a file of another kind is an error."""
    return _of_kind(source, limits, s.DomainFile)


def parse_policy(
    source: Source, limits: Limits = DEFAULT
) -> tuple[s.PolicyFile | None, tuple[Diagnostic, ...]]:
    """As `parse`, and a file of another kind is an error."""
    return _of_kind(source, limits, s.PolicyFile)


def parse_plan(
    source: Source, limits: Limits = DEFAULT
) -> tuple[s.PlanFile | None, tuple[Diagnostic, ...]]:
    """As `parse`, and a file of another kind is an error."""
    return _of_kind(source, limits, s.PlanFile)


def _of_kind(
    source: Source, limits: Limits, kind: type[F]
) -> tuple[F | None, tuple[Diagnostic, ...]]:
    file, diagnostics = parse(source, limits)
    if file is None or isinstance(file, kind):
        return file, diagnostics
    what = _KINDS[type(file)]
    begins = Span(
        source, file.span.start, min(file.span.end, file.span.start + len(what.split()[1]))
    )
    return None, (
        Diagnostic(
            "wrong-kind",
            f"expected {_KINDS[kind]} file, found {what} file",
            begins,
            help=f"{_KINDS[kind]} file begins with `{_KINDS[kind].split()[1]}`",
        ),
    )


_KINDS: dict[type, str] = {
    s.DomainFile: "a domain",
    s.PolicyFile: "a policy",
    s.PlanFile: "a plan",
}


def read_source(
    path: str | os.PathLike[str], limits: Limits = DEFAULT
) -> tuple[Source | None, tuple[Diagnostic, ...]]:
    """The text of a file, known by its path as given, or None and the one reason why not.

    Reads at most `limits.source_bytes_max` bytes, of a regular file only: a pipe or a device could
    block or never end.  A byte order mark is dropped.
    """
    name = str(path)
    empty = Source(name, "")

    def refused(
        code: str, headline: str, help: str | None = None
    ) -> tuple[None, tuple[Diagnostic]]:
        return None, (Diagnostic(code, headline, Span(empty, 0, 0), help=help),)

    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            return refused("not-a-file", f"`{name}` is a folder", "name a file in it")
        if not stat.S_ISREG(mode):
            return refused("not-a-file", f"`{name}` is not a regular file")
        with open(path, "rb") as stream:
            content = stream.read(limits.source_bytes_max + 1)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a NUL in the path
        return refused("file-not-found", f"there is no file `{name}`")
    except PermissionError:
        return refused("unreadable", f"`{name}` may not be read by this user")
    except OSError as error:
        reason = error.strerror or str(error)
        return refused("unreadable", f"`{name}` can't be read: {reason.lower()}")
    if len(content) > limits.source_bytes_max:
        return None, (too_large(Span(empty, 0, 0), limits),)
    try:
        return Source(name, content.decode("utf-8-sig")), ()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return refused(
            "not-utf8",
            f"`{name}` is not UTF-8: byte 0x{content[error.start]:02x} in line {line}",
            "save the file as UTF-8",
        )


# ---- the machine ---------------------------------------------------------------------------------

_UNIT, _PASS, _LIST, _APPEND, _MAKE = range(5)
"""What a reduction does: nothing, pass one child on, begin a list, add to it, make a value."""


class _Grammar:
    """The tables, and what the parser derives from them once."""

    def __init__(self, loaded: tables.Tables, keywords: frozenset[str]) -> None:
        self.actions = loaded.actions
        self.gotos = loaded.gotos
        self.start = loaded.start
        self.accept = loaded.accept
        self.symbols = loaded.symbols
        self.keywords = keywords
        rules: list[tuple[int, int, str, str, tuple[int, ...], bool, int]] = []
        for rule in loaded.rules:
            if rule.target.startswith("_"):
                how = _APPEND if rule.splice else _LIST
            elif rule.passes and len(rule.build) == 1 and not rule.splice:
                how = _UNIT if rule.size == 1 else _PASS
            else:
                how = _MAKE
            level = 1 if rule.name in LEVELS else 0
            rules.append(
                (how, rule.size, rule.target, rule.name, rule.build, bool(rule.splice), level)
            )
        self.rules = tuple(rules)
        self.splices = tuple(frozenset(rule.splice) for rule in loaded.rules)


@cache
def _loaded() -> tuple[Lexer, _Grammar]:
    loaded = tables.load()
    lexer = Lexer(loaded)
    return lexer, _Grammar(loaded, frozenset(lexer.keywords))


class Parser:
    """One run over the tokens of one file."""

    def __init__(self, grammar: _Grammar, tokens: Tokens, limits: Limits) -> None:
        self.grammar = grammar
        self.tokens = tokens
        self.limits = limits
        self.builder = Builder(tokens, limits)
        self.diagnostics: list[Diagnostic] = []
        self.states: list[int] = [grammar.start]
        # Beside each state: the value of its symbol, where that starts, how deep its tree is.
        self.values: list[Any] = [None]
        self.starts: list[int] = [0]
        self.depths: list[int] = [0]

    def run(self, errors_max: int) -> s.File | None:
        """The file, or None after an error; stops at `errors_max` errors.  Raises TooDeep."""
        file: s.File | None = None
        at = 0
        while len(self.diagnostics) < errors_max:
            at = self._advance(at)
            if at < 0:
                file = self.values[-1]
                break
            resumed = self._recover(at)
            if resumed is None:
                break
            at = resumed
        self.builder.finish({diagnostic.span.start for diagnostic in self.diagnostics})
        self.diagnostics += self.builder.diagnostics
        return file if not self.diagnostics else None

    def _advance(self, at: int) -> int:
        """Parses from token `at` until one that can't stand there, or the end (then -1)."""
        grammar, tokens, builder = self.grammar, self.tokens, self.builder
        states, values, starts, depths = self.states, self.values, self.starts, self.depths
        actions, gotos, rules, splices = (
            grammar.actions,
            grammar.gotos,
            grammar.rules,
            grammar.splices,
        )
        accept, depth_max = grammar.accept, self.limits.nesting_depth_max
        # No construct has more than 16 symbols before its innermost part, so a higher stack is
        # sure to become too deep a tree; and what is kept in it is bounded as well.
        stack_max = 16 * (depth_max + 4)
        source, reserved = tokens.source, builder.reserved
        kinds, texts = tokens.kinds, tokens.texts
        token_starts, token_ends = tokens.starts, tokens.ends
        make: list[Callable[..., Any] | None] = [
            getattr(builder, "on_" + rule[3]) if rule[0] == _MAKE else None for rule in rules
        ]
        last_end = token_ends[at - 1] if at else 0
        while True:
            kind = kinds[at]
            action = actions[states[-1]].get(kind)
            if action is None:
                kind = self._instead(at)
                action = actions[states[-1]].get(kind)
            while action is not None and action < 0:
                how, size, target, _, build, has_splice, level = rules[-1 - action]
                if how == _UNIT:
                    states[-1] = gotos[states[-2]][target]
                else:
                    if size == 1:
                        children = values[-1:]
                        depth = depths[-1]
                    else:
                        children = values[-size:]
                        depth = max(depths[-size:])
                        del values[1 - size :], states[1 - size :], depths[1 - size :]
                        del starts[1 - size :]
                    if how == _MAKE:
                        depth += level
                        span = Span(source, starts[-1], last_end)
                        if depth > depth_max:
                            raise TooDeep(too_deep(span, None, self.limits))
                        if not has_splice:
                            arguments = [children[k] if k >= 0 else None for k in build]
                        else:
                            arguments = []
                            splice = splices[-1 - action]
                            for k in build:
                                if k in splice:
                                    arguments += children[k]
                                else:
                                    arguments.append(children[k] if k >= 0 else None)
                        maker = make[-1 - action]
                        value = maker(span, *arguments) if maker is not None else None
                    elif how == _PASS:
                        value = children[build[0]]
                    elif how == _APPEND:
                        value = children[build[0]]
                        for k in build[1:]:
                            value.append(children[k])
                    else:
                        value = [children[k] for k in build]
                    values[-1] = value
                    depths[-1] = depth
                    states[-1] = gotos[states[-2]][target]
                if kind == "$END" and states[-1] == accept:
                    return -1
                action = actions[states[-1]].get(kind)
            if action is None:
                return at
            start, last_end = token_starts[at], token_ends[at]
            text: Any = texts[at]
            if kind == "NAME":
                if kinds[at] != "NAME":
                    reserved[start] = text
                text = s.Ident(text, Span(source, start, last_end))
            states.append(action)
            if len(states) > stack_max:
                raise TooDeep(too_deep(Span(source, start, last_end), None, self.limits))
            values.append(text)
            starts.append(start)
            depths.append(0)
            at += 1

    def _instead(self, at: int) -> str:
        """What token `at` is where its own kind can't stand: a keyword may be a name, and a token
        whose beginning is one by itself is split."""
        tokens = self.tokens
        kind = tokens.kinds[at]
        accepts = self.grammar.actions[self.states[-1]]
        if kind in self.grammar.keywords and "NAME" in accepts:
            return "NAME"
        if kind == ">=" and ">" in accepts:
            tokens.split(at, ">", [("=", "=")])
        elif kind == "DECIMAL" and "INT" in accepts:
            # `t.1.0`: the components of a tuple in a tuple.
            _whole, point, digits = tokens.texts[at].partition(".")
            tokens.split(at, "INT", [(".", point), ("INT", digits)])
        return tokens.kinds[at]

    # ---- errors ----------------------------------------------------------------------------------

    def accepts(self, *kinds: str) -> bool:
        """Whether tokens of these kinds could come next, one after the other."""
        grammar = self.grammar
        states = list(self.states)
        for kind in kinds:
            while True:
                action = grammar.actions[states[-1]].get(kind)
                if action is None:
                    return False
                if action >= 0:
                    states.append(action)
                    break
                _, size, target, *_ = grammar.rules[-1 - action]
                del states[-size:]
                states.append(grammar.gotos[states[-1]][target])
                if kind == "$END" and states[-1] == grammar.accept:
                    break
        return True

    def expected(self) -> frozenset[str]:
        """The kinds of token that could come next."""
        row = self.grammar.actions[self.states[-1]]
        return frozenset(kind for kind in row if self.accepts(kind))

    def symbol(self, back: int) -> str:
        """The grammar symbol `back` places below the top of the stack; empty at the bottom."""
        at = len(self.states) - 1 - back
        return self.grammar.symbols[self.states[at]] if at >= 0 else ""

    def cut(self, level: int) -> None:
        """Takes everything above `level` off the stack."""
        for stack in (self.states, self.values, self.starts, self.depths):
            del stack[level + 1 :]

    def _recover(self, at: int) -> int | None:
        """Reports the error at token `at`; the token to go on with, or None if there is none."""
        from planproof.spec import mistakes

        if self.tokens.kinds[at] == "$END" and self.tokens.cut_off:
            return None  # why, is said already
        diagnostic, on = mistakes.explain(self, at)
        self.diagnostics.append(diagnostic)
        return mistakes.resume(self, at) if on is None else on
