"""An archive that is not exactly as it was written is refused before anything is loaded; so is one
that is well-formed and means harm. The changes are drawn from a seed, which is printed."""

import copy
import hashlib
import os
import random
import shutil
import unittest

from archive_support import SCRIPT, ArchiveTest
from harness import SEED

# Each is a run of the program, about 20 ms.
CHANGES = int(os.environ.get("LITE2PG_TAMPER_CHANGES", "250"))
EDITS = int(os.environ.get("LITE2PG_TAMPER_EDITS", "40"))


class Tampering(ArchiveTest):
    def setUp(self):
        super().setUp()
        self.exported(self.make_source(SCRIPT))
        self.original = self.dir / "original"
        shutil.copytree(self.archive, self.original)

    def restore(self):
        shutil.rmtree(self.archive)
        shutil.copytree(self.original, self.archive)

    def assert_refused(self, code=None, name=None):
        """By import and by verify, in the same words."""
        run, checked = self.import_(), self.verify(self.archive)
        for one in (run, checked):
            self.assertEqual(one.exit_code, 13, str(one))
            codes = [c for c, _ in one.errors()]
            self.assertTrue(codes and codes[0].startswith("L2P7"), str(one))
            if code is not None:
                self.assertEqual(codes[0], code, str(one))
            if name is not None:
                self.assertIn(name, one.report["errors"][0]["what"], str(one))
        return run


class RandomChanges(Tampering):
    def flip(self, rng, path, data):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)

    def cut(self, rng, path, data):
        path.write_bytes(data[:rng.randrange(len(data))])

    def extend(self, rng, path, data):
        path.write_bytes(data + rng.randbytes(rng.randint(1, 9)))

    def insert(self, rng, path, data):
        at = rng.randrange(len(data) + 1)
        path.write_bytes(data[:at] + rng.randbytes(1) + data[at:])

    def erase(self, rng, path, data):
        at = rng.randrange(len(data))
        path.write_bytes(data[:at] + data[at + rng.randint(1, 40):])

    def overwrite(self, rng, path, data):
        at = rng.randrange(len(data))
        length = min(rng.randint(1, 40), len(data) - at)
        new = rng.randbytes(length)
        if new == data[at:at + length]:
            new = bytes(b ^ 1 for b in new)
        path.write_bytes(data[:at] + new + data[at + length:])

    def remove(self, rng, path, data):
        path.unlink()

    def rename(self, rng, path, data):
        path.rename(path.with_name(rng.choice(["c999999.copy", "x", "manifest.jsom"])))

    def duplicate(self, rng, path, data):
        path.with_name(rng.choice(["c000999.copy", "again.sql", ".hidden"])).write_bytes(data)

    def swap(self, rng, path, data):
        other = rng.choice([p for p in self.files() if p.read_bytes() != data])
        content = other.read_bytes()
        other.write_bytes(data)
        path.write_bytes(content)

    def link(self, rng, path, data):
        elsewhere = self.dir / "elsewhere"
        elsewhere.write_bytes(data)
        path.unlink()
        path.symlink_to(elsewhere)

    def test_every_change_is_refused(self):
        # Half of them are made to compressed archives.
        if SEED % 2 == 0:
            self.exported(self.dir / "source.db", "--restart", "--compress")
            shutil.rmtree(self.original)
            shutil.copytree(self.archive, self.original)
        print(f"seed {SEED}, {CHANGES} changes; LITE2PG_SEED and LITE2PG_TAMPER_CHANGES choose"
              " others")
        rng = random.Random(f"{SEED} tamper")
        kinds = [self.flip, self.flip, self.flip, self.cut, self.extend, self.insert, self.erase,
                 self.overwrite, self.remove, self.rename, self.duplicate, self.swap, self.link]
        for number in range(CHANGES):
            kind = rng.choice(kinds)
            path = rng.choice(self.files())
            with self.subTest(number=number, kind=kind.__name__, file=path.name):
                kind(rng, path, bytearray(path.read_bytes()))
                self.assert_refused()
            self.restore()
        self.assert_nothing_loaded()
        self.imported()  # and as it was, it is taken


