"""Events: the golden bytes of every kind, their spoiled twins, and what sealing asks."""

import json
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

import examples
import make_vectors
from traceability.core import book, canonical, events
from traceability.core.errors import Invalid, Malformed
from traceability.core.forms import Form
from traceability.core.ids import commitment, derive, to_unpadded
from traceability.core.record import Place
from traceability.core.signing import Envelope, PublicKey, event_id

VECTORS = Path(__file__).parent / "vectors"
KINDS: dict[str, Any] = json.loads((VECTORS / "events.json").read_text())["kinds"]
GOLDEN: dict[str, Any] = json.loads((VECTORS / "traceability" / "golden.json").read_text())


def test_every_kind_has_a_golden_example() -> None:
    """The vectors hold exactly the kinds of the union."""
    assert set(KINDS) == set(events.KINDS)


@pytest.mark.parametrize("kind", events.KINDS)
def test_golden_bytes(kind: str) -> None:
    """The example's bytes and id are what they were when the format was fixed."""
    payload = KINDS[kind]["payload"].encode()
    assert examples.encoded(kind) == payload
    assert events.parse(payload).kind == kind
    assert event_id(payload) == KINDS[kind]["event_id"]
    assert rfc8785.dumps(json.loads(payload)) == payload


@pytest.mark.parametrize(
    ("kind", "fault"), [(kind, fault) for kind in KINDS for fault in KINDS[kind]["spoiled"]]
)
def test_spoiled_twins_are_refused(kind: str, fault: str) -> None:
    """A payload with one fault is refused, with a sentence that names it."""
    with pytest.raises(Malformed) as refusal:
        events.parse(KINDS[kind]["spoiled"][fault].encode())
    assert len(str(refusal.value)) > 15


def test_vectors_are_what_the_generator_writes() -> None:
    """Nobody edited the vectors by hand."""
    assert make_vectors.vectors()["kinds"] == KINDS


@pytest.mark.parametrize("kind", events.KINDS)
def test_every_required_field_is_required(kind: str) -> None:
    """Leaving out any one field of an example either keeps it valid because it is optional, or is refused."""
    whole = examples.payload(kind)
    optional = {
        name
        for name, info in type(events.parse(examples.encoded(kind))).model_fields.items()
        if not info.is_required()
    }
    for field in whole:
        part = {name: value for name, value in whole.items() if name != field}
        if field in optional:
            events.encode(part)
        else:
            with pytest.raises(Malformed):
                events.encode(part)


@pytest.mark.parametrize("kind", events.KINDS)
def test_no_field_is_null(kind: str) -> None:
    """An absent field is left out: null in the place of any field, required or not, is refused."""
    payload = {"seen": {"root": "0" * 64, "size": 1}, **examples.payload(kind)}
    assert b'"seen":null' not in events.encode(payload)
    waiting: list[Any] = [payload]
    while waiting:
        at = waiting.pop()
        for place in list(at) if isinstance(at, dict) else range(len(at)):
            kept, at[place] = at[place], None
            with pytest.raises(Malformed):
                events.parse(rfc8785.dumps(payload))
            at[place] = kept
            waiting += [kept] if isinstance(kept, dict | list) else []


@pytest.mark.threat("T81")
def test_no_open_field_is_about_a_person() -> None:
    """No kind has a field named for a person, a price or an exact place outside what is sealed."""
    private = {
        "name",
        "phone",
        "email",
        "id_number",
        "price",
        "prices",
        "amount",
        "latitude_e7",
        "longitude_e7",
    }
    allowed = {
        ("GenesisBody", "name"),
        ("Authority", "name"),
        ("SiteRegistrationBody", "name"),
        ("SortedClass", "name"),
        ("PolicyValue", "name"),
        ("ZoneBody", "name"),
        ("Figure", "name"),
    }
    seen: set[type] = set()

    def walk(form: type) -> None:
        if form in seen:
            return
        seen.add(form)
        for name, info in form.model_fields.items():  # type: ignore[attr-defined]
            assert name not in private or (form.__name__, name) in allowed, (form.__name__, name)
            for inner in _forms(info.annotation):
                walk(inner)

    for kind in events.Event.__args__:  # type: ignore[attr-defined]
        walk(kind)
    assert len(seen) > 50


def _forms(annotation: Any) -> list[type]:
    if isinstance(annotation, type) and issubclass(annotation, Form):
        return [annotation]
    return [form for inner in getattr(annotation, "__args__", ()) for form in _forms(inner)]


@pytest.mark.parametrize("event", GOLDEN["events"], ids=lambda event: event["kind"])
def test_golden_envelopes_of_another_implementation(event: Any) -> None:
    """Envelopes, ids and derived lots are those of an implementation that shares nothing with this one."""
    keys = {key["key_id"]: PublicKey(_base64(key["spki_b64"])) for key in GOLDEN["keys"]}
    envelope = Envelope.parse(event["envelope"])
    envelope.verify(keys[envelope.key])
    assert envelope.payload.decode() == event["payload"]
    assert event_id(envelope.payload) == event["pae_sha256_event_id"]
    assert events.parse(envelope.payload).kind == event["kind"]
    assert json.loads(envelope.to_json()) == event["envelope"]


