"""`init`: the keys of a new ledger, its genesis, and the tables it goes into."""

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from traceability.cli.common import (
    Data,
    Exit,
    KeyFile,
    Stop,
    of_a_ledger,
    read_bytes,
    say,
    settings,
    without_password,
    write_bytes,
    write_secret,
)
from traceability.cli.keys import new_party
from traceability.cli.successor import successor
from traceability.core import events
from traceability.core.ids import PartyId, to_unpadded
from traceability.core.leaf import time_text
from traceability.core.note import Signer, Verifier
from traceability.core.signing import SigningKey
from traceability.core.trust_policy import TrustPolicy

AUTHORITY_ROLES = ["registrar", "inspectorate", "tag_issuer", "certifier", "regulator"]
GENESIS = "genesis.json"


@of_a_ledger
def init(
    origin: Annotated[str, typer.Option(help="The ledger's lasting name, as ledger.example.org/car.")] = "",
    name: Annotated[str, typer.Option(help="What people call it.")] = "",
    country: Annotated[
        list[str] | None, typer.Option(metavar="CODE", help="A country it is for, as CF. Repeatable.")
    ] = None,
    operator: Annotated[str, typer.Option(help="Who runs it; else as --name.")] = "",
    authority: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="An authority, as 'NAME' or 'NAME=ROLE,ROLE'. Repeatable."),
    ] = None,
    quorum: Annotated[int, typer.Option(help="How many authorities agree on changes among them.")] = 1,
    genesis: Annotated[
        Path | None,
        typer.Option(help="A signed genesis instead, as `sign` prints it, for keys made elsewhere."),
    ] = None,
    keys: Annotated[Path | None, typer.Option(help="Where new keys go; else beside LOG_KEY.")] = None,
    successor_of: Annotated[
        Path | None,
        typer.Option(
            metavar="CHECKPOINT",
            help="Carry on the ledger in --data: the newest checkpoint of it anybody holds.",
        ),
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="The operator's key, which signs a successor's genesis.")
    ] = None,
    sequence: Annotated[
        int | None, typer.Option(help="That key's next number; absent: as this ledger has it.")
    ] = None,
    data: Data = None,
) -> None:
    """Begins a ledger: makes its keys and tables, and appends the genesis.

    Operator and authorities each get a key file of their own, to be handed over and deleted here. The log's
    key stays at LOG_KEY and the guard at GUARD: keep them out of every backup of the data. Cut short, the same
    command goes on where it was.

    With --successor-of the ledger in --data, which was frozen or has lost entries for good, goes on as a log of another
    --origin, with a new key at LOG_KEY. Everything in it carries over, and the genesis says how many entries are lost.
    """
    from traceability.api.submission import read_submission
    from traceability.ledger.guard import open_guard
    from traceability.ledger.schema import migrate
    from traceability.ledger.store import Store
    from traceability.ledger.writer import create

    chosen = settings(data)
    if successor_of is not None:
        if key is None or not origin:
            raise Stop("a successor needs an --origin of its own and the operator's --key")
        successor(chosen, origin, name, successor_of, KeyFile(key), sequence)
        return
    folder = keys or chosen.log_key.parent
    makes_keys = genesis is None
    if genesis is None:
        genesis = folder / GENESIS
        if not genesis.exists():
            if not (origin and name and country):
                raise Stop("say --origin, --name and --country, or bring a --genesis")
            signer = new_log_key(chosen.log_key, origin)
            authorities = authority or [f"Authority of {name}"]
            value, operator_key = _genesis(
                signer, name, operator or name, country, authorities, quorum, folder
            )
            payload = events.encode(value)
            envelope = operator_key.sign_event(payload)
            write_secret(genesis, b'{"disclosures":[],"envelope":%s}\n' % envelope.to_json())
    elif not chosen.log_key.exists():
        raise Stop(
            f"there is no log key at {chosen.log_key}: bring the one that {genesis} names, or set LOG_KEY"
        )
    submission = read_submission(read_bytes(genesis))
    assert submission.event is not None
    log = submission.event.log
    if origin and origin != log:
        raise Stop(f"{genesis} begins {log}: move it away to begin {origin}")
    signer = new_log_key(chosen.log_key, log)
    migrate(chosen.url)
    store = Store(chosen.url)
    try:
        with store.read() as view:
            begun_before = view.head().size > 0
        guard = open_guard(chosen.guard, signer.verifier.encode())
        ledger = create(store, guard, signer, submission)
        refusal = ledger.refusal
        ledger.close()
    finally:
        store.close()
    if refusal is not None:
        raise Stop(refusal, Exit.NO)
    policy = write_policy(chosen.data, signer.verifier)
    say(f"{log} had begun already; nothing was changed." if begun_before else f"{log} has begun.")
    say(f"  log key       {chosen.log_key}")
    say(f"  guard         {without_password(chosen.guard)}")
    if makes_keys:
        say(f"  party keys    {folder}   to be handed over, and deleted here")
    say(f"  trust policy  {policy}   to give to everyone who verifies")
    say("Serve it with: traceability serve")


