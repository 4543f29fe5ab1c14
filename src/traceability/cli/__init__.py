"""The command line. `key`, `sign`, `verify`, `policy`, `tag`, `mirror`, `monitor` and `judge` need
only the core; the rest needs traceability[server].

Exit codes are the same everywhere: 0 done or holds, 1 no, 2 cannot tell or not yet, 3 not tried
(`common.Exit`); only `fsck` has 3 for what is rolled back. What programs read goes to stdout, remarks to stderr.
"""

import sys
from collections.abc import Callable, Sequence

import typer

from traceability.cli import (
    begin,
    dating,
    demo,
    findings,
    keys,
    ledger,
    log,
    news,
    printing,
    snapshots,
    tag,
    trusting,
    upkeep,
    verifier,
    verify,
    watch,
    witness,
)
from traceability.cli.common import Exit, Stop, remark
from traceability.core.errors import TraceabilityError

HELP = """Who had the ore, and can everyone check it?

Exit codes: 0 done, or what was checked holds; 1 no: refused, failed, damaged; 2 cannot tell, or something
has to come first; 3 not tried: wrong use, or a file, setting or package is missing. Of fsck, 3 says rolled back.
"""

app = typer.Typer(
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(keys.key, name="key")
app.add_typer(tag.tag, name="tag")
app.add_typer(printing.tags, name="tags")
app.add_typer(witness.witness, name="witness")
app.add_typer(log.log, name="log")


def _add(command: Callable[..., object], example: str, short: str | None = None) -> None:
    """`short`: its line in the list of commands, where its own first sentence is too long for one."""
    app.command(
        command.__name__.replace("_", "-"), epilog=f"Example: traceability {example}", short_help=short
    )(command)


_add(keys.sign, "sign transfer.json --key trader.pem --sequence 17")
_add(verify.verify, "verify bag.evidence.json --policy trust.policy")
_add(
    news.consent,
    "consent LOT --key trader.pem --until 2027-11-23 --out bag.consent.json",
    "Signs that others may ask what is new about lots.",
)
_add(
    news.news,
    "news bag.evidence.json --consent bag.consent.json --from https://ledger.example.org --policy trust.policy",
    "Asks a ledger what was said of lots since.",
)
_add(
    trusting.policy,
    "policy car.trust-pack.json --policy trust.policy --out new.policy",
    "Brings a trust policy up to the keys a log signs with now.",
)
_add(
    verifier.verifier,
    "verifier --out verifier.html --policy trust.policy",
    "Writes a page that verifies evidence by itself: one file.",
)
_add(
    begin.init,
    "init --origin ledger.example.org/car --name 'Registre des minerais' --country CF",
    "Begins a ledger: its keys, its tables, its genesis.",
)
_add(ledger.migrate, "migrate --data /var/lib/ledger")
_add(ledger.serve, "serve --data /var/lib/ledger")
_add(
    ledger.submit,
    "submit signed.ndjson --to https://ledger.example.org",
    "Puts signed events into a ledger, and tells what became of each.",
)
_add(
    ledger.evidence,
    "evidence K7QF-3M9T-XB2R1 --out bag.evidence.json",
    "Writes evidence: one file that proves the history of lots.",
)
_add(
    ledger.trust_pack,
    "trust-pack --out car.trust-pack.json",
    "Writes the trust pack: who is who, to check labels offline.",
)
_add(
    printing.label,
    "label q3v8d0t4m2s7x1c5b9n6h0k3wz --key exporter.pem --out labels.pdf",
    "Prints labels for lots, signed by whoever has them.",
)
_add(findings.findings, "findings --key operator.pem", "States what rules find in values that are sealed.")
_add(upkeep.fsck, "fsck --data /var/lib/ledger", "Checks that the ledger is what its entries say.")
_add(
    upkeep.rebuild, "rebuild --data /var/lib/ledger", "Fills every table that follows from the entries again."
)
_add(
    upkeep.backup,
    "backup /mnt/copies/2026-11-23.sqlite3",
    "Writes a verified backup while the ledger goes on.",
)
_add(
    upkeep.restore,
    "restore /mnt/copies/2026-11-23.sqlite3 --adopt-guard newest-checkpoint.txt",
    "Makes a ledger out of a backup, and says if it may sign.",
)
_add(upkeep.publish, "publish /srv/log --every 5", "Writes checkpoint and tiles as files for any server.")
_add(upkeep.dump, "dump --out ledger.ndjson", "Writes all entries, blinds and disclosures as lines of JSON.")
_add(snapshots.snapshot, "snapshot --key operator.pem", "States the root of the book, for completeness.")
_add(
    snapshots.attest,
    "attest --key auditor.pem --out said.ndjson --data /var/lib/copy",
    "Replays a ledger or a copy, and signs what it got.",
)
_add(
    upkeep.load,
    "load ledger.ndjson --data /var/lib/copy",
    "Loads a dump into a new ledger, or says where it is not good.",
)
_add(
    watch.mirror,
    'mirror https://ledger.example.org /srv/mirror --log "$(cat log.vkey)"',
    "Copies a log, verifying every file of it.",
)
_add(
    watch.monitor,
    "monitor --policy trust.policy --seen colleague.checkpoint --every 60",
    "Follows logs, and proves it when one shows two histories.",
)
_add(
    watch.judge,
    'judge 41-52.misbehaviour.json --log "$(cat log.vkey)"',
    "Checks a proof that a log has signed two histories.",
)
_add(
    dating.stamp,
    'stamp https://ledger.example.org stamps --log "$(cat log.vkey)" --service https://tsa.example --roots tsa.pem',
    "Has a time-stamping service date a log's newest checkpoint.",
)
_add(
    dating.when,
    'when stamps/41-5f1c7a9b0e2d.time.json --log "$(cat log.vkey)" --roots tsa.pem',
    "Tells when a checkpoint was there, by its token.",
)
_add(
    demo.season,
    'season --log "$(cat log.vkey)" --events 2000 --out season.ndjson',
    "Writes a season of trade as signed events, one a line.",
)
_add(
    demo.demo,
    "demo --data season --events 20000",
    "Serves a demonstration: a season, tags, a key for each role.",
)


_EXTRAS = {"obstore": "s3", "rfc3161_client": "time", "zxingcpp": "photo", "PIL": "photo"}
"""What brings a package that is missing, where it is not `server`."""


def run(arguments: Sequence[str]) -> int:
    """Runs one command; the exit code. Errors a person can act on are one sentence on stderr."""
    try:
        return int(app(list(arguments), prog_name="traceability", standalone_mode=False) or Exit.DONE)
    except Stop as stop:
        remark(f"traceability: {stop}")
        return _not_tried(arguments) if stop.code == Exit.NOT_TRIED else stop.code
    except TraceabilityError as error:
        remark(f"traceability: {error}")
        return Exit.NO
    except typer.TyperException as error:
        text = error.format_message()  # the whole help, where a command was called with nothing
        text = text.replace(": Value error, ", ": ")  # pydantic's own word
        remark(text if text.startswith("Usage:") else f"traceability: {text}")
        return _not_tried(arguments)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("traceability"):
            raise
        extra = _EXTRAS.get(error.name or "", "server")
        remark(f"traceability: this needs {error.name}: pip install 'traceability[{extra}]'")
        return _not_tried(arguments)


def _not_tried(arguments: Sequence[str]) -> Exit:
    # What supervises a ledger takes 3 of fsck for rolled back, and nothing else may look like that.
    return Exit.CANNOT_TELL if list(arguments[:1]) == ["fsck"] else Exit.NOT_TRIED


def main() -> None:
    """The program `traceability`."""
    sys.exit(run(sys.argv[1:]))
