"""Shared by every test: Hypothesis without wall-clock deadlines, because machines differ."""

from hypothesis import settings

settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("search", deadline=None)
settings.load_profile("ci")
