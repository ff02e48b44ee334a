"""Tools that an agent calls over the Model Context Protocol; adding one is adding a function to `ToolBox.tools`."""

import functools
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

from regionclip.agents.pictures import PictureFolder
from regionclip.answers.records import asked_record, image_record, plain_value
from regionclip.answers.regions import Regions
from regionclip.detector import Detector
from regionclip.errors import RegionclipError
from regionclip.words.vocabulary import Vocabulary, parse_label

if TYPE_CHECKING:
    from regionclip.archive.store import Archive

Answer = dict[str, Any]
File = Annotated[str, Field(description="Name of a picture, relative to the folder, as `pictures` gives it.")]
WordList = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=500)]],
    Field(
        min_length=1,
        max_length=200,
        description="Labels in plain English or Chinese; name=phrase|phrase gives a label several phrases.",
    ),
]
Boxes = Annotated[
    list[Annotated[list[float], Field(min_length=4, max_length=4)]] | None,
    Field(max_length=300, description="Boxes x1 y1 x2 y2 in pixels to be labelled, in place of those that are found."),
]
Threshold = Annotated[float | None, Field(ge=0, le=1, description="Least confidence; the tower's own without it.")]


class ToolBox:
    """What an agent may do with the pictures of one folder.

    Args:
        detector: answers; must remember nothing of earlier pictures.
        folder: the pictures, and beside the archive the only thing that is ever opened.
        archive: that may be searched, or None.
    """

    def __init__(self, detector: Detector, folder: PictureFolder, archive: "Archive | None" = None) -> None:
        self._detector, self._folder, self._archive = detector, folder, archive

    @property
    def tools(self) -> tuple[Callable[..., Any], ...]:
        """All of them; name, parameters and docstring are what an agent sees."""
        always = self.pictures, self.detect, self.classify, self.explain
        return always if self._archive is None else (*always, self.search)

    def pictures(self) -> list[str]:
        """Names of the pictures in the folder, at most 1000."""
        return self._folder.names()

    def detect(self, file: File, words: WordList, boxes: Boxes = None, threshold: Threshold = None) -> Answer:
        """Find things in a picture by free words: boxes in pixels, each with label, confidence and margin.

        A short list of words that name what may be there works best; every box is labelled by the best of them, and
        what fits none is left out. A small margin means that `runner_up` fits nearly as well.
        """
        regions, vocabulary = self._looked(file, words, boxes, threshold)
        found = self._detector.classify(regions, vocabulary)
        asked = asked_record(self._detector.tower.card, vocabulary, self._detector.thresholds(vocabulary))
        return asked | image_record(file, regions, found)

    def classify(self, file: File, words: WordList) -> Answer:
        """Say which of these words fit a picture as a whole, with confidences in 0..1, the best first."""
        vocabulary = Vocabulary(tuple(map(parse_label, words)))
        found = self._detector.classify_image(self._folder.read(file), vocabulary)
        assert found.confidence is not None
        labels = zip(found.class_id.tolist(), found.confidence, strict=True)
        return {
            "file": file,
            "labels": [{"label": vocabulary.names[label], "confidence": plain_value(sure)} for label, sure in labels],
        }

    def explain(
        self,
        file: File,
        words: WordList,
        boxes: Boxes = None,
        regions: Annotated[list[int] | None, Field(max_length=300, description="Only these regions.")] = None,
        threshold: Threshold = None,
    ) -> Answer:
        """Why regions of a picture got their labels, or none: scores, thresholds, phrases and what won over them.

        `region` of `detect` is the number of a region here, for the same words and boxes.
        """
        seen, vocabulary = self._looked(file, words, boxes, threshold)
        return {"file": file, **self._detector.explain(seen, vocabulary, only=regions).to_dict()}

    def search(
        self,
        words: WordList,
        like: Annotated[str | None, Field(description="A picture of one thing, as `file`: both must fit.")] = None,
        camera: Annotated[str | None, Field(description="This camera or file only.")] = None,
        top: Annotated[int, Field(ge=1, le=100, description="Most things of each label.")] = 10,
    ) -> Answer:
        """Find things in an archive of many pictures and videos by words: where and when, the best first.

        One thing is one hit; `sights` are the frames that it was seen on. Names in an archive need not be those of
        `pictures`.
        """
        from regionclip.archive.records import search_record

        assert self._archive is not None
        vocabulary, crop = Vocabulary(tuple(map(parse_label, words))), None if like is None else self._folder.read(like)
        hits = self._archive.search(self._detector, vocabulary, like=crop, camera=camera, top=top)
        return search_record(self._detector.tower.card, hits)

    def _looked(
        self, file: str, words: list[str], boxes: list[list[float]] | None, threshold: float | None
    ) -> tuple[Regions, Vocabulary]:
        vocabulary = Vocabulary(tuple(map(parse_label, words)), threshold=threshold)
        return self._detector.regions(self._folder.read(file), boxes, words=vocabulary), vocabulary


def server(box: ToolBox) -> MCPServer[Mapping[str, Any]]:
    """The tools as a server, to be run over any transport of the protocol."""
    made = MCPServer[Mapping[str, Any]](
        "regionclip",
        version=version("regionclip"),
        instructions="Finds and explains things in the pictures of one folder by free English and Chinese words.",
    )
    for tool in box.tools:
        made.add_tool(_told(tool), annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False))
    return made


def _told(tool: Callable[..., Any]) -> Callable[..., Any]:
    """The tool, with our errors as something that the agent reads; others become a line without content."""

    @functools.wraps(tool)
    def called(**given: Any) -> Any:  # noqa: ANN401 - what the agent gives
        try:
            return tool(**given)
        except RegionclipError as error:
            raise ToolError(" ".join(str(error).split())) from None

    return called
