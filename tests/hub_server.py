"""A hub on loopback: as much of its protocol as huggingface_hub needs to download a repository."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class _Server(ThreadingHTTPServer):
    repositories: dict[str, Path]


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_HEAD(self) -> None:
        self._send(self._content(), with_body=False)

    def do_GET(self) -> None:
        self._send(self._content(), with_body=True)

    def log_message(self, *_: object) -> None:
        """Stay quiet."""

    def _content(self) -> bytes | None:
        for name, folder in self.server.repositories.items():
            if self.path.startswith(f"/api/models/{name}/revision/"):
                return json.dumps({"id": name, "sha": COMMIT}).encode()
            if self.path.startswith(f"/api/models/{name}/tree/{COMMIT}"):
                sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
                return json.dumps([{"type": "file", "path": n, "size": sizes[n], "oid": n} for n in sizes]).encode()
            if self.path.startswith(f"/{name}/resolve/{COMMIT}/"):
                return (folder / Path(self.path).name).read_bytes()
        return None

    def _send(self, content: bytes | None, *, with_body: bool) -> None:
        self.send_response(404 if content is None else 200)
        content = content or b""
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if with_body:
            self.wfile.write(content)


@contextmanager
def hub(repositories: dict[str, Path]) -> Iterator[str]:
    """Serve the files of these folders under their hub names; gives the address."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.repositories = repositories
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
