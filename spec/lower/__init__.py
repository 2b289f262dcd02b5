"""Typed trees to core programs.

`lower_plan` makes the program of a plan, `lower_world` those by which a domain and its policies
owe that they make sense at all.  Read `plan.py` first, then `calls.py`, `loops.py`; what an
expression owes is in `obligations.py`, what a contract owes in `contracts.py`.
"""

from planproof.spec.lower.contracts import lower_world
from planproof.spec.lower.plan import lower_plan

__all__ = ["lower_plan", "lower_world"]
