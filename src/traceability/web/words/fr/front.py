"""L’accueil et sa recherche."""

MESSAGES: dict[str, str | tuple[str, str]] = {
    # Accueil
    "front.title": "D’où vient ce minerai ?",
    "front.lead": "Chaque fois que le minerai change de mains ou de forme, celui qui agit signe. Visez une étiquette avec n’importe quel appareil photo, ou tapez ce qui y est imprimé.",
    "front.label": "Étiquette, lot, événement ou acteur",
    "front.hint": "Par exemple K7QF-3M9T-XB2R1, sous le carré imprimé sur le sac, ou rmb:RW0148217.",
    "front.go": "Chercher",
    "front.size": ("Ce registre compte {n} inscription", "Ce registre compte {n} inscriptions"),
    "front.newest": "la dernière du {day}",
    "front.confirmed": (
        "Des témoins indépendants ont confirmé {n} inscription, en dernier le {moment}.",
        "Des témoins indépendants ont confirmé {n} inscriptions, en dernier le {moment}.",
    ),
    "front.continues": (
        "Ce journal continue {origin} : sa première inscription vient de là.",
        "Ce journal continue {origin} : ses {n} premières inscriptions viennent de là.",
    ),
    "front.lost": (
        "{n} inscription que {origin} avait signée a été perdue et manque ici. Qui la détient peut l’envoyer de nouveau.",
        "{n} inscriptions que {origin} avait signées ont été perdues et manquent ici. Qui en détient une peut l’envoyer de nouveau.",
    ),
    "front.yours": "Lots que vous détenez ou avez détenus",
    "front.all": "Les lots les plus récents de ce registre",
    "front.more": "Seuls les plus récents sont listés. Les autres se trouvent par le numéro de leurs papiers.",
    "front.tag": "Une étiquette",
    "front.tag_says": "Montre par où le sac est passé, jusqu’à la mine. Seuls les acteurs qui ont choisi d’être publics y ont un nom.",
    "front.lot": "Un lot, un événement",
    "front.lot_says": "Ouverts à ceux qui l’ont détenu, une fois identifiés.",
    "front.party": "Un acteur, un site",
    "front.party_says": "Ceux qui ont choisi d’être publics, et tous les sites enregistrés.",
    "front.auditors": "Pour les auditeurs, le journal lui-même :",
    "front.lists": "Listes",
    "waiting.title": "Ce qui vous attend",
    "waiting.offers": ("{n} lot vous est offert", "{n} lots vous sont offerts"),
    "waiting.hold": ("{n} de vos lots est sous blocage", "{n} de vos lots sont sous blocage"),
    "waiting.serious": (
        "Un signalement grave est ouvert sur {n} de vos lots",
        "Un signalement grave est ouvert sur {n} de vos lots",
    ),
    "waiting.report": (
        "Un signalement est ouvert sur {n} de vos lots",
        "Un signalement est ouvert sur {n} de vos lots",
    ),
    "waiting.severe": (
        "Un constat grave est sur {n} de vos lots",
        "Un constat grave est sur {n} de vos lots",
    ),
    # Recherche
    "search.title": "Rien trouvé",
    "search.nothing": "Rien de ce que vous pouvez voir ici ne correspond à « {typed} ».",
    "search.help": "Un code a 13 caractères et se trouve sous le carré de l’étiquette. Les numéros d’autres étiquettes se cherchent avec leur système : itsci:0148217, rmb:RW0148217. Les lots et les événements s’ouvrent à ceux qui les ont détenus, une fois identifiés.",
    "search.nearly": "C’est presque un code : un caractère manque, est faux ou n’est pas à sa place. Comparez {typed} à l’étiquette.",
    "search.many": "Du nom de « {typed} »",
}
