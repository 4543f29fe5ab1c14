"""Shared by every test: machines differ, so neither Hypothesis nor a client that waits minds the clock on the wall."""

import httpx
import pytest
from hypothesis import HealthCheck, settings

from patience import SECONDS

pytest.register_assert_rewrite("both")  # what it asserts is told in full, too

slow = [HealthCheck.too_slow]
settings.register_profile("ci", deadline=None, suppress_health_check=slow, derandomize=True, print_blob=True)
settings.register_profile("search", deadline=None, suppress_health_check=slow)
settings.load_profile("ci")

# What a client waits for an answer where a test does not say: httpx itself gives up after five seconds.
for what in ("connect", "read", "write", "pool"):
    setattr(httpx._config.DEFAULT_TIMEOUT_CONFIG, what, SECONDS)
