"""The number of connections: never more than `plan` says, and never more streams than --streams."""

import threading
import time
import unittest
import uuid

import psycopg2
import psycopg2.extensions

from harness import SERVER, EndToEndTest, execute, with_options

TABLES = 8
SCRIPT = "".join(f"""
    CREATE TABLE t{i} (id INTEGER PRIMARY KEY, n INTEGER REFERENCES t{max(0, i - 1)}(id), v TEXT);
    CREATE INDEX v{i} ON t{i}(v); CREATE UNIQUE INDEX u{i} ON t{i}(v, id);
    WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 12000)
    INSERT INTO t{i} SELECT x, x, hex(x * 77777) || x FROM c;
    """ for i in range(TABLES))


class Watch(threading.Thread):
    """Looks at the sessions of a database all the time; keeps the most that it saw at once."""

    QUERY = ("SELECT count(*), count(*) FILTER (WHERE query LIKE 'COPY%%FROM STDIN%%')"
             " FROM pg_stat_activity WHERE datname = %s AND application_name LIKE 'lite2pg%%'")

    def __init__(self, database):
        super().__init__()
        self.database = database
        self.most = self.most_streams = self.looks = 0
        self.over = threading.Event()

    def run(self):
        connection = psycopg2.connect(SERVER, application_name="watch")
        connection.autocommit = True
        with connection.cursor() as cursor:
            while not self.over.is_set():
                cursor.execute(self.QUERY, (self.database,))
                every, streams = cursor.fetchone()
                self.most = max(self.most, every)
                self.most_streams = max(self.most_streams, streams)
                self.looks += 1
                time.sleep(0.002)
        connection.close()


class Connections(EndToEndTest):
    def limited_role(self, limit):
        """A target for a role with all the rights that a copy needs, and so many connections."""
        role = "limited_" + uuid.uuid4().hex[:12]
        name = psycopg2.extensions.parse_dsn(self.target)["dbname"]
        execute(SERVER, f"CREATE ROLE {role} LOGIN CONNECTION LIMIT {limit}")
        self.addCleanup(execute, SERVER, f"DROP ROLE {role}")
        self.addCleanup(execute, SERVER, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        execute(SERVER, f"GRANT CONNECT, CREATE ON DATABASE {name} TO {role}")
        execute(with_options(SERVER, dbname=name), f"ALTER SCHEMA public OWNER TO {role}")
        return with_options(self.target, user=role)

    def test_never_more_than_the_plan_says_nor_more_streams_than_asked_for(self):
        path = self.make_source(SCRIPT)
        for streams in (1, 3):
            with self.subTest(streams=streams):
                self.target = self.make_target()
                plan = self.copy(path, "--dry-run", "--streams", streams)
                self.assertIsNotNone(plan.report["estimate"], str(plan))
                wanted = plan.report["estimate"]["connections_wanted"]
                self.assertGreater(wanted, streams)
                self.assertLessEqual(wanted, streams + 2)
                watch = Watch(psycopg2.extensions.parse_dsn(self.target)["dbname"])
                watch.start()
                try:
                    run = self.copy(path, "--streams", streams)
                finally:
                    watch.over.set()
                    watch.join()
                self.assertEqual(run.exit_code, 0, str(run))
                self.assertGreater(watch.looks, 20)
                self.assertLessEqual(watch.most, wanted, str(run))
                self.assertLessEqual(watch.most_streams, streams, str(run))
                self.assertGreaterEqual(watch.most_streams, 1, "nothing was seen")

    def test_what_the_plan_says_is_enough(self):
        """The server itself counts: a role that may have no more connections than that."""
        path = self.make_source(SCRIPT)
        for streams in (1, 2, 4):
            with self.subTest(streams=streams):
                self.target = self.make_target()
                run = self.copy(path, "--streams", streams, target=self.limited_role(streams + 2))
                self.assertEqual(run.exit_code, 0, str(run))
                self.assertEqual(run.report["outcome"], "verified")

    def test_auto_takes_what_a_role_has(self):
        path = self.make_source(SCRIPT)
        run = self.copy(path, target=self.limited_role(5))
        self.assertEqual(run.exit_code, 0, str(run))

    def test_too_few_end_the_run_with_9_and_leave_nothing(self):
        path = self.make_source(SCRIPT)
        target = self.limited_role(2)
        run = self.copy(path, "--streams", "6", target=target)
        self.assert_fails(run, 9)
        self.assertRegex(run.report["errors"][0]["hint"], "--streams|CONNECTION LIMIT")
        left = [t for t in self.tables_in_target() if t.startswith("public.")]
        self.assertEqual(left, [], str(run))


if __name__ == "__main__":
    unittest.main()
