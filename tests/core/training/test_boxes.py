"""Which boxes are cut, where they lie, what is in them, and what is held out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phantoms import balls, labelled, small_data, small_params

from ais_app.core.annotation.boxes import Box
from ais_app.core.errors import DataWarning, ParameterProblem
from ais_app.core.tomogram import Tomogram
from ais_app.core.training.batches import epoch_batches, steps_per_epoch
from ais_app.core.training.boxes import cut_boxes, without_margin
from ais_app.core.training.data import LabelledTomogram


def numbered(shape=(9, 40, 40), at=(18,), **options):
    """Return a tomogram whose voxels tell where they are, with the feature at some x of each slice."""
    image = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    labels = np.zeros(shape, np.uint8)
    for x in at:
        labels[:, 18:22, x : x + 4] = 1
    return LabelledTomogram.from_arrays(image, labels, 10.0, **options)


def place_of(boxes, item):
    """Return z, y, x of the middle voxel of each box of a numbered tomogram."""
    values = boxes.images * item.tomogram.statistics.deviation + item.tomogram.statistics.mean
    middle = values[:, values.shape[1] // 2, values.shape[2] // 2, values.shape[3] // 2]
    return np.stack(np.unravel_index(np.rint(middle).astype(int), item.tomogram.shape), axis=1)


def test_boxes_of_a_person_are_cut_where_they_are():
    boxes = [Box((4, 20, 20)), Box((2, 10, 30)), Box((7, 12, 8))]
    item = numbered(slices=(), boxes=boxes)
    data = cut_boxes([item], small_params(boxes=None, validation="none", depth=3), 8)
    assert place_of(data.training, item).tolist() == [[4, 20, 20], [2, 10, 30], [7, 12, 8]]
    assert data.training.positive.tolist() == [True, False, False]
    assert data.record["boxes"] == {
        "placed by a person": 3, "placed on labels": 0, "with the feature": 1, "held out": 0
    }  # fmt: skip
    centre = data.training.images[0, :, data.margin + 8, data.margin + 8]
    assert np.allclose(np.diff(centre) * item.tomogram.statistics.deviation, 1600, rtol=1e-4), "three slices in order"
    ring = data.training.labels[0].copy()
    ring[data.margin : -data.margin, data.margin : -data.margin] = 2
    assert (ring == 2).all() and (data.training.labels[0] == 1).sum() == 16, "outside a person's box nothing is known"


def test_boxes_that_only_say_what_it_is_not_are_joined_by_some_on_the_labels():
    item = numbered(slices=(2, 4, 6), boxes=[Box((4, 32, 8)), Box((4, 8, 32))])
    data = cut_boxes([item], small_params(boxes=None, validation="none"), 8)
    assert data.record["boxes"]["placed by a person"] == 2 and data.record["boxes"]["placed on labels"] > 0
    assert data.training.positive.sum() > 0


def test_a_persons_box_may_be_smaller_than_the_networks():
    item = numbered(slices=(), boxes=[Box((4, 20, 20), size=6)])
    labels = without_margin(cut_boxes([item], small_params(boxes=None, validation="none"), 8).training, 3).labels[0]
    assert (labels != 2).sum() == 36 and (labels[5:11, 5:11] != 2).all()


def test_beyond_the_border_images_are_mirrored_and_labels_ignored():
    item = numbered(slices=(), boxes=[Box((4, 20, 20)), Box((4, 0, 39))])
    boxes = cut_boxes([item], small_params(boxes=None, validation="none", shift=0.0, scale=0.0), 8).training
    image, labels = boxes.images[1, 0], boxes.labels[1]
    assert (labels[:8] == 2).all() and (labels[:, 9:] == 2).all() and (labels[8:, :9] == 0).all()
    assert np.array_equal(image[1:8], image[9:][::-1]), "mirrored on the first row"
    assert np.array_equal(image[:, 9:16], image[:, 1:8][:, ::-1]), "mirrored on the last column"


def test_slices_that_are_not_annotated_are_never_used():
    item = numbered(slices=(2, 5))
    places = place_of(cut_boxes([item], small_params(validation="none"), 8).training, item)
    assert set(places[:, 0]) == {2, 5}


def test_number_and_kind_of_placed_boxes():
    for negatives in (0.0, 0.5, 2.0):
        params = small_params(boxes=20, negatives=negatives, validation="none")
        data = cut_boxes([labelled(shape=(24, 128, 128), radius=4.0, count=20)], params, 8)
        assert len(data.training) == 20
        inner = without_margin(data.training, data.margin).labels
        assert ((inner == 1).any((1, 2)) == data.training.positive).all()
        assert abs(data.training.positive.sum() - 20 / (1 + negatives)) <= 2
        assert (inner != 2).all(), "boxes lie inside the tomogram where they can"


def test_placed_boxes_cover_the_feature_and_all_slices():
    image, labels = balls(3, shape=(16, 96, 96), count=14, radius=4.0)
    item = LabelledTomogram.from_arrays(image, labels, 10.0, (4, 8, 12))
    data = cut_boxes([item], small_params(boxes=40, negatives=0, validation="none"), 8)
    from ais_app.core.training.data import on_grid
    from ais_app.core.training.sampling import placed_sites
    from ais_app.core.training.split import split

    areas = split(on_grid([item], None)[0], small_params(validation="none")).training
    covered = np.zeros_like(labels, bool)
    for site in placed_sites(areas, 40, 0.0, 16, 0):
        covered[site.z, max(0, site.y - 8) : site.y + 8, max(0, site.x - 8) : site.x + 8] = True
    assert covered[[4, 8, 12]][labels[[4, 8, 12]] == 1].mean() > 0.95
    assert len(data.training) == 40


def test_same_seed_same_boxes():
    one, two = small_data(), small_data()
    other = small_data(small_params(seed=1))
    assert np.array_equal(one.training.images, two.training.images)
    assert not np.array_equal(one.training.images, other.training.images)


def test_normalised_by_the_whole_tomogram():
    image, labels = balls()
    image[:, :32] += 50  # a box alone would have another mean
    item = LabelledTomogram.from_arrays(image, labels, 10.0, (12,))
    data = cut_boxes([item], small_params(validation="none", boxes=30, shift=0.0, scale=0.0), 8)
    whole = (image - image.mean(dtype=float)) / image.std(dtype=float)
    values = np.sort(whole[12].ravel())
    found = data.training.images[:, 0].ravel()
    at = np.clip(np.searchsorted(values, found), 1, len(values) - 1)
    assert np.minimum(abs(values[at] - found), abs(values[at - 1] - found)).max() < 1e-4


def test_contrast_and_voxel_size_are_noted():
    assert small_data().contrast == -1 and small_data().voxel_size == 10.0
    image, labels = balls()
    bright = LabelledTomogram.from_arrays(-image, labels, None, (2, 6, 10, 14, 18))
    data = cut_boxes([bright], small_params(), 8)
    assert data.contrast == 1 and data.voxel_size is None


def test_tomograms_are_rescaled_to_one_voxel_size_in_all_axes():
    one = labelled(0, shape=(24, 64, 64), voxel_size=10.0, slices=(12,), radius=6.0, name="a")
    image, labels = balls(1, shape=(24, 64, 64), radius=6.0)
    fine = np.repeat(np.repeat(np.repeat(image, 2, 0), 2, 1), 2, 2)
    fine_labels = np.repeat(np.repeat(np.repeat(labels, 2, 0), 2, 1), 2, 2)
    y, x = (int(at) for at in np.median(np.argwhere(labels[12, 16:48, 16:48]) + 16, axis=0))
    two = LabelledTomogram.from_arrays(fine, fine_labels, 5.0, (25,), [Box((25, 2 * y, 2 * x), 32)], name="b")
    params = small_params(validation="none", boxes=None)
    data = cut_boxes([one, two], params, 8)
    assert data.voxel_size == 10.0 and len(data.training) == 1
    half = without_margin(data.training, data.margin)
    assert (half.labels[0] != 2).all(), "a box of 32 voxels of 5 Å is one of 16 of 10 Å"
    wanted = (labels[12, y - 8 : y + 8, x - 8 : x + 8] == 1).mean()
    assert abs((half.labels[0] == 1).mean() - wanted) < 0.12
    scaled = (image[12, y - 8 : y + 8, x - 8 : x + 8] - image.mean()) / image.std()
    assert np.corrcoef(half.images[0, 0].ravel(), scaled.ravel())[0, 1] > 0.85


def test_z_is_rescaled_too():
    ramp = np.broadcast_to(np.arange(40, dtype=np.float32)[:, None, None], (40, 32, 32)).copy()
    labels = np.zeros(ramp.shape, np.uint8)
    labels[:, 8:24, 8:24] = 1
    item = LabelledTomogram.from_arrays(ramp, labels, 5.0, (), [Box((20, 16, 16))])
    data = cut_boxes([item], small_params(boxes=None, validation="none", voxel_size=10.0, depth=3, box_size=8), 8)
    steps = np.diff(data.training.images[0, :, data.margin + 4, data.margin + 4]) * ramp.std()
    assert np.allclose(steps, 2, atol=0.1), "neighbouring slices of the network are two of the tomogram apart"


def test_unknown_voxel_sizes_are_not_mixed_with_known():
    with pytest.raises(ParameterProblem, match="voxel size is not known"):
        cut_boxes([labelled(0), labelled(1, voxel_size=None)], small_params(), 8)


def test_held_out_by_tomogram():
    items = [labelled(i, name=name, slices=(12,)) for i, name in enumerate("abc")]
    data = cut_boxes(items, small_params(), 8)
    assert data.record["held_out"] == "held out by tomogram: c"
    assert data.held_out is not None and data.held_out.images.shape[1:] == (1, 16, 16)
    c = items[2].tomogram
    values = set(np.rint(c.data[12].ravel() * 100).astype(int))
    shown = np.rint((data.held_out.images * c.statistics.deviation + c.statistics.mean).ravel() * 100).astype(int)
    assert np.isin(shown, list(values)).mean() > 0.99


@given(
    slices=st.lists(st.integers(0, 59), min_size=1, max_size=60, unique=True),
    depth=st.sampled_from([1, 3, 7]),
    share=st.floats(0.05, 0.5),
)
def test_training_and_held_out_share_no_voxel(slices, depth, share):
    item = numbered(shape=(60, 40, 96), at=(18, 80), slices=sorted(slices))
    params = small_params(depth=depth, validation_share=share, boxes=6)
    from ais_app.core.training.data import on_grid
    from ais_app.core.training.split import split

    found = split(on_grid([item], None)[0], params)
    assert found.training and found.held_out
    for ours in found.training:
        for theirs in found.held_out:
            z_gap = min(abs(a - b) for a in ours.slices for b in theirs.slices)
            x_gap = max(ours.columns[0] - theirs.columns[1], theirs.columns[0] - ours.columns[1])
            assert z_gap > depth or x_gap >= params.margin
    assert sum(len(area.slices) for area in found.training) * 2 >= len(slices)


def test_what_is_held_out_is_said():
    def words(**options):
        return cut_boxes([numbered(shape=(40, 40, 96), at=(18, 80), **options)], small_params(), 8).record["held_out"]

    assert words(slices=(2, 10, 20, 30)) == "held out by slab: slices from 30 of array, 9 slices of gap"
    assert words(slices=(2,)).startswith("held out by area, because fewer than 3 slices are annotated: x from 77")
    small = cut_boxes([numbered(slices=(2,))], small_params(box_size=32), 8)
    assert small.held_out is None and "too small to divide" in small.record["held_out"]


def with_feature_on(slices, shape=(40, 40, 96), name="array"):
    labels = np.zeros(shape, np.uint8)
    labels[list(slices), 10:20, 10:20] = labels[list(slices), 10:20, 80:90] = 1
    image = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    return LabelledTomogram.from_arrays(image, labels, slices=(2, 8, 14, 20, 26, 32, 38), name=name)


@pytest.mark.parametrize(
    ("feature_on", "words"),
    [
        ((8, 20, 38), "held out by slab: slices from 38"),
        ((2, 20, 26), "held out by slab: slices to 2"),  # at the upper end there is nothing to measure
        ((14, 20), "held out by area: x from"),  # at both ends there is nothing to measure
    ],
)
def test_what_is_held_out_shows_the_feature(feature_on, words):
    data = cut_boxes([with_feature_on(feature_on)], small_params(), 8)
    assert data.record["held_out"].startswith(words)


def test_tomograms_without_the_feature_are_learned_from():
    items = [with_feature_on((8, 20), name="a"), with_feature_on((8,), name="b"), with_feature_on((), name="c")]
    assert cut_boxes(items, small_params(), 8).record["held_out"] == "held out by tomogram: b"


def test_a_division_that_cannot_be_made_is_refused():
    with pytest.raises(ParameterProblem, match="'tomogram' cannot be held out"):
        cut_boxes([labelled()], small_params(validation="tomogram"), 8)
    assert cut_boxes([labelled()], small_params(validation="none"), 8).held_out is None


def test_nothing_to_learn_from_is_said():
    image, labels = balls()
    with pytest.raises(ParameterProblem, match="no tomogram has annotated slices"):
        cut_boxes([LabelledTomogram.from_arrays(image, labels, 10.0, ())], small_params(), 8)
    with pytest.raises(ParameterProblem, match="holds the feature"):
        cut_boxes([LabelledTomogram.from_arrays(image, labels * 0, 10.0)], small_params(), 8)
    with pytest.raises(ParameterProblem, match="give 24"):
        cut_boxes([labelled()], small_params(box_size=21), 8)


def test_wrong_input_is_named():
    image, labels = balls()
    with pytest.raises(ParameterProblem, match="do not fit"):
        LabelledTomogram.from_arrays(image, labels[1:])
    with pytest.raises(ParameterProblem, match="no slice 24"):
        LabelledTomogram.from_arrays(image, labels, 10.0, (24,))
    with pytest.raises(ParameterProblem, match="outside"):
        LabelledTomogram("x", Tomogram(image), lambda r: labels[r], (), (Box((0, 64, 0)),))
    image[:, ::8, ::8] = np.nan
    with pytest.warns(DataWarning, match="taken for the mean"):
        data = cut_boxes([LabelledTomogram.from_arrays(image, labels, 10.0)], small_params(), 8)
    assert np.isfinite(data.training.images).all()


def test_tomograms_smaller_than_a_box():
    item = labelled(shape=(3, 10, 12), slices=(1,), radius=4.0)
    data = cut_boxes([item], small_params(box_size=32, depth=5), 8)
    assert data.training.images.shape[1] == 5 and np.isfinite(data.training.images).all()
    inner = without_margin(data.training, data.margin).labels
    assert ((inner != 2).sum((1, 2)) == 120).all()


@given(
    ours=st.integers(1, 30),
    others=st.integers(0, 30),
    negatives=st.floats(0, 5),
    batch=st.integers(1, 40),
    draws=st.integers(1, 9),
    epoch=st.integers(0, 3),
)
def test_every_batch_has_the_ratio_that_was_asked_for(ours, others, negatives, batch, draws, epoch):
    params = small_params(negatives=negatives, batch=batch, draws=draws)
    positive = np.arange(ours + others) < ours
    batches = epoch_batches(positive, params, epoch)
    assert len(batches) == steps_per_epoch(len(positive), params)
    share = 1 / (1 + negatives) if others else 1.0
    for indices in batches:
        assert len(indices) == min(batch, draws * len(positive))
        assert abs(positive[indices].sum() - share * len(indices)) < 1.51
    everything = np.concatenate(batches)
    assert abs(positive[everything].sum() - share * len(everything)) <= 0.51
    counts = np.bincount(everything, minlength=len(positive))[: ours if share else None][:ours]
    assert np.ptp(counts) <= 1, "every box with the feature comes equally often"
