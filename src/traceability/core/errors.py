"""The ways the core says no.

Each error carries a sentence for the person who has to act on it. `Malformed` is about bytes, `Invalid`
about a proof or signature that does not hold. What the rules of the ledger refuse is not an error but an
outcome (`outcome.Rejected`), because refusing is one of the things a ledger does.
"""


class TraceabilityError(Exception):
    """Anything the core refuses."""


class Malformed(TraceabilityError):  # noqa: N818  # reads as a sentence where it is raised
    """These bytes are not of the form they claim to be; nothing was concluded from them."""


class Invalid(TraceabilityError):  # noqa: N818
    """Well-formed, and wrong: a signature, proof or commitment that does not hold."""
