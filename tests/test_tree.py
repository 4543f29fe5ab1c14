"""The tree itself: what must not lie in it, whom its parts may import, and what the core needs to run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from commands import core_alone, only_the_core

ROOT = Path(__file__).parent.parent
MACHINE = re.compile(rb"/(home|root|Users|work)/[\w.]|[A-Z]:\\Users")
REGISTRY = re.compile(rb"pypi\.org|pythonhosted\.org|registry\.npmjs|deb\.debian|--(extra-)?index-url http")
SECRET = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\n|PRIVATE\+KEY\+(?!<)[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]{40}"
    rb"|AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}"
)
PUBLISHED = {
    "src/traceability/core/note.py": 1,  # made for the example, and says so
    "tests/vectors/tlog/c2sp-examples.json": 1,  # from the standard
}


@pytest.fixture(scope="module")
def tracked() -> dict[str, bytes]:
    """Every file of the repository with what is in it; of a bare source tree, every file of ours."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
        names = [name for name in listed.decode().split("\0") if name]
    else:
        folders = ("src", "tests", "docs", "migrations", "benchmarks", "locks")
        ours = [*ROOT.glob("*.*"), *(path for folder in folders for path in (ROOT / folder).rglob("*"))]
        names = [str(path.relative_to(ROOT)) for path in ours if "__pycache__" not in path.parts]
    return {name: (ROOT / name).read_bytes() for name in names if (ROOT / name).is_file()}


@pytest.mark.threat("T85")
@pytest.mark.parametrize("pattern", [MACHINE, REGISTRY], ids=["machine paths", "registry addresses"])
def test_nothing_of_one_machine(tracked: dict[str, bytes], pattern: re.Pattern[bytes]) -> None:
    """No file names a folder of somebody's machine, or where packages are fetched from."""
    found = {name: match[0] for name, data in tracked.items() if (match := pattern.search(data))}
    assert not found


@pytest.mark.threat("T85")
@pytest.mark.parametrize("lock", ["server", "dev", "build"])
def test_every_package_is_pinned_by_its_bytes(tracked: dict[str, bytes], lock: str) -> None:
    """A lock file names one version of each package with the hashes of its files, and pip is told to insist."""
    text = tracked[f"locks/{lock}.txt"].decode()
    wanted = [line for line in text.splitlines() if re.match(r"[A-Za-z0-9]", line)]
    assert len(wanted) > 2
    for line in wanted:
        assert re.match(r"[a-z0-9._-]+(\[[a-z,-]+\])?==[0-9][^ ]*( ; .*)? \\$", line), line
    assert text.count("--hash=sha256:") >= len(wanted)
    assert b"--require-hashes -r locks/server.txt" in tracked["Makefile"]


def test_no_secrets(tracked: dict[str, bytes]) -> None:
    """No file holds a private key, but for examples that were published as such."""
    found = {name: len(SECRET.findall(data)) for name, data in tracked.items() if SECRET.search(data)}
    assert {name: count for name, count in found.items() if count > PUBLISHED.get(name, 0)} == {}


def test_no_generated_files(tracked: dict[str, bytes]) -> None:
    """Nothing that a program writes by itself was added, and nothing large."""
    junk = re.compile(r"(^|/)(__pycache__|\.venv|build|dist|data)/|\.(pyc|sqlite3|log|egg-info)$|\.DS_Store$")
    assert [name for name in tracked if junk.search(name)] == []
    assert [name for name, data in tracked.items() if len(data) > 2**20] == []


def test_imports_point_inward() -> None:
    """The layers of pyproject.toml hold, and the core does no I/O."""
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("command", ["verify", "key", "sign", "mirror", "monitor", "judge"])
def test_core_needs_only_the_core(command: str) -> None:
    """Keys, the verifier, and what watches logs start where only the core's own dependencies can be imported."""
    assert core_alone(command, "--help").returncode == 0


def test_the_rest_says_what_it_needs(tmp_path: Path) -> None:
    """Without the server's packages a command of the server ends with a sentence."""
    done = core_alone("fsck", "--data", tmp_path)
    assert done.returncode == 2  # it cannot check
    assert "pip install 'traceability[server]'" in done.stderr
    (tmp_path / "roots.pem").write_text("")
    vkey = "ledger.example.org/car+23d361dc+AWU30/cf+UOHulPXGUNigIDi7P+czF6CpufMZ3iCIPyI"
    done = core_alone("when", tmp_path / "roots.pem", "--log", vkey, "--roots", tmp_path / "roots.pem")
    assert done.returncode == 3
    assert "pip install 'traceability[time]'" in done.stderr


def test_the_block_blocks() -> None:
    """What keeps the server's packages out in these tests does keep them out."""
    for module in ("fastapi", "sqlmodel", "sqlalchemy", "uvicorn", "pydantic_settings"):
        done = subprocess.run(
            [sys.executable, "-c", f"{only_the_core()}\nimport {module}"], capture_output=True, check=False
        )
        assert b"ModuleNotFoundError" in done.stderr
