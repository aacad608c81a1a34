"""Receivers that are slow, broken or hostile delay nobody (faults.md, F12)."""

from __future__ import annotations

import datetime
import ssl
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from contracts.cases import CaseAssigned
from services.notify.adapters.sending import Sender
from services.notify.domain.targets import Policy
from tests.integration.notify_set import (
    Notify,
    installation,
    loopback,
    opened,
    until,
)
from tests.integration.receivers import BAD, Receiver, receiver
from tests.integration.service_set import Environment
from tests.notify_facts import about, event

ROUNDS = 10
GOOD = 40
LOCAL = Policy(loopback=True)


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    path: Path = tmp_path_factory.mktemp("notify")
    with installation(path / "data") as told:
        yield told


@pytest.fixture
async def notify(env: Environment) -> AsyncIterator[Notify]:
    async with opened(env) as found:
        yield found


@pytest.fixture
async def there() -> AsyncIterator[Receiver]:
    async with receiver() as found:
        yield found


OUTCOMES = [
    ("good", 204, "delivered"),
    ("500", 500, "refused"),
    ("429", 429, "refused"),
    ("301", 301, "refused"),
    ("big", 200, "delivered"),
    ("reset", None, "error"),
    ("slow", None, "timeout"),
    ("trickle", None, "timeout"),
]


@pytest.mark.parametrize(("path", "status", "outcome"), OUTCOMES)
async def test_one_attempt(there: Receiver, path: str, status: int | None, outcome: str) -> None:
    sender = Sender(LOCAL, loopback, timeout_s=2)
    started = time.monotonic()
    sent = await sender.post(there.url(path), {"webhook-id": "x"}, b"{}")
    assert (sent.status, sent.outcome) == (status, outcome)
    assert time.monotonic() - started < 10
    assert sent.after_s == (1 if path == "429" else 0)
    assert [each.path for each in there.requests] == [f"/{path}"]
    await sender.close()


async def test_nobody_listens(there: Receiver) -> None:
    sender = Sender(LOCAL, loopback)
    sent = await sender.post("http://127.0.0.1:9/", {}, b"{}")
    assert (sent.status, sent.error) == (None, "ConnectError")
    await sender.close()


async def test_a_proxy_of_the_environment_is_not_used(
    there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    sender = Sender(LOCAL, loopback)
    assert (await sender.post(there.url("good"), {}, b"{}")).status == 204
    await sender.close()


async def test_good_receivers_are_not_delayed(notify: Notify, there: Receiver) -> None:
    """F12: 50 targets, 10 bad; two at once to each; payload equal for equal id."""
    for n in range(GOOD):
        await notify.webhook(there.url(f"good-{n}"))
    bad = [f"{BAD[n % len(BAD)]}-{n}" for n in range(10)]
    for path in bad:
        await notify.webhook(there.url(path))
    delays: list[float] = []
    async with notify.working():
        for n in range(1, ROUNDS + 1):
            started = time.monotonic()
            await notify.give(event(about(CaseAssigned)))

            async def all_good_have_it(n: int = n) -> bool:
                return sum(len(there.at(f"good-{m}")) for m in range(GOOD)) >= n * GOOD

            await until(all_good_have_it, 20)
            good = [each for each in there.requests if each.path.startswith("/good-")]
            delays += [each.at - started for each in good[-GOOD:]]
    p99 = statistics.quantiles(delays, n=100)[98]
    print(f"good receivers: p50 {statistics.median(delays):.3f} s, p99 {p99:.3f} s")
    # A bad one takes 5 s an attempt; were anybody behind it, this would show it.
    assert p99 < 5
    assert max(there.most_open[f"/{path}"] for path in bad) <= 2
    bodies: dict[str, set[bytes]] = {}
    for each in there.requests:
        bodies.setdefault(each.headers["webhook-id"], set()).add(each.body)
    assert all(len(found) == 1 for found in bodies.values())
    assert not there.at("good-secret"), "a redirect was followed"


async def test_retry_after_is_heeded(notify: Notify, there: Receiver) -> None:
    await notify.webhook(there.url("429"))
    async with notify.working():
        await notify.give(event(about(CaseAssigned)))

        async def tried_twice() -> bool:
            return len(there.requests) >= 2

        await until(tried_twice)
    assert there.requests[1].at - there.requests[0].at >= 0.95


async def test_tls_by_name_to_the_checked_address(tmp_path: Path) -> None:
    """The certificate is checked against the URL's name although an address is connected to."""
    trusted, serving = authority(tmp_path, "hooks.example.com")
    async with receiver(tls=serving) as there:
        sender = Sender(LOCAL, loopback, tls=trusted)
        good = await sender.post(f"https://hooks.example.com:{there.port}/good", {}, b"{}")
        wrong = await sender.post(f"https://other.example.com:{there.port}/good", {}, b"{}")
        bare = await sender.post(f"https://127.0.0.1:{there.port}/good", {}, b"{}")
        await sender.close()
    assert good.status == 204
    assert (wrong.status, bare.status) == (None, None)
    assert [each.headers["host"] for each in there.requests] == [f"hooks.example.com:{there.port}"]


def authority(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A certificate for that name that signs itself: who trusts it, who serves with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    (folder / "cert.pem").write_bytes(pem)
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    trusted = ssl.create_default_context(cadata=pem.decode())
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return trusted, serving
