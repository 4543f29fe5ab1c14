"""Le français. Écrit côte à côte avec `en` : les mêmes fichiers, et dans chacun les mêmes clés dans le même ordre."""

from traceability.web.words.fr import (
    codes,
    device,
    event,
    figures,
    findings,
    frame,
    front,
    known,
    lists,
    lot,
    register,
    rules,
    tag,
    verifying,
    way,
)

MESSAGES: dict[str, str | tuple[str, str]] = {
    **frame.MESSAGES,
    **front.MESSAGES,
    **tag.MESSAGES,
    **lot.MESSAGES,
    **known.MESSAGES,
    **way.MESSAGES,
    **findings.MESSAGES,
    **rules.MESSAGES,
    **figures.MESSAGES,
    **codes.MESSAGES,
    **event.MESSAGES,
    **register.MESSAGES,
    **lists.MESSAGES,
    **verifying.MESSAGES,
    **device.MESSAGES,
}
