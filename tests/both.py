"""Verifying twice: in Python, and in the JavaScript that is compiled from it for browsers. Both must say the same.

Tests that verify evidence take `verify` from here. Of what a run asks, JavaScript is asked a part, chosen by the bytes
of the question; with EVERY=1 all of it.
"""

import atexit
import functools
import hashlib
import os
import re
import tempfile
from base64 import b64encode
from pathlib import Path
from typing import Any

import orjson

from javascript import JavaScript
from traceability.browser import module
from traceability.core import verify as core
from traceability.core.report import FAILED, Report
from traceability.core.trust_policy import TrustPolicy

EVERY = int(os.environ.get("EVERY", "5"))
_OF_LIBRARIES = re.compile(
    r"(not an evidence file|not an event|the value disclosed for [^:]*|not a finding): .*", re.DOTALL
)
"""What JSON libraries say of bytes that are none, or of another shape: the place in front of it is ours."""


def verify(data: bytes, policy: TrustPolicy, *, now: str | None = None, complete: bool = False) -> Report:
    """What `core.verify` finds. AssertionError where JavaScript finds something else."""
    report = core.verify(data, policy, now=now, complete=complete)
    asked = {
        "data": b64encode(data).decode(),
        "policy": b64encode(policy.encode()).decode(),
        "now": now,
        "complete": complete,
    }
    question = orjson.dumps(asked)
    if int.from_bytes(hashlib.sha256(question).digest()[:4], "big") % EVERY == 0:
        said, expected = verifier().ask(asked), orjson.loads(report.to_json())
        assert _comparable(said) == _comparable(expected)
    return report


@functools.cache
def verifier() -> JavaScript:
    """The compiled verifier, asked as `verifier.mjs` says."""
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name) / "verifier.mjs"
    path.write_bytes(module())
    process = JavaScript(Path(__file__).parent / "verifier.mjs", path.as_uri())

    def end() -> None:
        process.close()
        folder.cleanup()

    atexit.register(end)
    return process


def _comparable(report: dict[str, Any]) -> dict[str, Any]:
    """The report without the words of JSON libraries, which stand only where a step failed."""
    if report.get("verdict") != FAILED:
        return report
    steps = [_without(step, "outcome") for step in report["steps"]]
    lots = [_without(lot, "why") for lot in report["lots"]]
    return _without(report, "why") | {"lots": lots, "steps": steps}


def _without(said: dict[str, Any], name: str) -> dict[str, Any]:
    return said | {name: _OF_LIBRARIES.sub(r"\1", said[name])} if name in said else said
