"""Printing: `label` for lots, `tags print` for a roll. What stands in each QR is signed by the key that prints it."""

import contextlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from traceability.cli.common import Data, Exit, KeyFile, Stop, of_a_ledger, remark, settings, write_bytes
from traceability.cli.keys import KeyOption
from traceability.cli.ledger import lots_named, opening
from traceability.core import events
from traceability.core.ids import LotId, PartyId, RollId
from traceability.core.label import LotLabel, PrintedTag, Said, address, sign
from traceability.core.leaf import time_text
from traceability.core.tag import OUR_SCHEME, parse_our_number, parse_tag, printed

if TYPE_CHECKING:
    from traceability.api.services import Services
    from traceability.core.lot_records import Lot
    from traceability.papers.labels import Printed

PaperName = Literal["a4", "100x70", "100x50"]
Paper = Annotated[
    PaperName,
    typer.Option(help="Eight labels of 105 × 74.25 mm on A4, or the labels of a roll, in mm."),
]
Format = Annotated[
    Literal["pdf", "zpl", "svg", "png"],
    typer.Option("--format", help="svg and png are one file for each label; zpl is for thermal printers."),
]
Language = Literal["en", "fr"]
InLanguage = Annotated[Language, typer.Option("--language", help="Of the words beside the QR.")]
Out = Annotated[
    Path, typer.Option("--out", "-o", help="Where to. The file opens pages: keep it as the tags.")
]
OfParty = Annotated[str | None, typer.Option(help="Who prints, if the key file does not say.")]

tags = typer.Typer(help="Rolls of tags.", no_args_is_help=True)


@of_a_ledger
def label(
    lots: Annotated[list[str], typer.Argument(help="Lots by id, or by a tag that is on them.")],
    *,
    key: KeyOption,
    out: Out,
    paper: Paper = "a4",
    form: Format = "pdf",
    language: InLanguage = "en",
    party: OfParty = None,
    data: Data = None,
) -> None:
    """Prints labels for lots, each signed with the key of the party that has the lot.

    A label goes with a tag of this ledger. A lot that has none on it gets the next unused one that is allocated to
    the party, by an event signed with the same key: hang it on.
    """
    with _desk(key, party, data) as desk:
        reader = desk.services.reader
        wanted = list(dict.fromkeys(lot for name in lots for lot in lots_named(reader, name)))
        found = [desk.lot(lot) for lot in wanted]
        _write(desk, [desk.label(lot) for lot in found], out, form, paper, language)


@tags.command(
    "print",
    epilog="Example: traceability tags print 7h3k9m2q5r8t1v4w6x0y7z2abc --key issuer.pem --out roll.pdf",
    short_help="Prints a roll of tags, each signed by its issuer.",
)
@of_a_ledger
def print_roll(
    roll: Annotated[str, typer.Argument(help="The roll, by its id.")],
    *,
    key: KeyOption,
    out: Out,
    first: Annotated[int, typer.Option(min=1, help="The first to print.")] = 1,
    last: Annotated[int | None, typer.Option(min=1, help="The last; else the last of the roll.")] = None,
    paper: Paper = "a4",
    form: Format = "pdf",
    language: InLanguage = "en",
    party: OfParty = None,
    data: Data = None,
) -> None:
    """Prints tags of a roll before they hang on anything, each signed with the key of the party that issued it.

    Tags that are void are left out.
    """
    from traceability.ledger.tag_stock import is_void

    with _desk(key, party, data) as desk:
        found = desk.services.reader.roll(RollId(roll))
        if found is None or found.scheme != OUR_SCHEME or found.issuer != desk.party:
            raise Stop(f"{desk.party} has issued no roll {roll} of tags of this ledger", Exit.NO)
        end = found.count if last is None else last
        if not first <= end <= found.count:
            raise Stop(f"the roll has places 1 to {found.count}: say --first and --last within them")
        wanted = [n for n in range(first, end + 1) if not is_void(found, n)]
        _write(desk, [PrintedTag(desk.log, found.id, n) for n in wanted], out, form, paper, language)


