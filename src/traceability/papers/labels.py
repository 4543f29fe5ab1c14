"""Labels and tags as they are printed: one layout, drawn as PDF, SVG, PNG or ZPL.

A label has the QR on its left, level Q, as large as the paper lets it be; beside it the code in large type, for
whoever has to type it, then what the caller has to say, and the number of the tag. All measures are millimetres
from the upper left corner of the label.

The QR of a signed lot has about 77 modules a side with its quiet zone: at 46 mm a module is 0.6 mm, which a cheap
phone reads from two hands away. A printer's dots do not divide modules: ZPL and PNG make the module whole dots.
"""

import io
import math
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal, NamedTuple
from xml.sax.saxutils import escape

from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.units import mm  # type: ignore[import-untyped]
from reportlab.pdfbase import pdfmetrics  # type: ignore[import-untyped]
from reportlab.pdfbase.ttfonts import TTFont  # type: ignore[import-untyped]
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]

from traceability.papers import qr

PaperName = Literal["a4", "100x70", "100x50"]
PNG_DPI = 300
ZPL_DOTS_PER_MM = 8
"""Of a printer of 203 dots an inch, the commonest."""

_MARGIN = 3.0
_CODE_MAX, _LINE_MAX, _NUMBER_MAX = 9.0, 4.5, 3.2
_LEADING = 1.25
_INCH = 25.4
_FONTS = {"Vera": "Vera.ttf", "VeraBd": "VeraBd.ttf"}
"""Bitstream Vera, which reportlab brings along."""
_WEIGHTS = {"Vera": "normal", "VeraBd": "bold"}


class Paper(NamedTuple):
    """A sheet or a label of a roll, and how many labels are on it."""

    width: float
    height: float
    across: int = 1
    down: int = 1

    @property
    def label(self) -> tuple[float, float]:
        """Width and height of one label."""
        return self.width / self.across, self.height / self.down


PAPERS: dict[PaperName, Paper] = {
    "a4": Paper(210, 297, across=2, down=4),
    "100x70": Paper(100, 70),
    "100x50": Paper(100, 50),
}
"""A4 as eight labels of 105 × 74.25 mm with no waste between them, and two sizes of label rolls."""


class Printed(NamedTuple):
    """What stands on one label."""

    address: str
    """What the QR holds: it has the tag's code in it."""
    code: str
    """The same code, in groups."""
    number: str
    """Roll and number of the tag."""
    lines: tuple[str, ...]


class _Square(NamedTuple):
    x: float
    y: float
    side: float
    rows: list[list[bool]]


class _Text(NamedTuple):
    x: float
    y: float
    """Of the line it stands on."""
    size: float
    width: float
    font: str
    text: str


def _layout(printed: Printed, paper: Paper) -> tuple[_Square, list[_Text]]:
    width, height = paper.label
    side = min(height - 2 * _MARGIN, width * 0.6)
    square = _Square(_MARGIN, (height - side) / 2, side, qr.matrix(printed.address))
    column = width - side - 3 * _MARGIN
    left = side + 2 * _MARGIN
    roll, _, position = printed.number.rpartition("-")
    half = len(roll) // 2
    wanted = [
        *((line, "VeraBd", _CODE_MAX) for line in printed.code.split("-")),
        *((line, "Vera", _LINE_MAX) for line in printed.lines),
        (roll[:half], "Vera", _NUMBER_MAX),
        (f"{roll[half:]}-{position}", "Vera", _NUMBER_MAX),
    ]
    sizes = [min(largest, column / _width(text, font)) for text, font, largest in wanted]
    scale = min(1.0, (height - 2 * _MARGIN) / (sum(sizes) * _LEADING))
    y, texts = _MARGIN, []
    for (text, font, _), full in zip(wanted, sizes, strict=True):
        size = full * scale
        texts.append(_Text(left, y + size, size, size * _width(text, font), font, text))
        y += size * _LEADING
    return square, texts


def _width(text: str, font: str) -> float:
    """How wide a text is at a type size of one."""
    _load_fonts()
    width: float = pdfmetrics.stringWidth(text, font, 1)
    return max(width, 0.1)


def _load_fonts() -> None:
    known = pdfmetrics.getRegisteredFontNames()
    for name, file in _FONTS.items():
        if name not in known:
            pdfmetrics.registerFont(TTFont(name, file))


# --- PDF


