"""What strangers' readings of a tag look like: a word of warning where they do not fit, and the numbers for who has the lot."""

from traceability.api.services import Services
from traceability.core.findings.scans import Place
from traceability.core.lot_records import Lot
from traceability.ledger import scans
from traceability.web.linked import Links, Table, Value
from traceability.web.present import Notice
from traceability.web.story import rule
from traceability.web.words import NO_BREAK, Words

ROWS_MAX = 30
"""How many lines of a lot's page tell of readings: the newest days."""


def notices(services: Services, words: Words, tag: str) -> list[Notice]:
    """What a person should know before he believes the tag: in one notice, which accuses nobody."""
    found = scans.signals(services.reads, tag)
    if not found:
        return []
    said = " ".join(rule(words, each.rule) for each in found)
    return [Notice(words("scan.odd"), f"{said} {words('scan.odd_says')}")]


def tables(links: Links, lot: Lot) -> list[Table]:
    """On which days the lot's tags were read, and where people said they were."""
    with links.services.reads.read() as view:
        found = [each for tag in lot.tags for each in scans.of_tag(view, tag)]
    if not found:
        return []
    words = links.words
    newest = sorted(found, key=lambda each: (each.day, each.tag, each.place or ()), reverse=True)[:ROWS_MAX]
    lines = [
        [
            [Value(words.day(each.day))],
            [Value(each.tag, code=True)],
            [Value(_where(words, each.place))],
            [Value(words.number(each.times))],
        ]
        for each in newest
    ]
    headings = [words(f"column.{name}") for name in ("day", "tag", "place", "times")]
    return [Table(words("scan.title"), headings, lines, figures=(3,), lead=words("scan.lead"))]


def _where(words: Words, place: Place | None) -> str:
    if place is None:
        return words("scan.opened")
    latitude, longitude = place
    north, east = words("scan.compass").split(" ")[:2], words("scan.compass").split(" ")[2:]
    return ", ".join(
        f"{-at - 1}–{-at}°{NO_BREAK}{beyond[1]}" if at < 0 else f"{at}–{at + 1}°{NO_BREAK}{beyond[0]}"
        for at, beyond in ((latitude, north), (longitude, east))
    )
