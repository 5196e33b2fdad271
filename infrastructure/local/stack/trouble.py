"""What can be wrong with a laptop, said together with what to do about it."""

import errno


class StackError(Exception):
    """The stack cannot go on; `message` says what is wrong, `remedy` what to do next."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        """Both halves, for logs and for errors nobody caught."""
        return f"{self.message}\n{self.remedy}"


def from_os(error: OSError) -> StackError:
    """Put an operating-system error in words; the ones laptops really have get a remedy of their own."""
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return disk_full(f"the disk is full{where}")
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return StackError(
            f"not allowed to write{where}.",
            "Point ALMONER_HOME at a directory you own, e.g. ALMONER_HOME=$HOME/.almoner",
        )
    if error.errno in {errno.ENOENT, errno.ENOTDIR} and error.filename:
        return StackError(f"There is no such file or folder{where}.", "Make it first, or name one that is there.")
    return StackError(f"{error.strerror or error}{where}", "See `almoner logs` for what came before.")


def disk_full(what: str) -> StackError:
    """There is no room; one remedy for every way of noticing."""
    return StackError(
        f"{what[0].upper()}{what[1:]}.",
        "Free some space, or point ALMONER_HOME at a disk that has room.",
    )
