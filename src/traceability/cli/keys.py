"""Keys and signatures on the command line: `key new`, `key show`, `key party`, `sign`. Needs only the core."""

import os
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from traceability.cli.common import (
    PASSPHRASE,
    Json,
    KeyFile,
    Stop,
    answer,
    parse_object,
    read_bytes,
    remark,
    say,
    write_out,
    write_secret,
)
from traceability.core import canonical, events, note
from traceability.core.cosignature import COSIGNATURE, Cosigner
from traceability.core.ids import PartyId, commitment, derive, to_unpadded
from traceability.core.signing import READ_TYPE, Envelope, SigningKey, pae

KeyOption = Annotated[
    Path, typer.Option("--key", help="Private key in PEM; lines above it may say party: and log:")
]

key = typer.Typer(help="Private keys: make one, or see the public half.", no_args_is_help=True)


@key.command("new", epilog="Example: traceability key new trader.pem --party 6qdaq8agk4s4h7gnh0akr5wy39")
def new(
    file: Annotated[Path, typer.Argument(help="Where the key goes. A file that is there is never replaced.")],
    algorithm: Annotated[
        Literal["ES256", "Ed25519"], typer.Option(help="ES256 is what phones have.")
    ] = "ES256",
    encrypt: Annotated[
        bool, typer.Option("--encrypt", help=f"Under the passphrase in {PASSPHRASE}.")
    ] = False,
    log: Annotated[str | None, typer.Option(help="Note in the file: the ledger it is for.")] = None,
    party: Annotated[str | None, typer.Option(help="Note in the file: whose it is.")] = None,
    checkpoints: Annotated[
        str | None, typer.Option(metavar="ORIGIN", help="Make a log's key instead: it signs checkpoints.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Makes a private key, in a file only you can read.

    A party's key is PEM (PKCS #8). With --checkpoints ORIGIN it is a log's key in C2SP form, for LOG_KEY.
    """
    if checkpoints is not None:
        signer = note.Signer(checkpoints, secrets.token_bytes(32))
        write_secret(file, signer.encode().encode() + b"\n")
        _tell({"file": str(file), "vkey": signer.verifier.encode()}, as_json)
        return
    passphrase = None
    if encrypt:
        passphrase = os.environ.get(PASSPHRASE, "").encode()
        if not passphrase:
            raise Stop(f"put the passphrase in {PASSPHRASE} first")
    made = SigningKey.generate(algorithm)
    facts = "".join(f"{name}: {value}\n" for name, value in (("party", party), ("log", log)) if value)
    write_secret(file, facts.encode() + made.to_pem(passphrase))
    _tell({"file": str(file), **_public(made)}, as_json)


@key.command(
    "show",
    epilog="Example: traceability key show trader.pem --json",
    short_help="Shows the public half of a key, and its proof of possession.",
)
def show(
    file: Annotated[
        Path, typer.Argument(help="The private key, in PEM or a log's or witness's in C2SP form.")
    ],
    log: Annotated[str | None, typer.Option(help="The ledger the key is to join.")] = None,
    party: Annotated[str | None, typer.Option(help="The party it is to join.")] = None,
    as_json: Json = False,
) -> None:
    """Shows the public half of a key, and where log and party are known its proof of possession.

    Public key and proof are what an enrolment or key addition asks for.
    """
    data = read_bytes(file)
    if data.startswith(b"PRIVATE+KEY+"):
        skey = data.decode(errors="replace").removesuffix("\n")
        of_a_witness = note.is_skey(skey, COSIGNATURE)
        signer = Cosigner.parse(skey) if of_a_witness else note.Signer.parse(skey)
        _tell({"vkey": signer.verifier.encode()}, as_json)
        return
    held = KeyFile(file)
    log, party = log or held.facts.get("log"), party or held.facts.get("party")
    shown = _public(held.key)
    if log and party:
        shown |= {
            "log": log,
            "party": party,
            "proof": to_unpadded(held.key.prove_possession(log, PartyId(party))),
        }
    _tell(shown, as_json)


@key.command(
    "party",
    epilog="Example: traceability key party registrar.pem",
    short_help="Draws the id of a party that this key is going to enrol.",
)
def party_to_enrol(
    file: Annotated[Path, typer.Argument(help="The private key that will sign the enrolment or genesis.")],
    as_json: Json = False,
) -> None:
    """Draws the id of a party that this key is going to enrol: a nonce, and the id that follows from key and nonce.

    The new party needs the id before its enrolment, for its keys to be proved with (`key new --party`, `key show`);
    the event that enrols it says both. An operator and its authorities are enrolled by the operator's key, in the genesis.
    """
    nonce, drawn = new_party(KeyFile(file).key)
    _tell({"nonce": nonce, "party": drawn}, as_json)


def new_party(maker: SigningKey) -> tuple[str, PartyId]:
    """A fresh nonce, and the party id that `maker` makes with it."""
    nonce = _nonce()
    return nonce, PartyId(derive("party", maker.id, nonce))


def sign(
    event: Annotated[Path | None, typer.Argument(help="The event as JSON, or - for stdin.")] = None,
    *,
    key_file: KeyOption,
    sequence: Annotated[
        int | None, typer.Option(help="The key's next number, if the event has none.")
    ] = None,
    party: Annotated[
        str | None, typer.Option(help="Who signs, if the event or key file does not say.")
    ] = None,
    log: Annotated[str | None, typer.Option(help="The ledger's name, if event or key file does not.")] = None,
    request: Annotated[
        str | None, typer.Option(metavar="'METHOD PATH'", help="Sign a read instead; prints the header.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where to; stdout if absent.")] = None,
) -> None:
    r"""Signs an event, and prints the line that `submit` sends.

    The event is JSON as docs/format.md has it; what is not said of key, log, party, event_time, version,
    previous and sealed is filled in. `sealed` may be given as an object of path and value: each value gets
    its salt and commitment, and goes out beside the envelope, not in it. "nonce":"new" draws a nonce.

    With --request it signs a read of the API, good once and for five minutes.
    """
    held = KeyFile(key_file)
    if request is not None:
        write_out(out, _signed_read(held, request, party, log))
        return
    if event is None:
        raise Stop("name the file of the event, or - for stdin; or say --request")
    given = parse_object(read_bytes(event), "the event")
    if "sequence" not in given and sequence is None:
        raise Stop(
            "say --sequence: the next number of this key; it starts at 0, and GET /v1/parties/{party} tells it"
        )
    sealed, disclosures = _seal(given.get("sealed", []))
    value = {
        "event_time": _time(datetime.now(UTC)),
        "previous": [],
        "sequence": sequence,
        "version": 1,
        **given,
        "body": _with_nonces(given.get("body")),
        "key": held.key.id,
        "log": given["log"] if "log" in given else held.fact("log", log),
        "party": given["party"] if "party" in given else held.fact("party", party),
        "sealed": sealed,
    }
    payload = events.encode(value)
    parsed = events.parse(payload)
    for salt, path, disclosed in disclosures:
        events.check_disclosure(parsed, salt, path, disclosed)
    line = b'{"disclosures":%s,"envelope":%s}\n' % (
        canonical.dump(disclosures),
        held.key.sign_event(payload).to_json(),
    )
    write_out(out, line)
    for lot in parsed.made:
        remark(f"makes lot {lot}")


def _public(made: SigningKey) -> dict[str, str]:
    return {
        "algorithm": made.public.algorithm,
        "key": made.id,
        "public_key": to_unpadded(made.public.spki),
    }


def _tell(facts: dict[str, str], as_json: bool) -> None:
    if as_json:
        answer(facts)
    else:
        for name, value in facts.items():
            say(f"{name:<11} {value}")


def _seal(sealed: object) -> tuple[object, list[list[Any]]]:
    """Commitments as an event lists them, and the disclosures that open them."""
    if not isinstance(sealed, dict):
        return sealed, []
    disclosures = [[to_unpadded(secrets.token_bytes(16)), path, sealed[path]] for path in sorted(sealed)]
    return [
        [path, commitment(salt, path, canonical.dump(value))] for salt, path, value in disclosures
    ], disclosures


def _with_nonces(value: object) -> object:
    match value:
        case dict():
            return {
                name: _nonce() if name == "nonce" and item == "new" else _with_nonces(item)
                for name, item in value.items()
            }
        case list():
            return [_with_nonces(item) for item in value]
        case _:
            return value


def _signed_read(held: KeyFile, request: str, party: str | None, log: str | None) -> bytes:
    method, _, path = request.partition(" ")
    if not path.startswith("/"):
        raise Stop("--request is a method and a path, as 'GET /v1/lots'")
    payload = canonical.encode(
        {
            "expires": _time(datetime.now(UTC) + timedelta(minutes=4)),
            "key": held.key.id,
            "log": held.fact("log", log),
            "method": method,
            "nonce": _nonce(),
            "party": held.fact("party", party),
            "path": path,
        }
    )
    envelope = Envelope(READ_TYPE, payload, held.key.id, held.key.sign(pae(READ_TYPE, payload)))
    return f"Authorization: DSSE {to_unpadded(envelope.to_json())}\n".encode()


def _nonce() -> str:
    return to_unpadded(secrets.token_bytes(16))


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
