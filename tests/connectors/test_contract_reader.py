"""The contract reader finds what is wrong: a reader that lets all pass would make every contract test worthless."""

import json

import pytest

from tests.connectors.contract import FORM, Contract, ContractBroken

PERSON = {
    "type": "object",
    "required": ["id", "email"],
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "email": {"type": "string"},
        "status": {"type": "string", "enum": ["on", "off"]},
        "born": {"type": "string", "format": "date", "nullable": True},
        "friend": {"$ref": "#/components/schemas/Person"},
        "free": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
OPENAPI = {
    "openapi": "3.0.1",
    "servers": [{"url": "https://api.example.com/v1"}],
    "paths": {
        "/people/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
            "put": {
                "parameters": [{"name": "dry", "in": "query", "schema": {"type": "boolean"}}],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Person"}}},
                },
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Named"}}}},
                    "204": {},
                },
            },
        },
        "/people/me": {"get": {"responses": {"204": {}}}},
    },
    "components": {
        "schemas": {
            "Person": PERSON,
            "Named": {
                "allOf": [
                    {"$ref": "#/components/schemas/Person"},
                    {"type": "object", "properties": {"name": {"type": "string"}}},
                ]
            },
        }
    },
}
SWAGGER = {
    "swagger": "2.0",
    "basePath": "/3.0",
    "paths": {
        "/messages": {
            "post": {
                "parameters": [
                    {"name": "To", "in": "formData", "type": "string", "required": True},
                    {"name": "Tries", "in": "formData", "type": "integer"},
                ],
                "responses": {"200": {"schema": {"$ref": "#/definitions/Message"}}},
            }
        }
    },
    "definitions": {"Message": {"type": "object", "properties": {"sid": {"type": "string"}}}},
}
GOOD = {"email": "ada@example.com"}
ANSWER = {"id": 1, "email": "ada@example.com"}


@pytest.fixture
def contract(tmp_path):
    def made(document, **options):
        file = tmp_path / "contract.json"
        file.write_text(json.dumps(document))
        return Contract(file, **options)

    return made


@pytest.mark.parametrize(
    ("request_body", "answer"),
    [
        (GOOD, ANSWER),
        (GOOD | {"status": "on", "born": None, "free": {"any": "thing"}}, ANSWER | {"name": "Ada"}),
        (GOOD | {"friend": {"email": "bob@example.com", "born": "1815-12-10"}}, ANSWER | {"friend": ANSWER}),
    ],
)
def test_traffic_within_the_contract_passes(contract, request_body, answer):
    contract(OPENAPI).check("PUT", "/v1/people/7", request_body, 200, answer)


@pytest.mark.parametrize(
    ("path", "request_body", "status", "answer", "says"),
    [
        ("/v1/nobody", GOOD, 200, ANSWER, "no such operation"),
        ("/people/7", GOOD, 200, ANSWER, "no such operation"),
        ("/v1/people/seven", GOOD, 200, ANSWER, "path id"),
        ("/v1/people/7", None, 200, ANSWER, "body is missing"),
        ("/v1/people/7", {}, 200, ANSWER, "'email' is a required property"),
        ("/v1/people/7", GOOD | {"id": 1}, 200, ANSWER, "'id' was unexpected"),
        ("/v1/people/7", GOOD | {"colour": "red"}, 200, ANSWER, "'colour' was unexpected"),
        ("/v1/people/7", GOOD | {"status": "maybe"}, 200, ANSWER, "request.status"),
        ("/v1/people/7", GOOD | {"born": "yesterday"}, 200, ANSWER, "is not a 'date'"),
        ("/v1/people/7", GOOD | {"friend": {"email": 5}}, 200, ANSWER, "request.friend.email"),
        ("/v1/people/7", GOOD | {"friend": GOOD | {"pet": 1}}, 200, ANSWER, "'pet' was unexpected"),
        ("/v1/people/7", GOOD | {"free": {"any": 1}}, 200, ANSWER, "request.free.any"),
        ("/v1/people/7", GOOD, 200, {"id": 1}, "response: 'email' is a required property"),
        ("/v1/people/7", GOOD, 200, ANSWER | {"extra": 1}, "'extra' was unexpected"),
        ("/v1/people/7", GOOD, 200, None, "response: the body is missing"),
        ("/v1/people/7", GOOD, 201, ANSWER, "no status 201"),
        ("/v1/people/7", GOOD, 500, {}, "no status 500"),
        ("/v1/people/7", GOOD, 204, ANSWER, "where the contract has none"),
    ],
)
def test_each_breach_is_found_and_named(contract, path, request_body, status, answer, says):
    with pytest.raises(ContractBroken, match=says):
        contract(OPENAPI).check("PUT", path, request_body, status, answer)


def test_a_body_that_the_contract_describes_elsewhere_may_not_be_missing_either(contract):
    moved = json.loads(json.dumps(OPENAPI))
    put = moved["paths"]["/people/{id}"]["put"]
    moved["components"]["requestBodies"] = {"Whole": put["requestBody"]}
    put["requestBody"] = {"$ref": "#/components/requestBodies/Whole"}
    contract(moved).check("PUT", "/v1/people/7", GOOD, 200, ANSWER)
    with pytest.raises(ContractBroken, match="body is missing"):
        contract(moved).check("PUT", "/v1/people/7", None, 200, ANSWER)


def test_a_query_parameter_must_be_declared_and_of_its_type(contract):
    made = contract(OPENAPI)
    made.check("PUT", "/v1/people/7", GOOD, 200, ANSWER, query={"dry": ["true"]})
    for query in ({"dry": ["perhaps"]}, {"wet": ["true"]}):
        with pytest.raises(ContractBroken, match="query"):
            made.check("PUT", "/v1/people/7", GOOD, 200, ANSWER, query=query)


def test_a_literal_path_counts_before_one_with_names(contract):
    made = contract(OPENAPI)
    made.check("GET", "/v1/people/me", None, 204, None)
    assert made.knows("GET", "/v1/people/me")
    assert not made.knows("GET", "/v1/people/7")


def test_a_form_is_checked_field_by_field(contract):
    made = contract(SWAGGER)
    made.check("POST", "/3.0/messages", {"To": "+14155550100", "Tries": "3"}, 200, {"sid": "SM1"}, request_type=FORM)
    for form in ({"Tries": "3"}, {"To": "x", "Tries": "often"}, {"To": "x", "Colour": "red"}):
        with pytest.raises(ContractBroken, match="request"):
            made.check("POST", "/3.0/messages", form, 200, {"sid": "SM1"}, request_type=FORM)
    with pytest.raises(ContractBroken, match="body is missing"):
        made.check("POST", "/3.0/messages", None, 200, {"sid": "SM1"})
    with pytest.raises(ContractBroken, match="it is application/json"):
        made.check("POST", "/3.0/messages", {"To": "x"}, 200, {"sid": "SM1"}, request_type="application/json")


def test_an_undocumented_error_passes_only_where_that_was_asked_for(contract):
    contract(SWAGGER, undocumented_errors=True).check("POST", "/3.0/messages", {}, 429, {"any": "thing"})
    with pytest.raises(ContractBroken, match="no status 429"):
        contract(SWAGGER).check("POST", "/3.0/messages", {}, 429, {"any": "thing"})
