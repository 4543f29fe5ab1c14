"""A season of trade: really signed, taken whole by the fold, the same for the same seed."""

import random
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from itertools import islice
from typing import Any

import pycountry
import pytest

from both import verify
from memory import MemoryLedger
from showing import file_of
from traceability.core import events, fold, watch
from traceability.core.composition import Pool, Production, flatten
from traceability.core.findings.catalogue import RULES
from traceability.core.ids import EventId, KeyId
from traceability.core.lot_records import Lot, PoolRecord
from traceability.core.mass import leaf_pool
from traceability.core.outcome import Appended, Entry
from traceability.core.record import Address
from traceability.core.registry_records import Party
from traceability.core.report import CANNOT_TELL, HOLDS
from traceability.core.signing import SigningKey, event_id
from traceability.core.tag import normalise
from traceability.simulation import places
from traceability.simulation.credentials import credentials, scannables
from traceability.simulation.pen import DAY
from traceability.simulation.post import Signed
from traceability.simulation.season import DAYS, EVENTS_MIN, season

LOG = "ledger.example.org/demo"
END = 1_795_000_000
VKEY = MemoryLedger(LOG, genesis=False).log_signer.verifier.encode()


def stream(number: int, seed: int) -> Any:
    return season(events=number, seed=seed, log=LOG, log_vkey=VKEY, end=END)


@lru_cache(maxsize=8)
def made(number: int, seed: int = 1) -> tuple[Signed, ...]:
    return tuple(stream(number, seed))


@lru_cache(maxsize=8)
def taken(number: int, seed: int = 1) -> MemoryLedger:
    """A ledger that took the season: every event must be one the fold appends."""
    ledger = MemoryLedger(LOG, genesis=False)
    for signed in made(number, seed):
        outcome = ledger.take(signed.envelope, record_time=signed.record_time)
        assert isinstance(outcome, Appended), (signed.event.kind, outcome)
    return ledger


def rules(ledger: MemoryLedger) -> set[str]:
    return {finding.rule for kept in ledger.entries for finding in kept.outcome.findings}


@pytest.mark.parametrize(("number", "seed"), [(EVENTS_MIN, 4), (300, 1), (300, 2), (1500, 1)])
def test_every_event_is_taken(number: int, seed: int) -> None:
    """Signatures verify and no event is rejected or waits; one alone is without effect: the second sale."""
    ledger = taken(number, seed)
    assert len(ledger.entries) == number
    (lost,) = [kept for kept in ledger.entries if not kept.outcome.stands]
    assert lost.event.kind == "transfer"


@pytest.mark.parametrize(("number", "seed"), [(EVENTS_MIN, 4), (300, 1), (300, 2), (1500, 1)])
def test_record_times_never_decrease_and_end_within_the_last_day(number: int, seed: int) -> None:
    """The season begins 140 days before its end, and its last entry is of its last day."""
    times = [signed.record_time for signed in made(number, seed)]
    assert times == sorted(times)
    assert times[0] == END - DAYS * DAY
    assert END - DAY <= times[-1] <= END


def test_uploads_come_late_and_in_groups() -> None:
    """Events reach the log minutes to days after they happened, several with one signal."""
    delays, together = [], 0
    before = None
    for signed in made(1500):
        happened = events_time(signed)
        delays.append(signed.record_time - happened)
        together += before == (signed.record_time, signed.envelope.key)
        before = (signed.record_time, signed.envelope.key)
    assert together > 100
    assert sum(delay > DAY for delay in delays) > 150
    assert sum(delay < 600 for delay in delays) > 150


def events_time(signed: Signed) -> int:
    from datetime import datetime

    return int(datetime.fromisoformat(signed.event.event_time).timestamp())


def test_a_small_season_has_every_kind_of_event() -> None:
    """Three hundred events hold one of each kind there is, but for what only whoever has replayed them can say."""
    kinds = {signed.event.kind for signed in made(300)}
    assert kinds == set(events.KINDS) - {"log_key", "snapshot", "attestation"}


def test_a_season_begins_with_its_own_genesis_marked_demo() -> None:
    """The genesis says demo and names the log's key; no event names a checkpoint it has seen."""
    genesis = made(300)[0].event
    assert isinstance(genesis, events.Genesis)
    assert genesis.body.demo is True
    assert genesis.body.log_keys == [VKEY]
    assert all(signed.event.seen is None for signed in made(300))


