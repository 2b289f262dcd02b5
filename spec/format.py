"""Tree to text, in the one canonical form.

Two blanks of indent, one clause a line, at most 100 columns where an expression can be broken at
all, and no parenthesis that precedence makes superfluous.  Numbers of five digits and more are
grouped by `_`.  `parse(format(x)) == x`, and formatting twice changes nothing.

Comments are kept: a comment on the line of what it follows stays there, all others stand on lines
of their own before what they precede; a comment inside an expression moves in front of its clause
or statement.  One blank line is kept where there were some.  Both are known from spans, so a tree
made by a program is printed without them.

Long expressions are broken at their loosest operators, then inside brackets ("fill" layout as in
Wadler, "A prettier printer", 1998, without the general algebra: a line is broken only where it
does not fit, outermost first).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import assert_never

from planproof.spec import syntax as s
from planproof.spec.lexer import is_forbidden
from planproof.spec.source import NOWHERE, Span

WIDTH = 100


def format(file: s.File) -> str:
    """The canonical text of a file, ending in a line end."""
    printer = _Printer(file.comments)
    printer.file(file)
    return "\n".join(printer.lines) + "\n"


def format_expr(expr: s.Expr) -> str:
    """The expression on one line."""
    return _flat(expr, _EXPR, True)


def format_type(type: s.TypeExpr) -> str:
    """The type on one line."""
    match type:
        case s.NamedType(name, arguments, labels):
            text = name.text
            if arguments:
                inner = (
                    _integer(each) if isinstance(each, int) else format_type(each)
                    for each in arguments
                )
                text += f"<{', '.join(inner)}>"
        case s.TupleType(items, labels):
            text = f"({', '.join(map(format_type, items))})"
        case _:
            assert_never(type)
    return text + "".join(f" @{label.text}" for label in labels)


# ---- expressions on one line ---------------------------------------------------------------------

_EXPR, _OR, _AND, _COMPARISON, _SUM, _PRODUCT, _UNARY, _POSTFIX = range(8)
"""What the grammar admits at a place, from anything to an operand of `.`."""

_BINARY: dict[s.BinaryOp, tuple[int, int, int]] = {
    # operator: its own level, and what it admits to its left and right
    s.BinaryOp.IMPLIES: (_EXPR, _OR, _EXPR),
    s.BinaryOp.OR: (_OR, _OR, _AND),
    s.BinaryOp.AND: (_AND, _AND, _COMPARISON),
    s.BinaryOp.ADD: (_SUM, _SUM, _PRODUCT),
    s.BinaryOp.SUB: (_SUM, _SUM, _PRODUCT),
    s.BinaryOp.MUL: (_PRODUCT, _PRODUCT, _UNARY),
    s.BinaryOp.DIV: (_PRODUCT, _PRODUCT, _UNARY),
    s.BinaryOp.MOD: (_PRODUCT, _PRODUCT, _UNARY),
}
for _op in ("==", "!=", "<", "<=", ">", ">=", "in"):
    _BINARY[s.BinaryOp(_op)] = (_COMPARISON, _SUM, _SUM)

_LOGICAL = frozenset((s.BinaryOp.IMPLIES, s.BinaryOp.OR, s.BinaryOp.AND))
_OPEN = (s.IfExpr, s.QuantifierIn, s.ForallType, s.Find, s.Best)
"""They reach as far right as they can, so they stand bare only at the end of an expression."""


def _level(expr: s.Expr) -> int:
    """The tightest level at which the expression stands without parentheses."""
    match expr:
        case s.Binary(op):
            return _BINARY[op][0]
        case s.Unary():
            return _UNARY
        case s.IfExpr() | s.QuantifierIn() | s.ForallType() | s.Find() | s.Best():
            return _EXPR
        case _:
            return _POSTFIX


def _needs_parentheses(expr: s.Expr, level: int, last: bool) -> bool:
    """Whether they are needed where the grammar admits `level`; `last` says that the expression
    ends there, so that an open one may reach as far right as it does."""
    return _level(expr) < level and not (last and isinstance(expr, _OPEN))


def _flat(expr: s.Expr, level: int, last: bool) -> str:
    """The expression on one line, in parentheses where they are needed."""
    if _needs_parentheses(expr, level, last):
        return f"({_bare(expr, True)})"
    return _bare(expr, last)


def _bare(expr: s.Expr, last: bool) -> str:
    """The expression on one line, without outer parentheses."""
    match expr:
        case s.IntLiteral(value):
            return _integer(value)
        case s.DecimalLiteral():
            return _decimal(expr)
        case s.TextLiteral(value):
            return quote(value)
        case s.BoolLiteral(value):
            return "true" if value else "false"
        case s.NoneLiteral():
            return "none"
        case s.ResultRef():
            return "result"
        case s.SelfRef():
            return "self"
        case s.Name(name):
            return name
        case s.Call(name, arguments):
            return f"{name.text}({_arguments(arguments)})"
        case s.TupleExpr(items):
            return f"({_exprs(items)})"
        case s.ListExpr(items):
            return f"[{_exprs(items)}]"
        case s.SetExpr(items):
            return f"{{{_exprs(items)}}}"
        case s.Unary(op, operand):
            return op.value + _flat(operand, _UNARY, False)
        case s.Binary(op, left, right):
            _, at_left, at_right = _BINARY[op]
            ends = last and op in _LOGICAL
            first = _flat(left, at_left, False)
            second = _flat(right, at_right, ends)
            return f"{first} {op.value} {second}"
        case s.IfExpr(condition, then, otherwise):
            text = f"if {format_expr(condition)} then {format_expr(then)}"
            return f"{text} else {format_expr(otherwise)}"
        case s.QuantifierIn(kind, variable, domain, body):
            head = f"{kind.value} {variable.text} in {format_expr(domain)}"
            return f"{head} :: {format_expr(body)}"
        case s.ForallType(variable, type, body):
            return f"forall {variable.text}: {format_type(type)} :: {format_expr(body)}"
        case s.Find(variable, domain, where):
            head = f"find {variable.text} in {_flat(domain, _SUM, False)}"
            return f"{head} where {format_expr(where)}"
        case s.Best(variable, domain, filter, by):
            head = f"best {variable.text} in {_flat(domain, _SUM, False)}{_where(filter)}"
            return f"{head} by {format_expr(by)}"
        case s.Aggregate(kind, variable, domain, filter, body):
            head = f"{kind.value}({variable.text} in {format_expr(domain)}{_where(filter)}"
            return f"{head} :: {format_expr(body)})"
        case s.SumOf(operand):
            return f"sum({_flat(operand, _SUM, False)})"
        case s.Old(operand):
            return f"old({format_expr(operand)})"
        case s.Initially(operand):
            return f"initially({format_expr(operand)})"
        case s.Once(pattern):
            return f"once({format_pattern(pattern)})"
        case s.FieldAccess(operand, name):
            return f"{_before_dot(operand)}.{name.text}"
        case s.Component(operand, index):
            return f"{_before_dot(operand)}.{index}"
        case s.Index(operand, key):
            return f"{_flat(operand, _POSTFIX, False)}[{format_expr(key)}]"
        case s.Updated(operand, key, value):
            inner = f"{format_expr(key)} := {format_expr(value)}"
            return f"{_flat(operand, _POSTFIX, False)}[{inner}]"
        case s.With(operand, fields):
            return f"{_flat(operand, _POSTFIX, False)} with {{ {_arguments(fields)} }}"
        case s.Comprehension(body, variable, domain, filter):
            head = f"{format_expr(body)} for {variable.text} in {_flat(domain, _SUM, False)}"
            return f"[{head}{_where(filter)}]"
        case _:
            assert_never(expr)


def _before_dot(operand: s.Expr) -> str:
    # `1.0` is a decimal, and a lexer that does not back up expects one at `1.` already.
    if isinstance(operand, s.IntLiteral):
        return f"({_integer(operand.value)})"
    return _flat(operand, _POSTFIX, False)


def _where(condition: s.Expr | None) -> str:
    return "" if condition is None else f" where {format_expr(condition)}"


def _exprs(items: Iterable[s.Expr]) -> str:
    return ", ".join(map(format_expr, items))


def _argument(argument: s.Argument) -> str:
    name = "" if argument.name is None else f"{argument.name.text}: "
    return name + format_expr(argument.value)


def _arguments(arguments: Iterable[s.Argument]) -> str:
    return ", ".join(map(_argument, arguments))


def _integer(value: int) -> str:
    return f"{value:_}" if value >= 10_000 else str(value)


def _decimal(literal: s.DecimalLiteral) -> str:
    scaled = literal.value * 10**literal.digits
    whole, fraction = divmod(scaled.numerator, 10**literal.digits)
    return f"{_integer(whole)}.{fraction:0{literal.digits}}"


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quote(value: str) -> str:
    """The text as a literal; what a person could not see is an escape."""
    if value.isalnum() and value.isascii():
        return f'"{value}"'
    parts = []
    for character in value:
        if character in _ESCAPES:
            parts.append(_ESCAPES[character])
        elif is_forbidden(character):
            units = character.encode("utf-16-be")
            parts += [f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2)]
        else:
            parts.append(character)
    return f'"{"".join(parts)}"'


# ---- patterns and rules --------------------------------------------------------------------------


def format_pattern(pattern: s.Pattern) -> str:
    """The call pattern on one line."""
    arguments = ", ".join(
        ("" if each.name is None else f"{each.name.text}: ") + _slot(each.slot)
        for each in pattern.arguments
    )
    text = f"{pattern.tool.text}({arguments})"
    if pattern.result is not None:
        text += f" == {_flat(pattern.result, _SUM, False)}"
    return text + _where(pattern.where)


def _slot(slot: s.Slot) -> str:
    match slot:
        case s.Wildcard():
            return "_"
        case s.Bind(name):
            return name.text
        case _:
            return format_expr(slot)


def _rule(rule: s.Rule) -> list[str]:
    """The parts of a rule, each of which may begin a line."""
    match rule:
        case s.NeverRule(pattern, scope):
            parts = [f"never {format_pattern(pattern)}"]
            match scope:
                case None:
                    pass
                case s.AfterScope(other):
                    parts.append(f"after {format_pattern(other)}")
                case s.BeforeScope(other):
                    parts.append(f"before {format_pattern(other)}")
                case s.BetweenScope(opening, closing):
                    parts.append(f"between {format_pattern(opening)}")
                    parts.append(f"and {format_pattern(closing)}")
                case _:
                    assert_never(scope)
            return parts
        case s.PrecedenceRule(pattern, need):
            match need:
                case s.OnceNeed(other):
                    needed = f"once {format_pattern(other)}"
                case s.OwnNeed(other):
                    needed = f"own {format_pattern(other)}"
                case s.ConditionNeed(condition):
                    needed = format_expr(condition)
                case _:
                    assert_never(need)
            return [f"before {format_pattern(pattern)}", f"require {needed}"]
        case s.AtMostRule(bound, pattern, per):
            parts = [f"at most {_bound(bound)} {format_pattern(pattern)}"]
            return parts if per is None else [*parts, f"per {per.text}"]
        case s.FinallyRule(pattern, always):
            return [f"{'always ' if always else ''}finally {format_pattern(pattern)}"]
        case s.ResponseRule(trigger, response, always):
            return [
                f"{'always ' if always else ''}after {format_pattern(trigger)}",
                f"require eventually {format_pattern(response)}",
            ]
        case _:
            assert_never(rule)


def _bound(bound: s.Bound) -> str:
    return _integer(bound) if isinstance(bound, int) else bound.text


# ---- breaking long lines -------------------------------------------------------------------------


def _broken(prefix: str, expr: s.Expr, suffix: str, room: int) -> list[str]:
    """`prefix expr suffix`, on several lines if `room` columns are too few for one.

    Lines after the first are indented by four.
    """
    whole = prefix + format_expr(expr) + suffix
    if len(whole) <= room:
        return [whole]
    return _filled(prefix, _pieces(expr, True), suffix, room)


def _filled(prefix: str, pieces: Sequence[str], suffix: str, room: int) -> list[str]:
    """The pieces, as many on each line as fit."""
    lines: list[str] = []
    line = prefix
    for at, piece in enumerate(pieces):
        tail = len(suffix) if at == len(pieces) - 1 else 0
        blank = "" if not line or line.endswith(" ") or at == 0 else " "
        if at > 0 and len(line) + len(blank) + len(piece) + tail > room:
            lines.append(line.rstrip())
            line = "    " + piece
        else:
            line += blank + piece
    return [*lines, line + suffix]


def _pieces(expr: s.Expr, last: bool) -> list[str]:
    """The expression as parts between which a line may end."""
    match expr:
        case s.Binary(op, left, right) if op in _LOGICAL or op is s.BinaryOp.ADD:
            _, at_left, at_right = _BINARY[op]
            ends = last and op in _LOGICAL
            first = _part(left, at_left, False)
            second = _part(right, at_right, ends)
            return [*first, f"{op.value} {second[0]}", *second[1:]]
        case s.IfExpr(condition, then, otherwise):
            return [*_lead("if ", condition), *_lead("then ", then), *_lead("else ", otherwise)]
        case s.QuantifierIn(kind, variable, domain, body):
            head = f"{kind.value} {variable.text} in {format_expr(domain)} ::"
            return [head, *_pieces(body, True)]
        case s.ForallType(variable, type, body):
            return [
                f"forall {variable.text}: {format_type(type)} ::",
                *_pieces(body, True),
            ]
        case s.Find(variable, domain, where):
            head = f"find {variable.text} in {_flat(domain, _SUM, False)}"
            return [head, *_lead("where ", where)]
        case s.Best(variable, domain, filter, by):
            head = f"best {variable.text} in {_flat(domain, _SUM, False)}"
            filters = [] if filter is None else _lead("where ", filter)
            return [head, *filters, *_lead("by ", by)]
        case s.Call(name, arguments) if arguments:
            return _listed(f"{name.text}(", [_argument(each) for each in arguments], ")")
        case s.ListExpr(items) if items:
            return _listed("[", list(map(format_expr, items)), "]")
        case s.SetExpr(items) if items:
            return _listed("{", list(map(format_expr, items)), "}")
        case s.TupleExpr(items):
            return _listed("(", list(map(format_expr, items)), ")")
        case _:
            return [_flat(expr, _EXPR, last)]


def _part(expr: s.Expr, level: int, last: bool) -> list[str]:
    """`_pieces`, but in parentheses, and unbroken, where the grammar needs them at `level`."""
    if _needs_parentheses(expr, level, last):
        return [_flat(expr, level, last)]
    return _pieces(expr, last)


def _lead(word: str, expr: s.Expr) -> list[str]:
    first, *rest = _pieces(expr, True)
    return [word + first, *rest]


def _listed(opening: str, items: list[str], closing: str) -> list[str]:
    """Items separated by commas, the first with what opens the list and the last with its end."""
    parts = [each + "," for each in items[:-1]] + [items[-1] + closing]
    parts[0] = opening + parts[0]
    return parts


# ---- lines and comments --------------------------------------------------------------------------

_BLANK_LINE = re.compile(r"\n[ \t\r]*\n")
# What may stand between a unit and a comment behind it; behind a loop's head, also its bound.
_BETWEEN = re.compile(r"[ \t\r,;{()]*")
_BETWEEN_BOUND = re.compile(r"[ \t\r,;{()]*(max\b)?[ \t\r]*\w*[ \t\r,;{()]*")


class _Printer:
    """Lines so far, and the comments still to be put between them.

    What is printed comes in units: lines that stand for a stretch of the source.  Before a unit
    come the comments that begin before its end, behind it those that follow on its line.
    """

    def __init__(self, comments: Sequence[s.Comment]) -> None:
        self.lines: list[str] = []
        self.indent = 0
        self.comments = comments
        self.next = 0
        # Where what was printed last ends in the source; None where no blank line may follow.
        self.tail: int | None = None

    # ---- units -----------------------------------------------------------------------------------

    def unit(
        self,
        span: Span,
        end: int,
        lines: Sequence[str],
        between: re.Pattern[str] = _BETWEEN,
    ) -> None:
        """Puts lines that stand for the source from the start of `span` up to `end`."""
        known = span is not NOWHERE
        if known:
            self.comments_before(end)
            self.blank_line(span.source.text, span.start)
        self.put(lines)
        self.tail = None
        if known:
            self.tail = end
            self.comments_behind(span.source.text, end, between)

    def put(self, lines: Iterable[str]) -> None:
        blanks = "  " * self.indent
        self.lines += [blanks + line if line else "" for line in lines]

    def blank_line(self, text: str, start: int) -> None:
        """Keeps one blank line where the source had some between what was last and `start`."""
        if self.tail is not None and _BLANK_LINE.search(text, self.tail, max(start, self.tail)):
            self.lines.append("")

    def force_blank_line(self) -> None:
        if self.lines and self.lines[-1]:
            self.lines.append("")
        self.tail = None

    def comments_before(self, end: int | None) -> None:
        """Puts the comments that begin before `end`, or all, on lines of their own."""
        while self.next < len(self.comments):
            comment = self.comments[self.next]
            if end is not None and comment.span.start >= end:
                break
            self.blank_line(comment.span.source.text, comment.span.start)
            first, *rest = comment.text.split("\n")
            self.put([first.rstrip()])
            # The other lines of a block comment stay as they are: it may be a drawing.
            self.lines += [line.rstrip() for line in rest]
            self.tail = comment.span.end
            self.next += 1

    def comments_behind(self, text: str, end: int, between: re.Pattern[str] = _BETWEEN) -> None:
        """Puts the comments that follow `end` on its line at the end of the last line."""
        while self.next < len(self.comments):
            comment = self.comments[self.next]
            start = comment.span.start
            is_on_line = start >= end and between.fullmatch(text, end, start)
            if not is_on_line or "\n" in comment.text:
                break
            self.lines[-1] += f"  {comment.text.rstrip()}"
            self.tail = end = comment.span.end
            self.next += 1

    def has_comment_before(self, end: int) -> bool:
        return self.next < len(self.comments) and self.comments[self.next].span.start < end

    # ---- files and declarations ------------------------------------------------------------------

    def file(self, file: s.File) -> None:
        match file:
            case s.DomainFile(name, items, doc):
                self.unit(file.span, name.span.end, [*_doc(doc), f"domain {name.text};"])
            case s.PolicyFile(name, domain, items, doc):
                head = f"policy {name.text} for {domain.text};"
                self.unit(file.span, domain.span.end, [*_doc(doc), head])
            case s.PlanFile(items):
                pass
            case _:
                assert_never(file)
        apart = not isinstance(file, s.PlanFile)
        for item in items:
            if apart or _stands_apart(item):
                self.force_blank_line()
            self.declaration(item)
            apart = _stands_apart(item)
        self.comments_before(None)

    def declaration(self, item: s.DomainItem | s.PolicyItem | s.Plan) -> None:
        match item:
            case s.ToolDecl():
                self.tool(item)
            case s.Plan():
                self.plan(item)
            case s.RecordDecl(name, fields, doc):
                parts = [(each.span, _field(each)) for each in fields]
                self.braces(item.span, doc, f"record {name.text}", name, parts)
            case s.EnumDecl(name, members, doc):
                parts = [(each.span, each.text) for each in members]
                self.braces(item.span, doc, f"enum {name.text}", name, parts)
            case _:
                self.unit(item.span, item.span.end, [*_doc(item.doc), *_declaration(item)])

    def braces(
        self, span: Span, doc: str, head: str, name: s.Ident, parts: list[tuple[Span, str]]
    ) -> None:
        """A record or enum: on one line if it fits and no comment is in it."""
        line = f"{head} {{ {', '.join(part for _, part in parts)} }}"
        if len(line) <= WIDTH and not (span is not NOWHERE and self.has_inner_comment(span, name)):
            self.unit(span, span.end, [*_doc(doc), line])
            return
        self.unit(span, name.span.end, [*_doc(doc), head + " {"])
        self.indent += 1
        self.tail = None
        for part_span, part in parts:
            self.unit(part_span, part_span.end, [part + ","])
        self.close(span)

    def has_inner_comment(self, span: Span, name: s.Ident) -> bool:
        """Whether a comment stands between the name and the closing brace of a declaration."""
        text = span.source.text
        close = text.rfind("}", name.span.end, span.end)
        return any(
            name.span.end <= comment.span.start < close for comment in self.comments[self.next :]
        )

    def close(self, span: Span, line: str = "}") -> None:
        """The closing brace at the end of `span`, after the comments before it."""
        if span is not NOWHERE:
            brace = span.source.text.rfind("}", span.start, span.end)
            self.comments_before(brace)
            self.indent -= 1
            self.tail = None
            self.unit(Span(span.source, brace, span.end), span.end, [line])
        else:
            self.indent -= 1
            self.tail = None
            self.put([line])

    def tool(self, item: s.ToolDecl) -> None:
        last = len(item.clauses) - 1
        head = _signature(f"tool {item.name.text}", item.parameters, item.result)
        head[-1] += ";" if last < 0 else ""
        self.unit(item.span, _signature_end(item), [*_doc(item.doc), *head])
        self.indent += 1
        for at, clause in enumerate(item.clauses):
            lines = _clause(clause, ";" if at == last else "", self.room)
            self.unit(clause.span, clause.span.end, lines)
        self.indent -= 1

    @property
    def room(self) -> int:
        """How many columns are left beside the indent."""
        return WIDTH - 2 * self.indent

    # ---- plans -----------------------------------------------------------------------------------

    def plan(self, item: s.Plan) -> None:
        head = _signature(f"plan {item.name.text}", item.parameters, item.result)
        doc = _doc(item.doc)
        end = _signature_end(item)
        self.headed(item.span, end, [*doc, *head], item.clauses, item.body)
        self.close(item.body.span)

    def headed(
        self,
        span: Span,
        end: int,
        head: list[str],
        clauses: Sequence[s.PlanClause | s.LoopInvariant],
        body: s.Block,
        between: re.Pattern[str] = _BETWEEN,
    ) -> None:
        """A head with its clauses, and the statements of its body; the brace is not closed.

        The opening brace ends the head's line, or stands alone after clauses or a broken head.
        """
        alone = bool(clauses) or head[-1].startswith("    ")
        if not alone:
            head[-1] += " {"
            end = end if body.span is NOWHERE else body.span.start + 1
        self.unit(span, end, head, between)
        self.indent += 1
        for clause in clauses:
            self.unit(clause.span, clause.span.end, _clause(clause, "", self.room))
        self.indent -= 1
        if alone:
            brace = body.span
            self.tail = None
            self.unit(brace, brace.start + 1, ["{"])
        self.indent += 1
        self.tail = None
        for statement in body.statements:
            self.statement(statement)

    def statement(self, statement: s.Statement) -> None:
        span = statement.span
        match statement:
            case s.If():
                self.if_statement(statement)
            case s.For(index, variable, domain, bound, invariants, body):
                names = variable.text if index is None else f"{index.text}, {variable.text}"
                most = "" if bound is None else f" max {_bound(bound)}"
                head = _broken(f"for {names} in ", domain, most, self.room - 2)
                self.headed(span, domain.span.end, head, invariants, body, _BETWEEN_BOUND)
                self.close(body.span)
            case s.While(condition, decreases, bound, invariants, body):
                tail = f" decreases {format_expr(decreases)} max {_bound(bound)}"
                head = _broken("while ", condition, tail, self.room - 2)
                self.headed(span, decreases.span.end, head, invariants, body, _BETWEEN_BOUND)
                self.close(body.span)
            case s.Repeat(bound, invariants, body):
                end = span.start + len("repeat")
                head = [f"repeat {_bound(bound)}"]
                self.headed(span, end, head, invariants, body, _BETWEEN_BOUND)
                self.close(body.span)
            case s.Try(body, otherwise):
                self.headed(span, body.span.start, ["try"], (), body)
                self.otherwise(body, otherwise)
                self.close(otherwise.span)
            case s.Parallel(branches):
                self.unit(span, span.start + len("parallel"), ["parallel {"])
                self.indent += 1
                self.tail = None
                for branch in branches:
                    self.unit(branch.span, branch.span.start + 1, ["{"])
                    self.indent += 1
                    self.tail = None
                    for inner in branch.statements:
                        self.statement(inner)
                    self.close(branch.span)
                self.close(span)
            case _:
                self.unit(span, span.end, _simple(statement, self.room))

    def if_statement(self, statement: s.If) -> None:
        head = _broken("if ", statement.condition, "", self.room - 2)
        self.headed(statement.span, statement.then.span.start, head, (), statement.then)
        last = statement.then
        rest = statement.otherwise
        while isinstance(rest, s.If):
            self.end_branch(last, rest.then)
            head = _broken("} else if ", rest.condition, "", self.room - 2)
            self.headed(rest.span, rest.then.span.start, head, (), rest.then)
            last, rest = rest.then, rest.otherwise
        if rest is not None:
            self.otherwise(last, rest)
            last = rest
        self.close(last.span)

    def end_branch(self, body: s.Block, following: s.Block) -> None:
        """Ends a branch that another one follows; comments up to that one's brace belong to it."""
        if body.span is not NOWHERE:
            self.comments_before(following.span.start)
        self.indent -= 1
        self.tail = None

    def otherwise(self, before: s.Block, body: s.Block) -> None:
        """`} else {` and the statements; the brace is not closed."""
        self.end_branch(before, body)
        self.put(["} else {"])
        if body.span is not NOWHERE:
            self.comments_behind(body.span.source.text, body.span.start + 1)
        self.indent += 1
        self.tail = None
        for statement in body.statements:
            self.statement(statement)


