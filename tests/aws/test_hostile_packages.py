"""Packages that were made to harm: each is rejected by name, within the memory of a hook."""

from __future__ import annotations

import contextlib
import io
import random
import stat
import tracemalloc
import zipfile

import pytest

from seatrial.aws import packages
from seatrial.aws.packages import Package, Part, UnreadablePackageError


def read(content: bytes) -> Package:
    return packages.read("url", lambda url, first, last: Part(content[first : last + 1], first, len(content)))


def zipped(*files: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as package:
        for name, data in files:
            package.writestr(name, data)
    return content.getvalue()


def not_utf8() -> bytes:
    return zipped(("seatrial/é.json", b"{}"), method=zipfile.ZIP_STORED).replace("é".encode(), b"\xff\xfe")


def link() -> bytes:
    info = zipfile.ZipInfo("seatrial/suite.yaml")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return zipped((info, b"/etc/passwd"))


def encrypted() -> bytes:
    """With the flag in both of its headers."""
    content = bytearray(zipped(("seatrial/suite.yaml", b"cases: []")))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def directory_of_a_gigabyte() -> bytes:
    """As the end of the file claims; the file itself is sparse."""
    content = bytearray(zipped(("seatrial/suite.yaml", b"cases: []")))
    end = content.index(b"PK\x05\x06")
    content[end + 12 : end + 16] = (50_000_000).to_bytes(4, "little")
    return b"\0" * 50_000_000 + bytes(content)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(not_utf8(), "the name of a file in it is not UTF-8", id="a name that is not UTF-8"),
        pytest.param(zipped(("seatrial/a", b"x"), method=zipfile.ZIP_LZMA), "stored or deflated", id="LZMA"),
        pytest.param(zipped(("seatrial/a", b"x"), method=zipfile.ZIP_BZIP2), "stored or deflated", id="bzip2"),
        pytest.param(
            zipped(("seatrial/a", b"\0" * 1_000_001)), "at most 1,000,000 bytes, got 1,000,001", id="a large file"
        ),
        pytest.param(
            zipped(*((f"seatrial/{n}", b"\0" * 1_000_000) for n in range(11))), "at most 10,000,000 bytes", id="a bomb"
        ),
        pytest.param(zipped(*((f"seatrial/{n}", b"") for n in range(601))), "500 entries, got 601", id="601 files"),
        pytest.param(encrypted(), "is encrypted", id="encrypted"),
        pytest.param(link(), "is a link", id="a link"),
        pytest.param(zipped(("seatrial//etc/passwd", b"")), "leads out of the folder", id="an absolute path"),
        pytest.param(zipped(("seatrial/../../a", b"")), "leads out of the folder", id="a path upwards"),
        pytest.param(zipped((f"seatrial/{'a' * 256}", b"")), "at most 255 characters", id="a long name"),
        pytest.param(directory_of_a_gigabyte(), "one read asks for 50,000,000 bytes", id="a huge directory"),
        pytest.param(zipped(("seatrial/suite.yaml", b"#" * 100_001)), "at most 100,000 bytes", id="a long suite"),
    ],
)
def test_hostile_package_is_rejected_by_name(content: bytes, sentence: str) -> None:
    with pytest.raises(UnreadablePackageError, match=sentence):
        read(content)


def test_file_of_the_same_name_twice_is_rejected() -> None:
    content = zipped(("seatrial/a", b"1"), ("seatrial/b", b"2")).replace(b"seatrial/b", b"seatrial/a")
    with pytest.raises(UnreadablePackageError, match="same name"):
        read(content)


def test_bomb_of_500_files_needs_less_memory_than_its_bound_and_half() -> None:
    content = zipped(*((f"seatrial/{n}", b"\0" * 1_000_000) for n in range(500)))
    tracemalloc.start()
    with pytest.raises(UnreadablePackageError, match="at most 10,000,000 bytes"):
        read(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 15_000_000


def test_damaged_package_is_read_or_rejected_and_nothing_else() -> None:
    chance = random.Random(19)
    content = zipped(("app.py", b"x" * 200), ("seatrial/suite.yaml", b"cases: []" * 20), ("seatrial/a", b"y" * 300))
    for _ in range(2_000):
        damaged = bytearray(content)
        for _ in range(chance.randint(1, 8)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        with contextlib.suppress(UnreadablePackageError, OSError):
            read(bytes(damaged[: chance.choice((len(damaged), chance.randrange(len(damaged))))]))
