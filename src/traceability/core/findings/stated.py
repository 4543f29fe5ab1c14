"""Rules that read sealed values: prices, values at export, identities. The operator computes, signs and appends them.

What they read stays sealed, so a finding of theirs tells which side of which threshold something lies on, never
the price or the person. `inputs_digest` commits to the disclosures used: whoever has them computes both again.
"""

import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from traceability.core import canonical, policy
from traceability.core.events import Acceptance, Certificate, Enrolment, Event, Export, Production, Transfer
from traceability.core.findings.raised import Severity
from traceability.core.ids import EventId, LotId
from traceability.core.lot_records import Lot
from traceability.core.policy import Policy
from traceability.core.prices import Figures, in_usd, reference_usd
from traceability.core.record import Address

EVENTS_MAX = 100
SUBJECTS_MAX = 1000
READ = frozenset({"card_number", "entity", "miner", "permit_number", "price", "prices", "value"})
"""The names of the sealed fields these rules read."""


class Disclosed(NamedTuple):
    """One opened value of an event."""

    event_id: EventId
    event: Event
    salt: str
    path: str
    value: Any

    def row(self) -> tuple[Any, ...]:
        """What `inputs_digest` commits to."""
        return self.event_id, self.salt, self.path, self.value


class Input(Protocol):
    """What a rule has read: an opened value, or scans of a day."""

    def row(self) -> tuple[Any, ...]:
        """What `inputs_digest` commits to."""


class ToState(NamedTuple):
    """A finding to be signed."""

    rule: str
    severity: Severity
    subjects: tuple[Address, ...]
    events: tuple[EventId, ...]
    figures: tuple[tuple[str, str], ...]
    inputs: tuple[Input, ...]

    def body(self, version: int) -> dict[str, Any]:
        """The body of the `finding` event that states it."""
        return {
            "source": "device",
            "rule": self.rule,
            "version": version,
            "severity": self.severity,
            "subjects": [{"type": kind, "id": id_} for kind, id_ in self.subjects],
            "events": list(self.events),
            "figures": [{"name": name, "value": value} for name, value in self.figures],
            "inputs_digest": inputs_digest(self.inputs),
        }


def inputs_digest(inputs: Iterable[Input]) -> str:
    """SHA-256 over the canonical JSON of the rows of what was read, each once, sorted.

    A row is `[event id, salt, path, value]` of a disclosure, `[tag, day, place, label, times]` of scans.
    """
    return digest_of(each.row() for each in inputs)


def digest_of(rows: Iterable[Sequence[Any]]) -> str:
    """The same of the rows themselves."""
    once = {canonical.dump(list(row)): list(row) for row in rows}
    return hashlib.sha256(canonical.dump(sorted(once.values()))).hexdigest()


# Prices


def price_out_of_line(
    disclosed: Iterable[Disclosed], lots: Mapping[LotId, Lot], figures: Figures, rules: Policy | None
) -> Iterator[ToState]:
    """F17: a price is above or below the reference price of its mineral and day by more than the policy allows.

    `below_ppm`, `above_ppm`: by how much of the reference. The lots count with the mass they are expected to have
    now. Where no price or rate was stated for the day nothing is said. An honest explanation is a poor grade.
    """
    for each in disclosed:
        for named, money in _prices(each):
            found = [lots[lot] for lot in named if lot in lots]
            if len(found) != len(named) or not found:
                continue
            day, country = each.event.event_time[:10], _country(each.event)
            paid = in_usd(money["value"], money["currency"], day, figures)
            worth = [reference_usd(lot.mineral, country, lot.expected_ug, day, figures) for lot in found]
            if paid is None or None in worth:
                continue
            usual = sum(part for part in worth if part is not None)
            for side, off in (("below", usual - paid), ("above", paid - usual)):
                name = f"{side}_ppm"
                ppm = policy.number(
                    rules, "thresholds", "price_out_of_line", name, mineral=found[0].mineral, country=country
                )
                if off * 1_000_000 > usual * ppm:
                    subjects = tuple(("lot", lot) for lot in sorted(named))
                    figures_ = ((name, str(ppm)), ("side", side))
                    yield ToState(
                        "price_out_of_line", "warning", subjects, (each.event_id,), figures_, (each,)
                    )


