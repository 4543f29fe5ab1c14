"""Who signs for diggers without a phone: their agent, by a delegation that is renewed every year."""

from typing import Any

from traceability.core.leaf import time_text
from traceability.simulation.cast import Basin, Cast, Flow
from traceability.simulation.digging import Site
from traceability.simulation.pen import DAY, HOUR, Written
from traceability.simulation.people import delegate

DELEGATED = ("acceptance", "production", "refusal", "retagging", "transfer", "withdrawal")
LASTS = 330 * DAY
RENEWED_AFTER = 280 * DAY
OVERLAP = 35 * DAY
"""By then all that was done under the old delegation has come in, also from a phone that was lost."""


def entrust(cast: Cast, basin: Basin, site: Site) -> Written:
    """The registrar lets the agent act for the diggers of a site; it counts once the log has it."""
    registrar, now = cast.registrar(basin.kind.country), cast.world.now
    whom: dict[str, Any] = {"site": site.id} if basin.kind.by_site else {"to": site.party}
    written = delegate(registrar, basin.agent, DELEGATED, time_text(now + LASTS)[:10], **whom)
    site.entrusted = now
    cast.entrusted.append((now, basin, site))
    return written


def renew(cast: Cast, basin: Basin, site: Site) -> Flow:
    """An agent gets a new delegation, used once the log has it; the old one is ended when all that was done under it
    has come in."""
    old = site.party.delegation
    written = entrust(cast, basin, site)
    yield max(HOUR, written.recorded - cast.world.now)
    site.party.delegation = written.id
    yield OVERLAP
    registrar = cast.registrar(basin.kind.country)
    body = {"delegation": old, "from": time_text(cast.world.now)[:10], "reason": "renewed"}
    registrar.write("delegation_end", body)


def due(cast: Cast) -> list[tuple[Basin, Site]]:
    """The sites whose delegations are to be renewed now; each is told once."""
    found = []
    while cast.entrusted and cast.entrusted[0][0] + RENEWED_AFTER <= cast.world.now:
        then, basin, site = cast.entrusted.popleft()
        if site.entrusted == then:  # not renewed since
            found.append((basin, site))
    return found
