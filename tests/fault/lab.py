"""Where trials take place: a PostgreSQL server of their own that may be stopped hard, databases,
and the program under observation."""

import contextlib
import hashlib
import json
import os
import pathlib
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid

import psycopg2
import psycopg2.extensions

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

import server as test_server  # noqa: E402  (found by the line above)

BIN = os.environ.get("LITE2PG_BIN", str(ROOT / "build/release/lite2pg"))
# The role that copies: what docs/reliability.md says it needs, and nothing more.
PLAIN = "plain"
# Longer than any trial should take; what is not done by then hangs (I6).
DEADLINE_SECONDS = 150

CONFIG = """
listen_addresses = '127.0.0.1'
unix_socket_directories = '{dir}'
port = {port}
fsync = off
full_page_writes = off
max_connections = {connections}
shared_buffers = 64MB
max_wal_size = 1GB
wal_level = replica
max_wal_senders = 4
log_min_messages = fatal
log_min_error_statement = panic
timezone = 'Asia/Kolkata'
datestyle = 'SQL, DMY'
"""


def slowness():
    """By how much a machine that others use too may take longer."""
    return max(1.0, os.getloadavg()[0] / os.cpu_count())


class Violation(Exception):
    """An invariant does not hold."""


class Server:
    """PostgreSQL in DIR/data, on a port of 127.0.0.1 and a socket in DIR; not as root. fsync is
    off: the faults are those of processes, not of the machine, and the kernel keeps its cache."""

    def __init__(self, directory=None, connections=100):
        self.directory = directory or tempfile.mkdtemp(prefix="l2f-", dir="/tmp")
        self.data = self.directory + "/data"
        account = test_server.server_user()
        if account:
            os.chown(self.directory, account.pw_uid, account.pw_gid)
        os.chmod(self.directory, 0o755)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.binaries = test_server.find_bin()
        self._run("initdb", "-D", self.data, "-U", test_server.USER, "-E", "UTF8",
                  "--locale=C.UTF-8", "--auth=trust", "--no-sync", "--no-instructions")
        with open(self.data + "/postgresql.conf", "a", encoding="ascii") as config:
            config.write(CONFIG.format(dir=self.directory, port=self.port,
                                       connections=connections))
        with open(self.data + "/pg_hba.conf", "w", encoding="ascii") as rules:
            rules.write("host all +wants_password all scram-sha-256\n"
                        "local all all trust\nhost all all all trust\n"
                        "local replication all trust\n")
        self.has_tls = self._make_certificate()
        self.start()
        self.execute(f"CREATE ROLE wants_password NOLOGIN; CREATE ROLE {PLAIN} LOGIN")

    def _run(self, program, *arguments, check=True):
        account = test_server.server_user()
        as_user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} \
            if account else {}
        return subprocess.run([f"{self.binaries}/{program}", *arguments], cwd="/", check=check,
                              stdout=subprocess.DEVNULL, env=clean_environment(), **as_user)

    def _make_certificate(self):
        openssl = shutil.which("openssl")
        if openssl is None:
            return False
        key, certificate = self.data + "/server.key", self.data + "/server.crt"
        subprocess.run([openssl, "req", "-new", "-x509", "-days", "3", "-nodes", "-subj",
                        "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key,
                        "-out", certificate], check=True, capture_output=True)
        account = test_server.server_user()
        for path in (key, certificate):
            if account:
                os.chown(path, account.pw_uid, account.pw_gid)
            os.chmod(path, 0o600)
        with open(self.data + "/postgresql.conf", "a", encoding="ascii") as config:
            config.write("ssl = on\n")
        return True

    def start(self):
        self._run("pg_ctl", "-D", self.data, "-l", self.directory + "/log", "-w", "-t", "60",
                  "start")

    def stop(self, mode="immediate"):
        self._run("pg_ctl", "-D", self.data, "-m", mode, "-w", "stop", check=False)

    def clone(self, directory):
        """A standby of this server, read-only, not started."""
        self._run("pg_basebackup", "-h", self.directory, "-p", str(self.port), "-U",
                  test_server.USER, "-D", directory, "-R", "-X", "stream", "-c", "fast")

    def remove(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def plain_conninfo(self, database):
        """For the program; the judge is superuser."""
        return self.conninfo(database, user=PLAIN)

    def conninfo(self, database="postgres", tcp=False, **more):
        host = "127.0.0.1" if tcp else self.directory
        options = {"host": host, "port": self.port, "user": test_server.USER, "dbname": database}
        if tcp:
            options.update(sslmode="disable", gssencmode="disable")
        return psycopg2.extensions.make_dsn(**{**options, **more})

    def execute(self, sql, parameters=None, database="postgres"):
        return execute(self.conninfo(database), sql, parameters)


def execute(conninfo, sql, parameters=None):
    """Rows of a statement, or []; committed."""
    connection = psycopg2.connect(conninfo, application_name="lab")
    try:
        connection.autocommit = True
        connection.set_client_encoding("UTF8")
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def clean_environment(**more):
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith("PG") and k not in ("LITE2PG_FAILPOINT", "LITE2PG_TEST_LIMITS")}
    return {**kept, **{k: v for k, v in more.items() if v is not None}}


