"""Labels and tags from the command line: printed on a real ledger, photographed, verified with the core alone."""

import io
import json
import sqlite3
import struct
import subprocess
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from PIL import Image, ImageFilter

from commands import SETTINGS, Done, core_alone
from test_printing import drawn_svg, printed_zpl
from traceability.cli import run
from traceability.cli.common import Stop
from traceability.cli.demo import _make
from traceability.cli.tag import _codes_in
from traceability.core.label import read_scan, read_signed

Command = Callable[..., Done]
BASE = "https://season.example.org"


class Demo:
    """A demonstration that nobody serves, and the files a verifier takes away from it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.policy = data / "trust.policy"
        self.pack = data.parent / "demo.trust-pack.json"
        assert run(["trust-pack", "--out", str(self.pack), "--data", str(data)]) == 0
        self.index = json.loads((data / "credentials" / "index.json").read_bytes())

    def key(self, role: str) -> Path:
        return self.data / "credentials" / f"{role.replace(' ', '-')}.pem"

    def of(self, role: str) -> Any:
        return next(each for each in self.index["roles"] if each["role"] == role)

    def verify(self, *what: object) -> "subprocess.CompletedProcess[str]":
        return core_alone("tag", "verify", *what, "--pack", self.pack, "--policy", self.policy, "--json")

    def codes(self) -> set[str]:
        """Every code of a tag that the ledger knows."""
        with sqlite3.connect(self.data / "ledger.sqlite3") as connection:
            return {code for (code,) in connection.execute("SELECT code FROM tag_code")}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        for name in SETTINGS:
            patch.delenv(name, raising=False)
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        patch.setenv("BASE_URL", BASE)
        (folder / "data").mkdir()
        _make(folder / "data", 300, 1)
        yield Demo(folder / "data")


@pytest.fixture
def command(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Command:
    """Runs commands in a folder of their own, on the demonstration."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATA", str(demo.data))
    monkeypatch.setenv("BASE_URL", BASE)
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: Done(capfd, *arguments)


def photographed(pdf: bytes) -> Image.Image:
    document = pypdfium2.PdfDocument(pdf)
    image = document[0].render(scale=300 / 72).to_pil().convert("L")
    document.close()
    return image


def texts(image: Image.Image) -> list[str]:
    found = zxingcpp.read_barcodes(image)  # in a square's noise it may see a line code too
    return [code.text for code in found if code.format == zxingcpp.BarcodeFormat.QRCode]


def test_a_label_is_printed_photographed_and_verified(demo: Demo, command: Command, tmp_path: Path) -> None:
    """From the exporter's drum to a verdict on a machine that has the core, the pack and the policy."""
    exporter = demo.of("exporter")
    drum = exporter["lots"][0]
    done = command("label", drum, "--key", demo.key("exporter"), "--paper", "100x70", "--out", "drum.pdf")
    assert done.code == 0, done.err
    photo = photographed(Path("drum.pdf").read_bytes())
    photo.rotate(12, expand=True, fillcolor=255).filter(ImageFilter.GaussianBlur(1)).save(
        "bag.jpg", quality=60
    )
    (text,) = texts(photo)
    told = command(
        "tag", "verify", "--photo", "bag.jpg", "--pack", demo.pack, "--policy", demo.policy, "--json"
    )
    assert told.code == 0, told.err
    assert told.json["lot"] == drum
    assert told.json["party"] == exporter["party"]
    assert told.json["kind"] == "lot"
    alone = demo.verify(text)
    assert (alone.returncode, json.loads(alone.stdout)) == (0, told.json)
    digits = demo.verify(text.partition("#")[2])
    assert (digits.returncode, digits.stdout) == (0, alone.stdout)
    plain = command("tag", "verify", text, "--pack", demo.pack, "--policy", demo.policy)
    assert plain.code == 0
    for said in (
        "label of a lot",
        drum,
        "Verdict: holds, complete as the ledger states",
        "complete     up to entry",
        "never that it is the only copy",
        "demonstration",
    ):
        assert said in plain.out
    code = read_scan(text, [BASE]).code
    assert code not in plain.out + plain.err + done.out + done.err + alone.stdout + alone.stderr


