"""What a deployment decides, read once from the environment.

Plain names: DATA, DATABASE_URL, READ_DATABASE_URL, LOG_KEY, GUARD, WITNESSES, REPORT_KEY, SNAPSHOT_KEY, PROXIES, PARTY_BYTES_A_DAY, HOST, PORT, SUCCESSOR, BASE_URL. A data folder may hold a file
`traceability.env` with lines NAME=value (`init` and `demo` write one, so that the folder alone is enough
to serve it again); the environment wins over it. The key and the guard themselves never lie in DATA: a
copy of the folder, or a backup of it, must not be able to sign.
"""

import os
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ENV_FILE = "traceability.env"
LEDGER_FILE = "ledger.sqlite3"


def state_folder() -> Path:
    """Where what must survive the data folder lies: $XDG_STATE_HOME/traceability."""
    home = os.environ.get("XDG_STATE_HOME")
    return (Path(home) if home else Path.home() / ".local" / "state") / "traceability"


class Settings(BaseSettings):
    """One deployment. Made by `load`, handed down from there; nothing else reads the environment."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    data: Path = Path("data")
    """Folder of the ledger file, credentials of a demonstration and whatever else may be copied."""
    database_url: str = ""
    """SQLAlchemy URL of SQLite or PostgreSQL; empty: the file ledger.sqlite3 in DATA."""
    read_database_url: str = ""
    """SQLAlchemy URL of a replica of that PostgreSQL, which answers what need not be of this moment."""
    log_key: Path = Field(default_factory=lambda: state_folder() / "log-key")
    """File with the key that signs checkpoints (an skey, C2SP signed-note)."""
    guard: str = Field(default_factory=lambda: str(state_folder() / "guard"))
    """Path of a file, or a PostgreSQL URL, that holds the last tree head signed."""
    witnesses: Path | None = None
    """Trust policy (C2SP tlog-policy) with the witnesses to ask, their addresses, and the quorum; unset: none."""
    report_key: Path | None = None
    """PEM file of a key of the operator that signs reports of people without a key; none: none are taken."""
    snapshot_key: Path | None = None
    """PEM file of a key of the operator, its own for this, that states the book hourly; none: `snapshot` does."""
    proxies: str = ""
    """Addresses of proxies, comma between them, whose X-Forwarded-For says who asks; empty: nobody's is believed."""
    party_bytes_a_day: int = Field(default=1_000_000_000, ge=0)
    """How many bytes of events one party may have recorded within a day by each process; 0: as many as come."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = Field(default=8000, ge=0, le=65535)
    successor: str | None = Field(default=None, pattern=r"^https?://[^\s\"<>]+$")
    """Address of the ledger that carries this one's log on once it has ended; unset: none is told."""
    base_url: str = ""
    """How people reach this ledger, as it stands in tags' QR codes; empty: http://localhost:PORT."""

    @model_validator(mode="before")
    @classmethod
    def _absent_when_empty(cls, values: dict[str, object]) -> dict[str, object]:
        return {name: value for name, value in values.items() if value != ""}

    @field_validator("base_url")
    @classmethod
    def _an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (
            parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment
        ):
            raise ValueError("it is no address such as https://ledger.example.org")
        return value

    @property
    def url(self) -> str:
        """The database."""
        return self.database_url or f"sqlite:///{(self.data / LEDGER_FILE).absolute()}"

    @property
    def public_url(self) -> str:
        """BASE_URL without a slash at its end."""
        return (self.base_url or f"http://localhost:{self.port}").rstrip("/")


def load(data: Path | None = None) -> Settings:
    """The settings of the data folder `data`, or of DATA. Raises pydantic's ValidationError."""
    folder = data or Path(os.environ.get("DATA") or "data")
    given = Settings(_env_file=folder / ENV_FILE, _env_file_encoding="utf-8")
    return given.model_copy(update={"data": folder})
