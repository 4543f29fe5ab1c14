"""A ledger with a few people in it, behind a real server, for the tests of the API."""

import contextlib
import json
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
from serving import Server, serving

from traceability.api.app import create_app
from traceability.api.services import Services
from traceability.core import canonical
from traceability.core.ids import to_unpadded
from traceability.core.leaf import time_text
from traceability.core.signing import READ_TYPE, Envelope, pae
from traceability.ledger.answers import Recorded, Submission
from traceability.ledger.guard import FileGuard
from traceability.ledger.schema import migrate
from traceability.ledger.store import Store
from traceability.ledger.writer import create
from traceability.settings import Settings
from trade import LOG, LOG_SIGNER, Office, Pen, Signed


def submission(signed: Signed) -> dict:
    envelope = json.loads(signed.envelope.to_json())
    return {"envelope": envelope, "disclosures": [list(one) for one in signed.disclosures]}


def line(signed: Signed) -> bytes:
    return json.dumps(submission(signed)).encode() + b"\n"


def read_envelope(pen: Pen, method: str, path: str, changes: dict | None = None) -> Envelope:
    claim = {
        "expires": time_text(int(time.time()) + 120),
        "key": pen.key.id,
        "log": LOG,
        "method": method,
        "nonce": to_unpadded(secrets.token_bytes(16)),
        "party": pen.party,
        "path": path,
        **(changes or {}),
    }
    payload = canonical.encode({name: value for name, value in claim.items() if value is not None})
    return Envelope(READ_TYPE, payload, pen.key.id, pen.key.sign(pae(READ_TYPE, payload)))


def signed_header(pen: Pen, method: str, path: str, changes: dict | None = None) -> dict[str, str]:
    envelope = read_envelope(pen, method, path, changes)
    return {"Authorization": f"DSSE {to_unpadded(envelope.to_json())}"}


class World:
    """Operator, registrar (and the rest of the State), an auditor, and traders Anna, Ben and Carl."""

    def __init__(self, url: str, folder: Path, base_url: str = "https://ledger.example.org") -> None:
        migrate(url)
        self.office = Office()
        self.store = Store(url)
        guard = FileGuard(folder / "guard", LOG_SIGNER.verifier.encode())
        genesis = Submission(self.office.genesis.envelope, None, self.office.genesis.disclosures)
        self.ledger = create(self.store, guard, LOG_SIGNER, genesis)
        settings = Settings(data=folder, database_url=url, guard=str(folder / "guard"), base_url=base_url)
        self.services = Services.around(settings, self.store, self.ledger, LOG_SIGNER)
        self.registrar = self.office.registrar
        self.anna, self.ben, self.carl = Pen("anna"), Pen("ben"), Pen("carl", algorithm="Ed25519")
        self.auditor = Pen("auditor")
        self.take(
            self.office.enrol(self.anna, "miner", "trader"),
            self.office.enrol(self.ben, "trader", "exporter"),
            self.office.enrol(self.carl, "trader"),
            self.office.enrol(self.auditor, "auditor", type="authority", public_name="Cour des comptes"),
        )

    def take(self, *signed: Signed) -> list[Recorded]:
        """Appends; each must be recorded."""
        answers = self.ledger.append([Submission(s.envelope, s.event, s.disclosures) for s in signed])
        for answer in answers:
            assert isinstance(answer, Recorded), answer
        return answers

    def size(self) -> int:
        with self.store.read() as view:
            return view.head().size


class Client(httpx.Client):
    """Signs reads with a pen."""

    def read(self, pen: Pen, path: str, changes: dict | None = None) -> httpx.Response:
        return self.get(path, headers=signed_header(pen, "GET", path, changes))


@contextlib.contextmanager
def world_at(url: str, folder: Path) -> Iterator[tuple[World, Server, Client]]:
    world = World(url, folder)
    try:
        with serving(create_app(world.services)) as server, Client(base_url=server.url) as client:
            yield world, server, client
    finally:
        world.services.close()
