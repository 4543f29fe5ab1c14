"""Findings that the operator states, because the rules behind them read sealed values or public scans."""

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from traceability.cli.common import Data, Exit, Json, KeyFile, Stop, answer, of_a_ledger, say, settings
from traceability.cli.ledger import opening
from traceability.core import events

if TYPE_CHECKING:
    from traceability.core.findings.stated import ToState


@of_a_ledger
def findings(
    key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The operator's key; without one nothing is signed.")
    ] = None,
    party: Annotated[str | None, typer.Option(help="The operator's id, if the file does not say it.")] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Looks for prices, values at export, identity papers and scans of tags that do not add up, and states what it finds.

    It reads the sealed values disclosed to the ledger; what it signs with --key and appends tells none of them.
    What it finds in scans is a notice, for strangers reported it.
    What was stated before is not stated again. Without --key it only tells what it would sign.
    """
    from traceability.api.services import Services
    from traceability.core.findings.catalogue import RULES
    from traceability.core.leaf import time_text
    from traceability.core.registry_records import LedgerFacts
    from traceability.core.signing import Envelope
    from traceability.ledger.answers import Recorded, Submission
    from traceability.ledger.stating import to_state

    held = KeyFile(key) if key is not None else None
    with opening():
        services = Services.open(settings(data))
    with contextlib.closing(services):
        found = to_state(services.store)
        for each in found:
            _tell(each, as_json)
        if held is None:
            return
        with services.store.read() as view:
            facts = view.record(("ledger", ""))
        assert isinstance(facts, LedgerFacts)
        signer = held.fact("party", party)
        sequence = services.reader.next_sequence(held.key.id)
        for number, each in enumerate(found, start=sequence):
            event = {
                "body": each.body(RULES[each.rule].version),
                "event_time": time_text(int(datetime.now(UTC).timestamp())),
                "key": held.key.id,
                "kind": "finding",
                "log": facts.log,
                "party": signer,
                "previous": [],
                "sealed": [],
                "sequence": number,
                "version": 1,
            }
            envelope: Envelope = held.key.sign_event(events.encode(event))
            said = services.ledger.append_one(Submission(envelope))
            if not isinstance(said, Recorded):
                raise Stop(f"the ledger did not take it: {said}", Exit.NO)


def _tell(each: "ToState", as_json: bool) -> None:
    if as_json:
        answer({"rule": each.rule, "severity": each.severity, "events": list(each.events)})
    else:
        figures = ", ".join(f"{name} {value}" for name, value in each.figures)
        say(f"{each.rule} ({each.severity}): {figures}; event {each.events[0]}")
