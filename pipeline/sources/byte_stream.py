"""A stream of chunks that can be looked at before it is read: the form in which bytes pass from layer to layer."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from pipeline.sources.journal import BrokenInputError, Journal


class ByteStream:
    """Chunks of bytes, with a look ahead.

    An error of the layer below is delivered after all bytes that came before it, and again on every later read.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._ahead: deque[bytes] = deque()
        self._ahead_size = 0
        self._error: BrokenInputError | None = None
        self._remembered: list[bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if not self._ahead and not self._pull():
            if self._error is not None:
                raise self._error
            raise StopIteration
        chunk = self._ahead.popleft()
        self._ahead_size -= len(chunk)
        return chunk

    def peek(self, size: int) -> bytes:
        """Return the next `size` bytes without taking them; fewer only where the stream ends or breaks."""
        while self._ahead_size < size and self._pull():
            pass
        if len(self._ahead) > 1:
            joined = b"".join(self._ahead)
            self._ahead = deque((joined,))
        return self._ahead[0][:size] if self._ahead else b""

    def read(self, size: int) -> bytes:
        """Take the next `size` bytes; fewer only where the stream ends or breaks. What `tarfile` asks for."""
        pieces: list[bytes] = []
        while size > 0 and (self._ahead or self._pull()):
            chunk = self._ahead.popleft()
            if len(chunk) > size:
                self._ahead.appendleft(chunk[size:])
                chunk = chunk[:size]
            self._ahead_size -= len(chunk)
            size -= len(chunk)
            pieces.append(chunk)
        if not pieces and self._error is not None:
            raise self._error
        return b"".join(pieces)

    def remember(self) -> None:
        """Keep what is pulled from now on, so that `rewind` can bring it back. To be called before anything is read."""
        self._remembered = []

    def rewind(self) -> None:
        """Go back to where `remember` was called."""
        self._ahead = deque(self._remembered or ())
        self._ahead_size = sum(map(len, self._ahead))
        self._remembered = None

    def forget(self) -> None:
        """Stop keeping: there will be no `rewind`."""
        self._remembered = None

    def _pull(self) -> bool:
        """Get one more chunk from the layer below; False at its end."""
        if self._error is not None:
            return False
        try:
            chunk = next(self._chunks, None)
        except BrokenInputError as error:
            self._error = error
            return False
        if chunk is None:
            return False
        if self._remembered is not None:
            self._remembered.append(chunk)
        self._ahead.append(chunk)
        self._ahead_size += len(chunk)
        return True


def until_broken(chunks: Iterable[bytes], journal: Journal) -> Iterator[bytes]:
    """Turn an error into a problem in the journal and the end of the stream: what came before it is delivered."""
    try:
        yield from chunks
    except BrokenInputError as error:
        journal.report(error.problem)
