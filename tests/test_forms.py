"""What the fields of events must hold beyond their types: each rule met, and each broken once."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import examples
from traceability.core import book, canonical, events, fold
from traceability.core.errors import Invalid, Malformed
from traceability.core.forms import Form
from traceability.core.ids import EventId, commitment, to_unpadded

OTHER = "0" * 26
STONES = {
    "mineral": "diamond",
    "form": "rough",
    "weighing": {"net": {"unit": "CTM", "value": "6.35"}, "basis": "measured"},
    "count": 14,
}


def changed(kind: str, change: Callable[[dict[str, Any]], object], **header: Any) -> dict[str, Any]:
    """The example of a kind with its body (and header) changed."""
    whole: dict[str, Any] = copy.deepcopy(examples.payload(kind))
    change(whole["body"])
    return {**whole, **header}


def put(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Sets what stands at a path; `...` takes it out."""

    def change(body: dict[str, Any]) -> None:
        *way, last = path.split("/")
        at: Any = body
        for token in way:
            at = at[int(token)] if isinstance(at, list) else at[token]
        if value is ...:
            del at[last]
        elif isinstance(at, list):
            at[int(last)] = value
        else:
            at[last] = value

    return change


def both(*changes: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], None]:
    def change(body: dict[str, Any]) -> None:
        for one in changes:
            one(body)

    return change


ITEM = {"number": "1", "mass": {"unit": "CTM", "value": "2"}}
KILO = {"unit": "KGM", "value": "1"}
ASSAY = {"lots": [examples.LOT], "analyte": "sn", "ppm": 684000, "on": "dry", "method": "icp"}
ENTRY = {"origin": "ledger.example.org/rw", "index": 7, "leaf_hash": examples.EVENT}
RING = [[0, 0], [10, 0], [10, 10], [0, 0]]


def kimberley(of_lines: str = "6.35") -> Callable[[dict[str, Any]], None]:
    """The certificate as one for diamonds, 6.35 ct, with so many in its one line."""
    line = {"hs": "7102.10.00", "mass": {"unit": "CTM", "value": of_lines}, "count": 14}
    return both(
        put("scheme", "kimberley"),
        put("mineral", "diamond"),
        put("hs", "7102.10.00"),
        put("grade", ...),
        put("mineral", "diamond"),
        put("hs", "7102.10.00"),
        put("parcels", 1),
        put("mass", {"unit": "CTM", "value": "6.35"}),
        put("lines", [line]),
    )


