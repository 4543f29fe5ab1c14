"""A small season of trade behind a real server with pages: everything a tag can have gone through."""

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
from serving import Server, serving

from traceability.api.services import Services
from traceability.core.note import Signer
from traceability.core.signing import SigningKey
from traceability.core.state import decode_record
from traceability.ledger.answers import Recorded, Submission
from traceability.ledger.guard import FileGuard
from traceability.ledger.schema import migrate
from traceability.ledger.store import Store
from traceability.ledger.writer import create
from traceability.settings import Settings
from traceability.simulation.credentials import Credential, credentials, scannables
from traceability.simulation.season import season
from traceability.web.app import create_app

LOG = "season.example.org/pages"
SEED = 3
EVENTS = 420


class Season(NamedTuple):
    """A ledger, its server, and who is in it."""

    services: Services
    server: Server
    client: httpx.Client
    roles: dict[str, Credential]

    def key(self, role: str) -> SigningKey:
        return SigningKey.from_pem(self.roles[role].key_pem)

    def codes(self) -> dict[str, str]:
        """Every code of ours by the name of its tag."""
        with self.services.store.read() as view:
            rows = view.all("SELECT code, roll, number FROM tag_code ORDER BY code")
        return {f"t:{roll}-{number}": code for code, roll, number in rows}

    def records(self, kind: str) -> dict[str, object]:
        """Every record of a kind by id."""
        if kind == "lot":
            return {lot.id: lot for lot in self.services.reader.lots(limit=100_000).items}
        with self.services.store.read() as view:
            rows = view.all("SELECT id, value FROM state WHERE type = ?", kind)
        return {id_: decode_record(value) for id_, value in rows}

    def disclosed(self) -> list[tuple[str, object]]:
        """Every sealed value that the ledger was ever told, with its path."""
        with self.services.store.read() as view:
            return [
                (path, json.loads(value)) for path, value in view.all("SELECT path, value FROM disclosure")
            ]

    def tag(self, says: str) -> str:
        """The code of a tag worth scanning."""
        return next(each.code for each in scannables(SEED) if says in each.says)


@contextlib.contextmanager
def season_at(folder: Path) -> Iterator[Season]:
    signer = Signer(LOG, bytes(range(32)))
    url = f"sqlite:///{folder}/ledger.sqlite3"
    migrate(url)
    store = Store(url)
    end = int(time.time()) - 60
    vkey = signer.verifier.encode()
    events = list(season(events=EVENTS, seed=SEED, log=LOG, log_vkey=vkey, end=end))
    submissions = [
        Submission(each.envelope, each.event, each.disclosures, each.record_time) for each in events
    ]
    began = events[0].record_time
    guard = FileGuard(folder / "guard", vkey)
    ledger = create(store, guard, signer, submissions[0], clock=lambda: began)
    for answer in ledger.append(submissions[1:]):
        assert isinstance(answer, Recorded), answer
    settings = Settings(
        data=folder, database_url=url, guard=str(folder / "guard"), base_url="http://127.0.0.1"
    )
    services = Services.around(settings, store, ledger, signer)
    roles = {each.role: each for each in credentials(SEED)}
    try:
        with (
            serving(create_app(services)) as server,
            httpx.Client(base_url=server.url, headers={"Accept": "text/html"}) as client,
        ):
            yield Season(services, server, client, roles)
    finally:
        services.close()
