"""Files of Kubernetes objects among the inputs: they are read as such, wherever they lie."""

from __future__ import annotations

import gzip
import io
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.sources.files import InputFiles
from pipeline.sources.journal import ReadLimits
from pipeline.sources.log_streams import LogStream
from pipeline.sources.object_streams import ObjectStream
from tests.pipeline.sources.file_samples import write_tar

OBJECT = b'{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"shop"}}'
YAML = b"apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n"
TABLE = b"LAST SEEN   TYPE      REASON   OBJECT   MESSAGE\n3m          Warning   Failed   pod/a    no\n"
DESCRIPTION = b"Name:         a\nNamespace:    shop\nLabels:       <none>\n"
EXPORT = b'{"metadata":{"name":"e"},"reason":"Failed","involvedObject":{"kind":"Pod","name":"a"}}\n'
LOG = b'time="2026-02-01T09:00:00Z" level=info msg="Started syncing rollout"\n'


def objects_of(
    *paths: Path, limits: ReadLimits | None = None, stdin: bytes = b""
) -> tuple[dict[str, bytes], list[str]]:
    files = InputFiles([str(path) for path in paths], limits, "prod", stdin=io.BytesIO(stdin))
    found = {stream.origin.source: stream.read() for stream in files.streams() if isinstance(stream, ObjectStream)}
    return found, [str(problem) for problem in files.problems]


@pytest.mark.parametrize(
    "content", [OBJECT, YAML, TABLE, DESCRIPTION, EXPORT], ids=lambda content: content[:12].decode()
)
def test_objects_are_told_from_logs(content: bytes, tmp_path: Path) -> None:
    """A dump of the cluster may lie beside the logs, under any name."""
    (tmp_path / "a.log").write_bytes(content)
    (tmp_path / "b.log").write_bytes(LOG)
    streams = list(InputFiles([str(tmp_path)]).streams())

    assert [ObjectStream, LogStream] == [type(stream) for stream in streams]


def test_objects_know_their_origin(tmp_path: Path) -> None:
    """The file, the cluster that the user named, and when the file was written."""
    path = tmp_path / "pods.json"
    path.write_bytes(OBJECT)
    os.utime(path, (1_770_000_000, 1_770_000_000))
    (stream,) = InputFiles([str(path)], cluster="prod").streams()

    assert isinstance(stream, ObjectStream)
    assert (str(path), "prod") == (stream.origin.source, stream.origin.cluster)
    assert datetime.fromtimestamp(1_770_000_000, UTC) == stream.received_at


def test_compressed_and_archived_objects(tmp_path: Path) -> None:
    """Support bundles are archives."""
    (tmp_path / "pods.json.gz").write_bytes(gzip.compress(OBJECT))
    (tmp_path / "utf16.yaml").write_bytes(YAML.decode().encode("utf-16"))
    write_tar(tmp_path / "bundle.tar", [("cluster/pods.yaml", YAML), ("cluster/events.txt", TABLE)])
    found, problems = objects_of(tmp_path)
    contents = {name.removeprefix(f"{tmp_path}/"): content for name, content in found.items()}

    assert {
        "pods.json.gz": OBJECT,
        "utf16.yaml": YAML,
        "bundle.tar!/cluster/pods.yaml": YAML,
        "bundle.tar!/cluster/events.txt": TABLE,
    } == contents
    assert [] == problems


def test_objects_from_standard_input() -> None:
    """As in `kubectl get rollouts -o json | whystuck replay -`."""
    found, _ = objects_of(Path("-"), stdin=OBJECT)

    assert [OBJECT] == list(found.values())


def test_size_limit(tmp_path: Path) -> None:
    """What is read whole has to fit into memory; the user is told."""
    path = tmp_path / "pods.json"
    path.write_bytes(OBJECT)
    found, problems = objects_of(path, limits=ReadLimits(max_object_bytes=20))

    assert [OBJECT[:20]] == list(found.values())
    assert ["more than 20 bytes" in problem for problem in problems] == [True]


def test_objects_with_names_of_a_rotated_log_are_told(tmp_path: Path) -> None:
    """They are not mistaken for parts of one log, and not dropped in silence."""
    for name in ("events.log", "events.log.1"):
        (tmp_path / name).write_bytes(OBJECT)
    files = InputFiles([str(tmp_path)])
    for stream in files.streams():
        assert isinstance(stream, LogStream)
        assert [] == list(stream.blocks())

    assert ["rename it" in str(problem) for problem in files.problems] == [True, True]
