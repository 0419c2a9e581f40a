"""The web application beside the door: the page, and what operators watch."""

from __future__ import annotations

from flask import Flask, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from .clock import leads_until
from .core import Hub
from .errors import HubError
from .figures import Figures
from .setup.pages import pages


def create_app(hub: Hub) -> Flask:
    """The application of one hub."""
    app = Flask("hub")
    app.config.update(
        SECRET_KEY=hub.workspaces.hub_key().proof(b"notes of the pages"),
        SESSION_COOKIE_NAME="regulars-notes",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=hub.settings.public_url.startswith("https://"),
    )
    app.register_blueprint(pages(hub))

    @app.get("/healthz")
    def healthz() -> Response:
        return Response("ok\n", content_type="text/plain")

    @app.get("/readyz")
    def readyz() -> Response:
        trouble = not_ready(hub)
        return Response((trouble or "ready") + "\n", 503 if trouble else 200, content_type="text/plain")

    figures = Figures(hub)

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(REGISTRY) + figures.text(), content_type=CONTENT_TYPE_LATEST)

    return app


def not_ready(hub: Hub) -> str | None:
    """Why the hub cannot do its work, or None: the database answers, the key fits, the clock ticks."""
    try:
        hub.workspaces.check_key()
        is_ticking = leads_until(hub) is not None
    except HubError as error:
        return str(error)
    except Exception as error:
        return f"The database does not answer ({type(error).__name__}). Check that it runs."
    return None if is_ticking else "The clock does not tick. Start it: hub clock"
