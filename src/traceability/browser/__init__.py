"""The verifier for browsers: the core itself, compiled from its Python into one ES module.

Nothing of the rules is written twice. `docs/browser.md` says how, and what the module exports.
"""

from functools import cache

from traceability.browser.bundle import bundle


@cache
def module() -> bytes:
    """The module, made from the sources of the core when first asked for. It imports nothing."""
    return bundle().encode()
