"""The fold over the part of a log that somebody was shown.

It is the same fold (`fold.apply`); only the lookups differ. A record that no shown entry made is *not shown*,
which is not the same as absent:

- what must exist for a step to hold (a key, a predecessor, a role) and is not shown leaves the entry
  unjudged, and with it whatever that entry could have changed (`Unjudged`), on and on to the lots;
- what must not exist (a revocation, another successor, a used number) counts as absent *as shown*. Whose
  entries would tell is kept in `relied_on`.

Entries are judged only on the lots being followed (`lineage.restrict`). An entry about other lots is not
judged at all; it shows that its number was used, and that it is there.
"""

from collections.abc import Collection, Iterable, Mapping

import msgspec

from traceability.core import fold
from traceability.core.concerns import SETTLING
from traceability.core.events import (
    Acceptance,
    Approval,
    Attestation,
    Audit,
    CapacityEstimate,
    Certificate,
    CertificateUse,
    Closure,
    Correction,
    Delegation,
    DelegationEnd,
    Enrolment,
    Event,
    Export,
    Finding,
    Genesis,
    Hold,
    Import,
    Incident,
    Inspection,
    Intake,
    KeyAddition,
    KeyRevocation,
    LicenceGrant,
    LicenceRevocation,
    LogKey,
    Payment,
    Policy,
    Production,
    Reassignment,
    Redaction,
    Reference,
    Refusal,
    Release,
    Response,
    Retagging,
    RoleChange,
    SiteInspection,
    SiteRegistration,
    Snapshot,
    TagAllocation,
    TagIssue,
    TagVoid,
    Transfer,
    Transformation,
    Withdrawal,
    Zone,
)
from traceability.core.ground_records import Licence as LicenceRecord
from traceability.core.ids import EventId, KeyId, LotId, unpadded
from traceability.core.lineage import restrict
from traceability.core.naming import addresses, zone_regions
from traceability.core.outcome import Appended, Entry, Rejected, WaitsFor
from traceability.core.outcome import Finding as Noted
from traceability.core.record import Address
from traceability.core.registry_records import Mention, Number
from traceability.core.signing import key_id
from traceability.core.state import AnyRecord, LogEntry, NotShown, signed_by

_AS_SHOWN = frozenset(
    {
        "count_does_not_close", "delegation_does_not_cover", "does_not_close", "hold_placed", "lot_ended", "miner_not_named",
        "more_than_the_lot", "needs_no_approval", "no_guardians", "not_importer", "not_your_event", "role_missing",
        "stands_on_it", "stranger_as_title_holder", "tag_not_on_lot", "title_needed", "under_hold", "weigh_inputs",
    }
)  # fmt: skip
"""Names of rejections that further entries about a lot, party or site could have averted: a role given, a reading."""


class Unjudged(msgspec.Struct, frozen=True, gc=False):
    """Why something is not known: the entry that could not be judged first, and what was missing."""

    index: int
    why: str
    damaged: bool = False
    """The rules reject that entry: it does not belong in the log."""


class PartialState:
    """What the shown entries made known so far. Implements `state.State`."""

    whole = False

    def __init__(self, places: Mapping[EventId, int], until: Mapping[LotId, int]) -> None:
        self.index = 0
        """The entry being judged."""
        self.records: dict[Address, AnyRecord] = {}
        self.entries: dict[EventId, LogEntry] = {}
        self.unjudged: dict[Address, Unjudged] = {}
        self.asked: set[Address] = set()
        """What the fold looked up for this entry."""
        self._places = places
        self._until = until

    def find(self, address: Address) -> AnyRecord | None:
        """The record as shown, or None. Raises NotShown where an unjudged entry may have changed it."""
        self.asked.add(address)
        if address in self.unjudged:
            raise NotShown(address)
        if address[0] == "lot" and self._until.get(address[1], -1) < self.index:  # type: ignore[call-overload]
            return None  # not followed up to here: what is known of it may be old
        return self.records.get(address)

    def need(self, address: Address) -> AnyRecord | None:
        """The record. Raises NotShown where no shown entry made it."""
        self.asked.add(address)
        found = self.records.get(address)
        if found is None or address in self.unjudged:
            raise NotShown(address)
        return found

    def take(self, changes: Mapping[Address, AnyRecord]) -> None:
        """Keeps what an entry changed; a lot that is not followed any more stays as it was last known."""
        records = self.records
        for address, record in changes.items():
            if type(record) is not Mention or address not in records:
                records[address] = record

    def event(self, event_id: EventId) -> LogEntry | None:
        """The entry of that event if it was shown before this one; None if it is shown to come later."""
        found = self.entries.get(event_id)
        if found is None and self._places.get(event_id, -1) < self.index:
            raise NotShown(("event", event_id))
        return found

    def signed_by(self, key: KeyId, after: int, count: int) -> list[LogEntry]:
        """Those of them that were shown before this one."""
        return signed_by(self.entries.values(), key, after)[:count]


