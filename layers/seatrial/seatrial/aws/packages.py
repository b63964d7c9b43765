"""The zip package of a version: only the parts of it that hold the suite are downloaded and unpacked."""

from __future__ import annotations

import io
import re
import stat
import struct
import urllib.request
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Final

from seatrial.core import bounds, folder_files
from seatrial.core.bounds import UnfitError
from seatrial.core.suite_of import Origin
from seatrial.core.values import shown

FOLDER: Final = "seatrial/"

_LARGEST_PACKAGE: Final = 262_144_000  # Lambda's own limit for an unzipped package
_LARGEST_READ: Final = 16_777_216  # of one read, which takes a zip file's directory as a whole
_PIECE: Final = 1_048_576
_PIECES_KEPT: Final = 16
_ENCRYPTED: Final = 0x1
_METHODS: Final = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # Lambda's; the others write as much as they like at once


# What CloudFormation names the code that a template holds, and the module that it adds.
_INLINE: Final = frozenset({"index.py", "index.js", "index.mjs", "cfnresponse.py", "cfn-response.js"})


class UnreadablePackageError(Exception):
    """The package holds nothing that can be read; the text continues a sentence that begins with its name."""


_UNKNOWN: Final = Origin("")


@dataclass(frozen=True)
class Package:
    """The suite's folder in a version's own package: its files by their path below `seatrial/`.

    `is_inline`: the package holds what CloudFormation makes of InlineCode, and nothing else.
    """

    files: Mapping[str, bytes]
    origin: Origin = _UNKNOWN
    is_inline: bool = False


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
            names = {info.filename for info in package.infolist()}
            return Package(_files(package, members), is_inline=bool(names) and names <= _INLINE)
    except UnfitError as unfit:
        raise UnreadablePackageError(f"cannot be read: {unfit}") from unfit
    except UnicodeDecodeError as error:
        raise UnreadablePackageError("is not a readable zip file: the name of a file in it is not UTF-8") from error
    except _BROKEN as error:
        raise UnreadablePackageError(f"is not a readable zip file: {error}") from error


# What zipfile raises for bytes that are no zip file, or a broken one.
_BROKEN = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError, OverflowError, LookupError,
)  # fmt: skip


def _files(package: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> dict[str, bytes]:
    """Raises UnfitError. The sizes in the directory are only claims: what is read is counted."""
    names = [info.filename.removeprefix(FOLDER) for info in members]
    folder_files.check(dict.fromkeys(names, 0))
    if len(set(names)) < len(names):
        raise UnfitError("two files in seatrial/ have the same name")
    files: dict[str, bytes] = {}
    total = 0
    for name, info in zip(names, members, strict=True):
        files[name] = _member(package, info)
        total += len(files[name])
        folder_files.check_size(name, len(files[name]))
        folder_files.check_total(total)
    return files


def _member(package: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """At most one byte more than a file may have. Raises UnfitError."""
    if info.compress_type not in _METHODS:
        raise UnfitError(f"the file {shown(info.filename)} must be stored or deflated, as Lambda's own tools do")
    if info.flag_bits & _ENCRYPTED:
        raise UnfitError(f"the file {shown(info.filename)} is encrypted")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise UnfitError(f"the file {shown(info.filename)} is a link; put the file itself there")
    with package.open(info) as member:
        return member.read(int(bounds.FILE.most) + 1)


class _Remote(io.RawIOBase):
    """A file behind a URL that is fetched a piece at a time, where it is read."""

    def __init__(self, url: str, fetch: Fetch) -> None:
        self._url = url
        self._fetch = fetch
        self._pieces: OrderedDict[int, bytes] = OrderedDict()
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
            while part.first and len(self._pieces) > _PIECES_KEPT:
                self._pieces.popitem(last=False)
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
        if size > _LARGEST_READ:
            raise UnreadablePackageError(f"is not a readable zip file: one read asks for {size:,} bytes")
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
