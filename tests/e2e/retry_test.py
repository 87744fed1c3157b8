"""Connections that break in the data stage: the copy goes on by itself, and every row is there
exactly once."""

import json
import os
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from harness import BIN, SEED, EndToEndTest, compare, execute, server, with_options

KILLS = 20


def add_tables(db, count, rows, seed):
    """Tables of several shapes, some without a key, with rows that occur more than once."""
    rng = random.Random(seed)
    for i in range(count):
        if i % 4 == 0:
            db.execute(f"CREATE TABLE t{i} (k TEXT PRIMARY KEY, n, v) WITHOUT ROWID")
        elif i % 4 == 1:
            db.execute(f"CREATE TABLE t{i} (rowid, _rowid_, oid)")
        else:
            db.execute(f"CREATE TABLE t{i} (id INTEGER PRIMARY KEY, n INTEGER, v TEXT)")
        text = rng.randbytes(150).hex()
        key = str if i % 4 == 0 else (lambda r: r % 50) if i % 4 == 1 else int
        db.executemany(f"INSERT INTO t{i} VALUES (?, ?, ?)",
                       ((key(r), r % 50, text[:200 + r % 90]) for r in range(rows)))


class RetryTest(EndToEndTest):
    def big_source(self, count=24, rows=12000):
        return self.make_source(build=lambda db: add_tables(db, count, rows, SEED))

    def start(self, path, target, *options):
        out = tempfile.TemporaryFile()
        self.addCleanup(out.close)
        run = subprocess.Popen(
            [BIN, "copy", path, target, "--report", self.dir / "r.json", *options], stdout=out,
            stderr=subprocess.STDOUT,
            env={k: v for k, v in os.environ.items() if not k.startswith("PG")})
        self.addCleanup(run.kill)
        return run, out

    def finish(self, run, out):
        code = run.wait(timeout=300)
        out.seek(0)
        return code, out.read().decode("utf-8", "replace")

    def resume(self, path):
        run, out = self.start(path, self.target, "--resume")
        code, text = self.finish(run, out)
        self.assertEqual(code, 0, text)

    def assert_equal(self, path, target, text):
        with open(self.dir / "r.json", encoding="utf-8") as file:
            report = json.load(file)
        self.assertEqual(report["outcome"], "verified", text)
        problems = compare.Comparison(str(path), target, report).problems
        self.assertEqual(problems, [], text[-3000:])
        # What the ledger says was loaded is what is there.
        chunks = dict(execute(target, "SELECT table_name, sum(rows) FROM lite2pg.chunk"
                                      " WHERE run_id = %s GROUP BY 1", (report["run_id"],)))
        self.assertEqual(chunks, {t["source_name"]: t["rows_source"] for t in report["tables"]})


class Terminated(RetryTest):
    def test_streams_that_are_terminated_at_random_lose_no_row_and_double_none(self):
        path = self.big_source()
        rng = random.Random(SEED)
        kills = retries = 0
        while kills < KILLS:
            self.target = self.make_target()
            run, out = self.start(path, self.target, "--streams", str(rng.choice((2, 3, 4))))
            while run.poll() is None:
                time.sleep(rng.uniform(0.02, 0.25))
                # Of the streams only: they are those that are in, or between, COPY transactions.
                victims = execute(
                    self.target, "SELECT pid FROM pg_stat_activity WHERE datname ="
                    " current_database() AND application_name ~ '^lite2pg [0-9a-f]' AND"
                    " (query LIKE 'COPY%' OR query LIKE 'BEGIN%' OR query LIKE '%FOR KEY SHARE'"
                    " OR query = 'COMMIT')")
                if victims:
                    execute(self.target, "SELECT pg_terminate_backend(%s)", rng.choice(victims))
                    kills += 1
            code, text = self.finish(run, out)
            # A connection that carries no rows may have been hit as well; the run is then resumed.
            self.assertIn(code, (0, 10), f"seed {SEED}, after {kills} kills\n{text}")
            if code == 10:
                self.resume(path)
            self.assert_equal(path, self.target, f"seed {SEED}\n{text}")
            retries += text.count("trying again")
        self.assertGreater(retries, 0, "no kill was noticed")

    def test_a_stream_that_is_lost_again_and_again_ends_the_run_with_10(self):
        path = self.big_source(count=4, rows=30000)
        stop = threading.Event()

        def kill_all():
            while not stop.is_set():
                execute(self.target, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                                     " WHERE datname = current_database() AND query LIKE 'COPY%'")
                time.sleep(0.005)

        run, out = self.start(path, self.target)
        killer = threading.Thread(target=kill_all)
        killer.start()
        try:
            code, text = self.finish(run, out)
        finally:
            stop.set()
            killer.join()
        self.assertEqual(code, 10, text)
        left = [t for t in self.tables_in_target() if not t.startswith("lite2pg")]
        self.assertEqual(left, [], text)
        self.resume(path)
        self.assert_equal(path, self.target, text)


