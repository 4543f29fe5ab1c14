"""The story of a tagged lot, for whoever holds the tag: no names, no prices, no places finer than a province.

A code of ours is a permission in itself. The printed number of another scheme's tag is none: anybody can
count. So it gives a stranger three facts, and the story only to those who may open the lot anyway. When a
tag has come off, its story ends there: it does not say where the ore went.
"""

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

from traceability.api.permission import OpenLot, TagStory, Visitor, in_story, may
from traceability.api.problems import not_here
from traceability.api.services import Services
from traceability.api.shown import findings_about
from traceability.api.story_views import Beginning, Noticed, StoryStep, StoryView, TagView
from traceability.api.views import Mass
from traceability.core import tag as tags
from traceability.core.authority import judged_day
from traceability.core.composition import Additive, Gain, Intake, Leaf, Production, TooFinelyMixed
from traceability.core.errors import Malformed
from traceability.core.events import Intake as IntakeEvent
from traceability.core.ids import LotId
from traceability.core.lot_records import Lot
from traceability.core.registry_records import LedgerFacts, Party, Site, TagRecord
from traceability.ledger.ancestry import Lineage
from traceability.ledger.reader import LoggedEntry

STEPS_MAX = 200
_MAKERS_MAX = 200
"""How many beginnings without a registered site are looked up for where they were."""
_DASHES = re.compile(r"[\u00ad\u2010-\u2015\u2212]")
Source = Literal["site", "no_site", "intake", "additive", "gain"]


class Place(NamedTuple):
    """Where ore of one lot began; `countries` more than one only where an intake says so."""

    source: Source
    countries: tuple[str, ...] = ()
    region: str | None = None
    site: Site | None = None

    def beginning(self, ppm: int | None, *, opened: bool) -> Beginning:
        """With its share of the lot; `opened` for who may open the lot, and so know the site."""
        site = self.site if opened else None
        facts = site.facts[-1] if site else None
        return Beginning(
            source=self.source,
            ppm=ppm,
            site=site.id if site else None,
            site_name=facts.name if facts else None,
            country=self.countries[0] if len(self.countries) == 1 else None,
            region=self.region,
        )


def of_tag(services: Services, who: Visitor, typed: str) -> TagView:
    """What this code or number opens for this visitor. Raises the one 404."""
    by_code = _by_code(services, typed)
    name = by_code or _by_number(services, typed)
    if name is None:
        raise not_here()
    scheme, _ = tags.parse_tag(name)
    record = services.reader.tag(name)
    stories = []
    for lot_id in services.reader.lots_of_tag(name):
        lot = services.reader.lot(lot_id)
        if lot is None or record is None:
            continue
        lineage = services.reader.lineage([lot_id])
        if may(who, TagStory(lot, by_code is not None), services.reader.held_by):
            stories.append(_story(services, who, lot, name, record, lineage))
        elif scheme != tags.OUR_SCHEME:
            stories.append(_glance(lot, _places(services, lineage)))
    if not stories and by_code is None:
        raise not_here()
    facts = services.reader.record(("ledger", ""))
    demo = isinstance(facts, LedgerFacts) and facts.demo
    return TagView(scheme=scheme, lots=stories, tag=name, demo=demo)


def _by_code(services: Services, typed: str) -> str | None:
    try:
        code = tags.normalise(typed)
    except Malformed:
        return None
    found = services.reader.tag_of_code(code)
    return found.tag if found else None


def _by_number(services: Services, typed: str) -> str | None:
    """The tag of this name, with spaces, dashes and small letters forgiven."""
    scheme, _, number = _DASHES.sub("-", "".join(typed.split())).partition(":")
    for spelling in (number, number.upper()):
        name = f"{scheme.lower()}:{spelling}"
        try:
            tags.parse_tag(name)
        except Malformed:
            continue
        if services.reader.tag(name) is not None:
            return name
    return None


def _glance(lot: Lot, places: Mapping[LotId, Place]) -> StoryView:
    return StoryView(mineral=lot.mineral, countries=_countries(places), open=lot.state != "ended")


