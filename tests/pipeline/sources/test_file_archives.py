"""Logs are read out of archives, and what is wrong with one member does not harm the others."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.sources.journal import ReadLimits, SkipReason
from tests.pipeline.sources.file_samples import COMPRESSORS, Reader, write_tar, write_zip

TEXT = b"one\ntwo\n"
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def _write(kind: str, folder: Path, members: list[tuple[str, bytes]]) -> Path:
    """Write an archive of one of the kinds below."""
    path = folder / "bundle"
    if kind == "zip":
        return write_zip(path, members)
    write_tar(path, members)
    if kind != "tar":
        path.write_bytes(COMPRESSORS[kind.removeprefix("tar.")](path.read_bytes()))
    return path


each_kind = pytest.mark.parametrize("kind", ["zip", "tar", *(f"tar.{name}" for name in COMPRESSORS)])


@each_kind
def test_members_are_streams(kind: str, tmp_path: Path, read: Reader) -> None:
    """Each log of an archive is a stream of its own, with the time of the member."""
    path = _write(kind, tmp_path, [("logs/a.log", TEXT), ("./logs/b.log", gzip.compress(TEXT))])
    outcome = read(path)

    assert ({f"{path}!/logs/a.log": TEXT, f"{path}!/logs/b.log": TEXT}, []) == (outcome.texts, outcome.problems)
    assert {NEW_YEAR} == {block.received_at for blocks in outcome.logs.values() for block in blocks}


@each_kind
def test_rotated_members_become_one_stream_in_any_order(kind: str, tmp_path: Path, read: Reader) -> None:
    """Parts may stand before and after each other, and others between them."""
    members = [
        ("c.log", b"newest\n"),
        ("other.log", TEXT),
        ("c.log.2.gz", gzip.compress(b"oldest\n")),
        ("c.log.1", b"middle\n"),
    ]
    path = _write(kind, tmp_path, members)
    outcome = read(path)

    assert {f"{path}!/c.log": b"oldest\nmiddle\nnewest\n", f"{path}!/other.log": TEXT} == outcome.texts
    parts = [block.origin.source.rpartition("/")[2] for block in outcome.logs[f"{path}!/c.log"]]
    assert ["c.log.2.gz", "c.log.1", "c.log"] == parts


@each_kind
def test_archive_from_standard_input(kind: str, tmp_path: Path, read: Reader) -> None:
    """What can be read only once is kept in a temporary file while that is needed."""
    raw = _write(kind, tmp_path, [("c.log", TEXT), ("c.log.1", b"zero\n")]).read_bytes()

    assert {"-!/c.log": b"zero\n" + TEXT} == read("-", stdin=raw).texts


@each_kind
@pytest.mark.parametrize("name", ["/etc/c.log", "../c.log", "a/../../c.log", "C:\\c.log", "..\\c.log"])
def test_path_that_climbs_out_is_refused(kind: str, name: str, tmp_path: Path, read: Reader) -> None:
    """The member is named in a problem, and the others are read."""
    path = _write(kind, tmp_path, [(name, TEXT), ("good.log", TEXT)])
    outcome = read(path)

    assert {f"{path}!/good.log": TEXT} == outcome.texts
    assert "its path leads out of the archive" in str(outcome.problems[0])


@each_kind
def test_what_is_no_log_is_skipped(kind: str, tmp_path: Path, read: Reader) -> None:
    """Empty, hidden and binary members are noted, not read."""
    members = [("empty.log", b""), (".git/c.log", TEXT), ("c.bin", bytes(range(256)) * 9), ("c.log", TEXT)]
    outcome = read(_write(kind, tmp_path, members))

    assert {SkipReason.EMPTY, SkipReason.HIDDEN, SkipReason.BINARY} == {each.reason for each in outcome.skipped}
    assert (1, []) == (len(outcome.logs), outcome.problems)


@each_kind
def test_archive_without_a_log_is_a_problem(kind: str, tmp_path: Path, read: Reader) -> None:
    """Nothing to read is not the same as nothing found."""
    path = _write(kind, tmp_path, [("c.bin", bytes(range(256)) * 9)])

    assert f"cannot read {path}: there is no log in it" in str(read(path).problems[0])


@each_kind
def test_member_bomb_is_stopped(kind: str, tmp_path: Path, read: Reader) -> None:
    """An archive that grows too much ends with a problem."""
    path = _write(kind, tmp_path, [("c.log", gzip.compress(b"x\n" * 2_000_000, mtime=0))])
    outcome = read(path, limits=ReadLimits(ratio_free_bytes=100_000, max_ratio=20))

    assert "as in a bomb" in str(outcome.problems[0])


@pytest.mark.parametrize("outer", ["zip", "tar", "tar.gzip"])
@pytest.mark.parametrize("inner", ["zip", "tar", "tar.gzip", "tar.zstd"])
def test_archive_in_archive_is_read(outer: str, inner: str, tmp_path: Path, read: Reader) -> None:
    """A support bundle holds a bundle of each node."""
    content = _write(inner, tmp_path, [("c.log", TEXT), ("c.log.1", b"zero\n")]).read_bytes()
    path = _write(outer, tmp_path, [("node", content), ("d.log", TEXT)])

    assert {f"{path}!/node!/c.log": b"zero\n" + TEXT, f"{path}!/d.log": TEXT} == read(path).texts


def test_archives_are_read_to_a_depth(tmp_path: Path, read: Reader) -> None:
    """An archive that holds itself, or nearly, ends with a problem."""
    content = TEXT
    for level in range(5):
        content = _write("zip", tmp_path, [(f"level{level}", content)]).read_bytes()

    assert "it stands in 3 archives" in str(read(tmp_path / "bundle").problems[0])


def test_too_many_members_are_a_problem(tmp_path: Path, read: Reader) -> None:
    """The first ones are read all the same."""
    path = _write("tar", tmp_path, [(f"{number}.log", TEXT) for number in range(9)])
    outcome = read(path, limits=ReadLimits(max_member_count=5))

    assert (5, 1) == (len(outcome.logs), len(outcome.problems))
    assert "it has more than 5 members" in str(outcome.problems[0])


@pytest.mark.parametrize("kind", ["tar", "tar.gzip", "tar.zstd", "tar.bzip2"])
def test_truncated_tar_gives_what_there_is(kind: str, tmp_path: Path, read: Reader) -> None:
    """Members before the end are read in full, the one that is cut as far as it goes."""
    noise = b"".join(b"%x\n" % (number * 7919**9 % 2**127) for number in range(60_000))
    path = _write(kind, tmp_path, [("a.log", TEXT), ("b.log.1", noise), ("b.log", TEXT)])
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) * 3 // 4])
    outcome = read(path)

    assert TEXT == outcome.texts[f"{path}!/a.log"]
    cut = outcome.texts[f"{path}!/b.log.1"]  # that there is a b.log nobody knows any more
    assert 100_000 < len(cut)
    assert noise.startswith(cut)
    assert all("ends" in str(problem) for problem in outcome.problems)
    assert outcome.problems


@pytest.mark.parametrize(
    ("kind", "cut"), [("zip", slice(0, 60)), ("tar", slice(0, 900))], ids=["zip without directory", "tar in a member"]
)
def test_truncated_archive_is_a_problem(kind: str, cut: slice, tmp_path: Path, read: Reader) -> None:
    """The message says that the archive ends too early."""
    path = _write(kind, tmp_path, [("a.log", b"x" * 2000)])
    path.write_bytes(path.read_bytes()[cut])

    assert "ends" in str(read(path).problems[0])


def test_damaged_tar_header_is_no_end(tmp_path: Path, read: Reader) -> None:
    """What follows a damaged header is lost, which is said."""
    path = _write("tar", tmp_path, [("a.log", TEXT), ("b.log", TEXT), ("c.log", TEXT)])
    raw = bytearray(path.read_bytes())
    raw[1024:1124] = b"?" * 100
    path.write_bytes(raw)
    outcome = read(path)

    assert {f"{path}!/a.log": TEXT} == outcome.texts
    assert "the tar archive is damaged or ends too early (bad checksum)" in str(outcome.problems[0])


def test_damaged_zip_entry_does_not_harm_the_others(tmp_path: Path, read: Reader) -> None:
    """A wrong checksum is a problem of one entry."""
    path = write_zip(tmp_path / "c.zip", [("a.log", b"first text\n"), ("b.log", TEXT)], zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"first text", b"wrong text"))
    outcome = read(path)

    assert {f"{path}!/b.log": TEXT} == outcome.texts
    assert f"{path}!/a.log: the zip archive is damaged (bad crc-32" in str(outcome.problems[0])


def test_encrypted_zip_entry_is_a_problem(tmp_path: Path, read: Reader) -> None:
    """The message says to unpack it."""
    path = write_zip(tmp_path / "c.zip", [("a.log", TEXT), ("b.log", TEXT)])
    raw = bytearray(path.read_bytes())
    raw[6] |= 1  # the flag, in the entry and in the directory
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    outcome = read(path)

    assert {f"{path}!/b.log": TEXT} == outcome.texts
    assert "it is encrypted; unpack the archive with its password" in str(outcome.problems[0])


def test_links_and_devices_in_tar_are_skipped(tmp_path: Path, read: Reader) -> None:
    """Only regular members are read: a link would lead to a file of this machine."""
    path = tmp_path / "c.tar"
    with tarfile.open(path, "w") as archive:
        for name, kind in [("link.log", tarfile.SYMTYPE), ("hard.log", tarfile.LNKTYPE), ("dev.log", tarfile.CHRTYPE)]:
            header = tarfile.TarInfo(name)
            header.type, header.linkname = kind, "/etc/hostname"
            archive.addfile(header)
        header = tarfile.TarInfo("c.log")
        header.size = len(TEXT)
        archive.addfile(header, io.BytesIO(TEXT))
    outcome = read(path)

    assert {f"{path}!/c.log": TEXT} == outcome.texts
    assert [SkipReason.SPECIAL] * 3 == [skipped.reason for skipped in outcome.skipped]


def test_huge_tar_header_is_not_read_into_memory(tmp_path: Path, read: Reader) -> None:
    """A name of gigabytes is damage."""
    path = tmp_path / "c.tar"
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 5_000_000_000
    path.write_bytes(header.tobuf(tarfile.GNU_FORMAT) + bytes(1024))

    assert "a header claims 5000000000 bytes" in str(read(path).problems[0])


def test_temporary_files_are_removed(tmp_path: Path, read: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left behind, and only the owner could look in meanwhile."""
    room = tmp_path / "room"
    room.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(room))
    read("-", stdin=_write("tar", tmp_path, [("c.log", TEXT), ("c.log.1", TEXT)]).read_bytes())

    assert [] == list(room.iterdir())


def test_progress_counts_stored_bytes_once(tmp_path: Path, read: Reader) -> None:
    """A bar that runs to its end and not beyond it, though some archives are opened twice."""
    tar = _write("tar.gzip", tmp_path, [("c.log", TEXT), ("c.log.1", TEXT)])
    plain = tmp_path / "plain.log"
    plain.write_bytes(TEXT)
    damaged = write_zip(tmp_path / "damaged.zip", [("c.log", TEXT)])
    damaged.write_bytes(damaged.read_bytes()[:50])
    progress = read(tar, damaged, plain).progress

    assert tar.stat().st_size + 50 + len(TEXT) == progress.total_bytes == progress.read_bytes


def test_no_room_for_rotated_members_is_a_problem(
    tmp_path: Path, read: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What needs no temporary file is read all the same."""
    path = _write("tar", tmp_path, [("c.log", TEXT), ("c.log.1", TEXT), ("d.log", TEXT)])
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    outcome = read(path)

    assert {f"{path}!/d.log": TEXT} == outcome.texts
    assert "it must be copied to the temporary directory first" in str(outcome.problems[0])
