"""Files that are sound but odd: no options, exit 0, nothing changed, and what has no equivalent is
named."""

import sqlite3
import unittest

from harness import EndToEndTest


class OddSchemas(EndToEndTest):
    def edited(self, script, *edits):
        """A source whose schema table is edited by hand, as tools do that repair files."""
        path = self.make_source(script)
        db = sqlite3.connect(path)
        db.execute("PRAGMA writable_schema = ON")
        for edit in edits:
            db.execute(edit)
        db.commit()
        db.close()
        return path

    def test_json_functions_in_declarations(self):
        """SQLite before 3.42 takes its own JSON functions for dangerous in a schema that is not
        trusted. Passed over, such an index made a sound file look damaged, and such a column made
        NULLs of all computed columns behind it: verified, as both sides were read alike."""
        path = self.make_source("""
            CREATE TABLE t (a INTEGER, b TEXT CHECK (json_valid(b)), c AS (a * 2),
              f AS (json_extract(b, '$.x')), g INTEGER AS (length(b)) UNIQUE,
              s TEXT AS (b ->> '$.x') STORED, h AS (a + 1));
            CREATE INDEX by_x ON t (json_extract(b, '$.x'));
            CREATE INDEX part ON t (a) WHERE json_type(b) = 'object';
            INSERT INTO t (a, b) VALUES (1, '{"x":1}'), (2, '{}'), (NULL, '{"x":"long"}');
            """)
        self.copy_and_judge(path)
        self.assertEqual(self.sql("SELECT a, c, f::text, g, s::text, h FROM t ORDER BY a"),
                         [(1, 2, "1", 7, "1", 2), (2, 4, None, 2, None, 3),
                          (None, None, "long", 12, "long", None)])
        self.assert_verified(path)

    def test_json_functions_beside_a_view_that_does_not_parse(self):
        path = self.edited("""
            CREATE TABLE t (a INTEGER, b TEXT, f AS (json_extract(b, '$.x')), h AS (a + 1));
            CREATE INDEX by_x ON t (json_extract(b, '$.x'));
            CREATE TABLE u (c); CREATE INDEX iu ON u (c); INSERT INTO u VALUES (1);
            INSERT INTO t (a, b) VALUES (1, '{"x":5}');
            """, "INSERT INTO sqlite_schema VALUES ('view', 'bad', 'bad', 0, 'CREATE VIEW bad AS S')")
        run = self.copy(path)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(self.sql("SELECT a, f::int, h FROM t"), [(1, 5, 2)])
        self.assertEqual(self.sql("SELECT c FROM u"), [(1,)])

    def test_a_declaration_that_is_passed_over_makes_no_values(self):
        """SQLite would read NULL in every computed column of it."""
        path = self.edited("CREATE TABLE t (a INTEGER, v AS (a + 2), w AS (a + 1), s AS (a) STORED);"
                           "INSERT INTO t (a) VALUES (1);",
                           "UPDATE sqlite_schema SET sql = 'CREATE TABLE t (a INTEGER, v AS"
                           " (load_extension(a)), w AS (a + 1), s AS (a) STORED)'")
        run = self.copy(path)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(self.sql("SELECT * FROM t"), [(1, 1)])
        said = {f["object"] for f in run.findings("L2P4005")}
        self.assertLessEqual({"t.v", "t.w"}, said, str(run))

    def test_functions_that_only_the_application_has(self):
        def build(db):
            db.create_function("mine", 1, lambda v: (v or 0) * 2, deterministic=True)
            db.executescript("""
                CREATE TABLE t (a INTEGER, v AS (mine(a)), w AS (v + 1), s INTEGER AS (mine(a)) STORED,
                  p AS (a + 1), CHECK (mine(a) >= 0));
                CREATE INDEX by_mine ON t (mine(a));
                CREATE INDEX by_v ON t (v);
                CREATE INDEX part ON t (p) WHERE mine(a) > 1;
                INSERT INTO t (a) VALUES (1), (2);
                """)
        path = self.make_source(build=build)
        run = self.copy(path)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(self.sql("SELECT a, s, p FROM t ORDER BY a"), [(1, 2, 2), (2, 4, 3)])
        self.assertEqual({o["name"] for o in run.report["objects"]
                          if o["kind"] == "generated" and o["state"] == "not_carried"}
                         & {"v", "w"}, {"v", "w"}, str(run))
        self.assert_verified(path)
        self.assert_verified()
        # Into the application's own table the same: its column keeps its default.
        self.target = self.make_target()
        self.sql("CREATE TABLE t (a int, v int DEFAULT 7, w int, s int, p int)")
        run = self.copy(path)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(self.sql("SELECT a, v, w, s FROM t ORDER BY a"),
                         [(1, 7, None, 2), (2, 7, None, 4)])

    def test_tables_named_like_what_the_server_would_make(self):
        run = self.copy_and_judge(self.make_source("""
            CREATE TABLE x (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO x VALUES (7);
            CREATE TABLE x_id_seq (id INTEGER PRIMARY KEY); INSERT INTO x_id_seq VALUES (3);
            CREATE TABLE x_pkey (a PRIMARY KEY, b UNIQUE); INSERT INTO x_pkey VALUES (1, 2);
            CREATE TABLE x_pkey_b_key (id INTEGER PRIMARY KEY, g AS (id + 1));
            CREATE TABLE x_pkey_b_key_id_seq (id INTEGER PRIMARY KEY);
            INSERT INTO x_pkey_b_key VALUES (5);
            """))
        self.assertEqual(self.sql("INSERT INTO x DEFAULT VALUES RETURNING id"), [(8,)], str(run))
        self.assertEqual(self.sql("INSERT INTO x_pkey_b_key DEFAULT VALUES RETURNING id"), [(6,)])

    def test_a_sequence_of_that_name_in_the_target(self):
        self.sql("CREATE SEQUENCE x_id_seq")
        self.copy_and_judge(self.make_source(
            "CREATE TABLE x (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO x VALUES (7);"))
        self.assertEqual(self.sql("INSERT INTO x DEFAULT VALUES RETURNING id"), [(8,)])


if __name__ == "__main__":
    unittest.main()
