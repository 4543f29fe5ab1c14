"""Running commands as a user does: in a folder of his own, with nothing set from outside."""

import json
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from patience import SECONDS, until
from traceability.cli import run

SETTINGS = (
    "DATA",
    "DATABASE_URL",
    "READ_DATABASE_URL",
    "LOG_KEY",
    "GUARD",
    "WITNESSES",
    "REPORT_KEY",
    "SNAPSHOT_KEY",
    "PARTY_BYTES_A_DAY",
    "HOST",
    "PORT",
    "BASE_URL",
    "SUCCESSOR",
    "EVENTS",
    "KEY_PASSPHRASE",
)


class Done:
    """How a command ended: exit code, what it printed, what it remarked."""

    def __init__(self, capfd: pytest.CaptureFixture[str], *arguments: object) -> None:
        capfd.readouterr()
        self.code = run([str(argument) for argument in arguments])
        self.out, self.err = capfd.readouterr()

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Served:
    """A demonstration in a process of its own: where it is, and what it said when it began."""

    def __init__(self, folder: Path, url: str, said: str, pid: int) -> None:
        self.folder = folder
        self.pid = pid
        self.data = folder / "data"
        self.state = folder / "state"
        self.url = url
        self.said = said

    @property
    def index(self) -> Any:
        """Whose keys there are, and which tags."""
        return json.loads((self.data / "credentials" / "index.json").read_bytes())

    def get(self, path: str, authorization: str | None = None) -> tuple[int, Any]:
        """Status and JSON of a request; `authorization` is a header line as `sign --request` prints it."""
        headers = {}
        if authorization is not None:
            headers["Authorization"] = authorization.strip().removeprefix("Authorization: ")
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url + path, headers=headers)) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


@contextmanager
def served(folder: Path, command: list[str], environment: dict[str, str]) -> Iterator[Served]:
    """Starts a command that serves, waits until it is ready, and ends it with SIGTERM."""
    port = free_port()
    log = folder / "served.log"
    given = {"PATH": environment.get("PATH", ""), "PYTHONUNBUFFERED": "1"}
    given |= {"DATA": str(folder / "data"), "XDG_STATE_HOME": str(folder / "state"), "PORT": str(port)}
    with log.open("wb") as out:
        process = subprocess.Popen(command, env={**given, **environment}, stdout=out, stderr=out)
    try:
        url = f"http://localhost:{port}"
        _wait_until_ready(url, process, log)
        yield Served(folder, url, log.read_text(), process.pid)
    finally:
        process.terminate()
        process.wait(SECONDS)


def free_port() -> int:
    """A port that nobody listens on, for a server yet to be started.

    While this process lives, the system gives it to nobody else: it stays bound here, by a socket that does not
    listen, which is in the way of no server (all of them set SO_REUSEADDR).
    """
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", 0))
        port = int(bound.getsockname()[1])
        bound.detach()
    return port


def free_ports(count: int) -> list[int]:
    """So many ports that nobody listens on."""
    return [free_port() for _ in range(count)]


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    def ready() -> bool:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=SECONDS):
                return True
        except OSError:
            assert process.poll() is None, log.read_text()
            return False

    until(ready, f"it did not become ready: {log}")


def only_the_core() -> str:
    """Python lines after which no package can be imported that `pip install traceability` does not bring."""
    needed, waiting = set[str](), ["traceability"]
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name not in needed:
            needed.add(name)
            waiting += [
                requirement.name
                for requirement in map(Requirement, metadata.requires(name) or [])
                if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            ]
    barred = {
        module
        for module, distributions in metadata.packages_distributions().items()
        if not {name.lower().replace("_", "-") for name in distributions} & needed
    }
    return (
        "import sys\n"
        "class Barred:\n"
        "    @staticmethod\n"
        "    def find_spec(name, path=None, target=None):\n"
        f"        if name.partition('.')[0] in {barred!r}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Barred)"
    )


def core_alone(*arguments: object, path: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """`traceability …` in a process in which nothing of the server's packages can be imported.

    With `path` the program itself is imported from that folder.
    """
    code = f"{only_the_core()}\n"
    if path is not None:
        code += f"sys.path.insert(0, {str(path)!r})\n"
    code += f"from traceability.cli import run\nsys.exit(run({[str(a) for a in arguments]!r}))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
