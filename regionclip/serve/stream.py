"""A stream of pictures over a WebSocket: each binary message is a picture, each text message the words from then on.

For each picture that is looked at one text message goes out: its result, with `index`, which counts the pictures that
came. While one is looked at only the newest waits; the others are passed over. What cannot be used is told as an error
(`status`, `error`), and the stream goes on.
"""

import asyncio
from dataclasses import dataclass, field

from starlette.websockets import WebSocket, WebSocketDisconnect

from regionclip.errors import RegionclipError, ServiceError
from regionclip.serve.desk import Desk
from regionclip.serve.service import Asked


@dataclass(slots=True)
class _Newest:
    """What came last and was not looked at yet."""

    words: str | None = None
    picture: bytes | None = None
    index: int = -1
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def receive(self, socket: WebSocket) -> None:
        """Take what comes, until the client goes."""
        while (message := await socket.receive())["type"] == "websocket.receive":
            if (text := message.get("text")) is not None:
                self.words = text
            else:
                self.picture, self.index = message.get("bytes") or b"", self.index + 1
            self.came.set()

    def taken(self) -> tuple[str | None, bytes | None, int]:
        """Words and picture, once, and the picture's index."""
        words, self.words, picture, self.picture = self.words, None, self.picture, None
        return words, picture, self.index


async def talk(socket: WebSocket, desk: Desk) -> None:
    """Answer the pictures of one client, until it goes."""
    await socket.accept()
    newest = _Newest()
    tasks = {asyncio.create_task(newest.receive(socket)), asyncio.create_task(_answer(socket, desk, newest))}
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for fault in filter(None, (task.exception() for task in ended)):
        await socket.close(1011)
        raise fault  # for the server's log


async def _answer(socket: WebSocket, desk: Desk, newest: _Newest) -> None:
    asked: Asked | None = None
    while True:
        await newest.came.wait()
        newest.came.clear()
        words, picture, index = newest.taken()
        try:
            if words is not None:
                asked = await asyncio.to_thread(desk.service.words, words)
            if picture is not None:
                await socket.send_json({**await _looked_at(desk, picture, asked), "index": index})
        except WebSocketDisconnect:
            return
        except RegionclipError as error:
            status = error.status if isinstance(error, ServiceError) else 422
            await socket.send_json({"status": status, "error": " ".join(str(error).split()), "index": index})


async def _looked_at(desk: Desk, picture: bytes, asked: Asked | None) -> dict[str, object]:
    if asked is None:
        raise ServiceError('send words first, as a text message: ["person"], or the id of a vocabulary', 422)
    answer = await desk.answer(lambda service: service.detect(picture, asked))
    assert isinstance(answer, dict)
    return answer
