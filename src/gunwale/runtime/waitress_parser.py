"""Waitress's parser under gunwale."""

from __future__ import annotations

from waitress.parser import HTTPRequestParser, ParsingError


class Parser(HTTPRequestParser):  # type: ignore[misc]  # Waitress has no types
    """Waitress's parser, without what two parsers of one chain may read differently."""

    def parse_header(self, header_plus: bytes) -> None:
        """Refuse what smuggles requests; the answer is 400, and the connection closes."""
        super().parse_header(header_plus)
        # RFC 9112 §6.3: both fields "ought to be handled as an error"; 3.0.2 answers what follows as well.
        if self.chunked and "CONTENT_LENGTH" in self.headers:
            raise ParsingError("Transfer-Encoding and Content-Length in one request")
        # RFC 9112 §6.1: in HTTP/1.0 its framing is faulty; 1.1's was taken out of the fields by now.
        if "TRANSFER_ENCODING" in self.headers:
            raise ParsingError("Transfer-Encoding in an HTTP/1.0 request")
        # RFC 9112 §3.2: one Host; the parser has joined several with ", ".
        if " " in self.headers.get("HOST", ""):
            raise ParsingError("Host is given twice, or is invalid")
