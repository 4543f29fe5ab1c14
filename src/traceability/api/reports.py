"""/v1/reports: something is wrong, said by a person who has no key and names himself to nobody.

The report is sealed, signed with a key of the operator that this server holds (REPORT_KEY), and appended at once;
the answer is the proof that it is in, and a code. The code is random, shown this once, and kept only as a hash,
in the event itself: whoever has it sees what became of the report. Addresses are neither kept nor logged, the
event names the day and no hour, and how many reports are taken is bounded for all together.
"""

import hashlib
import hmac
import secrets
import threading
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Request
from fastapi import Path as InPath
from starlette.responses import Response

from traceability.api import openapi
from traceability.api.answers import of_problem, speak, taken
from traceability.api.guesses import Bucket
from traceability.api.limits import Limits, need_media_type, read_body
from traceability.api.problems import Problem, not_here, request_id
from traceability.api.services import Services
from traceability.api.views import Day, Taken, View
from traceability.core import canonical, events
from traceability.core.authority import day_of
from traceability.core.concern_records import Incident as IncidentRecord
from traceability.core.errors import Malformed
from traceability.core.events import Incident
from traceability.core.events import Response as ResponseEvent
from traceability.core.ids import KeyId, commitment, crockford, to_unpadded
from traceability.core.registry_records import Key, LedgerFacts
from traceability.core.signing import SigningKey
from traceability.ledger.answers import Answer, Disclosure, Recorded, Refused, Submission
from traceability.ledger.reader import Reader
from traceability.ledger.writer import Ledger

router = APIRouter(tags=["reports"])
_LIMITS = Limits(16 * 1024)
AT_ONCE, SECONDS_EACH = 20, 30.0
"""So many reports may come at once, and then one in so many seconds: anybody may send them."""
_SEALED = ("account", "people")
_DOCUMENT = "report:"


class ReportTaken(Taken, frozen=True):
    """The proof that a report is in, and the code that tells what became of it: it is shown only now."""

    code: str


class AnswerView(View, frozen=True):
    """A response to a report."""

    day: Day
    act: Literal["explanation", "action_planned", "action_done", "checked", "dismissed", "escalated"]
    due: Day | None = None
    public_text: str | None = None


class ReportState(View, frozen=True):
    """What became of a report."""

    state: Literal["open", "settled"]
    reported: Day
    answers: list[AnswerView] = msgspec.field(default_factory=list)


class Reporter:
    """Signs reports with one key of the operator. Each server process needs a key of its own: it counts its numbers."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key
        self._lock = threading.Lock()
        self._next = 0
        self.room = Bucket(AT_ONCE, SECONDS_EACH)
        """How many more are taken now."""

    def report(self, ledger: Ledger, said: dict[str, Any]) -> tuple[Answer, str]:
        """The ledger's answer, and the code. Raises Malformed for what is no report, Problem `busy` or `no_reports`."""
        code = crockford(secrets.token_bytes(20))
        with ledger.store.read() as view:
            facts, key = view.record(("ledger", "")), view.record(("key", self._key.id))
            now = view.now()
        if (
            not isinstance(facts, LedgerFacts)
            or not isinstance(key, Key)
            or key.party != facts.operator
            or key.revoked is not None
        ):
            raise Problem("no_reports", "the key that would sign reports is none of the operator's now")
        sealed = {f"/{name}": said.pop(name) for name in _SEALED if name in said}
        opened: list[Disclosure] = [
            (to_unpadded(secrets.token_bytes(16)), path, value) for path, value in sorted(sealed.items())
        ]
        with self._lock:
            sequence = max(self._next, Reader(ledger.store).next_sequence(KeyId(self._key.id)))
            event = {
                "body": {**said, "reporter": "anonymous", "source": "device", "document": _kept(code)},
                "event_time": f"{day_of(now)}T00:00:00Z",  # the day is enough
                "key": self._key.id,
                "kind": "incident",
                "log": facts.log,
                "party": facts.operator,
                "previous": [],
                "sealed": [[path, commitment(s, path, canonical.encode(value))] for s, path, value in opened],
                "sequence": sequence,
                "version": 1,
            }
            envelope = self._key.sign_event(events.encode(event))
            if not self.room.take():
                raise Problem("busy", "many reports came just now; send it again in a minute")
            answer = ledger.append_one(Submission(envelope, None, opened))
            if isinstance(answer, Recorded):
                self._next = sequence + 1
        return answer, code


def _kept(code: str) -> str:
    """What the event keeps of a code: nobody comes from it to 130 random bits."""
    return _DOCUMENT + hashlib.sha256(b"traceability/report/v1\n" + code.encode()).hexdigest()


