"""Verifying what is signed in the QR of a tag, against a trust pack, with no network.

    verify_tag(signed, pack) -> TagReport

The verdicts are those of evidence. *Holds, complete*: a party of this ledger signed exactly this, with a key that the
pack shows to be good; and by the snapshot's book it shows all there was, up to the snapshot, about the key, its party,
the roll, and those whose acts made them. *Holds as shown*: it is not shown that nothing was left out. *Cannot tell*: the
pack does not show enough, or somebody took something out of it, or the key was lost to somebody who may have dated a
label back. *Failed*: it was changed or forged, its signer had no right to it, or its tag was void.

What a label says may be older than the lot's present state, and the paper may have been copied: the report says so.
"""

from collections.abc import Collection
from typing import Any

import msgspec

from traceability.core import canonical
from traceability.core.authority import day_of
from traceability.core.errors import Invalid, Malformed
from traceability.core.label import LotLabel, PrintedTag, Signed, read_signed
from traceability.core.record import Address
from traceability.core.registry_records import Key, Party
from traceability.core.report import CANNOT_TELL, COMPLETE, EXIT_CODES, FAILED, HOLDS, Verdict
from traceability.core.signing import PublicKey
from traceability.core.tag import parse_our_number, parse_tag
from traceability.core.trust_pack import TrustPack

COPIES = "A signature shows who printed this, never that it is the only copy."
ISSUER = "tag_issuer"


