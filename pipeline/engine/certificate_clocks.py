"""What a message and its clocks alone say about a certificate; an end is told from a clock that is wrong."""

from __future__ import annotations

from datetime import datetime, timedelta

from parsers.timestamps import parse_rfc3339
from pipeline.engine.certificate_scene import CertificateScene, shown
from pipeline.engine.incidents import CertificateFinding, FindingName

_BY_CLASS: dict[str, FindingName] = {
    "tls.expired": "expired",
    "tls.not_yet_valid": "not_yet_valid",
    "tls.name_mismatch": "wrong_name",
    "tls.no_san": "no_san",
}


def judge_message(scene: CertificateScene, skew_seconds: float) -> tuple[CertificateFinding, ...]:
    """The findings, the decisive one first.

    Where the verifier's clock is `skew_seconds` or more from the record's time, and the certificate is valid by the
    latter, the clock is the fault and not the certificate.
    """
    finding = _BY_CLASS.get(scene.failure.failure_class)
    if finding is None:
        return ()
    own = CertificateFinding(finding, _in_words(scene, finding))
    skew = _skew_of(scene, skew_seconds) if finding in ("expired", "not_yet_valid") else None
    if skew is None:
        return (own,)
    return (skew,) if _is_valid_at(scene, _written_at(scene)) else (own, skew)


def _written_at(scene: CertificateScene) -> datetime | None:
    """The time of the record that holds the clock."""
    clock = parse_rfc3339(scene.facts.clock or "")
    ahead = scene.facts.clock_ahead_seconds
    return clock - timedelta(seconds=ahead) if clock is not None and ahead is not None else None


def _is_valid_at(scene: CertificateScene, at: datetime | None) -> bool:
    """Whether the end or beginning in the message speaks for the certificate at a time."""
    if at is None:
        return False
    if scene.failure.failure_class == "tls.expired":
        return scene.not_after is not None and at <= scene.not_after
    return scene.not_before is not None and at >= scene.not_before


def _skew_of(scene: CertificateScene, skew_seconds: float) -> CertificateFinding | None:
    ahead, written_at = scene.facts.clock_ahead_seconds, _written_at(scene)
    if ahead is None or written_at is None or abs(ahead) < skew_seconds:
        return None
    direction = "ahead of" if ahead > 0 else "behind"
    verdict = "is valid" if _is_valid_at(scene, written_at) else "is not valid either"
    return CertificateFinding(
        "clock_skew",
        f"the clock of the verifier said {shown(scene.verified_at)}, {duration(abs(ahead))} {direction} the record's "
        f"time {shown(written_at)}; by that time the certificate {verdict}",
    )


def _in_words(scene: CertificateScene, finding: FindingName) -> str:
    facts = scene.facts
    match finding:
        case "expired":
            return _end_in_words(scene)
        case "not_yet_valid":
            begin = f"it begins at {shown(scene.not_before)}" if scene.not_before is not None else "it begins later"
            if facts.clock_ahead_seconds is None:
                return (
                    f"{begin}; whether the verifier's clock is right cannot be told, the record has no time with a zone"
                )
            return f"{begin}, and the verifier's clock agrees with the record's time"
        case "no_san":
            return "it has a common name only, no subject alternative name"
        case _:
            names = ", ".join(facts.valid_names[:5]) or "no name that is known"
            return f"it is for {names}, not for {facts.wanted_name or 'the name that was called'}"


def _end_in_words(scene: CertificateScene) -> str:
    end = scene.not_after
    if end is None:
        return (
            f"it ended at {scene.facts.not_after}" if scene.facts.not_after else "it has ended; the text gives no times"
        )
    age = (scene.onset_at - end).total_seconds()
    before = f", {duration(age)} before the trouble began" if age >= 0 else ""
    return f"it ended at {shown(end)}{before}"


def duration(seconds: float) -> str:
    """How long, for people."""
    minutes = round(seconds / 60)
    if seconds < 120:
        return f"{round(seconds)} s"
    if minutes < 120:
        return f"{minutes} min"
    hours = round(seconds / 3600)
    return f"{hours} h" if hours < 48 else f"{round(seconds / 86_400)} d"
