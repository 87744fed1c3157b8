#!/usr/bin/python3
"""A reader of archives made from docs/archive-format.md alone: archive_reader.py DIR [SQLITE_FILE]

Nothing here is taken from lite2pg. It checks the layout, every checksum, every number and the rows'
digests, decodes every value, and with an SQLite file has the judge (compare.py) compare all rows.
Prints what is wrong and exits 1 if anything is.
"""

import hashlib
import json
import pathlib
import re
import struct
import subprocess
import sys
from decimal import Decimal

import xxhash

from catalogs import TargetColumn, TargetTable
from compare import Comparison
from value_rules import NoReading, TargetType, decimal_form, json_form

HEADER = b"PGCOPY\n\xff\r\n\x00" + b"\x00" * 8
SUM = re.compile(rb',\n "manifest_sha256": "([0-9a-f]{64})"\n}\n\Z')
# Microseconds, or days, from 1970 to 2000, where PostgreSQL begins to count.
DAYS_TO_2000, MICROS_TO_2000 = 10957, 946_684_800_000_000


class Damaged(Exception):
    """The archive is not what its manifest says."""


def require(condition, what):
    if not condition:
        raise Damaged(what)


# ---- Values: the send functions of the types -----------------------------------------------------

def integer(data):
    return int.from_bytes(data, "big", signed=True)


def numeric(data):
    count, weight, sign, scale = struct.unpack(">HhHH", data[:8])
    digits = struct.unpack(f">{count}H", data[8:])
    if sign in (0xC000, 0xD000, 0xF000):
        return {0xC000: "NaN", 0xD000: "Infinity", 0xF000: "-Infinity"}[sign]
    require(sign in (0, 0x4000), "a numeric of unknown sign")
    number = 0
    for digit in digits:
        require(digit < 10000, "a digit of a numeric")
        number = number * 10000 + digit
    exponent = 4 * (weight - count + 1)
    value = Decimal((1 if sign else 0, tuple(map(int, str(number))), exponent))
    require(max(0, -decimal_form(value)[2]) <= scale, "a numeric of another scale than it shows")
    return decimal_form(value)


def float4(data):
    """As PostgreSQL shows it: the shortest decimal that gives the bits back."""
    (number,) = struct.unpack(">f", data)
    for digits in range(6, 10):
        shown = f"{number:.{digits}g}"
        if struct.pack(">f", float(shown)) == data:
            return decimal_form(Decimal(shown))
    raise Damaged("a float4")


def micros(data):
    value = integer(data)
    if value in (2**63 - 1, -2**63):
        return "infinity" if value > 0 else "-infinity"
    return value + MICROS_TO_2000


def date(data):
    value = integer(data)
    if value in (2**31 - 1, -2**31):
        return "infinity" if value > 0 else "-infinity"
    return value + DAYS_TO_2000


def boolean(data):
    return {b"\x00": False, b"\x01": True}[data]


def jsonb(data):
    require(data[:1] == b"\x01", "a jsonb of unknown version")
    return json_form(data[1:].decode())


def same(data):
    return bytes(data)


# The name of the type in `type`, without what stands in parentheses: (pg_type.typname, length,
# decoder into the judge's form).
TYPES = {
    "boolean": ("bool", 1, boolean),
    "smallint": ("int2", 2, integer),
    "integer": ("int4", 4, integer),
    "bigint": ("int8", 8, integer),
    "real": ("float4", 4, float4),
    "double precision": ("float8", 8, same),
    "numeric": ("numeric", None, numeric),
    "text": ("text", None, same),
    "character varying": ("varchar", None, same),
    "varchar": ("varchar", None, same),
    "character": ("bpchar", None, lambda data: bytes(data).rstrip(b" ")),
    "char": ("bpchar", None, lambda data: bytes(data).rstrip(b" ")),
    "bytea": ("bytea", None, same),
    "date": ("date", 4, date),
    "time": ("time", 8, integer),
    "time without time zone": ("time", 8, integer),
    "timestamp": ("timestamp", 8, micros),
    "timestamp without time zone": ("timestamp", 8, micros),
    "timestamptz": ("timestamptz", 8, micros),
    "timestamp with time zone": ("timestamptz", 8, micros),
    "uuid": ("uuid", 16, lambda data: bytes(data).hex()),
    "json": ("json", None, same),
    "jsonb": ("jsonb", None, jsonb),
}
# Types whose canonical bytes (docs/digest.md) are those of the file.
HASHED_AS_STORED = {"bool", "int2", "int4", "int8", "float4", "float8", "numeric", "text", "varchar",
                    "bytea", "date", "time", "timestamp", "timestamptz", "uuid", "json"}


