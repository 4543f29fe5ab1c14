"""A ledger whose every open text is an attack on whoever reads it."""

import contextlib
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

from serving import Server, serving

from traceability.api.services import Services
from traceability.core.ids import derive
from traceability.core.tag import make_code
from traceability.ledger.answers import Recorded, Submission
from traceability.ledger.guard import FileGuard
from traceability.ledger.schema import migrate
from traceability.ledger.store import Store
from traceability.ledger.writer import create
from traceability.settings import Settings
from traceability.web.app import create_app
from trade import LOG_SIGNER, Office, Pen, Signed, kilograms, nonce

PAYLOADS = (
    "<script>hacked()</script>",
    '"><img src=x onerror=hacked()>',
    "'><svg onload=hacked()>",
    '" autofocus onfocus=hacked() x="',
    "</title><script>hacked()</script>",
    "</style><script>hacked()</script>",
    "</textarea><script>hacked()</script>",
    "--><script>hacked()</script>",
    "<iframe srcdoc='<script>parent.hacked()</script>'>",
    "<a href=javascript:hacked()>x</a>",
    "{{ cycler.__init__.__globals__ }}",
    "{% include 'base.html' %}",
    "&lt;script&gt;hacked()&lt;/script&gt;",
    "<math><mi//xlink:href='data:x,<script>hacked()</script>'>",
    "<base href='https://evil.example/'>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "javascript:hacked()",
    "%3Cscript%3Ehacked()%3C/script%3E",
)
_numbers = count()


def attack() -> str:
    """The next payload, numbered so that each field has its own."""
    number = next(_numbers)
    return f"{PAYLOADS[number % len(PAYLOADS)]} #{number}#"


class Hostile(NamedTuple):
    """The ledger behind a server."""

    server: Server
    services: Services
    auditor: Pen
    code: str
    lots: list[str]
    events: list[str]
    sites: list[str]
    parties: list[str]


@contextlib.contextmanager
def hostile_at(folder: Path) -> Iterator[Hostile]:
    office = Office(demo=True)
    genesis = office.operator.sign(
        "genesis",
        {**_plain(office.genesis), "name": attack(), "operator_name": attack()},
        number=0,
        sealed={},
    )
    office.operator.party = genesis.event.party
    url = f"sqlite:///{folder}/ledger.sqlite3"
    migrate(url)
    store = Store(url)
    guard = FileGuard(folder / "guard", LOG_SIGNER.verifier.encode())
    ledger = create(store, guard, LOG_SIGNER, Submission(genesis.envelope, None, genesis.disclosures))
    settings = Settings(
        data=folder, database_url=url, guard=str(folder / "guard"), base_url="http://127.0.0.1"
    )
    services = Services.around(settings, store, ledger, LOG_SIGNER)
    taken: list[Signed] = []

    def take(*signed: Signed) -> None:
        answers = ledger.append([Submission(s.envelope, s.event, s.disclosures) for s in signed])
        for answer in answers:
            assert isinstance(answer, Recorded), answer
        taken.extend(signed)

    code, lots = _trade(office, take)
    auditor = Pen("hostile auditor")
    take(office.enrol(auditor, "auditor", type="authority", public_name=attack()))
    with store.read() as view:
        sites = [id_ for (id_,) in view.all("SELECT id FROM state WHERE type = 'site'")]
        parties = [id_ for (id_,) in view.all("SELECT id FROM state WHERE type = 'party'")]
    try:
        with serving(create_app(services)) as server:
            events = [genesis.id, *(signed.id for signed in taken)]
            yield Hostile(server, services, auditor, code, lots, events, sites, parties)
    finally:
        services.close()


def _plain(signed: Signed) -> dict:
    return signed.event.body.model_dump(mode="json", by_alias=True, exclude_none=True)


