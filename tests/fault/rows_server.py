"""P: the server ends sessions or itself. D: something runs out."""

import contextlib
import os
import shutil
import subprocess
import threading
import time
import uuid

import psycopg2
import psycopg2.extensions
from checker import Judge
from lab import is_root, postgres_account
from trial import Skip

LOST = {7, 10}


def p1(trial):
    """pg_terminate_backend of random sessions of the run, one to four times"""
    trial.choose_kind()
    options = trial.rng.choice((["--streams", "1"], ["--streams", "3"], ["--streams", "4"]))
    program = trial.start(*options)
    for _ in range(trial.rng.randint(1, 4)):
        time.sleep(trial.rng.uniform(0, 0.4))
        pids = [pid for pid, in trial.sql(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name LIKE 'lite2pg%%' ORDER BY pid")]
        if pids and program.runs():
            trial.sql("SELECT pg_terminate_backend(%s)", (trial.rng.choice(pids),))
    trial.expect_done_or_resume(program.wait(), LOST, options)


def stop_and_start(trial, pause_max):
    """The postmaster is stopped as by a crash, and started again a while later."""
    server = trial.lab.server
    server.stop("immediate")
    time.sleep(trial.rng.uniform(0, pause_max))
    server.start()


def crash(trial, pause_max):
    trial.choose_kind()
    longest = trial.usual_seconds("--streams", "2")
    program = trial.start("--streams", "2")
    trial.wait_a_random_while(program, longest * 1.2)
    stop_and_start(trial, pause_max)
    run = program.wait()
    # What was committed but not answered may be there: only the ledger and the rows have to agree.
    trial.expect_done_or_resume(run, LOST, ["--streams", "2"])


def p2(trial):
    """The postmaster is stopped with -m immediate at a random moment, and started again"""
    crash(trial, trial.rng.choice((0, 1.5, 3)))


def p3(trial):
    """As P2, with synchronous_commit off in the database"""
    make = trial.new_target

    def asynchronous():
        make()
        trial.sql(f"ALTER DATABASE {trial.database} SET synchronous_commit = off")
    trial.new_target = asynchronous
    crash(trial, 1)


# ---- Disks that are full -------------------------------------------------------------------------

@contextlib.contextmanager
def small_disk(trial, size_kb, owner=None):
    """A file system of its own in memory, full after `size_kb`."""
    if not is_root():
        raise Skip("mounting a small file system needs root")
    directory = trial.lab.directory / f"disk-{uuid.uuid4().hex[:8]}"
    directory.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_kb}k,mode=0700", "tmpfs",
                              str(directory)], capture_output=True, check=False)
    if mounted.returncode != 0:
        raise Skip("mount is refused here: " + mounted.stderr.decode().strip())
    try:
        if owner:
            os.chown(directory, owner.pw_uid, owner.pw_gid)
        yield directory
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=False)
        directory.rmdir()


def grow(directory, size_kb):
    subprocess.run(["mount", "-o", f"remount,size={size_kb}k", str(directory)], check=True)


def d1(trial):
    """The database's tablespace is full at a random point of the copy, and later grown"""

    trial.choose_kind("create")
    source = trial.own_source(rows=2500, groups=3)
    with small_disk(trial, 60_000, postgres_account()) as disk:
        for path in (trial.lab.directory, disk):
            os.chmod(path, 0o755 if path != disk else 0o700)
        space = "space_" + uuid.uuid4().hex[:8]
        trial.lab.server.execute(f"CREATE TABLESPACE {space} LOCATION '{disk}'")
        try:
            trial.lab.server.execute(f"ALTER DATABASE {trial.database} SET TABLESPACE {space}")
            trial.path = source
            trial.judge = Judge(source, trial.superuser())
            used = shutil.disk_usage(disk).used // 1024
            grow(disk, used + trial.rng.randint(300, 12_000))
            options = trial.rng.choice(([], ["--streams", "1"], ["--streams", "4"]))
            run = trial.start(*options).wait()
            if run.exit_code != 0:
                trial.check_exit(run, {9})
                if run.report["errors"][0].get("sqlstate") != "53100":
                    trial.note(str(run.report["errors"][0].get("sqlstate")))
                trial.judge.interrupted()
                grow(disk, 90_000)
                trial.finish(*options)
            else:
                trial.note("unharmed")
                trial.judge.success(run)
        finally:
            trial.lab.drop(trial.databases.pop())
            trial.lab.server.execute(f"DROP TABLESPACE {space}")


def d2(trial):
    """The disk for the program's own files is full: report, rejects, certificate, log"""
    trial.choose_kind("reject")
    with small_disk(trial, trial.rng.choice((4, 8, 16, 40, 80))) as disk:
        files = {"--report": "r.json", "--rejects": trial.rng.choice(("x.ndjson", "x.sqlite")),
                 "--write-certificate": "c.json", "--coercion-log": "l.ndjson"}
        chosen = trial.rng.sample(sorted(files), trial.rng.randint(1, len(files)))
        options = [part for option in chosen for part in (option, disk / files[option])]
        trial.note("+".join(option[2:] for option in chosen))
        run = trial.start(*options).wait()
        if run.exit_code != 3:
            trial.check_exit(run, {9})
            if trial.sql("SELECT to_regclass('lite2pg.run') IS NOT NULL") == [(True,)]:
                trial.note(str(trial.sql("SELECT state, stage FROM lite2pg.run")[0]))
            trial.judge.source_is_as_it_was()
            trial.judge.no_sessions()
            # No half of a file under the name that was asked for.
            for path in disk.iterdir():
                if path.name in files.values() and path.suffix in (".json",) and \
                        not path.read_bytes().rstrip().endswith(b"}"):
                    Judge.fail("I5", f"half a file: {path.name} {path.stat().st_size} bytes")
            grow(disk, 60_000)
            run = trial.finish(*options)
        for option in chosen:
            if not (disk / files[option]).exists():
                Judge.fail("I1", f"{option} was asked for, and exit {run.exit_code} came without")
        mode = {p.name: oct(p.stat().st_mode & 0o777) for p in disk.iterdir()}
        if set(mode) - {files[o] for o in chosen}:
            Judge.fail("I5", f"files left behind: {mode}")


