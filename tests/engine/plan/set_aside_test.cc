#include "engine/plan/set_aside.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "engine/plan/plan.h"
#include "engine/plan/selection.h"

namespace lite2pg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr uint64_t kMuch = uint64_t{20} << 20;

// Tables 1, 2, ... of the target with their catalog, and a plan that loads them.
class SetAside : public ::testing::Test {
 protected:
  SetAside() {
    inputs_.options = &options_;
    inputs_.policy = &policy_;
    inputs_.facts.can_create_schema = true;
    inputs_.run_tag = "0123abcd";
    plan_.target_schema = "public";
  }

  TablePlan& Load(uint32_t oid, uint64_t bytes) {
    sources_.push_back(std::make_unique<SourceTable>());
    sources_.back()->name = absl::StrCat("t", oid);
    TablePlan table;
    table.source = sources_.back().get();
    table.create = false;
    table.target.oid = oid;
    table.target.schema = table.load_schema = "public";
    table.target.name = table.target_name = table.load_name = sources_.back()->name;
    table.bytes = bytes;
    ColumnPlan id;
    id.source_name = id.target_name = "id";
    table.columns.push_back(std::move(id));
    plan_.tables.push_back(std::move(table));
    return plan_.tables.back();
  }

  TableIndexObject& Index(uint32_t table, const std::string& name) {
    TableIndexObject index;
    index.table_oid = table;
    index.oid = 1000 + static_cast<uint32_t>(inputs_.target_objects.indexes.size());
    index.schema = "public";
    index.table = absl::StrCat("t", table);
    index.name = name;
    index.definition = "CREATE INDEX " + name;
    index.usable = true;
    index.key = {{"id", "OPERATOR(pg_catalog.=)"}};
    inputs_.target_objects.indexes.push_back(std::move(index));
    return inputs_.target_objects.indexes.back();
  }

  TableForeignKeyObject& Key(uint32_t child, uint32_t parent, const std::string& name) {
    TableForeignKeyObject key;
    key.oid = 2000 + static_cast<uint32_t>(inputs_.target_objects.foreign_keys.size());
    key.child_oid = child;
    key.parent_oid = parent;
    key.name = name;
    key.child_schema = key.parent_schema = "public";
    key.child_table = absl::StrCat("t", child);
    key.parent_table = absl::StrCat("t", parent);
    key.definition = "FOREIGN KEY (id) REFERENCES public.t(id)";
    inputs_.target_objects.foreign_keys.push_back(std::move(key));
    return inputs_.target_objects.foreign_keys.back();
  }

  void Decide() { PlanExisting(inputs_, &plan_); }

  static std::vector<std::string> Names(const std::vector<SetAsideObject>& objects) {
    std::vector<std::string> names;
    for (const SetAsideObject& object : objects) names.push_back(object.name);
    return names;
  }
  std::vector<std::string> Blocking() const {
    std::vector<std::string> messages;
    for (const Finding& finding : plan_.findings) {
      if (finding.severity == Severity::kBlocking) messages.push_back(finding.message);
    }
    return messages;
  }

  CommonOptions options_;
  LoadPolicy policy_;
  PlanInputs inputs_;
  Plan plan_;
  std::vector<std::unique_ptr<SourceTable>> sources_;
};

TEST_F(SetAside, LittleDataIsMergedAndNothingIsDroppedBefore) {
  Load(1, 1000);
  Index(1, "i");
  Decide();
  EXPECT_TRUE(plan_.tables[0].merge);
  EXPECT_EQ(plan_.tables[0].LoadTarget(), "\"lite2pg_staging_0123abcd\".\"merge_0\"");
  EXPECT_EQ(plan_.tables[0].MergeTarget(), "\"public\".\"t1\"");
  EXPECT_THAT(plan_.existing.set_aside, IsEmpty());
  EXPECT_THAT(plan_.existing.in_merge, IsEmpty());
}

