"""The holder picks what a buyer sees, by what it gives away or by name; the verifier says what stays closed."""

import pytest

import examples
from traceability.core import events
from traceability.core.disclosing import CHOICES, chosen, group_of
from traceability.core.errors import Malformed
from traceability.core.events import Event


def sealing() -> list[tuple[Event, str]]:
    """Every sealed path of the examples of all kinds, with its event."""
    found = [events.parse(examples.encoded(kind)) for kind in events.KINDS]
    return [(event, path) for event in found for path, _ in event.sealed]


def test_a_group_opens_its_own_fields_and_no_others():
    """Each field of each kind is opened by one group; codes of tags by none, not by `all` either."""
    seen = set()
    for event, path in sealing():
        opening = [group for group in CHOICES if chosen([group])(7, event, path)]
        group = group_of(event, path)
        assert opening == ([] if group == "codes" else [group])
        assert chosen(["all"])(7, event, path) == (group != "codes")
        assert not chosen([])(7, event, path)
        seen.add(group)
    assert seen >= {*CHOICES, "codes"} - {"documents"}


def test_a_path_opens_it_everywhere_or_in_one_entry():
    """`/prices` opens the prices of every entry, `41207/prices` of that entry alone."""
    event, path = next((event, path) for event, path in sealing() if path == "/prices")
    assert chosen(["/prices"])(1, event, path)
    assert chosen(["41207/prices"])(41207, event, path)
    assert not chosen(["41207/prices"])(41208, event, path)
    assert not chosen(["/terms", "names"])(41207, event, path)


@pytest.mark.parametrize("word", ["price", "", "codes", "/", "prices,names", "-1/prices", "1//x"])
def test_what_is_no_choice_is_refused_with_those_there_are(word):
    """The error names the groups."""
    with pytest.raises(Malformed, match="prices, names, place, documents, notes"):
        chosen([word])
