"""The log as files in a folder or a bucket: a log at every moment, for whoever has no code of ours."""

import functools
import hashlib
import http.server
import shutil
import threading
import urllib.request
from base64 import b64encode
from datetime import timedelta
from pathlib import Path

import metamorphic_log
import obstore
import pytest
from moto.server import ThreadedMotoServer
from obstore.store import from_url
from sending import recorded, traders

import reference
from traceability.core.merkle import EMPTY_ROOT
from traceability.ledger.bucket import FOREVER, MOMENT, Bucket
from traceability.ledger.files import Folder
from traceability.ledger.folder import NotPublished, publish_to
from traceability.ledger.publish import consistency_proof
from trade import LOG, LOG_SIGNER, produce

VKEY = LOG_SIGNER.verifier.encode()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Python's own file server, without its log."""

    def log_message(self, *_) -> None:
        pass


class Cut(Exception):  # noqa: N818
    """Publishing ends here, as if the process had been killed."""


@pytest.fixture
def miner(ledger, office):
    return traders(ledger, office, "miner")[0]


def grow(ledger, miner, count: int) -> None:
    recorded(ledger, *(produce(miner, "1") for _ in range(count)))


def audit(fetch) -> int:
    """Reads the log by its files alone, by another program and the RFC's own recursion; its size."""
    note = fetch("checkpoint").decode()
    head = metamorphic_log.checkpoint_verify(note, [VKEY])
    assert head.origin == LOG
    leaves: list[bytes] = []
    for n in range(-(-head.size // 256)):
        width = min(256, head.size - n * 256)
        name = f"{n:03}" + ("" if width == 256 else f".p/{width}")
        bundle = fetch(f"tile/entries/{name}")
        found = []
        while bundle:
            length = int.from_bytes(bundle[:2], "big")
            found.append(bundle[2 : 2 + length])
            bundle = bundle[2 + length :]
        assert fetch(f"tile/0/{name}") == b"".join(hashlib.sha256(b"\0" + leaf).digest() for leaf in found)
        leaves += found
    assert len(leaves) == head.size
    assert reference.mth(leaves) == head.root
    full = head.size // 256
    if full:
        roots = b"".join(reference.mth(leaves[n * 256 : n * 256 + 256]) for n in range(full))
        assert fetch(f"tile/1/000.p/{full}") == roots
    return head.size


def reading(folder: Path):
    return lambda path: (folder / path).read_bytes()


def files(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_any_static_server_serves_the_log(ledger, miner, tmp_path):
    """A plain file server on the folder, audited over HTTP by another program, as the log grows past full tiles."""
    folder = tmp_path / "log"
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()

        def fetch(path: str) -> bytes:
            with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/{path}") as answer:
                return answer.read()

        try:
            older = None
            for count in (1, 250, 3, 300):
                grow(ledger, miner, count)
                done = publish_to(ledger.store, Folder(folder))
                assert audit(fetch) == done.size
                newer = fetch("checkpoint").decode()
                if older is not None:
                    old = metamorphic_log.checkpoint_verify(older, [VKEY]).size
                    with ledger.store.read() as view:
                        proof = consistency_proof(view, old, done.size)
                    metamorphic_log.checkpoint_verify_consistency(older, newer, [VKEY], list(proof))
                older = newer
        finally:
            server.shutdown()
            serving.join()


def test_what_is_full_is_written_once(ledger, miner, tmp_path):
    """Publishing again writes nothing; growing leaves full tiles as they are and takes outgrown parts away."""
    folder = tmp_path / "log"
    grow(ledger, miner, 300)
    publish_to(ledger.store, Folder(folder))
    before = files(folder)
    assert publish_to(ledger.store, Folder(folder)).files == 0
    assert files(folder) == before
    grow(ledger, miner, 300)
    publish_to(ledger.store, Folder(folder))
    after = files(folder)
    assert after["tile/0/000"] == before["tile/0/000"]
    assert after["tile/entries/000"] == before["tile/entries/000"]
    assert any(name.startswith("tile/0/001.p/") for name in before)
    assert not any(name.startswith(("tile/0/001.p/", "tile/entries/001.p/")) for name in after)
    assert not any(name.rpartition("/")[2].startswith(".") for name in after)


def test_cut_short_anywhere_it_is_a_log_and_goes_on(ledger, miner, tmp_path):
    """Stopped after each file in turn: the folder is the older log or the newer, and the next run ends well."""
    grow(ledger, miner, 250)
    publish_to(ledger.store, Folder(tmp_path / "older"))
    older = audit(reading(tmp_path / "older"))
    grow(ledger, miner, 270)
    names: list[str] = []
    shutil.copytree(tmp_path / "older", tmp_path / "whole")
    publish_to(ledger.store, Folder(tmp_path / "whole"), names.append)
    assert names[-1] == "checkpoint"
    for cut in range(len(names)):
        folder = tmp_path / f"cut {cut}"
        shutil.copytree(tmp_path / "older", folder)
        left = iter(range(cut))

        def stop(_: str, left=left) -> None:
            if next(left, None) is None:
                raise Cut

        with pytest.raises(Cut):
            publish_to(ledger.store, Folder(folder), stop)
        assert audit(reading(folder)) in (older, audit(reading(tmp_path / "whole")))
        publish_to(ledger.store, Folder(folder))
        whole = files(tmp_path / "whole")
        found = files(folder)
        assert {name: body for name, (body, _) in whole.items()}.items() <= {
            name: body for name, (body, _) in found.items()
        }.items()


def test_another_history_is_not_written_over(ledger, miner, tmp_path):
    """A folder of another log, of a longer one, of another history, or with a damaged tile is left as it is."""
    folder = tmp_path / "log"
    grow(ledger, miner, 280)
    publish_to(ledger.store, Folder(folder))
    note = (folder / "checkpoint").read_bytes()
    size = metamorphic_log.checkpoint_verify(note.decode(), [VKEY]).size
    root = note.splitlines()[2]
    grow(ledger, miner, 1)
    for old, new in (
        (LOG.encode(), b"ledger.example.org/other"),
        (b"\n%d\n" % size, b"\n%d\n" % (size + 1000)),
        (root, b64encode(EMPTY_ROOT)),
    ):
        (folder / "checkpoint").write_bytes(note.replace(old, new, 1))
        before = files(folder)
        with pytest.raises(NotPublished):
            publish_to(ledger.store, Folder(folder))
        assert files(folder) == before
    (folder / "checkpoint").unlink()
    spoiled = bytearray((folder / "tile/0/000").read_bytes())
    spoiled[77] ^= 1
    (folder / "tile/0/000").write_bytes(spoiled)
    with pytest.raises(NotPublished, match="tile/0/000"):
        publish_to(ledger.store, Folder(folder))
    assert not (folder / "checkpoint").exists()


@pytest.fixture
def objects():
    """The address of a server that speaks S3, with one bucket `log` that everybody may read."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    make = urllib.request.Request(f"{address}/log", method="PUT", headers={"x-amz-acl": "public-read"})
    urllib.request.urlopen(make).close()
    yield address
    urllib.request.urlopen(f"{address}/moto-api/reset", data=b"").close()
    server.stop()


@pytest.fixture
def bucket(objects, monkeypatch):
    for name, value in (
        ("ENDPOINT_URL", objects), ("ALLOW_HTTP", "true"), ("REGION", "us-east-1"),
        ("ACCESS_KEY_ID", "publisher"), ("SECRET_ACCESS_KEY", "secret"),
    ):  # fmt: skip
        monkeypatch.setenv(f"AWS_{name}", value)
    return Bucket


def test_a_bucket_serves_the_log(ledger, miner, bucket):
    """Published to an S3 store as it grows, read back by another program; parts go when they are full."""
    shelf = bucket("s3://log/car")
    grow(ledger, miner, 250)
    before = publish_to(ledger.store, shelf)
    assert audit(shelf.get) == before.size
    assert publish_to(ledger.store, shelf).files == 0
    outgrown = f"tile/0/000.p/{before.size}"
    assert shelf.get(outgrown) is not None
    grow(ledger, miner, 300)
    after = publish_to(ledger.store, shelf)
    assert audit(shelf.get) == after.size > before.size
    assert shelf.get(outgrown) is None


def test_what_never_changes_may_be_kept_for_ever(ledger, miner, objects, bucket):
    """Tiles are served as immutable, the checkpoint for two seconds."""
    publish_to(ledger.store, bucket("s3://log/headers"))
    with ledger.store.read() as view:
        size = view.checkpoint()[0]
    kept = {}
    for path in ("checkpoint", f"tile/0/000.p/{size}"):
        signed = obstore.sign(from_url("s3://log/headers"), "GET", path, timedelta(minutes=1))
        with urllib.request.urlopen(signed) as answer:
            kept[path] = answer.headers["Cache-Control"]
    assert kept == {"checkpoint": MOMENT, f"tile/0/000.p/{size}": FOREVER}


def test_a_bucket_that_is_not_there_is_named(ledger, bucket):
    """A bucket that does not exist, or an address that is none, is said in one line."""
    for url, said in (("s3://nowhere/car", "cannot read s3://nowhere/car"), ("s3:///", "cannot use s3:")):
        with pytest.raises(OSError, match=said) as found:
            publish_to(ledger.store, bucket(url))
        assert "\n" not in str(found.value)


def test_another_history_in_a_bucket_is_kept(ledger, miner, bucket):
    """A bucket that holds more than this ledger has published is left as it is."""
    shelf = bucket("s3://log/ahead")
    publish_to(ledger.store, shelf)
    note = shelf.get("checkpoint")
    size = metamorphic_log.checkpoint_verify(note.decode(), [VKEY]).size
    shelf.put("checkpoint", note.replace(b"\n%d\n" % size, b"\n%d\n" % (size + 1000), 1))
    ahead = shelf.get("checkpoint")
    with pytest.raises(NotPublished, match="rolled back"):
        publish_to(ledger.store, shelf)
    assert shelf.get("checkpoint") == ahead
