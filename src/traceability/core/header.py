"""What every event says around its body, and what has to hold between the two."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, StrictInt, StrictStr, model_validator

from traceability.core.custody_bodies import lots_described, new_lots
from traceability.core.forms import Event_, Form, Hex, Key_, Lots, Party_, Time, Whole
from traceability.core.ids import EventId, LotId, PartyId, derive
from traceability.core.naming import lots_named
from traceability.core.once import once
from traceability.core.registry_bodies import Body
from traceability.core.sealing import check_sealed

LOTS_MAX = 1000
MOVING = frozenset(
    {"transfer", "acceptance", "refusal", "withdrawal", "transformation", "export", "import", "closure"}
)
"""The kinds that name in `previous` the lots they move."""


class Seen(Form):
    """The last checkpoint the signer had verified."""

    root: Hex
    size: Whole


class Moved(Form):
    """Lots this event moves, under the event that moved each of them last."""

    event: Event_
    lots: Lots


class Header(Form):
    """What every event says around its body."""

    event_time: Time
    key: Key_
    log: Annotated[StrictStr, Field(min_length=1, max_length=100, pattern=r"^[a-z0-9./_-]+$")]
    party: Party_
    previous: Annotated[list[Moved], Field(max_length=LOTS_MAX)]
    sealed: Annotated[
        list[Annotated[list[StrictStr], Field(min_length=2, max_length=2)]], Field(max_length=2000)
    ]
    seen: Seen | None = None
    sequence: Whole
    version: Annotated[StrictInt, Field(ge=1, le=1)]

    @model_validator(mode="after")
    def _hangs_together(self) -> "Header":
        body: Body = self.body  # type: ignore[attr-defined]  # every kind has one
        kind: str = self.kind  # type: ignore[attr-defined]
        previous = self.previous
        if (kind in MOVING) != bool(previous):
            raise ValueError(
                f"previous names what a {kind} moves" if kind in MOVING else f"a {kind} moves no lot"
            )
        made = new_lots(body)
        if previous:
            _check_previous(previous)
            if sum([len(group.lots) for group in previous]) + len(made) > LOTS_MAX:
                raise ValueError(f"an event moves and makes at most {LOTS_MAX} lots")
        elif not made and len(lots_named(body)) > LOTS_MAX:
            raise ValueError(f"an event names at most {LOTS_MAX} lots")
        if self.sealed or type(body).sealed_fields is not Body.sealed_fields:
            check_sealed(self.sealed, body)
        if len(made) > 1 and len({lot.nonce for lot in made}) != len(made):
            raise ValueError("each new lot has a nonce of its own")
        if described := lots_described(body):
            own = {*(lot for _, lot in self.moved), *lots_named(body)}
            if not described <= own:
                raise ValueError("assays, moistures and conditions are about lots this event moves or names")
        if body.acting_for is not None and body.acting_for == self.party:
            raise ValueError("acting_for names somebody else than the signer")
        return self

    @once
    def moved(self) -> tuple[tuple[EventId, LotId], ...]:
        """(event, lot) for each lot this event moves, in the order written."""
        return tuple([(group.event, lot) for group in self.previous for lot in group.lots])

    @once
    def lots(self) -> frozenset[LotId]:
        """Every lot this event moves, names or makes."""
        body: Body = self.body  # type: ignore[attr-defined]
        if self.previous:
            return frozenset([*[lot for _, lot in self.moved], *self.made])
        named: list[LotId] = lots_named(body)  # type: ignore[assignment]  # ids of lots
        return frozenset([*named, *self.made])

    @once
    def committed(self) -> Mapping[str, str]:
        """The commitment to each sealed field, by its path."""
        return {entry[0]: entry[1] for entry in self.sealed}

    @once
    def made(self) -> tuple[LotId, ...]:
        """Ids of the lots this event makes, in listed order."""
        body: Body = self.body  # type: ignore[attr-defined]
        made = new_lots(body)
        return tuple([LotId(derive("lot", self.key, lot.nonce)) for lot in made]) if made else ()

    @once
    def actor(self) -> PartyId:
        """The party whose act this is: the one acted for, else the signer."""
        body: Body = self.body  # type: ignore[attr-defined]
        return body.acting_for or self.party


def _check_previous(previous: list[Moved]) -> None:
    events = [group.event for group in previous]
    if len(events) > 1 and events != sorted(set(events)):
        raise ValueError("previous is sorted by event, each event once")
    lots: list[str] = []
    for group in previous:
        if len(group.lots) > 1 and group.lots != sorted(set(group.lots)):
            raise ValueError("the lots under an event are sorted, each once")
        lots += group.lots
    if len(previous) > 1 and len(set(lots)) != len(lots):
        raise ValueError("a lot stands under one event of previous only")
