"""JavaScript in the tests: compiled parts of the core, in the Node that Playwright brings along."""

import atexit
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from playwright._impl._driver import compute_driver_executable

from traceability.browser.bundle import bundle
from traceability.browser.source import Source

NODE = compute_driver_executable()[0]
ASK = Path(__file__).with_name("ask.mjs")


class JavaScript:
    """A process that answers with what `driver`, a driver of the compiled `roots`, exports as `answer`.

    The roots are of the core, or of other Python in `source`.
    """

    def __init__(self, roots: list[tuple[str, str]], driver: str, source: Source | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory()
        path = Path(self._folder.name) / "module.mjs"
        path.write_text(bundle(roots, source, driver), "utf-8")
        self._process = subprocess.Popen(
            [NODE, str(ASK), path.as_uri()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        atexit.register(self.close)

    def ask(self, question: Any) -> Any:
        """What it answers. Raises RuntimeError where it ended instead."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"JavaScript ended with {self._process.wait()}")
        return json.loads(answer)

    def close(self) -> None:
        """Ends the process."""
        if self._process.poll() is None:
            self._process.communicate()
        self._folder.cleanup()
