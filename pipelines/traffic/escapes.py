r"""What a web server writes for bytes that it does not log as they are.

Apache and nginx write `\xHH` for a byte, Apache also `\"`, `\\`, `\n` and the like. Bytes that are not
valid UTF-8 are brought into the same form when a line is read, so that it can be parsed.
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(rb'\\(?:x([0-9A-Fa-f]{2})|(["\\bnrtv]))')
_LETTERS = {b'"': b'"', b"\\": b"\\", b"b": b"\b", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


def unescape(text: str) -> str:
    r"""Return `text` with `\xHH`, `\"` and the like read; bytes that are not UTF-8 are read as Latin-1."""
    if "\\" not in text:
        return text
    content = _ESCAPE.sub(_byte, text.encode("utf-8", "surrogatepass"))
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def readable(line: bytes) -> str:
    r"""Return `line` as text: NUL and bytes that are not part of valid UTF-8 become `\xHH`."""
    return line.decode("utf-8", "backslashreplace").replace("\x00", "\\x00")


def _byte(match: re.Match[bytes]) -> bytes:
    return bytes.fromhex(match[1].decode()) if match[1] else _LETTERS[match[2]]
