"""What the commands share: exit codes, reading and writing files, keys, and answers for people or programs."""

import functools
import os
import sys
from collections.abc import Callable, Sequence
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ParamSpec, TypeVar

import orjson
import typer

from traceability.core import canonical
from traceability.core.errors import Malformed
from traceability.core.note import Verifier
from traceability.core.signing import SigningKey
from traceability.core.trust_policy import TrustPolicy

if TYPE_CHECKING:
    from traceability.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")

Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON object.")]
Data = Annotated[Path | None, typer.Option("--data", help="The ledger's folder; else DATA, else ./data.")]

FILE_SIZE_MAX = 1 << 30
PASSPHRASE = "KEY_PASSPHRASE"  # noqa: S105  # the name of a variable, not a passphrase


class Exit(IntEnum):
    """What a command's exit code says, the same for all of them but for 3 of `fsck`."""

    DONE = 0
    """Done; what was checked holds."""
    NO = 1
    """No: a check failed, damage was found, an event was refused."""
    CANNOT_TELL = 2
    """Neither: what was given is not enough, or something has to come first."""
    NOT_TRIED = 3
    """Nothing was tried: wrong use, a file, setting or package that is not there. Of `fsck` that is 2."""
    ROLLED_BACK = 3
    """Of `fsck` alone: the guard has seen a signed head that is not in this ledger."""


class Stop(Exception):  # noqa: N818  # ends a command, not always in error
    """Ends the command with a sentence on stderr and an exit code."""

    def __init__(self, message: str, code: Exit = Exit.NOT_TRIED) -> None:
        super().__init__(message)
        self.code = code


def read_bytes(path: Path) -> bytes:
    """The file, or stdin for `-`. Raises Stop when it cannot be read or is over a gigabyte."""
    try:
        if str(path) == "-":
            data = sys.stdin.buffer.read(FILE_SIZE_MAX + 1)
        else:
            with path.open("rb") as file:
                data = file.read(FILE_SIZE_MAX + 1)
    except OSError as error:
        raise Stop(f"cannot read {path}: {error.strerror}") from error
    if len(data) > FILE_SIZE_MAX:
        raise Stop(f"{path} is larger than a gigabyte")
    return data


def write_bytes(path: Path | None, data: bytes) -> None:
    """Into the file, or to stdout for None and `-`. Raises Stop when it cannot be written."""
    if path is None or str(path) == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        path.write_bytes(data)
    except OSError as error:
        raise Stop(f"cannot write {path}: {error.strerror}") from error


def write_out(out: Path | None, data: bytes) -> None:
    """The same, and a remark where it went, if that is a file."""
    write_bytes(out, data)
    if out is not None and str(out) != "-":
        remark(f"{out}: {len(data):,} bytes")


def write_secret(path: Path, data: bytes) -> None:
    """A new file that only its owner can read. Raises Stop when there is one already."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise Stop(f"{path} exists already and was left as it is: a key is never overwritten") from error
    except OSError as error:
        raise Stop(f"cannot write {path}: {error.strerror}") from error


def say(text: str = "") -> None:
    """A line for people, on stdout."""
    typer.echo(text)


def remark(text: str) -> None:
    """A line for people, on stderr: out of the way of what a program reads."""
    typer.echo(text, err=True)


def answer(value: object) -> None:
    """One JSON value on one line of stdout, for programs."""
    write_bytes(None, orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE))


class KeyFile:
    """A private key in PEM, with what the lines above it say of whose it is (`party: …`, `log: …`)."""

    def __init__(self, path: Path) -> None:
        """Raises Stop or Malformed. An encrypted key asks for KEY_PASSPHRASE, or for the passphrase."""
        pem = read_bytes(path)
        passphrase = None
        if b"-----BEGIN ENCRYPTED" in pem:
            passphrase = (os.environ.get(PASSPHRASE) or _ask(f"Passphrase of {path}")).encode()
        self.key = SigningKey.from_pem(pem, passphrase)
        above = pem[: pem.index(b"-----BEGIN")].decode(errors="replace")
        lines = (line.partition(":") for line in above.splitlines())
        self.facts = {name.strip(): value.strip() for name, colon, value in lines if colon}

    def fact(self, name: str, given: str | None) -> str:
        """What was given on the command line, else what the file says. Raises Stop where neither does."""
        value = given or self.facts.get(name)
        if value is None:
            raise Stop(f"say --{name}, or write `{name}: …` on a line above the key in its file")
        return value


def _ask(prompt: str) -> str:
    if not sys.stdin.isatty():
        raise Stop(f"the key is encrypted: give its passphrase in {PASSPHRASE}")
    answered: str = typer.prompt(prompt, hide_input=True, err=True)
    return answered


def parse_object(data: bytes, what: str) -> dict[str, object]:
    """A JSON object. Raises Malformed, naming `what` it should have been."""
    value = canonical.load(data)
    if not isinstance(value, dict):
        raise Malformed(f"{what} is not a JSON object")
    return value


def trust(policy: Path | None, vkeys: Sequence[str]) -> TrustPolicy:
    """Whom to believe: a policy's file, or logs by their keys. Raises Stop where neither, both, or no such was given."""
    if (policy is None) == (not vkeys):
        raise Stop("say whom you believe: --policy FILE, or --log VKEY")
    try:
        if policy is not None:
            return TrustPolicy.parse(read_bytes(policy))
        return TrustPolicy.without_witnesses([Verifier.parse(vkey) for vkey in vkeys])
    except Malformed as error:
        raise Stop(f"{policy}: {error}" if policy is not None else f"--log: {error}") from error


def settings(data: Path | None) -> "Settings":
    """The deployment's settings. Raises Stop, naming the one that cannot be."""
    from pydantic import ValidationError

    from traceability.settings import load

    try:
        return load(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        raise Stop(
            f"the setting {name} cannot be {first['input']!r}: {first['msg'].removeprefix('Value error, ')}"
        ) from error


def without_password(where: str) -> str:
    """A database's URL as it can be shown; a path as it is."""
    from sqlalchemy import make_url

    return make_url(where).render_as_string(hide_password=True) if "://" in where else where


def of_a_ledger(command: Callable[P, R]) -> Callable[P, R]:
    """What goes wrong with a ledger's database or guard ends the command with its sentence."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        from traceability.ledger.database import ERRORS, Unusable
        from traceability.ledger.guard import GuardRefuses, GuardUnavailable

        try:
            return command(*args, **kwargs)
        except GuardRefuses as error:
            raise Stop(str(error), Exit.NO) from error
        except (Unusable, GuardUnavailable, *ERRORS) as error:
            raise Stop(
                str(getattr(error, "orig", None) or error)
            ) from error  # without SQLAlchemy's own words

    return run
