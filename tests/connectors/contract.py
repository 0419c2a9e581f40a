"""Holds practice services and connectors to a vendor's published contract, OpenAPI 3 or Swagger 2.

    contract = Contract(vendor_file("hubspot", "openapi", "crm-contacts-v3.json"))
    contract.check("POST", "/crm/v3/objects/contacts", request_body, 201, response_body)

    server = RecordingServer({"hubspot": service})      # then real calls over HTTP, then:
    for exchange in server.exchanges:
        contract.check_exchange(exchange)

A contract is read strictly: a path, a parameter, a field or a status that it does not name is a breach. A vendor's
service may be more lenient, but only what is written down can be relied on.
"""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.wrappers import Request, Response

from hub.practice.server import PracticeServer
from tests.connectors.contract_schemas import Schemas

SHARED = Path(__file__).resolve().parents[2] / "../shared"
FORM = "application/x-www-form-urlencoded"
Json = Any


class ContractBroken(AssertionError):
    """The traffic is not what the vendor published; says where, and what is wrong there."""


def vendor_file(*parts: str) -> Path:
    """A vendor's file in the folder `shared` beside the checkout: `vendor_file("twilio", "FACTS.md")`.

    Skips the test where the folder is not there, and fails it on CI.
    """
    if not SHARED.is_dir():
        reason = "The vendors' contracts are not here: they belong in a folder `shared` beside the checkout."
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason, allow_module_level=True)
    return SHARED.joinpath("specs", *parts)


@dataclass(frozen=True)
class Exchange:
    """One call and its answer, as they went over the wire. `path` is the vendor's own, without the query."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    request_type: str
    request: bytes
    status: int
    response_type: str
    response: bytes

    @property
    def request_body(self) -> Json:
        """JSON as it is, a form as a mapping of lists, None for no body."""
        if not self.request:
            return None
        if self.request_type == FORM:
            return parse_qs(self.request.decode(), keep_blank_values=True, strict_parsing=True)
        return json.loads(self.request)

    @property
    def response_body(self) -> Json:
        if not self.response:
            return None
        return json.loads(self.response) if "json" in self.response_type else self.response.decode()


class RecordingServer(PracticeServer):
    """The practice services, with every call to them kept in `exchanges`; the server's own `/_…` addresses are not."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.exchanges: list[Exchange] = []

    def answer(self, request: Request) -> Response:
        service, _, path = request.path.lstrip("/").partition("/")
        query = parse_qs(request.environ["QUERY_STRING"], keep_blank_values=True)
        sent = request.get_data()
        request.environ["wsgi.input"] = io.BytesIO(sent)
        response = super().answer(request)  # a connection that is dropped is no answer, and raises
        if not service.startswith("_"):
            exchange = Exchange(
                request.method,
                f"/{path}",
                query,
                request.mimetype,
                sent,
                response.status_code,
                response.mimetype or "",
                response.get_data(),
            )
            self.exchanges.append(exchange)
        return response


@dataclass(frozen=True)
class _Operation:
    method: str
    template: str
    pattern: re.Pattern[str]
    declared: Mapping[str, Any]
    parameters: list[dict[str, Any]]


