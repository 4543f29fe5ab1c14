"""Bytes nobody honest sends: our readers judge each as a slow reader of another make does, and never else."""

import time
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
import rfc8785
import twin
from spoil import mutated, odd_json, resaid

from memory import build, key_of, new_lot, nonce_of, previous_of, seal, weighing
from test_canonical import UNICODE_14
from traceability.api.strict import read_json
from traceability.api.submission import read_submission
from traceability.core import canonical, events
from traceability.core.errors import Malformed
from traceability.core.ids import PartyId, derive
from traceability.core.signing import Envelope

pytestmark = pytest.mark.skipif(
    not UNICODE_14, reason="the twin needs a Python whose tables are Unicode 14.0"
)
SIZE_MAX = 1 << 20


def verdict(reader: Callable[[bytes], Any], data: bytes) -> Any:
    """What a reader makes of bytes: ("reads", value), or None where it refuses. No reader hangs."""
    begun = time.process_time()
    try:
        return "reads", reader(data)
    except (Malformed, twin.Refused):
        return None
    finally:
        assert time.process_time() - begun < 10, "it took more than ten seconds"


def same(ours: Any, theirs: Any) -> bool:
    """Equal to the type: 1 is not true."""
    return ours == theirs and repr(ours) == repr(theirs) if ours and theirs else ours is theirs is None


def people() -> list[bytes]:
    """Payloads of honest events of several kinds, sealed and plain; the same in every run."""
    key, party, other = key_of("fuzz"), PartyId("0" * 26), "1" * 26
    said = {"region": "RW-04", "source": "device"}
    lots = [derive("lot", key.id, nonce_of(name)) for name in "ab"]
    before = previous_of([("0" * 64, lots[0]), ("f" * 64, lots[1])])
    line, _ = seal("/note", "privé")
    offer = {**said, "recipient": other, "moves": "both", "purpose": "sale", "accept_by": "2026-03-28"}
    mixing = {
        "source": "device",
        "type": "combination",
        "facility": "Atelier n° 3",
        "weighings": [weighing("20.50", lots=sorted(lots))],
        "outputs": [new_lot(nonce_of("c"), "20.5", tags=["rmb:RW1"], seals=["é", "日本語"])],
        "share_by": "mass",
    }
    made = {**said, "lots": [new_lot(nonce_of("a"), "20.5"), new_lot(nonce_of("b"), "3", lot_number="n° 3")]}
    return [
        events.encode({**build(kind, key, party, body, **more), **also})
        for kind, body, more, also in (
            ("production", made, {"sealed": [line]}, {}),
            ("transfer", offer, {"previous": before}, {"seen": {"root": "0" * 64, "size": 12}}),
            ("acceptance", {**said, "purchase_number": "7/2026"}, {"previous": before, "sequence": 9}, {}),
            ("transformation", mixing, {"previous": before, "sealed": [line]}, {}),
        )
    ]


def drawn(random: Random, honest: list[bytes]) -> bytes:
    match random.randrange(5):
        case 0:
            return mutated(random, random.choice(honest))
        case 1:
            return resaid(random, random.choice(honest))
        case _:
            return odd_json(random)


@pytest.mark.threat("T11")
def test_the_reader_of_bodies_agrees_with_its_twin(fuzz):
    """JSON from the wire: the same verdict and the same value as a reader written from RFC 8259 alone."""
    honest, read = people(), 0
    for number in fuzz.share("bodies"):
        data = drawn(fuzz.random_of("bodies", number), honest)
        ours, theirs = verdict(read_json, data), verdict(twin.wire, data)
        assert same(ours, theirs), (fuzz.name("bodies", number), data[:300], ours, theirs)
        read += ours is not None
    assert 0.1 < read / (number + 1) < 0.9


@pytest.mark.threat("T10")
def test_the_reader_of_signed_bytes_agrees_with_its_twin(fuzz, browsers):
    """Canonical bytes: accepted exactly if they are the subset's and what rfc8785 writes. A browser takes no other event."""
    honest, read = people(), 0
    for number in fuzz.share("signed"):
        data = drawn(fuzz.random_of("signed", number), honest)
        ours = verdict(lambda data: canonical.decode(data, size_max=SIZE_MAX), data)
        theirs = verdict(twin.signed, data)
        assert same(ours, theirs), (fuzz.name("signed", number), data[:300], ours, theirs)
        is_event = ours is not None and verdict(events.parse, data) is not None
        browsers.agree(fuzz.name("signed", number), data, is_event=is_event)
        read += ours is not None
    browsers.finish()
    assert read > number * 0.03


@pytest.mark.threat("T13")
def test_no_event_is_read_out_of_two_byte_strings(fuzz, browsers):
    """An event is read only from canonical bytes, and what was read, written again, is those bytes. Browsers read the same."""
    honest, read = people(), 0
    for number in fuzz.share("events"):
        random = fuzz.random_of("events", number)
        data = random.choice((mutated, resaid, resaid))(random, random.choice(honest))
        ours = verdict(events.parse, data)
        browsers.agree(fuzz.name("events", number), data, is_event=ours is not None)
        if ours is None:
            continue
        assert verdict(twin.signed, data) is not None, (fuzz.name("events", number), data)
        said = ours[1].model_dump(mode="json", by_alias=True, exclude_unset=True)
        assert rfc8785.dumps(said) == data, (fuzz.name("events", number), data)
        read += 1
    browsers.finish()
    assert read > number * 0.03


def test_the_reader_of_envelopes_agrees_with_its_twin(fuzz):
    """Shape, type, base64 and length of signatures: mutated envelopes get the same verdict and the same bytes."""
    honest = [key_of("fuzz").sign_event(payload).to_json() for payload in people()]
    read = 0

    def ours(data: bytes) -> Any:
        envelope = Envelope.parse(read_json(data))
        return envelope.payload, envelope.key, envelope.signature

    for number in fuzz.share("envelopes"):
        random = fuzz.random_of("envelopes", number)
        data = respelled(random, random.choice(honest))
        found = verdict(ours, data)
        expected = verdict(lambda data: twin.envelope(twin.wire(data)), data)
        assert same(found, expected), (fuzz.name("envelopes", number), data, found, expected)
        read += found is not None
        verdict(read_submission, b'{"envelope":%s}' % data)
    assert read > number * 0.05


def respelled(random: Random, data: bytes) -> bytes:
    """An envelope changed where base64 and names can be: alphabet, padding, bits behind the end, white space."""
    at = random.randrange(len(data))
    match random.randrange(8):
        case 0:
            return data.replace(b"+", b"-").replace(b"/", b"_")
        case 1:
            return data.replace(b"=", b"", random.randrange(1, 3))
        case 2:
            return data.replace(b'="', b'=="', 1)
        case 3:
            return (
                data[:at] + random.choice((b" ", b"\\n", b"=", b"\\u0041", b"A", b"%2B", b"\x00")) + data[at:]
            )
        case 4:
            # Bits behind the end: two texts for the same bytes, unless the reader looks.
            end = data.index(b'=="')
            return data[: end - 1] + random.choice((b"A", b"B", b"g", b"w", b"x")) + data[end:]
        case 5:
            return resaid(random, data)
        case 6:
            return mutated(random, data, 1)
        case _:
            return data[:at] + bytes([data[at] ^ 32]) + data[at + 1 :]
