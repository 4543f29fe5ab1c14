"""The lists and the pages of sites, parties and rolls: who sees what of them, filters, pages and CSV."""

import csv
import io
import re
from html import unescape

import pytest
from test_pages import session, text_of

from traceability.core.findings.stock import count_tags
from traceability.core.registry_records import Party, Site
from traceability.core.tallies import Drift, Output, Stock
from traceability.web import rows
from traceability.web.registers import OPEN_TO_ALL, REGISTERS
from traceability.web.words import words_in

EN, FR = words_in("en"), words_in("fr")
IN_ENGLISH, IN_FRENCH = {"Accept-Language": "en"}, {"Accept-Language": "fr"}


def lines(answer):
    """The cells of each line of a list, as a person reads them."""
    body = re.search(r'<table class="register">.*?<tbody>(.*?)</tbody>', answer.text, re.DOTALL)
    found = re.findall(r"<tr>(.*?)</tr>", body[1], re.DOTALL) if body else []
    return [
        [
            re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", cell))).strip()
            for cell in re.findall(r"<td[^>]*>(.*?)</td>", line, re.DOTALL)
        ]
        for line in found
    ]


@pytest.fixture(scope="module")
def clients(season):
    with session(season, "auditor") as auditor, session(season, "trader") as trader:
        yield {"auditor": auditor, "trader": trader, "stranger": season.client}


# The lists


@pytest.mark.parametrize("name", REGISTERS)
def test_each_list_has_a_page_in_both_languages_and_the_same_as_csv(clients, name):
    """Title, headings and filters in the reader's language; the CSV behind the link has as many lines."""
    auditor = clients["auditor"]
    for words, headers in ((EN, IN_ENGLISH), (FR, IN_FRENCH)):
        answer = auditor.get(f"/{name}", headers=headers)
        assert answer.status_code == 200
        assert f"<h1>{words(f'list.{name}')}</h1>" in unescape(answer.text)
        for column in REGISTERS[name].columns:
            assert words(f"column.{column}") in text_of(answer)
        for key in REGISTERS[name].filters:
            assert f'<label for="{key}">{words(f"filter.{key}")}</label>' in unescape(answer.text)
    found = lines(answer)
    assert found
    link = unescape(re.search(r'<a href="([^"]+)" download>', answer.text)[1])
    table = auditor.get(link)
    assert table.headers["content-type"].startswith("text/csv")
    listed = list(csv.DictReader(io.StringIO(table.text)))
    assert len(listed) == len(found) or len(listed) > len(found) >= rows.ROWS


@pytest.mark.parametrize("name", REGISTERS)
def test_every_filter_narrows_and_stays(clients, name):
    """Whatever is chosen holds on the page, in its link to the next and in its CSV; nonsense counts as nothing."""
    auditor = clients["auditor"]
    everything = lines(auditor.get(f"/{name}", headers=IN_ENGLISH))
    for key, values in REGISTERS[name].filters.items():
        assert lines(auditor.get(f"/{name}?{key}=nonsense", headers=IN_ENGLISH)) == everything
        for value in values if key != "rule" else ("from_zone", "double_issue"):
            answer = auditor.get(f"/{name}?{key}={value}", headers=IN_ENGLISH)
            assert answer.status_code == 200
            assert f'<option value="{value}" selected>' in answer.text
            assert f"{key}={value}" in re.search(r'<a href="([^"]+)" download>', answer.text)[1]
            more = re.search(r'<a href="(/[^"]*cursor=[^"]+)">', answer.text)
            assert more is None or f"{key}={value}" in more[1]
            whole = auditor.get(f"/v1/{name}?{key}={value}&limit=500").json()[name]
            assert len(lines(answer)) == len(whole) or len(whole) > len(lines(answer)) >= rows.ROWS
    for key in ("mineral", "status", "role", "severity", "state"):
        if key in REGISTERS[name].filters:
            parts = [
                lines(auditor.get(f"/{name}?{key}={value}", headers=IN_ENGLISH))
                for value in REGISTERS[name].filters[key]
            ]
            assert any(len(part) < len(everything) for part in parts), key


