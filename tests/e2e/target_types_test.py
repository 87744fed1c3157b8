"""Every type that a table of an application may have, loaded end to end: edges of each, what the
server shows of them, and what each refuses by name."""

import unittest

from harness import EndToEndTest, execute

SETTINGS = ("SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres';"
            " SET bytea_output = 'hex'; SET extra_float_digits = 1; SET lc_monetary = 'C'; ")

# Type, {value of the source: what the server shows}, a value that is refused.
TYPES = [
    ("boolean", {"yes": "true", 0: "false", None: None}, 2),
    ("smallint", {32767: "32767", "-32768": "-32768", 5.0: "5"}, 32768),
    ("integer", {2147483647: "2147483647", "+7": "7"}, "1.5"),
    ("bigint", {9223372036854775807: "9223372036854775807", -2**63: "-9223372036854775808"}, 0.5),
    ("real", {0.1: "0.1", "1e-45": "1e-45", "-inf": "-Infinity"}, 0.123456789),
    ("double precision", {5e-324: "5e-324", -0.0: "-0", "Infinity": "Infinity"}, "1e400"),
    ("numeric", {"12345678901234567890123456789012345678.5":
                 "12345678901234567890123456789012345678.5", 0.1: "0.1", 7: "7"}, "x"),
    ("numeric(10,2)", {19.99: "19.99", 7: "7.00"}, "19.999"),
    ("text", {"": "", "\u00e9\n\U0001f600": "\u00e9\n\U0001f600", 5: "5", 0.5: "0.5"}, b"x"),
    ("varchar(3)", {"\u00e9\u00e9\u00e9": "\u00e9\u00e9\u00e9"}, "abcd"),
    ("char(3)", {"ab": "ab "}, "abcd"),
    ("name", {"x" * 63: "x" * 63}, "x" * 64),
    ("bytea", {b"": "\\x", b"\0\xff": "\\x00ff", "text": "\\x74657874"}, None),
    ("date", {"4714-11-24 BC": "4714-11-24 BC", "infinity": "infinity",
              "5874897-12-31": "5874897-12-31"}, "2023-02-29"),
    ("time", {"24:00:00": "24:00:00", "23:59:59.999999": "23:59:59.999999"}, "25:00"),
    ("timetz", {"12:34:56+05:30": "12:34:56+05:30", "24:00:00Z": "24:00:00+00"}, "12:34:56"),
    ("timestamp", {"0044-03-15 12:00:00 BC": "0044-03-15 12:00:00 BC", "-infinity": "-infinity"},
     "2024-01-31 12:34:56+01"),
    ("timestamp(3)", {"2024-01-31 12:34:56.789": "2024-01-31 12:34:56.789"},
     "2024-01-31 12:34:56.7891"),
    ("timestamptz", {"2024-01-31 12:34:56+01:00": "2024-01-31 11:34:56+00",
                     "294276-12-31 23:59:59.999999Z": "294276-12-31 23:59:59.999999+00"}, 5),
    ("timestamptz(0)", {"2024-01-31 12:34:56Z": "2024-01-31 12:34:56+00"},
     "2024-01-31 12:34:56.5Z"),
    ("interval", {"1 day 02:03:04.5": "1 day 02:03:04.5", "P1Y2M": "1 year 2 mons",
                  "1.02:03:04": "1 day 02:03:04"}, "soon"),
    ("uuid", {"{6F9619FF-8B86-D011-B42D-00C04FC964FF}": "6f9619ff-8b86-d011-b42d-00c04fc964ff"},
     b"0123456789abcdef"),
    ("json", {'{"a": 1.10, "a": 2}': '{"a": 1.10, "a": 2}', 5: "5"}, "{"),
    ("jsonb", {'{"b":1,"a":[1.10,null]}': '{"a": [1.10, null], "b": 1}'}, '"\\u0000"'),
    ("xml", {"<a>b</a>": "<a>b</a>"}, b"<a/>"),
    ("inet", {"192.168.0.1/24": "192.168.0.1/24", "::1": "::1/128"}, "1.2.3"),
    ("cidr", {"10.0.0.0/8": "10.0.0.0/8"}, "10.0.0.1/8"),
    ("macaddr", {"08-00-2b-01-02-03": "08:00:2b:01:02:03"}, "08:00"),
    ("macaddr8", {"08:00:2b:01:02:03:04:05": "08:00:2b:01:02:03:04:05"}, "08:00:2b:01:02:03"),
    ("bit(4)", {"1010": "1010"}, "10"),
    ("varbit(4)", {"": "", "101": "101"}, "10101"),
    ("money", {"12.34": "$12.34", 5: "$5.00"}, "1.005"),
    ("mood", {"happy": "happy", "it's": "it's"}, "other"),
    ("price", {"12.50": "12.50", 3: "3.00"}, "1.234"),
    ("integer[]", {"[1,null,3]": "{1,NULL,3}", "{4,5}": "{4,5}", "[]": "{}"}, "[1.5]"),
    ("text[]", {'["a","b,c",null]': '{a,"b,c",NULL}', "[[\"x\"],[\"y\"]]": "{{x},{y}}"}, "{{}"),
    ("mood[]", {'["happy"]': "{happy}"}, '["other"]'),
    ("price[]", {"[1.5, 2]": "{1.50,2.00}"}, "[1.234]"),
    ("citext", {"MiXed": "MiXed"}, b"x"),
    ("hstore", {'{"a": "1", "b": null}': '"a"=>"1", "b"=>NULL'}, "{"),
]
SETUP = """
CREATE EXTENSION citext SCHEMA public; CREATE EXTENSION hstore SCHEMA public;
CREATE TYPE mood AS ENUM ('happy', 'it''s'); CREATE DOMAIN price AS numeric(10,2) CHECK (VALUE > 0);
"""


