"""Architectures of one's own: a file to begin with, and whether a file holds what is asked of it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from ais_app.core.errors import FileProblem, ModelProblem, ParameterProblem
from ais_app.core.files import read_text, write_text
from ais_app.core.model.contract import Part, check_contract
from ais_app.core.registry import discover, forget, models_folder, run_source


def new_architecture(name: str, folder: str | Path | None = None) -> Path:
    """Write a file with a small network that can be trained as it stands, to be changed at will.

    Parameters
    ----------
    name
        What the network will be called; a word of letters, digits and _.
    folder
        Where ``NAME.py`` goes; the person's models folder when ``None``, where the program finds it.

    Raises
    ------
    ParameterProblem
        The name cannot be one, or is taken.
    FileProblem
        The file is there already, or cannot be written.
    """
    if not name.isidentifier() or name.startswith("_"):
        raise ParameterProblem("name", f"{name!r} is not a word of letters, digits and _", "choose another one")
    found = discover("ais_app.models", "ARCHITECTURE")
    path = Path(folder) / f"{name}.py" if folder is not None else models_folder() / f"{name}.py"
    if path.exists():
        raise FileProblem(path, "is there already", "choose another name, or remove it")
    if name in found.records:
        raise ParameterProblem("name", f"{name!r} is taken ({found.origins[name]})", "choose another one")
    template = files("ais_app.resources.templates").joinpath("architecture.txt").read_text(encoding="utf-8")
    write_text(path, template.replace("NAME", name))
    forget()
    return path


def check_architecture(path: str | Path) -> list[Part]:
    """Run a person's own file and look at every part of the contract.

    Parameters
    ----------
    path
        ``NAME.py``. It is run: look only at files whose maker you trust.

    Raises
    ------
    FileProblem
        It cannot be read.
    ModelProblem
        It does not run, or defines no architecture.
    """
    from ais_app.models import Architecture

    source = read_text(path)
    try:
        record = getattr(run_source(source, Path(path).stem, str(path)), "ARCHITECTURE", None)
    except (Exception, SystemExit) as error:
        # code of strangers may raise anything; it is named
        raise ModelProblem(path, f"does not run ({type(error).__name__}: {error})", "mend it") from error
    if not isinstance(record, Architecture):
        raise ModelProblem(path, "does not define ARCHITECTURE, an ais_app.models.Architecture", "see models new")
    return list(check_contract(record))
