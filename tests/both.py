"""Verifying twice: in Python, and in the JavaScript that is compiled from it for browsers. Both must say the same.

Tests that verify evidence take `verify` from here. Of what a run asks, JavaScript is asked a part, chosen by the bytes
of the question; with EVERY=1 all of it.
"""

import functools
import hashlib
import os
import re
from base64 import b64encode
from typing import Any

import orjson

from javascript import JavaScript
from traceability.browser.bundle import HERE, ROOTS
from traceability.core import verify as core
from traceability.core.report import FAILED, Report
from traceability.core.trust_policy import TrustPolicy

EVERY = int(os.environ.get("EVERY", "5"))
_OF_LIBRARIES = re.compile(
    r"(?:an evidence file was changed since it was written|not an evidence file): .*"
    r"|(not an event|not a finding|the value disclosed for [^:]*): .*",
    re.DOTALL,
)
"""What JSON libraries say of bytes that are none, or of another shape. Of several faults they tell different ones."""
_ANSWER = """
const bytesOf = (base64) => new Uint8Array(Buffer.from(base64, "base64"));
async function ofLabel({ label, pack, policy, read }) {
  return { report: read ? readLabel(label) : await verifyTag(label, bytesOf(pack), bytesOf(policy)) };
}
async function ofEvidence({ data, policy, ...options }) {
  return verify(bytesOf(data), bytesOf(policy), options);
}
export async function answer(asked) {
  try {
    return await ("label" in asked ? ofLabel(asked) : ofEvidence(asked));
  } catch ({ name, message }) {
    return { failed: { name, message } };
  }
}
"""


def verify(data: bytes, policy: TrustPolicy, *, now: str | None = None, complete: bool = False) -> Report:
    """What `core.verify` finds. AssertionError where JavaScript finds something else."""
    report = core.verify(data, policy, now=now, complete=complete)
    if int.from_bytes(hashlib.sha256(data).digest()[:4], "big") % EVERY == 0:
        agree(report, data, policy, now=now, complete=complete)
    return report


def agree(report: Report, data: bytes, policy: TrustPolicy, **options: Any) -> None:
    """AssertionError where JavaScript finds something else than this report."""
    asked = {"data": b64encode(data).decode(), "policy": b64encode(policy.encode()).decode(), **options}
    assert comparable(verifier().ask(asked)) == comparable(orjson.loads(report.to_json()))


@functools.cache
def verifier() -> JavaScript:
    """The compiled verifier, asked for evidence `{data, policy, …options}` or a label `{label, pack, policy, read}`."""
    return JavaScript(list(ROOTS), (HERE / "driver.js").read_text("utf-8") + _ANSWER)


def comparable(report: dict[str, Any]) -> dict[str, Any]:
    """The report without the words of JSON libraries, which stand only where a step failed."""
    if report.get("verdict") != FAILED:
        return report
    steps = [_without(step, "outcome") for step in report["steps"]]
    lots = [_without(lot, "why") for lot in report["lots"]]
    return _without(report, "why") | {"lots": lots, "steps": steps}


def _without(said: dict[str, Any], name: str) -> dict[str, Any]:
    return said | {name: _OF_LIBRARIES.sub(r"\1:", said[name])} if name in said else said
