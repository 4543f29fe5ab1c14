"""The numbers of the rules about sites, licences and mixing where no policy says otherwise.

By section, rule, name, mineral and step, as `core.policy` looks them up; for one country with the country in
front. `docs/findings.md` gives the reason for each.
"""

from typing import Literal

Section = Literal["bands", "thresholds", "refusals", "times"]
Name = tuple[Section, str, str, str | None, str | None]

_ACTS = ("production", "trade", "transport", "processing", "export")

GROUND_NUMBERS: dict[Name, int] = {
    # How long a colour lasts. Green runs out into blue; yellow and blue into red; red lasts until an inspection.
    ("times", "site_status", "green_months", None, None): 12,
    ("times", "site_status", "yellow_months", None, None): 6,
    ("times", "site_status", "blue_months", None, None): 36,
    # Whether a colour has to be recorded at all: not every country or mineral has sites inspected for one.
    ("thresholds", "site_status_not_recorded", "required", None, None): 0,
    # Whether an act needs a licence. Where none is asked for, only one that is recorded can have run out.
    **{("thresholds", "licence_missing", act, None, None): 0 for act in _ACTS},
    # Whether ore may not be mixed: of different mining methods, countries, tagging schemes.
    ("thresholds", "from_transit_country", "listed", None, None): 0,
    ("thresholds", "methods_mixed", "uncertified", None, None): 0,
    ("thresholds", "methods_mixed", "any", None, None): 0,
    ("thresholds", "countries_mixed", "forbidden", None, None): 0,
    ("thresholds", "schemes_mixed", "forbidden", None, None): 0,
}
COUNTRY_NUMBERS: dict[tuple[str, Section, str, str, str | None, str | None], int] = {
    ("CD", "times", "site_status", "yellow_months", None, None): 3,
    ("RW", "times", "site_status", "yellow_months", None, None): 6,
    ("CD", "thresholds", "methods_mixed", "uncertified", "cobalt", None): 1,
}
