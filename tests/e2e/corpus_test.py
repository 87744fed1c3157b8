"""Real databases of other people ($LITE2PG_CORPUS), and an ordinary one of our own: each copied
into a new database, verified, and judged."""

import os
import pathlib
import shutil
import signal
import subprocess
import unittest

from harness import BIN, ROOT, EndToEndTest, execute, lite2pg, snapshot_of_files

CORPUS = pathlib.Path(os.environ.get("LITE2PG_CORPUS", ROOT.parent / "shared/corpus"))
SUFFIXES = (".db", ".sqlite", ".sqlite3")


def corpus_files():
    if not CORPUS.is_dir():
        return []
    return sorted(p for p in CORPUS.rglob("*") if p.suffix in SUFFIXES)


class Corpus(EndToEndTest):
    verify_copies = True

    def test_every_database_of_the_corpus(self):
        # Without a corpus the list is empty, and the other tests stand for it.
        for original in corpus_files():
            name = str(original.relative_to(CORPUS))
            with self.subTest(name):
                self.target = self.make_target()
                copy = self.dir / name.replace("/", "_")
                shutil.copyfile(original, copy)
                self.copy_and_judge(copy)
                copy.unlink()

    def test_the_sample(self):
        path = self.dir / "sample.db"
        subprocess.run(["/usr/bin/python3", str(ROOT / "tools/make_sample"), str(path)], check=True)
        run = self.copy_and_judge(path)
        rows = {t["source_name"]: t["rows_copied"] for t in run.report["tables"]}
        self.assertEqual(sum(rows.values()), 200_000)
        self.assertEqual(self.sql("SELECT count(*) FROM customer_turnover"),
                         self.sql("SELECT count(DISTINCT customer_id) FROM \"order\""))
        # What was declared is what was made.
        types = dict(self.sql(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = 'customer'::regclass AND attnum > 0"))
        self.assertEqual(types["is_active"], "boolean")
        self.assertEqual(types["born"], "date")
        self.assertEqual(types["credit_limit"], "numeric(10,2)")
        self.assertEqual(types["created_at"], "timestamp without time zone")
        self.assertIn(types["settings"], ("jsonb", "json"))
        # The application can go on where SQLite stopped.
        self.assertEqual(execute(self.target, """
            INSERT INTO customer (email, first_name, last_name, country_code)
            VALUES ('new@example.com', 'New', 'One', 'DE') RETURNING id, is_active""")[0],
                         (8001, True))

    def test_the_embedded_target(self):
        path = self.make_source("CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT);"
                                "INSERT INTO t VALUES (1, 'a'), (2, NULL);")
        self.dir.chmod(0o755)
        before = snapshot_of_files(path)
        run = self.copy(path, target=f"pgdata:{self.dir}/out.pgdata")
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(run.report["outcome"], "verified", str(run))
        self.assertEqual(snapshot_of_files(path), before)
        self.assertEqual(run.report["target"]["embedded_dir"], f"{self.dir}/out.pgdata")
        # It was stopped again.
        self.assertFalse((self.dir / "out.pgdata/postmaster.pid").exists())

    def test_the_embedded_target_beside_the_source_and_serving_it(self):
        path = self.make_source("CREATE TABLE t (x TEXT); INSERT INTO t VALUES ('a');", "shop.db")
        self.dir.chmod(0o755)
        run = lite2pg("copy", path)
        self.assertEqual(run.exit_code, 0, str(run))
        # The last line is the command that brings it up.
        last = run.out.strip().splitlines()[-1].split()
        self.assertEqual(last, ["lite2pg", "serve", f"{self.dir}/shop.pgdata"])
        with subprocess.Popen([BIN, *last[1:]], stdout=subprocess.PIPE) as serving:
            conninfo = serving.stdout.readline().decode().strip()
            self.assertEqual(execute(conninfo, "SELECT x FROM t"), [("a",)])
            serving.send_signal(signal.SIGINT)
            serving.communicate(timeout=60)
            self.assertEqual(serving.returncode, 0)
        self.assertFalse((self.dir / "shop.pgdata/postmaster.pid").exists())


if __name__ == "__main__":
    unittest.main()
