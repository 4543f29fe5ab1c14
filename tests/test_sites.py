"""Sites on the day that counts: their colours and how long those last, suspensions, and facts that come later."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grounds import Ground
from rules import DAY
from traceability.core.authority import later_day
from traceability.core.findings.later import LOOKUPS_MAX
from traceability.core.ground_facts import months_after, site_facts, site_status
from traceability.core.ground_records import SiteStatus
from traceability.core.ids import EventId, PartyId, SiteId
from traceability.core.policy import Policy, Value
from traceability.core.record import NEW
from traceability.core.registry_records import Site, SiteFacts


def made(*statuses: tuple[str, str, str | None], country: str = "CF") -> Site:
    """A site of these statuses, each by an event called by its place."""
    facts = SiteFacts(
        "2020-01-01",
        "site",
        "a",
        country,
        f"{country}-LB",
        ("gold",),
        "artisanal",
        "active",
        PartyId("p"),
        (),
        (),
    )
    said = tuple(SiteStatus(*status, EventId(str(n))) for n, status in enumerate(statuses))
    return Site(NEW, SiteId("s"), (facts,), said)


@pytest.mark.parametrize(
    ("country", "given_", "day", "expected"),
    [
        ("CF", "green", "2025-03-01", ("green", "2024-03-02")),
        ("CF", "green", "2025-03-02", ("blue", "2025-03-02")),
        ("CF", "green", "2028-03-01", ("blue", "2025-03-02")),
        ("CF", "green", "2028-03-02", ("red", "2028-03-02")),
        ("CF", "yellow", "2024-09-01", ("yellow", "2024-03-02")),
        ("CF", "yellow", "2024-09-02", ("red", "2024-09-02")),
        ("RW", "yellow", "2024-09-01", ("yellow", "2024-03-02")),
        ("CD", "yellow", "2024-06-01", ("yellow", "2024-03-02")),
        ("CD", "yellow", "2024-06-02", ("red", "2024-06-02")),
        ("CF", "blue", "2027-03-01", ("blue", "2024-03-02")),
        ("CF", "blue", "2027-03-02", ("red", "2027-03-02")),
        ("CF", "red", "2099-01-01", ("red", "2024-03-02")),
        ("CF", "green", "2024-03-01", (None, None)),
    ],
)
def test_colours_run_out(country, given_, day, expected):
    """Green is blue after a year, yellow red after its country's months, blue red after three years; red stays."""
    assert site_status(made((given_, "2024-03-02", None), country=country), day, None)[:2] == expected


def test_an_end_that_is_named_counts_and_a_policy_sets_the_months():
    """`status_until` ends a colour on its day; the months are the policy's, a country's own before all others'."""
    site = made(("green", "2024-03-02", "2024-05-31"))
    assert site_status(site, "2024-05-31", None).status == "green"
    assert site_status(site, "2024-06-01", None) == ("blue", "2024-06-01", "0")
    values = (
        Value(None, "times", "site_status", "green_months", None, None, 6),
        Value("CF", "times", "site_status", "green_months", None, None, 2),
    )
    policy = Policy(NEW, EventId("e"), values)
    assert site_status(made(("green", "2024-03-02", None)), "2024-05-02", policy).status == "blue"
    assert (
        site_status(made(("green", "2024-03-02", None), country="CD"), "2024-05-02", policy).status == "green"
    )


def test_the_status_that_begins_last_counts_and_of_two_the_later():
    """An inspection recorded later for an earlier day does not undo one about a newer day."""
    site = made(("green", "2024-03-02", None), ("red", "2024-02-01", None), ("yellow", "2024-03-02", None))
    assert site_status(site, "2024-02-15", None) == ("red", "2024-02-01", "1")
    assert site_status(site, "2024-03-15", None) == ("yellow", "2024-03-02", "2")


@given(
    st.lists(st.tuples(st.sampled_from(["green", "yellow", "blue", "red"]), st.dates().map(str)), max_size=5),
    st.dates().map(str),
)
def test_status_is_that_of_a_slow_twin(said, day):
    """Three steps written out, from the last status on, give what the reading computes."""
    site = made(*((status, since, None) for status, since in said))
    begun = [(since, n, status) for n, (status, since) in enumerate(said) if since <= day]
    found = site_status(site, day, None)
    if not begun:
        assert found == (None, None, None)
        return
    since, n, status = max(begun)
    for colour, follows, months in (("green", "blue", 12), ("yellow", "red", 6), ("blue", "red", 36)):
        if status == colour and months_after(since, months) <= day:
            status, since = follows, months_after(since, months)
    assert found == (status, since, str(n))


def test_days_and_months_at_the_end_of_the_calendar():
    """The last day of a shorter month, and no day beyond the year 9999."""
    assert months_after("2023-11-30", 3) == "2024-02-29"
    assert months_after("2024-12-31", 12) == "2025-12-31"
    assert months_after("9999-05-01", 12) == "9999-12-31"
    assert later_day("9999-12-31", 1) == "9999-12-31"
    assert later_day("0001-01-01", -1) == "0001-01-01"


# What a production is held against


