"""Public scans: how often a tag's page was opened on each day, and where people said they were.

They are no part of the log and follow from nothing in it: `fsck` and `rebuild` leave them alone, backups and dumps
take them along. A row is a number; nothing tells one reader from another, and nothing is finer than a day and a cell
of one degree.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from traceability.core.authority import day_of
from traceability.core.distance import cell_of
from traceability.core.errors import Malformed
from traceability.core.events import Correction, Export, Import, Retagging
from traceability.core.findings import scans as rules
from traceability.core.findings.scans import Scan, Tagged, place_text
from traceability.core.findings.stated import ToState
from traceability.core.policy import Policy
from traceability.core.tag import parse_tag
from traceability.ledger.reader import Reader
from traceability.ledger.store import Store
from traceability.ledger.view import View

PLACES_MAX = 50
"""So many places and labels are kept of one tag and day: whoever has a code cannot fill a disk."""
SCANS_MAX = 2000
"""So many rows of one tag are read, the newest."""
HISTORY_MAX = 200
"""How many of a lot's records are looked through for places: the newest."""
TIMES_MAX = 2**31
LABELS = ("", "older")
_ROW = "tag, day, place, label, times"


class Counted(NamedTuple):
    """What a scan is counted under."""

    tag: str
    day: str
    place: str = ""
    label: str = ""


def count(store: Store, counted: Mapping[Counted, int]) -> None:
    """Adds these numbers to what is there."""
    with store.write(durable=False) as view:
        _add(view, counted)


def _add(view: View, counted: Mapping[Counted, int]) -> None:
    for key, times in sorted(
        counted.items()
    ):  # in one order, so that two processes never wait for each other
        if (key.place or key.label) and _is_full(view, key):
            continue
        view.run(
            f"INSERT INTO scan ({_ROW}) VALUES (?, ?, ?, ?, ?) "  # noqa: S608  # names of ours
            "ON CONFLICT (tag, day, place, label) DO UPDATE SET times = scan.times + excluded.times",
            *key,
            times,
        )


def _is_full(view: View, key: Counted) -> bool:
    (kept,) = view.one("SELECT count(*) FROM scan WHERE tag = ? AND day = ?", key.tag, key.day)
    return bool(kept > PLACES_MAX)


def of_tag(view: View, tag: str) -> list[Scan]:
    """The scans of a tag in order of day, the newest SCANS_MAX."""
    rows = view.all(
        f"SELECT {_ROW} FROM scan WHERE tag = ? ORDER BY day DESC, place DESC, label DESC LIMIT ?",  # noqa: S608
        tag,
        SCANS_MAX,
    )
    return [_scan(row) for row in reversed(rows)]


def _scan(row: Sequence[Any]) -> Scan:
    tag, day, place, label, times = row
    return Scan(tag, day, cell_of(place) if place else None, label, times)


# What rules notice in them


def signals(store: Store, tag: str) -> list[ToState]:
    """What there is to be noticed about this tag, whether it was stated or not."""
    with store.read() as view:
        scanned = of_tag(view, tag)
        policy = view.record(("policy", "policy"))
    if not scanned:
        return []
    tagged = _tagged(Reader(store), tag)
    if tagged is None:
        return []
    return rules.of_tag(tagged, scanned, policy if isinstance(policy, Policy) else None)


def to_state(store: Store) -> Iterator[ToState]:
    """The same of every tag that was scanned more than once, in order of tag."""
    with store.read() as view:
        tags = view.all("SELECT tag FROM scan GROUP BY tag HAVING count(*) > 1 ORDER BY tag")
    for (tag,) in tags:
        yield from signals(store, tag)


def _tagged(reader: Reader, tag: str) -> Tagged | None:
    """What the log says of a tag that is or was on a lot; None for any other."""
    lots = reader.lots_of_tag(tag)
    lot = reader.lot(lots[-1]) if lots else None
    about = reader.entries_at(reader.subject_entries(("tag", tag)))
    changed = [
        entry for entry in about if entry.event.made or isinstance(entry.event, Retagging | Correction)
    ]
    if lot is None or not changed:
        return None
    on, newest = tag in lot.tags, changed[-1]
    over = None if on else day_of(newest.record_time)
    if on and lot.ended_by is not None:
        ending = reader.entry_of(lot.ended_by)
        over = None if ending is None else day_of(ending.record_time)
    history = reader.history(lot.id, HISTORY_MAX, None if on else newest.index + 1)
    moved = [entry for entry in history if entry.fates.get(lot.id)]
    left = [day_of(entry.record_time) for entry in moved if isinstance(entry.event, Export)]
    abroad = lot.state == "exported" or any(isinstance(entry.event, Import) for entry in moved)
    cells = [
        (entry.event.event_time[:10], cell_of(entry.event.body.cell))
        for entry in history
        if entry.stands and entry.event.body.cell is not None
    ]
    return Tagged(
        tag, lot.id, newest.event_id, over, left[-1] if left and abroad else None, tuple(sorted(cells))
    )


# In dumps


def lines(view: View) -> Iterator[list[list[Any]]]:
    """Every row, some hundreds at a time, as a dump has them."""
    for rows in view.blocks(f"SELECT {_ROW} FROM scan ORDER BY {_ROW}"):  # noqa: S608
        yield [list(row) for row in rows]


def load(view: View, rows: Iterable[Sequence[Any]]) -> None:
    """Puts rows of a dump in. Raises Malformed for what is no row."""
    counted = {}
    for row in rows:
        match row:
            case [str(tag), str(day), str(place), str(label), int(times)] if (
                label in LABELS and 0 < times < TIMES_MAX
            ):
                parse_tag(tag)
                check_place(place)
                _check_day(day)
                counted[Counted(tag, day, place, label)] = times
            case _:
                raise Malformed("scans are rows of tag, day, place, label and how often")
    _add(view, counted)


def check_place(text: str) -> None:
    """Raises Malformed unless this is a cell of one degree, `-2,29`, or nothing."""
    if not text:
        return
    try:
        latitude, longitude = cell_of(text)
    except ValueError as error:
        raise Malformed("a place is whole degrees of latitude and longitude, as in -2,29") from error
    if not (-90 <= latitude < 90 and -180 <= longitude < 180) or place_text((latitude, longitude)) != text:
        raise Malformed("a place is whole degrees of latitude and longitude, as in -2,29")


def _check_day(text: str) -> None:
    try:
        good = date.fromisoformat(text).isoformat() == text
    except ValueError:
        good = False
    if not good:
        raise Malformed(f"{text[:20]!r} is no day: write it as in 2026-03-14")