class CraftedArchives(Tampering):
    """Well-formed, with every checksum right."""

    def rewrite(self, change):
        manifest = copy.deepcopy(self.manifest(self.original))
        change(manifest)
        self.write_manifest(manifest)

    def assert_all_refused(self, changes):
        for name, change in changes.items():
            with self.subTest(name):
                self.rewrite(change)
                self.assert_refused()
        self.assert_nothing_loaded()

    def test_names_that_lead_elsewhere(self):
        def file(name):
            def change(manifest):
                manifest["tables"][0]["chunks"][0]["file"] = name
            return change
        names = ["../x.copy", "t000000/../../x.copy", "/etc/passwd", "t000000//c000000.copy",
                 "t000000/./c000000.copy", "T000000/c000000.copy", "t000000\\c000000.copy",
                 "t000000/c000000.copy\n", "t000000/c000000.copy\0", "", ".", "..",
                 "t000000/c" + "0" * 5000 + ".copy", "t000001/c000000.copy", "manifest.json",
                 "t000000/c000000.copy/", "t000000/d/c000000.copy", "~/c000000.copy",
                 "t000000/c\u0660.copy"]
        self.assert_all_refused({name: file(name) for name in names})

    def test_numbers_that_cannot_be(self):
        def number(path, value):
            def change(manifest):
                at = manifest
                for key in path[:-1]:
                    at = at[key]
                at[path[-1]] = value
            return change
        chunk = ["tables", 0, "chunks", 0]
        paths = [chunk + ["rows"], chunk + ["file_bytes"], ["tables", 0, "rows"],
                 ["tables", 0, "bytes"], ["tables", 0, "number"], ["format_version"],
                 ["digest_version"], ["tables", 0, "columns", 0, "source_column"],
                 ["catalog", "tables", 0, "rowid_alias"], ["catalog", "tables", 0, "kind"],
                 ["catalog", "tables", 0, "primary_key", 0]]
        values = [-2, 2**31, 2**63, 2**64, 1.5, "1", None, [], {}, True]
        self.assert_all_refused({f"{p} {v}": number(p, v) for p in paths for v in values})

    def test_structure_that_cannot_be(self):
        def edit(text):
            def change(manifest):
                exec(text, {"m": manifest, "copy": copy})  # noqa: S102 (our own text)
            return change
        changes = [
            "m['tables'].append(copy.deepcopy(m['tables'][0]))",
            "m['tables'][0]['chunks'].append(copy.deepcopy(m['tables'][0]['chunks'][0]))",
            "del m['tables'][0]['chunks'][0]",
            "del m['tables'][0]",
            "del m['catalog']",
            "del m['schema_files'][0]",
            "m['schema_files'][0]['file'] = 'other.sql'",
            "m['surprise'] = 1",
            "m['tables'][0]['surprise'] = 1",
            "m['catalog']['tables'][0]['surprise'] = 1",
            "m['tables'][0]['columns'].pop()",
            "m['tables'][0]['columns'] = []",
            "m['tables'][0]['columns'].reverse()",
            "m['tables'][0]['columns'][0]['type'] = 'int8; DROP TABLE x'",
            "m['tables'][0]['columns'][0]['type'] = 'no_such_type'",
            "m['tables'][0]['columns'][0]['source_name'] = 'other'",
            "m['tables'][0]['source_name'] = 'other'",
            "m['tables'][0]['digest'] = '0' * 32",
            "m['tables'][0]['chunks'][0]['digest'] = '0' * 32",
            "m['tables'][0]['chunks'][0]['sha256'] = '0' * 64",
            "m['tables'][0]['chunks'][0]['xxh3_128'] = '0' * 32",
            "m['format'] = 'another'",
            "m['tables'] = {}",
            "m['catalog']['tables'][0]['columns'] = []",
            "m['catalog']['tables'] = []",
        ]
        self.assert_all_refused({text: edit(text) for text in changes})

    def rewrite_text(self, change):
        """Changes that json cannot express."""
        text = change((self.original / "manifest.json").read_text())
        body = text[:text.rindex(",\n \"manifest_sha256\"")].encode()
        digest = hashlib.sha256(body).hexdigest().encode()
        (self.archive / "manifest.json").write_bytes(
            body + b',\n "manifest_sha256": "' + digest + b'"\n}\n')

    def leaves(self, value, path=()):
        """Paths to every value in the manifest that holds no others."""
        if isinstance(value, (dict, list)) and value:
            for key, item in value.items() if isinstance(value, dict) else enumerate(value):
                yield from self.leaves(item, path + (key,))
        else:
            yield path

    def test_no_edit_of_any_member_does_harm(self):
        """Some edits make another archive, which is what whoever can make checksums may do. None may
        end the program, be taken for a defect of it, or have SQL executed."""
        print(f"seed {SEED}, {EDITS} edits; LITE2PG_TAMPER_EDITS chooses others")
        rng = random.Random(f"{SEED} edits")
        original = self.manifest(self.original)
        del original["manifest_sha256"]
        paths = list(self.leaves(original))
        values = [None, True, 0, -1, 1, 7, 2**31, 2**63 - 1, 2**64, 1.5, "", "x", "\0", "a'b\"c",
                  "); CREATE TABLE public.pwned(); --", "x" * 5000, [], {}, {"hex": "ff"},
                  {"hex": "f"}, [1], "integer", "1" * 32]
        exits = {}
        for number in range(EDITS):
            manifest = copy.deepcopy(self.manifest(self.original))
            path, value = rng.choice(paths), rng.choice(values)
            at = manifest
            for key in path[:-1]:
                at = at[key]
            at[path[-1]] = value
            with self.subTest(number=number, path=path, value=str(value)[:40]):
                self.write_manifest(manifest)
                run = self.verify(self.archive)
                self.assertIn(run.exit_code, (0, 13), str(run))
                exits[run.exit_code] = exits.get(run.exit_code, 0) + 1
                if run.exit_code != 0:
                    continue
                run = self.verify(self.archive, self.dir / "source.db")
                self.assertIn(run.exit_code, (0, 4, 5, 13), str(run))
                self.target = self.make_target()
                run = self.import_()
                self.assertIn(run.exit_code, (0, 8, 12, 13, 14), str(run))
                self.assertEqual(self.sql("SELECT count(*) FROM pg_class WHERE relname = 'pwned'"),
                                 [(0,)])
        self.assertGreater(exits.get(13, 0), EDITS / 3, exits)

    def test_a_key_that_stands_twice(self):
        self.rewrite_text(lambda text: text.replace(
            ' "format":', ' "format": "lite2pg archive",\n "format":', 1))
        self.assert_refused("L2P7001", "twice")

    def test_objects_without_end(self):
        self.rewrite_text(lambda text: text.replace(
            ' "format":', ' "deep": ' + "[" * 100000 + "]" * 100000 + ',\n "format":', 1))
        self.assert_refused("L2P7001")

    def rechecksum(self, path, data):
        """Puts data in a chunk's place, and what it is into the manifest."""
        manifest = self.manifest(self.original)
        for table in manifest["tables"]:
            for chunk in table["chunks"]:
                if chunk["file"] == path:
                    table["bytes"] += len(data) - chunk["file_bytes"]
                    chunk["file_bytes"] = len(data)
                    chunk["sha256"] = hashlib.sha256(data).hexdigest()
        (self.archive / path).write_bytes(data)
        self.write_manifest(manifest)

    def test_files_that_are_no_copy_files(self):
        chunk = self.manifest()["tables"][0]["chunks"][0]["file"]
        data = (self.original / chunk).read_bytes()
        header, body = data[:19], data[19:-2]
        for name, content in {
                "no header": data[1:],
                "flags": data[:11] + b"\0\1\0\0" + data[15:],
                "no trailer": header + body,
                "trailer in the middle": header + b"\xff\xff" + body,
                "after the trailer": data + b"x",
                "field count": header + b"\0\x7f" + body[2:] + b"\xff\xff",
                "negative length": header + body[:2] + b"\xff\xff\xff\xfe" + body[6:] + b"\xff\xff",
                "huge length": header + body[:2] + b"\x7f\xff\xff\xff" + body[6:] + b"\xff\xff",
                "wrong length for the type":
                    header + body[:2] + b"\0\0\0\1" + body[6:] + b"\xff\xff",
        }.items():
            with self.subTest(name):
                self.rechecksum(chunk, content)
                self.assert_refused("L2P7001", chunk)
        self.assert_nothing_loaded()

    def test_links_and_other_things_in_place_of_files(self):
        chunk = self.manifest()["tables"][0]["chunks"][0]["file"]
        for name, make in {
                "symbolic link": lambda p: p.symlink_to(self.original / chunk),
                "pipe": lambda p: os.mkfifo(p, 0o600),
                "directory": lambda p: p.mkdir(mode=0o700),
        }.items():
            with self.subTest(name):
                path = self.archive / chunk
                path.unlink()
                make(path)
                self.assert_refused()
            self.restore()
        with self.subTest("a table's directory is a link"):
            folder = (self.archive / chunk).parent
            shutil.rmtree(folder)
            folder.symlink_to(self.original / folder.name)
            self.assert_refused()
        self.assert_nothing_loaded()

    def test_others_may_not_write_to_it(self):
        chunk = self.manifest()["tables"][0]["chunks"][0]["file"]
        for path in (self.archive, self.archive / "manifest.json", self.archive / chunk,
                     (self.archive / chunk).parent):
            for bit in (0o020, 0o002):
                with self.subTest(path=path.name, bit=oct(bit)):
                    mode = path.stat().st_mode
                    path.chmod(mode | bit)
                    self.assert_refused("L2P7002")
                    path.chmod(mode)
        self.assert_nothing_loaded()

    @unittest.skipUnless(os.geteuid() == 0, "needs to give a file away")
    def test_it_must_not_belong_to_others(self):
        chunk = self.manifest()["tables"][0]["chunks"][0]["file"]
        for path in (self.archive, self.archive / chunk):
            with self.subTest(path=path.name):
                os.chown(path, 65534, 65534)
                self.assert_refused("L2P7002")
                os.chown(path, 0, 0)
        self.assert_nothing_loaded()

    def test_sql_of_the_archive_is_never_executed(self):
        """Neither from the files for people nor from the source's own texts."""
        attack = "CREATE TABLE public.pwned(); "
        manifest = self.manifest(self.original)
        for name in ("pre-data.sql", "post-data.sql"):
            text = attack + (self.original / name).read_text()
            (self.archive / name).write_text(text)
            for entry in manifest["schema_files"]:
                if entry["file"] == name:
                    entry["file_bytes"] = len(text.encode())
                    entry["sha256"] = hashlib.sha256(text.encode()).hexdigest()
        for table in manifest["catalog"]["tables"]:
            table["sql"] = table["sql"].replace("DEFAULT 1.5", "DEFAULT (1); " + attack + "--")
            for column in table["columns"]:
                if column["has_default"]:
                    column["default_sql"] = "1); " + attack + "--"
            for check in table["checks"]:
                check["sql"] = "true); " + attack + "--"
            for index in table["indexes"]:
                index["sql"] = index["sql"] + "; " + attack
        for view in manifest["catalog"]["views"]:
            view["sql"] += "; " + attack
        self.write_manifest(manifest)
        run = self.import_()
        self.assertEqual(run.exit_code, 13, str(run))  # XXH3 of the schema files is still the old
        for entry in manifest["schema_files"]:
            shutil.copy(self.original / entry["file"], self.archive / entry["file"])
        manifest["schema_files"] = self.manifest(self.original)["schema_files"]
        manifest["manifest_sha256"] = ""
        self.write_manifest(manifest)
        run = self.import_()
        self.assertIn(run.exit_code, (0, 12, 13), str(run))
        self.assertEqual(self.sql("SELECT count(*) FROM pg_class WHERE relname = 'pwned'"), [(0,)])


if __name__ == "__main__":
    unittest.main()
