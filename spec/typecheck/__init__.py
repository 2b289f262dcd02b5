"""Names and types: from the tree of what was written to the tree of what it means.

    check_domain(file)            ->  Domain
    check_policy(file, domain)    ->  Policy
    check_plans(file, world)      ->  PlanSet

Each returns None instead where there is an error, and all that was found, in order of place.
Read `domain`, `policy` and `plan` for what is demanded of each kind of file, `expressions` for
the types of expressions, `planproof.spec.resolve` for names.
"""

from planproof.spec.typecheck.domain import check_domain
from planproof.spec.typecheck.plan import check_plans
from planproof.spec.typecheck.policy import check_policy

__all__ = ["check_domain", "check_plans", "check_policy"]
