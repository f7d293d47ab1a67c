"""Bring torch in without halting the window.

The first import of torch takes seconds. Most of it is Python, which hands over to the window every few milliseconds;
but loading its largest library, 400 MB or more, is one call that keeps the interpreter's lock: 0.6 to 1.7 s on a busy
machine, in which no key and no mouse is answered, whatever thread imports it. Called through ctypes the loader of the
system does the same without that lock, and the import then finds the library there.

    any thread: import torch ─► TorchFinder ─► libraries loaded, the window answers ─► import as ever
"""

from __future__ import annotations

import ctypes
import importlib.machinery
import importlib.util
import logging
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import ModuleType

log = logging.getLogger(__name__)

# in this order: what the second needs is found where torch looks for it. Those of Python itself keep the lock by right
LIBRARIES = ("libtorch_global_deps", "libc10", "libtorch_cpu")


class TorchFinder(MetaPathFinder):
    """Loads the libraries of torch when it is about to be imported; finds no modules itself."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Load the libraries where torch itself is asked for."""
        if name == "torch" and path is None:
            self.remove()  # once is enough, and the search below must not come back here
            load_libraries()
        return None

    def install(self) -> None:
        """Watch imports from now on; nothing where torch is there already."""
        if "torch" not in sys.modules and self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def remove(self) -> None:
        """Watch no longer."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)


def load_libraries() -> list[Path]:
    """Load the libraries of torch without the interpreter's lock; return those that were.

    None on Windows, where torch itself loads them in this way. One that cannot be loaded is left to torch, which says
    why.
    """
    spec = importlib.util.find_spec("torch")
    if os.name != "posix" or spec is None or spec.origin is None:
        return []
    folder = Path(spec.origin).parent / "lib"
    suffix = ".dylib" if sys.platform == "darwin" else ".so"
    system = ctypes.CDLL(None)
    system.dlopen.restype, system.dlopen.argtypes = ctypes.c_void_p, (ctypes.c_char_p, ctypes.c_int)
    loaded = []
    for name in LIBRARIES:
        path = folder / f"{name}{suffix}"
        # as torch opens them: what it builds upon is for all, itself for those that need it
        mode = os.RTLD_NOW | (os.RTLD_GLOBAL if name == LIBRARIES[0] else os.RTLD_LOCAL)
        if path.exists() and system.dlopen(os.fsencode(path), mode):
            loaded.append(path)
        elif path.exists():
            log.info("%s is left to torch to load", path)
    return loaded
