"""`season` and `demo`: a season of invented trade, as a file, or in a ledger that is served at once."""

import contextlib
import io
import secrets
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import orjson
import typer

from traceability.cli.begin import key_file, write_policy
from traceability.cli.common import (
    Data,
    Stop,
    of_a_ledger,
    read_bytes,
    remark,
    say,
    settings,
    write_bytes,
    write_secret,
)
from traceability.cli.ledger import check_port, serve_it
from traceability.core import canonical
from traceability.core.note import Signer, Verifier
from traceability.core.signing import SigningKey

if TYPE_CHECKING:
    from traceability.settings import Settings
    from traceability.simulation.post import Signed

ORIGIN = "season.example.org/demo"
SEED = 1
EVENTS = 4000
AT_ONCE = 1000
UNFINISHED = "unfinished"
CREDENTIALS = "credentials"
INDEX = "index.json"

Events = Annotated[int, typer.Option(envvar="EVENTS", min=300, max=10_000_000, help="How many events.")]
Seed = Annotated[int, typer.Option(help="Another seed, another season.")]


def season(
    vkey: Annotated[str, typer.Option("--log", metavar="VKEY", help="The log it is for, named by its key.")],
    events: Events = EVENTS,
    seed: Seed = SEED,
    end: Annotated[
        str, typer.Option(metavar="TIME", help="When it ends, as 2026-11-23T10:15:00Z; just now if absent.")
    ] = "",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where to; stdout if absent.")] = None,
) -> None:
    """Writes a season of trade as signed events, one a line, as they are made.

    The first line is the genesis of a demonstration, for `init --genesis`; the others are what `submit` takes.
    People, sites and firms are invented; the signatures are real, of keys that follow from the seed. With the
    same log, number, seed and end the same bytes are written.
    """
    log = Verifier.parse(vkey)
    with contextlib.ExitStack() as stack:
        file = sys.stdout.buffer
        if out is not None and str(out) != "-":
            file = stack.enter_context(_new(out))
        for signed in _telling(events, _season(events, seed, log, _seconds(end))):
            shown = canonical.dump([list(each) for each in signed.disclosures])
            file.write(b'{"disclosures":%s,"envelope":%s}\n' % (shown, signed.envelope.to_json()))
        file.flush()


def _new(path: Path) -> BinaryIO:
    try:
        return path.open("wb")
    except OSError as error:
        raise Stop(f"cannot write {path}: {error.strerror}") from error


def _seconds(end: str) -> int | None:
    try:
        return int(datetime.strptime(end, "%Y-%m-%dT%H:%M:%S%z").timestamp()) if end else None
    except ValueError as error:
        raise Stop(f"--end is a time such as 2026-11-23T10:15:00Z, not {end!r}") from error


def _telling(events: int, made: "Iterator[Signed]") -> "Iterator[Signed]":
    """Passes events on, and says from time to time how far it is."""
    for number, signed in enumerate(made, start=1):
        yield signed
        if number * 20 // events > (number - 1) * 20 // events:
            remark(f"Writing a season of {events} events: {100 * number // events} %")


@of_a_ledger
def demo(events: Events = EVENTS, seed: Seed = SEED, data: Data = None) -> None:
    """Serves a demonstration: a ledger with a season of trade in it, tags to scan, and a key for each role.

    An empty folder gets a new season; one that has a season keeps it, and what was added to it. The log's key
    and the guard lie outside the folder, as for any ledger; traceability.env in the folder says where.
    """
    from traceability.settings import LEDGER_FILE

    chosen = settings(data)
    if chosen.database_url:
        raise Stop("a demonstration keeps its ledger in DATA: take DATABASE_URL out of the environment")
    check_port(chosen.host, chosen.port, "another PORT")
    if not (chosen.data / LEDGER_FILE).exists():
        _make(chosen.data, events, seed)
    elif not (chosen.data / CREDENTIALS / INDEX).exists():
        raise Stop(
            f"the ledger in {chosen.data} is no demonstration: traceability serve --data {chosen.data}"
        )
    chosen = _reachable(settings(data))
    _announce(chosen)
    serve_it(chosen)


def _season(events: int, seed: int, log: Verifier, end: int | None = None) -> "Iterator[Signed]":
    from traceability.simulation.season import season

    end = int(time.time()) - 60 if end is None else end
    return season(events=events, seed=seed, log=log.name, log_vkey=log.encode(), end=end)


def _make(folder: Path, events: int, seed: int) -> None:
    """A new season in an empty folder. Cut short, it leaves a folder that counts as empty."""
    from traceability.ledger.database import Unusable
    from traceability.settings import ENV_FILE, LEDGER_FILE, state_folder

    work = folder / UNFINISHED
    made = {CREDENTIALS, ENV_FILE, "trust.policy"}
    others = [path.name for path in folder.glob("*") if path != work and path.name not in made]
    if others:
        raise Stop(f"{folder} is not empty and has no ledger in it: name a folder of its own with DATA")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    signer = Signer(ORIGIN, secrets.token_bytes(32))
    apart = state_folder() / f"demo-{signer.verifier.vkey.key_id.hex()}"
    write_secret(apart / "log-key", signer.encode().encode() + b"\n")
    try:
        _fill(work / LEDGER_FILE, apart / "guard", signer, events, seed)
    except Unusable as error:
        raise Stop(f"the season cannot be written: {error}") from error
    _write_credentials(work / CREDENTIALS, seed)
    write_policy(work, signer.verifier)
    write_bytes(work / ENV_FILE, f"LOG_KEY={apart / 'log-key'}\nGUARD={apart / 'guard'}\n".encode())
    shutil.rmtree(folder / CREDENTIALS, ignore_errors=True)
    for name in (CREDENTIALS, ENV_FILE, "trust.policy", LEDGER_FILE):  # with the last one it is a season
        (work / name).rename(folder / name)
    work.rmdir()


