"""`verifier`: the page that verifies evidence, as one file to keep."""

from pathlib import Path
from typing import Annotated

import typer

from traceability.cli.common import remark, trust, write_bytes


def verifier(
    out: Annotated[Path, typer.Option("--out", "-o", help="Where to; - for stdout.")],
    policy: Annotated[
        Path | None,
        typer.Option(
            help="A trust policy that the page offers to whoever opens it. Without one it asks for theirs."
        ),
    ] = None,
) -> None:
    """Writes a page that verifies evidence by itself, whatever becomes of the server it came from.

    It opens in any browser, from a disk and without a network: drop an evidence file on it, or a PDF that carries
    one. Nothing it is given leaves it.
    """
    from traceability.web.standalone import verifier as page

    text = None if policy is None else trust(policy, []).encode().decode(errors="replace")
    write_bytes(out, page(text))
    remark(f"{out} opens in a browser: keep it with your evidence.")
