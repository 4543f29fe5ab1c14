"""Findings, certificates, licences, holds, incidents and rolls over HTTP: who sees which, filters, CSV."""

import csv
import io

import pytest
from test_submit import problem

from trade import accept, bag, offer, produce


def rows(answer) -> list[dict[str, str]]:
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    return list(csv.DictReader(io.StringIO(answer.text)))


class Weighed:
    """A bag of Anna's that Ben found heavier than she did: a finding, and Carl has nothing to do with it."""

    def __init__(self, world) -> None:
        made = produce(world.anna, "20", producer=world.anna.party)
        (self.lot,) = made.lots
        given = offer(world.anna, world.ben.party, [(made.id, self.lot)])
        weighing = {"lots": [self.lot], "net": {"unit": "KGM", "value": "25"}, "basis": "measured"}
        got = accept(world.ben, [(given.id, self.lot)], weighings=[weighing])
        world.take(made, given, got)


@pytest.fixture(scope="module")
def weighed(served):
    return Weighed(served[0])


def findings(client, pen, query: str = "") -> list[dict]:
    answer = client.read(pen, f"/v1/findings?limit=500{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()["findings"]


def test_findings_are_seen_by_who_is_concerned(world, client, weighed):
    """Both sides of a handoff and an auditor see what was noticed about its lot; others and strangers do not."""

    def about(pen):
        return {
            found["rule"]
            for found in findings(client, pen)
            if {"type": "lot", "id": weighed.lot} in found["subjects"]
        }

    seen = about(world.auditor)
    assert {"mass_gained", "rise_above_lowest"} <= seen
    assert about(world.anna) == about(world.ben) == seen
    assert about(world.carl) == set()
    assert client.get("/v1/findings").json() == {"findings": []}


def test_findings_are_filtered(world, client, weighed):
    """By rule, severity and subject; half a subject and an unknown rule are errors that say so."""
    about = f"&about=lot:{weighed.lot}"
    every = findings(client, world.auditor, about)
    assert every
    assert all({"type": "lot", "id": weighed.lot} in found["subjects"] for found in every)
    gained = findings(client, world.auditor, f"{about}&rule=mass_gained")
    assert gained == [found for found in every if found["rule"] == "mass_gained"]
    severe = findings(client, world.auditor, f"{about}&severity=severe")
    assert severe == [found for found in every if found["severity"] == "severe"]
    for query in ("?about=lot", "?rule=no_such_rule", "?severity=bad", "?format=xml"):
        assert problem(client.read(world.auditor, f"/v1/findings{query}")) == (400, "malformed")


def test_a_list_as_csv_says_what_the_json_says(world, client, weighed):
    """The same lines, a mass as value and unit, and no cell a spreadsheet would run."""
    answer = client.read(world.auditor, f"/v1/findings?format=csv&about=lot:{weighed.lot}")
    every = findings(client, world.auditor, f"&about=lot:{weighed.lot}")
    assert [row["rule"] for row in rows(answer)] == [found["rule"] for found in every]
    lots = rows(client.read(world.ben, "/v1/lots?format=csv&limit=500"))
    listed = client.read(world.ben, "/v1/lots?limit=500").json()["lots"]
    assert [row["lot"] for row in lots] == [lot["lot"] for lot in listed]
    assert [(row["expected_mass"], row["expected_mass_unit"]) for row in lots] == [
        (lot["expected_mass"]["value"], lot["expected_mass"]["unit"]) for lot in listed
    ]
    cells = [cell for row in lots for cell in row.values()]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)


def test_a_formula_in_a_name_is_only_text(world, client):
    """What somebody calls a lot is shown with an apostrophe where a spreadsheet would run it."""
    made = produce(
        world.anna, "20", producer=world.anna.party, lots=[bag("20", lot_number='=HYPERLINK("x")')]
    )
    world.take(made)
    lots = rows(client.read(world.anna, "/v1/lots?format=csv&limit=500"))
    (row,) = [row for row in lots if row["lot"] == made.lots[0]]
    assert row["lot_number"] == '\'=HYPERLINK("x")'


def test_holds_and_incidents_are_told_to_whom_they_concern(world, client, weighed):
    """The holder of a held lot sees the hold and that an incident is open about it, without the report."""
    subjects = [{"type": "lot", "id": weighed.lot}]
    hold = world.registrar.sign(
        "hold", {"source": "device", "subjects": subjects, "ground": "investigation", "legal_basis": "Law 12"}
    )
    incident = world.carl.sign(
        "incident",
        {
            "source": "device",
            "categories": ["armed_group"],
            "level": 1,
            "subjects": subjects,
            "happened_from": "2026-03-01",
            "reporter": "named",
        },
        sealed={"/account": "armed men took a share"},
    )
    world.take(hold, incident)

    def seen(pen, name):
        return client.read(pen, f"/v1/{name}?limit=500").json()[name]

    for pen, expected in ((world.anna, True), (world.ben, True), (world.auditor, True), (world.carl, False)):
        assert (hold.id in [each["hold"] for each in seen(pen, "holds")]) == expected
    for pen in (world.anna, world.carl, world.auditor):
        (told,) = [each for each in seen(pen, "incidents") if each["incident"] == incident.id]
        assert told["open"] is True
        assert "armed men" not in str(told)
    assert client.get("/v1/holds").json() == {"holds": []}
