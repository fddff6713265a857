"""A failure's text: what was attempted and why it failed give class, chain and names."""

from __future__ import annotations

import time

import pytest

from parsers.failures import MAX_SHOWN_CHARS, FailureFinder
from parsers.rules.loader import load_rules

RULES = load_rules()
FINDER = FailureFinder(RULES)

ADMISSION = (
    'Internal error occurred: failed calling webhook "check.guard.dev": failed to call webhook: '
    'Post "https://guard.guard.svc:443/check?timeout=10s": '
)
CONVERSION = (
    'conversion webhook for meshes.dev/v2, Kind=Route failed: Post "https://mesh.mesh.svc:443/convert?timeout=30s": '
)
API_SERVER = 'Patch "https://10.96.0.1:443/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/web/status": '
OTHER = 'Post "http://prom.obs:9090/api/v1/query": '
AGGREGATED = (
    "v1beta1.m.dev failed with: failing or missing response from https://10.9.8.7:443/apis/m.dev/v1beta1: "
    'Get "https://10.9.8.7:443/apis/m.dev/v1beta1": '
)

REFUSED = "dial tcp 10.9.8.7:443: connect: connection refused"
NO_HOST = "dial tcp: lookup guard.guard.svc on 10.96.0.10:53: no such host"
TIMEOUT = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
EXPIRED = (
    "tls: failed to verify certificate: x509: certificate has expired or is not yet valid: "
    "current time 2031-02-03T04:05:06Z is after 2031-01-01T00:00:00Z"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ADMISSION + REFUSED, ("webhook.admission_unreachable", ("network.refused",))),
        (CONVERSION + REFUSED, ("webhook.conversion_unreachable", ("network.refused",))),
        (API_SERVER + REFUSED, ("apiserver.unreachable", ("network.refused",))),
        (OTHER + REFUSED, ("network.refused", ())),
        (
            ADMISSION.partition('Post "')[0] + "Unauthorized",
            ("webhook.admission_unreachable", ("apiserver.unauthorized",)),
        ),
        (
            CONVERSION.partition('Post "')[0] + "Unauthorized",
            ("webhook.conversion_failed", ("apiserver.unauthorized",)),
        ),
        (API_SERVER + "Unauthorized", ("apiserver.unauthorized", ())),
        (AGGREGATED + REFUSED, ("network.refused", ("apiserver.unreachable",))),
        (ADMISSION + NO_HOST, ("webhook.admission_unreachable", ("network.dns",))),
        (ADMISSION + TIMEOUT, ("webhook.timeout", ("webhook.admission_unreachable", "network.timeout"))),
        (CONVERSION + TIMEOUT, ("webhook.timeout", ("webhook.conversion_unreachable", "network.timeout"))),
        (API_SERVER + TIMEOUT, ("apiserver.overloaded", ("network.timeout", "apiserver.unreachable"))),
        (OTHER + TIMEOUT, ("network.timeout", ())),
        (ADMISSION + EXPIRED, ("tls.expired", ())),
        (CONVERSION + EXPIRED, ("tls.expired", ("webhook.conversion_unreachable",))),
        (CONVERSION + "EOF", ("webhook.conversion_unreachable", ("tls.handshake_eof",))),
        (ADMISSION + "something nobody has seen", ("webhook.admission_unreachable", ())),
        (CONVERSION + "something nobody has seen", ("webhook.conversion_unreachable", ())),
        (
            "conversion webhook for meshes.dev/v2, Kind=Route failed: couldn't get version/kind; json parse error: no",
            ("webhook.conversion_failed", ()),
        ),
    ],
)
def test_class_is_cause_and_attempt(text: str, expected: tuple[str, tuple[str, ...]]) -> None:
    """The same error means something else below another wrapper."""
    failure = FINDER.find(text)

    assert failure is not None
    assert expected == (failure.failure_class, failure.also)


def test_chain_runs_from_wrapper_to_cause() -> None:
    """Links are the wrappers' texts, the last one is the cause's."""
    failure = FINDER.find("roCtx.reconcile err " + CONVERSION + EXPIRED)

    assert failure is not None
    assert failure.chain[0] == "roCtx.reconcile err"
    assert failure.chain[-1] == EXPIRED.partition("certificate: ")[2]


