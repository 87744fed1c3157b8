"""W, V, R, A, Y, L, X: settings that must not matter, changes that verify must see, other commands
that are killed, round trips, secrets."""

import contextlib
import json
import os
import pathlib
import resource
import shutil
import signal
import sqlite3
import time
import uuid

import compare
import dataset
import psycopg2
import psycopg2.extensions
from checker import Judge
from lab import Program, execute
from trial import KINDS, PASSING, Skip
from value_rules import quote


def run_checked(trial, *arguments, wanted=(0,), environment=None, **kwargs):
    program = Program([*arguments, "--format", "json", "--progress", "never"],
                      {"TMPDIR": str(trial.dir), **(environment or {})}, cwd=trial.dir, **kwargs)
    trial.programs.append(program)
    run = program.wait()
    if run.exit_code not in wanted:
        Judge.fail("exit code", f"none of {wanted}\n{run}")
    return run


# ---- W: determinism ------------------------------------------------------------------------------

def what_must_not_change(run, certificate):
    """Of a report and a certificate: all but times, places and numbers of the run itself."""
    tables = {t["source_name"]: {k: t[k] for k in (
        "digest_source", "digest_target", "rows_source", "rows_copied", "rows_target",
        "target_name", "state", "columns")} for t in run.report["tables"]}
    objects = sorted(json.dumps(o, sort_keys=True) for o in run.report["objects"])
    findings = sorted(json.dumps(f, sort_keys=True) for f in run.report["findings"])
    plan = json.loads(pathlib.Path(certificate).read_text())["plan"]
    return {"tables": tables, "objects": objects, "findings": findings,
            "sequences": run.report["sequences"], "certificate": plan}


def random_bounds(rng):
    return (f"batch_bytes={rng.choice((1, 500, 5000, 70_000, 1 << 20))},"
            f"chunk_rows={rng.choice((1, 7, 100, 5000))},"
            f"chunk_bytes={rng.choice((1, 3000, 100_000, 1 << 26))},"
            f"transaction_bytes={rng.choice((1, 20_000, 1 << 23))}")


def w1(trial):
    """1 to 64 streams, chunks of one row and more, both readers: same digests, plan, certificate"""
    trial.use(KINDS["create"])
    file = trial.dir / "certificate.json"

    def one(options, limits):
        trial.limits = limits
        run = trial.start("--write-certificate", file, *options).wait()
        if run.exit_code != 0:
            Judge.fail("I1", f"{run}")
        found = what_must_not_change(run, file)
        plan = run_checked(trial, "plan", trial.path, *options[2:])
        found["plan"] = {t["source_name"]: t["columns"] for t in plan.report["tables"]}
        archive = trial.dir / uuid.uuid4().hex
        run_checked(trial, "export", trial.path, archive, *options,
                    environment={"LITE2PG_TEST_LIMITS": limits} if trial.lab.has_failpoints else {})
        manifest = json.loads((archive / "manifest.json").read_text())
        shutil.rmtree(archive)
        found["manifest"] = [{k: v for k, v in t.items() if k != "chunks"}
                             for t in manifest["tables"]]
        found["manifest identity"] = manifest["identity"]
        found["archive catalog"] = manifest["catalog"]
        return run, found
    reference = trial.lab.once(
        "determinism", lambda: one(["--streams", "1"], "batch_bytes=1048576")[1])
    trial.new_target()
    streams = trial.rng.choice((1, 2, 3, 5, 8, 16, 32, 64))
    reader = trial.rng.choice(("auto", "library", "pages"))
    options = ["--streams", str(streams), "--reader", reader]
    limits = random_bounds(trial.rng)
    trial.note(" ".join(options) + " " + limits)
    run, found = one(options, limits)
    for part, value in reference.items():
        if found[part] != value:
            Judge.fail("W", f"{part} differs from that of one stream: "
                            f"{first_difference(value, found[part])}")
    trial.judge.success(run)
    trial.note("unharmed")


def first_difference(a, b, where=""):
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(a.keys() | b.keys(), key=str):
            if a.get(key) != b.get(key):
                return first_difference(a.get(key), b.get(key), f"{where}/{key}")
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b)):
            if x != y:
                return first_difference(x, y, f"{where}/{i}")
    return f"{where}: {a!r:.300} / {b!r:.300}"


# ---- V: what verify must see ---------------------------------------------------------------------

