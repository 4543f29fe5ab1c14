"""Calls to the disk that fail or are a process's last: what was answered stays, and what failed says so."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("storage.py")


@pytest.mark.threat("T84")
@pytest.mark.parametrize(
    "parts",
    [["append", "start", "interrupt"], ["commands", "reads", "begin"], ["power"]],
    ids=lambda parts: parts[0],
)
def test_some_of_all_faults(parts):
    """Every so many of the cases that `make storage` tries: killed, EIO, ENOSPC, failed but done, a bad read, twice in a row."""
    done = subprocess.run(
        [sys.executable, PROGRAM, "--every", "307", *parts], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "; 0 problems;" in done.stdout.splitlines()[-1]
