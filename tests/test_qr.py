"""The QR codes on tags, read back by another program."""

import io
import re

import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter

from test_printing import muddied
from traceability.core.tag import make_code, tag_url
from traceability.papers import qr


def read(image: Image.Image) -> list[str]:
    return [code.text for code in zxingcpp.read_barcodes(image)]


def drawn(svg: bytes, module: int = 6) -> Image.Image:
    """The SVG's rectangles painted: all that our SVG has in it."""
    text = svg.decode()
    found = re.search(r'viewBox="0 0 (\d+) \1"', text)
    assert found
    size = int(found[1])
    image = Image.new("L", (size * module, size * module), 255)
    pen = ImageDraw.Draw(image)
    for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1H\1z", text):
        box = [
            int(x) * module,
            int(y) * module,
            (int(x) + int(width)) * module - 1,
            (int(y) + 1) * module - 1,
        ]
        pen.rectangle(box, fill=0)
    return image


@given(
    st.binary(min_size=8, max_size=8), st.sampled_from(["ledger.example.org", "t.example", "a.b.example.rw"])
)
def test_the_png_of_a_tag_is_read_back(random, host):
    """Any code of ours in a URL comes out of the PNG as it went in."""
    code = make_code(random)
    if code is not None:
        url = tag_url(host, code)
        assert read(Image.open(io.BytesIO(qr.png(url)))) == [url]


@given(st.binary(min_size=8, max_size=8))
def test_the_svg_of_a_tag_is_read_back(random):
    """The SVG shows the same code."""
    code = make_code(random)
    if code is not None:
        url = tag_url("ledger.example.org", code)
        assert read(drawn(qr.svg(url))) == [url]


PLAIN = "https://ledger.example.org/t/K7QF3M9TXB2R1"
DRAWINGS = {
    "png": Image.open(io.BytesIO(qr.png(PLAIN))).convert("L"),
    "svg": drawn(qr.svg(PLAIN), 10),
}
"""The square that pages and API give out, which holds the tag's address and no signature."""


@pytest.mark.parametrize("angle", [0, 7, 33, 90, 181])
@pytest.mark.parametrize("way", DRAWINGS)
def test_a_plain_square_is_read_askew_and_blurred(way, angle):
    """Turned by any angle, a third of a module out of focus, grey on grey."""
    grey = DRAWINGS[way].point(lambda v: 70 + v * 120 // 255)
    turned = grey.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=190)
    assert read(turned.filter(ImageFilter.GaussianBlur(qr.PNG_MODULE_PIXELS * 0.35))) == [PLAIN]


@pytest.mark.parametrize("way", DRAWINGS)
def test_a_plain_square_is_read_under_mud(way):
    """Thumbs of mud over 15 % of it: read in most places they can lie, and never as anything else."""
    results = []
    for seed in range(8):
        dirty, covered = muddied(DRAWINGS[way], DRAWINGS[way], seed)
        assert covered > 0.15
        results.append(read(dirty))
    assert all(found in ([], [PLAIN]) for found in results)
    assert sum(map(bool, results)) >= 5


def test_a_torn_code_is_still_read():
    """Level Q bears a hole over a tenth of the square."""
    url = tag_url("ledger.example.org", "K7QF3M9TXB2R1")
    image = Image.open(io.BytesIO(qr.png(url))).convert("L")
    side = image.width
    hole = int(side * 0.2)
    ImageDraw.Draw(image).rectangle([side // 2, side // 2, side // 2 + hole, side // 2 + hole], fill=255)
    assert read(image) == [url]


def test_the_quiet_zone_is_there():
    """Four light modules stand on every side, as the standard asks."""
    image = Image.open(io.BytesIO(qr.png("https://ledger.example.org/t/K7QF3M9TXB2R1"))).convert("L")
    border = qr.QUIET_MODULES * qr.PNG_MODULE_PIXELS
    for box in ((0, 0, image.width, border), (0, 0, border, image.height)):
        assert image.crop(box).getextrema() == (255, 255)


def test_too_much_for_a_square_is_refused():
    """No address of ours comes near the end of what a square holds."""
    with pytest.raises(ValueError, match="Invalid version"):
        qr.svg("x" * 5000)
