"""Somebody's own account: what they are called, their password, the second step of signing in."""

from __future__ import annotations

from flask import request
from markupsafe import Markup
from werkzeug.wrappers import Response
from wtforms import HiddenField, SelectField

from ...errors import SettingInvalid
from ..access import audit, passwords, second_factor, sessions, users
from ..access.roles import ANYBODY
from ..language import _, choose, languages, lazy, ngettext
from ..measures import name_of
from .forms import Form, secret, text
from .frame import Pages, Visitor

NOT_RIGHT = lazy("This is not your password. Nothing was changed.")


class Called(Form):
    name = text(lazy("Your name"), autocomplete="name", maxlength=str(users.MOST_NAME))
    email = text(lazy("Your e-mail"), help=lazy("You sign in with it."), autocomplete="username", type="email")


class First(Called):
    new = secret(lazy("A new password"), help=lazy("Three or four words are good."), autocomplete="new-password")


class Password(Form):
    old = secret(lazy("Your password until now"), autocomplete="current-password")
    new = secret(lazy("A new password"), help=lazy("Three or four words are good."), autocomplete="new-password")


class Speak(Form):
    language = SelectField(
        lazy("The language of these pages"),
        choices=lambda: [("", _("As my browser asks for it")), *((name, name_of(name)) for name in languages())],
    )


class SwitchOn(Form):
    secret = HiddenField()
    code = text(lazy("The six digits that your app shows"), autocomplete="one-time-code", inputmode="numeric", size="8")


class SwitchOff(Form):
    password = secret(lazy("Your password"), autocomplete="current-password")


def add(pages: Pages) -> None:
    hub = pages.hub

    @pages.at("/account", ANYBODY)
    def account(visitor: Visitor) -> Response:
        return _shown(visitor)

    @pages.at("/account/first", ANYBODY, methods=("POST",))
    def first(visitor: Visitor) -> Response:
        form = First()
        if visitor.user.has_password or not form.is_sent():
            return _shown(visitor, first=form)
        at_fault = "new"
        try:
            hashed = passwords.hashed_password(form.said("new"))
            at_fault = "email"
            users.rename(hub, visitor.user, form.said("name"), form.said("email"))
        except SettingInvalid as refusal:
            form.refuse(at_fault, refusal)
            return _shown(visitor, first=form)
        _choose(visitor, hashed)
        return visitor.go("index", _("You have an account: from any browser, sign in with your e-mail and password."))

    @pages.at("/account/called", ANYBODY, methods=("POST",))
    def called(visitor: Visitor) -> Response:
        form = Called()
        if form.is_sent():
            try:
                users.rename(hub, visitor.user, form.said("name"), form.said("email"))
                return visitor.go("account", _("Saved."))
            except SettingInvalid as refusal:
                form.refuse("email", refusal)
        return _shown(visitor, called=form)

    @pages.at("/account/language", ANYBODY, methods=("POST",))
    def speak(visitor: Visitor) -> Response:
        form = Speak()
        if not form.is_sent():
            return _shown(visitor, speak=form)
        users.speak(hub, visitor.user, form.said("language") or None)
        choose(form.said("language"), list(request.accept_languages.values()))
        return visitor.go("account", _("Saved."))

    @pages.at("/account/password", ANYBODY, methods=("POST",))
    def password(visitor: Visitor) -> Response:
        form = Password()
        if not form.is_sent():
            return _shown(visitor, password=form)
        if not passwords.is_right(hub, visitor.user, form.said("old")):
            form.refuse("old", NOT_RIGHT)
            return _shown(visitor, password=form)
        try:
            hashed = passwords.hashed_password(form.said("new"))
        except SettingInvalid as refusal:
            form.refuse("new", refusal)
            return _shown(visitor, password=form)
        _choose(visitor, hashed)
        return visitor.go("account", _("Your new password is in use. Other browsers have to sign in with it."))

    @pages.at("/account/second-step", ANYBODY, methods=("GET", "POST"))
    def second_step(visitor: Visitor) -> Response:
        if visitor.user.has_second_factor:
            return _switch_off(visitor)
        form = SwitchOn(secret=second_factor.new_secret())
        if form.is_sent():
            moment = second_factor.fits(hub, form.said("secret"), form.said("code"))
            if moment is not None:
                with hub.database.write() as connection:
                    second_factor.switch_on(hub, connection, visitor.user, form.said("secret"), moment)
                    sessions.end_others(hub, connection, visitor.user.id, visitor.session.word)
                    audit.note_within(hub, connection, "second_factor_on", visitor.user.id, None)
                return visitor.go("account", _("From here on you are asked for a code when you sign in."))
            form.refuse("code", _("This code is not right. Wait for the next one, and type it in."))
        address = second_factor.address(visitor.user, form.said("secret"))
        picture = Markup(second_factor.picture(address))  # an SVG that segno drew, of nothing but squares
        return visitor.show("second_step.html", form=form, picture=picture)

    @pages.at("/account/others", ANYBODY, methods=("POST",))
    def end_others(visitor: Visitor) -> Response:
        with hub.database.write() as connection:
            count = sessions.end_others(hub, connection, visitor.user.id, visitor.session.word)
        return visitor.go(
            "account", ngettext("Signed out in %(num)s other browser.", "Signed out in %(num)s other browsers.", count)
        )

    def _switch_off(visitor: Visitor) -> Response:
        form = SwitchOff()
        if form.is_sent():
            if passwords.is_right(hub, visitor.user, form.said("password")):
                with hub.database.write() as connection:
                    second_factor.switch_off(connection, visitor.user)
                    audit.note_within(hub, connection, "second_factor_off", visitor.user.id, None)
                return visitor.go("account", _("Your password alone signs you in again."))
            form.refuse("password", NOT_RIGHT)
        return visitor.show("second_step_off.html", form=form)

    def _choose(visitor: Visitor, hashed: str) -> None:
        with hub.database.write() as connection:
            passwords.choose(connection, visitor.user.id, hashed)
            sessions.end_others(hub, connection, visitor.user.id, visitor.session.word)
            audit.note_within(hub, connection, "password_chosen", visitor.user.id, None)

    def _shown(visitor: Visitor, **forms: Form) -> Response:
        user = visitor.user
        if not user.has_password:
            return visitor.show("first_account.html", form=forms.get("first") or First(fresh=True))
        return visitor.show(
            "account.html",
            called=forms.get("called") or Called(fresh=True, name=user.name, email=user.email),
            password=forms.get("password") or Password(fresh=True),
            speak=forms.get("speak") or Speak(fresh=True, language=user.language or ""),
            others=sessions.count_others(hub, visitor.session),
        )