_REPORT: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["categories", "subjects", "happened_from"],
    "properties": {
        "categories": {"type": "array", "minItems": 1, "items": {"type": "string"}},
        "subjects": {
            "type": "array",
            "minItems": 1,
            "maxItems": 100,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["type", "id"],
                "properties": {"type": {"type": "string"}, "id": {"type": "string"}},
            },
        },
        "happened_from": {"type": "string"},
        "happened_until": {"type": "string"},
        "level": {"type": "integer", "minimum": 1, "maximum": 3},
        "region": {"type": "string"},
        "account": {"type": "string", "description": "In one's own words; sealed"},
        "people": {"type": "array", "description": "Persons concerned; sealed", "items": {"type": "object"}},
    },
}


@router.post(
    "/v1/reports",
    status_code=201,
    operation_id="report",
    summary="Report that something is wrong, without a key and without a name",
    responses=openapi.answers(
        {201: ReportTaken}, "malformed", "no_reports", "waits_for", "too_slow", "too_large", "unsupported_media_type",
        "not_signing", "busy", "not_recorded", "unavailable", "disk_full",
    ),
    openapi_extra=openapi.body(("application/json", _REPORT)),
)  # fmt: skip
async def report(request: Request) -> Response:
    """An `incident` as docs/format.md has it: categories, what it is about, since when; account and people are sealed.

    Signed by the operator, because no event is without a key: it says so (`anonymous`). Keep the code.
    """
    services: Services = request.app.state.services
    reporter: Reporter | None = request.app.state.reporter
    if reporter is None:
        raise Problem("no_reports", "this ledger's operator takes no reports here")
    need_media_type(request, "application/json")
    with services.admission.hold() as held:
        said = _read(await read_body(request, _LIMITS, held))
        services.space.check()
        async with services.admission.event():
            try:
                answer, code = await services.run(reporter.report, services.ledger, said)
            except Malformed as error:
                raise Problem("malformed", str(error)) from error
    if isinstance(answer, Refused) and answer.name not in ("not_signing", "unavailable", "not_recorded"):
        return of_problem(Problem("malformed", answer.message), request_id(request.scope)).response()
    if not isinstance(answer, Recorded):
        return speak(answer, request_id(request.scope)).response()
    proof = msgspec.structs.asdict(taken(answer))
    view = ReportTaken(**proof, code=f"{answer.index}-{code}")
    return Response(view.json(), 201, {"Cache-Control": "no-store"}, "application/json")


def _read(data: bytes) -> dict[str, Any]:
    try:
        said = canonical.load(data)
    except Malformed as error:
        raise Problem("malformed", str(error)) from error
    if not isinstance(said, dict) or not said.keys() <= _REPORT["properties"].keys():
        names = ", ".join(_REPORT["properties"])
        raise Problem("malformed", f"a report is a JSON object with some of {names}")
    return said


Code = Annotated[str, InPath(pattern=r"^[0-9]{1,15}-[0-9a-hjkmnp-tv-z]{26}$", description="As it was shown")]


@router.get(
    "/v1/reports/{code}",
    operation_id="get_report",
    summary="What became of a report, by the code its reporter was given",
    responses=openapi.answers({200: ReportState}, "malformed", "not_here"),
)
async def state(request: Request, code: Code) -> Response:
    """Whether it is settled, and what was answered for everybody to read."""
    services: Services = request.app.state.services
    view = await services.run(_state, services, code)
    return Response(view.json(), headers={"Cache-Control": "no-store"}, media_type="application/json")


def _state(services: Services, code: str) -> ReportState:
    index, _, secret = code.partition("-")
    entry = services.reader.entry(int(index))
    event = None if entry is None else entry.event
    document = event.body.document or "" if isinstance(event, Incident) else ""
    if entry is None or not hmac.compare_digest(document.encode(), _kept(secret).encode()):
        raise not_here()
    record = services.reader.record(("incident", entry.event_id))
    assert isinstance(record, IncidentRecord)
    answers = []
    for event_id in record.answers:
        said = services.reader.entry_of(event_id)
        if said is not None and isinstance(said.event, ResponseEvent):
            body = said.event.body
            answers.append(
                AnswerView(
                    day=day_of(said.record_time), act=body.act, due=body.due, public_text=body.public_text
                )
            )
    return ReportState(
        state="open" if record.settled_by is None else "settled",
        reported=datetime.fromtimestamp(entry.record_time, UTC).date().isoformat(),
        answers=answers,
    )