TEST_F(SetAside, MuchDataIsLoadedDirectlyWithoutWhatSlowsIt) {
  Load(1, kMuch);
  Load(2, 10);
  Index(1, "t1_pkey").primary = true;
  Index(2, "t2_pkey").primary = true;
  Index(2, "plain");
  Index(2, "odd").stays = "it has a tablespace of its own";
  Key(2, 1, "up");
  Decide();
  EXPECT_FALSE(plan_.tables[0].merge);
  EXPECT_EQ(plan_.tables[1].LoadTarget(), "\"public\".\"t2\"");
  // Foreign keys first: they may need indexes that follow. Primary keys stay.
  EXPECT_THAT(Names(plan_.existing.set_aside), ElementsAre("up", "plain"));
  EXPECT_EQ(plan_.staging_schema, "");
}

TEST_F(SetAside, WhereNoSchemaMayBeCreatedTheNamesTellWhoseTablesTheyAre) {
  Load(1, 10);
  inputs_.facts.can_create_schema = false;
  inputs_.facts.can_create_in_schema = true;
  Decide();
  EXPECT_EQ(plan_.tables[0].LoadTarget(), "\"public\".\"lite2pg_0123abcd_merge_0\"");
}

TEST_F(SetAside, WhereNothingMayBeCreatedOneTransactionLoadsParentsFirst) {
  Load(1, kMuch);
  Load(2, 10);
  Load(3, kMuch);
  Index(1, "plain");
  Key(1, 2, "up");
  Key(2, 3, "up_too");
  Key(3, 3, "within").stays = "its table belongs to somebody else";
  inputs_.facts.version = 150000;
  inputs_.facts.can_create_schema = false;
  Decide();
  EXPECT_TRUE(plan_.existing.one_transaction);
  EXPECT_THAT(plan_.existing.load_order, ElementsAre(2, 1, 0));
  EXPECT_THAT(plan_.existing.set_aside, IsEmpty());
  EXPECT_THAT(plan_.existing.merge_order, IsEmpty());
  EXPECT_THAT(Blocking(), IsEmpty());
  ASSERT_EQ(plan_.findings.size(), 1);
  EXPECT_EQ(plan_.findings[0].code, ErrorCode::kOneTransaction);
}

TEST_F(SetAside, WhatNeedsATableIsRefusedByNameWhereNothingMayBeCreated) {
  Load(1, 10).rows_preexisting = true;
  Load(2, 10).fills.push_back({"id", "bigint", "1", false, false});
  Key(1, 2, "a");
  Key(2, 1, "b");
  inputs_.facts.version = 150000;
  inputs_.facts.can_create_schema = false;
  inputs_.existing_rows = ExistingRows::kSkip;
  policy_.on_bad_value = OnBadValue::kReject;
  policy_.orphans = Orphans::kReject;
  Decide();
  EXPECT_THAT(Blocking(), UnorderedElementsAre(
      HasSubstr("--on-bad-value reject"), HasSubstr("--orphans reject"), HasSubstr("--fill"),
      HasSubstr("--existing-rows"), HasSubstr("form a circle")));
}

TEST_F(SetAside, RowsThatAreThereAndFillsMeanAMerge) {
  Load(1, kMuch);
  Load(2, kMuch).rows_preexisting = true;
  Load(3, kMuch).fills.push_back({"id", "bigint", "1", false, false});
  TableIndexObject& key = Index(2, "t2_pkey");
  key.primary = key.unique = true;
  inputs_.existing_rows = ExistingRows::kSkip;
  Key(1, 2, "one_end");
  Key(3, 2, "both_ends");
  Decide();
  EXPECT_FALSE(plan_.tables[0].merge);
  EXPECT_TRUE(plan_.tables[1].merge && plan_.tables[2].merge);
  EXPECT_THAT(Names(plan_.existing.set_aside), ElementsAre("one_end"));
  EXPECT_TRUE(plan_.existing.set_aside[0].with_merge);
  EXPECT_THAT(Names(plan_.existing.in_merge), ElementsAre("both_ends"));
  EXPECT_THAT(Blocking(), IsEmpty());
}

TEST_F(SetAside, UniqueIndexesStayWhereRowsMayBeSetAside) {
  Load(1, kMuch);
  Index(1, "u").unique = true;
  Index(1, "i");
  policy_.on_bad_value = OnBadValue::kReject;
  Decide();
  EXPECT_THAT(Names(plan_.existing.set_aside), ElementsAre("i"));
}

