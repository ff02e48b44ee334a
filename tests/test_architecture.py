"""The arrows of docs/architecture.md."""

import ast
import subprocess
import sys
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import heads
import proposals
import regionclip

ROOT = Path(__file__).parent.parent
PACKAGES = ("regionclip", "proposals", "heads", "demos")

FLOORS = """
heads  proposals
proposals.learned  proposals.moving

errors  timing
frames  boxes
formats
config

towers.checkpoints
towers
towers.clip  towers.fgclip2  towers.tiny
words
drawing
answers
describe
scorer
proposing
detector
loading
getting

video.sources
video.tracking
video.rules
video.output
sinks
video
archive  site
agents
robot
robot.ros
robot.transports
serve
cluster  web

scenes.painting
scenes.kinds
scenes
scenes.language
data
calibration
training.trainees
training
evaluation  evaluation.speed  evaluation.certainty
evaluation.accuracy  evaluation.protocols
training.embedded

cli.terminal
cli.cameras  cli.serving
cli.evaluate
cli
"""
"""The rooms of the house from the ground up, a floor a line: folders, and the modules at the root of `regionclip`.

A room uses only rooms of floors below its own. Imports inside functions and for types count too. `regionclip` itself,
the door, stands above all.
"""


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_name(path): path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))}

FOLDERS = {path.parent.relative_to(ROOT).as_posix().replace("/", ".") for path in SOURCES.values()}


def imports(name: str, *, deferred: bool) -> set[str]:
    """Our own modules that a module imports; those inside functions and TYPE_CHECKING only where `deferred`."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            is_typing = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            if (is_function or is_typing) and not deferred:
                continue
            if isinstance(child, ast.Import):
                found.update(alias.name for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{name}: relative import"
                assert child.module is not None
                found.update(
                    full if (full := f"{child.module}.{alias.name}") in SOURCES else child.module
                    for alias in child.names
                )
            visit(child)

    visit(ast.parse(SOURCES[name].read_text(encoding="utf-8")))
    return {module for module in found if module.split(".")[0] in PACKAGES}


@pytest.mark.parametrize("name", SOURCES)
def test_arrows_go_down(name: str) -> None:
    package = name.split(".")[0]
    allowed = {
        "heads": ("heads.",),
        "proposals": ("proposals.",),
        "demos": ("regionclip",),
        "regionclip": ("regionclip.", "proposals.", "heads."),
    }[package]
    for module in imports(name, deferred=True):
        assert module.startswith(allowed), f"{name} imports {module}"
        assert package != "demos" or module == "regionclip", f"{name}: demos import the package root only"


def room(module: str) -> str:
    """The folder of a module, or the module where it is at the root; demos are one room, doors stand above all."""
    package, _, rest = module.partition(".")
    inside, _, name = rest.rpartition(".")
    if package == "demos" or module in ("regionclip.__main__", "regionclip.robot") or not rest:
        return package
    own = module if module in FOLDERS else f"{package}.{inside}" if inside else package
    if package == "regionclip":
        own = own.removeprefix("regionclip").removeprefix(".") or name
    return own


def test_every_room_uses_only_rooms_below_it() -> None:
    floor = {name: level for level, line in enumerate(FLOORS.splitlines()) for name in line.split()}
    floor |= {"regionclip": len(FLOORS), "demos": len(FLOORS) + 1}
    rooms = {room(name) for name in SOURCES} | set(floor)
    assert rooms <= set(floor), f"rooms without a floor: {sorted(rooms - set(floor))}"
    wrong = [
        f"{name} -> {module}"
        for name in SOURCES
        for module in imports(name, deferred=True) & set(SOURCES)
        if room(module) != room(name) and floor[room(module)] >= floor[room(name)]
    ]
    assert not wrong, "arrows that go up: " + ", ".join(sorted(wrong))


def test_no_room_is_too_full() -> None:
    count = Counter(path.parent.relative_to(ROOT).as_posix() for path in SOURCES.values())
    assert max(count.values()) <= 16, count.most_common(3)
    assert count["regionclip"] <= 12


def test_no_import_cycle() -> None:
    edges = {name: imports(name, deferred=False) & set(SOURCES) for name in SOURCES}
    assert list(TopologicalSorter(edges).static_order())  # raises CycleError, which names the circle


def test_the_three_packages_come_from_one_place() -> None:
    """Another `heads` or `proposals` on the path would shadow ours."""
    places = {Path(module.__file__ or "").parent.parent for module in (regionclip, proposals, heads)}
    assert len(places) == 1


def test_exported_names() -> None:
    classes = (
        "Archive Bag Config Detector FrameKey ImageFeatures Label PerceptionCore Proposals Proposer RegionclipError"
    )
    more = "Regions Style Timings Tower TowerCard Trails Vocabulary ZoneShape"
    functions = "annotate annotate_video blur load open_source stream"
    assert regionclip.__all__ == f"{classes} {more} {functions}".split()
    for name in regionclip.__all__:
        assert getattr(regionclip, name).__name__ == name
    assert regionclip.robot.__all__ == ["Names", "Node", "Parameters", "decode", "encode", "queue_depth"]
    for name in regionclip.robot.__all__:
        assert getattr(regionclip.robot, name).__name__ == name
    for door in (regionclip, regionclip.robot):
        with pytest.raises(AttributeError, match="it exports"):
            _ = door.Detektor


def test_help_loads_nothing_heavy() -> None:
    """That is what keeps `--help` under a second."""
    code = (
        "import sys, regionclip.cli; "
        "print(sorted({'torch', 'transformers', 'supervision', 'cv2', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_sizes() -> None:
    """Files of one reader, functions of one screen: their lines as they stand, without the docstring."""
    for name, path in SOURCES.items():
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 400, f"{name} has {len(text.splitlines())} lines"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = real_lines(name, node)
                assert lines <= 60, f"{name}.{node.name} has {lines} lines"


def real_lines(module: str, function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring; of a command also without the signature, which lists options."""
    assert function.end_lineno is not None
    start = function.body[0].lineno if module.startswith("regionclip.cli") else function.lineno
    lines = function.end_lineno - start + 1
    first = function.body[0]
    if ast.get_docstring(function) is None or first.end_lineno is None:
        return lines
    return lines - (first.end_lineno - first.lineno + 1)
