"""Names of countries and regions (ISO 3166) in French and English, out of pycountry, each looked up once."""

import gettext
from functools import cache
from typing import Any

import pycountry

from traceability.web.words import Language

_COUNTRIES: dict[str, tuple[str, str]] = {
    "CD": ("DR Congo", "RD Congo"),
    "CG": ("Congo", "Congo"),
    "CI": ("Côte d’Ivoire", "Côte d’Ivoire"),
    "GB": ("United Kingdom", "Royaume-Uni"),
    "KR": ("South Korea", "Corée du Sud"),
    "RU": ("Russia", "Russie"),
    "TZ": ("Tanzania", "Tanzanie"),
    "US": ("United States", "États-Unis"),
}
"""As people say them, where the standard's name is one for lists."""

_REGIONS: dict[str, tuple[str, str]] = {
    "RW-01": ("City of Kigali", "Ville de Kigali"),
    "RW-02": ("Eastern Province", "Province de l’Est"),
    "RW-03": ("Northern Province", "Province du Nord"),
    "RW-04": ("Western Province", "Province de l’Ouest"),
    "RW-05": ("Southern Province", "Province du Sud"),
}


@cache
def country(code: str, language: Language) -> str:
    """The name of a country; the code itself where the standard has none."""
    if code in _COUNTRIES:
        return _COUNTRIES[code][language == "fr"]
    found: Any = pycountry.countries.get(alpha_2=code)
    if found is None:
        return code
    name = str(getattr(found, "common_name", found.name))
    name = _translated("iso3166-1", name) if language == "fr" else name
    listed, comma, rest = name.partition(", ")
    return f"{rest} {listed}" if comma else name


@cache
def region(code: str, language: Language) -> str:
    """The name of a region (ISO 3166-2) without its country; the code itself where the standard has none."""
    if code in _REGIONS:
        return _REGIONS[code][language == "fr"]
    found: Any = pycountry.subdivisions.get(code=code)  # type: ignore[no-untyped-call]
    if found is None:
        return code
    name = str(found.name).rpartition(" / ")[2]
    return _translated("iso3166-2", name) if language == "fr" else name


@cache
def place(code: str, language: Language, home: str = "") -> str:
    """A region with its country, or a country: "Western Province, Rwanda"; at `home` the region alone."""
    if "-" not in code:
        return country(code, language)
    if code[:2] == home:
        return region(code, language)
    return f"{region(code, language)}, {country(code[:2], language)}"


def _translated(domain: str, name: str) -> str:
    return _french(domain).gettext(name)


@cache
def _french(domain: str) -> gettext.NullTranslations:
    return gettext.translation(domain, pycountry.LOCALES_DIR, languages=["fr"], fallback=True)
