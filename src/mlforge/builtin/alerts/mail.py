"""Alerts by e-mail."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Iterable
from email.message import EmailMessage
from email.utils import formatdate
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from mlforge.builtin.alerts.reaching import allowed, connected
from mlforge.builtin.alerts.variables import held
from mlforge.components import Alert, Notice, Variable
from mlforge.errors import RecipeError, RunFailed

__all__ = ["Mail"]


def _address(text: str) -> str:
    if not re.fullmatch(r"[^\s@<>,;\"]+@[^\s@<>,;\"]+", text):
        raise ValueError(f"{text[:60]!r} is no address; name@host was expected")
    return text


Address = Annotated[str, AfterValidator(_address)]


class Mail(Alert):
    """Sends alerts by e-mail, over TLS."""

    host: str = Field(min_length=1, description="the mail server")
    port: int = Field(default=587, ge=1, le=65535, description="its port: 587 for starttls, 465 for tls")
    tls: Literal["starttls", "tls", "none"] = Field(default="starttls", description="how it is encrypted; none is for hosts that the project lists under hosts")
    sender: Address = Field(description="who it is from")
    to: tuple[Address, ...] = Field(min_length=1, max_length=50, description="who it is for")
    user: str | None = Field(default=None, description="who logs in; nobody does where it is missing")
    password_env: Variable | None = Field(default=None, description="environment variable with the password; the project must allow it")
    timeout: float = Field(default=20.0, gt=0, le=60, description="seconds to wait for the server at each step")

    @model_validator(mode="after")
    def _login(self) -> Self:
        if (self.user is None) != (self.password_env is None):
            raise ValueError("give both user and password_env, or neither")
        if self.user is not None and self.tls == "none":
            raise ValueError("a password is not sent without TLS")
        return self

    def send(self, notice: Notice, private: Iterable[str]) -> None:
        """Send it once; the next look tries again."""
        hosts = tuple(private)
        if self.tls == "none" and not allowed(self.host, self.port, hosts):
            raise RecipeError(f"mail goes to {self.host} by TLS only", hint="tls: none is for hosts that the project lists under hosts.")
        context = ssl.create_default_context()
        try:
            with _Pinned(self.host, self.port, hosts, self.timeout, context if self.tls == "tls" else None) as server:
                if self.tls == "starttls":
                    server.starttls(context=context)
                if self.user is not None and self.password_env is not None:
                    server.login(self.user, held(self.password_env))
                server.send_message(self.message(notice))
        except (smtplib.SMTPException, OSError) as error:
            raise RunFailed(f"{self.host} did not take the mail: {str(error)[:200] or type(error).__name__}") from None

    def message(self, notice: Notice) -> EmailMessage:
        """The mail. The same news have the same identity."""
        mail = EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = notice.headline, self.sender, ", ".join(self.to)
        mail["Date"], mail["Message-ID"] = formatdate(), f"<{notice.key}@mlforge.{self.sender.partition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content("\n\n".join(notice.lines()) + "\n")
        return mail


class _Pinned(smtplib.SMTP):
    """A conversation with the address that was looked at."""

    def __init__(self, host: str, port: int, private: tuple[str, ...], timeout: float, wrapped: ssl.SSLContext | None) -> None:
        self._private = private
        self._wrapped = wrapped
        super().__init__(host, port, timeout=timeout)

    def _get_socket(self, host: str, port: int, timeout: Any) -> socket.socket:
        made = connected(host, port, self._private, timeout)
        return made if self._wrapped is None else self._wrapped.wrap_socket(made, server_hostname=host)
