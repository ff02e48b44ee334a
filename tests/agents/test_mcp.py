"""`regionclip mcp` in a process of its own, asked by the protocol's own client; and what its folder lets be seen."""

import os
import re
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from PIL import Image
from toy import planted

from regionclip.agents.pictures import MOST_BYTES, PictureFolder
from regionclip.cli.terminal import exits
from regionclip.errors import ImageFileError
from regionclip.scenes.render import render_scene

PAGE = (Path(__file__).parents[2] / "docs" / "mcp.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures, and beside them what must not be seen."""
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    cv2.imwrite(str(root / "a.png"), render_scene(7, 0).frame)
    cv2.imwrite(str(root / "sub" / "b.jpg"), planted(red=(16, 16, 80, 80)))
    (root / "空.png").write_bytes((root / "a.png").read_bytes())
    (root / "notes.txt").write_text("hush")
    (root / "broken.jpg").write_bytes(b"hush")
    cv2.imwrite(str(tmp_path / "secret.png"), planted(red=(16, 16, 80, 80)))
    (root / "link.png").symlink_to(tmp_path / "secret.png")
    (root / "inner.png").symlink_to("a.png")
    (root / "up").symlink_to(tmp_path)
    os.mkfifo(root / "pipe.png")
    return root


def asked(root: Path, talk: Callable[[Client], Awaitable[None]], *options: str) -> str:
    """Talk with a server of that folder; what it said on stderr."""
    words = ["-m", "regionclip", "mcp", "--root", str(root), "--tower", "tiny", *options]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    said = root.parent / "said.txt"

    async def main() -> None:
        with anyio.fail_after(100):
            with said.open("w") as errors:
                transport = stdio_client(
                    StdioServerParameters(command=sys.executable, args=words, env=environment), errlog=errors
                )
                async with Client(transport) as client:
                    await talk(client)

    anyio.run(main)
    return said.read_text()


WORDS = ["person=person|人", "car", "红色的箱子"]


async def call(client: Client, tool: str, **given: Any) -> Any:  # noqa: ANN401 - JSON
    """What a tool answers, or the text of its error."""
    done = await client.call_tool(tool, given)
    text = done.content[0].text if done.content else ""  # type: ignore[union-attr]
    return text if done.is_error else done.structured_content


def test_an_archive_is_searched(run: Callable[..., int], folder: Path, tmp_path: Path) -> None:
    store = tmp_path / "yard"
    assert run("index", folder / "a.png", "--out", store, "--tower", "tiny") == exits.OK

    async def talk(client: Client) -> None:
        detected = await call(client, "detect", file="a.png", words=["person=person|人"])
        found = await call(client, "search", words=["person=person|人"], top=1)
        assert (found["schema"], len(found["hits"])) == ("regionclip.search/1", 1)
        hit, row = found["hits"][0], detected["detections"][0]
        assert hit["file"].endswith("a.png")
        assert (hit["box"], hit["confidence"]) == (row["box"], row["confidence"])
        assert "behind a link" in await call(client, "search", words=["person"], like="../secret.png")

    asked(folder, talk, "--archive", str(store))


def test_what_an_agent_is_answered(folder: Path) -> None:
    async def talk(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {"pictures", "detect", "classify", "explain"}
        assert "free words" in (tools["detect"].description or "")
        assert set(tools["detect"].input_schema["properties"]) == {"file", "words", "boxes", "threshold"}
        assert (await call(client, "pictures"))["result"] == ["a.png", "broken.jpg", "pipe.png", "空.png", "sub/b.jpg"]

        found = await call(client, "detect", file="空.png", words=WORDS)
        assert found["file"] == "空.png"
        assert [label["name"] for label in found["labels"]] == ["person", "car", "红色的箱子"]
        assert found["tower"]["name"] == "tiny"
        assert {each["label"] for each in found["detections"]} <= {"person", "car", "红色的箱子"}
        assert found["detections"]
        first = found["detections"][0]
        told = await call(client, "explain", file="空.png", words=WORDS, regions=[first["region"]])
        assert [each["region"] for each in told["regions"]] == [first["region"]]
        assert told["regions"][0]["decision"] == "labelled"
        boxed = await call(client, "detect", file="sub/b.jpg", words=["car"], boxes=[[16, 16, 80, 80]], threshold=0)
        assert [each["box"] for each in boxed["detections"]] == [[16, 16, 80, 80]]
        nothing = await call(client, "detect", file="sub/b.jpg", words=["car"], boxes=[])
        assert (nothing["regions"], nothing["detections"]) == (0, [])
        whole = await call(client, "classify", file="a.png", words=WORDS)
        assert {each["label"] for each in whole["labels"]} == {"person", "car", "红色的箱子"}
        sure = [each["confidence"] for each in whole["labels"]]
        assert sure == sorted(sure, reverse=True)

    said = asked(folder, talk)
    assert "Traceback" not in said
    assert "waiting for an agent" in said


def test_an_agent_sees_nothing_else(folder: Path) -> None:
    async def talk(client: Client) -> None:
        for name in ("../secret.png", "up/secret.png", "link.png", "inner.png", str(folder.parent / "secret.png")):
            refused = await call(client, "detect", file=name, words=WORDS)
            assert "expected a picture below the folder" in refused, refused
        assert "cannot be decoded" in await call(client, "detect", file="notes.txt", words=WORDS)
        for name in ("pipe.png", "sub", "broken.jpg", "gone.png", ""):
            refused = await call(client, "classify", file=name, words=WORDS)
            assert isinstance(refused, str)
            assert str(folder) not in refused
            assert "Traceback" not in refused
            assert "hush" not in refused
        assert "region" in await call(client, "explain", file="a.png", words=WORDS, regions=[9999])
        assert "at least 1" in await call(client, "detect", file="a.png", words=[])
        assert isinstance(await call(client, "detect", file="a.png", words=["a", "a"]), str)
        assert isinstance(await call(client, "detect", file="a.png", words=["a"] * 201), str)

    assert "Traceback" not in asked(folder, talk)


@given(st.text(alphabet=st.sampled_from("ab./\\~:\0空") | st.characters(), max_size=30))
def test_no_name_leads_out(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    root = tmp_path_factory.getbasetemp() / "names"
    (root / "in").mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4)).save(root / "a.png")
    for each in (name, f"../{name}", f"in/../../{name}", f"/{name}"):
        with pytest.raises(ImageFileError):
            PictureFolder(root / "in").read(each)


def test_large_files_and_bombs_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    with (tmp_path / "large.png").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    Image.fromarray(np.zeros((15_000, 15_000), np.bool_)).save(tmp_path / "bomb.png")
    with pytest.raises(ImageFileError, match=f"expected at most {MOST_BYTES} bytes"):
        PictureFolder(tmp_path).read("large.png")
    with pytest.raises(ImageFileError, match="too large"):
        PictureFolder(tmp_path).read("bomb.png")


def test_a_root_that_is_no_folder(run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("mcp", "--root", tmp_path / "none", "--tower", "tiny") == exits.USAGE
    assert "expected a folder" in capsys.readouterr().err


def test_the_example_of_the_page(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    found = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    this = found[1].replace('"regionclip", args=[', 'sys.executable, env=dict(os.environ), args=["-m", "regionclip", ')
    assert this != found[1]
    exec(compile(this, "docs/mcp.md", "exec"), {"sys": sys, "os": os})
    assert "person" in capsys.readouterr().out
