"""Names: the same thing always gets the same name."""

from hypothesis import given
from hypothesis import strategies as st

from blocks.wire.names import case_of, effect_key, reference

texts = st.text(st.characters(codec="utf-8"))


@given(source=st.from_regex(r"[a-z0-9][a-z0-9-]{0,39}", fullmatch=True), message=texts)
def test_a_case_is_named_after_its_message_in_ten_letters_one_can_read_out(source, message):
    name = case_of("RQ", source, message)
    assert name == case_of("RQ", source, message)
    assert name.startswith("RQ-")
    assert len(name) == 13
    assert name != case_of("RQ", source, message + "x")
    assert name != case_of("RQ", f"{source}x", message)


def test_names_never_change_between_releases():
    """A release that renamed them would order twice."""
    assert case_of("RQ", "inventory", "42") == "RQ-OKIPKKIRS6"
    assert effect_key("RQ-OKIPKKIRS6", "order") == "35326996095a46e2715d148adda65020"
    assert reference("k") == "almoner:k"


def test_each_effect_and_revision_has_a_key_of_its_own():
    keys = {effect_key(case, effect, n) for case in ("A", "B") for effect in ("order", "issue") for n in range(3)}
    assert len(keys) == 12