def test_golden_ids_and_commitment() -> None:
    """Derived ids and commitments are those of an implementation that shares nothing with this one."""
    for made in GOLDEN["ids"]:
        assert derive(made["type"], made["key_id"], made["nonce"]) == made["id"]
    sealed = GOLDEN["commitment"]
    assert (
        commitment(sealed["salt"], sealed["path"], canonical.encode(sealed["value"])) == sealed["commitment"]
    )


def _base64(text: str) -> bytes:
    import base64

    return base64.b64decode(text)


SALT = to_unpadded(bytes(range(16)))


def _sealed(path: str, value: Any) -> events.Event:
    whole = examples.payload("transfer")
    whole["sealed"] = [[path, commitment(SALT, path, canonical.encode(value))]]
    return events.parse(events.encode(whole))


@pytest.mark.threat("T82")
def test_a_disclosure_opens_its_commitment_only() -> None:
    """The committed value is accepted; another value, salt or path is not."""
    price = [{"lots": [examples.LOT], "price": {"currency": "USD", "value": "312.50"}}]
    event = _sealed("/prices", price)
    events.check_disclosure(event, SALT, "/prices", price)
    for salt, path, value in [
        (SALT, "/prices", [{**price[0], "price": {"currency": "USD", "value": "312.51"}}]),
        (to_unpadded(bytes(16)), "/prices", price),
        (SALT, "/note", price),
        (SALT, "/terms", "cash"),
        (SALT, "prices", price),
        (SALT, "x/prices", price),
        (SALT, "", price),
    ]:
        with pytest.raises(Invalid):
            events.check_disclosure(event, salt, path, value)


def test_a_disclosed_value_has_the_form_of_its_field() -> None:
    """A commitment to something else than the field may hold is caught when it is opened."""
    event = _sealed("/prices", "three hundred dollars")
    with pytest.raises(Malformed):
        events.check_disclosure(event, SALT, "/prices", "three hundred dollars")


def test_a_sealed_field_never_stands_in_the_body() -> None:
    """Writing a private value into the open part is refused."""
    whole = examples.payload("transfer")
    whole["body"] = {**whole["body"], "note": "for the minister"}
    with pytest.raises(Malformed):
        events.encode(whole)


@given(st.binary(max_size=300))
def test_bytes_that_are_no_event_are_malformed(data: bytes) -> None:
    """Whatever arrives, parsing answers with an event or Malformed."""
    with pytest.raises(Malformed):
        events.parse(data)


@given(st.sampled_from(events.KINDS), st.integers(min_value=0), st.binary(min_size=1, max_size=3))
def test_a_changed_byte_is_refused_or_gives_another_id(kind: str, place: int, new: bytes) -> None:
    """No two byte strings are one event: a change is refused, or reads as a different event."""
    payload = examples.encoded(kind)
    place %= len(payload)
    changed = payload[:place] + new + payload[place + len(new) :]
    try:
        event = events.parse(changed)
    except Malformed:
        return
    assert canonical.dump(json.loads(changed)) == changed
    assert changed == payload or event_id(changed) != event_id(payload)
    assert event.kind in events.KINDS


def test_golden_chain_of_the_book() -> None:
    """A lot's chain over its entries is that of an implementation that shares nothing with this one."""
    place = Place(0)
    for index, event in enumerate(GOLDEN["events"]):
        place = book.advance(place, index, book.link(index, event["pae_sha256_event_id"]))
        assert place.chain.hex() == event["lot_chain_after_hex"]


def test_codes_of_a_roll_are_one_for_each_of_its_tags() -> None:
    """All of them in order, each once, and each with the check character by which typing finds it."""
    event = json.loads(examples.encoded("tag_issue"))
    event["body"]["count"] = 2
    good = [{"code": "3X5K8WQ2M7T0T", "number": 1}, {"code": "7Q2M8WX5K3T1S", "number": 2}]
    for codes, said in (
        (good, None),
        (good[:1], "has 2 tags"),
        (good[::-1], "has 2 tags"),
        ([good[0], {**good[0], "number": 2}], "has 2 tags"),
        ([good[0], {"code": "3X5K8WQ2M7T00", "number": 2}], "one character is wrong"),
    ):
        event["sealed"] = [["/codes", commitment(SALT, "/codes", canonical.encode(codes))]]
        issue = events.parse(events.encode(event))
        if said is None:
            events.check_disclosure(issue, SALT, "/codes", codes)
        else:
            with pytest.raises(Malformed, match=said):
                events.check_disclosure(issue, SALT, "/codes", codes)