def _stands_apart(item: s.DomainItem | s.PolicyItem | s.Plan) -> bool:
    return isinstance(item, s.ToolDecl | s.Plan) or bool(item.doc)


def _doc(text: str) -> list[str]:
    return [f"/// {line}".rstrip() for line in text.split("\n")] if text else []


def _signature_end(item: s.ToolDecl | s.Plan) -> int:
    """Where the head ends, up to which comments go in front of it."""
    if item.result is not None:
        return item.result.span.end
    return item.parameters[-1].span.end if item.parameters else item.name.span.end


def _parameter(parameter: s.Parameter) -> str:
    default = "" if parameter.default is None else f" = {format_expr(parameter.default)}"
    return f"{parameter.name.text}: {format_type(parameter.type)}{default}"


def _signature(
    head: str, parameters: Sequence[s.Parameter], result: s.TypeExpr | None, suffix: str = ""
) -> list[str]:
    end = ")" + ("" if result is None else f" -> {format_type(result)}") + suffix
    parts = [_parameter(each) for each in parameters]
    line = f"{head}({', '.join(parts)}{end}"
    if len(line) <= WIDTH - 2 or not parts:
        return [line]
    pieces = [part + "," for part in parts[:-1]] + [parts[-1]]
    pieces[0] = head + "(" + pieces[0]
    return _filled("", pieces, end, WIDTH - 2)


