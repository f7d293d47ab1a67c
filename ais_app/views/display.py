"""Is there a screen, and are Qt's libraries there? Qt itself ends the whole process where they are not."""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
from pathlib import Path

from ais_app.core.errors import AisAppError

PACKAGES = (
    "apt-get install libegl1 libgl1 libdbus-1-3 libfontconfig1 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4"
    " libxcb-keysyms1 libxcb-shape0"
)
WITHOUT = "connect with `ssh -X`, use a remote desktop, or do it without a window: ais-app --help"


def check_display() -> None:
    """Raise `AisAppError` where the window cannot be opened, with what to do about it."""
    try:
        importlib.import_module("PyQt6.QtWidgets")
    except ImportError as error:
        raise AisAppError("window", f"Qt cannot be loaded ({error})", f"on Debian and Ubuntu: {PACKAGES}") from error
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    # on other systems there is a screen, and what Qt needs comes with it
    if not sys.platform.startswith("linux") or platform not in ("", "xcb"):
        return
    if not platform and os.environ.get("WAYLAND_DISPLAY"):
        return
    name = os.environ.get("DISPLAY", "")
    if not name:
        raise AisAppError("window", "there is no display (DISPLAY is not set)", WITHOUT)
    _check_libraries()
    if not _answers(name):
        raise AisAppError("window", f"the display {name} does not answer", WITHOUT)


def _check_libraries() -> None:
    """Load what Qt would load: its own message for a library that is not there ends with an abort."""
    import PyQt6

    plugin = Path(PyQt6.__file__).parent / "Qt6" / "plugins" / "platforms" / "libqxcb.so"
    if plugin.is_file():  # a Qt of the system keeps it elsewhere, and brought its libraries along
        try:
            ctypes.CDLL(str(plugin))
        except OSError as error:
            library = str(error).partition(":")[0]
            raise AisAppError("window", f"{library} is not installed", f"on Debian and Ubuntu: {PACKAGES}") from error


def _answers(name: str) -> bool:
    """Ask the X server whether it is there."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:  # not told apart here; the plugin has been loaded, so Qt finds its own
        return True
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_int)]
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(name.encode(), None)
    broken = bool(xcb.xcb_connection_has_error(connection))
    xcb.xcb_disconnect(connection)
    return not broken
