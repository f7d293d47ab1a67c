"""What to train: the feature, what the other features mean for it, tomograms, network and settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QMenu, QPushButton, QVBoxLayout, QWidget

from ais_app.core.errors import AisAppError
from ais_app.core.training.parameters import TrainParams
from ais_app.state.commands.training import DOCUMENT, TrainingRequest
from ais_app.state.starting_points import going_on_from, starting_points
from ais_app.views.train.choices import architectures_job, fill, label, left_out
from ais_app.views.widgets.fields import ChoiceBox
from ais_app.views.widgets.forms import ParamsForm
from ais_app.views.widgets.icon_button import IconButton
from ais_app.views.widgets.panel import discard, hint
from ais_app.views.workbench import Workbench

SHOWN = ("epochs", "box_size", "depth", "voxel_size", "boxes")
FOLDED = (
    "batch", "learning_rate", "loss", "negatives", "draws", "validation", "validation_share", "patience", "optimiser",
    "schedule", "weight_decay", "clip", "averaging", "precision", "device", "seed", "symmetries", "brightness",
    "contrast", "gamma", "noise", "blur", "scale", "wedge", "spectrum", "shift",
)  # fmt: skip
WORDS = {
    "negatives": "Empty boxes per box", "boxes": "Boxes in all", "voxel_size": "Voxel size", "draws": "Uses of a box",
    "validation": "Held out", "validation_share": "Share held out", "clip": "Largest gradient",
}  # fmt: skip
ROLES = {"–": "", "background": "negative", "left out": "ignored"}
# A few boxes of a person are joined by others on the labels. With so few epochs the first network is there in minutes.
FIRST = TrainParams(architecture="resunet", depth=5, boxes=64, epochs=12)


class TrainingSetup(QWidget):
    """The form for a new training; `request` is what it says.

    Attributes
    ----------
    toggle
        Shows the settings or folds them away, for the heading of the section; `fold` does the same.
    summary
        What the settings are, in one line, while they are folded away.
    """

    asked = pyqtSignal(object)  # TrainingRequest

    def __init__(self, workbench: Workbench) -> None:
        super().__init__()
        self.workbench = workbench
        self._architectures: dict[str, str] = {}
        self._volumes: set[str] = set()  # networks of volumes
        self._roles: dict[str, QComboBox] = {}
        self._left_out: set[str] = set()
        self.feature = ChoiceBox()
        self.feature.setAccessibleName("Feature to learn")
        self.feature.setToolTip("The feature that the network learns to find")
        self.architecture = ChoiceBox()
        self.architecture.setAccessibleName("Network")
        self.architecture.setToolTip("The kind of network: larger ones see more and take longer")
        self.cost = hint("")
        self.parent_model = ChoiceBox()
        self.parent_model.setAccessibleName("Start from")
        self.parent_model.setToolTip(
            "Begin with fresh weights, or go on from a network that has seen such structures: it needs fewer labels"
        )
        self.tomograms = QPushButton()
        self.tomograms.setAccessibleName("Tomograms to learn from")
        self.tomograms.setToolTip("Which tomograms to learn from; whole tomograms are held out where there are several")
        self._menu = QMenu(self)
        self.tomograms.setMenu(self._menu)
        self.form = ParamsForm(FIRST, SHOWN, FOLDED, WORDS)
        self.start = QPushButton("Train")
        self.start.setProperty("role", "primary")
        self.start.setToolTip("Train a network on what is annotated; its prediction is shown while it learns")
        self.toggle, self.summary = IconButton(), hint("")
        self._build()
        self._subscribe()
        self._list_architectures()
        self._refresh()
        self.fold(False)

    def request(self) -> TrainingRequest:
        """Return what the form says."""
        parts = {name: ROLES[box.currentText()] for name, box in self._roles.items() if name != self._learnt}
        names = [entry.name for entry in self._entries()]
        chosen = tuple(name for name in names if name not in self._left_out) if self._left_out else ()
        parent = self.parent_model.currentData()
        return TrainingRequest(
            self._learnt,
            replace(self.form.value(), architecture=self.architecture.currentData() or FIRST.architecture),
            negatives=tuple(name for name, part in parts.items() if part == "negative"),
            ignored=tuple(name for name, part in parts.items() if part == "ignored"),
            tomograms=chosen,
            parent=Path(parent) if parent else None,
        )

    def show_request(self, request: TrainingRequest) -> None:
        """Fill the form, with the settings of an earlier run, say."""
        self.feature.setCurrentText(request.feature)
        self._choose(self.architecture, request.params.architecture)
        self.form.set_value(request.params)
        for name, box in self._roles.items():
            part = "negative" if name in request.negatives else "ignored" if name in request.ignored else ""
            box.setCurrentText(next(words for words, known in ROLES.items() if known == part))
        names = {entry.name for entry in self._entries()}
        self._left_out = names - set(request.tomograms) if request.tomograms else set()
        self._say_tomograms()

    def fold(self, wanted: bool = True) -> None:
        """Fold the settings away, so that there is room for what runs; or show them."""
        self._settings.setVisible(not wanted)
        self.summary.setVisible(wanted)
        self.toggle.set_icon("mdi6.chevron-down" if wanted else "mdi6.chevron-up")
        words = "Show the settings of a new training" if wanted else "Fold the settings away"
        self.toggle.setToolTip(words)
        self.toggle.setAccessibleName(words)
        self._summarise()

    @property
    def is_folded(self) -> bool:
        """Whether the settings are folded away."""
        return self._settings.isHidden()

    def _summarise(self) -> None:
        epochs = getattr(self.form.value(), "epochs", 0)
        parts = (self.architecture.currentText(), f"{epochs} epochs", f"from {self.tomograms.text()}")
        self.summary.setText(" · ".join(part for part in parts if part))

    @property
    def _learnt(self) -> str:
        return self.feature.currentText()

    def _entries(self) -> list:  # type: ignore[type-arg]
        session = self.workbench.session
        return session.project.tomograms if session.has_project else []

    def _build(self) -> None:
        outside = QVBoxLayout(self)
        outside.setContentsMargins(0, 0, 0, 0)
        outside.setSpacing(8)
        self._settings = QWidget()
        column = QVBoxLayout(self._settings)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        rows = (("From", self.tomograms), ("Network", self.architecture))
        for row, (words, widget) in enumerate(rows):
            grid.addWidget(label(words), row, 0)
            grid.addWidget(widget, row, 1)
        grid.addWidget(self.cost, len(rows), 1)
        longest = label("Start from")
        grid.addWidget(longest, len(rows) + 1, 0)
        grid.addWidget(self.parent_model, len(rows) + 1, 1)
        column.addLayout(grid)
        self._others = QGridLayout()
        self._others.setColumnStretch(0, 1)
        self._others.setVerticalSpacing(4)
        self._others_title = hint("What the other features are for this network")
        column.addWidget(self._others_title)
        column.addLayout(self._others)
        column.addWidget(self.form)
        # which feature is learnt can be chosen while the rest is folded away: the next one is trained with two clicks
        first, learn = QHBoxLayout(), label("Learn")
        learn.setFixedWidth(longest.sizeHint().width())
        first.setSpacing(8)
        first.addWidget(learn)
        first.addWidget(self.feature, 1)
        outside.addLayout(first)
        for widget in (self._settings, self.summary, self.start):
            outside.addWidget(widget)

    def _subscribe(self) -> None:
        events = self.workbench.session.events
        for signal in (events.opened, events.features, events.tomograms, events.models):
            signal.connect(self._refresh)
        self.workbench.session.view.events.feature.connect(self._follow_feature)
        self.feature.currentTextChanged.connect(self._refresh_roles)
        self.architecture.currentIndexChanged.connect(self._say_cost)
        self._menu.aboutToShow.connect(self._fill_menu)
        self.start.clicked.connect(self._start)
        self.parent_model.activated.connect(self._start_from)
        self.toggle.clicked.connect(lambda: self.fold(not self.is_folded))

    def _start(self) -> None:
        if not self.form.is_valid:
            self.fold(False)
            self.workbench.notify(self.form.message, "warning", passing=True)
            return
        request = self.request()
        self.workbench.project.set_display(DOCUMENT, request.to_dict())
        self.asked.emit(request)

    def _refresh(self, *_: object) -> None:
        session = self.workbench.session
        features = session.project.features if session.has_project else []
        chosen = self._learnt or (session.feature.name if session.feature is not None else "")
        fill(self.feature, [(feature.name, feature.name) for feature in features], chosen)
        self.start.setEnabled(bool(features))
        networks = starting_points(session.project if session.has_project else None)
        entries = [("fresh weights", ""), *((name, str(path)) for name, path in networks)]
        fill(self.parent_model, entries, self.parent_model.currentText())
        self._refresh_roles()
        self._say_tomograms()

    def _start_from(self, *_: object) -> None:
        """Take over what must be as in the network that was chosen: architecture, depth, voxel size."""
        parent, params = self.parent_model.currentData(), self.form.value()
        if not parent or not isinstance(params, TrainParams):
            return
        try:
            fitted = going_on_from(Path(parent), params)
        except AisAppError as error:
            self.workbench.notify(str(error), "error")
            return
        if self.architecture.findData(fitted.architecture) < 0:  # the list is not there yet
            self.architecture.addItem(fitted.architecture, fitted.architecture)
        self._choose(self.architecture, fitted.architecture)
        self.form.set_value(fitted)

    def _follow_feature(self, *_: object) -> None:
        feature = self.workbench.session.feature
        if feature is not None:
            self.feature.setCurrentText(feature.name)

    def _refresh_roles(self, *_: object) -> None:
        names = [self.feature.itemText(i) for i in range(self.feature.count())]
        for name in [name for name in self._roles if name not in names]:
            discard(self._roles.pop(name))
        while (item := self._others.takeAt(0)) is not None:
            if (widget := item.widget()) is not None and widget not in self._roles.values():
                discard(widget)
        others = [name for name in names if name != self._learnt]
        self._others_title.setVisible(bool(others))
        for name, box in self._roles.items():
            box.setVisible(name in others)
        for row, name in enumerate(others):
            self._others.addWidget(QLabel(name), row, 0)
            self._others.addWidget(self._role_box(name), row, 1)

    def _role_box(self, name: str) -> QComboBox:
        if name not in self._roles:
            box = ChoiceBox()
            box.addItems(list(ROLES))
            box.setCurrentText("background")
            box.setAccessibleName(f"What {name} is for this network")
            box.setToolTip("background: known not to be the feature; left out: neither; –: not looked at")
            self._roles[name] = box
        return self._roles[name]

    def _say_tomograms(self) -> None:
        names = [entry.name for entry in self._entries()]
        chosen = [name for name in names if name not in self._left_out]
        many = f"all {len(names)} tomograms" if len(names) > 1 else "the tomogram"
        self.tomograms.setText(many if len(chosen) == len(names) else f"{len(chosen)} of {len(names)} tomograms")
        self.tomograms.setEnabled(len(names) > 1)

    def _fill_menu(self) -> None:
        self._menu.clear()
        for entry in self._entries():
            action = self._menu.addAction(entry.name)
            if action is not None:
                action.setCheckable(True)
                action.setChecked(entry.name not in self._left_out)
                action.toggled.connect(lambda on, name=entry.name: self._include(name, on))

    def _include(self, name: str, included: bool) -> None:
        (self._left_out.discard if included else self._left_out.add)(name)
        self._say_tomograms()

    def _list_architectures(self) -> None:
        """List the networks with their cost; counting them needs torch, so it is done off the main thread."""
        self.architecture.addItem("Residual UNet", FIRST.architecture)
        self.cost.setText("Networks are listed …")
        self.workbench.session.view.events.tab.connect(self._tab_shown)

    def _tab_shown(self, tab: str, *_: object) -> None:
        if tab != "train" or self._architectures:
            return
        self._architectures = {FIRST.architecture: ""}  # asked once
        self.workbench.jobs.start(
            "List networks", architectures_job, on_result=self._listed, on_error=self._unlisted, quiet=True
        )

    def _listed(self, infos: list) -> None:  # type: ignore[type-arg]
        self._architectures = {
            info.name: f"{info.parameters / 1e6:.2f} million numbers, {2 * info.operations_per_pixel / 1e6:.2f} MFLOP a"
            f" {'pixel' if info.dimension == 2 else 'voxel'}, sees {info.receptive_field} pixels across"
            for info in infos
        }
        self._volumes = {info.name for info in infos if info.dimension == 3}
        current = self.architecture.currentData()
        fill(self.architecture, [(info.title, info.name) for info in infos], "")
        self._choose(self.architecture, current)
        self._say_cost()
        for problem in left_out():
            self.workbench.notify(problem, "warning")

    def _unlisted(self, error: Exception) -> None:
        kind = "error" if isinstance(error, AisAppError) else "warning"
        self.workbench.notify(f"the networks cannot be listed: {error}", kind)

    def _say_cost(self, *_: object) -> None:
        chosen, params = self.architecture.currentData() or "", self.form.value()
        self.cost.setText(self._architectures.get(chosen, ""))
        if chosen and isinstance(params, TrainParams) and params.architecture != chosen:
            # a number of slices says nothing to a network of volumes: it begins with cubes
            kinds = {name in self._volumes for name in (chosen, params.architecture)}
            first = 1 if chosen in self._volumes else FIRST.depth
            depth = params.depth if len(kinds) == 1 else first
            self.form.set_value(replace(params, architecture=chosen, depth=depth))

    @staticmethod
    def _choose(box: QComboBox, data: str | None) -> None:
        index = box.findData(data)
        if index >= 0:
            box.setCurrentIndex(index)