@pytest.mark.parametrize("form", ["pdf", "zpl", "svg", "png"])
def test_every_format_says_the_same(demo: Demo, command: Command, form: str) -> None:
    """A roll's tags in each format: the same tags, each with its own code, each signed by the issuer."""
    roll = demo.index["tags"][0]["tag"].removeprefix("t:").partition("-")[0]
    out = Path(f"roll.{form}")
    given = (
        "--key",
        demo.key("registrar"),
        "--first",
        3,
        "--last",
        4,
        "--paper",
        "100x50",
        "--language",
        "fr",
    )
    done = command("tags", "print", roll, *given, "--format", form, "--out", out)
    assert done.code == 0, done.err
    match form:
        case "pdf":
            document = pypdfium2.PdfDocument(out.read_bytes())
            pictures = [page.render(scale=300 / 72).to_pil() for page in document]
            document.close()
        case "zpl":
            pictures = printed_zpl(out.read_bytes())
        case "svg":
            pictures = [drawn_svg(Path(f"roll-{roll}-{n}.svg").read_bytes()) for n in (3, 4)]
        case _:
            pictures = [Image.open(f"roll-{roll}-{n}.png") for n in (3, 4)]
    assert len(pictures) == 2
    for number, picture in zip((3, 4), pictures, strict=True):
        (text,) = texts(picture.convert("L"))
        scan = read_scan(text, [BASE])
        assert scan.code in demo.codes()
        assert scan.signed is not None
        assert read_signed(scan.signed).said.tag == f"t:{roll}-{number}"
        assert demo.verify(text).returncode == 0


def test_who_may_not_print(demo: Demo, command: Command) -> None:
    """Another's lot, another's roll, another's key, places beyond the roll: a sentence, and nothing is written."""
    drum = demo.of("exporter")["lots"][0]
    roll = demo.index["tags"][0]["tag"].removeprefix("t:").partition("-")[0]
    other = ("--party", demo.of("trader")["party"])
    for arguments, why in (
        (("label", drum, "--key", demo.key("trader")), "does not have a lot"),
        (("label", drum, "--key", demo.key("exporter"), *other), "is not, or no longer, a key"),
        (("label", "0" * 26, "--key", demo.key("exporter")), "does not have a lot"),
        (("tags", "print", roll, "--key", demo.key("exporter")), "has issued no roll"),
        (("tags", "print", roll, "--key", demo.key("registrar"), "--last", 501), "places 1 to 500"),
    ):
        done = command(*arguments, "--out", "no.pdf")
        assert done.code != 0
        assert why in done.err
        assert not Path("no.pdf").exists()


def test_a_lot_without_a_tag_gets_one(demo: Demo, command: Command) -> None:
    """None is made up: without an allocation it says so; with one, the next unused tag is put on by an event."""
    house = demo.of("processor")
    lot = house["lots"][0]
    print_it = ("label", lot, "--key", demo.key("processor"), "--out", "one.png", "--format", "png")
    refused = command(*print_it)
    assert refused.code == 1
    assert "ask the issuer of tags for an allocation" in refused.err
    roll = demo.index["tags"][0]["tag"].removeprefix("t:").partition("-")[0]
    allocation = {
        "kind": "tag_allocation", "sequence": 1_000_000,
        "body": {"roll": roll, "first": 499, "last": 500, "to_party": house["party"]},
    }  # fmt: skip
    Path("event.json").write_text(json.dumps(allocation))
    assert command("sign", "event.json", "--key", demo.key("registrar"), "--out", "event.line").code == 0
    assert command("submit", "event.line").code == 0
    done = command(*print_it)
    assert done.code == 0, done.err
    assert f"hang on the tag t:{roll}-499" in done.err
    (text,) = texts(Image.open("one.png"))
    assert json.loads(demo.verify(text).stdout)["tag"] == f"t:{roll}-499"
    again = command(*print_it)
    assert (again.code, "hang on" in again.err) == (0, False)
    (same,) = texts(Image.open("one.png"))
    first, second = (read_signed(read_scan(each, [BASE]).signed or b"").said for each in (text, same))
    assert first == second


@pytest.mark.threat("T80")
def test_no_code_stands_in_any_event_evidence_or_pack(demo: Demo, command: Command) -> None:
    """After all that printing: not in an entry, not in an evidence file, not in the pack, not in a step of fsck."""
    drum = demo.of("exporter")["lots"][0]
    printed = command("label", drum, "--key", demo.key("exporter"), "--out", "drum.pdf")
    with sqlite3.connect(demo.data / "ledger.sqlite3") as connection:
        entries = b"".join(payload for (payload,) in connection.execute("SELECT payload FROM entry")).decode()
    assert "tag_issue" in entries
    assert command("evidence", drum, "--out", "e.json").code == 0
    assert command("trust-pack", "--out", "p.json").code == 0
    fsck = command("fsck")
    assert fsck.code == 0
    everything = (
        entries
        + Path("e.json").read_text()
        + Path("p.json").read_text()
        + fsck.out
        + fsck.err
        + printed.out
        + printed.err
    )
    codes = demo.codes()
    assert len(codes) > 400
    assert not [code for code in codes if code in everything]


