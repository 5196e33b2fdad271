"""DER, the little that is needed of it: the certificates of a signed message in the order that DER asks for.

CMS keeps certificates as a *set* (RFC 5652, 5.1), which DER sorts by its bytes. OpenSSL, and many an authority with it,
writes them leaf first. That harms nobody, for no signature is over their order; but a strict reader takes half of such
messages for unreadable. So they are sorted before they are read. What is kept stays as it came.
"""

from typing import NamedTuple

SEQUENCE, SET_OF_CERTIFICATES, EXPLICIT = 0x30, 0xA0, 0xA0
LONG = 0x80


class Element(NamedTuple):
    """One element in its bytes: from where to where, and where its content begins."""

    tag: int
    start: int
    content: int
    end: int


def elements(data: bytes, start: int, end: int) -> list[Element]:
    """List the elements between two places; ValueError where they are none."""
    found = []
    while start < end:
        tag, length, content = data[start], data[start + 1] if start + 1 < end else LONG, start + 2
        if length >= LONG:
            content += length - LONG
            length = int.from_bytes(data[start + 2 : content])
        if content + length > end or content == start + 2 + LONG:
            raise ValueError(f"no DER at byte {start}")
        found.append(Element(tag, start, content, content + length))
        start = content + length
    return found


def with_sorted_certificates(answer: bytes) -> bytes:
    """Sort the certificates in a time-stamp authority's answer (RFC 3161, 2.4.2); as it came where it holds none."""
    try:
        (whole,) = elements(answer, 0, len(answer))
        _, token = elements(answer, whole.content, whole.end)  # status, then the token
        _, explicit = elements(answer, token.content, token.end)  # what it is, then it
        (signed,) = elements(answer, explicit.content, explicit.end)
        parts = elements(answer, signed.content, signed.end)
        held = next(part for part in parts if part.tag == SET_OF_CERTIFICATES)
        certificates = [answer[one.start : one.end] for one in elements(answer, held.content, held.end)]
    except (ValueError, StopIteration):
        return answer
    return answer[: held.content] + b"".join(sorted(certificates)) + answer[held.end :]
