"""What the outside can do to us, named by what to do about it.

* OutsideError
  - UnavailableError   it did not answer, or asked us to come back: worth a retry
      - UnknownError   it did not answer *after we asked it to change something*: look it up, never repeat
  - RefusedError       it said no, and will say no again: a business answer
  - MismatchError      under our key it holds something else than we ask for: a person must look
  - UnreadableError    its answer is no use, unreadable or "you may not come in": an admin must look
* ConflictError        somebody else wrote that place in the ledger first: read again, decide again
* NotFoundError        there is nothing under that key
  - ForgottenError     there was, and its key was destroyed
"""


class OutsideError(Exception):
    """An outside system failed us; `system` says which, `detail` why."""

    def __init__(self, system: str, detail: str) -> None:
        super().__init__(f"{system}: {detail}")
        self.system = system
        self.detail = detail


class UnavailableError(OutsideError):
    """It did not answer, or asked us to come back."""


class UnknownError(UnavailableError):
    """It may or may not have done what we asked: the answer was lost."""


class RefusedError(OutsideError):
    """It said no, and will say no again."""


class MismatchError(OutsideError):
    """It holds something else under our key: neither a no, nor what we asked for."""


class UnreadableError(OutsideError):
    """It answered, and its answer says nothing about what we asked: unreadable, or it does not let us in."""


class ConflictError(Exception):
    """A conditional write lost: somebody else was first."""


class NotFoundError(Exception):
    """Nothing is kept under that key."""


class ForgottenError(NotFoundError):
    """The key of its subject was destroyed: what it sealed can be read by nobody any more."""
