"""What a new directory changes, told person by person."""

import pytest

from blocks.records.people import Grant, Person
from tasks.rules.directory import differences, only_takes_away, reason_not_to_adopt
from tests.samples import people, person, usd

LEAD = Grant(role="procurement-lead", cost_centres=("OR",), limit=usd(500))
ANA = person("ana.silva", LEAD, slack_team="T1", slack_user="U0ANA", cost_centres=("OR",))


def changed(**fields: object) -> Person:
    return ANA.model_copy(update=fields)


@pytest.mark.parametrize(
    ("after", "told"),
    [
        ((), ["is gone"]),
        ((ANA,), []),
        ((changed(active=False),), ["has left"]),
        ((changed(grants=()),), ["loses procurement-lead of OR, up to $500.00"]),
        ((changed(slack_user="U0NEW"),), ["is U0NEW in Slack, not U0ANA"]),
        ((changed(cost_centres=()),), ["may ask for every cost centre"]),
        ((changed(asks=False),), ["may not ask"]),
        ((changed(title="Lead"),), ["title: none → Lead"]),
        ((changed(owns=("OR", "LAB")),), ["owns: none → OR, LAB"]),
        ((changed(manager_limit=usd(5000)),), ["manager_limit: any amount → $5,000.00"]),
    ],
)
def test_what_becomes_of_somebody_is_told(after, told):
    assert [one.what for one in differences(people(ANA), people(*after))] == told


def test_who_is_new_is_told_with_what_they_gain_and_who_comes_back():
    assert [one.what for one in differences(None, people(ANA))] == [
        "is new",
        "gains procurement-lead of OR, up to $500.00",
    ]
    assert [one.what for one in differences(people(changed(active=False)), people(ANA))] == ["is active again"]


def test_who_is_new_and_stands_above_others_is_told_with_how_much_they_approve():
    head = person("hal.head", manager_limit=usd(5000), owns=("LAB",))
    free, clerk = person("fay.free"), person("cleo.clerk", manager="fay.free")
    assert [(one.person, one.what) for one in differences(None, people(head, free, clerk))] == [
        ("cleo.clerk", "is new"),
        ("fay.free", "is new"),
        ("fay.free", "approves any amount as a manager or an owner"),
        ("hal.head", "is new"),
        ("hal.head", "answers for LAB"),
        ("hal.head", "approves up to $5,000.00 as a manager or an owner"),
    ]


EVERY: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("before", "after", "less"),
    [
        (("OR",), EVERY, False),
        (EVERY, ("OR",), True),
        (EVERY, EVERY, True),
        (("OR", "LAB"), ("LAB",), True),
        (("OR",), ("LAB",), False),
    ],
)
def test_who_names_no_cost_centre_asks_for_every_one_so_that_only_naming_some_takes_away(before, after, less):
    old, new = changed(cost_centres=before), changed(cost_centres=after)
    assert only_takes_away(people(old), people(new)) is less


def test_somebody_new_is_no_taking_away_and_somebody_gone_is():
    assert not only_takes_away(people(), people(ANA))
    assert only_takes_away(people(ANA), people())


def test_two_people_share_no_account():
    other = ANA.model_copy(update={"id": "ana.other"})
    assert reason_not_to_adopt(people(ANA, other)) == "slack_user: two people share the account U0ANA"


def test_nobody_stands_there_twice():
    assert reason_not_to_adopt(people(ANA)) is None
    assert reason_not_to_adopt(people(ANA, person("ana.silva"))) == "people: ana.silva stands there twice"
