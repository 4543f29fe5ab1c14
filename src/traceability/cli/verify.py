"""`verify`: what an evidence file shows, step by step, with no network and none of the server's packages."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from traceability.cli.common import Exit, Json, Stop, read_bytes, say, trust, write_bytes
from traceability.core import canonical, log_proof
from traceability.core import verify as core
from traceability.core.errors import TraceabilityError
from traceability.core.leaf import time_text
from traceability.core.quantity import format_quantity
from traceability.core.report import HOLDS, LotReport, Noted, Report
from traceability.core.signing import Envelope
from traceability.core.trust_policy import TrustPolicy

LOTS_SHOWN = 20
LINES_SHOWN = 20


def verify(
    file: Annotated[
        Path, typer.Argument(help="The evidence, as *.evidence.json, or a *.tlog-proof; - for stdin.")
    ],
    policy: Annotated[
        Path | None,
        typer.Option(help="Your trust policy: the logs and witnesses you believe (C2SP tlog-policy)."),
    ] = None,
    log: Annotated[
        str | None,
        typer.Option(metavar="VKEY", help="Instead of a policy: believe this log on its own word."),
    ] = None,
    complete: Annotated[
        bool,
        typer.Option("--complete", help="Ask for all there is: what may have more entries is not enough."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Verifies evidence: from its bytes to a verdict, offline.

    Whom to believe comes from your policy or --log, never from the file. Get the log's vkey from somewhere
    else than the file: its operator's door, your authority, a colleague who has it.

    Exit code 0: it holds, complete or as shown; 1: a step failed; 2: something is not in the file that has to be;
    3: nothing was verified. With --complete, 0 says that it holds and is complete up to the snapshot.
    """
    trusted = trust(policy, [] if log is None else [log])
    now = time_text(int(datetime.now(UTC).timestamp()))
    data = read_bytes(file)
    if data.startswith(log_proof.HEADER):
        _tell_proof(data, trusted)
        return
    report = core.verify(data, trusted, now=now, complete=complete)
    if as_json:
        write_bytes(None, report.to_json() + b"\n")
    else:
        _tell(report, now)
    raise typer.Exit(Exit(report.exit_code))


def _tell_proof(data: bytes, policy: TrustPolicy) -> None:
    """One entry in the log, and no more: who may sign it, and whether it stands, evidence tells."""
    try:
        proof, entry, vouched = log_proof.check_entry(data, policy)
        value = canonical.load(entry)
        said = Envelope.parse(value["envelope"]).payload.decode()
    except TraceabilityError as error:
        raise Stop(f"the proof does not hold: {error}", Exit.NO) from error
    who = f", cosigned by {', '.join(vouched.cosigned_by)}" if vouched.cosigned_by else ""
    say(
        f"Entry {proof.entry} stands in the log {vouched.checkpoint.origin} of {vouched.checkpoint.size} entries{who}:"
    )
    say(f"recorded at {value['record_time']}: {said}")
    say("That is all this shows: for the lot's history, and what it rests on, ask for evidence.")


def _tell(report: Report, now: str) -> None:
    for step in report.steps:
        say(f"{step.number:>2}. {step.title}: {step.outcome}")
    for lot in report.lots[:LOTS_SHOWN]:
        _tell_lot(lot)
    if len(report.lots) > LOTS_SHOWN:
        say(f"\n… and {len(report.lots) - LOTS_SHOWN} more lots: --json shows all")
    if report.findings:
        say("\nFindings on parties and others that these lots rest on")
        _tell_findings(report.findings)
    _tell_opened(report)
    _tell_age(report, now)
    _tell_completeness(report)
    for holds, remark in (
        (report.single_authority, "One authority alone decides who is who in this ledger."),
        (report.demo, "This ledger is a demonstration: nothing in it happened."),
    ):
        if holds:
            say(remark)
    say(f"\nVerdict: {report.verdict}" + (f": {report.why}" if report.why else ""))


def _tell_opened(report: Report) -> None:
    opened = [(each.entry, path, value) for each in report.sealed for path, value in each.opened]
    if opened:
        say("\nOpened by whoever made the file, and what the events commit to")
        for entry, path, value in opened[:LINES_SHOWN]:
            say(f"  entry {entry:<8} {path}  {canonical.dump(value).decode()}")
        _tell_rest(len(opened))
    if report.withheld:
        closed = ", ".join(f"{count} × {group}" for group, count in report.withheld.items())
        say(f"\nSealed and not shown: {closed}")


