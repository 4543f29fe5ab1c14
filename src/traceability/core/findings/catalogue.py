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
    "assay_revised": Rule("local", ("F7",)),
    "carats_gained": Rule("local", ("F5", "F7")),
    "clock_ahead": Rule("local", ("F9",)),
    "corrected_but_booked": Rule("local", ("F5",)),
    "corrected_too_late": Rule("local", ("F5",)),
    "dated_before_last_contact": Rule("local", ("F9",)),
    "delegation_out_of_dates": Rule("local"),
    "double_issue": Rule("local", ("F18",)),
    "earlier_than_what_it_follows": Rule("local", ("F9",)),
    "gain_stated": Rule("local", ("F5",)),
    "grade_above_ceiling": Rule("local", ("F7", "F16")),
    "grade_outside_inputs": Rule("local", ("F7",)),
    "grade_unusual": Rule("local", ("F7", "F16")),
    "intake_not_approved": Rule("local"),
    "key_expired": Rule("local", ("F19",)),
    "late_event_of_revoked_key": Rule("local", ("F19",)),
    "loss_without_processing": Rule("local", ("F12",)),
    "mass_gained": Rule("local", ("F5",)),
    "mass_lost": Rule("local", ("F12",)),
    "mass_said_otherwise": Rule("local", ("F5",)),
    "melt_loss_unusual": Rule("local", ("F5", "F12")),
    "metal_gained": Rule("local", ("F5", "F7")),
    "metal_lost": Rule("local", ("F12", "F14")),
    "mineral_not_named": Rule("local", ("F16",)),
    "no_exporter_role": Rule("local"),
    "no_processor_role": Rule("local"),
    "no_registered_site": Rule("local", ("F2",)),
    "no_role_in_trade": Rule("local"),
    "not_intact_on_arrival": Rule("local", ("F14",)),
    "not_weighed": Rule("local", ("F5",)),
    "number_used_twice": Rule("local", ("F18", "F19")),
    "provisional_enrolment": Rule("local"),
    "recovery_low": Rule("local", ("F12",)),
    "revoked_key_approved": Rule("local", ("F19",)),
    "rise_above_lowest": Rule("local", ("F5",)),
    "role_before_its_day": Rule("local"),
    "signed_after_last_trusted": Rule("local", ("F19",)),
    "stone_changed": Rule("local", ("F14",)),
    "stone_gone": Rule("local", ("F12", "F14")),
    "stones_gained": Rule("local", ("F7",)),
    "stones_lost": Rule("local", ("F12",)),
    "tag_on_two_lots": Rule("global", ("F4",)),
    "title_not_held": Rule("local"),
    "undervalued": Rule("stated", ("F17",)),
}
