"""Stacks and trees that several files of these tests share."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
