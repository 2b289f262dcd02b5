"""The head of a loop took keys that the body writes to for present, also at the first iteration."""

from __future__ import annotations

from tests.soundness import judging
from tests.soundness.judging import QUICK, prove
from tests.soundness.programs import Texts, lowered

DOMAIN = """domain d;
default seconds 1;
type Key;
state chart: Map<Key, Int>;
tool edit(k: Key, n: Int)
  requires k in chart
  modifies chart[k]
  ensures chart[k] == n;
"""
PLAN = """plan main(k: Key)
{0}{{
  repeat 2
    invariant forall j in chart :: j in old(chart)
  {{
    edit(k, 1);
  }}
}}
"""


def test_the_call_in_the_loop_owes_its_requires() -> None:
    program = lowered(Texts(DOMAIN, "", PLAN.format("")))
    proof = prove(program, QUICK)
    [tag] = proof.findings.violations
    assert program.tags[tag].kind.value == "requires"
    assert not judging.discharged(proof, tag)


def test_where_the_key_is_there_the_loop_is_proved() -> None:
    program = lowered(Texts(DOMAIN, "", PLAN.format("  requires k in chart\n")))
    assert judging.verdict(prove(program, QUICK)) == "proved"
