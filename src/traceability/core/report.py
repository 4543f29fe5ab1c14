"""What a verifier found out, for people and for programs.

Four verdicts and no others. *Holds, complete*: every step holds, and the ledger has signed that the file shows all
there was about each subject it rests on, up to an entry. *Holds as shown*: every step holds with what is in the file, and what is not in
the file is listed. *Cannot tell*: something a step needs is not there. *Failed*: something is wrong.
"""

from typing import Any, Literal

import msgspec

from traceability.core import canonical
from traceability.core.ids import LotId, PartyId
from traceability.core.outcome import Finding

Verdict = Literal[
    "holds, complete as the ledger states", "holds as shown, completeness not shown", "cannot tell", "failed"
]
COMPLETE: Verdict = "holds, complete as the ledger states"
HOLDS: Verdict = "holds as shown, completeness not shown"
CANNOT_TELL: Verdict = "cannot tell"
FAILED: Verdict = "failed"
EXIT_CODES: dict[Verdict, int] = {COMPLETE: 0, HOLDS: 0, FAILED: 1, CANNOT_TELL: 2}


class Step(msgspec.Struct, frozen=True):
    """One step of verification and what it gave."""

    number: int
    title: str
    outcome: str


class Beginning(msgspec.Struct, frozen=True):
    """A lot in which ore of the lots asked about begins."""

    lot: LotId
    entry: int
    origin: Literal["production", "intake"]
    site: str | None


class Share(msgspec.Struct, frozen=True):
    """A line of a composition: a site, or what else there is where ore is from no site (`Origin`)."""

    kind: str
    id: str
    mass_ug: int


class Noted(msgspec.Struct, frozen=True):
    """A finding and the entry at which its rule noticed it."""

    entry: int
    finding: Finding
    stated: bool = False
    """Whether it is as the ledger states it: its rule needs more of the log than the file shows."""

    def to_value(self) -> dict[str, Any]:
        value = {"entry": self.entry, **canonical.load(self.finding.to_json())}
        return {**value, "stated": True} if self.stated else value


class SealedFields(msgspec.Struct, frozen=True):
    """What an entry seals: the values that were opened and checked, and the paths of those that stay closed."""

    entry: int
    opened: tuple[tuple[str, Any], ...]
    """Path and value."""
    withheld: tuple[str, ...]

    def to_value(self) -> dict[str, Any]:
        return {
            "entry": self.entry,
            "opened": [{"path": path, "value": value} for path, value in self.opened],
            "withheld": list(self.withheld),
        }


class LotReport(msgspec.Struct):
    """What the file shows of one lot. Facts are as after the newest entry shown; None where not known."""

    lot: LotId
    verdict: Verdict
    why: str | None = None
    """Why not, where the verdict is not that it holds."""
    mineral: str | None = None
    form: str | None = None
    state: Literal["held", "offered", "exported", "ended", "used"] | None = None
    """`used`: it went into a transformation that is not judged here (`used_in`)."""
    used_in: int | None = None
    mass_ug: int | None = None
    """Expected mass."""
    custodian: PartyId | None = None
    custody_entry: int | None = None
    """Index of the entry that moved it last."""
    title: PartyId | None = None
    tags: tuple[str, ...] = ()
    disputed: bool = False
    origins: tuple[Share, ...] | None = None
    """By site, in micrograms; None where it could not be worked out."""
    lost_ug: int | None = None
    """What was lost on its way from the mines, as far as it bears it; None where it could not be worked out."""
    missing_ug: int | None = None
    """What of that nobody named: weighings missed it."""
    findings: tuple[Noted, ...] = ()
    carried: tuple[tuple[str, int], ...] = ()
    """Findings on the lots it was made of: how many by each rule."""
    carried_ug: int = 0
    """By how much those lots were said too late to have weighed more (or less), as far as they are in this one."""

    def to_value(self) -> dict[str, Any]:
        value = {
            "lot": self.lot,
            "verdict": self.verdict,
            "why": self.why,
            "mineral": self.mineral,
            "form": self.form,
            "state": self.state,
            "used_in": self.used_in,
            "mass_ug": self.mass_ug,
            "custodian": self.custodian,
            "custody_entry": self.custody_entry,
            "title": self.title,
            "tags": list(self.tags),
            "disputed": self.disputed,
            "origins": None if self.origins is None else [msgspec.to_builtins(o) for o in self.origins],
            "lost_ug": self.lost_ug,
            "missing_ug": self.missing_ug,
            "findings": [noted.to_value() for noted in self.findings],
            "carried": [{"rule": rule, "count": count} for rule, count in self.carried],
            "carried_ug": self.carried_ug or None,
        }
        return {name: each for name, each in value.items() if each is not None}


class Report(msgspec.Struct):
    """What verification gave. `why` is the first thing that is wrong or missing."""

    verdict: Verdict = CANNOT_TELL
    why: str | None = None
    steps: list[Step] = []
    origin: str | None = None
    """The log, as the trust policy calls it."""
    size: int | None = None
    """How many entries the log had."""
    recorded_until: str | None = None
    """Record time of the newest entry shown."""
    cosigned_by: tuple[str, ...] = ()
    cosigned_at: str | None = None
    """The newest time that a witness states; None where none of the policy cosigned."""
    single_authority: bool = False
    """Nobody had to agree to changes among the authorities of this ledger."""
    demo: bool = False
    lots: list[LotReport] = []
    begins: list[Beginning] = []
    findings: list[Noted] = []
    """Those about no lot: on parties, keys and the like that the lots rest on."""
    sealed: list[SealedFields] = []
    """Of each entry that seals something."""
    withheld: dict[str, int] = {}
    """How many sealed values are not shown, by what they give away (`disclosing.GROUPS`)."""
    completeness_not_shown: dict[str, list[str]] = {}
    """By type, the subjects the verdict rests on of which there may be more entries than shown."""
    complete_to: int | None = None
    """How many entries the log had at the snapshot that the file's book is of; None without one."""
    attested_by: tuple[PartyId, ...] = ()
    """Who replayed the log and got the same book, besides the operator."""

    @property
    def exit_code(self) -> int:
        """0 holds, 1 failed, 2 cannot tell."""
        return EXIT_CODES[self.verdict]

    def to_json(self) -> bytes:
        """The report for programs."""
        value = {
            "verdict": self.verdict,
            "why": self.why,
            "steps": [msgspec.to_builtins(step) for step in self.steps],
            "origin": self.origin,
            "size": self.size,
            "recorded_until": self.recorded_until,
            "cosigned_by": list(self.cosigned_by),
            "cosigned_at": self.cosigned_at,
            "single_authority": self.single_authority,
            "demo": self.demo,
            "lots": [lot.to_value() for lot in self.lots],
            "begins": [
                {k: v for k, v in msgspec.to_builtins(b).items() if v is not None} for b in self.begins
            ],
            "findings": [noted.to_value() for noted in self.findings],
            "sealed": [each.to_value() for each in self.sealed],
            "withheld": self.withheld,
            "completeness_not_shown": self.completeness_not_shown,
            "complete_to": self.complete_to,
            "attested_by": list(self.attested_by),
        }
        return canonical.dump({name: each for name, each in value.items() if each is not None})
