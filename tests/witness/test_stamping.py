"""Time-stamps over checkpoints: published answers judged rightly, and a service of our own from request to verdict."""

import contextlib
import hashlib
import http.server
import json
import shutil
import subprocess
import threading
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder, decode_timestamp_response
from test_mirror import publish
from watching import Log, Site

from commands import Done
from traceability.core.errors import Invalid, Malformed, TraceabilityError
from traceability.core.trust_policy import TrustPolicy
from traceability.witness.peers import Peer, Unreachable
from traceability.witness.remote import RemoteLog
from traceability.witness.stamping import read_roots, stamp, verify_token, when

VECTORS = Path(__file__).parents[1] / "vectors" / "rfc3161"
OIDS = {name: f"2.16.840.1.101.3.4.2.{n}" for n, name in enumerate(("sha256", "sha384", "sha512"), start=1)}

GOOD = {
    "sigstage/response-sha256.tsr": "sha256",
    "sigstage/response-sha384.tsr": "sha384",
    "sigstage/response-sha512.tsr": "sha512",
    "test_tsa/response.tsr": "sha512",
    "test_tsa/response-injected-certs.tsr": "sha512",
}
BAD = {
    "sigstage/response-invalid-signature.tsr": "sha256",
    "sigstage/response-no-embedded-cert.tsr": "sha256",
    "test_tsa/other_response.tsr": "sha512",
}


def roots(name: str):
    return read_roots((VECTORS / name.split("/", maxsplit=1)[0] / "ts_chain.pem").read_bytes())


def digest(algorithm: str) -> bytes:
    return hashlib.new(algorithm, b"hello").digest()


@pytest.mark.parametrize("name", GOOD)
def test_published_answers_hold(name):
    """Answers of two services over `hello`: they hold for it, and for no other digest, algorithm, nonce or chain."""
    token, algorithm = (VECTORS / name).read_bytes(), GOOD[name]
    found = verify_token(token, digest(algorithm), OIDS[algorithm], roots(name))
    assert found.tst_info.gen_time.year in (2024, 2025)
    nonce = found.tst_info.nonce
    verify_token(token, digest(algorithm), OIDS[algorithm], roots(name), nonce)
    other = next(each for each in OIDS if each != algorithm)
    strange = roots("test_tsa/x" if name.startswith("sigstage") else "sigstage/x")
    for arguments in (
        (digest(algorithm)[:-1] + b"\0", OIDS[algorithm], roots(name)),
        (digest(algorithm), OIDS[other], roots(name)),
        (digest(algorithm), OIDS[algorithm], roots(name), nonce + 1),
        (digest(algorithm), OIDS[algorithm], strange),
    ):
        with pytest.raises(Invalid):
            verify_token(token, *arguments)


@pytest.mark.parametrize("name", BAD)
def test_published_answers_that_do_not_hold(name):
    """A bad signature, no certificate, another service than the chain's."""
    with pytest.raises(Invalid):
        verify_token((VECTORS / name).read_bytes(), digest(BAD[name]), OIDS[BAD[name]], roots(name))


def test_no_changed_byte_of_a_token_changes_what_it_says():
    """Each byte of a good answer, changed: refused, or it still states the same time, by the same service."""
    name = "sigstage/response-sha256.tsr"
    token = (VECTORS / name).read_bytes()
    said = decode_timestamp_response(token).tst_info.gen_time
    chain = roots(name)
    for position in range(len(token)):
        spoiled = bytearray(token)
        spoiled[position] ^= 0x20
        with contextlib.suppress(TraceabilityError):
            found = verify_token(bytes(spoiled), digest("sha256"), OIDS["sha256"], chain)
            assert found.tst_info.gen_time == said
    for cut in (0, 1, 100, len(token) - 1):
        with pytest.raises(Malformed):
            verify_token(token[:cut], digest("sha256"), OIDS["sha256"], chain)


CONFIG = """
[tsa]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
clock_precision_digits = 0
ess_cert_id_alg = sha256
"""


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


class Service:
    """A time-stamping service on this machine: openssl behind HTTP. `spoil` changes what it answers."""

    def __init__(self, folder: Path, usage: str = "critical,timeStamping") -> None:
        folder.mkdir()
        self.roots = folder / "root.pem"
        subject = ("-subj", "/O=Horloge/CN=root")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                "-keyout", f"{folder}/root.key", "-out", str(self.roots), *subject)  # fmt: skip
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", f"{folder}/tsa.key", "-out", f"{folder}/tsa.csr", "-subj", "/O=Horloge/CN=tsa")  # fmt: skip
        (folder / "extensions").write_text(f"extendedKeyUsage={usage}\n")
        openssl("x509", "-req", "-in", f"{folder}/tsa.csr", "-CA", str(self.roots), "-CAkey", f"{folder}/root.key",
                "-days", "30", "-extfile", f"{folder}/extensions", "-out", f"{folder}/tsa.pem", "-set_serial", "7")  # fmt: skip
        (folder / "serial").write_text("01\n")
        (folder / "ts.conf").write_text(CONFIG.format(folder=folder))
        self.folder = folder
        self.spoil = lambda body: body
        self.status = 200
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = self.rfile.read(int(self.headers["Content-Length"]))
                assert self.headers["Content-Type"] == "application/timestamp-query"
                body = service.spoil(service.answer(asked))
                self.send_response(service.status)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, asked: bytes) -> bytes:
        (self.folder / "query").write_bytes(asked)
        openssl("ts", "-reply", "-config", f"{self.folder}/ts.conf", "-section", "tsa",
                "-queryfile", f"{self.folder}/query", "-out", f"{self.folder}/reply")  # fmt: skip
        return (self.folder / "reply").read_bytes()