REFUSED: list[tuple[str, str, Callable[[dict[str, Any]], object]]] = [
    # any body
    ("acting_for and delegation together", "transfer", put("acting_for", OTHER)),
    ("acting_for and delegation together", "transfer", put("delegation", examples.EVENT)),
    ("when it was entered", "transfer", put("source", "paper")),
    ("when it was entered", "delegation_end", put("source", "paper")),
    ("for nobody else", "delegation_end", put("acting_for", OTHER)),
    ("somebody else than the signer", "transfer", both(put("acting_for", examples.TRADER_PARTY), put("delegation", examples.EVENT))),
    ("saying false", "genesis", put("demo", False)),
    ("saying false", "enrolment", put("provisional", False)),
    # bytes in one spelling: the last character has bits that must be nought
    ("base64url", "enrolment", put("keys/0/proof", "AB")),
    ("base64url", "enrolment", put("keys/0/public_key", "A")),
    ("base64url", "key_addition", put("key/proof", "____5")),
    ("base64url", "genesis", put("authorities/0/keys/0/public_key", "AAC")),
    # registry
    ("neither roles nor keys", "enrolment", put("nonce", ...)),
    ("public_name", "enrolment", put("type", "authority")),
    ("guardian once", "enrolment", put("guardians", {"parties": [OTHER], "quorum": 2})),
    ("guardian once", "enrolment", put("guardians", {"parties": [OTHER, OTHER], "quorum": 1})),
    ("roles to add or to remove", "role_change", put("add", ...)),
    ("both added and removed", "role_change", put("remove", ["exporter"])),
    ("trusted_sequence or trusted_until", "key_revocation", put("trusted_until", "2026-03-14T10:10:00Z")),
    ("one principal or for one site", "delegation", put("site", OTHER)),
    ("one principal or for one site", "delegation", put("principal", ...)),
    ("until lies before from", "delegation", put("until", "2025-12-31")),
    ("site_usual", "site_registration", put("usual_assays", [{**ASSAY, "method": "site_usual"}])),
    ("site_usual", "site_registration", put("usual_assays", [{"analyte": "sn", "ppm": 684000, "on": "dry", "method": "icp"}])),
    ("street", "site_registration", put("locality", {"country": "CF", "locality": "Ngotto", "street": "1"})),
    ("rolls of other schemes", "tag_issue", put("numbers", {"prefix": "", "first": 1, "last": 500, "digits": 3, "suffix": ""})),
    ("rolls of other schemes", "tag_issue", put("scheme", "itsci")),
    ("last lies before first", "tag_allocation", put("last", 200)),
    # lots
    ("names no lots", "production", put("lots/0/weighing/lots", [examples.LOT])),
    ("names no lots", "production", put("lots/0/assays", [ASSAY])),
    ("says how many", "production", put("lots/0/mineral", "diamond")),
    ("number of its own", "production", put("lots/0/items", [ITEM, ITEM])),
    ("items weigh more", "production", put("lots/0/items", [{**ITEM, "mass": {"unit": "KGM", "value": "38.41"}}])),
    ("more followed items", "production", both(put("lots/0/count", 1), put("lots/0/items", [ITEM, {**ITEM, "number": "2"}]))),
    ("classes weigh more", "production", put("lots/0/classes", [{"name": "a", "count": 1, "mass": {"unit": "KGM", "value": "39"}}])),
    ("more stones in the classes", "production", both(put("lots/0/count", 1), put("lots/0/classes", [{"name": "a", "count": 2, "mass": KILO}]))),
    ("at least 1", "production", put("lots/0/also", [])),
    ("at least 1", "production", put("lots/0/assays", [])),
    ("on a lot once", "production", put("lots/0/tags", ["itsci:1", "itsci:1"])),
    ("nonce of its own", "production", put("lots/1/nonce", examples.nonce(7))),
    ("earlier_stock was counted", "intake", put("stock_date", ...)),
    ("earlier_stock was counted", "intake", put("origin", "found")),
    ("entry of an other_ledger", "intake", put("foreign", ENTRY)),
    ("entry of an other_ledger", "intake", both(put("origin", "other_ledger"), put("stock_date", ...))),
    # weighings
    ("gross and tare together", "transfer", put("weighings/0/tare", ...)),
    ("gross less tare", "transfer", put("weighings/0/gross/value", "38.76")),
    ("less than a microgram", "transfer", put("weighings/0/net", {"unit": "GRM", "value": "0.0000001"})),
    ("more than 9,000 t", "transfer", put("weighings/0/net/value", "9000001")),
    ("which lots lay on the scale", "transfer", put("weighings/0/lots", ...)),
    ("weighed once", "transfer", put("weighings/0/lots", [examples.LOT, examples.LOT])),
    ("which lots it stands for", "acceptance", put("assays", [{k: v for k, v in ASSAY.items() if k != "lots"}])),
    ("about one lot", "retagging", put("weighing", examples.kilograms("1", lots=[examples.LOT]))),
    # what is said of lots must be of this event's lots
    ("this event moves or names", "acceptance", put("conditions/0/lots", [examples.OTHER_LOT])),
    ("this event moves or names", "acceptance", put("assays", [{**ASSAY, "lots": [examples.OTHER_LOT]}])),
    ("this event moves or names", "acceptance", put("moistures", [{"lots": [OTHER], "ppm": 1}])),
    ("this event moves or names", "import", put("moistures/0/lots", [examples.LOT, OTHER])),
    ("this event moves or names", "inspection", put("assays/0/lots", [OTHER])),
    # single kinds
    ("return undoes", "transfer", put("purpose", "return")),
    ("return undoes", "transfer", put("returns", examples.EVENT)),
    ("how processing was done", "transformation", put("steps", ...)),
    ("how processing was done", "transformation", put("type", "split")),
    ("names its lots", "inspection", both(put("lots", ...), put("assays", ...), put("sample", ...))),
    ("whose stock was counted", "inspection", put("party", OTHER)),
    ("whose stock was counted", "inspection", put("type", "stock_count")),
    ("belong to a stock_count", "inspection", put("missing", [OTHER])),
    ("out of one lot", "inspection", put("lots", [examples.LOT, examples.OTHER_LOT])),
    ("only a sample's number", "inspection", both(put("lots", ...), put("sample", ...), put("sample_number", "L-88"))),
    ("confirmed abroad", "import", put("authority", "Kastam")),
    ("confirmed abroad", "import", put("reported_by", "importing_authority")),
    ("say what is right", "correction", put("fields", ...)),
    ("say what is right", "correction", put("reason", "did_not_occur")),
    # the ground
    ("status and status_from together", "site_inspection", both(put("status", ...), put("status_until", ...))),
    ("status and status_from together", "site_inspection", both(put("status_from", ...), put("status_until", ...))),
    ("status_until needs a status_from", "site_inspection", put("status_until", "2026-03-11")),
    ("suspended_until needs a suspended_from", "site_inspection", put("suspended_until", "2026-03-11")),
    ("at least 1", "site_inspection", put("criteria", [])),
    ("until lies before from", "capacity_estimate", put("until", "2026-01-09")),
    ("less than or equal to 31", "capacity_estimate", put("days_per_month", 32)),
    ("expires lies before granted", "licence_grant", put("expires", "2026-01-14")),
    ("quota's until lies before its from", "licence_grant", put("quota/until", "2026-01-14")),
    ("name tags, or a roll", "tag_void", put("tags", ...)),
    ("name tags, or a roll", "tag_void", put("roll", examples.ROLL)),
    ("name tags, or a roll", "tag_void", both(put("tags", ...), put("roll", examples.ROLL), put("first", 1))),
    ("last lies before first", "tag_void", both(put("tags", ...), put("roll", examples.ROLL), put("first", 2), put("last", 1))),
    ("name each tag once", "tag_void", put("tags", ["itsci:1", "itsci:1"])),
    ("regions or a polygon", "zone", put("regions", ...)),
    ("regions or a polygon", "zone", put("polygon", RING)),
    ("closed ring", "zone", both(put("regions", ...), put("polygon", [*RING[:3], [1, 1]]))),
    ("units of 1e-7", "zone", both(put("regions", ...), put("polygon", [[0, 0], [0, 900_000_001], [1, 1], [0, 0]]))),
    ("until lies before from", "zone", put("until", "2025-12-31")),
    ("until lies before from", "reference", put("until", "2026-02-28")),
    ("what the figure is about", "reference", put("mineral", ...)),
    ("has a currency", "reference", put("currency", ...)),
    ("has a currency", "reference", both(put("type", "exchange_rate"), put("currency", ...))),
    ("whose production", "reference", put("type", "production")),
    # papers and money
    ("name each lot once", "certificate", put("lots", [examples.LOT, examples.LOT])),
    ("expires lies before issued", "certificate", put("expires", "2026-04-09")),
    ("at most 90 days", "certificate", put("expires", "2026-07-10")),
    ("grade stands", "certificate", put("grade", ...)),
    ("grade stands", "certificate", put("scheme", "other")),
    ("lines and parcels", "certificate", put("parcels", 1)),
    ("lines and parcels", "certificate", put("lines", [{"hs": "7102.10.00", "mass": {"unit": "KGM", "value": "79.100"}}])),
    ("three decimals", "certificate", put("mass/value", "79.1000")),
    ("add up to the mass", "certificate", kimberley("6.34")),
    ("importer stands open", "certificate", put("importer", OTHER)),
    ("give mass", "certificate_use", put("mass", ...)),
    ("lots, or their transfer", "payment", put("lots", ...)),
    ("lots, or their transfer", "payment", put("transfer", examples.EVENT)),
    ("open both, or sealed both", "payment", put("of", ...)),
    ("stands open or sealed", "payment", both(put("of", ...), put("to", ...))),
    ("should be 'seller'", "payment", put("to", "armed_group")),
    ("should be 'price'", "payment", put("of", "unofficial")),
    # concerns
    ("happened_until lies before", "incident", put("happened_until", "2026-03-10")),
    ("does not match", "incident", put("subjects", [{"type": "weather", "id": "rain"}])),
    ("of the form|should be", "incident", put("subjects", [{"type": "key", "id": OTHER}])),
    ("of the form|should be", "incident", put("subjects", [{"type": "route", "id": "CF-HS;cf"}])),
    ("at least 1", "incident", put("subjects", [])),
    ("name an incident, or a finding", "response", put("about/incident", examples.EVENT)),
    ("name an incident, or a finding", "response", put("about/lot", ...)),
    ("name an incident, or a finding", "response", put("about", {})),
    ("day on which it is due", "response", put("due", ...)),
    ("day on which it is due", "response", put("act", "explanation")),
    ("at least 1", "hold", put("subjects", [])),
    ("name each path once", "redaction", put("paths", ["/entity", "/entity"])),
    ("seed and population", "audit", put("seed", ...)),
    ("seed and population", "audit", put("act", "result")),
    ("sample belongs to a result", "audit", put("sample", [examples.LOT])),
    ("sample belongs to a result", "audit", both(put("act", "result"), put("seed", ...), put("population", ...))),
    ("until lies before from", "audit", put("until", "2025-12-31")),
    # sealed
    ("importer stands open", "export", put("importer", OTHER)),
    ("codes of our own tags", "tag_issue", both(put("scheme", "itsci"), put("numbers", {"prefix": "", "first": 1, "last": 500, "digits": 3, "suffix": ""}))),
    ("open, or sealed", "correction", put("fields/0/is", ...)),
]  # fmt: skip


