# What one does here every day. Everything expects the `dev` extra: pip install -e '.[dev]'

default: test lint types

# All tests, on all cores.
test *args:
    pytest -q -n auto {{args}}

# Style, and who may import whom.
lint:
    ruff check
    lint-imports

types:
    mypy

# Examples that must be proved, and their wrong twins, which must not be.
examples:
    planproof verify examples/*/*.plan

# The tables of the grammar and the schemas of the reports, after a change of either.
schema:
    python -m planproof.verifier.report.schema

tables:
    python -m planproof.spec.tables

# Ten small tasks beside Dafny and Boogie, where these are installed.
bench:
    python bench/peers/run.py

# Hypothesis looks a hundred times longer than in the tests.
fuzz:
    python bench/fuzz/run.py --plans 5000

# What continuous integration does.
ci:
    .ci/run
