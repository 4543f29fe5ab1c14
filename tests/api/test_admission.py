"""How much is let in at once: a turn for each event, room for bodies, and large ones in a thread."""

import asyncio
import threading

import pytest

from traceability.api.admission import FREE_BYTES, LARGE_BYTES, Admission
from traceability.api.problems import Problem


def test_an_event_waits_its_turn_and_not_for_ever():
    """While all turns are taken the next one waits; it gets the first that is free, or is told `busy`."""

    async def run() -> None:
        admission = Admission(events_max=2, wait_seconds=0.05)
        async with admission.event(), admission.event():
            with pytest.raises(Problem) as refused:
                async with admission.event():
                    pass
            assert refused.value.name == "busy"
            assert refused.value.kind.status == 503
        patient = Admission(events_max=1, wait_seconds=60)
        order: list[int] = []

        async def one(number: int) -> None:
            async with patient.event():
                order.append(number)
                await asyncio.sleep(0)

        await asyncio.gather(*(one(number) for number in range(50)))
        assert order == list(range(50))

    asyncio.run(run())


def test_a_turn_is_given_back_whatever_happens():
    """An event that fails, and one whose client is gone, leave their turns to others."""

    async def run() -> None:
        admission = Admission(events_max=1, wait_seconds=0.05)
        for _ in range(3):
            with pytest.raises(ValueError, match="odd"):
                async with admission.event():
                    raise ValueError("odd")

            async def wait() -> None:
                async with admission.event():
                    await asyncio.sleep(60)

            waiting = asyncio.create_task(wait())
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        async with admission.event():
            pass

    asyncio.run(run())


def test_bodies_share_one_room():
    """Small bodies always fit; large ones together hold no more than the room, and give it back."""
    admission = Admission(bytes_max=1000)
    small = [admission.hold() for _ in range(500)]
    for held in small:
        held.resize(FREE_BYTES)
    assert admission.bytes == 0
    first, second = admission.hold(), admission.hold()
    first.resize(FREE_BYTES + 900)
    second.resize(FREE_BYTES + 100)
    with pytest.raises(Problem) as refused:
        second.resize(FREE_BYTES + 101)
    assert refused.value.name == "busy"
    assert admission.bytes == 1000
    first.resize(FREE_BYTES + 10)
    second.resize(FREE_BYTES + 990)
    with first, second:
        pass
    assert admission.bytes == 0
    first.close()
    assert admission.bytes == 0


def test_a_large_body_is_read_beside_the_loop():
    """Whoever brings one keeps nobody else waiting; what its reader raises comes through."""

    async def run() -> None:
        admission = Admission()
        here = threading.get_ident()

        def where(_: bytes) -> int:
            return threading.get_ident()

        assert await admission.read(where, b"x") == here
        assert await admission.read(where, bytes(LARGE_BYTES + 1)) != here

        def refuse(body: bytes) -> None:
            raise Problem("malformed", str(len(body)))

        with pytest.raises(Problem, match="malformed"):
            await admission.read(refuse, bytes(LARGE_BYTES + 1))

    asyncio.run(run())
