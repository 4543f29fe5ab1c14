"""Amendments: an event said something wrong, and from here on the right value counts.

A correction names paths into the event's body and what is right there. The body so corrected must be one
the event could have had. Parties and lots cannot be corrected, nor what the event builds on; a sealed value is
corrected by another sealed value. Most of what an event says is only read, so the correction standing beside
it is enough. What the fold has taken over into a lot (tags, seals, numbers, first count, mass and water, site) it
changes while the lot is whole and in the same hands; grades as long as there is the lot. After that the record stays,
and a finding says so.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace
from pydantic import ValidationError

from traceability.core import balance, mass, origin, quality
from traceability.core.concern_bodies import IncidentBody
from traceability.core.concern_records import Incident as IncidentRecord
from traceability.core.custody_bodies import (
    CorrectedField,
    RetaggingBody,
    new_lots,
)
from traceability.core.events import (
    Approval,
    Attestation,
    Audit,
    CapacityEstimate,
    Certificate,
    CertificateUse,
    Correction,
    Delegation,
    DelegationEnd,
    Enrolment,
    Event,
    Export,
    Finding,
    Genesis,
    Hold,
    Incident,
    KeyAddition,
    KeyRevocation,
    LicenceGrant,
    LicenceRevocation,
    LogKey,
    Payment,
    Policy,
    Production,
    Redaction,
    Reference,
    Release,
    Response,
    RoleChange,
    SiteInspection,
    SiteRegistration,
    Snapshot,
    TagAllocation,
    TagIssue,
    TagVoid,
    Zone,
)
from traceability.core.forms import Assay, Quantity
from traceability.core.ids import LotId
from traceability.core.lot_records import Changed, Lot
from traceability.core.naming import lots_named
from traceability.core.outcome import Step, reject
from traceability.core.quantity import show_grams
from traceability.core.registry_bodies import Body
from traceability.core.registry_records import Act, Site
from traceability.core.state import LogEntry
from traceability.core.tagging import put_on, take_off

_FIXED = frozenset(
    {
        "acting_for", "carrier", "certificate", "custodian", "delegation", "exporter", "for_title", "foreign",
        "importer", "incident", "lot", "lots", "missing", "nonce", "party", "payee", "producer", "recipient",
        "returns", "surplus", "title", "to", "transfer",
    }
)  # fmt: skip
"""Fields that name parties, lots and other events."""
_MASSES = frozenset({"net", "gross", "tare", "mass", "spilled", "gain"})


def apply(step: Step, target: LogEntry, correction: Correction) -> None:
    """Puts right what the corrected event said of its lots, as far as they still are what it left.

    Goes on from what earlier corrections have put right, so that no difference is taken twice.
    """
    fields = correction.body.fields_ or []
    act = step.find("act", target.event_id, Act) or Act(target.event_id)
    now = _corrected(target.event, act.right, fields)
    right = dict(act.right) | {field.path: field.is_ for field in fields if field.is_ is not None}
    taken = dict(act.taken)
    if isinstance(now, IncidentBody):
        incident = step.need("incident", target.event_id, IncidentRecord)
        told = replace(
            incident, categories=tuple(now.categories), level=now.level, happened=now.happened_from
        )
        step.put("incident", target.event_id, told)
    if target.stands:
        _TakeOver(step, target, now, taken, act.right).all(
            [field.path for field in fields if field.is_ is not None]
        )
    step.put(
        "act", act.event, replace(act, right=tuple(sorted(right.items())), taken=tuple(sorted(taken.items())))
    )


# The body as it should have been

_CERTIFIED = frozenset(
    {
        "scheme", "country", "number", "lots", "exporter", "importer", "mineral", "hs", "mass", "origins", "lines",
        "parcels", "verified", "issued", "expires", "file",
    }
)  # fmt: skip
"""What a certificate certifies: one that is wrong in this is replaced, and the new one approved."""


def _corrected(
    event: Event, right: Iterable[tuple[str, str | int]], fields: Sequence[CorrectedField]
) -> Body:
    """The event's body, as put `right` so far, with these values in it. Rejects what no such event could say."""
    match event:
        case (
            Genesis() | Enrolment() | RoleChange() | KeyAddition() | KeyRevocation() | Delegation()
            | DelegationEnd() | Approval() | SiteRegistration() | TagIssue() | TagAllocation() | Correction()
            | SiteInspection() | CapacityEstimate() | LicenceGrant() | LicenceRevocation() | TagVoid() | Zone()
            | Reference() | CertificateUse() | Response() | Hold() | Release() | Finding()
            | Redaction() | Policy() | Audit() | LogKey() | Snapshot() | Attestation()
        ):  # fmt: skip
            reject("not_correctable", f"what a {event.kind} says is put right by a new event of its kind")
        case _:
            pass
    if isinstance(event, Certificate):
        certified = [field.path for field in fields if field.path.split("/")[1] in _CERTIFIED and field.is_]
        if certified:
            reject("not_correctable", f"{certified[0]}: what was certified is put right by a new certificate")
    sealed = {path for path, _ in event.sealed}
    body = _plain(event.body, right)
    for field in fields:
        if (field.path in sealed) != (field.is_ is None):
            reject(
                "not_correctable", f"{field.path}: what was sealed is corrected sealed, what was open open"
            )
        if field.is_ is not None:
            if isinstance(event, Incident) and field.path.startswith("/subjects"):
                reject("not_correctable", "what an incident is about stays: report another")
            _set(body, field.path, field.is_, fixed=_fixed(event))
    try:
        return type(event.body).model_validate(body)
    except ValidationError as error:
        why = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        reject("not_correctable", f"so corrected, the {event.kind} is none: {why}")


