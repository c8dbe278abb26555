"""A proxy in front of MariaDB that loses connections at the moment of a commit."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum


class Cut(Enum):
    """When the connection is lost."""

    NEVER = "never"
    BEFORE_THE_COMMIT = "before the commit arrives"
    BEFORE_ITS_ANSWER = "before the commit's answer arrives"


class CuttingProxy:
    """Passes bytes on; the next commit after `cut` was set loses its connection there, once."""

    def __init__(self, port_behind: int) -> None:
        self.cut = Cut.NEVER
        self.cuts = 0
        self.away_after_the_cut = False
        self._behind = port_behind
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    @contextmanager
    def serving(self) -> Iterator["CuttingProxy"]:
        thread = threading.Thread(target=self._accept, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        if self.cuts and self.away_after_the_cut:
            client.close()
            return
        with client, suppress(OSError), socket.create_connection(("127.0.0.1", self._behind)) as server:
            answers = threading.Thread(target=self._answers, args=(server, client), daemon=True)
            answers.start()
            with suppress(OSError):
                self._requests(client, server)
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            # The server reads what was sent, then the end; it closes its own side when it is done.
            server.shutdown(socket.SHUT_WR)
            answers.join()

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        while data := client.recv(65536):
            if self.cut is not Cut.NEVER and data[5:].upper().startswith(b"COMMIT"):
                cut, self.cut = self.cut, Cut.NEVER
                self.cuts += 1
                if cut is Cut.BEFORE_ITS_ANSWER:
                    client.shutdown(socket.SHUT_RDWR)
                    server.sendall(data)
                return
            server.sendall(data)

    def _answers(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)
