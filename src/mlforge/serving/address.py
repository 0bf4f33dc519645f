"""The listening socket."""

from __future__ import annotations

import socket

from mlforge.errors import RunFailed

__all__ = ["listen"]

_BACKLOG = 1024


def listen(host: str, port: int) -> tuple[socket.socket, str]:
    """A socket that listens, to be shared by workers; and its URL. Raises RunFailed when the address cannot be had."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except socket.gaierror as error:
        raise RunFailed(f"cannot listen at {host}: {error.strerror or error}", hint="Name another --host: an address of this machine.") from None
    except OSError as error:
        raise RunFailed(f"cannot listen at {host}:{port}: {error.strerror or error}", hint="Name another --port, or 0 for a free one.") from None
    listener.setblocking(False)
    listener.set_inheritable(False)
    shown = f"[{host}]" if ":" in host else host
    return listener, f"http://{shown}:{listener.getsockname()[1]}"