class OutsideTheDataStage(RetryTest):
    """Stages whose sessions do not retry by themselves: the run goes on as --resume would."""

    SCRIPT = """
        CREATE TABLE p (id INTEGER PRIMARY KEY, v TEXT UNIQUE);
        CREATE TABLE c (id INTEGER PRIMARY KEY, p_id INTEGER REFERENCES p (id));
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
        INSERT INTO p SELECT i, 'v' || i FROM n;
        INSERT INTO c SELECT id, id FROM p;
        CREATE VIEW both AS SELECT v, c.id FROM p JOIN c ON p_id = p.id;
        """

    TERMINATE = ("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                 " WHERE datname = current_database() AND application_name LIKE 'lite2pg%'")

    def terminate_once(self, stage):
        """An option that ends all sessions of the run when it is in that stage, the first time."""
        flag = self.dir / f"terminated-{stage}"
        script = self.dir / "terminate.sh"
        script.write_text(
            f"#!/bin/sh\n[ -e {flag} ] && exit 0\ntouch {flag}\n"
            f"{server.find_program('psql', 0)} -qAt -d '{self.target}' -c \"{self.TERMINATE}\""
            " >/dev/null\n")
        script.chmod(0o755)
        return "--exec", f"{stage}={script}"

    def assert_went_on(self, run, times=1):
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(run.report["outcome"], "verified", str(run))
        self.assertEqual(len(run.findings("L2P3010")), times, str(run))
        self.assertEqual("goes on" in run.err, times > 0, str(run))
        self.assertEqual(self.sql("SELECT DISTINCT state FROM lite2pg.run"), [("done",)])
        left = [t for t in self.tables_in_target() if "staging" in t]
        self.assertEqual(left, [])

    def test_sessions_that_are_terminated_in_any_stage(self):
        for stage in ("pre-data", "table", "verify"):
            with self.subTest(stage):
                self.target = self.make_target()
                path = self.make_source(self.SCRIPT, name=f"{stage}.db")
                run = self.copy(path, *self.terminate_once(stage))
                self.assert_went_on(run, times=0 if stage == "table" else 1)
                self.assert_equal_copy(path, run)

    def test_into_tables_of_an_application(self):
        path = self.make_source(self.SCRIPT.replace("CREATE VIEW", "-- CREATE VIEW"))
        self.sql("CREATE TABLE p (id bigint PRIMARY KEY, v text UNIQUE);"
                 "CREATE TABLE c (id bigint PRIMARY KEY, p_id bigint REFERENCES p (id))")
        for limits in ("merge_bytes=1", "merge_bytes=16777216"):   # directly, and merged
            with self.subTest(limits):
                self.sql("TRUNCATE p, c")
                (self.dir / "terminated-verify").unlink(missing_ok=True)
                run = self.copy(path, *self.terminate_once("verify"),
                                env={"LITE2PG_TEST_LIMITS": limits})
                self.assertEqual(run.exit_code, 0, str(run))
                self.assertEqual(len(run.findings("L2P3010")), 1, str(run))
                self.assert_equal_copy(path, run, check_schema=False)

    def test_a_connection_lost_before_the_run_stands_in_the_ledger(self):
        path = self.make_source(self.SCRIPT)
        self.assertEqual(self.copy(path, "--target-schema", "first").exit_code, 0)
        # The session that enters the next run ends, once.
        self.sql("""
            CREATE SEQUENCE entered;
            CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
              IF nextval('public.entered') = 1 THEN
                PERFORM pg_terminate_backend(pg_backend_pid());
              END IF;
              RETURN NEW;
            END$$;
            CREATE TRIGGER leave BEFORE INSERT ON lite2pg.run
              FOR EACH ROW EXECUTE FUNCTION public.leave()""")
        run = self.copy(path)
        self.assert_went_on(run)
        self.assertEqual(self.sql("SELECT last_value FROM entered"), [(2,)])
        self.assert_equal_copy(path, run)

    def await_session(self, run):
        """How soon a run connects depends on what else the machine does."""
        sessions = self.TERMINATE.replace("pg_terminate_backend(pid, 10000)", "pid")
        while run.poll() is None and not execute(self.target, sessions):
            time.sleep(0.01)

    def test_at_random_moments(self):
        path = self.big_source(count=8, rows=6000)
        rng = random.Random(SEED)
        kills = 0
        for _ in range(4):
            self.target = self.make_target()
            run, out = self.start(path, self.target)
            self.await_session(run)
            time.sleep(rng.uniform(0, 0.4))
            kills += len(execute(self.target, self.TERMINATE))
            code, text = self.finish(run, out)
            self.assertEqual(code, 0, f"seed {SEED}\n{text}")
            self.assert_equal(path, self.target, f"seed {SEED}\n{text}")
        self.assertGreater(kills, 0)

    def test_what_the_user_has_had_done_is_not_done_twice(self):
        path = self.make_source(self.SCRIPT)
        after = self.dir / "after.sql"
        after.write_text("CREATE TABLE once (); SELECT pg_terminate_backend(pg_backend_pid());")
        run = self.copy(path, "--after-sql", after)
        self.assertNotEqual(run.exit_code, 0, str(run))
        self.assertEqual(run.findings("L2P3010"), [], str(run))
        self.assert_equal_copy(path, self.copy(path, "--resume"))


class Restarted(RetryTest):
    """A server of its own, stopped the hard way."""

    def setUp(self):
        super().setUp()
        self.server_dir = tempfile.mkdtemp(prefix="lite2pg-rs-")
        server.start(self.server_dir)
        self.addCleanup(server.stop, self.server_dir)
        self.own = with_options(server.conninfo(self.server_dir), dbname="postgres")

    def restart(self, pause):
        ctl = [server.find_bin() + "/pg_ctl", "-D", self.server_dir + "/data", "-w"]
        quiet = {"stdout": subprocess.DEVNULL}
        server.run(ctl + ["-m", "immediate", "stop"], **quiet)
        time.sleep(pause)
        server.run(ctl + ["-l", self.server_dir + "/log", "start"], **quiet)

    def test_an_immediate_stop_and_restart_loses_no_row_and_doubles_none(self):
        path = self.big_source(count=40)
        rng = random.Random(SEED)
        restarts = 0
        for attempt in range(3):
            target = self.make_target(server_conninfo=self.own)
            run, out = self.start(path, target, "--streams", "3")
            while run.poll() is None:
                time.sleep(rng.uniform(0.05, 0.4))
                rows = []
                try:
                    rows = execute(target, "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'COPY \""
                                           "lite2pg_staging%' AND datname = current_database()")
                except Exception as error:  # the server may be starting
                    print(error, file=sys.stderr)
                if rows:
                    self.restart(rng.uniform(0, 2))
                    restarts += 1
                    break
            code, text = self.finish(run, out)
            self.assertEqual(code, 0, f"seed {SEED}, attempt {attempt}\n{text}")
            self.assert_equal(path, target, f"seed {SEED}\n{text}")
        self.assertGreater(restarts, 0, "the copies were over before the server could be stopped")


class Proxy:
    """Stands between program and server, and cuts connections at COMMIT: before the server has
    seen it, or after it has answered, so that both outcomes of a COMMIT in doubt occur."""

    def __init__(self, directory, server_path, rng, cuts, whose=b"lite2pg "):
        self.whose = b"application_name\0" + whose
        self.path = f"{directory}/.s.PGSQL.5432"
        self.server_path = server_path
        self.rng = rng
        self.cuts_left = cuts
        self.before = self.after = 0
        self.lock = threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            upstream = socket.socket(socket.AF_UNIX)
            upstream.connect(self.server_path)
            state = {"stream": False, "mute": False}
            threading.Thread(target=self.to_server, args=(client, upstream, state),
                             daemon=True).start()
            threading.Thread(target=self.to_client, args=(client, upstream, state),
                             daemon=True).start()

    def decide(self, state, data):
        """None, "before" or "after"."""
        if not state["stream"] or b"COMMIT\0" not in data:
            return None
        with self.lock:
            if self.cuts_left == 0 or self.rng.random() < 0.4:
                return None
            self.cuts_left -= 1
            if self.rng.random() < 0.5:
                self.before += 1
                return "before"
            self.after += 1
            return "after"

    def to_server(self, client, upstream, state):
        try:
            first = True
            while True:
                data = client.recv(65536)
                if not data:
                    break
                if first:
                    state["stream"] = self.whose in data
                    first = False
                cut = self.decide(state, data)
                if cut == "before":
                    break
                state["mute"] = cut == "after"
                upstream.sendall(data)
                if cut == "after":
                    time.sleep(0.3)  # the server's answer comes and goes nowhere
                    break
        except OSError:
            pass
        for side in (client, upstream):
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            side.close()

    @staticmethod
    def to_client(client, upstream, state):
        try:
            while True:
                data = upstream.recv(65536)
                if not data:
                    break
                if not state["mute"]:
                    client.sendall(data)
        except OSError:
            pass
        try:
            client.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self):
        self.listener.close()