TEST_F(SetAside, AnIndexThatAKeyOfAnotherTableNeedsStays) {
  Load(1, kMuch);
  TableForeignKeyObject& key = Key(99, 1, "from_outside");
  TableIndexObject& index = Index(1, "needed");
  index.unique = true;
  index.referencing_keys = {key.oid};
  Decide();
  EXPECT_THAT(plan_.existing.set_aside, IsEmpty());
}

TEST_F(SetAside, ForeignKeysComeBackNotValidAndAreThenValidated) {
  Load(1, kMuch);
  TableForeignKeyObject& key = Key(1, 99, "up");
  key.has_comment = true;
  key.comment = "it's";
  Decide();
  ASSERT_EQ(plan_.existing.set_aside.size(), 1u);
  std::vector<std::string> statements;
  for (const RestoreStep& step : plan_.existing.set_aside[0].restore) {
    statements.push_back(step.sql);
  }
  EXPECT_THAT(statements,
              ElementsAre("ALTER TABLE \"public\".\"t1\" ADD CONSTRAINT \"up\" FOREIGN KEY (id) "
                          "REFERENCES public.t(id) NOT VALID",
                          "COMMENT ON CONSTRAINT \"up\" ON \"public\".\"t1\" IS 'it''s'",
                          "ALTER TABLE \"public\".\"t1\" VALIDATE CONSTRAINT \"up\""));
  EXPECT_EQ(plan_.existing.set_aside[0].restore.back().kind, "validate");
}

TEST_F(SetAside, AKeyThatWasNotValidIsNotValidated) {
  Load(1, kMuch);
  Key(1, 99, "up").validated = false;
  Decide();
  ASSERT_EQ(plan_.existing.set_aside.size(), 1u);
  EXPECT_EQ(plan_.existing.set_aside[0].restore.size(), 1u);
}

TEST_F(SetAside, KeysThatStayPutParentsFirst) {
  Load(1, 10);
  Load(2, 20);
  Load(3, 30);
  Key(1, 2, "a").stays = "its table belongs to another role";
  Key(2, 3, "b").stays = "its table belongs to another role";
  Decide();
  EXPECT_THAT(plan_.existing.merge_order, ElementsAre(2, 1, 0));
}

TEST_F(SetAside, ACircleOfKeysThatStayBlocksUnlessOneCanWait) {
  Load(1, 10);
  Load(2, 20);
  Key(1, 2, "a").stays = "x";
  Key(2, 1, "b").stays = "x";
  Decide();
  EXPECT_THAT(Blocking(), ElementsAre(HasSubstr("circle")));
  plan_.findings.clear();
  plan_.existing = ExistingPlan();
  inputs_.target_objects.foreign_keys[1].deferrable = true;
  Decide();
  EXPECT_THAT(Blocking(), IsEmpty());
  EXPECT_TRUE(plan_.existing.defer_constraints);
}

TEST_F(SetAside, ReplaceNeedsAllThatRefersToTheRows) {
  Load(1, 10).rows_preexisting = true;
  inputs_.existing_rows = ExistingRows::kReplace;
  Key(99, 1, "from_outside");
  Decide();
  EXPECT_THAT(Blocking(), ElementsAre(HasSubstr("from_outside")));
}

TEST_F(SetAside, ByKeyNeedsAKeyOverColumnsThatAreLoaded) {
  Load(1, 10).rows_preexisting = true;
  inputs_.existing_rows = ExistingRows::kUpsert;
  TableIndexObject& index = Index(1, "u");
  index.unique = true;
  index.key = {{"elsewhere", "OPERATOR(pg_catalog.=)"}};
  Decide();
  EXPECT_THAT(Blocking(), ElementsAre(HasSubstr("no primary key or unique index")));
}

TEST_F(SetAside, AFillOfAColumnThatNobodyHasBlocks) {
  Load(1, 10);
  TableConfig table;
  table.name = "T1";
  ColumnConfig column;
  column.name = "nowhere";
  column.fill = FillValue{"1", false};
  table.columns.push_back(column);
  options_.tables.push_back(table);
  PlanFills(inputs_, &plan_);
  EXPECT_THAT(Blocking(), ElementsAre(HasSubstr("--fill")));
  EXPECT_THAT(plan_.tables[0].fills, IsEmpty());
}

}  // namespace
}  // namespace lite2pg