class Contract:
    """One published contract.

    undocumented_errors   for contracts that describe only what succeeds: a 4xx or 5xx that is not in it may pass
    error_fields          fields of error bodies that the vendor documents elsewhere than in this file
    """

    def __init__(self, file: Path, *, undocumented_errors: bool = False, error_fields: Collection[str] = ()) -> None:
        self.document: dict[str, Any] = json.loads(file.read_text())
        self.undocumented_errors = undocumented_errors
        self.error_fields = error_fields
        self.schemas = Schemas(self.document)
        self.prefix = _prefix(self.document)
        # A literal path counts before one with names in it, as OpenAPI has it.
        self.operations = sorted(self._operations(), key=lambda operation: operation.template.count("{"))

    def knows(self, method: str, path: str) -> bool:
        """Whether the contract has this operation, so that traffic can be shared out among several files."""
        return self._find(method, path) is not None

    def check_exchange(self, exchange: Exchange) -> None:
        """Like `check`, for a recorded call. Raises ContractBroken."""
        self.check(
            exchange.method,
            exchange.path,
            exchange.request_body,
            exchange.status,
            exchange.response_body,
            query=exchange.query,
            request_type=exchange.request_type or None,
            response_type=exchange.response_type or None,
        )

    def check(
        self,
        method: str,
        path: str,
        request_body: Json,
        status: int,
        response_body: Json,
        *,
        query: Mapping[str, list[str]] | None = None,
        request_type: str | None = None,
        response_type: str | None = None,
    ) -> None:
        """Raises ContractBroken that lists all that is wrong with one call and its answer.

        A request that the vendor refuses (4xx) may itself be faulty, so then only the answer is judged. Bodies are
        parsed JSON; a form is a mapping of names to a text or a list of texts; None is no body.
        """
        found = self._find(method, path)
        if found is None:
            raise ContractBroken(f"{method} {path}: the contract has no such operation.")
        operation, names = found
        faults = list(self._answer_faults(operation, status, response_body, response_type))
        if not 400 <= status < 500:
            faults += self._path_faults(operation, names)
            faults += self._query_faults(operation, query or {})
            faults += self._request_faults(operation, request_body, request_type)
        if faults:
            raise ContractBroken(f"{method} {operation.template} → {status}:\n  " + "\n  ".join(faults))

    # ---- finding the operation

    def _operations(self) -> Iterator[_Operation]:
        for template, item in self.document["paths"].items():
            pattern = re.compile(re.sub(r"\\{(.+?)\\}", "([^/]+?)", re.escape(template)))
            for method, declared in item.items():
                if method in ("get", "put", "post", "delete", "patch", "head", "options"):
                    given = [*item.get("parameters", []), *declared.get("parameters", [])]
                    parameters = [self.schemas.resolved(parameter) for parameter in given]
                    yield _Operation(method.upper(), template, pattern, declared, parameters)

    def _find(self, method: str, path: str) -> tuple[_Operation, dict[str, str]] | None:
        if not path.startswith(self.prefix):
            return None
        for operation in self.operations:
            match = operation.pattern.fullmatch(path[len(self.prefix) :])
            if match and operation.method == method.upper():
                return operation, dict(zip(re.findall(r"{(.+?)}", operation.template), match.groups(), strict=True))
        return None

    # ---- the request

    def _path_faults(self, operation: _Operation, values: Mapping[str, str]) -> Iterator[str]:
        for parameter in operation.parameters:
            if parameter["in"] == "path" and parameter["name"] in values:
                yield from self._text_faults(parameter, [values[parameter["name"]]])

    def _query_faults(self, operation: _Operation, query: Mapping[str, list[str]]) -> Iterator[str]:
        declared = {item["name"]: item for item in operation.parameters if item["in"] == "query"}
        for name in query.keys() - declared.keys() - self._login_parameters():
            yield f"query: {name!r} is not in the contract"
        for name, parameter in declared.items():
            if name in query:
                yield from self._text_faults(parameter, query[name])
            elif parameter.get("required"):
                yield f"query: {name!r} is missing"

    def _login_parameters(self) -> set[str]:
        """Query parameters that carry a login."""
        components = self.document.get("components", {})
        schemes = {**components.get("securitySchemes", {}), **self.document.get("securityDefinitions", {})}
        return {scheme["name"] for scheme in schemes.values() if scheme.get("in") == "query"}

    def _text_faults(self, parameter: Mapping[str, Any], texts: list[str]) -> Iterator[str]:
        schema = parameter.get("schema", parameter)  # Swagger 2 writes the schema into the parameter itself
        value = self.schemas.from_texts(schema, texts)
        yield from self.schemas.faults(schema, value, f"{parameter['in']} {parameter['name']}", sent=True)

    def _request_faults(self, operation: _Operation, body: Json, kind: str | None) -> Iterator[str]:
        declared = self._request_kinds(operation)
        if not declared:
            if body is not None:
                yield "request: a body was sent where the contract has none"
            return
        if body is None:
            whole = self.schemas.resolved(operation.declared.get("requestBody", {}))
            parts = [item for item in operation.parameters if item["in"] in ("body", "formData")]
            if any(item.get("required") for item in (whole, *parts)):
                yield "request: the body is missing"
            return
        chosen = kind or next(iter(declared))
        if chosen not in declared:
            yield f"request: it is {chosen}; the contract has {', '.join(declared)}"
        elif chosen == FORM:
            yield from self.schemas.faults(
                declared[chosen], self.schemas.from_form(declared[chosen], body), "request", sent=True
            )
        else:
            yield from self.schemas.faults(declared[chosen], body, "request", sent=True)

    def _request_kinds(self, operation: _Operation) -> dict[str, Any]:
        """The body's schema for each media type, in either version of the format."""
        if "requestBody" in operation.declared:
            content = self.schemas.resolved(operation.declared["requestBody"])["content"]
            return {kind: media.get("schema", {}) for kind, media in content.items()}
        bodies = [item["schema"] for item in operation.parameters if item["in"] == "body"]
        if bodies:
            return {"application/json": bodies[0]}
        fields = {item["name"]: item for item in operation.parameters if item["in"] == "formData"}
        needed = [name for name, item in fields.items() if item.get("required")]
        return {FORM: {"type": "object", "properties": fields, "required": needed}} if fields else {}

    # ---- the answer

    def _answer_faults(self, operation: _Operation, status: int, body: Json, kind: str | None) -> Iterator[str]:
        responses = operation.declared["responses"]
        declared = next((responses[key] for key in (str(status), f"{status // 100}XX") if key in responses), None)
        if declared is None and (status >= 400 or len(responses) == 1):
            declared = responses.get("default")
        if declared is None:
            if status < 400 or not self.undocumented_errors:
                yield f"response: the contract has no status {status}, only {', '.join(responses)}"
            return
        if status >= 400 and isinstance(body, Mapping):
            body = {name: value for name, value in body.items() if name not in self.error_fields}
        response = self.schemas.resolved(declared)
        content = response.get("content", {})
        media = next((content[name] for name in (kind, "application/json", "*/*") if name in content), None)
        schema = response.get("schema") if media is None else media.get("schema")
        if body is None and (schema is not None or content):
            yield "response: the body is missing"
        elif body is not None and schema is None and status < 400:
            yield "response: a body came where the contract has none"
        elif body is not None and schema is not None:
            yield from self.schemas.faults(schema, body, "response", sent=False)


def _prefix(document: Mapping[str, Any]) -> str:
    """What stands before every path: Swagger's basePath, or the path of the first server."""
    servers = document.get("servers", [{"url": ""}])
    return str(document.get("basePath", urlsplit(servers[0]["url"]).path)).rstrip("/")
