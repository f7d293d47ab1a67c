"""One thread at a time follows a network through its layers.

Exporting and counting switch what torch does in the whole process while they run a network without numbers: two at
once, or one beside the other, fail. So does a step of an optimiser beside them: torch notes in one place for all
threads which part of a program it is in.
"""

from __future__ import annotations

import threading

TRACING = threading.Lock()