@pytest.mark.parametrize(
    ("status", "rule", "severity"),
    [("red", "site_red", "severe"), ("yellow", "site_yellow", "notice"), ("blue", "site_blue", "notice")],
)
def test_the_colour_of_the_site_on_the_day(status, rule, severity):
    """Ore of a site that is not green is noted, in the ledger and by whoever is shown the lot's evidence."""
    ground = Ground()
    inspection = ground.inspect(ground.mine, status, "2026-02-01")
    bag = ground.dig()
    assert ground.rules() == {rule}
    assert ground.found(rule).severity == severity
    assert ("inspection", inspection) in ground.found(rule).figures
    assert ground.agree(bag) >= {rule}


def test_a_site_nobody_came_back_to_is_no_crime_of_the_miner():
    """Red because its yellow ran out is a warning; red because an inspector said so is severe."""
    for status, since, severity in (("yellow", "2025-03-01", "warning"), ("red", "2025-03-01", "severe")):
        ground = Ground()
        ground.inspect(ground.mine, status, since)
        bag = ground.dig()
        assert ground.found("site_red").severity == severity
        ground.agree(bag)


def test_a_green_site_raises_no_alarm():
    """Green, open, its own miner, its own mineral: nothing. Nor where nobody asks for a colour."""
    ground = Ground()
    ground.dig()
    assert not ground.rules()
    ground.inspect(ground.mine, "green", "2026-02-01")
    bag = ground.dig()
    assert not ground.rules()
    assert not ground.agree(bag)


def test_a_colour_is_asked_for_where_the_policy_says():
    """With `required` a site of no recorded colour is noted, and only for the mineral it is about."""
    ground = Ground([("site_status_not_recorded", "required", 1, "cassiterite")])
    bag = ground.dig()
    assert ground.rules() == {"site_status_not_recorded"}
    assert ground.agree(bag) >= {"site_status_not_recorded"}
    event = ground.production("1", site=ground.mine)
    event["body"]["lots"] = [ground.new_lot("1.0", mineral="gold", form="dust")]
    ground.appends(ground.miner, event, "mineral_not_registered")


def test_one_day_beside_is_no_matter():
    """A site red from today on: what was bagged today and dated so may have been yesterday's; tomorrow's is not."""
    ground = Ground()
    ground.inspect(ground.mine, "green", "2026-02-01")
    ground.inspect(ground.mine, "red", ground.today)
    ground.dig()
    assert "site_red" not in ground.rules()
    ground.clock += DAY
    ground.dig()
    assert "site_red" in ground.rules()
    ground.inspect(ground.mine, "green", later_day(ground.today, 1))
    ground.dig()
    assert "site_red" not in ground.rules()


def test_a_suspended_and_a_closed_site():
    """No production in between; an inactive site brings forth no ore."""
    ground = Ground()
    stop = ground.inspect(ground.mine, suspended_from="2026-02-01", suspended_until="2026-03-10")
    bag = ground.dig()
    assert ground.rules() == {"site_suspended"}
    assert ("inspection", stop) in ground.found("site_suspended").figures
    assert ground.found("site_suspended").severity == "severe"
    ground.agree(bag)
    ground.wait_until("2026-03-12")
    ground.dig()
    assert not ground.rules()
    ground.inspect(ground.mine, activity="abandoned")
    ground.clock += 2 * DAY
    bag = ground.dig()
    assert ground.rules() == {"site_not_active"}
    assert ground.agree(bag) >= {"site_not_active"}


def test_who_works_the_site_and_for_what():
    """A miner nobody named, and a mineral nobody registered; members of the holder and other minerals named are fine."""
    ground = Ground()
    (stranger,) = ground.people("stranger:miner")
    bag = ground.dig(by=stranger)
    assert ground.rules() == {"producer_not_at_site"}
    ground.agree(bag)
    member = ground.enrol("member", ["miner"], part_of=ground.miner.party)
    ground.dig(by=member)
    assert not ground.rules()
    ground.restate(ground.mine, worked_by=[stranger.party], minerals=["cassiterite", "coltan"])
    ground.dig(by=stranger)
    assert not ground.rules()
    assert site_facts(ground.state.records["site", ground.mine], ground.today).worked_by == (stranger.party,)


def test_ore_recorded_only_after_the_site_was_closed():
    """Dated on a green day, recorded on a red one: the date is the signer's word."""
    ground = Ground()
    ground.inspect(ground.mine, "green", "2026-02-01")
    ground.wait_until("2026-03-20")
    ground.inspect(ground.mine, "red", "2026-03-10")
    bag = ground.dig(day="2026-03-05")
    assert "site_closed_before_recorded" in ground.rules()
    assert "site_red" not in ground.rules()
    ground.agree(bag)
    honest = Ground()
    honest.inspect(honest.mine, "green", "2026-02-01")
    honest.wait_until("2026-03-20")
    honest.dig(day="2026-03-05")
    assert "site_closed_before_recorded" not in honest.rules()


# What comes later for an earlier day


