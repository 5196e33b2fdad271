"""Segregation on one case, on the way out: what was decided or settled is judged again before a process goes by it."""

from blocks import connect
from blocks.ledger import Chain
from blocks.proofs.segregation import done_on, persons_of, reason_kept_apart
from blocks.records.ledger import Line


async def reason_not_to_count(line: Line, chain: Chain) -> str | None:
    """Say why a decision, or a word on an effect, does not count by what its persons did on the case before; or None.

    Judged by the policies of that moment, which are read only where they did anything.
    """
    before = chain.lines[: next(place for place, one in enumerate(chain.lines) if one is line)]
    if not any(one.persons & persons_of(line) for one in done_on(before)):
        return None
    return reason_kept_apart(line, before, await connect.shelf().policies_at(line.at))
