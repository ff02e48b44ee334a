"""The arrows of docs/architecture.md."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import heads
import proposals
import regionclip

ROOT = Path(__file__).parent.parent
PACKAGES = ("regionclip", "proposals", "heads", "demos")


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_name(path): path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))}


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


def test_no_import_cycle() -> None:
    edges = {name: imports(name, deferred=False) & set(SOURCES) for name in SOURCES}
    state: dict[str, str] = {}

    def walk(name: str, path: tuple[str, ...]) -> None:
        assert state.get(name) != "open", f"import cycle: {' -> '.join((*path, name))}"
        if name in state:
            return
        state[name] = "open"
        for module in sorted(edges[name]):
            walk(module, (*path, name))
        state[name] = "done"

    for name in SOURCES:
        walk(name, ())


def test_the_three_packages_come_from_one_place() -> None:
    """Another `heads` or `proposals` on the path would shadow ours."""
    places = {Path(module.__file__ or "").parent.parent for module in (regionclip, proposals, heads)}
    assert len(places) == 1


def test_exported_names() -> None:
    assert regionclip.__all__ == [
        "Config",
        "Detector",
        "FrameKey",
        "ImageFeatures",
        "Label",
        "Proposals",
        "Proposer",
        "RegionclipError",
        "Regions",
        "RegionsStore",
        "Style",
        "Tower",
        "TowerCard",
        "Trails",
        "Vocabulary",
        "ZoneShape",
        "annotate",
        "annotate_video",
        "blur",
        "load",
        "open_source",
        "stream",
    ]
    for name in regionclip.__all__:
        assert getattr(regionclip, name).__name__ == name
    with pytest.raises(AttributeError, match="it exports"):
        _ = regionclip.Detektor


def test_help_loads_nothing_heavy() -> None:
    """That is what keeps `--help` under a second."""
    code = (
        "import sys, regionclip.cli; "
        "print(sorted({'torch', 'transformers', 'supervision', 'cv2', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_sizes() -> None:
    """Files of one reader, functions of one screen."""
    for name, path in SOURCES.items():
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 400, f"{name} has {len(text.splitlines())} lines"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                docstring = (ast.get_docstring(node) or "").count("\n") + 1
                lines = len(ast.unparse(node).splitlines()) - docstring
                assert lines <= 60, f"{name}.{node.name} has {lines} lines"
