"""Actions that help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ais_app.views.actions.action import SEPARATOR, Action

if TYPE_CHECKING:
    from ais_app.views.main_window import MainWindow


def _palette(window: MainWindow) -> None:
    from ais_app.views.shell.palette import CommandPalette

    CommandPalette(window).open()


def _keys(window: MainWindow) -> None:
    from ais_app.views.dialogs.keys import KeysDialog

    _show_once(window, KeysDialog)


def _getting_started(window: MainWindow) -> None:
    from ais_app.views.dialogs.getting_started import show_getting_started

    show_getting_started(window)


def _demo(window: MainWindow) -> None:
    from ais_app.views.shell.demo import start_demo

    start_demo(window)


def _history(window: MainWindow) -> None:
    from ais_app.views.shell.history_window import HistoryWindow

    history = _show_once(window, HistoryWindow)
    if window.unread:
        history.tabs.setCurrentWidget(history.messages)
    window.set_unread(0)


def _about(window: MainWindow) -> None:
    from ais_app.views.dialogs.about import AboutDialog

    AboutDialog(window).show()


def _show_once(window: MainWindow, kind):  # type: ignore[no-untyped-def]
    """Show a window of a kind; the one that is open already comes to the front."""
    shown = window.findChild(kind) or kind(window)
    shown.show()
    shown.raise_()
    shown.activateWindow()
    return shown


def _copy_python(window: MainWindow) -> None:
    from ais_app.views.shell.history_window import as_python
    from ais_app.views.widgets.copy_button import copy_text

    copy_text(as_python(window.workbench.session.log.lines[-1:]))
    window.workbench.notify("The last action is on the clipboard, as Python")


def _copy_shell(window: MainWindow) -> None:
    from ais_app.views.widgets.copy_button import copy_text

    copy_text(window.workbench.session.log.lines[-1].shell)
    window.workbench.notify("The last action is on the clipboard, as a command line")


def _has_lines(window: MainWindow) -> bool:
    return bool(window.workbench.session.log.lines)


def _has_shell(window: MainWindow) -> bool:
    return _has_lines(window) and bool(window.workbench.session.log.lines[-1].shell)


def _console(window: MainWindow) -> None:
    window.workbench.settings.console = not window.workbench.settings.console


ACTIONS = (
    Action("help.palette", "&Search all actions…", _palette, "mdi6.magnify", "F1", "Find any action by its name"),
    Action("help.keys", "&Keys…", _keys, "mdi6.keyboard-outline", tip="See and change the keys; choose a preset"),
    Action("help.getting_started", "&Getting started", _getting_started, "mdi6.book-open-outline",
           tip="From a tomogram to a first result in six steps"),
    Action("help.demo", "Try the &demo", _demo, "mdi6.flask-outline",
           tip="Make phantoms, train, segment and pick: about four minutes, offline"),
    Action("help.history", "&History…", _history, "mdi6.history", "Ctrl+H",
           tip="What was done in this session, as lines to copy, and what was said"),
    Action("help.copy_python", "Copy last action as &Python", _copy_python, key="Ctrl+Shift+C", enabled=_has_lines,
           tip="Copy the line that does the last action again in a script"),
    Action("help.copy_shell", "Copy last action as &command line", _copy_shell, enabled=_has_shell,
           tip="Copy what to type in a terminal to do the last action again"),
    Action("help.jobs", "&Jobs", lambda window: window.jobs_panel.toggle(), "mdi6.progress-clock", "Ctrl+J",
           "Show all jobs with their progress, log and errors",
           checked=lambda window: window.jobs_panel.isVisibleTo(window)),
    Action("help.console", "Python c&onsole", _console, "mdi6.console", tip="Type Python on the running session",
           checked=lambda window: window.workbench.settings.console),
    Action("help.about", "&About ais-app", _about, tip="Versions of this program and of what it rests on"),
)  # fmt: skip
MENU = (
    "help.palette", "help.keys", "help.getting_started", "help.demo", SEPARATOR, "help.history", "help.copy_python",
    "help.copy_shell", "help.jobs", "help.console", SEPARATOR, "help.about",
)  # fmt: skip
