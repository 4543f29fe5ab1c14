"""What stands on a printed label beside the QR, in either language."""

from traceability.core.label import LotLabel, PrintedTag
from traceability.web.words import Words


def lines(words: Words, said: LotLabel | PrintedTag, host: str) -> tuple[str, ...]:
    """Facts first, then where the code opens a page. Every character is one that labels' type has."""
    match said:
        case LotLabel():
            facts = [
                words.code("mineral", said.mineral).capitalize(),
                words.mass(said.net_ug, said.mineral),
                words("print.recorded", day=words.day(said.day)),
            ]
        case PrintedTag():
            facts = [words("print.tag", number=said.number)]
    return tuple(
        line.replace("\u202f", " ").replace("\u00a0", " ")
        for line in (*facts, words("print.open", host=host))
    )
