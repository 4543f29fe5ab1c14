"""Lots as short as they can be kept: there is one for every bag, and every event that moves it writes it again.

A row says once what it says at all: ids as raw bytes, days as numbers, heads and pools by what they are to the
lot, and nothing at its end that most lots do not have. What is packed follows from the record alone, so `fsck`
compares rows byte by byte; unpacking gives the same record back.
"""

from datetime import date
from functools import lru_cache
from typing import Any, Literal

import msgspec

from traceability.core.composition import Part
from traceability.core.errors import Malformed
from traceability.core.ids import CROCKFORD, EventId, LotId, PartyId, SiteId, crockford
from traceability.core.lot_records import Lot, LotItem, LotState, Offer
from traceability.core.record import EMPTY_CHAIN, Place
from traceability.core.registry_records import Mention
from traceability.ledger.packed_quality import PackedBesides, pack_besides, unpack_besides

PackedPart = tuple[int | bytes, int, int]
"""Its pool: −1 for the one the lot's maker made, the number of one of the lot's own; else an event's id, or
another lot's id and the pool's number."""
PackedItem = tuple[str, int, PackedPart]
PackedOffer = tuple[bytes | None, bytes | None, bytes, int, int, bool]

_MOVES: tuple[Literal["both", "custody", "title"], ...] = ("both", "custody", "title")
_ORIGINS: tuple[Literal["production", "intake", "transformation"], ...] = (
    "production",
    "intake",
    "transformation",
)
STATES: tuple[LotState, ...] = ("held", "offered", "exported", "ended")
_DAY_ZERO = date(2000, 1, 1).toordinal()
_TO_PYTHON = str.maketrans(CROCKFORD, "0123456789abcdefghijklmnopqrstuv")
_FIXED = 22
"""How many fields of a lot are always there."""
_MOSTLY = 26
"""Behind so many, most lots have nothing."""
_encode = msgspec.msgpack.Encoder().encode


class _PackedLot(msgspec.Struct, array_like=True, gc=False):
    """A lot. What is None is as the field named beside it."""

    count: int
    chain: bytes
    last: int
    maker: bytes
    maker_index: int
    position: int
    origin: int
    form: str
    site: bytes | None
    custodian: bytes
    producer: bytes | None  # custodian
    title: bytes | None  # custodian
    custody_head: bytes | None  # maker
    custody_index: int
    title_head: bytes | None  # custody_head
    title_index: int
    judged_day: int
    expected_ug: int
    lowest_ug: int
    reading: str | None
    content: list[PackedPart]
    tags: list[str]
    # From here on, what is empty at the end is left out.
    ended_by: bytes | bool = False  # True: custody_head
    lot_number: str = ""
    besides: PackedBesides | None = None
    offer: PackedOffer | None = None
    seals: list[str] = []
    lost_ug: int = 0
    gained_ug: int = 0
    pools: int = 0
    pieces: int = 0
    title_offer: PackedOffer | None = None
    whence: str = ""
    importer: bytes = b""
    items: list[PackedItem] = []
    disputed: list[bytes] = []
    finding_count: int = 0
    finding_chain: bytes = b""
    zones: list[bytes] = []
    mixed: list[str] = []


class _PackedMention(msgspec.Struct, array_like=True, gc=False):
    count: int
    chain: bytes
    last: int
    finding_count: int
    finding_chain: bytes


_decode_lot = msgspec.msgpack.Decoder(_PackedLot).decode
_decode_mention = msgspec.msgpack.Decoder(_PackedMention).decode


