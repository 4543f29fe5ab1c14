"""Nonces of signed reads: each counts once, until it expires."""

from traceability.ledger.store import Store

_KEPT_SECONDS = 600
"""How long a nonce is kept after it expired: a clock that is set back opens none of them again."""


def spend(store: Store, nonce: str, expires: int, now: int) -> bool:
    """Uses the nonce up; False where it was used before. Times in Unix seconds."""
    with store.write(durable=False) as view:
        view.run("DELETE FROM nonce WHERE expires < ?", now - _KEPT_SECONDS)
        taken = view.run(
            "INSERT INTO nonce (nonce, expires) VALUES (?, ?) ON CONFLICT (nonce) DO NOTHING", nonce, expires
        )
        return taken == 1
