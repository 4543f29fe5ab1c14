"""A witness from the command line: `witness init`, `witness serve`, `witness refused`."""

import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from traceability.cli.common import (
    Exit,
    Json,
    Stop,
    answer,
    read_bytes,
    remark,
    say,
    write_bytes,
    write_secret,
)
from traceability.core.cosignature import Cosigner
from traceability.core.errors import Malformed
from traceability.core.misbehaviour import SUFFIX
from traceability.core.trust_policy import TrustPolicy

if TYPE_CHECKING:
    from traceability.witness.keeper import Witness

MEMORY = "witness.sqlite3"
LOGS = "logs.policy"

KeyFile = Annotated[
    Path, typer.Option("--key", help="Its private key (an skey, C2SP signed-note). Never beside its memory.")
]
Folder = Annotated[Path, typer.Option("--data", help="The witness's folder: its memory, and logs.policy.")]

witness = typer.Typer(help="Watch other people's logs: cosign what grows.", no_args_is_help=True)


@witness.command(
    "init",
    epilog="Example: traceability witness init witness.example.org/kigali --key witness-key --data witness",
    short_help="Begins a witness: its key, its memory, and the list of logs to fill in.",
)
def init(
    name: Annotated[
        str, typer.Argument(help="What it is called in cosignatures: an address, without https.")
    ],
    *,
    key: KeyFile,
    data: Folder,
    as_json: Json = False,
) -> None:
    """Begins a witness: its key, its memory, and a file for the logs it watches.

    Write a line `log <vkey>` for each log into logs.policy before you serve. Its memory is what keeps it honest:
    a witness that loses it, or goes on from an older copy, is retired together with its key.
    """
    from traceability.witness.keeper import WitnessUnusable, create

    cosigner = Cosigner(name, secrets.token_bytes(32))
    logs = data / LOGS
    write_secret(key, cosigner.encode().encode() + b"\n")
    try:
        create(data / MEMORY)
    except (WitnessUnusable, OSError) as error:
        key.unlink()
        raise Stop(str(error)) from error
    if not logs.exists():
        write_bytes(logs, b"# The logs this witness watches, one `log <vkey>` a line.\nquorum none\n")
    vkey = cosigner.verifier.encode()
    if as_json:
        answer({"vkey": vkey, "key": str(key), "data": str(data)})
    else:
        say(f"{'vkey':<8} {vkey}\n{'logs':<8} {logs}")


@witness.command(
    "serve",
    epilog="Example: traceability witness serve --key witness-key --data witness --port 8100",
    short_help="Serves a witness: cosigns what grows, and shows what it holds.",
)
def serve(
    *,
    key: KeyFile,
    data: Folder,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8100,
) -> None:
    """Serves a witness (C2SP tlog-witness) until it is told to stop.

    Each log of logs.policy may send its checkpoints to /add-checkpoint. What it holds of a log is at
    /<SHA-256 of the origin>/checkpoint, for everybody.
    """
    from traceability.api import logging, server
    from traceability.cli.ledger import check_port
    from traceability.witness.serving import WitnessApp

    watching = _open(key, data)
    if not watching.logs:
        remark(f"It watches no log yet: write a line `log <vkey>` into {data / LOGS} and start it again.")
    check_port(host, port, "another --port")
    logging.configure()
    server.serve(WitnessApp(watching), host, port)


@witness.command(
    "refused",
    epilog="Example: traceability witness refused --key witness-key --data witness --out evidence",
    short_help="Writes down the signed checkpoints that did not grow out of what it held.",
)
def refused(
    *,
    key: KeyFile,
    data: Folder,
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to write to.")],
) -> None:
    """Writes a file for each signed checkpoint that did not grow out of the one it held then.

    `judge` tells which of them prove that their log lied. Exit code 1 where there is any.
    """
    found = _open(key, data).refused()
    for number, each in enumerate(found):
        out.mkdir(parents=True, exist_ok=True)
        write_bytes(out / f"refused-{number:04}{SUFFIX}", each.encode())
    say(f"{len(found)} refused" + (f", in {out}" if found else ""))
    raise typer.Exit(Exit.NO if found else Exit.DONE)


def _open(key: Path, data: Path) -> "Witness":
    """Raises Stop where key, memory or list of logs cannot be used."""
    from traceability.witness.keeper import Witness, WitnessUnusable

    try:
        cosigner = Cosigner.parse(read_bytes(key).decode(errors="replace").strip())
        policy = TrustPolicy.parse(read_bytes(data / LOGS))
        logs = [log.verifier for log in policy.logs]
        if cosigner.verifier.public_key in {log.public_key for log in logs}:
            raise Stop("the witness has the key of a log it watches: nothing would be learnt from it")
        return Witness(data / MEMORY, cosigner, logs, lambda: int(time.time()))
    except (Malformed, WitnessUnusable) as error:
        raise Stop(str(error)) from error
