"""Lots change: washing, melting, sorting, mixing and filling into drums. Each closes to the last digit."""

from collections.abc import Sequence
from typing import Any

from traceability.core.ids import LotId, derive
from traceability.core.leaf import time_text
from traceability.simulation.chance import named_nonce
from traceability.simulation.handing import together
from traceability.simulation.pen import HOUR, Lot
from traceability.simulation.people import Party
from traceability.simulation.wares import CARAT_UG, KILOGRAM, Ware


class Output:
    """A lot about to come out: what it really weighs, and what the event says of it."""

    def __init__(self, mass_ug: int, reading_ug: int, form: str, grade_ppm: int = 0, **body: Any) -> None:
        self.mass_ug = mass_ug
        self.reading_ug = reading_ug
        self.form = form
        self.grade_ppm = grade_ppm
        self.body = body


def transform(
    by: Party,
    inputs: Sequence[Lot],
    outputs: Sequence[Output],
    body: dict[str, Any],
    *,
    name: str = "",
    ware: Ware,
    numbers: str = "",
) -> list[Lot]:
    """Turns lots into others. What was weighed in must be outputs and losses, to the last digit."""
    world = by.world
    listed, lots = [], []
    for place, output in enumerate(outputs):
        nonce = named_nonce(world.seed, "lot", name, place) if name else world.chance.nonce()
        number = f"{numbers}-{place + 1}" if numbers else ""
        said = {
            "nonce": nonce,
            "mineral": ware.mineral,
            "form": output.form,
            "weighing": by.scale.weighing(output.reading_ug),
            **({"lot_number": number} if number else {}),
            **output.body,
        }
        listed.append(said)
        lot = Lot(LotId(derive("lot", by.pen.key.id, nonce)), ware.mineral, output.form, output.mass_ug)
        lot.reading_ug, lot.grade_ppm, lot.number = output.reading_ug, output.grade_ppm, number
        lot.count, lot.tags = output.body.get("count"), list(output.body.get("tags", ()))
        lot.strange = any(each.strange for each in inputs)
        lots.append(lot)
    started = time_text(world.now - world.chance.randint(1, 9) * HOUR)
    body = {
        "source": "device",
        "region": by.place.region,
        "share_by": "mass",
        "from": started,
        "until": time_text(world.now),
        "facility": f"{by.place.locality} {by.scale.number}",
        **body,
        "outputs": listed,
    }
    written = by.write("transformation", body, moves=inputs)
    for lot, output in zip(lots, outputs, strict=True):
        lot.begun(written, output.body.get("title", inputs[0].title))
    return lots


