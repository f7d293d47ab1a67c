"""A model as one ONNX file with its card inside, and back.

Weights keep their names, so that a file written here becomes the same model again. Of files from elsewhere the graph
would have to be run as it is, and there is no network in the library that could be trained further from it: they are
refused, with the reason.
"""

from __future__ import annotations

import json
from pathlib import Path

from ais_app.core.errors import FileProblem, ModelProblem
from ais_app.core.model.card import ModelCard
from ais_app.core.model.file import read_model_json
from ais_app.core.model.onnx_file import to_onnx
from ais_app.core.model.package import Model, new_model
from ais_app.core.model.source import own_source, source_to_run

CARD, SOURCE = "ais-app card", "ais-app architecture.py"
MOST_BYTES = 2**31  # of one ONNX file


def onnx_bytes(model: Model) -> bytes:
    """Return a model as an ONNX file: ``slab`` (n, depth, h, w) normalised float32 to ``probability``.

    Raises
    ------
    ModelProblem
        It cannot be exported, or is too large for one file.
    """
    proto = to_onnx(model.network, free_batch=True)
    head = {"format": "ais-app model", "format_version": 1}
    texts = {CARD: json.dumps(head | model.card.to_dict(), ensure_ascii=False)}
    if source := model.source or own_source(model.card.architecture):
        texts[SOURCE] = source
    proto.producer_name, proto.doc_string = "ais-app", f"finds {model.card.feature}"
    for key, value in texts.items():
        entry = proto.metadata_props.add()
        entry.key, entry.value = key, value
    if proto.ByteSize() >= MOST_BYTES:
        raise ModelProblem(model.card.feature, "is too large for one ONNX file", "keep it as it is")
    content: bytes = proto.SerializeToString()
    return content


def model_from_onnx(path: str | Path, content: bytes, *, trust_source: bool = False) -> Model:
    """Read a model back from an ONNX file that `onnx_bytes` made.

    Parameters
    ----------
    path
        For messages.
    content
        The file.
    trust_source
        As for `load_model`.

    Raises
    ------
    ModelProblem
        It is no ONNX file, is from another program, or its weights do not fit.
    """
    import onnx
    import torch
    from google.protobuf.message import DecodeError

    try:
        proto = onnx.load_from_string(content)
    except (DecodeError, ValueError) as error:
        raise ModelProblem(path, f"is no ONNX file, or is damaged ({error})", "copy it again") from error
    texts = {entry.key: entry.value for entry in proto.metadata_props}
    if CARD not in texts:
        problem = f"was written by {proto.producer_name or 'another program'}: it holds a graph and no model card"
        remedy = "only ONNX files written by ais-app can be opened; for others take their PyTorch or Keras form"
        raise ModelProblem(path, problem, remedy)
    card = ModelCard.from_dict(read_model_json(path, texts[CARD].encode()))
    packed = texts[SOURCE].encode() if SOURCE in texts else None
    model = new_model(card, source=source_to_run(path, card.architecture, packed, trust_source))
    if any(entry.data_location == onnx.TensorProto.EXTERNAL for entry in proto.graph.initializer):
        raise ModelProblem(path, "keeps its weights in other files", "write it as one file")
    weights = {entry.name: onnx.numpy_helper.to_array(entry) for entry in proto.graph.initializer}
    own = model.network.state_dict()
    wanted = {name for name, value in own.items() if value.is_floating_point()}  # counters do not matter
    if missing := sorted(wanted - set(weights)):
        raise ModelProblem(path, f"has no weights {', '.join(missing[:3])}", "copy it again")
    try:
        fitting = {name: torch.from_numpy(weights[name].copy()) for name in wanted}
        model.network.load_state_dict(fitting, strict=False)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelProblem(path, f"the weights do not fit {card.architecture} ({reason})") from error
    model.network.eval()
    return model


def read_file(path: str | Path, most: int = MOST_BYTES) -> bytes:
    """Return a file's bytes.

    Raises
    ------
    FileProblem
        It is missing, cannot be read, or is larger than `most`.
    """
    path = Path(path)
    try:
        if path.stat().st_size > most:
            raise FileProblem(path, f"has {path.stat().st_size:,} bytes; at most {most:,} are read")
        return path.read_bytes()
    except OSError as error:
        raise FileProblem(path, error.strerror or str(error), "check the name") from error
