"""A real server under load, with every call it makes to its files and every byte it sends written down."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import httpx
import preload
from children import open_ledger
from disk import Files, files_below
from sending import recorded, sent, some_trade

from commands import free_port
from patience import SECONDS, until
from traceability.ledger.guard import FileGuard
from traceability.ledger.schema import migrate
from traceability.ledger.store import Store
from traceability.ledger.writer import create
from trade import LOG_SIGNER, Office, Pen, Signed

# SQLite's log is carried over into the file every few commits, so that this is in the record as well.
PROGRAM = """
import sys
from traceability.cli import run
from traceability.ledger import database
assert database._WAL_PAGES
database._WAL_PAGES = 64
sys.exit(run(["serve"]))
"""

MEMORY = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else None
"""Where folders are made that need not last: in memory, if there is such a place; else where they always are."""


class Place(NamedTuple):
    """Where a ledger and its guard lie, each in a folder of its own."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        return f"sqlite:///{self.data / 'ledger.sqlite3'}"

    @property
    def guard(self) -> Path:
        return self.folder / "state" / "guard"


class Recording(NamedTuple):
    """What was there before, what was called, and what had been sent to the server, in order."""

    before: Files
    calls: list[preload.Call]
    sent: list[Signed]
    size_before: int


def begin(place: Place, *names: str) -> list[Pen]:
    """A ledger with a genesis and these traders."""
    place.data.mkdir()
    migrate(place.url)
    store = Store(place.url)
    guard = FileGuard(place.guard, LOG_SIGNER.verifier.encode())
    office, pens = Office(), [Pen(name) for name in names]
    ledger = create(store, guard, LOG_SIGNER, sent(office.genesis))
    recorded(ledger, *(office.enrol(pen, "miner", "trader") for pen in pens))
    ledger.close()
    store.close()
    return pens


@contextlib.contextmanager
def served(
    place: Place, program: Sequence[str], **more: str
) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """A server on this ledger: its URL and process; killed at the end if it is still there."""
    key = place.folder / "log-key"
    key.write_text(LOG_SIGNER.encode() + "\n")
    port = free_port()
    given = {"DATA": str(place.data), "GUARD": str(place.guard), "LOG_KEY": str(key), "PORT": str(port)}
    out = place.folder / "server.log"
    with out.open("ab") as log:
        process = subprocess.Popen(program, env={**os.environ, **given, **more}, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: process.poll() is not None or _answers(url), "the server does not answer")
        assert process.poll() is None, out.read_text()
        yield url, process
    finally:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=SECONDS).status_code == 200
    except httpx.TransportError:
        return False


def send(url: str, signed: Signed) -> httpx.Response:
    """One event as a phone sends it."""
    envelope = json.loads(signed.envelope.to_json())
    body = {"envelope": envelope, "disclosures": [list(one) for one in signed.disclosures]}
    return httpx.post(f"{url}/v1/events", json=body, timeout=SECONDS)


def together(works: Sequence[Callable[[], object]]) -> None:
    """Runs all of them at the same time, and raises what any of them raised."""
    errors: list[BaseException] = []

    def run(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  # it is raised by whoever waits
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in errors:
        raise error


def record(place: Place, program: str, *arguments: str) -> Recording:
    """What a Python program does below the folders of this ledger."""
    before = files_below(place.folder)
    log = place.folder.with_name("calls")
    log.unlink(missing_ok=True)
    under = preload.environment(place.folder, log=log)
    subprocess.run([sys.executable, "-c", program, *arguments], env={**os.environ, **under}, check=True)
    return Recording(before, list(preload.read(log)), [], 0)


def record_server(place: Place, rounds: int) -> Recording:
    """Four traders send at once, three events a round each, while somebody reads; twice, with a stop between."""
    pens = begin(place, "anna", "ben", "carl", "dora")
    trade = [some_trade(giver, pens[at - 1], rounds) for at, giver in enumerate(pens)]
    before = files_below(place.data, place.guard.parent)
    store = Store(place.url)
    with store.read() as view:
        size = view.head().size
    store.close()
    log = place.folder / "calls"
    under = preload.environment(place.data, place.guard.parent, log=log)
    half = len(trade[0]) // 2
    for parts in ([one[:half] for one in trade], [one[half:] for one in trade]):
        with served(place, [sys.executable, "-c", PROGRAM], **under) as (url, process):
            works = [lambda part=part: _send_all(url, part) for part in parts]
            together([*works, lambda: _read_often(url)])
            process.send_signal(signal.SIGTERM)
            process.wait(SECONDS)
    return Recording(before, list(preload.read(log)), [one for each in trade for one in each], size)


def _read_often(url: str) -> None:
    for _ in range(10):
        httpx.get(f"{url}/checkpoint", timeout=SECONDS)


def _send_all(url: str, signed: Sequence[Signed]) -> None:
    for one in signed:
        answer = send(url, one)
        assert answer.status_code == 201, answer.text


def reopened(place: Place, reached: Callable[[str], object] = lambda _: None):
    """The ledger as the next start finds it."""
    return open_ledger(place.url, place.guard, reached=reached)
