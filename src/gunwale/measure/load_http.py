"""A strict reader of HTTP/1 answers that counts bodies instead of keeping them."""

from __future__ import annotations

import re

# RFC 9112 §4 and §5; field names are tokens and touch their colon.
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: .*)?\Z", re.DOTALL)
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*\Z", re.DOTALL)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?\Z", re.DOTALL)
_HEAD_LIMIT = 64 * 1024
_LINE_LIMIT = 8 * 1024


class MalformedError(Exception):
    """The answer is not HTTP/1."""


class Answer:
    """Reads one response, fed as it arrives; bodies are counted, not kept."""

    __slots__ = (
        "_buffer",
        "_chunk_left",
        "_method",
        "_mode",
        "body_bytes",
        "closes",
        "request_id",
        "status",
        "task",
    )

    def __init__(self, method: str) -> None:
        self._method = method
        self._buffer = b""
        self._mode = "head"
        self._chunk_left = 0
        self.status: int | None = None
        self.request_id = ""
        self.task = ""
        self.closes = False
        self.body_bytes = 0

    @property
    def has_head(self) -> bool:
        """Whether the final status line and all fields are here."""
        return self._mode != "head"

    def feed(self, data: bytes) -> bool:
        """Take bytes; return whether the response is complete. Raises MalformedError."""
        if self._mode == "length":
            self._count(data)
        elif self._mode == "close":
            self.body_bytes += len(data)
        else:
            self._buffer += data
            while self._step():
                pass
        return self._mode == "done"

    def feed_end(self) -> bool:
        """Take the end of the stream; return whether it completes the response (RFC 9112 §6.3)."""
        return self._mode in {"close", "done"}

    def _step(self) -> bool:
        if self._mode == "head":
            return self._read_head()
        if self._mode == "size":
            return self._read_chunk_size()
        if self._mode == "chunk":
            return self._read_chunk()
        if self._mode == "trailer":
            return self._read_trailer()
        if self._mode == "length":
            data, self._buffer = self._buffer, b""
            self._count(data)
        elif self._mode == "close":
            self.body_bytes += len(self._buffer)
            self._buffer = b""
        elif self._buffer:
            raise MalformedError(f"{len(self._buffer)} bytes after the end of the response")
        return False

    def _count(self, data: bytes) -> None:
        if len(data) > self._chunk_left:
            raise MalformedError(f"{len(data) - self._chunk_left} bytes after the end of the response")
        self.body_bytes += len(data)
        self._chunk_left -= len(data)
        if not self._chunk_left:
            self._mode = "done"

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > _HEAD_LIMIT:
                raise MalformedError(f"no end of the head in {_HEAD_LIMIT} bytes")
            return False
        status_line, *lines = self._buffer[:end].split(b"\r\n")
        self._buffer = self._buffer[end + 4 :]
        match = _STATUS_LINE.match(status_line)
        if match is None:
            raise MalformedError(f"status line {status_line[:80]!r}")
        status = int(match[2])
        if 100 <= status < 200:
            return True
        self.status = status
        self._frame(_fields(lines), is_http_1_0=match[1] == b"0")
        return True

    def _frame(self, fields: dict[bytes, list[bytes]], *, is_http_1_0: bool) -> None:
        options = {
            word.strip().lower() for line in fields.get(b"connection", ()) for word in line.split(b",")
        }
        self.closes = b"close" in options or (is_http_1_0 and b"keep-alive" not in options)
        self.request_id = b",".join(fields.get(b"x-request-id", ())).decode("latin-1")
        self.task = b",".join(fields.get(b"x-gunwale-task", ())).decode("latin-1")
        lengths = set(fields.get(b"content-length", ()))
        codings = [line.lower() for line in fields.get(b"transfer-encoding", ())]
        if lengths and codings:
            raise MalformedError("Content-Length beside Transfer-Encoding")
        if self._method == "HEAD" or self.status in {204, 304}:
            self._mode = "done"
        elif codings:
            if codings != [b"chunked"]:
                raise MalformedError(f"Transfer-Encoding {codings!r}")
            self._mode = "size"
        elif lengths:
            length = lengths.pop()
            if lengths or not length.isdigit():
                raise MalformedError(f"Content-Length {sorted({length, *lengths})!r}")
            self._chunk_left = int(length)
            self._mode = "length" if self._chunk_left else "done"
        else:
            self._mode = "close"
            self.closes = True

    def _line(self) -> bytes | None:
        line, found, rest = self._buffer.partition(b"\r\n")
        if not found:
            if len(line) > _LINE_LIMIT:
                raise MalformedError(f"no end of the chunk line in {_LINE_LIMIT} bytes")
            return None
        self._buffer = rest
        return line

    def _read_chunk_size(self) -> bool:
        line = self._line()
        if line is None:
            return False
        match = _CHUNK_SIZE.match(line)
        if match is None:
            raise MalformedError(f"chunk size {line[:80]!r}")
        self._chunk_left = int(match[1], 16)
        self._mode = "chunk" if self._chunk_left else "trailer"
        return True

    def _read_chunk(self) -> bool:
        data = self._buffer[: self._chunk_left]
        self._buffer = self._buffer[len(data) :]
        self._chunk_left -= len(data)
        self.body_bytes += len(data)
        if self._chunk_left or len(self._buffer) < 2:
            return False
        if self._buffer[:2] != b"\r\n":
            raise MalformedError(f"a chunk runs over its size: {self._buffer[:20]!r}")
        self._buffer = self._buffer[2:]
        self._mode = "size"
        return True

    def _read_trailer(self) -> bool:
        line = self._line()
        if line is None:
            return False
        if not line:
            self._mode = "done"
        return True


def _fields(lines: list[bytes]) -> dict[bytes, list[bytes]]:
    fields: dict[bytes, list[bytes]] = {}
    for line in lines:
        match = _FIELD.match(line)
        if match is None:
            raise MalformedError(f"field line {line[:80]!r}")
        fields.setdefault(match[1].lower(), []).append(match[2])
    return fields
