"""Lets the tests of the API share what lies beside them, and a ledger behind a server."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[tuple]:
    """(world, server, client): a ledger on SQLite behind a real server."""
    from world import world_at

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
