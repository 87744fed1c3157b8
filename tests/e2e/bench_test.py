"""bench/run measures what it says: every contender loads the same, and failures do not count."""

import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

from harness import BIN, ROOT

sys.path.insert(0, str(ROOT / "bench/end_to_end"))

import workloads  # noqa: E402  (found by the line above)

RUN = ROOT / "bench/run"
TOOLS = pathlib.Path(BIN).parent / "bench"


@unittest.skipUnless((TOOLS / "replay").exists(), "built without its benchmarks")
class Bench(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="lite2pg-bench-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def bench(self, *arguments, **environment):
        return subprocess.run(
            [sys.executable, str(RUN), *arguments, "--out", str(self.dir / "out"), "--keep",
             str(self.dir / "sources")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "LITE2PG_BIN": BIN, "LITE2PG_REPLAY_BIN": str(TOOLS / "replay"),
                 **environment}, timeout=300, check=False)

    def test_a_run_without_a_mandatory_contender_fails_and_names_the_package(self):
        run = self.bench("narrow", "--scale", "0.001", PATH="/nonexistent")
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("apt-get install pgloader", run.stderr)
        run = self.bench("narrow", "--scale", "0.001", LITE2PG_REPLAY_BIN="/nonexistent")
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("replay is mandatory", run.stderr)
        run = self.bench("narrow", "--scale", "0.001", "--contenders", "lite2pg")
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("psycopg2 is mandatory", run.stderr)

    def test_rows_are_encoded_without_refusals_and_allocations(self):
        # The program says so itself, as an error of the benchmark concerned, after 20 rounds.
        run = subprocess.run([str(TOOLS / "encode_bench"), "--benchmark_min_time=0.15",
                              "--benchmark_format=json"], stdout=subprocess.PIPE, timeout=300,
                             check=True)
        results = json.loads(run.stdout)["benchmarks"]
        self.assertGreater(len(results), 15)
        self.assertEqual([(r["name"], r.get("error_message")) for r in results
                          if r.get("error_occurred")], [])
        self.assertEqual([r["name"] for r in results if r["iterations"] <= 20], [])

    def test_contenders_arrive_with_the_same_rows_and_values(self):
        run = self.bench("mixed", "--scale", "0.01", "--pairs", "1", "--partial", "--contenders",
                         "lite2pg,replay,sqlite3_psql,psycopg2")
        self.assertEqual(run.returncode, 0, run.stderr)
        result = json.loads((self.dir / "out/result.json").read_text())
        workload = result["workloads"]["mixed"]
        self.assertEqual(workload["rows"], 4000)
        self.assertEqual(workload["failed"], {})
        self.assertEqual(sorted(workload["runs"]),
                         ["lite2pg", "psycopg2", "replay", "sqlite3_psql"])
        for contender, runs in workload["runs"].items():
            self.assertTrue(runs[0]["same_content"], contender)
            self.assertGreater(runs[0]["data_seconds"], 0, contender)
        self.assertTrue(result["partial"])
        page = (self.dir / "out/result.html").read_text()
        self.assertIn("<svg", page)
        self.assertNotIn("http", page)
        titles = [figure["title"] for figure in result["figures"]]
        self.assertIn("data stage / replay of the same bytes", titles)


class Workloads(unittest.TestCase):
    def rows(self, name, scale):
        db = sqlite3.connect(":memory:")
        self.addCleanup(db.close)
        workloads.load(name).build(db, scale)
        tables = [row[0] for row in db.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid")]
        return {table: db.execute(f"SELECT * FROM {table}").fetchall() for table in tables}

    def test_a_row_is_the_same_in_every_build_and_at_every_scale(self):
        for name in workloads.NAMES:
            small, large = self.rows(name, 0.002), self.rows(name, 0.004)
            self.assertEqual(self.rows(name, 0.002), small, name)
            # Keys and sizes of these two depend on how many rows there are.
            if name in ("sparse", "dense"):
                continue
            for table, rows in small.items():
                self.assertLessEqual(set(map(repr, rows)), set(map(repr, large[table])),
                                     (name, table))

    def test_sparse_and_dense_have_the_same_rows_and_bytes(self):
        def sizes(name):
            [rows] = self.rows(name, 0.01).values()
            return len(rows), sum(len(text) for _, text in rows)
        self.assertEqual(sizes("sparse"), sizes("dense"))
        [rows] = self.rows("sparse", 0.01).values()
        keys = [key for key, _ in rows]
        self.assertLess(min(keys), -9 * 10**18)
        self.assertGreater(max(keys), 9 * 10**18)


if __name__ == "__main__":
    unittest.main()
