"""The ledger's answer to one event, as a status and JSON; the same for the single route and for a line.

Taken: 201, or 200 when it was known. Without effect: 409 `double_issue`, now and whenever it is sent again,
with index and proof, because both branches are evidence. Everything else is a problem under its own name.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import msgspec
import orjson
from starlette.responses import Response

from traceability.api.problem_types import TYPES
from traceability.api.problems import MEDIA_TYPE, Problem
from traceability.api.views import FindingView, Taken
from traceability.core.ids import to_unpadded
from traceability.ledger.answers import Answer, Recorded, Refused, Waiting


class Spoken(NamedTuple):
    """What is said about one event. `name` is taken, known or the name of a problem; `body` a JSON object."""

    status: int
    name: str
    body: bytes
    event_id: str | None = None
    headers: Mapping[str, str] = MappingProxyType({})
    """Of a problem."""

    def response(self) -> Response:
        """As the answer of the single route."""
        if self.name not in TYPES:
            headers = {"Location": f"/v1/events/{self.event_id}"} if self.status == 201 else {}
            return Response(self.body, self.status, headers, "application/json")
        return Response(self.body, self.status, self.headers, MEDIA_TYPE)

    def line(self, number: int) -> bytes:
        """As the answer to one line: the same body, with the line's number and the status in front."""
        return b'{"line":%d,"status":%d,%s\n' % (number, self.status, self.body.removeprefix(b"{"))


def speak(answer: Answer | Problem, request_id: str | None, successor: str | None = None) -> Spoken:
    """What an answer of the ledger is to whoever sent the event; `successor` is where a log that has ended goes on."""
    match answer:
        case Recorded(stands=True):
            body = msgspec.json.encode(taken(answer))
            known = answer.known
            return Spoken(200 if known else 201, "known" if known else "taken", body, answer.event_id)
        case Recorded():
            detail = "the event is logged without effect: another one stands where it would have"
            if any(finding.rule == "number_used_twice" for finding in answer.findings):
                detail = (
                    "the event is logged without effect: its key has used this number before; "
                    "sign it again with the next number"
                )
            problem = Problem("double_issue", detail, more=msgspec.to_builtins(taken(answer)))
            return of_problem(problem, request_id, answer.event_id)
        case Waiting(type=type_, id=id_):
            more = {"waits_for": {"type": type_, "id": id_}}
            return of_problem(Problem("waits_for", str(answer), more=more), request_id)
        case Refused("log_frozen", message) if successor is not None:
            return of_problem(Problem("log_frozen", message, more={"successor": successor}), request_id)
        case Refused(name, message):
            return of_problem(Problem(name, message), request_id)
        case Problem():
            return of_problem(answer, request_id)


def of_problem(problem: Problem, request_id: str | None, event_id: str | None = None) -> Spoken:
    """A problem as what is said about one event."""
    body = problem.body(request_id)
    status = problem.kind.status
    said = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    return Spoken(status, problem.name, said, event_id, problem.headers)


def taken(answer: Recorded) -> Taken:
    """The proof a sender keeps."""
    return Taken(
        event_id=answer.event_id,
        index=answer.index,
        entry=answer.entry.decode(),
        blind=to_unpadded(answer.blind),
        proof=[to_unpadded(node) for node in answer.proof],
        checkpoint=answer.checkpoint.decode(),
        stands=answer.stands,
        lots={str(lot): stands for lot, stands in answer.fates.items()},
        findings=[FindingView.of(finding) for finding in answer.findings],
    )