def _fixed(event: Event) -> frozenset[str]:
    """The names under which this kind has parties, lots and events; a few are words elsewhere."""
    match event:
        case Payment():
            return _FIXED - {"to"}
        case Certificate() | Export():
            return _FIXED - {"carrier"}
        case _:
            return _FIXED


def _plain(body: Body, values: Iterable[tuple[str, str | int]] = ()) -> dict[str, Any]:
    """The body as plain values, with `values` set in it by path."""
    plain = body.model_dump(by_alias=True, exclude_none=True)
    for path, value in values:
        _set(plain, path, value)
    return plain


def _at(body: dict[str, Any], path: str) -> Any:
    at: Any = body
    for token in path.split("/")[1:]:
        at = _inside(at, token)
    return at


def _set(body: dict[str, Any], path: str, value: str | int, *, fixed: frozenset[str] = frozenset()) -> None:
    *way, last = path.split("/")[1:]
    name = next((token for token in (last, *reversed(way)) if not token.isdigit()), last)
    at: Any = body
    for token in way:
        at = _inside(at, token)
    old = _inside(at, last)
    if name in fixed or isinstance(old, dict | list) or not isinstance(at, dict | list):
        reject(
            "not_correctable", f"{path} cannot be corrected: parties and lots stay, and only single values go"
        )
    if isinstance(at, dict):
        at[last] = value
    elif old is None:
        reject("not_correctable", f"{path}: the list is not that long")
    else:
        at[int(last)] = value


def _inside(at: Any, token: str) -> Any:
    if isinstance(at, list):
        number = int(token) if token.isdigit() else -1
        return at[number] if str(number) == token and number < len(at) else None
    return at.get(token) if isinstance(at, Mapping) else None


# What it changes


