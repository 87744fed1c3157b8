"""N: what lies between the program and the server resets, cuts, swallows, delays, or pools."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid

import proxy
import psycopg2
import psycopg2.extensions
from checker import Judge
from lab import DEADLINE_SECONDS, PLAIN, clean_environment, is_root, postgres_account
from trial import KINDS, PASSING, Skip

# 7: what has not logged in yet can be refused; 10: the parts of a run that do not retry.
LOST = {7, 10}


def proxied(trial, fault):
    server = trial.lab.server
    line = proxy.Proxy(("127.0.0.1", server.port), fault)
    trial.cleanups.append(line.close)
    return line, psycopg2.extensions.make_dsn(
        host="127.0.0.1", port=line.port, user=PLAIN, dbname=trial.database,
        sslmode="disable", gssencmode="disable")


def n1(trial):
    """RST at a random byte, one to three times"""
    trial.choose_kind()
    at = trial.rng.choice((trial.rng.randint(1, 30_000), trial.rng.randint(1, 3_500_000)))
    fault = proxy.ResetAtByte(at, trial.rng.randint(1, 3))
    _, target = proxied(trial, fault)
    options = trial.rng.choice((["--streams", "1"], ["--streams", "3"]))
    run = trial.start(*options, target=target).wait()
    trial.note("reset" if fault.fired.is_set() else "no reset")
    trial.expect_done_or_resume(run, LOST, options)


def n2(trial):
    """Cut exactly at CopyDone or COMMIT: before it, after it, before its reply"""
    trial.choose_kind()
    kinds, text, most = trial.rng.choice(
        ((b"c", b"", 60), (b"PQ", b"COMMIT", 30), (b"PQ", b"COMMIT", 90)))
    when = trial.rng.choice(("before", "after", "reply"))
    number = trial.rng.randint(1, most)
    fault = proxy.CutAtMessage([bytes([k]) for k in kinds], text, number, when,
                               trial.rng.randint(1, 2))
    _, target = proxied(trial, fault)
    options = trial.rng.choice((["--streams", "1"], ["--streams", "3"]))
    run = trial.start(*options, target=target).wait()
    trial.note(f"{when} {'COMMIT' if text else 'CopyDone'} {number}"
               if fault.fired.is_set() else "no cut")
    trial.expect_done_or_resume(run, LOST, options)


# ---- Networks that are slow, or gone -------------------------------------------------------------

OURS, THEIRS = "10.213.77.1", "10.213.77.2"
NOBODY = "02:00:00:00:00:99"


class FarSide:
    """A network of its own, joined by a pair of virtual interfaces, with a relay to the server.
    Frames to an address that nobody has are lost without a word, as on a line that was cut."""

    def __init__(self, server):
        tag = uuid.uuid4().hex[:6]
        self.name, self.near, self.far = f"l2f{tag}", f"l2fn{tag}", f"l2ff{tag}"
        self.relay = None
        try:
            self._ip("netns", "add", self.name)
            self._ip("link", "add", self.near, "type", "veth", "peer", "name", self.far)
            self._ip("link", "set", self.far, "netns", self.name)
            self._ip("addr", "add", f"{OURS}/30", "dev", self.near)
            self._ip("link", "set", self.near, "up")
            self._ip("-n", self.name, "addr", "add", f"{THEIRS}/30", "dev", self.far)
            self._ip("-n", self.name, "link", "set", self.far, "up")
            self.relay = subprocess.Popen(
                ["ip", "netns", "exec", self.name, sys.executable, proxy.__file__, THEIRS,
                 f"{server.directory}/.s.PGSQL.{server.port}"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self.port = int(self.relay.stdout.readline())
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            self.remove()
            raise Skip(f"no network of one's own can be made here: {error}") from error

    @staticmethod
    def _ip(*arguments):
        subprocess.run(["ip", *arguments], check=True, capture_output=True)

    def lose_everything(self):
        self._ip("neigh", "replace", THEIRS, "lladdr", NOBODY, "dev", self.near, "nud", "permanent")
        self._ip("-n", self.name, "neigh", "replace", OURS, "lladdr", NOBODY, "dev", self.far,
                 "nud", "permanent")

    def mend(self):
        self._ip("neigh", "del", THEIRS, "dev", self.near)
        self._ip("-n", self.name, "neigh", "del", OURS, "dev", self.far)

    def remove(self):
        if self.relay is not None:
            self.relay.stdin.close()
            self.relay.wait()
        for command in (("link", "del", self.near), ("netns", "del", self.name)):
            with contextlib.suppress(subprocess.CalledProcessError, OSError):
                self._ip(*command)


# docs/operations.md: a dead peer is noticed within about half a minute. A new attempt to connect
# takes ten seconds, and what is waited for a server that restarts sixty.
SILENCE_MAX_SECONDS = 45
# For 29 tables many statements are sent one after the other; docs/reliability.md, "Open".
FAR_SECONDS_MAX = 400


def black_hole(trial, forever):
    if not is_root() or shutil.which("ip") is None:
        raise Skip("a network of one's own needs root and iproute2")
    trial.choose_kind("create", "direct")
    longest = trial.usual_seconds("--streams", "2")
    line = FarSide(trial.lab.server)
    trial.cleanups.append(line.remove)
    target = psycopg2.extensions.make_dsn(
        host=THEIRS, port=line.port, user=PLAIN, dbname=trial.database,
        sslmode="disable", gssencmode="disable")
    program = trial.start("--streams", "2", target=target)
    trial.wait_a_random_while(program, longest * 2)
    line.lose_everything()
    lost = time.monotonic()
    trial.note("lost for good" if forever else "lost for a while")
    if not forever:
        time.sleep(trial.rng.uniform(5, 25))
        line.mend()
    # Trying to connect again, for a minute, is what a server that restarts is given; the last
    # attempt of it, and the one to record how the run ended, take ten seconds more each.
    run = program.wait(SILENCE_MAX_SECONDS + (95 if forever else 60))
    trial.note(f"{time.monotonic() - lost:.0f} s")
    line.remove()
    if run.exit_code == trial.kind.exit_code:
        trial.note("unharmed")
        trial.judge.success(run)
        return
    trial.check_exit(run, LOST)
    trial.judge.source_is_as_it_was()
    trial.finish("--streams", "2")


def n3(trial):
    """Black hole for a while or for good; 500 ms round trip; 1 kB/s for some seconds"""
    what = trial.rng.choice(("black hole", "gone", "far", "slow"))
    if what in ("black hole", "gone"):
        black_hole(trial, forever=what == "gone")
        return
    trial.choose_kind("create", "merge")
    trial.note(what)
    fault = proxy.Far(0.25) if what == "far" else \
        proxy.Slow(1000, after=trial.rng.randint(1, 300_000), seconds=12)
    _, target = proxied(trial, fault)
    run = trial.start("--streams", "2", target=target).wait(
        FAR_SECONDS_MAX if what == "far" else DEADLINE_SECONDS)
    if run.exit_code != trial.kind.exit_code:
        Judge.fail("I1", f"a slow network is no reason to fail\n{run}")
    trial.note("unharmed")
    trial.judge.success(run)


# ---- Poolers -------------------------------------------------------------------------------------

POOLER_CONFIG = """
[databases]
* = host={host} port={port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = 20
ignore_startup_parameters = extra_float_digits
logfile = {dir}/log
pidfile = {dir}/pid
"""


class Pooler:
    """PgBouncer, as Debian has it."""

    def __init__(self, trial, mode):
        program = shutil.which("pgbouncer", path=os.environ["PATH"] + ":/usr/sbin")
        if program is None:
            raise Skip("pgbouncer is not installed (Debian: apt-get install pgbouncer)")
        self.port = free_port()
        directory = trial.dir / "pooler"
        directory.mkdir()
        server = trial.lab.server
        (directory / "config").write_text(POOLER_CONFIG.format(
            host=server.directory, port=server.port, user=PLAIN, listen=self.port, dir=directory,
            mode=mode))
        account = postgres_account()
        as_user = {}
        if account:
            as_user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            for path in (trial.lab.directory, trial.dir):
                os.chmod(path, 0o755)
            for path in (directory, directory / "config"):
                os.chown(path, account.pw_uid, account.pw_gid)
        self.process = subprocess.Popen([program, "-q", str(directory / "config")], cwd="/",
                                        env=clean_environment(), stderr=subprocess.DEVNULL,
                                        **as_user)
        trial.cleanups.append(self.stop)
        self.conninfo = psycopg2.extensions.make_dsn(
            host="127.0.0.1", port=self.port, user=PLAIN, dbname=trial.database,
            sslmode="disable")
        for _ in range(100):
            with contextlib.suppress(psycopg2.OperationalError):
                psycopg2.connect(self.conninfo).close()
                return
            time.sleep(0.1)
        raise Skip("pgbouncer does not answer: " + (directory / "log").read_text()[-500:])

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


# ---- TLS -----------------------------------------------------------------------------------------

def n5(trial):
    """sslmode: required and verified; refused when the certificate or the server does not fit"""
    server = trial.lab.server
    if not server.has_tls:
        raise Skip("there is no openssl to make a certificate with")
    trial.use(KINDS["create"])
    authority = trial.dir / "authority.crt"
    shutil.copy(server.data + "/server.crt", authority)
    stranger = trial.dir / "stranger.crt"
    subprocess.run(["openssl", "req", "-new", "-x509", "-days", "3", "-nodes", "-subj", "/CN=other",
                    "-keyout", str(trial.dir / "k"), "-out", str(stranger)], check=True,
                   capture_output=True)
    address = {"host": "127.0.0.1", "port": server.port, "user": PLAIN, "dbname": trial.database}
    mode = trial.rng.choice(("require", "verify-ca", "verify-full"))
    trial.note(mode)
    for host in ("127.0.0.1", "localhost"):
        if mode == "require":
            break
        for root, fits in ((stranger, False), (authority, mode == "verify-ca" or
                                               host == "127.0.0.1")):
            if fits:
                continue
            run = trial.start(target=psycopg2.extensions.make_dsn(
                **{**address, "host": host}, sslmode=mode, sslrootcert=root)).wait()
            trial.check_exit(run, {7})
            trial.judge.nothing_left()
    program = trial.start(target=psycopg2.extensions.make_dsn(
        **address, sslmode=mode, sslrootcert=authority))
    plain = set()
    while program.runs():
        plain |= set(trial.sql(
            "SELECT a.pid, s.ssl FROM pg_stat_activity a JOIN pg_stat_ssl s USING (pid)"
            " WHERE application_name LIKE 'lite2pg%%' AND datname = current_database()"))
    run = program.wait()
    if run.exit_code != 0 or not plain or not all(ssl for _, ssl in plain):
        Judge.fail("TLS", f"sessions {plain}\n{run}")
    trial.note("unharmed")
    trial.judge.success(run)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def n4(trial):
    """Through PgBouncer in session mode, also killed; in transaction mode it is refused"""
    mode = trial.rng.choice(("session", "session", "transaction"))
    trial.choose_kind("create", "direct", "merge")
    trial.note(mode)
    pooler = Pooler(trial, mode)
    if mode == "transaction":
        run = trial.start(target=pooler.conninfo).wait()
        trial.check_exit(run, {8})
        if "L2P3012" not in run.codes():
            Judge.fail("pooler", f"refused, but not for the pooler\n{run}")
        pooler.stop()
        trial.judge.interrupted()
        return
    program = trial.start(target=pooler.conninfo)
    if trial.rng.random() < 0.6:
        trial.wait_a_random_while(program, 1.0)
        program.kill()
    run = program.wait()
    if run.exit_code == trial.kind.exit_code:
        # A session of the pool goes on living, with the name it had: only its locks count.
        pooler.stop()
        trial.judge.success(run)
        trial.note("unharmed")
        return
    trial.check_exit(run, {-9})
    # The resume goes through the pool that has what is left of the killed run's sessions.
    for _ in range(3):
        run = trial.start("--resume", target=pooler.conninfo).wait()
        if run.exit_code == 11 and "L2P6003" in run.codes():
            run = trial.start(target=pooler.conninfo).wait()
        if run.exit_code == trial.kind.exit_code:
            break
        trial.check_exit(run, PASSING | {11})
    else:
        Judge.fail("I1", f"no resume through the pooler\n{run}")
    pooler.stop()
    trial.judge.success(run)


ROWS = {"N1": n1, "N2": n2, "N3": n3, "N4": n4, "N5": n5}
