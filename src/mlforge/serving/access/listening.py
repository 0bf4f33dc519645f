"""Where a server may listen, and how its connections are held."""

from __future__ import annotations

import ipaddress
import ssl
from pathlib import Path
from typing import Any

from mlforge.errors import RecipeError
from mlforge.service.access import Access, Tls
from mlforge.service.limits import Limits

__all__ = ["granian_options", "listening_allowed", "loopback"]

_OUT_OF_TIME = (9, 10)  # OpenSSL: not yet valid, expired


def loopback(host: str) -> bool:
    """Is that address one that only this machine reaches."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def listening_allowed(host: str, access: Access) -> None:
    """Raises RecipeError when other machines could reach a server that nobody needs a key for, or read what is sent to it."""
    if access.insecure or loopback(host):
        return
    lacking = [what for what, there in (("connections would be plain (no TLS)", access.tls), ("nobody would need a key", access.keys)) if not there]
    if lacking:
        raise RecipeError(
            f"serve.host {host}: other machines would reach this server, and {' and '.join(lacking)}",
            hint="Give it --tls-certificate and --tls-key, and --keys; or say --insecure where something in front of it does both.",
        )


def granian_options(access: Access, limits: Limits) -> dict[str, Any]:
    """What granian is told about connections. Raises RecipeError for a certificate or key that cannot be used."""
    from granian.constants import HTTPModes
    from granian.http import HTTP1Settings

    seconds = max(1, int(limits.header_seconds * 1000))
    options: dict[str, Any] = {
        "http": HTTPModes.http1,  # nothing that is asked here needs HTTP/2, whose streams and tables would need bounds of their own
        "websockets": False,
        "backpressure": limits.connections,
        "backlog": 1024,
        "http1_settings": HTTP1Settings(header_read_timeout=seconds, max_buffer_size=limits.header),
    }
    return options | (_tls(access.tls) if access.tls else {})


def _tls(tls: Tls) -> dict[str, Any]:
    from granian.constants import SSLProtocols

    _usable(tls)
    options: dict[str, Any] = {"ssl_cert": Path(tls.certificate), "ssl_key": Path(tls.key), "ssl_protocol_min": SSLProtocols.tls12}
    return options | ({"ssl_ca": Path(tls.clients), "ssl_client_verify": True} if tls.clients else {})


def _usable(tls: Tls) -> None:
    """The workers would die of files that are none: looked at before there is any."""
    for field, path in (("certificate", tls.certificate), ("key", tls.key), ("clients", tls.clients)):
        try:
            if path is not None:
                Path(path).read_bytes()
        except OSError as error:
            raise RecipeError(f"serve.access.tls.{field}: {path}: {error.strerror}", hint="Name a PEM file that the server may read.") from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(tls.certificate, tls.key, password=lambda: b"")  # without one, OpenSSL would ask the terminal
    except (ssl.SSLError, ValueError) as error:
        told = getattr(error, "reason", None) or str(error)
        raise RecipeError(
            f"serve.access.tls: {tls.certificate} and {tls.key} do not go together: {told}", hint="Both are PEM files, and the key has no password."
        ) from None
    if (why := _out_of_time(context, tls.certificate)) is not None:
        raise RecipeError(f"serve.access.tls.certificate: {tls.certificate}: {why}", hint="No client would trust it: name one that is valid today.")
    if tls.clients is not None:
        try:
            context.load_verify_locations(tls.clients)
        except ssl.SSLError as error:
            raise RecipeError(f"serve.access.tls.clients: {tls.clients} has no certificate: {error.reason}", hint="Name a PEM file of certificates.") from None


def _out_of_time(server: ssl.SSLContext, certificate: str) -> str | None:
    """Why a certificate is not valid today; None when it is. A client that trusts this very certificate shakes hands with the server, in memory."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.load_verify_locations(certificate)
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # whoever issued it is not at hand
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = client.wrap_bio(to_client, to_server), server.wrap_bio(to_server, to_client, server_side=True)
    for side in sides * 2:
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError as error:
            return error.verify_message if error.verify_code in _OUT_OF_TIME else None
        except ssl.SSLError:  # whatever else is odd about it is the clients' to judge
            return None
    return None
