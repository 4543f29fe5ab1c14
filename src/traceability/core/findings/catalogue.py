"""Every rule there is: its version, what it reads, and the fraud of the trade it is about.

A finding names a rule of this list. `frauds` are the numbers of the trade's ways to cheat as
`docs/findings.md` lists them (F1 tag sale … F22 silence), or nothing for plain faults.
"""

from typing import Literal

import msgspec

Scope = Literal["local", "global", "stated"]


class Rule(msgspec.Struct, frozen=True, gc=False):
    """A rule in the version that this program applies."""

    scope: Scope
    frauds: tuple[str, ...] = ()
    version: int = 1


RULES: dict[str, Rule] = {
    "abandoned_number_used": Rule("local", ("F9",)),
    "action_overdue": Rule("global", ("F22",)),
    "arrival_not_confirmed": Rule("global", ("F11", "F13")),
    "assay_revised": Rule("local", ("F7",)),
    "away_from_its_site": Rule("global", ("F1", "F2")),
    "carats_gained": Rule("local", ("F5", "F7")),
    "certificate_number_used_twice": Rule("global", ("F11",)),
    "certificate_overdrawn": Rule("global", ("F11",)),
    "clock_ahead": Rule("local", ("F9",)),
    "closed_circle": Rule("global", ("F10",)),
    "corrected_but_booked": Rule("local", ("F5",)),
    "corrected_too_late": Rule("local", ("F5",)),
    "dated_before_last_contact": Rule("local", ("F9",)),
    "delegation_out_of_dates": Rule("local"),
    "double_issue": Rule("local", ("F18",)),
    "earlier_than_what_it_follows": Rule("local", ("F9",)),
    "exports_above_production": Rule("global", ("F13",)),
    "gain_stated": Rule("local", ("F5",)),
    "gap_in_sequence": Rule("global", ("F9", "F21")),
    "grade_above_ceiling": Rule("local", ("F7", "F16")),
    "grade_outside_inputs": Rule("local", ("F7",)),
    "grade_unusual": Rule("local", ("F7", "F16")),
    "handoff_overdue": Rule("global", ("F8", "F12")),
    "hs_of_another_mineral": Rule("local", ("F16",)),
    "impossible_travel": Rule("global", ("F4", "F8", "F19")),
    "intake_not_approved": Rule("local"),
    "key_expired": Rule("local", ("F19",)),
    "late_event_of_revoked_key": Rule("local", ("F19",)),
    "licence_ran_out": Rule("global"),
    "loss_without_processing": Rule("local", ("F12",)),
    "lot_without_tag": Rule("global", ("F2", "F7")),
    "mass_gained": Rule("local", ("F5",)),
    "mass_lost": Rule("local", ("F12",)),
    "mass_said_otherwise": Rule("local", ("F5",)),
    "melt_loss_unusual": Rule("local", ("F5", "F12")),
    "metal_gained": Rule("local", ("F5", "F7")),
    "metal_lost": Rule("local", ("F12", "F14")),
    "mineral_changed": Rule("local", ("F16",)),
    "mineral_not_named": Rule("local", ("F16",)),
    "more_workers_than_members": Rule("local", ("F2", "F15")),
    "moved_without_travel": Rule("global", ("F4", "F8")),
    "no_exporter_role": Rule("local"),
    "no_incident_in_zone": Rule("global", ("F22",)),
    "no_processor_role": Rule("local"),
    "no_registered_site": Rule("local", ("F2",)),
    "no_role_in_trade": Rule("local"),
    "not_intact_on_arrival": Rule("local", ("F14",)),
    "not_weighed": Rule("local", ("F5",)),
    "number_used_twice": Rule("local", ("F18", "F19")),
    "output_above_capacity": Rule("global", ("F2", "F3")),
    "provisional_enrolment": Rule("local"),
    "recorded_unusually_late": Rule("global", ("F9",)),
    "recovery_low": Rule("local", ("F12",)),
    "revoked_key_approved": Rule("local", ("F19",)),
    "rise_above_lowest": Rule("local", ("F5",)),
    "role_before_its_day": Rule("local"),
    "same_signer_on_both_sides": Rule("global", ("F8", "F10")),
    "signed_after_last_trusted": Rule("local", ("F19",)),
    "site_status_ran_out": Rule("global", ("F6",)),
    "sites_interleaved": Rule("global", ("F1", "F2")),
    "sold_on_within_minutes": Rule("global", ("F8",)),
    "steady_gain": Rule("global", ("F2", "F5")),
    "steady_loss": Rule("global", ("F12",)),
    "stone_changed": Rule("local", ("F14",)),
    "stone_gone": Rule("local", ("F12", "F14")),
    "stones_gained": Rule("local", ("F7",)),
    "stones_lost": Rule("local", ("F12",)),
    "tag_after_its_end": Rule("global", ("F1", "F4", "F14")),
    "tag_not_allocated": Rule("global", ("F1",)),
    "tag_not_issued": Rule("global", ("F1", "F4")),
    "tag_of_another_party": Rule("global", ("F1",)),
    "tag_of_another_site": Rule("global", ("F1", "F2")),
    "tag_on_two_lots": Rule("global", ("F4",)),
    "tags_in_a_rush": Rule("global", ("F1",)),
    "tags_unused": Rule("global", ("F1", "F21")),
    "title_not_held": Rule("local"),
    "undervalued": Rule("stated", ("F17",)),
    "weights_permuted": Rule("global", ("F14",)),
    "weights_repeated": Rule("global", ("F3",)),
    "weights_too_even": Rule("global", ("F3",)),
    "weights_too_round": Rule("global", ("F3",)),
}
