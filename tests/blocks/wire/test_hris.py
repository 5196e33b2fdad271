"""People extracts: what they say, and what is wrong with them."""

import pytest

from blocks.wire.hris import GRANTS, PEOPLE, read_people
from tests.samples import usd

HEAD, GHEAD = ",".join(PEOPLE), ",".join(GRANTS)
ANA = "ana.silva,Ana Silva,ana@mercy.example,Manager,,yes,OR;ICU"
RITA = "rita.okafor,Rita Okafor,,Nurse,ana.silva,,OR"


def files(*people: str, grants: tuple[str, ...] = ()) -> tuple[bytes, bytes]:
    return "\n".join((HEAD, *people)).encode(), "\n".join((GHEAD, *grants)).encode()


def test_people_are_read_with_what_they_may_decide():
    grants = ('ana.silva,department-manager,OR;ICU,"25,000.00",USD', "ana.silva,finance-director,,,")
    (ana, rita), issues = read_people(*files(ANA, RITA, grants=grants))
    assert issues == ()
    assert (ana.cost_centres, ana.active, rita.manager, rita.active) == (("OR", "ICU"), True, "ana.silva", True)
    manager, director = ana.grants
    assert (manager.cost_centres, manager.limit) == (("OR", "ICU"), usd("25000.00"))
    assert (director.cost_centres, director.limit) == (("*",), None)


def test_what_somebody_answers_for_and_approves_as_a_manager_may_be_among_the_columns():
    rows = (f"{HEAD},owns,manager_limit,currency", f'{ANA},OR;LAB,"5,000",USD', f"{RITA},,,")
    (ana, rita), issues = read_people("\n".join(rows).encode(), GHEAD.encode())
    assert (ana.owns, ana.manager_limit, issues) == (("OR", "LAB"), usd(5000), ())
    assert (rita.owns, rita.manager_limit) == ((), None)


def test_of_columns_that_are_left_out_it_says_nothing():
    (ana,), issues = read_people(*files(ANA))
    assert (issues, ana.model_fields_set & {"owns", "manager_limit"}) == ((), set())
    row = (f"{HEAD},owns,manager_limit,currency", f"{ANA},,,")
    (told,), _ = read_people("\n".join(row).encode(), GHEAD.encode())
    assert told.model_fields_set > {"owns", "manager_limit"}


def test_nobody_is_granted_what_follows_from_where_they_stand():
    found, issues = read_people(*files(ANA, grants=("ana.silva,line-manager,,,",)))
    assert found == ()
    assert "it follows from `manager` and `owns`" in str(issues[0])


def test_a_spreadsheet_s_byte_order_mark_is_no_part_of_the_header():
    people, grants = files(ANA)
    found, issues = read_people(b"\xef\xbb\xbf" + people, grants)
    assert (len(found), issues) == (1, ())


BAD = [
    ("a word for active", files(ANA.replace("yes", "perhaps")), 0, "people line 2, active: 'perhaps': write yes or no"),
    ("twice the same", files(ANA, ANA), 1, "people line 3, id: ana.silva occurs twice"),
    ("an unknown role", files(ANA, grants=("ana.silva,king,,,",)), 1, "grants line 2, role"),
    ("a limit that is none", files(ANA, grants=("ana.silva,finance-director,,much,USD",)), 1, "limit.amount"),
    ("a limit without a currency", files(ANA, grants=("ana.silva,finance-director,,5,",)), 1, "limit.currency"),
    ("a stranger's grant", files(ANA, grants=("x.y,finance-director,,,",)), 1, "x.y is not among the people"),
    ("a stranger for a manager", files(RITA), 1, "rita.okafor's manager ana.silva is not among them"),
    ("too few fields", files("ana.silva,Ana"), 0, "people line 2, row: has not 7 fields"),
    ("no header", (b"a,b\n1,2", b""), 0, "people line 1, header: lacks id, name"),
    ("Latin-1", (HEAD.encode() + b"\nx,J\xf6rg,,,,,", GHEAD.encode()), 0, "is not UTF-8 at byte"),
    ("no id", files(ANA.replace("ana.silva", "")), 0, "people line 2, id"),
]


@pytest.mark.parametrize(("given", "left", "told"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_a_bad_row_is_named_and_the_others_are_read(given, left, told):
    found, issues = read_people(*given)
    assert len(found) == left
    assert any(told in str(issue) for issue in issues), [str(issue) for issue in issues]