def _tell_age(report: Report, now: str) -> None:
    if report.size is None:
        return
    if report.cosigned_at is not None:
        who = f"{len(report.cosigned_by)} of your witnesses cosigned it, the last {_ago(report.cosigned_at, now)}"
    else:
        who = "no witness of your policy cosigned it, so nobody but the log says how old it is"
    say(f"\nThe checkpoint is of {report.size} entries; {who}")
    if report.recorded_until is not None:
        say(
            f"The newest entry shown was recorded at {report.recorded_until}, {_ago(report.recorded_until, now)}"
        )


def _ago(then: str, now: str) -> str:
    seconds = int((datetime.fromisoformat(now) - datetime.fromisoformat(then)).total_seconds())
    if seconds < 0:
        return "which lies ahead of this clock"
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if (count := seconds // length) > 0:
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


def _tell_completeness(report: Report) -> None:
    if report.complete_to is not None:
        by = ", ".join(report.attested_by) or "nobody"
        say(
            f"\nThe book is that of {report.complete_to} of {report.size} entries, stated by the ledger, attested by {by};"
            " what came later it does not tell"
        )
    if report.completeness_not_shown:
        counted = ", ".join(f"{len(ids)} × {kind}" for kind, ids in report.completeness_not_shown.items())
        say(f"\nThere may be more entries than shown about: {counted}")
    if report.verdict == HOLDS:
        say(
            "\nWARNING: nothing shows that this is all. A revocation, a red status, a hold or a correction may have been\n"
            "left out. Ask for evidence made after a snapshot, and verify it with --complete."
        )


def _tell_rest(count: int) -> None:
    if count > LINES_SHOWN:
        say(f"  … and {count - LINES_SHOWN} more: --json shows all")


def _tell_lot(lot: LotReport) -> None:
    say(f"\nLot {lot.lot}: {lot.verdict}" + (f": {lot.why}" if lot.why else ""))
    facts = {
        "what": " ".join(word for word in (lot.mineral, lot.form) if word),
        "expected mass": _kilograms(lot.mass_ug),
        "state": (lot.state or "") + (", disputed" if lot.disputed else ""),
        "custodian": lot.custodian,
        "title": lot.title,
        "tags": ", ".join(lot.tags),
    }
    for name, value in facts.items():
        if value:
            say(f"  {name:<14} {value}")
    for share in sorted(lot.origins or (), key=lambda share: -share.mass_ug):
        say(f"  {'from':<14} {share.kind} {share.id}  {_kilograms(share.mass_ug)}")
    if lot.lost_ug:
        named = f", of it {_kilograms(lot.missing_ug)} not named" if lot.missing_ug else ""
        say(f"  {'lost':<14} {_kilograms(lot.lost_ug)} on the way from where it begins{named}")
    _tell_findings(lot.findings)
    for rule, count in lot.carried:
        say(f"  {'carried':<14} {rule} × {count}, from the lots it was made of")


def _tell_findings(findings: Sequence[Noted]) -> None:
    """Those that say the same in one line, with the first and the last entry."""
    alike: dict[tuple[str, str, str, bool], list[int]] = {}
    for noted in findings:
        finding = noted.finding
        figures = ", ".join(f"{name} {value}" for name, value in finding.figures)
        alike.setdefault((finding.severity, finding.rule, figures, noted.stated), []).append(noted.entry)
    for (severity, rule, figures, stated), entries in list(alike.items())[:LINES_SHOWN]:
        times = (
            f"entry {entries[0]}"
            if len(entries) == 1
            else f"{len(entries)} entries, {min(entries)} to {max(entries)}"
        )
        said = f"{rule} at {times}" + (f": {figures}" if figures else "")
        say(f"  {severity:<14} {said}" + (" (stated by the ledger)" if stated else ""))
    _tell_rest(len(alike))


def _kilograms(mass_ug: int | None) -> str:
    return "" if mass_ug is None else f"{format_quantity(mass_ug, 'KGM')} kg"