@pytest.mark.parametrize(("said", "kind", "change"), REFUSED)
def test_each_rule_broken_once(said: str, kind: str, change: Callable[[dict[str, Any]], object]) -> None:
    """The example with one thing wrong is refused, and the sentence is the rule's own."""
    with pytest.raises(Malformed, match=said):
        events.encode(changed(kind, change))


TAKEN: list[tuple[str, Callable[[dict[str, Any]], object], dict[str, Any]]] = [
    ("enrolment", both(put("nonce", ...), put("roles", []), put("keys", ...)), {}),
    ("tag_issue", both(put("scheme", "itsci"), put("numbers", {"prefix": "", "first": 1, "last": 500, "digits": 3, "suffix": ""})), {"sealed": []}),
    ("intake", both(put("origin", "other_ledger"), put("stock_date", ...), put("foreign", ENTRY)), {}),
    ("production", put("lots/0", {"nonce": examples.nonce(7), **STONES}), {}),
    ("transfer", both(put("purpose", "return"), put("returns", examples.EVENT)), {}),
    ("transfer", put("captured_time", "2026-03-14T18:00:00Z"), {}),
    ("delegation_end", both(put("source", "device"), put("captured_time", "2026-03-14T18:00:00Z")), {}),
    ("site_registration", put("usual_assays", [{"analyte": "sn", "ppm": 684000, "on": "dry", "method": "site_usual"}]), {}),
    ("transformation", both(put("type", "split"), put("steps", ...)), {}),
    ("inspection", both(put("type", "visit"), put("lots", ...), put("assays", ...), put("sample", ...)), {}),
    ("inspection", both(put("type", "stock_count"), put("party", OTHER), put("missing", [OTHER]), put("sample", ...)), {}),
    ("inspection", both(put("lots", ...), put("sample", ...), put("sample_number", "L-88"), put("assays/0/lots", ...)), {}),
    ("import", both(put("reported_by", "importing_authority"), put("authority", "Kastam")), {}),
    ("export", put("importer", OTHER), {"sealed": []}),
    ("correction", both(put("reason", "did_not_occur"), put("fields", ...)), {}),
    ("correction", put("fields/0/is", ...), {"sealed": [["/fields/0/is", examples.COMMITMENT]]}),
    ("correction", put("fields/0/is", 14), {}),
    ("site_inspection", both(put("status", ...), put("status_from", ...), put("status_until", ...)), {}),
    ("site_inspection", both(put("suspended_from", "2026-03-12"), put("status_until", ...)), {}),
    ("tag_void", both(put("tags", ...), put("roll", examples.ROLL), put("first", 2), put("last", 2)), {}),
    ("zone", both(put("regions", ...), put("polygon", RING)), {}),
    ("reference", both(put("type", "production"), put("country", "CF"), put("currency", ...)), {}),
    ("reference", both(put("type", "exchange_rate"), put("mineral", ...), put("currency", "XAF")), {}),
    ("certificate", kimberley(), {}),
    ("certificate", both(put("scheme", "other"), put("grade", ...), put("expires", "2027-04-10")), {}),
    ("certificate_use", both(put("act", "void"), put("mass", ...), put("export", ...)), {}),
    ("payment", both(put("to", ...), put("of", ...)), {"sealed": [["/amount", examples.COMMITMENT], ["/of", examples.COMMITMENT], ["/to", examples.COMMITMENT]]}),
    ("payment", both(put("lots", ...), put("transfer", examples.EVENT)), {}),
    ("incident", put("subjects", [{"type": "policy", "id": "policy"}, {"type": "tag", "id": "itsci:1"}, {"type": "key", "id": examples.EVENT}]), {}),
    ("response", both(put("about", {"incident": examples.EVENT}), put("act", "checked"), put("due", ...)), {}),
    ("audit", both(put("act", "result"), put("seed", ...), put("population", ...), put("sample", [examples.LOT])), {}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "change", "header"), TAKEN)
