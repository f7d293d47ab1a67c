"""Tests of this folder share `keras_files`, `keras_reference`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
