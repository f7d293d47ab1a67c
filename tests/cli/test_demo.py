"""The demo from one end to the other, small."""

from __future__ import annotations

import pytest

import ais_app


@pytest.mark.filterwarnings("default::ais_app.core.errors.DataWarning")  # not everything fits into so few voxels
def test_the_demo_leaves_a_report_and_everything_it_made(tmp_path, ais):
    small = ["--shape", "32,128,128", "--slices", 3, "--boxes", 8, "--epochs", 1]
    code, out, error = ais("demo", "-o", tmp_path / "demo", *small)
    assert code == 0, error
    assert "Dice" in out
    assert "ais-app project create" in out
    folder = tmp_path / "demo"
    report = (folder / "report.html").read_text(encoding="utf-8")
    for picture in ("01", "02", "03", "04"):
        assert f"pictures/{picture}.png" in report
        assert (folder / "pictures" / f"{picture}.png").stat().st_size > 1000
    with ais_app.Project.open(folder / "demo.aisproj", read_only=True) as project:
        assert [feature.name for feature in project.features] == ["membrane", "ribosome"]
        assert len(project.labels("phantom_1", "membrane").annotated_slices()) == 3
    assert ais_app.load_model(folder / "models" / "ribosome.aismodel").card.voxel_size == 20.0
    segmentation = ais_app.open_tomogram(folder / "segmentations" / "tomogram__membrane.mrc")
    assert segmentation.shape == (32, 128, 128)
    assert (folder / "picks" / "tomogram__ribosome_coords.star").exists()
    assert (folder / "surfaces" / "tomogram__membrane.obj").exists()
