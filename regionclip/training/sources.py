"""Where the examples of a run come from, and how they reach it.

A kind of data is imported when it is asked for.
"""

from collections.abc import Iterator

from torch.utils.data import Dataset

from regionclip.data.examples import Example, ExampleSource, HeldOutSource
from regionclip.training.loader import load
from regionclip.training.settings import TrainSettings


def source_of(settings: TrainSettings, together: int) -> ExampleSource:
    """The data to train on; `together` pictures make a batch."""
    if settings.data.kind == "coco":
        from regionclip.training.coco_data import CocoExamples

        return CocoExamples(settings, together)
    from regionclip.training.scene_data import SceneExamples

    return SceneExamples(settings, together)


def held_out_of(settings: TrainSettings) -> HeldOutSource:
    """The data to measure on."""
    check = settings.check
    if check.kind == "coco":
        from regionclip.training.coco_data import HeldOutCoco

        return HeldOutCoco(check, settings.languages, settings.check_pictures)
    from regionclip.training.scene_data import HeldOutScenes

    return HeldOutScenes(check, settings.languages, settings.check_pictures)


def batches(source: ExampleSource, part: slice, numbers: range, workers: int) -> Iterator[list[Example]]:
    """The batches of these numbers in order; `workers` processes read or render them, this one if 0.

    Raises:
        ImageFileError: a picture is unreadable.
    """
    return load(_Numbered(source, part), numbers, workers)


class _Numbered(Dataset[list[Example]]):
    def __init__(self, source: ExampleSource, part: slice) -> None:
        self._source, self._part = source, part

    def __getitem__(self, number: int) -> list[Example]:
        return self._source.batch(number, self._part)
