"""Where the pointer is: voxel, position in Å and nm, grey value, voxel size. Fixed widths, so that nothing jumps."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QWidget

from ais_app.core.tomogram import ZYX
from ais_app.state.records import TomogramEntry

VOXEL, LENGTH, VALUE, SIZE = 112, 282, 72, 76  # px


class PointerLine(QWidget):
    """Four read-outs."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("PointerLine")
        self.voxel, self.position, self.value, self.size_ = (QLabel() for _ in range(4))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 8, 0)
        row.setSpacing(12)
        parts = (
            (self.voxel, VOXEL, "Voxel under the pointer: x y z, counted from 0"),
            (self.position, LENGTH, "Position under the pointer, x y z, from the centre of the first voxel"),
            (self.value, VALUE, "Grey value of the voxel under the pointer"),
            (self.size_, SIZE, "Voxel size; the tomogram's context menu sets it"),
        )
        for label, width, tip in parts:
            label.setFixedWidth(width)
            label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            label.setToolTip(tip)
            label.setAccessibleName(tip)
            row.addWidget(label)
        self.size_.setProperty("role", "hint")
        self.position.setProperty("role", "hint")

    def show_size(self, entry: TomogramEntry | None) -> None:
        """Show the voxel size of a tomogram."""
        self.size_.setText(size_words(entry.voxel_size_zyx) if entry is not None else "")

    def show_point(self, position_zyx: ZYX | None, entry: TomogramEntry | None, value: float | None) -> None:
        """Show where the pointer is; nothing outside the tomogram."""
        inside = position_zyx is not None and entry is not None and is_inside(position_zyx, entry.shape)
        if position_zyx is None or entry is None or not inside:
            for label in (self.voxel, self.position, self.value):
                label.setText("")
            return
        self.voxel.setText("  ".join(f"{round(index):d}" for index in reversed(position_zyx)))
        self.position.setText(position_words(position_zyx, entry.voxel_size_zyx))
        self.value.setText("" if value is None else f"{value:.4g}")


def is_inside(position_zyx: ZYX, shape: tuple[int, int, int]) -> bool:
    """Tell whether a position lies on a voxel."""
    return all(0 <= round(index) < size for index, size in zip(position_zyx, shape, strict=True))


def size_words(voxel_size_zyx: ZYX | None) -> str:
    """Return ``13.68 Å/px``; three numbers, x y z, where they differ."""
    if voxel_size_zyx is None:
        return "? Å/px"
    z, y, x = voxel_size_zyx
    return f"{x:.4g} Å/px" if x == y == z else f"{x:.3g} {y:.3g} {z:.3g} Å/px"


def position_words(position_zyx: ZYX, voxel_size_zyx: ZYX | None) -> str:
    """Return the position, x y z, in Å and in nm; nothing where the voxel size is not known."""
    if voxel_size_zyx is None:
        return ""
    lengths = [index * size for index, size in zip(position_zyx, voxel_size_zyx, strict=True)][::-1]
    in_nm = " ".join(f"{length / 10:.1f}" for length in lengths)
    return " ".join(f"{length:.0f}" for length in lengths) + f" Å  ·  {in_nm} nm"
