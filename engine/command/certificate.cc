#include "engine/command/certificate.h"

#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "coercion/digest.h"
#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/report/utf8.h"
#include "nlohmann/json.hpp"

namespace lite2pg {
namespace {

using Json = nlohmann::ordered_json;

// The record of ten thousand tables, and what surrounds it.
constexpr size_t kCertificateBytesMax = size_t{600} << 20;

// Over the content, so that a file may be laid out anew.
std::string ChecksumOf(Json json) {
  json.erase("checksum");
  Digest digest;
  digest.AddRow(json.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace));
  return digest.ToHex();
}

absl::Status Refused(const std::string& path, absl::string_view what) {
  return MakeError(ErrorCode::kCertificate, ExitCode::kUnsafe,
                   absl::StrCat("the certificate ", EscapeForMessage(path, 300), " is refused: ",
                                what),
                   "use the file as it was written, or compare both sides again");
}

bool Read(const Json& json, const char* name, std::string* out) {
  const auto it = json.find(name);
  if (it == json.end() || !it->is_string()) return false;
  *out = it->get<std::string>();
  return true;
}

}  // namespace

absl::Status WriteCertificate(const std::string& path, const Report& report,
                              const PlanRecord& record) {
  if (path.empty() || report.outcome == "copied") return absl::OkStatus();
  Json json;
  json["lite2pg_certificate"] = kCertificateVersion;
  json["lite2pg_version"] = LITE2PG_VERSION;
  json["created_at"] =
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::Now(), absl::UTCTimeZone());
  json["command"] = report.command;
  json["outcome"] = report.outcome;
  json["run_id"] = report.run_id;
  json["digest_version"] = kDigestVersion;
  json["source_path"] = ValidUtf8(report.source.path);
  json["source_fingerprint"] = ValidUtf8(report.source.fingerprint);
  json["server_version"] = ValidUtf8(report.target.server_version);
  json["database"] = ValidUtf8(report.target.database);
  json["plan"] = Json::parse(PlanRecordToJson(record), nullptr, /*allow_exceptions=*/false);
  json["checksum"] = ChecksumOf(json);
  ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path));
  RETURN_IF_ERROR(file.Write(json.dump(2, ' ', /*ensure_ascii=*/true) + "\n"));
  return file.Commit();
}

absl::StatusOr<Certificate> ReadCertificate(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text;
  char block[1 << 16];
  while (file.read(block, sizeof(block)) || file.gcount() > 0) {
    text.append(block, static_cast<size_t>(file.gcount()));
    if (text.size() > kCertificateBytesMax) return Refused(path, "it is too large for one");
  }
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("lite2pg_certificate")) {
    return Refused(path, "it is no certificate");
  }
  if (json["lite2pg_certificate"] != kCertificateVersion) {
    return Refused(path, "it is of another version");
  }
  Certificate certificate;
  std::string checksum;
  if (!Read(json, "checksum", &checksum) || checksum != ChecksumOf(json)) {
    return Refused(path, "its checksum does not fit its content, so it was changed");
  }
  const bool complete =
      Read(json, "lite2pg_version", &certificate.tool_version) &&
      Read(json, "created_at", &certificate.created_at) &&
      Read(json, "command", &certificate.command) && Read(json, "outcome", &certificate.outcome) &&
      Read(json, "run_id", &certificate.run_id) &&
      Read(json, "source_path", &certificate.source_path) &&
      Read(json, "source_fingerprint", &certificate.source_fingerprint) &&
      Read(json, "server_version", &certificate.server_version) &&
      Read(json, "database", &certificate.database) && json.contains("plan");
  if (!complete) return Refused(path, "a part of it is missing");
  if (!json.contains("digest_version") || json["digest_version"] != kDigestVersion) {
    return Refused(path, "its digests are of another version");
  }
  absl::StatusOr<PlanRecord> record =
      ParsePlanRecord(json["plan"].dump(-1, ' ', /*ensure_ascii=*/true));
  if (!record.ok()) return Refused(path, InfoOf(record.status()).what);
  certificate.record = *std::move(record);
  return certificate;
}

}  // namespace lite2pg
