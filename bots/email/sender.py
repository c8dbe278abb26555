"""Sends account mail through an SMTP server."""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Self

from core.settings import MailServer

IMPLICIT_TLS_PORT = 465
# Of each of the server's answers. Whoever asked for the mail waits for it, and holds one of the server's threads.
PATIENCE_SECONDS = 5.0
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")


class NoEncryption(smtplib.SMTPException):
    """The server wants a password and offers no encryption to send it under."""


class MailSender:
    """Sends from one address through one server, on a connection for each mail; for any number of threads.

    user, password: for a server that wants a log-in; None for one that does not.
    timeout: seconds that each of the server's answers may take.
    """

    def __init__(
        self, host: str, port: int, sender: str, *, user: str | None, password: str | None, timeout: float = 10.0
    ) -> None:
        self._host = host
        self._port = port
        self._sender = sender
        self._user = user
        self._password = password
        self._timeout = timeout
        self._tls = ssl.create_default_context()
        if host in LOOPBACK_HOSTS:
            # Nobody is in between, and a mail server's certificate never names the loopback.
            self._tls.check_hostname = False
            self._tls.verify_mode = ssl.CERT_NONE

    @classmethod
    def through(cls, server: MailServer) -> Self:
        """A sender through the operator's server, for mail that somebody waits for."""
        return cls(
            server.host,
            server.port,
            server.sender,
            user=server.user,
            password=server.password,
            timeout=PATIENCE_SECONDS,
        )

    def send(self, to: str, subject: str, text: str) -> None:
        """Hand one mail to the server; encrypted where the server offers it, and always on port 465.

        Raises OSError (smtplib's errors are) when the server can't be reached or does not take it.
        """
        mail = EmailMessage()
        mail["From"] = self._sender
        mail["To"] = to
        mail["Subject"] = subject
        mail["Date"] = formatdate()
        mail["Message-ID"] = make_msgid(domain=self._sender.rpartition("@")[2])
        # Out-of-office answers are not wanted (RFC 3834).
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(text)
        with self._connect() as server:
            encrypted = self._port == IMPLICIT_TLS_PORT
            if not encrypted and server.has_extn("starttls"):
                server.starttls(context=self._tls)
                encrypted = True
            self._log_in(server, encrypted)
            server.send_message(mail)

    def _connect(self) -> smtplib.SMTP:
        if self._port == IMPLICIT_TLS_PORT:
            return smtplib.SMTP_SSL(self._host, self._port, timeout=self._timeout, context=self._tls)
        server = smtplib.SMTP(self._host, self._port, timeout=self._timeout)
        server.ehlo_or_helo_if_needed()
        return server

    def _log_in(self, server: smtplib.SMTP, encrypted: bool) -> None:
        if self._user is None or self._password is None:
            return
        if not encrypted and self._host not in LOOPBACK_HOSTS:
            raise NoEncryption("the mail server offers no encryption, so the password was not sent")
        server.login(self._user, self._password)


def no_mail(_to: str, _subject: str, _text: str) -> None:
    """Raises OSError."""
    raise OSError("SMTP_HOST is not set, so there is nothing that sends mails")
