"""What all tests share: how long Hypothesis looks, and an environment without a user's settings."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Test machines are shared and slow at times; a deadline would measure them and not us.
_QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile(
    "default", max_examples=60, deadline=None, derandomize=True, suppress_health_check=_QUIET
)
settings.register_profile(
    "fuzz", max_examples=6_000, deadline=None, suppress_health_check=_QUIET
)
settings.load_profile("default")

# Tests that look at colour or tracebacks say so themselves.
for _name in ("NO_COLOR", "FORCE_COLOR", "PLANPROOF_DEBUG"):
    os.environ.pop(_name, None)

# `PYTHONPATH=src pytest` works as an installation does, also for commands run in other folders.
if _path := os.environ.get("PYTHONPATH"):
    os.environ["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, _path.split(os.pathsep)))
