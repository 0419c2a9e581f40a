"""E-mails of the hub itself, to people who run it: by the SMTP server of SMTP_URL."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import unquote, urlsplit

from .errors import ServiceDown, SetupError
from .settings import Settings

SECONDS = 20.0
_HERE = ("localhost", "127.0.0.1", "::1")


def send(settings: Settings, to: Sequence[str], subject: str, text: str) -> None:
    """Sends one e-mail to all of them. Raises SetupError without an SMTP server, ServiceDown if it does not take it."""
    if settings.smtp_url is None or settings.mail_from is None:
        raise SetupError("No e-mail can be sent: SMTP_URL and MAIL_FROM are not set.")
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings.mail_from, ", ".join(to), subject
    message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain=settings.mail_from.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # nobody's absence note answers it: RFC 3834
    message.set_content(text)
    try:
        with _connected(settings.smtp_url) as server:
            server.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        raise ServiceDown(f"The e-mail server did not take an e-mail ({type(error).__name__}).") from None


def _connected(url: str) -> smtplib.SMTP:
    parts, secure = urlsplit(url), ssl.create_default_context()
    host = parts.hostname or "localhost"
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=SECONDS, context=secure)
    else:
        server = smtplib.SMTP(host, parts.port or 587, timeout=SECONDS)
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=secure)
            server.ehlo()
        elif parts.password and host not in _HERE:
            server.close()
            raise smtplib.SMTPException("A password is not sent in the open.")
    if parts.username:
        server.login(unquote(parts.username), unquote(parts.password or ""))
    return server
