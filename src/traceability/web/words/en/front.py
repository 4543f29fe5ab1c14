"""The front page and its search."""

MESSAGES: dict[str, str | tuple[str, str]] = {
    # Front page
    "front.title": "Where does this ore come from?",
    "front.lead": "Every time ore changes hands or shape, whoever did it signs. Scan a tag with any camera, or type what is printed on it.",
    "front.label": "Tag, lot, event or party",
    "front.hint": "For example K7QF-3M9T-XB2R1 from under the square on a bag, or rmb:RW0148217.",
    "front.go": "Look it up",
    "front.size": ("This ledger has {n} entry", "This ledger has {n} entries"),
    "front.newest": "the newest of {day}",
    "front.confirmed": (
        "Independent witnesses confirmed {n} entry, last on {moment}.",
        "Independent witnesses confirmed {n} entries, last on {moment}.",
    ),
    "front.continues": (
        "This log carries on {origin}: its first entry is that log’s.",
        "This log carries on {origin}: its first {n} entries are that log’s.",
    ),
    "front.lost": (
        "{n} entry that {origin} had signed was lost and is missing here. Whoever holds it can send it again.",
        "{n} entries that {origin} had signed were lost and are missing here. Whoever holds one can send it again.",
    ),
    "front.yours": "Lots you hold or held",
    "front.all": "The newest lots of this ledger",
    "front.more": "Only the newest are listed. Any other is found by the number on its papers.",
    "front.tag": "A tag",
    "front.tag_says": "Shows where the bag has been, back to the mine. Names stand there only for parties that chose to be public.",
    "front.lot": "A lot, an event",
    "front.lot_says": "Open to those who held it, once they are signed in.",
    "front.party": "A party, a site",
    "front.party_says": "Those who chose to be public, and every registered site.",
    "front.auditors": "For auditors, the log itself:",
    "front.lists": "Lists",
    "waiting.title": "What waits for you",
    "waiting.offers": ("{n} lot is on offer to you", "{n} lots are on offer to you"),
    "waiting.hold": ("{n} lot of yours is under hold", "{n} lots of yours are under hold"),
    "waiting.serious": (
        "A serious report is open about {n} lot of yours",
        "A serious report is open about {n} lots of yours",
    ),
    "waiting.report": ("A report is open about {n} lot of yours", "A report is open about {n} lots of yours"),
    "waiting.severe": ("A severe finding is on {n} lot of yours", "A severe finding is on {n} lots of yours"),
    # Search
    "search.title": "Nothing found",
    "search.nothing": "Nothing here that you may see matches “{typed}”.",
    "search.help": "A code has 13 characters and stands under the square on the tag. Numbers of other tags are found with their scheme: itsci:0148217, rmb:RW0148217. Lots and events open for those who held them, once they are signed in.",
    "search.nearly": "This is nearly a code: a character is missing, wrong, or in another’s place. Compare {typed} with the tag.",
    "search.many": "Called “{typed}”",
}
