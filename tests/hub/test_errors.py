"""The tree of errors is as its page says, and what they say holds no personal data."""

import time

import pytest

from hub import errors


def children(line):
    """The names in one line of the tree, the drawing and the explanation left out."""
    names = line.replace("├──", "").replace("└──", "").replace("│", "").strip()
    return [name.strip() for name in names.split("  ")[0].split("·")]


def tree():
    """Each class in the docstring's tree, and the class it is drawn under."""
    above, drawn = {}, {}
    for line in errors.__doc__.split("\n\n")[1].splitlines():
        depth = next((i for i, sign in enumerate(line) if sign.isalpha()), 0) // 4
        for name in children(line):
            drawn[name] = above.get(depth - 1)
            above[depth] = name
    return drawn


def classes():
    return {
        name: found
        for name, found in vars(errors).items()
        if isinstance(found, type) and found.__module__ == errors.__name__
    }


def test_the_tree_in_the_docstring_is_that_of_the_classes():
    assert tree() == {
        name: None if name == "HubError" else found.__mro__[1].__name__ for name, found in classes().items()
    }


@pytest.mark.parametrize("found", classes().values(), ids=lambda found: found.__name__)
def test_an_error_says_a_sentence_where_none_is_given(found):
    assert str(found()) == " ".join(found.__doc__.split("\n\n")[0].split())
    assert str(found()).endswith(".")
    assert str(found("This happened.")) == "This happened."


def test_a_refused_delivery_is_answered_401_and_an_unreadable_one_400():
    assert {found.status for found in (errors.SignatureWrong, errors.SecretMissing)} == {401}
    assert errors.PayloadUnreadable.status == 400


def test_a_failed_action_carries_what_the_provider_said():
    failed = errors.RateLimited("Slower.", after=2.5, status=429, code="20429")
    assert (str(failed), failed.after, failed.status, failed.code) == ("Slower.", 2.5, 429, "20429")
    assert errors.Rejected().status is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ada@example.com is unknown", "… is unknown"),
        ("<ada@example.com>, bob@example.com", "<…>, …"),
        ("To +1 (415) 555-0100 failed", "To … failed"),
        ("card 4111-1111-1111-1111", "card …"),
        ("HTTP 429 after 30 s, code 21610", "HTTP 429 after 30 s, code 21610"),
        ("", ""),
    ],
)
def test_addresses_and_long_numbers_are_taken_out(text, expected):
    assert errors.scrubbed(text) == expected


def test_given_values_are_taken_out_longest_first_but_not_the_shortest_words():
    assert errors.scrubbed("Ada Lovelace, Ada, in", ["Ada", "Ada Lovelace", "in", 7]) == "…, …, in"


def test_no_part_of_an_address_is_left_when_its_name_is_a_value():
    assert errors.scrubbed("ada@example.com", ["ada"]) == "…"


def test_a_long_text_is_cut_to_300_characters():
    assert errors.scrubbed("word " * 100) == ("word " * 100)[:299] + "…"


@pytest.mark.parametrize("text", ["a" * 200_000, "1 " * 100_000, "1" + "(" * 200_000, "@" * 100_000, "a@" * 100_000])
def test_a_huge_answer_takes_no_huge_time(text):
    before = time.process_time()
    errors.scrubbed(text)
    assert time.process_time() - before < 2  # squared, the first of these took minutes