def test_the_same_seed_gives_the_same_events() -> None:
    """Envelopes with their signatures, disclosures and times are the same each time; another seed gives others."""

    def facts(of: Iterable[Signed]) -> list[Any]:
        return [(signed.envelope.to_json(), signed.disclosures, signed.record_time) for signed in of]

    assert facts(stream(300, 1)) == facts(made(300))
    ours, others = facts(islice(stream(1500, 1), 300)), facts(islice(stream(1500, 2), 300))
    assert not {fact[0] for fact in ours} & {fact[0] for fact in others}


def test_a_season_is_made_as_it_goes() -> None:
    """The first events of a season of a million come at once: nothing is planned or kept as a whole."""
    assert len(list(islice(stream(1_000_000, 1), 100))) == 100


def test_too_short_a_season_is_refused() -> None:
    """What cannot hold every kind of event is not made."""
    with pytest.raises(ValueError, match="at least"):
        next(stream(EVENTS_MIN - 1, 1))


def test_disclosures_open_their_commitments() -> None:
    """Every sealed value comes with the event, and is of the form its field must have."""
    for signed in made(300):
        assert len(signed.disclosures) == len(signed.event.sealed)
        for disclosure in signed.disclosures:
            events.check_disclosure(signed.event, *disclosure)


def test_nobody_stands_in_clear() -> None:
    """No name of a person and no telephone number is in any payload; they are sealed."""
    people: set[str] = set()
    for signed in made(300):
        for _, _, value in signed.disclosures:
            people |= set(personal(value))
    assert len(people) > 20
    for signed in made(300):
        text = signed.envelope.payload.decode()
        assert not [word for word in people if word in text]


def personal(value: Any) -> list[str]:
    """Names and telephone numbers of persons anywhere in a disclosed value."""
    if isinstance(value, list):
        return [word for item in value for word in personal(item)]
    if not isinstance(value, dict):
        return []
    own = [value[word] for word in ("phone", "legal_representative", "driver") if word in value]
    if "name" in value and ("position" in value or "id_number" in value):
        own.append(value["name"])
    return [*own, *(word for item in value.values() for word in personal(item))]


def test_what_is_not_as_it_should_be_is_found() -> None:
    """Each odd thing that is told ends in its finding, and a small season has no other."""
    usual = {"mass_lost", "not_weighed", "lot_without_tag", "site_blue", "site_yellow", "through_zone"}
    assert rules(taken(300)) - usual == {
        "assay_revised",
        "clock_ahead",
        "double_issue",
        "from_zone",
        "intake_not_approved",
        "late_event_of_revoked_key",
        "mass_gained",
        "no_registered_site",
        "not_intact_on_arrival",
        "price_out_of_line",
        "provisional_enrolment",
        "rise_above_lowest",
        "tag_on_two_lots",
    }


def test_honest_scales_raise_no_alarm() -> None:
    """Few lots of a long season gain or lose mass beyond the bands: the scales' faults stay inside."""
    ledger = taken(3000)
    lots = [record for record in ledger.state.records.values() if isinstance(record, Lot)]
    odd = [lot for lot in lots if lot.gained_ug]
    assert len(lots) > 900
    assert len(odd) * 100 < len(lots)


@pytest.mark.parametrize("number", [300, 1500])
def test_credentials_open_what_they_say(number: int) -> None:
    """Keys, parties and lots of the credentials are those of the season, whatever its length."""
    records = taken(number).state.records
    roles = {}
    for credential in credentials(1):
        party = records["party", credential.party]
        assert isinstance(party, Party)
        assert credential.key_id in party.keys
        assert SigningKey.from_pem(credential.key_pem).id == credential.key_id
        assert credential.role.replace(" ", "_") in party.roles
        roles[credential.role] = [ledger_lot(number, lot) for lot in credential.lots]
        assert bool(roles[credential.role]) == (credential.role not in ("tag agent", "registrar", "operator"))
    parties = {credential.role: credential.party for credential in credentials(1)}
    for role in ("miner", "processor", "importer"):
        assert {lot.custodian for lot in roles[role]} == {parties[role]}
        assert {lot.state for lot in roles[role]} == {"held"}
    offered = [lot for lot in roles["trader"] if lot.state == "offered"]
    assert len(offered) == 2
    assert all(lot.offer is not None and lot.offer.recipient == parties["trader"] for lot in offered)
    assert roles["exporter"][0].custodian == parties["exporter"]


def ledger_lot(number: int, lot: Any) -> Lot:
    return taken(number).lot(lot)


