"""S: the source is written to, locked, damaged or replaced while it is read, or was left
half-written."""

import multiprocessing
import os
import pwd
import random
import shutil
import sqlite3
import subprocess
import sys
import time

import compare
import dataset
from checker import Judge, LEDGER
from lab import is_root, slowness, snapshot_of_files
from trial import KINDS, Skip

ACCOUNTS, BALANCE = 400, 1000


# ---- Live writers --------------------------------------------------------------------------------

def make_bank(path, journal):
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA journal_mode = {journal}")
    db.executescript(
        "CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL);"
        "CREATE TABLE entry (n INTEGER PRIMARY KEY, payer INTEGER, payee INTEGER, amount INTEGER,"
        " note TEXT);"
        "CREATE TABLE padding (id INTEGER PRIMARY KEY, data BLOB);")
    db.executemany("INSERT INTO account VALUES (?, ?)", ((i, BALANCE) for i in range(ACCOUNTS)))
    db.executemany("INSERT INTO padding VALUES (?, randomblob(900))", ((i,) for i in range(4000)))
    db.commit()
    db.close()


def write_for_ever(path, seed, pause, timeout, stop, answer):
    """One transfer per transaction, and its entry: every commit balances with its entries."""
    rng = random.Random(seed)
    db = sqlite3.connect(path, timeout=timeout, isolation_level=None)
    number = busy = 0
    errors = []
    while not stop.is_set():
        payer, payee = rng.sample(range(ACCOUNTS), 2)
        amount = rng.randint(1, 50)
        try:
            db.execute("BEGIN IMMEDIATE")
            db.execute("UPDATE account SET balance = balance - ? WHERE id = ?", (amount, payer))
            db.execute("UPDATE account SET balance = balance + ? WHERE id = ?", (amount, payee))
            db.execute("INSERT INTO entry VALUES (?, ?, ?, ?, ?)",
                       (number + 1, payer, payee, amount, "x" * rng.randint(0, 300)))
            db.execute("COMMIT")
            number += 1
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                busy += 1
            else:
                errors.append(str(error))
            if db.in_transaction:
                db.execute("ROLLBACK")
        if pause:
            time.sleep(pause)
    db.close()
    answer.put((number, busy, errors))


class Writer:
    def __init__(self, trial, path, pause, timeout):
        # Not a fork: the threads of this process are none of the writer's business.
        context = multiprocessing.get_context("spawn")
        self.stop, self.answer = context.Event(), context.Queue()
        self.process = context.Process(target=write_for_ever, args=(
            str(path), trial.seed, pause, timeout, self.stop, self.answer))
        self.process.start()
        trial.cleanups.append(self.process.kill)
        before = os.stat(path).st_mtime_ns, size_of_wal(path)
        for _ in range(400):
            if (os.stat(path).st_mtime_ns, size_of_wal(path)) != before:
                return
            time.sleep(0.01)
        raise Skip("the writer did not begin")

    def end(self):
        self.stop.set()
        result = self.answer.get(timeout=60)
        self.process.join()
        return result


def size_of_wal(path):
    try:
        return os.path.getsize(str(path) + "-wal")
    except FileNotFoundError:
        return 0


def check_one_commit(trial):
    """What was copied is what one COMMIT had left: the balances are those that the entries make,
    and the entries are the first ones, without a gap."""
    entries = trial.sql("SELECT n, payer, payee, amount FROM entry ORDER BY n")
    if [n for n, *_ in entries] != list(range(1, len(entries) + 1)):
        Judge.fail("I1", "entries are missing")
    wanted = {i: BALANCE for i in range(ACCOUNTS)}
    for _, payer, payee, amount in entries:
        wanted[payer] -= amount
        wanted[payee] += amount
    found = dict(trial.sql("SELECT id, balance FROM account"))
    if found != wanted or sum(found.values()) != ACCOUNTS * BALANCE:
        Judge.fail("I1", f"no commit left these balances; {len(entries)} entries, "
                         f"{sum(1 for i in wanted if found.get(i) != wanted[i])} accounts differ")
    if trial.sql("SELECT count(*), sum(length(data)) FROM padding") != [(4000, 4000 * 900)]:
        Judge.fail("I1", "rows that nobody changes are not as they were")
    return len(entries)


