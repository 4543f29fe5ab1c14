"""Logs to watch: small ones that a test grows, forks and rolls back at will, and servers for all parties."""

import sys
from pathlib import Path

import pytest

for folder in (Path(__file__).parent, Path(__file__).parents[1], Path(__file__).parents[1] / "api"):
    sys.path.insert(0, str(folder))

from watching import Clock, Log, witness_at  # noqa: E402

from patience import SECONDS  # noqa: E402
from traceability.witness.peers import Peer  # noqa: E402
from traceability.witness.remote import RemoteLog  # noqa: E402


@pytest.fixture(autouse=True, scope="session")
def patient():
    """Whoever is asked in these tests may take his time, unless a test says otherwise."""
    with pytest.MonkeyPatch.context() as patch:
        for asks in (Peer, RemoteLog):
            patch.setattr(asks.__init__, "__defaults__", (SECONDS,))
        yield


@pytest.fixture
def log():
    """A log of no entries yet."""
    return Log("log.example.org/one")


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def witness(tmp_path, log, clock):
    """A witness that watches `log`."""
    return witness_at(tmp_path / "witness.sqlite3", "witness.example.org/w", [log.verifier], clock)
