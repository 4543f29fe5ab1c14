"""A ledger on a disk that fills up, which is really one of a few megabytes.

    unshare --user --map-root-user --mount python tests/api/full.py CASE FOLDER

mounts a small tmpfs at FOLDER, serves a ledger from it, and tries one of `CASES`. Says nothing and ends with 0 where
all is as it has to be. Nobody else sees that disk, and it is gone with the process.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1])]

from serving import serving
from world import Client, World, line, submission

from patience import SECONDS, until
from traceability.api.app import create_app
from traceability.api.space import Space
from traceability.ledger import fsck
from traceability.ledger.guard import FileGuard
from traceability.ledger.writer import Ledger
from trade import LOG_SIGNER, Signed, produce

MIB = 1 << 20
SIZE = 16 * MIB
RESERVE = 4 * MIB
PUBLIC = ("/checkpoint", "/v1/log", "/tile/0/000.p/5", "/readyz", "/v1/sites")


class Disk:
    """A small disk of its own, and what another program has written to it."""

    def __init__(self, folder: Path) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(folder)], check=True)
        self.folder = folder
        self._other = folder / "other"

    def fill(self, *, but: int = 0) -> None:
        """Writes to it until so many bytes are left, or none."""
        with self._other.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while self.free > but:
                file.write(bytes(min(MIB, self.free - but)))

    def make_room(self) -> None:
        self._other.unlink()

    @property
    def free(self) -> int:
        return Space({"disk": self._other}).rooms()["disk"].free


class Filling:
    """A server on that disk, and what it has answered."""

    def __init__(self, world: World, client: Client, disk: Disk) -> None:
        self.world = world
        self.client = client
        self.disk = disk
        self.taken: list[Signed] = []

    def send(self, signed: Signed) -> tuple[int, dict]:
        answer = self.client.post("/v1/events", json=submission(signed))
        if answer.status_code == 201:
            self.taken.append(signed)
        return answer.status_code, answer.json()

    def send_until_refused(self) -> list[dict]:
        """Streams of fifty until one has a line that is not taken; the answers to those that were not."""
        while True:
            made = [produce(self.world.anna, "1") for _ in range(50)]
            answer = self.client.post(
                "/v1/events",
                content=b"".join(map(line, made)),
                headers={"Content-Type": "application/x-ndjson"},
            )
            found = [json.loads(text) for text in answer.text.splitlines()]
            assert len(found) == len(made)
            self.taken += [one for one, said in zip(made, found, strict=True) if said["status"] == 201]
            refused = [said for said in found if said["status"] != 201]
            if refused:
                return refused

    def read(self, *, signed: int) -> None:
        """Everybody's reads and so many signed ones are answered."""
        for path in PUBLIC:
            assert self.client.get(path).status_code == 200, path
        lot = self.taken[0].lots[0]
        for number in range(signed):
            path = f"/v1/lots/{lot}" + ("/evidence" if number == 1 else "")
            assert self.client.read(self.world.anna, path).status_code == 200, path

    def metric(self, name: str) -> float:
        (value,) = [
            text.split()[1] for text in self.client.get("/metrics").text.splitlines() if text.startswith(name)
        ]
        return float(value)

    def goes_on(self) -> None:
        """By itself, soon after there is room; what was answered before is there, and everything is whole."""
        self.disk.make_room()
        until(lambda: self.send(produce(self.world.anna, "1"))[0] == 201)
        assert self.metric("traceability_signing") == 1
        answer = self.client.post(
            "/v1/events",
            content=b"".join(map(line, self.taken)),
            headers={"Content-Type": "application/x-ndjson"},
        )
        assert {json.loads(text)["status"] for text in answer.text.splitlines()} == {200}
        report = fsck.check(self.world.store)
        assert report.verdict == "good", report


@contextlib.contextmanager
def served(disk: Disk, *, reserve: int, ledger: Path, guard: Path) -> Iterator[Filling]:
    world = World(f"sqlite:///{ledger}/ledger.sqlite3", guard)
    files = {"ledger": ledger / "ledger.sqlite3", "guard": guard / "guard"}
    space = Space(
        files, reserve, count().__next__
    )  # looked at for each event: so small a disk fills in a second
    services = world.services._replace(space=space)
    with serving(create_app(services)) as server, Client(base_url=server.url, timeout=SECONDS) as client:
        yield Filling(world, client, disk)
    services.close()