class Replay:
    """Shown entries put through the fold, one after the other.

    `places` has the index of every event shown; `until` says how far each lot is followed; `whole` are the
    subjects of which all entries are said to be shown.
    """

    def __init__(
        self,
        places: Mapping[EventId, int],
        until: Mapping[LotId, int],
        whole: Collection[Address] = (),
    ) -> None:
        self.state = PartialState(places, until)
        self.findings: list[tuple[int, Noted]] = []
        """Each with the index of its entry."""
        self.used_in: dict[LotId, int] = {}
        """Followed lots of which a transformation that is not judged here is the last heard: its index."""
        self.relied_on: set[Address] = set()
        """What judged entries looked up."""
        self.rejected: list[Unjudged] = []
        """Entries that do not belong in the log."""
        self.left: dict[int, str] = {}
        """Entries that could not be judged, and why; not those that are there for strangers (`_of_strangers`)."""
        self.judged = 0
        """How many entries were judged; the others are only there."""
        self.until = until
        self._whole = frozenset(whole)

    def take(self, entry: Entry, lots: Collection[LotId], *, signed: bool) -> None:
        """Takes the next entry, which is about these lots.

        `signed`: its signature was verified; otherwise its key is not shown.
        """
        state, event = self.state, entry.event
        state.index = entry.index
        if not signed:
            self._leave(entry, event, ("key", event.key))
            return
        index, until, unjudged = entry.index, self.until, state.unjudged
        known = {lot for lot in lots if until.get(lot, -1) >= index and ("lot", lot) not in unjudged}
        judged = restrict(event, known) if known or not lots or self._is_of_more(event) else None
        if judged is None:
            self._log(entry, event, stands=True)
            self._count(entry)
        else:
            self._judge(entry, judged)
        if isinstance(event, Transformation) and judged is None:
            self.used_in.update(dict.fromkeys(known, entry.index))
        elif (
            judged is not event
            and not isinstance(event, Audit | Response)
            and (apart := known - (judged.lots if judged else set()))
        ):
            why = "it was weighed together with lots that are not known here"
            self._spoil((("lot", lot) for lot in apart), Unjudged(entry.index, why))

    def _is_of_more(self, event: Event) -> bool:
        """Whether it may bear on lots it does not name: by their site or party, or as a certificate of an export."""
        if isinstance(event, Approval):
            target = self.state.entries.get(event.body.event)
            return target is not None and isinstance(target.event, Certificate)
        return isinstance(event, Certificate | Incident | Hold | Finding)

    def _judge(self, entry: Entry, event: Event) -> None:
        state = self.state
        state.asked.clear()
        try:
            if event is not entry.event:
                entry = msgspec.structs.replace(entry, event=event, partial=True)
            outcome = fold.apply(entry, state)
        except NotShown as missing:
            self._leave(entry, event, missing.address)
            self._count(entry)
            return
        match outcome:
            case Appended():
                state.take(outcome.changes)
                self._log(entry, event, stands=outcome.stands)
                self.findings.extend((entry.index, finding) for finding in outcome.findings)
                self.relied_on |= state.asked
                self.judged += 1
            case WaitsFor():
                self._leave(entry, event, (outcome.type, outcome.id))
                self._count(entry)
            case Rejected(name=name) if unknown := self._not_shown(name, event):
                why = Unjudged(entry.index, f"{unknown} ({name})")
                if not (isinstance(event, Response) and event.body.act not in SETTLING):
                    self.left[entry.index] = why.why
                self._spoil(_changeable(entry.event_id, event, state), why)
                self._count(entry)
            case Rejected():
                message = f"the rules reject it ({outcome.name}): {outcome.message}"
                why = Unjudged(entry.index, message, damaged=True)
                self.rejected.append(why)
                self._spoil(_changeable(entry.event_id, event, state), why)

    def _not_shown(self, name: str, event: Event) -> str | None:
        """That something is not shown which could avert the rejection of this name; None where nothing could."""
        if name == "key_revoked":  # an approval given ahead of its event is about no subject
            return "no approval of what this revoked key signed is shown"
        if name == "not_concerned" and isinstance(event, Response):
            return "not all whom it concerns are shown"
        if name in _AS_SHOWN or (name == "not_custodian" and isinstance(event, Retagging)):
            for kind, id_ in sorted(self.state.asked - self._whole):
                if kind in ("party", "site") or (kind == "lot" and id_ in self.until):
                    return f"{kind} {id_} is not shown with all of its entries"
        return None

    def _leave(self, entry: Entry, event: Event, missing: Address) -> None:
        """Leaves an entry unjudged, and unknown whatever it could have changed."""
        why = self.state.unjudged.get(missing)
        if why is None:
            why = Unjudged(entry.index, f"{missing[0]} {missing[1]} is not shown")
        if not _of_strangers(event, missing):
            self.left[entry.index] = why.why
        self._spoil(_changeable(entry.event_id, event, self.state), why)

    def _spoil(self, addresses: Iterable[Address], why: Unjudged) -> None:
        for address in addresses:
            self.state.unjudged.setdefault(address, why)

    def _log(self, entry: Entry, event: Event, *, stands: bool) -> None:
        self.state.entries[entry.event_id] = LogEntry(
            entry.index, entry.record_time, entry.event_id, event, stands
        )

    def _count(self, entry: Entry) -> None:
        """The number of an entry that was not judged is used all the same: it stands in the log."""
        address = ("number", f"{entry.event.key}:{entry.event.sequence}")
        used = self.state.records.get(address)
        if isinstance(used, Number):
            self.state.records[address] = Number(used.first, entry.event_id)
        else:
            self.state.records[address] = Number(entry.event_id)


