"""Shopify's own published contract, from the folder `shared` beside the checkout."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import graphql
from graphql import FragmentDefinitionNode, FragmentSpreadNode, InlineFragmentNode, OperationDefinitionNode

from tests.connectors.contract import vendor_file


@cache
def schema() -> graphql.GraphQLSchema:
    return graphql.build_schema(vendor_file("shopify", "admin-graphql-2026-07.graphql").read_text(), assume_valid=True)


@cache
def document(text: str) -> graphql.DocumentNode:
    return graphql.parse(text)


def document_faults(text: str) -> list[str]:
    return [error.message for error in graphql.validate(schema(), document(text))]


def variable_faults(text: str, variables: Mapping[str, Any]) -> list[str]:
    """What is wrong with the variables of a request: wrong types, unknown input fields, missing ones."""
    given = graphql.execution.get_variable_values(
        schema(), list(_operation(text).variable_definitions or ()), dict(variables)
    )
    return [error.message for error in given] if isinstance(given, list) else []


def answer_faults(text: str, data: Any) -> list[str]:
    """Where `data` is not exactly what the document asks for: fields too many or too few, null where the schema
    has none, values that an enum or a scalar does not have."""
    operation = _operation(text)
    root = schema().get_root_type(operation.operation)
    assert root is not None
    return list(_object(root, operation.selection_set, data, _fragments(text), operation.operation.value))


def _operation(text: str) -> OperationDefinitionNode:
    return next(node for node in document(text).definitions if isinstance(node, OperationDefinitionNode))


def _fragments(text: str) -> dict[str, FragmentDefinitionNode]:
    return {n.name.value: n for n in document(text).definitions if isinstance(n, FragmentDefinitionNode)}


def _fields(kind: Any, selections: Any, fragments: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The selections per answer key that apply to an object type."""
    found: dict[str, list[Any]] = {}
    for node in selections.selections:
        if isinstance(node, FragmentSpreadNode | InlineFragmentNode):
            part = fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            condition = part.type_condition
            wanted = schema().type_map[condition.name.value] if condition else kind
            if wanted is kind or (graphql.is_abstract_type(wanted) and schema().is_sub_type(wanted, kind)):
                for key, nodes in _fields(kind, part.selection_set, fragments).items():
                    found.setdefault(key, []).extend(nodes)
        else:
            found.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
    return found


def _object(kind: Any, selections: Any, data: Any, fragments: Any, path: str) -> Any:
    if not isinstance(data, dict):
        yield f"{path} is no object"
        return
    wanted = _fields(kind, selections, fragments)
    if wanted.keys() != data.keys():
        yield f"{path} has the fields {sorted(data)}, asked for were {sorted(wanted)}"
    for key in wanted.keys() & data.keys():
        name = wanted[key][0].name.value
        field = graphql.TypeNameMetaFieldDef if name == "__typename" else kind.fields[name]
        nested = [node.selection_set for node in wanted[key] if node.selection_set]
        merged = graphql.SelectionSetNode(selections=tuple(s for part in nested for s in part.selections))
        yield from _value(field.type, merged, data[key], fragments, f"{path}.{key}")


def _value(kind: Any, selections: Any, value: Any, fragments: Any, path: str) -> Any:
    if graphql.is_non_null_type(kind):
        if value is None:
            yield f"{path} is null"
            return
        kind = kind.of_type
    if value is None:
        return
    if graphql.is_list_type(kind):
        for position, item in enumerate(value):
            yield from _value(kind.of_type, selections, item, fragments, f"{path}[{position}]")
    elif graphql.is_enum_type(kind):
        if value not in kind.values:
            yield f"{path} is {value!r}, which {kind.name} does not have"
    elif graphql.is_leaf_type(kind):
        if not isinstance(value, _SCALARS[kind.name]) or (isinstance(value, bool) and kind.name != "Boolean"):
            yield f"{path} is no {kind.name}"
    else:
        yield from _object(_concrete(kind, value), selections, value, fragments, path)


def _concrete(kind: Any, value: Mapping[str, Any]) -> Any:
    """The object type that an interface or union turned out to be: by its __typename, or by its global id."""
    if not graphql.is_abstract_type(kind):
        return kind
    name = value.get("__typename") or str(value["id"]).split("/")[3]
    return schema().type_map[name]


_SCALARS: Mapping[str, Any] = {
    "ID": str,
    "String": str,
    "Boolean": bool,
    "Int": int,
    "Float": (int, float),
    "DateTime": str,
    "Decimal": str,
    "UnsignedInt64": str,
    "URL": str,
}


def webhook_schema(topic: str) -> dict[str, Any]:
    """The JSON schema of a topic's payload; it was made from samples, so it knows only what these held."""
    return _json("webhook-schemas-2026-04", f"{_file(topic)}.schema.json")


def sample(topic: str) -> dict[str, Any]:
    """The vendor's sample of a topic's payload, ids exact."""
    return _json("webhook-payloads-2026-04-exact-ids", f"{_file(topic)}.json")


def delivered(topic: str) -> dict[str, Any]:
    """A delivery captured in 2024: headers and body. The tool that captured it rounded the ids."""
    return _json("webhook-deliveries-2024-10", f"{_file(topic)}.json")


def announced(topic: str) -> dict[str, Any]:
    """A topic as the vendor describes it, with a sample in `response`, whose ids are rounded."""
    return _json("webhook-topics-2026-04", f"{_file(topic)}.json")


def topics() -> list[str]:
    """The topics that have a schema."""
    folder = vendor_file("shopify", "webhook-schemas-2026-04")
    return sorted(file.name.removesuffix(".schema.json") for file in folder.iterdir())


def _file(topic: str) -> str:
    return topic.replace("/", ".")


def _json(*parts: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(vendor_file("shopify", *parts).read_text())
    return found
