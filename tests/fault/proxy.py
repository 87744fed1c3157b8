"""A TCP proxy before the server that knows enough of the protocol to cut a connection at a chosen
message, and enough of networks to be slow, silent or gone. Plain connections only."""

import contextlib
import queue
import select
import socket
import struct
import sys
import threading
import time

READ_BYTES = 65536
POLL_MS = 20


def reset(connection):
    """Closes with RST: the peer is told at once, and what was under way is lost."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


def receive(connection):
    """What has come; b"" at the end. Never waits long inside the kernel: a socket that is waited
    for is not closed by close(), and its peer would hear of that when something else arrives."""
    while True:
        if connection.fileno() < 0:
            return b""
        ready = select.poll()
        ready.register(connection, select.POLLIN)
        if ready.poll(POLL_MS):
            return connection.recv(READ_BYTES)


class Messages:
    """Splits what a client sends into messages; the first has no type."""

    def __init__(self):
        self.buffer = b""
        self.begun = False

    def feed(self, data):
        """Yields (type, whole message)."""
        self.buffer += data
        while True:
            head = 5 if self.begun else 4
            if len(self.buffer) < head:
                return
            size = struct.unpack_from(">i", self.buffer, head - 4)[0] + head - 4
            if len(self.buffer) < size:
                return
            message, self.buffer = self.buffer[:size], self.buffer[size:]
            kind = message[:1] if self.begun else b""
            self.begun = True
            yield kind, message


class Fault:
    """Does nothing. Every method runs on the thread of one direction of one connection."""

    def __init__(self):
        self.fired = threading.Event()

    def connected(self, link):
        """A client has come."""

    def frontend(self, link, kind, message):
        """The bytes to pass on instead of `message`."""
        return message

    def backend(self, link, data):
        return data


class ResetAtByte(Fault):
    """RST to both sides once so many bytes have passed, both ways and all connections together."""

    def __init__(self, at, times=1):
        super().__init__()
        self.at, self.times, self.passed = at, times, 0
        self.lock = threading.Lock()

    def _count(self, link, data, send):
        with self.lock:
            left = self.at - self.passed
            self.passed += len(data)
            if left > len(data) or self.times == 0:
                return data
            self.times -= 1
            self.passed = 0
        self.fired.set()
        with contextlib.suppress(OSError):
            send(data[:max(0, left)])
        link.cut()
        return b""

    def frontend(self, link, kind, message):
        return self._count(link, message, link.server.sendall)

    def backend(self, link, data):
        return self._count(link, data, link.client.sendall)


class CutAtMessage(Fault):
    """Cuts at the N-th message that is of a kind and holds a text. `when`: `before` it reaches the
    server, `after` (at once: the server may have acted or not), or at the `reply` (the server has
    certainly acted, the client certainly does not know)."""

    def __init__(self, kinds, text, number, when, times=1):
        super().__init__()
        self.kinds, self.text, self.number, self.when, self.times = kinds, text, number, when, times
        self.seen = 0
        self.lock = threading.Lock()

    def frontend(self, link, kind, message):
        if link.marked and self.when == "after" and kind in (b"S", b""):
            link.send_to_server(message)
            link.cut(gently_to_server=True)
            return b""
        if kind not in self.kinds or self.text not in message:
            return message
        with self.lock:
            self.seen += 1
            if self.seen < self.number or self.times == 0:
                return message
            self.times -= 1
        self.fired.set()
        if self.when == "before":
            link.cut()
            return b""
        link.marked = True
        if self.when == "after" and kind in (b"Q", b"c") and not link.extended:
            link.send_to_server(message)
            link.cut(gently_to_server=True)
            return b""
        return message

    def backend(self, link, data):
        if link.marked and self.when == "reply":
            # CommandComplete of what was marked is in here, or in what follows: none of it arrives.
            time.sleep(0.05)
            link.cut()
            return b""
        return data


class Silence(Fault):
    """From so many bytes on, connections that are open are not served any more, though they stay
    open; with `seconds`, new ones only after that time."""

    def __init__(self, at, seconds=0.0, close_server=False):
        super().__init__()
        self.at, self.seconds, self.close_server, self.passed = at, seconds, close_server, 0
        self.until = None
        self.lock = threading.Lock()

    def connected(self, link):
        if self.until is not None:
            link.proxy.wait(max(0.0, self.until - time.monotonic()))

    def _count(self, link, data):
        with self.lock:
            self.passed += len(data)
            if self.passed >= self.at and self.until is None:
                self.until = time.monotonic() + self.seconds
                self.fired.set()
                link.proxy.silence_all(self.close_server)
        return b"" if link.silent else data

    def frontend(self, link, kind, message):
        return self._count(link, message)

    def backend(self, link, data):
        return self._count(link, data)


class Slow(Fault):
    """So many bytes a second, from a byte on, for a time."""

    def __init__(self, bytes_per_second, after, seconds):
        super().__init__()
        self.rate, self.after, self.seconds = bytes_per_second, after, seconds
        self.passed, self.began = 0, None
        self.fired.set()

    def _slow(self, link, data):
        self.passed += len(data)
        if self.passed < self.after:
            return data
        self.began = self.began or time.monotonic()
        left = max(0.0, self.began + self.seconds - time.monotonic())
        link.proxy.wait(min(len(data) / self.rate, left))
        return data

    def frontend(self, link, kind, message):
        return self._slow(link, message)

    def backend(self, link, data):
        return self._slow(link, data)


class Far(Fault):
    """Every byte arrives later, however many are under way: twice that is the round trip."""

    def __init__(self, delay):
        super().__init__()
        self.delay = delay


class Later:
    """Sends what it is given when its time has come, in order."""

    def __init__(self, connection, delay):
        self.connection, self.delay = connection, delay
        self.queue = queue.Queue()
        threading.Thread(target=self._run, daemon=True).start()

    def sendall(self, data):
        self.queue.put((time.monotonic() + self.delay, data))

    def finish(self):
        self.sendall(None)

    def _run(self):
        while True:
            due, data = self.queue.get()
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                if data is None:
                    self.connection.shutdown(socket.SHUT_WR)
                    return
                self.connection.sendall(data)
            except (OSError, ValueError):
                return


class Link:
    """One client's connection and its counterpart."""

    def __init__(self, proxy, client, server):
        self.proxy, self.client, self.server = proxy, client, server
        self.messages = Messages()
        self.marked = self.silent = False
        self.extended = False
        self.is_cut = False

    def cut(self, gently_to_server=False):
        self.is_cut = True
        if gently_to_server:
            # RST would throw away what the server has not read yet.
            with contextlib.suppress(OSError):
                self.server.shutdown(socket.SHUT_WR)
        else:
            reset(self.server)
        reset(self.client)

    def send_to_server(self, data):
        with contextlib.suppress(OSError):
            self.server.sendall(data)

    def forward(self):
        to_server = self.server
        if delay := getattr(self.proxy.fault, "delay", 0):
            to_server = Later(self.server, delay)
        try:
            while not self.is_cut:
                data = receive(self.client)
                if not data:
                    break
                passed = b""
                for kind, message in self.messages.feed(data):
                    self.extended = self.extended or kind == b"P"
                    passed += self.proxy.fault.frontend(self, kind, message)
                    if kind in (b"P", b"Q", b"c", b"X") or len(passed) > READ_BYTES or self.is_cut:
                        to_server.sendall(passed)
                        passed = b""
                    if self.is_cut:
                        return
                if passed:
                    to_server.sendall(passed)
            if isinstance(to_server, Later):
                to_server.finish()
                return
            with contextlib.suppress(OSError):
                self.server.shutdown(socket.SHUT_WR)
        except (OSError, ValueError):
            self.end()

    def backward(self):
        to_client = self.client
        if delay := getattr(self.proxy.fault, "delay", 0):
            to_client = Later(self.client, delay)
        try:
            while not self.is_cut:
                data = receive(self.server)
                if not data:
                    break
                data = self.proxy.fault.backend(self, data)
                if self.is_cut:
                    return
                if data:
                    to_client.sendall(data)
            if isinstance(to_client, Later):
                to_client.finish()
                return
            if not self.silent:
                self.end()
        except (OSError, ValueError):
            if not self.silent:
                self.end()

    def end(self):
        if self.is_cut:
            return
        for connection in (self.client, self.server):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            with contextlib.suppress(OSError):
                connection.close()


