"""Keys with which a visitor can try each role, and tags he can scan: told from the seed alone.

These private keys belong to a demonstration and to nothing else: whoever knows the seed has them all.
"""

from typing import NamedTuple

from traceability.core.ids import KeyId, LotId, PartyId, RollId, derive
from traceability.core.signing import Algorithm
from traceability.core.tag import our_tag
from traceability.simulation.chance import named_nonce
from traceability.simulation.digging import TAGS_A_SITE
from traceability.simulation.people import key, party_id
from traceability.simulation.showpiece import DRUMS, HELD
from traceability.simulation.tagging import code_of

_AGENT, _DIGGERS, _TRADER = "kivu 0 agent", "rulindo 0 diggers 0", "kivu 0 trader 0"
_HOUSE, _EXPORTER, _SMELTER = "kivu 0 house", "CD exporter 0", "smelter"
_ROLL = "roll cd 1"


class Credential(NamedTuple):
    """A key of one party of a season, and lots worth looking at with it."""

    role: str
    party: PartyId
    says: str
    """Who that is, in a few words."""
    key_pem: bytes
    key_id: KeyId
    lots: tuple[LotId, ...]
    """None where the role opens no lot: who only tags or enrols never held one."""


class Scannable(NamedTuple):
    """A tag with the code its QR carries."""

    tag: str
    code: str
    lot: LotId
    says: str
    """What it hangs on, in a few words."""


def credentials(seed: int) -> list[Credential]:
    """A key for each role. The same for a season of any length."""
    drums = _lots(seed, _EXPORTER, "drum", range(DRUMS))
    held = _lots(seed, _AGENT, "held bag", range(HELD))
    own = _lots(seed, _DIGGERS, "own bag", range(3))
    washed = _lots(seed, _HOUSE, "held concentrate", range(1))
    return [
        _enrolled(seed, "tag agent", _AGENT, "cd mines", "tags bags at two sites of Sud-Kivu", ()),
        _enrolled(seed, "miner", _DIGGERS, "rw mines", "cooperative with a phone of its own", own),
        _enrolled(
            seed, "trader", _TRADER, "cd mines", "holds two bags, two more are on offer to it", held[2:]
        ),
        _enrolled(seed, "processor", _HOUSE, "cd mines", "plant in Bukavu", washed),
        _enrolled(
            seed, "exporter", _EXPORTER, "cd mines", "has one drum left of four", drums[-1:] + drums[:1]
        ),
        _enrolled(seed, "importer", _SMELTER, "rw mines", "smelter abroad, has two drums", drums[:2]),
        _office(seed, "auditor", "auditor", "may read everything but what is sealed", drums[:1]),
        _office(seed, "regulator", "cd inspection", "inspects mines in the Kivus", drums[:1]),
        _office(seed, "registrar", "cd mines", "enrols people, issues tags", ()),
        _office(seed, "operator", "operator", "runs the ledger, states its book", ()),
    ]


def scannables(seed: int) -> list[Scannable]:
    """Tags to scan: on a drum that arrived abroad, and on a bag still with its trader."""
    roll = RollId(derive("roll", key(seed, "cd mines", "Ed25519").id, named_nonce(seed, "roll", _ROLL)))
    # The first tags of the first roll went to the exporter, the next hundred to the first site.
    last_of_site = 2 * TAGS_A_SITE
    drum = _lots(seed, _EXPORTER, "drum", range(1))[0]
    bag = _lots(seed, _AGENT, "held bag", range(HELD))[-1]
    return [
        Scannable(our_tag(roll, place), code_of(seed, _ROLL, place), lot, says)
        for place, lot, says in (
            (1, drum, "a drum of cassiterite concentrate that arrived at a smelter"),
            (last_of_site - HELD + 1, bag, "a bag of cassiterite that lies at a trader's"),
        )
    ]


def _enrolled(
    seed: int, role: str, name: str, registrar: str, says: str, lots: tuple[LotId, ...]
) -> Credential:
    party = party_id(seed, key(seed, registrar, "Ed25519"), name)
    return _credential(seed, role, name, party, "ES256", says, lots)


def _office(seed: int, role: str, name: str, says: str, lots: tuple[LotId, ...]) -> Credential:
    party = party_id(seed, key(seed, "operator", "Ed25519"), name)
    return _credential(seed, role, name, party, "Ed25519", says, lots)


def _credential(
    seed: int,
    role: str,
    name: str,
    party: PartyId,
    algorithm: Algorithm,
    says: str,
    lots: tuple[LotId, ...],
) -> Credential:
    own = key(seed, name, algorithm)
    return Credential(role, party, says, own.to_pem(), own.id, lots)


def _lots(seed: int, maker: str, name: str, places: range) -> tuple[LotId, ...]:
    own = key(seed, maker)
    return tuple(LotId(derive("lot", own.id, named_nonce(seed, "lot", name, place))) for place in places)
