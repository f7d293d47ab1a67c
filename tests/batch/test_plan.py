"""From the choices of a person to tasks, and that these can be run."""

from __future__ import annotations

import pytest

from ais_app.batch.plan import OWN_TOMOGRAM, plan_exports
from ais_app.batch.records import Summary
from ais_app.batch.work import work_job
from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.filaments import FilamentParams
from ais_app.core.io import open_tomogram, write_volume
from ais_app.core.jobs import run
from ais_app.core.pickers.blobs import BlobParams
from ais_app.core.prediction.interactions import InteractionGraph, Rule
from ais_app.core.prediction.parameters import OutputParams, PredictionParams
from ais_app.core.surfaces.mesh import MeshParams
from ais_app.operations.label import LabelParams
from ais_app.operations.preview import PreviewParams

GRAPH = InteractionGraph((Rule("avoid", "ribosome", "membrane", 0.5, 50.0),))


@pytest.fixture
def models(model):
    return [model("membrane"), model("ribosome", "#56b4e9")]


def test_one_segmentation_a_tomogram_and_what_is_made_of_it(tmp_path, tomogram, models):
    tomograms = [tomogram("TS_01"), tomogram("TS_02")]
    out = tmp_path / "out"
    tasks = plan_exports(
        tomograms,
        models,
        out,
        prediction=PredictionParams(tta=4),
        output=OutputParams(encoding="uint8", uncertainty=True),
        interactions=GRAPH.save(tmp_path / "graph.json"),
        masks={"membrane": LabelParams(threshold=0.7)},
        instances={"ribosome": None},
        picks={"ribosome": {"params": {"min_volume": 1e6}, "formats": ["star", "tsv"], "membrane": "membrane"}},
        filaments={"membrane": {"params": FilamentParams(spacing=40.0), "refine": OWN_TOMOGRAM}},
        meshes={"membrane": MeshParams(dust=5.0)},
        measurements={"ribosome": {"distances": "membrane"}},
        previews=PreviewParams(size=64),
        voxel_size={tomograms[1]: 12.0},
        regions={tomograms[0]: "1:4,:,:"},
    )
    assert len(tasks) == 2 * 8
    first, second = tasks[:8], tasks[8:]
    assert [task.title for task in first] == [
        "Segment TS_01",
        "Mask of membrane in TS_01",
        "Instances of ribosome in TS_01",
        "Pick ribosome in TS_01",
        "Trace membrane in TS_01",
        "Mesh membrane in TS_01",
        "Measure ribosome in TS_01",
        "Preview of TS_01",
    ]
    assert {task.subject for task in second} == {"TS_02"}
    assert all(task.depends_on == (first[0],) for task in first[1:])
    segment = first[0].arguments
    assert (segment["tomograms"], segment["models"], segment["out_dir"]) == ([tomograms[0]], models, out)
    assert segment["interactions"] == GRAPH.to_dict()  # of now, whatever becomes of the file
    assert (segment["output"].region, second[0].arguments["output"].region) == ("1:4,:,:", "")
    assert (segment["voxel_size"], second[0].arguments["voxel_size"]) == (None, 12.0)
    assert first[0].outputs == [
        out / f"TS_01__{feature}{kind}.mrc" for feature in ("membrane", "ribosome") for kind in ("", "_uncertainty")
    ]
    assert first[1].arguments["params"] == LabelParams(kind="mask", threshold=0.7)
    pick = first[3].arguments
    assert (pick["params"], pick["membrane"]) == (BlobParams(min_volume=1e6), out / "TS_01__membrane.mrc")
    assert first[3].outputs == [out / "picks" / f"TS_01__ribosome_coords.{name}" for name in ("star", "tsv")]
    assert first[4].arguments["refine"] == tomograms[0]
    assert first[6].arguments["distances"] == out / "TS_01__membrane.mrc"
    assert first[7].arguments["colours"] == {"membrane": "#e69f00", "ribosome": "#56b4e9"}


