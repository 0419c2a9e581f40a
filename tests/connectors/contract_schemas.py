"""The schemas of an OpenAPI 3 or Swagger 2 document as strict JSON Schemas, and values checked against them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import best_match
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

_KEPT = (
    *("type", "enum", "const", "format", "title", "required", "pattern"),
    *("minimum", "maximum", "multipleOf", "minLength", "maxLength"),
    *("minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties"),
)
_BRANCHES = ("allOf", "anyOf", "oneOf")

formats = FormatChecker(formats=())
formats.checks("date", raises=ValueError)(lambda text: not isinstance(text, str) or date.fromisoformat(text))
formats.checks("uuid", raises=ValueError)(lambda text: not isinstance(text, str) or UUID(text))


@formats.checks("date-time", raises=ValueError)
def _is_date_time(text: object) -> bool:
    return not isinstance(text, str) or datetime.fromisoformat(text).tzinfo is not None


class Schemas:
    """The schemas of one document. `sent=True` reads them for requests, where read-only fields do not exist."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self._validators: dict[tuple[int, bool], tuple[Any, Draft202012Validator]] = {}

    def resolved(self, value: Any) -> Any:
        """The value itself, or what its `$ref` points at."""
        while isinstance(value, Mapping) and isinstance(value.get("$ref"), str):
            found: Any = self.document
            for part in value["$ref"].removeprefix("#/").split("/"):
                found = found[part.replace("~1", "/").replace("~0", "~")]
            value = found
        return value

    def faults(self, schema: Any, value: Any, where: str, *, sent: bool) -> Iterator[str]:
        """What is wrong with the value, as sentences that name the place."""
        for error in sorted(self._validator(schema, sent).iter_errors(value), key=lambda error: list(error.path)):
            error = best_match([error])  # of a choice that failed, the branch that came nearest
            place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
            yield f"{where}{place}: {error.message[:500]}"

    def from_texts(self, schema: Any, texts: list[str]) -> Any:
        """Values that travel as text, in a query or a form, as what the schema wants; unfit ones stay text."""
        schema = self.resolved(schema)
        if schema.get("type") == "array":
            split = texts[0].split(",") if len(texts) == 1 else texts
            return [self.from_texts(schema.get("items", {}), [text]) for text in split]
        if len(texts) == 1 and schema.get("type") in ("integer", "number", "boolean", "object"):
            with contextlib.suppress(ValueError):
                return json.loads(texts[0])
        return texts[0] if len(texts) == 1 else texts

    def from_form(self, schema: Any, form: Mapping[str, str | list[str]]) -> dict[str, Any]:
        properties = self.resolved(schema).get("properties", {})
        listed = {name: [text] if isinstance(text, str) else text for name, text in form.items()}
        return {name: self.from_texts(properties.get(name, {}), texts) for name, texts in listed.items()}

    # ---- translating

    def _validator(self, schema: Any, sent: bool) -> Draft202012Validator:
        key = (id(schema), sent)
        if key not in self._validators:
            strict = self._closed(schema, sent)
            # The schema is kept beside its validator, so that its id() is not given to another one.
            self._validators[key] = (
                schema,
                Draft202012Validator(strict, registry=self._registry, format_checker=formats),
            )
        return self._validators[key][1]

    @cached_property
    def _registry(self) -> Registry[Any]:
        named = {**self.document.get("components", {}).get("schemas", {}), **self.document.get("definitions", {})}
        books = {
            _urn(sent): {"$defs": {name: self._open(schema, sent) for name, schema in named.items()}}
            for sent in (True, False)
        }
        return Registry().with_resources(
            [(urn, Resource.from_contents(book, default_specification=DRAFT202012)) for urn, book in books.items()]
        )

    def _closed(self, schema: Any, sent: bool) -> Any:
        """The schema for a whole value: an object may have no field that the contract does not name."""
        made = self._open(schema, sent)
        if isinstance(made, dict) and self._has_fields(schema):
            made["unevaluatedProperties"] = False
        if isinstance(schema, Mapping) and (schema.get("nullable") or schema.get("x-nullable")):
            return {"anyOf": [made, {"type": "null"}]}
        return made

    def _has_fields(self, schema: Any) -> bool:
        schema = self.resolved(schema)
        if not isinstance(schema, Mapping):
            return False
        parts = [part for branch in _BRANCHES for part in schema.get(branch, [])]
        return bool(schema.get("properties")) or any(self._has_fields(part) for part in parts)

    def _open(self, schema: Any, sent: bool) -> Any:
        """The schema for a part of a value, which the other parts of an `allOf` may add fields to."""
        if not isinstance(schema, Mapping):
            return schema
        if isinstance(schema.get("$ref"), str):
            return {"$ref": f"{_urn(sent)}#/$defs/{schema['$ref'].rpartition('/')[2]}"}
        made = {name: schema[name] for name in _KEPT if name in schema}
        if isinstance(made.get("required"), bool):  # Swagger 2: of a parameter, not of an object
            del made["required"]
        if made.get("type") == "file":
            del made["type"]
        for bound in ("Minimum", "Maximum"):
            limit = schema.get(f"exclusive{bound}")
            if limit is True:
                made[f"exclusive{bound}"] = made.pop(bound.lower())
            elif limit not in (None, False):
                made[f"exclusive{bound}"] = limit
        fields = schema.get("properties", {})
        hidden = {name for name, field in fields.items() if sent and self.resolved(field).get("readOnly")}
        if fields:
            made["properties"] = {name: self._closed(fields[name], sent) for name in fields.keys() - hidden}
        if hidden and "required" in made:
            made["required"] = [name for name in made["required"] if name not in hidden]
        for name in ("items", "additionalProperties", "not"):
            if name in schema:
                made[name] = self._closed(schema[name], sent)
        for branch in _BRANCHES:
            if branch in schema:
                made[branch] = [self._open(part, sent) for part in schema[branch]]
        return made


def _urn(sent: bool) -> str:
    return "urn:contract:sent" if sent else "urn:contract:received"
