"""Public scans over HTTP: what counts as one, what is kept of it, and what a tag's page says of it at once."""

import sqlite3
import time
from types import SimpleNamespace

import pytest
from serving import serving
from test_guesses import Hand
from test_submit import problem
from test_tags import Bagged
from world import Client

from traceability.api import scanning
from traceability.api.clients import Clients
from traceability.api.scanning import PLACES_AT_ONCE, SEEN_SECONDS, Scanning, is_page_view, writing_down
from traceability.core.authority import day_of
from traceability.core.findings.scans import Scan
from traceability.ledger import scans
from traceability.ledger.scans import Counted
from traceability.web.app import create_app

OPENS = {
    "Accept": "text/html",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Accept-Language": "en",
}


@pytest.fixture
def fresh(served):
    """(client, bagged, scanning, clock): a bag and its page, where nobody has read a tag yet."""
    world, clock = served[0], Hand()
    counter = Scanning(world.store, Clients(), clock)
    services = world.services._replace(scanning=counter)
    with serving(create_app(services)) as server, Client(base_url=server.url) as client:
        yield client, Bagged(world), counter, clock


def kept(counter, tag):
    counter.flush()
    with counter._store.read() as view:
        return scans.of_tag(view, tag)


def today():
    return day_of(int(time.time()))


# --- what counts


