"""What a quantified formula says of fixed terms was no footprint, so some truths stayed unknown."""

from __future__ import annotations

import pytest
from tests.soundness import judging
from tests.soundness.judging import QUICK, prove
from tests.soundness.programs import Texts, lowered

DOMAIN = "domain d;\ndefault seconds 1;\nrecord Item { size: Int, rank: Int }\n"


@pytest.mark.parametrize(
    "claim",
    [
        "forall x in xs :: x in xs",
        "forall x in xs :: x in xs + [y]",
        "forall x in xs :: exists z in xs :: z.size == x.size",
    ],
)
def test_every_item_is_in_its_list(claim: str) -> None:
    plan = f"plan main(xs: List<Item, 4>, y: Item) {{ assert {claim}; }}"
    assert judging.verdict(prove(lowered(Texts(DOMAIN, "", plan)), QUICK)) == "proved"
