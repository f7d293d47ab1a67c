"""A real server on this machine, well-behaved or not, and a zoo with one network."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch

from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import new_model, save_model
from ais_app.core.zoo.publish import Description, publish


class Server(ThreadingHTTPServer):
    """Shows a folder; `manner` says how it misbehaves, `asked` what it was asked for."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.manner, self.asked = folder, "good", []
        self.cut = 1000

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        name, span = self.path.strip("/"), self.headers.get("Range")
        self.server.asked.append((name, span))
        path = self.server.folder / name
        if not path.is_file():
            self.send_error(404, "Not Found")
            return
        manner = self.server.manner if name.endswith(".aismodel") else "good"
        if self.server.manner.startswith("index ") and name == "index.json":
            manner = self.server.manner.removeprefix("index ")
        getattr(self, manner.replace(" ", "_"))(path.read_bytes(), span)

    def good(self, content: bytes, span: str | None, said: int | None = None) -> None:
        start = int(span.removeprefix("bytes=").rstrip("-")) if span else 0
        self.send_response(206 if span else 200)
        if span:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:])

    def no_ranges(self, content: bytes, span: str | None) -> None:
        self.good(content, None)

    def truncated(self, content: bytes, span: str | None) -> None:
        start = int(span.removeprefix("bytes=").rstrip("-")) if span else 0
        self.send_response(206 if span else 200)
        if span:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start : start + self.server.cut])

    def other_range(self, content: bytes, span: str | None) -> None:
        self.send_response(206)
        self.send_header("Content-Range", f"bytes 0-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def other_content(self, content: bytes, span: str | None) -> None:
        self.good(bytes(len(content)), span)

    def other_length(self, content: bytes, span: str | None) -> None:
        self.good(content + b"more", span)

    def endless(self, content: bytes, span: str | None) -> None:
        self.send_response(200)
        self.end_headers()
        while True:
            try:
                self.wfile.write(bytes(2**20))
            except OSError:
                return

    def dripping(self, content: bytes, span: str | None) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        for at in range(100):
            try:
                self.wfile.write(content[at : at + 1])
            except OSError:
                return
            time.sleep(0.05)

    def silent(self, content: bytes, span: str | None) -> None:
        time.sleep(2)

    def elsewhere(self, content: bytes, span: str | None) -> None:
        self.send_response(302)
        self.send_header("Location", "file:///etc/passwd")
        self.end_headers()

    def round_and_round(self, content: bytes, span: str | None) -> None:
        self.send_response(302)
        self.send_header("Location", self.path)
        self.end_headers()

    def failing(self, content: bytes, span: str | None) -> None:
        self.send_error(503, "Down")

    def nonsense(self, content: bytes, span: str | None) -> None:
        self.wfile.write(b"\0\xff\xfe not HTTP\n\n")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    training = {"metrics": {"dice": 0.91, "average_precision": 0.95, "loss": 0.1}}
    card = ModelCard("unet_s", feature="membrane", voxel_size=10.0, training=training)
    preview = np.full((8, 12, 3), 200, np.uint8)
    return save_model(new_model(card), tmp_path_factory.mktemp("p") / "membrane.aismodel", preview=preview)


@pytest.fixture
def folder(package: Path, tmp_path: Path) -> Path:
    """A zoo with one network."""
    about = Description("Membranes", "Finds lipid bilayers.", "weighted back-projection", "phantoms", "thin ice only")
    publish(package, tmp_path / "zoo", about=about, zoo_title="The laboratory")
    return tmp_path / "zoo"


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    made = Server(folder)
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()
