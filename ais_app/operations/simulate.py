"""Make a phantom and write it: tomogram, labels, masks, coordinates, axes and the truth in one JSON file."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core import provenance
from ais_app.core.coordinates import write_particles
from ais_app.core.files import check_writable, write_json, write_text
from ais_app.core.io import write_volume
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.simulate.parameters import SimulateParams
from ais_app.core.simulate.phantom import Phantom, make_phantom_job
from ais_app.core.simulate.templates import load_template

NAME = "tomogram"


@dataclass(frozen=True)
class SimulatedFiles:
    """What `simulate` wrote.

    Parameters
    ----------
    tomogram, labels, label_table, truth
        ``tomogram.mrc``, ``labels.mrc``, ``labels.json``, ``truth.json``.
    masks
        Feature to its mask, 0 and 1.
    coordinates
        Complex to its STAR file, with orientations.
    filaments
        CSV of all axes; ``None`` where there are none.
    extra
        ``noise_free`` and ``instances`` where they were asked for.
    summary
        Seed, counts, occupancy, measured SNR.
    """

    tomogram: Path
    labels: Path
    label_table: Path
    truth: Path
    masks: dict[str, Path] = field(default_factory=dict)
    coordinates: dict[str, Path] = field(default_factory=dict)
    filaments: Path | None = None
    extra: dict[str, Path] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able values."""
        return {
            "tomogram": str(self.tomogram),
            "labels": str(self.labels),
            "label_table": str(self.label_table),
            "truth": str(self.truth),
            "masks": {name: str(path) for name, path in self.masks.items()},
            "coordinates": {name: str(path) for name, path in self.coordinates.items()},
            "filaments": str(self.filaments) if self.filaments else None,
            **{name: str(path) for name, path in self.extra.items()},
            **self.summary,
        }


def simulate_job(out_dir: str | Path, params: SimulateParams | None = None, seed: int = 0) -> Job[SimulatedFiles]:
    """Make a phantom in a folder.

    Parameters
    ----------
    out_dir
        Folder, made where it is missing; files of the same names are replaced.
    params
        What is in the phantom and how it is imaged.
    seed
        The same seed and parameters give the same files.

    Returns
    -------
    SimulatedFiles
        The paths.

    Raises
    ------
    ParameterProblem
        A parameter is out of bounds or names an unknown complex.
    FileProblem
        The folder cannot be written to.
    """
    params, folder = params or SimulateParams(), Path(out_dir)
    check_writable(folder)
    phantom = yield from make_phantom_job(params, seed)
    yield Progress(100, 100, "write")
    record = provenance.record(
        "simulate",
        folder / f"{NAME}.mrc",
        {"out_dir": ".", "params": params, "seed": seed},  # the folder of the sidecar, wherever it is moved
        [],
        {"snr": phantom.metadata["snr"]},
    )
    files = _write(phantom, folder, record.label)
    axes = (files.filaments,) if files.filaments else ()
    volumes = (files.tomogram, files.labels, *files.masks.values(), *files.extra.values())
    for path in (*volumes, *files.coordinates.values(), *axes):
        record.write(path)
    return files


simulate = direct(simulate_job)


def _write(phantom: Phantom, folder: Path, label: str) -> SimulatedFiles:
    grid = phantom.tomogram

    def volume(name: str, data: np.ndarray) -> Path:
        return write_volume(folder / f"{name}.mrc", data, like=grid, label=label)

    extra = {"noise_free": phantom.noise_free, "instances": phantom.instances}
    particles = {
        name: replace(found, tomograms=np.full(len(found), NAME, dtype=object))
        for name, found in phantom.particles.items()
    }
    table = {"background": 0, **{name: phantom.label_values[name] for name in phantom.features}}
    return SimulatedFiles(
        tomogram=volume(NAME, phantom.tomogram_data),
        labels=volume("labels", phantom.label_volume.astype(np.int8)),
        label_table=write_json(folder / "labels.json", table),
        masks={name: volume(name, phantom.mask(name).astype(np.int8)) for name in phantom.features},
        coordinates={
            name: write_particles(folder / f"{name}.star", found, "star") for name, found in particles.items()
        },
        filaments=_write_axes(phantom, folder / "filaments.csv"),
        extra={name: volume(name, data) for name, data in extra.items() if data is not None},
        truth=write_json(folder / "truth.json", truth(phantom)),
        summary={key: phantom.metadata[key] for key in ("seed", "placed", "occupancy", "snr")},
    )


def _write_axes(phantom: Phantom, path: Path) -> Path | None:
    """Write the points of all axes: filament number, kind, and x y z in Å from the centre of the first voxel."""
    if not phantom.filaments:
        return None
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["filament", "kind", "x_A", "y_A", "z_A"])
    for number, filament in enumerate(phantom.filaments, start=1):
        for z, y, x in filament.axis_zyx:
            table.writerow([number, filament.kind, f"{x:.3f}", f"{y:.3f}", f"{z:.3f}"])
    return write_text(path, text.getvalue())


def truth(phantom: Phantom) -> dict[str, Any]:
    """Return everything that is known about a phantom as JSON-able values; lengths in Å, order x y z."""
    return {
        "format": "ais-app phantom",
        "format_version": 1,
        "voxel_size": phantom.voxel_size,
        "shape_zyx": list(phantom.label_volume.shape),
        **{key: value for key, value in phantom.metadata.items() if key != "snr"},
        "snr": phantom.metadata["snr"] if np.isfinite(phantom.metadata["snr"]) else None,
        "labels": {name: phantom.label_values[name] for name in phantom.features},
        "particles": {
            name: {
                "positions_xyz": np.round(found.positions_zyx[:, ::-1], 3).tolist(),
                "rotations": None if found.rotations is None else np.round(found.rotations, 9).tolist(),
            }
            for name, found in phantom.particles.items()
        },
        "filaments": [
            {"kind": filament.kind, "axis_xyz": np.round(filament.axis_zyx[:, ::-1], 3).tolist()}
            for filament in phantom.filaments
        ],
        "templates": {
            name: {"title": t.title, "source": t.source, "licence": t.licence}
            for name in phantom.particles
            if name != "gold"
            for t in [load_template(name)]
        },
    }
