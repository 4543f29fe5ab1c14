r"""Time: a token of a time-stamping service over a checkpoint (RFC 3161), and what it proves offline.

A witness says with its cosignature when it saw a checkpoint. Should log and witnesses agree on a lie later, a token of a
service that knows none of them still says: these entries, in this order, were there at this time. What is stamped is
SHA-256 over the text of the checkpoint, without signatures: whoever cosigns later changes nothing. As a file:

    {"checkpoint":"<signed note>","format":"traceability-time/1","token":"<base64 of the service's whole answer>"}

Which services are believed is the reader's choice: certificates in PEM, roots (self-signed) and what leads to them.
A certificate need have been valid at the time that is stated, not today.
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

from cryptography.x509 import Certificate, load_pem_x509_certificates
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerifierBuilder,
    decode_timestamp_response,
)

from traceability.core import canonical
from traceability.core.checkpoint import Checkpoint, OpenedCheckpoint
from traceability.core.errors import Invalid, Malformed
from traceability.core.ids import padded
from traceability.core.trust_policy import TrustPolicy
from traceability.ledger.files import put
from traceability.witness.peers import Peer, Unreachable
from traceability.witness.remote import RemoteLog

FORMAT = "traceability-time/1"
SUFFIX = ".time.json"
FILE_SIZE_MAX = 1024 * 1024
_TOKEN_SIZE_MAX = 64 * 1024
_SHA256 = "2.16.840.1.101.3.4.2.1"


class Stamped(NamedTuple):
    """What a token proves: the checkpoint was there at `time`, Unix seconds, by the service's clock."""

    checkpoint: Checkpoint
    time: int


def stamp(
    log: RemoteLog, service: Peer, policy: TrustPolicy, roots: Sequence[Certificate], folder: Path
) -> Path:
    """Gets the log's newest checkpoint stamped, unless it was; where the file lies.

    The file is written only once it holds by the rules of `when`. Raises Unreachable, or Invalid and Malformed for a
    checkpoint or a token that is not to be believed.
    """
    note = log.checkpoint()
    opened = policy.open_checkpoint(note)
    text = opened.note.text.encode()
    path = folder / f"{opened.checkpoint.size}-{hashlib.sha256(text).hexdigest()[:12]}{SUFFIX}"
    if path.exists():
        return path
    request = TimestampRequestBuilder().data(text).hash_algorithm(HashAlgorithm.SHA256).nonce(nonce=True)
    wanted = request.cert_request(cert_request=True).build()
    answer = service.post("", wanted.as_bytes(), _TOKEN_SIZE_MAX, "application/timestamp-query")
    if answer.status != HTTPStatus.OK:
        raise Unreachable(f"{service.url} answered {answer.status}")
    _verify(answer.body, opened, roots, wanted.nonce)
    value = {"checkpoint": note.decode(), "format": FORMAT, "token": b64encode(answer.body).decode()}
    put(path, canonical.dump(value) + b"\n")
    return path


def when(data: bytes, policy: TrustPolicy, roots: Sequence[Certificate]) -> Stamped:
    """What a file proves to whoever believes these logs and these services. Raises Malformed or Invalid."""
    if len(data) > FILE_SIZE_MAX:
        raise Malformed(f"a stamped checkpoint has at most {FILE_SIZE_MAX} bytes, this one {len(data)}")
    match canonical.load(data):
        case {"checkpoint": str(note), "format": str(said), "token": str(token), **more} if not more:
            pass
        case _:
            raise Malformed("not a stamped checkpoint: an object of checkpoint, format and token")
    if said != FORMAT:
        raise Malformed(f"this is of format {said[:60]!r}, not {FORMAT}")
    opened = policy.open_checkpoint(note.encode())
    return _verify(padded(token), opened, roots, None)


def read_roots(pem: bytes) -> list[Certificate]:
    """The certificates of services, at least one of them self-signed. Raises Malformed."""
    try:
        found = load_pem_x509_certificates(pem)
    except ValueError as error:
        raise Malformed("these are no certificates in PEM") from error
    if not any(each.issuer == each.subject for each in found):
        raise Malformed("none of the certificates is a root: it would be signed by itself")
    return found


def verify_token(
    token: bytes, digest: bytes, algorithm: str, roots: Sequence[Certificate], nonce: int | None = None
) -> TimeStampResponse:
    """The answer of a service, once it holds over this digest. Raises Malformed or Invalid.

    Refused are another imprint or algorithm, another nonce, a chain that does not end in `roots`, and a certificate
    that is not for time-stamping alone.
    """
    builder = VerifierBuilder() if nonce is None else VerifierBuilder(nonce=nonce)
    for certificate in roots:
        if certificate.issuer == certificate.subject:
            builder = builder.add_root_certificate(certificate)
        else:
            builder = builder.add_intermediate_certificate(certificate)
    try:
        found = decode_timestamp_response(token)
        imprint = found.tst_info.message_imprint.hash_algorithm.dotted_string
    except Exception as error:
        raise Malformed("the token is no answer of a time-stamping service, or a refusal") from error
    if imprint != algorithm:
        raise Invalid("the token is over a digest of another algorithm")
    try:
        builder.build().verify(found, digest)
    except Exception as error:  # certificates of strangers fail in more ways than are written down
        raise Invalid(f"the token does not hold: {_in_short(error)}") from error
    return found


def _verify(
    token: bytes, opened: OpenedCheckpoint, roots: Sequence[Certificate], nonce: int | None
) -> Stamped:
    digest = hashlib.sha256(opened.note.text.encode()).digest()
    found = verify_token(token, digest, _SHA256, roots, nonce)
    return Stamped(opened.checkpoint, int(found.tst_info.gen_time.timestamp()))


def _in_short(error: Exception) -> str:
    """OpenSSL's own words without the places in its source."""
    detail = re.search(r'(?:data|reason): "([^"]*)"', str(error))
    return detail[1] if detail else str(error)[:200]
