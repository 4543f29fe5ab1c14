"""The fold over what is said and changes nothing else: payments, findings, redactions, audits, policies, the book."""

from msgspec.structs import replace

from traceability.core.concerns import known_subjects
from traceability.core.events import (
    Attestation,
    Audit,
    Finding,
    Payment,
    Policy,
    Redaction,
    Snapshot,
    Transfer,
)
from traceability.core.findings.catalogue import RULES
from traceability.core.outcome import Finding as Noted
from traceability.core.outcome import Step, reject
from traceability.core.policy import Policy as PolicyRecord
from traceability.core.policy import stated
from traceability.core.record import NEW
from traceability.core.registry_records import Act, Attested, Snapshots, StatedBook

StatedEvent = Payment | Finding | Redaction | Audit | Snapshot | Attestation
SNAPSHOTS_KEPT = 8
ATTESTED_MAX = 32
"""How many of the newest snapshots are remembered, and how many who attested each."""


def apply(step: Step, event: StatedEvent) -> None:
    """Judges one such event whose signer, party and role have been admitted."""
    match event:
        case Payment():
            _payment(step, event)
        case Finding():
            _finding(step, event)
        case Redaction():
            _redaction(step, event)
        case Audit():
            known_subjects(step, event.body.scope)
            for lot in event.body.sample or ():
                step.lot(lot)
        case Snapshot():
            _snapshot(step, event)
        case Attestation():
            _attestation(step, event)


def _payment(step: Step, event: Payment) -> None:
    body = event.body
    for lot in body.lots or ():
        step.lot(lot)
    if body.payee is not None:
        step.party(body.payee)
    if body.transfer is not None and not isinstance(step.logged(body.transfer).event, Transfer):
        reject("not_a_transfer", f"the event {body.transfer[:12]} is in the log and is no transfer")


def _finding(step: Step, event: Finding) -> None:
    body = event.body
    rule = RULES.get(body.rule)
    if rule is None or rule.scope != "stated" or rule.version != body.version:
        reject("no_such_rule", "the operator states findings only of rules that read sealed values or scans")
    if rule.notice_only and body.severity != "notice":
        reject("no_such_rule", f"{body.rule} rests on what strangers reported: it states notices and no more")
    subjects = known_subjects(step, body.subjects)
    for named in body.events:
        step.logged(named)
    figures = {(figure.name, figure.value) for figure in body.figures}
    step.findings.append(
        Noted(
            body.rule,
            body.version,
            body.severity,
            subjects,
            (step.entry.event_id, *body.events),
            tuple(sorted({*figures, ("inputs_digest", body.inputs_digest)})),
        )
    )


def _redaction(step: Step, event: Redaction) -> None:
    target = step.logged(event.body.event)
    for path in event.body.paths:
        if path not in target.event.committed:
            reject(
                "nothing_sealed_there", f"that event seals nothing at {path}: name a path of its sealed list"
            )
    act = step.find("act", target.event_id, Act) or Act(target.event_id)
    withheld = tuple(sorted({*act.withheld, *event.body.paths}))
    step.put("act", target.event_id, replace(act, withheld=withheld))


def _snapshot(step: Step, event: Snapshot) -> None:
    """Whether the root is right only whoever has the whole log can say (`ledger.fsck`); here it is what was stated."""
    _check_reached(step, event.body.size)
    known = step.find("snapshots", "", Snapshots) or Snapshots(())
    stated = StatedBook(step.entry.event_id, event.body.size, event.body.book)
    newest = sorted((*known.newest, stated), key=lambda each: each.size)[-SNAPSHOTS_KEPT:]
    step.put("snapshots", "", Snapshots(tuple(newest)))


def _attestation(step: Step, event: Attestation) -> None:
    body = event.body
    _check_reached(step, body.size)
    known = step.find("snapshots", "", Snapshots) or Snapshots(())
    said = Attested(step.entry.event_id, event.party, body.root)
    newest = [
        replace(each, attested=(*each.attested, said))
        if (each.size, each.book) == (body.size, body.book) and len(each.attested) < ATTESTED_MAX
        else each
        for each in known.newest
    ]
    step.put("snapshots", "", Snapshots(tuple(newest)))


def _check_reached(step: Step, size: int) -> None:
    if size > step.entry.index:
        reject("size_not_reached", f"the log has {step.entry.index} entries before this one, not {size}")


def set_policy(step: Step, event: Policy) -> None:
    """Makes the policy count, at its own entry or at the entry of its approval."""
    known = step.policy
    values = stated(known, event.body.facts())
    place = known.place if known else NEW
    step.put("policy", "policy", PolicyRecord(place, step.entry.event_id, values))
