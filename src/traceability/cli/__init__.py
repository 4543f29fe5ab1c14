"""The command line. `key`, `sign` and `verify` need only the core; the rest needs traceability[server].

Exit codes are the same everywhere: 0 done or holds, 1 no, 2 cannot tell or not yet, 3 not tried
(`common.Exit`). What programs read goes to stdout, remarks to stderr.
"""

import sys
from collections.abc import Callable, Sequence

import typer

from traceability.cli import begin, demo, keys, ledger, upkeep, verify
from traceability.cli.common import Exit, Stop, remark
from traceability.core.errors import TraceabilityError

HELP = """Who had the ore, and can everyone check it?

Exit codes: 0 done, or what was checked holds; 1 no: refused, failed, damaged; 2 cannot tell, or something
has to come first; 3 not tried: wrong use, or a file, setting or package is missing.
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


def _add(command: Callable[..., object], example: str) -> None:
    app.command(epilog=f"Example: traceability {example}")(command)


_add(keys.sign, "sign transfer.json --key trader.pem --sequence 17")
_add(verify.verify, "verify bag.evidence.json --policy trust.policy")
_add(begin.init, "init --origin ledger.example.org/car --name 'Registre des minerais' --country CF")
_add(ledger.migrate, "migrate --data /var/lib/ledger")
_add(ledger.serve, "serve --data /var/lib/ledger")
_add(ledger.submit, "submit signed.ndjson --to https://ledger.example.org")
_add(ledger.evidence, "evidence K7QF-3M9T-XB2R1 --out bag.evidence.json")
_add(upkeep.fsck, "fsck --data /var/lib/ledger")
_add(upkeep.rebuild, "rebuild --data /var/lib/ledger")
_add(upkeep.backup, "backup /mnt/copies/2026-11-23.sqlite3")
_add(upkeep.restore, "restore /mnt/copies/2026-11-23.sqlite3 --adopt-guard newest-checkpoint.txt")
_add(upkeep.dump, "dump --out ledger.ndjson")
_add(upkeep.load, "load ledger.ndjson --data /var/lib/copy")
_add(demo.season, 'season --log "$(cat log.vkey)" --events 2000 --out season.ndjson')
_add(demo.demo, "demo --data season --events 20000")


def run(arguments: Sequence[str]) -> int:
    """Runs one command; the exit code. Errors a person can act on are one sentence on stderr."""
    try:
        return int(app(list(arguments), prog_name="traceability", standalone_mode=False) or Exit.DONE)
    except Stop as stop:
        remark(f"traceability: {stop}")
        return stop.code
    except TraceabilityError as error:
        remark(f"traceability: {error}")
        return Exit.NO
    except typer.TyperException as error:
        text = error.format_message()  # the whole help, where a command was called with nothing
        remark(text if text.startswith("Usage:") else f"traceability: {text}")
        return Exit.NOT_TRIED
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("traceability"):
            raise
        remark(f"traceability: this needs {error.name}: pip install 'traceability[server]'")
        return Exit.NOT_TRIED


def main() -> None:
    """The program `traceability`."""
    sys.exit(run(sys.argv[1:]))
