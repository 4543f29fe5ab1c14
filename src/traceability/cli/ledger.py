"""A ledger from the command line: bring its tables up, serve it, put events in, take evidence out."""

import contextlib
import http.client
import re
import socket
import sys
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from traceability.cli.common import (
    Data,
    Exit,
    Json,
    Stop,
    of_a_ledger,
    parse_object,
    remark,
    say,
    settings,
    trust,
    without_password,
    write_bytes,
    write_out,
)
from traceability.core import log_proof
from traceability.core.errors import Malformed, TraceabilityError
from traceability.core.ids import ID_PATTERN, EventId, LotId
from traceability.core.tag import normalise
from traceability.core.trust_policy import TrustPolicy

if TYPE_CHECKING:
    from traceability.api.answers import Spoken
    from traceability.ledger.answers import Submission
    from traceability.ledger.reader import Reader
    from traceability.settings import Settings

LINES_AT_ONCE = 1000
BYTES_AT_ONCE = 8 << 20


@of_a_ledger
def migrate(data: Data = None) -> None:
    """Brings the database to this program's schema. Harmless where it is there already."""
    from traceability.ledger.schema import migrate as bring_up

    chosen = settings(data)
    bring_up(chosen.url)
    say(f"{without_password(chosen.url)} has the newest schema.")


@of_a_ledger
def serve(
    first_migrate: Annotated[bool, typer.Option("--migrate", help="Bring the schema up first.")] = False,
    data: Data = None,
) -> None:
    """Serves the ledger at HOST and PORT until it is told to stop.

    A ledger that may not sign (the guard is ahead, the clock is behind) serves reads and says why.
    """
    from traceability.ledger.schema import migrate as bring_up

    chosen = settings(data)
    if first_migrate:
        bring_up(chosen.url)
    check_port(chosen.host, chosen.port, "another PORT")
    serve_it(chosen)


def serve_it(chosen: "Settings") -> None:
    """Opens the ledger and serves it until a signal comes. Raises Stop where there is none to open."""
    from traceability.api import logging, server
    from traceability.ledger.log_keys import remarks
    from traceability.web.app import create_app

    with opening():
        app = create_app(chosen)
        services = app.state.services
        for said in remarks(chosen.log_key, services.store):
            remark(said)
    if services.refusal is not None:
        remark(f"It may be read, and signs nothing: {services.refusal}")
    logging.configure()
    server.serve(app, chosen.host, chosen.port)


def check_port(host: str, port: int, instead: str) -> None:
    """Raises Stop where somebody listens there already, asking for `instead`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            where = f"{host}, port {port}"
            raise Stop(f"cannot listen at {where} ({error.strerror}): name {instead}") from error


@contextlib.contextmanager
def opening() -> Iterator[None]:
    """A log key that is missing or is none means that nothing was tried."""
    try:
        yield
    except (Malformed, OSError) as error:
        raise Stop(str(error)) from error


@of_a_ledger
def submit(
    files: Annotated[list[Path], typer.Argument(help="Lines as `sign` prints them; - for stdin.")],
    to: Annotated[
        str, typer.Option(metavar="URL", help="A ledger's address; else the one in --data, directly.")
    ] = "",
    policy: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Check each proof, by the logs of this trust policy.")
    ] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Puts signed events into a ledger, and tells what became of each.

    With --json each event's whole answer is a line, with entry, blind, proof and checkpoint: that is the
    proof to keep. Events in the log already are answered as the first time. With --policy no answer is believed whose
    proof does not hold.

    Exit code 1 when an event was refused or is without effect, or a proof does not hold, 2 when one only waits for
    another.
    """
    worst, answers = Exit.DONE, 0
    known = trust(policy, []) if policy is not None else None
    waiting: dict[int, bytes] = {}
    with contextlib.ExitStack() as stack:
        groups = _groups(chain.from_iterable([_opened(stack, file) for file in files]))
        if known is not None:
            groups = _noted(groups, waiting)
        for answered in _sent(groups, to) if to else _appended(groups, data):
            found = orjson.loads(answered)
            worst = _worse(worst, found)
            answers += 1
            if known is not None:
                wrong = _does_not_hold(found, answered, waiting.pop(found["line"], b""), known)
                if wrong:
                    worst = Exit.NO
                    remark(f"{found['line']}: the ledger's proof does not hold, keep what it said: {wrong}")
            if as_json:
                write_bytes(None, answered)
            else:
                say(_in_words(found))
    if waiting:
        worst = Exit.NO
        remark(f"{len(waiting)} events were not answered, the first in line {min(waiting)}: send them again")
    if not answers and not waiting:
        raise Stop("there is no line in what was given")
    raise typer.Exit(worst)


