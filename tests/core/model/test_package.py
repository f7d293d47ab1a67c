"""Model packages: what they keep, and what they refuse."""

import json
import zipfile

import numpy as np
import pytest
import torch

from ais_app.core.errors import FileProblem, ModelProblem
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import load_card, load_model, load_preview, new_model, save_model
from ais_app.core.model.source import run_architecture
from ais_app.core.prediction.normalise import Normalisation

OWN = """
from ais_app.models import Architecture
from torch import nn
ARCHITECTURE = Architecture("own", "Own", 2, 1, 3, lambda depth=1: nn.Conv2d(depth, 1, 3, padding=1))
"""


@pytest.fixture
def model():
    torch.manual_seed(1)
    card = ModelCard(
        "unet_s",
        depth=3,
        feature="ribosome",
        colour="#009e73",
        voxel_size=13.1,
        normalisation=Normalisation("slice"),
        contrast=-1,
        box_size=96,
        threshold=0.4,
        emit=True,
        training={"seed": 7, "metrics": {"dice": 0.9}},
    )
    return new_model(card)


@pytest.fixture
def package(model, tmp_path):
    return save_model(model, tmp_path / "m.aismodel", preview=np.zeros((4, 6, 3), np.uint8))


def rewritten(package, name, content, **options):
    """Replace one member of a package (remove it when `content` is None)."""
    with zipfile.ZipFile(package) as old:
        members = {entry: old.read(entry) for entry in old.namelist()}
    members[name] = content
    with zipfile.ZipFile(package, "w", **options) as new:
        for entry, data in members.items():
            if data is not None:
                new.writestr(entry, data)
    return package


def card_of(package):
    with zipfile.ZipFile(package) as file:
        return json.loads(file.read("model.json"))


def test_everything_comes_back(model, package):
    again = load_model(package)
    assert again.card == model.card == load_card(package)
    assert not again.network.training
    weights = zip(again.network.state_dict().values(), model.network.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in weights)
    assert load_preview(package).startswith(b"\x89PNG")


def test_equal_models_give_equal_bytes(model, package, tmp_path):
    other = save_model(model, tmp_path / "other.aismodel", preview=np.zeros((4, 6, 3), np.uint8))
    assert other.read_bytes() == package.read_bytes()
    moved = new_model(model.card)
    moved.network.load_state_dict(model.network.state_dict())
    moved.network.to(memory_format=torch.channels_last)
    assert save_model(moved, other, preview=np.zeros((4, 6, 3), np.uint8)).read_bytes() == package.read_bytes()


def test_members_are_plain(package):
    with zipfile.ZipFile(package) as file:
        assert file.namelist() == ["model.json", "weights.safetensors", "preview.png"]
    assert load_preview(save_model(load_model(package), package)) is None


def test_missing_and_strange_files(tmp_path):
    with pytest.raises(FileProblem, match="check the name"):
        load_model(tmp_path / "none.aismodel")
    with pytest.raises(FileProblem):
        load_model(tmp_path)
    for content in (b"", b"PK\x03\x04", b"not a zip" * 100):
        (tmp_path / "x.aismodel").write_bytes(content)
        with pytest.raises(ModelProblem, match="damaged"):
            load_model(tmp_path / "x.aismodel")