class TargetTypes(EndToEndTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.template = cls("test_every_type_takes_its_edges").make_template()

    def make_template(self):
        """A database with the extensions and types, copied for each test."""
        conninfo = self.make_target()
        execute(conninfo, SETUP)
        for cleanup in self._cleanups:
            self.addClassCleanup(cleanup[0], *cleanup[1], **cleanup[2])
        self._cleanups.clear()
        return execute(conninfo, "SELECT current_database()")[0][0]

    def source(self, values):
        return self.make_source(name=f"{len(list(self.dir.iterdir()))}.db", build=lambda db: (
            db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, "
                       + ", ".join(f"c{i}" for i in range(len(values[0]))) + ")"),
            db.executemany(f"INSERT INTO t VALUES (NULL{', ?' * len(values[0])})", values)))

    def test_every_type_takes_its_edges(self):
        rows = max(len(values) for _, values, _ in TYPES)

        def nth(values, number):
            return values[number] if number < len(values) else None
        path = self.source([[nth(list(values), n) for _, values, _ in TYPES] for n in range(rows)])
        self.target = self.make_target_from(self.template)
        columns = ", ".join(f"c{i} {name}" for i, (name, _, _) in enumerate(TYPES))
        self.sql(f"CREATE TABLE t (id int PRIMARY KEY, {columns})")
        run = self.copy(path)
        self.assertEqual(run.exit_code, 0, str(run))
        self.assertEqual(run.report["outcome"], "verified")
        for i, (name, values, _) in enumerate(TYPES):
            # A cast to text drops the padding of char(n).
            shown = f"c{i}::text" if not name.startswith("char") else f"rpad(c{i}::text, 3)"
            found = [v for v, in self.sql(f"{SETTINGS}SELECT {shown} FROM t ORDER BY id")]
            expected = list(values.values())
            self.assertEqual(found, expected + [None] * (rows - len(expected)), name)

    def test_every_type_refuses_by_name_what_it_cannot_hold(self):
        bad = [(name, value) for name, _, value in TYPES if value is not None]
        path = self.source([[value for _, value in bad]])
        self.target = self.make_target_from(self.template)
        columns = ", ".join(f"c{i} {name}" for i, (name, _) in enumerate(bad))
        self.sql(f"CREATE TABLE t (id int PRIMARY KEY, {columns})")
        run = self.copy(path)
        self.assert_fails(run, 14, "L2P2001")
        named = {f["object"] for f in run.findings("L2P2001")}
        self.assertEqual(named, {f"t.c{i}" for i in range(len(bad))},
                         [bad[int(c[3:])] for c in
                          {f"t.c{i}" for i in range(len(bad))} - named])
        self.assertEqual(self.sql("SELECT count(*) FROM t"), [(0,)])


if __name__ == "__main__":
    unittest.main()
