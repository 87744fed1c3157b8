"""export --compress: the same rows in fewer bytes, read by us and by others; and frames that mean
harm are refused before anything is loaded."""

import copy
import hashlib
import json
import os
import shutil
import subprocess
import unittest

import xxhash

from archive_support import BIG, SCRIPT, ArchiveTest
from harness import ROOT, compare

import archive_reader  # noqa: E402  (harness says where it is)

# RFC 8878: a skippable frame, and what a frame begins with.
SKIPPABLE = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"
MAGIC = b"\x28\xb5\x2f\xfd"
# What each file of binary COPY has beside its rows: a header and an end.
FRAME_BYTES = 19 + 2


class Compressed(ArchiveTest):
    def judge(self, path, run=None, target=None):
        result = compare.Comparison(str(path), target or self.target, run and run.report)
        self.assertEqual(result.problems, [])

    def test_it_is_the_same_archive_in_fewer_bytes(self):
        path = self.make_source(SCRIPT + BIG)
        self.exported(path, "--compress")
        plain = self.dir / "plain"
        self.exported(path, to=plain)
        small, large = self.manifest(), self.manifest(plain)
        self.assertEqual((small["format_version"], small["compression"]), (2, "zstd"))
        self.assertEqual(large["format_version"], 1)
        self.assertNotIn("compression", large)
        for ours, theirs in zip(small["tables"], large["tables"]):
            self.assertEqual((ours["rows"], ours["digest"]), (theirs["rows"], theirs["digest"]))
            # How many files there are depends on when a reader asked for work.
            self.assertEqual(
                sum(c["raw_bytes"] for c in ours["chunks"]) - FRAME_BYTES * len(ours["chunks"]),
                theirs["bytes"] - FRAME_BYTES * len(theirs["chunks"]))
            self.assertEqual(sum(c["file_bytes"] for c in ours["chunks"]), ours["bytes"])
        big = [next(t for t in m["tables"] if t["source_name"] == "big") for m in (small, large)]
        self.assertLess(big[0]["bytes"], big[1]["bytes"] / 3)
        self.judge(path, self.imported())

    def test_many_files_and_streams(self):
        path = self.make_source("CREATE TABLE wide (id INTEGER PRIMARY KEY, x BLOB);"
                                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                                " WHERE i < 3000) INSERT INTO wide"
                                " SELECT i, zeroblob(50000) FROM n;")
        self.exported(path, "--compress", "--streams", "3")
        self.assertGreater(len(self.manifest()["tables"][0]["chunks"]), 2)
        self.judge(path, self.imported("--streams", "3"))

    def test_psql_and_zstd_alone_load_it(self):
        path = self.make_source(SCRIPT + BIG)
        for number, options in enumerate([("--compress",), ()]):
            with self.subTest(options):
                self.archive, target = self.dir / f"archive{number}", self.make_target()
                self.exported(path, *options)
                loaded = subprocess.run([ROOT / "tests/support/load_archive", self.archive, target],
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        check=False)
                self.assertEqual(loaded.returncode, 0, loaded.stdout.decode())
                self.judge(path, target=target)
                imported = self.make_target()
                self.imported(target=imported)
                self.assertEqual(self.definitions(imported), self.definitions(target))

    def test_a_reader_written_from_the_document(self):
        path = self.make_source(SCRIPT + BIG)
        self.exported(path, "--compress")
        self.assertEqual(archive_reader.problems_of(self.archive, path), [])

    def test_resume_keeps_the_kind_of_files(self):
        path = self.make_source(SCRIPT)
        self.exported(path, "--compress")
        self.assert_fails(self.export(path, "--resume"), 11)
        chunk = self.archive / self.manifest()["tables"][0]["chunks"][0]["file"]
        chunk.write_bytes(chunk.read_bytes()[:-1])
        self.exported(path, "--resume", "--compress")
        self.judge(path, self.imported())


