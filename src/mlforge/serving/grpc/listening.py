"""The gRPC layer of one worker, on a port that all workers share."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlforge.errors import RunFailed

if TYPE_CHECKING:
    from mlforge.service.access import Tls
    from mlforge.serving.context import WorkerContext

__all__ = ["GrpcListening", "reserved"]


def reserved(host: str, port: int) -> socket.socket:
    """A socket that keeps a port for the workers, and never listens: each worker listens at the port itself, and the kernel shares connections among them.

    0 takes a free port. Raises RunFailed when another process has it.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as alone:  # one that shares would also share with another server
            alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            alone.bind(address)
            free = alone.getsockname()
        kept = socket.socket(family)
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        kept.bind(free)
    except OSError as error:
        raise RunFailed(
            f"cannot listen at {host} port {port} for gRPC: {error.strerror or error}", hint="Name another --grpc-port, or 0 for a free one."
        ) from None
    return kept


class GrpcListening:
    """Answers gRPC in this process's loop."""

    def __init__(self, server: Any, service: Any) -> None:
        self._server, self._service = server, service

    @classmethod
    async def start(cls, context: WorkerContext) -> GrpcListening:
        """Listen at the settings' port. Raises RunFailed when it cannot be had."""
        import grpc

        from mlforge.serving.access.guard import Guard
        from mlforge.serving.grpc.service import Service

        settings = context.settings
        limits = settings.limits
        options = [
            ("grpc.so_reuseport", 1),
            ("grpc.max_receive_message_length", limits.body),
            ("grpc.max_metadata_size", limits.header),
            ("grpc.max_concurrent_streams", limits.connections),
            ("grpc.compression_enabled_algorithms_bitset", 1),  # none: a small message may become a very large one
        ]
        server = grpc.aio.server(options=options, maximum_concurrent_rpcs=limits.connections)
        service = Service(context, Guard.of(settings.access))
        server.add_generic_rpc_handlers(service.handlers())
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        address = f"{host}:{settings.grpc_port}"
        try:
            if settings.access.tls is None:
                server.add_insecure_port(address)
            else:
                server.add_secure_port(address, _credentials(settings.access.tls))
        except RuntimeError:
            raise RunFailed(f"cannot listen at {address} for gRPC", hint="Name another --grpc-port, or 0 for a free one.") from None
        await server.start()
        return cls(server, service)

    async def stop(self, grace: float) -> None:
        """Let nobody in; what is under way is answered within so many seconds."""
        self._service.closing.set()
        await self._server.stop(grace)


def _credentials(tls: Tls) -> Any:
    import grpc

    pair = (Path(tls.key).read_bytes(), Path(tls.certificate).read_bytes())
    clients = None if tls.clients is None else Path(tls.clients).read_bytes()
    return grpc.ssl_server_credentials([pair], clients, require_client_auth=clients is not None)