def _fill(ledger_file: Path, guard_file: Path, signer: Signer, events: int, seed: int) -> None:
    from traceability.ledger import snapshots
    from traceability.ledger.answers import Recorded, Submission
    from traceability.ledger.guard import open_guard
    from traceability.ledger.schema import migrate
    from traceability.ledger.store import Store
    from traceability.ledger.writer import create
    from traceability.simulation.credentials import credentials

    url = f"sqlite:///{ledger_file.absolute()}"
    migrate(url)
    submissions = (
        Submission(signed.envelope, None, signed.disclosures, signed.record_time)
        for signed in _telling(events, _season(events, seed, signer.verifier))
    )
    genesis = next(submissions)
    began = genesis.record_time
    assert began is not None
    guard = open_guard(str(guard_file), signer.verifier.encode())
    with (
        contextlib.closing(Store(url)) as store,
        contextlib.closing(guard),
        contextlib.closing(create(store, guard, signer, genesis, clock=lambda: began)) as ledger,
    ):
        groups = iter(lambda: list(islice(submissions, AT_ONCE)), [])
        for answered in chain.from_iterable(ledger.append_groups(groups)):
            if not isinstance(answered, Recorded):
                raise Stop(f"an event of the season was not taken: {answered}")
        operator = next(each for each in credentials(seed) if each.role == "operator")
        stated = snapshots.take(
            ledger, SigningKey.from_pem(operator.key_pem), operator.party, lambda: int(time.time()) - 60
        )
        if not isinstance(stated, Recorded):
            raise Stop(f"the book of the season was not stated: {stated}")


def _write_credentials(folder: Path, seed: int) -> None:
    """A key file for each role, and INDEX: whose they are, and which tags can be scanned."""
    from traceability.simulation.credentials import credentials, scannables

    roles = []
    for each in credentials(seed):
        name = f"{each.role.replace(' ', '-')}.pem"
        key = SigningKey.from_pem(each.key_pem)
        write_secret(folder / name, key_file(key, ORIGIN, each.party, each.role))
        roles.append(
            {
                "file": name,
                "lots": list(each.lots),
                "party": each.party,
                "role": each.role,
                "says": each.says,
            }
        )
    tags = [{"code": each.code, "says": each.says, "tag": each.tag} for each in scannables(seed)]
    write_bytes(folder / INDEX, orjson.dumps({"roles": roles, "tags": tags}, option=orjson.OPT_INDENT_2))


def _announce(chosen: "Settings") -> None:
    """What there is to open, to scan, and to sign in with."""
    from qrcode import QRCode  # type: ignore[import-untyped]

    folder = chosen.data / CREDENTIALS
    index = orjson.loads(read_bytes(folder / INDEX))
    url = chosen.public_url
    scan = index["tags"][0]
    address = f"{url}/t/{scan['code']}"
    say(f"\nA demonstration, at {url}")
    say("Nothing in it happened: people, sites and firms are invented.\n")
    for name, path in (
        ("the log", "/v1/log"),
        ("its checkpoint", "/checkpoint"),
        ("the API", "/openapi.json"),
    ):
        say(f"  {name:<16} {url}{path}")
    say(f"\nA tag to scan: {address}\n{scan['says']}\n")
    code = QRCode(border=2)
    code.add_data(address)
    shown = io.StringIO()
    code.print_ascii(out=shown, invert=True)
    say(shown.getvalue())
    if chosen.host == "127.0.0.1":
        say("It is for this machine alone. To scan with a phone in your network: HOST=0.0.0.0 make run\n")
    say("Keys to try each role with, and a page to look at with each:\n")
    for role in index["roles"]:
        path = str(folder / role["file"])
        say(f"  {role['role']:<10} {path:<{len(str(folder)) + 15}} {role['says']}")
        page = f"lots/{role['lots'][0]}" if role["lots"] else f"parties/{role['party']}"
        say(f"  {'':<10} {url}/{page}")
    trader = folder / "trader.pem"
    say(f"\nSign in at {url}/sign-in by pasting what this prints:\n")
    say(f"  {_program()} sign --request 'POST /v1/sessions' --key {trader}")
    say("\nor ask the API directly:\n")
    say(f"  curl -H \"$({_program()} sign --request 'GET /v1/lots' --key {trader})\" {url}/v1/lots\n")


def _program() -> str:
    """How this program was called, as one can type it here."""
    path = Path(sys.argv[0])
    with contextlib.suppress(ValueError):
        path = path.absolute().relative_to(Path.cwd())
    return str(path)


def _reachable(chosen: "Settings") -> "Settings":
    """Where it listens to the whole network, tags carry this machine's address in it."""
    if chosen.base_url or chosen.host not in ("0.0.0.0", "::"):  # noqa: S104  # asked for, not chosen here
        return chosen
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing, and tells which of our addresses would
        except OSError:
            return chosen
        return chosen.model_copy(update={"base_url": f"http://{probe.getsockname()[0]}:{chosen.port}"})
