"""What a user installs: a wheel, in another environment, away from the checkout."""

import json
import site
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment that holds the wheel, and borrows its dependencies from this one."""
    folder = tmp_path_factory.mktemp("elsewhere")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    packages = next((folder / "lib").glob("python*/site-packages"))
    # A path line, whose own .pth files Python does not follow: the checkout's editable install stays out of sight.
    (packages / "borrowed.pth").write_text("\n".join(site.getsitepackages()))
    command = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--no-deps"]
    subprocess.run([*command, "--no-index", "--force-reinstall", str(wheel)], check=True, capture_output=True)
    return folder / "bin"


def test_the_wheel_holds_what_is_needed_at_run_time(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for name in (
        "regionclip/configs/tiny.toml",
        "regionclip/configs/fgclip2-base.toml",
        "regionclip/configs/train/tiny-scenes.toml",
        "regionclip/configs/vocabularies/security-ppe.toml",
        "regionclip/weights/tiny/model.safetensors",
        "regionclip/weights/tiny/proposer.safetensors",
        "regionclip/weights/tiny/domain.safetensors",
        "regionclip/weights/tiny/tokenizer.json",
        "regionclip/words/templates.toml",
        "regionclip/towers/background.toml",
        "regionclip/py.typed",
        "heads/py.typed",
        "proposals/py.typed",
    ):
        assert name in names
    assert {f"{path.relative_to(ROOT)}" for path in (ROOT / "regionclip/scenes").rglob("*.txt")} <= set(names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"regionclip", "proposals", "heads"}
    assert wheel.stat().st_size < 20e6


def test_it_runs_the_demo_from_another_folder(elsewhere: Path, tmp_path: Path) -> None:
    where = [str(elsewhere / "python"), "-c", "import regionclip, heads; print(regionclip.__file__, heads.__file__)"]
    printed = subprocess.run(where, check=True, capture_output=True, text=True, cwd=tmp_path).stdout
    assert all(Path(place).is_relative_to(elsewhere.parent) for place in printed.split())
    done = subprocess.run(
        [str(elsewhere / "regionclip"), "demo", "--out", "pictures"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "rendered scenes" in done.stderr  # the notice of what tiny is
    result = json.loads((tmp_path / "pictures" / "detections.json").read_text(encoding="utf-8"))
    assert all((tmp_path / "pictures" / image["file"]).is_file() for image in result["images"])
    assert sum(len(image["detections"]) for image in result["images"]) >= 4
    towers = subprocess.run([str(elsewhere / "regionclip"), "towers"], check=True, capture_output=True, text=True)
    assert "fgclip2-so400m" in towers.stdout
