"""Write docs/models/plugins.md from the contract of architectures: ``python packaging/plugin_page.py``."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from ais_app.models import Architecture

from ais_app.core.model.contract import PARTS, TASKS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "models" / "plugins.md"

HEAD = """\
# Architectures of your own

<!-- written by packaging/plugin_page.py from the contract: change that -->

    ais-app models new my_net           # a file that trains as it stands, in your models folder
    ais-app models check FILE.py        # which parts of the contract hold
    ais-app models list                 # it is among the others; a file that does not load is named with its error
    ais-app train --architecture my_net ...

A Python file in your models folder is one architecture. The folder is `models` in the place for a program's data of
your system (Linux `~/.local/share/ais-app/models`, macOS `~/Library/Application Support/ais-app/models`, Windows
`%LOCALAPPDATA%\\ais-app\\models`), or wherever the environment variable `AIS_APP_MODELS` points. Names that begin with
`_` or `.` are left alone. The window and the command line look into it when they start. A file that breaks is named
with its error, in `ais-app models list` and in the log, and everything else goes on. A name that is taken already is
not replaced.

A pip package adds architectures through an entry point:

```toml
[project.entry-points."ais_app.models"]
my_net = "my_package.my_net:ARCHITECTURE"
```

## The record

The file sets `ARCHITECTURE = Architecture(...)`, from `ais_app.models`:

| field | what |
|---|---|
"""

TRUST = """\
## Going elsewhere

A network that was trained with a file of your models folder takes the file along, inside its package. Those who get
it see "brings its own architecture as a Python program, which was not run": nothing of it runs until they say yes, for
one command (`--trust-source`, `trust_source=True`) or for good (`ais-app models trust FILE.aismodel`, which shows the
program first; in the window "Show the program" and "Let it run from now on"). The yes is for this program to the
letter; it is kept in `trusted.json` in the models folder. Where you have changed your file since, so that it is
another program and not only other comments, a network trained before needs the yes too, and then uses its own.

Architectures of pip packages do not go along: install the package where the network is used.

## The file that `models new` writes

```python
"""


def page() -> str:
    """Return the page."""
    rows = [f"| `{name}` | {words} |" for name, words in _fields().items()]
    tasks = [f"- `{name}`: {words}" for name, words in TASKS.items()]
    parts = [f"| {name} | {' '.join((part.__doc__ or '').split())} |" for name, part in PARTS.items()]
    template = files("ais_app.resources.templates").joinpath("architecture.txt").read_text(encoding="utf-8")
    return (
        HEAD
        + "\n".join(rows)
        + "\n\n`task` is one of\n\n"
        + "\n".join(tasks)
        + "\n\n## The contract\n\n`ais-app models check FILE.py` looks at each part and says what it saw.\n\n"
        + "| part | what must hold |\n|---|---|\n"
        + "\n".join(parts)
        + "\n\n"
        + TRUST
        + template.replace("NAME", "my_net")
        + "```\n"
    )


def _fields() -> dict[str, str]:
    """Return the fields of the record with what its documentation says about each."""
    text = (Architecture.__doc__ or "").partition("----------\n")[2]
    found = re.findall(r"^    (\w+)\n((?:        .*\n)+)", text, re.MULTILINE)
    return {name: " ".join(words.split()).replace("``", "`").replace("|", "\\|") for name, words in found}


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
