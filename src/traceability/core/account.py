"""What replayed entries say about lots: where their ore begins, what they are made of, what was noticed."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from traceability.core.composition import Pool, TooFinelyMixed, burdens, by_site, flatten
from traceability.core.findings.carried import CORRECTED, carried_difference, corrected_too_late
from traceability.core.ids import EventId, LotId
from traceability.core.lot_records import Lot, PoolRecord
from traceability.core.mass import leaf_pool
from traceability.core.outcome import Finding
from traceability.core.record import Address
from traceability.core.registry_records import Mention
from traceability.core.replay import Replay, Unjudged
from traceability.core.report import CANNOT_TELL, FAILED, HOLDS, Beginning, LotReport, Noted, Share


class Account:
    """The lots asked about and all that lies behind them, after a replay."""

    def __init__(
        self, replay: Replay, asked: Sequence[LotId], stated: Iterable[tuple[int, Finding]] = ()
    ) -> None:
        """`stated` are findings as the ledger states them; those that the replay gave too are told once."""
        self._replay = replay
        self._findings = [Noted(index, finding) for index, finding in replay.findings]
        self._findings += _stated_only(replay.findings, stated)
        self._lots: dict[LotId, Lot] = {}
        self._unknown: dict[LotId, Unjudged] = {}
        self._own: dict[LotId, list[int]] = defaultdict(list)
        self._carried: dict[EventId, frozenset[int]] = {}
        self.too_finely_mixed = 0
        """How many lots had a composition that took too much work, as far as `report` was asked."""
        for number, noted in enumerate(self._findings):
            for kind, name in noted.finding.subjects:
                if kind == "lot":
                    self._own[LotId(name)].append(number)
        self._corrected_ug = corrected_too_late(finding for _, finding in replay.findings)
        self._find_all(asked)
        self._carry()

    def begins(self) -> list[Beginning]:
        """The lots in which ore of the lots asked about begins, by id."""
        return [
            Beginning(lot.id, lot.maker_index, lot.origin, lot.site)
            for _, lot in sorted(self._lots.items())
            if lot.origin != "transformation"
        ]

    def report(self, lot_id: LotId) -> LotReport:
        """All about one lot asked about."""
        unknown = self._unknown.get(lot_id)
        if unknown is not None:
            why = f"entry {unknown.index}: {unknown.why}" if unknown.index >= 0 else unknown.why
            return LotReport(lot_id, FAILED if unknown.damaged else CANNOT_TELL, why)
        lot = self._lots[lot_id]
        used_in = self._replay.used_in.get(lot_id)
        carried = self._carried.get(lot.maker, frozenset())
        borne = self._borne(lot)
        rules = Counter(self._findings[number].finding.rule for number in carried)
        return LotReport(
            lot=lot_id,
            verdict=HOLDS,
            mineral=lot.mineral,
            form=lot.form,
            state=lot.state if used_in is None else "used",
            used_in=used_in,
            mass_ug=lot.expected_ug,
            custodian=lot.custodian,
            custody_entry=lot.custody_index,
            title=lot.title,
            tags=lot.tags,
            disputed=bool(lot.disputed),
            origins=self._origins(lot),
            lost_ug=None if borne is None else sum(borne.values()),
            missing_ug=None if borne is None else borne[False],
            findings=tuple(self._findings[number] for number in self._own[lot_id]),
            carried=tuple(sorted(rules.items())),
            carried_ug=self._carried_ug(lot) if rules.keys() & CORRECTED else 0,
        )

    def findings_on_no_lot(self) -> list[Noted]:
        """What was noticed about parties, keys and the like."""
        return [noted for noted in self._findings if all(kind != "lot" for kind, _ in noted.finding.subjects)]

    # Walking back

    def _find_all(self, asked: Sequence[LotId]) -> None:
        state = self._replay.state
        waiting = list(asked)
        while waiting:
            lot_id = waiting.pop()
            if lot_id in self._lots or lot_id in self._unknown:
                continue
            record = state.records.get(("lot", lot_id))
            unjudged = state.unjudged.get(("lot", lot_id))
            if unjudged is not None:
                self._unknown[lot_id] = unjudged
            elif isinstance(record, Lot):
                self._lots[lot_id] = record
                waiting += self._parents(record)
            elif isinstance(record, Mention):
                self._unknown[lot_id] = Unjudged(
                    -1, f"lot {lot_id} never came to be: its entry is without effect"
                )
            else:
                self._unknown[lot_id] = Unjudged(-1, f"no entry shown makes lot {lot_id}")

    def _parents(self, lot: Lot) -> list[LotId]:
        if lot.origin != "transformation":
            return []
        return [parent for _, parent in self._replay.state.entries[lot.maker].event.moved]

    def _carry(self) -> None:
        """Hands on to each lot, oldest first, what its inputs carry; also that one of them is not known."""
        for lot in sorted(self._lots.values(), key=lambda lot: lot.maker_index):
            parents = self._parents(lot)
            unknown = next((self._unknown[each] for each in parents if each in self._unknown), None)
            if unknown is not None:
                self._unknown[lot.id] = unknown
            elif parents and lot.maker not in self._carried:
                sets = [self._carried.get(self._lots[each].maker, frozenset()) for each in parents]
                self._carried[lot.maker] = frozenset().union(*sets, *(self._own[each] for each in parents))

    # What it is made of

    def _carried_ug(self, lot: Lot) -> int:
        """By how much lots behind this one were said too late to have weighed more or less, in proportion."""
        try:
            return carried_difference(lot, self._pool, self._corrected_ug)
        except TooFinelyMixed:
            return 0

    def _origins(self, lot: Lot) -> tuple[Share, ...] | None:
        parts = (*lot.content, *(item.part for item in lot.items))
        try:
            composition = flatten(parts, self._pool)
        except TooFinelyMixed:
            self.too_finely_mixed += 1
            return None
        return tuple(Share(*origin, mass_ug) for origin, mass_ug in sorted(by_site(composition).items()))

    def _borne(self, lot: Lot) -> Counter[bool] | None:
        """What was lost on its way, by whether anybody named it; counted as too finely mixed by its origins alone."""
        parts = (*lot.content, *(item.part for item in lot.items))
        try:
            lost = burdens(parts, self._pool)
        except TooFinelyMixed:
            return None
        borne: Counter[bool] = Counter()
        for pool_id, mass_ug in lost.items():
            borne[self._pool(pool_id).named] += mass_ug
        return borne

    def _pool(self, pool_id: str) -> Pool:
        lot_id, _, number = pool_id.partition(":")
        if number == "0":
            return leaf_pool(self._lots[LotId(lot_id)])
        record = self._replay.state.records["pool", pool_id]
        assert isinstance(record, PoolRecord)
        return record.pool


def _stated_only(
    own: Iterable[tuple[int, Finding]], stated: Iterable[tuple[int, Finding]]
) -> Iterator[Noted]:
    """The findings stated that `own` has not. Of an entry judged on some of its lots a finding names those few."""
    known: dict[tuple[int, str], set[Address]] = defaultdict(set)
    for index, finding in own:
        known[index, finding.rule].update(finding.subjects)
    for index, finding in stated:
        if known[index, finding.rule].isdisjoint(finding.subjects):
            yield Noted(index, finding, stated=True)
