"""A real hub and a real browser before it. What it shows is kept in build/shots, to be looked at."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Response, sync_playwright

from tests.newcomer import Newcomer

SHOTS = Path(__file__).parents[2] / "build" / "shots"
WIDTHS = {"phone": (390, 844), "desk": (1280, 900)}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PATIENCE_MS = 20_000


def chromium() -> str | None:
    """Where Chromium is on this machine."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="session")
def engine() -> Iterator[Browser]:
    found = chromium()
    if found is None and not os.environ.get("CI"):
        pytest.skip("Chromium is missing, so nothing was tried in a browser.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Visit:
    """Somebody who visits the pages of a hub. What the browser complains of, or asks other hosts for, is noted."""

    page: Page
    base: str
    name: str
    complaints: list[str] = field(default_factory=list)
    wire: int = 0

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("console", lambda said: said.type in ("error", "warning") and self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("response", self._count)

    def open(self, path: str) -> None:
        self.page.goto(self.base + path)

    def click(self, name: str, role: str = "button") -> None:
        """Clicks what is called so."""
        self.page.get_by_role(role, name=name, exact=True).first.click()

    def sees(self, text: str) -> None:
        """Waits until this text is shown."""
        self.page.get_by_text(text).first.wait_for()

    def shoot(self, what: str) -> None:
        """Keeps what is shown, and has it checked as somebody who cannot see it, or not well, would find it."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{what}-{self.name}.png", full_page=True)
        found = Axe().run(self.page, options={"runOnly": RULES}).response["violations"]
        assert [(fault["id"], fault["nodes"][0]["html"]) for fault in found] == [], f"{what}, {self.name}"
        assert not self.page.evaluate("document.documentElement.scrollWidth > innerWidth"), f"{what} is too wide"

    def _count(self, response: Response) -> None:
        if not response.url.startswith(self.base):
            self.complaints.append(f"It asked {response.url}.")
        self.wire += int(response.headers.get("content-length", 0))


@dataclass
class Setting:
    """A hub that runs, and visits to it."""

    newcomer: Newcomer
    engine: Browser
    contexts: list[BrowserContext] = field(default_factory=list)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.newcomer.port}"

    def visit(self, width: str = "phone", scheme: str = "light", **more: object) -> Visit:
        """A fresh browser of this width ("phone" or "desk"), light or dark."""
        wide, high = WIDTHS[width]
        context = self.engine.new_context(
            viewport={"width": wide, "height": high},
            color_scheme=scheme,  # type: ignore[arg-type]
            **more,  # type: ignore[arg-type]
        )
        self.contexts.append(context)
        return Visit(context.new_page(), self.base, f"{width}-{scheme}")

    def link(self) -> str:
        """The path of a fresh link that signs in who runs the hub."""
        said = self.newcomer.run("sign-in-link").stdout
        return next(word for word in said.split() if word.startswith(self.base)).removeprefix(self.base)

    def end(self) -> None:
        for context in self.contexts:
            context.close()
        self.newcomer.end()


@pytest.fixture
def plain(tmp_path: Path, engine: Browser) -> Iterator[Setting]:
    """A hub without anything, as it is after its first start."""
    made = Setting(Newcomer(tmp_path), engine)
    made.newcomer.up()
    yield made
    made.end()


@pytest.fixture
def practising(tmp_path: Path, engine: Browser) -> Iterator[Setting]:
    """A hub with practice accounts connected and the first recipes on."""
    made = Setting(Newcomer(tmp_path), engine)
    made.newcomer.up("--practice")
    yield made
    made.end()
