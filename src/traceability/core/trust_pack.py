"""The trust pack: who is who in a ledger, in one file, to check labels without a network.

It has the form of evidence (`core.evidence`) without `lots`: the entries that enrol parties, give roles, add and
revoke keys, also the log's own, and issue rolls of our own tags, with what approved them, under a signed checkpoint. Name
`*.trust-pack.json`. It is verified as evidence is, and by the same trust policy; the rules of the ledger make
parties, keys and rolls out of it.

That it holds all such entries up to its checkpoint nothing shows yet: a revocation may have been left out. So
what a pack says holds *as shown*, and it says how old it is.
"""

from collections import defaultdict
from collections.abc import Sequence

from traceability.core import evidence
from traceability.core.events import (
    Enrolment,
    Event,
    Genesis,
    KeyAddition,
    KeyRevocation,
    LogKey,
    RoleChange,
    TagIssue,
)
from traceability.core.record import Address
from traceability.core.registry_records import Key, Party, Roll
from traceability.core.state import AnyRecord
from traceability.core.tag import OUR_SCHEME
from traceability.core.trust_policy import TrustPolicy
from traceability.core.verify import Established, establish

MEDIA_TYPE = "application/vnd.traceability.trust-pack+json"
SUFFIX = ".trust-pack.json"


def belongs(event: Event) -> bool:
    """Whether a trust pack holds this event for its own sake."""
    if isinstance(event, TagIssue):
        return event.body.scheme == OUR_SCHEME
    return isinstance(event, Genesis | Enrolment | RoleChange | KeyAddition | KeyRevocation | LogKey)


class TrustPack:
    """A pack that was verified: parties, keys and rolls as they stand at its checkpoint."""

    def __init__(self, known: Established) -> None:
        self.log = known.facts.log
        self.size = known.checkpoint.size
        """How many entries the log had."""
        self.recorded_until = known.recorded_until
        """Record time of the newest entry in the pack."""
        self.demo = known.facts.demo
        self._state = known.replay.state
        self._keys: dict[str, list[Key]] = defaultdict(list)
        for record in self._state.records.values():
            if isinstance(record, Key):
                self._keys[record.id[:16]].append(record)

    @classmethod
    def read(cls, data: bytes, policy: TrustPolicy) -> "TrustPack":
        """Verifies a pack. Raises Malformed, or verify.Failed, where it does not hold."""
        return cls(establish(evidence.decode_proven(data, "a trust pack"), policy))

    def keys(self, kid: str) -> Sequence[Key]:
        """All keys whose ids begin with these 16 hex digits."""
        return self._keys.get(kid, ())

    def party(self, party: str) -> Party | None:
        """The party as the pack shows it, or None."""
        found = self._find(("party", party))
        return found if isinstance(found, Party) else None

    def roll(self, roll: str) -> Roll | None:
        """The roll of our tags as the pack shows it, or None."""
        found = self._find(("roll", roll))
        return found if isinstance(found, Roll) else None

    def is_whole(self, key: Key) -> bool:
        """Whether every shown entry about the key and its party could be judged."""
        return self._state.unjudged.keys().isdisjoint({("key", key.id), ("party", key.party)})

    def _find(self, address: Address) -> AnyRecord | None:
        return None if address in self._state.unjudged else self._state.records.get(address)
