"""Writes tests/vectors/events.json from tests/examples.py: run it when the format changes on purpose.

Each kind has its canonical payload and event id, and *spoiled twins*: payloads with one fault each, named
by it, that every reader must refuse.
"""

import json
import re
from pathlib import Path

import examples
from traceability.core import events
from traceability.core.header import MOVING
from traceability.core.signing import event_id

HERE = Path(__file__).parent / "vectors" / "events.json"


def spoiled(payload: bytes) -> dict[str, str]:
    """The payload with one fault each, by the fault's name."""
    text = payload.decode()
    kind = re.search(r'"kind":"([a-z_]+)"', text)
    assert kind
    twins = {
        "duplicate_key": text[:-1] + ',"version":1}',
        "white_space": text.replace(":", ": ", 1),
        "trailing_line_feed": text + "\n",
        "byte_order_mark": "\ufeff" + text,
        "keys_out_of_order": '{"version":1,' + text[1:].replace(',"version":1}', "}"),
        "unknown_field": text.replace('"version":1', '"version":1,"why":"x"'),
        "unknown_field_in_body": text.replace('"body":{', '"body":{"aaa":"x",', 1),
        "float_sequence": text.replace('"sequence":3', '"sequence":3.0'),
        "exponent_sequence": text.replace('"sequence":3', '"sequence":3e0'),
        "huge_sequence": text.replace('"sequence":3', '"sequence":9007199254740993'),
        "negative_sequence": text.replace('"sequence":3', '"sequence":-3'),
        "text_sequence": text.replace('"sequence":3', '"sequence":"3"'),
        "null_previous": re.sub(r'"previous":\[.*?\],"sealed"', '"previous":null,"sealed"', text),
        "version_float": text.replace('"version":1', '"version":1.0'),
        "version_true": text.replace('"version":1', '"version":true'),
        "version_two": text.replace('"version":1', '"version":2'),
        "capital_key_id": re.sub(
            r'"key":"([0-9a-f]{64})","kind"', lambda m: f'"key":"{m[1].upper()}","kind"', text
        ),
        "short_party": re.sub(r'("kind":.*?"party":"[0-9a-z]{25})[0-9a-z]', r"\1", text),
        "unassigned_letter_in_party": re.sub(r'("log":"[^"]*","party":")[0-9a-z]', r"\1l", text),
        "no_such_day": text.replace("2026-03-14T10:10:00Z", "2026-02-30T10:10:00Z"),
        "time_with_offset": text.replace("2026-03-14T10:10:00Z", "2026-03-14T10:10:00+01:00"),
        "leap_second": text.replace("2026-03-14T10:10:00Z", "2026-03-14T10:10:60Z"),
        "needless_escape": text.replace('"version"', '"\\u0076ersion"'),
        "unknown_kind": text.replace(f'"kind":"{kind[1]}"', '"kind":"blessing"'),
        "sealed_of_no_field": re.sub(
            r'"sealed":\[.*?\],"se', f'"sealed":[["/nothing","{examples.COMMITMENT}"]],"se', text
        ),
        "sealed_with_bad_commitment": re.sub(r'"sealed":\[.*?\],"se', '"sealed":[["/note","abc"]],"se', text),
        "no_time": re.sub(r'"event_time":"[^"]*",', "", text),
        "control_character": text.replace('"log":"ledger', '"log":"led\\u0007ger'),
        "foreign_digits": text.replace("2026-03-14T", "٢٠٢٦-03-14T"),
    }
    moves = kind[1] in MOVING
    previous = "[]" if moves else json.dumps(examples.PREVIOUS, separators=(",", ":"))
    twins["moves_nothing" if moves else "moves_a_lot"] = re.sub(
        r'"previous":\[.*?\],"sealed"', f'"previous":{previous},"sealed"', text
    )
    if '"unit":"KGM","value":"' in text:
        twins["comma_in_a_mass"] = re.sub(r'("unit":"KGM","value":")[^"]*', r"\g<1>1,250", text, count=1)
        twins["no_mass"] = re.sub(
            r'("(?:net|mass|mass_per_day)":\{"unit":"KGM","value":")[^"]*', r"\g<1>0", text, count=1
        )
        twins["unknown_unit"] = text.replace('"unit":"KGM"', '"unit":"LBR"', 1)
    assert all(twin != text for twin in twins.values()), [n for n, t in twins.items() if t == text]
    return twins


def vectors() -> dict[str, object]:
    made = {}
    for kind in events.KINDS:
        payload = examples.encoded(kind)
        made[kind] = {
            "payload": payload.decode(),
            "event_id": event_id(payload),
            "spoiled": spoiled(payload),
        }
    return {
        "about": "One example of every kind of event, its id, and twins with one fault each. Made by "
        "tests/make_vectors.py; the keys are published test keys.",
        "kinds": made,
    }


if __name__ == "__main__":
    HERE.write_text(json.dumps(vectors(), indent=1, ensure_ascii=False) + "\n")