def write_policy(data: Path, *logs: Verifier) -> Path:
    """Writes the trust policy that believes this log, by each of its keys, on its own word, to hand out."""
    data.mkdir(parents=True, exist_ok=True)
    path = data / "trust.policy"
    write_bytes(path, TrustPolicy.without_witnesses(logs).encode())
    return path


def new_log_key(path: Path, origin: str) -> Signer:
    """The log's key at LOG_KEY, made if there is none."""
    if not path.exists():
        write_secret(path, Signer(origin, secrets.token_bytes(32)).encode().encode() + b"\n")
    signer = Signer.parse(read_bytes(path).decode(errors="replace").strip())
    if signer.verifier.name != origin:
        raise Stop(
            f"the key at {path} is of {signer.verifier.name}: set LOG_KEY to another file for {origin}"
        )
    return signer


def _genesis(
    log: Signer,
    name: str,
    operator_name: str,
    countries: list[str],
    authorities: list[str],
    quorum: int,
    folder: Path,
) -> tuple[dict[str, Any], SigningKey]:
    """The genesis as plain values, and the key that signs it. The keys of all parties are in `folder` then."""
    now = time_text(int(datetime.now(UTC).timestamp()))
    origin = log.verifier.name
    key = SigningKey.generate("Ed25519")
    nonce, party = new_party(key)
    members = []
    new_keys = [(folder / "operator.pem", key, party, "operator")]
    for number, text in enumerate(authorities, start=1):
        title, _, roles = text.partition("=")
        its_key = SigningKey.generate("Ed25519")
        its_nonce, its_party = new_party(key)
        new_keys.append((folder / f"authority-{number}.pem", its_key, its_party, title))
        members.append(
            {
                "party": its_party,
                "nonce": its_nonce,
                "name": title,
                "country": countries[0],
                "roles": roles.split(",") if roles else AUTHORITY_ROLES,
                "keys": [_new_key(its_key, origin, its_party)],
            }
        )
    body = {
        "name": name,
        "nonce": nonce,
        "operator_name": operator_name,
        "keys": [_new_key(key, origin, party)],
        "authorities": members,
        "quorum": quorum,
        "countries": countries,
        "log_keys": [log.verifier.encode()],
        "policy": {"from": now[:10], "bands": [], "thresholds": [], "refusals": [], "times": []},
    }
    value = {
        "body": body,
        "event_time": now,
        "key": key.id,
        "kind": "genesis",
        "log": origin,
        "party": party,
        "previous": [],
        "sealed": [],
        "sequence": 0,
        "version": 1,
    }
    events.encode(value)  # refuses what cannot be a genesis before any key is written
    for path, made, its, title in new_keys:
        write_secret(path, key_file(made, origin, its, title))
    return value, key


def key_file(key: SigningKey, log: str, party: PartyId, name: str) -> bytes:
    """A key in PEM, under lines that say whose it is."""
    return f"name: {name}\nparty: {party}\nlog: {log}\n".encode() + key.to_pem()


def _new_key(key: SigningKey, log: str, party: PartyId) -> dict[str, str]:
    proof = key.prove_possession(log, party)
    return {"public_key": to_unpadded(key.public.spki), "proof": to_unpadded(proof)}
