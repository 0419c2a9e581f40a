"""The log that `hub up` keeps."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from hub.cli.run import keep_log
from hub.settings import Settings


def test_a_log_that_cannot_be_written_is_no_trouble_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hub.log").mkdir()
    before = list(logging.getLogger().handlers)
    keep_log(Settings(home=tmp_path))
    (handler,) = [handler for handler in logging.getLogger().handlers if handler not in before]
    try:
        logging.getLogger("hub.clock").warning("It stands still.")
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
    assert "Logging error" not in capsys.readouterr().err
