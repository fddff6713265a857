"""What was read and what was not, and the exit code that follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from pipeline.errors import ExitCode

if TYPE_CHECKING:
    from pipeline.config import FailOn
    from pipeline.replay import ReadTotals, ReplayResult
    from pipeline.sources.files import InputFiles

_SEVERITIES = ("info", "warning", "critical")


def exit_code_of(result: ReplayResult, files: InputFiles, fail_on: FailOn) -> int:
    """0 clean, 1 something could not be read, 3 findings at or above `fail_on`, 128 + N after signal N."""
    if result.totals.interrupted_by is not None:
        return 128 + result.totals.interrupted_by
    if files.problems:
        return ExitCode.FAILED
    if fail_on.value not in _SEVERITIES:
        return ExitCode.CLEAN
    least = _SEVERITIES.index(fail_on.value)
    found = any(
        _SEVERITIES.index(incident.severity) >= least for incident in result.incidents if incident.status != "merged"
    )
    return ExitCode.FINDINGS if found else ExitCode.CLEAN


def print_diagnostics(files: InputFiles, totals: ReadTotals, stream: TextIO, *, is_brief: bool) -> None:
    """Problems and notes, one line each; the totals too where no table shows them."""
    for problem in files.problems:
        print(f"whystuck: {problem}", file=stream)
    for note in files.notes:
        print(f"whystuck: note: {note}", file=stream)
    if totals.interrupted_by is not None:
        print("whystuck: interrupted: this is what was found so far", file=stream)
    if not is_brief:
        for line in describe_totals(files, totals):
            print(f"whystuck: {line}", file=stream)


def describe_totals(files: InputFiles, totals: ReadTotals) -> list[str]:
    """How much was read, skipped and not understood, in sentences."""
    unparsed = sum(totals.unparsed.values())
    lines = [
        (
            f"read {totals.lines:,} lines of {_logs_of(totals)}: "
            f"{totals.candidates:,} could matter, {totals.records:,} of them were understood, {unparsed:,} were not"
        )
    ]
    if totals.object_files:
        files_word = "file" if totals.object_files == 1 else "files"
        lines.append(f"read {totals.objects:,} Kubernetes objects of {totals.object_files:,} {files_word}")
    elif totals.objects:
        lines.append(f"read {totals.objects:,} observations of Kubernetes objects")
    for reason, count in totals.unparsed.most_common():
        lines.append(f"not understood, {reason.replace('_', ' ')}: {count:,}")
    if files.skipped:
        shown = ", ".join(str(one) for one in files.skipped[:3])
        more = f" and {len(files.skipped) - 3} more" if len(files.skipped) > 3 else ""
        lines.append(f"left out: {shown}{more}")
    return lines


def _logs_of(totals: ReadTotals) -> str:
    """How many logs and recordings there were."""
    log_count = len(totals.sources) - totals.object_files - totals.recordings
    logs = f"{log_count:,} log{'s' if log_count != 1 else ''}"
    recordings = f"{totals.recordings:,} recording{'s' if totals.recordings != 1 else ''}"
    if not totals.recordings:
        return logs
    return f"{logs} and {recordings}" if log_count else recordings
