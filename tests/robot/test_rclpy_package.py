"""The files of demos/ros2: manifests, launch files, the parameter file, and what colcon makes of them."""

import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from fake_ros import NEEDED, OPTIONAL, PACKAGE, installed
from fake_ros.rosidl import INTERFACES
from rosbags.interfaces import Nodetype
from rosbags.typesys import get_types_from_msg
from test_rclpy_node import running

from regionclip.robot.messages import store
from regionclip.robot.ros.parameters import Parameters

ROOT = Path(__file__).parents[2]
FILE = PACKAGE / "config/regionclip.yaml"
DOC = (ROOT / "docs/robotics.md").read_text(encoding="utf-8")
OWN = ("events_executor", "autostart")
"""Parameters of the rclpy nodes alone."""


def test_both_readers_take_the_parameter_file(run: Any, capfd: pytest.CaptureFixture[str]) -> None:  # noqa: ANN401
    ours = Parameters.read(FILE)
    assert ours.words().names == ("person", "forklift", "红色的灭火器")
    with installed() as ros, running(ros, "--params-file", str(FILE)) as node:
        theirs = {name: node.get_parameter(name).value for name in Parameters.model_fields}
        assert node.settings == ours  # type: ignore[attr-defined]
    told = yaml.safe_load(FILE.read_text(encoding="utf-8"))["/**"]["ros__parameters"]
    assert {name: theirs[name] for name in told} == told
    assert run("ros2", "--params-file", FILE, "--remap", "nothing:=/camera") == 2
    assert "nothing" in capfd.readouterr().err  # it came to the names, past the parameters


@pytest.mark.parametrize("package", [PACKAGE, INTERFACES])
def test_manifests(package: Path) -> None:
    """By the rules of REP 149, as far as they are used."""
    manifest = ElementTree.parse(package / "package.xml").getroot()
    assert (manifest.tag, manifest.get("format")) == ("package", "3")
    order = ["name", "version", "description", "maintainer", "license", "buildtool_depend", "depend", "exec_depend"]
    tags = [child.tag for child in manifest]
    assert list(dict.fromkeys(tags)) == [tag for tag in [*order, "member_of_group", "export"] if tag in tags]
    assert manifest.findtext("name") == package.name
    assert re.fullmatch(r"\d+\.\d+\.\d+", manifest.findtext("version", ""))
    assert manifest.findtext("version") == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.fullmatch(r"\S+@\S+\.\S+", manifest.find("maintainer").get("email", ""))  # type: ignore[union-attr]


def test_the_manifest_names_what_is_imported() -> None:
    manifest = ElementTree.parse(PACKAGE / "package.xml").getroot()
    depends = {child.text for child in manifest.iter("exec_depend")}
    assert depends >= {*NEEDED, "rclpy", "lifecycle_msgs", "launch", "launch_ros", "ament_index_python"}
    assert not depends & {*OPTIONAL}


def test_setup_installs_every_file(monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, Any] = {}
    monkeypatch.setitem(sys.modules, "setuptools", _module("setuptools", setup=lambda **given: told.update(given)))
    monkeypatch.chdir(PACKAGE)
    runpy.run_path("setup.py")
    files = {file for _, files in told["data_files"] for file in files}
    expected = {"package.xml", f"resource/{PACKAGE.name}"}
    expected |= {f"{folder}/{path.name}" for folder in ("config", "launch") for path in (PACKAGE / folder).glob("*.*")}
    assert files == expected
    with installed():
        for script in told["entry_points"]["console_scripts"]:
            name, module, function = re.split(r" = |:", script)
            assert callable(getattr(import_module(module), function))
            assert name == module.rpartition(".")[2]


def test_services_are_of_types_that_exist() -> None:
    for path in sorted((INTERFACES / "srv").iterdir()):
        for part in path.read_text(encoding="utf-8").split("---\n"):
            for _, fields in get_types_from_msg(part, "regionclip_interfaces/srv/Part").values():
                assert fields
                for name, (node, detail) in fields:
                    assert node != Nodetype.NAME or detail in store().fielddefs, (path.name, name)
        assert f'"srv/{path.name}"' in (INTERFACES / "CMakeLists.txt").read_text(encoding="utf-8")


class Launched:
    """A stand-in for launch and launch_ros, as strict about what it is given.

    Attributes:
        arguments: their defaults.
    """

    def __init__(self) -> None:
        self.arguments: dict[str, str] = {}
        self.given: dict[str, str] = {}

    def modules(self) -> Iterator[ModuleType]:
        """What a launch file imports."""

        def declare(name: str, *, default_value: str, description: str) -> None:
            assert description
            self.arguments[name] = default_value

        def configuration(name: str) -> SimpleNamespace:
            return SimpleNamespace(perform=lambda context: (self.arguments | self.given)[name])

        yield _module("launch", LaunchContext=object, LaunchDescription=list)
        yield _module("launch.actions", DeclareLaunchArgument=declare, OpaqueFunction=lambda *, function: function)
        yield _module("launch.substitutions", LaunchConfiguration=configuration)
        yield _module("launch_ros")
        yield _module("launch_ros.actions", Node=LaunchedNode)
        yield _module("ament_index_python")
        yield _module(
            "ament_index_python.packages", get_package_share_directory=lambda name: str(PACKAGE.parent / name)
        )

    def node(self, **given: str) -> "LaunchedNode":
        """What the launch file makes of arguments."""
        self.given = given
        with pytest.MonkeyPatch.context() as patch:
            for module in self.modules():
                patch.setitem(sys.modules, module.__name__, module)
            *_, act = runpy.run_path(str(PACKAGE / "launch/regionclip.launch.py"))["generate_launch_description"]()
        assert given.keys() <= self.arguments.keys()
        (node,) = act(None)
        return node  # type: ignore[no-any-return]