def pack_lot(lot: Lot | Mention) -> bytes:
    """A lot without its id, its number in the book, its mineral and its state, which have columns of their own."""
    place = lot.place
    finding_chain = place.finding_chain if place.finding_count else b""
    if isinstance(lot, Mention):
        return _encode((place.count, place.chain, place.last, place.finding_count, finding_chain))
    maker, custodian, head = lot.maker, lot.custodian, lot.custody_head
    row: list[Any] = [
        place.count,
        place.chain,
        place.last,
        raw_hash(maker),
        lot.maker_index,
        lot.position,
        _ORIGINS.index(lot.origin),
        lot.form,
        None if lot.site is None else raw_id(lot.site),
        raw_id(custodian),
        None if lot.producer == custodian else raw_id(lot.producer),
        None if lot.title == custodian else raw_id(lot.title),
        None if head == maker else raw_hash(head),
        lot.custody_index,
        None if lot.title_head == head else raw_hash(lot.title_head),
        lot.title_index,
        number_of_day(lot.judged_day),
        lot.expected_ug,
        lot.lowest_ug,
        lot.reading,
        [pack_part(lot.id, maker, part) for part in lot.content],
        lot.tags,
        lot.ended_by is not None and (lot.ended_by == head or raw_hash(lot.ended_by)),
        lot.lot_number or "",
        pack_besides(lot),
        lot.offer and pack_offer(lot.offer, head, custodian),
        lot.seals,
        lot.lost_ug,
        lot.gained_ug,
        lot.pools,
        lot.count or 0,
        lot.title_offer and pack_offer(lot.title_offer, lot.title_head, custodian),
        lot.whence or "",
        raw_id(lot.importer) if lot.importer else b"",
        [pack_item(lot.id, maker, item) for item in lot.items],
        [raw_hash(event) for event in lot.disputed],
        place.finding_count,
        finding_chain,
        [raw_hash(event) for event in lot.zones],
        lot.mixed,
    ]
    if not any(row[_MOSTLY:]):
        del row[_MOSTLY:]
    while len(row) > _FIXED and not row[-1]:
        row.pop()
    return _encode(row)


def unpack_lot(number: int, id_: str, mineral: str, state: str, data: bytes) -> Lot | Mention:
    """The record behind `pack_lot`'s bytes and the columns beside them. Raises Malformed for any others."""
    try:
        if not state:
            m = _decode_mention(data)
            return Mention(
                Place(number, m.count, m.chain, m.last, m.finding_count, m.finding_chain or EMPTY_CHAIN)
            )
        return _unpack_lot(number, LotId(id_), mineral, state, _decode_lot(data))
    except (msgspec.MsgspecError, ValueError, IndexError, OverflowError) as error:
        raise Malformed(f"the row of lot {id_} is no lot: {error}") from error


def _unpack_lot(number: int, id_: LotId, mineral: str, state: str, p: _PackedLot) -> Lot:
    maker = EventId(p.maker.hex())
    custodian = party_of(p.custodian)
    head = maker if p.custody_head is None else EventId(p.custody_head.hex())
    title_head = head if p.title_head is None else EventId(p.title_head.hex())
    ended_by = None
    if p.ended_by:
        ended_by = head if p.ended_by is True else EventId(p.ended_by.hex())
    expected_error_ppm, lowest_error_ppm, named_ug, wetted_ug, quality = unpack_besides(p.besides)
    return Lot(
        place=Place(number, p.count, p.chain, p.last, p.finding_count, p.finding_chain or EMPTY_CHAIN),
        id=id_,
        maker=maker,
        maker_index=p.maker_index,
        position=p.position,
        origin=_ORIGINS[p.origin],
        whence=p.whence or None,
        mineral=mineral,
        form=p.form,
        site=None if p.site is None else SiteId(_text(p.site)),
        producer=custodian if p.producer is None else party_of(p.producer),
        state=_state(state),
        custodian=custodian,
        title=custodian if p.title is None else party_of(p.title),
        custody_head=head,
        title_head=title_head,
        custody_index=p.custody_index,
        title_index=p.title_index,
        judged_day=day_of(p.judged_day),
        expected_ug=p.expected_ug,
        lowest_ug=p.lowest_ug,
        reading=p.reading,
        content=tuple([unpack_part(id_, maker, part) for part in p.content]),
        items=tuple([unpack_item(id_, maker, item) for item in p.items]),
        count=p.pieces or None,
        offer=None if p.offer is None else unpack_offer(p.offer, head, custodian),
        title_offer=None if p.title_offer is None else unpack_offer(p.title_offer, title_head, custodian),
        tags=tuple(p.tags),
        seals=tuple(p.seals),
        lot_number=p.lot_number or None,
        gained_ug=p.gained_ug,
        lost_ug=p.lost_ug,
        ended_by=ended_by,
        disputed=tuple([EventId(event.hex()) for event in p.disputed]),
        importer=party_of(p.importer) if p.importer else None,
        pools=p.pools,
        zones=tuple([EventId(event.hex()) for event in p.zones]),
        mixed=tuple(p.mixed),
        expected_error_ppm=expected_error_ppm,
        lowest_error_ppm=lowest_error_ppm,
        named_ug=named_ug,
        wetted_ug=wetted_ug,
        quality=quality,
    )


