"""Whom a request counts for: names of token buckets, and how each of them fills again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address, ip_network

from contracts.city import FloodBy, FloodOf, Floods

NAME_BYTES = 16


@dataclass(frozen=True)
class Bucket:
    """`name` is a hash: neither an address nor a person is to be read from it."""

    name: bytes
    by: FloodBy
    burst: int
    every_s: float


def buckets(floods: Floods, of: FloodOf, counted: Mapping[FloodBy, str]) -> list[Bucket]:
    """The buckets to take from, everybody's among them; what has no number is not counted.

    `counted` is who it is by each measure; a bare IP address counts as its block.
    """
    found = []
    for by, flood in floods.buckets.get(of, {}).items():
        who = "" if by == "everybody" else counted.get(by)
        if who is None:
            continue
        if by == "address":
            who = block(who, floods)
        name = blake2b("\0".join((of, by, who)).encode(), digest_size=NAME_BYTES).digest()
        found.append(Bucket(name, by, flood.burst, flood.every_s))
    return found


def block(address: str, floods: Floods) -> str:
    """The network that an address belongs to; what is no address is a block of its own."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    prefix = floods.v4_prefix if ip.version == 4 else floods.v6_prefix
    return str(ip_network((ip, prefix), strict=False))
