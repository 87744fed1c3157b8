// The words that options choose from, and how one is found.
#ifndef LITE2PG_TOOLS_CLI_OPTION_CHOICES_H_
#define LITE2PG_TOOLS_CLI_OPTION_CHOICES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "engine/base/suggest.h"
#include "engine/base/text.h"
#include "tools/cli/settings.h"

namespace lite2pg {

template <typename E>
struct Choice {
  const char* name;
  E value;
};

inline constexpr Choice<SchemaMode> kSchemaModes[] = {{"auto", SchemaMode::kAuto},
                                                      {"create", SchemaMode::kCreate},
                                                      {"existing", SchemaMode::kExisting},
                                                      {"mixed", SchemaMode::kMixed}};
inline constexpr Choice<Identifiers> kIdentifierChoices[] = {{"preserve", Identifiers::kPreserve},
                                                             {"lower", Identifiers::kLower}};
inline constexpr Choice<FileNames> kFileNamesChoices[] = {{"stem", FileNames::kStem},
                                                          {"name", FileNames::kName},
                                                          {"path", FileNames::kPath}};
inline constexpr Choice<ExistingRows> kExistingRowsChoices[] = {
    {"refuse", ExistingRows::kRefuse},
    {"skip-equal", ExistingRows::kSkipEqual},
    {"skip", ExistingRows::kSkip},
    {"upsert", ExistingRows::kUpsert},
    {"replace", ExistingRows::kReplace}};
inline constexpr Choice<OnBadValue> kBadValueChoices[] = {{"stop", OnBadValue::kStop},
                                                          {"reject", OnBadValue::kReject}};
inline constexpr Choice<Orphans> kOrphanChoices[] = {{"not-valid", Orphans::kNotValid},
                                                     {"stop", Orphans::kStop},
                                                     {"reject", Orphans::kReject}};
inline constexpr Choice<FullText> kFullTextChoices[] = {{"content", FullText::kContent},
                                                        {"tsvector", FullText::kTsvector}};
inline constexpr Choice<ReaderChoice> kReaderChoices[] = {{"auto", ReaderChoice::kAuto},
                                                          {"library", ReaderChoice::kLibrary},
                                                          {"pages", ReaderChoice::kPages},
                                                          {"both", ReaderChoice::kBoth}};
inline constexpr Choice<CheckMode> kCheckChoices[] = {{"full", CheckMode::kFull},
                                                      {"off", CheckMode::kOff}};
inline constexpr Choice<PublishMode> kPublishChoices[] = {{"at-once", PublishMode::kAtOnce},
                                                          {"batched", PublishMode::kBatched}};
inline constexpr Choice<VerifyMode> kVerifyChoices[] = {{"full", VerifyMode::kFull},
                                                        {"counts", VerifyMode::kCounts},
                                                        {"off", VerifyMode::kOff}};
inline constexpr Choice<OutputFormat> kFormatChoices[] = {{"text", OutputFormat::kText},
                                                          {"json", OutputFormat::kJson}};
inline constexpr Choice<ProgressMode> kProgressChoices[] = {{"auto", ProgressMode::kAuto},
                                                            {"always", ProgressMode::kAlways},
                                                            {"never", ProgressMode::kNever},
                                                            {"json", ProgressMode::kJson}};
inline constexpr Choice<bool> kFlagChoices[] = {{"true", true}, {"false", false}};

inline absl::Status NotOneOf(absl::string_view value, const std::vector<std::string>& names) {
  return absl::InvalidArgumentError(absl::StrCat("\"", EscapeForMessage(value), "\" is not one of ",
                                                 absl::StrJoin(names, ", "),
                                                 DidYouMean(value, names)));
}

template <typename E, size_t N>
absl::Status Choose(absl::string_view value, const Choice<E> (&choices)[N], E* out) {
  std::vector<std::string> names;
  for (const Choice<E>& choice : choices) {
    if (value == choice.name) {
      *out = choice.value;
      return absl::OkStatus();
    }
    names.emplace_back(choice.name);
  }
  return NotOneOf(value, names);
}

inline absl::Status ChooseFlag(absl::string_view value, bool* out) {
  return Choose(value, kFlagChoices, out);
}

// A zone of the IANA database, such as Europe/Berlin, or a fixed offset that Abseil knows.
inline absl::Status CheckTimeZone(absl::string_view zone) {
  absl::TimeZone loaded;
  if (!zone.empty() && absl::LoadTimeZone(zone, &loaded)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("\"", EscapeForMessage(zone),
                                                 "\" is not a time zone such as UTC or "
                                                 "Europe/Berlin"));
}

inline absl::Status ApplyTimeZone(absl::string_view value, Settings* settings) {
  const absl::Status status = CheckTimeZone(value);
  if (status.ok()) settings->common.source_time_zone = std::string(value);
  return status;
}

}  // namespace lite2pg

#endif  // LITE2PG_TOOLS_CLI_OPTION_CHOICES_H_
