"""A TCP proxy that loses the server's answer on demand, as a network does."""

import contextlib
import socket
import threading


class LossyProxy:
    """Forwards to a loopback port; `lose_next` breaks one connection at a chosen place in the server's answer."""

    def __init__(self, upstream_port: int) -> None:
        self._upstream_port = upstream_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._marker: bytes | None = None
        self._keep = 0
        self._lock = threading.Lock()
        self.lost = 0
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def lose_next(self, marker: bytes, keep: int = 0) -> None:
        """Break the next connection on which the server sends `marker`, after letting `keep` more bytes pass."""
        with self._lock:
            self._marker, self._keep = marker, keep

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._upstream_port))
                threading.Thread(target=self._to_server, args=(client, server), daemon=True).start()
                threading.Thread(target=self._to_client, args=(server, client), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def _to_client(self, server: socket.socket, client: socket.socket) -> None:
        allowed: int | None = None
        with contextlib.suppress(OSError), server, client:
            while data := server.recv(65536):
                with self._lock:
                    if allowed is None and self._marker is not None and self._marker in data:
                        allowed, self._marker = self._keep, None
                        self.lost += 1
                if allowed is None:
                    client.sendall(data)
                    continue
                client.sendall(data[:allowed])
                allowed -= len(data)
                if allowed <= 0:
                    client.shutdown(socket.SHUT_RDWR)
                    return
