"""Paths of every kind lead to logs, or to a message that says why not."""

from __future__ import annotations

import os
import socket
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from parsers.records import Origin
from pipeline.sources.files import InputFiles
from pipeline.sources.journal import InputProblem, ReadLimits, SkipReason, printable
from tests.pipeline.sources.file_samples import Reader, write_tar

TEXT = b"one\ntwo\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with two logs, one of them in a directory below."""
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "b.log").write_bytes(TEXT)
    (tmp_path / "a.log").write_bytes(TEXT)
    return tmp_path


def test_directory_is_read_recursively_and_sorted(folder: Path, read: Reader) -> None:
    """The order does not depend on the file system."""
    assert [f"{folder}/a.log", f"{folder}/below/b.log"] == list(read(folder).logs)


@pytest.mark.parametrize("pattern", ["*.log", "**/*.log", "[ab].log", "?.log"])
def test_quoted_glob_is_expanded(pattern: str, folder: Path, read: Reader) -> None:
    """The pattern may reach us where the shell did not expand it."""
    assert f"{folder}/a.log" in read(f"{folder}/{pattern}").logs


def test_file_named_like_a_pattern_is_itself(folder: Path, read: Reader) -> None:
    """A file that exists comes before what its name would mean as a pattern."""
    path = folder / "[ab].log"
    path.write_bytes(b"itself\n")

    assert {str(path): b"itself\n"} == read(path).texts


def test_block_has_origin_cluster_and_time_of_the_file(folder: Path, read: Reader) -> None:
    """The cluster is the one the user named, the arrival is the file's modification time."""
    path = folder / "a.log"
    os.utime(path, (1_767_225_600, 1_767_225_600))
    (block,) = read(path, cluster="east").logs[str(path)]

    assert (Origin(str(path), "east"), 1) == (block.origin, block.first_line)
    assert datetime(2026, 1, 1, tzinfo=UTC) == block.received_at


def test_file_reached_twice_is_read_once(folder: Path, read: Reader) -> None:
    """Counting a log twice would double its retries."""
    (folder / "link.log").symlink_to(folder / "a.log")
    outcome = read(folder, folder / "a.log", f"{folder}/*.log", folder)

    assert [f"{folder}/a.log", f"{folder}/below/b.log"] == list(outcome.logs)
    assert ([], {SkipReason.SAME_FILE}) == (outcome.problems, {each.reason for each in outcome.skipped})


def test_links_in_a_circle_end(folder: Path, read: Reader) -> None:
    """A link to a directory above is followed once at most."""
    (folder / "below" / "up").symlink_to(folder)
    outcome = read(folder)

    assert (2, []) == (len(outcome.logs), outcome.problems)


def test_rotated_files_are_one_stream(folder: Path, read: Reader) -> None:
    """The stream is named after the plain file, each block after the part it stands in."""
    (folder / "a.log.1").write_bytes(b"zero")
    outcome = read(folder / "a.log", folder / "a.log.1")
    blocks = outcome.logs[f"{folder}/a.log"]

    assert [(f"{folder}/a.log.1", b"zero\n"), (f"{folder}/a.log", TEXT)] == [
        (block.origin.source, block.data) for block in blocks
    ]


def test_rotated_files_may_be_named_one_by_one(folder: Path, read: Reader) -> None:
    """As a shell names them that expands `a.log*`: each of them has led to the log."""
    (folder / "a.log.1").write_bytes(TEXT)
    found = read(folder / "a.log", folder / "a.log.1")
    assert [f"{folder}/a.log"] == list(found.logs)
    assert [] == found.problems


def test_what_is_no_log_is_skipped_in_a_directory(folder: Path, read: Reader) -> None:
    """Nobody named these files, so they are noted and not complained about."""
    (folder / "empty.log").touch()
    (folder / "c.bin").write_bytes(bytes(range(256)) * 9)
    (folder / ".hidden.log").write_bytes(TEXT)
    os.mkfifo(folder / "pipe")
    outcome = read(folder)

    expected = {SkipReason.EMPTY, SkipReason.BINARY, SkipReason.HIDDEN, SkipReason.SPECIAL}
    assert (2, [], expected) == (len(outcome.logs), outcome.problems, {each.reason for each in outcome.skipped})


def test_empty_file_that_was_named_is_told(folder: Path, read: Reader) -> None:
    """An empty log is no error, but the user should know."""
    path = folder / "empty.log"
    path.touch()
    outcome = read(path)

    assert ([], [f"skipped {path}: empty"]) == (outcome.problems, [str(each) for each in outcome.skipped])
    assert outcome.skipped[0].is_explicit


