"""When a checkpoint was there: `stamp`, `when`. They need the core and traceability[time]."""

import time
from pathlib import Path
from typing import Annotated

import typer

from traceability.cli.common import Exit, Json, Stop, answer, read_bytes, remark, say, trust
from traceability.cli.watch import Every, Logs, Policy, log_at
from traceability.core.errors import Malformed, TraceabilityError
from traceability.core.leaf import time_text

Roots = Annotated[
    Path, typer.Option(help="Certificates of the services you believe, in PEM: roots and what leads to them.")
]


def stamp(
    url: Annotated[str, typer.Argument(help="Where the log is read: the address before /checkpoint.")],
    folder: Annotated[Path, typer.Argument(help="Where the stamped checkpoints go.")],
    *,
    service: Annotated[
        str, typer.Option(metavar="URL", help="A time-stamping service (RFC 3161 over HTTP).")
    ],
    roots: Roots,
    logs: Logs = None,
    policy: Policy = None,
    every: Every = 0,
) -> None:
    """Has a time-stamping service date a log's newest checkpoint, verifies the token, and keeps both in one file.

    Once an hour is plenty: --every 3600. Anybody can do it for any log; the service learns a hash and nothing else.

    Exit code 1: the checkpoint or the token is not to be believed. 2: log or service cannot be reached.
    """
    from traceability.witness import stamping
    from traceability.witness.peers import Peer, Unreachable

    trusted = trust(policy, logs or ())
    try:
        believed = stamping.read_roots(read_bytes(roots))
        asked = Peer(service)
    except (Malformed, ValueError) as error:
        raise Stop(str(error)) from error
    with log_at(url) as log:
        while True:
            try:
                say(str(stamping.stamp(log, asked, trusted, believed, folder)))
            except (Unreachable, TraceabilityError) as error:
                code = Exit.CANNOT_TELL if isinstance(error, Unreachable) else Exit.NO
                if not every:
                    raise Stop(str(error), code) from error
                remark(str(error))
            except OSError as error:
                raise Stop(f"cannot write {folder}: {error.strerror}") from error
            if not every:
                return
            time.sleep(every)


def when(
    file: Annotated[Path, typer.Argument(help="A stamped checkpoint, as *.time.json; - for stdin.")],
    *,
    roots: Roots,
    logs: Logs = None,
    policy: Policy = None,
    as_json: Json = False,
) -> None:
    """Tells, offline, when a checkpoint was there: its log signed it, and a service you believe dated it.

    Everything in the log up to that size was recorded by then. Exit code 1: the file does not hold.
    """
    from traceability.witness import stamping

    trusted = trust(policy, logs or ())
    try:
        believed = stamping.read_roots(read_bytes(roots))
    except Malformed as error:
        raise Stop(f"{roots}: {error}") from error
    found = stamping.when(read_bytes(file), trusted, believed)
    head, said = found.checkpoint, time_text(found.time)
    if as_json:
        answer({"origin": head.origin, "size": head.size, "root": head.root.hex(), "time": said})
    else:
        say(f"{head.origin}: {head.size} entries were there at {said}")