def _field(field: s.FieldDecl) -> str:
    return f"{field.name.text}: {format_type(field.type)}"


def _declaration(
    item: s.TypeDecl
    | s.ResourceDecl
    | s.StateDecl
    | s.InitiallyDecl
    | s.ConstDecl
    | s.FunctionDecl
    | s.DefaultCost
    | s.FlowDecl
    | s.FlowDefault
    | s.InvariantDecl
    | s.RuleDecl
    | s.Budget,
) -> list[str]:
    """A declaration that ends in `;`, without its doc."""
    match item:
        case s.TypeDecl(name, base, where):
            if base is None:
                return [f"type {name.text};"]
            head = f"type {name.text} = {format_type(base)}"
            return [head + ";"] if where is None else _broken(f"{head} where ", where, ";", WIDTH)
        case s.ResourceDecl(name, type):
            return [f"resource {name.text}: {format_type(type)};"]
        case s.StateDecl(name, type, observer, shared):
            line = f"state {name.text}: {format_type(type)}"
            line += "" if observer is None else f" observed by {observer.text}"
            return [line + (" shared;" if shared else ";")]
        case s.InitiallyDecl(condition):
            return _broken("initially ", condition, ";", WIDTH)
        case s.ConstDecl(name, type, value):
            return _broken(f"const {name.text}: {format_type(type)} = ", value, ";", WIDTH)
        case s.FunctionDecl(name, parameters, result, body):
            head = f"function {name.text}"
            if body is None:
                return _signature(head, parameters, result, ";")
            *lines, last = _signature(head, parameters, result)
            return [*lines, *_broken(f"{last} = ", body, ";", WIDTH)]
        case s.DefaultCost(resource, amount):
            return _broken(f"default {resource.text} ", amount, ";", WIDTH)
        case s.FlowDecl(name, chains):
            orders = [" < ".join(label.text for label in chain) for chain in chains]
            pieces = [each + "," for each in orders[:-1]] + [orders[-1]]
            return _filled(f"flow {name.text} ", pieces, ";", WIDTH)
        case s.FlowDefault(what, label):
            return [f"flow default {what.text} {label.text};"]
        case s.InvariantDecl(name, condition):
            return _broken(f"invariant {name.text}: ", condition, ";", WIDTH)
        case s.RuleDecl(name, rule):
            parts = _rule(rule)
            line = f"rule {name.text}: {' '.join(parts)};"
            if len(line) <= WIDTH:
                return [line]
            return [f"rule {name.text}:", *(f"  {part}" for part in parts[:-1]), f"  {parts[-1]};"]
        case s.Budget(resource, limit):
            return _broken(f"budget {resource.text} <= ", limit, ";", WIDTH)
        case _:
            assert_never(item)


