"""A pen: one key in somebody's hand. It numbers its events and fills in key, log, party and version."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from traceability.core import canonical
from traceability.core.ids import EventId, LotId, PartyId, commitment
from traceability.core.leaf import time_text
from traceability.core.signing import SigningKey, event_id
from traceability.simulation.chance import Chance
from traceability.simulation.post import Disclosure, Post

HOUR = 3600
DAY = 24 * HOUR


class Reach(NamedTuple):
    """How long it takes until a phone next finds a signal, in seconds."""

    soonest: int
    latest: int


OFFICE = Reach(20, 4 * 60)
TOWN = Reach(5 * 60, 9 * HOUR)
FIELD = Reach(5 * HOUR, 4 * DAY)


@dataclass(slots=True)
class World:
    """What all pens share: the ledger's name, chance, the time it is now, and the way to the log."""

    seed: int
    log: str
    chance: Chance
    post: Post
    now: int
    end: int = 0
    """When the last event is recorded."""
    honest: bool = False
    """Whether nobody cheats."""


@dataclass(slots=True, eq=False)
class Lot:
    """A lot as those who have it know it, and what it really weighs."""

    id: LotId
    mineral: str
    form: str
    mass_ug: int = 0
    reading_ug: int = 0
    """What its last scale showed."""
    grade_ppm: int = 0
    count: int | None = None
    tags: list[str] = field(default_factory=list)
    number: str = ""
    items: list[tuple[str, int]] = field(default_factory=list)
    """Numbers and masses of the stones that are followed by themselves."""
    strange: bool = False
    """Whether some of it comes from no registered site."""
    title: PartyId = PartyId("")  # noqa: RUF009  # a string
    head: EventId = EventId("")  # noqa: RUF009
    """The event that moved its custody last; set by the event that makes it."""
    title_head: EventId = EventId("")  # noqa: RUF009
    recorded: int = 0
    """When the log took, or will take, its newest event."""

    def begun(self, written: "Written", title: PartyId) -> None:
        """The event that makes it is written."""
        self.head = self.title_head = written.id
        self.recorded = written.recorded
        self.title = title


class Written(NamedTuple):
    """An event that was written: its id, when the log takes it, and what its sender discloses."""

    id: EventId
    recorded: int
    disclosures: Sequence[Disclosure] = ()


class Pen:
    """One key. Events written while the phone has no signal are uploaded together, in their order."""

    def __init__(
        self, world: World, party: PartyId, key: SigningKey, reach: Reach, *, ahead: int = 0
    ) -> None:
        self.world = world
        self.party = party
        self.key = key
        self.reach = reach
        self.ahead = ahead
        """Seconds by which its clock is ahead."""
        self.next = 0
        """The number of its next event."""
        self._signal = 0
        self._last = 0

    def wait(self, recorded: int) -> None:
        """Nothing of it reaches the log before that time: what its key counts by comes first."""
        self._last = max(self._last, recorded)

    @property
    def idle(self) -> bool:
        """Whether nothing of it waits for a signal."""
        return self._last <= self.world.now

    def write(
        self,
        kind: str,
        body: Mapping[str, Any],
        *,
        moves: Iterable[Lot] = (),
        title: bool = False,
        sealed: Mapping[str, Any] | None = None,
        after: int = 0,
        event_time: int | None = None,
        signal: int | None = None,
    ) -> Written:
        """Writes an event now. It reaches the log with the next signal, never before what it builds on.

        `moves` are the lots for `previous`, on their title heads with `title`; `sealed` has values by path;
        `after` is when the log takes whatever else it names; `signal` forces the time of upload.
        """
        world = self.world
        moved = list(moves)
        disclosures: list[Disclosure] = [
            (world.chance.nonce(), path, value) for path, value in sorted((sealed or {}).items())
        ]
        payload = canonical.dump(
            {
                "body": body,
                "event_time": time_text((world.now if event_time is None else event_time) + self.ahead),
                "key": self.key.id,
                "kind": kind,
                "log": world.log,
                "party": self.party,
                "previous": previous(moved, title=title),
                "sealed": [
                    [path, commitment(salt, path, canonical.dump(value))] for salt, path, value in disclosures
                ],
                "sequence": self.next,
                "version": 1,
            }
        )
        self.next += 1
        self._find_signal(signal)
        recorded = max(self._signal, self._last, after, *(lot.recorded for lot in moved), 0)
        self._last = recorded
        world.post.take(recorded, self.key, payload, disclosures)
        for lot in moved:
            lot.recorded = recorded
        return Written(event_id(payload), recorded, disclosures)

    def _find_signal(self, forced: int | None) -> None:
        now = self.world.now
        if forced is not None:
            self._signal = forced
        elif self._signal <= now:
            self._signal = now + self.world.chance.randint(*self.reach)


def previous(lots: Iterable[Lot], *, title: bool = False) -> list[dict[str, Any]]:
    """`previous` of an event that moves these lots."""
    groups: dict[str, list[str]] = {}
    for lot in lots:
        groups.setdefault(lot.title_head if title else lot.head, []).append(lot.id)
    return [{"event": event, "lots": sorted(groups[event])} for event in sorted(groups)]
