"""What `ais-app subtomo average`, `sort` and `faml` are given: maps, masks, poses, and what is refused."""

import shutil

import numpy as np
import pytest
from averaged_stack import EDGE, FAST, SIZE, TRUTH, agreement, eight_particles

from ais_app.core.errors import DataWarning, FileProblem, ParameterProblem
from ais_app.core.io import write_volume
from ais_app.core.particle_set import Particles
from ais_app.core.particles.fourier import soft_sphere
from ais_app.core.particles.halves_params import AverageParams
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.sort import SortParams
from ais_app.core.particles.stack import SubtomogramStack, write_stack
from ais_app.core.particles.wedge import Wedge
from ais_app.core.tomogram import Tomogram
from ais_app.operations.replay import replay
from ais_app.operations.subtomo_average import subtomo_average
from ais_app.operations.subtomo_faml import subtomo_faml
from ais_app.operations.subtomo_sort import subtomo_sort


@pytest.fixture(autouse=True, scope="module")
def on_one_core(one_thread):
    """Cubes of this size are turned fastest on one."""


@pytest.fixture
def stack(tmp_path):
    """Eight particles, those with odd numbers with a bump more, their poses known."""
    return eight_particles(tmp_path)


def test_a_reference_and_a_mask(stack, tmp_path):
    like = Tomogram(TRUTH, (SIZE,) * 3)
    reference = write_volume(tmp_path / "reference.mrc", TRUTH, like=like)
    mask = write_volume(tmp_path / "mask.mrc", soft_sphere(EDGE), like=like)
    asked = AverageParams(iterations=1, angular_step=45.0)
    found = subtomo_average(stack, tmp_path / "out", asked, reference=reference, mask=mask)
    assert agreement(found.refined.averages.average, TRUTH) > 0.9


def test_maps_of_another_box_and_voxel_size_are_made_to_fit(stack, tmp_path, ais):
    large = np.pad(TRUTH, 3)  # its voxel n // 2 stays the centre
    reference = write_volume(tmp_path / "large.mrc", large, like=Tomogram(large, (SIZE,) * 3))
    small = np.ones((8, 8, 8), np.float32)
    mask = write_volume(tmp_path / "mask.mrc", small, like=Tomogram(small, (SIZE * 1.5,) * 3))
    asked = AverageParams(iterations=1, angular_step=45.0)
    found = subtomo_average(stack, tmp_path / "out", asked, reference=reference, mask=mask)
    assert agreement(found.refined.averages.average, TRUTH) > 0.9
    assert replay(tmp_path / "out" / "average.mrc").identical
    whole = np.ones((60, 60, 60), np.float32)
    whole[20:40, 20:40, 20:40] = np.random.default_rng(0).normal(size=(20, 20, 20))
    tomogram = write_volume(tmp_path / "whole.mrc", whole, like=Tomogram(whole, (SIZE * 2,) * 3))
    with pytest.warns(DataWarning, match=r"whole.mrc: only \d+ % of its density"):
        subtomo_average(stack, tmp_path / "warned", asked, reference=tomogram)
    code, _, err = ais(
        "subtomo", "sort", stack, "-o", tmp_path / "s", "--no-align", "--dimensions", "2", "--mask", mask
    )
    assert code == 0, err


def test_maps_that_are_none_are_refused_by_name(stack, tmp_path):
    def written(name, data, size=SIZE):
        return write_volume(tmp_path / name, data.astype(np.float32), like=Tomogram(data, size and (size,) * 3))

    broken = TRUTH.copy()
    broken[0, 0, 0] = np.nan
    nan, bare = written("nan.mrc", broken), written("bare.mrc", soft_sphere(EDGE), None)
    density = written("density.mrc", TRUTH * 9 - 3.8)
    coarse = written("coarse.mrc", soft_sphere(EDGE), SIZE * 30)
    with pytest.raises(ParameterProblem, match=r"^mask .*coarse.mrc: has voxels of 360 Å, the stack of 12 Å"):
        subtomo_average(stack, tmp_path / "out", FAST, mask=coarse)
    for option in ("reference", "mask"):
        for path, said in ((nan, "1 of its voxels"), (bare, "voxel size is not known; .*convert --voxel-size")):
            with pytest.raises((FileProblem, ParameterProblem), match=f"{option} .*{path.name}: .*{said}"):
                subtomo_average(stack, tmp_path / "out", FAST, **{option: path})
    for job in (subtomo_average, subtomo_sort):
        with pytest.raises(ParameterProblem, match=r"mask .*density.mrc: its values are -3.8 to .*0 outside"):
            job(stack, tmp_path / "out", mask=density)
    assert not (tmp_path / "out").exists()


