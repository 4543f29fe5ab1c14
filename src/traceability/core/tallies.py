"""Tallies: what rules over sums, networks and time keep of a whole log, at addresses of their own.

A tally is a record like any other (bounded, immutable, integers only), but no rule of custody reads one: with
global rules off the fold gives the same outcomes without them (`fold.apply`, `watch`). Each is bounded, so that
a log of ten years has no larger ones than a log of a month, and an entry touches a few.

- `Due`, `DueDay`, `Clocks`: what entries have begun that falls due later (`core.due`);
- `KeyTally`: how a key has numbered, timed and placed its events;
- `Trail`: where and when a party last moved ore, so that its next holder is compared with it;
- `Readings`, `Drift`, `Output`, `Dealings`, `Exports`: weights by site, holder, signer and country;
- `Cells`, `Silence`: where a site's ore is said to be dug, and whether anything was reported there;
- `Stock`, `Range`: tags of a roll, one bit each, and which roll a printed number is of.
"""

from typing import Literal

import msgspec

from traceability.core.record import Record

Cell = tuple[int, int]
"""A cell of 0.1°: latitude and longitude of its south-west corner, in tenths of a degree."""


class _Part(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A part of a tally."""


# What falls due

ClockKind = Literal["handoff", "arrival", "tag", "gap", "stock", "action", "licence", "status"]


class Clock(_Part, frozen=True):
    """Something an entry began that falls due on a day unless nothing of it is open then."""

    kind: ClockKind
    index: int
    """Of the entry."""
    event: bytes
    """Its event id."""
    day: int
    """The day it falls due, counted from 1970-01-01."""
    open: int
    """How many of its lots (or other things) still wait."""


class Clocks(Record, frozen=True):
    """Clocks of neighbouring entries, at ("due", "c<index // 64>")."""

    clocks: tuple[Clock, ...] = ()


class DueDay(Record, frozen=True):
    """Which neighbourhoods have clocks that fall due on a day, rising; at ("due", "d<day>").

    At most 128 stand here: `full` is how many parts with 128 each went before, to ("due", "d<day>.<n>").
    """

    full: int = 0
    chunks: tuple[int, ...] = ()


class Due(Record, frozen=True):
    """How far things fallen due were looked at, at ("due", ""): all days before `day`, and of it `at` chunks."""

    day: int
    at: int = 0


# Keys and parties


class Gap(_Part, frozen=True):
    """Numbers of a key, first to last, that were passed over by the entry at `index`."""

    first: int
    last: int
    index: int


class KeyTally(Record, frozen=True):
    """What a key's events tell together, at ("tally", "key:<key id>")."""

    next: int = 0
    """The number after the highest used."""
    gaps: tuple[Gap, ...] = ()
    time: int = 0
    """Event time (Unix seconds) of the newest event that says its cell."""
    cell: Cell | None = None
    delays: tuple[int, ...] = ()
    """Hours from event to record of its last events, newest last."""
    visits: tuple[tuple[int, str], ...] = ()
    """Its last productions: event time and site, newest last, a site once while it stays there."""
    tags_from: int = 0
    tags: int = 0
    """Tags put on since `tags_from` (Unix seconds)."""


class Act(_Part, frozen=True):
    """One act of a party on lots: the entry, when and where, and which key and party signed it."""

    index: int
    time: int
    region: str
    cell: Cell | None
    key: int
    """The first six bytes of the signing key's id."""
    party: str


class Trail(Record, frozen=True):
    """A party's last acts that moved lots, newest last, at ("tally", "trail:<party>")."""

    acts: tuple[Act, ...] = ()


# Weights


class Readings(Record, frozen=True):
    """The last weighings of new lots of a site or by a signer, in micrograms, at ("tally", "readings:<id>")."""

    masses: tuple[int, ...] = ()
    quiet: int = 0
    """How many readings must come before the rules on digits speak again."""


class Drifted(_Part, frozen=True):
    """Sums of some days: what readings were above what was expected, what was expected, and how many."""

    slot: int
    above_ug: int
    expected_ug: int
    count: int


class Drift(Record, frozen=True):
    """Signed deviations of readings, by slots of three days, newest last.

    At ("tally", "drift:<id>") for a site or what a party gave, at "drift:<id>:scale" for what it weighed.
    """

    slots: tuple[Drifted, ...] = ()
    quiet_until: int = 0
    """The slot until which the rule has said what it found."""


class Output(Record, frozen=True):
    """What a site brought out in one form, at ("tally", "output:<site>:<mineral>:<form>")."""

    days: tuple[tuple[int, int], ...] = ()
    """Day and micrograms of its last days, rising."""
    quiet_until: int = 0
    """The day until which the rule has said what it found."""


class Cells(Record, frozen=True):
    """Where a site's productions say they are, and how often each, at ("tally", "cells:<site>")."""

    cells: tuple[tuple[Cell, int], ...] = ()


class Exports(Record, frozen=True):
    """What a country's exporters sent abroad of one mineral, by month, at ("tally", "exports:<country>:<mineral>")."""

    months: tuple[tuple[str, int], ...] = ()
    """Month (`2026-03`) and micrograms, rising."""
    said: str = ""
    """The figure it was last said to be above, by its event."""


class Silence(Record, frozen=True):
    """How long nobody has reported anything from a region, at ("tally", "silence:<region>")."""

    since: int
    """Day of the last incident, else of the first production counted."""
    productions: int


class Risk(Record, frozen=True):
    """When a party last gave ore which a zone was noticed on, and until when that is not said again; at
    ("tally", "risk:<party>")."""

    day: int
    quiet_until: int = 0


class Dealings(Record, frozen=True):
    """How often in a row a site's ore was signed for by one party and bought by one, whose scales agreed; at
    ("tally", "dealings:<site>")."""

    signer: str
    buyer: str
    times: int


# Tags


class Stock(Record, frozen=True):
    """The tags of a roll, at ("tally", "stock:<roll>"): a bit for each position that was ever put on, came off,
    is lost, is void. Counts by allocation are counts of bits, so they always add up."""

    applied: bytes = b""
    off: bytes = b""
    lost: bytes = b""
    void: bytes = b""


class Range(Record, frozen=True):
    """Runs of printed numbers and their rolls, at ("tally", "range:<scheme>:<shape>:<number // 1000>").

    An empty one at ("tally", "range:<scheme>") says that rolls of the scheme are recorded here.
    """

    runs: tuple[tuple[int, int, str], ...] = ()
    """First and last number, and the roll; as issued."""


AnyTally = (
    Due | DueDay | Clocks | KeyTally | Trail | Readings | Drift | Output | Cells | Exports | Silence | Risk | Dealings | Stock
    | Range
)  # fmt: skip
TALLIES = frozenset({"due", "tally"})
"""The types of their addresses."""