def test_a_status_that_comes_later_is_noted_on_the_lots_it_touches():
    """Red from a day on which ore was already dug: severe on that ore and no other, and nothing is rewritten."""
    ground = Ground()
    ground.inspect(ground.mine, "green", "2026-02-01")
    early = ground.dig()
    ground.wait_until("2026-03-10")
    late = ground.dig()
    other = ground.site(ground.miner)
    elsewhere = ground.dig(site=other)
    ground.wait_until("2026-03-20")
    ground.inspect(ground.mine, "red", "2026-03-08")
    found = ground.found("site_changed_later")
    assert found.severity == "severe"
    assert found.subjects == (("lot", late),)
    assert dict(found.figures)["status_was"] == "green"
    assert not ground.state.records["lot", early].place.finding_count
    ground.agree(early, late, elsewhere)


@pytest.mark.parametrize(
    ("first", "later", "severity"),
    [
        ({"status": "green"}, {"status": "yellow"}, "warning"),
        ({"status": "green"}, {"suspended_from": "2026-02-20"}, "severe"),
        ({"status": "red"}, {"status": "green"}, "notice"),
        ({"status": "blue"}, {"status": "green"}, None),
        ({}, {"status": "green"}, None),
        ({"status": "green"}, {"activity": "inactive", "date": "2026-02-20"}, "warning"),
    ],
)
def test_how_much_a_later_word_weighs(first, later, severity):
    """Closed after all is severe, worse a warning, open after all a notice; a green that comes late is nothing."""
    ground = Ground()
    if first:
        ground.inspect(ground.mine, first["status"], "2026-02-01")
    ground.dig()
    ground.clock += 10 * DAY
    ground.inspect(ground.mine, later.pop("status", None), "2026-02-20", **later)
    assert [f.severity for f in ground.findings("site_changed_later")] == ([severity] if severity else [])


def test_a_late_word_on_an_earlier_day_does_not_bring_old_facts_back():
    """An inspector's report of February, entered in April, leaves the holder who was registered in March."""
    ground = Ground()
    (heir,) = ground.people("heir:miner")
    facts = ground.site_registration(ground.registrar, heir.party, **{"from": "2026-03-01"})
    body = {name: value for name, value in facts["body"].items() if name != "nonce"} | {"site": ground.mine}
    ground.appends(ground.registrar, {**facts, "body": body})
    ground.inspect(ground.mine, activity="inactive", date="2026-02-20")
    site = ground.state.records["site", ground.mine]
    assert site.facts[-1].holder == heir.party
    assert site_facts(site, "2026-02-25").activity == "inactive"
    assert site_facts(site, "2026-03-05").activity == "active"


def test_a_registration_restated_for_an_earlier_day():
    """That the site lay abandoned is said by a registration too; one from today on says nothing of yesterday."""
    ground = Ground()
    bag = ground.dig()
    ground.clock += 10 * DAY
    ground.restate(ground.mine, activity="active")
    assert not ground.rules()
    ground.restate(ground.mine, activity="abandoned", **{"from": "2026-02-01"})
    assert ground.found("site_changed_later").subjects == (("lot", bag),)


def test_a_correction_that_puts_ore_to_another_site_hides_nothing():
    """Told to be of a green site and corrected to a red one: the red one's findings come, now and later."""
    ground = Ground()
    red = ground.site(ground.miner)
    ground.inspect(red, "red", "2026-02-01")
    bag = ground.dig()
    made = ground.last().event_id
    ground.append(ground.miner, ground.correction(made, {"/site": red}))
    assert ground.lot(bag).site == red
    assert "site_red" in ground.rules()
    assert ground.agree(bag) >= {"site_red"}
    ground.clock += 10 * DAY
    ground.inspect(red, "green", "2026-02-01")
    assert ground.found("site_changed_later").subjects == (("lot", bag),)
    ground.inspect(ground.mine, "red", "2026-02-01")
    assert not ground.rules()


def test_going_back_over_a_site_has_an_end():
    """Of ore dated in 2001 and a status from then on: the newest days are gone over, and no more than LOOKUPS_MAX."""
    ground = Ground()
    ground.dig(day="2001-01-02")
    other = ground.site(ground.miner)
    ground.dig(other, day="2001-01-02")
    bag = ground.dig()
    ground.state.asked.clear()
    ground.inspect(ground.mine, "red", "2001-01-01")
    assert ground.found("site_changed_later").subjects == (("lot", bag),)
    assert sum(address[0] == "produced" for address in ground.state.asked) < LOOKUPS_MAX
    ground.state.asked.clear()
    ground.zone("closed", "2001-01-01")
    assert ground.found("zone_declared_later").subjects == (("lot", bag),)
    assert sum(address[0] == "produced" for address in ground.state.asked) <= LOOKUPS_MAX + 2


def test_a_site_that_produced_nothing_is_not_gone_over():
    """The history of colours of a thousand sites can be entered without a look at a single day."""
    ground = Ground()
    ground.state.asked.clear()
    ground.inspect(ground.mine, "red", "2001-01-01")
    assert {address for address in ground.state.asked if address[0] == "produced"} == {
        ("produced", ground.mine)
    }
