"""QR codes of addresses, as SVG and PNG (ISO/IEC 18004).

Level Q for what is signed: a quarter of its codewords may be spoilt. A plain address is so short that mud over 15 % of
its square spoils more than that; it has level H, which bears 30 %. Four modules of quiet zone stand around each,
because a bag is seldom white.
"""

import io
from collections.abc import Sequence

import qrcode  # type: ignore[import-untyped]
from qrcode.constants import ERROR_CORRECT_H, ERROR_CORRECT_Q  # type: ignore[import-untyped]
from qrcode.image.pil import PilImage  # type: ignore[import-untyped]

QUIET_MODULES = 4
PNG_MODULE_PIXELS = 10


def svg(text: str) -> bytes:
    """The code of an address, level H, as an SVG of one unit a module; it scales to any size."""
    rows = _code(text, ERROR_CORRECT_H).get_matrix()
    size = len(rows)
    dark = "".join(
        f"M{start} {y}h{end - start}v1H{start}z" for y, row in enumerate(rows) for start, end in runs(row)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{size}v{size}H0z"/><path d="{dark}"/></svg>'
    ).encode()


def matrix(text: str) -> list[list[bool]]:
    """The modules of a code of level Q by row, dark ones True, with the quiet zone around them."""
    rows: list[list[bool]] = _code(text, ERROR_CORRECT_Q).get_matrix()
    return rows


def png(text: str) -> bytes:
    """The code of an address, level H, as a PNG of ten pixels a module: 300 dots an inch at about 0.85 mm a module."""
    out = io.BytesIO()
    _code(text, ERROR_CORRECT_H).make_image(image_factory=PilImage).save(out, "PNG")
    return out.getvalue()


def _code(text: str, level: int) -> "qrcode.QRCode[PilImage]":
    code: qrcode.QRCode[PilImage] = qrcode.QRCode(
        error_correction=level, border=QUIET_MODULES, box_size=PNG_MODULE_PIXELS
    )
    code.add_data(text)
    code.make()
    return code


def runs(row: Sequence[bool]) -> list[tuple[int, int]]:
    """Where dark modules stand side by side: [start, end)."""
    edges = [x for x in range(len(row) + 1) if (x < len(row) and row[x]) != (x > 0 and row[x - 1])]
    return list(zip(edges[::2], edges[1::2], strict=True))
