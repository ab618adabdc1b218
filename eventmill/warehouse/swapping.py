"""Two folders change places in one step, so that a path always leads to a whole one of them."""

import ctypes
import errno
import os
from pathlib import Path

# Of Linux (include/uapi/linux/fs.h) and macOS (sys/stdio.h); neither is in Python's os.
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_RENAME_SWAP = 2


def exchange(first: Path, second: Path) -> bool:
    """Let two folders of one file system change names, atomically; both are there.

    False, and nothing is done, where the system or the file system cannot (NFS). Raises OSError.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    here, there = os.fsencode(first), os.fsencode(second)
    if hasattr(libc, "renameat2"):
        failed = libc.renameat2(_AT_FDCWD, here, _AT_FDCWD, there, _RENAME_EXCHANGE)
    elif hasattr(libc, "renamex_np"):
        failed = libc.renamex_np(here, there, _RENAME_SWAP)
    else:
        return False
    if not failed:
        return True
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
        return False
    raise OSError(number, os.strerror(number), str(first), None, str(second))
