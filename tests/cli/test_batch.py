"""``ais-app batch`` from the command line."""

from __future__ import annotations

import json
import subprocess

import numpy as np
import pytest

from ais_app.core.io import write_volume
from ais_app.core.tomogram import Tomogram

SIZE = (10.0, 10.0, 10.0)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with two segmentations."""
    monkeypatch.chdir(tmp_path)
    data = np.zeros((6, 12, 20), dtype=np.int8)
    data[1:4, 2:6, 2:6] = 1
    for name in ("TS_01", "TS_02"):
        write_volume(f"{name}__granule.mrc", data, like=Tomogram(data, voxel_size_zyx=SIZE))
    return tmp_path


@pytest.fixture
def queued(folder, ais):
    """A queue with three items: two labels, and a mesh of the first."""
    for name in ("TS_01", "TS_02"):
        arguments = json.dumps({"segmentations": [f"{name}__granule.mrc"], "out_dir": "labels"})
        words = ("--title", f"Label {name}", "--subject", name)
        assert ais("batch", "add-operation", "Q.aisqueue", "label", arguments, *words)[0] == 0
    mesh = json.dumps({"segmentations": ["TS_01__granule.mrc"], "out_dir": "meshes"})
    code, out, _ = ais("batch", "add-operation", "Q.aisqueue", "mesh", mesh, "--after", 1, "--title", "Mesh TS_01")
    assert (code, out) == (0, "Q.aisqueue: item 3 added\n")
    return folder


def shown(ais) -> dict:
    code, out, _ = ais("batch", "status", "Q.aisqueue", "--json")
    assert code == 0
    return json.loads(out)


def test_work_is_added_run_and_shown(queued, ais):
    items = shown(ais)["items"]
    assert items[0]["arguments"] == {
        "segmentations": [str(queued / "TS_01__granule.mrc")],
        "out_dir": str(queued / "labels"),
    }
    assert items[2]["depends_on"] == [1]
    code, out, err = ais("batch", "run", "Q.aisqueue", "--once")
    assert (code, err) == (0, "")
    assert [line.split(":")[0] for line in out.splitlines()] == ["Label TS_01", "Label TS_02", "Mesh TS_01"]
    assert "Label TS_01: 1 instance (" in out
    status = shown(ais)
    assert status["counts"] == {"waiting": 0, "running": 0, "done": 3, "failed": 0, "cancelled": 0, "skipped": 0}
    assert status["items"][0]["outputs"] == [str(queued / "labels" / "TS_01__granule_instances.mrc")]
    assert ais("batch", "status", "Q.aisqueue")[1] == "Q.aisqueue: 3 done\n"
    assert "    3  done       Mesh TS_01: " in ais("batch", "status", "Q.aisqueue", "--all")[1]


def test_a_failure_is_one_line_and_the_exit_code(queued, ais):
    (queued / "TS_01__granule.mrc").unlink()
    code, out, err = ais("batch", "run", "Q.aisqueue", "--once")
    assert code == 1
    assert out.startswith("Label TS_02")
    where = queued / "TS_01__granule.mrc"
    assert err == f"ais-app: Label TS_01: {where}: no such file or folder; check the name\n"
    out = ais("batch", "status", "Q.aisqueue")[1]
    assert "Q.aisqueue: 1 done, 1 failed, 1 cancelled" in out
    assert f"1  failed     Label TS_01: {where}: no such file or folder; check the name" in out
    write_volume(where, np.ones((3, 4, 5), np.int8), like=Tomogram(np.ones((3, 4, 5)), voxel_size_zyx=SIZE))
    assert ais("batch", "retry", "Q.aisqueue", "--failed")[1] == "Q.aisqueue: 2 wait again\n"
    assert ais("batch", "run", "Q.aisqueue", "--once")[0] == 0


def test_pause_cancel_retry_remove(queued, ais):
    assert ais("batch", "pause", "Q.aisqueue")[0] == 0
    assert "3 waiting; paused" in ais("batch", "status", "Q.aisqueue")[1]
    assert ais("batch", "resume", "Q.aisqueue")[0] == 0
    assert not shown(ais)["paused"]
    assert ais("batch", "cancel", "Q.aisqueue", 1)[1] == "Q.aisqueue: 1 cancelled\n"
    assert [item["state"] for item in shown(ais)["items"]] == ["cancelled", "waiting", "cancelled"]
    assert ais("batch", "retry", "Q.aisqueue", 3)[1] == "Q.aisqueue: 2 wait again\n"
    assert ais("batch", "cancel", "Q.aisqueue", "--all")[1] == "Q.aisqueue: 3 cancelled\n"
    assert ais("batch", "remove", "Q.aisqueue", 2)[1] == "Q.aisqueue: 1 removed\n"
    assert ais("batch", "remove", "Q.aisqueue", "--finished")[1] == "Q.aisqueue: 2 removed\n"
    assert ais("batch", "status", "Q.aisqueue")[1] == "Q.aisqueue: empty\n"
    code, _, err = ais("batch", "cancel", "Q.aisqueue")
    assert (code, "give their numbers, or --all" in err) == (1, True)
    code, _, err = ais("batch", "retry", "Q.aisqueue", 77)
    assert (code, "has no item 77" in err) == (1, True)


def test_a_plan_is_made_of_options(folder, ais):
    from ais_app.core.model.card import ModelCard
    from ais_app.core.model.package import new_model, save_model

    save_model(new_model(ModelCard("vggnet_s", feature="membrane")), "membrane.aismodel")
    grey = np.zeros((4, 32, 32), np.float32)
    for name in ("a.mrc", "b.mrc"):
        write_volume(name, grey, like=Tomogram(grey, voxel_size_zyx=SIZE))
    words = ("-m", "membrane.aismodel", "-o", "out", "--tta", 4, "--picks", "membrane", "--meshes", "all", "--previews")
    settings = ("--set", "picks.threshold=0.4", "--set", "picks.membrane.min-volume=1e6", "--set", "meshes.formats=glb")
    call = ("batch", "add", "Q.aisqueue", "[ab].mrc", *words)
    code, out, err = ais(*call, *settings)
    assert (code, out) == (0, "Q.aisqueue: 8 items added (1 to 8), 8 waiting\n")
    assert "ais-app batch run Q.aisqueue" in err
    segment, pick, mesh, preview = shown(ais)["items"][:4]
    assert segment["arguments"]["params"]["tta"] == 4
    assert segment["arguments"]["models"] == [str(folder / "membrane.aismodel")]
    assert (pick["arguments"]["params"]["threshold"], pick["arguments"]["params"]["min_volume"]) == (0.4, 1e6)
    assert mesh["outputs"] == [str(folder / "out" / "meshes" / "a__membrane.glb")]
    assert preview["operation"] == "preview"
    code, _, err = ais(*call, "--set", "masks.threshold=0.4")
    assert (code, "is the setting of nothing that is asked for" in err) == (1, True)
    code, _, err = ais(*call, "--set", "picks.treshold=0.4")
    assert (code, "did you mean threshold?" in err) == (1, True)
    code, _, err = ais(*call, "--picks", "carbon")
    assert (code, "carbon" in err) == (1, True)


def test_what_is_no_operation_or_no_queue_is_said(folder, ais):
    for operation, arguments, words in (
        ("conjure", "{}", "is not an operation of this version"),
        ("label", "{}", "missing a required argument: 'segmentations'"),
        ("label", "[1]", "no JSON object"),
        ("label", "{", "no JSON"),
        ("label", '{"segmentations": [], "out_dir": "x", "params": {"treshold": 1}}', "did you mean threshold?"),
    ):
        code, _, err = ais("batch", "add-operation", "Q.aisqueue", operation, arguments)
        assert (code, words in err) == (1, True), err
    for command in ("run", "status", "pause", "script"):
        code, _, err = ais("batch", command, "Q.aisqueue")
        assert (code, "no such queue" in err) == (1, True)


ASKED = ("--workers", 5, "--hours", 2.5, "--cores", 8, "--memory", 32, "--gpus", 1, "--partition", "emgpu")


@pytest.mark.parametrize(
    ("scheduler", "lines"),
    [
        (
            "slurm",
            (
                "#SBATCH --array=1-5",
                "#SBATCH --time=02:30:00",
                "#SBATCH --cpus-per-task=8",
                "#SBATCH --mem=32G",
                "#SBATCH --gres=gpu:1",
                "#SBATCH --partition=emgpu",
                "#SBATCH --account=lab",
                "#SBATCH --signal=B:TERM@120",
                "#SBATCH --exclusive",
            ),
        ),
        (
            "pbs",
            (
                "#PBS -J 1-5",
                "#PBS -l select=1:ncpus=8:mem=32gb:ngpus=1",
                "#PBS -l walltime=02:30:00",
                "#PBS -q emgpu",
                "#PBS -A lab",
                "#PBS --exclusive",
            ),
        ),
        (
            "sge",
            (
                "#$ -t 1-5",
                "#$ -l h_rt=02:30:00",
                "#$ -pe smp 8",
                "#$ -l h_vmem=4G",
                "#$ -l gpu=1",
                "#$ -q emgpu",
                "#$ -P lab",
                "#$ --exclusive",
            ),
        ),
    ],
)
def test_a_script_asks_the_cluster_for_workers(queued, ais, scheduler, lines):
    more = ("--account", "lab", "--extra", "--exclusive", "--setup", "module load cuda", "--program", "ais-app")
    code, out, _ = ais("batch", "script", "Q.aisqueue", "--scheduler", scheduler, *ASKED, *more)
    assert code == 0
    written = out.splitlines()
    assert written[0] == "#!/bin/bash"
    for line in lines:
        assert line in written
    assert written[-2] == "module load cuda"
    assert written[-1].startswith(f"exec ais-app batch run {queued / 'Q.aisqueue'} --once --no-progress --name ")
    assert subprocess.run(["bash", "-n"], input=out, text=True, check=False).returncode == 0


def test_a_script_leaves_out_what_is_not_asked_for_and_quotes_names(folder, ais):
    name = "my $(touch x) queue.aisqueue"
    arguments = '{"segmentations": ["TS_01__granule.mrc"], "out_dir": "labels"}'
    assert ais("batch", "add-operation", name, "label", arguments)[0] == 0
    code, out, _ = ais("batch", "script", name, "--memory", 0)
    assert code == 0
    assert "--mem" not in out
    assert "--gres" not in out
    assert "--partition" not in out
    assert f"'{folder / name}'" in out.splitlines()[-1]
    assert "#SBATCH --job-name=ais-my___touch_x__queue" in out
    code, _, err = ais("batch", "script", name, "--scheduler", "cron")
    assert (code, "choose one of slurm, pbs, sge" in err) == (1, True)
    code, _, err = ais("batch", "script", name, "--setup", "a\nb")
    assert (code, "line break" in err) == (1, True)


def test_a_report_is_written(queued, ais):
    assert ais("batch", "run", "Q.aisqueue", "--once")[0] == 0
    code, out, _ = ais("batch", "report", "Q.aisqueue", "page.html")
    assert (code, out) == (0, "page.html\n")
    assert "1 instance" in (queued / "page.html").read_text(encoding="utf-8")
