"""The second factor: six digits from an authenticator app, new every half minute (RFC 6238).

https://www.rfc-editor.org/rfc/rfc6238
"""

from __future__ import annotations

import sqlalchemy as sa

from ... import schema
from ...core import Hub
from .users import User

ISSUER = "Regulars"
SECONDS = 30
_WINDOW = 1
"""Half minutes that a phone's clock may be off."""


def new_secret() -> str:
    import pyotp

    return pyotp.random_base32()


def address(user: User, secret: str) -> str:
    """What the app reads from the picture: https://github.com/google/google-authenticator/wiki/Key-Uri-Format"""
    import pyotp

    return pyotp.TOTP(secret).provisioning_uri(name=user.email or user.called, issuer_name=ISSUER)


def picture(address: str) -> str:
    """The address as a QR code: an SVG document, without any style of its own."""
    import segno

    return segno.make(address, error="m").svg_inline(scale=4, border=3, dark="#000", light="#fff", omitsize=True)


def fits(hub: Hub, secret: str, code: str, after: int | None = None) -> int | None:
    """The half minute that a code is of; None if it is wrong, too old, or not later than the one used last."""
    import pyotp

    digits, at = "".join(code.split()), hub.clock.now() // 1000 // SECONDS
    app = pyotp.TOTP(secret)
    for moment in range(at - _WINDOW, at + _WINDOW + 1):
        if (after is None or moment > after) and pyotp.utils.strings_equal(app.generate_otp(moment), digits):
            return moment
    return None


def switch_on(hub: Hub, connection: sa.Connection, user: User, secret: str, moment: int) -> None:
    """Asks for a code from here on, whenever they sign in."""
    wrapped = hub.workspaces.hub_key(connection, lock=True).wrap(secret.encode(), f"second factor {user.id}")
    _set(connection, user, second_factor=wrapped, last_code=moment)


def switch_off(connection: sa.Connection, user: User) -> None:
    _set(connection, user, second_factor=None, last_code=None)


def use(hub: Hub, connection: sa.Connection, user: User, code: str) -> bool:
    """Whether a code is right; it is used up then. Of two that come at once, one counts."""
    table = schema.hub_user
    row = connection.execute(
        sa.select(table.c.second_factor, table.c.last_code).where(table.c.id == user.id).with_for_update()
    ).one()
    if row.second_factor is None:
        return False
    secret = hub.workspaces.hub_key(connection).unwrap(row.second_factor, f"second factor {user.id}").decode()
    moment = fits(hub, secret, code, row.last_code)
    if moment is None:
        return False
    _set(connection, user, last_code=moment)
    return True


def _set(connection: sa.Connection, user: User, **values: object) -> None:
    table = schema.hub_user
    connection.execute(sa.update(table).where(table.c.id == user.id).values(values))