# Their pieces


def pack_part(lot: LotId, maker: EventId, part: Part) -> PackedPart:
    pool = part.pool
    if pool == maker:
        return -1, part.start, part.end
    if len(pool) != 64 and pool.startswith(lot):
        return int(pool[len(lot) + 1 :]), part.start, part.end
    other, colon, number = pool.partition(":")
    if colon:
        return raw_id(other) + int(number).to_bytes(4, "big"), part.start, part.end
    return raw_hash(pool), part.start, part.end


def unpack_part(lot: LotId, maker: EventId, packed: PackedPart) -> Part:
    pool, start, end = packed
    match pool:
        case -1:
            return Part(maker, start, end)
        case int():
            return Part(f"{lot}:{pool}", start, end)
        case bytes() if len(pool) == 32:
            return Part(pool.hex(), start, end)
        case bytes():
            return Part(f"{_text(pool[:17])}:{int.from_bytes(pool[17:], 'big')}", start, end)


def pack_item(lot: LotId, maker: EventId, item: LotItem) -> PackedItem:
    return item.number, item.mass_ug, pack_part(lot, maker, item.part)


def unpack_item(lot: LotId, maker: EventId, packed: PackedItem) -> LotItem:
    return LotItem(packed[0], packed[1], unpack_part(lot, maker, packed[2]))


def pack_offer(offer: Offer, head: EventId, custodian: PartyId) -> PackedOffer:
    return (
        None if offer.event == head else raw_hash(offer.event),
        None if offer.giver == custodian else raw_id(offer.giver),
        raw_id(offer.recipient),
        _MOVES.index(offer.moves),
        number_of_day(offer.accept_by),
        offer.carries_title,
    )


def unpack_offer(packed: PackedOffer, head: EventId, custodian: PartyId) -> Offer:
    event, giver, recipient, moves, accept_by, carries_title = packed
    return Offer(
        head if event is None else EventId(event.hex()),
        custodian if giver is None else party_of(giver),
        party_of(recipient),
        _MOVES[moves],
        day_of(accept_by),
        carries_title,
    )


@lru_cache(maxsize=1 << 14)
def raw_hash(id_: str) -> bytes:
    return bytes.fromhex(id_)


@lru_cache(maxsize=1 << 14)
def raw_id(id_: str) -> bytes:
    """A derived id of 26 characters, 130 bits, as 17 bytes."""
    return (int(id_.translate(_TO_PYTHON), 32) << 6).to_bytes(17, "big")


@lru_cache(maxsize=1 << 14)
def _text(raw: bytes) -> str:
    if len(raw) != 17 or raw[16] & 63:
        raise ValueError("an id has 130 bits")
    return crockford(raw)


def party_of(raw: bytes) -> PartyId:
    return PartyId(_text(raw))


@lru_cache(maxsize=4096)
def number_of_day(day: str) -> int:
    return date.fromisoformat(day).toordinal() - _DAY_ZERO


@lru_cache(maxsize=4096)
def day_of(number: int) -> str:
    return date.fromordinal(number + _DAY_ZERO).isoformat()


def _state(name: str) -> LotState:
    for state in STATES:
        if state == name:
            return state
    raise ValueError(f"{name} is no state of a lot")
