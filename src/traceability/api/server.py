"""Serving an application: uvicorn with our protocol, our log lines, and a drain on SIGTERM.

On SIGTERM (and Ctrl-C) the server takes no new connection, lets every request that has begun end for up to
ten seconds, and then ends the application, which waits until all that was taken in is stored and answered.
"""

import uvicorn
from starlette.types import ASGIApp

from traceability.api.protocol import BoundedProtocol

DRAIN_SECONDS = 10
KEEP_ALIVE_SECONDS = 15


def config(app: ASGIApp, host: str = "127.0.0.1", port: int = 8000) -> uvicorn.Config:
    """How an application is served. Behind a proxy or not: addresses of clients are never used."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


def serve(app: ASGIApp, host: str, port: int) -> None:
    """Serves until SIGTERM or Ctrl-C, drains, and returns (or ends by that signal)."""
    uvicorn.Server(config(app, host, port)).run()