def test_first_tls_error_of_an_aggregate_keeps_its_own_host() -> None:
    """Context is taken from the wrappers before the cause, the nearest first."""
    failure = FINDER.find(
        "unable to collect: [Get https://10.1.1.1:10250/stats: x509: cannot validate certificate for 10.1.1.1 because"
        " it doesn't contain any IP SANs, "
        "Get https://10.1.1.2:10250/stats: x509: certificate signed by unknown authority]"
    )

    assert failure is not None
    assert ("tls.name_mismatch", "10.1.1.1:10250") == (failure.failure_class, failure.service)


@pytest.mark.parametrize("forged", [EXPIRED, REFUSED, "panic: x", 'rollouts.argoproj.io "a" not found'])
@pytest.mark.parametrize("separator", [" ", "\n", "\\n"])
def test_text_behind_a_denial_is_data(forged: str, separator: str) -> None:
    """A webhook's own words, which may repeat a tenant's, name no cause."""
    failure = FINDER.find(f'admission webhook "check.guard.dev" denied the request:{separator}{forged}')

    assert failure is not None
    assert ("webhook.admission_denied", "check.guard.dev") == (failure.failure_class, failure.webhook)
    assert forged in failure.text


@pytest.mark.parametrize(
    "value",
    [
        '"x509: certificate signed by unknown authority"',
        r'"\": x509: certificate signed by unknown authority"',
        r'"a\\"',
        'map[string]string{"a":"x509: certificate signed by unknown authority"}',
        r'map[string]string{"a":"\" }: x509: certificate signed by unknown authority"}',
    ],
)
def test_refused_value_is_data(value: str) -> None:
    """The value that a tenant wrote into a field names no cause, however it is quoted."""
    failure = FINDER.find(f'The Rollout "web" is invalid: spec.selector: Invalid value: {value}: field is immutable')

    assert failure is not None
    assert failure.failure_class == "field_immutable"


def test_folded_and_escaped_text_is_the_same_failure() -> None:
    """Line feeds, indentation, trailing backslashes and one more layer of quotes change nothing."""
    plain = FINDER.find(ADMISSION + EXPIRED)
    folded = FINDER.find((ADMISSION + EXPIRED).replace(": ", ": \\\n    "))
    escaped = FINDER.find((ADMISSION + EXPIRED).replace('"', '\\"'))

    assert plain is not None
    assert folded is not None
    assert plain == escaped
    assert (plain.failure_class, plain.webhook, plain.service) == (folded.failure_class, folded.webhook, folded.service)


@pytest.mark.parametrize("tail", ["", ".", ": see above", ", retrying", '"}'])
def test_sign_behind_a_time_is_no_part_of_it(tail: str) -> None:
    """Wrappers may end in anything."""
    certificate = FINDER.find(f"{CONVERSION}{EXPIRED}{tail}").certificate
    assert ("2031-01-01T00:00:00Z", "2031-02-03T04:05:06Z") == (certificate.not_after, certificate.clock)


@pytest.mark.parametrize("sign", [r"\u0022", r"\\u0022", r"\\\\u0022"])
def test_quotes_escaped_for_html_are_quotes(sign: str) -> None:
    """As .NET and some JSON encoders write them, at any depth."""
    assert "check.guard.dev" == FINDER.find((ADMISSION + REFUSED).replace('"', sign)).webhook


@pytest.mark.parametrize(
    ("kept", "webhook", "service"),
    [
        ('failed calling webhook "check.gu', None, None),
        ('failed calling webhook "check.guard.dev"', "check.guard.dev", None),
        ("https://guard.gua", "check.guard.dev", None),
        ("https://guard.guard.svc:443/che", "check.guard.dev", "guard.guard.svc:443"),
    ],
)
def test_name_that_was_cut_is_no_name(kept: str, webhook: str | None, service: str | None) -> None:
    """What is left of it may be the name of somebody else."""
    found = FINDER.find(ADMISSION[: ADMISSION.index(kept) + len(kept)] if kept in ADMISSION else "")
    assert (webhook, service) == (found.webhook, found.service)


def test_clock_of_a_repeated_message_is_its_own() -> None:
    """What is remembered is the message, not the time at which it was read first."""
    first = FINDER.find(CONVERSION + EXPIRED)
    second = FINDER.find(CONVERSION + EXPIRED.replace("04:05:06", "04:05:16"))

    assert first is not None
    assert second is not None
    assert second.certificate is not None
    assert second.certificate.clock == "2031-02-03T04:05:16Z"
    assert "04:05:06" not in "".join((second.text, *second.chain))
    assert FailureFinder(RULES).find(CONVERSION + EXPIRED.replace("04:05:06", "04:05:16")) == second