def undervalued(
    disclosed: Iterable[Disclosed], lots: Mapping[LotId, Lot], figures: Figures, rules: Policy | None
) -> Iterator[ToState]:
    """F17: what an export or its certificate declares as value is far below the reference price of its day.

    `below_ppm`: by how much of the reference. The masses are those certified, or weighed for export.
    """
    for each in disclosed:
        event = each.event
        if each.path != "/value" or not isinstance(event, Export | Certificate):
            continue
        mineral: str
        if isinstance(event, Certificate):
            named, mass_ug, day = list(event.body.lots), event.body.mass.mass_ug, event.body.issued
            mineral, country = event.body.mineral, event.body.country
        else:
            named, day = [lot for _, lot in event.moved], event.body.shipped
            mass_ug = sum(weighing.net.mass_ug for weighing in event.body.weighings)
            minerals = {lots[lot].mineral for lot in named if lot in lots}
            if len(minerals) != 1:
                continue  # one value over several minerals compares with no price
            mineral, country = minerals.pop(), event.body.region[:2]
        declared = in_usd(each.value["value"], each.value["currency"], day, figures)
        usual = reference_usd(mineral, country, mass_ug, day, figures)
        if declared is None or usual is None:
            continue
        ppm = policy.number(rules, "thresholds", "undervalued", "below_ppm", mineral=mineral, country=country)
        if (usual - declared) * 1_000_000 > usual * ppm:
            subjects = tuple(("lot", lot) for lot in sorted(named))
            yield ToState(
                "undervalued", "severe", subjects, (each.event_id,), (("below_ppm", str(ppm)),), (each,)
            )


def _prices(each: Disclosed) -> Iterator[tuple[list[LotId], Mapping[str, str]]]:
    """The lots and the money of each price in a disclosure."""
    event, path = each.event, each.path
    if path == "/prices" and isinstance(event, Transfer | Acceptance):
        for line in each.value:
            yield list(line["lots"]), line["price"]
    elif path.endswith("/price") and event.made:
        number = int(path.split("/")[2])
        yield [event.made[number]], each.value


def _country(event: Event) -> str | None:
    region = event.body.region
    return None if region is None else region[:2]


# Identities


def identity_shared(disclosed: Iterable[Disclosed], rules: Policy | None) -> Iterator[ToState]:
    """F15: one identity paper stands behind several names, several enrolled parties, or several sites in one day.

    `names`, `parties`, `sites`: how many of each one paper may have (counts). Papers are compared by a hash of
    their digits and letters, names without their order and accents; the finding tells counts only. Honest: a
    family's card, a miner who walked from pit to pit, a number typed wrongly twice.
    """
    by_paper: dict[bytes, list[tuple[Disclosed, str | None]]] = defaultdict(list)
    for each in disclosed:
        for paper, name in _papers(each):
            by_paper[hashlib.sha256(paper.encode()).digest()].append((each, name))
    allowed = {
        name: policy.number(rules, "thresholds", "identity_shared", name)
        for name in ("names", "parties", "sites")
    }
    for found in by_paper.values():
        events = [each.event for each, _ in found]
        sites: dict[str, set[str]] = defaultdict(set)
        for event in events:
            if isinstance(event, Production) and event.body.site is not None:
                sites[event.event_time[:10]].add(event.body.site)
        counts = {
            "names": len({name for _, name in found if name is not None}),
            "parties": len({event.body.party for event in events if isinstance(event, Enrolment)}),
            "sites": max((len(each) for each in sites.values()), default=0),
        }
        if all(counts[name] <= allowed[name] for name in counts):
            continue
        subjects = dict.fromkeys(subject for event in events for subject in _stands_for(event))
        ids = dict.fromkeys(each.event_id for each, _ in found)
        yield ToState(
            "identity_shared",
            "warning",
            tuple(sorted(subjects)[:SUBJECTS_MAX]),
            tuple(sorted(ids)[:EVENTS_MAX]),
            tuple((name, str(count)) for name, count in sorted(counts.items())),
            tuple(each for each, _ in found),
        )


def _papers(each: Disclosed) -> Iterator[tuple[str, str | None]]:
    """The identity papers in a disclosure, each with the name on it if that is told."""
    match each.path.rpartition("/")[2], each.value:
        case "miner", {"id_number": str(number), "name": str(name)}:
            yield f"id:{_plain(number)}", " ".join(sorted(_plain(name, keep=" ").split()))
        case ("card_number" | "permit_number") as kind, str(number):
            yield f"{kind}:{_plain(number)}", None
        case "entity", {"tin": str(number)}:
            yield f"tin:{_plain(number)}", None
        case _:
            pass


def _plain(text: str, keep: str = "") -> str:
    letters = unicodedata.normalize("NFD", text.casefold())
    return "".join(letter for letter in letters if letter.isalnum() or letter in keep)


def _stands_for(event: Event) -> list[Address]:
    if isinstance(event, Enrolment):
        return [("party", event.body.party)]
    return [("lot", lot) for lot in event.made]


def all_of(
    disclosed: Sequence[Disclosed], lots: Mapping[LotId, Lot], figures: Figures, rules: Policy | None
) -> list[ToState]:
    """Everything these rules notice, in order of rule and events."""
    found = [
        *price_out_of_line(disclosed, lots, figures, rules),
        *undervalued(disclosed, lots, figures, rules),
        *identity_shared(disclosed, rules),
    ]
    return sorted(found, key=lambda each: (each.rule, each.events))


def lots_read(disclosed: Iterable[Disclosed]) -> set[LotId]:
    """The lots these rules have to look up."""
    found: set[LotId] = set()
    for each in disclosed:
        found.update(lot for named, _ in _prices(each) for lot in named)
        if isinstance(each.event, Export):
            found.update(LotId(lot) for _, lot in each.event.moved)
    return found
