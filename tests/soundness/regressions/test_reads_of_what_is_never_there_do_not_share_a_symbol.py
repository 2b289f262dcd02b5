"""`none.value` of two types was one symbol, in which the facts of both types met.

With a negative and a positive type they contradict each other, and everything followed.
"""

from __future__ import annotations

import pytest
from tests.soundness import judging
from tests.soundness.judging import QUICK, prove
from tests.soundness.programs import Texts, lowered

DOMAIN = """domain d;
default seconds 1;
type Neg = Int where self <= -1;
type Pos = Int where self >= 1;
"""


@pytest.mark.parametrize(
    ("type", "literal", "read"),
    [("Option<{}>", "none", "{}.value"), ("List<{}, 3>", "[]", "{}[x]")],
    ids=["option", "list"],
)
def test_a_false_claim_is_refuted(type: str, literal: str, read: str) -> None:
    def reading(name: str) -> str:
        return f"if x > 3 then (if y > 2 then {read.format(name)} else 0) else 0"

    plan = f"""plan main(x: Int, y: Int)
  requires x > 3 ==> y < 2
{{
  let a: {type.format("Neg")} = {literal};
  let b: {type.format("Pos")} = {literal};
  let r = {reading("a")};
  let s = {reading("b")};
  assert r + s != 0;
}}
"""
    program = lowered(Texts(DOMAIN, "", plan))
    proof = prove(program, QUICK)
    assert judging.verdict(proof) == "refuted"
    [tag] = proof.findings.violations
    assert program.tags[tag].kind.value == "assert"
