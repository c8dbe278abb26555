"""Becomes the program in its arguments, tied to the process that started it: `python tied.py PARENT PROGRAM …`.

On Linux the program gets SIGTERM when its parent dies, however that dies. Elsewhere it stays, and the next start of
Queue Manager on the same data ends it.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def become(parent: int, program: str, *arguments: str) -> None:
    """Never returns."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit("the parent ended first")
    os.execv(program, [program, *arguments])  # noqa: S606 - no shell, and a program that we name


if __name__ == "__main__":
    become(int(sys.argv[1]), *sys.argv[2:])
