"""Les constats, ce qu’un lot en porte, et les signalements à son sujet."""

MESSAGES: dict[str, str | tuple[str, str]] = {
    # Constats
    "findings.title": "Ce que les règles ont remarqué",
    "findings.none": "Aucune règle n’a rien remarqué.",
    "findings.closed_event": "un événement qui ne vous est pas ouvert",
    "findings.answer": "{act} de {who}, le {day}.",
    "findings.all": ("{n} autre constat", "{n} autres constats"),
    "findings.lead": "Une règle ne fait que remarquer. Elle n’accuse personne, et on peut lui répondre.",
    "findings.times": ("", "{n} fois, la dernière le {day}"),
    "findings.further": (
        "Un constat sur ce dont il est fait.",
        "{in_words} constats sur ce dont il est fait.",
    ),
    "severity.notice": "remarque",
    "severity.warning": "avertissement",
    "severity.severe": "grave",
    "answer.explanation": "Explication",
    "answer.action_planned": "Action promise",
    "answer.action_done": "Action faite, selon les dires",
    "answer.checked": "Vérification",
    "answer.dismissed": "Classement",
    "answer.escalated": "Transmission",
    "carried.title": "Ce qu’il porte",
    "carried.lead": "Remarqué sur les lots dont il est fait. La part est ce qui, dans ce lot, vient de ceux-là, en masse.",
    "carried.unknown": "mêlé trop finement",
    # Blocages et signalements
    "concern.hold": "Sous blocage.",
    "concern.hold_says": "Une autorité ou une partie concernée a bloqué ce lot, son site, ses étiquettes ou qui le détient. Rien n’en est certifié avant la levée.",
    "concern.serious": (
        "Un signalement grave est ouvert sur ce lot ou ce qui l’entoure.",
        "{n} signalements graves sont ouverts sur ce lot ou ce qui l’entoure.",
    ),
    "concern.report": (
        "Un signalement est ouvert sur ce lot ou ce qui l’entoure.",
        "{n} signalements sont ouverts sur ce lot ou ce qui l’entoure.",
    ),
    "concern.report_says": "Personne qui en ait le droit ne l’a réglé. Ce qu’il dit n’est pas montré ici.",
    "concern.reports": "Signalements ouverts",
    "concern.reports_lead": "Que quelque chose a été signalé, et sur quoi ; pas ce qui est dit.",
    "concern.grave": "grave",
    "concern.other": "pas grave",
}
