"""Who may ask a server, and for what."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mlforge.components import InputPath

__all__ = ["SCOPES", "Access", "Scope", "Tls"]

Scope = Literal["open", "metrics", "predict", "feedback", "admin"]
"""What a route asks of a key: nothing, or one of its scopes."""

SCOPES: tuple[str, ...] = ("predict", "feedback", "metrics", "admin")
"""The scopes that a key can have."""


class Tls(BaseModel):
    """The server's certificate and key, as PEM files."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    certificate: InputPath = Field(description="the certificate, with those that lead to its issuer, as PEM")
    key: InputPath = Field(description="its private key, without a password, as PEM")
    clients: InputPath | None = Field(default=None, description="certificates of issuers, as PEM: only clients with a certificate by one of them get in")


class Access(BaseModel):
    """Keys, TLS, and what is open to everybody."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    keys: InputPath | None = Field(default=None, description="file of keys (mlforge keys new); without one, whoever reaches the server may ask it")
    tls: Tls | None = Field(default=None, description="encrypt connections; without it they are plain HTTP")
    open_metrics: bool = Field(default=True, description="are the figures at /metrics for everybody; else for keys with the scope metrics")
    admin: bool = Field(default=False, description="are there routes by which a key with the scope admin may change what is served")
    insecure: bool = Field(default=False, description="listen beyond this machine though connections are plain, or nobody needs a key")

    @model_validator(mode="after")
    def _admin_needs_keys(self) -> Self:
        if self.admin and self.keys is None:
            raise ValueError("admin routes need a file of keys: without one, everybody could change what is served")
        return self
