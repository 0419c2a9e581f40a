"""A provider's OAuth 2 at its practice service: a page that asks, codes that count once, tokens that end.

The only app that it knows is the one that `OAuth.practice` names. It sends nobody elsewhere than back to a hub's own
address for this, whatever the host.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

from markupsafe import escape

from ..authorization import OAuth
from . import moment
from .service import Practice, Request, Response, json_answer

CODE_SECONDS = 600.0
Refuse = Callable[[int, str, str], Response]
Standing = Literal["good", "ended", "unknown"]

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Practice {title}</title>
<style>body{{font:1rem/1.5 system-ui;max-width:34rem;margin:3rem auto;padding:0 1rem}}
button{{font:inherit;padding:.5rem 1.25rem;margin-right:.75rem}}</style></head>
<body><main><h1>Practice {title}</h1>
<p>This stands in for {title}'s own page; nothing leaves this machine.</p>
<p>The hub asks to be let in to <strong>{account}</strong>{scope}.</p>
<form method="post"><button name="answer" value="allow">Allow</button>
<button name="answer" value="cancel">Cancel</button></form></main></body></html>"""


class Login:
    """The login of one practice service; it adds its routes to that.

    oauth     what the connector declares: addresses, app, whether it takes a proof key
    account   what the page calls the account
    refuse    the provider's own answer to a refused exchange, `refuse(status, error, description)`
    sign      what else goes back to the hub with the code, `sign(parameters)`
    more      what else the token endpoint tells, `more(form)`
    revoke_path  where a refresh token is made worthless, if that can be asked for (RFC 7009)
    rotates   whether a refresh token is exchanged with each use, the access token before ending with it

    The service says for how many seconds a token lasts (`token_seconds`, 0 for ever), and whether a refresh token that
    was used is dead at once (`strict`), rather than when its successor is used.
    """

    def __init__(
        self,
        service: Practice,
        title: str,
        oauth: OAuth,
        *,
        account: str,
        refuse: Refuse,
        sign: Callable[[dict[str, str]], Mapping[str, str]] = lambda parameters: {},
        more: Callable[[Mapping[str, str]], Mapping[str, Any]] = lambda form: {},
        rotates: bool = False,
        revoke_path: str | None = None,
    ) -> None:
        self.service, self.title, self.oauth, self.account = service, title, oauth, account
        self.refuse, self.sign, self.more, self.rotates = refuse, sign, more, rotates
        self.authorize_path, self.token_path = urlsplit(oauth.authorize).path, urlsplit(oauth.token).path
        service.route("GET", self.authorize_path)(self._ask)
        service.route("POST", self.authorize_path)(self._answered)
        service.route("POST", self.token_path)(self._exchange)
        self.revoke_path = revoke_path
        if revoke_path is not None:
            service.route("POST", revoke_path)(self._end)
        service.happening("expire_tokens")(self._expire)
        service.happening("revoke_login")(self._revoke)

    def serves(self, request: Request) -> bool:
        """Whether this call is about the login itself, and so needs none."""
        return request.path in (self.authorize_path, self.token_path, self.revoke_path)

    def standing(self, access_token: str) -> Standing:
        """What an access token is worth. One that is used makes the refresh token before its own worthless."""
        found = self._kept["access"].get(access_token)
        if found is None:
            return "unknown"
        if found["until"] is not None and found["until"] <= moment.seconds():
            return "ended"
        self._begin_to_use(found["refresh"])
        return "good"

    def accepts(self, access_token: str | None) -> bool:
        return access_token is not None and self.standing(access_token) == "good"

    @property
    def _kept(self) -> dict[str, dict[str, Any]]:
        """Codes, access tokens and refresh tokens; in the service's books, so that a reset forgets them."""
        kept: dict[str, dict[str, Any]] = self.service.books.setdefault(
            "logins", {"codes": {}, "access": {}, "refresh": {}}
        )
        return kept

    # ---- asking

    def _ask(self, request: Request) -> Response:
        if fault := self._fault_of(request):
            return self.refuse(400, "invalid_request", fault)
        scope = request.args.get("scope")
        page = _PAGE.format(
            title=escape(self.title), account=escape(self.account), scope=escape(f", for: {scope}" if scope else "")
        )
        headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
        return Response(page, headers=headers, mimetype="text/html")

    def _fault_of(self, request: Request) -> str | None:
        asked = request.args
        back = urlsplit(asked.get("redirect_uri", ""))
        if asked.get("client_id") != self.oauth.practice[0]:
            return "The client id is not known."
        if back.scheme not in ("http", "https") or back.path != f"/oauth/{self.service.name}/callback" or back.query:
            return "The redirect URL is not one of the app's."
        if asked.get("response_type", "code") != "code":
            return "The response type is not known."
        if self.oauth.pkce and (asked.get("code_challenge_method") != "S256" or not asked.get("code_challenge")):
            return "The proof key is missing."
        return None

    def _answered(self, request: Request) -> Response:
        if fault := self._fault_of(request):
            return self.refuse(400, "invalid_request", fault)
        asked, back = request.args, {"state": request.args.get("state", "")}
        if request.form.get("answer") == "allow":
            code = self._new("code")
            self._kept["codes"][code] = {
                "redirect_uri": asked["redirect_uri"],
                "challenge": asked.get("code_challenge") if self.oauth.pkce else None,
                "until": moment.seconds() + CODE_SECONDS,
            }
            back["code"] = code
        else:
            back["error"] = "access_denied"
        back |= self.sign(back)
        return Response(status=302, headers={"Location": f"{asked['redirect_uri']}?{urlencode(back)}"})

    # ---- exchanging

    def _exchange(self, request: Request) -> Response:
        form = request.form
        client_id, secret = self.oauth.practice
        if form.get("client_id") != client_id or not _same(form.get("client_secret", ""), secret):
            return self.refuse(401, "invalid_client", "The client id and the client secret do not fit.")
        if form.get("grant_type") == "authorization_code":
            return self._for_code(form)
        if form.get("grant_type") == "refresh_token":
            return self._for_refresh(form)
        return self.refuse(400, "unsupported_grant_type", "The grant type is not known.")

    def _for_code(self, form: Mapping[str, str]) -> Response:
        code = self._kept["codes"].pop(form.get("code", ""), None)
        if code is None or code["until"] <= moment.seconds():
            return self.refuse(400, "invalid_grant", "The code was not found, was used, or is too old.")
        if form.get("redirect_uri") != code["redirect_uri"]:
            return self.refuse(400, "invalid_grant", "The redirect URL is not the one that the code was given for.")
        if code["challenge"] is not None and not _same(_challenge(form.get("code_verifier", "")), code["challenge"]):
            return self.refuse(400, "invalid_grant", "The proof key does not fit.")
        return self._given(form, self._new("refresh"), previous=None)

    def _for_refresh(self, form: Mapping[str, str]) -> Response:
        used, refresh = form.get("refresh_token", ""), self._kept["refresh"]
        if used not in refresh:
            return self.refuse(400, "invalid_grant", "The refresh token is not known, or was used.")
        if not self.rotates:
            return self._given(form, used, previous=None)
        self._begin_to_use(used)
        for other in [name for name, held in refresh.items() if held["previous"] == used]:
            self._forget(other)  # an answer that got lost
        self._end_access(used)
        answer = self._given(form, self._new("refresh"), previous=used)
        if getattr(self.service, "strict", False):
            del refresh[used]
        return answer

    def _given(self, form: Mapping[str, str], refresh_token: str, previous: str | None) -> Response:
        seconds = getattr(self.service, "token_seconds", 0)
        access_token = self._new("access")
        until = moment.seconds() + seconds if seconds else None
        self._kept["access"][access_token] = {"until": until, "refresh": refresh_token}
        answer: dict[str, Any] = {"access_token": access_token, **self.more(form)}
        if seconds:
            self._kept["refresh"][refresh_token] = {"previous": previous}
            answer |= {"expires_in": int(seconds), "refresh_token": refresh_token}
        return json_answer(answer)

    def _begin_to_use(self, refresh_token: str) -> None:
        held = self._kept["refresh"].get(refresh_token)
        if held and held["previous"]:
            self._kept["refresh"].pop(held["previous"], None)
            held["previous"] = None

    def _forget(self, refresh_token: str) -> None:
        self._end_access(refresh_token)
        del self._kept["refresh"][refresh_token]

    def _end_access(self, refresh_token: str) -> None:
        for held in self._kept["access"].values():
            if held["refresh"] == refresh_token:
                held["until"] = 0.0

    def _new(self, kind: str) -> str:
        """A token that no other run of the service has given out: one that is kept elsewhere is not good by chance."""
        return f"practice-{kind}-{hashlib.sha256(f'{time.time_ns()} {id(self)} {kind}'.encode()).hexdigest()[:32]}"

    # ---- what may happen to a login

    def _expire(self, details: dict[str, Any]) -> dict[str, int]:
        """All access tokens end now; they can be renewed."""
        for held in self._kept["access"].values():
            held["until"] = 0.0
        return {"tokens": len(self._kept["access"])}

    def _revoke(self, details: dict[str, Any]) -> dict[str, int]:
        """The owner takes back what they allowed: no token is good any more, and none can be renewed."""
        count = len(self._kept["access"])
        self.end_all()
        return {"tokens": count}

    def end_all(self) -> None:
        """No token is good any more, and none can be renewed."""
        self._kept["access"].clear()
        self._kept["refresh"].clear()

    def _end(self, request: Request) -> Response:
        """The app gives a login back: its refresh token, and the access token that came by it, are worthless."""
        form = request.form.to_dict()
        if (form.get("client_id"), form.get("client_secret")) != self.oauth.practice:
            return self.refuse(400, "invalid_client", "The app is not known.")
        if form.get("token", "") not in self._kept["refresh"]:
            return self.refuse(400, "invalid_grant", "The refresh token is not known.")
        self._forget(form["token"])
        return Response("", 200)


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