class InDoubt(RetryTest):
    def test_the_answer_to_a_commit_that_is_no_streams(self):
        """Tables are made, published, and the run called done, on the connection with the lock."""
        path = self.big_source(count=6, rows=500)
        directory = tempfile.mkdtemp(prefix="lite2pg-px-")
        self.addCleanup(shutil.rmtree, directory)
        rng = random.Random(SEED)
        host = [p.split("=")[1] for p in self.target.split() if p.startswith("host=")][0]
        before = after = 0
        for _ in range(5):
            self.target = self.make_target()
            proxy = Proxy(directory, f"{host}/.s.PGSQL.5432", rng, cuts=2, whose=b"lite2pg\0")
            try:
                run, out = self.start(path, with_options(self.target, host=directory))
                code, text = self.finish(run, out)
            finally:
                proxy.close()
                pathlib.Path(proxy.path).unlink()
            self.assertEqual(code, 0, f"seed {SEED}\n{text}")
            self.assert_equal(path, self.target, f"seed {SEED}\n{text}")
            before, after = before + proxy.before, after + proxy.after
        self.assertGreater(before, 0)
        self.assertGreater(after, 0)

    def test_a_lost_answer_to_commit_is_settled_and_every_row_is_there_once(self):
        path = self.big_source(count=40)
        directory = tempfile.mkdtemp(prefix="lite2pg-px-")
        self.addCleanup(shutil.rmtree, directory)
        rng = random.Random(SEED)
        host = [p.split("=")[1] for p in self.target.split() if p.startswith("host=")][0]
        before = after = 0
        for _ in range(3):
            self.target = self.make_target()
            proxy = Proxy(directory, f"{host}/.s.PGSQL.5432", rng, cuts=8)
            try:
                run, out = self.start(path, with_options(self.target, host=directory),
                                      "--streams", "3")
                code, text = self.finish(run, out)
            finally:
                proxy.close()
                pathlib.Path(proxy.path).unlink()
            self.assertEqual(code, 0, f"seed {SEED}\n{text}")
            self.assert_equal(path, self.target, f"seed {SEED}\n{text}")
            before, after = before + proxy.before, after + proxy.after
        self.assertGreater(before, 0)
        self.assertGreater(after, 0)


if __name__ == "__main__":
    unittest.main()
