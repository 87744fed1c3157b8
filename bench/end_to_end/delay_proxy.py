"""A TCP proxy that delays every byte: a network on loopback with a round-trip time."""

import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def program():
    return os.environ.get("LITE2PG_DELAY_PROXY_BIN", str(ROOT / "build/release/bench/delay_proxy"))


class Proxy:
    """with Proxy(port, one_way_seconds) as proxy: connect to proxy.port on 127.0.0.1."""

    def __init__(self, target_port, one_way_seconds):
        self._process = subprocess.Popen(
            [program(), str(target_port), f"{one_way_seconds * 1000:g}"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        self.port = int(self._process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
