"""The commands of docs/operations.md, run in their order as they stand there; what they print is what
the page shows, but for times, sizes and names of runs.

LITE2PG_UPDATE_DOCS=1 writes what they print into the page.
"""

import contextlib
import os
import re
import shlex
import sqlite3
import subprocess
import unittest

from harness import BIN, ROOT, EndToEndTest

PAGE = ROOT / "docs/operations.md"
STEP = re.compile(r"```sh\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", re.S)

SHOP = """
PRAGMA journal_mode = WAL;
CREATE TABLE customer (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, joined TIMESTAMP);
CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT, customer_id INTEGER NOT NULL
  REFERENCES customer(id), total DECIMAL(10,2), paid BOOLEAN, at TIMESTAMP);
CREATE INDEX orders_customer ON orders(customer_id);
CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT);
WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 1000)
INSERT INTO customer SELECT i, 'customer ' || i, datetime(1700000000 + i * 60, 'unixepoch') FROM c;
WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 5000)
INSERT INTO orders SELECT i, i % 1000 + 1, i / 4.0, i % 2,
  strftime('%Y-%m-%dT%H:%M:%S.', 1700000000 + i * 60, 'unixepoch') || '250Z' FROM c;
INSERT INTO setting VALUES ('theme', 'dark'), ('currency', 'EUR');
"""


def normalized(text):
    """Words without what differs from run to run, in one line, however they were wrapped."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    text = re.sub(r"\b[0-9a-f]{8}(?:[0-9a-f]{24})?\b", "ID", text)
    text = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[^ ]*", "TIME", text)
    text = re.sub(r"about \S+ \S*[Bs]\b|perhaps \S+ \S*s\b|at \S+ \S*B/s", "SOME", text)
    text = re.sub(r"-?\d[\d,.]*(?:e[+-]?\d+)?\s*(?:ms|us|min|s|B|KiB|MiB|GiB|kB|MB)\b", "SOME", text)
    text = re.sub(r"(connections of) \d+", r"\1 SOME", text)
    text = re.sub(r"(?:host|port|user|dbname)=\S+", "", text)
    return re.sub(r"[\s-]+", " ", text).replace("TARGET", "").replace(" )", ")").strip()


# Lines that say how long or how much, or name what only this machine has.
VOLATILE = re.compile(r"^\s*(stages|used|run|target|source|Next:|lite2pg |basis|ID|[0-9a-f]{8} )")


def lines_that_matter(text):
    kept, skipping = [], False
    for line in text.splitlines():
        if VOLATILE.match(line):
            skipping = True
            continue
        if skipping and re.match(r"^\s{9,}\S", line):
            continue   # what it was wrapped into
        skipping = False
        kept.append(line)
    return normalized("\n".join(kept))


class Runbook(EndToEndTest):
    def the_application(self, source, statements):
        with contextlib.closing(sqlite3.connect(source)) as db:
            db.executescript(statements)

    def run_step(self, command):
        words = [self.target if w == "TARGET" else w for w in shlex.split(command)]
        self.assertEqual(words[0], "lite2pg", command)
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        process = subprocess.run([BIN, *words[1:]], cwd=self.dir, env={**clean, "COLUMNS": "100"},
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                 stdin=subprocess.DEVNULL, check=False)
        out = process.stdout.replace(str(self.dir) + "/", "").replace(self.target, "TARGET")
        shown = re.sub(r"(?m)^  target  .*(?:\n {10,}.*)*", "  target  TARGET", out)
        return process.returncode, shown, process.stderr

    def after(self, number, source):
        """What the application does between the steps."""
        if number == 4:     # it runs while the copy is made, and a little longer
            self.the_application(source, """
                UPDATE orders SET paid = 1 WHERE id % 100 = 0;
                INSERT INTO customer (name, joined) VALUES ('the last', '2024-02-01 10:00:00');
                DELETE FROM orders WHERE id = 5000;""")
        if number == 7:     # on PostgreSQL, after the switch
            self.sql("INSERT INTO orders (customer_id, total, paid, at)"
                     " VALUES (7, 99.5, true, '2024-03-01 12:00:00.5+00')")

    def test_every_command_of_the_runbook(self):
        text = PAGE.read_text()
        runbook = text[text.index("## The runbook"):text.index("## When it does not end well")]
        source = self.make_source(SHOP, name="shop.db")
        steps = list(STEP.finditer(runbook))
        self.assertGreaterEqual(len(steps), 10)
        kinds = {shlex.split(s[1].strip())[1] for s in steps}
        self.assertLessEqual({"plan", "copy", "sync", "verify", "revert", "status", "clean"}, kinds)
        rewritten = runbook
        for number, step in enumerate(steps, 1):
            command = step[1].strip()
            with self.subTest(step=number, command=command):
                exit_code, out, err = self.run_step(command)
                self.assertEqual(exit_code, 0, f"{command}\n{out}\n{err}")
                if step[2] is not None and os.environ.get("LITE2PG_UPDATE_DOCS"):
                    rewritten = rewritten.replace(
                        step[0], f"```sh\n{command}\n```\n\n```text\n{out.rstrip()}\n```\n")
                elif step[2] is not None:
                    self.assertEqual(lines_that_matter(out), lines_that_matter(step[2]))
                if "--undo-sql" in command:
                    self.sql(out)
            self.after(number, source)
        if os.environ.get("LITE2PG_UPDATE_DOCS"):
            PAGE.write_text(text.replace(runbook, rewritten))
        self.assert_it_went_where_it_should()

    def assert_it_went_where_it_should(self):
        self.assertEqual(self.tables_in_target(),
                         sorted(["public.customer", "public.customer_id_seq", "public.orders",
                                 "public.orders_id_seq", "public.setting"]))
        with contextlib.closing(sqlite3.connect(self.dir / "shop-new.db")) as db:
            self.assertEqual(db.execute("SELECT count(*) FROM customer").fetchone(), (1001,))
            self.assertEqual(db.execute("SELECT count(*), sum(paid) FROM orders WHERE id % 100 = 0"
                                        ).fetchone(), (49, 49))
            # In the form in which the application wrote its own.
            self.assertEqual(db.execute("SELECT total, paid, at FROM orders ORDER BY id DESC LIMIT 1"
                                        ).fetchone(), (99.5, 1, "2024-03-01T12:00:00.500Z"))
            self.assertEqual(db.execute("PRAGMA integrity_check").fetchone(), ("ok",))


if __name__ == "__main__":
    unittest.main()