def live(trial, journal):
    path = trial.dir / "bank.db"
    make_bank(path, journal)
    trial.use(KINDS["create"], path)
    pause = trial.rng.choice((0.001, 0)) if journal == "wal" else trial.rng.choice((0.002, 0.02))
    writer = Writer(trial, path, pause, timeout=0 if journal == "wal" else 0.01)
    streams = trial.rng.choice((1, 2, 4, 16, 64) if journal == "wal" else (1, 2, 4))
    reader = trial.rng.choice(("auto", "auto", "library", "pages"))
    trial.note(f"{streams} streams, {reader}, {'saturating' if not pause else 'steady'} writer")
    run = trial.start("--streams", str(streams), "--reader", reader).wait()
    written, busy, errors = writer.end()
    trial.note(f"{written} commits, {busy} busy")
    if errors:
        Judge.fail("S", f"the writer saw errors: {errors[:3]}")
    if journal == "wal" and busy:
        Judge.fail("S", f"the writer of a WAL database was kept waiting {busy} times")
    if run.exit_code in (5, 6, 9):  # no state to be had under a saturating writer; connections
        trial.note(f"exit {run.exit_code} {run.codes()}")
        trial.judge.no_sessions()
        if run.exit_code == 9 and streams < 16:
            Judge.fail("exit code", f"{run}")
        return
    if run.exit_code != 0:
        Judge.fail("exit code", f"{run}")
    trial.note("unharmed")
    check_one_commit(trial)
    trial.judge.nothing_left()
    check = sqlite3.connect(path)
    if check.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
        Judge.fail("I4", "the writer's database was harmed")
    check.close()


def s1(trial):
    """A writer in WAL mode, steady or saturating: one commit's state, and the writer never waits"""
    live(trial, "wal")


def s2(trial):
    """A writer with a rollback journal: one commit's state"""
    live(trial, "delete")


# ---- Locks ---------------------------------------------------------------------------------------

LOCK_SECONDS = 10  # kBusyTimeoutMs


def s3(trial):
    """An EXCLUSIVE lock, held for a second or for good"""
    path = trial.own_source()
    trial.use(KINDS["create"], path)
    forever = trial.rng.random() < 0.3
    trial.note("for good" if forever else "for a second")
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.execute("BEGIN EXCLUSIVE")
    program = trial.start()
    if not forever:
        time.sleep(trial.rng.uniform(0.5, 2))
        db.execute("ROLLBACK")
    run = program.wait()
    if forever:
        db.execute("ROLLBACK")
        trial.check_exit(run, {6})
        if not LOCK_SECONDS - 1 <= run.seconds <= LOCK_SECONDS + 5 * slowness():
            Judge.fail("I6", f"gave up after {run.seconds:.1f} s, not {LOCK_SECONDS}")
        run = trial.start().wait()
    db.close()
    if run.exit_code != 0:
        Judge.fail("exit code", f"{run}")
    trial.judge.success(run)


# ---- Files that change under the reader ----------------------------------------------------------

def truncate(trial, path):
    size = path.stat().st_size
    cut = trial.rng.randrange(0, size)
    os.truncate(path, cut)
    return f"truncated to {cut} of {size}"


def overwrite(trial, path):
    """Another content of another size, in place."""
    data = bytes(trial.other.read_bytes())
    with open(path, "r+b") as file:
        file.write(data)
        file.truncate(len(data))
    return "overwritten in place"


def replace(trial, path):
    copy = path.with_suffix(".new")
    shutil.copy(trial.other, copy)
    os.replace(copy, path)
    return "replaced"


def unlink(_, path):
    os.unlink(path)
    return "unlinked"


def zero_page(trial, path):
    pages = path.stat().st_size // 4096
    page = trial.rng.randrange(0, pages)
    with open(path, "r+b") as file:
        file.seek(page * 4096)
        file.write(bytes(4096))
    return f"page {page + 1} of {pages} zeroed"


def s4(trial):
    """The source is truncated, overwritten, replaced, unlinked, or a page of it zeroed, at a random
    moment"""
    path = trial.own_source()
    original = trial.dir / "original.db"
    shutil.copy(path, original)
    trial.other = trial.dir / "other.db"
    dataset.make(trial.other, trial.seed + 1, rows=700)
    trial.use(KINDS["create"], path)
    longest = trial.usual_seconds()
    options = trial.rng.choice((["--streams", "1"], ["--streams", "3"],
                                ["--streams", "2", "--reader", "pages"],
                                ["--streams", "2", "--reader", "library"]))
    program = trial.start(*options)
    trial.wait_a_random_while(program, longest)
    harm = trial.rng.choice((truncate, overwrite, replace, unlink, zero_page))
    late = not program.runs()
    trial.note(harm(trial, path) + (" too late" if late else ""))
    run = program.wait()
    trial.check_exit(run, {0, 5})
    trial.judge = Judge(original, trial.superuser())
    if run.exit_code == 0:
        # It had read everything by then; or it read what is there now, from the beginning.
        result = compare.Comparison(str(original), trial.superuser(), run.report)
        if result.problems and path.exists():
            other = compare.Comparison(str(trial.other), trial.superuser(), run.report) \
                if harm in (overwrite, replace) else result
            if other.problems:
                Judge.fail("I2", result.problems)
        trial.judge.nothing_left()
        return
    # Nothing of it may be visible, and nothing that was committed may be anything but the source's.
    trial.judge.interrupted()
    if trial.sql(f"SELECT to_regclass('{LEDGER}.run') IS NOT NULL") == [(True,)]:
        left = trial.sql("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'lite2pg_%%'")
        if left and run.codes()[:1] != ["L2P1009"]:
            Judge.fail("I5", f"exit 5 is not resumed, but {left} is left")


