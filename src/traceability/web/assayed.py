"""What was measured of a lot besides its mass: grades and water, the deciding figure of each first."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from traceability.core.custody_bodies import new_lots
from traceability.core.events import Acceptance, Import, Inspection
from traceability.core.forms import Assay
from traceability.core.ids import EventId
from traceability.core.lot_records import Grade, Lot, Quality
from traceability.core.quality import METHODS
from traceability.ledger.reader import LoggedEntry
from traceability.web.linked import Links, Table, Value
from traceability.web.words import Words

SYMBOLS = {
    "sn": "Sn", "ta2o5": "Ta₂O₅", "nb2o5": "Nb₂O₅", "wo3": "WO₃", "au": "Au", "ag": "Ag", "co": "Co", "cu": "Cu",
    "u": "U", "th": "Th",
}  # fmt: skip
"""Analytes as laboratories write them; others in capitals."""
_WATER = ""


class _Figure(NamedTuple):
    analyte: str
    ppm: int
    dry: bool
    method: str
    error_ppm: int | None
    event: EventId
    day: str


def of_lot(links: Links, lot: Lot, history: Sequence[LoggedEntry]) -> list[Table]:
    """A line for each figure in `history`, and for each that decides and was said elsewhere; the best method first."""
    words = links.words
    quality = lot.quality or Quality()
    said = [figure for entry in history if entry.stands for figure in _said(lot, entry)]
    decides = {_key(grade, lot.maker) for grade in quality.grades}
    known = {_key(figure, lot.maker) for figure in said}
    said += [
        _Figure(g.analyte, g.ppm, g.dry, g.method, g.error_ppm, g.event or lot.maker, "")
        for g in quality.grades
        if _key(g, lot.maker) not in known
    ]
    if not said:
        return []
    newest = list(reversed(said))
    newest.sort(
        key=lambda each: (
            each.analyte == _WATER,
            each.analyte,
            _rank(each),
            _key(each, lot.maker) not in decides,
        )
    )
    lines = []
    water = False
    for each in newest:
        counts = _key(each, lot.maker) in decides or (each.analyte == _WATER and not water)
        water |= each.analyte == _WATER
        lines.append(_line(links, words, each, counts=counts))
    headings = [words(f"column.{column}") for column in ("substance", "content", "how", "day")]
    return [Table(words("assays.title"), headings, lines, figures=(1,), lead=words("assays.lead"))]


def _key(figure: _Figure | Grade, maker: EventId) -> tuple[str, int, str, EventId]:
    return figure.analyte, figure.ppm, figure.method, figure.event or maker


def _rank(figure: _Figure) -> int:
    return METHODS.index(figure.method) if figure.method in METHODS else len(METHODS)


def _said(lot: Lot, entry: LoggedEntry) -> Iterator[_Figure]:
    """What one entry says of this lot."""
    event, day = entry.event, entry.event.event_time[:10]

    def assayed(assay: Assay) -> _Figure:
        dry = assay.on == "dry"
        return _Figure(assay.analyte, assay.ppm, dry, assay.method, assay.error_ppm, entry.event_id, day)

    for made, new in zip(event.made, new_lots(event.body), strict=True):
        if made == lot.id:
            for assay in new.assays or ():
                yield assayed(assay)
            if new.moisture_ppm is not None:
                yield _Figure(_WATER, new.moisture_ppm, False, "", None, entry.event_id, day)
    if isinstance(event, Acceptance | Inspection | Import):
        for assay in event.body.assays or ():
            if lot.id in (assay.lots or ()):
                yield assayed(assay)
        for moisture in event.body.moistures or ():
            if lot.id in moisture.lots:
                yield _Figure(_WATER, moisture.ppm, False, "", None, entry.event_id, day)


def _line(links: Links, words: Words, each: _Figure, *, counts: bool) -> list[list[Value]]:
    content = words.grade(each.ppm)
    if each.error_ppm is not None:
        content = f"{content} ± {words.grade(each.error_ppm)}"
    if each.analyte == _WATER:
        name, how = words("assays.water"), words("assays.weighed")
    else:
        name = SYMBOLS.get(each.analyte, each.analyte.upper())
        basis = words("assays.dry") if each.dry else words("assays.as_is")
        how = f"{words.code('assay', each.method)}, {basis}"
    return [
        [Value(name), *([Value(words("assays.counts"), mark="stated")] if counts else [])],
        [Value(content)],
        [Value(how)],
        [links.event(each.event, words.day(each.day) if each.day else words("assays.event"))],
    ]