def _clause(
    clause: s.ToolClause | s.PlanClause | s.LoopInvariant, suffix: str, room: int
) -> list[str]:
    match clause:
        case s.Requires(condition):
            return _broken("requires ", condition, suffix, room)
        case s.Ensures(condition):
            return _broken("ensures ", condition, suffix, room)
        case s.LoopInvariant(condition):
            return _broken("invariant ", condition, suffix, room)
        case s.Modifies(places):
            return _filled("modifies ", _commas(map(_place, places)), suffix, room)
        case s.Reads(places):
            return _filled("reads ", _commas(map(_place, places)), suffix, room)
        case s.Cost(charges):
            parts = (f"{each.resource.text} {format_expr(each.amount)}" for each in charges)
            return _filled("cost ", _commas(parts), suffix, room)
        case s.Fails(dirty, leaving):
            if leaving is None:
                return [f"fails{' dirty' if dirty else ''}{suffix}"]
            return _broken("fails dirty leaving ", leaving, suffix, room)
        case s.Undo(tool, arguments):
            return [f"undo {tool.text}({_arguments(arguments)}){suffix}"]
        case s.Flag(kind):
            return [kind.value + suffix]
        case s.Budget(resource, limit):
            return _broken(f"budget {resource.text} <= ", limit, suffix, room)
        case _:
            assert_never(clause)


