"""Into tables whose unique constraints and foreign keys are deferrable: set aside or held open
until the end, found violated where they are, and back as they were."""

import unittest

from existing_support import BALLAST_SQL, ExistingTest, add_ballast

# Every row breaks a foreign key, or shares a rank with another, until the last one is there.
SOURCE = """
CREATE TABLE node (id INTEGER PRIMARY KEY, up INTEGER, tag INTEGER, rank INTEGER);
CREATE TABLE tag (id INTEGER PRIMARY KEY, node INTEGER, name TEXT);
INSERT INTO node VALUES (1, 3, 20, 3), (2, 1, 10, 1), (3, 2, 20, 2), (4, NULL, NULL, NULL);
INSERT INTO tag VALUES (10, 2, 'a'), (20, 4, 'b');
"""
TARGET = """
CREATE TABLE node (id bigint PRIMARY KEY, up bigint, tag bigint, rank int,
  CONSTRAINT rank_later UNIQUE (rank) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT rank_may_wait UNIQUE (rank, id) DEFERRABLE,
  CONSTRAINT no_rank_twice EXCLUDE USING btree (rank WITH =) DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE tag (id bigint, node bigint, name text,
  CONSTRAINT tag_pkey PRIMARY KEY (id) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT tag_id UNIQUE (id));
ALTER TABLE node ADD CONSTRAINT up_later FOREIGN KEY (up) REFERENCES node(id)
    ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  ADD CONSTRAINT tag_later FOREIGN KEY (tag) REFERENCES tag(id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE tag ADD CONSTRAINT node_may_wait FOREIGN KEY (node) REFERENCES node(id)
  ON UPDATE CASCADE DEFERRABLE INITIALLY IMMEDIATE;
COMMENT ON CONSTRAINT rank_later ON node IS 'moved about in one transaction';
"""


class Deferred(ExistingTest):
    """A load that is small enough to be merged in one transaction."""

    def make(self, extra="", name="source.db"):
        return self.make_source(SOURCE + extra, name=name)

    def setUp(self):
        super().setUp()
        self.sql(TARGET)
        self.deferrals = self.deferred_constraints()

    def deferred_constraints(self):
        return self.sql("SELECT conname, condeferrable, condeferred, convalidated, contype::text"
                        " FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
                        " ORDER BY 1")

    def test_they_come_back_as_they_were(self):
        self.load_and_judge(self.make())
        self.assertEqual(self.deferred_constraints(), self.deferrals)
        # And they work: ranks can be swapped within one transaction, and only there.
        self.sql("BEGIN; UPDATE node SET rank = 1 WHERE id = 1;"
                 " UPDATE node SET rank = 3 WHERE id = 2; COMMIT")
        with self.assertRaisesRegex(Exception, "rank"):
            self.sql("UPDATE node SET rank = 1 WHERE id = 3")
        with self.assertRaisesRegex(Exception, "up_later"):
            self.sql("UPDATE node SET up = 99 WHERE id = 3")

    def test_values_that_are_there_twice(self):
        for statement, constraint in (("UPDATE node SET rank = 2 WHERE id = 2", "rank"),
                                      ("INSERT INTO node VALUES (5, NULL, NULL, 3)", "rank")):
            with self.subTest(statement):
                path = self.make(statement + ";", name=f"{len(statement)}.db")
                run = self.load_refused(path, (8, 14))
                self.assertIn(constraint, str(run.report["errors"][0]))
                self.assertEqual(self.deferred_constraints(), self.deferrals)

    def test_keys_that_point_nowhere(self):
        for statement, lost in (("UPDATE node SET up = 98 WHERE id = 3", "98"),
                                ("UPDATE node SET tag = 97 WHERE id = 4", "97"),
                                ("UPDATE tag SET node = 96 WHERE id = 10", "96")):
            with self.subTest(statement):
                path = self.make(statement + ";", name=f"{lost}.db")
                run = self.load_refused(path, (8, 12, 14), "--orphans", "stop")
                self.assertIn(lost, str(run.report["errors"] + run.findings("L2P4006")))
                self.assertEqual(self.deferred_constraints(), self.deferrals)

    def test_rows_that_violate_them_are_set_aside(self):
        path = self.make("INSERT INTO node VALUES (5, 2, 10, 3), (6, 95, NULL, 9);")
        before = self.pg_dump()
        run = self.copy(path, "--on-bad-value", "reject", "--orphans", "reject")
        self.assertEqual(run.exit_code, 3, str(run))
        self.assertEqual(self.pg_dump(), before)
        self.assertEqual(self.deferred_constraints(), self.deferrals)
        kept = [row[0] for row in self.sql("SELECT id FROM node ORDER BY 1")]
        aside = self.sql("SELECT count(*) FROM lite2pg.reject")[0][0]
        self.assertEqual(len(kept) + aside, 6 + self.tags_missing(), str(run))
        self.assertIn(4, kept)
        self.assertNotIn(6, kept)
        ranks = [r for r, in self.sql("SELECT rank FROM node WHERE rank IS NOT NULL ORDER BY 1")]
        self.assertEqual(len(ranks), len(set(ranks)))

    def tags_missing(self):
        return 2 - self.sql("SELECT count(*) FROM tag")[0][0]


class DeferredDirect(Deferred):
    """The same, loaded straight into the tables."""

    def setUp(self):
        super().setUp()
        self.sql(BALLAST_SQL)
        self.deferrals = self.deferred_constraints()

    def make(self, extra="", name="source.db"):
        return self.make_source(SOURCE + extra, name=name, build=add_ballast)


if __name__ == "__main__":
    unittest.main()
