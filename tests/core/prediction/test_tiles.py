import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ais_app.core.errors import ParameterProblem
from ais_app.core.prediction.tiles import Lens, layout, mirrored, windows


@st.composite
def cuts(draw):
    lens = Lens(stride=draw(st.sampled_from([1, 2, 4, 8, 16])), receptive_field=draw(st.integers(1, 90)))
    size = draw(st.integers(1, 400))
    start = draw(st.integers(0, size - 1))
    stop = draw(st.integers(start + 1, size))
    limit = draw(st.integers(lens.smallest, lens.smallest + 300))
    return size, slice(start, stop), lens, limit


@given(cuts())
def test_windows_keep_every_wanted_pixel_once_and_see_far_enough(cut):
    size, wanted, lens, limit = cut
    plan = layout(size, wanted, lens, limit)
    kept = [i for stretch in plan.stretches for i in range(stretch.kept.start, stretch.kept.stop)]
    assert kept == list(range(wanted.start, wanted.stop))
    lengths = {s.seen.stop - s.seen.start for s in plan.stretches}
    assert len(lengths) == 1
    assert max(lengths) <= limit
    whole = layout(size, slice(0, size), lens, 10**6).extent
    for stretch in plan.stretches:
        assert stretch.seen.start % lens.stride == 0
        assert stretch.seen.stop % lens.stride == 0
        assert plan.extent.start <= stretch.seen.start
        assert stretch.seen.stop <= plan.extent.stop
        # either far enough, or at the end of what the whole slice sees
        assert stretch.kept.start - stretch.seen.start >= lens.halo or stretch.seen.start == whole.start
        assert stretch.seen.stop - stretch.kept.stop >= lens.halo or stretch.seen.stop == whole.stop


@given(cuts())
def test_windows_hardly_see_more_than_they_must(cut):
    size, wanted, lens, limit = cut
    plan = layout(size, wanted, lens, limit)
    count, total = len(plan.stretches), sum(s.seen.stop - s.seen.start for s in plan.stretches)
    least = plan.extent.stop - plan.extent.start + (count - 1) * 2 * lens.halo
    assert total < least + count * lens.stride + 1


def test_a_whole_slice_is_one_window():
    plan = layout(576, slice(0, 576), Lens(8, 50), 4096)
    assert plan.stretches[0].seen == slice(-16, 592)
    assert [(w.rows.kept, w.columns.kept) for w in windows(plan, plan)] == [(slice(0, 576), slice(0, 576))]


def test_too_small_a_tile_says_what_would_do():
    with pytest.raises(ParameterProblem, match="at least 88"):
        layout(500, slice(0, 500), Lens(8, 50), 64)


@given(st.integers(2, 30), st.integers(0, 80), st.integers(0, 80))
def test_mirrored_is_what_numpy_pads(size, before, after):
    expected = np.pad(np.arange(size), (before, after), mode="reflect")
    np.testing.assert_array_equal(mirrored(slice(-before, size + after), size), expected)


def test_a_single_pixel_is_mirrored_onto_itself():
    assert mirrored(slice(-3, 4), 1).tolist() == [0] * 7