CHANGES = {
    "text": ("{c} = {c} || ' '", "{c} = {c} || 'x'", "{c} = 'other'", "{c} = NULL"),
    "int8": ("{c} = coalesce({c}, 0) # 1", "{c} = NULL"),
    "float8": ("{c} = NULL", "{c} = -({c})", "{c} = 42.5"),
    "bytea": ("{c} = {c} || '\\x00'::bytea", "{c} = NULL",
              "{c} = set_byte({c}, 0, get_byte({c}, 0) # 1)"),
    "timestamp": ("{c} = {c} + interval '1 us'",),
    "date": ("{c} = {c} + 1",),
    "numeric": ("{c} = {c} + 0.01", "{c} = -1 - {c}",),
    "bool": ("{c} = NOT {c}", "{c} = NULL"),
}


def v1(trial):
    """One random change of the target after a copy: verify finds it, and nothing else"""
    trial.use(KINDS["create"])
    target = trial.lab.once("copied", lambda: copied_template(trial))
    trial.database = trial.lab.database(target)
    trial.databases.append(trial.database)
    trial.target = trial.lab.server.plain_conninfo(trial.database)
    table, change = random_change(trial)
    trial.note(f"{table}: {change}")
    run = run_checked(trial, "verify", trial.path, trial.target, wanted=(4,))
    unequal = [t["source_name"] for t in run.report["tables"] if t["equal"] is False]
    if unequal != [table]:
        Judge.fail("V", f"changed was {table}, found was {unequal}: {change}")
    entry = next(t for t in run.report["tables"] if t["source_name"] == table)
    if not entry["differences"]:
        Judge.fail("V", f"no row is named: {change}")
    run_checked(trial, "verify", trial.target, wanted=(4,))
    trial.note("unharmed")


def copied_template(trial):
    name = trial.lab.database()
    target = trial.lab.server.plain_conninfo(name)
    run = Program(["copy", trial.path, target, "--format", "json"]).wait()
    if run.exit_code != 0:
        Judge.fail("I1", f"{run}")
    run_checked(trial, "verify", trial.path, target)
    return name


def random_change(trial):
    """Makes one; what changed nothing (NULL to NULL, a foreign key's refusal) is drawn again."""
    columns = trial.sql(
        "SELECT c.relname, a.attname, t.typname FROM pg_attribute a JOIN pg_class c ON c.oid ="
        " attrelid JOIN pg_type t ON t.oid = atttypid WHERE relkind = 'r' AND relnamespace ="
        " 'public'::regnamespace AND attnum > 0 AND attgenerated = '' AND NOT attnotnull"
        " ORDER BY 1, 2")
    for _ in range(200):
        table, column, base = trial.rng.choice(columns)
        name = f"public.{quote(table)}"
        count = trial.sql(f"SELECT count(*) FROM {name}")[0][0]
        if count == 0:
            continue
        at = f"(SELECT ctid FROM {name} ORDER BY ctid OFFSET {trial.rng.randrange(count)} LIMIT 1)"
        kind = trial.rng.choice(("cell", "cell", "cell", "delete", "double"))
        if kind == "cell" and base in CHANGES:
            change = trial.rng.choice(CHANGES[base]).format(c=quote(column))
            new = change.split(" = ", 1)[1]
            statement = (f"UPDATE {name} SET {change} WHERE ctid = {at} AND"
                         f" ({quote(column)} IS DISTINCT FROM ({new}))")
        elif kind == "delete" and not table.startswith("typed"):  # which children would follow
            statement = f"DELETE FROM {name} WHERE ctid = {at}"
        elif kind == "double" and table.startswith("keyless"):
            statement = f"INSERT INTO {name} SELECT * FROM {name} WHERE ctid = {at}"
        else:
            continue
        with contextlib.suppress(psycopg2.Error):
            counted = f"WITH done AS ({statement} RETURNING 1) SELECT count(*) FROM done"
            if trial.sql(counted) != [(1,)]:
                continue
            return table, statement
    raise Skip("no change could be made")