def _of_strangers(event: Event, missing: Address) -> bool:
    """Whether an entry is there for completeness alone: it lets somebody act, or ends a key, of whom nothing is shown.

    Whoever did act by such a right, or sign with such a key, cannot be judged then.
    """
    if isinstance(event, KeyRevocation):
        return missing == ("key", event.body.key)
    return isinstance(event, Delegation | DelegationEnd)


def _changeable(event_id: EventId, event: Event, state: PartialState) -> list[Address]:
    """Every address where a later entry would notice this one."""
    found: list[Address] = [("event", event_id), ("act", event_id)]
    while isinstance(event, Approval | Correction):
        target = state.entries.get(event.body.event)
        if target is None:
            return found
        event_id, event = target.event_id, target.event
        found += [("event", event_id), ("act", event_id)]
    match event:
        case Enrolment():
            keys = (key_id(unpadded(key.public_key)) for key in event.body.keys or ())
            found += [("party", event.body.party), *(("key", key) for key in keys)]
        case RoleChange():
            found.append(("party", event.body.party))
        case KeyAddition():
            found += [("party", event.body.party), ("key", key_id(unpadded(event.body.key.public_key)))]
        case KeyRevocation():
            found.append(("key", event.body.key))
        case Delegation():
            found.append(("delegation", event_id))
        case DelegationEnd():
            found.append(("delegation", event.body.delegation))
        case SiteRegistration():
            found.append(("site", event.body.site))
        case TagIssue() | TagAllocation():
            found.append(("roll", event.body.roll))
        case SiteInspection() | CapacityEstimate():
            found.append(("site", event.body.site))
        case LicenceGrant():
            found += [("licence", event_id), ("party", event.body.party)]
        case LicenceRevocation():
            found.append(("licence", event.body.licence))
            revoked = state.records.get(("licence", event.body.licence))
            found += [("party", revoked.party)] if isinstance(revoked, LicenceRecord) else []
        case TagVoid():
            found += [("tag", tag) for tag in event.body.tags or ()]
            found += [("roll", event.body.roll)] if event.body.roll else []
        case Zone():
            found += [("region", code) for code in zone_regions(event.body)] or [("polygons", "")]
        case Certificate():
            found.append(("certificate", event_id))
        case CertificateUse():
            found.append(("certificate", event.body.certificate))
        case Incident():
            reported = [("reported", f"{kind}:{id_}") for kind, id_ in addresses(event.body.subjects)]
            found += [("incident", event_id), *reported]
        case Response():
            about = event.body.about.incident
            found += [("incident", about)] if about and event.body.act in SETTLING else []
        case Hold():
            held = [("held", f"{kind}:{id_}") for kind, id_ in addresses(event.body.subjects)]
            found += [("hold", event_id), *held]
        case Release():
            found.append(("hold", event.body.hold))
        case Redaction():
            found.append(("act", event.body.event))
        case Policy():
            found.append(("policy", "policy"))
        case LogKey():
            pass  # which checkpoints count is for the trust policy to say
        case Reference() | Payment() | Finding() | Audit():
            pass
        case Snapshot() | Attestation():
            pass  # one that is not judged states nothing
        case Genesis():
            found.append(("ledger", ""))
        case (
            Production() | Intake() | Transfer() | Acceptance() | Refusal() | Withdrawal() | Reassignment()
            | Transformation() | Retagging() | Inspection() | Export() | Import() | Closure()
        ):  # fmt: skip
            found += [("lot", lot) for lot in event.lots]
    return found