@dataclass(kw_only=True)
class LaunchedNode:
    package: str
    executable: str
    name: str
    namespace: Any
    parameters: list[Any]
    remappings: list[tuple[str, Any]]
    output: str

    def args(self) -> list[str]:
        """What launch_ros gives to the executable."""
        file, *values = self.parameters
        rules = [(name, to.perform(None)) for name, to in self.remappings]
        rules += [("__node", self.name), *([("__ns", space)] if (space := self.namespace.perform(None)) else [])]
        options = [("--params-file", file.perform(None))]
        options += [("-p", f"{name}:={value.perform(None)}") for each in values for name, value in each.items()]
        options += [("-r", f"{name}:={to}") for name, to in rules]
        return [word for option in options for word in option]


def test_the_launch_file_has_every_parameter() -> None:
    launched = Launched()
    node = launched.node()
    others = {"params_file", "namespace", "image", "lifecycle"}
    assert launched.arguments.keys() == {*Parameters.model_fields, *OWN, *others}
    assert (node.package, node.executable, node.parameters[1:]) == (PACKAGE.name, "node", [])
    with installed() as ros, running(ros, *node.args()) as made:
        assert made.settings == Parameters.read(FILE)  # type: ignore[attr-defined]


def test_arguments_of_the_launch_file_win_over_the_parameter_file() -> None:
    node = Launched().node(
        prompts="[人, '叉车=叉车|forklift']",
        threshold="0.5",
        track="true",
        image="/camera/image_raw",
        namespace="/robot1",
        lifecycle="true",
        events_executor="true",
    )
    assert node.executable == "lifecycle_node"
    with installed() as ros, running(ros, *node.args(), module=node.executable) as made:
        expected = Parameters.read(FILE).replaced(prompts=("人", "叉车=叉车|forklift"), threshold=0.5, track=True)
        assert made.settings == expected  # type: ignore[attr-defined]
        assert made.get_fully_qualified_name() == "/robot1/regionclip"
        assert made.resolve_topic_name("image") == "/camera/image_raw"
        assert ("spin", "EventsExecutor") in ros.log


def test_the_launch_file_in_xml() -> None:
    launch = ElementTree.parse(PACKAGE / "launch/regionclip.launch.xml").getroot()
    assert launch.tag == "launch"
    arguments = {arg.get("name", ""): arg.get("default", "") for arg in launch.iter("arg")}
    (node,) = launch.iter("node")
    assert (node.get("pkg"), node.get("exec"), node.get("name")) == (PACKAGE.name, "node", "regionclip")
    used = re.findall(r"\$\(var (\w+)\)", ElementTree.tostring(launch, encoding="unicode"))
    assert sorted(used) == sorted(arguments)
    assert arguments["params_file"] == f"$(find-pkg-share {PACKAGE.name})/config/{FILE.name}"
    assert [(child.tag, sorted(child.attrib)) for child in node] == [("param", ["from"]), ("remap", ["from", "to"])]


def test_colcon_builds_the_node(tmp_path: Path) -> None:
    colcon = shutil.which("colcon")
    if colcon is None or subprocess.run([colcon, "build", "--help"], capture_output=True).returncode:
        pytest.skip("colcon is not installed (Debian: colcon, python3-colcon-ros and the extensions that they name)")
    shutil.copytree(PACKAGE, tmp_path / "src" / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([colcon, "build"], cwd=tmp_path, env=environment, check=True, capture_output=True, timeout=300)
    prefix = tmp_path / "install" / PACKAGE.name
    installed_files = {path.name for path in (prefix / "share" / PACKAGE.name).rglob("*.*")}
    assert installed_files >= {"package.xml", "regionclip.yaml", "regionclip.launch.py", "regionclip.launch.xml"}
    assert (prefix / "share/ament_index/resource_index/packages" / PACKAGE.name).is_file()
    for name in ("node", "lifecycle_node"):  # they get as far as to look for ROS
        start = f". {prefix.parent}/setup.sh && exec {prefix}/lib/{PACKAGE.name}/{name}"
        done = subprocess.run(["sh", "-c", start], env=environment, capture_output=True, text=True, timeout=60)
        assert "No module named 'rcl" in done.stderr, done.stderr


def test_the_doc_has_every_parameter() -> None:
    section = DOC.partition("## ROS 2 with rclpy")[2].replace(r"\|", "PIPE")
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$", section, re.MULTILINE)
    table = {name: (default, told.replace("PIPE", "|")) for name, default, told in rows}
    fields = Parameters.model_fields
    assert [name for name in table if name not in OWN] == list(fields)
    for name, field in fields.items():
        values = field.default if isinstance(field.default, tuple) else (field.default,)
        shown = ", ".join(str(value).lower() if isinstance(value, bool) else str(value) for value in values)
        assert table[name] == (shown or "none", field.description)
    assert table.keys() >= {*OWN}


def _module(name: str, **things: Any) -> ModuleType:  # noqa: ANN401
    made = ModuleType(name)
    vars(made).update(things)
    return made
