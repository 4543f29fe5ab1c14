"""The life of the log itself: further keys that sign its checkpoints, its end, and the log that carries it on.

`log_key` adds a key, or says how many entries the log will ever have. Both count once the authorities' quorum has
approved. What comes after a log's end is rejected by the fold, so that no key can go on with it unnoticed.

A successor is a log of another origin, with keys of its own, that begins with all the entries of the one before and
goes on by a second genesis, whose index is their number. So names, ids, keys, lots and whatever else follows from
entries carry over, and proofs of the old log prove the same in the new one. That the root it names is theirs, and how
many entries were lost, only whoever has the tree, or an old checkpoint, can say.
"""

from msgspec.structs import replace

from traceability.core.errors import Malformed
from traceability.core.events import Event, Genesis, LogKey
from traceability.core.note import Verifier
from traceability.core.outcome import Step, reject
from traceability.core.record import Address
from traceability.core.registry_records import Continued, Key, LedgerFacts
from traceability.core.signing import key_id, spki_of_ed25519


def check_open(step: Step) -> None:
    """Rejects what comes after the end of the log, but for the genesis of a successor."""
    facts = step.ledger()
    end = facts.frozen_at
    if end is not None and step.entry.index >= end and not isinstance(step.event, Genesis):
        reject(
            "log_frozen", f"{facts.origin} has ended with {end} entries: ask its operator what carries it on"
        )


def first_keys(log: str, log_keys: list[str]) -> tuple[str, ...]:
    """The keys of a log that begins. Rejects what is none, and names of keys that are not the log's."""
    if {_verifier(vkey).name for vkey in log_keys} != {log}:
        reject("bad_log_key", f"the keys of this log are called {log}, as its checkpoints are")
    return tuple(log_keys)


def check_log_key(step: Step, event: LogKey) -> None:
    """Rejects a key that cannot become one of this log's."""
    facts, vkey = step.ledger(), event.body.add
    if vkey is None:
        return
    if _verifier(vkey).name != facts.origin:
        reject("bad_log_key", f"a further key of this log is called {facts.origin}, as its checkpoints are")
    _check_fresh(step, facts, vkey)


def change(step: Step, event: LogKey) -> None:
    """What a `log_key` changes, at its own entry or at that of the last approval."""
    facts = step.ledger()
    vkey, end = event.body.add, event.body.freeze_at
    if vkey is not None and vkey not in facts.log_keys:
        step.put("ledger", "", replace(facts, log_keys=(*facts.log_keys, vkey)))
    if end is not None:
        end = max(end, step.entry.index + 1)
        if facts.frozen_at is None or end < facts.frozen_at:
            step.put("ledger", "", replace(facts, frozen_at=end))


def succeed(step: Step, event: Genesis) -> None:
    """The genesis of a successor, in its place behind the entries it carries on."""
    body, facts = event.body, step.ledger()
    continues = body.continues
    if continues is None or continues.size != step.entry.index or continues.origin != facts.origin:
        reject(
            "genesis_first",
            "a log has one genesis; a successor's stands right behind the entries it continues",
        )
    kept = (facts.quorum, facts.countries, facts.demo)
    rules = body.policy
    stated = rules.bands or rules.thresholds or rules.refusals or rules.times
    if (body.quorum, tuple(body.countries), body.demo is True) != kept or stated:
        reject(
            "not_carried_over",
            "a successor keeps quorum and countries, and states no policy: they carry over",
        )
    names = {_verifier(vkey).name for vkey in body.log_keys}
    if len(names) != 1 or names & {_verifier(vkey).name for vkey in facts.log_keys}:
        reject("bad_log_key", "the keys of a successor have one name, and no log before it was called so")
    for vkey in body.log_keys:
        _check_fresh(step, facts, vkey)
    origin, size, root, lost = continues.origin, continues.size, continues.root, continues.lost or 0
    after = replace(
        facts,
        name=body.name,
        log_keys=(*facts.log_keys, *body.log_keys),
        frozen_at=None,
        continues=(*facts.continues, Continued(origin, size, root, lost)),
    )
    step.put("ledger", "", after)


def keys_named(event: Event) -> list[Address]:
    """Where it is looked up whether a key that shall sign checkpoints is a party's."""
    match event:
        case Genesis():
            vkeys = event.body.log_keys
        case LogKey() if event.body.add is not None:
            vkeys = [event.body.add]
        case _:
            vkeys = []
    found: list[Address] = []
    for vkey in vkeys:
        try:
            found.append(_as_party_key(Verifier.parse(vkey)))
        except Malformed:
            continue
    return found


def _check_fresh(step: Step, facts: LedgerFacts, vkey: str) -> None:
    verifier = _verifier(vkey)
    known = any(Verifier.parse(known).public_key == verifier.public_key for known in facts.log_keys)
    if known or step.find(*_as_party_key(verifier), Key) is not None:
        reject("key_known", "this key signs for this log already, or is a party's: make a fresh one")


def _as_party_key(verifier: Verifier) -> Address:
    return "key", key_id(spki_of_ed25519(verifier.public_key))


def _verifier(vkey: str) -> Verifier:
    try:
        return Verifier.parse(vkey)
    except Malformed as error:
        reject("bad_log_key", f"{vkey[:60]!r} is no verifier key of a log (C2SP signed-note): {error}")
