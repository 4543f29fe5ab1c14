"""Signatures that come out the same each time, so that a season does too, to the last byte."""

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from traceability.core.signing import SigningKey

_RFC6979 = ec.ECDSA(SHA256(), deterministic_signing=True)


class SteadyKey(SigningKey):
    """A key whose ES256 signatures draw their number from key and message (RFC 6979), not from chance."""

    __slots__ = ()

    def sign(self, message: bytes) -> bytes:
        """64 bytes, the same for the same message."""
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self._key.sign(message)
        r, s = decode_dss_signature(self._key.sign(message, _RFC6979))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
