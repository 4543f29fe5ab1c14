"""The file LOG_KEY: the keys that sign this log's checkpoints, one a line (skeys of C2SP signed-note).

Usually one. While keys change there are two, and every checkpoint is signed by each that the ledger has named.
"""

import os
from pathlib import Path

from traceability.core.errors import Malformed
from traceability.core.note import Signer


def read_log_keys(path: Path) -> tuple[Signer, ...]:
    """The keys in this file, the oldest first. Raises FileNotFoundError, and Malformed for anything else."""
    try:
        lines = path.read_text(errors="replace").split()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Malformed(f"cannot read {path}: {error.strerror}") from error
    try:
        signers = tuple(Signer.parse(line) for line in lines)
    except Malformed as error:
        raise Malformed(f"{path}: {error}") from error
    if not signers:
        raise Malformed(f"{path} holds no key: it is one line of the form PRIVATE+KEY+…")
    names = sorted({signer.verifier.name for signer in signers})
    if len(names) > 1:
        raise Malformed(f"{path} holds keys of {' and of '.join(names)}: one log's keys stand in one file")
    return signers


def add_log_key(path: Path, signer: Signer) -> None:
    """Puts a further key behind those in this file; the file is replaced whole, on stable storage."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    text = path.read_text().rstrip("\n") + "\n" + signer.encode() + "\n"
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
