"""`tag verify`: what is signed in a tag's QR, from its text or from a photo, offline. Needs only the core."""

import io
import struct
import warnings
from pathlib import Path
from typing import Annotated

import typer

from traceability.cli.common import Exit, Json, Stop, read_bytes, say, trust, write_bytes
from traceability.core.errors import Malformed
from traceability.core.label import ADDRESS_MAX, Scan, from_digits, read_scan
from traceability.core.quantity import format_quantity
from traceability.core.tag_verify import TagReport, verify_tag
from traceability.core.trust_pack import TrustPack

tag = typer.Typer(help="Tags: verify what is signed in their QR.", no_args_is_help=True)


@tag.command(
    "verify",
    epilog="Example: traceability tag verify --photo bag.jpg --pack car.trust-pack.json --policy trust.policy",
    short_help="Verifies what is signed in a tag's QR, offline.",
)
def verify(
    text: Annotated[
        str | None, typer.Argument(help="What the QR holds, or the digits behind its #; - for stdin.")
    ] = None,
    *,
    photo: Annotated[Path | None, typer.Option(help="Instead: a picture with the QR on it.")] = None,
    pack: Annotated[Path, typer.Option(help="The ledger's trust pack, as *.trust-pack.json.")],
    policy: Annotated[
        Path | None, typer.Option(help="Your trust policy: the logs and witnesses you believe.")
    ] = None,
    log: Annotated[
        str | None,
        typer.Option(metavar="VKEY", help="Instead of a policy: believe this log on its own word."),
    ] = None,
    address: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL", help="Where tags of this ledger lead; else https:// and its name. Repeatable."
        ),
    ] = None,
    complete: Annotated[
        bool, typer.Option("--complete", help="Refuse where it is not shown that nothing was left out.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Verifies what is signed in the QR of a tag, with no network.

    Who may sign comes from the trust pack, and whose pack it may be from your policy or --log. A QR that leads
    anywhere else is refused and not opened. The code in it is not printed: it opens the lot's page.

    Exit code 0: it holds; 1: changed, forged, or not ours; 2: the pack does not show enough, or nothing is
    signed in this QR; 3: nothing was verified.
    """
    if (text is None) == (photo is None):
        raise Stop("give what the QR holds, or --photo FILE")
    for base in address or ():
        if not base.startswith(("https://", "http://")):
            raise Stop(f"--address {base}: a full address is needed, as in https://{base}")
    believed = trust(policy, [] if log is None else [log])
    try:
        trusted = TrustPack.read(read_bytes(pack), believed)
    except Malformed as error:
        raise Stop(f"{pack}: {error}") from error
    bases = address or [f"https://{trusted.log.partition('/')[0]}"]
    scan = _typed(text or "", bases) if photo is None else _ours(_codes_in(photo), bases)
    if scan.signed is None:
        raise Stop(
            "nothing is signed in this QR: whether the tag is genuine its page tells, online",
            Exit.CANNOT_TELL,
        )
    report = verify_tag(scan.signed, trusted, complete=complete)
    if as_json:
        write_bytes(None, report.to_json() + b"\n")
    else:
        _tell(report)
    raise typer.Exit(Exit(report.exit_code))


def _typed(text: str, bases: list[str]) -> Scan:
    if text == "-":
        text = read_bytes(Path("-"))[: ADDRESS_MAX + 2].decode(errors="replace").strip()
    return Scan("", from_digits(text)) if text.isdecimal() else read_scan(text, bases)


def _ours(texts: list[str], bases: list[str]) -> Scan:
    """The one QR of a tag among what was read. Raises Stop where there is none or more, Malformed for others' only."""
    if not texts:
        raise Stop(
            "there is no QR to be read in this picture: closer, flat, and without glare", Exit.CANNOT_TELL
        )
    found: set[Scan] = set()
    refused: Malformed | None = None
    for text in texts:
        try:
            found.add(read_scan(text, bases))
        except Malformed as error:
            refused = error
    if len(found) > 1:
        raise Stop("there are several tags in this picture: take one of each", Exit.CANNOT_TELL)
    if not found:
        assert refused is not None
        raise refused
    return found.pop()


def _codes_in(photo: Path) -> list[str]:
    """The texts of all QR codes in a picture. Raises Stop for a file that is no picture."""
    import zxingcpp
    from PIL import Image

    unreadable = (
        OSError, ValueError, SyntaxError, EOFError, struct.error,
        Image.DecompressionBombError, Image.DecompressionBombWarning,
    )  # fmt: skip
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(read_bytes(photo)), formats=("JPEG", "PNG", "WEBP")) as opened:
                picture = opened.convert("L")
    except unreadable as error:
        raise Stop(
            f"{photo} is no picture that can be read (JPEG, PNG, WebP; at most 89 million pixels)"
        ) from error
    codes = zxingcpp.read_barcodes(picture)
    return [code.text for code in codes if code.format == zxingcpp.BarcodeFormat.QRCode]


def _tell(report: TagReport) -> None:
    facts = {
        "what": {"lot": "label of a lot", "tag": "pre-printed tag"}.get(report.kind or ""),
        "ledger": report.log,
        "tag": report.tag,
        "lot": report.lot,
        "mineral": report.mineral,
        "net mass": None if report.net_ug is None else f"{format_quantity(report.net_ug, 'KGM')} kg",
        "recorded": report.day,
        "after event": report.head,
        "signed by": report.party and f"{report.party} ({report.party_name or ', '.join(report.roles)})",
        "with key": report.key,
        "trust pack": f"{report.pack_size} entries, the newest in it recorded at {report.pack_until}",
    }
    if report.complete_to is not None:
        facts["complete"] = f"up to entry {report.complete_to}, as the ledger stated on {report.complete_day}"
        facts["attested by"] = ", ".join(report.attested_by)
    for name, value in facts.items():
        if value:
            say(f"{name:<12} {value}")
    for kind, ids in report.completeness_not_shown.items():
        say(f"It is not shown that nothing was left out about: {kind} {', '.join(ids)}")
    for remark in report.remarks:
        say(remark)
    say(f"\nVerdict: {report.verdict}" + (f": {report.why}" if report.why else ""))