def pdf(labels: Sequence[Printed], paper: Paper) -> bytes:
    """Sheets, or a page for each label of a roll, in exact millimetres. The same labels give the same bytes."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(paper.width * mm, paper.height * mm), invariant=1)
    canvas.setTitle("Labels")
    width, height = paper.label
    waiting = iter(labels)
    while page := list(islice(waiting, paper.across * paper.down)):
        for place, printed in enumerate(page):
            down, across = divmod(place, paper.across)
            canvas.saveState()
            canvas.translate(across * width * mm, (paper.height - down * height) * mm)
            _draw(canvas, *_layout(printed, paper))
            canvas.restoreState()
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _draw(canvas: Canvas, square: _Square, texts: Sequence[_Text]) -> None:
    module = square.side / len(square.rows)
    path = canvas.beginPath()
    for y, start, end in _dark(square.rows):
        top = square.y + (y + 1) * module
        path.rect((square.x + start * module) * mm, -top * mm, (end - start) * module * mm, module * mm)
    canvas.drawPath(path, stroke=0, fill=1)
    for text in texts:
        canvas.setFont(text.font, text.size * mm)
        canvas.drawString(text.x * mm, -text.y * mm, text.text)


def _dark(rows: Sequence[Sequence[bool]]) -> Iterator[tuple[int, int, int]]:
    """Row, start and end of every run of dark modules."""
    return ((y, start, end) for y, row in enumerate(rows) for start, end in qr.runs(row))


# --- SVG and PNG, of one label


def svg(printed: Printed, paper: Paper) -> bytes:
    """One label, a unit a millimetre."""
    width, height = paper.label
    square, texts = _layout(printed, paper)
    dark = "".join(f"M{start} {y}h{end - start}v1H{start}z" for y, start, end in _dark(square.rows))
    scale = square.side / len(square.rows)
    said = "".join(
        f'<text x="{text.x:.3f}" y="{text.y:.3f}" font-size="{text.size:.3f}" textLength="{text.width:.3f}"'
        f' font-weight="{_WEIGHTS[text.font]}">{escape(text.text)}</text>'
        for text in texts
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}mm" height="{height:g}mm" '
        f'viewBox="0 0 {width:g} {height:g}" font-family="Bitstream Vera Sans,DejaVu Sans,Verdana,sans-serif">'
        f'<path fill="#fff" d="M0 0h{width:g}v{height:g}H0z"/>'
        f'<path transform="translate({square.x:.3f} {square.y:.3f}) scale({scale:.6f})" '
        f'shape-rendering="crispEdges" d="{dark}"/>{said}</svg>'
    ).encode()


def png(printed: Printed, paper: Paper) -> bytes:
    """One label at 300 dots an inch."""
    per_mm = PNG_DPI / _INCH
    width, height = paper.label
    square, texts = _layout(printed, paper)
    image = Image.new("L", (round(width * per_mm), round(height * per_mm)), 255)
    module, x, y = _whole_dots(square, per_mm)
    image.paste(_picture(square.rows, module), (x, y))
    pen = ImageDraw.Draw(image)
    for text in texts:
        font = ImageFont.truetype(_font_file(text.font), text.size * per_mm)
        pen.text((text.x * per_mm, text.y * per_mm), text.text, 0, font, anchor="ls")
    out = io.BytesIO()
    image.save(out, "PNG", dpi=(PNG_DPI, PNG_DPI))
    return out.getvalue()


def _font_file(name: str) -> str:
    _load_fonts()
    file: str = pdfmetrics.getFont(name).face.filename
    return file


def _picture(rows: Sequence[Sequence[bool]], module: int) -> Image.Image:
    size = len(rows)
    image = Image.frombytes("L", (size, size), bytes(0 if dark else 255 for row in rows for dark in row))
    return image.resize((size * module, size * module), Image.Resampling.NEAREST)


def _whole_dots(square: _Square, per_mm: float) -> tuple[int, int, int]:
    """Dots a module, and where the square begins so that it stays in the middle of its place."""
    module = max(1, math.floor(square.side * per_mm / len(square.rows)))
    spare = (square.side * per_mm - module * len(square.rows)) / 2
    return module, round(square.x * per_mm + spare), round(square.y * per_mm + spare)


# --- ZPL


def zpl(labels: Sequence[Printed], paper: Paper) -> bytes:
    """Labels for a thermal printer. The QR goes over as a picture: every printer then prints the same one."""
    return "".join(_zpl(printed, paper) for printed in labels).encode()


def _zpl(printed: Printed, paper: Paper) -> str:
    dots = ZPL_DOTS_PER_MM
    width, height = paper.label
    square, texts = _layout(printed, paper)
    module, x, y = _whole_dots(square, dots)
    said = "".join(
        f"^FO{round(text.x * dots)},{round((text.y - text.size) * dots)}"
        f"^A0N,{round(text.size * dots)},{round(text.size * dots * 0.9)}^FH_^FD{_field(text.text)}^FS\n"
        for text in texts
    )
    return (
        f"^XA^CI28^PW{round(width * dots)}^LL{round(height * dots)}\n"
        f"^FO{x},{y}{_graphic(square.rows, module)}^FS\n{said}^XZ\n"
    )


def _graphic(rows: Sequence[Sequence[bool]], module: int) -> str:
    """`^GFA`: hexadecimal, a row of modules once and then `:` for each further row of dots that is the same."""
    wide = math.ceil(len(rows) * module / 8)
    size = wide * len(rows) * module
    lines = []
    for row in rows:
        bits = "".join(("1" if dark else "0") * module for dark in row).ljust(wide * 8, "0")
        lines.append(f"{int(bits, 2):0{wide * 2}X}" + ":" * (module - 1))
    return f"^GFA,{size},{size},{wide},{''.join(lines)}"


def _field(text: str) -> str:
    """What a field says: characters that mean something to the printer as `_` and their hexadecimal."""
    return "".join(f"_{ord(c):02X}" if c in "^~_\\" else c for c in text)
