"""A headless Chromium for tests, and a page in it that tells what it sees of videos."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome")

PAGE = """<!doctype html><meta charset="utf-8"><script>
const jobs = JOBS;
const next = (target, event) => new Promise(done => target.addEventListener(event, done, {once: true}));
async function look({name, type, times, points}) {
  const video = document.createElement("video"), seen = {can: video.canPlayType(type), frames: []};
  video.muted = true;
  const failed = next(video, "error").then(() => { throw new Error(video.error.message || video.error.code); });
  try {
    video.src = URL.createObjectURL(await (await fetch(name)).blob());
    await Promise.race([next(video, "canplay"), failed]);
    Object.assign(seen, {width: video.videoWidth, height: video.videoHeight, seconds: video.duration});
    for (const time of times) {
      const sought = next(video, "seeked");
      video.currentTime = time;
      await Promise.race([sought, failed]);
      const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
      [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
      pen.drawImage(video, 0, 0);
      seen.frames.push(points.map(([x, y]) => [...pen.getImageData(x, y, 1, 1).data].slice(0, 3)));
    }
    const ended = next(video, "ended");
    video.currentTime = Math.max(0, video.duration - 0.3);
    await video.play();
    await Promise.race([ended, failed]);
    seen.ended = video.currentTime;
    seen.sound = video.webkitAudioDecodedByteCount;
  } catch (error) { seen.error = String(error.message || error); }
  return seen;
}
(async () => {
  const verdict = {};
  for (const job of jobs) verdict[job.name] = await look(job);
  await fetch("/verdict", {method: "POST", body: JSON.stringify(verdict)});
})();
</script>"""


def find_browser() -> str | None:
    """Path of a Chromium, None where there is none."""
    names = (os.environ.get("REGIONCLIP_BROWSER", ""), *BROWSERS)
    return next((found for name in names if name and (found := shutil.which(name))), None)


class _Handler(SimpleHTTPRequestHandler):
    """Gives the page and the files of a folder, and takes the verdict."""

    def __init__(self, *given: Any, page: bytes, verdict: SimpleQueue[Any], **named: Any) -> None:  # noqa: ANN401
        self._page, self._verdict = page, verdict
        super().__init__(*given, **named)

    def do_GET(self) -> None:
        if self.path != "/":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self._page)

    def do_POST(self) -> None:
        self._verdict.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None: ...


def look(
    browser: str, folder: Path, videos: Mapping[str, str], times: Sequence[float], points: Sequence[tuple[int, int]]
) -> dict[str, Any]:
    """What a page sees of videos.

    Args:
        browser: path of a Chromium.
        folder: of the files.
        videos: MIME types by file name.
        times: seconds that are sought.
        points: `(x, y)` whose colours are read.

    Returns:
        By file name: `can` (of canPlayType), `width`, `height`, `seconds`, `frames` (a list of `[red, green, blue]` for
        each time), `ended` (where playing to the end came to), `sound` (bytes decoded), or `error`.
    """
    jobs = [{"name": name, "type": kind, "times": times, "points": points} for name, kind in videos.items()]
    verdict: SimpleQueue[dict[str, Any]] = SimpleQueue()
    page = PAGE.replace("JOBS", json.dumps(jobs)).encode()
    handler = partial(_Handler, page=page, verdict=verdict, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        command = [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
            *("--autoplay-policy=no-user-gesture-required", "--disable-background-networking", "--disable-sync"),
            *(f"--user-data-dir={folder / 'profile'}", f"http://127.0.0.1:{server.server_address[1]}/"),
        ]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            return verdict.get(timeout=90)
        except Empty:
            process.kill()
            raise AssertionError(f"no word from {browser}: {process.communicate()[1].decode()[-2000:]}") from None
        finally:
            process.terminate()
            process.communicate(timeout=20)
            server.shutdown()
