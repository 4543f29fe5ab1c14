"""What a stranger may know by the number of another scheme's tag: mineral, country, and whether it is open.

Such numbers can be guessed, so nothing more is told, and nothing here has more to tell.
"""

from traceability.api.services import Services
from traceability.core.lot_records import Lot
from traceability.web.places import country
from traceability.web.story import capital
from traceability.web.words import Words


def foreign_tag(services: Services, words: Words, lot: Lot, scheme: str) -> tuple[str, str]:
    """The sentence about the lot under a foreign number, and why there is no more."""
    what = words(
        "tag.foreign",
        mineral=capital(words.code("mineral", lot.mineral)),
        country=country(_country(services, lot), words.language),
    )
    state = words("tag.foreign_ended" if lot.state in ("ended", "exported") else "tag.foreign_open")
    return f"{what} {state}", words("tag.foreign_says", scheme=scheme)


def _country(services: Services, lot: Lot) -> str:
    """Where it was dug; for what a step made, where whoever made it is enrolled."""
    if lot.site is not None and (site := services.reader.site(lot.site)) is not None:
        return site.facts[-1].country
    maker = services.reader.entry(lot.maker_index)
    assert maker is not None
    if maker.event.body.region is not None:
        return maker.event.body.region[:2]
    party = services.reader.party(maker.event.actor)
    return party.facts[-1].country if party is not None else ""