# ---- Files that were left half-written -----------------------------------------------------------

LEAVE_JOURNAL = """
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA cache_size = 5")
db.execute("BEGIN IMMEDIATE")
db.execute("UPDATE typed0 SET t = 'never committed', b = zeroblob(3000)")
os.kill(os.getpid(), 9)
"""
LEAVE_WAL = """
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA journal_mode = wal")
db.execute("PRAGMA wal_autocheckpoint = 0")
db.execute("UPDATE typed0 SET t = 'from the wal'")
db.execute("DELETE FROM keyless0 WHERE y = 1")
os.kill(os.getpid(), 9)
"""


def leave(script, path):
    subprocess.run([sys.executable, "-c", script, str(path)], check=False)


def s5(trial):
    """A hot journal, a WAL that was never checkpointed (with and without its index), a stale WAL, a
    directory that cannot be written to"""
    what = trial.rng.choice(("hot journal", "wal", "wal without shm", "stale wal", "read-only dir",
                             "read-only dir wal"))
    trial.note(what)
    path = trial.own_source(rows=300)
    if what == "hot journal":
        leave(LEAVE_JOURNAL, path)
        if not (path.parent / "source.db-journal").exists():
            raise Skip("no journal was left")
    elif "wal" in what and what != "stale wal":
        leave(LEAVE_WAL, path)
        if what == "wal without shm":
            os.unlink(str(path) + "-shm")
    elif what == "stale wal":
        other = trial.dir / "other.db"
        dataset.make(other, 5, rows=60)
        leave(LEAVE_WAL, other)
        os.replace(str(other) + "-wal", str(path) + "-wal")
    trial.use(KINDS["create"], path)
    kwargs = {}
    if what.startswith("read-only dir"):
        kwargs = read_only_directory(trial, path, keep_shm="wal" not in what)
    files = snapshot_of_files(path)
    options = ["--reader", trial.rng.choice(("auto", "library", "pages"))]
    run = trial.start(*options, **kwargs).wait()
    if "hot" not in what and snapshot_of_files(path) != files:
        Judge.fail("I4", f"the source's files changed: {what}")
    if what == "hot journal":
        trial.check_exit(run, {5})
        if snapshot_of_files(path) != files:
            Judge.fail("I4", "the hot journal was touched")
        trial.judge.nothing_left()
        return
    # A WAL of another database is taken for the file's own by SQLite, which damages it.
    may_fail = what.startswith("read-only") or what == "stale wal"
    trial.check_exit(run, {0, 5, 6} if may_fail else {0})
    if run.exit_code == 0:
        # The judge reads a copy: reading would checkpoint, or make what a directory may not have.
        seen = trial.dir / "seen.db"
        for suffix in ("", "-wal"):
            if os.path.exists(str(path) + suffix):
                shutil.copy(str(path) + suffix, str(seen) + suffix)
        result = compare.Comparison(str(seen), trial.superuser(), run.report)
        if result.problems:
            Judge.fail("I1", result.problems)


def read_only_directory(trial, path, keep_shm):
    if not is_root():
        raise Skip("needs another user")
    nobody = pwd.getpwnam("nobody")
    shm = str(path) + "-shm"
    if not keep_shm and os.path.exists(shm):
        os.unlink(shm)
    os.chmod(trial.lab.directory, 0o755)
    os.chmod(trial.dir, 0o555)
    for suffix in ("", "-wal"):
        if os.path.exists(str(path) + suffix):
            os.chmod(str(path) + suffix, 0o444)

    def drop():
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
    return {"preexec": drop}


ROWS = {"S1": s1, "S2": s2, "S3": s3, "S4": s4, "S5": s5}
