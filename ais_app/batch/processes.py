"""Is a process of this machine still there? Asked without disturbing it."""

from __future__ import annotations

import os
import socket
import sys


def host() -> str:
    """Return the name of this machine."""
    return socket.gethostname()


if sys.platform == "win32":
    import ctypes

    _QUERY, _STILL_ACTIVE, _DENIED = 0x1000, 259, 5

    def is_running(pid: int) -> bool:
        """Say whether a process of this machine is there."""
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.OpenProcess.restype = ctypes.c_void_p
        handle = kernel.OpenProcess(_QUERY, False, pid)
        if not handle:
            return bool(ctypes.get_last_error() == _DENIED)
        code = ctypes.c_ulong()
        kernel.GetExitCodeProcess(ctypes.c_void_p(handle), ctypes.byref(code))
        kernel.CloseHandle(ctypes.c_void_p(handle))
        return code.value == _STILL_ACTIVE

else:

    def is_running(pid: int) -> bool:
        """Say whether a process of this machine is there."""
        try:
            os.kill(pid, 0)  # signal 0 is delivered to nobody
        except ProcessLookupError:
            return False
        except PermissionError:  # it is there and belongs to somebody else
            return True
        return True
