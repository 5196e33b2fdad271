"""Holds one server and lets it go when the supervisor is gone. A program of its own: standard library only.

    keeper.py STOP_SIGNAL GRACE_SECONDS UID GID COMMAND...      (UID -1: stay who we are)

Standard input is the leash: each byte on it is a signal number for the server; its end means "stop", whether
the supervisor closed it or was killed outright, so a crash and an orderly stop take the same, always-used
path. Standard output tells the supervisor `pid N` and `exit N`; standard error is the server's log. Server
and keeper are one process group: whatever the server leaves behind goes with it.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time

_NOT_STARTED = 127
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def main(stop_signal: int, grace_s: float, uid: int, gid: int, command: list[str]) -> None:
    """Run the command, obey the leash, and end with the whole group."""
    try:
        server = _start(uid, gid, command)
    except OSError as error:
        os.write(2, f"{command[0]}: {error}\n".encode())
        _tell(f"exit {_NOT_STARTED}")
        return
    _tell(f"pid {server.pid}")
    threading.Thread(target=_obey, args=(server, stop_signal, grace_s), daemon=True).start()
    _tell(f"exit {server.wait()}")
    os.killpg(0, signal.SIGKILL)


def _start(uid: int, gid: int, command: list[str]) -> "subprocess.Popen[bytes]":
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def die_with_keeper() -> None:
        # Should the keeper itself be killed, the kernel sees to the server. Elsewhere than on Linux the
        # supervisor does, as long as it lives.
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    same = uid < 0
    # Running what it is given is a keeper's trade. No thread has been started yet, so preexec_fn is safe.
    return subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.DEVNULL,
        stdout=2,
        stderr=2,
        preexec_fn=die_with_keeper,  # noqa: PLW1509
        user=None if same else uid,
        group=None if same else gid,
        extra_groups=None if same else [],
    )


def _obey(server: "subprocess.Popen[bytes]", stop_signal: int, grace_s: float) -> None:
    while order := os.read(0, 1):
        server.send_signal(order[0])
    server.send_signal(stop_signal)
    time.sleep(grace_s)
    server.kill()


def _tell(line: str) -> None:
    # Nobody may be listening any more; the server is stopped all the same.
    with contextlib.suppress(BrokenPipeError):
        os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5:])