def _trade(office: Office, take) -> tuple[str, list[str]]:
    registrar = office.registrar
    miner, trader = Pen("hostile miner"), Pen("hostile trader")
    take(
        office.enrol(miner, "miner", "trader", "processor", type="cooperative", public_name=attack()),
        office.enrol(trader, "trader", "exporter", "processor", public_name=attack()),
    )
    site_nonce, roll_nonce = nonce(), nonce()
    site = derive("site", registrar.key.id, site_nonce)
    roll = derive("roll", registrar.key.id, roll_nonce)
    code = next(code for n in range(1, 200) if (code := make_code((n << 40).to_bytes(8, "big"))))
    take(
        registrar.sign(
            "site_registration",
            {
                "site": site,
                "nonce": site_nonce,
                "type": "site",
                "name": attack(),
                "country": "RW",
                "region": "RW-04",
                "locality": {"country": "RW", "locality": attack(), "level_2": attack()},
                "national_id": attack(),
                "minerals": ["cassiterite"],
                "mining_method": "artisanal",
                "activity": "active",
                "holder": miner.party,
                "from": "2026-01-01",
            },
            sealed={"/position": {"latitude_e7": -19640000, "longitude_e7": 300620000, "by": "gps"}},
        ),
        registrar.sign(
            "tag_issue",
            {
                "roll": roll,
                "nonce": roll_nonce,
                "scheme": "t",
                "level": "mine",
                "medium": "qr",
                "count": 1,
                "maker": attack(),
            },
            sealed={"/codes": [{"code": code, "number": 1}]},
        ),
    )
    said = {"region": "RW-04", "source": "device"}
    scale = {"scale": attack(), "ticket": attack(), "as_said": attack()}
    new = {
        "mineral": "cassiterite",
        "form": "ore",
        "lot_number": attack(),
        "seals": [attack(), attack()],
        "weighing": {**kilograms("40.00"), **scale},
        "assays": [{"analyte": "sn", "ppm": 600000, "on": "dry", "method": "icp", "report": attack()}],
    }
    made = miner.sign(
        "production",
        {
            **said,
            "site": site,
            "document": attack(),
            "purchase_number": attack(),
            "lots": [
                {**new, "nonce": nonce(), "tags": [f"t:{roll}-1"]},
                {**new, "nonce": nonce(), "tags": ["rmb:RW1"], "lot_number": attack()},
            ],
        },
        sealed={"/note": attack(), "/responsible": {"name": attack(), "phone": attack()}},
    )
    lots = list(made.lots)
    given = miner.sign(
        "transfer",
        {
            **said,
            "recipient": trader.party,
            "moves": "both",
            "purpose": "sale",
            "accept_by": "2026-12-28",
            "waybill": attack(),
            "order_number": attack(),
            "seals": [attack()],
            "document": attack(),
        },
        [(made.id, lot) for lot in lots],
        sealed={"/terms": attack(), "/carriage": {"company": attack(), "driver": attack()}},
    )
    got = trader.sign(
        "acceptance",
        {
            **said,
            "purchase_number": attack(),
            "weighings": [
                {**kilograms("38.00", [lots[0]]), **scale},
                {**kilograms("43.00", [lots[1]]), **scale},
            ],
        },
        [(given.id, lot) for lot in lots],
        sealed={"/note": attack()},
    )
    take(made, given, got)
    looked = registrar.sign(
        "inspection",
        {
            "source": "device",
            "type": "assay",
            "lots": [lots[0]],
            "sample": {
                "number": attack(),
                "taken_from": attack(),
                "mass": {"unit": "GRM", "value": "200"},
            },
            "laboratory": attack(),
            "report_number": attack(),
        },
    )
    retagged = trader.sign(
        "retagging",
        {"source": "device", "lot": lots[1], "seals": [attack()], "reason": "opened_by_authority"},
    )
    mixed = trader.sign(
        "transformation",
        {
            "source": "device",
            "type": "combination",
            "facility": attack(),
            "weighings": [kilograms("43.00", [lots[1]])],
            "outputs": [{**new, "nonce": nonce(), "lot_number": attack(), "weighing": kilograms("45.00")}],
            "additives": [{"material": attack(), "mass": {"unit": "KGM", "value": "1.50"}}],
            "gain": {"unit": "KGM", "value": "0.50"},
            "share_by": "mass",
        },
        [(got.id, lots[1])],
    )
    lots += mixed.lots
    take(looked, retagged, mixed)
    away = trader.sign(
        "export",
        {
            **said,
            "destination": "BE",
            "exit_point": attack(),
            "customs_number": attack(),
            "containers": [{"number": attack(), "seals": [attack()]}],
            "transport_document": attack(),
            "carrier": attack(),
            "shipped": "2026-03-20",
            "weighings": [kilograms("45.00", [lots[2]])],
        },
        [(mixed.id, lots[2])],
        sealed={"/importer": {"name": attack(), "legal_address": {"country": "BE", "locality": attack()}}},
    )
    seized = registrar.sign(
        "reassignment",
        {
            "source": "device",
            "lots": [lots[0]],
            "ground": "seizure",
            "to": registrar.party,
            "moves": "both",
            "legal_basis": attack(),
            "report_number": attack(),
        },
        sealed={"/person": {"name": attack()}},
    )
    ended = registrar.sign(
        "closure",
        {"source": "device", "reason": "destroyed", "detail": attack()},
        [(seized.id, lots[0])],
    )
    role = registrar.sign(
        "role_change", {"party": miner.party, "add": ["warehouse"], "from": "2026-01-01", "reason": attack()}
    )
    take(away, seized, ended, role)
    return code, lots
