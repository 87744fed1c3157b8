#include "engine/sqlite/private_copy.h"

#include <gtest/gtest.h>

#include "engine/sqlite/fingerprint.h"

namespace lite2pg {
namespace {

TEST(NetworkFileSystem, IsKnownByItsNumber) {
  EXPECT_EQ(NetworkFileSystemName(0x6969), "NFS");
  EXPECT_EQ(NetworkFileSystemName(static_cast<long>(0xFF534D42)), "CIFS");
  // As a kernel whose number is signed has it.
  EXPECT_EQ(NetworkFileSystemName(static_cast<int>(0xFE534D42)), "SMB2");
  EXPECT_EQ(NetworkFileSystemName(0xEF53), "");       // ext4
  EXPECT_EQ(NetworkFileSystemName(0x794c7630), "");   // overlayfs
}

TEST(MayBeSameContent, LooksPastTheWalsPosition) {
  const char* const in_wal = "page_size=4096 pages=9 schema=1 change=7 sample=ab wal_frames=3 x=1";
  const char* const moved = "page_size=4096 pages=9 schema=1 change=7 sample=ab wal_frames=5 x=2";
  const char* const in_file = "page_size=4096 pages=9 schema=1 change=7 sample=ab";
  const char* const other = "page_size=4096 pages=9 schema=1 change=8 sample=cd";
  EXPECT_TRUE(MayBeSameContent(in_wal, in_wal));
  EXPECT_TRUE(MayBeSameContent(in_wal, moved));
  EXPECT_TRUE(MayBeSameContent(in_wal, in_file));
  EXPECT_TRUE(MayBeSameContent(in_file, in_wal));
  EXPECT_FALSE(MayBeSameContent(in_wal, other));
  EXPECT_FALSE(MayBeSameContent(in_file, other));
  EXPECT_FALSE(MayBeSameContent("", other));
}

}  // namespace
}  // namespace lite2pg
