#include "engine/postgres/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lite2pg {
namespace {

using ::testing::HasSubstr;

struct Row {
  const char* sqlstate;
  ErrorCode code;
  int exit_code;
};

TEST(ClassifySqlstate, InASession) {
  const Row rows[] = {
      {"08006", ErrorCode::kTargetConnectionLost, 10},
      {"08P01", ErrorCode::kTargetStatement, 8},
      {"08001", ErrorCode::kTargetUnreachable, 7},
      {"57P01", ErrorCode::kTargetConnectionLost, 10},
      {"57P02", ErrorCode::kTargetConnectionLost, 10},
      {"57P03", ErrorCode::kTargetConnectionLost, 10},
      {"57P05", ErrorCode::kTargetConnectionLost, 10},
      {"57014", ErrorCode::kInterrupted, 10},
      {"25P03", ErrorCode::kTargetConnectionLost, 10},
      {"25006", ErrorCode::kTargetPrivilege, 8},
      {"25P02", ErrorCode::kTargetStatement, 8},
      {"28P01", ErrorCode::kTargetLogin, 7},
      {"42501", ErrorCode::kTargetPrivilege, 8},
      {"42P07", ErrorCode::kTargetTableExists, 8},
      {"23505", ErrorCode::kTargetConstraint, 8},
      {"23514", ErrorCode::kTargetConstraint, 8},
      {"53100", ErrorCode::kTargetOutOfResource, 9},
      {"53200", ErrorCode::kTargetOutOfResource, 9},
      {"53300", ErrorCode::kTargetOutOfResource, 9},
      {"53400", ErrorCode::kTargetOutOfResource, 9},
      {"58030", ErrorCode::kTargetOutOfResource, 9},
      {"55P03", ErrorCode::kTargetLocked, 8},
      {"40P01", ErrorCode::kTargetLocked, 8},
      {"22021", ErrorCode::kTargetStatement, 8},
      {"54000", ErrorCode::kTargetStatement, 8},
      {"XX000", ErrorCode::kTargetStatement, 8},
      {"", ErrorCode::kTargetStatement, 8},
  };
  for (const Row& row : rows) {
    const SqlstateMeaning meaning = ClassifySqlstate(row.sqlstate, ServerPhase::kSession);
    EXPECT_EQ(meaning.code, row.code) << row.sqlstate;
    EXPECT_EQ(static_cast<int>(meaning.exit_code), row.exit_code) << row.sqlstate;
  }
}

TEST(ClassifySqlstate, WhileConnecting) {
  const Row rows[] = {
      {"28P01", ErrorCode::kTargetLogin, 7},         {"28000", ErrorCode::kTargetLogin, 7},
      {"3D000", ErrorCode::kTargetLogin, 7},         {"42501", ErrorCode::kTargetLogin, 7},
      {"57P03", ErrorCode::kTargetUnreachable, 7},   {"57P01", ErrorCode::kTargetUnreachable, 7},
      {"53300", ErrorCode::kTargetOutOfResource, 9}, {"08006", ErrorCode::kTargetUnreachable, 7},
      {"XX000", ErrorCode::kTargetUnreachable, 7},   {"", ErrorCode::kTargetUnreachable, 7}};
  for (const Row& row : rows) {
    const SqlstateMeaning meaning = ClassifySqlstate(row.sqlstate, ServerPhase::kConnecting);
    EXPECT_EQ(meaning.code, row.code) << row.sqlstate;
    EXPECT_EQ(static_cast<int>(meaning.exit_code), row.exit_code) << row.sqlstate;
  }
}

TEST(SqlstateInMessage, LastOneOfSeveralAttempts) {
  EXPECT_EQ(SqlstateInMessage("connection to server at \"h\" failed: FATAL:  28000: no entry\n"
                              "connection to server at \"h\" failed: FATAL:  28P01: password\n"),
            "28P01");
  EXPECT_EQ(SqlstateInMessage("SCHWERWIEGEND:  3D000: Datenbank"), "3D000");
}

TEST(SqlstateInMessage, NothingThatOnlyLooksAlike) {
  EXPECT_EQ(SqlstateInMessage(""), "");
  EXPECT_EQ(SqlstateInMessage("FATAL:  28p01: lower case"), "");
  EXPECT_EQ(SqlstateInMessage("FATAL: 28P01: one space"), "");
  EXPECT_EQ(SqlstateInMessage("could not connect: Connection refused"), "");
  EXPECT_EQ(SqlstateInMessage("FATAL:  28P0"), "");
}

TEST(CommitInDoubtError, KeepsTheServersWords) {
  ErrorInfo lost;
  lost.code = ErrorCode::kTargetConnectionLost;
  lost.server = "server closed the connection unexpectedly";
  const ErrorInfo info = InfoOf(CommitInDoubtError(MakeError(lost)));
  EXPECT_EQ(info.code, ErrorCode::kCommitInDoubt);
  EXPECT_EQ(info.exit_code, ExitCode::kInterrupted);
  EXPECT_EQ(info.server, lost.server);
}

TEST(ServerError, WithoutAConnectionIsLost) {
  const ErrorInfo info = InfoOf(ServerError(nullptr, nullptr, "COMMIT"));
  EXPECT_EQ(info.code, ErrorCode::kTargetConnectionLost);
  EXPECT_THAT(info.what, HasSubstr("COMMIT"));
}

}  // namespace
}  // namespace lite2pg