class _TakeOver:
    """One correction being taken over by the lots that the corrected event made or tagged.

    `taken` is what they have taken over so far, by path. What came too late for a lot is not in it: a later
    correction goes on from what the lot was last told.
    """

    def __init__(
        self,
        step: Step,
        target: LogEntry,
        now: Body,
        taken: dict[str, str | int],
        before: Iterable[tuple[str, str | int]],
    ) -> None:
        self._step = step
        self._target = target
        self._now = now
        self._taken = taken
        self._told = _plain(target.event.body, taken.items())
        self._right = _plain(now)
        self._said_last = _plain(target.event.body, before)
        self._tagged: list[tuple[Lot, Lot]] = []

    def all(self, paths: Collection[str]) -> None:
        """Takes over what this correction says at these paths."""
        by_lot: defaultdict[LotId, list[str]] = defaultdict(list)
        event = self._target.event
        for path in paths:
            lots: Sequence[str] = ()
            match path.split("/")[1:]:
                case ["lots" | "outputs", number, *_] if event.made:
                    lots = [event.made[int(number)]]
                case ["assays", number, _] if _what(path):
                    lots = _at(self._told, f"/assays/{number}").get("lots", ())
                case ["site"]:
                    lots = event.made
                case _ if _what(path):
                    lots = sorted({*(lot for _, lot in event.moved), *lots_named(event.body), *event.made})
                case _:
                    pass
            for lot in lots:
                by_lot[LotId(lot)].append(path)
        for lot_id, said in by_lot.items():
            self._amend(lot_id, said)
        if isinstance(event, Production) and "/site" in paths:
            origin.moved_to_site(self._step, self._target)
        # All off before any goes on, so that tags of two bags taken for each other meet on neither.
        for before, after in self._tagged:
            take_off(self._step, after.id, [tag for tag in before.tags if tag not in after.tags])
        for before, after in self._tagged:
            put_on(self._step, after.id, [tag for tag in after.tags if tag not in before.tags])

    def _amend(self, lot_id: LotId, paths: Iterable[str]) -> None:
        """One lot; what it cannot take over is named in a finding."""
        before = lot = self._step.lot(lot_id)
        here = self._in_same_hands(lot)
        said: dict[str, list[str]] = defaultdict(list)
        for path in paths:
            old = lot.site if path == "/site" else _at(self._told, path)
            if old != _at(self._right, path) or _at(self._said_last, path) != _at(self._right, path):
                said[_what(path)].append(path)
        told_anywhere = (
            lot.state != "ended" and "assays" in said
        )  # a laboratory's slip, whoever holds the lot
        may = said if here else {"assays": said["assays"]} if told_anywhere else {}
        left = {what: where for what, where in said.items() if what and what not in may}
        for what, where in may.items():
            lot, taken = self._taken_over(lot, what, where)
            self._taken.update((path, _at(self._right, path)) for path in taken)
            if what and not set(where) <= set(taken):
                left[what] = where
        booked = {what: where for what, where in left.items() if _is_booked(lot, what)}
        late = {what: where for what, where in left.items() if what not in booked}
        subjects, events = [("lot", lot_id)], (self._target.event_id,)
        if booked:
            figures = self._figures(lot, booked)
            self._step.note("corrected_but_booked", "warning", subjects, events=events, figures=figures)
        if late:
            figures = self._figures(lot, late)
            self._step.note("corrected_too_late", "warning", subjects, events=events, figures=figures)
        if lot != before:
            self._step.put("lot", lot_id, lot)
            self._tagged.append((before, lot))

    def _figures(self, lot: Lot, left: Mapping[str, Sequence[str]]) -> dict[str, str]:
        """What was not taken over, with both values of a first mass or a site: descendants carry the difference."""
        figures = {"what": " ".join(left)}
        if "site" in left:
            figures |= {"site_right": _at(self._right, "/site"), "site_said": str(lot.site)}
        if "mass" in left:
            net = left["mass"][0].rpartition("/")[0]
            was, now = (Quantity.model_validate(_at(said, net)) for said in (self._told, self._right))
            figures |= {"right_ug": str(now.mass_ug), "said_ug": str(was.mass_ug)}
        return figures

    def _in_same_hands(self, lot: Lot) -> bool:
        if isinstance(self._now, RetaggingBody):
            changed = self._step.find("changed", f"{self._target.event_id}:{lot.id}", Changed)
            custodian = changed.custodian if changed else None
        else:
            move = self._step.move(self._target.event_id, lot.id)
            custodian = move.custodian if move else None
        return lot.state != "ended" and lot.custodian == custodian

    def _taken_over(self, lot: Lot, what: str, where: list[str]) -> tuple[Lot, list[str]]:
        """The lot with what is right in it, and the paths at which it is; not those that come too late."""
        right = _at(self._right, where[0])
        match what:
            case "tags" | "seals":
                on = lot.tags if what == "tags" else lot.seals
                put = {_at(self._told, path): _at(self._right, path) for path in where}
                now = tuple(dict.fromkeys(put.get(each, each) for each in on))
                lot = replace(lot, tags=now) if what == "tags" else replace(lot, seals=now)
                return lot, [path for path in where if _at(self._told, path) in on]
            case "lot_number":
                return replace(lot, lot_number=right), where
            case "assays":
                return quality.restated(lot, self._target.event_id, self._assays(lot)), where
            case "moisture" if (watered := self._watered(lot, where[0])) is not None:
                return watered, where
            case "count" if not _is_booked(lot, what):
                return replace(lot, count=right), where
            case "site":
                return replace(lot, site=self._step.need("site", right, Site).id), where
            case "mass" if not _is_booked(lot, what) and (
                weighed := self._weighed(lot, where[0].rpartition("/")[0])
            ):
                net = where[0].rpartition("/")[0]
                return weighed, [f"{net}/unit", f"{net}/value"]
            case _:
                return lot, []

    def _assays(self, lot: Lot) -> list[Assay]:
        """What the corrected event says of the lot's grades."""
        if lot.maker == self._target.event_id:
            return new_lots(self._now)[lot.position].assays or []
        assays: list[Assay] = getattr(self._now, "assays", None) or []
        return [assay for assay in assays if lot.id in (assay.lots or ())]

    def _watered(self, lot: Lot, path: str) -> Lot | None:
        """The lot as if it had held that much water at first; None where its mass or water was measured since."""
        known, was, now = lot.quality, _at(self._told, path), _at(self._right, path)
        if known is None or known.moisture_ppm != was or lot.pools or now == 1_000_000:
            return None
        first = new_lots(self._target.event.body)[lot.position].weighing.net.mass_ug
        dry_ug = balance.dry(min(lot.expected_ug, first), now)
        return replace(lot, quality=replace(known, moisture_ppm=now, dry_ug=dry_ug))

    def _weighed(self, lot: Lot, net: str) -> Lot | None:
        """The lot as if it had weighed what is right; None where something else tells its mass by now."""
        was, now = (Quantity.model_validate(_at(said, net)) for said in (self._told, self._right))
        reading = lot.reading in (None, show_grams(was.exact))
        if not reading or not lot.expected_ug == lot.lowest_ug == was.mass_ug:
            return None
        return mass.correct(self._step, lot, now)


