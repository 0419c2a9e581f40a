"""Settings: what the environment says, with the defaults of the README, and a clear word for what cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.core import Hub
from hub.errors import SetupError
from hub.settings import Settings, from_environment

SECRET = "s" * 40


def test_an_empty_environment_is_one_file_in_var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = from_environment({})
    assert found.home == tmp_path / "var"
    assert found.database == f"sqlite:///{tmp_path / 'var' / 'hub.db'}"
    assert (found.redis_url, found.secret_key, found.port) == (None, None, 8000)
    assert found.public_url == "http://127.0.0.1:8000"
    assert (found.history_days, found.disk_mb) == (400, None)
    assert found.key_file == tmp_path / "var" / "secret.key"


def test_everything_can_be_set(tmp_path: Path) -> None:
    found = from_environment(
        {
            "HUB_HOME": str(tmp_path),
            "DATABASE_URL": "postgresql://hub@db/hub",
            "REDIS_URL": "redis://cache",
            "HUB_SECRET_KEY": SECRET,
            "PUBLIC_URL": "https://hub.example.com/",
            "PORT": "9001",
            "HUB_HISTORY_DAYS": "90",
            "METRICS_PORT": "9002",
        }
    )
    assert found == Settings(
        tmp_path,
        "postgresql://hub@db/hub",
        "redis://cache",
        SECRET,
        "https://hub.example.com",
        9001,
        90,
        metrics_port=9002,
    )
    assert from_environment({"HUB_DISK_MB": "500"}).disk_mb == 500
    assert from_environment({"HUB_DISK_MB": "500", "DATABASE_URL": "sqlite:///x", "HUB_SECRET_KEY": SECRET}).disk_mb


@pytest.mark.parametrize("text", ["99", "0", "-1", "1.5", "1 GB", "²"])
def test_a_budget_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SetupError, match="HUB_DISK_MB should be a whole number from 100 on"):
        from_environment({"HUB_DISK_MB": text})


@pytest.mark.parametrize("text", ["0", "a year"])
def test_history_is_kept_for_a_day_at_least(text: str) -> None:
    with pytest.raises(SetupError, match="HUB_HISTORY_DAYS should be a whole number from 1 on"):
        from_environment({"HUB_HISTORY_DAYS": text})


def test_a_budget_for_what_is_not_the_hubs_own_file_is_refused() -> None:
    with pytest.raises(SetupError, match="HUB_HISTORY_DAYS"):
        from_environment({"HUB_DISK_MB": "500", "DATABASE_URL": "postgresql://hub@db/hub", "HUB_SECRET_KEY": SECRET})


def test_a_dotenv_file_counts_unless_the_environment_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("PORT=9001\nHUB_HOME=elsewhere\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PORT", "9002")
    monkeypatch.delenv("HUB_HOME", raising=False)
    found = from_environment()
    assert (found.port, found.home) == (9002, tmp_path / "elsewhere")


def test_a_home_below_ones_own_folder_is_found_without_a_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert from_environment({"HUB_HOME": "~/hub"}).home == tmp_path / "hub"


def test_the_port_of_the_command_line_is_also_in_the_public_address() -> None:
    assert from_environment({"PORT": "9001"}, port=9005).public_url == "http://127.0.0.1:9005"


@pytest.mark.parametrize("name", ["PORT", "METRICS_PORT"])
@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "80.5", "²"])
def test_a_port_that_is_none_is_refused(name: str, port: str) -> None:
    with pytest.raises(SetupError, match=f"^{name} should be a number from 1 to 65535"):
        from_environment({name: port})


def test_an_address_without_its_scheme_is_refused() -> None:
    with pytest.raises(SetupError, match="PUBLIC_URL should be the whole address"):
        from_environment({"PUBLIC_URL": "hub.example.com"})


def test_a_shared_database_needs_a_key_that_is_set() -> None:
    with pytest.raises(SetupError, match="HUB_SECRET_KEY is not"):
        from_environment({"DATABASE_URL": "postgresql://hub@db/hub"})


def test_no_secret_is_in_what_is_printed_of_settings() -> None:
    found = from_environment({"HUB_SECRET_KEY": SECRET, "DATABASE_URL": "postgresql://hub:pass-word@db/hub"})
    assert SECRET not in repr(found) and "pass-word" not in repr(found)


@pytest.mark.parametrize("url", ["mysql://hub:pass-word@db/hub", "pass-word", "postgresql://hub:pass-word@db:port/hub"])
def test_a_database_that_is_none_of_ours_is_refused_without_telling_its_password(url: str, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="DATABASE_URL cannot be used") as caught:
        Hub(Settings(home=tmp_path, database_url=url, secret_key=SECRET))
    assert "pass-word" not in str(caught.value)


def test_a_sqlite_address_without_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="names no file"):
        Hub(Settings(home=tmp_path, database_url="sqlite://", secret_key=SECRET))
