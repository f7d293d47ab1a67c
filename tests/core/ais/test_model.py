"""Models of Ais: the same output as in Keras, what is carried over, groups, and archives that try to do harm."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch

from ais_app.core.ais.archive import MOST_MEMBERS
from ais_app.core.ais.model import feature_name, read_ais_model, read_ais_model_group
from ais_app.core.errors import DataWarning, FileProblem, ModelProblem
from ais_app.core.prediction.interactions import Competition, Rule

DATA = Path(__file__).parents[2] / "data" / "ais_models"
MODEL = DATA / "mini_bn.scnm"


def members() -> dict[str, bytes]:
    with tarfile.open(MODEL) as tar:
        return {info.name: tar.extractfile(info).read() for info in tar}


def written(path: Path, contents: dict[str, bytes | tarfile.TarInfo]) -> Path:
    """Write an archive; a `TarInfo` goes in as it is."""
    with tarfile.open(path, "w") as tar:
        for name, content in contents.items():
            info = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
            tar.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
    return path


def model(path: Path, **changes) -> Path:
    """Write a model whose description is changed; ``None`` takes a key away."""
    found = members()
    (name,) = (name for name in found if name.endswith(".json"))
    values = {**json.loads(found[name]), **changes}
    values = {key: value for key, value in values.items() if value is not None}
    return written(path, found | {name: json.dumps(values).encode()})


@pytest.mark.parametrize("part", ["64", "_full"])
def test_same_output_as_keras(part):
    """References were computed by Keras 2.15: boxes of the training size, and a larger slice."""
    network = read_ais_model(MODEL).model.network
    with np.load(DATA / "mini_bn_reference.npz") as reference:
        x, expected = reference[f"x{part}"], reference[f"y{part}"]
    with torch.inference_mode():
        found = network(torch.from_numpy(x.transpose(0, 3, 1, 2))).numpy().transpose(0, 2, 3, 1)
    assert np.abs(found - expected).max() < 1e-5


def test_what_the_model_says_of_itself_is_carried_over(tmp_path):
    path = model(tmp_path / "m.scnm", title="Membrane: inner", emit=True, threshold=0.35, colour=[1, 0.5, 0], loss=0.06)
    card = read_ais_model(path).model.card
    assert (card.feature, card.colour, card.voxel_size, card.box_size) == ("Membrane- inner", "#ff8000", 15.68, 64)
    assert (card.depth, card.threshold, card.emit, card.absorb) == (1, 0.35, True, False)
    assert card.normalisation.kind == "slice"
    kept = card.training
    assert (kept["title"], kept["imported_from"], kept["file"]) == ("Membrane: inner", "Ais", "m.scnm")
    assert (kept["epochs"], kept["loss"], kept["keras_version"]) == (50, 0.06, "2.15.0")


def test_what_old_files_leave_out(tmp_path):
    path = model(tmp_path / "m.scnm", apix=-1.0, model_depth=None, emit=None, absorb=None, colour=None, threshold=None)
    card = read_ais_model(path).model.card
    assert (card.voxel_size, card.depth, card.emit, card.threshold) == (None, 1, False, 0.5)


def test_the_network_is_right_about_its_depth(tmp_path):
    with pytest.warns(DataWarning, match="takes 5 slices, but its network takes 1"):
        assert read_ais_model(model(tmp_path / "m.scnm", model_depth=5)).model.card.depth == 1


@pytest.mark.parametrize("title, feature", [
    ("membrane", "membrane"), ("a/b\\c", "a-b-c"), ("x__y", "x_y"), ("...", "feature"), ("", "feature"),
    ("α-tubulin 13", "α-tubulin 13"), ("n" * 300, "n" * 100),
])  # fmt: skip
def test_titles_become_names_of_features(title, feature):
    assert feature_name(title) == feature


def test_a_preview_is_carried_over_and_a_broken_one_left_out(tmp_path):
    from matplotlib.image import imsave

    picture = np.random.default_rng(0).integers(0, 255, (20, 30, 3)).astype(np.uint8)
    stream = io.BytesIO()
    imsave(stream, picture, format="png")
    found = read_ais_model(written(tmp_path / "m.scnm", members() | {"m_preview.png": stream.getvalue()}))
    np.testing.assert_array_equal(found.preview, picture)
    huge = bytearray(stream.getvalue())
    huge[16:24] = b"\x00\x10\x00\x00" * 2
    for broken in (b"", b"nothing of a picture at all", bytes(huge), stream.getvalue()[:200]):
        path = written(tmp_path / "m.scnm", members() | {"m_preview.png": broken})
        with pytest.warns(DataWarning, match="preview is left out"):
            assert read_ais_model(path).preview is None


# groups


def group(path: Path, rules, titles=("membrane", "ribosome"), **changes) -> Path:
    contents: dict[str, bytes | tarfile.TarInfo] = {}
    for number, title in enumerate(titles):
        inner = model(path.with_name(f"inner{number}.scnm"), title=title, **changes)
        contents[f"g_model_{number}.scnm"] = inner.read_bytes()
    return written(path, contents | {"g_interactions.json": json.dumps(rules).encode()})


def rule(kind: int, parent: str = "ribosome", partner: str = "membrane", **more):
    return {"parent_title": parent, "partner_title": partner, "type": kind, "radius": 12.5, "threshold": 0.4} | more


def test_a_group_with_its_interactions(tmp_path):
    """What Ais calls the parent is changed by its partner; radii are nm there, Å here; competition comes first."""
    path = group(tmp_path / "g.scnmgroup", [rule(1), rule(0, "membrane", "ribosome")], emit=True, absorb=True)
    found = read_ais_model_group(path)
    assert [each.model.card.feature for each in found.models] == ["membrane", "ribosome"]
    competition, avoid, colocalise = found.interactions.steps
    assert competition == Competition(("membrane", "ribosome"), ("membrane", "ribosome"))
    assert avoid == Rule("avoid", child="ribosome", parent="membrane", threshold=0.4, radius=125.0)
    assert colocalise == Rule("colocalise", child="membrane", parent="ribosome", threshold=0.4, radius=125.0)


@pytest.mark.parametrize("rules, words", [
    ([rule(2)], "interaction 1 .*type that is not there"),
    ([rule(1, partner="actin")], "a model or a type that is not there"),
    ([rule(1, partner="ribosome")], "interaction 1: ribosome: cannot avoid itself"),
    ([rule(1, radius="wide")], "radius is 'wide', not a number"),
    ([rule(1, threshold=3)], "interaction 1: .*threshold"),
    ({}, "no list of objects"),
    ([5], "no list of objects"),
])  # fmt: skip
def test_interactions_that_make_no_sense(tmp_path, rules, words):
    with pytest.raises(FileProblem, match=words):
        read_ais_model_group(group(tmp_path / "g.scnmgroup", rules))


def test_a_group_without_models(tmp_path):
    with pytest.raises(FileProblem, match="holds no models"):
        read_ais_model_group(written(tmp_path / "g.scnmgroup", {"g_interactions.json": b"[]"}))


# archives that are not what they seem


def special(name: str, kind: bytes, target: str = "/etc/passwd") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize("name, content, words", [
    ("x", special("x", tarfile.SYMTYPE), "is a link or a device"),
    ("x", special("x", tarfile.LNKTYPE, "../x"), "is a link or a device"),
    ("x", special("x", tarfile.CHRTYPE), "is a link or a device"),
    ("x", special("x", tarfile.FIFOTYPE), "is a link or a device"),
    ("m_weights.h5", special("m_weights.h5", tarfile.SYMTYPE), "is a link or a device"),
    ("../../x", b"x", "leads out of the archive"),
    ("/etc/x", b"x", "leads out of the archive"),
    ("a\\..\\x", b"x", "leads out of the archive"),
    ("C:x", b"x", "leads out of the archive"),
    ("second_metadata.json", b"{}", "holds 2 members named …_metadata.json, not one"),
    ("second_weights.h5", b"", "holds 2 members named …_weights.h5"),
])  # fmt: skip
def test_members_that_have_no_place_in_a_model(tmp_path, name, content, words):
    with pytest.raises(FileProblem, match=words):
        read_ais_model(written(tmp_path / "m.scnm", members() | {name: content}))
    assert list(tmp_path.iterdir()) == [tmp_path / "m.scnm"], "nothing is unpacked"


def test_too_many_members(tmp_path):
    many = {f"m{number}": b"" for number in range(MOST_MEMBERS + 1)}
    with pytest.raises(FileProblem, match="is too much"):
        read_ais_model(written(tmp_path / "m.scnm", members() | many))


def test_a_member_that_claims_more_than_there_is(tmp_path):
    info = tarfile.TarInfo("m_weights.h5")
    info.size = 2**40
    (tmp_path / "m.scnm").write_bytes(info.tobuf() + bytes(1024))
    with pytest.raises(FileProblem, match="is too much|cannot be read as a model of Ais"):
        read_ais_model(tmp_path / "m.scnm")


def test_a_compressed_archive_is_none(tmp_path):
    """Models of Ais are not compressed, so that none can unpack to more than it is."""
    with tarfile.open(tmp_path / "m.scnm", "w:gz") as tar:
        tar.add(MODEL, "m_weights.h5")
    with pytest.raises(FileProblem, match="cannot be read as a model of Ais"):
        read_ais_model(tmp_path / "m.scnm")


@pytest.mark.parametrize("text, words", [
    (b"", "is no JSON"), (b"{", "is no JSON"), (b"[" * 100_000, "is no JSON"), (b"[]", "no JSON object"),
    (b'{"apix": "small"}', "apix is 'small', not a number"), (b'{"apix": NaN}', "apix is nan"),
    (b'{"box_size": -5}', "box_size = -5 is not possible"), (b" " * 5_000_000, "at most 4,194,304 are read"),
])  # fmt: skip
def test_descriptions_that_cannot_be_used(tmp_path, text, words):
    found = members()
    (name,) = (name for name in found if name.endswith(".json"))
    with pytest.raises((FileProblem, ModelProblem), match=words) as raised:
        read_ais_model(written(tmp_path / "m.scnm", found | {name: text}))
    assert raised.value.subject == str(tmp_path / "m.scnm")


def test_files_that_are_missing_or_no_archives(tmp_path):
    with pytest.raises(FileProblem, match="No such file"):
        read_ais_model(tmp_path / "none.scnm")
    with pytest.raises(FileProblem):
        read_ais_model(tmp_path)
    for content in (b"", b"nothing", bytes(5000)):
        (tmp_path / "m.scnm").write_bytes(content)
        with pytest.raises(FileProblem):
            read_ais_model(tmp_path / "m.scnm")


def test_every_truncation_is_said(tmp_path, rng):
    content = MODEL.read_bytes()
    for size in rng.integers(0, len(content) - 2048, 6):
        (tmp_path / "m.scnm").write_bytes(content[:size])
        with pytest.raises((FileProblem, ModelProblem)):
            read_ais_model(tmp_path / "m.scnm")
