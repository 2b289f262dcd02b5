"""From a checked plan to a verdict: obligations, the solver, counterexamples, reports."""