def test_what_the_rules_allow(
    kind: str, change: Callable[[dict[str, Any]], object], header: dict[str, Any]
) -> None:
    """Variants that keep the rules are events."""
    assert events.parse(events.encode(changed(kind, change, **header))).kind == kind


def test_required_sealed_fields_are_required_also_in_a_restatement() -> None:
    """Who restates a party or a site seals its entity or position again."""
    for kind, gone in (("enrolment", ("nonce", "keys")), ("site_registration", ("nonce",))):
        whole = changed(kind, both(*(put(name, ...) for name in gone)))
        whole["body"]["roles"] = []
        if kind == "site_registration":
            del whole["body"]["roles"]
        events.encode(whole)
        with pytest.raises(Malformed, match="must be sealed"):
            events.encode({**whole, "sealed": []})


# Sealing


def _sealable(form: type[Form], path: str = "") -> list[str]:
    """Every path of a sealed field that a body of this form could have, list positions as 0."""
    found = [f"{path}/{name}" for name in form.sealed_fields]
    for name, info in form.model_fields.items():
        inner, in_list = _form_in(info.annotation)
        if inner is not None:
            found += _sealable(inner, f"{path}/{info.alias or name}{'/0' if in_list else ''}")
    return found


def _form_in(annotation: Any) -> tuple[type[Form] | None, bool]:
    if isinstance(annotation, type) and issubclass(annotation, Form):
        return annotation, False
    for inner in getattr(annotation, "__args__", ()):
        found, in_list = _form_in(inner)
        if found is not None:
            return found, in_list or getattr(annotation, "__origin__", None) is list
    return None, False


