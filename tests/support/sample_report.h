// A report with something in every field, names and values as hostile as a source can hold.
#ifndef LITE2PG_TESTS_SUPPORT_SAMPLE_REPORT_H_
#define LITE2PG_TESTS_SUPPORT_SAMPLE_REPORT_H_

#include <string>

#include "engine/report/report.h"

namespace lite2pg {

// Turns the cursor red and the line around, ends tags and lines, and is not UTF-8 at its end.
inline const std::string kHostileName = "a<b>\"'&\n\x1b[31m\xe2\x80\xae\xff";

inline Report SampleReport() {
  Report report;
  report.command = "copy";
  report.run_id = "0123456789abcdef0123456789abcdef";
  report.outcome = "rejected";
  report.exit_code = ExitCode::kRejected;
  report.source.path = "/data/shop.db";
  report.source.bytes = 1 << 20;
  report.source.page_size = 4096;
  report.source.encoding = "UTF-8";
  report.source.fingerprint = "4096:256:7";
  report.source.snapshot = "WAL, one attempt";
  report.target.server_version = "15.20";
  report.target.dialect = "PostgreSQL";
  report.target.database = "shop";
  report.target.schema = "public";
  report.target.conninfo_shown = "postgresql://app@db:5432/shop";
  TableReport orders;
  orders.source_name = "orders";
  orders.target_name = "Orders";
  orders.rows_source = 1'000'000;
  orders.rows_copied = 999'998;
  orders.rows_rejected = 2;
  orders.rows_target = 999'998;
  orders.digest_source = orders.digest_target = std::string(32, 'a');
  orders.compared = orders.equal = true;
  orders.bytes = 123'456'789;
  orders.seconds = 3.25;
  orders.streams = 4;
  ColumnReport price;
  price.source_name = price.target_name = "price";
  price.declared_type = "DECIMAL(10,2)";
  price.target_type = "numeric(10,2)";
  price.storage_classes = {1, 2, 3, 4, 0};
  price.coercions.push_back({"real", "numeric", 3, "19.99"});
  price.reason = "every value has at most two digits behind the point";
  orders.columns.push_back(price);
  report.tables.push_back(orders);
  TableReport hostile;
  hostile.source_name = hostile.target_name = kHostileName;
  hostile.rows_source = hostile.rows_copied = hostile.rows_target = 3;
  hostile.compared = true;
  hostile.differences.push_back({"id=2", kHostileName, kHostileName, "NULL", "value"});
  report.tables.push_back(hostile);
  TableReport fts;
  fts.source_name = "docs_fts";
  fts.state = "not_a_table";
  report.tables.push_back(fts);
  report.sequences.push_back({"orders_id_seq", "orders", "id", 41, 42, false});
  report.sequences.push_back({"full_id_seq", "full", "id", INT64_MAX, 0, true});
  report.objects.push_back({"index", "orders_by_day", "orders", "created", "CREATE INDEX", ""});
  report.objects.push_back({"trigger", kHostileName, "orders", "not_carried", "CREATE TRIGGER",
                            "triggers are not translated"});
  report.findings.push_back(
      {Severity::kInfo, ErrorCode::kObjectTranslated, "orders", "a note", ""});
  report.findings.push_back({Severity::kBlocking, ErrorCode::kTargetTableNotEmpty, "orders",
                             "the table has 5 rows", "--existing-rows replace"});
  report.findings.push_back({Severity::kWarning, ErrorCode::kConstraintViolated, "orders.customer",
                             "2 rows refer to nothing: id=7, id=9", "mend them, then validate"});
  report.stages.push_back({Stage::kInspect, 0.1});
  report.stages.push_back({Stage::kData, 3.3});
  ErrorInfo error;
  error.code = ErrorCode::kBadValue;
  error.exit_code = ExitCode::kBadValue;
  error.what = "value does not fit the column's type";
  error.table = "products";
  error.row_key = "id=2 (rowid 2)";
  error.column = "qty";
  error.value = "TEXT 10 bytes \"" + kHostileName + "\"";
  error.effect = "chunk 17 rolled back";
  error.hint = "--on-bad-value reject";
  error.sqlstate = "22P02";
  error.sqlite_code = 11;
  report.errors.push_back(error);
  RunReport run;
  run.run_id = report.run_id;
  run.command = "copy";
  run.state = "interrupted";
  run.stage = "data";
  run.source_path = "/data/shop.db";
  run.started_at = "2024-05-01 10:00:00+00";
  run.rows = 500;
  run.resumable = true;
  run.next_step = "lite2pg copy --resume /data/shop.db";
  report.runs.push_back(run);
  report.resources = {4.5, 2.25, 50 << 20, 4};
  report.undo_sql.push_back("DROP TABLE public.\"Orders\"");
  report.next_steps.push_back("lite2pg verify shop.db");
  return report;
}

}  // namespace lite2pg

#endif  // LITE2PG_TESTS_SUPPORT_SAMPLE_REPORT_H_
