"""The house: folders, names, commands, the lock and the wheel are what they say they are."""

from __future__ import annotations

import ast
import importlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from titleshot.pipelines.cli import COMMANDS

HOUSE = Path(__file__).parents[1]
ROOMS = ("datasets", "detectors", "pipelines", "registry", "reports")
OTHER_FOLDERS = {"notebooks", "tests"}
LONGEST = 400
"""Lines of a file of ours: about 300 is the rule, this is where it ends."""
MODULES = sorted(path for room in ROOMS for path in (HOUSE / room).rglob("*.py"))


def test_every_folder_with_code_is_a_room_and_on_the_map() -> None:
    folders = {
        path.name
        for path in HOUSE.iterdir()
        if path.is_dir() and not path.name.startswith(".") and path.name != "build"
        and not path.name.endswith(".egg-info") and next(path.rglob("*.py"), None)
    }  # fmt: skip
    assert folders - OTHER_FOLDERS == set(ROOMS)
    architecture = (HOUSE / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert all(f"`{room}/`" in architecture and f"`titleshot.{room}`" in architecture for room in ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_takes_a_name_outside_titleshot(room: str, tmp_path: Path) -> None:
    code = f"import importlib.util as u; s = u.find_spec({room!r}); print(s.origin if s else '')"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert not found.stdout.strip() or HOUSE not in Path(found.stdout.strip()).parents


def test_no_module_has_a_name_that_says_nothing() -> None:
    said = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
    assert [str(path) for path in MODULES if said & {*path.with_suffix("").parts[-2:]}] == []


def test_every_module_says_what_it_is_for_and_stays_short() -> None:
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        assert ast.get_docstring(ast.parse(text)), f"{path} has no docstring"
        assert text.count("\n") <= LONGEST, f"{path} has {text.count(chr(10))} lines"


def test_nothing_is_left_for_later() -> None:
    for path in MODULES:
        found = re.search(r"\b(TODO|FIXME|XXX|HACK)\b", path.read_text(encoding="utf-8"))
        assert found is None, f"{path}: {found}"


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_is_one_module_with_one_function_and_is_in_the_readme(command: str) -> None:
    module = importlib.import_module(f"titleshot.pipelines.{COMMANDS[command][0]}")
    assert module.__doc__
    assert callable(module.arguments)
    assert callable(module.command)
    assert f"titleshot {command}" in (HOUSE / "README.md").read_text(encoding="utf-8")


def test_every_command_the_readme_names_exists() -> None:
    for document in ("README.md", "CONTRIBUTING.md"):
        text = (HOUSE / document).read_text(encoding="utf-8")
        code = re.findall(r"^```\w+\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        code += re.findall(r"(?<!`)`([^`\n]+)`", text)
        named = set(re.findall(r"^titleshot ([a-z-]+)", "\n".join(code), re.MULTILINE))
        assert named <= set(COMMANDS), f"{document}: {named - set(COMMANDS)}"


def test_links_within_the_documents_lead_somewhere() -> None:
    for document in HOUSE.glob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            assert (HOUSE / target).exists(), f"{document.name} links to {target}"


def _project() -> dict[str, object]:
    project: dict[str, object] = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))[
        "project"
    ]
    return project


def test_the_lock_has_every_dependency_with_hashes_and_no_address() -> None:
    lock = (HOUSE / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    assert "index" not in re.sub(r"^[\w.-]+==.*$", "", lock, flags=re.MULTILINE)
    pinned = dict(re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==(\S+)", lock, re.MULTILINE))
    assert lock.count("--hash=sha256:") >= len(pinned)
    project = _project()
    wanted = [project["dependencies"], *project["optional-dependencies"].values()]  # type: ignore[attr-defined]
    for line in (line for lines in wanted for line in lines):  # type: ignore[attr-defined]
        name = re.match(r"[\w.-]+", line)[0]  # type: ignore[index]
        assert name.lower() in pinned, f"{name} is not in requirements.lock; run make lock"


def test_every_package_is_installed_with_the_files_it_reads() -> None:
    settings = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    packages = {f"titleshot.{'.'.join(path.parent.relative_to(HOUSE).parts)}" for path in MODULES}
    assert packages == set(settings["packages"])
    for package in packages:
        folder = HOUSE / Path(*package.split(".")[1:])
        patterns = settings["package-data"].get(package, [])
        for data in folder.rglob("*"):
            owner = next(
                parent for parent in data.parents if parent == HOUSE or (parent / "__init__.py").exists()
            )
            if (
                data.is_file()
                and data.suffix in {".yaml", ".json", ".html", ".css", ".js"}
                and owner == folder
            ):
                name = data.relative_to(folder)
                assert any(name.match(pattern) for pattern in patterns), f"{data} is not in package-data"


@pytest.mark.slow
def test_the_wheel_works_without_the_repository(tmp_path: Path) -> None:
    source = tmp_path / "source"
    left_out = shutil.ignore_patterns(".*", "build", "*.egg-info", "__pycache__", "tests")
    shutil.copytree(HOUSE, source, ignore=left_out)
    built = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*built, "--wheel-dir", str(tmp_path), str(source)], check=True, cwd=tmp_path)
    wheel = next(tmp_path.glob("titleshot-*.whl"))
    shutil.rmtree(source)
    with zipfile.ZipFile(wheel) as archive:
        assert {name.split("/")[0] for name in archive.namelist()} == {
            "titleshot",
            next(name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name),
        }
        archive.extractall(tmp_path / "installed")
    code = (
        "import importlib, pkgutil, titleshot, titleshot.datasets as datasets\n"
        "assert 'installed' in datasets.__file__, datasets.__file__\n"
        "from titleshot.pipelines.cli import main, COMMANDS\n"
        "[importlib.import_module(f'titleshot.pipelines.{name}') for name, _ in COMMANDS.values()]\n"
        "assert main(['generate', 'shop', '--services', '4', '--days', '21', '--cadence-s', '900']) == 0\n"
        "assert main(['validate', 'shop']) == 0\n"
        "assert main(['replay', 'shop', 'general', '--out', 'log']) == 0\n"
        "assert main(['compare', 'never', 'log', '--labels', 'shop', '--out', 'evidence']) == 3\n"
        "assert main(['report', 'evidence', '--out', 'page.html']) == 0\n"
        "from titleshot.datasets.json_schemas import __file__ as place\n"
        "from pathlib import Path\n"
        "assert list((Path(place).parent / 'contracts' / 'schemas').glob('*.json'))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
