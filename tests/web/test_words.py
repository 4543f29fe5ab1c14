"""The catalogues stand side by side, and numbers, masses and days are written as each language does."""

import ast
import re
import string
import time
from importlib import import_module, resources
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

import traceability.core
import traceability.web
from traceability.api.permission import PRIVACY
from traceability.core import custody_bodies, forms, ground_bodies, registry_bodies
from traceability.core.disclosing import CHOICES
from traceability.core.events import KINDS
from traceability.core.findings.catalogue import RULES
from traceability.core.lot_records import LotState
from traceability.web.figures import LISTS, label, told
from traceability.web.places import country, place, region
from traceability.web.words import CATALOGUES, LANGUAGES, Words, preferred, unit_of, words_in

EN, FR = words_in("en"), words_in("fr")
WEB = Path(str(resources.files(traceability.web)))


def fields(message):
    texts = message if isinstance(message, tuple) else (message,)
    return {name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name}


def files(language):
    """The messages of each file of a language, by the file's name."""
    folder = f"{traceability.web.__name__}.words.{language}"
    names = sorted(path.stem for path in (WEB / "words" / language).glob("[!_]*.py"))
    return {name: import_module(f"{folder}.{name}").MESSAGES for name in names}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_is_all_its_files_and_no_key_is_in_two(language):
    """No file is left out of its language, and none overwrites what another says."""
    keys = [key for messages in files(language).values() for key in messages]
    assert sorted(keys) == sorted(CATALOGUES[language])


def test_the_catalogues_have_the_same_messages_in_the_same_order():
    """French and English stand side by side: same files, same keys, same order, same way of counting."""
    english, french = CATALOGUES["en"], CATALOGUES["fr"]
    assert list(english) == list(french)
    assert [(name, list(said)) for name, said in files("en").items()] == [
        (name, list(said)) for name, said in files("fr").items()
    ]
    for key in english:
        assert isinstance(english[key], tuple) == isinstance(french[key], tuple), key


def test_messages_take_the_same_values_in_both_languages():
    """A value that one language prints is there for the other; only how a count is written may differ."""
    counts = {"n", "in_words"}
    for key, english in CATALOGUES["en"].items():
        assert fields(english) - counts == fields(CATALOGUES["fr"][key]) - counts, key


def literals(kind, values):
    return [(f"{kind}.{value}") for value in values]


def values_of(form, field):
    """The codes a field of an event may have."""

    def walk(annotation):
        for argument in get_args(annotation):
            if isinstance(argument, str):
                yield argument
            else:
                yield from walk(argument)

    return set(walk(form.model_fields[field].annotation))


CODES = [
    *literals("mineral", get_args(forms.Mineral)),
    *literals("form", get_args(forms.MaterialForm)),
    *literals("role", get_args(forms.Role)),
    *literals("named", get_args(forms.Role)),
    *literals("mode", get_args(forms.Mode)),
    *literals("basis", get_args(forms.Basis)),
    *literals("lot", get_args(LotState)),
    *literals("kind", KINDS),
    *literals("source", get_args(registry_bodies.Source)),
    *literals("party_type", get_args(registry_bodies.PartyType)),
    *literals("method", values_of(registry_bodies.SiteRegistrationBody, "mining_method")),
    *literals("activity", values_of(registry_bodies.SiteRegistrationBody, "activity")),
    *literals("site.type", values_of(registry_bodies.SiteRegistrationBody, "type")),
    *literals("decision", values_of(registry_bodies.ApprovalBody, "decision")),
    *literals("origin", values_of(custody_bodies.IntakeBody, "origin")),
    *literals("did.handoff", values_of(custody_bodies.TransferBody, "purpose")),
    *literals("refusal", values_of(custody_bodies.RefusalBody, "reason")),
    *literals("withdrawal", values_of(custody_bodies.WithdrawalBody, "reason")),
    *literals("ground", values_of(custody_bodies.ReassignmentBody, "ground")),
    *literals("loss", values_of(custody_bodies.Loss, "type")),
    *literals("type", values_of(custody_bodies.TransformationBody, "type")),
    *literals("step", values_of(custody_bodies.TransformationBody, "steps")),
    *literals("retag", values_of(custody_bodies.RetaggingBody, "reason")),
    *literals("inspection", values_of(custody_bodies.InspectionBody, "type")),
    *literals("closure", values_of(custody_bodies.ClosureBody, "reason")),
    *literals("correction", values_of(custody_bodies.CorrectionBody, "reason")),
    *literals("sealed", PRIVACY),
    *literals("discloses", CHOICES),
]


