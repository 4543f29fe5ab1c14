"""A witness over HTTP: requests to cosign, the newest checkpoints, and who it is.

POST /add-checkpoint                       C2SP tlog-witness; submission prefix …
GET  /<SHA-256 of the origin>/checkpoint   … and monitoring prefix are the same address
GET  /                                     name, key and logs, for people
GET  /livez
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from traceability.witness.keeper import Reply, Witness
from traceability.witness.protocol import ADD_CHECKPOINT, REQUEST_SIZE_MAX

BODY_SECONDS = 10.0
"""How long a request's body may take in all."""
_MOMENT = b"public, max-age=2"

Message = MutableMapping[str, Any]


class WitnessApp:
    """The ASGI application of one witness."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        if scope["type"] == "lifespan":
            for done in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{done}.complete"})
            return
        reply = await self._answer(scope["method"], scope["path"], receive)
        if reply is None:
            return  # nobody is left to answer
        headers = [
            (b"content-type", reply.media_type.encode()),
            (b"content-length", b"%d" % len(reply.body)),
            (b"cache-control", _MOMENT if scope["path"].endswith("/checkpoint") else b"no-store"),
            (b"x-content-type-options", b"nosniff"),
        ]
        await send({"type": "http.response.start", "status": int(reply.status), "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else reply.body})

    async def _answer(
        self, method: str, path: str, receive: Callable[[], Awaitable[Message]]
    ) -> Reply | None:
        if path == ADD_CHECKPOINT:
            if method != "POST":
                return _say(HTTPStatus.METHOD_NOT_ALLOWED, "checkpoints are sent here by POST")
            body = await _body(receive)
            if isinstance(body, bytes):
                return await asyncio.to_thread(self._witness.add_checkpoint, body)
            return body
        if method not in ("GET", "HEAD"):
            return _say(HTTPStatus.METHOD_NOT_ALLOWED, "this can be read and nothing else")
        if path.endswith("/checkpoint"):
            return await asyncio.to_thread(self._witness.checkpoint, path)
        if path == "/":
            return _say(HTTPStatus.OK, self._about())
        if path == "/livez":
            return _say(HTTPStatus.OK, "alive")
        return _say(HTTPStatus.NOT_FOUND, "there is nothing here")

    def _about(self) -> str:
        logs = [f"log {key.encode()}" for keys in self._witness.logs.values() for key in keys]
        return "\n".join([f"witness {self._witness.cosigner.verifier.encode()}", *logs])


async def _body(receive: Callable[[], Awaitable[Message]]) -> bytes | Reply | None:
    """The body; what is answered instead of taking it; or None where the client has gone."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                body += message.get("body", b"")
                if len(body) > REQUEST_SIZE_MAX:
                    sentence = f"a request has at most {REQUEST_SIZE_MAX} bytes"
                    return _say(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, sentence)
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        return _say(HTTPStatus.REQUEST_TIMEOUT, f"the body did not come within {BODY_SECONDS:g} s")


def _say(status: HTTPStatus, sentence: str) -> Reply:
    return Reply(status, f"{sentence}\n".encode())
