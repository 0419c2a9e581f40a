"""The hub's settings: from the environment, and from a `.env` file in the folder where it is started."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import SetupError

NAMES = (
    "HUB_HOME",
    "DATABASE_URL",
    "REDIS_URL",
    "HUB_SECRET_KEY",
    "PUBLIC_URL",
    "PORT",
    "HUB_HISTORY_DAYS",
    "HUB_DISK_MB",
    "METRICS_PORT",
    "SMTP_URL",
    "MAIL_FROM",
)
"""The variables of the environment that are settings."""

HISTORY_DAYS = 400
"""A year comes round, and there is a month to look up what was done at this time last year."""

LEAST_DISK_MB = 100
"""Below this the log and one burst of deliveries would be most of it."""


@dataclass(frozen=True)
class Settings:
    """See the table in the README. `database_url` None means SQLite in `home`, `disk_mb` None no budget."""

    home: Path
    database_url: str | None = None
    redis_url: str | None = None
    secret_key: str | None = None
    public_url: str = "http://127.0.0.1:8000"
    port: int = 8000
    history_days: int = HISTORY_DAYS
    disk_mb: int | None = None
    metrics_port: int | None = None
    smtp_url: str | None = None
    mail_from: str | None = None

    def __repr__(self) -> str:
        return f"Settings(home={str(self.home)!r}, port={self.port})"

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'hub.db'}"

    @property
    def key_file(self) -> Path:
        return self.home / "secret.key"

    @property
    def database_file_exists(self) -> bool:
        """Whether there is a database in `home` already: then a missing key must not be made anew."""
        return self.database_url is not None or (self.home / "hub.db").exists()

    @property
    def has_own_key(self) -> bool:
        """Whether the key file in `home` holds the key, rather than the environment."""
        return self.secret_key is None


def from_environment(environment: Mapping[str, str] | None = None, *, port: int | None = None) -> Settings:
    """The settings as the environment gives them. Raises SetupError for one that cannot be used."""
    if environment is None:
        from dotenv import dotenv_values

        environment = {k: v for k, v in dotenv_values(".env").items() if v is not None} | dict(os.environ)
    text = {name: environment.get(name, "").strip() or None for name in NAMES}
    if port is None:
        port = _port("PORT", text["PORT"] or "8000")
    if text["DATABASE_URL"] and not text["HUB_SECRET_KEY"]:
        raise SetupError(
            "DATABASE_URL is set, but HUB_SECRET_KEY is not. Set it to at least 32 characters by chance, the same "
            "on every machine of this hub, and keep a copy somewhere safe."
        )
    public_url = text["PUBLIC_URL"] or f"http://127.0.0.1:{port}"
    if not public_url.startswith(("https://", "http://")):
        raise SetupError("PUBLIC_URL should be the whole address that providers call, such as https://hub.example.com.")
    if text["SMTP_URL"] and not text["SMTP_URL"].startswith(("smtp://", "smtps://")):
        raise SetupError(
            "SMTP_URL should be such as smtp://user:password@mail.example.com:587, or begin with smtps://."
        )
    if text["SMTP_URL"] and "@" not in (text["MAIL_FROM"] or ""):
        raise SetupError("SMTP_URL is set, but MAIL_FROM is not. Set it to the address that e-mails come from.")
    disk_mb = _whole("HUB_DISK_MB", text["HUB_DISK_MB"], LEAST_DISK_MB) if text["HUB_DISK_MB"] else None
    if disk_mb and text["DATABASE_URL"] and not text["DATABASE_URL"].startswith("sqlite"):
        raise SetupError(
            "HUB_DISK_MB is for the hub's own file. PostgreSQL keeps the size that its tables once had, so nothing "
            "that the hub removes would bring it below: leave HUB_DISK_MB away, and let HUB_HISTORY_DAYS say for how "
            "long history is kept."
        )
    return Settings(
        home=Path(text["HUB_HOME"] or "var").expanduser().resolve(),  # no shell did that to a `.env` file
        database_url=text["DATABASE_URL"],
        redis_url=text["REDIS_URL"],
        secret_key=text["HUB_SECRET_KEY"],
        public_url=public_url.rstrip("/"),
        port=port,
        history_days=_whole("HUB_HISTORY_DAYS", text["HUB_HISTORY_DAYS"] or str(HISTORY_DAYS), 1),
        disk_mb=disk_mb,
        metrics_port=_port("METRICS_PORT", text["METRICS_PORT"]) if text["METRICS_PORT"] else None,
        smtp_url=text["SMTP_URL"],
        mail_from=text["MAIL_FROM"],
    )


def _port(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) < 65536:
        raise SetupError(f"{name} should be a number from 1 to 65535, not {text!r}.")
    return int(text)


def _whole(name: str, text: str, least: int) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) < least:
        raise SetupError(f"{name} should be a whole number from {least} on, not {text!r}.")
    return int(text)
