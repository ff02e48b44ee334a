"""Encoded phrases on disk: the same bits, for every process, whatever happens to the files."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import pytest
import torch
from disks import LimitedDisk, small_disk
from toy import ToyTower, planted

import regionclip
from regionclip.config import Config
from regionclip.detector import Detector
from regionclip.errors import OutputWarning
from regionclip.loading import load
from regionclip.towers.fgclip2 import FGCLIP2Tower
from regionclip.words.phrase_cache import PhraseCache
from regionclip.words.phrase_store import PhraseStore
from regionclip.words.templates import read_templates

PATHS = os.pathsep.join(str(folder) for folder in Path(__file__).parents[1:3])
MANY = [f"red {number}" for number in range(200)]
TOY = """
import sys
from pathlib import Path
from toy import ToyTower
from regionclip.words.phrase_cache import PhraseCache
from regionclip.words.phrase_store import PhraseStore

def encode(phrases):
    tower = ToyTower()
    PhraseCache(tower, (), store=PhraseStore(Path(sys.argv[1]))).encode(phrases, "region")
    print(tower.phrases_encoded)
"""


def start(code: str, *words: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": PATHS}, stdout=subprocess.PIPE, text=True)


def run(code: str, *words: object) -> str:
    with start(code, *words) as process:
        output, _ = process.communicate()
    assert process.returncode == 0
    return output


def cached(folder: Path, **card: str) -> tuple[ToyTower, PhraseCache]:
    """A tower that counts, and a cache as a process has it that starts."""
    tower = ToyTower(**card)  # type: ignore[arg-type]
    return tower, PhraseCache(tower, (), store=PhraseStore(folder))


def encoded(folder: Path, phrases: list[str]) -> int:
    """Phrases that the tower of a process that starts must encode; their bits are right."""
    tower, cache = cached(folder)
    assert torch.equal(cache.encode(phrases, "region"), ToyTower().encode_text(phrases, "region"))
    return tower.phrases_encoded


def test_the_second_process_encodes_nothing_and_has_the_same_bits(fgclip2_folder: Path, tmp_path: Path) -> None:
    code = """
import sys, regionclip
weights, folder = sys.argv[1:]
det = regionclip.load(regionclip.Config(tower="fgclip2", weights=weights, dtype="float32", phrase_cache=folder))
passes = []
det.tower.model.text_model.final_layer_norm.register_forward_hook(lambda *_: passes.append(1))
words = det.prepare(regionclip.Vocabulary(["red dog", "红色的灭火器"], templates="security"))
texts = det.embed_texts(["dog", "a " * 90])
print(len(passes), (det.scorer.ask(words).words.phrases.numpy().tobytes() + texts.tobytes()).hex())
"""
    first, second = (run(code, fgclip2_folder, tmp_path / "phrases").split() for _ in range(2))
    tower = FGCLIP2Tower.load(fgclip2_folder, Config(tower="fgclip2", dtype="float32"), torch.device("cpu"))
    templates = read_templates("security", "test")
    words = PhraseCache(tower, ()).encode(["red dog", "红色的灭火器"], "region", templates)
    alone = words.numpy().tobytes() + tower.encode_text(["dog", "a " * 90], "image").numpy().tobytes()
    assert first[1] == second[1] == alone.hex()
    assert int(first[0]) > 38
    assert second[0] == "0"


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    code = TOY + f"sys.stdin.read(); encode([f'red {{n}}' for n in range({len(MANY)})])"
    with start(code, tmp_path) as one, start(code, tmp_path) as other:
        outputs = [process.communicate()[0] for process in (one, other)]
    assert all(0 <= int(output) <= len(MANY) for output in outputs)
    assert encoded(tmp_path, MANY) == 0
    assert len(list(tmp_path.iterdir())) == len(MANY)


@pytest.mark.parametrize("event", ["open", "os.rename"])
def test_killed_in_mid_write(tmp_path: Path, event: str) -> None:
    """A process that ends by SIGKILL while a phrase is written: before its bytes are, and before it has its name."""
    kill = """
import os, signal
seen = []
def watch(name, arguments):
    if name == sys.argv[2] and sys.argv[1] in str(arguments[0]) and (name != "open" or "w" in str(arguments[1])):
        seen.append(name)
        if len(seen) == 20:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
