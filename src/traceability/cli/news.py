"""`consent` and `news`: a holder lets others ask what is new about lots, and whoever has evidence of them asks."""

import http.client
import re
import urllib.error
import urllib.request
from datetime import date
from pathlib import Path
from typing import Annotated

import orjson
import typer

from traceability.cli.common import Exit, Json, KeyFile, Stop, read_bytes, say, trust, write_bytes, write_out
from traceability.core import canonical, evidence
from traceability.core import news as core
from traceability.core.errors import TraceabilityError
from traceability.core.ids import ID_PATTERN, LotId, PartyId


def consent(
    lots: Annotated[list[str], typer.Argument(help="Lots by id: of which you have or had custody or title.")],
    key: Annotated[Path, typer.Option(metavar="FILE", help="Your key.")],
    until: Annotated[str, typer.Option(metavar="DAY", help="The last day it is good for, as 2027-11-23.")],
    party: Annotated[str | None, typer.Option(help="Your id, if the key file does not say it.")] = None,
    log: Annotated[
        str | None, typer.Option(help="The ledger's name, if the key file does not say it.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where to; stdout if absent.")] = None,
) -> None:
    """Signs that whoever has this may ask the ledger what was said of these lots since.

    Give it with the evidence. It tells later corrections, holds, findings and reports, of the lots and of all that
    went into them; not where they went. It is good until its day ends or your key is revoked.
    """
    held = KeyFile(key)
    for lot in lots:
        if not re.fullmatch(ID_PATTERN, lot):
            raise Stop(f"{lot} is no id of a lot")
    try:
        is_day = date.fromisoformat(until).isoformat() == until
    except ValueError:
        is_day = False
    if not is_day:
        raise Stop("--until is a day, as 2027-11-23")
    name, own = held.fact("log", log), PartyId(held.fact("party", party))
    said = core.consent(held.key, own, name, [LotId(lot) for lot in set(lots)], f"{until}T23:59:59Z")
    write_out(out, said + b"\n")


def news(
    file: Annotated[Path, typer.Argument(help="The evidence you have, as *.evidence.json.")],
    consented: Annotated[Path, typer.Option("--consent", metavar="FILE", help="The holder's consent.")],
    url: Annotated[str, typer.Option("--from", metavar="URL", help="The ledger's address.")],
    policy: Annotated[Path | None, typer.Option(help="Your trust policy (C2SP tlog-policy).")] = None,
    log: Annotated[
        str | None,
        typer.Option(metavar="VKEY", help="Instead of a policy: believe this log on its own word."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Asks a ledger what was said since of the lots that evidence is about, and of all that went into them.

    The answer is verified like the evidence: its entries stand in the log, which goes on from the one you know. That
    nothing more was said, and what rules noticed, is the ledger's word. Exit code 1 where it does not hold, 2 where the
    ledger tells nothing: the consent does not count there.
    """
    trusted = trust(policy, [] if log is None else [log])
    try:
        known = evidence.decode(read_bytes(file))
        old = trusted.open_checkpoint(known.checkpoint).checkpoint
        _, agreed = core.read_consent(canonical.load(read_bytes(consented).strip()))
    except TraceabilityError as error:
        raise Stop(str(error)) from error
    if not set(known.lots) <= set(agreed.lots):
        raise Stop("the consent is not about all lots of the evidence")
    answer = _ask(url, read_bytes(consented), old.size)
    try:
        learned = core.verify(answer, trusted, old, known.lots)
    except TraceabilityError as error:
        raise Stop(f"the answer does not hold: {error}", Exit.NO) from error
    if as_json:
        write_bytes(None, _as_json(learned))
        return
    say(f"Since the first {old.size} entries; the log has {learned.checkpoint.size}, and goes on from them")
    for told in learned.told:
        body = told.event.body.model_dump(by_alias=True, exclude_none=True)
        say(
            f"entry {told.entry}, recorded at {told.record_time}: {told.event.kind} {canonical.dump(body).decode()}"
        )
    for noted in learned.findings:
        figures = ", ".join(f"{name} {value}" for name, value in noted.finding.figures)
        say(
            f"entry {noted.entry}: {noted.finding.rule}, {noted.finding.severity} {figures} (stated by the ledger)"
        )
    if not learned.told and not learned.findings:
        say("Nothing was said of these lots since, as the ledger states.")


def _as_json(learned: core.Learned) -> bytes:
    return (
        canonical.dump(
            {
                "entries": [
                    {
                        "entry": told.entry,
                        "event": told.event.model_dump(by_alias=True, exclude_none=True),
                        "record_time": told.record_time,
                    }
                    for told in learned.told
                ],
                "findings": [noted.to_value() for noted in learned.findings],
                "size": learned.checkpoint.size,
            }
        )
        + b"\n"
    )


def _ask(url: str, consented: bytes, since: int) -> bytes:
    body = orjson.dumps({"consent": orjson.loads(consented), "since": since})
    request = urllib.request.Request(  # noqa: S310  # the address is the user's own
        f"{url.rstrip('/')}/v1/news", data=body, headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
            return bytes(response.read(evidence.SIZE_MAX + 1))
    except urllib.error.HTTPError as error:
        if error.code == 404:
            raise Stop(
                "the ledger tells nothing: the consent does not count there", Exit.CANNOT_TELL
            ) from error
        raise Stop(f"{url} answered {error.code}: {error.read(2000).decode(errors='replace')}") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise Stop(f"{url} cannot be reached: {error}") from error
