"""What a pack of a period covers: which of the log's entries must be in it, while the log itself is of all time."""

from typing import NamedTuple

from blocks.books import DIRECTORY, DUTIES, FINGERPRINT, POLICY
from blocks.proofs.keyring import PASSKEYS

JUDGED_BY = frozenset({POLICY, DIRECTORY, DUTIES, PASSKEYS, FINGERPRINT})
"""Books without which nothing can be judged: they are in every pack, from their first entry on."""


class Scope(NamedTuple):
    """From which moment on (UTC, as the log's entries print it), and until before which."""

    since: str
    until: str

    def demands(self, case: str, at: str) -> bool:
        """Say whether an entry that was sealed then must be there.

        So each entry is asked for in the pack of exactly one month, that in which it was sealed. What came before in a
        chain is asked for by the chain itself.
        """
        return at < self.until and (at >= self.since or case in JUDGED_BY)
