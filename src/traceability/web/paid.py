"""Money for people: what miners were paid for the ore, what it was worth when it left, and what else was paid.

Who may see prices one function decides (`api.permission`); what of them cannot be told is named, so that a sum that is
only a lower bound never reads like the whole.
"""

from collections import Counter

from traceability.api.money import seen
from traceability.core.money import MICRO, Reason
from traceability.ledger.ancestry import Lineage
from traceability.ledger.money import Accounts, Paid
from traceability.web.linked import Links, Table, Value
from traceability.web.words import Words

_NOTHING: frozenset[Reason | None] = frozenset({"no_price", "not_from_a_mine"})
_PAYMENTS_MAX = 50


def of_lots(links: Links, lineage: Lineage) -> list[Table]:
    """The money of the lots a lineage asks about, where any was recorded; for who may open each of them."""
    found = seen(links.services, links.visitor, lineage)
    if found is None or _is_empty(found):
        return []
    words = links.words
    lines = [_first(words, found), _exported(words, found), _share(words, found)]
    lines += [_payment(links, paid) for paid in found.paid[:_PAYMENTS_MAX]]
    headings = [words("column.what"), words("column.amount"), words("column.untold")]
    if not any(untold for *_, untold in lines):
        headings, lines = headings[:2], [line[:2] for line in lines]
    after = words("money.more", len(found.paid) - _PAYMENTS_MAX) if len(found.paid) > _PAYMENTS_MAX else ""
    return [Table(words("money.title"), headings, lines, figures=(1,), lead=words("money.lead"), after=after)]


def _is_empty(found: Accounts) -> bool:
    """Whether nobody ever recorded any money here, or this visitor may see none of it."""
    told = found.money.known_ug or found.exported.micro_usd is not None
    return not told and not any(paid.micro_usd is not None for paid in found.paid)


def _first(words: Words, found: Accounts) -> list[list[Value]]:
    missing = Counter(reason for _, reason in found.missing)
    untold = [
        Value(words("money.missing", count, why=words.code("untold", reason)))
        for reason, count in sorted(missing.items())
    ]
    if found.missing and found.money.known_ug:
        untold.insert(0, Value(words("money.known", percent=words.percent(found.money.known_ppm, MICRO))))
    amount = words.usd(found.money.micro_usd) if found.money.known_ug else ""
    if amount and found.missing:
        amount = words("money.at_least", amount=amount)
    return [[Value(words("money.miners"))], [Value(amount)], untold]


def _exported(words: Words, found: Accounts) -> list[list[Value]]:
    amount, reason = found.exported
    untold = (
        []
        if reason is None
        else [Value(words.code("untold", "not_exported" if reason == "no_price" else reason))]
    )
    return [[Value(words("money.exported"))], [Value("" if amount is None else words.usd(amount))], untold]


def _share(words: Words, found: Accounts) -> list[list[Value]]:
    """The miners' share of the export value; a lower bound where a first price is missing."""
    exported = found.exported.micro_usd
    if not exported or not found.money.known_ug:
        return [[Value(words("money.share"))], [], [Value(words("money.share_untold"))]]
    share = words.percent(found.money.micro_usd, exported)
    if found.money.unknown_ug:
        return [
            [Value(words("money.share"))],
            [Value(words("money.at_least", amount=share))],
            [Value(words("money.known", percent=words.percent(found.money.known_ppm, MICRO)))],
        ]
    return [[Value(words("money.share"))], [Value(share)], []]


def _payment(links: Links, paid: Paid) -> list[list[Value]]:
    words = links.words
    to = words.code("payee", paid.to) if paid.to else words("money.somebody")
    of = words.code("payment", paid.of) if paid.of else words("kind.payment")
    untold = [] if paid.reason is None else [Value(words.code("untold", paid.reason))]
    return [
        [links.event(paid.event, words("money.payment", of=of, to=to))],
        [Value("" if paid.micro_usd is None else words.usd(paid.micro_usd))],
        untold,
    ]
