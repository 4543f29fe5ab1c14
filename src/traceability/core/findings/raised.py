"""What a rule answers: nothing, or how severe it is and the figures it compared."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

Severity = Literal["notice", "warning", "severe"]


class Raised(NamedTuple):
    """A rule holds. `figures` name both sides of the comparison and the band that judged it."""

    severity: Severity
    figures: Mapping[str, object]
