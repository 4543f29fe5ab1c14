"""Moves as short as they can be kept (see `packing`): what an event did to the heads of one lot."""

from typing import Any, Literal

import msgspec

from traceability.core.errors import Malformed
from traceability.core.ids import EventId, KeyId, LotId
from traceability.core.lot_records import Aside, Before, Move
from traceability.ledger.packed_quality import PackedBesides, pack_besides, unpack_besides
from traceability.ledger.packing import (
    STATES,
    PackedItem,
    PackedOffer,
    PackedPart,
    day_of,
    number_of_day,
    pack_item,
    pack_offer,
    pack_part,
    party_of,
    raw_hash,
    raw_id,
    unpack_item,
    unpack_offer,
    unpack_part,
)

_PackedAside = tuple[
    int,
    int,
    str | None,
    list[PackedPart],
    list[PackedItem],
    int,
    int,
    list[str],
    list[str],
    PackedBesides | None,
]
_PackedBefore = tuple[
    int,
    bytes,
    bytes,
    int,
    bytes | None,
    int,
    int,
    PackedOffer | None,
    PackedOffer | None,
    _PackedAside | None,
]
_HEADS: tuple[Literal["custody", "title", "both"], ...] = ("custody", "title", "both")
_NO_MAKER = EventId("")
"""A move is read without its lot: the pool its maker made is named like any other event's."""
_encode = msgspec.msgpack.Encoder().encode


class _PackedMove(msgspec.Struct, array_like=True, gc=False):
    sets: int
    custodian: bytes
    title: bytes | None = None  # custodian
    giver: bytes | bool = False  # True: custodian
    recipient: bytes = b""
    late: list[bytes] = []
    before: _PackedBefore | None = None


_decode_move = msgspec.msgpack.Decoder(_PackedMove).decode


def pack_move(move: Move) -> bytes:
    """A move without its event, its lot and the entries it follows, which are columns of its row."""
    custodian = move.custodian
    row: list[Any] = [
        _HEADS.index(move.sets),
        raw_id(custodian),
        None if move.title == custodian else raw_id(move.title),
        move.giver is not None and (move.giver == custodian or raw_id(move.giver)),
        raw_id(move.recipient) if move.recipient else b"",
        [raw_hash(key) for key in move.late],
        move.before and _pack_before(move.lot, move.before),
    ]
    while not row[-1]:
        row.pop()
    return _encode(row)


def unpack_move(
    event: EventId,
    lot: LotId,
    after: tuple[int | None, int | None],
    *,
    stands: bool,
    data: bytes,
) -> Move:
    """The record behind `pack_move`'s bytes and what stands beside them. Raises Malformed for any others."""
    try:
        p = _decode_move(data)
        custodian = party_of(p.custodian)
        giver = None
        if p.giver:
            giver = custodian if p.giver is True else party_of(p.giver)
        return Move(
            event=event,
            lot=lot,
            sets=_HEADS[p.sets],
            custody_after=after[0],
            title_after=after[1],
            stands=stands,
            custodian=custodian,
            title=custodian if p.title is None else party_of(p.title),
            giver=giver,
            recipient=party_of(p.recipient) if p.recipient else None,
            late=tuple([KeyId(key.hex()) for key in p.late]),
            before=None if p.before is None else _unpack_before(lot, p.before),
        )
    except (msgspec.MsgspecError, ValueError, IndexError, OverflowError) as error:
        raise Malformed(f"what an event did to lot {lot} cannot be read: {error}") from error


def _pack_before(lot: LotId, before: Before) -> _PackedBefore:
    custodian = before.custodian
    return (
        STATES.index(before.state),
        raw_id(custodian),
        raw_hash(before.custody_head),
        before.custody_index,
        None if before.title_head == before.custody_head else raw_hash(before.title_head),
        before.title_index,
        number_of_day(before.judged_day),
        None if before.offer is None else pack_offer(before.offer, before.custody_head, custodian),
        None if before.title_offer is None else pack_offer(before.title_offer, before.title_head, custodian),
        None if before.aside is None else _pack_aside(lot, before.aside),
    )


def _unpack_before(lot: LotId, packed: _PackedBefore) -> Before:
    (
        state,
        custodian_,
        custody_head,
        custody_index,
        title_head,
        title_index,
        day,
        offer,
        title_offer,
        aside,
    ) = packed
    custodian = party_of(custodian_)
    head = EventId(custody_head.hex())
    of_title = head if title_head is None else EventId(title_head.hex())
    return Before(
        STATES[state],
        custodian,
        head,
        custody_index,
        of_title,
        title_index,
        day_of(day),
        None if offer is None else unpack_offer(offer, head, custodian),
        None if title_offer is None else unpack_offer(title_offer, of_title, custodian),
        None if aside is None else _unpack_aside(lot, aside),
    )


def _pack_aside(lot: LotId, aside: Aside) -> _PackedAside:
    return (
        aside.expected_ug,
        aside.lowest_ug,
        aside.reading,
        [pack_part(lot, _NO_MAKER, part) for part in aside.content],
        [pack_item(lot, _NO_MAKER, item) for item in aside.items],
        aside.gained_ug,
        aside.lost_ug,
        list(aside.tags),
        list(aside.seals),
        pack_besides(aside),
    )


def _unpack_aside(lot: LotId, packed: _PackedAside) -> Aside:
    expected_ug, lowest_ug, reading, content, items, gained_ug, lost_ug, tags, seals, besides = packed
    return Aside(
        expected_ug,
        lowest_ug,
        reading,
        tuple([unpack_part(lot, _NO_MAKER, part) for part in content]),
        tuple([unpack_item(lot, _NO_MAKER, item) for item in items]),
        gained_ug,
        lost_ug,
        tuple(tags),
        tuple(seals),
        *unpack_besides(besides),
    )
