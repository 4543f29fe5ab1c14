"""A season of trade, served by the real program in a process of its own, and what has to be right there after any flood.

Whatever came: what is in the log was answered as recorded, and what was answered as recorded is in the log; the server
had no fault to note, kept its memory, still answers, and `fsck` finds the ledger good.
"""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import httpx

import examples
from commands import Done, Served, served
from traceability.core import canonical, events
from traceability.core.ids import EventId, KeyId, PartyId, commitment, derive, to_unpadded
from traceability.core.signing import EVENT_TYPE, Envelope, SigningKey
from traceability.ledger.reader import Reader
from traceability.ledger.store import Store
from trade import Pen, bag

LOG = "season.example.org/demo"
EVENTS = 500
MEMORY_MAX_KB = 2 << 20
"""What the server may ever have held: two gigabytes, where a bomb that is unpacked whole would take more."""
UNSENT = frozenset({"genesis", "key_revocation"})
"""Kinds that `any_event` does not sign: one is never taken, the other ends the key it would be tried with next."""


class Names(NamedTuple):
    """What there is in the season, by what it is."""

    lots: list[str]
    events: list[str]
    parties: list[str]
    sites: list[str]
    rolls: list[str]
    codes: list[str]
    kids: list[str]

    def all(self) -> list[str]:
        return [name for names in self for name in names]


class Entry(NamedTuple):
    """What is in the log at one place."""

    payload: bytes
    signature: bytes


class Hosted:
    """The server, whose pens sign for it, and the entries that it told of."""

    def __init__(self, served: Served, pid: int) -> None:
        self.url, self.data = served.url, served.data
        self.port = int(served.url.rpartition(":")[2])
        self._pid = pid
        self._log = served.folder / "served.log"
        self.store = Store(f"sqlite:///{self.data}/ledger.sqlite3")
        self.reader = Reader(self.store)
        self.roles = {each["role"]: each for each in served.index["roles"]}
        self.names = self._names(served.index["tags"])
        self.first = self.size()
        self.told: dict[int, Entry] = {}
        """By index, what answers said is in the log."""
        self.cut: set[bytes] = set()
        """Payloads whose sender may have gone before the answer came."""

    def pen(self, role: str) -> Pen:
        """The pen of a role of the season, at its next number."""
        found = Pen("")
        found.key = SigningKey.from_pem((self.data / "credentials" / self.roles[role]["file"]).read_bytes())
        found.party = PartyId(self.roles[role]["party"])
        found.next = self.reader.next_sequence(KeyId(found.key.id))
        return found

    def enrol(self, *names: str) -> list[Pen]:
        """Miners that were never there before."""
        registrar, found = self.pen("registrar"), []
        for name in names:
            miner = Pen(name, algorithm="Ed25519" if len(found) % 2 else "ES256")
            nonce = to_unpadded(os.urandom(16))
            miner.party = PartyId(derive("party", registrar.key.id, nonce))
            proof = to_unpadded(miner.key.prove_possession(LOG, miner.party))
            body = {
                "party": miner.party,
                "type": "company",
                "roles": ["miner", "trader"],
                "country": "CD",
                "from": "2026-01-01",
                "nonce": nonce,
                "keys": [{"public_key": to_unpadded(miner.key.public.spki), "proof": proof}],
            }
            signed = registrar.sign("enrolment", body, sealed={"/entity": {"name": name}}, log=LOG)
            answer = httpx.post(
                f"{self.url}/v1/events", json={"envelope": json.loads(signed.envelope.to_json())}
            )
            assert answer.status_code == 201, answer.text
            self.tell(answer.json())
            found.append(miner)
        return found

    def tell(self, answer: dict[str, Any]) -> None:
        """Notes what an answer to an event says is in the log."""
        if "index" not in answer:
            return
        envelope = Envelope.parse(json.loads(answer["entry"])["envelope"])
        entry = Entry(envelope.payload, envelope.signature)
        assert self.told.setdefault(answer["index"], entry) == entry, answer["index"]

    def tell_all(self, body: bytes) -> None:
        """The same for each line of a body."""
        for line in body.splitlines():
            self.tell(json.loads(line))

    def size(self) -> int:
        with self.store.read() as view:
            return view.head().size

    def assert_sound(self, capfd) -> None:
        """AssertionError unless all is as it has to be after whatever came."""
        with self.store.read() as view:
            rows = view.all("SELECT idx, payload, signature FROM entry WHERE idx >= ?", self.first)
            size = view.head().size
        logged = {index: Entry(bytes(payload), bytes(signature)) for index, payload, signature in rows}
        assert sorted(logged) == [*range(self.first, size)]
        for index, entry in self.told.items():
            if index >= self.first:
                assert logged[index] == entry, f"entry {index} is not what was answered"
        for index in logged.keys() - self.told.keys():
            assert logged[index].payload in self.cut, (index, "was stored and never answered", logged[index])
        said = self._log.read_text("utf-8", "replace")
        for sign in ('"fault"', "Traceback", '"level": "error"', '"level": "critical"'):
            at = said.find(sign)
            assert at < 0, said[max(0, at - 500) : at + 3000]
        status = Path(f"/proc/{self._pid}/status")
        if status.exists():
            peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
            assert int(peak.split()[1]) < MEMORY_MAX_KB, peak
        assert httpx.get(f"{self.url}/readyz", timeout=60).json() == {"size": size, "signing": True}
        assert Done(capfd, "fsck", "--data", self.data).code == 0

    def any_event(self, random: Random, pen: Pen) -> dict[str, Any]:
        """Plain values of an event of any kind, about what there is here: most are well formed and wrong."""
        kind = random.choice([kind for kind in events.KINDS if kind not in UNSENT])
        value = json.loads(examples.encoded(kind))
        value["sealed"] = []
        value |= {"key": pen.key.id, "log": LOG, "party": pen.party, "sequence": pen.next}
        text = json.dumps(value)
        for there, here in (
            (examples.LOT, self.names.lots),
            (examples.OTHER_LOT, self.names.lots),
            (examples.EVENT, self.names.events),
            (examples.SITE, self.names.sites),
            (examples.ROLL, self.names.rolls),
            (examples.MINER_PARTY, [*self.names.parties, pen.party]),
        ):
            text = text.replace(there, random.choice(here))
        return json.loads(text)

    def _names(self, tags: list[dict[str, str]]) -> Names:
        with self.store.read() as view:
            found = {
                kind: [row[0] for row in view.all("SELECT id FROM state WHERE type = ? ORDER BY id", kind)]
                for kind in ("party", "site", "roll", "key")
            }
            codes = [row[0] for row in view.all("SELECT code FROM tag_code ORDER BY code")]
            size = view.head().size
        lots = sorted(lot.id for lot in self.reader.lots(limit=10_000).items)
        logged = [self.reader.entry(index) for index in range(size)]
        return Names(
            lots,
            [entry.event_id for entry in logged if entry is not None],
            found["party"],
            found["site"],
            found["roll"],
            [*(each["code"] for each in tags), *codes[:100]],
            [key[:16] for key in found["key"]],
        )

    def disclosed(self) -> list[tuple[EventId, list[Any]]]:
        """What was opened of sealed fields: the event, and [salt, path, value]."""
        with self.store.read() as view:
            rows = view.all("SELECT idx, path, salt, value FROM disclosure ORDER BY idx, path LIMIT 100")
        return [
            (self.reader.entry(index).event_id, [to_unpadded(salt), path, json.loads(value)])
            for index, path, salt, value in rows
        ]


