"""A refined list, set or map has no scalar to file the fact under, so it was never known.

One that conditions can't state was worse: it raised out of the generator.
"""

from __future__ import annotations

import pytest
from tests.soundness import judging
from tests.soundness.judging import QUICK, prove
from tests.soundness.programs import Texts, lowered

DOMAIN = """domain d;
default seconds 1;
type Key;
type Few = List<Int, 3> where len(self) > 0;
type Positive = Map<Key, Int> where forall k in self :: self[k] > 0;
type Even = Set<Int> where forall x in self :: x % 2 == 0;
record Counted { items: Set<Int>, size: Int }
type Exact = Counted where count(x in self.items :: x > 0) == self.size;
tool few() -> Few;
"""


def verdict(plan: str) -> str:
    return judging.verdict(prove(lowered(Texts(DOMAIN, "", plan)), QUICK))


@pytest.mark.parametrize(
    "plan",
    [
        "plan main(x: Few) { assert len(x) > 0; }",
        "plan main(x: Few) { var y = x; repeat 2 { y = few(); } assert len(y) > 0; }",
        "plan main(x: Positive, k: Key) { if k in x { assert x[k] > 0; } }",
        "plan main(x: Even) { assert !(3 in x); }",
        "plan main(x: Exact) { assert x.size >= 0 || x.size < 0; }",
    ],
)
def test_what_the_type_says_is_known(plan: str) -> None:
    assert verdict(plan) == "proved"


@pytest.mark.parametrize(
    "plan",
    [
        "plan main(x: Few) { assert len(x) > 1; }",
        "plan main(x: Positive, k: Key) { if k in x { assert x[k] > 1; } }",
        "plan main(x: Even) { assert !(2 in x); }",
    ],
)
def test_and_no_more_than_that(plan: str) -> None:
    assert verdict(plan) == "refuted"
