"""What a service takes from its clients, and how much of it at once."""

from typing import Annotated, ClassVar

from pydantic import Field

from regionclip.formats.settings import Settings

_Count = Annotated[int, Field(ge=1)]


class Limits(Settings):
    """Limits of a service.

    Attributes:
        body: bytes of a request, or of a message of a stream.
        pixels: of a picture; a larger one is refused before it is decoded.
        boxes: of a picture.
        texts: that words stand for: phrases and negatives, each in all of its templates; also of `/embed`.
        clients: requests and streams in hand at once.
        waiting: bytes of decoded pictures that wait for the tower.
        seconds: most that an answer may take, and that a body may take to arrive.
        batch: most pictures of one tower pass; None for `regionclip.detector.batch_of`.
    """

    title: ClassVar[str] = "limits of the service"

    body: Annotated[int, Field(ge=4096)] = 32 << 20
    pixels: _Count = 50_000_000
    boxes: _Count = 1000
    texts: _Count = 5000
    clients: _Count = 256
    waiting: _Count = 1 << 30
    seconds: Annotated[float, Field(gt=0)] = 30.0
    batch: _Count | None = None
