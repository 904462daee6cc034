"""The wheel holds the three packages with all their files, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.architecture.source import PACKAGES
from tests.conftest import ROOT, require


@pytest.fixture
def wheel(tmp_path: Path) -> zipfile.ZipFile:
    # Without build isolation, so that no network is needed.
    require(find_spec("hatchling"), "hatchling builds the wheel; it comes with the dev extra")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    subprocess.run([*command, str(tmp_path), str(ROOT)], check=True, capture_output=True)
    (path,) = tmp_path.glob("dateline-*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    with wheel:
        names = wheel.namelist()
        (entry_points,) = [wheel.read(name).decode() for name in names if name.endswith("entry_points.txt")]
    packed = {name for name in names if ".dist-info/" not in name}
    here = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == here
    assert "dateline = api.cli:main" in entry_points
    assert any(name.endswith("/licenses/LICENSE") for name in names)
