"""Makes the fixtures beside the tests importable: tests are no package here."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

import serving_fixture as made

from titleshot.registry.home import Home


@pytest.fixture
def bare_home(tmp_path: Path) -> Home:
    """A home with version 1 as champion, registered in without MLflow."""
    home = Home(tmp_path / "bare")
    made.point(home, made.register(home, made.contender()))
    return home
