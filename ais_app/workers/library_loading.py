"""Bring torch and the compiler of inner loops in without halting the window.

Importing torch takes seconds. Most of it is Python, which hands over to the window every few milliseconds; but loading
its largest library, 400 MB or more, is one call that keeps the interpreter's lock: 0.6 to 1.7 s on a busy machine, in
which no key and no mouse is answered, whatever thread imports it. LLVM, which numba brings, takes up to 0.1 s in the
same way. Called through ctypes the loader of the system does the same without that lock, and the import then finds the
library there.

    any thread: import torch ─► LibraryFinder ─► libraries loaded, the window answers ─► import as ever
"""

from __future__ import annotations

import ctypes
import importlib.util
import logging
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import ModuleType

log = logging.getLogger(__name__)

# of each package, in this order; "all" where all others may use it, as its package opens it too.
# What uses Python itself is left to the import: it keeps the lock by right
LIBRARIES: dict[str, tuple[tuple[str, str], ...]] = {
    "torch": (("lib/libtorch_global_deps", "all"), ("lib/libc10", "own"), ("lib/libtorch_cpu", "own")),
    "llvmlite": (("binding/libllvmlite", "own"),),
}


class LibraryFinder(MetaPathFinder):
    """Loads the libraries of a package when it is about to be imported; finds no modules itself."""

    def __init__(self) -> None:
        self._waiting: set[str] = set()

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        """Load the libraries where their package is asked for; how it is imported stays as it is."""
        if name in self._waiting:
            self._waiting.discard(name)  # once is enough, and `load_libraries` must not come back here
            if not self._waiting:
                self.remove()
            load_libraries(name)

    def install(self) -> None:
        """Watch imports from now on, of packages that are not there yet."""
        self._waiting = set(LIBRARIES) - set(sys.modules)
        if self._waiting and self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def remove(self) -> None:
        """Watch no longer."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)


def load_libraries(package: str) -> list[Path]:
    """Load the libraries of a package without the interpreter's lock; return those that were.

    None on Windows, where the lock is not kept. One that cannot be loaded is left to its package, which says why.
    """
    spec = importlib.util.find_spec(package)
    if os.name != "posix" or spec is None or spec.origin is None:
        return []
    suffix = ".dylib" if sys.platform == "darwin" else ".so"
    system = ctypes.CDLL(None)
    system.dlopen.restype, system.dlopen.argtypes = ctypes.c_void_p, (ctypes.c_char_p, ctypes.c_int)
    loaded = []
    for name, users in LIBRARIES[package]:
        path = Path(spec.origin).parent / f"{name}{suffix}"
        if not path.exists():
            continue
        if system.dlopen(os.fsencode(path), os.RTLD_NOW | (os.RTLD_GLOBAL if users == "all" else os.RTLD_LOCAL)):
            loaded.append(path)
        else:
            log.info("%s is left to %s to load", path, package)
    return loaded