@pytest.mark.parametrize("kind", events.KINDS)
def test_only_fields_marked_sealed_are_sealed(kind: str) -> None:
    """Each sealed field may stand in `sealed` where its place exists; its parts and neighbours may not."""
    whole = examples.payload(kind)
    body = events.parse(examples.encoded(kind)).body
    paths = _sealable(type(body))
    assert {"/place", "/note", "/responsible"} <= set(paths)
    standing = [path for path, _ in whole["sealed"]]
    exact = {
        ("export", "/importer"), ("tag_issue", "/codes"), ("correction", "/fields/0/is"), ("payment", "/to"),
        ("payment", "/of"),
    }  # fmt: skip
    for path in paths:
        place = path.rsplit("/", 1)[0]
        there = _exists(whole["body"], place)
        sealed = sorted({*standing, path})
        lines = [[path_, examples.COMMITMENT] for path_ in sealed]
        if (kind, path) not in exact:
            _expect({**whole, "sealed": lines}, good=there)
        for other in (
            f"{path}/0",
            f"{path}x",
            f"{path}/name",
            path.replace("/0", "/00") + "y",
            f"{place}//x",
        ):
            _expect({**whole, "sealed": sorted([*lines, [other, examples.COMMITMENT]])}, good=False)
    for other in ("/kind", "/body", "", "/", "note", "/acting_for", "/source", "/lots", "/previous"):
        lines = sorted([*([p, examples.COMMITMENT] for p in standing), [other, examples.COMMITMENT]])
        _expect({**whole, "sealed": lines}, good=False)
    twice = sorted([*([p, examples.COMMITMENT] for p in standing), *[["/note", examples.COMMITMENT]] * 2])
    _expect({**whole, "sealed": twice}, good=False)