@pytest.mark.parametrize("key", sorted(CODES))
def test_every_code_an_event_may_carry_has_a_word(key):
    """Whatever a list of codes holds can be said in both languages."""
    assert EN.has(key)
    assert FR.has(key)


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_has_a_sentence(rule):
    """What a rule noticed can be said in plain words."""
    assert EN.has(f"rule.{rule}")
    assert FR.has(f"rule.{rule}")


IN_PARTS = {
    "{name}_ug": ("draws_ug", "uses_ug"),
    "{name}_{when}": [
        f"{name}_{when}" for name in ("status", "suspended", "activity") for when in ("now", "was")
    ],
}
"""Names of figures that the core puts together, by how it does: a new way has to be added here."""
BY_NAME = (
    "seal",
    "tag",
    "package",
    "void",
    "lost",
    "off",
    "on",
    "below_ppm",
    "above_ppm",
    "side",
    "names",
    "parties",
    "sites",
)
"""Names taken over from elsewhere: of what was not intact on arrival, of what became of tags, of what the operator states."""


def figure_names():
    """Every name of a figure in the core's source: the keys of what its rules write into findings."""
    for path in Path(str(resources.files(traceability.core))).rglob("*.py"):
        text = path.read_text("utf-8")
        if path.name == "outcome.py" or not re.search(r"\bRaised\(|\.note\(", text):
            continue
        for function in ast.walk(ast.parse(text)):
            if isinstance(function, ast.FunctionDef):
                for node in ast.walk(function):
                    keys = node.keys if isinstance(node, ast.Dict) else ()
                    if isinstance(node, ast.DictComp):
                        keys = (node.key,)
                    elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
                        keys = (node.slice,)
                    for key in keys:
                        if isinstance(key, ast.Constant) and isinstance(key.value, str):
                            yield key.value
                        elif isinstance(key, ast.JoinedStr):
                            yield from IN_PARTS[ast.unparse(key)[2:-1]]
    yield from BY_NAME


FIGURES = sorted(
    set(figure_names())
    - {
        "assays",
        "due",
        "events",
        "figures",
        *get_args(ground_bodies.ZoneBody.model_fields["type"].annotation),
    }
)
"""But for a word of a correction, how a finding is passed on, and sorts of zones, which are no figures."""


def test_every_figure_that_rules_compare_has_a_label():
    """Whatever the core's rules write into a finding is said in words in both languages, with its unit."""
    assert len(FIGURES) > 100
    assert {"expected_ug", "band_ppm", "capacity_a_day_ug", "status_now", "km"} <= set(FIGURES)
    ids = {"allocated_to", "author", "exporter", "hold", "holder", "inspection", "licence", "other_party", "party",
           "producer", "site_right", "site_said", "title", "zone"}  # fmt: skip
    for words in (EN, FR):
        bare = [
            name
            for name in FIGURES
            if name not in ids and label(words, name) not in words_of(words, "figured")
        ]
        assert not bare, bare


def words_of(words, kind):
    return {text for key, text in CATALOGUES[words.language].items() if key.startswith(f"{kind}.")}