@pytest.mark.parametrize("number", [300, 1500])
def test_tags_to_scan_hang_on_their_lots(number: int) -> None:
    """Each tag is on the lot it says, and its code is the one disclosed with its roll."""
    codes: dict[str, str] = {}
    for signed in made(number):
        if isinstance(signed.event, events.TagIssue) and signed.event.body.scheme == "t":
            ((_, _, listed),) = signed.disclosures
            codes |= {f"t:{signed.event.body.roll}-{line['number']}": line["code"] for line in listed}
    for scannable in scannables(1):
        assert scannable.tag in ledger_lot(number, scannable.lot).tags
        assert normalise(scannable.code) == codes[scannable.tag] == scannable.code


def test_a_drum_leads_from_arrival_back_to_two_mines() -> None:
    """One way is told in full: the drum that arrived abroad is made of bags of two sites."""
    ledger = taken(300)
    drum = ledger.lot(scannables(1)[0].lot)
    assert drum.state == "held"
    assert drum.importer == drum.custodian

    def read(pool_id: str) -> Pool:
        lot, _, number = pool_id.partition(":")
        if number == "0":
            return leaf_pool(ledger.lot(lot))  # type: ignore[arg-type]
        record = ledger.state.records["pool", pool_id]
        assert isinstance(record, PoolRecord)
        return record.pool

    composition = flatten(drum.content, read)
    assert sum(composition.values()) == drum.expected_ug
    assert all(isinstance(leaf, Production) for leaf in composition)
    assert len({leaf.site for leaf in composition if isinstance(leaf, Production)}) == 2


def test_regions_are_those_of_the_standard() -> None:
    """Every region a place names is a subdivision of ISO 3166-2, in its own country."""
    known = [value for value in vars(places).values() if isinstance(value, places.Place)]
    assert len(known) > 20
    for place in known:
        assert pycountry.subdivisions.get(code=place.region) is not None
        assert place.region.startswith(place.country)


class Asked:
    """A state that notes which records are asked for that nothing told of beforehand: on PostgreSQL one query each."""

    whole = True

    def __init__(self, inner: Any, event: Any) -> None:
        self.inner = inner
        self.told = {*fold.touches(event), *watch.touches(event), *watch.near(event, inner.find)}
        self.missed: set[Address] = set()

    def find(self, address: Address) -> Any:
        if address not in self.told and address[0] not in ("number", "move", "due"):
            self.missed.add(address)
        return self.inner.find(address)

    need = find

    def event(self, event_id: EventId) -> Any:
        return self.inner.event(event_id)

    def signed_by(self, key: KeyId, after: int, count: int) -> Any:
        return self.inner.signed_by(key, after, count)


def test_what_frequent_events_look_up_is_known_beforehand() -> None:
    """Of handoffs, productions and processing hardly one asks for a record that its group has not loaded by then."""
    ledger = MemoryLedger(LOG, genesis=False)
    kinds = Counter[str]()
    missed = Counter[str]()
    for signed in made(1500):
        asked = Asked(ledger.state, signed.event)
        name = event_id(signed.envelope.payload)
        fold.apply(Entry(len(ledger.entries), signed.record_time, name, signed.event), asked)
        kinds[signed.event.kind] += 1
        missed[signed.event.kind] += len(asked.missed)
        ledger.take(signed.envelope, record_time=signed.record_time)
    for kind in ("production", "transfer", "acceptance", "transformation", "refusal"):
        assert missed[kind] * 10 <= kinds[kind], (kind, missed[kind], kinds[kind])


def test_evidence_finds_what_the_ledger_found() -> None:
    """Shown what there is about one lot, a verifier finds every local finding about it, figure by figure, and no other."""
    ledger = taken(1500)
    told: dict[str, set[tuple[object, ...]]] = {}
    for kept in ledger.entries:
        for found in kept.outcome.findings:
            if RULES[found.rule].scope != "global":
                for kind, id_ in found.subjects:
                    if kind == "lot":
                        what = (kept.index, found.rule, found.severity, found.figures)
                        told.setdefault(id_, set()).add(what)
    lots = sorted(record.id for record in ledger.state.records.values() if isinstance(record, Lot))
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    for lot in random.Random(seed).sample(lots, 40):
        report = verify(file_of(ledger, [lot]), ledger.policy())
        assert report.verdict in (HOLDS, CANNOT_TELL), report.why
        if report.verdict == CANNOT_TELL:
            continue
        (shown,) = [each for each in report.lots if each.lot == lot]
        found_here = {
            (n.entry, n.finding.rule, n.finding.severity, n.finding.figures) for n in shown.findings
        }
        assert found_here == told.get(lot, set())
