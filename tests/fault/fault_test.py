"""A sample of every row of faults, the same each time; tools/torture tries more, for as long as one
likes. LITE2PG_SEED chooses another sample, LITE2PG_FAULT_TRIALS multiplies it."""

import os
import unittest

import torture
from lab import Lab

SEED = int(os.environ.get("LITE2PG_SEED", "1"))
TIMES = int(os.environ.get("LITE2PG_FAULT_TRIALS", "1"))

class Faults(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab(seed=6)
        cls.addClassCleanup(cls.lab.close)

    def sample(self, row, trials, first=0):
        """`first` moves the seeds to where a row's sample has its quick kinds."""
        tally = torture.Tally()
        for seed in range(SEED + first, SEED + first + trials * TIMES):
            failure = torture.run_trial(self.lab, row, seed, tally, print)
            self.assertIsNone(failure, f"{row} seed {seed}: {failure}")
        if tally.skipped and not tally.trials:
            self.skipTest(tally.why_skipped)

    def test_k1_killed_at_random_then_resumed(self):
        self.sample("K1", 2)

    def test_k2_every_failpoint_in_every_way(self):
        self.sample("K2", 4)

    def test_k3_killed_again_while_it_resumes(self):
        self.sample("K3", 1)

    def test_k4_interrupted_it_ends_soon_and_says_how_to_go_on(self):
        self.sample("K4", 2)

    def test_p1_sessions_ended_by_the_server(self):
        self.sample("P1", 1)

    def test_p2_server_stopped_hard(self):
        self.sample("P2", 1)

    def test_p3_server_stopped_hard_without_synchronous_commit(self):
        self.sample("P3", 1)

    def test_n1_connections_reset(self):
        self.sample("N1", 1)

    def test_n2_cut_at_copy_done_and_commit(self):
        self.sample("N2", 2)

    def test_n3_networks_that_are_slow_or_gone(self):
        self.sample("N3", 1, first=4)

    def test_n4_through_pgbouncer(self):
        self.sample("N4", 2)

    def test_n5_sslmode(self):
        self.sample("N5", 1)

    def test_d1_tablespace_full_then_grown(self):
        self.sample("D1", 1, first=1)

    def test_d2_disk_of_its_own_files_full(self):
        self.sample("D2", 1)

    def test_d3_connections_locks_and_read_only_servers(self):
        self.sample("D3", 1, first=3)

    def test_s1_writer_in_wal_mode(self):
        self.sample("S1", 1)

    def test_s2_writer_with_a_rollback_journal(self):
        self.sample("S2", 1)

    def test_s3_source_locked(self):
        self.sample("S3", 1)

    def test_s4_source_changed_under_the_reader(self):
        self.sample("S4", 3)

    def test_s5_source_left_half_written(self):
        self.sample("S5", 2)

    def test_w1_streams_and_chunks_do_not_matter(self):
        self.sample("W1", 1)

    def test_v1_verify_sees_every_change(self):
        self.sample("V1", 2)

    def test_v2_one_bit_between_encoder_and_copy(self):
        self.sample("V2", 3)

    def test_r1_revert_killed_and_a_fixpoint(self):
        self.sample("R1", 1)

    def test_a1_archives_killed_and_resumed(self):
        self.sample("A1", 1)

    def test_y1_sync_killed_is_all_or_nothing(self):
        self.sample("Y1", 1)

    def test_x1_passwords_are_nowhere(self):
        self.sample("X1", 2)

    def test_every_row_has_a_sample(self):
        sampled = {name.split("_")[1].upper() for name in dir(self) if name.startswith("test_")}
        # L1 is made of others.
        self.assertEqual(set(torture.ROWS) - sampled, {"L1"})


if __name__ == "__main__":
    unittest.main()
