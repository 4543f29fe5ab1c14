"""What can be told of the witnesses: the newest checkpoint with a quorum, its age, and how each of them stands."""

from typing import NamedTuple

from traceability.api.services import Services
from traceability.api.views import Cosigned, WitnessView, moment
from traceability.core.errors import TraceabilityError


class _Newest(NamedTuple):
    size: int
    note: bytes
    time: int


def cosigned(services: Services) -> Cosigned | None:
    """The newest checkpoint that makes the quorum; None where no quorum is asked, or none was had."""
    found = _newest(services)
    if found is None:
        return None
    return Cosigned(size=found.size, checkpoint=found.note.decode(), time=moment(found.time))


def quorum_age(services: Services) -> int | None:
    """Seconds since a quorum last cosigned, by the witnesses' clocks and ours; None as above."""
    found = _newest(services)
    return None if found is None or services.asking is None else max(0, services.asking.clock() - found.time)


def standings(services: Services) -> list[WitnessView]:
    """Each witness, in the order of the policy."""
    return [
        WitnessView(
            name=each.name,
            vkey=each.vkey,
            size=each.size,
            time=None if each.time is None else moment(each.time),
            trouble=each.trouble,
        )
        for each in (services.asking.standings if services.asking else ())
    ]


def _newest(services: Services) -> _Newest | None:
    if services.asking is None:
        return None
    with services.reads.read() as view:
        found = view.cosigned()
    if found is None:
        return None
    size, note = found[0], bytes(found[1])
    try:
        time = services.asking.quorum_time(note)
    except TraceabilityError:
        return None  # kept under another policy, or damaged: there is nothing to tell
    return None if time is None else _Newest(size, note, time)
