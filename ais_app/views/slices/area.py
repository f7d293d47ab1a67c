"""The slice area: XY, and XZ with YZ on request, of the tomogram in view, with the slice bar below.

A change of the view makes a request; the image is read off the main thread and shown if nothing newer was asked:

    view (z, slab, filters …) ─► PaneView ─► PlaneSource ─► SlicePane.present        (see `presenter`)

XZ lies below XY and shares x, YZ lies to its right and shares y; all three have one scale, so a line drawn straight
down or across the window meets the same voxel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PyQt6.QtCore import QEvent, QObject, Qt, QTimer, pyqtSignal
from PyQt6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from ais_app.core.display.contrast import Histogram
from ais_app.core.errors import AisAppError, FileProblem, ProjectProblem
from ais_app.core.tomogram import ZYX
from ais_app.state.commands import tomograms, view
from ais_app.state.resolve import ACROSS_UP, Limits
from ais_app.state.view_state import TABS
from ais_app.views.slices.crossing import Crossing
from ais_app.views.slices.pane import NAMES, SlicePane
from ais_app.views.slices.pointer import Tool
from ais_app.views.slices.predictions import Predictions
from ais_app.views.slices.presenter import Presenter
from ais_app.views.slices.slice_bar import SliceBar
from ais_app.views.slices.tools import CropTool, CrossTool, move_cross
from ais_app.views.theme import current_theme
from ais_app.views.widgets.application import use_vispy
from ais_app.views.workbench import Workbench

KEEP_AFTER = 5000  # ms after the last change of contrast or filters: then they are written down
FEWEST, MOST = 0.6, 0.8  # share of the room that XY gets beside XZ and YZ
SLICE_TABS = ("annotate", "train", "export")


class SliceArea(QWidget):
    """The panes and what they share.

    Attributes
    ----------
    panes
        Axis to pane: ``"z"`` is the main one; the others are made when they are first asked for.
    predictions
        `Predictions`: what networks say about the slices in view.
    bar
        Slider, number of the slice, slab.
    crop_tool, cross_tool
        Tools for every tab of slices, in the hand while ``view.tool`` is ``"crop"`` or ``"cross"``.
    """

    asked = pyqtSignal(str)  # id of an action of the window
    pointed = pyqtSignal(object)  # ZYX under the pointer in any pane, or None
    sized = pyqtSignal(int)  # Shift and the wheel: a brush larger (1) or smaller (-1)
    shown = pyqtSignal(str)  # axis of a pane that shows another image now
    adjusted = pyqtSignal()  # other grey values are black and white now
    counted = pyqtSignal(object)  # Histogram of the XY image that is shown

    def __init__(self, workbench: Workbench) -> None:
        super().__init__()
        use_vispy()
        self.workbench = workbench
        self.panes = {"z": SlicePane("z")}
        self.bar = SliceBar()
        self._lay_out()
        self.presenter = Presenter(workbench.session, self.panes, self)
        self.predictions = Predictions(self.panes)
        self._crossing = Crossing(workbench.session, self.panes, self.presenter)
        self.cross_tool, self.crop_tool = CrossTool(workbench.session), CropTool(self)
        self._tools: dict[str, tuple[Tool, tuple[str, ...]]] = {}
        self._linking = False
        self._keep_soon = QTimer(self)
        self._keep_soon.setSingleShot(True)
        self._keep_soon.timeout.connect(lambda: workbench.attempt(workbench.session.remembered.keep))
        self._connect()
        self.register_tool("cross", self.cross_tool, SLICE_TABS)
        self.register_tool("crop", self.crop_tool, SLICE_TABS)
        self._show_planes()
        self.apply_theme()
        self.presenter.refresh()
        self._refresh_bar()

    def _lay_out(self) -> None:
        self._top, self._bottom = QSplitter(Qt.Orientation.Horizontal), QSplitter(Qt.Orientation.Horizontal)
        self._rows = QSplitter(Qt.Orientation.Vertical)
        self._corner = QWidget()
        for splitter, widgets in (
            (self._top, (self.panes["z"],)),
            (self._bottom, (self._corner,)),
            (self._rows, (self._top, self._bottom)),
        ):
            splitter.setChildrenCollapsible(False)
            splitter.setHandleWidth(3)
            for widget in widgets:
                splitter.addWidget(widget)
            splitter.setStretchFactor(0, 1)
        # XZ is as wide as XY, whichever of the two handles is moved
        self._top.splitterMoved.connect(lambda *_: self._bottom.setSizes(self._top.sizes()))
        self._bottom.splitterMoved.connect(lambda *_: self._top.setSizes(self._bottom.sizes()))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._rows, 1)
        column.addWidget(self.bar)

    def _connect(self) -> None:
        session = self.workbench.session
        self._connect_pane(self.panes["z"])
        self.presenter.shown.connect(self.shown)
        self.presenter.adjusted.connect(self.adjusted)
        self.presenter.counted.connect(self.counted)
        self.presenter.problem.connect(self._say_problem)
        self.bar.moved.connect(lambda z: tomograms.go_to(session, z=z))
        self.bar.slab_changed.connect(lambda slices: view.set_slab(session, slices))
        events, looks = session.events, session.view.events
        looks.planes.connect(self._show_planes)
        for signal in (looks.tool, looks.tab):
            signal.connect(self._take_tool, check_nargs=False)
        for signal in (looks.tomogram, events.opened):
            signal.connect(self._give_up, check_nargs=False)
        for signal in (
            looks.tomogram,
            looks.z,
            looks.slab,
            looks.feature,
            events.features,
            events.planes,
            events.opened,
        ):
            signal.connect(self._refresh_bar, check_nargs=False)
        for signal in (looks.contrast, looks.filters, looks.crop, looks.z_range):
            signal.connect(self._keep_later, check_nargs=False)

    def _connect_pane(self, pane: SlicePane) -> None:
        axis = pane.axis
        pane.pointed.connect(self.pointed)
        pane.wheeled.connect(lambda steps, held: self._wheel(axis, steps, held))
        pane.crossed.connect(lambda position: move_cross(self.workbench.session, axis, position))
        pane.moved_camera.connect(lambda: self._link(axis))

    def _add_other_planes(self) -> None:
        """Make the panes of XZ and YZ; most people never ask for them, and the window is up sooner without."""
        self.panes.update({axis: SlicePane(axis) for axis in "yx"})
        self._bottom.insertWidget(0, self.panes["y"])
        self._top.addWidget(self.panes["x"])
        for splitter in (self._top, self._bottom):
            splitter.setStretchFactor(0, 1)
        for axis in "yx":
            self._connect_pane(self.panes[axis])
        self.panes["x"].native.installEventFilter(self)
        self._take_tool()

    # what others ask

    @property
    def limits(self) -> Limits | None:
        """Grey values shown as black and white now; ``None`` before they are known."""
        return self.presenter.limits

    @property
    def histogram(self) -> Histogram | None:
        """How often grey values occur in the XY image that is shown; ``None`` before they are counted."""
        return self.presenter.histogram

    def value_at(self, position_zyx: ZYX) -> float | None:
        """Return the grey value that is shown of a voxel, filtered and averaged; ``None`` where none is shown."""
        return self.presenter.value_at(position_zyx)

    def select_boxes(self, ids: frozenset[int]) -> None:
        """Draw these boxes as selected."""
        self.presenter.select(ids)

    def fit(self) -> None:
        """Show the whole slice."""
        self.panes["z"].fit()
        for axis, pane in self.panes.items():
            if axis != "z" and pane.isVisibleTo(self):
                self._follow(axis, self.panes["z"], centre=True)

    def reveal(self) -> None:
        """Show where the planes cross, and bring it into view in every pane that is shown."""
        self._crossing.reveal()

    def retry(self) -> None:
        """Try again to read what could not be read."""
        self.presenter.retry()

    # tools

    def register_tool(self, name: str, tool: Tool, tabs: Sequence[str] = ("annotate",)) -> None:
        """Say which tool is in the hand while ``view.tool`` is `name`, in these tabs."""
        assert set(tabs) <= set(TABS), tabs
        self._tools[name] = (tool, tuple(tabs))
        self._take_tool()

    def set_tool(self, tool: Tool | None) -> None:
        """Put a tool in the hand in every pane; the gesture of another one is given up."""
        crop, _ = self._tools.get("crop", (None, ()))
        for pane in self.panes.values():
            if pane.tool is not None and pane.tool is not tool:
                pane.tool.cancel()
            pane.tool = tool
            pane.show_crop_handles(tool is not None and tool is crop and pane.axis == "z")

    def _give_up(self, *_: object) -> None:
        """End the gesture that was begun on another tomogram; what it would do belongs there."""
        tool = self.panes["z"].tool
        if tool is not None:
            tool.cancel()

    def _take_tool(self, *_: object) -> None:
        state = self.workbench.session.view
        tool, tabs = self._tools.get(state.tool, (None, ()))
        self.set_tool(tool if state.tab in tabs else None)

    # planes and cameras

    def _show_planes(self, *_: object) -> None:
        three = self.workbench.session.view.planes == "xyz"
        if three and len(self.panes) == 1:
            self._add_other_planes()
        others = [pane for axis, pane in self.panes.items() if axis != "z"]
        for widget in (*others, self._corner, self._bottom):
            widget.setVisible(three)
        if three:
            self._share_out()
            for axis in "yx":
                self._follow(axis, self.panes["z"], centre=not self.panes[axis].view.tomogram)

    def _share_out(self) -> None:
        """Give XZ and YZ as much room as the tomogram is thick, within reason."""
        entry = self.workbench.session.tomogram if self.workbench.session.has_project else None
        depth, height, width = (1.0, 3.0, 3.0) if entry is None else entry.shape
        if entry is not None and entry.voxel_size_zyx is not None:
            depth, height, width = (n * size for n, size in zip(entry.shape, entry.voxel_size_zyx, strict=True))
        for splitter, length, room in ((self._top, width, self.width()), (self._rows, height, self.height())):
            share = min(max(length / (length + depth), FEWEST), MOST)
            splitter.setSizes([round(share * room), round((1 - share) * room)])
        self._bottom.setSizes(self._top.sizes())

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Keep XZ as wide as XY when the window changes its size."""
        if event is not None and event.type() == QEvent.Type.Resize and self._bottom.sizes() != self._top.sizes():
            self._bottom.setSizes(self._top.sizes())
        return False

    def _link(self, moved: str) -> None:
        if self._linking or self.workbench.session.view.planes != "xyz":
            return
        pane = self.panes[moved]
        if moved != "z" and pane.is_fitted:  # its size has changed; XY says what is shown
            self._follow(moved, self.panes["z"], centre=True)
            return
        for axis in self.panes:
            if axis != moved:
                fresh = self.panes[axis].view.tomogram != pane.view.tomogram
                self._follow(axis, pane, centre=fresh or pane.is_fitted)

    def _follow(self, axis: str, leader: SlicePane, centre: bool) -> None:
        """Let a pane share scale and the common axis with another; `centre`: and show the middle of its own axis."""
        pane, places = self.panes[axis], (leader.camera.across, leader.camera.up)
        at = dict(zip(ACROSS_UP[leader.axis], places, strict=True))
        lengths = dict(zip("zyx", leader.view.shape, strict=True))
        across, up = ACROSS_UP[axis]
        own = {across: pane.camera.across, up: pane.camera.up}
        if centre:
            own = {name: (lengths[name] - 1) / 2 for name in own}
        camera = replace(
            pane.camera, across=at.get(across, own[across]), up=at.get(up, own[up]), scale=leader.camera.scale
        )  # fmt: skip
        self._linking = True
        pane.follow(camera)
        self._linking = False

    def _wheel(self, axis: str, steps: int, modifiers: Qt.KeyboardModifier) -> None:
        session = self.workbench.session
        if modifiers & Qt.KeyboardModifier.ShiftModifier:
            self.sized.emit(steps)
        else:
            tomograms.go_to(session, **{axis: getattr(session.view, axis) + steps})

    # the bar, and what is said in place of an image

    def _refresh_bar(self, *_: object) -> None:
        session = self.workbench.session
        entry = session.tomogram if session.has_project else None
        if entry is None:
            self.bar.show_position(0, 0, session.view.slab)
            self.bar.show_annotated((), 0, "")
            return
        self.bar.show_position(session.view.z, entry.shape[0], session.view.slab)
        known = {feature.id: feature for feature in self.presenter.overlays.features}
        chosen = known.get(session.view.feature or 0)
        slices = () if chosen is None else self.presenter.overlays.annotated(entry.id, chosen.id)
        self.bar.show_annotated(slices, entry.shape[0], "" if chosen is None else chosen.colour)

    def _say_problem(self, axis: str, error: BaseException) -> None:
        pane = self.panes[axis]
        pane.present_nothing()  # what another slice looked like would mislead
        buttons = [("Try again", "Open the file again", self.retry)]
        if isinstance(error, AisAppError):
            words = f"{Path(error.subject).name}: {error.problem}"
            words += f"\n\n{error.remedy[:1].upper()}{error.remedy[1:]}." if error.remedy else ""
            if isinstance(error, (FileProblem, ProjectProblem)):
                tip = "Choose the folder that moved tomograms are in now"
                buttons.append(("Look for it…", tip, lambda: self.asked.emit("tomogram.relink")))
        else:
            words = f"{type(error).__name__}: {error}"
        pane.message.say(f"The {NAMES[axis]} slice cannot be shown", words, buttons)
        pane.message.setToolTip(str(error))

    def _keep_later(self, *_: object) -> None:
        self._keep_soon.start(KEEP_AFTER)

    # for the window

    def apply_theme(self) -> None:
        """Take on the theme."""
        for pane in self.panes.values():
            pane.apply_theme()
        self._corner.setStyleSheet(f"background: {current_theme().canvas}")
        self.bar.ticks.update()

    def close_down(self) -> None:
        """Stop the threads."""
        self._keep_soon.stop()
        self.presenter.close()
