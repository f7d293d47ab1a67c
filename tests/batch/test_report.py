"""The page about a queue."""

from __future__ import annotations

import base64
import io
import re

import matplotlib.image
import numpy as np
import pytest

from ais_app.batch.plan import plan_exports
from ais_app.batch.report import write_report
from ais_app.batch.work import work_job
from ais_app.core.errors import FileProblem
from ais_app.core.io import open_tomogram
from ais_app.core.jobs import run
from ais_app.core.pickers.blobs import BlobParams
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.surfaces.mesh import MeshParams


@pytest.fixture
def worked(queue, tmp_path, tomogram, model, label_task):
    """A queue with one tomogram done, one failed."""
    exact = PredictionParams(engine="torch", precision="float32")
    wishes = {"picks": {"membrane": BlobParams(threshold=0.45)}, "meshes": {"membrane": MeshParams(level=0.999)}}
    files = [tomogram("TS_01"), tmp_path / "TS_02.mrc"]
    queue.add_all(plan_exports(files, [model("membrane")], tmp_path / "out", prediction=exact, **wishes))
    run(work_job(queue))
    return queue


def text_of(page: str) -> str:
    return re.sub(r"<[^>]*>", " ", page)


def test_the_page_shows_volumes_counts_settings_and_failures(worked, tmp_path):
    path = write_report(worked, tmp_path / "page.html")
    page = path.read_text(encoding="utf-8")
    text = re.sub(r"\s+", " ", text_of(page))
    found = open_tomogram(tmp_path / "out" / "TS_01__membrane.mrc")
    count = int((found.read() >= 64).sum())
    assert f"{count / np.prod(found.shape):.2%}" in text
    picked = worked.items()[1].message
    assert re.fullmatch(r"[\d,]+ particles?", picked)
    assert f"membrane: {picked}" in text
    assert "Items: 3 done, 1 failed, 2 cancelled" in text
    assert f"{tmp_path / 'TS_02.mrc'}: no such file or folder" in text
    assert "needs “Segment TS_02”, which failed" in text
    assert "check the name" in text
    assert "threshold [0…1] 0.45" in text
    assert "engine torch" in text
    assert re.search(r"membrane.aismodel \([0-9a-f]{12}\)", text)
    assert re.search(r"numpy \d+\.", text)
    assert "out/picks/TS_01__membrane_coords.star" in text


def test_the_page_is_one_file_with_its_pictures(worked, tmp_path):
    path = write_report(worked, tmp_path / "alone" / "page.html")
    assert [entry.name for entry in path.parent.iterdir()] == ["page.html"]
    page = path.read_text(encoding="utf-8")
    assert not re.search(r'(src|href)="(?!data:)', page)
    (encoded,) = re.findall(r'src="data:image/jpeg;base64,([^"]*)"', page)
    picture = matplotlib.image.imread(io.BytesIO(base64.b64decode(encoded)), format="jpg").astype(float)
    left, right = picture[:, : picture.shape[1] // 2 - 8], picture[:, picture.shape[1] // 2 + 8 :]
    assert abs(left[..., 0] - left[..., 2]).mean() < 5  # grey
    assert (right[..., 0] - right[..., 2]).mean() > 10  # orange laid over it


def test_results_that_are_gone_are_no_obstacle(worked, tmp_path):
    for path in (tmp_path / "out").rglob("*"):
        path.unlink() if path.is_file() else None
    (tmp_path / "TS_01.mrc").unlink()
    page = write_report(worked, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "No picture" in page


def test_an_empty_queue_has_a_page_too(queue, tmp_path):
    assert "Items: empty" in write_report(queue, tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_page_that_cannot_be_written_is_said(queue, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileProblem, match="cannot be written"):
        write_report(queue, tmp_path / "file" / "page.html")
