"""Groups of another system beside the roles of the directory."""

import pytest

from blocks.records.people import Grant
from tasks.rules.groups import compare, role_of
from tests.samples import people, person

FINANCE = Grant(role="finance-director")
STAFF = people(
    person("ana.silva", FINANCE, slack_user="U0ANA"),
    person("leo.brandt", FINANCE, slack_user="U0LEO"),
    person("gus.varga", FINANCE, slack_user="U0GUS", active=False),
    person("mei.tan", slack_user="U0MEI"),
    person("carl.moss", FINANCE),
)


def test_both_sides_are_told_apart_and_who_has_left_or_has_no_account_is_in_no_group():
    apart = compare({"U0ANA", "U0MEI", "U0GUS", "U0NEW"}, "finance-director", STAFF)
    assert [one.id for one in apart.only_in_group] == ["gus.varga", "mei.tan"]
    assert apart.unknown == ("U0NEW",)
    assert [one.id for one in apart.only_in_role] == ["leo.brandt", "carl.moss"]
    assert not apart.agree


def test_the_same_people_agree():
    assert compare({"U0ANA"}, "finance-director", people(person("ana.silva", FINANCE, slack_user="U0ANA"))).agree


@pytest.mark.parametrize(
    ("handle", "role"),
    [("procurement-lead", "procurement-lead"), ("procurement-leads", "procurement-lead"), ("all", None)],
)
def test_a_group_is_the_role_that_it_is_called_after(handle, role):
    assert role_of(handle) == role
