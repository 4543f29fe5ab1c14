"""The book: the operator states its root, and who replayed the log says that he got the same."""

import contextlib
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from traceability.cli.common import Data, Exit, KeyFile, Stop, of_a_ledger, say, settings, write_out
from traceability.cli.ledger import opening
from traceability.core import events
from traceability.core.ids import KeyId, PartyId
from traceability.core.leaf import time_text


@of_a_ledger
def snapshot(
    key: Annotated[Path, typer.Option(metavar="FILE", help="The operator's key.")],
    party: Annotated[str | None, typer.Option(help="The operator's id, if the file does not say it.")] = None,
    data: Data = None,
) -> None:
    """States the root of the book, so that evidence can show that it is all there is.

    The server does it hourly where SNAPSHOT_KEY names a key; nothing is stated where nothing has come since.
    """
    from traceability.api.services import Services
    from traceability.ledger import snapshots
    from traceability.ledger.answers import Recorded

    held = KeyFile(key)
    with opening():
        services = Services.open(settings(data))
    with contextlib.closing(services):
        operator = PartyId(held.fact("party", party))
        said = snapshots.take(services.ledger, held.key, operator, _now)
    if said is None:
        say("nothing has come since the newest snapshot")
    elif isinstance(said, Recorded):
        say(f"entry {said.index} states the book of the {said.index} entries before it")
    else:
        raise Stop(f"the ledger did not take it: {said}", Exit.NO)


@of_a_ledger
def attest(
    key: Annotated[Path, typer.Option(metavar="FILE", help="The auditor's, monitor's or regulator's key.")],
    party: Annotated[str | None, typer.Option(help="Your id, if the key file does not say it.")] = None,
    sequence: Annotated[
        int | None, typer.Option(help="The key's next number; absent: as this copy of the log has it.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where to; stdout if absent.")] = None,
    data: Data = None,
) -> None:
    """Replays a ledger, or the copy that `load` made of a dump, and signs what it got for the newest snapshot.

    It prints the line that `submit` sends. Nothing is signed where anything is wrong: exit code 1.
    """
    from traceability.core.registry_records import LedgerFacts
    from traceability.ledger import fsck
    from traceability.ledger.reader import Reader
    from traceability.ledger.store import Store

    held = KeyFile(key)
    with contextlib.closing(Store(settings(data).url)) as store:
        report = fsck.check(store)
        for damage in report.damages:
            say(f"{damage.table} {damage.key}: {damage.what}")
        if report.verdict != "good":
            raise Stop(f"nothing is attested: {report.verdict.replace('_', ' ')}", Exit.NO)
        if report.book is None:
            raise Stop("no snapshot is stated yet: there is no book to attest", Exit.CANNOT_TELL)
        with store.read() as view:
            facts = view.record(("ledger", ""))
        assert isinstance(facts, LedgerFacts)
        number = Reader(store).next_sequence(KeyId(held.key.id)) if sequence is None else sequence
    body = {
        "size": report.book.size,
        "root": report.book.root,
        "book": report.book.book,
        "findings": report.book.findings,
        "program": f"traceability {version('traceability')}",
    }
    event = {
        "body": body,
        "event_time": time_text(_now()),
        "key": held.key.id,
        "kind": "attestation",
        "log": facts.log,
        "party": held.fact("party", party),
        "previous": [],
        "sealed": [],
        "sequence": number,
        "version": 1,
    }
    envelope = held.key.sign_event(events.encode(event))
    write_out(out, b'{"disclosures":[],"envelope":%s}\n' % envelope.to_json())


def _now() -> int:
    return int(datetime.now(UTC).timestamp())
