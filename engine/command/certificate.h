// A certificate: what was compared and found equal, in a file that can be kept and checked later
// without the other side.
#ifndef LITE2PG_ENGINE_COMMAND_CERTIFICATE_H_
#define LITE2PG_ENGINE_COMMAND_CERTIFICATE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/plan/plan_record.h"
#include "engine/report/report.h"

namespace lite2pg {

inline constexpr int kCertificateVersion = 1;

struct Certificate {
  std::string created_at, tool_version, command, outcome, run_id;
  std::string source_path, source_fingerprint, server_version, database;
  PlanRecord record;   // tables with rows, types, readings and digests
};

// REQUIRES: `record` has the results of `report`. Writes nothing for the path "", and nothing about
// contents that were not compared.
absl::Status WriteCertificate(const std::string& path, const Report& report,
                              const PlanRecord& record);

// Errors: kCertificate with exit code 13 for a file that is no certificate, or whose checksum says
// that it was changed. The checksum finds accidents and careless edits; that a certificate comes
// from who it should come from is for a signature over the file to say.
absl::StatusOr<Certificate> ReadCertificate(const std::string& path);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_CERTIFICATE_H_