def wash(
    by: Party,
    bags: Sequence[Lot],
    ware: Ware,
    *,
    name: str = "",
    keep: bool = False,
    for_title: Party | None = None,
) -> tuple[Lot, Lot | None]:
    """Washes, jigs and draws off: one lot of concentrate, and the tailings where they are kept."""
    chance, scale = by.world.chance, by.scale
    weighed, in_ug = together(by, bags)
    fed = sum(lot.mass_ug * lot.grade_ppm for lot in bags)
    grade_ppm = ware.product_ppm.draw(chance)
    # Recovered metal over the grade of what comes out; it comes out wet, and most stays in the tailings.
    mass_ug = min(chance.part(fed, 780_000, 930_000) // grade_ppm, in_ug * 9 // 10)
    out_ug = scale.reads(mass_ug)
    moisture_ppm = chance.randint(25, 80) * 1000
    assay = {"analyte": ware.analyte, "ppm": grade_ppm // 1000 * 1000, "on": "dry", "method": "lab_xrf"}
    concentrate = Output(
        mass_ug,
        out_ug,
        ware.product,
        grade_ppm,
        moisture_ppm=moisture_ppm,
        assays=[{**assay, "error_ppm": 6_000}],
        package={"type": "big_bag", "count": 1 + out_ug // (1000 * KILOGRAM)},
    )
    rest_ug = in_ug - out_ug
    outputs = [concentrate]
    losses = []
    if keep:
        kept_ug = scale.rounds(chance.part(rest_ug, 600_000, 800_000))
        outputs.append(Output(kept_ug, kept_ug, "tailings", package={"type": "bulk", "count": 1}))
        losses.append({"type": "spillage", "mass": scale.quantity(rest_ug - kept_ug)})
    else:
        spilled_ug = max(scale.rounds(chance.part(rest_ug, 20_000, 60_000)), scale.make.step_ug)
        losses.append({"type": "spillage", "mass": scale.quantity(spilled_ug)})
        losses.append({"type": "tailings", "mass": scale.quantity(rest_ug - spilled_ug)})
    body: dict[str, Any] = {
        "type": "processing",
        "steps": list(ware.steps),
        "weighings": [weighed],
        "losses": losses,
        "tags_kept": "stored",
    }
    if for_title is not None:
        body["for_title"] = for_title.id
    made = transform(by, bags, outputs, body, name=name, ware=ware, numbers=_number(by, "C"))
    return made[0], made[1] if keep else None


def melt(by: Party, sachets: Sequence[Lot], ware: Ware, *, name: str = "", tags: Sequence[str] = ()) -> Lot:
    """Melts dust into one bar of doré; the sand goes into the slag."""
    chance, scale = by.world.chance, by.scale
    weighed, in_ug = together(by, sachets)
    mass_ug = chance.part(sum(lot.mass_ug for lot in sachets), 905_000, 972_000)
    out_ug = min(scale.reads(mass_ug), in_ug - 2 * scale.make.step_ug)
    grade_ppm = ware.product_ppm.draw(chance)
    bar = _number(by, "L")
    fineness = {"analyte": "au", "ppm": grade_ppm // 1000 * 1000, "on": "as_is", "method": "handheld_xrf"}
    item = {"number": bar, "mass": scale.quantity(out_ug), "fineness_ppm": grade_ppm // 1000 * 1000}
    output = Output(
        mass_ug,
        out_ug,
        ware.product,
        grade_ppm,
        assays=[{**fineness, "error_ppm": 8_000}],
        items=[item],
        count=1,
        package={"type": "box", "count": 1},
    )
    if tags:
        output.body["tags"] = list(tags)
    slag_ug = scale.rounds((in_ug - out_ug) * 9 // 10)
    losses = [
        {"type": kind, "mass": scale.quantity(lost_ug)}
        for kind, lost_ug in (("slag", slag_ug), ("evaporation", in_ug - out_ug - slag_ug))
        if lost_ug
    ]
    body = {"type": "processing", "steps": ["melt"], "weighings": [weighed], "losses": losses}
    (made,) = transform(by, sachets, [output], body, name=name, ware=ware, numbers=bar)
    return made


_COLOURS = {
    "diamond": ("D-F", "G-H", "I-J", "brown", "yellow"),
    "tourmaline": ("green", "pink", "green and pink", "black", "blue"),
}
_SHAPES = {"diamond": ("octahedron", "makeable", "macle"), "tourmaline": ("prism", "fragment", "pebble")}
_SIZES = ("+3 gr", "3-6 gr", "0.5-1 ct", "1-2 ct", "boart")


def sort_stones(
    by: Party, parcels: Sequence[Lot], ware: Ware, *, name: str = "", tags: Sequence[str] = ()
) -> Lot:
    """Sorts parcels of stones into classes; the finest stones are followed by themselves from here."""
    chance, scale = by.world.chance, by.scale
    weighed, in_ug = together(by, parcels)
    count = sum(lot.count or 0 for lot in parcels)
    cleaned_ug = scale.make.step_ug * chance.randint(1, 4)
    out_ug = in_ug - cleaned_ug
    followed = min(3, count // 4)
    left_ug, left = out_ug, count
    items: list[tuple[dict[str, Any], int]] = []
    for place in range(followed):
        stone_ug = scale.rounds(min(chance.part(CARAT_UG, 900_000, 2_600_000), left_ug // 4))
        stone = {
            "number": f"{_number(by, 'P')}-{place + 1}",
            "mass": scale.quantity(stone_ug),
            "colour": chance.pick(_COLOURS[ware.mineral]),
            "clarity": chance.pick(("VS", "SI", "P1", "P2")),
            "shape": chance.pick(_SHAPES[ware.mineral]),
        }
        items.append((stone, stone_ug))
        left_ug, left = left_ug - stone_ug, left - 1
    classes = []
    for place, size in enumerate(_SIZES):
        last = place == len(_SIZES) - 1
        stones = left if last else min(left, chance.randint(1, max(1, count // 4)))
        mass_ug = left_ug if last or stones == left else scale.rounds(left_ug * stones // max(left, 1))
        if stones and mass_ug:
            classes.append({"name": size, "count": stones, "mass": scale.quantity(mass_ug)})
        left, left_ug = left - stones, left_ug - mass_ug
        if not left:
            break
    output = Output(
        sum(lot.mass_ug for lot in parcels) - cleaned_ug,
        out_ug,
        ware.product,
        count=count,
        classes=classes,
        package={"type": "box", "count": 1},
    )
    if items:
        output.body["items"] = [item for item, _ in items]
    if tags:
        output.body["tags"] = list(tags)
    body = {
        "type": "processing",
        "steps": list(ware.steps),
        "weighings": [weighed],
        "losses": [{"type": "other", "mass": scale.quantity(cleaned_ug)}],
    }
    (made,) = transform(by, parcels, [output], body, name=name, ware=ware, numbers=_number(by, "T"))
    made.items = [(stone["number"], mass_ug) for stone, mass_ug in items]
    return made


def part_stones(by: Party, box: Lot, ware: Ware) -> tuple[Lot, Lot]:
    """Takes the stones that are followed out of a sorted box: they go on by their numbers."""
    scale = by.scale
    mass_ug = sum(mass for _, mass in box.items)
    fine = Output(
        mass_ug,
        mass_ug,
        box.form,
        count=len(box.items),
        items=[{"number": number, "mass": scale.quantity(mass)} for number, mass in box.items],
        package={"type": "sachet", "count": 1},
    )
    rest = Output(
        box.mass_ug - mass_ug,
        box.reading_ug - mass_ug,
        box.form,
        count=(box.count or 0) - len(box.items),
        tags=box.tags,
        package={"type": "box", "count": 1},
    )
    body = {"type": "split", "share_by": "item"}
    made = transform(by, [box], [fine, rest], body, ware=ware, numbers=_number(by, "S"))
    made[0].items, made[1].items = box.items, []
    return made[0], made[1]


def combine(by: Party, lots: Sequence[Lot], ware: Ware, *, name: str = "") -> Lot:
    """Throws lots of one kind on a heap, weighed now."""
    chance, scale = by.world.chance, by.scale
    weighed, in_ug = together(by, lots)
    spilled_ug = scale.rounds(chance.part(in_ug, 0, 1_500))
    mass_ug = sum(lot.mass_ug for lot in lots)
    grade_ppm = sum(lot.mass_ug * lot.grade_ppm for lot in lots) // mass_ug
    heap = Output(
        mass_ug - spilled_ug,
        in_ug - spilled_ug,
        lots[0].form,
        grade_ppm,
        package={"type": "bulk", "count": 1},
    )
    if len({lot.title for lot in lots}) > 1:
        heap.body["title"] = by.id
    body: dict[str, Any] = {"type": "combination", "weighings": [weighed], "tags_kept": "destroyed"}
    if spilled_ug:
        body["losses"] = [{"type": "spillage", "mass": scale.quantity(spilled_ug)}]
    (made,) = transform(by, lots, [heap], body, name=name, ware=ware, numbers=_number(by, "M"))
    return made


def fill_drums(by: Party, heap: Lot, ware: Ware, tags: Sequence[str], *, name: str = "") -> list[Lot]:
    """Splits a heap, not weighed again, into as many equal drums as there are tags; the last gets the rest."""
    scale = by.scale
    each_ug = scale.rounds(heap.reading_ug // len(tags))
    readings = [each_ug] * (len(tags) - 1)
    readings.append(heap.reading_ug - sum(readings))
    outputs = [
        Output(
            heap.mass_ug * reading_ug // heap.reading_ug,
            reading_ug,
            heap.form,
            heap.grade_ppm,
            tags=[tag],
            seals=[f"S{by.world.chance.randint(100_000, 999_999)}"],
            sealed_date=time_text(by.world.now)[:10],
            package={"type": "drum", "count": 1},
        )
        for reading_ug, tag in zip(readings, tags, strict=True)
    ]
    body = {"type": "split"}
    return transform(by, [heap], outputs, body, name=name, ware=ware, numbers=_number(by, "F"))


def _number(by: Party, letter: str) -> str:
    """A number of the house: letter and day of the year, and a count."""
    return f"{letter}{time_text(by.world.now)[2:10].replace('-', '')}-{by.pen.next}"
