// Errors as the contract wants them: an exit code, a stable L2P number, where, the value, and what
// the user can do. They travel as payloads of absl::Status.
#ifndef LITE2PG_ENGINE_BASE_ERROR_H_
#define LITE2PG_ENGINE_BASE_ERROR_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace lite2pg {

// docs/errors.md lists what each means and whether the run can be resumed.
enum class ExitCode : uint8_t {
  kDone = 0,
  kDefect = 1,
  kUsage = 2,
  kRejected = 3,
  kDiffers = 4,
  kSource = 5,
  kSourceBusy = 6,
  kTargetUnreachable = 7,
  kTargetRefuses = 8,
  kOutOfResource = 9,
  kInterrupted = 10,
  kCannotResume = 11,
  kPlanBlocks = 12,
  kUnsafe = 13,
  kBadValue = 14,
};

// Numbers of errors and findings, stable for ever. The thousands say who is concerned:
// 1 source, 2 values, 3 target, 4 schema, 5 verification, 6 runs, 7 archives, 9 lite2pg itself.
enum class ErrorCode : uint16_t {
  kSourceMissing = 1001,
  kSourceNotSqlite = 1002,
  kSourceEncrypted = 1003,
  kSourceCorrupt = 1004,
  kSourceTruncated = 1005,
  kSourceBusy = 1006,
  kSourceChanged = 1007,
  kSourceHotJournal = 1008,
  kSourceUnreadable = 1009,
  kSourceTableUnreadable = 1010,
  kSourceSnapshot = 1011,
  kSourceLimit = 1012,
  kSourceInUse = 1013,
  kSourceExpectation = 1014,
  kSourceBlocksWriter = 1020,  // while it is read, its application cannot commit
  kSourceWalGrows = 1021,
  kSourceNetwork = 1022,       // on a file system whose locks cannot be relied on
  kReaderFallback = 1015,  // the library read a table although its pages were to be read
  kBadValue = 2001,
  kValueTooLarge = 2002,
  kTypeWidened = 2003,
  kReadingHint = 2004,     // a convention that configuration could name
  kOffsetDropped = 2005,
  kStorageClassesMixed = 2006,
  kTooManyRejects = 2007,
  kTextCopy = 2008,        // a type without a binary form
  kRuleApplied = 2009,     // values that a rule of the user's changed
  kOtherForm = 2010,       // revert: a value that its column's form cannot show
  kTargetUnreachable = 3001,
  kTargetLogin = 3002,
  kTargetPrivilege = 3003,
  kTargetEncoding = 3004,
  kTargetVersion = 3005,
  kTargetTableNotEmpty = 3006,
  kTargetTableExists = 3007,
  kTargetConstraint = 3008,
  kTargetOutOfResource = 3009,
  kTargetConnectionLost = 3010,
  kTargetStatement = 3011,
  kTargetPooler = 3012,
  kTargetLocked = 3013,
  kNoPostgresInstalled = 3014,
  kClusterFailed = 3015,
  kCommitInDoubt = 3016,
  kTargetNoPartner = 3017,
  kTargetColumnMismatch = 3018,
  kTargetDialect = 3019,  // the server is not PostgreSQL itself, and does some things otherwise
  kTooManyColumns = 4001,
  kRowTooWide = 4002,
  kNameShortened = 4003,
  kNameCollision = 4004,
  kObjectNotCarried = 4005,
  kConstraintViolated = 4006,
  kObjectTranslated = 4007,
  kNotATable = 4008,
  kShadowTable = 4009,
  kGeneratedAsPlain = 4010,
  kSequenceExhausted = 4011,
  kCollationDiffers = 4012,
  kBookkeepingTable = 4013,
  kTableExcluded = 4014,
  kTablePartial = 4015,
  kSetAside = 4016,
  kFilesDiffer = 4017,  // several files as one source: their schemas are not one
  kFilesMerged = 4018,
  kDifference = 5001,
  kCountDiffers = 5002,
  kCrossCheck = 5003,
  kNotLookedAt = 5004,
  kSequenceBehind = 5005,
  kObjectMissing = 5006,
  kTypeNarrower = 5007,
  kCertificate = 5008,
  kAnotherRun = 6001,
  kUnfinishedRun = 6002,
  kNothingToResume = 6003,
  kInterrupted = 6004,
  kFencedOff = 6005,
  kSyncOverwrites = 6006,  // sync: the target was changed by others
  kSyncCascade = 6007,     // sync: a deletion would take rows that stay
  kRejectsMended = 6008,  // rows that were set aside are loaded now
  kHookFailed = 6010,
  kJoined = 6011,         // other processes took part in the load
  kJoinRefused = 6012,    // a process may not join the run
  kOneTransaction = 6013,  // the role may create nothing: the run is one transaction
  kArchiveAltered = 7001,
  kArchiveUnsafe = 7002,
  kArchiveVersion = 7003,
  kArchiveDirectory = 7004,
  kUsage = 9001,
  kConfig = 9002,
  kDefect = 9999,
};

std::string ErrorCodeName(ErrorCode code);  // "L2P2001"

// Everything the error line of the contract shows. Strings may hold untrusted bytes; the printer
// escapes them. Empty: not applicable.
struct ErrorInfo {
  ErrorCode code = ErrorCode::kDefect;
  ExitCode exit_code = ExitCode::kDefect;
  std::string what;      // one sentence without a full stop
  std::string table;     // source name
  std::string row_key;   // "id=2 (rowid 2)"
  std::string column;
  std::string value;     // storage class, size and shortened value: TEXT 10 bytes "lots-of-it"
  std::string server;    // SQLSTATE and the server's words
  std::string effect;    // what is left on either side
  std::string hint;      // what the user can do
  std::string sqlstate;  // five characters, when the server spoke
  std::string constraint;  // its name, when the server says that one was violated
  int sqlite_code = 0;   // extended result code, when SQLite spoke
};

// A Status that carries `info`; its message is the one-line text form.
absl::Status MakeError(const ErrorInfo& info);
absl::Status MakeError(ErrorCode code, ExitCode exit_code, absl::string_view what,
                       absl::string_view hint = "");

// The payload of `status`, or a kDefect with its message when it carries none. REQUIRES: !ok().
ErrorInfo InfoOf(const absl::Status& status);

// The same error with the fields that are empty in it filled from `context`.
absl::Status WithContext(const absl::Status& status, const ErrorInfo& context);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_BASE_ERROR_H_
