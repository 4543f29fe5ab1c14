"""Bodies, taken in bounded pieces: by size, by time without a byte, and while unpacking.

A length that is announced is believed only to refuse early; what counts is what comes. Packed bodies
(gzip, on the routes that say so) are unpacked a piece at a time, and the bound is on what they unpack to.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

from fastapi import Request

from traceability.api.admission import Held
from traceability.api.problems import Problem

IDLE_SECONDS = 30.0
"""How long a body may pause."""
WHOLE_SECONDS = 120.0
"""How long the body of a single event may take in all."""
_PIECE = 64 * 1024


class Limits(NamedTuple):
    """What one route takes."""

    size_max: int
    gzip: bool = False
    whole_seconds: float = WHOLE_SECONDS


class Disconnected(Exception):  # noqa: N818
    """The client has gone before its body was whole; nobody is left to answer."""


def media_type(request: Request) -> str:
    """The type of the body without parameters, or "" where none is named."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def need_media_type(request: Request, *wanted: str) -> str:
    """The body's type, if it is one of those. Raises Problem 415."""
    found = media_type(request)
    charset = request.headers.get("content-type", "").lower().partition("charset=")[2].strip(' "')
    if found not in wanted or charset not in ("", "utf-8", "utf8"):
        accepted = " or ".join(wanted)
        raise Problem(
            "unsupported_media_type", f"this takes {accepted} in UTF-8", headers={"Accept-Post": accepted}
        )
    return found


def is_packed(request: Request, limits: Limits) -> bool:
    """Whether the body is gzip. Raises Problem 415 for any other coding, and where gzip is not taken."""
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding == "identity":
        return False
    if coding != "gzip" or not limits.gzip:
        taken = "gzip" if limits.gzip else "identity"
        detail = f"Content-Encoding {coding[:40]!r} is not taken here"
        raise Problem("unsupported_media_type", detail, headers={"Accept-Encoding": taken})
    return True


async def read_body(request: Request, limits: Limits, held: Held) -> bytes:
    """The whole body, unpacked, in the room it is given. Raises Problem (400, 408, 413, 415, 503) or Disconnected."""
    body = bytearray()
    if is_packed(request, limits):
        async for piece in pieces(request, limits):
            held.resize(len(body) + len(piece))
            body += piece
        return bytes(body)
    _check_announced(request, limits)
    until = asyncio.get_running_loop().time() + limits.whole_seconds
    more = True
    while more:
        data, more = await _next(request, limits, until)
        _check_size(len(body) + len(data), limits)
        held.resize(len(body) + len(data))
        body += data
    return bytes(body)


async def pieces(request: Request, limits: Limits) -> AsyncIterator[bytes]:
    """The body as it comes, unpacked, in pieces of any size. Raises like `read_body`."""
    packed = is_packed(request, limits)
    _check_announced(request, limits)
    gunzip = Gunzip() if packed else None
    came = unpacked = 0
    until = asyncio.get_running_loop().time() + limits.whole_seconds
    more = True
    while more:
        data, more = await _next(request, limits, until)
        came += len(data)
        _check_size(came, limits)
        for piece in gunzip.feed(data) if gunzip else (data,):
            unpacked += len(piece)
            _check_size(unpacked, limits)
            yield piece
    if gunzip:
        gunzip.end()


async def _next(request: Request, limits: Limits, until: float) -> tuple[bytes, bool]:
    """What comes next over the wire, and whether there is more.

    Raises Problem 408 after a pause or where it is not there `until` then, and Disconnected.
    """
    try:
        async with asyncio.timeout_at(min(until, asyncio.get_running_loop().time() + IDLE_SECONDS)):
            message = await request.receive()
    except TimeoutError as error:
        detail = (
            f"no byte came for {IDLE_SECONDS:.0f} s, or the whole took more than {limits.whole_seconds:.0f} s"
        )
        raise Problem("too_slow", detail, headers={"Connection": "close"}) from error
    if message["type"] == "http.disconnect":
        raise Disconnected
    return message.get("body", b""), message.get("more_body", False)


class Gunzip:
    """gzip (RFC 1952), one or more members, unpacked at most 64 KiB at a time."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What these further bytes unpack to. Raises Problem 400 for bytes that are no gzip."""
        piece = b""
        while data or len(piece) == _PIECE:
            if self._member.eof:
                self._member = zlib.decompressobj(wbits=31)
            self._begun = True
            try:
                piece = self._member.decompress(data, _PIECE)
            except zlib.error as error:
                raise Problem("malformed", "the body is not gzip, though Content-Encoding says so") from error
            data = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            if piece:
                yield piece

    def end(self) -> None:
        """Raises Problem 400 unless the gzip ended where the body did."""
        if self._begun and not self._member.eof:
            raise Problem("malformed", "the gzip body is cut off")


def _check_announced(request: Request, limits: Limits) -> None:
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and len(announced) < 19:
        _check_size(int(announced), limits)


def _check_size(size: int, limits: Limits) -> None:
    if size > limits.size_max:
        raise Problem("too_large", f"at most {limits.size_max} bytes are taken here")
