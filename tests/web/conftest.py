"""Lets the tests of the pages share what lies beside them."""

import sys
from pathlib import Path

for folder in (Path(__file__).parent, Path(__file__).parents[1], Path(__file__).parents[1] / "api"):
    sys.path.insert(0, str(folder))