@pytest.mark.parametrize(
    ("figure", "mineral", "english", "french"),
    [
        (("expected_ug", "38400000000"), "cassiterite", "expected 38.40 kg", "attendu 38,40 kg"),
        (("difference_ug", "-1270000"), "diamond", "difference −6.35 ct", "différence −6,35 ct"),
        (("band_ppm", "23000"), "", "allowed 2.3 %", "admis 2,3 %"),
        (("status", "yellow"), "", "status: 2 yellow", "statut : 2 jaune"),
        (("from", "2026-03-01"), "", "from 1 March 2026", "du 1er mars 2026"),
        (
            ("seen_time", "2026-03-01T10:11:12Z"),
            "",
            "last contact 1 March 2026",
            "dernier contact 1er mars 2026",
        ),
        (("to", "RW-04"), "", "to Western Province, Rwanda", "vers Province de l’Ouest, Rwanda"),
        (("minerals", "gold,copper"), "", "minerals: gold, copper", "minerais : or, cuivre"),
        (("compared", "as_weighed"), "", "compared as weighed", "comparé tel que pesé"),
        (("method_before", "handheld_xrf"), "", "before by hand-held XRF", "avant par XRF portable"),
        (("suspended_now", "True"), "", "suspended, as said now: yes", "suspendu, dit maintenant : oui"),
        (("seal", "broken"), "", "seal: broken", "scellé : brisé"),
        (("some_new_thing", "x_y"), "", "some new x y", "some new x y"),
    ],
)
def test_a_figure_is_said_with_its_unit(figure, mineral, english, french):
    """Masses in the unit of their trade, shares in percent, days and codes in words, all else as it is."""
    for words, said in ((EN, english), (FR, french)):
        assert [text.replace("\u00a0", " ") for text in told(words, [figure], mineral)] == [said]


def test_ids_among_figures_are_no_figures():
    """An id leads to a page and is not read."""
    assert told(EN, [("party", "3anm" + "0" * 22), ("hold", "ab" * 32)]) == []


def test_every_message_is_used_and_every_used_message_is_there():
    """No message is missing and none is left over."""
    text = "\n".join(
        path.read_text("utf-8")
        for path in [*WEB.glob("*.py"), *(WEB / "templates").glob("*.html"), *(WEB / "scripts").glob("*.js")]
    )
    text += (WEB / "words" / "__init__.py").read_text("utf-8")
    asked = set(re.findall(r"""\b(?:t|words|self)\(\s*["']([a-z0-9_.]+[a-z0-9_])["']""", text))
    known = set(CATALOGUES["en"])
    assert asked <= known, asked - known
    named = set(re.findall(r'"([a-z0-9_]+(?:\.[a-z0-9_]+)+)"', text)) & known
    prefixes = {
        *re.findall(r"""f["']([a-z0-9_.]+)\.\{""", text),
        *re.findall(r"""\bcode\(\s*"([a-z0-9_.]+)\"""", text),
        *re.findall(r"""t\("([a-z0-9_.]+)\." ~""", text),
        *re.findall(r"""`([a-z0-9_.]+)\.\$\{""", text),
        *("step", "refusal", "withdrawal", "closure", "correction"),  # by the kind of a happening
        *(name for lists in LISTS.values() for name in lists),
    }
    left = {
        key
        for key in known - asked - named - {"numbers", "months", "spilled", "sampled"}
        if not any(key.startswith(f"{prefix}.") for prefix in prefixes)
    }
    assert " ".join(sorted(left)) == ""


@pytest.mark.parametrize(
    ("mass_ug", "mineral", "english", "french"),
    [
        (38_400_000_000, "cassiterite", "38.40 kg", "38,40 kg"),
        (9_898_400_000_000, "cassiterite", "9,898.40 kg", "9\u202f898,40 kg"),
        (1_127_900_000, "gold", "1,127.90 g", "1\u202f127,90 g"),
        (12_000_000_000, "gold", "12.00 kg", "12,00 kg"),
        (350_000_000, "coltan", "350.00 g", "350,00 g"),
        (1_270_000, "diamond", "6.35 ct", "6,35 ct"),
        (1, "gold", "under 0.01 g", "moins de 0,01 g"),
    ],
)
def test_a_mass_is_written_as_the_trade_says_it(mass_ug, mineral, english, french):
    """Kilograms, grams for gold and little, carats for stones; the unit never parts from its number."""
    assert EN.mass(mass_ug, mineral) == english.replace(" g", "\u00a0g").replace(" k", "\u00a0k").replace(
        " ct", "\u00a0ct"
    )
    assert FR.mass(mass_ug, mineral).replace("\u00a0", " ") == french


