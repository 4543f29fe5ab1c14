"""English. Written side by side with `fr`: the same files, in each the same keys in the same order."""

from traceability.web.words.en import (
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
