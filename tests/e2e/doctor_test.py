"""verify as a doctor for databases that other tools have migrated.

The damage is of the kinds that such tools are known for (pgloader's issues in parentheses): REAL
became a 4-byte real (#249), times were shifted by a zone (#1439), sequences start again (#1246), NUL
and what is not UTF-8 became NULL or shorter (#99), rows were left out without a word (#681, #1468),
indexes and keys were not made (#420), text was cut, '' became NULL, booleans were turned round.
"""

import unittest

from harness import EndToEndTest, lite2pg

SOURCE = """
CREATE TABLE product (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, weight REAL,
  price DECIMAL(10,2), made TIMESTAMP, active BOOLEAN, note TEXT, picture BLOB, code TEXT UNIQUE);
CREATE TABLE line (id INTEGER PRIMARY KEY, product_id INTEGER NOT NULL REFERENCES product(id),
  n INTEGER, UNIQUE (product_id, n));
CREATE INDEX line_n ON line(n);
WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 200)
INSERT INTO product SELECT i, 'product ' || i, i / 7.0, i + 0.25,
  datetime(1700000000 + i * 3600, 'unixepoch'), i % 2, CASE i % 4 WHEN 0 THEN '' WHEN 1 THEN NULL
  ELSE 'note ' || i END, CAST(printf('bytes %d', i) AS BLOB), printf('c%04d', i) FROM c;
INSERT INTO line SELECT id, id, id % 10 FROM product;
"""
# As such a tool makes it: lower-case names, the types that its rules give.
TARGET = """
CREATE TABLE product (id bigserial PRIMARY KEY, name text NOT NULL, weight float8,
  price numeric(10,2), made timestamp, active boolean, note text, picture bytea, code text UNIQUE);
CREATE TABLE line (id bigserial PRIMARY KEY, product_id bigint NOT NULL REFERENCES product(id),
  n bigint, UNIQUE (product_id, n));
CREATE INDEX line_n ON line(n);
INSERT INTO product SELECT i, 'product ' || i, i / 7.0::float8, i + 0.25,
  timestamp '2023-11-14 22:13:20' + i * interval '1 hour', i % 2 = 1,
  CASE i % 4 WHEN 0 THEN '' WHEN 1 THEN NULL ELSE 'note ' || i END,
  convert_to('bytes ' || i, 'UTF8'), 'c' || lpad(i::text, 4, '0') FROM generate_series(1, 200) i;
INSERT INTO line SELECT id, id, id % 10 FROM product;
SELECT setval('product_id_seq', 200); SELECT setval('line_id_seq', 200);
"""


class Doctor(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.path = self.make_source(SOURCE)
        self.template = self.make_target()
        self.target = self.template
        self.sql(TARGET)
        self.name = self.sql("SELECT current_database()")[0][0]

    def examine(self, damage=""):
        self.target = self.make_target_from(self.name)
        if damage:
            self.sql(damage)
        return lite2pg("verify", self.path, self.target, "--format", "json")

    def test_a_good_migration_is_called_one(self):
        run = self.examine()
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual([f for f in run.findings() if f["severity"] != "info"], [], str(run))

    # damage, table, column, rows that differ
    VALUES = [
        ("ALTER TABLE product ALTER weight TYPE real", "product", "weight", 172),
        ("UPDATE product SET made = made + interval '5 hours'", "product", "made", 200),
        ("UPDATE product SET made = made + interval '1 hour' WHERE made >= '2023-11-20'", "product",
         "made", None),
        ("UPDATE product SET note = NULL WHERE note = ''", "product", "note", 50),
        ("UPDATE product SET active = NOT active", "product", "active", 200),
        ("UPDATE product SET price = trunc(price, 1)", "product", "price", 200),
        ("UPDATE product SET name = left(name, 10)", "product", "name", 101),
        ("UPDATE product SET picture = convert_to('[B@' || id, 'UTF8') WHERE id = 77", "product",
         "picture", 1),
    ]

    def test_values_that_were_changed_on_the_way(self):
        for damage, table, column, rows in self.VALUES:
            with self.subTest(damage):
                run = self.examine(damage)
                self.assertEqual(run.exit_code, 4, str(run))
                found = run.table(table)
                self.assertEqual({d["column"] for d in found["differences"]}, {column})
                if rows is not None:
                    self.assertEqual(found["rows_changed"], rows)
                self.assertFalse([t["source_name"] for t in run.report["tables"]
                                  if t["equal"] is False and t["source_name"] != table])

    def test_a_narrow_type_is_told_of_even_where_every_value_fits(self):
        run = self.examine("UPDATE product SET weight = 0.5; ALTER TABLE product ALTER weight TYPE real")
        self.assertEqual([f["object"] for f in run.findings("L2P5007")], ["product.weight"])

    def test_rows_that_were_left_out_or_came_twice(self):
        run = self.examine("DELETE FROM line WHERE id % 50 = 0")
        self.assertEqual(run.exit_code, 4, str(run))
        self.assertEqual(run.table("line")["rows_missing"], 4)
        self.assertEqual({d["key"] for d in run.table("line")["differences"]},
                         {f"id={i}" for i in (50, 100, 150, 200)})
        run = self.examine("ALTER TABLE line DROP CONSTRAINT line_pkey,"
                           " DROP CONSTRAINT line_product_id_n_key;"
                           " INSERT INTO line SELECT * FROM line WHERE id = 9")
        self.assertEqual(run.exit_code, 4, str(run))
        self.assertEqual(run.table("line")["rows_doubled"], 1)

    # damage, code of the finding, part of its message
    CATALOG = [
        ("SELECT setval('product_id_seq', 1, false)", "L2P5005", "stands at 1"),
        ("SELECT setval('product_id_seq', 199)", "L2P5005", "200"),
        ("ALTER TABLE line DROP CONSTRAINT line_pkey", "L2P5006", "no primary key"),
        ("ALTER TABLE line DROP CONSTRAINT line_product_id_n_key", "L2P5006",
         "no unique index on (product_id, n)"),
        ("ALTER TABLE product DROP CONSTRAINT product_code_key", "L2P5006", "(code)"),
        ("ALTER TABLE line DROP CONSTRAINT line_product_id_fkey", "L2P5006",
         "no foreign key from (product_id)"),
        ("DROP INDEX line_n", "L2P5006", "no index on (n)"),
    ]

    def test_what_was_not_made_or_not_set(self):
        for damage, code, words in self.CATALOG:
            with self.subTest(damage):
                run = self.examine(damage)
                self.assertEqual(run.exit_code, 0, str(run))   # all rows are equal
                messages = [f["message"] for f in run.findings(code)]
                self.assertEqual(len(messages), 1, str(run))
                self.assertIn(words, messages[0])

    def test_a_number_column_without_its_sequence(self):
        run = self.examine("ALTER TABLE product ALTER id DROP DEFAULT")
        self.assertEqual(run.exit_code, 0, str(run))
        messages = [f["message"] for f in run.findings("L2P5005")]
        self.assertEqual(len(messages), 1, str(run))
        self.assertIn("no sequence", messages[0])

    def test_nothing_of_it_is_changed(self):
        before = None
        for _ in range(2):
            run = self.examine("UPDATE product SET name = 'x' WHERE id = 1") if before is None \
                else lite2pg("verify", self.path, self.target, "--format", "json")
            self.assertEqual(run.exit_code, 4)
            now = self.sql("SELECT id, xmin::text, ctid::text FROM product ORDER BY 1")
            self.assertIn(before, (None, now))
            before = now


if __name__ == "__main__":
    unittest.main()
