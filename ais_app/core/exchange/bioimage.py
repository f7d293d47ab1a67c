"""Packages in the format of the BioImage Model Zoo (https://bioimage.io, model description 0.5), written and read.

    NAME.zip
      rdf.yaml          what it is, in the words of the format; the model card under config.ais-app
      weights.onnx      the network with its sigmoid
      test_input.npy    normalised before the network by the format's own words
      test_output.npy
      README.md         for people
      cover.png

Read are packages whose weights are an ONNX file of this program, or a PyTorch state dict of one of its architectures.
Nothing in a package is run.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from ais_app.core.errors import FileProblem, ModelProblem
from ais_app.core.exchange.onnx_model import model_from_onnx
from ais_app.core.files import replacing
from ais_app.core.model.card import ModelCard
from ais_app.core.model.onnx_file import INPUT, OUTPUT
from ais_app.core.model.package import Model, new_model
from ais_app.core.provenance import program_version

FORMAT_VERSION = "0.5.3"
RDF, WEIGHTS, README, COVER = "rdf.yaml", "weights.onnx", "README.md", "cover.png"
TEST_INPUT, TEST_OUTPUT = "test_input.npy", "test_output.npy"
EPSILON = 1e-6  # what the format adds to the deviation
MOST_RDF, MOST_WEIGHTS = 2**20, 2**31
PAPER = {"text": "Last et al. (2024), Ais: streamlining segmentation of cryo-electron tomography datasets, eLife",
         "doi": "10.7554/eLife.98552"}  # fmt: skip


@dataclass(frozen=True)
class About:
    """What the format asks for and only the person knows.

    Parameters
    ----------
    author
        Name.
    licence
        SPDX name; no terms are stated when empty.
    description
        A sentence.
    """

    author: str = "unknown"
    licence: str = ""
    description: str = ""


def write_bioimage(model: Model, path: str | Path, weights: bytes, about: About, cover: bytes | None = None) -> Path:
    """Write a package.

    Parameters
    ----------
    model
        A network that segments.
    path
        ``NAME.zip``.
    weights
        Its ONNX form.
    about
        Author, licence, description.
    cover
        PNG; a picture of the test output when ``None``.

    Raises
    ------
    ModelProblem
        The network does not segment, or its input is not what the format can say.
    FileProblem
        The file cannot be written.
    """
    import onnx

    check_sayable(model)
    given, result = _test(model)
    rdf = describe(model, about, onnx.load_from_string(weights).opset_import[0].version)
    members = {
        RDF: json.dumps(rdf, indent=2, ensure_ascii=False).encode(),  # JSON is YAML
        WEIGHTS: weights,
        TEST_INPUT: _npy(given),
        TEST_OUTPUT: _npy(result),
        README: _readme(model.card, rdf).encode(),
        COVER: cover or _cover(given, result),
    }
    with replacing(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in members.items():
            package.writestr(name, content)
    return Path(path)


def check_sayable(model: Model) -> None:
    """Raise `ModelProblem` unless the network segments slices, which is what is written of the format here."""
    if model.architecture.task != "segment":
        raise ModelProblem(model.card.architecture, "does not segment", "only networks that segment are exported")
    if model.architecture.dimension != 2:
        raise ModelProblem(model.card.architecture, "works on volumes", "export it as .onnx")


def describe(model: Model, about: About, opset: int) -> dict[str, Any]:
    """Return the model in the words of the format, JSON-able."""
    card = model.card
    what = about.description or f"Finds {card.feature} in tomograms of electron cryo-microscopy."
    title = "".join(letter if letter.isalnum() or letter in "_+-() " else " " for letter in card.feature)
    return {
        "type": "model",
        "format_version": FORMAT_VERSION,
        "name": f"{title} in cryo-electron tomograms"[:128],
        "description": what[:1024],
        "authors": [{"name": about.author.replace("/", " ").replace("\\", " ")}],
        **({"license": about.licence} if about.licence else {}),
        "cite": [PAPER],
        "documentation": README,
        "covers": [COVER],
        "tags": ["cryo-electron tomography", "cryo-ET", "segmentation", "semantic-segmentation", "tomogram"],
        "timestamp": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "inputs": [
            {
                "id": INPUT,
                "description": _input_words(card),
                "axes": _axes(model, INPUT),
                "data": {"type": "float32"},
                "test_tensor": {"source": TEST_INPUT},
                "preprocessing": _preprocessing(card),
            }
        ],
        "outputs": [
            {
                "id": OUTPUT,
                "description": f"probability of {card.feature}; it counts as found from {card.threshold:g} on",
                "axes": _axes(model, OUTPUT),
                "data": {"type": "float32", "range": [0.0, 1.0]},
                "test_tensor": {"source": TEST_OUTPUT},
                "postprocessing": [],
            }
        ],
        "weights": {"onnx": {"source": WEIGHTS, "opset_version": opset}},
        "config": {"bioimageio": {}, "ais-app": {"version": program_version(), "card": card.to_dict()}},
    }


def _axes(model: Model, which: str) -> list[dict[str, Any]]:
    """Return the axes of the input, or of the output, whose outermost pixels are not to be used."""
    record, card = model.architecture, model.card
    step, halo = record.stride, record.receptive_field // 2
    least = -(-(2 * halo + 1) // step) * step
    scale = {"unit": "angstrom", "scale": card.voxel_size} if card.voxel_size else {}
    names = [_slice_name(z - card.depth // 2) for z in range(card.depth)] if which == INPUT else [OUTPUT]
    axes: list[dict[str, Any]] = [{"type": "batch"}, {"type": "channel", "channel_names": names}]
    for name in ("y", "x"):
        axis: dict[str, Any] = {"type": "space", "id": name, **scale}
        if which == INPUT:
            axis["size"] = {"min": least, "step": step}
        else:
            axis |= {"size": {"tensor_id": INPUT, "axis_id": name}, "halo": halo}
        axes.append(axis)
    return axes


def _slice_name(offset: int) -> str:
    """Return what the channel of a slice is called; names are of letters, digits and _."""
    return "slice" if offset == 0 else f"slice_{abs(offset)}_{'below' if offset < 0 else 'above'}"


def _input_words(card: ModelCard) -> str:
    slices = f"{card.depth} neighbouring slices, the middle one is segmented" if card.depth > 1 else "one slice"
    scale = f", {card.voxel_size:g} angstrom per voxel" if card.voxel_size else ""
    over = {"tomogram": "; mean and deviation are best those of the whole tomogram"}.get(card.normalisation.kind, "")
    return f"{slices}{scale}{over}"[:128]


def _preprocessing(card: ModelCard) -> list[dict[str, Any]]:
    if card.normalisation.kind == "none":
        return []
    axes = ["channel", "y", "x"] if card.normalisation.kind == "tomogram" else ["y", "x"]
    return [{"id": "zero_mean_unit_variance", "kwargs": {"axes": axes, "eps": EPSILON}}]


def _test(model: Model) -> tuple[np.ndarray, np.ndarray]:
    """Return an input with a square in noise, and what comes out, by the recipe that `_preprocessing` writes."""
    import torch

    record = model.architecture
    size = -(-max(64, 2 * record.receptive_field) // record.stride) * record.stride
    shape = (1, model.card.depth, size, size)
    values = np.random.default_rng(0).normal(100.0, 20.0, shape).astype(np.float32)
    values[:, :, size // 3 : size // 2, size // 3 : size // 2] -= 60
    scaled = values
    if model.card.normalisation.kind != "none":
        over = (1, 2, 3) if model.card.normalisation.kind == "tomogram" else (2, 3)
        mean, deviation = values.mean(over, keepdims=True), values.std(over, keepdims=True)
        scaled = (values - mean) / (deviation + EPSILON)
    with torch.inference_mode():
        result = model.network(torch.from_numpy(scaled.astype(np.float32))).numpy()
    return values, result


def _npy(values: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, values, allow_pickle=False)
    return stream.getvalue()


def _cover(given: np.ndarray, result: np.ndarray) -> bytes:
    """Return the test input and what comes out, side by side, twice as wide as high."""
    from matplotlib.image import imsave

    middle = given[0, given.shape[1] // 2]
    grey = (middle - middle.min()) / max(float(np.ptp(middle)), 1e-9)
    stream = io.BytesIO()
    imsave(stream, np.concatenate([grey, result[0, 0]], axis=1), cmap="gray", vmin=0, vmax=1, format="png")
    return stream.getvalue()


def _readme(card: ModelCard, rdf: Mapping[str, Any]) -> str:
    metrics = card.training.get("metrics", {})
    kept = {name: metrics[name] for name in ("dice", "average_precision") if metrics.get(name) is not None}
    scores = ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in kept.items()) or "not measured"
    voxel = f"{card.voxel_size:g} Å" if card.voxel_size else "not known"
    return f"""# {rdf["name"]}

