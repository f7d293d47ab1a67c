"""Architectures of a person's own: found, named when broken, checked, trained, packed, and run only after a yes."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import ais_app
from ais_app.core.errors import FileProblem, ModelProblem, ParameterProblem
from ais_app.core.model.architectures import architectures
from ais_app.core.model.card import ModelCard
from ais_app.core.model.contract import PARTS
from ais_app.core.model.package import load_model, load_source, new_model, save_model
from ais_app.core.model.source import is_trusted, run_architecture, trust
from ais_app.core.registry import discover, forget, models_folder, run_source
from ais_app.operations.architectures import check_architecture, new_architecture
from ais_app.operations.models import architecture_problems, list_architectures
from ais_app.state.project import Project

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("AIS_APP_MODELS", str(tmp_path / "mine"))
    forget()
    run_architecture.cache_clear()
    yield tmp_path / "mine"
    forget()


def test_a_new_file_holds_the_whole_contract_and_is_found(folder):
    path = new_architecture("my_net")
    assert path == folder / "my_net.py" == models_folder() / "my_net.py"
    assert all(part.holds for part in check_architecture(path))
    assert architectures()["my_net"].title == "my_net"
    assert discover("ais_app.models", "ARCHITECTURE").origins["my_net"] == str(path)


def test_names_that_cannot_be(folder):
    new_architecture("my_net")
    with pytest.raises(FileProblem, match="there already"):
        new_architecture("my_net")
    with pytest.raises(ParameterProblem, match="taken .built in"):
        new_architecture("unet_s")
    for name in ("my net", "../x", "_x", "1st", ""):
        with pytest.raises(ParameterProblem, match="not a word"):
            new_architecture(name)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("1 / 0", "does not load .ZeroDivisionError: division by zero"),
        ("def", "does not load .SyntaxError"),
        ("import no_such_library", "does not load .ModuleNotFoundError"),
        ("raise SystemExit(3)", "does not load .SystemExit"),
        ("x = 1", "does not define ARCHITECTURE"),
        ("ARCHITECTURE = 3", "no record with a name"),
        ("from types import SimpleNamespace as S\nARCHITECTURE = S(name='x')", "defines a SimpleNamespace, not a"),
    ],
)
def test_a_broken_file_is_named_and_the_others_go_on(folder, source, words, caplog):
    new_architecture("my_net")
    (folder / "broken.py").write_text(source)
    forget()
    found = discover("ais_app.models", "ARCHITECTURE")
    assert {"my_net", "unet_s"} <= set(found.records)
    assert list(found.problems) == [str(folder / "broken.py")]

    assert re.search(words, found.problems[str(folder / "broken.py")]) and "broken.py" in caplog.text


def test_a_name_that_is_taken_does_not_replace_a_network_of_the_program(folder):
    path = new_architecture("my_net")
    path.write_text(path.read_text().replace('name="my_net"', 'name="unet_s"'))
    forget()
    assert architectures()["unet_s"].title == "UNet S"
    assert "is taken (built in)" in architecture_problems()[str(path)]


def test_one_that_does_not_build_is_left_out_of_the_list(folder):
    path = new_architecture("my_net")
    path.write_text(path.read_text().replace("return Network(depth, width)", "raise ValueError('no')"))
    forget()
    assert "my_net" not in [item.name for item in list_architectures()]
    assert "does not build (no)" in architecture_problems()[str(path)]


def test_an_installed_package_adds_one(folder, monkeypatch, tmp_path):
    """A distribution with an entry point, as pip installs it."""
    site = tmp_path / "site"
    info = site / "their_networks-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-networks\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[ais_app.models]\ntheir_net = their_networks:ARCHITECTURE\nnone = their_networks:MISSING\n"
    )
    source = new_architecture("their_net").read_text()
    (folder / "their_net.py").unlink()
    (site / "their_networks.py").write_text(source)
    monkeypatch.syspath_prepend(str(site))
    importlib.invalidate_caches()
    forget()
    found = discover("ais_app.models", "ARCHITECTURE")
    assert found.origins["their_net"] == "package their-networks"
    assert list(found.problems) == ["none (their_networks:MISSING)"]


CHANGES = {
    "stride=4": ("stride=2", "takes and gives the right shapes"),
    "receptive_field=47": ("receptive_field=31", "declares how far it sees"),
    "nn.Conv2d(width, 1, 1)": ("nn.Sequential(nn.Conv2d(width, 1, 1), nn.Sigmoid())", "gives logits"),
    "nn.Conv2d(width, 1, 1)\n": ("nn.Conv2d(width, 2, 1)\n", "takes and gives the right shapes"),
    "width: int = 16)": ("width: int = 16, **more)", "refuses unknown parameters"),
}


@pytest.mark.parametrize(("old", "new", "part"), [(k, *v) for k, v in CHANGES.items()])
def test_each_part_that_does_not_hold_is_named(folder, old, new, part):
    path = new_architecture("my_net")
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    broken = [found.name for found in check_architecture(path) if not found.holds]
    assert any(name.startswith(part) for name in broken)


def test_weights_that_are_not_kept_and_unused_ones_are_found(folder):
    path = new_architecture("my_net")
    text = path.read_text().replace("self.doubled =", "self.gain = torch.rand(1)\n        self.doubled =")
    path.write_text(text.replace("return self.head(", "return self.gain * self.head("))
    assert [part.name for part in check_architecture(path) if not part.holds] == ["keeps all it needs in its weights"]
    path.write_text(text.replace("self.gain = torch.rand(1)", "self.unused = nn.Linear(2, 2)"))
    broken = {part.name: part.problem for part in check_architecture(path) if not part.holds}
    assert broken == {"can be trained": "no gradient reaches unused.weight, unused.bias"}


def test_trained_with_ones_own_it_packs_its_program(folder, tmp_path, rng):
    path = new_architecture("my_net")
    volume = rng.normal(size=(12, 48, 48)).astype(np.float32)
    mask = np.zeros(volume.shape, np.uint8)
    mask[:, 16:32, 16:32] = 1
    like = ais_app.Tomogram(volume, (10.0, 10.0, 10.0))
    ais_app.write_volume(tmp_path / "t.mrc", volume - 3 * mask, like=like)
    ais_app.write_volume(tmp_path / "m.mrc", mask, like=like)
    with Project.create(tmp_path / "p.aisproj") as project:
        project.import_labels(project.add_tomogram(tmp_path / "t.mrc"), "square", tmp_path / "m.mrc")
    params = ais_app.TrainParams(architecture="my_net", epochs=1, draws=1, boxes=8, box_size=16, batch=4)
    model = ais_app.train(tmp_path / "p.aisproj", "square", tmp_path / "n.aismodel", params).model
    assert load_source(model) == path.read_text()
    assert load_model(model).card.architecture == "my_net", "my own needs no yes"

    path.write_text(path.read_text() + "# a comment\n")
    forget()
    assert load_model(model).source == "", "comments make no difference"
    path.write_text(path.read_text().replace('mode="nearest"', 'mode="bilinear"'))
    forget()
    with pytest.raises(ModelProblem, match="another 'my_net' than the one in your models folder"):
        load_model(model)

    path.unlink()  # another machine
    forget()
    with pytest.raises(ModelProblem, match="was not run"):
        load_model(model)
    assert load_model(model, trust_source=True).card.feature == "square"
    trust(load_source(model))
    assert load_model(model).card.feature == "square"
    assert not is_trusted(load_source(model) + " ")


def test_a_program_defines_dataclasses(folder):
    """Modules that are run are found where dataclasses look for them."""
    path = new_architecture("my_net")
    text = path.read_text().replace("class Network", "@dataclass\nclass Setting:\n    width: int\n\n\nclass Network")
    path.write_text(text.replace("import torch\n", "from dataclasses import dataclass\n\nimport torch\n", 1))
    assert all(part.holds for part in check_architecture(path))


def test_command_line(folder, ais, tmp_path):
    code, out, _ = ais("models", "new", "my_net")
    assert code == 0 and str(folder / "my_net.py") in out
    code, out, _ = ais("models", "check", folder / "my_net.py")
    assert code == 0 and "in order" in out and "BROKEN" not in out
    (folder / "broken.py").write_text("1 / 0")
    text = (folder / "my_net.py").read_text()
    (folder / "my_net.py").write_text(text.replace("stride=4", "stride=2"))
    code, out, _ = ais("models", "check", folder / "my_net.py")
    assert code == 1 and "BROKEN  takes and gives" in out
    forget()
    code, out, err = ais("models", "list")
    assert code == 0 and "my_net" in out and "left out" in err and "broken.py: does not load" in err
    code, _, err = ais("models", "check", folder / "broken.py")
    assert code == 1 and "ZeroDivisionError" in err


def test_trust_shows_the_program_and_asks(folder, ais, tmp_path, monkeypatch):
    source = new_architecture("my_net").read_text()
    torch.manual_seed(0)
    package = save_model(new_model(ModelCard("my_net")), tmp_path / "n.aismodel")
    (folder / "my_net.py").unlink()
    forget()
    code, _, err = ais("models", "check", package)
    assert code == 1 and "models trust" in err
    run = [sys.executable, "-m", "ais_app", "models", "trust", package]
    answered = subprocess.run(run, input="n\n", capture_output=True, text=True)
    assert answered.returncode == 1 and "class Network" in answered.stdout and not is_trusted(source)
    assert ais("models", "trust", package, "--yes")[0] == 0
    assert ais("models", "check", package)[0] == 0
    assert "before" in ais("models", "trust", package)[1]


def test_the_page_is_made_from_the_contract():
    """``python packaging/plugin_page.py`` writes it."""
    root = Path(__file__).parents[2]
    module = run_source((root / "packaging" / "plugin_page.py").read_text(), "page", str(root / "packaging" / "p.py"))
    assert (root / "docs" / "models" / "plugins.md").read_text() == module.page()
    assert all(part.__doc__ for part in PARTS.values())
