"""Somebody's own account: what they are called, their password, the second step of signing in."""

from __future__ import annotations

from markupsafe import Markup
from werkzeug.wrappers import Response
from wtforms import HiddenField

from ...errors import SettingInvalid
from ..access import audit, passwords, second_factor, sessions, users
from ..access.roles import ANYBODY
from .forms import Form, secret, text
from .frame import Pages, Visitor

NOT_RIGHT = "This is not your password. Nothing was changed."


class Called(Form):
    name = text("Your name", autocomplete="name", maxlength=str(users.MOST_NAME))
    email = text("Your e-mail", help="You sign in with it.", autocomplete="username", type="email")


class First(Called):
    new = secret("A new password", help="Three or four words are good.", autocomplete="new-password")


class Password(Form):
    old = secret("Your password until now", autocomplete="current-password")
    new = secret("A new password", help="Three or four words are good.", autocomplete="new-password")


class SwitchOn(Form):
    secret = HiddenField()
    code = text("The six digits that your app shows", autocomplete="one-time-code", inputmode="numeric", size="8")


class SwitchOff(Form):
    password = secret("Your password", autocomplete="current-password")


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
        return visitor.go("index", "You have an account: from any browser, sign in with your e-mail and password.")

    @pages.at("/account/called", ANYBODY, methods=("POST",))
    def called(visitor: Visitor) -> Response:
        form = Called()
        if form.is_sent():
            try:
                users.rename(hub, visitor.user, form.said("name"), form.said("email"))
                return visitor.go("account", "Saved.")
            except SettingInvalid as refusal:
                form.refuse("email", refusal)
        return _shown(visitor, called=form)

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
        return visitor.go("account", "Your new password is in use. Other browsers have to sign in with it.")

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
                return visitor.go("account", "From here on you are asked for a code when you sign in.")
            form.refuse("code", "This code is not right. Wait for the next one, and type it in.")
        address = second_factor.address(visitor.user, form.said("secret"))
        picture = Markup(second_factor.picture(address))  # an SVG that segno drew, of nothing but squares
        return visitor.show("second_step.html", form=form, picture=picture)

    @pages.at("/account/others", ANYBODY, methods=("POST",))
    def end_others(visitor: Visitor) -> Response:
        with hub.database.write() as connection:
            count = sessions.end_others(hub, connection, visitor.user.id, visitor.session.word)
        return visitor.go("account", f"Signed out in {count} other browser{'s' if count != 1 else ''}.")

    def _switch_off(visitor: Visitor) -> Response:
        form = SwitchOff()
        if form.is_sent():
            if passwords.is_right(hub, visitor.user, form.said("password")):
                with hub.database.write() as connection:
                    second_factor.switch_off(connection, visitor.user)
                    audit.note_within(hub, connection, "second_factor_off", visitor.user.id, None)
                return visitor.go("account", "Your password alone signs you in again.")
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
            others=sessions.count_others(hub, visitor.session),
        )