def hundredths(text):
    return int(re.sub(r"[^0-9]", "", text)) if "under" not in text else 0


@given(st.lists(st.integers(min_value=0, max_value=10**13), min_size=1, max_size=20))
def test_masses_printed_together_add_up_as_printed(masses):
    """Nobody who adds up the printed lines of an account finds a cent missing."""
    printed = EN.masses(masses, "cassiterite")
    assert sum(map(hundredths, printed)) == hundredths(EN.mass(sum(masses), "cassiterite"))
    assert unit_of(sum(masses), "cassiterite") in printed[0]


def test_shares_below_a_tenth_of_a_percent_are_not_nothing():
    """What is there is never printed as zero."""
    assert EN.percent(1, 10**9) == "under 0.1\u00a0%"
    assert FR.percent(3, 1000) == "0,3\u00a0%"
    assert EN.percent(0, 5) == "0.0\u00a0%"


def test_days_are_written_as_people_write_them():
    """Months in words, and month and year once where a span has the same."""
    assert EN.day("2026-03-01") == "1\u00a0March 2026"
    assert FR.day("2026-03-01") == "1er\u00a0mars 2026"
    assert EN.days("2026-03-04", "2026-03-05") == "4 to 5\u00a0March 2026"
    assert FR.days("2026-02-28", "2026-03-05") == "du 28\u00a0février au 5\u00a0mars 2026"
    assert EN.days("2025-12-30", "2026-01-02") == "30\u00a0December 2025 to 2\u00a0January 2026"
    assert FR.moment("2026-03-14T10:15:00Z") == "14\u00a0mars 2026, 10:15\u00a0UTC"


def test_french_elides_before_a_vowel():
    """ "de un" is never printed."""
    assert "d’un négociant" in FR("state.held", who="un négociant", day="x")
    assert "de Kivu" in FR("state.held", who="Kivu", day="x")


def test_counts_take_the_form_of_their_language():
    """French counts nothing in the singular, English in the plural."""
    assert EN("river.lots", 0) == "0 lots"
    assert FR("river.lots", 0) == "0 lot"
    assert EN("said.handoffs_both", 4).startswith("four handoffs")
    assert FR("said.handoffs_both", 13).startswith("13 remises")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("fr-CF,fr;q=0.9,en;q=0.8", "fr"),
        ("en-GB,en;q=0.9,fr;q=0.8", "en"),
        ("sw,fr;q=0.5", "fr"),
        ("fr;q=0,en;q=0.1", "en"),
        ("rw", "en"),
        ("fr;q=nan, en;q=2", "en"),
        (";;;,,,=", "en"),
    ],
)
def test_the_language_is_the_one_a_browser_asks_for(header, language):
    """French and English by preference, English for all others."""
    assert preferred(header) == language


@pytest.mark.threat("T75")
def test_a_hostile_header_costs_nothing():
    """A header of any length and shape is read in no time."""
    begin = time.process_time()
    for header in ("fr;q=" * 20_000, "," * 100_000, "fr;q=0." + "0" * 100_000, "-" * 100_000):
        preferred(header)
    assert time.process_time() - begin < 10


def test_places_have_their_names_in_both_languages():
    """Countries and regions as people say them, and the code where there is no name."""
    assert place("RW-04", "en") == "Western Province, Rwanda"
    assert place("RW-04", "fr") == "Province de l’Ouest, Rwanda"
    assert place("RW-04", "fr", "RW") == "Province de l’Ouest"
    assert country("CF", "fr") == "République centrafricaine"
    assert country("CD", "en") == "DR Congo"
    assert region("CF-HS", "fr") == "Mambéré-Kadéï"
    assert place("ZZ-99", "en") == "ZZ-99, ZZ"


def test_a_code_this_program_does_not_know_is_shown_as_it_is():
    """Lists of codes only grow: a newer one is no fault."""
    assert Words("en").code("mineral", "rare_earth") == "rare earth"
