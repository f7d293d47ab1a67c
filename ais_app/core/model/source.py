"""Architectures that come as source: of the person's own folder, and packed with models from elsewhere.

Source from elsewhere runs only with a yes: ``trust_source=True`` for one call, or `trust` for this machine and this
source, to the letter. What was trusted is kept as hashes in ``trusted.json`` in the person's models folder.
"""

from __future__ import annotations

import ast
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ais_app.core.errors import ModelProblem
from ais_app.core.files import read_json, read_text, write_json
from ais_app.core.registry import discover, models_folder, run_source

if TYPE_CHECKING:
    from ais_app.models import Architecture

TRUSTED = "trusted.json"


def own_source(name: str) -> str:
    """Return the source of an architecture of the person's models folder; empty for all others."""
    return discover("ais_app.models", "ARCHITECTURE").sources.get(name, "")


@lru_cache(maxsize=32)
def run_architecture(source: str, name: str) -> Architecture:
    """Run the source of an architecture and return its record; only ever called with source a person trusts.

    Raises
    ------
    ModelProblem
        It does not run, or does not define an architecture of this name.
    """
    try:
        module = run_source(source, f"packed_{name}", f"<{name}>")
    except (Exception, SystemExit) as error:
        # code of strangers may raise anything; it is named
        raise ModelProblem(name, f"its source does not run ({error})", "ask its maker") from error
    from ais_app.models import Architecture

    record = getattr(module, "ARCHITECTURE", None)
    if not isinstance(record, Architecture) or record.name != name:
        raise ModelProblem(name, "its source does not define it", "it must set ARCHITECTURE")
    return record


def source_to_run(path: str | Path, name: str, packed: bytes | None, trusted: bool) -> str:
    """Return the source that a package's network is built from: empty where the program, or the person's, has it.

    Parameters
    ----------
    path
        The package, for messages.
    name
        The architecture.
    packed
        What the package holds.
    trusted
        The person's yes.

    Raises
    ------
    ModelProblem
        The architecture is not known, or its source may not be run.
    """
    known = discover("ais_app.models", "ARCHITECTURE").records
    own = own_source(name)
    if packed is None or (name in known and not own):
        if name not in known:
            problem = f"needs the architecture {name!r}, which is not known"
            raise ModelProblem(path, problem, f"known: {', '.join(known)}")
        return ""
    source = packed.decode("utf-8", errors="replace")
    if own and _same_program(own, source):
        return ""
    if trusted or is_trusted(source):
        return source
    problem = f"brings its own architecture {name!r} as a Python program, which was not run"
    if own:
        problem = f"brings another {name!r} than the one in your models folder, as a Python program, which was not run"
    remedy = "if you trust its maker: ais-app models trust, or load it with trust_source=True (--trust-source)"
    raise ModelProblem(path, problem, remedy)


def asks_for_trust(source: str) -> bool:
    """Return whether a packed program waits for the person's yes; looks at files only and runs nothing."""
    if not source or is_trusted(source):
        return False
    return not any(_same_program(read_text(path), source) for path in models_folder().glob("[!_.]*.py"))


def trust(source: str) -> Path:
    """Let this source run from now on, on this machine, for this person; returns the file in which that is noted."""
    return write_json(models_folder() / TRUSTED, sorted(_trusted() | {_digest(source)}))


def is_trusted(source: str) -> bool:
    """Return whether this source, to the letter, was trusted before."""
    return _digest(source) in _trusted()


def _trusted() -> set[str]:
    path = models_folder() / TRUSTED
    values = read_json(path) if path.exists() else []
    if not isinstance(values, list):
        raise ModelProblem(path, "is not a list of hashes", "remove it; you will be asked again")
    return set(map(str, values))


def _digest(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()


def _same_program(one: str, other: str) -> bool:
    """Return whether two sources differ in comments and layout at most."""
    try:
        return one == other or ast.dump(ast.parse(one)) == ast.dump(ast.parse(other))
    except (SyntaxError, ValueError):
        return False
