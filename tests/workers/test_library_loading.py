"""Torch and LLVM come in without their largest libraries being loaded under the interpreter's lock."""

from __future__ import annotations

import os
import subprocess
import sys

from ais_app.workers.library_loading import LIBRARIES, LibraryFinder

PROGRAM = """
import sys, threading
from ais_app.workers import library_loading
assert not {"torch", "llvmlite"} & set(sys.modules)
finder, loaded = library_loading.LibraryFinder(), []
load = library_loading.load_libraries
library_loading.load_libraries = lambda name: loaded.append((name, load(name), f"{name}.version" in sys.modules))
finder.install()
finder.install()
assert sys.meta_path.count(finder) == 1
def bring():
    import torch
    assert float(torch.fft.rfftn(torch.ones(4, 4, 4)).abs().sum()) == 64
    import llvmlite.binding
    assert llvmlite.binding.llvm_version_info
threads = [threading.Thread(target=bring) for _ in range(3)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert {"torch", "llvmlite.binding.ffi"} <= set(sys.modules) and finder not in sys.meta_path
for name, paths, late in sorted(loaded):
    print(name, late, *(path.name.split(".")[0] for path in paths))
"""


def test_libraries_are_loaded_once_and_before_their_package() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert not done.stderr
    (llvm, *llvms), (torch, *torches) = (line.split() for line in done.stdout.splitlines())
    assert (llvm, llvms[0], torch, torches[0]) == ("llvmlite", "False", "torch", "False")
    assert ("libtorch_cpu" in torches) == ("libllvmlite" in llvms) == (os.name == "posix")


def test_where_a_package_is_there_it_is_not_watched() -> None:
    import llvmlite.binding
    import torch

    finder = LibraryFinder()
    finder.install()
    assert finder not in sys.meta_path and torch.__version__ and llvmlite.binding.llvm_version_info
    finder.remove()
    assert set(LIBRARIES) <= set(sys.modules)