def production(random: Random, pen: Pen) -> bytes:
    """A submission of two bags that were dug, one with a sealed price: well signed, and numbered."""
    lots = [bag(mass) for mass in random.choices(("1.5", "2", "0.25"), k=2)]
    salt = to_unpadded(random.randbytes(16))
    price = canonical.encode({"value": "9.50", "currency": "USD"})
    value = {
        "body": {"region": "CD-SK", "source": "device", "lots": lots},
        "event_time": "2026-11-01T08:00:00Z",
        "key": pen.key.id,
        "kind": "production",
        "log": LOG,
        "party": pen.party,
        "previous": [],
        "sealed": [["/lots/0/price", commitment(salt, "/lots/0/price", price)]],
        "sequence": pen.next,
        "version": 1,
    }
    pen.next += 1
    envelope = pen.key.sign_event(canonical.encode(value)).to_json()
    return b'{"disclosures":[["%s","/lots/0/price",%s]],"envelope":%s}' % (salt.encode(), price, envelope)


def signed(pen: Pen, payload: bytes) -> bytes:
    """A submission of whatever bytes, well signed."""
    envelope = Envelope(EVENT_TYPE, payload, pen.key.id, pen.key.sign_event(payload).signature)
    return b'{"envelope":%s}' % envelope.to_json()


@contextlib.contextmanager
def hosted_at(folder: Path) -> Iterator[Hosted]:
    """A season of its own and its server, with reports taken and clients told apart by X-Forwarded-For."""
    environment = {
        "EVENTS": str(EVENTS),
        "PATH": os.environ["PATH"],
        "PROXIES": "127.0.0.1",
        "REPORT_KEY": str(folder / "data" / "credentials" / "operator.pem"),
    }
    command = [sys.executable, "-m", "traceability", "demo"]
    with served(folder, command, environment) as found:
        hosted = Hosted(found, found.pid)
        try:
            yield hosted
        finally:
            hosted.store.close()
