import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import pytest


@pytest.fixture(autouse=True, scope="module")
def on_one_core(one_thread):
    """Nothing here is faster on two."""