def _commas(parts: Iterable[str]) -> list[str]:
    listed = list(parts)
    return [part + "," for part in listed[:-1]] + listed[-1:]


def _place(place: s.Place) -> str:
    text = place.root.text
    for step in place.steps:
        match step:
            case s.KeyStep(key):
                text += f"[{format_expr(key)}]"
            case s.FieldStep(name):
                text += f".{name.text}"
            case _:
                assert_never(step)
    return text


def _simple(
    statement: s.Let
    | s.Var
    | s.Assign
    | s.CallStatement
    | s.Break
    | s.Check
    | s.Assert
    | s.Return
    | s.Abort,
    room: int,
) -> list[str]:
    """A statement without a block."""
    match statement:
        case s.Let(names, is_tuple, type, value):
            listed = ", ".join(name.text for name in names)
            head = f"let ({listed})" if is_tuple else f"let {listed}"
            head += "" if type is None else f": {format_type(type)}"
            return _broken(f"{head} = ", value, ";", room)
        case s.Var(name, type, value):
            head = f"var {name.text}" + ("" if type is None else f": {format_type(type)}")
            return _broken(f"{head} = ", value, ";", room)
        case s.Assign(name, value):
            return _broken(f"{name.text} = ", value, ";", room)
        case s.CallStatement(call):
            return _broken("", call, ";", room)
        case s.Break():
            return ["break;"]
        case s.Check(condition, message):
            return _broken("check ", condition, f" else {quote(message)};", room)
        case s.Assert(condition):
            return _broken("assert ", condition, ";", room)
        case s.Return(value):
            return ["return;"] if value is None else _broken("return ", value, ";", room)
        case s.Abort(message):
            return [f"abort {quote(message)};"]
        case _:
            assert_never(statement)
