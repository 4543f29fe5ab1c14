"""Who asks, as far as limits have to tell people apart: by sixteen bytes that mean nothing tomorrow, or to anybody else.

Addresses are used for this alone. They are hashed under a key that this process makes anew each UTC day and keeps in
memory only: nothing of them is stored, logged or shown. Addresses of IPv6 count by their first 64 bits, which is what
one household or phone has. What a proxy says of who stands behind it is believed of the proxies that the operator
names (`PROXIES`), and of nobody else.
"""

import hashlib
import hmac
import secrets
import time
from ipaddress import IPv6Address, ip_address

from fastapi import Request

_ID_SIZE = 16
_DAY_SECONDS = 86400
_IPV6_HOST_BITS = 64


class Clients:
    """Tells clients apart for one process."""

    def __init__(self, proxies: str = "") -> None:
        """`proxies`: addresses, comma between them. Raises ValueError for what is none."""
        self._proxies = frozenset(
            str(ip_address(each.strip())) for each in proxies.split(",") if each.strip()
        )
        self._day = -1
        self._key = b""

    def of(self, request: Request, *more: str) -> bytes:
        """Who this is, the same all day; with `more`, who this is in that respect."""
        day = int(time.time()) // _DAY_SECONDS
        if day != self._day:
            self._day, self._key = day, secrets.token_bytes(32)
        said = "\n".join((_network(self._address(request)), *more))
        return hmac.digest(self._key, said.encode("utf-8", "surrogateescape"), hashlib.sha256)[:_ID_SIZE]

    def _address(self, request: Request) -> str:
        """The nearest address that is no proxy's of ours."""
        nearest = request.client.host if request.client else ""
        if nearest in self._proxies:
            for said in reversed(",".join(request.headers.getlist("x-forwarded-for")).split(",")):
                nearest = said.strip()
                if nearest not in self._proxies:
                    break
        return nearest


def _network(address: str) -> str:
    try:
        found = ip_address(address[:64])
    except ValueError:
        return ""
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or IPv6Address(int(found) >> _IPV6_HOST_BITS << _IPV6_HOST_BITS))
    return str(found)
