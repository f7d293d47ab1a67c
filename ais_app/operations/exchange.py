"""Networks handed on to other programs, and taken back: ONNX, and packages of the BioImage Model Zoo."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ais_app.core import provenance
from ais_app.core.errors import ParameterProblem
from ais_app.core.exchange.bioimage import About
from ais_app.core.files import replacing
from ais_app.core.model.package import Model, load_model, load_preview, save_model

ONNX, BIOIMAGE = ".onnx", ".zip"


@dataclass(frozen=True)
class ExportedModel:
    """What an export leaves.

    Parameters
    ----------
    path
        The file.
    checked_with
        The program that computed it beside PyTorch, with its version.
    difference
        Largest difference from PyTorch, in probability.
    """

    path: Path
    checked_with: str
    difference: float


def export_model(
    model: str | Path,
    out: str | Path,
    about: About | None = None,
    *,
    check_with: str = "auto",
    trust_source: bool = False,
) -> ExportedModel:
    """Write a model package for other programs.

    Parameters
    ----------
    model
        Package.
    out
        ``NAME.onnx``, or ``NAME.zip`` for the BioImage Model Zoo.
    about
        Author, licence and description, for the latter.
    check_with
        ``"onnxruntime"``, ``"openvino"``, or ``"auto"``: the first of them that is installed. The file is written
        only when that program computes the same as PyTorch.
    trust_source
        As for `load_model`.

    Raises
    ------
    FileProblem, ModelProblem
        The package cannot be read, the network not be exported, or it does not compute the same.
    ParameterProblem
        The suffix is neither of the two.
    """
    from ais_app.core.exchange.bioimage import check_sayable, write_bioimage
    from ais_app.core.exchange.onnx_model import onnx_bytes
    from ais_app.core.exchange.runners import difference

    out = Path(out)
    _require(out)
    loaded = load_model(model, trust_source=trust_source)
    if out.suffix.lower() == BIOIMAGE:
        check_sayable(loaded)
    content = onnx_bytes(loaded)
    name, worst = difference(loaded.network, content, check_with)
    if out.suffix.lower() == ONNX:
        with replacing(out) as part:
            part.write_bytes(content)
    else:
        write_bioimage(loaded, out, content, about or About(), load_preview(model))
    arguments = {"model": str(model), "out": out.name, "check_with": check_with, "trust_source": trust_source}
    notes = {"checked with": name, "largest difference": worst}
    provenance.record("export_model", out, arguments, [Path(model)], notes).write(out)
    return ExportedModel(out, name, worst)


def is_exchanged(path: str | Path) -> bool:
    """Return whether `import_exchanged` opens files of this name."""
    return Path(path).suffix.lower() in (ONNX, BIOIMAGE)


def import_exchanged(file: str | Path, out: str | Path, *, trust_source: bool = False) -> Path:
    """Make a model package of an ONNX file of ais-app, or of a package of the BioImage Model Zoo.

    Parameters
    ----------
    file
        ``NAME.onnx`` or ``NAME.zip``; see `model_from_onnx` and `read_bioimage` for what can be opened.
    out
        ``NAME.aismodel``, or a folder.
    trust_source
        As for `load_model`.

    Raises
    ------
    FileProblem, ModelProblem
        It cannot be read or opened; the message says why.
    ParameterProblem
        The file is neither by its name.
    """
    file, out = Path(file), Path(out)
    _require(file)
    model = _read(file, trust_source)
    target = out / f"{file.stem}.aismodel" if out.is_dir() else out
    save_model(model, target)
    provenance.record("import_exchanged", target, {"file": str(file), "out": target.name}, [file]).write(target)
    return target


def _read(file: Path, trust_source: bool) -> Model:
    from ais_app.core.exchange.bioimage import read_bioimage
    from ais_app.core.exchange.onnx_model import model_from_onnx, read_file

    if file.suffix.lower() == BIOIMAGE:
        return read_bioimage(file, trust_source=trust_source)
    return model_from_onnx(file, read_file(file), trust_source=trust_source)


def _require(path: Path) -> None:
    if not is_exchanged(path):
        problem = f"{path.suffix or 'no suffix'} is not known"
        raise ParameterProblem(path, problem, f"give {ONNX}, or {BIOIMAGE} for the BioImage Model Zoo")
