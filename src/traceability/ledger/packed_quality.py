"""What is known of a lot besides its mass, as short as it can be kept (see `packing`); most lots have nothing."""

from typing import get_args

from traceability.core.forms import Analyte, Assay
from traceability.core.ids import EventId
from traceability.core.lot_records import Aside, Grade, Lot, Quality

PackedGrade = tuple[int, int, int, int, bytes | None]
"""Analyte, ppm, method (odd: of the dry mass), error (0: none named, else one more), event (None: the maker)."""
PackedQuality = tuple[list[PackedGrade], int | None, int | None, list[str]]
PackedBesides = tuple[int, int, int, int, PackedQuality | None]
"""Errors of the two scales (0: nothing known, else one more), named losses, water gained, and quality."""

_ANALYTES: tuple[str, ...] = get_args(Analyte)
_METHODS: tuple[str, ...] = get_args(Assay.model_fields["method"].annotation)


def pack_besides(lot: Lot | Aside) -> PackedBesides | None:
    """None where there is nothing of it."""
    packed: PackedBesides = (
        0 if lot.expected_error_ppm is None else lot.expected_error_ppm + 1,
        0 if lot.lowest_error_ppm is None else lot.lowest_error_ppm + 1,
        lot.named_ug,
        lot.wetted_ug,
        None if lot.quality is None else _pack(lot.quality),
    )
    return packed if any(packed) else None


Besides = tuple[int | None, int | None, int, int, Quality | None]


def unpack_besides(packed: PackedBesides | None) -> Besides:
    if packed is None:
        return None, None, 0, 0, None
    expected, lowest, named_ug, wetted_ug, quality = packed
    return (
        expected - 1 if expected else None,
        lowest - 1 if lowest else None,
        named_ug,
        wetted_ug,
        None if quality is None else _unpack(quality),
    )


def _pack(quality: Quality) -> PackedQuality:
    grades: list[PackedGrade] = [
        (
            _ANALYTES.index(grade.analyte),
            grade.ppm,
            2 * _METHODS.index(grade.method) + grade.dry,
            0 if grade.error_ppm is None else grade.error_ppm + 1,
            None if grade.event is None else bytes.fromhex(grade.event),
        )
        for grade in quality.grades
    ]
    return grades, quality.moisture_ppm, quality.dry_ug, list(quality.also)


def _unpack(packed: PackedQuality) -> Quality:
    grades, moisture_ppm, dry_ug, also = packed
    return Quality(tuple([_grade(*grade) for grade in grades]), moisture_ppm, dry_ug, tuple(also))


def _grade(analyte: int, ppm: int, method: int, error: int, event: bytes | None) -> Grade:
    if min(analyte, method) < 0:
        raise ValueError("no such analyte or method")
    return Grade(
        _ANALYTES[analyte],
        ppm,
        bool(method % 2),
        _METHODS[method // 2],
        error - 1 if error else None,
        None if event is None else EventId(event.hex()),
    )