class _Desk:
    """A ledger, and the party that prints at it with one of its keys."""

    def __init__(self, services: "Services", held: KeyFile, party: PartyId) -> None:
        """Raises Stop for a key under whose signature a label would be worth nothing."""
        from traceability.core.registry_records import Key, LedgerFacts

        self.services = services
        self.held = held
        self.party = party
        facts = services.reader.record(("ledger", ""))
        assert isinstance(facts, LedgerFacts)
        self.log = facts.log
        self._codes: dict[RollId, dict[int, str]] = {}
        key = services.reader.record(("key", held.key.id))
        if not isinstance(key, Key) or key.party != party or key.revoked is not None:
            raise Stop(f"this key is not, or no longer, a key of {party} in this ledger", Exit.NO)

    def code(self, tag: str) -> str | None:
        """The code of a tag of ours, where the ledger knows it."""
        from traceability.ledger.tag_stock import codes

        scheme, number = parse_tag(tag)
        if scheme != OUR_SCHEME:
            return None
        roll_id, position = parse_our_number(number)
        if roll_id not in self._codes:
            roll = self.services.reader.roll(roll_id)
            self._codes[roll_id] = {} if roll is None else codes(self.services.reader, roll)
        return self._codes[roll_id].get(position)

    def lot(self, lot_id: LotId) -> "Lot":
        """The lot, if the party has it. Raises Stop otherwise."""
        lot = self.services.reader.lot(lot_id)
        if lot is None or lot.custodian != self.party or lot.state == "ended":
            raise Stop(
                f"{self.party} does not have a lot {lot_id}, or it has ended: "
                "labels are printed by whoever has the lot",
                Exit.NO,
            )
        return lot

    def label(self, lot: "Lot") -> LotLabel:
        """What the lot's label says; where no tag of ours is on the lot, one is put on."""
        tag = next((tag for tag in lot.tags if self.code(tag) is not None), None) or self._put_on(lot)
        head = self.services.reader.entry(lot.custody_index)
        assert head is not None
        day = time_text(head.record_time)[:10]
        return LotLabel(self.log, lot.id, lot.custody_head, lot.mineral, lot.expected_ug, tag, day)

    def _put_on(self, lot: "Lot") -> str:
        from traceability.ledger.answers import Recorded, Submission

        tag = self._next_unused(lot)
        event = {
            "body": {"lot": lot.id, "reason": "first_tag", "source": "device", "tags_on": [tag]},
            "event_time": time_text(int(datetime.now(UTC).timestamp())),
            "key": self.held.key.id,
            "kind": "retagging",
            "log": self.log,
            "party": self.party,
            "previous": [],
            "sealed": [],
            "sequence": self.services.reader.next_sequence(self.held.key.id),
            "version": 1,
        }
        said = self.services.ledger.append_one(Submission(self.held.key.sign_event(events.encode(event))))
        if not isinstance(said, Recorded):
            raise Stop(f"the ledger did not take the tag {tag} onto lot {lot.id}: {said}", Exit.NO)
        remark(f"lot {lot.id}: hang on the tag {tag}")
        return tag

    def _next_unused(self, lot: "Lot") -> str:
        from traceability.ledger.tag_stock import unused

        with self.services.store.read() as view:
            for place in unused(view, self.party, lot.site):
                if self.code(place.tag) is not None:
                    return place.tag
        raise Stop(
            f"lot {lot.id} has no tag of this ledger on it, and no unused one whose code is known here is "
            f"allocated to {self.party}: ask the issuer of tags for an allocation",
            Exit.NO,
        )

    def printed(self, said: Said, language: Language) -> "Printed":
        """What stands on one label. Raises Stop where the tag's code is not known here."""
        from traceability.papers.labels import Printed
        from traceability.web.printed import lines
        from traceability.web.words import words_in

        code = self.code(said.tag)
        if code is None:
            raise Stop(f"the code of the tag {said.tag} was not disclosed to this ledger", Exit.NO)
        base = self.services.settings.public_url
        beside = lines(words_in(language), said, base.partition("://")[2])
        signed = sign(said, self.held.key)
        return Printed(address(base, code, signed), printed(code), parse_tag(said.tag)[1], beside)


@contextlib.contextmanager
def _desk(key: Path, party: str | None, data: Path | None) -> Iterator[_Desk]:
    from traceability.api.services import Services

    held = KeyFile(key)
    with opening():
        services = Services.open(settings(data))
    with contextlib.closing(services):
        yield _Desk(services, held, PartyId(held.fact("party", party)))


def _write(
    desk: _Desk, said: Sequence[Said], out: Path, form: str, paper: PaperName, language: Language
) -> None:
    from traceability.papers import labels

    chosen = labels.PAPERS[paper]
    made = [desk.printed(each, language) for each in said]
    match form:
        case "pdf":
            write_bytes(out, labels.pdf(made, chosen))
        case "zpl":
            write_bytes(out, labels.zpl(made, chosen))
        case _:
            draw = labels.svg if form == "svg" else labels.png
            for each in made:
                one = out if len(made) == 1 else out.with_stem(f"{out.stem}-{each.number}")
                write_bytes(one, draw(each, chosen))
    remark(f"{out}: {len(made)} printed")
