"""Torch comes in without its largest library being loaded under the interpreter's lock."""

from __future__ import annotations

import os
import subprocess
import sys

from ais_app.workers.torch_loading import TorchFinder

PROGRAM = """
import sys, threading
from ais_app.workers import torch_loading
assert "torch" not in sys.modules
finder, loaded = torch_loading.TorchFinder(), []
load = torch_loading.load_libraries
torch_loading.load_libraries = lambda: loaded.append((load(), "torch._C" in sys.modules))
finder.install()
finder.install()
assert sys.meta_path.count(finder) == 1
def bring():
    import torch
    assert float(torch.fft.rfftn(torch.ones(4, 4, 4)).abs().sum()) == 64
threads = [threading.Thread(target=bring) for _ in range(3)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert "torch" in sys.modules and finder not in sys.meta_path
((paths, late),) = loaded
print(late, *(path.name.split(".")[0] for path in paths))
"""


def test_its_libraries_are_loaded_once_and_before_it() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    late, *names = done.stdout.split()
    assert late == "False" and not done.stderr
    assert ("libtorch_cpu" in names) == (os.name == "posix")


def test_where_torch_is_there_nothing_is_watched() -> None:
    import torch

    finder = TorchFinder()
    finder.install()
    assert finder not in sys.meta_path and torch.__version__
    finder.remove()
