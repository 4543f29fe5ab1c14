"""The numbers of the rules over sums, networks and time where no policy says otherwise.

By section, rule, name, mineral and step, like `numbers`; `docs/findings.md` says what each is for.
"""

from traceability.core.findings.numbers import Name

GLOBAL_NUMBERS: dict[Name, int] = {
    ("thresholds", "away_from_its_site", "km", None, None): 40,
    ("thresholds", "closed_circle", "deals", None, None): 20,
    ("thresholds", "closed_circle", "spread_ppm", None, None): 100,
    ("thresholds", "exports_above_production", "ppm", None, None): 1_100_000,
    ("thresholds", "impossible_travel", "km", None, None): 30,
    ("thresholds", "impossible_travel", "km_h", None, None): 120,
    ("thresholds", "more_workers_than_members", "ppm", None, None): 2_000_000,
    ("thresholds", "no_incident_in_zone", "productions", None, None): 200,
    ("thresholds", "output_above_capacity", "days_per_month", None, None): 26,
    ("thresholds", "output_above_capacity", "ppm", None, None): 1_250_000,
    ("thresholds", "recorded_unusually_late", "times_usual", None, None): 8,
    ("thresholds", "sites_interleaved", "returns", None, None): 3,
    ("thresholds", "steady_gain", "ppm", None, None): 10_000,
    ("thresholds", "steady_gain", "weighings", None, None): 20,
    ("thresholds", "steady_loss", "ppm", None, None): 30_000,
    ("thresholds", "steady_loss", "weighings", None, None): 20,
    ("thresholds", "tags_in_a_rush", "tags", None, None): 120,
    ("thresholds", "weights_permuted", "apart_ppm", None, None): 30_000,
    ("thresholds", "weights_permuted", "near_ppm", None, None): 15_000,
    ("thresholds", "weights_repeated", "share_ppm", None, None): 500_000,
    ("thresholds", "weights_too_even", "spread_ppm", None, None): 10_000,
    ("thresholds", "weights_too_round", "unlikely", None, None): 10_000_000,
    ("times", "arrival_not_confirmed", "days", None, None): 60,
    ("times", "gap_in_sequence", "days", None, None): 30,
    ("times", "handoff_overdue", "days", None, None): 14,
    ("times", "impossible_travel", "slack_minutes", None, None): 30,
    ("times", "lot_without_tag", "days", None, None): 30,
    ("times", "supplier_of_risk_area", "days", None, None): 365,
    ("times", "moved_without_travel", "minutes", None, None): 5,
    ("times", "no_incident_in_zone", "days", None, None): 180,
    ("times", "recorded_unusually_late", "days", None, None): 14,
    ("times", "sites_interleaved", "hours", None, None): 6,
    ("times", "sold_on_within_minutes", "minutes", None, None): 60,
    ("times", "tags_in_a_rush", "minutes", None, None): 60,
    ("times", "tags_unused", "days", None, None): 180,
}
