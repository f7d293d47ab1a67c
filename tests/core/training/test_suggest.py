"""What to annotate next: where networks are unsure, of different kinds, and never what is annotated."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ais_app.core.errors import DataWarning, FileProblem, ModelProblem, ParameterProblem
from ais_app.core.jobs import JobCancelled, run
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import new_model
from ais_app.core.prediction.normalise import Normalisation
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.simulate.parameters import SimulateParams
from ais_app.core.simulate.phantom import make_phantom
from ais_app.core.tomogram import Tomogram
from ais_app.core.training.diversity import choose, describe
from ais_app.core.training.suggest import Candidate, SuggestParams, suggest_job
from ais_app.core.training.uncertainty import best_squares, top_mean, uncertainty

EXACT = PredictionParams(engine="torch", precision="float32")
# probability is the sigmoid of scale * grey: with grey values as they are, the tomogram says what the network says
SEEING = """
from torch import nn
from ais_app.models import Architecture

def build(depth=1, scale=1.0):
    layer = nn.Conv2d(depth, 1, 1)
    nn.init.constant_(layer.weight, scale / depth)
    nn.init.zeros_(layer.bias)
    return layer

ARCHITECTURE = Architecture("seeing", "Seeing", dimension=2, stride=1, receptive_field=1, build=build)
"""
SHAPE = (32, 96, 96)


def seeing(feature="membrane", scale=1.0):
    card = ModelCard("seeing", {"scale": scale}, feature=feature, normalisation=Normalisation("none"))
    model = new_model(card, source=SEEING)
    model.network.eval()
    return model


@pytest.fixture(scope="module")
def phantoms():
    """Three phantoms as a good network sees them: sure of every membrane and every complex, and of the ice."""
    made = [make_phantom(SimulateParams(shape=SHAPE, carbon=False), seed) for seed in range(3)]
    return [np.where(phantom.label_volume > 0, 9.0, -9.0).astype(np.float32) for phantom in made]


def planted(volume, slices, rows=slice(20, 60), columns=slice(30, 80)):
    """Return the volume with a structure that the network has never seen: it says a half, more or less."""
    unsure = np.random.default_rng(5).normal(0, 0.5, volume.shape)
    volume = volume.copy()
    volume[slices, rows, columns] = unsure[slices, rows, columns]
    return volume


def candidates(volumes, annotated=None):
    annotated = annotated or {}
    return [
        Candidate(f"TS_{n:02}", lambda v=volume: Tomogram(v, voxel_size_zyx=(10.0,) * 3), annotated.get(n, ()))
        for n, volume in enumerate(volumes, 1)
    ]


def suggested(volumes, annotated=None, models=None, prediction=EXACT, **params):
    job = suggest_job(candidates(volumes, annotated), models or [seeing()], SuggestParams(**params), prediction)
    return run(job)


def test_what_the_network_is_unsure_of_comes_first(phantoms):
    volumes = [phantoms[0], planted(phantoms[1], slice(14, 22)), phantoms[2]]
    found = suggested(volumes, count=6, slices=8)
    assert (found[0].tomogram, found[0].feature) == ("TS_02", "membrane")
    assert 14 <= found[0].z < 22
    assert found[0].uncertainty > 0.9 > 0.3 > max(s.uncertainty for s in found if s.tomogram != "TS_02")
    assert (found[0].centre_yx, found[0].novelty) == (None, 1.0)
    assert [s.score for s in found] == sorted((s.score for s in found), reverse=True)


def test_boxes_lie_on_it(phantoms):
    volumes = [phantoms[0], planted(phantoms[1], slice(14, 22)), phantoms[2]]
    found = suggested(volumes, count=6, slices=8, kind="boxes", box_size=32)
    y, x = found[0].centre_yx
    assert found[0].tomogram == "TS_02" and 14 <= found[0].z < 22
    assert 20 <= y < 60 and 30 <= x < 80
    assert all(s.size_yx == (32, 32) for s in found)
    assert all(16 <= v <= 96 - 16 for s in found for v in s.centre_yx)


@pytest.mark.parametrize("kind", ["slices", "boxes"])
def test_no_two_are_nearly_the_same(phantoms, kind):
    """One structure goes through a whole tomogram; it is not suggested slice after slice."""
    volumes = [planted(phantoms[0], slice(None)), planted(phantoms[1], slice(14, 22)), phantoms[2]]
    found = suggested(volumes, count=12, slices=32, apart=6, kind=kind, box_size=32)
    for n, one in enumerate(found):
        for other in found[:n]:
            near = one.tomogram == other.tomogram and abs(one.z - other.z) < 6
            beside = kind == "boxes" and max(abs(np.subtract(one.centre_yx, other.centre_yx))) >= 32
            assert not near or beside
    assert {s.tomogram for s in found[:4]} >= {"TS_01", "TS_02"}


def test_tomograms_get_their_share(phantoms):
    """One tomogram is unsure everywhere; the others still get half of the suggestions."""
    volumes = [planted(phantoms[0], slice(None), slice(None), slice(None)), phantoms[1], phantoms[2]]
    found = suggested(volumes, count=6, slices=16, apart=1, diversity=0.0)
    counts = [sum(s.tomogram == f"TS_{n:02}" for s in found) for n in (1, 2, 3)]
    assert counts[0] == 4 and sum(counts) == 6
    assert len(suggested(volumes[:1], count=6, slices=16, apart=1)) == 6
    # where the others have no more, it is taken from where there is more
    assert len(suggested(volumes, {2: range(32), 3: range(32)}, count=6, slices=16, apart=1)) == 6


def test_annotated_slices_are_left_out(phantoms):
    volumes = [phantoms[0], planted(phantoms[1], slice(8, 26)), phantoms[2]]
    annotated = {2: {11, 17, 400}, 1: {3}}
    found = suggested(volumes, annotated, count=20, slices=32, apart=4)
    for n, slices in annotated.items():
        for suggestion in found:
            if suggestion.tomogram == f"TS_{n:02}":
                assert min(abs(suggestion.z - z) for z in slices) >= 4
    assert found[0].tomogram == "TS_02" and 21 <= found[0].z < 26
    everything = suggested(volumes, {n: set(range(32)) for n in (1, 2, 3)})
    assert everything == []


def test_what_is_annotated_already_counts_as_seen(phantoms):
    """The same unknown structure lies in two tomograms; once annotated in one, another kind comes first."""
    same, other = planted(phantoms[0], slice(4, 28)), phantoms[2].copy()
    other[4:28, ::3] = 0.3
    volumes = [same, same.copy(), other]
    assert suggested(volumes, count=3, slices=4)[0].tomogram in ("TS_01", "TS_02")
    assert suggested(volumes, {1: range(32)}, count=3, slices=4)[0].tomogram == "TS_03"


def test_the_same_seed_gives_the_same(phantoms):
    volumes = [phantoms[0], planted(phantoms[1], slice(14, 22)), phantoms[2]]
    one, again, other = (suggested(volumes, count=6, slices=5, seed=seed) for seed in (1, 1, 2))
    assert one == again
    assert [s.z for s in one] != [s.z for s in other]
    more = suggested([*volumes, phantoms[0]], count=8, slices=5, seed=1)
    assert {(s.tomogram, s.z) for s in more} >= {(s.tomogram, s.z) for s in one[:2]}


def test_disagreement_of_models_counts(phantoms):
    """One says yes, one says no: their mean is a half, as unsure as it gets."""
    volumes = [phantoms[0], phantoms[1]]
    sure = suggested(volumes, models=[seeing(), seeing()], count=1)[0]
    torn = suggested(volumes, models=[seeing(), seeing(scale=-1.0)], count=1)[0]
    assert sure.uncertainty < 0.1 and torn.uncertainty > 0.99


def test_the_least_certain_feature_is_named(phantoms):
    volumes = [planted(phantoms[0], slice(None))]
    models = [seeing("membrane", 40.0), seeing("ribosome", 1.0)]
    assert suggested(volumes, models=models, count=1)[0].feature == "ribosome"
    assert suggested(volumes, models=models, count=1, prediction=PredictionParams(4, "torch", "float32"))


def test_a_part_of_large_slices_is_looked_at(phantoms):
    found = suggested([planted(phantoms[0], slice(None))], count=3, slices=5, apart=1, window=48)
    assert all(s.size_yx == (48, 48) and 24 <= min(s.centre_yx) <= max(s.centre_yx) <= 72 for s in found)
    boxes = suggested([phantoms[0]], count=3, kind="boxes", box_size=40, window=64)
    assert all(s.size_yx == (40, 40) for s in boxes)
    small = suggested([phantoms[0][:5, :20, :7]], kind="boxes", box_size=64, apart=1)
    assert all(s.size_yx == (20, 7) for s in small)


def test_progress_for_every_slice_and_cancelling(phantoms):
    volumes, seen = list(phantoms), []
    job = suggest_job(candidates(volumes), [seeing("a"), seeing("b")], SuggestParams(slices=5), EXACT)
    run(job, seen.append)
    assert len(seen) == 3 * (1 + 5 * 2) + 1
    done = [progress.done for progress in seen]
    assert done == sorted(done) and {p.total for p in seen} == {3} and done[-1] == 3
    assert "TS_02: slice" in seen[15].message
    opened = []
    watched = [Candidate(c.key, lambda c=c: opened.append(c.key) or c.open()) for c in candidates(volumes)]
    asked = iter([False] * 4 + [True])
    with pytest.raises(JobCancelled):
        run(suggest_job(watched, [seeing()], SuggestParams(slices=5), EXACT), stop=lambda: next(asked))
    assert opened == ["TS_01"]


def test_some_tomograms_are_drawn(phantoms):
    volumes = [phantoms[n % 3] for n in range(9)]
    found = suggested(volumes, count=9, tomograms=3, slices=3, seed=4)
    names = {s.tomogram for s in found}
    assert len(names) == 3
    assert names != {s.tomogram for s in suggested(volumes, count=9, tomograms=3, slices=3, seed=5)}


def test_one_bad_tomogram_is_left_out_and_said(phantoms):
    def missing():
        raise FileProblem("TS_09.mrc", "no such file")

    job = suggest_job([Candidate("TS_09", missing), *candidates(phantoms[:1])], [seeing()], None, EXACT)
    with pytest.warns(DataWarning, match="no such file; TS_09 is left out"):
        assert {s.tomogram for s in run(job)} == {"TS_01"}
    blank = candidates([np.zeros(SHAPE, np.float32)])
    with pytest.warns(DataWarning, match="left out"), pytest.raises(ParameterProblem, match="all its voxels are 0"):
        run(suggest_job(blank, [seeing()], None, EXACT))


def test_wrong_wishes_are_refused(phantoms):
    with pytest.raises(ParameterProblem, match="models: there are none"):
        run(suggest_job(candidates(phantoms), []))
    with pytest.raises(ParameterProblem, match="tomograms: there are none"):
        run(suggest_job([], [seeing()]))
    with pytest.raises(ModelProblem, match="engine"):
        suggested(phantoms, prediction=PredictionParams(engine="torch"), models=[Broken()])
    with pytest.raises(ParameterProblem, match="planes"):
        SuggestParams(kind="planes")


class Broken:
    """A model whose network no engine takes."""

    def __getattr__(self, name):
        raise ModelProblem("engine", "cannot compute it")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_uncertainty_is_highest_in_the_middle(values):
    p = np.array(values, np.float32)
    found = uncertainty(p)
    assert found.dtype == np.float32 and (found >= 0).all() and (found <= 1 + 1e-6).all()
    np.testing.assert_allclose(found, uncertainty(1 - p), atol=1e-4)
    order = np.argsort(abs(p - 0.5))
    assert (np.diff(found[order]) <= 1e-6).all()
    assert (uncertainty(p, p * (1 - p)) >= uncertainty(p, np.zeros_like(p))).all()
    assert uncertainty(np.float32([0.5]), np.float32([0.25])) == pytest.approx(1)


def test_top_mean():
    values = np.arange(100.0).reshape(10, 10)
    assert top_mean(values, 0.1) == pytest.approx(94.5)
    assert top_mean(values, 1e-4) == 99
    assert top_mean(values, 1.0) == pytest.approx(49.5)


def test_best_squares():
    values = np.zeros((20, 30))
    values[3:7, 4:8], values[12:16, 20:24] = 1, 2
    assert best_squares(values, 4, 9)[:2] == [(12, 20), (3, 4)]
    assert best_squares(values, 4, 1) == [(12, 20)]
    assert best_squares(np.zeros((5, 5)), 3, 4) == []
    ones = best_squares(np.ones((8, 8)), 4, 9)
    assert sorted(ones) == [(0, 0), (0, 4), (4, 0), (4, 4)]


def test_descriptions_ignore_the_scale_of_grey_values(phantoms):
    grey = np.random.default_rng(0).normal(size=(96, 96)).astype(np.float32)
    plane = (phantoms[0][16] > 0).astype(np.float32)

    def apart(one, other):
        return float(np.linalg.norm(one - other))

    first = describe(grey, [plane], layout=True)
    assert apart(first, describe(grey * 50 - 1000, [plane], layout=True)) < 1e-3
    moved = np.roll(plane, 40, axis=1)
    assert apart(first, describe(grey, [moved], layout=True)) > 10 * apart(
        describe(grey, [plane], layout=False), describe(grey, [moved], layout=False)
    )
    smooth = np.repeat(np.repeat(grey[::8, ::8], 8, axis=0), 8, axis=1)
    assert apart(first, describe(smooth, [plane], layout=True)) > 0.2
    blank = describe(np.full((5, 3), np.nan, np.float32), [plane[:2, :1]], layout=True)
    assert np.isfinite(blank).all() and blank.shape == first.shape


def test_choosing_is_greedy():
    places = np.array([[0.0], [0.01], [0.5], [1.0]])
    worth = np.array([0.9, 0.8, 0.5, 0.1])

    def numbers(**options):
        return [choice.number for choice in choose(worth, places, 4, **options)]

    assert numbers(weight=0.0) == [0, 1, 2, 3]
    assert numbers(weight=0.5) == [0, 2, 3, 1]
    assert numbers(weight=0.5, covered=[np.array([0.0])])[0] == 2
    assert numbers(weight=0.5, rules=[lambda chosen, n: n != 2]) == [0, 3, 1]
    assert numbers(weight=0.5, rules=[lambda chosen, n: n == 1, lambda chosen, n: True])[0] == 1
    assert choose(np.empty(0), np.empty((0, 1)), 4) == []


def test_a_real_architecture(phantoms):
    """A real architecture on grey values, from end to end."""
    torch.manual_seed(0)
    model = new_model(ModelCard("vggnet_s", feature="membrane"))
    model.network.eval()
    grey = [volume + np.random.default_rng(n).normal(0, 3, SHAPE) for n, volume in enumerate(phantoms)]
    found = suggested([g.astype(np.float32) for g in grey], models=[model], count=4, slices=2)
    assert len(found) == 4 and len({(s.tomogram, s.z) for s in found}) == 4
    assert all(s.to_dict()["feature"] == "membrane" and 0 <= s.score <= 1 for s in found)