def v2(trial):
    """One bit flipped between encoder and COPY: refused, loaded again or found, never published"""
    if not trial.lab.has_failpoints:
        raise Skip("this build has no failpoints")
    trial.choose_kind("create", "direct", "staged")
    # Where numbers, texts, lengths and blobs take turns.
    trial.limits += (f",spoilt_batch={trial.rng.randint(1, 60)},spoilt_byte="
                     f"{trial.rng.randint(1, 10 ** 6)},spoilt_bit={trial.rng.randint(1, 8)}")
    run = trial.start("--streams", trial.rng.choice("123")).wait()
    if run.exit_code == 0:
        trial.note("unharmed")
        trial.judge.success(run)
        return
    trial.check_exit(run, {4, 8})
    if sum(trial.judge.counts().values()) > 0:
        Judge.fail("V", "rows are visible")
    if run.exit_code == 8:  # refused as a whole: what was loaded before may be kept
        trial.limits = dataset.SMALL
        trial.judge.interrupted()
        trial.finish(allowed=PASSING | {8})
        return
    if not any(t["equal"] is False for t in run.report["tables"]):
        Judge.fail("V", f"exit 4, but no table is named\n{run}")
    trial.judge.nothing_left()


# ---- R: back to SQLite ---------------------------------------------------------------------------

def r1(trial):
    """revert killed at a random moment, then whole; copied back; reverted again: a fixpoint"""
    trial.use(KINDS["create"])
    template = trial.lab.once("copied", lambda: copied_template(trial))
    name = trial.lab.database(template)
    trial.databases.append(name)
    target = trial.lab.server.plain_conninfo(name)
    first, second = trial.dir / "first.db", trial.dir / "second.db"
    program = Program(["revert", target, first, "--format", "json"], cwd=trial.dir)
    trial.programs.append(program)
    trial.wait_a_random_while(program, 1.2)
    number = trial.rng.choice((signal.SIGKILL, signal.SIGINT, signal.SIGTERM))
    program.signal(number)
    run = program.wait()
    if run.exit_code == 0:
        trial.note("unharmed")
    else:
        trial.check_exit(run, {-number, 10})
        if first.exists():
            Judge.fail("R", "half of a file has the name that was asked for")
        left = [p for p in trial.dir.iterdir() if p.name.startswith("first.db")]
        if left and number != signal.SIGKILL:
            Judge.fail("I5", f"left behind: {left}")
        for path in left:
            path.unlink()
        run_checked(trial, "revert", target, first)
    if first.stat().st_mode & 0o777 != 0o600:
        Judge.fail("X", f"mode {first.stat().st_mode:o}")
    db = sqlite3.connect(first)
    if db.execute("PRAGMA integrity_check").fetchall() != [("ok",)] or \
            db.execute("PRAGMA foreign_key_check").fetchall():
        Judge.fail("R", "integrity_check or foreign_key_check finds something")
    db.close()
    if compare.Comparison(str(first), target, None, check_schema=False).problems:
        Judge.fail("R", compare.Comparison(str(first), target, None, check_schema=False).problems)
    trial.path = first
    trial.judge = Judge(first, trial.superuser())
    run = trial.start().wait()
    if run.exit_code != 0:
        Judge.fail("R", f"what was reverted cannot be copied\n{run}")
    trial.judge.success(run)
    run_checked(trial, "revert", trial.target, second)
    run_checked(trial, "verify", first, second)
    if {t: rows_of(first, t) for t in tables_of(first)} != \
            {t: rows_of(second, t) for t in tables_of(second)}:
        Judge.fail("R", "the second pass is not the first")


def tables_of(path):
    db = sqlite3.connect(path)
    names = [name for name, in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'"
                                          " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY 1")]
    db.close()
    return names


def rows_of(path, table):
    """As SQLite shows them: value and storage class."""
    db = sqlite3.connect(path)
    db.text_factory = bytes
    columns = [row[1].decode() for row in db.execute(f"PRAGMA table_xinfo({quote(table)})")]
    shown = ", ".join(f"quote({quote(c)})" for c in columns)
    rows = sorted(db.execute(f"SELECT {shown} FROM {quote(table)}").fetchall())
    db.close()
    return rows


# ---- A: archives; Y: sync ------------------------------------------------------------------------

