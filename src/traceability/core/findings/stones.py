"""Rules over stones and bars, which are followed by count, by carat and by number.

One carat is 200,000 micrograms. Bulk stones go by mass and count together; a numbered stone is itself.
"""

from collections.abc import Sequence

from traceability.core.balance import beyond
from traceability.core.findings.raised import Raised


def carats_gained(expected_ug: int, out_ug: int, most_ug: int) -> Raised | None:
    """A parcel of stones weighs more after a step than what went in was expected to, by more than two carat scales err.

    Threshold `carats_gained`: `most_ug` (0.02 ct) for each parcel that went in or came out, of the two the more: each was
    weighed by itself. Source: stones do not grow (F5, F7). Honest: dirt that a
    boil should have taken off, a scale out of level.
    """
    if out_ug - expected_ug <= most_ug:
        return None
    return Raised("severe", {"expected_ug": expected_ug, "most_ug": most_ug, "out_ug": out_ug})


def stones_gained(into: int, out: int, broken: int) -> Raised | None:
    """More stones came out than went in, beyond those said to have broken or been cut.

    No numbers. Source: count is conserved (F7). Honest: a stone cut in two; say so as breakage, with its count.
    """
    if out <= into or broken:
        return None
    return Raised("severe", {"count_into": into, "count_out": out})


def stones_lost(types: Sequence[str], count: int) -> Raised | None:
    """Stones are named as lost in a way in which stones are not lost.

    No numbers: breakage and samples are ways, moisture, slag and the like are none. Source: count and carats are both
    conserved (F12). Honest: one rolled off the table.
    """
    if not count:
        return None
    return Raised("warning", {"count": count, "types": " ".join(sorted(set(types)))})


def stone_changed(number: str, was_ug: int, now_ug: int, most_ug: int, most_ppm: int) -> Raised | None:
    """A numbered stone or bar weighs otherwise than when it was numbered.

    Thresholds `carats_gained` (`most_ug`, severe above) and `carats_lost` (`most_ppm`: cleaning; a warning above).
    Source: stones are followed one by one (F14, one put for another). Honest: it was cut, and the step not named.
    """
    figures = {"band_ppm": most_ppm, "most_ug": most_ug, "number": number, "now_ug": now_ug, "was_ug": was_ug}
    if now_ug - was_ug > most_ug:
        return Raised("severe", figures)
    return Raised("warning", figures) if beyond(was_ug, was_ug - now_ug, most_ppm, most_ug) else None


def stone_gone(numbers: Sequence[str]) -> Raised | None:
    """Numbered stones or bars went in and stand in no output, nor among those broken.

    No numbers. Source: stones are followed one by one (F12, F14). Honest: they go on unnumbered in a parcel, and
    nobody carried the number over.
    """
    if not numbers:
        return None
    return Raised("warning", {"count": len(numbers), "numbers": " ".join(sorted(numbers)[:10])})
