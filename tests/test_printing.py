"""Labels as they are printed: every QR is drawn, spoilt as bags spoil it, and read back by another program."""

import io
import math
import random
import re
from functools import cache

import pypdfium2
import pytest
import zxingcpp
from PIL import Image, ImageDraw, ImageFilter

from memory import key_of
from test_label import BASE, CODE, LABEL, ROLL
from traceability.core import label
from traceability.core.label import PrintedTag
from traceability.core.tag import printed
from traceability.papers import labels
from traceability.papers.labels import PAPERS, Printed
from traceability.web.printed import lines
from traceability.web.words import CATALOGUES, words_in

KEY = key_of("label", "Ed25519")  # its signatures are the same in every run, and so are the drawings
SAID = {"lot": LABEL, "tag": PrintedTag(LABEL.log, ROLL, 17)}


@cache
def made(kind: str = "lot", language: str = "en") -> Printed:
    said = SAID[kind]
    address = label.address(BASE, CODE, label.sign(said, KEY))
    number = said.tag.removeprefix("t:")
    return Printed(address, printed(CODE), number, lines(words_in(language), said, "ledger.example.org"))


def read(image: Image.Image) -> list[str]:
    found = zxingcpp.read_barcodes(image.convert("L"))
    return sorted(code.text for code in found if code.format == zxingcpp.BarcodeFormat.QRCode)


def pages(pdf: bytes, dpi: int = 300) -> list[Image.Image]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [page.render(scale=dpi / 72).to_pil().convert("L") for page in document]
    finally:
        document.close()


def drawn_svg(data: bytes, per_mm: int = 12) -> Image.Image:
    """The modules of the QR painted where the SVG says, on a label of its size."""
    text = data.decode()
    width, height = map(float, re.search(r'width="([\d.]+)mm" height="([\d.]+)mm"', text).groups())
    x, y, scale = map(float, re.search(r"translate\(([\d.]+) ([\d.]+)\) scale\(([\d.]+)\)", text).groups())
    image = Image.new("L", (round(width * per_mm), round(height * per_mm)), 255)
    pen = ImageDraw.Draw(image)
    for left, top, wide in (map(int, found) for found in re.findall(r"M(\d+) (\d+)h(\d+)v1H\1z", text)):
        box = [(x + left * scale), (y + top * scale), (x + (left + wide) * scale), (y + (top + 1) * scale)]
        pen.rectangle([round(v * per_mm) - (i > 1) for i, v in enumerate(box)], fill=0)
    return image


def printed_zpl(data: bytes) -> list[Image.Image]:
    """What a printer makes of the graphic fields of each label."""
    found = []
    for one in data.decode().split("^XA")[1:]:
        width, height = int(re.search(r"\^PW(\d+)", one)[1]), int(re.search(r"\^LL(\d+)", one)[1])
        image = Image.new("L", (width, height), 255)
        x, y, total, wide, body = re.search(
            r"\^FO(\d+),(\d+)\^GFA,(\d+),\1?\d+,(\d+),([0-9A-F:]+)", one
        ).groups()
        rows, at = [], 0
        while at < len(body):
            if body[at] == ":":
                rows.append(rows[-1])
                at += 1
            else:
                rows.append(bytes.fromhex(body[at : at + int(wide) * 2]))
                at += int(wide) * 2
        assert len(rows) * int(wide) == int(total)
        picture = Image.frombytes("1", (int(wide) * 8, len(rows)), b"".join(rows), "raw", "1;I")
        image.paste(picture.convert("L"), (int(x), int(y)))
        found.append(image)
    return found


def every_drawing(kind: str) -> dict[str, Image.Image]:
    """The same label by each of the ways it can be printed, as a picture of one label."""
    one = made(kind)
    found = {}
    for name, paper in PAPERS.items():
        page = pages(labels.pdf([one], paper))[0]
        width, height = paper.label
        found[f"pdf {name}"] = page.crop((0, 0, round(width / 25.4 * 300), round(height / 25.4 * 300)))
        found[f"svg {name}"] = drawn_svg(labels.svg(one, paper))
        found[f"png {name}"] = Image.open(io.BytesIO(labels.png(one, paper))).convert("L")
        found[f"zpl {name}"] = printed_zpl(labels.zpl([one], paper))[0]
    return found


DRAWINGS = {kind: every_drawing(kind) for kind in SAID}
WAYS = [(kind, way) for kind, found in DRAWINGS.items() for way in found]


@pytest.mark.parametrize(("kind", "way"), WAYS)
def test_every_qr_is_read_back(kind, way):
    """PDF, SVG, PNG and ZPL, on each paper, for lots and for pre-printed tags: the address as it went in."""
    assert read(DRAWINGS[kind][way]) == [made(kind).address]


@pytest.mark.parametrize("angle", [7, 33, 90, 181])
@pytest.mark.parametrize(("kind", "way"), WAYS)
def test_a_bag_that_lies_askew_is_read(kind, way, angle):
    """Turned by any angle, a little out of focus."""
    turned = DRAWINGS[kind][way].rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    assert read(turned.filter(ImageFilter.GaussianBlur(1.2))) == [made(kind).address]


