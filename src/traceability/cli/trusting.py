"""`policy`: a trust policy brought up to the keys a ledger signs with now, on the word of the keys that are trusted."""

from pathlib import Path
from typing import Annotated

import typer

from traceability.cli.common import Exit, Stop, read_bytes, remark, trust, write_out
from traceability.core import evidence
from traceability.core.note import Verifier
from traceability.core.trust_pack import telling
from traceability.core.trust_policy import Log
from traceability.core.verify import Failed, establish


def policy(
    file: Annotated[Path, typer.Argument(help="Evidence or a trust pack of the ledger; - for stdin.")],
    old: Annotated[
        Path | None, typer.Option("--policy", metavar="FILE", help="The trust policy you have.")
    ] = None,
    log: Annotated[list[str] | None, typer.Option(metavar="VKEY", help="Or a log's key. Repeatable.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where to; stdout if absent.")] = None,
) -> None:
    """Prints your trust policy with the further keys that the log has named, after verifying the file under it.

    A log changes its key by an event, and for a while signs with both keys. A file under a checkpoint that your policy
    believes, quorum and all, shows that event and its approvals. Nothing else brings a key in here; that you take it on is
    for you to decide. Exit code 1: the file does not hold under your policy.
    """
    known = trust(old, log or [])
    try:
        shown = evidence.decode_any(read_bytes(file))
        facts = establish(shown, known, None if shown.lots else telling).facts
    except Failed as error:
        raise Stop(f"{file} does not hold under this policy: {error}", Exit.NO) from error
    believed = {each.verifier for each in known.logs}
    fresh = [key for key in map(Verifier.parse, facts.signing) if key not in believed]
    for key in fresh:
        remark(f"further key of {facts.origin}: {key.encode()}")
    if not fresh:
        remark(f"{facts.origin} has named no key that is not in the policy")
    write_out(out, known.with_logs(Log(key) for key in fresh).encode())
