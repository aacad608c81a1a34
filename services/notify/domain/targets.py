"""Where a webhook may go: https, a name of the public internet, public addresses only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address

MOST_CHARS = 2000
NAT64 = IPv6Network("64:ff9b::/96")
NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
TEREDO = IPv6Network("2001::/32")
LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
LAST_IS_A_NUMBER = re.compile(r"([0-9]+|0x[0-9a-f]*)")


class RefusedTarget(ValueError):
    """The reason why nothing is sent there, in both languages."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en


@dataclass(frozen=True)
class Policy:
    """`ports` beside the scheme's rules; `loopback`: also http and 127.0.0.1, for development."""

    ports: frozenset[int] = frozenset({443})
    loopback: bool = False


@dataclass(frozen=True)
class Target:
    """A URL in parts; `host` is a lower-case ASCII name or a literal address, no brackets."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def literal(self) -> Address | None:
        """The address when the host is one."""
        try:
            return ip_address(self.host)
        except ValueError:
            return None

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = 443 if self.scheme == "https" else 80
        return host if self.port == default else f"{host}:{self.port}"


def parse(url: str, policy: Policy) -> Target:
    """The target. Raises RefusedTarget; addresses of a name are checked by `check_addresses`."""
    if len(url) > MOST_CHARS or any(ord(char) <= 0x20 or ord(char) == 0x7F for char in url):
        raise RefusedTarget("网址过长或含有空白字符", "too long, or a blank in it")
    if "\\" in url:
        raise RefusedTarget("网址含有反斜杠", "a backslash in it")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise RefusedTarget("不是有效的网址", "not a URL") from error
    if parts.scheme not in ("https", "http") or (parts.scheme == "http" and not policy.loopback):
        raise RefusedTarget("只接受 https", "only https is taken")
    if "@" in parts.netloc:
        raise RefusedTarget("网址不得含用户名或密码", "no user name or password in it")
    if parts.fragment:
        raise RefusedTarget("网址不得含片段", "no fragment in it")
    host = _host(parts.hostname or "")
    number = port if port is not None else (443 if parts.scheme == "https" else 80)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii():
        raise RefusedTarget("路径须为 ASCII（百分号编码）", "percent-encode the path")
    target = Target(parts.scheme, host, number, path)
    if number not in policy.ports and not policy.loopback:
        raise RefusedTarget(f"不允许端口 {number}", f"port {number} is not allowed")
    if target.literal is not None:
        check_addresses(target, [target.literal], policy)
    return target


def check_addresses(target: Target, addresses: Sequence[Address], policy: Policy) -> None:
    """Raises RefusedTarget unless every address may be connected to."""
    if not addresses:
        raise RefusedTarget("域名没有地址", "the name has no address")
    for address in addresses:
        if policy.loopback and _unwrapped(address).is_loopback:
            continue
        if not is_public(address):
            raise RefusedTarget(
                f"地址 {address} 不是公网地址", f"address {address} is not a public one"
            )
        if target.scheme != "https" or target.port not in policy.ports:
            raise RefusedTarget(
                "公网地址只接受 https 及允许的端口",
                "a public address is reached by https and an allowed port only",
            )


def is_public(address: Address) -> bool:
    """Global unicast, also behind the forms of IPv6 that carry an IPv4 address."""
    plain = _unwrapped(address)
    if isinstance(address, IPv6Address) and (address in TEREDO or address in NAT64_LOCAL):
        return False
    return plain.is_global and not (
        plain.is_multicast or plain.is_reserved or plain.is_unspecified or plain.is_loopback
    )


def _unwrapped(address: Address) -> Address:
    """The IPv4 address inside a mapped, 6to4 or NAT64 one; else the address."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _host(text: str) -> str:
    bad = RefusedTarget("主机名无效", "not a host name")
    if not text or "%" in text:
        raise bad
    if ":" in text:
        try:
            return str(IPv6Address(text))
        except ValueError as error:
            raise bad from error
    try:
        name = text.encode("idna").decode().lower()
    except UnicodeError as error:
        raise bad from error
    name = name.removesuffix(".")
    labels = name.split(".")
    if len(name) > 253 or not all(LABEL.fullmatch(label) for label in labels):
        raise bad
    if LAST_IS_A_NUMBER.fullmatch(labels[-1]):
        # Resolvers read 2130706433, 0x7f.1 and 0177.0.0.1 as addresses: only dotted quads pass.
        try:
            return str(IPv4Address(name))
        except ValueError as error:
            raise bad from error
    return name
