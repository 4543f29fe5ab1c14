"""The verifier for browsers: the core itself, compiled from its Python into one ES module.

Nothing of the rules is written twice. `docs/browser.md` says how, and what the module exports.

Making it takes seconds. So it is kept where Python keeps what it compiles, under the hash of all sources it comes from;
where that cannot be written, each process makes its own.
"""

import contextlib
import hashlib
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile

_HERE = Path(__file__).parent
_KEPT = _HERE / "__pycache__"
_DIGEST_SIZE = 64


@cache
def module() -> bytes:
    """The module, out of the sources as they are. It imports nothing."""
    kept = _KEPT / f"verifier-{_sources()}.js"
    with contextlib.suppress(OSError):
        digest, body = _parted(kept.read_bytes())
        if digest == _digest(body):
            return body
    from traceability.browser.bundle import bundle  # noqa: PLC0415  # not where the module is kept

    made = bundle().encode()
    with contextlib.suppress(OSError):
        _keep(kept, made)
    return made


def _sources() -> str:
    """A hash of everything the module is made of."""
    digest = hashlib.sha256()
    for folder in (_HERE, _HERE.parent / "core"):
        for file in sorted(folder.rglob("*.[jp][sy]")):
            if file.parent != _KEPT:
                digest.update(f"{file.relative_to(_HERE.parent)}\n".encode() + _digest(file.read_bytes()))
    return digest.hexdigest()[:16]


def _keep(kept: Path, made: bytes) -> None:
    """Puts it there whole or not at all, in place of those of other sources."""
    _KEPT.mkdir(exist_ok=True)
    with NamedTemporaryFile(dir=_KEPT, delete=False) as file:
        file.write(_digest(made) + made)
    Path(file.name).chmod(0o644)
    for old in _KEPT.glob("verifier-*.js"):
        old.unlink(missing_ok=True)
    Path(file.name).replace(kept)


def _parted(data: bytes) -> tuple[bytes, bytes]:
    return data[:_DIGEST_SIZE], data[_DIGEST_SIZE:]


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode()
