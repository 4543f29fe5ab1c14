"""Every way a request can fail: its name, its status, and what to do about it.

The one table. An answer's `type` is `/problems/<name>`, on every ledger the same, and opens what stands here;
docs/problems.md is this table as a page. Names are stable: clients decide by them, so one is never given
another meaning.

What the rules of the ledger refuse (`Rejected` in the core) keeps its own name. It is 403 where it is not
that party's act, 409 where another event came first or has to come first, and 422 otherwise.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class ProblemType(NamedTuple):
    """One way to fail."""

    status: int
    title: str
    """What is wrong, in a few words that do not change."""
    remedy: str
    """What to do."""


_HTTP: Mapping[str, ProblemType] = {
    "malformed": ProblemType(
        400,
        "The request cannot be read",
        "`detail` names the place. Mend it and send it again; the same bytes will fail again.",
    ),
    "not_signed": ProblemType(
        401,
        "The signature on this read does not count",
        "Sign the read again: a fresh nonce, at most five minutes to its expiry by the server's clock (see the "
        "`Date` header), the method, and path and query exactly as sent.",
    ),
    "not_here": ProblemType(
        404,
        "Nothing here that you may see",
        "Not permitted and not there give the same answer. Check the address; if the lot or event concerns "
        "you, sign the read with a key of your party.",
    ),
    "no_qr": ProblemType(
        404,
        "This lot has no QR code",
        "Only tags of the ledger's own scheme, with codes disclosed to it, have a QR code. Other tags are found "
        "by the number printed on them.",
    ),
    "no_reports": ProblemType(
        404,
        "No reports are taken here",
        "The operator has named no key for it. Tell a monitor, an inspectorate or a regulator, who can sign an `incident`.",
    ),
    "method_not_allowed": ProblemType(
        405, "This address does not do that", "The `Allow` header names what can be done here."
    ),
    "too_slow": ProblemType(
        408,
        "The request did not come in time",
        "A request's head must come within 10 seconds and its body without a pause of 30. Send it again: "
        "events already taken are answered as before.",
    ),
    "redacted": ProblemType(
        410,
        "The value was erased",
        "A redaction in the log says by whom and on what ground. The event still verifies; its value is withheld.",
    ),
    "log_frozen": ProblemType(
        410,
        "The log has come to its end",
        "Nothing is added to it any more; what is in it can be read and proved as before. Keep the event and send "
        "it to the ledger that carries this one on, which takes the same bytes: `successor` is its address, or else ask the "
        "operator.",
    ),
    "too_large": ProblemType(
        413,
        "More than is taken in one request",
        "One event may take 1 MiB; a stream of lines 5,000 lines, 16 MiB, and 1 MiB a line. Send the rest in "
        "another request.",
    ),
    "unsupported_media_type": ProblemType(
        415,
        "Not a type of content taken here",
        "Send application/json, or application/x-ndjson for many events; gzip only to /v1/events.",
    ),
    "too_many": ProblemType(
        429,
        "Too much of this was asked from here",
        "Codes that are not there are asked for a hundred times, and places of scans named ten times, and then now and "
        "again. Wait the seconds in `Retry-After`; the answer is the same for codes that are there.",
    ),
    "allowance_used": ProblemType(
        429,
        "This party has had as much recorded today as is taken from one",
        "Nothing was stored. Send the same bytes again after the seconds in `Retry-After` (`wait_seconds`); what was "
        "recorded before is answered as then. If it is honest work, ask the operator to take more.",
    ),
    "headers_too_large": ProblemType(
        431, "The request's headers are too large", "Send at most 32 KiB of headers, without old cookies."
    ),
    "internal": ProblemType(
        500,
        "The ledger has a fault",
        "Report it with the `request_id`. If you sent an event, send the same bytes again: if it was taken, "
        "you get the same answer.",
    ),
    "busy": ProblemType(
        503, "Too much is waiting", "Try again after the seconds in `Retry-After`; nothing was stored."
    ),
    "damaged": ProblemType(
        503,
        "What is stored here is damaged",
        "Nothing wrong is shown instead. The operator has to run `traceability fsck`, which names the place, and "
        "bring back what is damaged from a backup or a mirror.",
    ),
    "not_signing": ProblemType(
        503,
        "The ledger signs nothing now",
        "It shows what it has and takes nothing new, because its database, its guard or its clock do not "
        "agree; `detail` says how. The operator has to act. Keep the event and send it later.",
    ),
    "not_recorded": ProblemType(
        503,
        "It is not known whether the event was stored",
        "Send the same bytes again after the seconds in `Retry-After`: if it was taken, you get the same "
        "answer; it is never taken twice.",
    ),
    "unavailable": ProblemType(
        503,
        "The database cannot be reached",
        "Try again after the seconds in `Retry-After`. If you sent an event, send the same bytes again: if it "
        "was taken, you get the same answer.",
    ),
    "disk_full": ProblemType(
        507,
        "The ledger's disk is full",
        "Nothing was stored. What is there can be read; what was recorded before is answered as then. The operator has to "
        "make room: keep the event and send the same bytes later.",
    ),
}

_CONFLICTS: Mapping[str, ProblemType] = {
    "double_issue": ProblemType(
        409,
        "Another event came first",
        "The event is in the log, without effect, as evidence; index and proof stand in the answer. Look at "
        "what the lot's history says now, and settle it with the other party: the loser's correction "
        "`did_not_occur` or a `reassignment` by a court ends the dispute.",
    ),
    "waits_for": ProblemType(
        409,
        "Something it names is not known here yet",
        "Nothing was stored. Send what `waits_for` names first, or wait until its sender has; then send the same "
        "bytes again.",
    ),
    "fork": ProblemType(
        409,
        "The event has seen another tree than this log's",
        "Keep the checkpoint in `seen`: together with this ledger's own of that size it proves that somebody "
        "was shown a different history. Tell an auditor.",
    ),
    "ahead": ProblemType(
        409,
        "The event has seen a larger tree than this log's",
        "Keep the checkpoint in `seen`: it proves that this ledger has lost entries. Tell the operator and an "
        "auditor, and send the event again when the log has grown back to that size.",
    ),
}

_NOT_YOURS: Mapping[str, tuple[str, str]] = {
    "not_your_key": (
        "The key is another party's",
        "Sign with a key of the party named in `party`, or name the party the key belongs to.",
    ),
    "role_missing": (
        "Nobody with this role may do that",
        "`detail` says who may. Ask a registrar for the role, or ask such a party to sign.",
    ),
    "not_custodian": (
        "The lot is not in this party's custody",
        (
            "Only the custodian moves a lot. If you hold the ore, the transfer to you has to be recorded and accepted "
            "first, or the ore recorded by `intake`."
        ),
    ),
    "not_recipient": ("The lot is offered to another party", "Only the recipient of the offer answers it."),
    "not_giver": ("The lot was offered by another party", "Only the giver withdraws an offer."),
    "not_title_holder": (
        "Title is another party's",
        "Only the holder of title offers it. Custody moves by a transfer of `custody`.",
    ),
    "not_importer": (
        "The lot is under way to another importer",
        "An import is reported by the importer, the certifier or the exporter.",
    ),
    "not_your_event": (
        "The event is another party's",
        "An event is corrected by its signer, the one acted for, or an authority.",
    ),
    "not_your_id": (
        "The id does not follow from key and nonce",
        "Derive the id from the signing key and the nonce; nobody can make another's id.",
    ),
    "not_your_tags": (
        "Others answer for these tags",
        "Tags are allocated, and made void, by their issuer, or by whoever answers for all of them now.",
    ),
    "not_your_delegation": (
        "The delegation names another agent",
        "Give the delegation that names the signer as agent.",
    ),
    "delegation_does_not_cover": (
        "The delegation does not cover this",
        "Ask the principal or a registrar for a delegation that does, or let the principal sign.",
    ),
    "delegation_ended": ("The delegation has ended", "Ask the principal or a registrar for a new one."),
    "not_concerned": (
        "Others are concerned",
        "An incident or finding is answered by whom it is about, or by a monitor, auditor, inspectorate or regulator.",
    ),
    "own_act": (
        "Nobody approves what concerns himself",
        "Ask another authority: neither the signer of an event nor the party concerned can approve it.",
    ),
    "key_revoked": (
        "The key is revoked",
        (
            "Keep the event. Another key of the party, its guardians or a registrar can approve it by its id; then "
            "send it again."
        ),
    ),
}

_RULES: Mapping[str, tuple[str, str]] = {
    "bad_signature": (
        "The signature is not the key's over these bytes",
        "Sign the exact payload bytes (DSSE pre-authentication encoding) with the key in `key`.",
    ),
    "bad_disclosure": (
        "A disclosed value is not what the event commits to",
        "Send salt, path and value exactly as they were when the event was signed.",
    ),
    "bad_log_key": (
        "A log key cannot be read",
        "Write each key as a verifier key of C2SP signed-note: name+hash+base64. It is called as its log; a successor's, anew.",
    ),
    "beyond_the_roll": ("The roll has no such position", "Positions run from 1 to the roll's `count`."),
    "count_does_not_close": (
        "Stones are missing or too many",
        "Name every stone that came out and, under `losses`, each that was lost.",
    ),
    "does_not_close": (
        "Inputs and outputs do not add up",
        "Name the loss with its kind, or state the gain: inputs + additives + gain = outputs + losses, exactly.",
    ),
    "genesis_first": (
        "A log has one genesis, its first entry",
        "Send it only to an empty log. A successor is opened with `traceability init --successor-of`.",
    ),
    "hold_placed": (
        "The lot is under a hold of yours",
        "Nothing is left to do; release that one before placing another.",
    ),
    "hold_released": ("The hold is released already", "Nothing is left to do; look at what released it."),
    "item_number_twice": (
        "Two followed items have one number",
        "Give each stone or bar that is followed a number of its own.",
    ),
    "key_known": ("The key is registered already", "Make a fresh key: one key belongs to one party, once."),
    "lot_ended": ("The lot has ended", "Nothing moves it any more; look at what became of it."),
    "lot_exported": ("The lot has left the country", "Record its `import` next."),
    "lot_in_transit": ("The lot is on offer", "Its recipient accepts or refuses it first."),
    "lot_known": ("The lot exists already", "Give each new lot a fresh nonce."),
    "miner_not_named": (
        "Nobody is said to have dug it",
        "Name the `producer`, or seal `/miner` where he is not enrolled.",
    ),
    "more_than_a_pool": (
        "More than can be followed in one transformation",
        "Record it as several transformations.",
    ),
    "more_than_the_lot": (
        "More is taken out than there is",
        "What is taken out must weigh less than the lot: check the masses.",
    ),
    "needs_no_approval": ("The event needs nobody's approval", "Do not approve it; it counts as it is."),
    "no_guardians": ("The party has no guardians", "Ask a registrar to add the key."),
    "no_proof_of_possession": (
        "Nobody shows that he holds the new key",
        "Let the new key sign {key, log, party} itself and put that under `proof`.",
    ),
    "no_such_rule": (
        "No rule of this name states findings",
        "State findings only of rules that read sealed values or scans, in the version this ledger applies.",
    ),
    "not_a_certificate": ("The event named is no certificate", "Name the `certificate` event itself."),
    "not_a_delegation": (
        "The event named gives nobody a right to act",
        "Name under `delegation` the event by which the principal or a registrar gave it.",
    ),
    "not_a_hold": ("The event named holds nothing", "Name the `hold` event itself."),
    "not_a_licence": ("The event named grants no licence", "Name the `licence_grant` event itself."),
    "size_not_reached": (
        "The log is not that long",
        "State the book, or attest the log, at a size it had before this event.",
    ),
    "not_carried_over": (
        "A successor restates what carries over",
        "Leave quorum, countries and policy as they are; change them by their own events.",
    ),
    "not_a_transfer": (
        "The event named is no transfer",
        "Name the transfer that was paid for, or the lots themselves.",
    ),
    "not_an_incident": ("The event named reports no incident", "Name the `incident` event itself."),
    "not_correctable": (
        "This cannot be corrected",
        "`detail` says which event records what is right instead.",
    ),
    "not_an_export": (
        "The event named is no export",
        "Name the `export` under which the certificate was used, or leave it out.",
    ),
    "not_exported": ("The lot is not under way abroad", "Its `export` comes first."),
    "not_its_lot": (
        "The event named did not move this lot",
        "Name under `previous` the event that moved each lot last.",
    ),
    "nothing_sealed_there": (
        "The event seals nothing there",
        "Name paths that stand in the event's `sealed` list.",
    ),
    "number_used": (
        "The number is used twice already",
        "Take the key's next number and list the old one under `abandoned`.",
    ),
    "other_log": (
        "The event was signed for another ledger",
        "Send it there, or sign it again with this ledger's name under `log`.",
    ),
    "party_known": (
        "The party is enrolled already",
        "Restate its facts without `nonce`, `roles` and `keys`.",
    ),
    "predecessor_without_effect": (
        "It builds on an event without effect",
        "Look at the lot's history and build on the event that stands.",
    ),
    "quorum_out_of_reach": (
        "The quorum cannot be reached",
        "Choose a smaller quorum or name more authorities.",
    ),
    "roll_known": ("The roll is issued already", "Give each roll a fresh nonce."),
    "site_known": ("The site is registered already", "Restate its facts without `nonce`."),
    "stale_predecessor": (
        "The lot has moved on since",
        (
            "This key has already signed another successor of the same event, and that one is logged. Build on what "
            "moved the lot last."
        ),
    ),
    "stands_on_it": (
        "Later events stand on it",
        "What came after would lose its ground. Record what is right in a new event.",
    ),
    "still_open": (
        "The offer is still open",
        "Withdraw it after its last day, if it is not answered by then.",
    ),
    "stranger_as_custodian": (
        "The custodian has no part in this event",
        "Name the signer, the party acted for, or the producer.",
    ),
    "stranger_as_title_holder": (
        "The title holder has no part in this event",
        "Name the signer, the party acted for, the producer, or a holder of title in an input.",
    ),
    "tag_not_on_lot": ("The tag is not on this lot", "Take off only tags that are on the lot."),
    "tag_of_an_input": (
        "An input's tag stands on an output",
        "Tags come off with their lots: put a fresh tag on the output, or say that the old ones were kept.",
    ),
    "tag_twice": ("One tag stands on two outputs", "Give each output tags of its own."),
    "title_needed": (
        "The inputs belong to different parties",
        "Say under `title` who holds title in each output.",
    ),
    "title_on_offer": ("Title is on offer already", "Its recipient accepts or refuses it first."),
    "to_oneself": ("A transfer to oneself", "Give it the purpose `own_move`, or name another recipient."),
    "turned_away": (
        "This ledger's policy takes no such event",
        "`detail` names the rule that notices something. Put right what it is about, or ask the operator; then send it again.",
    ),
    "under_hold": (
        "A hold is in force",
        "No certificate is issued or used for what is held: whoever placed the hold, or a regulator, releases it first.",
    ),
    "weak_key": (
        "The key would prove nothing",
        "Make a fresh ES256 or Ed25519 key and give its DER SubjectPublicKeyInfo.",
    ),
    "weigh_inputs": (
        "An input has no reading of its own",
        "Weigh the lot now and put the reading under `weighings`.",
    ),
    "weighing_of_other_lots": (
        "A weighing names a lot of another event",
        "Weigh only lots that this event moves.",
    ),
}

TYPES: Mapping[str, ProblemType] = MappingProxyType(
    {
        **_HTTP,
        **_CONFLICTS,
        **{name: ProblemType(403, *words) for name, words in _NOT_YOURS.items()},
        **{name: ProblemType(422, *words) for name, words in _RULES.items()},
    }
)
"""Every problem type by name."""


def page() -> str:
    """docs/problems.md: every type under its status, in order of status, then name."""
    lines = [
        "# Problems",
        "",
        "Every answer of 400 and above is `application/problem+json` (RFC 9457). Decide by `type`: it is",
        "`/problems/<name>` with a name of this page, and does not change. `detail` is a sentence for a person.",
        "",
    ]
    status = 0
    for name, kind in sorted(TYPES.items(), key=lambda item: (item[1].status, item[0])):
        if kind.status != status:
            status = kind.status
            lines += [f"## {status}", ""]
        lines += [f"### {name}", "", f"{kind.title}. {kind.remedy}", ""]
    return "\n".join(lines[:-1]) + "\n"