class HostileFrames(ArchiveTest):
    """The manifest agrees with every file, and the files are not what an export writes."""

    def setUp(self):
        super().setUp()
        self.path = self.make_source(SCRIPT)
        self.exported(self.path, "--compress")
        self.original = self.dir / "original"
        shutil.copytree(self.archive, self.original)
        self.chunk = self.manifest()["tables"][0]["chunks"][0]
        self.data = (self.archive / self.chunk["file"]).read_bytes()
        self.raw = self.zstd("-dc", data=self.data)

    def zstd(self, *options, data):
        return subprocess.run(["zstd", "-q", *options], input=data, stdout=subprocess.PIPE,
                              check=True).stdout

    def put(self, data, **claims):
        manifest = self.manifest(self.original)
        table = manifest["tables"][0]
        chunk = table["chunks"][0]
        table["bytes"] += len(data) - chunk["file_bytes"]
        chunk.update(file_bytes=len(data), sha256=hashlib.sha256(data).hexdigest(),
                     xxh3_128=xxhash.xxh3_128_hexdigest(data), **claims)
        (self.archive / chunk["file"]).write_bytes(data)
        self.write_manifest(manifest)

    def assert_refused(self, name="t000000/c000000.copy.zst"):
        for run in (self.import_(), self.verify(self.archive)):
            self.assertEqual(run.exit_code, 13, str(run))
            self.assertIn(name, run.report["errors"][0]["what"], str(run))
        self.assert_nothing_loaded()

    def test_another_way_of_compressing_is_no_difference(self):
        self.put(self.zstd("-19", "-c", "--no-check", data=self.raw))
        self.imported()

    def test_frames_that_are_not_what_they_should_be(self):
        large = b"\0" * (64 << 20)
        long = self.zstd("-3", "--long=27", "-c", data=os.urandom(1 << 20) + self.raw)
        for name, data in {
                "no frame": self.raw,
                "nothing": b"",
                "magic alone": MAGIC,
                "cut": self.data[:-1],
                "cut in the middle": self.data[:len(self.data) // 2],
                "a byte after it": self.data + b"\0",
                "two frames": self.data + self.data,
                "rows in two frames": self.zstd("-c", data=self.raw[:100])
                                      + self.zstd("-c", data=self.raw[100:]),
                "a skippable frame before": SKIPPABLE + self.data,
                "a skippable frame after": self.data + SKIPPABLE,
                "a skippable frame alone": SKIPPABLE,
                "an empty frame": self.zstd("-c", data=b""),
                "a changed byte": self.data[:20] + bytes([self.data[20] ^ 1]) + self.data[21:],
                "a wrong checksum": self.data[:-1] + bytes([self.data[-1] ^ 1]),
                # Magic, descriptor without anything, window descriptor of 2^41 bytes, last block.
                "a window of two terabytes": MAGIC + b"\x00\xf8" + b"\x01\x00\x00",
                # Single segment: the window is the content's size, here 2^60.
                "a content of 2^60 bytes": MAGIC + b"\xe0" + (1 << 60).to_bytes(8, "little")
                                           + b"\x01\x00\x00",
                "a window of 128 MiB": long,
                "a dictionary": MAGIC + b"\x01\x58\x07" + b"\x01\x00\x00",
                "a bomb": self.zstd("-19", "-c", data=self.raw[:-2] + large),
                "an old format": b"\x27\xb5\x2f\xfd" + self.data[4:],
        }.items():
            with self.subTest(name):
                self.put(data)
                self.assert_refused()

    def test_more_comes_out_than_is_said(self):
        large = self.raw[:-2] + b"\0" * (256 << 20)
        bomb = self.zstd("-19", "-c", data=large)
        self.assertLess(len(bomb), 100_000)
        self.put(bomb)
        self.assert_refused()
        # Nor does a manifest that admits it let it pass.
        self.put(bomb, raw_bytes=len(large), raw_xxh3_128=xxhash.xxh3_128_hexdigest(large))
        self.assert_refused()

    def test_claims_about_what_is_in_it(self):
        for claims in ({"raw_bytes": len(self.raw) - 1}, {"raw_bytes": len(self.raw) + 1},
                       {"raw_bytes": 1 << 62}, {"raw_bytes": 1 << 63}, {"raw_bytes": -1},
                       {"raw_bytes": 0}, {"raw_bytes": "1"}, {"raw_bytes": None},
                       {"raw_xxh3_128": "0" * 32}, {"raw_xxh3_128": "x"}, {"raw_xxh3_128": None}):
            with self.subTest(claims):
                self.put(self.data, **claims)
                self.assert_refused(name="")

    def test_files_of_the_other_kind(self):
        def edit(manifest, name, path):
            shutil.rmtree(self.archive)
            shutil.copytree(self.original, self.archive)
            old = self.archive / self.chunk["file"]
            old.rename(self.archive / path)
            manifest["tables"][0]["chunks"][0]["file"] = path
            with self.subTest(name):
                self.write_manifest(copy.deepcopy(manifest))
                self.assert_refused(name="")

        manifest = self.manifest(self.original)
        edit(manifest, "plain by its name", "t000000/c000000.copy")
        for key in ("raw_bytes", "raw_xxh3_128"):
            del manifest["tables"][0]["chunks"][0][key]
        edit(manifest, "plain", "t000000/c000000.copy")
        for version, compression in ((1, None), (1, "zstd"), (2, None), (2, "gzip"), (3, "zstd")):
            manifest = self.manifest(self.original)
            manifest["format_version"] = version
            del manifest["compression"]
            if compression:
                manifest["compression"] = compression
            edit(manifest, f"{version} {compression}", self.chunk["file"])
        self.assertEqual(json.loads((self.original / "manifest.json").read_text())["compression"],
                         "zstd")


if __name__ == "__main__":
    unittest.main()
