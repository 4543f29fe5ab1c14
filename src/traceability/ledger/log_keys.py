"""The file LOG_KEY: the keys that sign this log's checkpoints, one a line (skeys of C2SP signed-note).

Usually one. While keys change there are two, and every checkpoint is signed by each that the ledger has named.
"""

import os
from pathlib import Path

from traceability.core.errors import Malformed
from traceability.core.note import Signer
from traceability.core.registry_records import LedgerFacts
from traceability.ledger.store import Store


def read_log_keys(path: Path) -> tuple[Signer, ...]:
    """The keys in this file, the oldest first, each once. Raises FileNotFoundError, and Malformed for anything else."""
    try:
        lines = path.read_text(errors="replace").split()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Malformed(f"cannot read {path}: {error.strerror}") from error
    try:
        signers = tuple(Signer.parse(line) for line in dict.fromkeys(lines))
    except Malformed as error:
        raise Malformed(f"{path}: {error}") from error
    if not signers:
        raise Malformed(f"{path} holds no key: it is one line of the form PRIVATE+KEY+…")
    names = sorted({signer.verifier.name for signer in signers})
    if len(names) > 1:
        raise Malformed(f"{path} holds keys of {' and of '.join(names)}: one log's keys stand in one file")
    return signers


def remarks(path: Path, store: Store) -> list[str]:
    """What is wrong with this file as the ledger stands now, though it signs: a sentence each."""
    said = []
    if path.stat().st_mode & 0o007:
        said.append(f"Everybody on this machine can read the log key: chmod 600 {path}")
    with store.read() as view:
        facts = view.record(("ledger", ""))
    held = [signer.verifier.encode() for signer in read_log_keys(path)]
    if isinstance(facts, LedgerFacts) and not set(held).isdisjoint(facts.signing):
        newest = facts.signing[-1]
        if newest not in held:
            said.append(
                f"The log's newest key, {short(newest)}, is not in {path}: who believes it alone gets nothing new"
            )
        said += [
            f"{short(vkey)} in {path} signs nothing yet: the log has not named it, or its approval is missing"
            for vkey in held
            if vkey not in facts.signing
        ]
    return said


def short(vkey: str) -> str:
    """Name and id of a key, enough for people to tell it from others."""
    return "+".join(vkey.split("+", 2)[:2])


def add_log_key(path: Path, signer: Signer) -> None:
    """Puts a further key behind those in this file; the file is replaced whole, on stable storage."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    text = path.read_text().rstrip("\n") + "\n" + signer.encode() + "\n"
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
