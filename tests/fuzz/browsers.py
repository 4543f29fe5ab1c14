"""The reader of events that is compiled for browsers, asked about many at once."""

from base64 import b64encode

from javascript import JavaScript

_JAVASCRIPT = """
import * as $ from "./runtime.js";
import * as core from "./core.js";
function isEvent(payload) {
  try {
    core.events__parse(new Uint8Array(Buffer.from(payload, "base64")));
    return true;
  } catch (error) {
    if (!(error instanceof $.BaseException)) throw error;
    return false;
  }
}
export const answer = (payloads) => payloads.map(isEvent);
"""
AT_ONCE = 500


class Browsers:
    """Asks what is compiled for browsers, many at once, whether payloads are events, as Python has said they are."""

    def __init__(self) -> None:
        self._asked = JavaScript([("traceability.core.events", "parse")], _JAVASCRIPT)
        self._waiting: list[tuple[str, bytes, bool]] = []

    def agree(self, name: str, payload: bytes, *, is_event: bool) -> None:
        """AssertionError, now or later, where they say otherwise."""
        self._waiting.append((name, payload, is_event))
        if len(self._waiting) == AT_ONCE:
            self.finish()

    def finish(self) -> None:
        said = self._asked.ask([b64encode(payload).decode() for _, payload, _ in self._waiting])
        for (name, payload, is_event), found in zip(self._waiting, said, strict=True):
            assert found == is_event, f"{name}: {payload!r}"
        self._waiting.clear()