@pytest.mark.parametrize(
    ("headers", "counts"),
    [
        ({}, False),
        ({"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}, True),
        ({"sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-fetch-site": "none"}, True),
        ({"sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-purpose": "prefetch"}, False),
        ({"sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-purpose": "prefetch;prerender"}, False),
        ({"sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "purpose": "prefetch"}, False),
        ({"sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "purpose": "preview"}, False),
        ({"sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "x-moz": "prefetch"}, False),
        ({"sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}, False),
        ({"sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}, False),
        ({"user-agent": "WhatsApp/2.23"}, False),
    ],
)  # fmt: skip
def test_a_person_who_opens_the_page_counts(headers, counts):
    """A browser that navigates; not previews, not what is fetched ahead, not programs, not frames."""
    assert is_page_view(SimpleNamespace(headers=headers)) is counts


def test_opening_is_counted_by_day(fresh):
    """Of the same device once in ten minutes; another browser is another reader; a program is none."""
    client, bagged, counter, clock = fresh
    for headers in (OPENS, OPENS, {**OPENS, "Accept-Language": "fr"}, {"Accept": "text/html"}):
        assert client.get(f"/t/{bagged.code}", headers=headers).status_code == 200
    client.head(f"/t/{bagged.code}", headers={"Accept": "text/html"})
    client.get(f"/v1/tags/{bagged.code}", headers=OPENS)
    client.get(f"/t/{bagged.foreign}", headers=OPENS)
    assert kept(counter, bagged.tag) == [Scan(bagged.tag, today(), None, "", 1)]
    client.get(f"/t/{bagged.code}", headers={**OPENS, "User-Agent": "another"})
    clock.now += SEEN_SECONDS
    client.get(f"/t/{bagged.code}", headers=OPENS)
    assert kept(counter, bagged.tag) == [Scan(bagged.tag, today(), None, "", 3)]
    assert kept(counter, bagged.foreign) == []


def test_who_is_signed_in_is_no_stranger(served, fresh):
    """The custodian looks at his own page as often as he likes."""
    client, bagged, counter, _ = fresh
    world = served[0]
    from world import signed_header

    path = f"/t/{bagged.code}"
    assert client.get(path, headers={**OPENS, **signed_header(world.anna, "GET", path)}).status_code == 200
    assert kept(counter, bagged.tag) == []


def test_places_are_named_by_who_wants_to(fresh):
    """A cell of one degree, once in ten minutes; with what his device found of the label, if it did."""
    client, bagged, counter, _ = fresh
    for more in ({}, {}, {"label": "older"}):
        answer = client.post("/v1/scans", json={"code": bagged.code.lower(), "place": "-2,29", **more})
        assert (answer.status_code, answer.content) == (204, b"")
    assert kept(counter, bagged.tag) == [
        Scan(bagged.tag, today(), (-2, 29), "", 1),
        Scan(bagged.tag, today(), (-2, 29), "older", 1),
    ]


@pytest.mark.parametrize(
    "body",
    [
        {}, {"place": ""}, {"place": "-2.5,29"}, {"place": "-2,29,1"}, {"place": "-20,294"}, {"place": "91,0"}, {"place": "0,180"},
        {"place": "-0,0"}, {"place": " -2,29"}, {"place": "-2,29", "label": "forged"}, {"place": "-2,29", "name": "J"},
        {"place": [-2, 29]}, {"place": "٢,٢"}, [], "x", {"place": "1" * 5000}, {"place": "1" * 300},
    ],
)  # fmt: skip
def test_nothing_finer_and_nothing_else_is_taken(fresh, body):
    """Tenths of a degree are refused as well as names, and what is refused is not kept."""
    client, bagged, counter, _ = fresh
    status = 413 if "1" * 5000 in str(body) else 400
    said = {"code": bagged.code, **body} if isinstance(body, dict) else body
    assert client.post("/v1/scans", json=said).status_code == status
    assert kept(counter, bagged.tag) == []


@pytest.mark.parametrize(
    "spoilt",
    [b'"place":"\xc229"', b'"place":"0,0","place":"-2,29"', b'"place":"\\ud800"', b'"place":"-2,29"}', b""],
)
def test_a_place_is_read_as_strictly_as_an_event(fresh, spoilt):
    """Bytes that are no UTF-8, a key twice, half a surrogate pair: malformed, and no fault."""
    client, bagged, counter, _ = fresh
    body = b'{"code":"%s",%s}' % (bagged.code.encode(), spoilt)
    answer = client.post("/v1/scans", content=body, headers={"Content-Type": "application/json"})
    assert problem(answer) == (400, "malformed")
    assert kept(counter, bagged.tag) == []


def test_a_place_needs_a_code(fresh):
    """By the number of a tag nobody says where it is; a form of another site cannot say it."""
    client, bagged, counter, _ = fresh
    for name in (bagged.tag, bagged.foreign, "x"):
        assert problem(client.post("/v1/scans", json={"code": name, "place": "-2,29"})) == (404, "not_here")
    form = client.post("/v1/scans", data={"code": bagged.code, "place": "-2,29"})
    assert problem(form) == (415, "unsupported_media_type")
    assert client.get("/v1/scans").status_code == 405
    assert kept(counter, bagged.tag) == []


@pytest.mark.threat("T63")
def test_nobody_is_everywhere(fresh):
    """One client names ten places at once, and then one in five minutes."""
    client, bagged, counter, clock = fresh

    def say(place):
        return client.post("/v1/scans", json={"code": bagged.code, "place": place})

    said = [say(f"{n},0") for n in range(PLACES_AT_ONCE + 3)]
    assert [answer.status_code for answer in said] == [204] * PLACES_AT_ONCE + [429] * 3
    assert problem(said[-1]) == (429, "too_many")
    clock.now += scanning.PLACES_SECONDS_EACH
    assert say("50,0").status_code == 204
    assert len(kept(counter, bagged.tag)) == PLACES_AT_ONCE + 1


# --- what is kept


def test_nothing_of_a_reader_is_written_down(served, fresh):
    """Neither address nor browser nor code is in the database, in memory only as a hash under a key of today."""
    client, bagged, counter, _ = fresh
    agent = "Mozilla/5.0 (a very telling browser)"
    client.get(f"/t/{bagged.code}", headers={**OPENS, "User-Agent": agent})
    client.post("/v1/scans", json={"code": bagged.code, "place": "-2,29"}, headers={"User-Agent": agent})
    assert kept(counter, bagged.tag)
    with sqlite3.connect(served[0].store.database.path) as file:
        rows = file.execute("SELECT * FROM scan").fetchall()
    assert {type(value) for row in rows for value in row} == {str, int}
    text = repr(rows) + repr(counter._seen)
    for private in (bagged.code, "127.0.0.1", "telling", agent):
        assert private not in text


def test_what_is_counted_is_written_down_behind_the_requests(fresh, monkeypatch):
    """A few seconds later, and when the server ends; nothing is written while nothing is read."""
    client, bagged, counter, _ = fresh
    monkeypatch.setattr(scanning, "FLUSH_SECONDS", 0.01)
    client.get(f"/t/{bagged.code}", headers=OPENS)
    with writing_down(counter):
        pass
    with counter._store.read() as view:
        assert [scan.times for scan in scans.of_tag(view, bagged.tag)] == [1]


def test_a_database_that_is_away_loses_nothing_at_once(fresh, monkeypatch):
    """What could not be written waits for the next time; how much waits is bounded."""
    client, bagged, counter, _ = fresh
    client.get(f"/t/{bagged.code}", headers=OPENS)

    def away(*_):
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(scans, "count", away)
        with pytest.raises(sqlite3.OperationalError):
            counter.flush()
        for n in range(scanning.WAITING_MAX + 50):
            counter._add(Counted(bagged.tag, "2026-03-14", f"{n},0"))
        assert len(counter._waiting) == scanning.WAITING_MAX
    counter._waiting = counter._waiting.__class__({Counted(bagged.tag, today()): 1})
    assert [scan.times for scan in kept(counter, bagged.tag)] == [1]


# --- what the page says


@pytest.mark.threat("T63")
def test_the_page_warns_at_once_and_accuses_nobody(served, fresh):
    """Two places on one day that are too far apart: first thing on the page, in both languages, and what it rests on."""
    client, bagged, counter, _ = fresh
    calm = client.get(f"/t/{bagged.code}", headers=OPENS).text
    assert "do not fit together" not in calm
    for place in ("-2,29", "51,4"):
        client.post("/v1/scans", json={"code": bagged.code, "place": place})
    counter.flush()
    page = client.get(f"/t/{bagged.code}", headers=OPENS).text
    assert "Readings of this tag do not fit together." in page
    assert "nobody has checked it" in page
    assert page.index("do not fit together") < page.index("<h1>")
    assert (
        "ne concordent pas"
        in client.get(f"/t/{bagged.code}", headers={**OPENS, "Accept-Language": "fr"}).text
    )
    for word in ("fraud", "stolen", "copied", "clone", "fake"):
        assert word not in page.lower()
    for private in (bagged.lot, "51,4", "51–52°", served[0].anna.party):
        assert private not in page


def test_who_has_the_lot_sees_where_its_tags_were_read(served, fresh):
    """On the lot's page: day, place to a degree, how often; strangers see no such table."""
    client, bagged, counter, _ = fresh
    from world import signed_header

    client.get(f"/t/{bagged.code}", headers=OPENS)
    client.post("/v1/scans", json={"code": bagged.code, "place": "-2,29"})
    counter.flush()
    path = f"/lots/{bagged.lot}"
    page = client.get(path, headers={**OPENS, **signed_header(served[0].anna, "GET", path)}).text
    assert "Where its tags were read" in page
    assert "1–2°\u00a0S, 29–30°\u00a0E" in page
    assert "Where its tags" not in client.get(f"/t/{bagged.code}", headers=OPENS).text
