"""What the tests of archives share."""

import hashlib
import json
import os
import subprocess

from harness import EndToEndTest, lite2pg

PSQL = "/usr/lib/postgresql/15/bin/psql"

# Every kind of value, key and name.
SCRIPT = """
CREATE TABLE kinds (id INTEGER PRIMARY KEY AUTOINCREMENT, b BOOLEAN, i INTEGER, r REAL,
  n NUMERIC(10,2), t TEXT, v VARCHAR(20), x BLOB, d DATE, ts TIMESTAMP, tz TIMESTAMP, tm TIME,
  j JSON, u UUID, any);
INSERT INTO kinds VALUES
  (1, 1, 9223372036854775807, 0.1, 12.5, 'text', 'v', x'00ff', '2024-02-29', '2024-01-02 03:04:05.678',
   '2024-01-02T03:04:05+02:00', '12:34:56.789', '{"a": [1, 2.50, null]}',
   '01234567-89ab-cdef-0123-456789abcdef', 'any'),
  (5, 0, -9223372036854775808, -0.0, -0.01, '', '', x'', '0044-03-15', '9999-12-31 23:59:59.999999',
   '1969-12-31T23:59:59Z', '00:00:00', '[]', '00000000-0000-0000-0000-000000000000', 'more'),
  (7, NULL, NULL, 9e999, NULL, 'caf' || char(233) || char(128512), NULL, NULL, NULL, NULL, NULL,
   NULL, NULL, NULL, NULL),
  (9, 1, 0, -9e999, 0, 'line
break', 'x', zeroblob(3000), '1970-01-01', '1970-01-01 00:00:00', '2024-01-02T03:04:05.5-11:30',
   '23:59:59.999999', '"text"', 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF', '');
CREATE TABLE keyless (a, b TEXT);
INSERT INTO keyless VALUES (1, 'x'), (1, 'x'), (NULL, NULL), (2.5, 'y');
CREATE TABLE "o'dd "" name; --\\! x" ("col "" 1" INTEGER, "select" TEXT, "a\\b" TEXT DEFAULT 'q''\\');
INSERT INTO "o'dd "" name; --\\! x" VALUES (1, 'one', 'z'), (2, 'two', NULL);
CREATE TABLE wr (k TEXT, l INTEGER, w TEXT, PRIMARY KEY (k, l)) WITHOUT ROWID;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
INSERT INTO wr SELECT printf('%04x', i * 37 % 500), i, 'w' || i FROM n;
CREATE TABLE empty (a INTEGER PRIMARY KEY, b TEXT NOT NULL);
CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE CHECK (length(name) > 0));
INSERT INTO parent VALUES (1, 'a'), (2, 'b'), (3, 'c');
CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parent(id) ON DELETE CASCADE,
  price REAL DEFAULT 1.5, twice REAL GENERATED ALWAYS AS (price * 2) STORED);
INSERT INTO child (id, parent_id, price) VALUES (10, 1, 2.5), (20, NULL, 3), (30, 3, -1);
CREATE INDEX child_parent ON child(parent_id, price DESC);
CREATE UNIQUE INDEX parent_lower ON parent(lower(name)) WHERE id > 0;
CREATE VIEW cheap AS SELECT c.id, p.name FROM child c JOIN parent p ON p.id = c.parent_id
  WHERE c.price < 2;
"""
# Large enough for several chunks of the small size that tests ask for.
BIG = """
CREATE TABLE big (id INTEGER PRIMARY KEY, a TEXT, b REAL, c BLOB);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
INSERT INTO big SELECT i * 7 - 100000, 'text of row ' || i, i / 3.0, zeroblob(i % 50) FROM n;
"""


class ArchiveTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.archive = self.dir / "archive"

    def export(self, path, *options, to=None, **kwargs):
        return lite2pg("export", path, to or self.archive, "--format", "json", *options, **kwargs)

    def import_(self, *options, target=None, archive=None, **kwargs):
        return lite2pg("import", archive or self.archive, target or self.target, "--format", "json",
                       *options, **kwargs)

    def verify(self, *arguments, **kwargs):
        return lite2pg("verify", *arguments, "--format", "json", **kwargs)

    def verified(self, *arguments):
        run = self.verify(*arguments)
        self.assertEqual((run.exit_code, run.report and run.report["outcome"]), (0, "verified"),
                         str(run))
        self.assertFalse([t for t in run.report["tables"] if t["equal"] is False], str(run))
        return run

    def exported(self, path, *options, **kwargs):
        run = self.export(path, *options, **kwargs)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(run.report["outcome"], "verified", str(run))
        return run

    def imported(self, *options, **kwargs):
        run = self.import_(*options, **kwargs)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(run.report["outcome"], "verified", str(run))
        self.assertEqual(run.report["command"], "import")
        return run

    def manifest(self, archive=None):
        return json.loads(((archive or self.archive) / "manifest.json").read_text())

    def write_manifest(self, manifest, archive=None):
        """With a checksum that is right, as somebody would who wants to be believed."""
        del manifest["manifest_sha256"]
        body = json.dumps(manifest, indent=1, ensure_ascii=False)[:-2].encode()
        digest = hashlib.sha256(body).hexdigest()
        path = (archive or self.archive) / "manifest.json"
        path.write_bytes(body + b',\n "manifest_sha256": "' + digest.encode() + b'"\n}\n')

    def files(self, archive=None):
        root = archive or self.archive
        return sorted(p for p in root.rglob("*") if p.is_file() or p.is_symlink())

    def definitions(self, target=None):
        """What the catalogs say of all that is in public, in words that name no OID."""
        self_target, self.target = self.target, target or self.target
        try:
            columns = self.sql(
                "SELECT table_name, column_name, ordinal_position, data_type, is_nullable,"
                " column_default, is_identity, is_generated, generation_expression,"
                " character_maximum_length, numeric_precision, numeric_scale"
                " FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 3")
            indexes = self.sql("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'"
                               " ORDER BY 1")
            constraints = self.sql(
                "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)"
                " FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2")
            views = self.sql("SELECT viewname, definition FROM pg_views"
                             " WHERE schemaname = 'public' ORDER BY 1")
            sequences = self.sql("SELECT sequencename, last_value FROM pg_sequences"
                                 " WHERE schemaname = 'public' ORDER BY 1")
        finally:
            self.target = self_target
        return {"columns": columns, "indexes": indexes, "constraints": constraints,
                "views": views, "sequences": sequences}

    def assert_nothing_loaded(self, target=None):
        self_target, self.target = self.target, target or self.target
        try:
            self.assertEqual(self.tables_in_target(), [])
        finally:
            self.target = self_target

    def psql(self, *arguments, target=None):
        process = subprocess.run(
            [PSQL, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", target or self.target, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
            env={**os.environ, "PGCLIENTENCODING": "UTF8"})
        self.assertEqual(process.returncode, 0, process.stdout.decode("utf-8", "replace"))

    def load_with_psql(self, target):
        """As docs/archive-format.md says: no program of ours takes part."""
        def quoted(name):
            return '"' + name.replace('"', '""') + '"'
        manifest = self.manifest()
        self.psql("-f", self.archive / "pre-data.sql", target=target)
        schema = manifest["target_schema"]
        for table in manifest["tables"]:
            columns = ", ".join(quoted(c["target_name"]) for c in table["columns"])
            for chunk in table["chunks"]:
                file = str(self.archive / chunk["file"]).replace("'", "''")
                self.psql("-c", f"\\copy {quoted(schema)}.{quoted(table['target_name'])}"
                                f" ({columns}) from '{file}' with (format binary)", target=target)
        self.psql("-f", self.archive / "post-data.sql", target=target)
