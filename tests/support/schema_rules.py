"""Whether everything that SQLite's schema declares is in the target, or named in the report."""


class SchemaCheck:
    """Collects problems of one table pair. `mapping` goes from source to target column names,
    `tables` from source to target table names."""

    def __init__(self, source, target, report, tables):
        self.source, self.target = source, target
        self.report = report or {}
        self.tables = tables
        self.problems = []

    def _named(self, table, kinds, *names):
        """Whether the report speaks of it: an object of that kind of that table (and name, when one
        is given), or a finding about the table or column."""
        of_table = {table.name, self.tables.get(table.name)}
        for item in self.report.get("objects", []):
            if item["kind"] in kinds and item["table"] in of_table:
                said = " ".join(str(item.get(k) or "") for k in ("name", "sql", "reason"))
                if item["state"] != "created" and (not names or any(n in said for n in names)):
                    return True
        for item in self.report.get("findings", []):
            if item["object"] in of_table or any(
                    t and item["object"].startswith(f"{t}.") for t in of_table):
                said = item["object"] + " " + item["message"]
                if not names or any(n in said for n in names):
                    return True
        return False

    def _missing(self, table, what):
        self.problems.append(f"{table.name}: {what} is neither in the target nor in the report")

    def check_table(self, table, target, mapping):
        self._check_keys(table, target, mapping)
        self._check_indexes(table, target, mapping)
        self._check_foreign_keys(table, target, mapping)
        self._check_columns(table, target, mapping)
        if self.source.has_check(table):
            if not any(c.kind == "c" for c in target.constraints):
                if not self._named(table, {"check"}):
                    self._missing(table, "its CHECK")

    def _unique_on(self, target, columns, primary=False):
        """Column order matters for a primary key only as a set does: equality is the same."""
        wanted = set(columns)
        if primary:
            return any(c.kind == "p" and set(c.columns) == wanted for c in target.constraints)
        return any(i.unique and set(i.columns) == wanted for i in target.indexes)

    def _check_keys(self, table, target, mapping):
        key = [mapping.get(c) for c in table.key()]
        if key and not self._unique_on(target, key, primary=True):
            if not self._named(table, {"primary_key"}):
                self._missing(table, f"the primary key ({', '.join(table.key())})")

    def _check_indexes(self, table, target, mapping):
        for index in table.indexes:
            if index.origin == "pk":
                continue
            columns = [mapping.get(c) if c is not None else None for c in index.columns]
            if index.origin == "u":
                if self._unique_on(target, columns):
                    continue
                if not self._named(table, {"unique", "index"}, *[c for c in index.columns if c]):
                    self._missing(table, f"UNIQUE ({', '.join(map(str, index.columns))})")
                continue
            # An expression may come back as another (a collation, a cast): then only the number of
            # its parts is compared.
            found = any(len(i.columns) == len(columns) and i.partial == index.partial and
                        i.unique == index.unique and
                        all(a == b or a is None for a, b in zip(i.columns, columns))
                        for i in target.indexes)
            if not found and not self._named(table, {"index", "unique"}, index.name):
                self._missing(table, f"index {index.name}")

    def _check_foreign_keys(self, table, target, mapping):
        for key in table.foreign_keys:
            columns = [mapping.get(c) for c in key.columns]
            parent = next((t for t in self.tables if t.lower() == key.parent.lower()), None)
            found = parent is not None and any(
                c.kind == "f" and c.columns == columns and c.parent == self.tables[parent] and
                (c.on_delete, c.on_update) == (key.on_delete, key.on_update)
                for c in target.constraints)
            if not found and not self._named(table, {"foreign_key"}, key.parent, *key.columns):
                self._missing(table, f"FOREIGN KEY ({', '.join(key.columns)}) REFERENCES "
                                     f"{key.parent} ON DELETE {key.on_delete}")

    def _check_columns(self, table, target, mapping):
        for column in table.columns:
            there = target.column(mapping.get(column.name))
            if there is None:
                continue  # the comparer of rows has said so
            if column.not_null and not there.not_null and not self._named(
                    table, {"not_null", "check", "primary_key"}, column.name):
                self._missing(table, f"NOT NULL of {column.name}")
            if column.default is not None and column.default.upper() != "NULL":
                if there.default is None and not there.identity and not self._named(
                        table, {"default"}, column.name):
                    self._missing(table, f"DEFAULT {column.default} of {column.name}")
            if column.generated and not there.generated and not self._named(
                    table, {"generated"}, column.name):
                self._missing(table, f"that {column.name} is generated")
        alias = table.rowid_alias()
        if alias is not None:
            self._check_sequence(table, target, alias, target.column(mapping.get(alias)))

    def _check_sequence(self, table, target, name, column):
        if column is None:
            return
        found = self.target.next_value(target, column)
        if found is None:
            if not self._named(table, {"default", "sequence"}, name):
                self._missing(table, f"that {name} counts by itself")
            return
        highest = self.source.highest(table.name, name)
        marks = [m for m in (highest, self.source.sequence_mark(table.name)) if isinstance(m, int)]
        expected = max(marks) + 1 if marks else 1
        # Negative keys only: a sequence starts at 1, as SQLite's next rowid does.
        expected = max(expected, 1)
        if found != expected and not (expected > 2**63 - 1 and self._named(table, {"sequence"})):
            self.problems.append(
                f"{table.name}.{name}: the next value is {found}, not {expected}")

    def check_others(self):
        """Views and triggers."""
        objects = self.report.get("objects", [])
        renamed = {f["object"] for f in self.report.get("findings", [])
                   if f["code"] in ("L2P4003", "L2P4004")}
        for view in self.source.views:
            if view not in self.target.views and view not in renamed and not any(
                    o["kind"] == "view" and view in (o["name"], o["table"]) for o in objects):
                self.problems.append(f"view {view} is neither in the target nor in the report")
        for trigger, table in self.source.triggers:
            if not any(o["kind"] == "trigger" and o["name"] == trigger for o in objects):
                self.problems.append(f"trigger {trigger} on {table} is not in the report")
        for item in objects:
            if item["kind"] == "view" and item["state"] == "created":
                if item["name"] not in self.target.views:
                    self.problems.append(f"the report claims view {item['name']}")
