"""How many inputs are tried, and from which seed.

    FUZZ_INPUTS=100000 FUZZ_SEED=1      as in the suite: the same inputs in every run
    make fuzz                           a million from a fresh seed, which it prints; SEED= repeats one

Every failure names the seed and the number of the input, and `random_of` gives that input again.
"""

import os
import sys
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

for folder in (Path(__file__).parent, Path(__file__).parents[1], Path(__file__).parents[1] / "api"):
    sys.path.insert(0, str(folder))


PENS = 8


class Fuzz(NamedTuple):
    """One run of the fuzzer."""

    seed: str
    inputs: int

    def share(self, test: str) -> range:
        """The numbers of the inputs of a test."""
        from shares import SHARES

        return range(max(1, self.inputs * SHARES[test] // 1000))

    def random_of(self, test: str, number: int) -> Random:
        """What input `number` of a test is drawn with."""
        return Random(f"{self.seed}/{test}/{number}")

    def name(self, test: str, number: int) -> str:
        """How a failure names its input."""
        return f"{test}, input {number} of FUZZ_SEED={self.seed}"


@pytest.fixture(scope="session")
def fuzz() -> Fuzz:
    return Fuzz(os.environ.get("FUZZ_SEED", "1"), int(os.environ.get("FUZZ_INPUTS", "100000")))


@pytest.fixture(scope="session")
def hosted(tmp_path_factory):
    """The server of all these tests."""
    from hosted import hosted_at

    with hosted_at(tmp_path_factory.mktemp("hosted")) as found:
        yield found


@pytest.fixture(scope="session")
def routes(tmp_path_factory) -> list:
    """Every route there is, pages too."""
    from asking import routes_of
    from world import World

    from traceability.web.app import create_app

    folder = tmp_path_factory.mktemp("routes")
    world = World(f"sqlite:///{folder}/ledger.sqlite3", folder)
    found = routes_of(create_app(world.services))
    world.services.close()
    assert len(found) > 60
    assert {"/", "/v1/events", "/tile/{path:path}", "/t/{code}", "/v1/reports"} <= {
        each.path for each in found
    }
    return found


@pytest.fixture(scope="session")
def pens(hosted) -> list:
    """Miners who bring events, each over one connection at a time."""
    return hosted.enrol(*(f"miner {number}" for number in range(PENS)))


@pytest.fixture(scope="session")
def browsers():
    """What browsers read as an event."""
    from browsers import Browsers

    return Browsers()
