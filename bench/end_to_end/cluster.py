"""A PostgreSQL of the benchmark's own, with a stated configuration, thrown away afterwards.

Durability is never switched off: fsync, full_page_writes and synchronous_commit keep their
defaults in every profile. `minimal` is a profile of its own because it is no configuration for a
server that has replicas or archives its WAL.
"""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

import server  # noqa: E402  (found by the line above; knows where the programs are)

USER = "bench"
PORT = 5432

# The settings of docs/performance.md, "A server that is being loaded".
TUNED = {
    "shared_buffers": "1GB",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "30min",
    "wal_compression": "off",
    "wal_buffers": "64MB",
    "maintenance_work_mem": "512MB",
    "autovacuum": "off",
}
PROFILES = {
    "default": {},
    "tuned": TUNED,
    "minimal": {**TUNED, "wal_level": "minimal", "max_wal_senders": "0"},
}
# What is stated in the results, whatever the profile.
SHOWN = ("shared_buffers", "max_wal_size", "wal_level", "fsync", "synchronous_commit",
         "full_page_writes", "wal_compression", "maintenance_work_mem", "checkpoint_timeout",
         "max_connections", "max_locks_per_transaction", "autovacuum")


class Cluster:
    """Started by the constructor; stop() ends the server and removes its files."""

    def __init__(self, profile, settings=None):
        self.profile = profile
        self.binaries = server.find_bin()
        self.dir = tempfile.mkdtemp(prefix="l2p-bench-", dir=os.environ.get("LITE2PG_BENCH_DIR"))
        os.chmod(self.dir, 0o755)
        account = server.server_user()
        if account:
            os.chown(self.dir, account.pw_uid, account.pw_gid)
        self.data = self.dir + "/data"
        quiet = {"stdout": subprocess.DEVNULL}
        server.run([self.binaries + "/initdb", "-D", self.data, "-U", USER, "-E", "UTF8",
                    "--locale=C.UTF-8", "--auth=trust", "--no-instructions"], **quiet)
        lines = ["listen_addresses = '127.0.0.1'", f"unix_socket_directories = '{self.dir}'",
                 f"port = {self._free_port()}"]
        wanted = {**PROFILES[profile], **(settings or {})}
        lines += [f"{name} = '{value}'" for name, value in wanted.items()]
        with open(self.data + "/postgresql.conf", "a", encoding="ascii") as config:
            config.write("\n".join(lines) + "\n")
        server.run([self.binaries + "/pg_ctl", "-D", self.data, "-l", self.dir + "/log", "-w",
                    "start"], **quiet)
        with open(self.data + "/postmaster.pid", encoding="ascii") as pid_file:
            self.postmaster = int(pid_file.readline())

    def _free_port(self):
        import socket
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        return self.port

    def conninfo(self, database="postgres"):
        return f"host={self.dir} port={self.port} user={USER} dbname={database}"

    def uri(self, database):
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def psql(self, database, sql=None, file=None, check=True, capture=False):
        argv = [self.binaries + "/psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-At"]
        argv += ["-f", file or "-", self.conninfo(database)]
        done = subprocess.run(argv, input=(sql or "").encode(), check=False,
                              stdout=subprocess.PIPE if capture else subprocess.DEVNULL,
                              stderr=subprocess.PIPE)
        if check and done.returncode != 0:
            raise RuntimeError("psql: " + done.stderr.decode("utf-8", "replace")[-500:])
        return done.stdout.decode() if capture else ""

    def fresh_database(self, name):
        self.psql("postgres", f"DROP DATABASE IF EXISTS {name} WITH (FORCE);\n"
                              f"CREATE DATABASE {name} TEMPLATE template0;")

    def checkpoint(self):
        self.psql("postgres", "CHECKPOINT;")

    def dump(self, database, section, file):
        subprocess.run([self.binaries + "/pg_dump", "-d", self.conninfo(database),
                        "--section=" + section, "--no-owner", "--exclude-schema=lite2pg",
                        "-f", file], check=True)

    def settings(self):
        names = ",".join(f"'{name}'" for name in SHOWN)
        rows = self.psql("postgres", f"SELECT name || '=' || current_setting(name) FROM pg_settings"
                                     f" WHERE name IN ({names}) ORDER BY name;", capture=True)
        return dict(row.split("=", 1) for row in rows.splitlines())

    def version(self):
        return self.psql("postgres", "SHOW server_version;", capture=True).strip()

    def cpu_seconds(self):
        """Of the postmaster and every process it ever had, ended ones included."""
        total = 0
        for stat in _stats():
            if stat.pid == self.postmaster or stat.parent == self.postmaster:
                total += stat.ticks
        return total / os.sysconf("SC_CLK_TCK")

    def stop(self):
        server.run([self.binaries + "/pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop"],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.dir, ignore_errors=True)


class _Stat:
    def __init__(self, text):
        # The name, in brackets, may hold spaces and brackets (proc(5)).
        before, after = text.rsplit(")", 1)
        fields = after.split()
        self.pid = int(before.split("(", 1)[0])
        self.parent = int(fields[1])
        self.ticks = sum(int(fields[i]) for i in (11, 12, 13, 14))  # u, s, children's u and s


def _stats():
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as stat:
                yield _Stat(stat.read())
        except (FileNotFoundError, ProcessLookupError):
            continue