def test_long_text_keeps_head_and_tail() -> None:
    """Neither the wrapper nor the cause is lost where the middle is cut."""
    failure = FINDER.find(f"{ADMISSION}{'pod-1, ' * 30_000}{REFUSED}")

    assert failure is not None
    assert failure.failure_class == "webhook.admission_unreachable"
    assert len(failure.text) <= MAX_SHOWN_CHARS
    assert failure.text.endswith(REFUSED)


def test_location_of_a_panic_is_the_function_below_the_panic() -> None:
    """Frames of the runtime and of the recovery do not count."""
    failure = FINDER.find(
        "Recovered from panic: runtime error: invalid memory address or nil pointer dereference\n"
        "goroutine 7 [running]:\nruntime/debug.Stack(0xc000)\n\truntime/debug/stack.go:24 +0x9d\n"
        "example.dev/ops/controller.processNextWorkItem.func1.1(0xc0)\n\tcontroller.go:90\n"
        "panic(0x1, 0x2)\n\truntime/panic.go:969\n"
        "example.dev/ops/rollout.(*context).pauseStable(0xc0, 0x1)\n\tpause.go:7\n"
    )

    assert failure is not None
    assert ("panic", "pauseStable") == (failure.failure_class, failure.location)


@pytest.mark.parametrize(
    "piece",
    [
        "\\",
        '\\"',
        '"',
        "lookup a",
        "a.a.a.",
        "x509: certificate is valid for a, ",
        'Invalid value: "',
        "{",
        "https://a",
        "\n ",
    ],
)
def test_hostile_text_takes_time_of_its_length(piece: str) -> None:
    """64 KiB of what patterns begin with are read in far less than a second of a processor: none is quadratic."""
    text = (" ".join(literal.decode() for literal in RULES.literals) + piece * (65_536 // len(piece)))[:65_536]
    FINDER.find(text[:4_096])  # compiles the patterns
    started = time.thread_time()
    FINDER.find(text)

    assert time.thread_time() - started < 5


@pytest.mark.parametrize(
    ("text", "links"),
    [
        (
            'admission webhook "check.guard.dev" denied the request: [owner] you must provide labels: {"owner"}',
            ['admission webhook "check.guard.dev" denied the request', '[owner] you must provide labels: {"owner"}'],
        ),
        (
            'admission webhook "check.guard.dev" denied the request: tls: x509: certificate has expired',
            ['admission webhook "check.guard.dev" denied the request', "tls: x509: certificate has expired"],
        ),
        (
            'failed calling webhook "check.guard.dev": failed to call webhook: Post "https://guard.svc/check": EOF',
            [
                'failed calling webhook "check.guard.dev"',
                "failed to call webhook",
                'Post "https://guard.svc/check"',
                "EOF",
            ],
        ),
    ],
    ids=["a reason", "a reason that looks like another cause", "quotes are closed"],
)
def test_links_are_as_they_stand_in_the_message(text: str, links: list[str]) -> None:
    """The reason of a denial is the last link, and decides nothing."""
    failure = FailureFinder(load_rules()).find(text)
    assert failure is not None
    assert links == list(failure.chain)
    assert failure.failure_class.startswith("webhook.admission")


LIST = "Failed to list meshes.dev/v1, Resource=routes: "


@pytest.mark.parametrize(
    ("text", "api_group"),
    [
        (LIST + 'Get "https://10.96.0.1:443/apis/meshes.dev/v1/routes": ' + REFUSED, None),
        (LIST + 'Get "https://10.96.0.1:443/apis/meshes.dev/v1/routes": ' + EXPIRED, None),
        (LIST + "Unauthorized", None),
        (LIST + "etcdserver: leader changed", None),
        (LIST + "the server is currently unable to handle the request", "meshes.dev/v1"),
        (LIST + "the server could not find the requested resource", "meshes.dev/v1"),
        (AGGREGATED + REFUSED, "m.dev/v1beta1"),
    ],
)
def test_api_is_named_where_it_is_the_api_that_fails(text: str, api_group: str | None) -> None:
    """An API server that is away is away for all of its APIs."""
    failure = FINDER.find(text)
    assert failure is not None
    assert api_group == failure.api_group
