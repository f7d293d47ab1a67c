"""A page about a queue, in one file: what was made of each tomogram, with what, and what failed.

items ─► by tomogram ─┬─► central slice, and the same with its segmentations over it
                      ├─► volumes, counts, times
                      └─► failures with reasons and remedies
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np

from ais_app.batch.queue import Queue
from ais_app.batch.records import FULFILLED, Item
from ais_app.batch.report_settings import add_settings
from ais_app.core.errors import AisAppError
from ais_app.core.io import open_tomogram
from ais_app.core.jobs import Job, Progress, run
from ais_app.core.model.package import load_card
from ais_app.core.picking.labelling import voxel_volume
from ais_app.core.provenance import read_provenance
from ais_app.core.report import Report
from ais_app.core.tomogram import Tomogram
from ais_app.core.volume.region import parse_region
from ais_app.operations.companions import feature_of
from ais_app.operations.preview import PreviewParams, coloured, slice_picture
from ais_app.operations.segment import segmentation_path

THRESHOLD = 0.5  # probability from which a voxel counts in the volumes
THUMBNAIL = 320  # pixels
_COUNTS = {
    "particles": "particles",
    "filaments": "filaments",
    "samples": "samples",
    "instances": "instances",
    "faces": "triangles",
}
_WIDTH = 4  # pixels between the two pictures of a tomogram


@dataclass
class _Tomogram:
    """What the queue has on one tomogram."""

    name: str
    items: list[Item]
    volumes: dict[str, str] = field(default_factory=dict)

    @property
    def segment(self) -> Item | None:
        """The newest segmentation."""
        return next((item for item in reversed(self.items) if item.operation == "segment"), None)

    @property
    def file(self) -> Path | None:
        """The tomogram itself, where an item names it."""
        found = (item.arguments.get("tomograms") for item in self.items)
        return next((Path(paths[0]) for paths in found if paths), None)

    @property
    def segmentations(self) -> list[Path]:
        """Maps of probabilities, one a feature, as far as they are there."""
        item = self.segment
        if item is None or item.state not in FULFILLED:
            return []
        folder = item.arguments["out_dir"]
        return [
            path
            for path in item.outputs
            if path.exists() and path == segmentation_path(self.name, folder, feature_of(path))
        ]

    @property
    def state(self) -> str:
        """All its states with their numbers, or only the one."""
        states = [item.state for item in self.items]
        if len(set(states)) == 1:
            return states[0]
        return ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))


def write_report(queue: Queue, path: str | Path) -> Path:
    """Write a page about a queue and return its path.

    Parameters
    ----------
    queue
        Finished, or as far as it is.
    path
        ``report.html``; the pictures are in it, so that it can be sent to somebody.

    Raises
    ------
    FileProblem
        The page cannot be written, or the queue cannot be read.
    """
    return run(report_job(queue, path))


def report_job(queue: Queue, path: str | Path) -> Job[Path]:
    """Write a report as a job; see `write_report`."""
    path = Path(path)
    items = queue.items()
    grouped: dict[str, list[Item]] = {}
    for item in items:
        grouped.setdefault(item.subject or "other", []).append(item)
    tomograms = [_Tomogram(name, its) for name, its in grouped.items()]
    colours = _colours(items)
    pages = []
    for number, tomogram in enumerate(tomograms):
        yield Progress(number, len(tomograms) + 1, tomogram.name)
        tomogram.volumes = _volumes(tomogram.segmentations)
        pages.append(_drawn(tomogram, colours))
    yield Progress(len(tomograms), len(tomograms) + 1, "writing")
    report = Report(f"Report on {queue.path.stem}", path.parent, embed=True)
    _overview(report, queue, items, tomograms)
    _failures(report, items)
    report.heading("Tomograms")
    if any(tomogram.segmentations for tomogram in tomograms):
        report.text("Left the middle of the tomogram, right the same slice with its segmentations:")
        report.legend(colours)
    for tomogram, (picture, words) in zip(tomograms, pages, strict=True):
        _section(report, tomogram, picture, words, path.resolve().parent)
    add_settings(report, items)
    return report.write(path.name)


def _overview(report: Report, queue: Queue, items: Sequence[Item], tomograms: Sequence[_Tomogram]) -> None:
    counts = ", ".join(f"{count} {state}" for state, count in queue.counts().items() if count) or "empty"
    spent = sum(item.seconds or 0 for item in items)
    now = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
    report.text(f"{queue.path}, {now}. Items: {counts}; {spent / 60:,.1f} minutes of work.")
    features = list(dict.fromkeys(name for tomogram in tomograms for name in tomogram.volumes))
    rows = []
    for tomogram in tomograms:
        finds = [item for item in tomogram.items if item.operation in ("pick", "filaments") and item.state in FULFILLED]
        found = "; ".join(f"{feature_of(item.arguments['segmentations'][0])}: {_result(item)}" for item in finds)
        volumes = [tomogram.volumes.get(feature, "–") for feature in features]
        rows.append([tomogram.name, tomogram.state, *volumes, found or "–"])
    header = ["tomogram", "state", *(f"{feature}, volume" for feature in features), "found"]
    report.table(header, rows, words=True)
    if features:
        report.text(f"Volumes count voxels of a probability of {THRESHOLD:g} and more.")


def _failures(report: Report, items: Sequence[Item]) -> None:
    rows = [[item.title, item.reason, item.remedy or "–"] for item in items if item.state == "failed"]
    held = [[item.title, item.reason, item.remedy or "–"] for item in items if item.state == "cancelled"]
    if rows:
        report.heading("Failed")
        report.table(["what", "why", "what to do"], rows, words=True)
    if held:
        report.heading("Not run")
        report.table(["what", "why", "what to do"], held, words=True)


def _colours(items: Sequence[Item]) -> dict[str, str]:
    """Return the colours of features: as the previews were asked to have them, else as the models say."""
    colours: dict[str, str] = {}
    for item in items:
        colours |= item.arguments.get("colours") or {}
    for path in {path for item in items for path in item.arguments.get("models", ())}:
        try:
            card = load_card(path)
        except AisAppError:  # gone since: its features take colours of the sequence
            continue
        colours.setdefault(card.feature, card.colour)
    return colours


def _volumes(segmentations: Sequence[Path]) -> dict[str, str]:
    """Return feature to volume, in words."""
    found = {}
    for path, (_, layer) in zip(segmentations, coloured(segmentations), strict=True):
        count = sum(int(np.count_nonzero(layer.slab(z)[0] >= THRESHOLD)) for z in range(layer.shape[0]))
        share = f"{count / np.prod(layer.shape):.2%}"
        size = layer.voxel_size_zyx
        volume = f"{count:,} voxels" if size is None else f"{_rounded(count * voxel_volume(size) / 1000)} nm³"
        found[feature_of(path)] = f"{volume}, {share}"
    return found


def _rounded(number: float) -> str:
    return f"{number:,.0f}" if number >= 1000 else f"{number:.3g}"


def _drawn(tomogram: _Tomogram, colours: Mapping[str, str]) -> tuple[np.ndarray | None, str]:
    """Return the two pictures of a tomogram side by side, or why there are none."""
    if tomogram.file is None:
        return None, ""
    try:
        source = open_tomogram(tomogram.file)
        params = PreviewParams(z=_middle(tomogram.segment, source), size=THUMBNAIL, threshold=THRESHOLD)
        plain = slice_picture(source, [], params)
        painted = slice_picture(source, coloured(tomogram.segmentations, colours), params)
    except AisAppError as error:
        return None, f"No picture: {error}"
    between = np.ones((len(plain), _WIDTH, 3), np.float32)
    return np.concatenate([plain, between, painted], axis=1), f"{tomogram.name}, slice {params.z}"


def _middle(segment: Item | None, tomogram: Tomogram) -> int:
    """Return the middle slice of what was segmented."""
    output = (segment.arguments.get("output") or {}) if segment is not None else {}
    region = parse_region(output.get("region") or ":,:,:", tomogram.shape)
    return int((region[0].start + region[0].stop) // 2)


def _section(report: Report, tomogram: _Tomogram, picture: np.ndarray | None, words: str, folder: Path) -> None:
    report.heading(tomogram.name)
    if picture is not None:
        report.picture(picture, words, zoom=max(1, 2 * THUMBNAIL // picture.shape[1]))
    elif words:
        report.text(words)
    rows = [
        [
            item.title,
            item.state,
            _result(item) or item.reason or "–",
            f"{item.seconds or 0:.0f} s",
            _names(item, folder),
        ]
        for item in tomogram.items
    ]
    report.table(["what", "state", "result", "time", "files"], rows, words=True)


def _result(item: Item) -> str:
    """Return what an item found; of one that was skipped what the provenance of its output says."""
    if item.state != "skipped":
        return item.message
    try:
        notes = read_provenance(item.outputs[0]).notes
    except AisAppError:  # deleted since
        return item.message
    known = {words: notes[key] for key, words in _COUNTS.items() if isinstance(notes.get(key), int)}
    counts = [f"{count:,} {words if count != 1 else words[:-1]}" for words, count in known.items()]
    return ", ".join(counts) or item.message


def _names(item: Item, folder: Path) -> str:
    """Return the files of an item, relative to the page where they lie below it."""
    if item.state not in FULFILLED:
        return "–"
    paths = [path.resolve() for path in item.outputs]
    return ", ".join(str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path) for path in paths)