def _exists(body: Any, place: str) -> bool:
    at = body
    for token in place.split("/")[1:]:
        try:
            at = at[int(token)] if isinstance(at, list) else at[token]
        except (KeyError, IndexError):
            return False
    return True


def _expect(whole: dict[str, Any], *, good: bool) -> None:
    if good:
        events.encode(whole)
    else:
        with pytest.raises(Malformed):
            events.encode(whole)


SALT = to_unpadded(bytes(range(16)))
DEEP: Any = "x"
for _ in range(2000):
    DEEP = [DEEP]


NO_VALUES: dict[str, Any] = {
    "a float": 1.5,
    "null": None,
    "NaN": float("nan"),
    "2^60": 2**60,
    "not NFC": "e\u0301",
    "turned": "a\u202eb",
    "a surrogate": "\ud800",
    "a key in capitals": {"A": 1},
    "null inside": {"a": {"b": None}},
    "nested 2,000": DEEP,
    "bytes": b"x",
}


@pytest.mark.parametrize("name", NO_VALUES)
def test_a_disclosed_value_is_of_the_subset_too(name: str) -> None:
    """Whatever is disclosed for a corrected value, it is Malformed, and never a crash."""
    value = NO_VALUES[name]
    whole = changed("correction", put("fields/0/is", ...))
    whole["sealed"] = [["/fields/0/is", examples.COMMITMENT]]
    event = events.parse(events.encode(whole))
    with pytest.raises(Malformed):
        events.check_disclosure(event, SALT, "/fields/0/is", value)


def test_a_sealed_correction_may_be_any_value_of_the_subset() -> None:
    """What the corrected path holds decides its form; the commitment holds any."""
    for value in ("x", 7, True, ["a"], {"name": "Jean"}):
        whole = changed("correction", put("fields/0/is", ...))
        digest = commitment(SALT, "/fields/0/is", canonical.encode(value))
        whole["sealed"] = [["/fields/0/is", digest]]
        event = events.parse(events.encode(whole))
        events.check_disclosure(event, SALT, "/fields/0/is", value)
        with pytest.raises(Invalid):
            events.check_disclosure(event, SALT, "/fields/0/is", [value])
        with pytest.raises(Malformed):
            events.check_disclosure(event, SALT[:-2], "/fields/0/is", value)


# Sizes


def test_an_event_names_and_makes_at_most_a_thousand_lots() -> None:
    """Inputs and outputs together; a list of lots by itself; and what an intake makes."""
    lots = sorted({examples.made("lot", examples.TRADER, 0)} | {_lot(number) for number in range(1001)})

    def moving(inputs: int, outputs: int) -> dict[str, Any]:
        made = [examples.new_lot(0, "1", nonce=_nonce(number)) for number in range(outputs)]
        change = both(put("weighings", ...), put("outputs", made))
        return changed("transformation", change, previous=[{"event": examples.EVENT, "lots": lots[:inputs]}])

    events.encode(moving(900, 100))
    with pytest.raises(Malformed, match="at most 1000 lots"):
        events.encode(moving(901, 100))
    events.encode(changed("reassignment", put("lots", lots[:1000])))
    with pytest.raises(Malformed):
        events.encode(changed("reassignment", put("lots", lots[:1001])))
    events.encode(
        changed("inspection", both(put("lots", lots[:1000]), put("sample", ...), put("assays", ...)))
    )
    count = both(
        put("type", "stock_count"), put("party", OTHER), put("lots", lots[:600]), put("sample", ...),
        put("assays", ...), put("missing", lots[600:1001]),
    )  # fmt: skip
    with pytest.raises(Malformed, match="at most 1000 lots"):
        events.encode(changed("inspection", count))
    for kind in ("certificate", "payment"):
        events.encode(changed(kind, put("lots", lots[:1000])))
        with pytest.raises(Malformed):
            events.encode(changed(kind, put("lots", lots[:1001])))
    for kind, field in (("incident", "subjects"), ("hold", "subjects"), ("finding", "subjects")):
        named = [{"type": "lot", "id": lot} for lot in lots]
        events.encode(changed(kind, put(field, named[:1000])))
        with pytest.raises(Malformed):
            events.encode(changed(kind, put(field, named[:1001])))
    result = both(
        put("act", "result"), put("seed", ...), put("population", ...), put("sample", lots[:600]),
        put("scope", [{"type": "lot", "id": lot} for lot in lots[:401]]),
    )  # fmt: skip
    with pytest.raises(Malformed, match="at most 1000 lots"):
        events.encode(changed("audit", result))
    taken = [examples.new_lot(0, "1", nonce=_nonce(number)) for number in range(1001)]
    events.encode(changed("intake", put("lots", taken[:1000])))
    with pytest.raises(Malformed):
        events.encode(changed("intake", put("lots", taken)))
    with pytest.raises(Malformed):
        events.encode(changed("production", put("lots", taken[:101])))


