#!/usr/bin/python3
"""The independent judge of a copy: compare.py SQLITE_FILE CONNINFO [REPORT.json] [--schema NAME]

Reads both databases by its own code and proves that every table holds the same rows, as multisets
and under its own rules of what equal means (value_rules.py); that every declaration of the source
is in the target or named in the report (schema_rules.py); and that the report's numbers are true.
Prints what differs and exits 1 if anything does.
"""

import argparse
import hashlib
import json
import sys
from collections import Counter

from catalogs import Source, Target
from schema_rules import SchemaCheck
from value_rules import (EPOCHS, TEMPORAL_TYPES, TEXT_TYPES, NoReading, SourceReader, Text, bits,
                         real_of_text)

SHOWN_MAX = 5  # of each kind of difference in a table


class Comparison:
    """Compares on construction; `problems` is empty when all is equal."""

    def __init__(self, path, conninfo=None, report=None, schema="public", check_schema=True,
                 ignore_tables=(), target=None):
        """`target`: what has the tables instead of a server (archive_reader.py)."""
        self.problems = []
        self.rows = 0
        self.tables = 0
        self.report = report
        self.ignored = set(ignore_tables)
        self.source = Source(path)
        self.target = target or Target(conninfo, schema)
        try:
            pairs = self._pair_tables()
            names = {source.name: target.name for source, target, _ in pairs}
            schema_check = None
            if check_schema:
                schema_check = SchemaCheck(self.source, self.target, report, names)
            for source, target, entry in pairs:
                mapping = self._map_columns(source, target, entry)
                self._compare_rows(source, target, mapping, entry)
                if check_schema:
                    schema_check.check_table(source, target, mapping)
            if check_schema:
                schema_check.check_others()
                self.problems += schema_check.problems
        finally:
            self.target.close()
            self.source.db.close()

    # Set by PartialComparison.
    partial = False

    def _problem(self, text):
        self.problems.append(text)

    def _pair_tables(self):
        """(source, target, the report's entry or None) of every table that is to be compared."""
        self.counted = {}  # rows of both sides by table
        entries = None
        if self.report is not None:
            entries = {t["source_name"]: t for t in self.report["tables"]}
            for name in entries.keys() - {t.name for t in self.source.tables}:
                # SQLite's own tables, which hold no rows of anybody's, may be named as such.
                if not (name.startswith("sqlite_") and entries[name]["state"] == "bookkeeping"):
                    self._problem(f"the report has a table that the source has not: {name!r}")
        pairs = []
        for table in self.source.tables:
            if table.name in self.ignored:
                continue
            entry = None
            target_name = table.name
            if entries is not None:
                entry = entries.get(table.name)
                if entry is None:
                    self._problem(f"table {table.name!r} is not in the report")
                    continue
                if entry["state"] not in ("copied", "skipped"):
                    if entry["state"] == "not_a_table" and table.kind == "table":
                        self._problem(f"table {table.name!r} was taken for no table")
                    continue
                target_name = entry["target_name"]
            if table.kind != "table" and (entry is None or not table.columns):
                continue
            target = self.target.tables.get(target_name)
            if target is None:
                if self.partial:
                    continue
                self._problem(f"table {table.name!r} has no partner {target_name!r}")
                continue
            pairs.append((table, target, entry))
        return pairs

    def _map_columns(self, source, target, entry):
        mapping = {c.name: c.name for c in source.columns}
        if entry is not None:
            mapping = {c["source_name"]: c["target_name"] for c in entry["columns"]}
        for column in source.columns:
            own = target.column(column.name)
            if column.generated and own is not None and own.generated:
                mapping.setdefault(column.name, column.name)  # computed there, loaded by nobody
            name = mapping.get(column.name)
            if name is not None and target.column(name) is not None:
                continue
            mapping.pop(column.name, None)
            told = any(
                o["kind"] == "generated" and o["table"] in (source.name, target.name) and
                o["state"] == "not_carried" and column.name in (o["name"] + " " + o["reason"])
                for o in (self.report or {}).get("objects", []))
            told = told or any(   # computed there under another name
                f["code"] == "L2P4015" and f["object"] == f"{source.name}.{column.name}"
                for f in (self.report or {}).get("findings", []))
            if not (column.generated and (told or self.partial)):
                self._problem(f"{source.name}: column {column.name!r} has no partner")
        return mapping

    # ---- Rows ----------------------------------------------------------------------------------

    def _readers(self, source, columns):
        """One SourceReader for each column, with the convention that its values follow."""
        readers = []
        for name, column in columns:
            reader = SourceReader(column.type, ask_server=self.target.ask(column.sql_type))
            values = None
            if column.type.name in TEMPORAL_TYPES:
                values = [v for v, in self.source.rows(source.name, [name])
                          if isinstance(v, (int, float))]
                # Integers and REALs of one column may come from different writers.
                choices = [{"epoch": e, "real_epoch": r}
                           for e in (EPOCHS if any(isinstance(v, int) for v in values) else [None])
                           for r in (EPOCHS if any(isinstance(v, float) for v in values)
                                     else [None])]
            elif column.type.name == "uuid":
                values = [v for v, in self.source.rows(source.name, [name])
                          if type(v) is bytes]
                choices = [{}, {"uuid_mixed_endian": True}]
            if values:
                reader = self._fitting_reader(source, name, column, choices) or reader
            elif column.type.name in TEXT_TYPES or column.type.name == "bytea":
                reader.real_texts = self._real_texts(source, name, column)
            readers.append(reader)
        return readers

    def _real_texts(self, source, name, column):
        """REALs that became text: a text is equal when it gives the double back, to the last bit.
        Which of the texts that do is taken from the target; that of a TEXT is left to the TEXT."""
        values = [v for v, in self.source.rows(source.name, [name])]
        reals = {bits(v) for v in values if isinstance(v, float)}
        if not reals:
            return {}
        own = {bytes(v) for v in values if isinstance(v, Text)}
        found = {}
        for text, in self.target.rows(self.table_in_work, [column]):
            number = None if text is None else real_of_text(text)
            if number is not None and bits(number) in reals:
                if bits(number) not in found or text not in own:
                    found[bits(number)] = text
        return found

    def _fitting_reader(self, source, name, column, choices):
        table = self.table_in_work
        theirs = Counter(row[0] for row in self.target.rows(table, [column]))
        for choice in choices:
            reader = SourceReader(column.type, **choice)
            try:
                ours = Counter(reader.form(v) for v, in self.source.rows(source.name, [name]))
            except NoReading:
                continue
            if ours == theirs:
                return reader
        return None

    def _compare_rows(self, source, target, mapping, entry):
        self.table_in_work = target
        columns = [(c.name, target.column(mapping[c.name])) for c in source.columns
                   if c.name in mapping]
        readers = self._readers(source, columns)
        unreadable = 0
        ours, seen = Counter(), {}
        rows_source = 0
        for row in self.source.rows(source.name, [name for name, _ in columns]):
            rows_source += 1
            forms = []
            for (name, column), reader, value in zip(columns, readers, row):
                try:
                    forms.append(reader.form(value))
                except NoReading as error:
                    unreadable += 1
                    if unreadable <= SHOWN_MAX and not self.partial:
                        self._problem(f"{source.name}.{name}: {value!r:.80} has no form as "
                                      f"{column.sql_type}: {error}")
                    forms.append(("unreadable", str(error)))
            key = digest(forms)
            ours[key] += 1
            seen.setdefault(key, row)
        theirs, shown = Counter(), {}
        rows_target = 0
        for row in self.target.rows(target, [column for _, column in columns]):
            rows_target += 1
            key = digest(row)
            theirs[key] += 1
            if key not in ours:
                shown.setdefault(key, row)
        missing, extra = ours - theirs, theirs - ours
        self.counted[source.name] = (rows_source, rows_target)
        if self.partial:
            missing = Counter()
        for key in list(missing)[:SHOWN_MAX]:
            self._problem(f"{source.name}: {missing[key]} time(s) in the source only: "
                          f"{seen[key]!r:.400}")
        for key in list(extra)[:SHOWN_MAX]:
            self._problem(f"{source.name}: {extra[key]} time(s) in the target only: "
                          f"{shown.get(key, seen.get(key))!r:.400}")
        if not self.partial and not missing and not extra and rows_source != rows_target:
            self._problem(f"{source.name}: {rows_source} rows became {rows_target}")
        self.rows += rows_source
        self.tables += 1
        if entry is not None and not self.partial:
            self._check_entry(entry, rows_source, rows_target)

    def _check_entry(self, entry, rows_source, rows_target):
        """The report must tell the truth about numbers that anyone can count."""
        name = entry["source_name"]
        accounted = entry["rows_copied"] + entry["rows_skipped"] + entry["rows_rejected"]
        for what, said, counted in (("rows_source", entry["rows_source"], rows_source),
                                    ("rows_target", entry["rows_target"], rows_target),
                                    ("rows accounted for", accounted, rows_source)):
            if said != counted:
                self._problem(f"{name}: the report says {what} = {said}, there are {counted}")
        if self.report["outcome"] == "verified" and entry["equal"] is not True:
            self._problem(f"{name}: outcome verified, but equal is {entry['equal']}")


class PartialComparison(Comparison):
    """The target may lack tables, columns and rows; but what it has must be the source's, and no row
    more often than there."""

    partial = True


def digest(forms):
    """Rows of many megabytes are kept as hashes. repr() tells all forms apart."""
    return hashlib.blake2b(repr(tuple(forms)).encode("utf-8", "surrogatepass"),
                           digest_size=16).digest()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("conninfo")
    parser.add_argument("report", nargs="?")
    parser.add_argument("--schema", default="public")
    arguments = parser.parse_args()
    report = None
    if arguments.report:
        with open(arguments.report, encoding="utf-8") as file:
            report = json.load(file)
    result = Comparison(arguments.file, arguments.conninfo, report, arguments.schema)
    for problem in result.problems:
        print(problem)
    print(f"{result.tables} tables, {result.rows} rows, {len(result.problems)} problems")
    sys.exit(1 if result.problems else 0)


if __name__ == "__main__":
    main()
