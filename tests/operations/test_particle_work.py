"""Work of the Particles tab: written down exactly, done again from files alone, kept and read again."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ais_app.core.errors import DataWarning, FileProblem, ParameterProblem
from ais_app.core.io import open_tomogram, write_volume
from ais_app.core.jobs import JobCancelled, Progress, run
from ais_app.core.particle_set import Particles
from ais_app.core.particles.extract import SubtomogramParams
from ais_app.core.particles.grouping import GroupingParams
from ais_app.core.particles.halves_params import AverageParams
from ais_app.core.particles.stack import write_stack
from ais_app.core.particles.wedge import Wedge
from ais_app.core.tomogram import Tomogram
from ais_app.operations.particle_cubes import CubeRequest
from ais_app.operations.particle_work import (
    align_rows_job,
    average_rows_job,
    group_rows_job,
    kept_job,
    particle_work,
)
from ais_app.operations.particle_work_list import shell_line
from ais_app.operations.particle_work_results import AverageShown, kept_average, write_average
from ais_app.operations.replay import replay
from ais_app.state.gallery_table import ParticleTable

SIZE = (9.98, 10.0, 10.02)  # Å along z, y, x: what the project says; the files say nothing


@pytest.fixture
def request_(tmp_path: Path) -> CubeRequest:
    """Nine of 24 particles in two tomograms, some turned, at places that no decimal number hits."""
    random = np.random.default_rng(0)
    paths = [tmp_path / f"T{number}.mrc" for number in (1, 2)]
    for path in paths:
        write_volume(path, random.normal(size=(24, 60, 60)).astype(np.float32))
    turned = np.tile(np.eye(3), (24, 1, 1))[:, [1, 2, 0]]
    turned[::3] = np.nan
    table = ParticleTable(
        np.repeat([5, 3], 12), np.arange(24) % 12, np.repeat([7, 4], 12), np.repeat(["T2", "T1"], 12).astype(object),
        random.uniform(90, 130, (24, 3)) * (1, 3, 3), np.full(24, np.nan), np.zeros(24, dtype=bool),
        np.full(24, "", dtype=object), rotations=turned,
    )  # fmt: skip

    def volume_of(id: int) -> Tomogram:
        return open_tomogram(paths[0 if id == 4 else 1], voxel_size=SIZE)

    params = SubtomogramParams(box=12, edge="pad", dark=False)
    return CubeRequest(table, np.array([0, 2, 3, 7, 11, 12, 15, 20, 23]), volume_of, params, Wedge(-50, 60, "x"))


def saved(found: AverageShown, folder: Path) -> Path:
    write_average(found, folder)
    return folder / "average.mrc"


def test_an_average_of_a_selection_is_made_again_to_the_last_bit(request_: CubeRequest, tmp_path: Path) -> None:
    found = run(average_rows_job(request_, "C2", seed=3))
    out = saved(found, tmp_path / "out")
    assert len((tmp_path / "out" / "particles.csv").read_text().splitlines()) == 10
    for name in ("average.mrc", "half1.mrc", "fsc.csv"):
        assert replay(tmp_path / "out" / name).identical, name
    other = run(average_rows_job(replace(request_, rows=request_.rows[:-1]), "C2", seed=3))
    assert saved(other, tmp_path / "other").read_bytes() != out.read_bytes()
    whole = run(average_rows_job(replace(request_, cache=tmp_path / "c.zarr", rows=np.arange(24)), "C1"))
    assert replay(saved(whole, tmp_path / "whole")).identical  # cut into a stack beside the project, and in memory


def test_the_line_of_the_log_does_it_again(request_: CubeRequest, tmp_path: Path) -> None:
    params = AverageParams(iterations=1, angular_step=60.0, max_shift=20.0, seed=4)
    found = run(kept_job(align_rows_job(request_, params), request_.table, lambda: tmp_path, "spots"))
    done = found.worked
    assert done is not None and done.path is not None and done.title == "9 of 24 particles"
    line = done.python(str(tmp_path / "again"))
    exec(line, {})
    assert (tmp_path / "again" / "average.mrc").read_bytes() == saved(found, tmp_path / "out").read_bytes()
    again = run(kept_job(average_rows_job(request_), request_.table, lambda: tmp_path, "spots"))
    assert again.worked is not None and again.worked.path == done.path  # one list for the same particles


@pytest.mark.parametrize("work", ["align", "group", "average"])
def test_how_far_it_is_never_goes_back(request_: CubeRequest, tmp_path: Path, work: str) -> None:
    """Cutting, reading and averaging have no known share of the whole."""
    request = replace(request_, rows=np.arange(24), cache=tmp_path / "c.zarr")
    jobs = {
        "align": lambda: align_rows_job(request, AverageParams(iterations=2, angular_step=60.0, max_shift=20.0)),
        "group": lambda: group_rows_job(request, GroupingParams(clusters=2, epochs=2, map="components", device="cpu")),
        "average": lambda: average_rows_job(request),
    }
    said: list[Progress] = []
    run(jobs[work](), said.append)
    measured = [step for step in said if step.total]
    assert measured and len({step.total for step in measured}) == 1
    assert all(one.done <= next_.done <= one.total for one, next_ in itertools.pairwise(measured))
    assert all(step.total == 0 for step in said if step.message.startswith(("cutting", "looking", "reading")))


def test_groups_and_what_is_not_written(request_: CubeRequest, tmp_path: Path) -> None:
    params = GroupingParams(clusters=2, by="components", map="components", seed=1)
    found = run(kept_job(group_rows_job(request_, params), request_.table, lambda: None, ""))
    done = found.worked
    assert done is not None and done.path is None
    assert done.python("out").startswith("# group: 9 of 24 particles; the list of them was not written")
    table = tmp_path / "list.csv"
    table.write_text(done.listing)
    (written,) = particle_work(out_dir=tmp_path / "out", particles=table, **call(done.arguments))
    lines = [line.split(",") for line in written.read_text().splitlines()[1:]]
    assert [int(line[1]) - 1 for line in lines] == found.assignment.tolist()
    assert replay(written).identical
    paths = done.arguments["tomograms"]
    with pytest.raises(ParameterProblem, match="network"):
        particle_work(paths, table, tmp_path, work="classify")
    with pytest.raises(ParameterProblem, match="'sort' is not known"):
        particle_work([], table, tmp_path, work="sort")


@pytest.mark.usefixtures("one_thread")
def test_grouping_that_is_stopped_goes_on_beside_the_project(request_: CubeRequest, tmp_path: Path) -> None:
    params = GroupingParams(clusters=2, epochs=4, code=32, map="components", device="cpu")
    request = replace(request_, rows=np.arange(24), cache=tmp_path / "P_particles" / "spots.zarr")
    whole = run(group_rows_job(replace(request, cache=None), params))

    def epochs(job, last: int | None = None) -> tuple[list[int], object]:
        seen: list[int] = []

        def note(step) -> None:
            seen.extend([step.values["epoch"]] if "epoch" in step.values else [])

        found = run(job, note, lambda: last is not None and last in seen)
        return seen, found

    kept = tmp_path / "P_particles" / "spots_encoder.checkpoint"
    with pytest.raises(JobCancelled):
        epochs(group_rows_job(request, params), 2)
    assert kept.exists()
    seen, found = epochs(group_rows_job(request, params))
    assert seen == [3, 4] and not kept.exists()
    assert np.array_equal(found.assignment, whole.assignment) and np.array_equal(found.embedding, whole.embedding)
    with pytest.raises(JobCancelled):
        epochs(group_rows_job(request, params), 2)
    seen, _ = epochs(group_rows_job(replace(request, rows=request.rows[1:]), params))
    assert seen == [1, 2, 3, 4]  # other particles


def test_no_curve_of_an_average_before_stays(request_: CubeRequest, tmp_path: Path) -> None:
    out = tmp_path / "out"
    saved(run(average_rows_job(request_)), out)
    assert (out / "fsc.csv").exists()
    found = run(average_rows_job(replace(request_, rows=request_.rows[:1])))  # one half holds nothing
    saved(found, out)
    assert found.averages.fsc is None and not list(out.glob("fsc.csv*"))
    (out / "fsc.csv").write_text("mine")
    saved(found, out)
    assert (out / "fsc.csv").read_text() == "mine"


def call(arguments) -> dict:
    kinds = {"cubes": SubtomogramParams, "wedge": Wedge, "grouping": GroupingParams}
    return {name: kinds[name].from_dict(value) if name in kinds else value for name, value in arguments.items()}


def test_rows_of_a_stack(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    cubes = random.normal(size=(6, 12, 12, 12)).astype(np.float32)
    stack = tmp_path / "s.zarr"
    write_stack(stack, cubes, Particles(np.zeros((6, 3))), [Wedge()], np.zeros(6, np.int64), 9.0)
    table = ParticleTable(*[np.arange(6)] * 4, np.zeros((6, 3)), *[np.zeros(6)] * 3)
    request = CubeRequest(table, np.array([1, 4, 5]), lambda _: Tomogram(cubes[0]), SubtomogramParams(), Wedge(),
                          stack=stack)  # fmt: skip
    found = run(average_rows_job(request))
    out = saved(found, tmp_path / "out")
    assert replay(out).identical
    assert (tmp_path / "out" / "particles.csv").read_text().split() == ["row", "1", "4", "5"]
    assert found.worked is not None
    line = shell_line(found.worked, "average", {"align": False, "seed": 0, "mask": None}, "")
    assert line == f"ais-app subtomo average {stack} --no-align --seed 0 -o average"


def test_what_a_terminal_can_say(request_: CubeRequest) -> None:
    done = run(average_rows_job(request_)).worked
    assert done is not None
    assert shell_line(done, "average", {}, "--project P") == ""  # it knows tilts about y alone
    done = run(average_rows_job(replace(request_, wedge=Wedge(-50, 60)))).worked
    assert done is not None
    line = shell_line(done, "average", {"align": False}, "--project P --pick-set spots")
    assert line == (
        "ais-app subtomo extract --project P --pick-set spots --box 12 --bin 1 --edge pad --no-dark --tilt=-50,60"
        " -o particles.zarr && ais-app subtomo average particles.zarr --no-align -o average"
    )


def test_an_average_is_kept_and_belongs_to_its_particles(request_: CubeRequest, tmp_path: Path) -> None:
    table = request_.table
    found = run(kept_job(average_rows_job(request_), table, lambda: tmp_path, "spots"))
    path = tmp_path / "spots_average.npz"
    again = kept_average(path, table)
    assert again is not None and again.count == 9 and again.rows.tolist() == request_.rows.tolist()
    assert again.resolutions == found.resolutions and np.array_equal(again.curve, found.curve)
    assert saved(again, tmp_path / "a").read_bytes() == saved(found, tmp_path / "b").read_bytes()
    assert (tmp_path / "a" / "average.mrc.json").exists()
    columns = {name: getattr(table, name)[:3] for name in ("sets", "ids", "tomograms", "names", "positions_zyx")}
    fewer = replace(table, **columns, scores=table.scores[:3])
    some = kept_average(path, fewer)
    assert some is not None and some.rows.tolist() == [0, 2] and some.count == 9  # the others are gone since
    assert kept_average(path, replace(fewer, sets=fewer.sets + 90)) is None
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(FileProblem, match="damaged"):
        kept_average(path, table)


def test_where_nothing_can_be_written_the_result_is_there(request_: CubeRequest, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.warns(DataWarning, match="is shown, and not kept"):
        found = run(kept_job(average_rows_job(request_), request_.table, lambda: tmp_path / "file", "spots"))
    assert found.count == 9


@pytest.mark.parametrize("text", ["", "what,is\n1,2\n", "tomogram,z,y,x,r11,r12,r13,r21,r22,r23,r31,r32,r33\n0,one\n"])
def test_lists_that_are_none(text: str, tmp_path: Path) -> None:
    write_volume(tmp_path / "T.mrc", np.zeros((8, 8, 8), np.float32))
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(FileProblem, match="no list|damaged"):
        particle_work([tmp_path / "T.mrc"], tmp_path / "list.csv", tmp_path / "out", voxel_sizes=[[9.0, 9.0, 9.0]])