def test_fifo_that_was_named_is_read(folder: Path, read: Reader) -> None:
    """`whystuck replay <(kubectl logs …)`."""
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(TEXT,))
    writer.start()
    outcome = read(pipe)
    writer.join()

    assert {str(pipe): TEXT} == outcome.texts


def _missing(folder: Path) -> Path:
    return folder / "nothing.log"


def _dangling(folder: Path) -> Path:
    path = folder / "dangling.log"
    path.symlink_to(folder / "nothing.log")
    return path


def _empty_directory(folder: Path) -> Path:
    path = folder / "empty"
    path.mkdir()
    return path


def _forbidden(folder: Path) -> Path:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    path = folder / "forbidden.log"
    path.write_bytes(TEXT)
    path.chmod(0)
    return path


def _device(_folder: Path) -> Path:
    return Path("/dev/zero")


def _socket(folder: Path) -> Path:
    path = folder / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(path))  # such names may have a hundred characters only
    return path


def _unmatched(folder: Path) -> Path:
    return folder / "*.nothing"


def _circle(folder: Path) -> Path:
    path = folder / "circle"
    path.symlink_to(path)
    return path


def _binary(folder: Path) -> Path:
    path = folder / "c.bin"
    path.write_bytes(bytes(range(256)) * 9)
    return path


def _foreign(folder: Path) -> Path:
    path = folder / "c.7z"
    path.write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(100))
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(_missing, "no such file or directory; check the path", id="missing"),
        pytest.param(_dangling, "the symbolic link points to nothing;", id="broken link"),
        pytest.param(_circle, "the symbolic links lead in a circle", id="link to itself"),
        pytest.param(_empty_directory, "there is no log in it", id="empty directory"),
        pytest.param(_forbidden, "permission denied; read it as a user who may", id="forbidden"),
        pytest.param(_device, "it is a character device; give a file", id="device"),
        pytest.param(_socket, "it is a socket; give a file", id="socket"),
        pytest.param(_unmatched, "no file matches it; check the pattern", id="glob without match"),
        pytest.param(_binary, "it is not text; unpack or convert it", id="binary"),
        pytest.param(_foreign, "it is a 7-Zip archive, which is not read", id="7-Zip"),
    ],
)
def test_bad_path_is_a_problem_and_the_others_are_read(make: object, message: str, folder: Path, read: Reader) -> None:
    """One line says what could not be read, why, and what to do."""
    path = make(folder)  # type: ignore[operator]
    outcome = read(path, folder / "a.log")
    (problem,) = map(str, outcome.problems)

    assert problem.startswith(f"cannot read {path}: ")
    assert message in problem
    assert "\n" not in problem
    assert TEXT == outcome.texts[f"{folder}/a.log"]


def test_growing_file_is_noted(folder: Path) -> None:
    """The last line of a file that is written to may be half a line."""
    path = folder / "a.log"
    files = InputFiles([str(path)], ReadLimits(head_bytes=4))
    for stream in files.streams():
        with path.open("ab") as log:
            log.write(b"three\n")
        assert [TEXT + b"three\n"] == [block.data for block in stream.blocks()]

    assert [f"{path}: grew by 6 bytes while it was read; its last line may be incomplete"] == list(
        map(str, files.notes)
    )


def test_shrinking_file_is_a_problem(folder: Path) -> None:
    """Lines are missing where a file is cut while it is read."""
    path = folder / "a.log"
    files = InputFiles([str(path)], ReadLimits(head_bytes=4))
    for stream in files.streams():
        blocks = stream.blocks()
        path.write_bytes(b"")
        list(blocks)

    assert "it shrank from 8 to 0 bytes while it was read" in str(files.problems[0])


def test_name_cannot_forge_lines_of_the_terminal(folder: Path, read: Reader) -> None:
    """File names are text of others: line feeds and escapes are shown, not obeyed."""
    problem = InputProblem("a\n\x1b[31mb", "cannot read", "it is missing", "check it")

    assert "cannot read a\\x0a\\x1b[31mb: it is missing; check it" == str(problem)
    assert "\\x9b" == printable("\x9b")


def test_streams_that_are_not_read_cost_nothing(folder: Path) -> None:
    """Whoever only wants the names may leave the streams alone."""
    write_tar(folder / "c.tar", [("d.log", TEXT), ("e.log", TEXT)])
    sources = [stream.origin.source for stream in InputFiles([str(folder)]).streams()]

    names = ["a.log", "below/b.log", "c.tar!/d.log", "c.tar!/e.log"]
    assert [f"{folder}/{name}" for name in names] == sources