@pytest.mark.parametrize(("kind", "way"), WAYS)
def test_a_blurred_picture_is_read(kind, way):
    """A third of a module as the standard deviation of the blur, and grey on grey."""
    image = DRAWINGS[kind][way]
    paper = PAPERS[way.partition(" ")[2]]
    square, _ = labels._layout(made(kind), paper)
    module = square.side / len(square.rows) * image.width / paper.label[0]
    grey = image.point(lambda v: 70 + v * 120 // 255)
    assert read(grey.filter(ImageFilter.GaussianBlur(module * 0.35))) == [made(kind).address]


@pytest.mark.parametrize(("kind", "way"), WAYS)
def test_dirt_over_fifteen_percent_is_read(kind, way):
    """Thumbs of mud over 15 % of the square, dark or light, off its three corners: read in most places they can lie.

    That is what level Q is for. Where it is not read nothing else is.
    """
    results = []
    for seed in range(8):
        dirty, covered = spots(DRAWINGS[kind][way], PAPERS[way.partition(" ")[2]], seed)
        assert covered > 0.15
        results.append(read(dirty))
    assert all(found in ([], [made(kind).address]) for found in results)
    assert sum(map(bool, results)) >= 5


def spots(image: Image.Image, paper: labels.Paper, seed: int) -> tuple[Image.Image, float]:
    """Spots of mud on the square's modules, and the part of it that they cover."""
    square, _ = labels._layout(made(), paper)
    right = round((square.x + square.side) / paper.label[0] * image.width)
    return muddied(image, image.crop((0, 0, right, image.height)), seed)


def muddied(image: Image.Image, square: Image.Image, seed: int) -> tuple[Image.Image, float]:
    """The same on any picture, whose left side `square` has the modules and nothing else."""
    chance = random.Random(seed)
    left, top, _, bottom = square.point(lambda v: 255 * (v < 128)).getbbox()
    side = bottom - top
    mask = Image.new("L", image.size, 0)
    pen = ImageDraw.Draw(mask)
    covered = 0.0
    while covered <= 0.15:
        radius = side * min(0.14, max(0.03, math.sqrt((0.154 - covered) / math.pi)))
        x, y = chance.uniform(radius, side - radius), chance.uniform(radius, side - radius)
        corner = side * 0.13 + radius
        near = [abs(x - cx) < corner and abs(y - cy) < corner for cx, cy in ((0, 0), (side, 0), (0, side))]
        if not any(near):
            box = [left + x - radius, top + y - radius, left + x + radius, top + y + radius]
            pen.ellipse(box, fill=255)
            inside = mask.crop((left, top, left + side, top + side))
            covered = sum(inside.histogram()[128:]) / side**2
    mud = Image.new("L", image.size, 40 if seed % 2 else 215)
    return Image.composite(mud, image, mask), covered


def test_sheets_are_exact():
    """Pages have the size of their paper to a hundredth of a millimetre, and eight labels go on A4, each at its place."""
    many = [made("tag")._replace(number=f"{ROLL}-{n}") for n in range(1, 12)]
    for name, paper in PAPERS.items():
        document = pypdfium2.PdfDocument(labels.pdf(many, paper))
        sizes = {tuple(round(v / 72 * 25.4, 2) for v in page.get_size()) for page in document}
        count = len(document)
        document.close()
        assert sizes == {(float(paper.width), float(paper.height))}
        assert count == (2 if name == "a4" else 11)
    first = pages(labels.pdf(many, PAPERS["a4"]), 200)[0]
    per_mm = 200 / 25.4
    for down in range(4):
        for across in range(2):
            box = [across * 105, down * 74.25, across * 105 + 105, down * 74.25 + 74.25]
            assert len(read(first.crop([round(v * per_mm) for v in box]))) == 1


@pytest.mark.parametrize("language", ["en", "fr"])
def test_people_can_read_it(language):
    """The PDF has the code in its groups, mineral, mass and day in the language asked for, and the tag's number."""
    document = pypdfium2.PdfDocument(labels.pdf([made("lot", language)], PAPERS["100x50"]))
    text = document[0].get_textpage().get_text_range()
    document.close()
    words = [line.replace("\u00a0", " ") for line in text.replace("\r\n", "\n").split("\n")]
    assert words[:3] == ["K7QF", "3M9T", "XB2R1"]
    mineral, mass = {"en": ("Cassiterite", "38.40 kg"), "fr": ("Cassitérite", "38,40 kg")}[language]
    assert [mineral, mass] == words[3:5]
    assert "23 novem" in text.lower()
    assert "".join(words[-2:]) == f"{ROLL}-217"


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_nothing_runs_over_the_edge_or_into_the_square(paper, language):
    """Text stands beside the square, inside the label, the code at least three millimetres high."""
    for mineral in (key.removeprefix("mineral.") for key in CATALOGUES["en"] if key.startswith("mineral.")):
        said = LABEL._replace(mineral=mineral, net_ug=2**53 - 1)
        beside = lines(words_in(language), said, "ledger.a-long-name-of-a-ministry.example.org")
        square, texts = labels._layout(made()._replace(lines=beside), PAPERS[paper])
        width, height = PAPERS[paper].label
        assert square.side >= 44
        for text in texts:
            assert text.x >= square.x + square.side
            assert text.x + text.width <= width - 2.9
            assert text.size <= text.y <= height - 2
        assert all(text.size > 5 for text in texts[:3])


def test_the_same_labels_give_the_same_file():
    """No clock and no chance is in what is printed."""
    one = made()
    assert labels.pdf([one], PAPERS["a4"]) == labels.pdf([one], PAPERS["a4"])
    assert CODE.encode() not in labels.pdf([one], PAPERS["a4"]).partition(b"stream")[0]


def test_a_printer_is_told_nothing_by_a_text():
    """Characters that are commands of a printer or marks of SVG come out as themselves."""
    one = made()._replace(lines=("^XZ~JA_\\", "<b>&</b>"))
    out = labels.zpl([one], PAPERS["100x50"]).decode()
    assert out.count("^XZ") == out.count("^XA") == 1
    assert "_5EXZ_7EJA_5F_5C" in out
    assert "&lt;b&gt;&amp;" in labels.svg(one, PAPERS["100x50"]).decode()
