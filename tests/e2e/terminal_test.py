"""The live display in a real terminal: tmux draws what the program sends, at several sizes, while
the window changes, without colour and without UTF-8."""

import contextlib
import os
import re
import shlex
import shutil
import socket
import subprocess
import threading
import time
import unittest
import uuid

import psycopg2.extensions

from harness import BIN, EndToEndTest

ROWS = 60_000
BYTES_PER_SECOND = 1_000_000  # of each connection: 18 MB of rows are to be watched for some seconds
PATIENCE_SECONDS = 60

SCRIPT = f"""
CREATE TABLE measurement (id INTEGER PRIMARY KEY, v TEXT);
CREATE TABLE "na\u00efve \u65e5\u672c" (id INTEGER PRIMARY KEY);
INSERT INTO "na\u00efve \u65e5\u672c" VALUES (1);
WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < {ROWS})
  INSERT INTO measurement SELECT n, hex(randomblob(150)) FROM i;
"""


class SlowWay:
    """A port of this machine from which little at a time gets to the server."""

    def __init__(self, conninfo):
        self.parts = psycopg2.extensions.parse_dsn(conninfo)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def conninfo(self):
        return psycopg2.extensions.make_dsn(**{**self.parts, "host": "127.0.0.1",
                                               "port": self.port})

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
                server = self.connect()
                threading.Thread(target=self.carry, args=(client, server, BYTES_PER_SECOND),
                                 daemon=True).start()
                threading.Thread(target=self.carry, args=(server, client, None),
                                 daemon=True).start()

    def connect(self):
        host, port = self.parts.get("host", "127.0.0.1"), self.parts.get("port", "5432")
        if not host.startswith("/"):
            return socket.create_connection((host, int(port)))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/.s.PGSQL.{port}")
        return server

    @staticmethod
    def carry(from_, to, rate):
        with contextlib.suppress(OSError), from_:
            while data := from_.recv(1 << 14):
                if rate and len(data) > 1000:
                    time.sleep(len(data) / rate)
                to.sendall(data)
            to.shutdown(socket.SHUT_WR)


@unittest.skipUnless(shutil.which("tmux"), "there is no tmux here")
class Terminal(EndToEndTest):
    def tmux(self, *words):
        done = subprocess.run(["tmux", "-L", self.socket, "-f", "/dev/null", *words], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"})
        return done.stdout.decode("utf-8", "replace")

    def start(self, width, height, **environment):
        self.socket = "lite2pg-" + uuid.uuid4().hex[:8]
        self.addCleanup(self.tmux, "kill-server")
        way = SlowWay(self.make_target())
        self.addCleanup(way.listener.close)
        path = self.make_source(SCRIPT, name=f"{self.socket}.db")
        command = ["env", "-u", "NO_COLOR", *(f"{k}={v}" for k, v in environment.items()), BIN,
                   "copy", str(path), way.conninfo(), "--streams", "2"]
        self.tmux("new-session", "-d", "-x", str(width), "-y", str(height),
                  f"{shlex.join(command)}; echo EXIT $?; sleep 600")

    def screen(self, *options):
        return self.tmux("capture-pane", "-p", *options).splitlines()

    def wait_for(self, what):
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            lines = self.screen()
            if any(re.search(what, line) for line in lines):
                return lines
            time.sleep(0.1)
        self.fail(f"{what} did not show:\n" + "\n".join(self.screen()))

    def assert_one_display(self, lines):
        """The stage under way is drawn once, whatever the window went through."""
        for word in (r"^data +\S", r"^  stream 1 "):
            self.assertEqual(sum(bool(re.search(word, line)) for line in lines), 1,
                             "\n".join(lines))

    def test_a_line_for_each_stream_and_a_window_that_changes(self):
        self.start(100, 20, LC_ALL="C.UTF-8")
        lines = self.wait_for(r"^  stream 1 .*rows/s")
        self.assert_one_display(lines)
        text = "\n".join(lines)
        self.assertRegex(text, r"(?m)^data +\u2588*\u2591+ +\d+%  [\d,]+ of 60,001 rows")
        self.assertRegex(text, r"(?m)^ +[\d,]+ rows/s  [\d.]+ [KM]iB/s")
        self.assertRegex(text, r"(?m)^  stream \d +measurement +\S+ +\d+%")
        for width, height in ((48, 20), (130, 12), (60, 9), (100, 20)):
            self.tmux("resize-window", "-x", str(width), "-y", str(height))
            time.sleep(0.6)
            lines = self.screen()
            if any(line.startswith("EXIT") for line in lines):
                self.fail("it was over before it was watched")
            self.assert_one_display(lines)
        colored = "\n".join(self.screen("-e"))
        self.assertIn("\x1b[", colored)
        self.wait_for(r"^EXIT 0")

    def test_without_colour_and_without_utf8(self):
        self.start(80, 24, LC_ALL="C", NO_COLOR="1")
        lines = self.wait_for(r"^  stream 1 .*rows/s")
        self.assertRegex("\n".join(lines), r"(?m)^data +\[#*\.+\] +\d+%")
        self.assertTrue("\n".join(lines).isascii(), lines)
        self.assertNotIn("\x1b[", "\n".join(self.screen("-e")))
        lines = self.wait_for(r"^EXIT 0")
        self.assertTrue("\n".join(lines).isascii(), lines)

    def test_a_terminal_that_can_do_nothing_gets_lines(self):
        self.start(80, 24, LC_ALL="C.UTF-8", TERM="dumb")
        self.wait_for(r"^EXIT 0")
        lines = self.screen("-S", "-")
        self.assertTrue(any(re.match(r"data: 60,001 rows, .* in ", line) for line in lines), lines)
        self.assertFalse([line for line in lines if "stream 1" in line])


if __name__ == "__main__":
    unittest.main()
