"""Where webhooks may not go (faults.md, section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

import pytest

from services.notify.adapters.sending import Sender, SystemResolver, resolve
from services.notify.domain.targets import Address, Policy, RefusedTarget, is_public, parse
from services.notify.settings import Settings

STRICT = Policy()
LOCAL = Policy(loopback=True)
PUBLIC = "93.184.216.34"

REFUSED = [
    ("http://example.com/", "only https"),
    ("gopher://example.com/", "only https"),
    ("file:///etc/passwd", "only https"),
    ("ftp://example.com/", "only https"),
    ("//example.com/", "only https"),
    ("example.com", "only https"),
    ("https://", "not a host name"),
    ("https:///x", "not a host name"),
    ("https://user@example.com/", "no user name"),
    ("https://user:pw@example.com/", "no user name"),
    ("https://example.com@127.0.0.1/", "no user name"),
    ("https://example.com:8443/", "port 8443"),
    ("https://example.com:80/", "port 80"),
    ("https://example.com:99999/", "not a URL"),
    ("https://example.com/#x", "no fragment"),
    ("https://example.com/ x", "a blank"),
    ("https://exa\tmple.com/", "a blank"),
    ("https://example.com/\r\nHost: x", "a blank"),
    ("https://example.com\\@127.0.0.1/", "a backslash"),
    ("https://example.com/" + "x" * 2000, "too long"),
    ("https://[::1%25eth0]/", "not a host name"),
    ("https://[::1", "not a URL"),
    ("https://-a.example/", "not a host name"),
    ("https://a..b/", "not a host name"),
    # Numbers in every dress that a resolver understands.
    ("https://2130706433/", "not a host name"),
    ("https://0x7f000001/", "not a host name"),
    ("https://0x7f.1/", "not a host name"),
    ("https://0177.0.0.1/", "not a host name"),
    ("https://127.1/", "not a host name"),
    ("https://127.0.0.1.0x1/", "not a host name"),
    ("https://１２７.0.0.1/", "not a public one"),
    ("https://127.0.0.1/", "not a public one"),
    ("https://127.0.0.1./", "not a public one"),
    ("https://0.0.0.0/", "not a public one"),
    ("https://10.1.2.3/", "not a public one"),
    ("https://172.16.0.1/", "not a public one"),
    ("https://192.168.0.1/", "not a public one"),
    ("https://100.64.0.1/", "not a public one"),
    ("https://169.254.169.254/latest/meta-data/", "not a public one"),
    ("https://192.0.2.1/", "not a public one"),
    ("https://198.18.0.1/", "not a public one"),
    ("https://224.0.0.1/", "not a public one"),
    ("https://255.255.255.255/", "not a public one"),
    ("https://[::1]/", "not a public one"),
    ("https://[::]/", "not a public one"),
    ("https://[::127.0.0.1]/", "not a public one"),
    ("https://[::ffff:127.0.0.1]/", "not a public one"),
    ("https://[::ffff:a9fe:a9fe]/", "not a public one"),
    ("https://[64:ff9b::7f00:1]/", "not a public one"),
    ("https://[64:ff9b:1::1]/", "not a public one"),
    ("https://[2002:7f00:1::]/", "not a public one"),
    ("https://[2002:a9fe:a9fe::]/", "not a public one"),
    ("https://[2001:0:7f00:1::]/", "not a public one"),
    ("https://[fe80::1]/", "not a public one"),
    ("https://[fc00::1]/", "not a public one"),
    ("https://[ff02::1]/", "not a public one"),
    ("https://[2001:db8::1]/", "not a public one"),
]


@pytest.mark.parametrize(("url", "reason"), REFUSED)
def test_refused_with_a_reason(url: str, reason: str) -> None:
    with pytest.raises(RefusedTarget, match=reason) as caught:
        parse(url, STRICT)
    assert caught.value.zh


@pytest.mark.parametrize(
    "address", [PUBLIC, "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8", "2002:808:808::1"]
)
def test_public_addresses(address: str) -> None:
    assert is_public(ip_address(address))


def test_a_good_target() -> None:
    found = parse("https://Hooks.Example.com./in?x=1", STRICT)
    assert (found.host, found.port, found.path) == ("hooks.example.com", 443, "/in?x=1")
    assert found.authority == "hooks.example.com"
    other = parse("https://hooks.example.com:8443", Policy(ports=frozenset({443, 8443})))
    assert (other.authority, other.path) == ("hooks.example.com:8443", "/")
    assert parse("https://井盖.example/", STRICT).host == "xn--elq449g.example"


def names(**known: str) -> object:
    async def resolver(host: str, port: int) -> Sequence[Address]:
        return [ip_address(each) for each in known.get(host.replace(".", "_"), "").split()]

    return resolver


@pytest.mark.parametrize("host", ["localhost", "localhost.", "LOCALHOST", "a.localhost"])
async def test_names_of_this_machine(host: str) -> None:
    resolver = SystemResolver()
    with pytest.raises(RefusedTarget):
        await resolve(f"https://{host}/", STRICT, resolver)
    resolver.close()


@pytest.mark.parametrize(
    ("addresses", "reason"),
    [
        ("127.0.0.1", "not a public one"),
        (f"{PUBLIC} 127.0.0.1", "not a public one"),
        (f"{PUBLIC} ::ffff:10.0.0.1", "not a public one"),
        ("", "has no address"),
    ],
)
async def test_every_address_of_a_name_must_be_public(addresses: str, reason: str) -> None:
    with pytest.raises(RefusedTarget, match=reason):
        await resolve("https://a.b/", STRICT, names(a_b=addresses))  # type: ignore[arg-type]


async def test_the_checked_address_is_the_one_to_connect_to() -> None:
    resolver = names(a_b=f"{PUBLIC} 8.8.8.8")
    _, address = await resolve("https://a.b/", STRICT, resolver)  # type: ignore[arg-type]
    assert str(address) == PUBLIC


async def test_a_name_that_turns_to_this_machine_is_refused_when_it_is_sent() -> None:
    """DNS rebinding: public when the webhook was made, 127.0.0.1 at the send."""
    answers = [PUBLIC, "127.0.0.1"]

    async def resolver(host: str, port: int) -> Sequence[Address]:
        return [ip_address(answers.pop(0))]

    await resolve("https://rebinding.example/", STRICT, resolver)
    sender = Sender(STRICT, resolver)
    sent = await sender.post("https://rebinding.example/", {}, b"{}")
    await sender.close()
    assert (sent.outcome, sent.status) == ("refused", None)
    assert sent.error == "refused: address 127.0.0.1 is not a public one"


async def test_local_mode_reaches_this_machine_and_nothing_private() -> None:
    assert parse("http://127.0.0.1:9999/x", LOCAL).authority == "127.0.0.1:9999"
    resolver = names(a_b="127.0.0.1", c_d=PUBLIC, e_f="10.0.0.1")
    await resolve("http://a.b:81/", LOCAL, resolver)  # type: ignore[arg-type]
    for url in ("http://c.d/", "https://c.d:81/", "http://e.f/", "http://169.254.169.254/"):
        with pytest.raises(RefusedTarget):
            await resolve(url, LOCAL, resolver)  # type: ignore[arg-type]


def test_local_mode_is_asked_for_and_never_in_production() -> None:
    env = {
        "YIZHAN_KAFKA": "x",
        "YIZHAN_CITY": "xian",
        "YIZHAN_NOTIFY_DATABASE_URL": "x",
        "YIZHAN_NOTIFY_WEBHOOK_LOOPBACK": "1",
    }
    with pytest.raises(ValueError, match="YIZHAN_MODE=local only"):
        Settings.of(env)
    assert Settings.of(env | {"YIZHAN_MODE": "local"}).policy().loopback
    with pytest.raises(ValueError, match="WEBHOOK_PORTS"):
        Settings.of(env | {"YIZHAN_MODE": "local", "YIZHAN_NOTIFY_WEBHOOK_PORTS": "https"})
