"""The far provider: it remembers every effect, and how often each was asked for."""

from __future__ import annotations

from typing import Any

from hub.practice.service import Practice, Request, Response, json_answer

Books = dict[str, Any]


def service() -> Practice:
    """A new provider with empty books: `put` by what, `paid` by key, `sent` in order, `asked` as they came."""
    made = Practice("far", account={"account": "a"})
    made.start_with(lambda: {"put": {}, "paid": {}, "sent": [], "asked": []})

    @made.route("POST", "/put")
    def put(request: Request) -> Response:
        told = _asked(made, "put", request)
        made.books["put"][told["what"]] = True
        return json_answer({})

    @made.route("POST", "/pay")
    def pay(request: Request) -> Response:
        told = _asked(made, "pay", request)
        made.books["paid"].setdefault(told["key"], told["what"])
        return json_answer({})

    @made.route("POST", "/send")
    def send(request: Request) -> Response:
        told = _asked(made, "send", request)
        made.books["sent"].append(told["what"])
        return json_answer({"number": len(made.books["sent"]) - 1})

    @made.route("GET", "/sent")
    def sent(request: Request) -> Response:
        what = request.args["what"]
        return json_answer([{"number": n} for n, found in enumerate(made.books["sent"]) if found == what])

    return made


def _asked(made: Practice, name: str, request: Request) -> dict[str, Any]:
    told: dict[str, Any] = request.get_json()
    made.books["asked"].append([name, told["what"]])
    return told