def _is_booked(lot: Lot, what: str) -> bool:
    """Whether other masses and counts rest on this one, so that it stays whatever is said of it later.

    What a transformation made closed its lines as it was; a reading, a spill, a loss booked the lot by itself.
    """
    return what.startswith("/") or (lot.origin == "transformation" and what in ("count", "mass"))


def _what(path: str) -> str:
    """What of a lot this path is about: an aspect lots take over, or the path itself of a mass they cannot.

    Empty where the field is only read: the correction standing beside the event is enough.
    """
    match path.split("/")[1:]:
        case ["site"]:
            return "site"
        case ["tags_on", _]:
            return "tags"
        case ["lots" | "outputs", _, "tags" | "seals" | "lot_number" | "count" as what, *_]:
            return what
        case ["lots" | "outputs", _, "assays", _, "ppm" | "on" | "method" | "analyte" | "error_ppm"] | [
            "assays",
            _,
            "ppm" | "on" | "method" | "analyte" | "error_ppm",
        ]:
            return "assays"
        case ["lots" | "outputs", _, "moisture_ppm"]:
            return "moisture"
        case ["moistures", _, "ppm"]:
            return path
        case ["lots" | "outputs", _, "weighing", "net", _]:
            return "mass"
        case ["lots" | "outputs", _, "weighing", *_]:
            return ""
        case tokens:
            return path if _MASSES & set(tokens) else ""
