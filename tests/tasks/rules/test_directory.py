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
        ((changed(cost_centres=()),), ["may ask for no cost centre"]),
        ((changed(asks=False),), ["may not ask"]),
        ((changed(title="Lead"),), ["title: none → Lead"]),
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


def test_somebody_new_is_no_taking_away_and_somebody_gone_is():
    assert not only_takes_away(people(), people(ANA))
    assert only_takes_away(people(ANA), people())


def test_two_people_share_no_account():
    other = ANA.model_copy(update={"id": "ana.other"})
    assert reason_not_to_adopt(people(ANA, other)) == "slack_user: two people share the account U0ANA"
