"""What a lot, an entry, a finding, a party is as JSON: one class for each, and how it is made of records.

The classes are also the schemas of the OpenAPI document. What is not known, or none, is left out, never null. Masses
are quantities as in events, `{"unit":"KGM","value":"25.4"}`; times are RFC 3339 in UTC; bytes are unpadded
base64url; entries, events and checkpoints stand as the exact text they are, in a string.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self

import msgspec

from traceability.core import quantity
from traceability.core.composition import Origin
from traceability.core.errors import Malformed
from traceability.core.leaf import time_text
from traceability.core.outcome import Finding
from traceability.core.state import Key, Lot, Offer, Party, Site

Id = Annotated[str, msgspec.Meta(pattern="^[0-9a-hjkmnp-tv-z]{26}$")]
Hex = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Base64 = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]*$")]
Time = Annotated[str, msgspec.Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")]
Day = Annotated[str, msgspec.Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


class View(msgspec.Struct, omit_defaults=True, frozen=True, kw_only=True):
    """Anything that is answered as JSON."""

    def json(self) -> bytes:
        """As the body of an answer."""
        return msgspec.json.encode(self)


class Mass(View, frozen=True):
    """A mass, exactly, in a unit of UN/ECE Rec 20."""

    unit: Literal["KGM", "GRM"]
    value: str

    @classmethod
    def of(cls, mass_ug: int) -> Self:
        """In kilograms where that has an end, else in grams (it always has)."""
        try:
            return cls(unit="KGM", value=quantity.format_quantity(mass_ug, "KGM"))
        except Malformed:
            return cls(unit="GRM", value=quantity.show_grams(mass_ug * quantity.EXACT_PER_UG))


class Figure(View, frozen=True):
    """A number a finding rests on."""

    name: str
    value: str


class Subject(View, frozen=True):
    """What a finding or a waiting event is about."""

    type: str
    id: str


class FindingView(View, frozen=True):
    """What a rule noticed. Never a verdict: it names rule, subjects and figures, and can be answered."""

    rule: str
    version: int
    severity: Literal["notice", "warning", "severe"]
    subjects: list[Subject]
    events: list[Hex]
    figures: list[Figure] = []

    @classmethod
    def of(cls, finding: Finding) -> Self:
        return cls(
            rule=finding.rule,
            version=finding.version,
            severity=finding.severity,
            subjects=[Subject(type=type_, id=id_) for type_, id_ in finding.subjects],
            events=list(finding.events),
            figures=[Figure(name=name, value=value) for name, value in finding.figures],
        )


class Taken(View, frozen=True):
    """The proof that an event is in the log: leaf from `entry` and `blind`, path `proof` to `checkpoint`."""

    event_id: Hex
    index: int
    entry: str
    blind: Base64
    proof: list[Base64]
    checkpoint: str
    stands: bool
    lots: dict[str, bool]
    """For each lot the event moves or makes: whether it stands on it."""
    findings: list[FindingView]


class Kept(View, frozen=True):
    """Sealed fields of an event that are open to the ledger now."""

    event_id: Hex
    paths: list[str]


class EventView(Taken, frozen=True):
    """An event as the log has it, with what the reader may see of its sealed fields."""

    kind: str
    party: Id
    record_time: Time
    disclosures: list[tuple[str, str, Any]] = []
    """[salt, path, value]"""


class OfferView(View, frozen=True):
    """What stands open between giver and recipient."""

    event: Hex
    giver: Id
    recipient: Id
    moves: Literal["both", "custody", "title"]
    accept_by: Day

    @classmethod
    def of(cls, offer: Offer | None) -> "OfferView | None":
        if offer is None:
            return None
        return cls(
            event=offer.event,
            giver=offer.giver,
            recipient=offer.recipient,
            moves=offer.moves,
            accept_by=offer.accept_by,
        )


class ItemView(View, frozen=True):
    """A stone or bar followed by itself."""

    number: str
    mass: Mass


class LotView(View, frozen=True):
    """A lot as it stands."""

    lot: Id
    mineral: str
    form: str
    origin: Literal["production", "intake", "transformation"]
    state: Literal["held", "offered", "exported", "ended"]
    custodian: Id
    title: Id
    producer: Id
    expected_mass: Mass
    """What it should weigh by its last reading and what was booked since."""
    made_by: Hex
    made_at: int
    """Index of the entry that made it."""
    custody_head: Hex
    """The event that moved custody last: what the next one names under `previous`."""
    title_head: Hex
    entries: int
    """How many entries of the log are about it."""
    finding_count: int
    site: Id | None = None
    lot_number: str | None = None
    count: int | None = None
    items: list[ItemView] = []
    tags: list[str] = []
    seals: list[str] = []
    offer: OfferView | None = None
    title_offer: OfferView | None = None
    importer: Id | None = None
    ended_by: Hex | None = None
    disputed: list[Hex] = []
    """Entries without effect that nothing has settled yet."""

    @classmethod
    def of(cls, lot: Lot) -> Self:
        return cls(
            lot=lot.id,
            mineral=lot.mineral,
            form=lot.form,
            origin=lot.origin,
            state=lot.state,
            custodian=lot.custodian,
            title=lot.title,
            producer=lot.producer,
            expected_mass=Mass.of(lot.expected_ug),
            made_by=lot.maker,
            made_at=lot.maker_index,
            custody_head=lot.custody_head,
            title_head=lot.title_head,
            entries=lot.place.count,
            finding_count=lot.place.finding_count,
            site=lot.site,
            lot_number=lot.lot_number,
            count=lot.count,
            items=[ItemView(number=item.number, mass=Mass.of(item.mass_ug)) for item in lot.items],
            tags=list(lot.tags),
            seals=list(lot.seals),
            offer=OfferView.of(lot.offer),
            title_offer=OfferView.of(lot.title_offer),
            importer=lot.importer,
            ended_by=lot.ended_by,
            disputed=list(lot.disputed),
        )


class LotList(View, frozen=True):
    """Lots the reader may open; `next` is the cursor of the page after this one."""

    lots: list[LotView]
    next: str | None = None


class HistoryEntry(View, frozen=True):
    """One entry about a lot."""

    index: int
    event_id: Hex
    record_time: Time
    kind: str
    party: Id
    """Who signed."""
    stands: bool
    """Whether it stands on this lot."""
    event: str
    """The signed payload, as its canonical JSON text."""
    findings: list[FindingView] = []
    disclosures: list[tuple[str, str, Any]] = []


class History(View, frozen=True):
    """The entries about a lot, oldest first; `next` is the cursor of the later ones."""

    lot: Id
    entries: list[HistoryEntry]
    next: str | None = None


class LineageLot(View, frozen=True):
    """A lot in a lineage."""

    lot: Id
    mineral: str
    form: str
    origin: Literal["production", "intake", "transformation"]
    state: Literal["held", "offered", "exported", "ended"]
    producer: Id
    made_by: Hex
    made_at: int
    mass: Mass
    site: Id | None = None
    finding_count: int = 0

    @classmethod
    def of(cls, lot: Lot) -> Self:
        return cls(
            lot=lot.id,
            mineral=lot.mineral,
            form=lot.form,
            origin=lot.origin,
            state=lot.state,
            producer=lot.producer,
            made_by=lot.maker,
            made_at=lot.maker_index,
            mass=Mass.of(lot.expected_ug),
            site=lot.site,
            finding_count=lot.place.finding_count,
        )


class Share(View, frozen=True):
    """How much of the lots asked about begins at one place. `ppm` of the whole, cut off."""

    source: Literal["site", "no_site", "intake", "additive", "gain"]
    mass: Mass
    ppm: int
    id: str | None = None
    """Of the site; for the others why or what it is."""

    @classmethod
    def all_of(cls, composition: Mapping[Origin, int]) -> "list[Share]":
        """A composition by where ore begins, the largest share first."""
        whole = sum(composition.values())
        shares = sorted(composition.items(), key=lambda share: (-share[1], share[0]))
        return [
            cls(
                source=origin.kind,
                mass=Mass.of(mass_ug),
                ppm=mass_ug * 1_000_000 // whole,
                id=origin.id or None,
            )
            for origin, mass_ug in shares
        ]


class LineageView(View, frozen=True):
    """Where lots come from, or what became of them. Each edge goes from a lot to one made out of it."""

    lots: list[Id]
    nodes: list[LineageLot]
    edges: list[tuple[str, str]]
    composition: list[Share] = []
    """The lots asked about, by where ore begins; for the way back only."""
    too_finely_mixed: bool = False
    """The composition was left out: working it out would take too much."""


class KeyView(View, frozen=True):
    """A key of a party."""

    key: Hex
    added_by: Hex
    expires: Day | None = None
    revoked: Literal["lost", "stolen", "left", "replaced", "compromised"] | None = None

    @classmethod
    def of(cls, key: Key) -> Self:
        revoked: Any = key.revoked.reason if key.revoked else None
        return cls(key=key.id, added_by=key.added_by, expires=key.expires, revoked=revoked)


class PartyView(View, frozen=True):
    """A party as the register has it; names of persons are not in it."""

    party: Id
    type: str
    roles: list[str]
    country: str
    since: Day
    enrolled_by: Hex
    provisional: bool = False
    region: str | None = None
    public_name: str | None = None
    part_of: Id | None = None
    members: int | None = None
    keys: list[KeyView] = []

    @classmethod
    def of(cls, party: Party, keys: Iterable[Key] = ()) -> Self:
        facts = party.facts[-1]
        return cls(
            party=party.id,
            type=facts.type,
            roles=list(party.roles),
            country=facts.country,
            since=facts.since,
            enrolled_by=party.enrolled_by,
            provisional=party.provisional,
            region=facts.region,
            public_name=facts.public_name,
            part_of=facts.part_of,
            members=facts.members,
            keys=[KeyView.of(key) for key in keys],
        )


class PartyList(View, frozen=True):
    """Parties the reader may see."""

    parties: list[PartyView]
    next: str | None = None


class SiteView(View, frozen=True):
    """A registered site, without its sealed fields: no coordinates."""

    site: Id
    type: str
    name: str
    country: str
    region: str
    minerals: list[str]
    mining_method: str
    activity: str
    holder: Id
    since: Day
    worked_by: list[Id] = []

    @classmethod
    def of(cls, site: Site) -> Self:
        facts = site.facts[-1]
        return cls(
            site=site.id,
            type=facts.type,
            name=facts.name,
            country=facts.country,
            region=facts.region,
            minerals=list(facts.minerals),
            mining_method=facts.mining_method,
            activity=facts.activity,
            holder=facts.holder,
            since=facts.since,
            worked_by=list(facts.worked_by),
        )


class SiteList(View, frozen=True):
    """Registered sites."""

    sites: list[SiteView]
    next: str | None = None


class LogView(View, frozen=True):
    """What this log is, and its newest checkpoint."""

    origin: str
    vkey: str
    """The key that signs checkpoints (C2SP signed-note)."""
    size: int
    root: Hex
    checkpoint: str
    record_time: Time
    """When its newest entry was taken."""
    name: str
    countries: list[str]
    quorum: int
    """How many other authorities must agree on a change among them; 0: a single authority."""
    signing: bool
    """Whether it takes and signs events now."""
    demo: bool = False


class Ready(View, frozen=True):
    """Whether requests can be answered, and events taken."""

    size: int
    signing: bool
    reason: str | None = None
    """Why no events are taken."""


class Beginning(View, frozen=True):
    """Where ore in a tagged lot was dug or came in. Registered sites stand open; persons do not."""

    source: Literal["site", "no_site", "intake", "additive", "gain"]
    ppm: int
    site: Id | None = None
    site_name: str | None = None
    country: str | None = None
    region: str | None = None


class StoryStep(View, frozen=True):
    """Something that happened to a tagged lot: a day, a place no finer than a province, no names."""

    day: Day
    kind: str
    stands: bool
    roles: list[str]
    """What whoever did it is: trader, miner, …"""
    public_name: str | None = None
    """Only where that party chose to be public."""
    country: str | None = None
    region: str | None = None


class Noticed(View, frozen=True):
    """A finding, without the figures and ids that lead to others."""

    rule: str
    severity: Literal["notice", "warning", "severe"]
    day: Day


class StoryView(View, frozen=True):
    """A tagged lot. To a stranger with another scheme's number: mineral, countries and `open`, no more."""

    mineral: str
    countries: list[str]
    open: bool
    """Whether the lot still is: not used up, closed or arrived abroad."""
    form: str | None = None
    state: Literal["held", "offered", "exported", "ended"] | None = None
    mass: Mass | None = None
    count: int | None = None
    tag_on: bool | None = None
    """Whether the tag is on it now; if not, the story ends where it came off."""
    beginnings: list[Beginning] = []
    steps: list[StoryStep] = []
    findings: list[Noticed] = []
    findings_behind: int = 0
    """How many findings the lots have that it was made of."""
    lot: Id | None = None
    """Only for who may open the lot itself."""


class TagView(View, frozen=True):
    """A tag, and the lots it is on; where it is on none, the last it was on."""

    scheme: str
    lots: list[StoryView]
    tag: str | None = None
    """Its name in events."""
    demo: bool = False
    """The ledger is a demonstration."""


class SessionView(View, frozen=True):
    """Who is signed in, and until when."""

    party: Id
    key: Hex
    roles: list[str]
    expires: Time


class ProblemView(View, frozen=True):
    """Why a request failed (RFC 9457). Further members depend on `type`."""

    type: Annotated[str, msgspec.Meta(pattern="^/problems/[a-z_]+$")]
    title: str
    status: int
    detail: str
    request_id: str | None = None


def schemas(views: Iterable[type[View]], template: str) -> Mapping[str, Any]:
    """JSON Schemas (2020-12) of these classes and all they are made of, by name."""
    return msgspec.json.schema_components(views, ref_template=template)[1]


def moment(seconds: int) -> str:
    """Unix seconds as they are written here."""
    return time_text(seconds)
