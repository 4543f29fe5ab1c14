"""What people, firms, cooperatives and sites are called, in the languages of the places. All invented."""

from typing import Any

from traceability.simulation.chance import Chance

_GIVEN = {
    "CF": ("Aristide", "Bienvenu", "Chantal", "Dieudonné", "Édith", "Fidèle", "Gervais", "Honorine"),
    "CD": ("Bahati", "Chance", "Espérance", "Furaha", "Innocent", "Jacqueline", "Kasereka", "Zawadi"),
    "RW": ("Aimable", "Béatrice", "Claudine", "Emmanuel", "Jean Bosco", "Olive", "Vestine", "Zacharie"),
    "BE": ("Annelies", "Joris", "Katrien", "Wouter"),
    "MY": ("Aishah", "Farid", "Mei Ling", "Suresh"),
}
_FAMILY = {
    "CF": ("Ngaïsset", "Yakandji", "Bossangou", "Mokpem", "Gbazoumi", "Zoungarani", "Dékomba", "Wanzeré"),
    "CD": ("Mugishozi", "Cibalonza", "Balagane", "Murhulwa", "Kasongwe", "Ntakwinja", "Bisimwe", "Lwaboshe"),
    "RW": ("Habiyakare", "Mukashema", "Nsengimbabazi", "Uwizeyera", "Ntawiha", "Munyarubuga", "Ingabireyo"),
    "BE": ("Verstraelen", "De Groodt", "Claessink"),
    "MY": ("Rahimullah", "Tan Seow", "Kanapathy"),
}
_POSITIONS = {
    "CF": ("chef d'équipe", "agent de pesée", "gérant", "secrétaire"),
    "CD": ("chef d'équipe", "agent de pesée", "gérant", "chargé du dépôt"),
    "RW": ("umukuru w'itsinda", "ushinzwe umunzani", "umucungamutungo"),
    "BE": ("zaakvoerder", "magazijnier"),
    "MY": ("manager", "weighbridge clerk"),
}
_DIAL = {"CF": "+236 70", "CD": "+243 81", "RW": "+250 78", "BE": "+32 47", "MY": "+60 12"}
_WORDS = {
    "CF": ("Zo kwe zo", "Bê-oko", "Siriri", "Mabôko", "Kodro", "Ngangü", "Gbïä-ngbâ", "Sêse"),
    "CD": ("Umoja", "Maendeleo", "Amani", "Tujenge", "Mapendo", "Tumaini", "Nguvu", "Juhudi", "Mshikamano"),
    "RW": ("Ubumwe", "Icyizere", "Twitezimbere", "Umurimo", "Abahuje", "Ejo Heza", "Isuka", "Imbaraga"),
}
_SITES = {
    "CF": ("Bambio-Ngolo", "Gaza-Mbéré", "Ngoundi", "Yamalé", "Sosso-Kpélé", "Dédé-Mokouba", "Wapo"),
    "CD": ("Kanyola", "Mushangi", "Lukigi", "Kabwerere", "Nzofu", "Mutambala", "Cibira", "Idunda"),
    "RW": ("Gasambya", "Rubayu", "Musheri", "Kigarama-Hasi", "Nyabisindu", "Rwinkuba", "Gahororo"),
}


def _language(country: str) -> str:
    return country if country in _GIVEN else "CF"


def person(chance: Chance, country: str) -> dict[str, str]:
    """Somebody, with a position and perhaps a phone."""
    where = _language(country)
    found = {
        "name": f"{chance.pick(_GIVEN[where])} {chance.pick(_FAMILY[where])}",
        "position": chance.pick(_POSITIONS[where]),
    }
    if not chance.one_in(3):
        found["phone"] = f"{_DIAL[where]} {chance.randint(100, 999)} {chance.randint(1000, 9999)}"
    return found


def miner(chance: Chance, country: str) -> dict[str, str]:
    """A digger with his card."""
    where = _language(country)
    name = f"{chance.pick(_GIVEN[where])} {chance.pick(_FAMILY[where])}"
    return {"name": name, "id_number": f"{where}-{chance.randint(10_000_000, 99_999_999)}"}


def carriage(chance: Chance, country: str, company: str) -> dict[str, str]:
    """Who drives what."""
    plate = f"{chance.randint(1000, 9999)} {chance.pick('ABCDEFGH')}{chance.pick('KLMNPRST')}"
    return {"company": company, "driver": person(chance, country)["name"], "plate": plate}


def cooperative(country: str, number: int, locality: str) -> str:
    """What the diggers of a place call themselves."""
    word = _WORDS[country][number % len(_WORDS[country])]
    kind = {"CF": "Coopérative", "CD": "Coopérative minière", "RW": "Koperative"}[country]
    return f"{kind} {word} – {locality}"


def site(country: str, number: int) -> str:
    """What a hill is called; the second time round with a number."""
    names = _SITES[country]
    turn, place = divmod(number, len(names))
    return names[place] if turn == 0 else f"{names[place]} {turn + 1}"


def entity(chance: Chance, name: str, address: dict[str, str], business: str) -> dict[str, Any]:
    """Who a party is in law."""
    country = address["country"]
    head = person(chance, country)
    contact = {"legal_representative": head["name"]}
    if "phone" in head:
        contact["phone"] = head["phone"]
    return {
        "name": name,
        "tin": f"{country}{chance.randint(10_000_000, 99_999_999)}",
        "business_type": business,
        "physical_address": address,
        "contact": contact,
    }
