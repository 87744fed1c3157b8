"""Kills an export at every one of its failpoints, resumes it, and has a reader of its own look at the
archive; then the same for an import. LITE2PG_FAILPOINTS=all tries later hits of each place too."""

import os
import re
import shutil
import sqlite3
import subprocess
import unittest

from archive_support import ArchiveTest
from harness import BIN, ROOT, compare, lite2pg, snapshot_of_files

import archive_reader  # noqa: E402  (harness says where it is)

# Tables that are read by rowid, by a key, and without any.
SOURCE = """
CREATE TABLE big (id INTEGER PRIMARY KEY, x BLOB);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ROWS)
INSERT INTO big SELECT i * 3, zeroblob(BYTES) FROM n;
CREATE TABLE wr (k TEXT PRIMARY KEY, v) WITHOUT ROWID;
INSERT INTO wr SELECT 'key ' || id, id / 7.0 FROM big;
CREATE TABLE keyless (rowid TEXT, oid TEXT, _rowid_ INTEGER);
INSERT INTO keyless SELECT 'x' || (id % 5), NULL, id % 3 FROM big;
CREATE TABLE more (id INTEGER PRIMARY KEY, t TEXT);
INSERT INTO more SELECT id, 'text ' || id FROM big;
CREATE TABLE empty (a);
"""
SMALL = SOURCE.replace("ROWS", "400").replace("BYTES", "1000")
# A table of several files: one holds 64 MiB.
LARGE = SOURCE.replace("ROWS", "1500").replace("BYTES", "90000")
ALL = os.environ.get("LITE2PG_FAILPOINTS") == "all"
HITS = ("1", "2", "3", "5", "8") if ALL else ("1", "3")
# Places that only a resumed export reaches with something to lose.
OF_RESUMES = ("export.directory_made", "export.manifest_removed", "export.journal_created",
              "export.others_removed", "export.schema_written")
OF_IMPORTS = ("plan.done", "pre_data.ddl.commit", "data.copy_done.done", "data.commit.before",
              "data.commit.reply_lost", "data.loaded", "post_data.object.commit", "sequences.set",
              "verify.read_back", "publish.moved", "publish.reply_lost")


def failpoints():
    text = (ROOT / "engine/base/failpoint.cc").read_text()
    return re.findall(r'"(export\.[a-z_.]+)"', text)


