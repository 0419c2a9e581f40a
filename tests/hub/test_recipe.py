"""A recipe is declared with all its faults told at once, and says why an event does not start it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from hub import Event, Person, recipe, sleep, together, wait_for
from hub.errors import RecipeInvalid
from hub.recipe import FOREVER, value_at
from tests.hub import acme
from tests.hub.acme import add_tag, order_created, order_paid

EVENT = order_created.sample


@recipe(
    on=order_created, title="Thank for an order", once_per="person", cool_down=timedelta(days=7), stop_when=order_paid
)
def thank(event: Event, *, tag: str = "customer"):
    """Tags whoever orders."""
    yield add_tag(event.person.email, tag)
    return "thanked"


def has_lines(event):
    """The order has
    lines."""
    return bool(event.data.get("lines"))


def from_abroad(event):
    return event.data.get("country") != "US"


def declare(function=None, **more):
    return recipe(**({"on": order_created, "title": "T"} | more))(function or thank.function)


def test_a_recipe_is_what_it_was_declared_with():
    assert (thank.name, thank.title, thank.about) == ("thank", "Thank for an order", "Tags whoever orders.")
    assert [match.type for match in thank.on] == ["acme.order.created"]
    assert [match.type for match in thank.stop_when] == ["acme.order.paid"]
    assert thank.cool_down == timedelta(days=7)
    assert declare().cool_down == FOREVER
    assert list(thank.settings) == ["tag"]
    assert thank.module == __name__


def test_calling_a_recipe_gives_its_steps_so_another_may_yield_from_it():
    assert list(thank(EVENT, tag="vip")) == [add_tag("ada@example.com", "vip")]

    @recipe(on=order_paid, title="Paid")
    def paid(event):
        """Thanks, too."""
        yield sleep(days=1)
        return (yield from thank(event))

    assert list(paid(EVENT)) == [sleep(days=1), add_tag("ada@example.com", "customer")]
    assert paid.needs == ("acme",)


def test_every_fault_of_a_declaration_is_told_at_once():
    def idle(event):
        pass

    with pytest.raises(RecipeInvalid) as caught:
        declare(idle, on=[])
    assert str(caught.value) == (
        "Recipe idle: it yields no step, so it would do nothing; it has no docstring that tells its owner what it "
        "does; nothing starts it (on=…)."
    )


def test_what_starts_a_recipe_has_no_earlier_event_to_compare_with():
    with pytest.raises(RecipeInvalid, match="cannot use same"):
        declare(on=order_created.matching(same="id"))
    assert declare(on=order_created.matching(where={"id": 1})).on[0].where == {"id": 1}


def test_an_event_that_does_not_start_a_recipe_is_told_why_in_the_filters_words():
    filtered = declare(filters=[has_lines, from_abroad])
    assert filtered.refusal(EVENT) is None
    assert filtered.refusal(replace(EVENT, data={})) == "Not so: The order has lines."
    assert filtered.refusal(replace(EVENT, data={"lines": [1], "country": "US"})) == "Not so: from abroad."


PEOPLE = [
    (Person(email="Ada@example.com", phone="+14155550100"), "email=ada@example.com"),
    (Person(phone="+14155550100", ids={"acme.order": "1"}), "phone=+14155550100"),
    (Person(ids={"b": "2", "a": "1"}), "a=1"),
    (Person(), None),
]


@pytest.mark.parametrize(("person", "key"), PEOPLE)
def test_once_per_person_goes_by_the_best_name_there_is(person, key):
    assert thank.once_per(replace(EVENT, person=person)) == key


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"customer": {"id": 7}}, "customer.id=7"),
        ({"customer": {"id": 0}}, "customer.id=0"),
        ({"customer": {}}, None),
        ({"customer": None}, None),
        ({"customer": [7]}, None),
        ({}, None),
    ],
)
def test_once_per_field_reaches_inside_and_counts_nothing_where_it_is_missing(data, key):
    assert declare(once_per="customer.id").once_per(replace(EVENT, data=data)) == key


def test_once_per_may_be_a_function_or_nothing():
    assert declare(once_per=lambda event: "always").once_per(EVENT) == "always"
    assert declare().once_per is None


def test_a_dotted_name_reaches_a_value():
    assert value_at({"a": {"b": {"c": 1}}}, "a.b.c") == 1
    assert value_at({"a": {"b": 1}}, "a.b.c") is None
    assert value_at({"a.b": 1}, "a.b") is None


# Another service, of which the recipes below use one thing each.
OTHER = type(acme.connector)(
    "other", title="O", about="o", fields=[], verify=acme.connector.verify, limit=acme.connector.limit
)
pinged = OTHER.trigger("ping.sent", title="a ping", sample="none.json")
narrowed = pinged.matching(where={"a": 1})


@OTHER.action(repeat="repeatable", title="Ping")
def ping(client, x=1):
    """Pings."""


def helper(event):
    yield ping()


def plain(event):
    """Uses it."""
    yield ping()


def in_a_comprehension(event):
    """Uses it."""
    yield together(ping(x) for x in event.data["lines"])


def in_a_lambda(event):
    """Uses it."""
    yield (lambda: ping())()


def in_a_helper(event):
    """Uses it."""
    yield from helper(event)


def as_a_trigger(event):
    """Uses it."""
    yield wait_for(pinged, timeout=timedelta(days=1))


def as_a_match(event):
    """Uses it."""
    yield wait_for(narrowed, timeout=timedelta(days=1))


ANY = [order_created, narrowed]


def as_one_of_several(event):
    """Uses it."""
    yield wait_for(*ANY, timeout=timedelta(days=1))


@pytest.mark.parametrize(
    "function", [plain, in_a_comprehension, in_a_lambda, in_a_helper, as_a_trigger, as_a_match, as_one_of_several]
)
def test_a_recipe_needs_every_account_that_its_code_names(function):
    assert declare(function).needs == ("acme", "other")


def written(module: str, source: str, **known: object) -> dict:
    """What a module of this name holds that has this source, and knows these things."""
    found = {"__name__": module} | known
    exec(source, found)
    return found


@pytest.mark.parametrize(("module", "needs"), [("crumbs.shared", ("acme", "other")), ("bread.shared", ("acme",))])
def test_what_recipes_of_a_package_share_counts_and_what_is_elsewhere_does_not(module, needs):
    shared = written(module, "def helper(event):\n    yield ping()", ping=ping)["helper"]
    uses = written("crumbs.recipe", "def uses(event):\n    'Uses it.'\n    yield from helper(event)", helper=shared)
    assert declare(uses["uses"]).needs == needs


def test_two_modules_of_no_package_are_not_of_one():
    shared = written("shared", "def helper(event):\n    yield ping()", ping=ping)["helper"]
    uses = written("own", "def uses(event):\n    'Uses it.'\n    yield from helper(event)", helper=shared)
    assert declare(uses["uses"]).needs == ("acme",)


def through_the_package(event):
    """Uses it."""
    yield acme.add_tag("a")


def test_a_package_counts_as_its_connector_and_nothing_else_does():
    assert declare(through_the_package, on=pinged).needs == ("acme", "other")
    assert declare(through_the_package).needs == ("acme",)
