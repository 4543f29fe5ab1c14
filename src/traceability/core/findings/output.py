"""Rules on what comes out of a site: more than it can give, somewhere else, under a status that has run out."""

from collections.abc import Mapping

from traceability.core import due
from traceability.core.distance import cell_of, km_between
from traceability.core.events import LicenceGrant, Production, SiteInspection
from traceability.core.ground_facts import last_day, site_facts
from traceability.core.ground_records import in_force
from traceability.core.outcome import Step
from traceability.core.registry_records import Site
from traceability.core.tallies import Cell, Cells, Output

DAYS = 31
CELLS = 6
SEEN = 8
MONTH = 30
_DUG_DAYS_MAX = 7
_MILLION = 1_000_000


def watch_site(step: Step, event: Production, site_id: str) -> None:
    """Takes a production into its site's tallies, and asks the rules on sites."""
    away_from_its_site(step, event, site_id)
    site = step.find("site", site_id, Site)
    masses: dict[tuple[str, str], int] = {}
    for lot in event.body.lots:
        kind = (lot.mineral, lot.form)
        masses[kind] = masses.get(kind, 0) + lot.weighing.net.mass_ug
    day = due.day_number(step.day)
    for (mineral, form), mass_ug in masses.items():
        id_ = f"output:{site_id}:{mineral}:{form}"
        known = step.find("tally", id_, Output) or Output()
        sums = dict(known.days)
        sums[day] = sums.get(day, 0) + mass_ug
        days = sorted(sums.items())[-DAYS:]
        output = Output(tuple(days), known.quiet_until)
        # Of a day so long ago that it is not kept, nothing is known any more.
        if site is not None and site.capacities and days[0][0] <= day >= known.quiet_until:
            output = output_above_capacity(step, event, site, (mineral, form), output, day, dict(days))
        step.put("tally", id_, output)


def output_above_capacity(
    step: Step,
    event: Production,
    site: Site,
    kind: tuple[str, str],
    output: Output,
    day: int,
    sums: Mapping[int, int],
) -> Output:
    """More came out of a site on a day, or in 30 days, than it can give: above `ppm` (1,250,000) of its capacity.

    Of the estimates in force on the day, for this mineral in this form, the highest counts; what whoever works the site
    says of it himself only where nobody else made one. A day stands for the days from `dug_from` to `dug_until`, seven at most; a month for `days_per_month` of the estimate (26).
    Ore of elsewhere is carried to a tagged mine (F2), or weights are invented (F3). Honest: a rich pocket, more
    diggers than when the site was looked at; a new estimate puts it right from its day on.
    """
    mineral, form = kind
    estimates = [
        each for each in in_force(site.capacities, step.day) if each.mineral == mineral and each.form == form
    ]
    if not estimates:
        return output
    facts = site_facts(site, step.day)
    others = [each for each in estimates if each.author not in (facts.holder, *facts.worked_by)]
    most = max(others or estimates, key=lambda each: each.mass_per_day_ug)
    a_month = most.days_per_month or step.number("thresholds", "output_above_capacity", "days_per_month")
    ppm = step.number("thresholds", "output_above_capacity", "ppm")
    month_ug = sum(sums.values())
    if (
        month_ug * _MILLION > most.mass_per_day_ug * a_month * ppm
    ):  # mostly not even all that is kept is so much
        since = max(day - MONTH, due.day_number(most.since) - 1)
        month_ug = sum(mass for each, mass in output.days if since < each <= day)
    for days, mass_ug, allowed in ((1, sums[day], _dug_days(event)), (MONTH, month_ug, a_month)):
        if mass_ug * _MILLION > most.mass_per_day_ug * allowed * ppm:
            figures = {
                "author": most.author,
                "capacity_a_day_ug": most.mass_per_day_ug,
                "days": days,
                "output_ug": mass_ug,
                "working_days": allowed,
            }
            subjects = [("site", site.id), *(("lot", lot) for lot in event.made)]
            step.note("output_above_capacity", "warning", subjects, events=(most.event,), figures=figures)
            return Output(output.days, day + (1 if days == 1 else MONTH))
    return output


def _dug_days(event: Production) -> int:
    first, last = event.body.dug_from, event.body.dug_until
    if first is None or last is None:
        return 1
    return min(max(due.day_number(last) - due.day_number(first) + 1, 1), _DUG_DAYS_MAX)


def away_from_its_site(step: Step, event: Production, site: str) -> None:
    """Ore said to be of a site, bagged more than `km` (40) from wherever that site's ore was bagged before.

    A site's position is sealed, so what is compared are the cells its own productions name: after eight of them, with
    each cell that was named more than once. A tag is put on far from its mine (F1, F2). Honest: a washing place far from
    the pit, a cell typed wrong.
    """
    if event.body.cell is None or event.body.source != "device":
        return
    cell = cell_of(event.body.cell)
    known = step.find("tally", f"cells:{site}", Cells) or Cells()
    counts: dict[Cell, int] = dict(known.cells)
    if cell not in counts and sum(counts.values()) >= SEEN:
        km = min((km_between(cell, each) for each, times in counts.items() if times > 1), default=0)
        if km > step.number("thresholds", "away_from_its_site", "km"):
            subjects = [("site", site), *(("lot", lot) for lot in event.made)]
            step.note("away_from_its_site", "warning", subjects, figures={"km": km})
    times = counts.get(cell, 0)
    if times < SEEN:
        counts[cell] = times + 1
        kept = sorted(counts.items(), key=lambda each: (-each[1], each[0] != cell, each[0]))[:CELLS]
        step.put("tally", f"cells:{site}", Cells(tuple(sorted(kept))))


def start_status_clock(step: Step, event: SiteInspection) -> None:
    """A status given to a site runs until its own last day, else as long as its colour lasts."""
    body = event.body
    if body.status is None or body.status == "red" or body.status_from is None:
        return
    site = step.need("site", body.site, Site)
    country = site_facts(site, body.status_from).country
    last = body.status_until or last_day(body.status, body.status_from, country, step.policy)
    due.start(step, "status", due.day_number(last) + 1, 1)


def start_licence_clock(step: Step, event: LicenceGrant) -> None:
    """A licence with a last day runs until then."""
    if event.body.expires is not None:
        due.start(step, "licence", due.day_number(event.body.expires) + 1, 1)
