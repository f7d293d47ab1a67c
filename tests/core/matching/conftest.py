import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parents[1] / "particles"), str(Path(__file__).parent)]  # phantoms


@pytest.fixture(autouse=True, scope="module")
def on_one_core(one_thread):
    """Nothing here is faster on two."""
