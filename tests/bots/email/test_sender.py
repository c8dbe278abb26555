"""Account mail against real SMTP servers on loopback."""

import smtplib
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from bots.email.sender import MailSender, NoEncryption
from tests.servers import Mailbox, free_port

FROM = "line@example.com"


def sender(port: int, **login: Any) -> MailSender:
    return MailSender("127.0.0.1", port, FROM, **{"user": None, "password": None, "timeout": 5, **login})


class Authenticator:
    """Knows one user, and whether the password came under encryption."""

    def __init__(self) -> None:
        self.encrypted: list[bool] = []

    def __call__(self, server: SMTP, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        assert server.transport is not None
        self.encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        return AuthResult(success=(data.login, data.password) == (b"line", b"secret"), handled=False)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    folder = tmp_path_factory.mktemp("certificate")
    make_certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context


def make_certificate(folder: Path) -> None:
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", "key.pem", "-out", "certificate.pem", "-subj", "/CN=mail", "-days", "2",
        ],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip


@contextmanager
def serving(mailbox: Mailbox, host: str = "127.0.0.1", **options: Any) -> Iterator[int]:
    controller = Controller(mailbox, hostname=host, port=free_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def test_a_mail_arrives_as_it_was_written(mailbox: Mailbox) -> None:
    sender(mailbox.port).send("joao@example.com", "Confirmação", "Olá, João!\nhttps://x.example/a?b=c\n")

    mail = mailbox.wait_for("joao@example.com")
    assert (mail["From"], mail["Subject"]) == (FROM, "Confirmação")
    assert mail.get_content().replace("\r\n", "\n") == "Olá, João!\nhttps://x.example/a?b=c\n"
    assert mail["Message-ID"].endswith("@example.com>")
    assert mail["Auto-Submitted"] == "auto-generated"


def test_encryption_is_used_where_it_is_offered(certificate: ssl.SSLContext) -> None:
    mailbox, known = Mailbox(), Authenticator()
    with serving(mailbox, tls_context=certificate, authenticator=known) as port:
        sender(port, user="line", password="secret").send("a@example.com", "Hello", "text")

    assert known.encrypted == [True]
    assert len(mailbox.messages) == 1


def test_a_wrong_password_is_an_error(certificate: ssl.SSLContext) -> None:
    mailbox = Mailbox()
    with (
        serving(mailbox, tls_context=certificate, authenticator=Authenticator()) as port,
        pytest.raises(smtplib.SMTPAuthenticationError),
    ):
        sender(port, user="line", password="wrong").send("a@example.com", "Hello", "text")

    assert mailbox.messages == []


def test_a_password_is_not_sent_in_the_clear_over_a_network(mailbox: Mailbox) -> None:
    # An address of this machine too, which the sender does not know of.
    with serving(mailbox, host="127.0.0.2") as port:
        elsewhere = MailSender("127.0.0.2", port, FROM, user="line", password="secret", timeout=5)
        with pytest.raises(NoEncryption):
            elsewhere.send("a@example.com", "Hello", "text")


def test_a_server_that_is_not_there_is_an_os_error() -> None:
    with pytest.raises(OSError, match="refused"):
        sender(free_port()).send("a@example.com", "Hello", "text")