def _opened(stack: contextlib.ExitStack, path: Path) -> Iterable[bytes]:
    """The lines of a file, read as they are needed; `-` is stdin. Raises Stop when it cannot be read."""
    if str(path) == "-":
        return sys.stdin.buffer
    try:
        return stack.enter_context(path.open("rb"))
    except OSError as error:
        raise Stop(f"cannot read {path}: {error.strerror}") from error


def _noted(groups: Iterable[list[bytes]], waiting: dict[int, bytes]) -> Iterator[list[bytes]]:
    """The same groups, each line kept under its number until it is answered."""
    start = 1
    for lines in groups:
        waiting.update(enumerate(lines, start=start))
        start += len(lines)
        yield lines


def _does_not_hold(found: dict[str, object], answered: bytes, line: bytes, policy: TrustPolicy) -> str:
    """Why an answer does not prove that the event in this line is in the log; empty where it does, or says it is not."""
    from traceability.api.submission import read_submission

    if found["status"] not in (200, 201) and "proof" not in found:
        return ""
    try:
        log_proof.check_answer(answered, read_submission(line).envelope.payload, policy)
    except TraceabilityError as error:
        return str(error)
    return ""


def _groups(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Lines with something in them, as many together as go into one request: at least one."""
    group: list[bytes] = []
    size = 0
    for line in (each.removesuffix(b"\n") for each in lines):
        if not line.strip():
            continue
        if group and (len(group) == LINES_AT_ONCE or size + len(line) > BYTES_AT_ONCE):
            yield group
            group, size = [], 0
        group.append(line)
        size += len(line)
    if group:
        yield group


@of_a_ledger
def evidence(
    lots: Annotated[
        list[str] | None, typer.Argument(help="Lots by id, or by a tag that is on them: its code or name.")
    ] = None,
    event: Annotated[
        str | None, typer.Option(help="The lots of this event instead, a shipment say, by its id.")
    ] = None,
    disclose: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WHAT",
            help="Open sealed fields: prices, names, place, documents, notes; a path as /prices, or of one entry as "
            "41207/prices; or all. Repeatable.",
        ),
    ] = None,
    proof: Annotated[
        bool,
        typer.Option(
            "--tlog-proof", help="Instead, of one lot: the entry that moved it last, as C2SP tlog-proof."
        ),
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where to; else named by the lot.")] = None,
    data: Data = None,
) -> None:
    """Writes evidence: one file that proves the history of lots to whoever has nothing else of ours.

    It holds every entry behind them, back to the mines. What is sealed stays sealed unless you say --disclose:
    whoever gets the file can read it and pass it on. Codes of tags are in no file.
    """
    from traceability.core.disclosing import chosen
    from traceability.core.evidence import SUFFIX
    from traceability.ledger.reader import Reader
    from traceability.ledger.store import Store

    if bool(lots) == (event is not None):
        raise Stop("name lots, or one --event")
    try:
        discloses = chosen(disclose or ())
    except Malformed as error:
        raise Stop(str(error)) from error
    with contextlib.closing(Store(settings(data).url)) as store:
        reader = Reader(store)
        wanted = [found for name in lots or () for found in lots_named(reader, name)]
        if proof and len(wanted) != 1:
            raise Stop("--tlog-proof is of one lot: name it")
        try:
            if proof:
                file = _head_proof(reader, wanted[0])
            else:
                file = reader.evidence(wanted, event=EventId(event) if event else None, disclose=discloses)
        except LookupError as error:
            raise Stop(str(error.args[0]), Exit.NO) from error
    target = out or Path(f"{event[:12] if event else wanted[0]}{log_proof.SUFFIX if proof else SUFFIX}")
    write_out(target, file)


def _head_proof(reader: "Reader", lot: LotId) -> bytes:
    found = reader.lot(lot)
    head = None if found is None else reader.entry_of(found.custody_head)
    if head is None:
        raise LookupError(f"there is no lot {lot}")
    return reader.log_proof(head)


@of_a_ledger
def trust_pack(
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where to; stdout if absent.")] = None,
    data: Data = None,
) -> None:
    """Writes the trust pack: all about every party, key and roll of tags, with what proves it, and that it is all.

    `tag verify` checks labels by it, without a network. It is complete up to the newest snapshot, and does not know what
    is revoked after it was written: give out a new one as often as people come by.
    """
    from traceability.ledger.reader import Reader
    from traceability.ledger.store import Store

    with contextlib.closing(Store(settings(data).url)) as store:
        try:
            file = Reader(store).trust_pack()
        except LookupError as error:
            raise Stop(str(error.args[0]), Exit.NO) from error
    write_out(out, file)


def lots_named(reader: "Reader", name: str) -> list[LotId]:
    """The lot of that id, or those that a tag is on."""
    if re.fullmatch(ID_PATTERN, name):
        return [LotId(name)]
    tag = name
    if ":" not in name:
        place = reader.tag_of_code(normalise(name))
        if place is None:
            raise Stop(f"no tag of this ledger has the code {name}", Exit.NO)
        tag = place.tag
    found = reader.lots_of_tag(tag)
    if not found:
        raise Stop(f"the tag {tag} was never put on a lot", Exit.NO)
    return found


def _appended(groups: Iterable[list[bytes]], data: Path | None) -> Iterator[bytes]:
    from traceability.api.answers import of_problem, speak
    from traceability.api.lines import LINE_SIZE_MAX
    from traceability.api.problems import Problem
    from traceability.api.services import Services
    from traceability.api.submission import read_submission

    with opening():
        services = Services.open(settings(data))
    asked: deque[tuple[dict[int, Spoken], list[int]]] = deque()

    def submissions() -> "Iterator[list[Submission]]":
        start = 1
        for lines in groups:
            said, read = {}, {}
            for number, line in enumerate(lines, start=start):
                if len(line) > LINE_SIZE_MAX:
                    detail = f"a line has at most {LINE_SIZE_MAX} bytes"
                    said[number] = of_problem(Problem("too_large", detail), None)
                    continue
                try:
                    read[number] = read_submission(line)
                except Malformed as error:
                    said[number] = of_problem(Problem("malformed", str(error)), None)
            start += len(lines)
            asked.append((said, list(read)))
            yield list(read.values())

    try:
        for answers in services.ledger.append_groups(submissions()):
            said, numbers = asked.popleft()
            said |= {number: speak(found, None) for number, found in zip(numbers, answers, strict=True)}
            for number in sorted(said):
                yield said[number].line(number)
    finally:
        services.close()


def _sent(groups: Iterable[list[bytes]], url: str) -> Iterator[bytes]:
    if not url.startswith(("http://", "https://")):
        raise Stop("--to is an address such as https://ledger.example.org")
    start = 0
    for lines in groups:
        request = urllib.request.Request(  # noqa: S310  # the scheme was looked at above
            url.rstrip("/") + "/v1/events",
            data=b"\n".join(lines) + b"\n",
            headers={"Content-Type": "application/x-ndjson"},
        )
        try:
            with urllib.request.urlopen(request, timeout=600) as response:  # noqa: S310
                for line in response:
                    found = _answer(line, url)
                    yield orjson.dumps({**found, "line": found["line"] + start}) + b"\n"
        except urllib.error.HTTPError as error:
            raise Stop(f"{url} answered {error.code}: {error.read(2000).decode(errors='replace')}") from error
        except (OSError, http.client.HTTPException) as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            raise Stop(f"{url} cannot be reached: {reason}") from error
        start += len(lines)


def _answer(line: bytes, url: str) -> dict[str, Any]:
    """What a ledger said of one line. Raises Stop for what no ledger says."""
    try:
        found = parse_object(line, "the answer")
    except Malformed as error:
        raise Stop(f"{url} does not answer as a ledger does: {error}", Exit.NO) from error
    needed: dict[str, type] = {"line": int, "status": int}
    if found.get("status") in (200, 201):
        needed |= {"index": int, "event_id": str}
    if not all(type(found.get(name)) is kind for name, kind in needed.items()):
        raise Stop(f"{url} does not answer as a ledger does: {line[:200].decode(errors='replace')}", Exit.NO)
    return found


def _worse(worst: Exit, found: dict[str, object]) -> Exit:
    if found["status"] in (200, 201) or worst is Exit.NO:
        return worst
    return Exit.CANNOT_TELL if "waits_for" in found else Exit.NO


def _in_words(found: dict[str, object]) -> str:
    number, status = found["line"], found["status"]
    if status in (200, 201):
        known = " (known already)" if status == 200 else ""
        return f"{number}: entry {found['index']}, event {found['event_id']}{known}"
    return f"{number}: {found.get('title')}: {found.get('detail')}"