"""
    with start(TOY + kill + f"encode([f'red {{n}}' for n in range({len(MANY)})])", tmp_path, event) as process:
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert len(list(tmp_path.glob("*.phrase*"))) in (19, 20)
    assert encoded(tmp_path, MANY) == len(MANY) - 19
    assert encoded(tmp_path, MANY) == 0


def test_threads_of_several_detectors_share_a_folder(tmp_path: Path) -> None:
    caches = [cached(tmp_path)[1] for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda number: caches[number % 4].encode(MANY, "region"), range(16)))
    assert all(torch.equal(each, rows[0]) for each in rows)
    assert encoded(tmp_path, MANY) == 0
    assert all(path.suffix == ".phrase" for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    "damage",
    [
        lambda content, _: content[:-1],
        lambda content, _: content + b"\0",
        lambda content, _: bytes([content[0] ^ 1]) + content[1:],
        lambda _, other: other,
        lambda *_: b"",
        lambda *_: b"not ours, " * 1000,
    ],
    ids=["cut", "longer", "a bit", "of another phrase", "empty", "foreign"],
)
def test_a_damaged_file_is_told_of_once_and_written_anew(
    tmp_path: Path, damage: Callable[[bytes, bytes], bytes]
) -> None:
    assert encoded(tmp_path, ["red", "green", "blue"]) == 3
    paths = list(tmp_path.iterdir())
    contents = [path.read_bytes() for path in paths]
    for number in range(2):
        paths[number].write_bytes(damage(contents[number], contents[number + 1]))
    with pytest.warns(OutputWarning, match="is damaged: the phrase is encoded and written anew") as told:
        assert encoded(tmp_path, ["red", "green", "blue"]) == 2
    assert len(told) == 1
    assert [path.read_bytes() for path in paths] == contents
    assert encoded(tmp_path, ["red", "green", "blue"]) == 0


def test_a_full_disk_is_told_of_once(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        assert encoded(disk.folder, ["red"]) == 1
        disk.fill()
        try:
            with pytest.warns(OutputWarning, match="encoded phrases are not kept for the next start") as told:
                assert encoded(disk.folder, ["red", "green", "blue"]) == 2
        finally:
            disk.empty()
        assert len(told) == 1
        assert encoded(disk.folder, ["red", "green", "blue"]) == 2  # nothing half written is left
        assert len(list(disk.folder.iterdir())) == 3


def test_a_folder_that_may_only_be_read_is_read(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        assert encoded(disk.folder, ["red"]) == 1
        if isinstance(disk, LimitedDisk):
            if os.geteuid() == 0:
                pytest.skip("root writes everywhere")
            disk.folder.chmod(0o555)
        else:
            subprocess.run(["mount", "-o", "remount,ro", str(disk.folder)], check=True)
        assert encoded(disk.folder, ["red"]) == 0
        with pytest.warns(OutputWarning, match=r"cannot be written.*give another folder \(--phrase-cache DIR") as told:
            assert encoded(disk.folder, ["red", "green", "blue"]) == 2
        assert len(told) == 1


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    path = tmp_path / "phrases"
    path.write_text("mine")
    with pytest.warns(OutputWarning) as told:
        assert encoded(path, ["red", "green"]) == 2
    assert ["cannot be read" in str(each.message) for each in told] == [True, False]
    assert path.read_text() == "mine"


def test_what_was_asked_for_longest_ago_makes_room(tmp_path: Path) -> None:
    assert encoded(tmp_path, MANY[:20]) == 20
    (tmp_path / "notes.phrases.txt").write_text("mine")
    half_written = tmp_path / f".{'0' * 64}.phrase.123"
    half_written.write_bytes(b"\0" * 40)
    for path in tmp_path.iterdir():
        os.utime(path, (1000, 1000))
    assert encoded(tmp_path, MANY[:5]) == 0  # asked for again
    size = next(tmp_path.glob("*.phrase")).stat().st_size
    tower = ToyTower()
    PhraseCache(tower, (), store=PhraseStore(tmp_path, most=10 * size)).encode(["blue"], "region")
    assert len(list(tmp_path.glob("*.phrase"))) == 9
    assert not half_written.exists()
    assert (tmp_path / "notes.phrases.txt").read_text() == "mine"
    assert encoded(tmp_path, [*MANY[:5], "blue"]) == 0


def test_what_changes_bits_is_another_entry(tmp_path: Path) -> None:
    assert encoded(tmp_path, ["red"]) == 1
    tower, cache = cached(tmp_path, revision="toy-2")
    cache.encode(["red"], "region")
    cache.encode(["red"], "image")
    cache.encode(["red"], "image", templates=(("en", ("a {}", "the {}")),))
    assert tower.phrases_encoded == 4

    class Elsewhere(ToyTower):
        placement = "cpu, bfloat16"

    other = Elsewhere()
    PhraseCache(other, (), store=PhraseStore(tmp_path)).encode(["red"], "region")
    assert other.phrases_encoded == 1
    assert encoded(tmp_path, ["red"]) == 0
    assert encoded(tmp_path, []) == 0


def test_no_word_stands_on_the_disk(tmp_path: Path) -> None:
    encoded(tmp_path, ["red secret"])
    (path,) = tmp_path.iterdir()
    assert b"secret" not in path.read_bytes() + path.name.encode()


def test_where_it_is(fgclip2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform != "linux":
        pytest.skip("the convention of Linux")
    config = regionclip.Config(tower="fgclip2", weights=str(fgclip2_folder), dtype="float32")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    load(config.replaced(phrase_cache="none")).embed_texts(["dog"])
    load("tiny").embed_texts(["dog"])
    Detector(ToyTower(), regionclip.load("tiny").proposer).embed_texts(["red"])
    assert not (tmp_path / "cache").exists()
    load(config).embed_texts(["dog"])
    assert len(list((tmp_path / "cache/regionclip/phrases").iterdir())) == 1
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # which the specification ignores
    monkeypatch.setenv("HOME", str(tmp_path))
    load(config).embed_texts(["dog"])
    assert len(list((tmp_path / ".cache/regionclip/phrases").iterdir())) == 1


def test_the_option(run_small: Callable[..., int], tmp_path: Path) -> None:
    assert cv2.imwrite(str(tmp_path / "a.png"), planted())
    assert run_small("detect", tmp_path / "a.png", "-p", "red", "--json", "-", "--phrase-cache", tmp_path / "mine") == 0
    assert len(list((tmp_path / "mine").glob("*.phrase"))) == 35  # and the background bank
