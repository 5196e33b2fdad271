"""A time-stamp authority's answers, which are OpenSSL's own, and what is made of each that is no use."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.errors import OutsideError, RefusedError, UnavailableError, UnreadableError
from blocks.sealing.tsa import Authority as Asked
from blocks.sealing.tsa import Roots, read_stamp, reason_not_believed
from blocks.wire.der import elements, with_sorted_certificates
from tests.authority import Authority

HEAD = b"a signed head\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with Authority(tmp_path_factory.mktemp("tsa")).open() as opened:
        yield opened


@pytest.fixture(autouse=True)
def _truthful(authority: Authority) -> Iterator[None]:
    yield
    authority.answers = None


def roots(authority: Authority) -> Roots:
    return Roots.read(authority.roots.read_bytes())


async def test_it_sees_the_digest_alone_and_its_answer_says_when(authority):
    answer = await Asked(authority.url, roots(authority)).stamp(HEAD)
    assert HEAD not in authority.asked[-1]
    stamp = read_stamp(answer)
    assert stamp is not None
    assert abs(stamp.at - datetime.now(UTC)) < timedelta(minutes=1)
    assert stamp.by == "Clock & Sons"
    assert reason_not_believed(answer, HEAD, roots(authority)) is None


@pytest.mark.parametrize(
    ("answers", "error", "says"),
    [
        (lambda _: (503, b"later"), UnavailableError, "it answered 503"),
        (lambda _: (429, b"slowly"), UnavailableError, "it answered 429"),
        (lambda _: (404, b"gone"), RefusedError, "check ALMONER_TSA_URL"),
        (lambda _: (200, b"<html>sign in</html>"), UnreadableError, "no answer of RFC 3161"),
        (lambda _: (200, b""), UnreadableError, "no answer of RFC 3161"),
        (lambda _: (200, b"0" * 70_000), UnreadableError, "70,000 bytes"),
        (lambda _: (200, bytes.fromhex("30053003020102")), RefusedError, "it gave none: status 2"),
    ],
    ids=["503", "429", "404", "a page", "nothing", "too much", "rejected"],
)
async def test_what_is_no_stamp_is_told_by_what_to_do_about_it(authority, answers, error, says):
    authority.answers = answers
    with pytest.raises(error, match=says):
        await Asked(authority.url).stamp(HEAD)


async def test_an_authority_that_hangs_or_is_not_there_is_unavailable(authority):
    authority.answers = lambda _: (time.sleep(0.5), (200, b""))[1]
    with pytest.raises(UnavailableError, match="does not answer"):
        await Asked(authority.url, timeout_s=0.1).stamp(HEAD)
    with pytest.raises(UnavailableError, match="does not answer"):
        await Asked("http://127.0.0.1:9/tsa").stamp(HEAD)


def another_question(authority: Authority, *, same_data: bool) -> Callable[[bytes], tuple[int, bytes]]:
    """Answer an earlier question about the same, or another."""
    earlier = authority.asked[0] if same_data else authority.asked[1]
    return lambda _: (200, authority.answer(earlier))


async def test_an_answer_to_another_question_is_not_taken(authority):
    authority.asked.clear()
    for data in (HEAD, b"another head\n"):
        await Asked(authority.url).stamp(data)
    authority.answers = another_question(authority, same_data=True)
    with pytest.raises(UnreadableError, match="the nonce differs"):
        await Asked(authority.url).stamp(HEAD)
    authority.answers = another_question(authority, same_data=False)
    with pytest.raises(UnreadableError, match="the imprint differs"):
        await Asked(authority.url).stamp(HEAD)


async def test_who_signed_must_be_vouched_for_by_the_roots_and_valid_when_they_did(authority, tmp_path):
    with Authority(tmp_path / "other", "Elsewhere").open() as other:
        with pytest.raises(UnreadableError, match="vouched for by none of the roots"):
            await Asked(other.url, roots(authority)).stamp(HEAD)
        answer = await Asked(other.url).stamp(HEAD)
        assert "vouched for by none" in str(reason_not_believed(answer, HEAD, roots(authority)))
        assert reason_not_believed(answer, HEAD, roots(other)) is None
    for valid in ((-20, -10), (10, 20)):
        with (
            Authority(tmp_path / f"{valid[0]}", "Past", valid).open() as late,
            pytest.raises(UnreadableError, match=r"the certificate of Past was valid from .* not when it stamped"),
        ):
            await Asked(late.url, roots(late)).stamp(HEAD)


def test_roots_that_are_none_are_told():
    with pytest.raises(UnreadableError, match="no certificates in PEM"):
        Roots.read(b"-----BEGIN NOTHING-----")


@pytest.fixture
async def answer(authority: Authority) -> bytes:
    return await Asked(authority.url, roots(authority)).stamp(HEAD)


def signed_part(answer: bytes) -> range:
    """Find what the signature is over: the first octet string of the token, its content."""
    (whole,) = elements(answer, 0, len(answer))
    token = elements(answer, whole.content, whole.end)[1]
    explicit = elements(answer, token.content, token.end)[1]
    (signed,) = elements(answer, explicit.content, explicit.end)
    content = elements(answer, signed.content, signed.end)[2]
    return range(content.content, content.end)


async def test_any_bit_flipped_of_what_was_signed_is_found(authority, answer):
    places = signed_part(answer)
    assert len(places) > 100
    for place in places:
        flipped = bytearray(answer)
        flipped[place] ^= 1 << Random(place).randrange(8)  # noqa: S311  to be the same every time
        assert reason_not_believed(bytes(flipped), HEAD, roots(authority)), place


@given(data=st.binary(max_size=300))
def test_whatever_bytes_there_are_reading_them_ends_in_a_stamp_or_none(data):
    assert read_stamp(data) is None
    assert reason_not_believed(data, HEAD, None) == "it is no stamp of RFC 3161"
    assert with_sorted_certificates(data) == data


async def test_certificates_in_whatever_order_are_read_and_the_same(authority, answer):
    """OpenSSL writes the leaf first; DER sorts. Half of all authorities would be unreadable."""
    (whole,) = elements(answer, 0, len(answer))
    token = elements(answer, whole.content, whole.end)[1]
    explicit = elements(answer, token.content, token.end)[1]
    (signed,) = elements(answer, explicit.content, explicit.end)
    held = elements(answer, signed.content, signed.end)[3]
    certificates = [answer[x.start : x.end] for x in elements(answer, held.content, held.end)]
    assert len(certificates) == 2
    for order in (certificates, certificates[::-1]):
        turned = answer[: held.content] + b"".join(order) + answer[held.end :]
        assert reason_not_believed(turned, HEAD, roots(authority)) is None
        assert with_sorted_certificates(turned) == with_sorted_certificates(answer)


def test_every_error_is_one_that_the_caller_asks_again_after():
    assert issubclass(UnavailableError, OutsideError)
    assert issubclass(RefusedError, OutsideError)
    assert issubclass(UnreadableError, OutsideError)
