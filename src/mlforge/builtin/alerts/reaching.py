"""Connections to where a recipe says, and nowhere else: no recipe may make mlforge ask inside a network for it."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

from mlforge.errors import RecipeError, RunFailed

__all__ = ["allowed", "connected"]

_RESERVED = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "::/96")))  # for protocols, and for addresses that nobody has; Pythons differ about them
_EMBEDDED = ("64:ff9b::/96", "64:ff9b:1::/48")  # IPv4 behind a translator


def allowed(host: str, port: int, private: Iterable[str]) -> bool:
    """Does the project allow a host, whatever network it is in."""
    name = host.lower().rstrip(".")
    bracketed = f"[{name}]" if ":" in name else name
    return any(one.lower() in (name, bracketed, f"{bracketed}:{port}") for one in private)


def connected(host: str, port: int, private: Iterable[str], timeout: float) -> socket.socket:
    """A connection to the very address that was looked at: a name that is resolved a second time may answer otherwise.

    Raises RecipeError for a host whose name stands for an address that is not public, unless the project allows it; OSError when nobody answers.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise RunFailed(f"{host} is not known: {error}", hint="Correct the address, or the network.") from None
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    if not allowed(host, port, private):
        for address in addresses:
            if not _public(address):
                what = f"{host} is {address}, which is in a private network; alerts may go there only where the project says so"
                raise RecipeError(what, hint=f'Write hosts = ["{host}:{port}"] under [tool.mlforge] or in mlforge.toml, if it is meant.')
    failure: OSError | None = None
    for address in addresses:
        try:
            return socket.create_connection((address, port), timeout)
        except OSError as error:
            failure = error
    raise failure or OSError(f"{host} has no address")


def _public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and any(address in ipaddress.ip_network(net) for net in _EMBEDDED):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _public(str(inner))
    return address.is_global and not address.is_multicast and not any(address in net for net in _RESERVED if net.version == address.version)