class Proxy:
    """Listens on a port of its own; `fault` may be changed while it runs."""

    def __init__(self, server_address, fault=None, host="127.0.0.1"):
        self.server_address = server_address
        self.fault = fault or Fault()
        self.links = []
        self.stopped = threading.Event()
        self.listener = socket.create_server((host, 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def wait(self, seconds):
        self.stopped.wait(seconds)

    def _accept(self):
        while not self.stopped.is_set():
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        link = Link(self, client, None)
        self.fault.connected(link)
        try:
            if isinstance(self.server_address, str):
                server = socket.socket(socket.AF_UNIX)
                server.connect(self.server_address)
            else:
                server = socket.create_connection(self.server_address)
        except OSError:
            reset(client)
            return
        for connection in (client, server):
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.server = server
        self.links.append(link)
        threading.Thread(target=link.backward, daemon=True).start()
        link.forward()

    def silence_all(self, close_server):
        for link in self.links:
            link.silent = True
            if close_server:
                with contextlib.suppress(OSError):
                    link.server.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.stopped.set()
        # A blocked accept() would keep the port.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for link in self.links:
            reset(link.client)
            reset(link.server)


def main():
    """proxy.py HOST SOCKET: serves on a port of HOST, which it prints, until its input ends."""
    proxy = Proxy(sys.argv[2], host=sys.argv[1])
    print(proxy.port, flush=True)
    sys.stdin.read()
    proxy.close()


if __name__ == "__main__":
    main()
