"""The manual of the window says what is there."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from ais_app.views.actions.table import all_actions

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md"))


def test_the_table_of_keys_is_that_of_the_actions() -> None:
    spec = importlib.util.spec_from_file_location("screenshots", ROOT / "packaging" / "screenshots.py")
    assert spec is not None and spec.loader is not None
    screenshots = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(screenshots)
    made = screenshots.keys_page()
    assert screenshots.KEYS_PAGE.read_text(encoding="utf-8") == made, "run packaging/screenshots.py --keys"
    for action in all_actions():
        assert f"| {action.text.replace('&', '')} |" in made


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_and_pictures_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in target]
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing
