// A virtual table module (https://www.sqlite.org/vtab.html) over ExternalRows.
#include "engine/sqlite/external_tables.h"

#include <sqlite3.h>

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"

namespace lite2pg {
namespace {

constexpr char kModuleName[] = "lite2pg_external";

// What the module's tables share; SQLite destroys it with the connection.
struct Module {
  std::vector<ExternalTable> tables;
  absl::Status* error = nullptr;  // where the connection looks for the reason of a failure
};

struct Table : sqlite3_vtab {
  const ExternalTable* external = nullptr;
  absl::Status* error = nullptr;
};

// Plan of a scan, as xBestIndex tells xFilter: which bounds are given, in this order.
constexpr int kHasLow = 1, kLowInclusive = 2, kHasHigh = 4, kHighInclusive = 8, kDescending = 16;

struct Cursor : sqlite3_vtab_cursor {
  std::unique_ptr<ExternalRows> rows;
  int64_t at = 1, first = 1, last = 0;
  bool descending = false;
  int64_t loaded = 0;  // the row that `values` are of; 0: none
  std::span<const SourceValue> values;
  bool outside() const { return at < first || at > last; }
};

Table* TableOf(sqlite3_vtab_cursor* cursor) { return static_cast<Table*>(cursor->pVtab); }

int Connect(sqlite3* db, void* aux, int count, const char* const* arguments, sqlite3_vtab** out,
            char**) {
  const auto* const module = static_cast<const Module*>(aux);
  int index = 0;
  if (count != 4 || !absl::SimpleAtoi(arguments[3], &index) || index < 0 ||
      static_cast<size_t>(index) >= module->tables.size()) {
    return SQLITE_ERROR;
  }
  const ExternalTable& external = module->tables[static_cast<size_t>(index)];
  std::string declaration = "CREATE TABLE x(";
  // Without a declared type nothing is converted.
  for (int i = 0; i < external.columns; ++i) {
    absl::StrAppend(&declaration, i == 0 ? "" : ",",
                    external.declarations.empty()
                        ? ExternalColumnName(i)
                        : external.declarations[static_cast<size_t>(i)]);
  }
  absl::StrAppend(&declaration, ")");
  const int rc = sqlite3_declare_vtab(db, declaration.c_str());
  if (rc != SQLITE_OK) return rc;
  auto* const table = new Table();
  table->external = &external;
  table->error = module->error;
  *out = table;
  return SQLITE_OK;
}

int Disconnect(sqlite3_vtab* table) {
  delete static_cast<Table*>(table);
  return SQLITE_OK;
}

int BestIndex(sqlite3_vtab* table, sqlite3_index_info* info) {
  int low = -1, high = -1, plan = 0;
  for (int i = 0; i < info->nConstraint; ++i) {
    const auto& constraint = info->aConstraint[i];
    if (constraint.usable == 0 || constraint.iColumn >= 0) continue;
    switch (constraint.op) {
      case SQLITE_INDEX_CONSTRAINT_GE:
      case SQLITE_INDEX_CONSTRAINT_GT:
        if (low >= 0) break;
        low = i;
        plan |= kHasLow | (constraint.op == SQLITE_INDEX_CONSTRAINT_GE ? kLowInclusive : 0);
        break;
      case SQLITE_INDEX_CONSTRAINT_LE:
      case SQLITE_INDEX_CONSTRAINT_LT:
        if (high >= 0) break;
        high = i;
        plan |= kHasHigh | (constraint.op == SQLITE_INDEX_CONSTRAINT_LE ? kHighInclusive : 0);
        break;
      default:
        break;
    }
  }
  // SQLite checks every condition once more: bounds that are no integers are its business.
  int argument = 0;
  if (low >= 0) info->aConstraintUsage[low].argvIndex = ++argument;
  if (high >= 0) info->aConstraintUsage[high].argvIndex = ++argument;
  if (info->nOrderBy == 1 && info->aOrderBy[0].iColumn < 0) {
    info->orderByConsumed = 1;
    if (info->aOrderBy[0].desc != 0) plan |= kDescending;
  }
  info->idxNum = plan;
  const auto rows = static_cast<double>(static_cast<Table*>(table)->external->rows);
  info->estimatedCost = argument == 0 ? rows + 1 : rows / 4 + 1;
  return SQLITE_OK;
}

int Open(sqlite3_vtab* table, sqlite3_vtab_cursor** out) {
  auto* const cursor = new Cursor();
  cursor->rows = static_cast<Table*>(table)->external->open();
  *out = cursor;
  return SQLITE_OK;
}

int Close(sqlite3_vtab_cursor* cursor) {
  delete static_cast<Cursor*>(cursor);
  return SQLITE_OK;
}

int Filter(sqlite3_vtab_cursor* base, int plan, const char*, int, sqlite3_value** arguments) {
  auto* const cursor = static_cast<Cursor*>(base);
  cursor->first = 1;
  cursor->last = TableOf(base)->external->rows;
  int argument = 0;
  if ((plan & kHasLow) != 0) {
    sqlite3_value* const low = arguments[argument++];
    if (sqlite3_value_type(low) == SQLITE_INTEGER) {
      const int64_t bound = sqlite3_value_int64(low);
      const bool exclusive = (plan & kLowInclusive) == 0 && bound < INT64_MAX;
      cursor->first = std::max(cursor->first, exclusive ? bound + 1 : bound);
    }
  }
  if ((plan & kHasHigh) != 0) {
    sqlite3_value* const high = arguments[argument];
    if (sqlite3_value_type(high) == SQLITE_INTEGER) {
      const int64_t bound = sqlite3_value_int64(high);
      const bool exclusive = (plan & kHighInclusive) == 0 && bound > INT64_MIN;
      cursor->last = std::min(cursor->last, exclusive ? bound - 1 : bound);
    }
  }
  cursor->descending = (plan & kDescending) != 0;
  cursor->at = cursor->descending ? cursor->last : cursor->first;
  cursor->loaded = 0;
  return SQLITE_OK;
}

int Next(sqlite3_vtab_cursor* base) {
  auto* const cursor = static_cast<Cursor*>(base);
  cursor->at += cursor->descending ? -1 : 1;
  return SQLITE_OK;
}

int Eof(sqlite3_vtab_cursor* base) { return static_cast<Cursor*>(base)->outside() ? 1 : 0; }

int Rowid(sqlite3_vtab_cursor* base, sqlite3_int64* out) {
  *out = static_cast<Cursor*>(base)->at;
  return SQLITE_OK;
}

// A row is fetched when the first of its values is asked for: looking up rowids reads nothing.
int Column(sqlite3_vtab_cursor* base, sqlite3_context* context, int index) {
  auto* const cursor = static_cast<Cursor*>(base);
  if (cursor->loaded != cursor->at) {
    const absl::StatusOr<std::span<const SourceValue>> row = cursor->rows->Row(cursor->at);
    if (!row.ok()) {
      *TableOf(base)->error = row.status();
      return SQLITE_IOERR;
    }
    cursor->values = *row;
    cursor->loaded = cursor->at;
  }
  if (static_cast<size_t>(index) >= cursor->values.size()) {
    sqlite3_result_null(context);
    return SQLITE_OK;
  }
  const SourceValue& value = cursor->values[static_cast<size_t>(index)];
  // The bytes stay where they are until the next row, as a static destructor promises.
  const char* const data = value.data == nullptr ? "" : value.data;
  switch (value.storage_class) {
    case StorageClass::kNull:
      sqlite3_result_null(context);
      break;
    case StorageClass::kInteger:
      sqlite3_result_int64(context, value.integer);
      break;
    case StorageClass::kReal:
      sqlite3_result_double(context, value.real);
      break;
    case StorageClass::kText:
      sqlite3_result_text64(context, data, value.size_bytes, SQLITE_STATIC, SQLITE_UTF8);
      break;
    case StorageClass::kBlob:
      sqlite3_result_blob64(context, data, value.size_bytes, SQLITE_STATIC);
      break;
  }
  return SQLITE_OK;
}

sqlite3_module MakeModule() {
  sqlite3_module module{};
  module.xCreate = Connect;
  module.xConnect = Connect;
  module.xBestIndex = BestIndex;
  module.xDisconnect = Disconnect;
  module.xDestroy = Disconnect;
  module.xOpen = Open;
  module.xClose = Close;
  module.xFilter = Filter;
  module.xNext = Next;
  module.xEof = Eof;
  module.xColumn = Column;
  module.xRowid = Rowid;
  return module;
}

const sqlite3_module kModule = MakeModule();

}  // namespace

std::string ExternalColumnName(int index) { return absl::StrCat("c", index); }

absl::StatusOr<SqliteConnection> OpenExternalTables(std::vector<ExternalTable> tables,
                                                    const std::string& path) {
  std::string schema = "BEGIN;";
  for (size_t i = 0; i < tables.size(); ++i) {
    absl::StrAppend(&schema, "CREATE VIRTUAL TABLE main.", QuoteSqliteIdentifier(tables[i].name),
                    " USING ", kModuleName, "(", i, ");");
  }
  absl::StrAppend(&schema, "COMMIT;");
  return SqliteConnection::OpenInMemory(path, [&](sqlite3* db, absl::Status* error) {
    auto* const module = new Module{std::move(tables), error};
    const int rc = sqlite3_create_module_v2(db, kModuleName, &kModule, module, [](void* argument) {
      delete static_cast<Module*>(argument);
    });
    if (rc != SQLITE_OK) return rc;
    return sqlite3_exec(db, schema.c_str(), nullptr, nullptr, nullptr);
  });
}

}  // namespace lite2pg
