"""What must hold of the hub itself after the last fault: it is ready, finds itself well, and its logs tell nothing."""

from __future__ import annotations

from tests.faults.auditor import Findings
from tests.faults.site import KEY, Site
from tests.servers import until

READY_SECONDS = 30.0
PERSONAL = ("Quentin", "Quimby", "Mallory", "@example.com", "1415555", "practice-webhook-secret", KEY)
"""What no log may hold: what the load tells of people, and secrets."""


def look_after(site: Site, found: Findings) -> None:
    """It is ready, it finds itself well, and its logs tell nothing that they should not."""
    try:
        until(lambda: site.answers("/readyz"), READY_SECONDS, "The hub being ready")
    except TimeoutError as error:
        found.other.append(str(error))
    if not found.unknown and (trouble := _trouble(site)):
        found.other.append(f"hub check: {trouble}")
    log = site.log()
    found.other += [f"a log tells {words!r}" for words in PERSONAL if words in log]
    if "Traceback" in log:
        found.other.append(f"a log has a traceback: {log[log.index('Traceback') :][:2000]}")
    for part in site.keeper.parts.values():
        found.other += [f"{part.name} ended by itself with code {code}" for code in part.ends if code != 1]


def _trouble(site: Site) -> str:
    """What `hub check` finds, if it still finds it a while later: a clock's lease ends early when time goes on at once,
    and the clock renews it every five seconds."""
    said: list[str] = []

    def is_well() -> bool:
        check = site.command("check", check=False)
        said.append(check.stdout + check.stderr)
        return check.returncode == 0

    try:
        until(is_well, READY_SECONDS, "The hub being well")
    except TimeoutError:
        return said[-1]
    return ""