def test_no_output_replaces_what_it_is_made_from(stack, tmp_path):
    out = tmp_path / "out"
    subtomo_average(stack, out, FAST)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    for name in ("average.mrc", "half1.mrc", "iterations/average_01.mrc"):
        with pytest.raises(ParameterProblem, match=f"{name}: is an input; it would be overwritten"):
            subtomo_average(stack, out, FAST, reference=out / name)
    shutil.copy(out / "average.mrc", out / "class_2_average.mrc")
    with pytest.raises(ParameterProblem, match=r"class_2_average.mrc: is an input"):
        subtomo_sort(stack, out, SortParams(classes=2), mask=out / "class_2_average.mrc")
    for job in (subtomo_average, subtomo_sort, subtomo_faml):
        with pytest.raises(ParameterProblem, match=r"lies in the input .*particles.zarr"):
            job(stack, stack / "out")
    (out / "class_2_average.mrc").unlink()
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_without_iterations_particles_are_averaged_as_they_lie(stack, tmp_path):
    opened, unturned = SubtomogramStack.open(stack), tmp_path / "unturned.zarr"
    bare = Particles(opened.particles.positions_zyx, voxel_size=SIZE)
    write_stack(unturned, opened.read(), bare, [Wedge()], np.zeros(8, int), SIZE, poses=Poses.unturned(8))
    for each in (stack, unturned):
        out = tmp_path / each.stem
        subtomo_average(each, out, FAST)  # what it left is not gone on with
        lying = subtomo_average(each, out, AverageParams(iterations=0))
        same = subtomo_average(each, tmp_path / "same", align=False)
        assert np.array_equal(lying.refined.averages.average, same.refined.averages.average)
        assert np.array_equal(lying.refined.poses.rotations, SubtomogramStack.open(each).poses.rotations)
    with pytest.raises(ParameterProblem, match="random_start: nothing is aligned"):
        subtomo_average(stack, tmp_path / "out", AverageParams(random_start=True), align=False)


def test_files_of_another_kind_are_told_in_words(stack, tmp_path, ais):
    text, other = tmp_path / "text.npz", tmp_path / "other.npz"
    text.write_text("not an archive")
    np.savez(other, rotations=np.zeros((8, 3, 3)), labels=np.zeros(8))
    few = tmp_path / "few.npz"
    np.savez(few, rotations=np.zeros((3, 3, 3)), shifts_zyx=np.zeros((3, 3)), scores=np.zeros(3))
    for path, said in (
        (text, "holds no poses: it is no .npz file"),
        (other, "holds no poses: it has rotations, labels, but no shifts_zyx, scores"),
        (few, "holds poses of 3 particles, the stack has 8"),
    ):
        code, _, err = ais("subtomo", "average", stack, "-o", tmp_path / "out", "--no-align", "--poses", path)
        assert code == 1 and f"{path.name}: {said}" in err and "starting_poses.npz" in err
    words = ("--by", "components", "--clusters", "2", "--like", text)
    code, _, err = ais("subtomo", "cluster", stack, "-o", tmp_path / "out", *words)
    assert code == 1 and "text.npz: holds no clusters: it is no .npz file" in err
    state = tmp_path / "out" / "iterations" / "state.npz"
    state.parent.mkdir(parents=True)
    state.write_text("not an archive")
    code, _, err = ais("subtomo", "average", stack, "-o", tmp_path / "out", "--iterations", "1")
    assert code == 1 and "state.npz: is damaged: it is no .npz file, or is cut short; start anew: --fresh" in err
