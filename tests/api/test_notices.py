"""Whoever has a lot is told what there is about it, and of a report no more than that it is open."""

from world import World

from traceability.ledger.answers import Submission
from trade import Pen, accept, offer, produce

ACCOUNT = "Des enfants au puits numéro sept"


def incident(pen: Pen, subject: tuple[str, str], **more: object):
    body = {
        "source": "device", "categories": ["child_labour"], "subjects": [{"type": subject[0], "id": subject[1]}],
        "happened_from": "2026-03-10", "reporter": "named", **more,
    }  # fmt: skip
    return pen.sign("incident", body, sealed={"/account": ACCOUNT})


def hold(world: World, subject: tuple[str, str], **more: object):
    body = {
        "source": "device",
        "subjects": [{"type": subject[0], "id": subject[1]}],
        "ground": "court",
        **more,
    }
    return world.registrar.sign("hold", body)


def told(client, pen: Pen) -> dict[str, dict]:
    answer = client.read(pen, "/v1/notices")
    assert answer.status_code == 200
    return {notice["lot"]: notice for notice in answer.json()["notices"]}


def test_the_holder_is_told_and_nobody_else(world, client):
    """Holds and open reports about his lots, until they are released and settled; once sold they are the buyer's."""
    anna, ben = world.anna, world.ben
    made = produce(anna, "10.00", "11.00")
    a, b = made.lots
    placed, report = hold(world, ("lot", a)), incident(world.carl, ("lot", a))
    world.take(made, placed, report)
    assert told(client, anna)[a]["holds"][0]["hold"] == placed.id
    assert told(client, anna)[a]["reports"] == [
        {
            "incident": report.id,
            "serious": True,
            "subjects": [{"type": "lot", "id": a}],
            "happened": "2026-03-10",
        }
    ]
    assert b not in told(client, anna)
    assert a not in told(client, ben)
    assert client.get("/v1/notices").json() == {"notices": []}
    assert ACCOUNT not in client.read(anna, "/v1/notices").text

    view = client.read(anna, f"/v1/lots/{a}").json()
    assert (view["open_reports"], view["serious_reports"]) == (1, 1)
    assert client.read(anna, f"/v1/lots/{b}").json()["open_reports"] == 0

    sold = offer(anna, ben.party, [(made.id, a)])
    world.take(sold, accept(ben, [(sold.id, a)]))
    assert a not in told(client, anna)
    assert a in told(client, ben)

    body = {"source": "device", "about": {"incident": report.id}, "act": "checked"}
    world.take(world.registrar.sign("response", body))
    world.take(world.registrar.sign("release", {"source": "device", "hold": placed.id}))
    left = told(client, ben)[a]
    assert ("holds" in left, "reports" in left) == (False, False)
    assert {found["rule"] for found in left["findings"]} == {"moved_under_hold"}
    world.take(world.registrar.sign("response", {**body, "act": "escalated"}))
    assert [report_["incident"] for report_ in told(client, ben)[a]["reports"]] == [report.id]


def test_what_is_about_the_holder_is_about_his_lots(world, client):
    """A hold on a party is on each lot it has; a report of an accident is open and not serious."""
    fresh = Pen("notified")
    world.take(world.office.enrol(fresh, "miner"))
    made = produce(fresh, "5.00")
    placed = hold(world, ("party", fresh.party))
    report = incident(world.carl, ("party", fresh.party), categories=["accident"], level=3)
    world.take(made, placed, report)
    notice = told(client, fresh)[made.lots[0]]
    assert [each["hold"] for each in notice["holds"]] == [placed.id]
    assert [each["serious"] for each in notice["reports"]] == [False]


def test_severe_findings_are_told(world, client):
    """A lot that two signed events claim is disputed: its holder hears of it."""
    anna = world.anna
    made = produce(anna, "7.00")
    first, second = (offer(anna, pen.party, [(made.id, made.lots[0])]) for pen in (world.ben, world.carl))
    world.take(made, first)
    world.ledger.append([Submission(second.envelope, second.event, second.disclosures)])
    notice = told(client, anna)[made.lots[0]]
    assert [found["rule"] for found in notice["findings"]] == ["double_issue"]