def test_a_plan_runs_makes_what_it_says_and_is_skipped_the_next_time(queue, tmp_path, tomogram, models):
    def tasks():
        return plan_exports(
            [tomogram("TS_01")],
            models,
            tmp_path / "out",
            prediction=PredictionParams(engine="torch", precision="float32"),
            output=OutputParams(region="1:4,:,:"),
            interactions=GRAPH,
            masks={"membrane": None},
            instances={"ribosome": None},
            picks={"ribosome": {"mask": "membrane"}},
            filaments={"membrane": None},
            meshes={"membrane": MeshParams(binning=2)},
            measurements={"membrane": None},
            previews=PreviewParams(size=64),
            skip_existing=True,
        )

    queue.add_all(tasks())
    assert run(work_job(queue)) == Summary(done=8), [item.reason for item in queue.items()]
    for item, task in zip(queue.items(), tasks(), strict=True):
        assert set(task.outputs) <= set(item.outputs)
        assert all(path.exists() for path in item.outputs)
    found = open_tomogram(tmp_path / "out" / "TS_01__membrane.mrc").read()
    assert found[1:4].any()
    assert not found[[0, 4]].any()
    queue.clear_finished()
    queue.add_all(tasks())
    assert run(work_job(queue)) == Summary(skipped=8)


def test_only_what_is_written_can_be_used(tmp_path, tomogram, models):
    only = OutputParams(only=("membrane",))
    with pytest.raises(ParameterProblem, match="picks are asked for, but the feature is not written"):
        plan_exports([tomogram("TS_01")], models, tmp_path, output=only, picks={"ribosome": None})
    with pytest.raises(ParameterProblem, match="no model predicts this feature; features: membrane, ribosome"):
        plan_exports([tomogram("TS_01")], models, tmp_path, output=OutputParams(only=("carbon",)))
    tasks = plan_exports([tomogram("TS_01")], models, tmp_path, output=only, previews=PreviewParams())
    assert [path.name for path in tasks[0].outputs] == ["TS_01__membrane.mrc"]
    assert [path.name for path in tasks[1].arguments["segmentations"]] == ["TS_01__membrane.mrc"]


def test_what_cannot_be_planned_is_said(tmp_path, tomogram, models):
    one = tomogram("TS_01")
    (tmp_path / "b").mkdir()
    with pytest.raises(ParameterProblem, match="has the same name as"):
        plan_exports([one, tmp_path / "b" / "TS_01.mrc"], models, tmp_path)
    with pytest.raises(ParameterProblem, match="no tomogram is chosen"):
        plan_exports([], models, tmp_path)
    with pytest.raises(ParameterProblem, match="no model is chosen"):
        plan_exports([one], [], tmp_path)
    with pytest.raises(FileProblem, match="missing.aismodel"):
        plan_exports([one], [tmp_path / "missing.aismodel"], tmp_path)
    with pytest.raises(ParameterProblem, match="did you mean threshold"):
        plan_exports([one], models, tmp_path, picks={"ribosome": {"params": {"treshold": 0.4}}})


def test_results_of_another_tomogram_of_the_same_name_are_not_replaced(queue, tmp_path, tomogram, models):
    """Two projects in one folder, each with its own TS_01 from elsewhere, export into the folder beside them."""
    first, second, out = tomogram("TS_01"), tmp_path / "b" / "TS_01.mrc", tmp_path / "out"
    second.parent.mkdir()
    data = open_tomogram(first).read()
    write_volume(second, data[::-1], like=open_tomogram(first))

    def plan(path):
        return plan_exports([path], models[:1], out, prediction=PredictionParams(engine="torch"),
                            previews=PreviewParams(size=64))  # fmt: skip

    queue.add_all([*plan(first), *plan(second)])  # neither is there yet
    assert run(work_job(queue)) == Summary(done=2, failed=1)  # and its preview waits for it
    made = (out / "TS_01__membrane.mrc").read_bytes()
    failed = next(item for item in queue.items() if item.state == "failed")
    assert failed.reason == f"{out / 'TS_01__membrane.mrc'}: was made from another tomogram, {first}"
    assert failed.remedy == "export into another folder"
    with pytest.raises(ParameterProblem, match=r"TS_01__membrane.mrc: was made from another tomogram, .*; export into"):
        plan(second)
    assert len(plan(first)) == 2  # its own are
    assert (out / "TS_01__membrane.mrc").read_bytes() == made
    # one that was moved is the same
    (tmp_path / "c").mkdir()
    moved = first.rename(tmp_path / "c" / "TS_01.mrc")
    assert len(plan(moved)) == 2
    # and what is elsewhere is not in the way
    assert len(plan_exports([second], models[:1], tmp_path / "other")) == 1