{rdf["description"]}

- architecture: {card.architecture}, {card.depth} slices
- voxel size of the training data: {voxel}
- grey values: {card.normalisation.kind}
- threshold: {card.threshold:g}

## Validation

On held-out data: {scores}. Look at the result on tomograms of your own before you use it.
"""


def read_bioimage(path: str | Path, *, trust_source: bool = False) -> Model:
    """Read a package; `trust_source` as for `load_model`.

    Returns
    -------
    Model
        On the CPU, in evaluation mode.

    Raises
    ------
    FileProblem
        It cannot be read.
    ModelProblem
        It is damaged, or holds no weights that can be opened; the reason names what it holds.
    """
    try:
        with zipfile.ZipFile(path) as package:
            rdf = _rdf(path, package)
            return _model(path, package, rdf, trust_source)
    except OSError as error:
        raise FileProblem(path, error.strerror or str(error), "check the name") from error
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise ModelProblem(path, f"is no zip file, or is damaged ({error})", "copy it again") from error


def _rdf(path: str | Path, package: zipfile.ZipFile) -> dict[str, Any]:
    import yaml

    names = [name for name in ("rdf.yaml", "bioimageio.yaml", "rdf.yml") if name in package.namelist()]
    if not names:
        raise ModelProblem(path, "has no rdf.yaml", "it is no package of the BioImage Model Zoo")
    text = _member(path, package, names[0], MOST_RDF)
    if b"&" in text and b"*" in text:  # names for repeated parts can unfold to more than fits in memory
        raise ModelProblem(path, f"{names[0]} uses anchors", "write it without")
    try:
        rdf = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:120]
        raise ModelProblem(path, f"{names[0]} is not valid YAML ({reason})", "copy it again") from error
    if not isinstance(rdf, dict) or rdf.get("type") != "model":
        raise ModelProblem(path, f"{names[0]} describes no model", "only models can be opened")
    return rdf


def _model(path: str | Path, package: zipfile.ZipFile, rdf: Mapping[str, Any], trusted: bool) -> Model:
    weights = rdf.get("weights")
    weights = weights if isinstance(weights, dict) else {}
    if isinstance(entry := weights.get("onnx"), dict):
        try:
            content = _member(path, package, _source(path, entry), MOST_WEIGHTS)
            return model_from_onnx(path, content, trust_source=trusted)
        except ModelProblem:
            if "pytorch_state_dict" not in weights:
                raise
    if isinstance(entry := weights.get("pytorch_state_dict"), dict):
        return _from_state_dict(path, package, rdf, entry)
    held = ", ".join(map(str, weights)) or "no weights"
    remedy = "opened are ONNX files of ais-app, and pytorch_state_dict of its architectures"
    raise ModelProblem(path, f"holds {held}, which cannot be opened", remedy)


def _from_state_dict(
    path: str | Path, package: zipfile.ZipFile, rdf: Mapping[str, Any], entry: Mapping[str, Any]
) -> Model:
    """Build one of the program's own architectures, and give it the weights."""
    import torch

    architecture = entry.get("architecture")
    architecture = architecture if isinstance(architecture, dict) else {}
    origin = str(architecture.get("import_from", ""))
    if not origin.startswith("ais_app.models.") or architecture.get("callable") != "build":
        named = architecture.get("callable") or architecture.get("source") or "a network"
        problem = f"needs {str(named)[:60]!r} from a Python program of its own, which is not run"
        raise ModelProblem(path, problem, "opened are only architectures of ais-app")
    values = dict(architecture.get("kwargs") or {})
    depth = values.pop("depth", 1)
    card = _card(path, rdf, origin.removeprefix("ais_app.models."), depth, values)
    model = new_model(card)
    content = _member(path, package, _source(path, entry), MOST_WEIGHTS)
    try:
        # weights_only: torch reads tensors and nothing that could run
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        model.network.body.load_state_dict(state)
    except Exception as error:
        # files of strangers make torch raise anything; it is named
        reason = " ".join(str(error).split())[:160]
        raise ModelProblem(path, f"the weights do not fit {card.architecture} ({reason})") from error
    model.network.eval()
    return model


