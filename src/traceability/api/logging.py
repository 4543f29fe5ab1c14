"""What the server writes down: one JSON object a line on stderr, with nothing private in it.

A request is logged by the template of its route (`/v1/tags/{code}`, never the code), by id, status and time.
A fault is logged by the kind of the error and where it was raised, never by its message: messages of
databases and parsers quote what they were given. Party, event and log ids are pseudonyms and may stand here.
"""

import json
import logging
import sys
import time
import traceback
from typing import TextIO

REQUESTS = logging.getLogger("traceability.requests")
FAULTS = logging.getLogger("traceability.faults")


class JsonLines(logging.Formatter):
    """One record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        facts: dict[str, object] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{record.msecs:03.0f}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        more = getattr(record, "facts", None)
        if isinstance(more, dict):
            facts.update(more)
        if record.exc_info and record.exc_info[1] is not None:
            facts.update(fault(record.exc_info[1]))
        return json.dumps(facts, ensure_ascii=False, default=str)


def fault(error: BaseException) -> dict[str, object]:
    """What may be said of an error: its kind, and the innermost places it came through."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    places = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    return {"error": type(error).__qualname__, "raised_at": places}


def configure(stream: TextIO | None = None) -> None:
    """Sends every logger's lines, uvicorn's too, to stderr (or `stream`) as JSON. Call once, at start."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    # Its access log quotes paths, and a path may hold the code of a tag; ours stands in `edge`.
    logging.getLogger("uvicorn.access").disabled = True