class Killed(ArchiveTest):
    def setUp(self):
        super().setUp()
        version = subprocess.run([BIN, "--version"], capture_output=True, check=True).stdout
        if b"failpoints" not in version:
            self.skipTest("this build has no failpoints")
        self.path = self.make_source(SMALL)

    def killed(self, failpoint, *options):
        """Whether the place was reached."""
        run = self.export(self.path, *options, env={"LITE2PG_FAILPOINT": failpoint})
        if run.exit_code == 0:
            return False
        self.assertEqual(run.exit_code, -9, str(run))
        return True

    def finish(self, *options):
        """Resumes, or begins where nothing had begun."""
        run = self.export(self.path, "--resume", *options)
        if run.exit_code == 11 and ("L2P6003", 11) in run.errors():
            run = self.export(self.path, *options)
        self.assertEqual(run.exit_code, 0, str(run))
        return run

    def assert_no_archive(self):
        """Nobody takes what is unfinished for an archive."""
        if not self.archive.exists():
            return
        run = self.verify(self.archive)
        self.assertEqual(run.exit_code, 13, str(run))
        run = self.import_()
        self.assertEqual(run.exit_code, 13, str(run))
        self.assert_nothing_loaded()

    def judge(self):
        self.assertEqual(archive_reader.problems_of(self.archive, self.path), [])
        self.assertFalse([p for p in self.files() if p.suffix in (".part", ".journal")])

    def trial(self, failpoint, *options):
        shutil.rmtree(self.archive, ignore_errors=True)
        if not self.killed(failpoint, *options):
            return False
        if not failpoint.startswith("export.journal.removed"):
            self.assert_no_archive()
        self.finish(*options)
        self.judge()
        return True

    def test_at_every_place(self):
        before = snapshot_of_files(self.path)
        names = failpoints()
        self.assertGreaterEqual(len(names), 15)
        reached = set()
        for number, name in enumerate(names):
            for hit in HITS:
                options = ("--compress",) if number % 2 else ()
                with self.subTest(failpoint=name, hit=hit):
                    if self.trial(f"{name}:{hit}:kill", *options):
                        reached.add(name)
        self.assertEqual([name for name in names if name not in reached], [])
        self.assertEqual(snapshot_of_files(self.path), before)
        self.imported()
        self.assertEqual(compare.Comparison(str(self.path), self.target).problems, [])

    def test_again_while_it_resumes(self):
        for name in OF_RESUMES + ("export.journal.written", "export.manifest.written"):
            with self.subTest(failpoint=name):
                shutil.rmtree(self.archive, ignore_errors=True)
                self.assertTrue(self.killed("export.journal.written:3:kill"))
                self.assertTrue(self.killed(f"{name}:1:kill", "--resume"))
                self.assert_no_archive()
                self.finish()
                self.judge()

    def test_what_is_finished_is_not_written_again(self):
        self.path = self.make_source(LARGE, "large.db")
        self.assertTrue(self.killed("export.journal.written:4:kill"))
        done = {p: p.stat().st_mtime_ns for p in self.files() if p.suffix == ".copy"}
        self.assertGreaterEqual(len(done), 2)
        self.finish()
        kept = [p for p, time in done.items() if p.exists() and p.stat().st_mtime_ns == time]
        # A table that is not read by rowid begins anew.
        by_rowid = {f"t{t['number']:06}" for t in self.manifest()["tables"]
                    if t["source_name"] in ("big", "more")}
        self.assertTrue([p for p in kept if p.parent.name in by_rowid])
        self.judge()

    def test_a_line_of_the_journal_that_was_torn(self):
        self.assertTrue(self.killed("export.journal.written:2:kill"))
        journal = self.archive / "export.journal"
        data = journal.read_bytes()
        journal.write_bytes(data[:-20])
        self.finish()
        self.judge()

    def test_a_journal_that_means_harm(self):
        self.assertTrue(self.killed("export.journal.written:2:kill"))
        journal = self.archive / "export.journal"
        lines = journal.read_bytes().splitlines(keepends=True)
        chunk = next(line for line in lines if b'"chunk"' in line)
        outside = self.dir / "outside.copy"
        outside.write_bytes(b"mine")
        for name, content in {
                "a file elsewhere": re.sub(rb"t0\d{5}/c", b"../t000000/c", chunk),
                "a path": re.sub(rb"t0\d{5}/c\d{6}.copy", str(outside).encode(), chunk),
                "no JSON": b"no JSON\n",
                "a key twice": chunk.replace(b'{"table"', b'{"table":0,"table"'),
                "an unknown line": b'{"surprise": 1}\n',
                "a number": b'{"complete": 99999999999}\n',
        }.items():
            with self.subTest(name):
                journal.write_bytes(lines[0] + content)
                run = self.export(self.path, "--resume")
                self.assertEqual(run.exit_code, 13, str(run))
        with self.subTest("rows twice"):
            # The same rows under two names: counted, and refused.
            journal.write_bytes(b"".join(lines) + chunk)
            run = self.export(self.path, "--resume")
            if run.exit_code == 0:
                self.judge()
        self.assertEqual(outside.read_bytes(), b"mine")
        self.exported(self.path, "--restart")
        self.judge()

    def test_an_error_can_be_resumed_and_says_so(self):
        for name in ("export.chunk.appended", "export.file.renamed", "export.manifest.before"):
            with self.subTest(failpoint=name):
                shutil.rmtree(self.archive, ignore_errors=True)
                run = self.export(self.path, env={"LITE2PG_FAILPOINT": f"{name}:2:error"})
                if run.exit_code == 0:
                    run = self.export(self.path, "--restart",
                                      env={"LITE2PG_FAILPOINT": f"{name}:1:error"})
                self.assertEqual(run.exit_code, 1, str(run))
                self.assertIn("--resume", run.report["errors"][0]["effect"], str(run))
                self.finish()
                self.judge()

    def test_an_import_at_any_place(self):
        self.exported(self.path, "--compress")
        for name in OF_IMPORTS:
            with self.subTest(failpoint=name):
                self.target = self.make_target()
                run = self.import_(env={"LITE2PG_FAILPOINT": f"{name}:1:kill"})
                self.assertEqual(run.exit_code, -9, str(run))
                if name != "plan.done":
                    shown = lite2pg("status", self.target, "--format", "json")
                    (recorded,) = shown.report["runs"]
                    self.assertEqual((recorded["command"], recorded["resumable"]),
                                     ("import", True), str(shown))
                    self.assertIn(f"import {self.archive}", recorded["next_step"], str(shown))
                for _ in range(3):  # the server may still end the old sessions
                    run = self.import_(*(() if name == "plan.done" else ("--resume",)))
                    if run.exit_code == 0:
                        break
                self.assertEqual((run.exit_code, run.report["outcome"]), (0, "verified"), str(run))
                self.assertEqual(self.sql("SELECT nspname FROM pg_namespace"
                                          " WHERE nspname LIKE 'lite2pg\\_staging%'"), [])
                self.assertEqual(compare.Comparison(str(self.path), self.target,
                                                    run.report).problems, [])
                self.verified(self.archive, self.target)

    def test_a_source_that_went_on_is_synced_after_both_were_resumed(self):
        """An archive that was finished by a second process, loaded by two more; then the file, which
        had rows changed meanwhile, of tables with and without a key."""
        self.assertTrue(self.killed("export.chunk.named:3:kill", "--compress"))
        self.finish("--compress")
        self.judge()
        run = self.import_(env={"LITE2PG_FAILPOINT": "data.commit.reply_lost:1:kill"})
        self.assertEqual(run.exit_code, -9, str(run))
        for _ in range(3):
            run = self.import_("--resume")
            if run.exit_code == 0:
                break
        self.assertEqual(run.exit_code, 0, str(run))
        with sqlite3.connect(self.path) as db:
            db.executescript("""
                UPDATE big SET x = x'01' WHERE id % 90 = 0; DELETE FROM wr WHERE k = 'key 3';
                INSERT INTO keyless VALUES ('late', 'now', 1); DELETE FROM keyless WHERE rowid = 'x4';
                INSERT INTO more VALUES (-5, NULL); INSERT INTO empty VALUES (1.5);""")
        db.close()
        # The target's own change is nobody's to overwrite.
        self.sql("UPDATE more SET t = 'of the target' WHERE id = 30")
        run = lite2pg("sync", self.path, self.target, "--format", "json")
        self.assert_fails(run, 4, "L2P6006")
        self.assertEqual([f["object"] for f in run.findings("L2P6006")], ["more"], str(run))
        self.assertEqual(self.sql("SELECT t FROM more WHERE id = 30"), [("of the target",)])
        run = lite2pg("sync", self.path, self.target, "--format", "json", "--force-source")
        self.assertEqual((run.exit_code, run.report["outcome"]), (0, "verified"), str(run))
        self.assertEqual(compare.Comparison(str(self.path), self.target, run.report,
                                            check_schema=False).problems, [])

    def test_an_import_is_not_resumed_from_another_archive(self):
        self.exported(self.path)
        run = self.import_(env={"LITE2PG_FAILPOINT": "data.loaded:1:kill"})
        self.assertEqual(run.exit_code, -9, str(run))
        with sqlite3.connect(self.path) as db:
            db.execute("INSERT INTO keyless VALUES ('late', NULL, 1)")
        db.close()
        self.exported(self.path, "--restart")
        self.assert_fails(self.import_("--resume"), 11)


if __name__ == "__main__":
    unittest.main()