def test_pages_of_a_list_have_every_line_once(season, clients, monkeypatch):
    """Link by link through the lots and the sites: none twice, none left out."""
    monkeypatch.setattr(rows, "ROWS", 7)
    for name, kind in (("lots", "lot"), ("sites", "site")):
        path, seen = f"/{name}", []
        for _ in range(100):
            answer = clients["auditor"].get(path, headers=IN_ENGLISH)
            seen += re.findall(rf'<td[^>]*><span class="plain"><a href="/{name}/(\w+)">', answer.text)
            more = re.search(r'<a href="(/[^"]*cursor=[^"]+)">', answer.text)
            if more is None:
                break
            path = unescape(more[1])
        assert len(seen) == len(set(seen))
        assert set(seen) == set(season.records(kind))


def test_findings_about_one_thing_stay_about_it(season, clients):
    """The link from a lot to its findings narrows the list; pages, CSV and filters keep it, one link ends it."""
    noticed = max(season.records("lot").values(), key=lambda lot: lot.place.finding_count)
    answer = clients["auditor"].get(f"/findings?about=lot:{noticed.id}", headers=IN_ENGLISH)
    assert len(lines(answer)) == noticed.place.finding_count
    assert EN("list.about") in text_of(answer)
    assert f'<input type="hidden" name="about" value="lot:{noticed.id}">' in answer.text
    link = unescape(re.search(r'<a href="([^"]+)" download>', answer.text)[1])
    table = list(csv.DictReader(io.StringIO(clients["auditor"].get(link).text)))
    assert len(table) == noticed.place.finding_count
    for nonsense in ("lot", "lot:", "key:<script>", "x:y"):
        answer = clients["auditor"].get("/findings", params={"about": nonsense}, headers=IN_ENGLISH)
        assert EN("list.about") not in text_of(answer)


def test_a_list_for_parties_asks_a_stranger_to_sign_in(clients):
    """Sites and public parties are open; of the others a stranger sees not even how many there are."""
    for name in REGISTERS:
        answer = clients["stranger"].get(f"/{name}", headers=IN_ENGLISH)
        assert answer.status_code == (200 if name in OPEN_TO_ALL else 401), name
        assert bool(lines(answer)) == (name in OPEN_TO_ALL)


@pytest.mark.threat("T83")
def test_a_party_lists_its_own_and_nothing_else(season, clients):
    """Lots it has or had, findings about them, papers it is on: exactly what the API lists for it, fewer than all."""
    for name in REGISTERS:
        mine = len(clients["trader"].get(f"/v1/{name}?limit=500").json()[name])
        shown = lines(clients["trader"].get(f"/{name}", headers=IN_ENGLISH))
        assert len(shown) == mine or mine > rows.ROWS, name
        if name not in ("sites", "rolls", "holds", "incidents", "certificates"):
            assert len(shown) < len(lines(clients["auditor"].get(f"/{name}", headers=IN_ENGLISH)))
    trader = season.roles["trader"].party
    own = {lot.id for lot in season.services.reader.lots(holder=trader, limit=1000).items}
    answer = clients["trader"].get("/lots")
    assert set(re.findall(r'<a href="/lots/(\w+)">', answer.text)) <= own


def test_a_stranger_finds_no_unnamed_party_in_a_list(season, clients):
    """Only public names stand in the open list, and no id of another is in it, not even in the link to the next."""
    answer = clients["stranger"].get("/parties", headers=IN_ENGLISH)
    hidden = [
        party
        for party in season.records("party").values()
        if isinstance(party, Party) and party.facts[-1].public_name is None
    ]
    assert hidden
    assert not [party for party in hidden if party.id in answer.text]
    assert EN("party.unnamed") not in text_of(answer)


