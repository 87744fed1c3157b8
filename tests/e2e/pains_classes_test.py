"""The forty classes of failure that users of such tools have reported: each has a test that fails
where it comes back."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Every class by its number, with the tests that fail where it comes back; those without a file are
# in pains_test.py. Reports of the ones in other files: n8n#21585 #25133 (20); pgloader#1237 #995 #459 #994,
# seerr#421 (32); synapse#16040, nextcloud#173, perma#2933 (33); pgloader#681 #1255, synapse#15219
# (35); ora2pg#1070, planetscale/cli#1278 (37); pgloader#1636 #1653 #1579 #1685 (39).
CLASSES = {
    1: ["test_unix_milliseconds_in_a_datetime_column",
        "conventions_test.py::test_numbers_that_are_lengths_of_time"],
    2: ["test_text_dates_and_numbers_in_one_column"],
    3: ["test_the_application_keeps_its_int4"],
    4: ["test_integers_beyond_the_applications_int4_are_named",
        "test_an_integer_is_as_wide_as_sqlites"],
    5: ["test_booleans_as_numbers_and_words",
        "test_a_null_boolean_is_not_false_and_a_blank_json_is_not_null"],
    6: ["test_defaults_of_booleans_over_numerics"],
    7: ["test_text_in_a_blob_column"],
    8: ["test_blobs_that_are_no_text"],
    9: ["test_jsonb_of_sqlite"],
    10: ["test_empty_text_in_numbers_and_dates"],
    11: ["test_infinity_and_odd_floats", "test_doubles_do_not_become_floats_of_four_bytes"],
    12: ["test_text_longer_than_declared"],
    13: ["test_nul_in_text"],
    14: ["test_invalid_utf8_is_named_by_its_row"],
    15: ["test_type_names_with_spaces_and_brackets"],
    16: ["test_defaults_that_are_expressions"],
    17: ["test_names_keep_their_case_with_their_keys_and_sequences"],
    18: ["test_only_data_into_tables_that_are_there"],
    19: ["test_seed_rows_of_a_fresh_application"],
    20: ["existing_schemas_test.py::test_go_with_goose"],
    21: ["test_keys_generated_columns_and_arrays_are_there",
         "computed_columns_test.py::test_another_value"],
    22: ["test_columns_in_another_order"],
    23: ["test_circles_of_foreign_keys_that_are_live",
         "deferred_test.py::test_they_come_back_as_they_were"],
    24: ["test_no_system_trigger_is_touched",
         "options_test.py::test_a_role_that_owns_one_schema_is_enough"],
    25: ["test_orphans_are_named_before_the_load"],
    26: ["test_a_primary_key_that_others_refer_to"],
    27: ["test_foreign_keys_to_implicit_columns"],
    28: ["test_every_integer_primary_key_counts_on"],
    29: ["test_every_integer_primary_key_counts_on"],
    30: ["test_an_empty_table_starts_at_its_start"],
    31: ["test_generated_always_takes_the_sources_keys"],
    32: ["options_test.py::test_two_million_rows_by_two_streams_within_the_memory",
         "options_test.py::test_a_value_of_a_hundred_megabytes_within_the_memory"],
    33: ["sync_test.py::test_a_writer_at_full_speed"],
    34: ["test_no_error_is_followed_by_a_hang_or_by_success"],
    35: ["test_a_failed_run_leaves_no_half_table", "test_a_column_added_yesterday_is_copied",
         "existing_test.py::test_a_trigger_that_swallows_rows_is_found_out",
         "generated_test.py::test_a_wal_that_holds_everything"],
    36: ["test_equal_counts_are_not_enough", "test_samples_of_every_column_are_shown"],
    37: ["existing_load_test.py::test_killed_and_restarted", "resume_test.py::test_killed",
         "retry_test.py::test_a_lost_answer_to_commit_is_settled_and_every_row_is_there_once"],
    38: ["test_passwords_by_scram"],
    39: ["../fault/fault_test.py::test_n5_sslmode",
         "options_test.py::test_a_uri_with_escapes_reaches_the_server"],
    40: ["test_messages_of_wrong_options_name_the_right_ones", "test_times_add_up"],
}


class Classes(unittest.TestCase):
    def test_every_class_has_a_test_that_exists(self):
        self.assertEqual(list(CLASSES), list(range(1, 41)))
        for number, tests in CLASSES.items():
            self.assertTrue(tests, number)
            for name in tests:
                file, test = name.split("::") if "::" in name else ("pains_test.py", name)
                text = (ROOT / "tests/e2e" / file).read_text(encoding="utf-8")
                self.assertIn(f"def {test}(", text)

    def test_every_test_of_pains_is_of_a_class(self):
        """Or of one that a rule of ours forbids though nobody has reported it yet."""
        others = {"test_json_is_not_sent_through_doubles",
                  "test_text_without_a_zone_is_not_in_the_sessions_zone"}
        text = (ROOT / "tests/e2e/pains_test.py").read_text(encoding="utf-8")
        here = set(re.findall(r"    def (test_\w+)\(", text))
        named = {name for tests in CLASSES.values() for name in tests}
        self.assertEqual(here - named - others, set())


if __name__ == "__main__":
    unittest.main()