class TagReport(msgspec.Struct):
    """What verification gave. Facts are what the label says; None where it was not even read."""

    verdict: Verdict = CANNOT_TELL
    why: str | None = None
    """Why not, where the verdict is not that it holds."""
    kind: str | None = None
    """`lot` for the label of a lot, `tag` for a pre-printed one."""
    log: str | None = None
    tag: str | None = None
    lot: str | None = None
    head: str | None = None
    mineral: str | None = None
    net_ug: int | None = None
    day: str | None = None
    key: str | None = None
    party: str | None = None
    party_name: str | None = None
    roles: tuple[str, ...] = ()
    pack_size: int | None = None
    pack_until: str | None = None
    complete_to: int | None = None
    """After how many entries the snapshot states the book by which nothing was left out."""
    complete_day: str | None = None
    """The day on which that was stated."""
    attested_by: tuple[str, ...] = ()
    completeness_not_shown: dict[str, list[str]] = {}
    """The subjects, by type, of which there may be more than the pack shows."""
    held_since: str | None = None
    """The day of the oldest hold on its signer, key or roll that nobody released."""
    remarks: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 holds, 1 failed, 2 cannot tell."""
        return EXIT_CODES[self.verdict]

    def to_json(self) -> bytes:
        """The report for programs; what is not known, or empty, is left out."""
        value: dict[str, Any] = msgspec.to_builtins(self)
        return canonical.dump({name: each for name, each in value.items() if each or each == 0})


class _End(Exception):  # noqa: N818  # ends the verification
    def __init__(self, verdict: Verdict, why: str) -> None:
        super().__init__(why)
        self.verdict = verdict


def verify_tag(data: bytes, pack: TrustPack, *, complete: bool = False) -> TagReport:
    """Takes signed bytes out of a QR to a verdict. Never raises for what they are: it says so in the report.

    With `complete` a verdict that rests on subjects not shown to be complete is "cannot tell".
    """
    report = TagReport(pack_size=pack.size, pack_until=pack.recorded_until)
    try:
        _verify(data, pack, report, complete=complete)
    except _End as end:
        report.verdict, report.why = end.verdict, str(end)
    else:
        report.verdict = HOLDS if report.completeness_not_shown else COMPLETE
        report.why = None
        report.remarks += (COPIES,)
    if pack.demo:
        report.remarks += ("This ledger is a demonstration: nothing in it happened.",)
    return report


def _verify(data: bytes, pack: TrustPack, report: TagReport, *, complete: bool) -> None:
    try:
        signed = read_signed(data)
    except Malformed as error:
        raise _End(FAILED, str(error)) from error
    said = signed.said
    report.log, report.tag = said.log, said.tag
    match said:
        case LotLabel():
            report.kind, report.lot, report.head = "lot", said.lot, said.head
            report.mineral, report.net_ug, report.day = said.mineral, said.net_ug, said.day
        case PrintedTag():
            report.kind = "tag"
    if said.log != pack.log:
        raise _End(CANNOT_TELL, f"it is of the ledger {said.log}, and this trust pack is of {pack.log}")
    key = _signer(signed, pack)
    report.key, report.party = key.id, key.party
    party = pack.party(key.party)
    if party is None or not pack.is_whole(key):
        raise _End(CANNOT_TELL, "the trust pack does not show all that its signer's key and party rest on")
    report.roles = party.roles
    report.party_name = party.facts[-1].public_name
    roll = _check_roll(said, party, pack)
    _check_key(said, key, report)
    if pack.is_to_be_revoked(key):
        raise _End(CANNOT_TELL, "a revocation of its key stands in the log, and its approval is not shown")
    subjects: list[Address] = [("key", key.id), ("party", party.id), ("roll", roll)]
    _check_complete(subjects, pack, report, complete=complete)
    _look_for_holds(subjects, pack, report)
    if isinstance(said, LotLabel) and said.day > pack.recorded_until[:10]:
        report.remarks += ("The label is newer than the trust pack: what was revoked since, it cannot show.",)


def _signer(signed: Signed, pack: TrustPack) -> Key:
    """The key that signed it, of all whose ids begin as the message says."""
    candidates = pack.keys(signed.kid)
    if not candidates:
        raise _End(
            CANNOT_TELL,
            f"its key {signed.kid}… is not in the trust pack, which ends at {pack.recorded_until}: "
            "get a newer pack; if that has it not either, the label is forged",
        )
    for key in candidates:
        try:
            signed.message.verify(PublicKey(key.public_key))
        except Invalid:
            continue
        return key
    raise _End(FAILED, "the signature is not that of the key it names: it was changed, or forged")


def _check_roll(said: LotLabel | PrintedTag, party: Party, pack: TrustPack) -> str:
    """The roll of its tag: it is there, with that number, not void; a pre-printed tag is signed by who issued it."""
    roll_id, number = parse_our_number(parse_tag(said.tag)[1])
    roll = pack.roll(roll_id)
    if roll is None:
        if isinstance(said, PrintedTag) and ISSUER not in party.roles:
            raise _End(FAILED, "its signer is no issuer of tags")
        raise _End(CANNOT_TELL, f"the roll {roll_id} of its tag is not in the trust pack: get a newer one")
    if isinstance(said, PrintedTag) and roll.issuer != party.id:
        raise _End(FAILED, "its signer is not the party that issued this roll of tags")
    if number > roll.count:
        raise _End(FAILED, f"the roll has {roll.count} tags, and this is number {number}")
    for recorded, void in pack.voids(roll_id, number):
        ended = day_of(recorded)
        why = f"its tag was declared void on {ended} ({void.body.reason})"
        if isinstance(said, LotLabel) and said.day <= ended:
            raise _End(CANNOT_TELL, f"{why}: the label may be older, or dated back")
        raise _End(FAILED, why)
    return roll_id


def _check_key(said: LotLabel | PrintedTag, key: Key, report: TagReport) -> None:
    """A key that ended. What it signed is in no log, so a day in it is the word of whoever had the key."""
    revoked = key.revoked
    if revoked is None:
        return
    ended = day_of(revoked.record_time)
    if isinstance(said, LotLabel) and said.day > ended:
        raise _End(FAILED, f"its key was revoked on {ended} ({revoked.reason}), before the label's own day")
    if revoked.reason != "replaced":
        raise _End(
            CANNOT_TELL,
            f"its key was revoked on {ended} ({revoked.reason}): somebody else may have signed this, dated back",
        )
    report.remarks += (f"Its key was replaced by another on {ended}.",)


def _check_complete(
    subjects: Collection[Address], pack: TrustPack, report: TagReport, *, complete: bool
) -> None:
    """Says what is not shown to be complete; ends where that is asked for, or something was taken out that the book has."""
    lacking, missing = pack.completeness(subjects)
    types = sorted({kind for kind, _ in lacking})
    report.completeness_not_shown = {
        kind: sorted(id_ for type_, id_ in lacking if type_ == kind) for kind in types
    }
    if missing is not None:
        raise _End(CANNOT_TELL, missing)
    if complete and lacking:
        raise _End(CANNOT_TELL, "completeness is asked for and not shown")
    if pack.book is not None and pack.stated_at is not None and not lacking:
        report.complete_to, report.attested_by = pack.book.size, pack.book.attested_by
        report.complete_day = day_of(pack.stated_at)


def _look_for_holds(subjects: Collection[Address], pack: TrustPack, report: TagReport) -> None:
    """A hold says nothing against the label; who relies on it has to know."""
    for recorded, hold in pack.holds(subjects):
        day = day_of(recorded)
        report.held_since = day if report.held_since is None else min(day, report.held_since)
        report.remarks += (
            f"Its signer, key or roll has been under a hold since {day} ({hold.body.ground}).",
        )