@contextlib.contextmanager
def serving_time(folder: Path, **more: str) -> Iterator[Service]:
    service = Service(folder, **more)
    thread = threading.Thread(target=service.server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.server.shutdown()
        service.server.server_close()
        thread.join()


pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on this machine")


@pytest.fixture
def desk(tmp_path, log):
    log.grow(20)
    publish(log, tmp_path / "site")
    with Site(tmp_path / "site") as site, serving_time(tmp_path / "tsa") as service:
        yield log, site, service


@pytest.mark.threat("T41", "T87")
def test_a_checkpoint_is_dated(desk, tmp_path, capfd):
    """Stamped once, proven offline with log key and roots alone, by the commands; and by openssl itself."""
    log, site, service = desk
    vkey, folder = log.verifier.encode(), tmp_path / "stamps"
    before = datetime.now(UTC).replace(microsecond=0)
    common = ("--log", vkey, "--roots", service.roots)
    done = Done(capfd, "stamp", site.url, folder, "--service", service.url, *common)
    assert done.code == 0, done.err
    file = Path(done.out.strip())
    assert Done(capfd, "stamp", site.url, folder, "--service", service.url, *common).out.strip() == str(file)
    told = Done(capfd, "when", file, *common, "--json").json
    assert (told["origin"], told["size"], told["root"]) == (log.origin, 20, log.root().hex())
    at = datetime.fromisoformat(told["time"])
    assert before <= at <= datetime.now(UTC)
    assert (
        Done(capfd, "when", file, *common).out == f"{log.origin}: 20 entries were there at {told['time']}\n"
    )
    (tmp_path / "token.tsr").write_bytes(b64decode(json.loads(file.read_bytes())["token"]))
    (tmp_path / "text").write_bytes(log.note().partition(b"\n\n")[0] + b"\n")
    openssl(
        "ts",
        "-verify",
        "-in",
        f"{tmp_path}/token.tsr",
        "-data",
        f"{tmp_path}/text",
        "-CAfile",
        str(service.roots),
    )


def test_what_does_not_hold_is_not_kept(desk, tmp_path):
    """A service that answers another request, changes a byte, refuses, or is not the one believed leaves no file."""
    log, site, service = desk
    policy = TrustPolicy.without_witnesses([log.verifier])
    believed = read_roots(service.roots.read_bytes())
    folder = tmp_path / "stamps"
    old = service.answer(TimestampRequestBuilder(b"another", HashAlgorithm.SHA256).build().as_bytes())
    refusal = bytes.fromhex("30053003020102")
    for spoil, error in (
        (lambda _: old, Invalid),
        (lambda body: body[:-9] + bytes([body[-9] ^ 1]) + body[-8:], Invalid),
        (lambda body: body[:-1], Malformed),
        (lambda _: refusal, Malformed),
        (lambda _: b"", Malformed),
        (lambda _: b"<html>", Malformed),
        (lambda _: bytes(100_000), Unreachable),
    ):
        service.spoil = spoil
        with RemoteLog(site.url) as remote, pytest.raises(error):
            stamp(remote, Peer(service.url), policy, believed, folder)
    service.spoil, service.status = lambda body: body, 500
    with RemoteLog(site.url) as remote, pytest.raises(Unreachable, match="500"):
        stamp(remote, Peer(service.url), policy, believed, folder)
    service.status = 200
    with RemoteLog(site.url) as remote, pytest.raises(Invalid):
        stamp(remote, Peer(service.url), policy, roots("test_tsa/x"), folder)
    assert not folder.exists()


def test_a_certificate_for_something_else_dates_nothing(desk, tmp_path):
    """A key whose certificate is not for time-stamping, critically and alone, is not a clock."""
    log, site, _ = desk
    policy = TrustPolicy.without_witnesses([log.verifier])
    for number, usage in enumerate(("serverAuth", "timeStamping")):
        with serving_time(tmp_path / f"tsa {number}", usage=usage) as service:
            believed = read_roots(service.roots.read_bytes())
            with RemoteLog(site.url) as remote, pytest.raises((Invalid, Unreachable)):
                stamp(remote, Peer(service.url), policy, believed, tmp_path / "stamps")
    assert not (tmp_path / "stamps").exists()


def test_a_file_put_together_from_two_does_not_hold(desk, tmp_path):
    """Another checkpoint under the same token, a stranger's log, other shapes."""
    log, site, service = desk
    policy = TrustPolicy.without_witnesses([log.verifier])
    believed = read_roots(service.roots.read_bytes())
    with RemoteLog(site.url) as remote:
        file = stamp(remote, Peer(service.url), policy, believed, tmp_path / "stamps")
    value = json.loads(file.read_bytes())
    assert when(file.read_bytes(), policy, believed).checkpoint.size == 20
    log.grow(1)
    for change in (
        {"checkpoint": log.note().decode()},
        {"checkpoint": Log(log.origin, bytes(32)).grow(20).note().decode()},
        {"checkpoint": "x"},
        {"token": ""},
        {"token": value["token"][:-4]},
        {"format": "traceability-time/2"},
        {"more": 1},
    ):
        with pytest.raises(TraceabilityError):
            when(json.dumps({**value, **change}).encode(), policy, believed)


def test_roots_must_be_some():
    """PEM that is none, and a chain without a root, are refused before anybody is asked."""
    with pytest.raises(Malformed):
        read_roots(b"nothing")
    chain = (VECTORS / "sigstage/ts_chain.pem").read_bytes()
    first = chain[: chain.index(b"-----END CERTIFICATE-----") + 26]
    with pytest.raises(Malformed, match="root"):
        read_roots(first)
