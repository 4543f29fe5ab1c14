"""Serving an application: uvicorn with our protocol, our log lines, and a drain on SIGTERM.

On SIGTERM (and Ctrl-C) the server takes no new connection, lets every request that has begun end for up to
ten seconds, and then ends the application, which waits until all that was taken in is stored and answered.
"""

import gc
import os
import resource
import socket
import sys
from functools import partial
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from traceability.api.protocol import CONNECTIONS_MAX, BoundedProtocol, Connections

ACCEPTED_AT_ONCE = 4
"""How many connections are taken in one turn of the loop, so that others have theirs between them."""
CONNECTING_MAX = 2048
"""How many the system keeps meanwhile."""
SWITCH_SECONDS = 0.0005
"""How long the thread that writes keeps the interpreter while another one wants it."""
DRAIN_SECONDS = 10
KEEP_ALIVE_SECONDS = 15
_YOUNG_MAX = 200_000
"""How many more new objects than freed ones before the collector looks for circles: few requests leave any, and while
it looks (100 ms in a flood, every few seconds with a tenth of this) nobody else is served."""
_FILES_KEPT = 256
"""How many files and sockets are left to everything that is no client's connection."""


def config(
    app: ASGIApp, host: str = "127.0.0.1", port: int = 8000, connections_max: int = CONNECTIONS_MAX
) -> uvicorn.Config:
    """How an application is served. Behind a proxy or not: addresses of clients are never used."""
    protocol: Any = partial(BoundedProtocol, Connections(connections_max))
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=protocol,
        loop="asyncio",  # docs/decisions/event-loop.md
        ws="none",
        lifespan="on",
        backlog=ACCEPTED_AT_ONCE,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


class Server(uvicorn.Server):
    """Runs what `config` says. asyncio takes as many connections at once as the system is to keep: here they are two."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listening in (each for server in self.servers for each in server.sockets):
            with socket.socket(fileno=os.dup(listening.fileno())) as same:
                same.listen(CONNECTING_MAX)


def serve(app: ASGIApp, host: str, port: int) -> None:
    """Serves until SIGTERM or Ctrl-C, drains, and returns (or ends by that signal)."""
    # What is there now stays: the collector need not walk over it again and again while events are answered.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_MAX, 20, 50)
    sys.setswitchinterval(SWITCH_SECONDS)
    Server(config(app, host, port, min(CONNECTIONS_MAX, _files() - _FILES_KEPT))).run()


def _files() -> int:
    """How many files and sockets this process may have open, once it has asked for all it may."""
    wanted = CONNECTIONS_MAX + _FILES_KEPT
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else max(soft, 2 * _FILES_KEPT)
