"""`init --successor-of`: a log that has ended, or lost entries for good, goes on under another origin."""

import contextlib
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from traceability.cli.common import Exit, KeyFile, Stop, read_bytes, say
from traceability.core import events
from traceability.core.checkpoint import Checkpoint
from traceability.core.errors import TraceabilityError
from traceability.core.ids import KeyId, to_unpadded
from traceability.core.leaf import time_text
from traceability.core.note import Signer, Verifier
from traceability.core.registry_records import LedgerFacts

if TYPE_CHECKING:
    from traceability.ledger.store import Store
    from traceability.settings import Settings


def successor(
    chosen: "Settings", origin: str, name: str, newest: Path, held: KeyFile, sequence: int | None
) -> None:
    """Opens the successor of the ledger that the settings name. Raises Stop, saying why it cannot be."""
    from traceability.cli.begin import new_log_key, write_policy
    from traceability.ledger.answers import Submission
    from traceability.ledger.guard import open_guard
    from traceability.ledger.reader import Reader
    from traceability.ledger.store import Store
    from traceability.ledger.writer import succeed

    with contextlib.closing(Store(chosen.url)) as store:
        with store.read() as view:
            head, facts = view.head(), view.record(("ledger", ""))
        if not isinstance(facts, LedgerFacts):
            raise Stop("there is no ledger to carry on here")
        if facts.origin == origin:
            raise Stop(f"{origin} is the log's own name already: a successor has another --origin")
        lost = _lost(chosen, store, facts, head.size, read_bytes(newest))
        signer = new_log_key(chosen.log_key, origin)
        number = Reader(store).next_sequence(KeyId(held.key.id)) if sequence is None else sequence
        genesis = held.key.sign_event(
            events.encode(_genesis(facts, name, signer, held, number, head.size, head.root, lost))
        )
        guard = open_guard(chosen.guard, signer.verifier.encode())
        with (
            contextlib.closing(guard),
            contextlib.closing(succeed(store, guard, signer, Submission(genesis))) as ledger,
        ):
            if ledger.refusal is not None:
                raise Stop(ledger.refusal, Exit.NO)
    policy = write_policy(chosen.data, *map(Verifier.parse, facts.log_keys), signer.verifier)
    gone = f", {lost} more are lost" if lost else ""
    say(f"{origin} carries on {facts.origin} from its first {head.size} entries{gone}.")
    say(f"  log key       {chosen.log_key}")
    say(f"  trust policy  {policy}   with the old keys and the new one, to give to everyone who verifies")
    say("Serve it with: traceability serve")


def _lost(chosen: "Settings", store: "Store", facts: LedgerFacts, size: int, note: bytes) -> int:
    """How many entries were signed and are not here. Raises Stop where the log has not come to its end."""
    from traceability.ledger import publish
    from traceability.ledger.guard import GuardHead, open_guard

    try:
        shown: Checkpoint = publish.open_own(note, facts)
    except TraceabilityError as error:
        raise Stop(f"this is no checkpoint of {facts.origin}: {error}") from error
    heads = [GuardHead(shown.size, shown.root)]
    with contextlib.closing(open_guard(chosen.guard, *facts.signing)) as guard:
        held = guard.read()
    if held is not None:
        heads.append(held)
    with store.read() as view:
        for known in heads:
            if known.size <= size and view.root_at(known.size) != known.root:
                raise Stop(
                    f"a head of {known.size} entries was signed that this ledger does not have", Exit.NO
                )
    lost = max(known.size for known in heads) - size
    if lost <= 0 and facts.frozen_at != size:
        raise Stop(f"{facts.origin} has not ended: `traceability log freeze` ends it, or serve it as it is")
    return max(lost, 0)


def _genesis(
    facts: LedgerFacts,
    name: str,
    signer: Signer,
    held: KeyFile,
    number: int,
    size: int,
    root: bytes,
    lost: int,
) -> dict[str, object]:
    now = time_text(int(datetime.now(UTC).timestamp()))
    continues: dict[str, object] = {"origin": facts.origin, "root": root.hex(), "size": size}
    if lost:
        continues["lost"] = lost
    body: dict[str, object] = {
        "name": name or facts.name,
        "nonce": to_unpadded(secrets.token_bytes(16)),
        "operator_name": name or facts.name,
        "keys": [],
        "authorities": [],
        "quorum": facts.quorum,
        "countries": list(facts.countries),
        "log_keys": [signer.verifier.encode()],
        "policy": {"from": now[:10], "bands": [], "thresholds": [], "refusals": [], "times": []},
        "continues": continues,
    }
    if facts.demo:
        body["demo"] = True
    return {
        "body": body,
        "event_time": now,
        "key": held.key.id,
        "kind": "genesis",
        "log": facts.log,
        "party": facts.operator,
        "previous": [],
        "sealed": [],
        "sequence": number,
        "version": 1,
    }
