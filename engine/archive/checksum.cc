#include "engine/archive/checksum.h"

#include <openssl/evp.h>

#include <cstdlib>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace lite2pg {
namespace {

struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
struct FreeXxh {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

// Only a broken installation or lack of memory fails here, and there is no going on without.
void Must(bool ok) {
  if (!ok) std::abort();
}

}  // namespace

struct FileHash::State {
  std::unique_ptr<EVP_MD_CTX, FreeDigest> sha256{EVP_MD_CTX_new()};
  std::unique_ptr<XXH3_state_t, FreeXxh> xxh3{XXH3_createState()};
  uint64_t bytes = 0;
  Kind kind = Kind::kBoth;
};

FileHash::FileHash(Kind kind) : state_(std::make_unique<State>()) {
  state_->kind = kind;
  Must(state_->sha256 != nullptr && state_->xxh3 != nullptr);
  Must(EVP_DigestInit_ex(state_->sha256.get(), EVP_sha256(), nullptr) == 1);
  Must(XXH3_128bits_reset(state_->xxh3.get()) == XXH_OK);
}
FileHash::FileHash(FileHash&& other) noexcept = default;
FileHash& FileHash::operator=(FileHash&& other) noexcept = default;
FileHash::~FileHash() = default;

void FileHash::Update(absl::string_view bytes) {
  if (bytes.empty()) return;
  if (state_->kind == Kind::kBoth) {
    Must(EVP_DigestUpdate(state_->sha256.get(), bytes.data(), bytes.size()) == 1);
  }
  Must(XXH3_128bits_update(state_->xxh3.get(), bytes.data(), bytes.size()) == XXH_OK);
  state_->bytes += bytes.size();
}

FileChecksums FileHash::Finish() {
  FileChecksums sums;
  if (state_->kind == Kind::kBoth) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    Must(EVP_DigestFinal_ex(state_->sha256.get(), digest, &size) == 1);
    sums.sha256 =
        absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest), size));
  }
  const XXH128_hash_t xxh3 = XXH3_128bits_digest(state_->xxh3.get());
  sums.xxh3 = absl::StrCat(absl::Hex(xxh3.high64, absl::kZeroPad16),
                           absl::Hex(xxh3.low64, absl::kZeroPad16));
  sums.bytes = state_->bytes;
  return sums;
}

FileChecksums ChecksumsOf(absl::string_view bytes) {
  FileHash hash;
  hash.Update(bytes);
  return hash.Finish();
}

}  // namespace lite2pg
