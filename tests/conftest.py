"""Shared by every test: Hypothesis without wall-clock deadlines, because machines differ."""

import pytest
from hypothesis import settings

pytest.register_assert_rewrite("both")  # what it asserts is told in full, too

settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("search", deadline=None)
settings.load_profile("ci")
