"""A freshly written log of thousands of entries, audited by clients nobody here wrote: good, and bad after one bit."""

import os
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import metamorphic_log
import pytest
from world import World

import reference
from patience import SECONDS
from traceability.ledger.files import Folder
from traceability.ledger.folder import publish_to
from trade import LOG, LOG_SIGNER, produce

VKEY = LOG_SIGNER.verifier.encode()
SIZES = (255, 257, 1023, 4099)
"""Just below and above full tiles, and with four partial levels of a tree."""
AUDITOR = Path(__file__).parent / "audit"


class Written(NamedTuple):
    """A log in a folder, and the checkpoints it showed on the way there."""

    folder: Path
    older: list[Path]

    def leaves(self) -> list[bytes]:
        found = []
        for n in range(-(-SIZES[-1] // 256)):
            width = min(256, SIZES[-1] - n * 256)
            name = f"{n:03}" if width == 256 else f"{n:03}.p/{width}"
            bundle = (self.folder / "tile/entries" / name).read_bytes()
            while bundle:
                length = int.from_bytes(bundle[:2], "big")
                found.append(bundle[2 : 2 + length])
                bundle = bundle[2 + length :]
        return found


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Written:
    """A ledger of four thousand productions, published as it grows."""
    folder = tmp_path_factory.mktemp("audited")
    world = World(f"sqlite:///{folder}/ledger.sqlite3", folder)
    older = []
    try:
        for size in SIZES:
            world.take(*(produce(world.anna, "1") for _ in range(size - world.size())))
            publish_to(world.store, Folder(folder / "growing"))
            older.append(folder / f"checkpoint of {size}")
            shutil.copy(folder / "growing" / "checkpoint", older[-1])
        publish_to(world.store, Folder(folder / "log"))
    finally:
        world.services.close()
    return Written(folder / "log", older)


@pytest.mark.slow
def test_metamorphic_log_agrees(written):
    """Every checkpoint, consistency between all of them, and inclusion of leaves everywhere; not with a bit changed."""
    notes = [path.read_text() for path in written.older]
    heads = [metamorphic_log.checkpoint_verify(note, [VKEY]) for note in notes]
    assert [(head.origin, head.size) for head in heads] == [(LOG, size) for size in SIZES]
    leaves = written.leaves()
    assert len(leaves) == SIZES[-1]
    for number, newer in enumerate(notes):
        known = leaves[: SIZES[number]]
        for older, size in zip(notes[:number], SIZES, strict=False):
            proof = reference.proof(size, known)
            metamorphic_log.checkpoint_verify_consistency(older, newer, [VKEY], proof)
            spoiled = [bytes([proof[0][0] ^ 1]) + proof[0][1:], *proof[1:]]
            with pytest.raises(metamorphic_log.VerifyError):
                metamorphic_log.checkpoint_verify_consistency(older, newer, [VKEY], spoiled)
    draw = random.Random(1)
    for index in {0, 255, 256, 4095, 4096, 4098, *(draw.randrange(4099) for _ in range(30))}:
        leaf, proof = reference.mth([leaves[index]]), reference.path(index, leaves)
        metamorphic_log.checkpoint_verify_inclusion(notes[-1], [VKEY], index, leaf, proof)
        spoiled = bytearray(leaves[index])
        spoiled[draw.randrange(33)] ^= 1 << draw.randrange(8)
        leaf = reference.mth([bytes(spoiled)])
        with pytest.raises(metamorphic_log.VerifyError):
            metamorphic_log.checkpoint_verify_inclusion(notes[-1], [VKEY], index, leaf, proof)
    note = bytearray(notes[-1].encode())
    note[len(LOG) + 2] ^= 1
    with pytest.raises(metamorphic_log.VerifyError):
        metamorphic_log.checkpoint_verify(note.decode(), [VKEY])


@pytest.fixture(scope="module")
def auditor(tmp_path_factory) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """The audit by the Go project's log client, compiled; the test is left out where there is no Go for it."""
    program = tmp_path_factory.mktemp("go") / "audit"
    go = shutil.which("go")
    if go is None:
        pytest.skip("no Go on this machine")
    fetch = [go, "mod", "download"]
    try:
        fetched = subprocess.run(
            fetch, cwd=AUDITOR, capture_output=True, text=True, check=False, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        pytest.skip("golang.org/x/mod does not come")
    if fetched.returncode != 0:
        pytest.skip(f"golang.org/x/mod cannot be had here: {fetched.stderr.strip()[-200:]}")
    subprocess.run(
        [go, "build", "-mod=readonly", "-o", str(program), "."],
        cwd=AUDITOR,
        env={**os.environ, "CGO_ENABLED": "0"},
        check=True,
    )

    def run(folder: Path, *older: Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(program), VKEY, str(folder), *map(str, older)], capture_output=True, text=True, check=False
        )

    return run


@pytest.mark.slow
@pytest.mark.threat("T45", "T46")
def test_the_go_projects_log_client_agrees(written, auditor, tmp_path):
    """Signature, every tile, every entry and all growth are good; with one bit of any file changed, or a fork's checkpoint, not."""
    for folder in (written.folder, written.folder.with_name("growing")):
        done = auditor(folder, *written.older)
        assert (done.returncode, done.stdout) == (0, f"good: {SIZES[-1]}\n"), done
    copy = tmp_path / "copy"
    shutil.copytree(written.folder, copy)
    draw = random.Random(2)
    files = sorted(path for path in copy.rglob("*") if path.is_file())
    assert len(files) == 2 * 17 + 1 + 1
    for path in files:
        body = path.read_bytes()
        spoiled = bytearray(body)
        spoiled[draw.randrange(len(body))] ^= 1 << draw.randrange(8)
        path.write_bytes(spoiled)
        done = auditor(copy)
        assert done.returncode == 1, path
        assert done.stdout.startswith("BAD: ")
        path.write_bytes(body)
    assert auditor(copy).returncode == 0
    fork = tmp_path / "fork"
    text = f"{LOG}\n257\n{'A' * 43}=\n"
    fork.write_text(f"{text}\n{LOG_SIGNER.sign(text).line()}")
    assert "BAD" in auditor(copy, fork).stdout