def a1(trial):
    """export killed and resumed, import killed and resumed"""
    trial.use(KINDS["create"])
    directory = trial.dir / "archive"
    options = ["--streams", trial.rng.choice("123")]
    limits = {"LITE2PG_TEST_LIMITS": trial.limits} if trial.lab.has_failpoints else {}

    def export(*more):
        program = Program(["export", trial.path, directory, "--format", "json", *options, *more],
                          limits, cwd=trial.dir)
        trial.programs.append(program)
        return program
    program = export()
    trial.wait_a_random_while(program, 0.7)
    program.kill()
    run = program.wait()
    for number in range(4):
        if run.exit_code == 0:
            break
        if (directory / "manifest.json").exists() and run.exit_code != -9:
            Judge.fail("A", f"a manifest, though the export failed\n{run}")
        program = export("--resume")
        if number == 0 and trial.rng.random() < 0.5:
            trial.wait_a_random_while(program, 0.7)
            program.kill()
        run = program.wait()
        if run.exit_code == 11 and "L2P6003" in run.codes():
            run = export().wait()
    else:
        Judge.fail("A", f"no export after all\n{run}")
    extra = [p for p in directory.rglob("*") if p.suffix == ".part" or p.name == "export.journal"]
    modes = {oct(p.stat().st_mode & 0o777) for p in directory.rglob("*") if p.is_file()}
    if extra or modes != {"0o600"}:
        Judge.fail("A", f"left behind: {extra}; modes {modes}")
    source, trial.path = trial.path, directory
    program = trial.start(command="import")
    trial.wait_a_random_while(program, 1.0)
    program.kill()
    run = program.wait()
    trial.judge.interrupted()
    for _ in range(4):
        if run.exit_code == 0:
            break
        run = trial.start("--resume", command="import").wait()
        if run.exit_code == 11 and "L2P6003" in run.codes():
            run = trial.start(command="import").wait()
    trial.path = source
    if run.exit_code != 0:
        Judge.fail("A", f"no import after all\n{run}")
    trial.judge.success(run)


def y1(trial):
    """sync of a source that went on, killed at a random moment: all or nothing, then equal"""
    trial.use(KINDS["create"])
    template = trial.lab.once("copied", lambda: copied_template(trial))
    name = trial.lab.database(template)
    trial.databases.append(name)
    target = trial.lab.server.plain_conninfo(name)
    conninfo = trial.lab.server.conninfo(name)
    changed = trial.dir / "changed.db"
    shutil.copy(trial.path, changed)
    db = sqlite3.connect(changed)
    db.execute("UPDATE typed0 SET t = t || 'new' WHERE id % 5 = 0")
    db.execute("DELETE FROM worid1 WHERE n % 7 = 0")
    db.execute("INSERT INTO keyless2 SELECT * FROM keyless2 WHERE y = 1")
    db.execute("DELETE FROM keyless1 WHERE y = 2")
    db.execute("INSERT INTO pair0 SELECT 'new', b, v FROM pair0 WHERE b % 3 = 0")
    db.commit()
    db.close()
    program = Program(["sync", changed, target, "--format", "json"], cwd=trial.dir)
    trial.programs.append(program)
    trial.wait_a_random_while(program, 1.2)
    number = trial.rng.choice((signal.SIGKILL, signal.SIGTERM))
    program.signal(number)
    run = program.wait()
    judge = Judge(changed, conninfo)
    judge.no_sessions()
    before = compare.Comparison(str(trial.path), conninfo, None, check_schema=False).problems
    after = compare.Comparison(str(changed), conninfo, None, check_schema=False).problems
    if run.exit_code == 0:
        trial.note("unharmed")
    else:
        trial.check_exit(run, {-number, 10})
    if (before and after) or (run.exit_code == 0 and after):
        Judge.fail("Y", after)
    run = run_checked(trial, "sync", changed, target)
    problems = compare.Comparison(str(changed), conninfo, None, check_schema=False).problems
    if problems:
        Judge.fail("Y", problems)
    run_checked(trial, "verify", changed, target)


def l1(trial):
    """Round after round with a fault in each: copy, resume, verify, sync, revert"""
    for part in (k_and_verify, y1, r1):
        part(trial)


def k_and_verify(trial):
    trial.choose_kind()
    program = trial.start()
    trial.wait_a_random_while(program, 0.8)
    program.kill()
    trial.expect_done_or_resume(program.wait(), {-9})
    wanted = (3,) if trial.kind.exit_code == 3 else (0,)
    if not trial.kind.merged:
        run_checked(trial, "verify", trial.path, trial.target, wanted=wanted)


# ---- X: secrets ----------------------------------------------------------------------------------

