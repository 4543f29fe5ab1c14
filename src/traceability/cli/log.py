"""The log's own life: another key that signs its checkpoints, and its end."""

import contextlib
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from traceability.cli.common import Data, Exit, KeyFile, Stop, of_a_ledger, say, settings
from traceability.cli.ledger import opening
from traceability.core.note import Signer
from traceability.core.registry_records import LedgerFacts

if TYPE_CHECKING:
    from traceability.settings import Settings

log = typer.Typer(help="The log's own life: further keys, and its end.", no_args_is_help=True)
Operator = Annotated[Path, typer.Option(metavar="FILE", help="The operator's key.")]
Why = Annotated[str, typer.Option(help="Why, for everybody to read.")]


@log.command("rotate-key", epilog="Example: traceability log rotate-key --key operator.pem")
@of_a_ledger
def rotate_key(key: Operator, reason: Why = "", data: Data = None) -> None:
    """Gives the log a further key: makes it, records it, and signs each checkpoint with both.

    The new key stands on a line of its own in LOG_KEY. Start every server again, so that both sign; once whoever
    verifies has the new key, take the old line out and start them again. Where authorities have a quorum, the new key
    signs from their approval on. Cut short, the same command goes on where it was.
    """
    from traceability.ledger.log_keys import add_log_key, read_log_keys

    chosen = settings(data)
    with opening():
        signers = read_log_keys(chosen.log_key)
        facts = _facts(chosen.url)
        if signers[-1].verifier.encode() not in facts.log_keys:
            fresh = signers[-1]
        else:
            fresh = Signer(facts.origin, secrets.token_bytes(32))
            add_log_key(chosen.log_key, fresh)
    vkey = fresh.verifier.encode()
    _record(chosen, KeyFile(key), reason, add=vkey)
    say(f"  further key   {vkey}")
    say(f"  both stand in {chosen.log_key}")
    say("Start every server again, and give the further key to everyone who verifies.")


@log.command(epilog="Example: traceability log freeze ledger.example.org/car --key operator.pem")
@of_a_ledger
def freeze(
    origin: Annotated[str, typer.Argument(help="The log's origin, so that no other is ended by mistake.")],
    key: Operator,
    reason: Why = "",
    data: Data = None,
) -> None:
    """Ends the log for good: nothing is added to it any more, and its last checkpoint says so.

    Reads go on, and what is in it is proved as before. What may follow is a successor: `init --successor-of`. Where
    authorities have a quorum, the end comes with their approval.
    """
    chosen = settings(data)
    with opening():
        facts = _facts(chosen.url)
    if facts.origin != origin:
        raise Stop(f"this is {facts.origin}, not {origin}")
    _record(chosen, KeyFile(key), reason)


def _record(chosen: "Settings", held: KeyFile, reason: str, *, add: str | None = None) -> None:
    """Signs and records a `log_key` that names this key; without one, that the log ends with it."""
    from traceability.api.services import Services
    from traceability.ledger import snapshots
    from traceability.ledger.answers import Recorded

    with opening():
        services = Services.open(chosen)
    with contextlib.closing(services):
        with services.store.read() as view:
            size, facts = view.head().size, view.record(("ledger", ""))
        assert isinstance(facts, LedgerFacts)
        body: dict[str, object] = {"freeze_at": size + 1} if add is None else {"add": add}
        if reason:
            body["reason"] = reason
        now = int(datetime.now(UTC).timestamp())
        said = snapshots.say(services.ledger, held.key, facts.operator, "log_key", body, now)
    if not isinstance(said, Recorded):
        raise Stop(f"the ledger did not take it: {said}", Exit.NO)
    say(f"entry {said.index} is the event {said.event_id}")
    if facts.quorum:
        say(f"It counts once {facts.quorum} of the other authorities have signed an `approval` of it.")


def _facts(url: str) -> LedgerFacts:
    from traceability.ledger.store import Store

    with contextlib.closing(Store(url)) as store, store.read() as view:
        facts = view.record(("ledger", ""))
    if not isinstance(facts, LedgerFacts):
        raise Stop("the ledger has no genesis: begin it with `traceability init`")
    return facts