@pytest.mark.threat("T62")
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("https://evil.example/t/K7QF3M9TXB2R1#123", 1),
        ("javascript:alert(1)", 1),
        ("https://season.example.org/t/K7QF3M9TXB2R1", 2),
        ("https://season.example.org/t/K7QF3M9TXB2R1#12", 1),
        ("1" * 41, 1),
        ("9" * 500, 1),
        ("A" * 4096, 1),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_what_is_no_label(demo: Demo, command: Command, text: str, code: int) -> None:
    """Refused with a sentence that does not repeat it; a QR without a signature is nobody's fault."""
    done = command("tag", "verify", text, "--pack", demo.pack, "--policy", demo.policy, "--json")
    assert done.code == code
    assert done.err.startswith("traceability: ") or done.json["verdict"] == "failed"
    assert text[-20:] not in done.err


def test_other_trust(demo: Demo, command: Command, tmp_path: Path) -> None:
    """A pack that the policy does not believe, none at all, both ways of giving a QR: nothing is concluded."""
    (tmp_path / "other.policy").write_text("quorum none\n")
    done = command("tag", "verify", "1" * 41, "--pack", demo.pack, "--policy", "other.policy")
    assert done.code == 1
    assert "not in the trust policy" in done.err
    assert command("tag", "verify", "1" * 41, "--pack", "none.json", "--policy", demo.policy).code == 3
    done = command("tag", "verify", "1" * 41, "--pack", "other.policy", "--policy", demo.policy)
    assert (done.code, "other.policy: not a trust pack" in done.err) == (3, True)
    assert command("tag", "verify", "--pack", demo.pack, "--policy", demo.policy).code == 3
    done = command(
        "tag", "verify", "1" * 41, "--pack", demo.pack, "--policy", demo.policy, "--address", "localhost:80"
    )
    assert (done.code, "https://localhost:80" in done.err) == (3, True)
    assert (
        command("tag", "verify", "1", "--photo", "x.png", "--pack", demo.pack, "--policy", demo.policy).code
        == 3
    )


def test_photos_that_show_no_tag(demo: Demo, command: Command) -> None:
    """An empty picture, no picture, a stranger's QR, two tags: each has its own sentence and exit code."""
    Image.new("L", (300, 300), 255).save("empty.png")
    Path("no.jpg").write_bytes(b"GIF89a and more")
    import qrcode

    qrcode.make("https://evil.example/t/K7QF3M9TXB2R1").convert("L").save("evil.png")
    roll = demo.index["tags"][0]["tag"].removeprefix("t:").partition("-")[0]
    assert (
        command("tags", "print", roll, "--key", demo.key("registrar"), "--last", 2, "--out", "two.pdf").code
        == 0
    )
    photographed(Path("two.pdf").read_bytes()).save("two.png")
    for name, code, why in (
        ("empty.png", 2, "no QR"), ("no.jpg", 3, "no picture"), ("evil.png", 1, "do not open it"), ("two.png", 2, "several"),
    ):  # fmt: skip
        done = command("tag", "verify", "--photo", name, "--pack", demo.pack, "--policy", demo.policy)
        assert (done.code, why in done.err) == (code, True), (name, done.err)


@pytest.mark.threat("T62")
def test_pictures_as_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that says it is enormous is not unpacked, and one that is broken anywhere is only not read."""
    monkeypatch.chdir(tmp_path)
    picture = io.BytesIO()
    Image.new("L", (64, 64), 128).save(picture, "PNG")
    good = picture.getvalue()
    header = b"IHDR" + struct.pack(">II", 60_000, 60_000) + good[24:29]
    bomb = good[:12] + header + struct.pack(">I", zlib.crc32(header)) + good[33:]
    spoilt = [good[:at] + bytes([good[at] ^ 255]) + good[at + 1 :] for at in range(len(good))]
    for number, data in enumerate([bomb, b"", good[:40], *spoilt]):
        Path("x.png").write_bytes(data)
        said = ""
        try:
            assert _codes_in(Path("x.png")) == []
        except Stop as stop:
            said = str(stop)
        assert "no picture" in said or (number > 2 and not said)


def test_a_photo_needs_its_packages_and_says_which(demo: Demo, tmp_path: Path) -> None:
    """With the core alone text is verified, and a photo asks for the extra."""
    picture = tmp_path / "x.png"
    Image.new("L", (9, 9)).save(picture)
    done = demo.verify("--photo", picture)
    assert done.returncode == 3
    assert "traceability[photo]" in done.stderr
