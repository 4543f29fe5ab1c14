"""A bucket of an S3-compatible store as a shelf for the files of a public log.

Needs the extra `s3`. Who may write, and where the store is, is said the way every client of S3 is told:
`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT_URL` for a store that is not Amazon's.
"""

from collections.abc import Callable
from typing import TypeVar

import obstore
from obstore.exceptions import BaseError
from obstore.store import from_url

from traceability.ledger.files import CHECKPOINT

FOREVER = "public, max-age=31536000, immutable"
MOMENT = "public, max-age=2"
_Value = TypeVar("_Value")


class Bucket:
    """`s3://BUCKET/PREFIX`. Raises OSError where the store cannot be reached, or refuses."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._store = self._do("use", lambda: from_url(self._url, retry_config={"max_retries": 3}))

    def __str__(self) -> str:
        return self._url

    def get(self, path: str) -> bytes | None:
        def read() -> bytes | None:
            try:
                return bytes(obstore.get(self._store, path).bytes())
            except FileNotFoundError as error:
                if "NoSuchBucket" in str(error):
                    raise
                return None

        return self._do("read", read)

    def put(self, path: str, body: bytes) -> None:
        newest = path == CHECKPOINT
        kind = "text/plain; charset=utf-8" if newest else "application/octet-stream"
        attributes = {"Content-Type": kind, "Cache-Control": MOMENT if newest else FOREVER}
        self._do("write", lambda: obstore.put(self._store, path, body, attributes=attributes))

    def drop(self, path: str) -> None:
        def remove() -> None:
            for found in obstore.list(self._store, prefix=path):
                obstore.delete(self._store, [each["path"] for each in found])

        self._do("write", remove)

    def _do(self, what: str, act: Callable[[], _Value]) -> _Value:
        """What the store says is a long story; its first line is the one that helps, up to the XML it got."""
        try:
            return act()
        except (BaseError, OSError) as error:
            raise OSError(
                f"cannot {what} {self._url}: {str(error).splitlines()[0].partition(': <?xml')[0]}"
            ) from error