def x1(trial):
    """A password in argv, URI, environment, pass file: in no output, ledger, file or core"""
    canary = "Canary" + uuid.uuid4().hex
    trial.choose_kind("create", "reject")
    role = "x_" + uuid.uuid4().hex[:8]
    server = trial.lab.server
    server.execute(f"CREATE ROLE {role} SUPERUSER LOGIN PASSWORD '{canary}' IN ROLE wants_password")
    trial.roles.append(role)
    wrong = trial.rng.random() < 0.3
    given = "Wrong" + canary if wrong else canary
    environment, target = give_password(trial, role, given)
    out = trial.dir / "out"
    out.mkdir(mode=0o700)
    hook = f"pre-data=cat /proc/$PPID/cmdline /proc/self/cmdline > {out}/hook"
    options = ["--report", out / "r.json", "--report", out / "r.html", "--write-certificate",
               out / "c.json", "--exec", hook, "-v"]
    if trial.kind.exit_code == 3:
        options += ["--rejects", out / "x.ndjson"]
    style = trial.rng.choice(([], ["--format", "json"], ["--progress", "json"]))
    dies = trial.rng.choice((None, None, signal.SIGABRT, signal.SIGSEGV))

    def preexec():
        resource.setrlimit(resource.RLIMIT_CORE,
                           (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
        os.umask(0)
    program = Program(["copy", trial.path, target, *trial.kind.options, *options, *style],
                      environment, cwd=out, preexec=preexec)
    trial.programs.append(program)
    seen = b""
    while program.runs():
        with contextlib.suppress(OSError):
            argv = pathlib.Path(f"/proc/{program.process.pid}/cmdline").read_bytes()
            # The first moment belongs to the kernel and the loader; what is wiped stays so.
            seen = seen + argv if b"***" in seen or b"***" in argv else argv
        if dies and program.age() > 0.3:
            program.signal(dies)
        time.sleep(0.01)
    run = program.wait()
    trial.note(f"exit {run.exit_code}")
    wanted = {-dies} if dies else set()
    wanted |= {7} if wrong else {trial.kind.exit_code}
    if run.exit_code not in wanted:
        Judge.fail("exit code", f"none of {wanted}\n{run}")
    places = {"argv": seen, "stdout": run.out.encode(), "stderr": run.err.encode()}
    for path in [*out.rglob("*"), *pathlib.Path("/tmp").glob(f"core*{program.process.pid}*")]:
        if path.is_file():
            places[path.name] = path.read_bytes()
            if path.name != "hook" and path.stat().st_mode & 0o077:
                Judge.fail("X", f"{path.name} has mode {path.stat().st_mode:o}")
    places["ledger"] = ledger_text(trial)
    places["server log"] = pathlib.Path(server.directory + "/log").read_bytes()
    leaks = [name for name, text in places.items() if canary.encode() in text]
    if leaks:
        Judge.fail("X", f"the password is in {leaks}")
    if any(name.startswith("core") for name in places):
        Judge.fail("X", "there is a core file, with everything in it")


def give_password(trial, role, password):
    """(environment, target argument)"""
    server, database = trial.lab.server, trial.database
    base = {"host": "127.0.0.1", "port": server.port, "user": role, "dbname": database}
    way = trial.rng.choice(("conninfo", "uri", "uri parameter", "environment", "pass file"))
    trial.note(way)
    if way == "conninfo":
        return {}, psycopg2.extensions.make_dsn(**base, password=password)
    if way == "uri":
        return {}, f"postgresql://{role}:{password}@127.0.0.1:{server.port}/{database}"
    if way == "uri parameter":
        return {}, f"postgresql://{role}@127.0.0.1:{server.port}/{database}?password={password}"
    if way == "environment":
        return {"PGPASSWORD": password}, psycopg2.extensions.make_dsn(**base)
    file = trial.dir / "pgpass"
    file.write_text(f"127.0.0.1:{server.port}:{database}:{role}:{password}\n")
    file.chmod(0o600)
    return {"PGPASSFILE": str(file)}, psycopg2.extensions.make_dsn(**base)


def ledger_text(trial):
    conninfo = trial.superuser()
    if execute(conninfo, "SELECT to_regclass('lite2pg.run') IS NULL") == [(True,)]:
        return b""
    rows = []
    for table in ("run", "chunk", "set_aside", "reject"):
        rows += execute(conninfo, f"SELECT t::text FROM lite2pg.{table} t")
    return repr(rows).encode()


ROWS = {"W1": w1, "V1": v1, "V2": v2, "R1": r1, "A1": a1, "Y1": y1, "L1": l1, "X1": x1}