def _nonce(number: int) -> str:
    return to_unpadded(number.to_bytes(16, "big"))


def _lot(number: int) -> str:
    letters = "0123456789abcdefghjkmnpqrstvwxyz"
    return "".join(letters[number >> shift & 31] for shift in (10, 5, 0)).rjust(26, "0")


def _correction(size: int) -> bytes:
    """A correction of exactly so many bytes."""
    fields = [{"path": "/a", "is": "x"}]
    while (short := size - len(canonical.encode(changed("correction", put("fields", fields))))) > 0:
        more = min(short, 190)
        if more == short:
            fields[-1]["is"] += "x" * more
        else:
            fields.append({"path": "/" + "a" * 160, "is": "x"})
    return canonical.encode(changed("correction", put("fields", fields)))


def test_what_names_no_lots_has_at_most_16_kib() -> None:
    """A correction of 16,384 bytes is read, one of 16,385 is not."""
    events.parse(_correction(16 * 1024))
    with pytest.raises(Malformed, match="at most 16384 bytes"):
        events.parse(_correction(16 * 1024 + 1))


def test_no_event_has_more_than_256_kib() -> None:
    """The limit is looked at before anything else is."""
    made = [examples.new_lot(0, "1", nonce=_nonce(number)) for number in range(1000)]
    whole = changed("intake", put("lots", made))
    for number, lot in enumerate(whole["body"]["lots"]):
        lot["lot_number"] = f"{number:080}"
    data = canonical.encode(whole)
    assert 200 * 1024 < len(data) <= 256 * 1024
    assert len(events.parse(data).made) == 1000
    for number, lot in enumerate(whole["body"]["lots"]):
        lot["lot_number"] = f"{number:0200}"
    with pytest.raises(Malformed, match="at most 262144"):
        events.parse(canonical.encode(whole))
    with pytest.raises(Malformed, match="at most 262144"):
        events.parse(b"x" * (256 * 1024 + 1))


# Whatever parses can be asked about

values = st.recursive(
    st.booleans()
    | st.integers(-1, 500)
    | st.sampled_from(
        [
            "",
            "x",
            "0",
            "2026-03-14",
            "2026-03-14T10:10:00Z",
            OTHER,
            examples.EVENT,
            "CF",
            "CF-LB",
            "itsci:1",
            "AB",
        ]
    ),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=3,
)


@given(st.sampled_from(events.KINDS), st.data())
def test_whatever_parses_can_be_asked_what_it_touches_and_is_about(kind: str, data: st.DataObject) -> None:
    """Change any value of an example: either it is Malformed, or touches and subjects answer without fail."""
    whole = json.loads(examples.encoded(kind))
    for _ in range(data.draw(st.integers(1, 3))):
        at: Any = whole
        while True:
            if isinstance(at, list) and not at:
                break
            token = data.draw(st.sampled_from(range(len(at)) if isinstance(at, list) else sorted(at)))
            if isinstance(at[token], dict | list) and data.draw(st.booleans()):
                at = at[token]
                continue
            at[token] = data.draw(values)
            break
    try:
        event = events.parse(canonical.encode(whole))
    except Malformed:
        return
    touched = fold.touches(event)
    about = book.subjects(event, EventId(""), lambda _: None)
    assert all(isinstance(id_, str) for _, id_ in [*touched, *about])
    if kind not in ("approval", "correction", "delegation_end", "key_revocation"):
        named = {address for address in about if address[0] != "tag"}
        assert (
            named - {("licence", ""), ("certificate", "")} <= touched
        )  # by their own id, which is not known here
