"""Another place for a queue: a whole copy whose paths are right in its new folder; nobody works on it."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

from ais_app.batch import upkeep
from ais_app.batch.paths import from_text, to_text
from ais_app.batch.store import QueueFile
from ais_app.core.files import replacing
from ais_app.state.database import refuse_existing


def copy_queue(old: Path, new: Path) -> None:
    """Write a copy of a queue, whole or not at all; what is running in the old one waits in the new one.

    Raises
    ------
    FileProblem
        There is a file of that name, or it cannot be written.
    """
    refuse_existing(new)
    with closing(QueueFile(old)) as here, replacing(new) as part:
        here.copy_to(part)
        with closing(QueueFile(part)) as there, there.transaction():
            for id, arguments, outputs in there.rows("SELECT id, arguments, outputs FROM item"):
                texts = [to_text(from_text(text, here.folder), there.folder) for text in (arguments, outputs)]
                there.execute("UPDATE item SET arguments = ?, outputs = ? WHERE id = ?", (*texts, id))
            there.execute("UPDATE worker SET ended = ? WHERE ended IS NULL", (time.time(),))
            for id, worker in there.rows("SELECT id, worker FROM item WHERE state = 'running'"):
                upkeep.give_back(there, id, worker)
            upkeep.hold_back(there)
