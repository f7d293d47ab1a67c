"""The networks of the project: on or off, colour, threshold, opacity, blend, and their part in the competition."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from ais_app.core.jobs import Job
from ais_app.state import contrast_sign
from ais_app.state.commands import interactions, models
from ais_app.state.commands.training import FOLDER, MODEL_SUFFIX
from ais_app.state.shown_models import BLENDS, ShownModel, shown_models
from ais_app.views.train.offers import NetworkOffers, use
from ais_app.views.widgets.colour_button import ColourButton
from ais_app.views.widgets.fields import ChoiceBox
from ais_app.views.widgets.icon_button import IconButton
from ais_app.views.widgets.panel import discard, hint
from ais_app.views.widgets.sliders import LabelledSlider
from ais_app.views.workbench import Workbench

if TYPE_CHECKING:
    from ais_app.operations.import_model import Imported

AIS_SUFFIXES = (".scnm", ".scnmgroup")


class ModelList(QWidget):
    """One card for each network."""

    count_changed = pyqtSignal(int)

    def __init__(self, workbench: Workbench) -> None:
        super().__init__()
        self.workbench = workbench
        self._cards: dict[int, ModelWidget] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        self._nothing = hint(
            "Networks that are trained here or opened (File > Open, .aismodel, or .scnm of Ais) are listed here."
        )
        self._column.addWidget(self._nothing)
        self._cards_column = QVBoxLayout()
        self._cards_column.setSpacing(6)
        self._column.addLayout(self._cards_column)
        self.offers = NetworkOffers(workbench)
        self._column.addWidget(self.offers)
        events = workbench.session.events
        for signal in (events.opened, events.models, events.features, events.document, events.display):
            signal.connect(self.refresh)
        workbench.session.view.events.tomogram.connect(self.refresh)
        self.refresh()

    def card(self, model: int) -> ModelWidget:
        """Return the card of a network."""
        return self._cards[model]

    def refresh(self, *_: object) -> None:
        """Bring the cards up to date, in place: a slider that is being dragged stays."""
        session = self.workbench.session
        shown = shown_models(session.project) if session.has_project else []
        for gone in set(self._cards) - {model.entry.id for model in shown}:
            discard(self._cards.pop(gone))
        emit, absorb = interactions.competitors(session) if shown else (set(), set())
        for model in shown:
            if model.entry.id not in self._cards:
                self._cards[model.entry.id] = ModelWidget(self.workbench, model)
                self._cards_column.addWidget(self._cards[model.entry.id])
            self._cards[model.entry.id].refresh(model, model.feature in emit, model.feature in absorb)
        self._nothing.setVisible(not shown)
        self.offers.offer_shipped(not shown)
        self.count_changed.emit(len(shown))


class ModelWidget(QFrame):
    """One network."""

    def __init__(self, workbench: Workbench, model: ShownModel) -> None:
        super().__init__()
        self.workbench = workbench
        self.setProperty("role", "card")
        self._model = model
        self.on = QCheckBox()
        self.on.setToolTip("Predict with this network")
        self.colour = ColourButton(model.colour, f"Colour of {model.entry.name}")
        self.name = QLabel()
        self.name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        tip = "Take this network out of the project; its file stays"
        self.remove = IconButton("mdi6.close", tip, f"Remove {model.entry.name}")
        self.threshold = LabelledSlider("Threshold", 0, 1, model.threshold, tip="Probability from which it is drawn")
        self.opacity = LabelledSlider("Opacity", 0, 1, model.style.opacity, tip="How much it covers the tomogram")
        self.blend = ChoiceBox()
        self.blend.addItems(BLENDS)
        self.blend.setToolTip("overlay: coloured; contour: its outline; heat: by probability")
        self.blend.setAccessibleName(f"How {model.entry.name} is drawn")
        self.emit, self.absorb = QCheckBox("emit"), QCheckBox("absorb")
        self.emit.setToolTip("Takes away from the networks that absorb, wherever it is more certain")
        self.absorb.setToolTip("Gives way where a network that emits is more certain")
        self.about, self.warning = hint(""), hint("")
        self.warning.setProperty("role", "warning")
        self._build()
        self._connect()

    def refresh(self, model: ShownModel, emits: bool, absorbs: bool) -> None:
        """Show the network as it is now; says nothing to anybody."""
        self._model = model
        self.name.setText(model.entry.name)
        self.name.setToolTip(str(model.entry.path))
        self.on.setAccessibleName(f"Predict with {model.entry.name}")
        self.colour.set_colour(model.colour)
        self.threshold.set_value(model.threshold)
        self.opacity.set_value(model.style.opacity)
        for box, value in ((self.on, model.style.on), (self.emit, emits), (self.absorb, absorbs)):
            box.blockSignals(True)
            box.setChecked(value)
            box.blockSignals(False)
        self.blend.blockSignals(True)
        self.blend.setCurrentText(model.style.blend)
        self.blend.blockSignals(False)
        self._describe(model)
        self._warn(model)

    def _warn(self, model: ShownModel) -> None:
        """Say where what it has learnt has the other sign in the tomogram in view."""
        session = self.workbench.session
        entry = session.tomogram
        found = None if entry is None else session.project.preflight(entry)
        odd = entry is not None and contrast_sign.is_opposite(model.card, found)
        if odd and entry is not None:
            feature = model.card.feature if model.card is not None else ""
            words = f"It has learnt {feature} as dark, but dense things are bright in {entry.name}"
            self.warning.setText(f"{words}: {contrast_sign.REMEDY}.")
        self.warning.setVisible(odd)

    def _describe(self, model: ShownModel) -> None:
        if model.card is None:
            self.about.setText(model.problem)
            self.about.setProperty("role", "error")
            return
        size = f"{model.card.voxel_size:g} Å" if model.card.voxel_size else "unknown voxel size"
        entry = self.workbench.session.tomogram
        if entry is not None and entry.voxel_size_zyx is not None and not model.card.fits(entry.voxel_size_zyx):
            size += f", {entry.name} is rescaled for it"
        self.about.setText(f"{model.card.feature} · {model.card.architecture} · depth {model.card.depth} · {size}")

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 8, 8)
        column.setSpacing(5)
        top = QHBoxLayout()
        top.setSpacing(6)
        for widget in (self.on, self.colour, self.name, self.remove):
            top.addWidget(widget)
        top.setStretch(2, 1)
        column.addLayout(top)
        column.addWidget(self.about)
        column.addWidget(self.warning)
        width = max(slider.label.sizeHint().width() for slider in (self.threshold, self.opacity))
        for slider in (self.threshold, self.opacity):
            slider.label.setFixedWidth(width)
            column.addWidget(slider)
        bottom = QHBoxLayout()
        bottom.setSpacing(10)
        bottom.addWidget(self.blend, 1)
        bottom.addWidget(self.emit, alignment=Qt.AlignmentFlag.AlignRight)
        bottom.addWidget(self.absorb, alignment=Qt.AlignmentFlag.AlignRight)
        column.addLayout(bottom)

    def _connect(self) -> None:
        self.on.toggled.connect(lambda on: self._restyle(on=on))
        self.colour.changed.connect(lambda colour: self._restyle(colour=colour))
        self.threshold.changed.connect(lambda value: self._restyle(threshold=value))
        self.opacity.changed.connect(lambda value: self._restyle(opacity=value))
        self.blend.currentTextChanged.connect(lambda blend: self._restyle(blend=blend))
        self.remove.clicked.connect(lambda: models.remove(self.workbench.session, self._model.entry.id))
        self.emit.toggled.connect(lambda on: self._compete("emit", on))
        self.absorb.toggled.connect(lambda on: self._compete("absorb", on))

    def _restyle(self, **fields: object) -> None:
        models.change_style(self.workbench.session, self._model.entry.id, **fields)

    def _compete(self, part: str, on: bool) -> None:
        session = self.workbench.session
        interactions.compete(session, self._model.feature, **{part: on})


def take_model_file(workbench: Workbench, path: Path) -> bool:
    """Open a network, or import those of a file of Ais; return whether the file holds networks by its name."""
    if path.suffix != MODEL_SUFFIX and path.suffix.lower() not in AIS_SUFFIXES:
        return False
    if not workbench.session.has_project:
        from ais_app.state.commands import projects

        projects.ensure_project(workbench.session, workbench.drafts)
    if path.suffix == MODEL_SUFFIX:
        use(workbench, path)
    else:
        _import(workbench, path)
    return True


def _import(workbench: Workbench, path: Path) -> None:
    """Turn networks of Ais into packages beside the project, off the main thread, and add them."""
    project = workbench.session.project.path

    def make_job() -> Job[Imported]:
        from ais_app.operations.import_model import import_model_job  # torch, below it, takes seconds to import

        return import_model_job(path, project.parent / FOLDER)

    def take(found: Imported) -> None:
        for note in found.notes:
            workbench.notify(note, "warning")
        session = workbench.session
        if session.is_open(project):
            workbench.attempt(lambda: models.add_imported(session, found.models, found.interactions))
        else:  # another project was opened meanwhile
            workbench.notify(f"{path.name} was imported into {project.parent / FOLDER}")

    workbench.jobs.start(f"Import {path.name}", make_job, on_result=take)