class Finished:
    """A run of the program that is over."""

    def __init__(self, arguments, exit_code, out, err, seconds):
        self.arguments, self.exit_code, self.seconds = arguments, exit_code, seconds
        self.out = out.decode("utf-8", "replace")
        self.err = err.decode("utf-8", "replace")
        self.report = None
        with contextlib.suppress(ValueError):
            self.report = json.loads(self.out)

    def codes(self):
        return [e["code"] for e in (self.report or {}).get("errors", [])]

    def __str__(self):
        shown = self.out if self.report is None else json.dumps(
            {k: self.report.get(k) for k in ("outcome", "errors", "next_steps")}, indent=1)
        return (f"lite2pg {' '.join(map(str, self.arguments))}\nexit {self.exit_code} after "
                f"{self.seconds:.1f} s\n{shown[-3000:]}\n{self.err[-2500:]}")


class Program:
    """The program while it runs. Output goes to files: a full pipe would be a fault of ours."""

    def __init__(self, arguments, environment=None, cwd=None, preexec=None):
        self.arguments = [str(a) for a in arguments]
        self.out, self.err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [BIN, *self.arguments], stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err,
            env=clean_environment(**(environment or {})), cwd=cwd, preexec_fn=preexec)

    def runs(self):
        return self.process.poll() is None

    def age(self):
        return time.monotonic() - self.began

    def signal(self, number):
        if self.runs():
            self.process.send_signal(number)

    def kill(self):
        self.signal(signal.SIGKILL)

    def wait(self, deadline=DEADLINE_SECONDS):
        deadline *= slowness()
        try:
            self.process.wait(timeout=max(1, deadline - self.age()))
        except subprocess.TimeoutExpired:
            stacks = thread_states(self.process.pid)
            self.kill()
            self.process.wait()
            said = self._read(self.err)[-2000:].decode("utf-8", "replace")
            raise Violation(f"I6: not done after {deadline:.0f} s: lite2pg "
                            f"{' '.join(self.arguments)}\n{stacks}\n{said}") from None
        return Finished(self.arguments, self.process.returncode, self._read(self.out),
                        self._read(self.err), self.age())

    @staticmethod
    def _read(file):
        file.seek(0)
        return file.read()


def thread_states(pid):
    """What every thread of a process waits for."""
    lines = []
    for task in sorted(pathlib.Path(f"/proc/{pid}/task").glob("*")):
        with contextlib.suppress(OSError):
            lines.append(f"{task.name} {(task / 'comm').read_text().strip()} "
                         f"{(task / 'wchan').read_text().strip()}")
    return "\n".join(lines)


def snapshot_of_files(path):
    """Content, time and inode of a database and of what belongs to it (not the -shm, which SQLite
    makes anew at will)."""
    found = {}
    for suffix in ("", "-wal", "-journal"):
        file = pathlib.Path(str(path) + suffix)
        if file.exists():
            stat = file.stat()
            found[suffix] = (hashlib.sha256(file.read_bytes()).hexdigest(), stat.st_mtime_ns,
                             stat.st_ino)
    return found


class Lab:
    """What all trials share: the server and the data sets."""

    def __init__(self, seed, scale=1):
        self.seed, self.scale = seed, scale
        self.server = Server()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="l2f-work-", dir="/tmp"))
        self.has_failpoints = b"failpoints" in subprocess.run(
            [BIN, "--version"], capture_output=True, check=True).stdout
        self._made = {}

    def close(self):
        for made in self._made.values():
            if hasattr(made, "remove"):
                made.remove()
        self.server.remove()
        shutil.rmtree(self.directory, ignore_errors=True)

    def once(self, name, make):
        """Something that is dear to make and that trials do not change."""
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    def database(self, template="template0"):
        name = "f_" + uuid.uuid4().hex[:12]
        self.server.execute(f"CREATE DATABASE {name} TEMPLATE {template};")
        self.server.execute(f"GRANT CREATE ON DATABASE {name} TO {PLAIN}")
        if template == "template0":
            self.server.execute(f"ALTER SCHEMA public OWNER TO {PLAIN}", database=name)
        return name

    def drop(self, name):
        for _ in range(20):
            with contextlib.suppress(psycopg2.Error):
                self.server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
                return
            time.sleep(0.5)


def is_root():
    return os.geteuid() == 0


def postgres_account():
    return pwd.getpwnam("postgres") if is_root() else None


def rng_of(*parts):
    return random.Random(" ".join(map(str, parts)))