def type_of(sql):
    name = re.sub(r"\s*\([0-9, ]+\)", "", sql)
    require(name in TYPES, f"no decoder for the type {sql}")
    return TYPES[name]


# ---- The archive -------------------------------------------------------------------------------

def text_of(value):
    """Texts that are no UTF-8 stand there as {"hex": ...}; surrogates, as sqlite3 gives them."""
    if isinstance(value, str):
        return value
    return bytes.fromhex(value["hex"]).decode("utf-8", "surrogateescape")


def unique(pairs):
    require(len({k for k, _ in pairs}) == len(pairs), "a key stands twice")
    return dict(pairs)


class Archive:
    """Everything is checked on construction but the data files, which rows() checks."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        content = (self.directory / "manifest.json").read_bytes()
        end = SUM.search(content)
        require(end and len(content) - end.start() == 91, "the manifest does not end with its sum")
        require(hashlib.sha256(content[:end.start()]).hexdigest().encode() == end.group(1),
                "the manifest's checksum")
        self.manifest = json.loads(content, object_pairs_hook=unique)
        version = self.manifest["format_version"]
        require(self.manifest["format"] == "lite2pg archive" and version in (1, 2), "the format")
        self.compressed = version == 2
        require(("compression" in self.manifest) == self.compressed, "the compression")
        self.tables = self.manifest["tables"]
        self._check_files()

    def _check_files(self):
        named = {"manifest.json"}
        for entry in self.manifest["schema_files"]:
            named.add(entry["file"])
            self._check_sums(entry, (self.directory / entry["file"]).read_bytes())
        for number, table in enumerate(self.tables):
            require(table["number"] == number, "the tables' numbers")
            for chunk in table["chunks"]:
                end = r"\.copy\.zst" if self.compressed else r"\.copy"
                require(re.fullmatch(rf"t{number:06}/c\d{{6}}{end}", chunk["file"]), "a file's name")
                require(chunk["file"] not in named, "a file that is named twice")
                named.add(chunk["file"])
        found = {str(p.relative_to(self.directory)) for p in self.directory.rglob("*")
                 if not p.is_dir()}
        require(found == named, f"other files than are named: {found ^ named}")

    @staticmethod
    def _check_sums(entry, data):
        require(len(data) == entry["file_bytes"], f"{entry['file']}: size")
        require(hashlib.sha256(data).hexdigest() == entry["sha256"], f"{entry['file']}: SHA-256")
        require(xxhash.xxh3_128_hexdigest(data) == entry["xxh3_128"], f"{entry['file']}: XXH3")

    def _raw(self, chunk):
        data = (self.directory / chunk["file"]).read_bytes()
        self._check_sums(chunk, data)
        if not self.compressed:
            return data
        raw = subprocess.run(["zstd", "-dcq"], input=data, stdout=subprocess.PIPE,
                             check=True).stdout
        require(len(raw) == chunk["raw_bytes"], f"{chunk['file']}: size when decompressed")
        require(xxhash.xxh3_128_hexdigest(raw) == chunk["raw_xxh3_128"], f"{chunk['file']}: XXH3")
        return raw

    @staticmethod
    def _tuples(data, columns):
        """Per row the bytes after its count, and its fields (None: NULL)."""
        require(data[:19] == HEADER, "the header of COPY")
        at = 19
        while True:
            count = integer(data[at:at + 2])
            at += 2
            if count == -1:
                break
            require(count == columns, "the number of fields")
            begin, fields = at, []
            for _ in range(count):
                length = integer(data[at:at + 4])
                at += 4
                require(-1 <= length <= len(data) - at, "a field's length")
                fields.append(None if length < 0 else data[at:at + length])
                at += max(length, 0)
            yield data[begin:at], fields
        require(at == len(data), "bytes after the end")

    def rows(self, table):
        """Rows of all files, decoded; at the end all sums have been checked."""
        types = [type_of(column["type"]) for column in table["columns"]]
        hashed = all(name in HASHED_AS_STORED for name, _, _ in types)
        total, rows, size = 0, 0, 0
        for chunk in table["chunks"]:
            size += chunk["file_bytes"]
            chunk_sum, chunk_rows = 0, 0
            for whole, fields in self._tuples(self._raw(chunk), len(types)):
                chunk_rows += 1
                chunk_sum += xxhash.xxh3_128_intdigest(whole)
                for (name, length, _), field in zip(types, fields):
                    require(field is None or length in (None, len(field)), f"the length of a {name}")
                yield tuple(None if field is None else decode(field)
                            for (_, _, decode), field in zip(types, fields))
            require(chunk_rows == chunk["rows"], f"{chunk['file']}: rows")
            require(not hashed or f"{chunk_sum % 2**128:032x}" == chunk["digest"],
                    f"{chunk['file']}: digest")
            rows += chunk_rows
            total += int(chunk["digest"], 16)
        require((rows, size) == (table["rows"], table["bytes"]), "a table's rows or bytes")
        require(f"{total % 2**128:032x}" == table["digest"], "a table's digest")

    def as_report(self):
        """The names on both sides, and numbers for the judge to count after."""
        tables = [{"source_name": text_of(t["source_name"]), "state": "copied", "equal": True,
                   "target_name": text_of(t["target_name"]), "rows_skipped": 0, "rows_rejected": 0,
                   **dict.fromkeys(("rows_source", "rows_target", "rows_copied"), t["rows"]),
                   "columns": [{"source_name": text_of(c["source_name"]),
                                "target_name": text_of(c["target_name"])} for c in t["columns"]]}
                  for t in self.tables]
        return {"outcome": "verified", "tables": tables, "objects": []}

    def check(self):
        for table in self.tables:
            for _ in self.rows(table):
                pass


class ArchiveAsTarget:
    """What the judge asks of a target."""

    def __init__(self, archive):
        self.archive = archive
        self.tables = {}
        for table in archive.tables:
            columns = [
                TargetColumn(text_of(c["target_name"]), TargetType(type_of(c["type"])[0]),
                             c["type"], c["not_null"], None, False, False, number)
                for number, c in enumerate(table["columns"])]
            name = text_of(table["target_name"])
            self.tables[name] = TargetTable(name, table["number"], columns, [], [])

    def rows(self, table, columns):
        for row in self.archive.rows(self.archive.tables[table.oid]):
            yield tuple(row[column.number] for column in columns)

    @staticmethod
    def ask(sql_type):
        def text_of_it(text):
            raise NoReading(f"there is no server to ask about {sql_type}: {text}")
        return text_of_it

    def close(self):
        pass


def problems_of(directory, sqlite_file=None, **kwargs):
    """What is wrong with the archive, or differs from the file it was made of."""
    try:
        archive = Archive(directory)
        archive.check()
    except (Damaged, KeyError, struct.error) as error:
        return [f"{directory}: {error!r}"]
    if sqlite_file is None:
        return []
    return Comparison(str(sqlite_file), report=archive.as_report(), target=ArchiveAsTarget(archive),
                      check_schema=False, **kwargs).problems


def main():
    problems = problems_of(*sys.argv[1:3])
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
