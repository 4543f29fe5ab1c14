"""Findings, what a lot carries of them, and reports about it."""

MESSAGES: dict[str, str | tuple[str, str]] = {
    # Findings
    "findings.title": "What rules noticed",
    "findings.none": "No rule noticed anything.",
    "findings.closed_event": "an event that is not open to you",
    "findings.answer": "{act} by {who}, {day}.",
    "findings.all": ("{n} more finding", "{n} more findings"),
    "findings.lead": "A rule only notices. It accuses nobody, and can be answered.",
    "findings.times": ("", "{n} times, last on {day}"),
    "findings.further": (
        "One finding on what it was made of.",
        "{in_words} findings on what it was made of.",
    ),
    "severity.notice": "notice",
    "severity.warning": "warning",
    "severity.severe": "severe",
    "answer.explanation": "Explained",
    "answer.action_planned": "Action promised",
    "answer.action_done": "Action done, said",
    "answer.checked": "Checked",
    "answer.dismissed": "Dismissed",
    "answer.escalated": "Passed on",
    "carried.title": "What it carries",
    "carried.lead": "Noticed on the lots it was made of. The share is what of this lot was in those, by mass.",
    "carried.unknown": "too finely mixed",
    # Holds and reports
    "concern.hold": "Under hold.",
    "concern.hold_says": "An authority or a party concerned has put a hold on this lot, its site, its tags or whoever has it. Nothing of it is certified until that is released.",
    "concern.serious": (
        "A serious report is open about this lot or what is around it.",
        "{n} serious reports are open about this lot or what is around it.",
    ),
    "concern.report": (
        "A report is open about this lot or what is around it.",
        "{n} reports are open about this lot or what is around it.",
    ),
    "concern.report_says": "Nobody with the right to has settled it. What it says is not shown here.",
    "concern.reports": "Open reports",
    "concern.reports_lead": "That something was reported, and about what; not what it says.",
    "concern.grave": "serious",
    "concern.other": "not serious",
}
