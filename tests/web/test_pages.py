"""The pages over a real socket: what they open, to whom, in which language, and how they fail."""

import contextlib
import gzip
import re
import secrets
import time
from collections.abc import Iterator
from html import unescape
from urllib.parse import quote_plus

import httpx
import pytest
from season import LOG
from serving import serving

from traceability.api.services import Services
from traceability.core import canonical
from traceability.core.disclosing import CHOICES
from traceability.core.ids import to_unpadded
from traceability.core.leaf import time_text
from traceability.core.lot_records import Lot
from traceability.core.note import Signer
from traceability.core.registry_records import Party, Site
from traceability.core.signing import READ_TYPE, Envelope, pae
from traceability.core.tag import printed
from traceability.ledger.guard import FileGuard
from traceability.ledger.store import Store
from traceability.ledger.writer import Ledger
from traceability.web import fetch
from traceability.web.app import create_app
from traceability.web.words import words_in

EN, FR = words_in("en"), words_in("fr")


def text_of(answer: httpx.Response) -> str:
    """What a person reads on a page."""
    without = re.sub(r"<(style|svg)\b.*?</\1>", " ", answer.text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", without))).replace("\u00a0", " ")


def without(answer: httpx.Response, typed: str) -> str:
    """A page without its style (where a colour may look like an entry's number) and what was typed."""
    page = re.sub(r"<style>.*?</style>", "", answer.text, flags=re.DOTALL)
    return page.replace(typed, "").replace(quote_plus(typed), "")


def signed_line(season, role: str, *, method="POST", path="/v1/sessions", **changes) -> str:
    """What `traceability sign --request` prints."""
    credential, key = season.roles[role], season.key(role)
    claim = {
        "expires": time_text(int(time.time()) + 120),
        "key": key.id,
        "log": LOG,
        "method": method,
        "nonce": to_unpadded(secrets.token_bytes(16)),
        "party": credential.party,
        "path": path,
        **changes,
    }
    payload = canonical.encode(claim)
    envelope = Envelope(READ_TYPE, payload, key.id, key.sign(pae(READ_TYPE, payload)))
    return f"Authorization: DSSE {to_unpadded(envelope.to_json())}"


@contextlib.contextmanager
def session(season, role: str) -> Iterator[httpx.Client]:
    """A client that has signed in by the form."""
    with httpx.Client(base_url=season.server.url, headers={"Accept": "text/html"}) as client:
        answer = client.post("/sign-in", data={"signed": signed_line(season, role)})
        assert answer.status_code == 303
        yield client


# What every page promises

VERIFYING = ("bag", "drum", "verify")
"""The pages on which the reader's own device verifies something."""


@pytest.fixture(scope="module")
def pages(season):
    """A page of each kind that a stranger may open."""
    sites = season.records("site")
    parties = season.records("party")
    public = next(p.id for p in parties.values() if isinstance(p, Party) and p.facts[-1].public_name)
    return {
        "front": "/",
        "bag": f"/t/{season.tag('bag')}",
        "drum": f"/t/{season.tag('drum')}",
        "site": f"/sites/{next(iter(sites))}",
        "party": f"/parties/{public}",
        "verify": "/verify",
        "sign-in": "/sign-in",
        "nothing found": "/search?q=nothing+at+all",
        "not here": f"/lots/{'0' * 26}",
        "unknown": "/no/such/page",
    }


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_page_stands_by_itself(season, pages, language):
    """No page loads anything but, where something is verified, a script of our own: no frame, no picture, nothing of a
    third party, nothing inline, and a policy that says so."""
    for name, path in pages.items():
        answer = season.client.get(path, headers={"Accept-Language": language})
        assert answer.headers["content-type"] == "text/html; charset=utf-8", name
        html = answer.text
        scripts = re.findall(r"<script.*?</script>", html)
        assert len(scripts) == (name in VERIFYING), name
        for script in scripts:
            assert re.fullmatch(
                r'<script type="module" src="/assets/[a-z_]+-[0-9a-f]{16}.js"></script>', script
            ), name
            html = html.replace(script, "")
        assert not re.search(r"""\b(src|srcset|poster|background)\s*=|url\(|@import|http-equiv""", html), name
        assert re.findall(r'<link [^>]*href="(?!data:)', html) == [], name
        assert not re.search(r"""\son[a-z]+\s*=|style\s*=\s*["']|javascript:""", html), name
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert ("script-src 'self'" in policy) == (name in VERIFYING)
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_page_of_a_demonstration_says_so_in_the_readers_language(season, pages, language):
    """The demonstration is named on each page, and each page is in the language that was asked for."""
    words = words_in(language)
    for name, path in pages.items():
        answer = season.client.get(path, headers={"Accept-Language": language})
        assert words("demo").replace("\u00a0", " ") in text_of(answer), name
        assert f'<html lang="{language}">' in answer.text, name
        assert answer.headers["content-language"] == language
        assert "Accept-Language" in answer.headers["vary"]


def test_a_ledger_that_signs_nothing_says_so_on_every_page(season, tmp_path):
    """Without its guard it serves reads, and who reads them is told that newer records may be missing."""
    signer = Signer(LOG, bytes(range(32)))
    store = Store(season.services.store.url)
    unguarded = Ledger(store, FileGuard(tmp_path / "guard", signer.verifier.encode()), signer)
    assert unguarded.refusal is not None
    services = Services.around(season.services.settings, store, unguarded, signer)
    with contextlib.closing(services), serving(create_app(services)) as server:
        for path in ("/", f"/t/{season.tag('bag')}"):
            answer = httpx.get(server.url + path, headers={"Accept-Language": "en"})
            assert answer.status_code == 200
            assert EN("paused") in text_of(answer)
    assert EN("paused") not in text_of(season.client.get("/", headers={"Accept-Language": "en"}))


def test_metrics_tell_pages_apart_and_no_code(season, pages):
    """Each kind of page has its route in the metrics, and no tag's code is in them."""
    season.client.get(f"/t/{season.tag('bag')}")
    metrics = season.client.get("/metrics").text
    assert 'route="/t/{code}"' in metrics
    assert season.tag("bag") not in metrics


def test_every_page_links_to_itself_in_the_other_language(season, pages):
    """The link to switch leads to the same page, keeps what was typed, and is remembered."""
    for name, path in pages.items():
        with httpx.Client(base_url=season.server.url, headers={"Accept": "text/html"}) as client:
            english = client.get(path, headers={"Accept-Language": "en"})
            link = re.search(r'<a href="([^"]+)" lang="fr" hreflang="fr">', english.text)
            assert link is not None, name
            french = client.get(unescape(link[1]), headers={"Accept-Language": "en"})
            assert french.status_code == english.status_code, name
            assert '<html lang="fr">' in french.text, name
            assert french.cookies["language"] == "fr"
            assert '<html lang="fr">' in client.get("/", headers={"Accept-Language": "en"}).text


def test_a_page_goes_packed_to_who_can_unpack_it(season, pages):
    """A tag page is a quarter of its size on the way, and plain for who asks for it plain."""
    plain = season.client.get(pages["drum"], headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    with season.client.stream("GET", pages["drum"], headers={"Accept-Encoding": "gzip"}) as answer:
        packed = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed) == plain.content
    assert len(packed) < len(plain.content) / 3


def test_what_reflects_a_request_is_not_packed(season):
    """The length of a page that holds what was typed tells nothing about what else it holds."""
    answer = season.client.get("/search?q=" + "x" * 200, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in answer.headers


def test_head_is_answered_like_get_without_the_body(season, pages):
    """Link checkers and proxies get the same headers."""
    answer = season.client.head(pages["bag"])
    assert answer.status_code == 200
    assert answer.content == b""


# Failures


def test_a_failure_is_a_page_for_people_and_a_problem_for_programs(season):
    """Who reads pages gets words and what to do; who uses the API gets application/problem+json."""
    for path in ("/lots/" + "0" * 26, "/nowhere", "/t/AAAA-BBBB-CCCC1", "/events/" + "0" * 64, "/sites/x"):
        page = season.client.get(path, headers={"Accept-Language": "fr"})
        assert page.status_code == 404, path
        assert FR("problem.404").replace("\u00a0", " ") in text_of(page)
    for path in ("/nowhere", "/v1/nowhere"):
        problem = season.client.get(path, headers={"Accept": "*/*"})
        assert problem.status_code == 404
        assert problem.headers["content-type"] == "application/problem+json"
    assert season.client.get("/v1/lots/" + "0" * 26).headers["content-type"] == "application/problem+json"
    page = season.client.post("/", headers={"Accept-Language": "en"})
    assert page.status_code == 405
    assert EN("problem.405") in text_of(page)


def test_a_fault_of_ours_is_a_page_with_a_number_and_nothing_else(season, monkeypatch):
    """What went wrong stays in the log; the person gets a number to report."""
    from traceability.web import pages as routes

    def broken(*_):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(routes.facts, "own_lots", broken)
    answer = season.client.get("/", headers={"X-Request-Id": "number-4711", "Accept-Language": "en"})
    assert answer.status_code == 500
    assert "number-4711" in text_of(answer)
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


# Who may open what


@pytest.mark.threat("T83")
def test_what_is_not_there_and_what_is_not_for_you_look_the_same(season):
    """A stranger cannot tell a lot or event that exists from one that does not."""
    lots, parties = season.records("lot"), season.records("party")
    hidden = next(p.id for p in parties.values() if not p.facts[-1].public_name)
    event = next(lot.maker for lot in lots.values() if isinstance(lot, Lot))
    for there, not_there in (
        (f"/lots/{next(iter(lots))}", f"/lots/{'0' * 26}"),
        (f"/events/{event}", f"/events/{'0' * 64}"),
        (f"/parties/{hidden}", f"/parties/{'0' * 26}"),
    ):
        one, other = season.client.get(there), season.client.get(not_there)
        assert one.status_code == other.status_code == 404
        assert without(one, there) == without(other, not_there)
        assert {*one.headers} == {*other.headers}


def test_who_holds_a_lot_sees_all_of_it(season):
    """Names, hours, numbers and papers stand on the lot's page for its custodian; a stranger gets a 404."""
    lot_id = season.roles["exporter"].lots[0]
    lot = season.records("lot")[lot_id]
    with session(season, "exporter") as client:
        answer = client.get(f"/lots/{lot_id}", headers={"Accept-Language": "en"})
        assert answer.status_code == 200
        text = text_of(answer)
        assert lot.lot_number in text
        assert lot_id in text
        assert re.search(r"\d\d:\d\d UTC", text)
        for tag in lot.tags:
            assert tag in text
        events = re.findall(r'href="/events/([0-9a-f]{64})"', answer.text)
        assert events
        for event in events:
            page = client.get(f"/events/{event}", headers={"Accept-Language": "en"})
            assert page.status_code == 200
            assert event in text_of(page)
        assert lot.lot_number in text_of(page)
        shipment = client.get(f"/v1/events/{events[-1]}/evidence")
        offered = f'href="/v1/events/{events[-1]}/evidence"' in page.text
        assert offered == (shipment.status_code == 200)
        evidence = client.get(re.search(r'href="(/v1/lots/[^"]+/evidence)"', answer.text)[1])
        assert evidence.status_code == 200
        action = re.search(r'<form method="get" action="([^"]+/evidence)"', answer.text)[1]
        ticked = re.findall(r'type="checkbox" name="disclose" value="([a-z]+)"', answer.text)
        assert ticked == list(CHOICES)
        opened = client.get(action, params={"disclose": ticked})
        assert opened.status_code == 200
        assert len(opened.content) > len(evidence.content)
    assert season.client.get(f"/lots/{lot_id}").status_code == 404


def test_a_long_history_is_told_a_page_at_a_time(season, monkeypatch):
    """Older records are one link away, until the one that made the lot; none is told twice, none left out."""
    monkeypatch.setattr(fetch, "HISTORY_MAX", 2)
    lot = max(
        (lot for lot in season.records("lot").values() if isinstance(lot, Lot)),
        key=lambda lot: lot.place.count,
    )
    assert lot.place.count > 4
    with session(season, "auditor") as client:
        path, seen = f"/lots/{lot.id}", []
        for _ in range(10):
            answer = client.get(path, headers={"Accept-Language": "en"})
            assert answer.status_code == 200
            own = answer.text[answer.text.rindex('class="timeline"') :]
            seen.append(re.findall(r'href="/events/([0-9a-f]{64})"', own))
            link = re.search(r'href="(\?before=[0-9]+)"', answer.text)
            if link is None:
                break
            path = f"/lots/{lot.id}{link[1]}"
        assert len(seen) > 1
        assert client.get(f"/lots/{lot.id}?before=x").status_code == 200
        assert client.get(f"/lots/{lot.id}?before=1").status_code == 200


def test_the_auditor_finds_the_newest_lots_on_the_front_page(season):
    """Whoever oversees begins there, with lots that others hold, and finds any by the number on its papers."""
    lot = max((r for r in season.records("lot").values() if r.lot_number), key=lambda lot: lot.maker_index)
    with session(season, "auditor") as client:
        front = client.get("/", headers={"Accept-Language": "en"})
        assert EN("front.all") in text_of(front)
        assert EN("lot.held") not in text_of(front)
        assert front.text.count('<a href="/lots/') == 20
        found = client.get("/search", params={"q": lot.lot_number})
        assert lot.id in found.headers.get("location", found.text)


def test_the_auditor_opens_every_lot(season):
    """Every lot's page can be drawn, whatever happened to it, in both languages."""
    lots = season.records("lot")
    with session(season, "auditor") as client:
        for number, lot_id in enumerate(sorted(lots)[::6]):
            language = ("en", "fr")[number % 2]
            answer = client.get(f"/lots/{lot_id}", headers={"Accept-Language": language})
            assert answer.status_code == 200, lot_id


def test_a_square_to_print_is_offered_only_to_who_may_have_it(season):
    """The custodian finds the link to the tag's QR, and it opens; the auditor finds none."""
    lot_id = season.roles["exporter"].lots[0]
    with session(season, "exporter") as client:
        assert f"/v1/lots/{lot_id}/qr.svg" in client.get(f"/lots/{lot_id}").text
        assert client.get(f"/v1/lots/{lot_id}/qr.svg").status_code == 200
    with session(season, "auditor") as client:
        assert "qr.svg" not in client.get(f"/lots/{lot_id}").text


def test_a_lot_without_a_tag_of_ours_has_no_square(season):
    """A lot with another scheme's tag, or none, offers no QR to anybody."""
    lots = [lot for lot in season.records("lot").values() if isinstance(lot, Lot)]
    untagged = [lot for lot in lots if not any(tag.startswith("t:") for tag in lot.tags)]
    with session(season, "auditor") as client:
        for lot in untagged[:5]:
            assert "qr.svg" not in client.get(f"/lots/{lot.id}").text


def test_sites_and_public_parties_are_open_and_say_no_place(season):
    """Every site and every public party opens for a stranger; none says where exactly it is."""
    for site in season.records("site").values():
        assert isinstance(site, Site)
        text = text_of(season.client.get(f"/sites/{site.id}"))
        assert site.facts[-1].name in text
        assert not re.search(r"-?\d+\.\d{3,}", text)
    for party in season.records("party").values():
        assert isinstance(party, Party)
        answer = season.client.get(f"/parties/{party.id}")
        name = party.facts[-1].public_name
        assert answer.status_code == (200 if name else 404)
        if name:
            assert name in text_of(answer)


# Tags


def test_a_tag_opens_in_every_spelling(season):
    """As printed, in small letters, with O for 0 and spaces: the same page."""
    code = season.tag("bag")
    pages = {
        text_of(season.client.get(f"/t/{typed}", headers={"Accept-Language": "en"}))
        for typed in (code, code.lower(), printed(code), code[:5] + "%20" + code[5:], code.replace("0", "O"))
    }
    assert len(pages) == 1


def test_a_tag_that_is_on_nothing_says_so(season):
    """A tag still on its roll has a page that says it is unused, and nothing of the roll's other tags."""
    used = season.records("tag")
    name, code = next((name, code) for name, code in season.codes().items() if name not in used)
    text = text_of(season.client.get(f"/t/{code}", headers={"Accept-Language": "en"}))
    assert EN("tag.unused") in text
    assert name.removeprefix("t:") in text


def test_a_tag_page_names_the_number_to_compare(season):
    """The page says which number the tag in hand must bear, and which ledger this is."""
    codes = {code: name for name, code in season.codes().items()}
    code = season.tag("drum")
    text = text_of(season.client.get(f"/t/{code}", headers={"Accept-Language": "en"}))
    assert codes[code].removeprefix("t:") in text
    assert LOG in text


def test_one_tag_on_two_bags_is_said_first(season):
    """A number that stands on two lots at once is the first thing the page says."""
    codes = season.codes()
    twice = [name for name, record in season.records("tag").items() if len(record.on) > 1]
    assert twice
    for name in twice:
        with session(season, "auditor") as client:
            text = text_of(client.get(f"/t/{codes.get(name, name)}", headers={"Accept-Language": "en"}))
        assert EN("tag.two") in text
        assert text.index(EN("tag.two")) < text.index(EN("river.title"))


def test_a_tag_that_came_off_says_so_and_stops_there(season):
    """The tag of the burst bag: when and why it came off, and no word on who has the ore now."""
    codes = season.codes()
    off = [name for name, record in season.records("tag").items() if not record.on]
    with session(season, "auditor") as client:
        client.headers["Accept-Language"] = "en"
        stories = [text_of(client.get(f"/t/{codes.get(name, name)}")) for name in off]
    came_off = [text for text in stories if "came off on" in text]
    mistaken = [text for text in stories if EN("tag.mistake") in text]
    assert came_off
    assert mistaken
    for text in came_off:
        assert "In the hands of" not in text
        assert EN("river.mouth_off") in text
    for text in mistaken:
        assert EN("river.title") not in text


def test_the_number_of_ours_alone_opens_nothing(season):
    """The printed number of a tag of ours can be guessed: it says that the code is needed."""
    name = next(name for name in season.codes() if name in season.records("tag"))
    text = text_of(season.client.get(f"/t/{name}", headers={"Accept-Language": "en"}))
    assert EN("tag.number_only") in text
    assert EN("river.title") not in text


# Search


@pytest.mark.parametrize(
    "spell",
    [
        lambda code: code,
        lambda code: printed(code).lower(),
        lambda code: f"  {code[:6]} {code[6:]} ",
        lambda code: f"https://ledger.example.org/t/{code}#12345",
        lambda code: f"http://localhost:8000/t/{code}?lang=fr",
    ],
)
def test_the_box_finds_a_tag_however_it_is_typed(season, spell):
    """A code with dashes and small letters, or the whole address a camera shows."""
    code = season.tag("bag")
    answer = season.client.get("/search", params={"q": spell(code)})
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/t/{code}"


def test_the_box_finds_parties_and_sites_by_id_and_by_name(season):
    """By id, by the whole public name, and by a piece of it without accents; several are listed."""
    party = next(p for p in season.records("party").values() if p.facts[-1].public_name)
    site = next(iter(season.records("site").values()))
    for typed, where in (
        (party.id, f"/parties/{party.id}"),
        (site.id.upper(), f"/sites/{site.id}"),
        (party.facts[-1].public_name, f"/parties/{party.id}"),
    ):
        answer = season.client.get("/search", params={"q": typed})
        assert answer.headers["location"] == where, typed
    listed = season.client.get("/search", params={"q": "cooperative"})
    assert listed.status_code == 200
    assert len(re.findall(r'<a href="/parties/', listed.text)) > 1


def test_the_box_finds_lots_and_events_for_who_may_open_them(season):
    """By id, entry number and the number on papers; for a stranger they are found no more than what is not there."""
    lot_id = season.roles["exporter"].lots[0]
    lot = season.records("lot")[lot_id]
    with session(season, "exporter") as client:
        for typed, where in (
            (lot_id, f"/lots/{lot_id}"),
            (lot.maker, f"/events/{lot.maker}"),
            (f"#{lot.maker_index}", f"/events/{lot.maker}"),
            (lot.tags[0], f"/lots/{lot_id}"),
            (lot.lot_number.lower(), f"/lots/{lot_id}"),
        ):
            assert client.get("/search", params={"q": typed}).headers["location"] == where
    for typed, nothing in (
        (lot_id, "0" * 26),
        (lot.maker, "0" * 64),
        (f"#{lot.maker_index}", "#99999999"),
        (lot.lot_number, "no such number"),
    ):
        one, other = (season.client.get("/search", params={"q": q}) for q in (typed, nothing))
        assert one.status_code == other.status_code == 404
        assert without(one, typed) == without(other, nothing)


def test_the_box_says_what_to_look_at_again(season):
    """A code with one wrong character is shown as printed, to compare; anything else gets help."""
    code = season.tag("bag")
    wrong = ("A" if code[0] != "A" else "B") + code[1:]
    text = text_of(season.client.get("/search", params={"q": wrong}, headers={"Accept-Language": "en"}))
    assert printed(wrong) in text
    assert EN("search.help") in text
    assert season.client.get("/search", params={"q": ""}).headers["location"] == "/"


@pytest.mark.parametrize(
    "typed",
    [
        "x" * 5000,
        "\u202e\u0000",
        "%00%ff",
        "t:",
        ":",
        "'; DROP TABLE entry; --",
        "../../etc",
        "9" * 40,
        "é" * 300,
    ],
)
def test_the_box_takes_anything(season, typed):
    """Nothing that can be typed is a fault, and what does not show or turns text is not said back."""
    answer = season.client.get("/search", params={"q": typed})
    assert answer.status_code == 404
    assert not set("\u202e\u0000") & set(answer.text)


# Signing in


def test_a_signed_line_opens_a_session_and_the_button_ends_it(season):
    """The line that the command prints, pasted whole; the front page then lists one's own lots."""
    lot_id = season.roles["exporter"].lots[0]
    with session(season, "exporter") as client:
        front = client.get("/", headers={"Accept-Language": "en"})
        assert f"/lots/{lot_id}" in front.text
        assert EN("lot.yours") in text_of(front)
        assert EN("lot.exported") in text_of(front) or EN("lot.held") in text_of(front)
        out = client.post("/sign-out")
        assert out.status_code == 303
        assert 'session=""' in out.headers["set-cookie"]


@pytest.mark.threat("T69")
def test_a_session_cookie_is_out_of_reach_of_scripts_and_other_sites(season):
    """HttpOnly, and not sent along by other sites."""
    answer = season.client.post("/sign-in", data={"signed": signed_line(season, "auditor")})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


@pytest.mark.parametrize(
    "origin", ["http://[", "http://evil.example", "http://", "null", "x", "\xe9", "http://[::1"]
)
def test_a_form_of_another_origin_is_refused_however_it_is_written(season, origin):
    """What is no address is another origin, and no fault of ours."""
    for path in ("/sign-in", "/sign-out"):
        answer = season.client.post(path, headers={"Origin": origin.encode("latin-1")})
        assert answer.status_code in (400, 403)
        assert "set-cookie" not in answer.headers


def test_a_form_whose_sender_went_is_no_fault(season):
    """Half a form came, and nobody is left to answer: it is counted, and not as an error of ours."""
    metrics = season.services.metrics
    gone = metrics.requests.labels("POST", "/sign-in", "0")
    before, faults = gone._value.get(), metrics.faults._value.get()
    with season.server.connect() as connection:
        connection.sendall(b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nsigned=")
    for _ in range(600):
        if gone._value.get() > before:
            break
        time.sleep(0.1)
    assert gone._value.get() == before + 1
    assert metrics.faults._value.get() == faults


@pytest.mark.parametrize("spoil", ["replay", "other path", "over", "other log", "garbage", "empty"])
def test_a_line_that_does_not_count_says_what_to_do(season, spoil):
    """Used twice, for something else, too old, for another ledger, or no line at all: no session."""
    match spoil:
        case "replay":
            line = signed_line(season, "auditor")
            season.client.post("/sign-in", data={"signed": line})
        case "other path":
            line = signed_line(season, "auditor", path="/v1/lots", method="GET")
        case "over":
            line = signed_line(season, "auditor", expires=time_text(int(time.time()) - 5))
        case "other log":
            line = signed_line(season, "auditor", log="elsewhere.example.org")
        case "garbage":
            line = "<script>alert(1)</script>"
        case _:
            line = ""
    answer = season.client.post("/sign-in", data={"signed": line}, headers={"Accept-Language": "en"})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert EN("signin.again") in text_of(answer)


@pytest.mark.threat("T69")
@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}],
)
def test_another_site_cannot_sign_anybody_in_or_out(season, headers):
    """A form that another site sends is refused, also with a line that would count."""
    for path, data in (("/sign-in", {"signed": signed_line(season, "auditor")}), ("/sign-out", {})):
        answer = season.client.post(path, data=data, headers=headers)
        assert answer.status_code == 400
        assert "set-cookie" not in answer.headers


def test_a_session_that_is_over_makes_a_stranger(season):
    """An old or foreign cookie is taken away, and the page is the one a stranger gets."""
    answer = season.client.get("/", headers={"Cookie": "session=bm90IG91cnM.x"})
    assert answer.status_code == 200
    assert 'session=""' in answer.headers["set-cookie"]


def test_the_tag_page_never_asks_to_sign_in(season, pages):
    """A page that a sticker may lead to asks for nothing: no form, no password, no payment, no link to sign in."""
    html = season.client.get(pages["bag"]).text
    assert "<form" not in html
    assert "<input" not in html
    assert "sign-in" not in html
