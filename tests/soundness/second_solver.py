"""cvc5, which shares no code with Z3, on the scripts that Z3 has answered.

The scripts are SMT-LIB 2.6, so this checks two things: that a verdict does not rest on a fault of
one solver, and that what is digested and dumped is what another solver reads.
"""

from __future__ import annotations

import cvc5


def status(text: str, milliseconds: int = 800) -> str:
    """`sat`, `unsat` or `unknown`; asserts that the text is one that cvc5 accepts."""
    solver = cvc5.Solver(cvc5.TermManager())
    solver.setOption("tlimit-per", str(milliseconds))
    parser = cvc5.InputParser(solver)
    symbols = parser.getSymbolManager()
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "condition")
    answer = ""
    while True:
        command = parser.nextCommand()
        if command.isNull():
            break
        said = str(command.invoke(solver, symbols)).strip()
        if command.getCommandName() == "check-sat":
            answer = said
        else:
            assert not said.startswith("(error"), said
    if not answer:
        answer = str(solver.checkSat())
    return answer if answer in ("sat", "unsat") else "unknown"