def test_truncated_package(package):
    whole = package.read_bytes()
    for size in (len(whole) - 1, len(whole) // 2, 100):
        package.write_bytes(whole[:size])
        with pytest.raises(ModelProblem):
            load_model(package)


def test_a_flipped_byte_in_the_weights_is_noticed(package):
    content = bytearray(package.read_bytes())
    content[len(content) // 2] ^= 1
    package.write_bytes(bytes(content))
    with pytest.raises(ModelProblem, match="damaged"):
        load_model(package)


@pytest.mark.parametrize("name", ["model.json", "weights.safetensors"])
def test_missing_member_is_named(package, name):
    with pytest.raises(ModelProblem, match=f"has no {name}"):
        load_model(rewritten(package, name, None))


def test_pickled_weights_are_not_read(package, tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "weights.pt")
    with pytest.raises(ModelProblem, match="do not fit"):
        load_model(rewritten(package, "weights.safetensors", (tmp_path / "weights.pt").read_bytes()))


def test_a_bomb_is_refused_before_it_is_unpacked(package):
    bomb = rewritten(package, "model.json", b" " * 3_000_000, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ModelProblem, match="made to fill the memory"):
        load_model(bomb)
    with pytest.raises(ModelProblem, match="at most"):
        load_model(rewritten(package, "model.json", b" " * (5 * 2**20)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "other"}, "not of the format"),
        ({"format_version": 99}, "newer format"),
        ({"architecture": "transformer_xl"}, "known: .*unet_l"),
        ({"architecture": 13}, "wrong kind"),
        ({"depth": 2}, "depth = 2 is not possible"),
        ({"depth": "1"}, "wrong kind"),
        ({"threshold": "high"}, "wrong kind"),
        ({"voxel_size": -1.0}, "voxel_size = -1.0 is not"),
        ({"voxel_size": float("nan")}, "wrong kind"),
        ({"feature": "../../home/x"}, "feature = "),
        ({"colour": "red"}, "colour = 'red'"),
        ({"emit": 1}, "wrong kind"),
        ({"normalisation": {"kind": "zscore"}}, "'zscore' is not known"),
        ({"normalisation": {}}, "not a recipe"),
        ({"parameters": {"width": 10**9}}, "does not take"),
        ({"from_the_future": 1}, "update ais-app"),
    ],
)
def test_wrong_cards_are_named(package, change, words):
    changed = rewritten(package, "model.json", json.dumps(card_of(package) | change))
    with pytest.raises(ModelProblem, match=words) as caught:
        load_model(changed)
    if "parameters" not in change:
        assert str(package) in str(caught.value)


def test_card_that_is_no_json(package):
    for content in (b"{", b"[]", b"\xff\xfe", b"[" * 100_000):
        with pytest.raises(ModelProblem, match=r"model\.json"):
            load_model(rewritten(package, "model.json", content))


def test_weights_of_another_network_do_not_fit(package, tmp_path):
    other = save_model(new_model(ModelCard("vggnet_s")), tmp_path / "other.aismodel")
    with zipfile.ZipFile(other) as file:
        weights = file.read("weights.safetensors")
    with pytest.raises(ModelProblem, match="the weights do not fit unet_s"):
        load_model(rewritten(package, "weights.safetensors", weights))


def test_own_architecture_runs_only_when_trusted(tmp_path):
    flag = tmp_path / "ran"
    source = OWN + f"open({str(flag)!r}, 'w').close()\n"
    model = new_model(ModelCard("own"), source=source)
    package = save_model(model, tmp_path / "own.aismodel")
    flag.unlink()
    run_architecture.cache_clear()  # as in a program that has just been started
    with pytest.raises(ModelProblem, match="was not run.*trust-source"):
        load_model(package)
    assert load_card(package).architecture == "own"
    assert not flag.exists(), "nothing of the package ran"
    again = load_model(package, trust_source=True)
    assert flag.exists() and again.source == source and again.architecture.receptive_field == 3
    assert load_model(save_model(again, package), trust_source=True).source == source
    with pytest.raises(ModelProblem, match="needs the architecture 'own'"):
        load_model(rewritten(package, "architecture.py", None), trust_source=True)


def test_source_that_fails_is_named(tmp_path):
    for source, words in (("1 / 0", "does not run"), ("x = 1", "does not define it"), ("def", "does not run")):
        with pytest.raises(ModelProblem, match=words):
            new_model(ModelCard("own"), source=source)


def test_a_folder_that_cannot_be_written(model, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileProblem):
        save_model(model, tmp_path / "file" / "m.aismodel")
