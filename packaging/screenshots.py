"""Make the pictures of the manual: the window on a phantom that is simulated, painted, learnt, segmented and rendered.

    python packaging/screenshots.py OUT_DIR             # every tab, empty and full, both themes, two sizes
    python packaging/screenshots.py --manual docs/images   # only those of the manual, and the table of keys
    python packaging/screenshots.py --keys              # only the table of keys, docs/window/keys.md

On Linux without a screen it starts Xvfb by itself. The same version makes the same pictures, but for the progress that
is seen while a network learns.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image
    from PyQt6.QtWidgets import QWidget

    from ais_app.views.main_window import MainWindow

ROOT = Path(__file__).resolve().parent.parent
KEYS_PAGE = ROOT / "docs" / "window" / "keys.md"
SIZES = ((1280, 800), (1920, 1080))
THEMES = ("dark", "light")
TABS = ("annotate", "train", "export", "render", "particles")
MANUAL = {"empty": "window_empty", "annotate": "window_annotate", "train": "window_train", "export": "window_export",
          "render": "window_render", "particles": "window_particles", "keys": "window_keys"}  # fmt: skip
SEED = 3
SLICES = (14, 20, 26, 32)
IN_VIEW = 23  # a slice that was not annotated, so that the prediction is seen
EPOCHS = 8
DUST = 4e5  # Å³: smaller pieces are hidden, and not picked
KEPT = 64  # most frequent colours: frames, text, backgrounds
PATIENCE = 900  # s: how long one stage may take on a busy machine


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the pictures of the manual.")
    parser.add_argument("out", type=Path, nargs="?", help="folder of the pictures; it is made")
    parser.add_argument("--manual", action="store_true", help="only those of the manual, and the table of keys")
    parser.add_argument("--keys", action="store_true", help="only the table of keys")
    options = parser.parse_args()
    if options.keys or options.manual:
        KEYS_PAGE.write_text(keys_page(), encoding="utf-8")
    if options.keys:
        return 0
    if options.out is None:
        parser.error("say where the pictures go")
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        screen = ["xvfb-run", "-a", "-s", "-screen 0 1920x1200x24", sys.executable, *sys.argv]
        os.execvp(screen[0], screen)
    options.out.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="lamella-"))
    try:
        photograph(folder, options.out, options.manual)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def keys_page() -> str:
    """Return docs/window/keys.md: its first part as it is, and the tables made from the actions."""
    from ais_app.state.settings import Settings
    from ais_app.views.actions.keys import BETWEEN, key_of
    from ais_app.views.actions.table import MENUS, all_actions

    table, settings = all_actions(), Settings()
    above = KEYS_PAGE.read_text(encoding="utf-8").split("## Actions")[0]
    lines = [above.rstrip(), "", "## Actions", "", "Made from the table of actions by `packaging/screenshots.py`."]
    in_menus = [name for names in MENUS.values() for name in names]
    groups = dict(MENUS) | {"In no menu": tuple(action.id for action in table if action.id not in in_menus)}
    for title, names in groups.items():
        known = [table[name] for name in names if name != "-"]
        if not known:
            continue
        lines += ["", f"### {title.replace('&', '')}", "", "| action | key | what it does |", "|---|---|---|"]
        for action in known:
            several = key_of(table, settings, action.id).split(BETWEEN)
            keys = ", ".join(f"`{key}`" for key in several if key).replace("`|`", "`\\|`")
            lines.append(f"| {action.text.replace('&', '')} | {keys} | {action.tip} |")
    return "\n".join(lines) + "\n"


def photograph(folder: Path, out: Path, manual: bool) -> None:
    """Take the pictures in one window, of which each stage leaves more."""
    from ais_app.views.main_window import MainWindow
    from ais_app.views.widgets.application import application
    from ais_app.views.workbench import Workbench

    app = application()  # lives as long as its windows
    window = MainWindow(Workbench(folder / "settings", folder / "drafts"))
    window.workbench.settings.theme = "dark"
    window.resize(*SIZES[0])
    window.show()
    camera = Camera(window, out, manual)
    try:
        camera.take_all("empty", ("annotate",) if manual else TABS)
        prepare(folder)
        window.open_files([folder / "lamella.aisproj"])
        wait_for(lambda: window.slices.panes["z"].shown_index is not None)
        annotate(window, camera)
        train(window, camera)
        export(window, camera)
        render_tab(window, camera)
        particles_tab(window, camera)
    finally:
        window.shut_down()
        window.close()
        app.processEvents()


def prepare(folder: Path) -> None:
    """Simulate two tomograms and annotate a few slices of the first from the truth."""
    import ais_app
    from ais_app.state.project import Project

    contents = ais_app.SimulateParams(
        shape=(48, 256, 256), snr=0.6, n_vesicles=3, n_double_membranes=0, n_sheets=1, n_actin=0, n_microtubules=1,
        n_beads=1, carbon=False, complexes=("ribosome",), occupancy=0.05,
    )  # fmt: skip
    with Project.create(folder / "lamella.aisproj") as project:
        for number in (1, 2):
            phantom = folder / f"phantom_{number}"
            ais_app.simulate(phantom, contents, SEED + number)
            path = shutil.copy(phantom / "tomogram.mrc", folder / f"TS_0{number}.mrc")
            entry = project.add_tomogram(path)
            if number == 1:
                for name in ("membrane", "ribosome"):
                    project.import_labels(entry, name.capitalize(), phantom / f"{name}.mrc", slices=list(SLICES))
                project.add_feature("Microtubule")
                centres = [(float(SLICES[1]), y, x) for y, x in ((80.0, 90.0), (150.0, 60.0), (110.0, 190.0))]
                project.add_boxes(entry, "Ribosome", [ais_app.Box(centre) for centre in centres])


def annotate(window: MainWindow, camera: Camera) -> None:
    """Show labels and boxes."""
    from ais_app.state.commands import features, tomograms

    session = window.workbench.session
    tomograms.show(session, session.project.tomograms[0].id)
    features.choose_number(session, 1)
    tomograms.go_to(session, z=SLICES[1])
    wait_for(lambda: window.slices.panes["z"].shown_index == SLICES[1])
    camera.take_all("full", ("annotate",))
    if not camera.manual:
        session.view.planes = "xyz"
        camera.take_all("planes", ("annotate",))
        session.view.planes = "xy"
    window.actions_by_id.trigger("help.keys")
    from ais_app.views.dialogs.keys import KeysDialog

    dialog = window.findChild(KeysDialog)
    assert dialog is not None  # it was opened just now
    pause(0.5)
    camera.save(dialog, "keys", "dark", SIZES[0])
    dialog.close()


def train(window: MainWindow, camera: Camera) -> None:
    """Train a network for each feature; the pictures show the second as it learns."""
    from ais_app.core.training.parameters import TrainParams
    from ais_app.state.commands import interactions, tomograms
    from ais_app.state.commands.training import TrainingRequest

    workbench = window.workbench
    session, trainings = workbench.session, workbench.trainings
    session.view.tab = "train"
    panel = window.tabs[1].panel
    tomograms.go_to(session, z=IN_VIEW)
    params = TrainParams(architecture="unet_s", depth=3, epochs=EPOCHS, draws=3, boxes=40)
    others = {"Membrane": "Ribosome", "Ribosome": "Membrane"}
    for feature, other in others.items():
        request = TrainingRequest(feature, params, negatives=(other,), tomograms=("TS_01",))
        trainings.start(request, fail)
        wait_for(lambda: not trainings.active or len(trainings.active[0].history) >= EPOCHS - 2)
        if feature == "Ribosome" and trainings.active:
            trainings.active[0].handle.pause()
            wait_for(lambda: not workbench.preview.busy)
            reveal(panel, panel.curves)  # type: ignore[attr-defined]
            camera.take_all("full", ("train",))
            trainings.active[0].handle.resume()
        wait_for(lambda: not trainings.active)
    wait_for(lambda: not workbench.preview.busy)
    interactions.add_rule(session, "avoid", "Ribosome", "Membrane")
    wait_for(lambda: not workbench.preview.busy)
    reveal(panel, panel.interactions)  # type: ignore[attr-defined]
    camera.take_all("networks", ("train",))


def export(window: MainWindow, camera: Camera) -> None:
    """Segment both tomograms through the queue."""
    workbench = window.workbench
    workbench.session.view.tab = "export"
    pause(0.5)
    panel = window.tabs[2].panel
    panel.outputs.box("Ribosome", "picks").setChecked(True)  # type: ignore[attr-defined]
    panel.add.click()  # type: ignore[attr-defined]
    exports = workbench.exports
    wait_for(lambda: any(item.state == "done" for item in exports.items) or not exports.unfinished)
    camera.take_all("full", ("export",))
    wait_for(lambda: not exports.unfinished and not exports.running)
    if not camera.manual:
        camera.take_all("done", ("export",))


def render_tab(window: MainWindow, camera: Camera) -> None:
    """Show the surfaces, and pick."""
    from ais_app.core.pickers.blobs import BlobParams
    from ais_app.state.commands import render

    session = window.workbench.session
    session.view.tab = "render"
    panel = window.tabs[3].panel
    space = panel.space  # type: ignore[attr-defined]
    pause(1.0)
    wait_for(lambda: not space.busy)
    picking = panel.picking  # type: ignore[attr-defined]
    render.change_surface(session, "Membrane", dust=DUST)
    source = next(name for name in panel.surfaces.names if "ibosome" in name)  # type: ignore[attr-defined]
    picking.source.setCurrentText(source)
    picking.set_params(BlobParams(threshold=0.5, min_volume=DUST, min_spacing=220.0))
    picking.on.setChecked(True)
    pause(0.5)
    wait_for(lambda: not (space.busy or picking.busy))
    camera.take_all("full", ("render",))


def particles_tab(window: MainWindow, camera: Camera) -> None:
    """Show the ribosomes of both tomograms, and what is not one, grouped and averaged."""
    import numpy as np

    from ais_app.core.coordinates import read_particles
    from ais_app.core.particle_set import Particles
    from ais_app.state.commands import particles

    session = window.workbench.session
    random = np.random.default_rng(SEED)
    for number, entry in enumerate(session.project.tomograms, start=1):
        truth = read_particles(session.project.folder / f"phantom_{number}" / "ribosome.star")
        high = np.array(entry.shape) * entry.voxel_size
        chance = random.uniform(0.15 * high, 0.85 * high, (max(4, len(truth) // 4), 3))
        places = np.concatenate([truth.positions_zyx, chance])
        rotations = np.concatenate([truth.rotations, np.tile(np.eye(3), (len(chance), 1, 1))])
        found = Particles(places, rotations=rotations, scores=random.uniform(0.3, 1, len(places)))
        session.project.add_picks(entry, "ribosome", found, feature="Ribosome", radius=125.0)
    session.view.tab = "particles"
    area, panel = window.tabs[4].data, window.tabs[4].panel
    pause(1.0)
    particles.show_picks(session, "ribosome")
    wait_for(lambda: not area.tiles.busy)  # type: ignore[attr-defined]
    pause(0.5)
    worst = np.argsort(session.gallery.quality)[:5]
    particles.reject(session, worst)
    panel.compute("average")  # type: ignore[attr-defined]
    wait_for(lambda: panel.jobs.average is not None)  # type: ignore[attr-defined]
    panel.clusters.count.setValue(3)  # type: ignore[attr-defined]
    panel.compute("group")  # type: ignore[attr-defined]
    wait_for(lambda: session.gallery.grouping is not None)
    particles.set_class(session, np.flatnonzero(session.gallery.clusters == 0), "70S")
    particles.change_look(session, sort="score")
    reveal(panel, panel.average.save)  # type: ignore[attr-defined]
    camera.take_all("full", ("particles",))
    if not camera.manual:
        reveal(panel, panel.clusters.rows[0])  # type: ignore[attr-defined]
        camera.take_all("clusters", ("particles",))


class Camera:
    """Takes pictures of the window in every theme and size."""

    def __init__(self, window: MainWindow, out: Path, manual: bool) -> None:
        self.window, self.out, self.manual = window, out, manual

    def take_all(self, state: str, tabs: tuple[str, ...]) -> None:
        """Take pictures of these tabs."""
        themes, sizes = (("dark",), SIZES[:1]) if self.manual else (THEMES, SIZES)
        for tab in tabs:
            self.window.workbench.session.view.tab = tab
            for theme in themes:
                self.window.workbench.settings.theme = theme
                for size in sizes:
                    self.window.resize(*size)
                    pause(1.0)
                    wait_for(lambda: not self.window.tabs[3].panel.space.busy)  # type: ignore[attr-defined]
                    self.save(self.window, tab if state == "full" else f"{tab}_{state}", theme, size)
        self.window.workbench.settings.theme = "dark"
        self.window.resize(*SIZES[0])

    def save(self, widget: QWidget, name: str, theme: str, size: tuple[int, int]) -> None:
        """Save what a window shows, in 256 colours."""
        from PIL import Image

        words = {"annotate_empty": "empty", "train_networks": "networks"}.get(name, name)
        file = f"{MANUAL.get(words, f'window_{words}')}" if self.manual else f"{name}_{theme}_{size[0]}x{size[1]}"
        path = self.out / f"{file}.png"
        if not widget.grab().save(str(path)):
            raise OSError(f"{path} cannot be written")
        with Image.open(path) as picture:
            small(picture.convert("RGB")).save(path, optimize=True)


def small(picture: Image.Image) -> Image.Image:
    """Return a picture in 256 colours: those that are most frequent as they are, and others so that none is far off."""
    from PIL import Image

    counted: list[Any] = picture.getcolors(picture.width * picture.height) or []
    frequent = [colour for _, colour in sorted(counted, key=lambda pair: -pair[0])[:KEPT]]
    others = picture.quantize(256 - len(frequent), Image.Quantize.MAXCOVERAGE, kmeans=1).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette([*(value for colour in frequent for value in colour), *others][: 3 * 256])
    return picture.quantize(palette=palette, dither=Image.Dither.NONE)


def reveal(panel: QWidget, widget: QWidget) -> None:
    """Scroll a panel until a part of it is seen."""
    from PyQt6.QtWidgets import QScrollArea

    pause(0.3)
    scroll = panel.findChild(QScrollArea)
    assert scroll is not None  # every panel scrolls
    scroll.ensureWidgetVisible(widget, 0, 400)


def fail(error: Exception) -> None:
    """Say why a training failed, and end."""
    raise error


def pause(seconds: float) -> None:
    """Let the window work."""
    from PyQt6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(int(1000 * seconds), loop.quit)
    loop.exec()


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something is so.

    Raises
    ------
    TimeoutError
        It takes too long.
    """
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {PATIENCE} s")
        pause(0.05)


if __name__ == "__main__":
    sys.exit(main())