def _card(path: str | Path, rdf: Mapping[str, Any], name: str, depth: Any, parameters: Mapping[str, Any]) -> ModelCard:
    config = rdf.get("config")
    own = config.get("ais-app") if isinstance(config, dict) else None
    if isinstance(own, dict) and isinstance(own.get("card"), dict):
        try:
            card = ModelCard.from_dict(own["card"])
        except ModelProblem as error:
            raise ModelProblem(path, error.problem, error.remedy) from error
        if card.architecture != name:
            problem = f"its card names the architecture {card.architecture!r}, its weights {name!r}"
            raise ModelProblem(path, problem, "ask its maker")
        return card
    if not isinstance(depth, int):
        raise ModelProblem(path, f"its depth is {depth!r}", "a whole number is needed")
    feature = "".join(letter for letter in str(rdf.get("name", "")) if letter.isalnum() or letter in " _-").strip()
    return ModelCard(name, dict(parameters), depth, feature=feature[:80] or "feature")


def _source(path: str | Path, entry: Mapping[str, Any]) -> str:
    """Return the name of a member; what lies elsewhere is not fetched."""
    source = entry.get("source")
    source = source.get("source") if isinstance(source, dict) else source
    if not isinstance(source, str) or "://" in source or ".." in PurePosixPath(source).parts:
        raise ModelProblem(path, f"its weights are elsewhere ({str(source)[:80]})", "download the whole package")
    return source.removeprefix("./")


def _member(path: str | Path, package: zipfile.ZipFile, name: str, most: int) -> bytes:
    try:
        entry = package.getinfo(name)
    except KeyError as error:
        raise ModelProblem(path, f"has no {name}", "copy it again") from error
    if entry.file_size > most or entry.file_size > 200 * entry.compress_size + 2**16:
        problem = f"{name} unpacks to {entry.file_size:,} bytes"
        raise ModelProblem(path, problem, f"at most {most:,} are read; it is damaged or made to fill the memory")
    with package.open(entry) as stream:
        content = stream.read(entry.file_size + 1)
    if len(content) != entry.file_size:
        raise ModelProblem(path, f"{name} is not as long as it says", "copy it again")
    return content
