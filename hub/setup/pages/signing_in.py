"""Coming in: by the hub's own link, by e-mail and password with a code where one is wanted, by an invitation."""

from __future__ import annotations

from typing import Any

from flask import g, make_response, redirect, request, url_for
from werkzeug.wrappers import Response
from wtforms import HiddenField

from ...errors import SettingInvalid
from ..access import audit, links, passwords, second_factor, sessions
from ..access.links import Invitation, LinkEnded, Newcomer
from ..access.passwords import TooManyTries
from ..access.roles import ANYBODY, NOBODY, WORDS
from ..access.words import form_token, is_form_token
from ..language import _, lazy
from ..retold import told
from .forms import Form, secret, text
from .frame import Pages, Visitor, own_path, shown, signed_out

WRONG = lazy(
    "E-mail and password do not fit together. Try again, or have a link made where the hub runs: hub sign-in-link"
)


class SignIn(Form):
    email = text(lazy("E-mail"), autocomplete="username", type="email")
    password = secret(lazy("Password"), autocomplete="current-password")
    next = HiddenField()


class Code(Form):
    code = text(
        lazy("Code from your authenticator app"),
        autocomplete="one-time-code",
        inputmode="numeric",
        maxlength="7",
        size="8",
    )
    next = HiddenField()


class Join(Form):
    name = text(lazy("Your name"), autocomplete="name")
    email = text(lazy("Your e-mail"), help=lazy("You sign in with it."), autocomplete="username", type="email")
    password = secret(lazy("A new password"), help=lazy("Three or four words are good."), autocomplete="new-password")


def add(pages: Pages) -> None:
    hub = pages.hub

    @pages.at("/sign-in", NOBODY, methods=("GET", "POST"))
    def sign_in() -> Response:
        form = SignIn(next=own_path(request.args.get("next", "/")))
        if not form.is_sent():
            return shown("sign_in.html", form=form)
        try:
            user = passwords.sign_in(hub, form.said("email"), form.said("password"))
        except TooManyTries as refusal:
            form.refuse("password", refusal)
            return shown("sign_in.html", 429, form=form)
        if user is None:
            form.refuse("password", WRONG)
            return shown("sign_in.html", 403, form=form)
        with hub.database.write() as connection:
            word = sessions.begin(hub, connection, user.id, is_proven=not user.has_second_factor)
        goes_to = own_path(form.said("next") or "/")
        if user.has_second_factor:
            goes_to = url_for("setup.code", next=goes_to)
        return pages.keep_session(redirect(goes_to, 303), word)

    @pages.at("/sign-in/code", NOBODY, methods=("GET", "POST"))
    def code() -> Response:
        half = g.session
        if half is None or half.is_proven:
            return redirect(own_path("/"), 303)
        form = Code(next=own_path(request.args.get("next", "/")))
        token = form_token(hub, half.word)
        if not form.is_sent() or not is_form_token(hub, half.word, request.form.get("token", "")):
            return shown("code.html", form=form, token=token)
        try:
            passwords.note_try(hub, f"code {half.user.id}")
        except TooManyTries as refusal:
            form.refuse("code", refusal)
            return shown("code.html", 429, form=form, token=token)
        with hub.database.write() as connection:
            word = None
            if second_factor.use(hub, connection, half.user, form.said("code")):
                word = sessions.begin(hub, connection, half.user.id)
        if word is None:
            form.refuse("code", _("This code is not right, or was used. Wait for the next one, and type it in."))
            return shown("code.html", 403, form=form, token=token)
        passwords.forget_tries(hub, f"code {half.user.id}")
        sessions.end(hub, half.word)
        return pages.keep_session(redirect(own_path(form.said("next") or "/"), 303), word)

    @pages.at("/sign-in/<word>", NOBODY)
    def enter(word: str) -> Response:
        if _only_looks_ahead():
            return make_response("", 204)
        session = links.sign_in(hub, word)
        if session is None and g.session is None:
            return signed_out(403, used=True)
        answer = redirect("/", 303)
        if session is None:
            return answer
        opened = sessions.find(hub, session)
        audit.note(hub, "signed_in_by_link", opened.user if opened else None)
        return pages.keep_session(answer, session)

    @pages.at("/sign-out", ANYBODY, methods=("POST",))
    def sign_out(visitor: Visitor) -> Response:
        sessions.end(hub, visitor.session.word)
        g.session = g.here = None
        return pages.drop_session(signed_out(200, left=True))

    @pages.at("/invitation/<word>", NOBODY, methods=("GET", "POST"))
    def invitation(word: str) -> Response:
        if _only_looks_ahead():
            return make_response("", 204)
        try:
            offered = links.invitation(hub, word)
        except LinkEnded:
            title = _("This invitation does not work any more")
            return shown("trouble.html", 403, title=title, says=told(LinkEnded()))
        session = g.session if g.session and g.session.is_proven else None
        return _as_user(offered, session) if session else _as_newcomer(offered)

    def _as_user(offered: Invitation, session: sessions.Session) -> Response:
        token = form_token(hub, session.word)
        if request.method == "POST" and is_form_token(hub, session.word, request.form.get("token", "")):
            return _joined(offered, *links.accept(hub, offered, session.user))
        return shown("invitation.html", user=session.user, token=token, **_offered(offered))

    def _as_newcomer(offered: Invitation) -> Response:
        form = Join()
        if not form.is_sent():
            return shown("invitation.html", form=form, **_offered(offered))
        at_fault = "password"
        try:
            hashed = passwords.hashed_password(form.said("password"))
            at_fault = "email"
            return _joined(
                offered, *links.accept(hub, offered, Newcomer(form.said("name"), form.said("email"), hashed))
            )
        except SettingInvalid as refusal:
            form.refuse(at_fault, refusal)
        return shown("invitation.html", form=form, **_offered(offered))

    def _joined(offered: Invitation, user_id: int, word: str) -> Response:
        with hub.database.write() as connection:
            audit.note_within(hub, connection, "user_joined", user_id, offered.workspace_id, role=offered.role)
        answer = redirect(f"/w/{offered.workspace_id}/", 303)
        return pages.keep_session(answer, word) if word else answer

    def _offered(offered: Invitation) -> dict[str, Any]:
        name = hub.workspaces.get(offered.workspace_id).name
        return {"workspace_name": name, "role_words": WORDS[offered.role], "word": offered.word}


def _only_looks_ahead() -> bool:
    """Whoever only looks ahead must not use a link up."""
    return request.method == "HEAD" or "prefetch" in request.headers.get("Sec-Purpose", "")