def kept(disk: Disk, _: Path) -> None:
    """The ledger fills its disk: what is kept is enough for reads, signed ones too, and for saying so."""
    with served(disk, reserve=RESERVE, ledger=disk.folder, guard=disk.folder) as filling:
        disk.fill(but=RESERVE + MIB)
        refused = filling.send_until_refused()
        assert {(said["status"], said["type"]) for said in refused} == {(507, "/problems/disk_full")}
        assert "the disk of the ledger has" in refused[0]["detail"]
        disk.fill(but=RESERVE // 2)
        status, said = filling.send(produce(filling.world.anna, "1"))
        assert (status, said["type"]) == (507, "/problems/disk_full")
        assert filling.client.post("/v1/events", json=submission(filling.taken[0])).status_code == 200
        filling.read(signed=30)
        ready = filling.client.get("/readyz").json()
        assert (ready["signing"], "bytes left" in ready["reason"]) == (False, True)
        assert filling.client.get("/v1/log").json()["signing"] is False
        assert 0 < filling.metric('traceability_disk_free_bytes{of="ledger"}') < RESERVE
        assert filling.metric('traceability_disk_size_bytes{of="guard"}') == SIZE
        filling.goes_on()


def taken_by_another(disk: Disk, _: Path) -> None:
    """Another program takes the last byte, of what was kept too: a clear 503, whatever is answered is there."""
    with served(disk, reserve=0, ledger=disk.folder, guard=disk.folder) as filling:
        assert filling.send(produce(filling.world.anna, "1"))[0] == 201
        disk.fill()
        refused = filling.send_until_refused()
        assert {said["status"] for said in refused} == {503}
        for _ in range(3):
            status, said = filling.send(produce(filling.world.anna, "1"))
            assert status == 503
            assert said["type"] in ("/problems/unavailable", "/problems/not_signing")
        reason = filling.client.get("/readyz").json()["reason"]
        assert "full" in reason or "No space left" in reason, reason
        filling.read(signed=0)
        filling.goes_on()


def guard_alone(disk: Disk, elsewhere: Path) -> None:
    """Only the guard's disk is full: nothing is signed, nothing answered, all reads go on."""
    with served(disk, reserve=0, ledger=elsewhere, guard=disk.folder) as filling:
        assert filling.send(produce(filling.world.anna, "1"))[0] == 201
        disk.fill()
        status, said = filling.send(produce(filling.world.anna, "1"))
        assert (status, said["type"]) == (503, "/problems/not_signing")
        assert "No space left" in said["detail"]
        filling.read(signed=10)
        filling.goes_on()


def started_full(disk: Disk, _: Path) -> None:
    """A process that begins while less is left than is kept: it reads, refuses, and goes on."""
    world = World(f"sqlite:///{disk.folder}/ledger.sqlite3", disk.folder)
    (first,) = world.take(produce(world.anna, "1"))
    world.ledger.close()
    disk.fill(but=RESERVE // 2)
    ledger = Ledger(world.store, FileGuard(disk.folder / "guard", LOG_SIGNER.verifier.encode()), LOG_SIGNER)
    space = Space({"ledger": disk.folder / "ledger.sqlite3"}, RESERVE)
    services = world.services._replace(ledger=ledger, space=space)
    with serving(create_app(services)) as server, Client(base_url=server.url, timeout=SECONDS) as client:
        filling = Filling(world, client, disk)
        status, said = filling.send(produce(world.anna, "1"))
        assert (status, said["type"]) == (507, "/problems/disk_full")
        assert client.get("/checkpoint").text == first.checkpoint.decode()
        filling.goes_on()
    services.close()


CASES = {case.__name__: case for case in (kept, taken_by_another, guard_alone, started_full)}


if __name__ == "__main__":
    place = Path(sys.argv[2])
    for name in ("disk", "elsewhere"):
        (place / name).mkdir()
    CASES[sys.argv[1]](Disk(place / "disk"), place / "elsewhere")
