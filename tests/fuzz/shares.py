"""How the inputs of a run are shared out among the tests."""

SHARES = {
    "lines": 280,
    "routes": 70,
    "bytes": 40,
    "bodies": 240,
    "signed": 210,
    "events": 88,
    "envelopes": 50,
    "verdicts": 12,
    "offline": 5,
    "evidence": 3,
    "commands": 2,
}
"""Of a thousand inputs, how many each test has; docs/threats.md says which that is."""
