"""The zip package of a version: only the parts of it that hold the suite are downloaded and unpacked."""

from __future__ import annotations

import io
import re
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Final

FOLDER: Final = "seatrial/"

_LARGEST_PACKAGE: Final = 262_144_000  # Lambda's own limit for an unzipped package
_LARGEST_FILE: Final = 1_000_000
_MOST_FILES: Final = 500
_PIECE: Final = 1_048_576


class UnreadablePackageError(Exception):
    """The package holds nothing that can be read; the text continues a sentence that begins with its name."""


@dataclass(frozen=True)
class Package:
    """The suite's folder in a version's own package: its files by their path below `seatrial/`."""

    files: Mapping[str, bytes]


@dataclass(frozen=True)
class Part:
    """Some bytes of a file, where they begin in it, and how many the whole file has."""

    content: bytes
    first: int
    total: int


type Fetch = Callable[[str, int, int], Part]
"""Bytes `first` to `last`, both included, of what a URL points to. More than asked for is welcome. Raises OSError."""


def download(url: str, first: int, last: int) -> Part:
    """A part of a presigned S3 URL. A server that knows no ranges answers with everything, which is a part as well."""
    request = urllib.request.Request(url, headers={"Range": f"bytes={first}-{last}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        try:
            content: bytes = answer.read(_LARGEST_PACKAGE + 1)
        except HTTPException as error:  # the connection ended in the midst of the answer
            raise OSError(str(error)) from error
        span = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", answer.headers.get("Content-Range", ""))
    return Part(content, int(span[1]), int(span[2])) if span else Part(content, 0, len(content))


def read(url: str, fetch: Fetch) -> Package:
    """The files below `seatrial/` of the package at a URL. Raises UnreadablePackageError and OSError."""
    try:
        with zipfile.ZipFile(_Remote(url, fetch)) as package:
            members = [info for info in package.infolist() if info.filename.startswith(FOLDER) and not info.is_dir()]
            if len(members) > _MOST_FILES:
                raise UnreadablePackageError(f"has {len(members)} files in {FOLDER}; at most {_MOST_FILES} are read")
            return Package({info.filename.removeprefix(FOLDER): _member(package, info) for info in members})
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise UnreadablePackageError(f"is not a readable zip file: {error}") from error


def _member(package: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with package.open(info) as member:
        # The size in the directory is only a claim: read one byte more than allowed and see.
        content = member.read(_LARGEST_FILE + 1)
    if len(content) > _LARGEST_FILE:
        raise UnreadablePackageError(f"has {info.filename}, which is larger than {_LARGEST_FILE:,} bytes")
    return content


class _Remote(io.RawIOBase):
    """A file behind a URL that is fetched a piece at a time, where it is read."""

    def __init__(self, url: str, fetch: Fetch) -> None:
        self._url = url
        self._fetch = fetch
        self._pieces: dict[int, bytes] = {}
        self._position = 0
        self._size = _PIECE
        self._piece(0)

    def _piece(self, index: int) -> bytes:
        if index not in self._pieces:
            first = index * _PIECE
            part = self._fetch(self._url, first, min(first + _PIECE, self._size) - 1)
            self._size = part.total
            for start in range(part.first, part.first + len(part.content), _PIECE):
                at = start - part.first
                self._pieces[start // _PIECE] = part.content[at : at + _PIECE]
        return self._pieces.get(index, b"")

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if start + offset < 0:  # how zipfile finds out that a file is too short to be one
            raise OSError("seek before the beginning of the package")
        self._position = start + offset
        return self._position

    def read(self, size: int = -1) -> bytes:
        end = self._size if size < 0 else min(self._position + size, self._size)
        content = bytearray()
        while self._position < end:
            index, at = divmod(self._position, _PIECE)
            piece = self._piece(index)[at : at + end - self._position]
            if not piece:
                raise OSError("the package ended before its own size")
            content += piece
            self._position += len(piece)
        return bytes(content)