def test_the_list_of_sites_says_the_colour_of_today(season, clients):
    """By number and word, as the API has it; the filter by colour gives each site once."""
    told = {site["site"]: site for site in season.client.get("/v1/sites?limit=500").json()["sites"]}
    assert "green" in {site.get("status") for site in told.values()}
    answer = clients["stranger"].get("/sites", headers=IN_FRENCH)
    ids = re.findall(r'<a href="/sites/(\w+)">', answer.text)
    assert set(ids) == set(told)
    for id_, cells in zip(ids, lines(answer), strict=True):
        assert cells[3].startswith(FR(f"status.{told[id_].get('status', 'none')}"))
    by_colour = [
        re.findall(r'<a href="/sites/(\w+)">', clients["stranger"].get(f"/sites?status={colour}").text)
        for colour in rows.STATUSES
    ]
    assert sorted(id_ for part in by_colour for id_ in part) == sorted(told)


# Sites, parties and rolls


def tallies(season, prefix, record):
    return {
        id_.split(":")[1]: found
        for id_, found in season.records("tally").items()
        if id_.startswith(prefix) and isinstance(found, record)
    }


@pytest.mark.threat("T81")
def test_a_stranger_learns_no_output_of_any_day(season, clients):
    """Output against capacity stands on a site's page for who oversees, day by day, and for nobody else."""
    outputs = tallies(season, "output:", Output)
    assert outputs
    for site_id, output in outputs.items():
        site = season.services.reader.site(site_id)
        assert isinstance(site, Site)
        told = clients["auditor"].get(f"/sites/{site_id}", headers=IN_ENGLISH)
        assert 'class="chart"' in told.text
        _, mass_ug = output.days[-1]
        mineral = site.facts[-1].minerals[0]
        assert EN.mass(mass_ug, mineral).replace("\u00a0", " ") in text_of(told)
        assert told.text.count("<tbody><tr><th") >= 1
        for who in ("stranger", "trader"):
            closed = clients[who].get(f"/sites/{site_id}", headers=IN_ENGLISH)
            assert closed.status_code == 200
            assert 'class="chart"' not in closed.text
            assert EN("output.declared") not in text_of(closed)
            assert EN("site.tags") not in text_of(closed)


@pytest.mark.threat("T81")
def test_weighings_of_a_party_are_for_itself_and_overseers(season, clients):
    """How a party's scale parts from others' is on its own page, not on the page others see of it."""
    trader = season.roles["trader"].party
    drifts = tallies(season, "drift:", Drift)
    assert trader in drifts
    for who, sees in (("trader", True), ("auditor", True), ("stranger", False)):
        answer = clients[who].get(f"/parties/{trader}", headers=IN_ENGLISH)
        assert (EN("balance.title") in text_of(answer)) == sees, who
    other = next(party for party in drifts if party != trader and season.services.reader.party(party))
    answer = clients["trader"].get(f"/parties/{other}", headers=IN_ENGLISH)
    assert answer.status_code == 200
    assert EN("balance.title") not in text_of(answer)


def test_a_rolls_stock_adds_up(season, clients):
    """Each allocation says what became of its tags, and all of them together are the roll."""
    for roll_id, roll in season.records("roll").items():
        answer = clients["auditor"].get(f"/rolls/{roll_id}", headers=IN_ENGLISH)
        assert answer.status_code == 200
        last = lines(answer)[-1]
        tags, *fates = (int(cell.replace(",", "")) for cell in last[1:])
        assert tags == roll.count == sum(fates)
        stock = season.records("tally").get(f"stock:{roll_id}") or Stock()
        assert fates[0] == count_tags(stock, 1, roll.count)["on"]
        assert clients["stranger"].get(f"/rolls/{roll_id}").status_code == 404
    concerned = {
        roll_id
        for roll_id, roll in season.records("roll").items()
        if season.roles["trader"].party in (roll.issuer, *(each.party for each in roll.allocations))
    }
    for roll_id in season.records("roll"):
        status = clients["trader"].get(f"/rolls/{roll_id}").status_code
        assert status == (200 if roll_id in concerned else 404)
