"""Bytes of a zoo, from a folder or over HTTP: limited in size and time, never from outside the zoo.

A server may be slow, break off, send another length than it said, or never end. Each read has a timeout, each file a
limit, and whatever takes longer than `Limits.slow_seconds` must come faster than `Limits.slow_rate`.
"""

from __future__ import annotations

import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, Any

from ais_app.core.errors import FileProblem
from ais_app.core.provenance import program_version

PIECE = 2**16


@dataclass(frozen=True)
class Limits:
    """What is waited for and read at most.

    Parameters
    ----------
    timeout
        Seconds until the server answers, and between two pieces of an answer.
    index, preview, card
        Bytes.
    slow_seconds, slow_rate
        After this many seconds the average must be this many bytes a second.
    """

    timeout: float = 10.0
    index: int = 16 * 2**20
    preview: int = 8 * 2**20
    card: int = 2**20
    slow_seconds: float = 30.0
    slow_rate: float = 1000.0


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to http and https only, and never from https to http."""

    max_redirections = 5

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        before, after = (urllib.parse.urlsplit(url).scheme for url in (req.full_url, newurl))
        if after not in ("http", "https") or (before == "https" and after == "http"):
            raise urllib.error.HTTPError(req.full_url, code, f"leads to {newurl[:100]}", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def is_address(place: str) -> bool:
    """Return whether a place is on the network rather than in a folder."""
    return urllib.parse.urlsplit(place).scheme in ("http", "https")


@dataclass(frozen=True)
class Body:
    """A file of a zoo, opened.

    Parameters
    ----------
    stream
        Its bytes, from `start` on.
    start
        Where the stream begins: 0, or where it was asked to go on.
    length
        Bytes of the whole file, if that was said.
    """

    stream: IO[bytes] | HTTPResponse
    start: int = 0
    length: int | None = None


@contextmanager
def opened(place: str, name: str, limits: Limits, *, start: int = 0) -> Iterator[Body]:
    """Open a file of a zoo, from `start` on where that can be.

    Raises
    ------
    FileProblem
        There is none, or the server does not answer.
    """
    if not is_address(place):
        path = Path(place) / name
        with _opened_file(path) as stream:
            stream.seek(start)
            yield Body(stream, start, path.stat().st_size)
        return
    url = place.rstrip("/") + "/" + urllib.parse.quote(name)
    headers = {"User-Agent": f"ais-app/{program_version()}", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    with _naming(url):
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - http and https only, see is_address
        answer = urllib.request.build_opener(_Redirects).open(request, timeout=limits.timeout)
    with answer:
        yield _body(answer, url, start)


def pieces(body: Body, limits: Limits, name: str) -> Iterator[bytes]:
    """Give the bytes piece by piece until the stream ends.

    Raises
    ------
    FileProblem
        The connection breaks, or is too slow for too long.
    """
    began, count = time.monotonic(), 0
    read = getattr(body.stream, "read1", body.stream.read)  # whatever has come, instead of waiting for a full piece
    while True:
        with _naming(name):
            piece = read(PIECE)
        if not piece:
            return
        count += len(piece)
        passed = time.monotonic() - began
        if passed > limits.slow_seconds and count < limits.slow_rate * passed:
            problem = f"comes too slowly: {count:,} bytes in {passed:.0f} s"
            raise FileProblem(name, problem, "try again later; a download goes on from where it was")
        yield piece


def read_whole(place: str, name: str, most: int, limits: Limits) -> bytes:
    """Return a small file of a zoo.

    Raises
    ------
    FileProblem
        There is none, it is larger than `most`, or shorter than it says.
    """
    with opened(place, name, limits) as body:
        subject = f"{place.rstrip('/')}/{name}"
        if body.length is not None and body.length > most:
            raise FileProblem(subject, f"has {body.length:,} bytes; at most {most:,} are read", "is this a zoo?")
        content = bytearray()
        for piece in pieces(body, limits, subject):
            content += piece
            if len(content) > most:
                raise FileProblem(subject, f"does not end; at most {most:,} bytes are read", "is this a zoo?")
        if body.length is not None and len(content) != body.length:
            problem = f"ended after {len(content):,} of {body.length:,} bytes"
            raise FileProblem(subject, problem, "try again")
    return bytes(content)


@contextmanager
def _opened_file(path: Path) -> Iterator[IO[bytes]]:
    try:
        stream = path.open("rb")
    except OSError as error:
        raise FileProblem(path, error.strerror or str(error), "is this the folder of a zoo?") from error
    with stream:
        yield stream


def _body(answer: HTTPResponse, url: str, start: int) -> Body:
    """Return the answer with where it starts and how long the whole file is, as far as the server says so."""
    said = answer.headers.get("Content-Length", "")
    length = int(said) if said.isdigit() else None
    if answer.status == 206:
        span, _, whole = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
        first = span.partition("-")[0]
        if not first.isdigit() or int(first) != start:
            raise FileProblem(url, f"gives bytes {span!r} where those from {start:,} on were asked for", "try again")
        return Body(answer, start, int(whole) if whole.isdigit() else None)
    return Body(answer, 0, length)


@contextmanager
def _naming(url: str) -> Iterator[None]:
    """Turn what libraries raise into an error that names the address."""
    try:
        yield
    except urllib.error.HTTPError as error:
        problem = f"the server says {error.code} {error.reason}"
        error.close()
        raise FileProblem(url, problem, "check the address") from error
    except (TimeoutError, urllib.error.URLError, HTTPException, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        words = (
            "the server does not answer in time" if isinstance(reason, TimeoutError) else f"cannot be read ({reason})"
        )
        raise FileProblem(url, words, "check the address and the connection") from error
