"""The numbers of the mass and quality rules where no policy says otherwise.

By section, rule, name, mineral and step, as `core.policy` looks them up; a policy may set each by these names.
Nobody publishes a binding weight tolerance for small mines: these follow what scales, water and furnaces do
(`docs/findings.md` gives the reason for each), and gain is treated as worse than loss.
"""

from typing import Literal

Name = tuple[Literal["bands", "thresholds", "refusals", "times"], str, str, str | None, str | None]

_3T = ("cassiterite", "coltan", "wolframite")
_STONES = ("diamond", "ruby", "sapphire", "emerald", "tourmaline", "other_stone")


def _bands(rule: str, mineral: str | None = None, step: str | None = None, **values: int) -> dict[Name, int]:
    return {("bands", rule, name, mineral, step): value for name, value in values.items()}


def _thresholds(rule: str, mineral: str | None = None, **values: int) -> dict[Name, int]:
    return {("thresholds", rule, name, mineral, None): value for name, value in values.items()}


NUMBERS: dict[Name, int] = {
    # The same lot weighed again; both scales' errors come on top.
    **_bands("mass_lost", warn_ppm=40_000, fail_ppm=120_000, dry_warn_ppm=5_000, dry_fail_ppm=15_000),
    **_bands("mass_gained", warn_ppm=10_000, fail_ppm=30_000, dry_warn_ppm=5_000, dry_fail_ppm=15_000),
    **_bands("rise_above_lowest", warn_ppm=10_000, fail_ppm=20_000),
    **_bands("mass_lost", "gold", warn_ppm=5_000, fail_ppm=20_000),
    # What a scale may err by whose accuracy nobody wrote down, by how the mass was found.
    **_thresholds("scale_error", measured=10_000, counted=20_000, stated=10_000, estimated=100_000),
    **_thresholds("scale_error", "gold", measured=5_000),
    # Differences up to this are never outside: less than what two such scales can tell apart.
    **_thresholds("scale_error", least_ug=0),
    **_thresholds("scale_error", "gold", least_ug=10_000),
    # Lots mixed or divided and nothing else done to them.
    **_bands("loss_without_processing", warn_ppm=10_000, fail_ppm=30_000),
    **_bands("gain_stated", warn_ppm=3_000, fail_ppm=10_000),
    # Metal; errors of assays come on top, as standard deviations in thousandths.
    **_bands("metal_gained", warn_ppm=0, fail_ppm=0),
    **_bands("metal_gained", None, "handoff", warn_ppm=5_000, fail_ppm=15_000),
    **_bands("metal_gained", None, "export", warn_ppm=5_000, fail_ppm=15_000),
    **_bands("metal_gained", None, "melt", warn_ppm=5_000, fail_ppm=15_000),
    **_bands("metal_lost", warn_ppm=40_000, fail_ppm=120_000),
    **_thresholds("metal_gained", warn_sigma=1_000, fail_sigma=2_000),
    **_thresholds("metal_lost", warn_sigma=2_000, fail_sigma=3_000),
    **_thresholds("recovery_low", least_ppm=600_000),
    **_thresholds("melt_loss_unusual", least_ppm=10_000, most_ppm=100_000),
    # Grades of the main mineral: what minerals can hold at most, and what the trade sees.
    **_thresholds("grade_above_ceiling", sn=787_700, wo3=766_000, ta2o5=862_000, nb2o5=789_000),
    **_thresholds("grade_above_ceiling", "cobalt", co=641_000),
    **_thresholds("grade_unusual", "cassiterite", least_ppm=300_000, most_ppm=720_000),
    **_thresholds("grade_unusual", "coltan", least_ppm=150_000, most_ppm=400_000),
    **_thresholds("grade_unusual", "wolframite", least_ppm=300_000, most_ppm=700_000),
    **_thresholds("grade_unusual", "cobalt", least_ppm=20_000, most_ppm=400_000),
    **_thresholds("grade_unusual", "gold", least_ppm=500_000, most_ppm=999_990),
    **_thresholds("mineral_not_named", most_ppm=50_000),
    **_thresholds("grade_outside_inputs", sigma=2_000),
    **_thresholds("assay_revised", sigma=2_000),
    # One standard deviation of a figure, in ppm of that figure, where the laboratory names none.
    **_thresholds(
        "assay_error",
        umpire=2_000, fire=500, icp=10_000, titration=5_000, lab_xrf=20_000, handheld_xrf=50_000,
        density=50_000, visual=200_000, site_usual=200_000, declared=100_000,
    ),
    **_thresholds("assay_error", "gold", lab_xrf=5_000, handheld_xrf=20_000),
    # Stones: two carat scales of 0.01 ct.
    **_thresholds("carats_gained", most_ug=4_000),
    **_thresholds("carats_lost", most_ppm=20_000),
}  # fmt: skip
for _mineral in _3T:
    NUMBERS |= _bands("mass_gained", _mineral, warn_ppm=3_000, fail_ppm=10_000)
NUMBERS |= _bands("mass_gained", "gold", warn_ppm=3_000, fail_ppm=10_000)
for _mineral in _STONES:
    NUMBERS |= _bands("mass_lost", _mineral, warn_ppm=20_000, fail_ppm=50_000)
    NUMBERS |= _bands("mass_gained", _mineral, warn_ppm=0, fail_ppm=0)
    NUMBERS |= _bands("rise_above_lowest", _mineral, warn_ppm=0, fail_ppm=0)
    NUMBERS |= _thresholds("scale_error", _mineral, measured=0, least_ug=4_000)

PAPER_NUMBERS: dict[Name, int] = {
    **_thresholds("arrival_differs", ppm=5_000),
    **_thresholds("certificate_mass_off", ppm=10_000),
    **_thresholds("certificate_overdrawn", ppm=5_000),
    **_thresholds("draw_mass_off", ppm=5_000),
    **_thresholds("identity_shared", names=1, parties=1, sites=1),
    **_thresholds("price_out_of_line", above_ppm=1_000_000, below_ppm=500_000),
    **_thresholds("undervalued", below_ppm=300_000),
    **_thresholds("use_mass_off", ppm=0),
}
"""The same for certificates, prices and identities."""

SCAN_NUMBERS: dict[Name, int] = {
    **_thresholds("scanned_after_end", near_km=200, scans=2),
    **_thresholds("scanned_far_away", km=500, scans=3),
    **_thresholds("scanned_with_old_label", scans=3),
    **_thresholds("scans_too_far_apart", km=300, km_a_day=800),
    ("times", "scanned_after_end", "days", None, None): 30,
}
"""The same for public scans."""