# ---- Connections, locks, servers that only read --------------------------------------------------

def d3(trial):
    """max_connections or a role's limit reached, a standby, a read-only database, a lock held"""
    {"full": server_is_full, "limit": role_is_limited, "standby": standby,
     "read-only": read_only, "lock": lock_is_held}[trial.rng.choice(
         ("full", "limit", "limit", "standby", "read-only", "lock"))](trial)


def server_is_full(trial):
    trial.choose_kind("create", "direct")
    free = trial.rng.randint(0, 7)
    trial.note(f"{free} connections free")
    server = trial.lab.server
    # Reserved ones are for superusers; ours must not be one.
    role = own_role(trial)
    limit = int(server.execute("SHOW max_connections")[0][0])
    reserved = int(server.execute("SHOW superuser_reserved_connections")[0][0])
    held = []
    try:
        # One is ours to look with, at times.
        for _ in range(limit - reserved - free):
            held.append(psycopg2.connect(server.conninfo()))
        run = trial.start("--streams", "6").wait()
    finally:
        for connection in held:
            connection.close()
    trial.expect_done_or_resume(run, {7, 9}, ["--streams", "6"])


def own_role(trial, limit=-1):
    role = "r_" + uuid.uuid4().hex[:8]
    trial.sql(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT {limit}")
    trial.sql(f"ALTER DATABASE {trial.database} OWNER TO {role};"
              f"GRANT ALL ON SCHEMA public TO {role}")
    for table, in trial.sql("SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'v')"
                            " AND relnamespace = 'public'::regnamespace"):
        trial.sql(f"ALTER TABLE {table} OWNER TO {role}")
    # Also for the resume: the bookkeeping is the role's own.
    trial.target = psycopg2.extensions.make_dsn(trial.target, user=role)
    trial.roles.append(role)
    return role


def role_is_limited(trial):
    trial.choose_kind("create", "direct", "merge")
    limit = trial.rng.randint(1, 6)
    trial.note(f"CONNECTION LIMIT {limit}")
    role = own_role(trial, limit)
    options = trial.rng.choice(([], ["--streams", "4"]))
    run = trial.start(*options).wait()
    if run.exit_code != 0:
        trial.check_exit(run, {7, 9})
        trial.judge.interrupted()
        trial.sql(f"ALTER ROLE {role} CONNECTION LIMIT 30")
    trial.expect_done_or_resume(run, {7, 9}, options)


def standby(trial):
    trial.choose_kind("create")
    primary = trial.lab.server
    directory = primary.directory + "/standby"
    primary.clone(directory)
    port = primary.port
    try:
        with open(directory + "/postgresql.conf", "a", encoding="ascii") as config:
            config.write(f"\nport = {port + 1}\nhot_standby = on\n")
        primary._run("pg_ctl", "-D", directory, "-l", primary.directory + "/standby.log", "-w",
                     "start")
        target = psycopg2.extensions.make_dsn(trial.target, port=port + 1)
        run = trial.start(target=target).wait()
        trial.note("standby")
        trial.check_exit(run, {8})
        trial.judge.source_is_as_it_was()
        trial.judge.nothing_left()
    finally:
        primary._run("pg_ctl", "-D", directory, "-m", "immediate", "-w", "stop", check=False)
        shutil.rmtree(directory, ignore_errors=True)


def read_only(trial):
    trial.choose_kind("create", "direct")
    trial.note("read-only")
    role = own_role(trial)
    trial.sql(f"ALTER ROLE {role} SET default_transaction_read_only = on")
    run = trial.start().wait()
    if run.exit_code == 0:  # it is only a default; whether to heed it is a choice
        trial.judge.success(run)
        return
    trial.check_exit(run, {8})
    trial.judge.interrupted()
    trial.sql(f"ALTER ROLE {role} RESET default_transaction_read_only")
    trial.finish()


def lock_is_held(trial):
    trial.choose_kind("direct", "merge")
    table = trial.rng.choice(("typed0", "child1", "keyless0"))
    forever = trial.rng.random() < 0.4
    trial.note("locked for good" if forever else "locked for a moment")
    holder = psycopg2.connect(trial.superuser(), application_name="holder")
    holder.cursor().execute(f"LOCK TABLE {table} IN "
                            + trial.rng.choice(("ACCESS EXCLUSIVE", "SHARE", "ROW EXCLUSIVE"))
                            + " MODE")
    try:
        if not forever:
            timer = threading.Timer(trial.rng.uniform(1, 6), holder.close)
            timer.start()
        run = trial.start().wait(deadline=110)
    finally:
        if not forever:
            timer.join()
        holder.close()
    if forever and run.exit_code != trial.kind.exit_code:
        trial.check_exit(run, {8, 9, 10, 6})
        trial.judge.source_is_as_it_was()
        trial.judge.no_sessions()
        trial.finish(allowed={6, 7, 8, 9, 10})
        return
    trial.expect_done_or_resume(run, {8})


ROWS = {"P1": p1, "P2": p2, "P3": p3, "D1": d1, "D2": d2, "D3": d3}