def _story(
    services: Services, who: Visitor, lot: Lot, name: str, record: TagRecord, lineage: Lineage
) -> StoryView:
    on = lot.id in record.on and name in lot.tags
    # The newest entry that names the tag is the one by which it came off: what came later is not told.
    entries = services.reader.history(lot.id, STEPS_MAX, None if on else record.place.last + 1)
    places = _places(services, lineage)
    opened = may(who, OpenLot(lot), services.reader.held_by)
    return StoryView(
        mineral=lot.mineral,
        countries=_countries(places),
        open=lot.state != "ended",
        form=lot.form,
        state=lot.state if on else None,
        mass=Mass.of(lot.expected_ug) if on else None,
        count=lot.count if on else None,
        tag_on=on,
        beginnings=_beginnings(lineage, places, opened=opened) if on else _begun(places, opened=opened),
        steps=_steps(services, lot.id, [entry for entry in entries if in_story(entry.event)]),
        findings=[
            Noticed(rule=finding.rule, severity=finding.severity, day=_day(entry))
            for entry in entries
            for finding in findings_about(lot.id, entry)
        ]
        + [
            Noticed(rule=finding.rule, severity=finding.severity, day=_day(entry))
            for entry in (services.reader.fallen_due(lot.id) if on else ())
            for finding in entry.findings
            if ("lot", lot.id) in finding.subjects and finding.events[:1] != (entry.event_id,)
        ],
        findings_behind=sum(node.place.finding_count for node in lineage.lots.values() if node.id != lot.id),
        lot=lot.id if opened else None,
    )


def _steps(services: Services, lot_id: LotId, entries: list[LoggedEntry]) -> list[StoryStep]:
    with services.reads.read() as view:
        records = view.records({("party", entry.event.actor) for entry in entries})
    steps = []
    for entry in entries:
        party = records.get(("party", entry.event.actor))
        assert isinstance(party, Party)
        region = entry.event.body.region
        steps.append(
            StoryStep(
                day=_day(entry),
                kind=entry.event.kind,
                stands=entry.fates.get(lot_id, entry.stands),
                roles=list(party.roles),
                public_name=party.facts[-1].public_name,
                country=region[:2] if region else None,
                region=region,
            )
        )
    return steps


def _day(entry: LoggedEntry) -> str:
    return judged_day(entry.event, entry.record_time)


# Where the ore began


def _places(services: Services, lineage: Lineage) -> dict[LotId, Place]:
    """Where each lot of this lineage began in which ore begins."""
    begun = [lot for lot in lineage.lots.values() if lot.origin != "transformation"]
    with services.reads.read() as view:
        sites = view.records({("site", lot.site) for lot in begun if lot.site is not None})
    without = sorted((lot for lot in begun if lot.site is None), key=lambda lot: lot.maker_index)
    makers = services.reader.entries_at({lot.maker_index for lot in without[:_MAKERS_MAX]})
    at = {entry.index: _place_of(entry) for entry in makers}
    places = {}
    for lot in begun:
        site = sites.get(("site", lot.site or ""))
        if isinstance(site, Site):
            places[lot.id] = Place("site", (site.facts[-1].country,), site.facts[-1].region, site)
        else:
            source: Source = "intake" if lot.origin == "intake" else "no_site"
            places[lot.id] = at.get(lot.maker_index, Place(source))
    return places


def _place_of(maker: LoggedEntry) -> Place:
    event = maker.event
    if isinstance(event, IntakeEvent):
        return Place("intake", tuple(country for country in event.body.countries if country != "0"))
    region = event.body.region
    return Place("no_site", (region[:2],) if region else (), region)


def _countries(places: Mapping[LotId, Place]) -> list[str]:
    return sorted({country for place in places.values() for country in place.countries})


def _beginnings(lineage: Lineage, places: Mapping[LotId, Place], *, opened: bool) -> list[Beginning]:
    """The lot by where its ore began, the largest share first; nothing where it is too finely mixed to say."""
    try:
        composition = lineage.composition()
    except TooFinelyMixed:
        return []
    shares: dict[Place, int] = {}
    for leaf, mass_ug in composition.items():
        place = _place_of_leaf(leaf, places)
        shares[place] = shares.get(place, 0) + mass_ug
    whole = sum(shares.values())
    largest = sorted(shares.items(), key=lambda share: -share[1])
    return [place.beginning(mass_ug * 1_000_000 // whole, opened=opened) for place, mass_ug in largest]


def _begun(places: Mapping[LotId, Place], *, opened: bool) -> list[Beginning]:
    """Where its ore began, without shares: they are of now, and the story ended before."""
    known = dict.fromkeys(place for _, place in sorted(places.items()))
    return [place.beginning(None, opened=opened) for place in known]


def _place_of_leaf(leaf: Leaf, places: Mapping[LotId, Place]) -> Place:
    match leaf:
        case Production() | Intake():
            return places[leaf.lot]
        case Additive():
            return Place("additive")
        case Gain():
            return Place("gain")
