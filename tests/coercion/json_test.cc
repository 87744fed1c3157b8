// JSON: what is accepted, what jsonb would lose, and the canonical form against a model.
#include "coercion/json.h"

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coercion/utf8.h"
#include "gtest/gtest.h"
#include "tests/coercion/golden.h"

namespace lite2pg {
namespace {

std::string Canonical(absl::string_view text) {
  FieldBuffer out;
  if (!AppendCanonicalJsonb(text, &out)) return "(refused)";
  return std::string(out.data(), out.size());
}

TEST(Json, IsNotBlank) {
  for (const char* blank : {"", " ", "\n\t\r "}) {
    EXPECT_EQ(CheckJson(blank), Outcome::kMalformed);
    EXPECT_EQ(CheckJsonb(blank), Outcome::kMalformed);
  }
}

TEST(Json, IsUtf8WithoutNul) {
  EXPECT_EQ(CheckJson("\"\xff\""), Outcome::kInvalidUtf8);
  EXPECT_EQ(CheckJson(absl::string_view("\"a\0\"", 4)), Outcome::kContainsNul);
  EXPECT_EQ(CheckJsonb("[\"\xc3\"]"), Outcome::kInvalidUtf8);
}

TEST(Json, StopsAtEveryCutOfADocument) {
  const std::string whole = R"({"a": [1, -2.5e+3, true, null, "x\u00e9\n"], "b": {}})";
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(CheckJson(whole.substr(0, size)), Outcome::kMalformed) << size;
    EXPECT_EQ(CheckJsonb(whole.substr(0, size)), Outcome::kMalformed) << size;
    EXPECT_EQ(Canonical(whole.substr(0, size)), "(refused)") << size;
  }
  EXPECT_EQ(CheckJson(whole), Outcome::kOk);
}

TEST(Json, FindsAControlCharacterAnywhereInAString) {
  for (size_t length = 1; length < 40; ++length) {
    for (size_t at = 0; at < length; ++at) {
      for (const char c : {'\x01', '\t', '\n', '\x1f'}) {
        std::string text = absl::StrCat("\"", std::string(length, 'x'), "\"");
        text[1 + at] = c;
        ASSERT_EQ(CheckJson(text), Outcome::kMalformed) << length << " " << at;
        // The neighbours of what is searched for, and bytes above ASCII, are plain.
        text[1 + at] = ' ';
        ASSERT_EQ(CheckJson(text), Outcome::kOk);
      }
      std::string text = absl::StrCat("\"", std::string(length, 'x'), "\"");
      text.replace(1 + at, 1, "\xc3\xbf");
      ASSERT_EQ(CheckJson(text), Outcome::kOk);
      text.replace(1 + at, 2, "\\\"");
      ASSERT_EQ(CheckJson(text), Outcome::kOk);
      text.replace(1 + at, 2, "\"\"");
      ASSERT_EQ(CheckJson(text), Outcome::kMalformed);
    }
  }
}

TEST(Json, NestsToTheLimitAndNoFurther) {
  for (const absl::string_view brackets : {"[]", "{}"}) {
    const bool is_object = brackets[0] == '{';
    const auto nested = [&](int depth) {
      std::string text;
      for (int i = 1; i < depth; ++i) text.append(is_object ? "{\"a\":" : "[");
      text.append(brackets.data(), brackets.size());
      text.append(static_cast<size_t>(depth - 1), brackets[1]);
      return text;
    };
    EXPECT_EQ(CheckJson(nested(kJsonDepthMax)), Outcome::kOk);
    EXPECT_EQ(CheckJsonb(nested(kJsonDepthMax)), Outcome::kOk);
    EXPECT_EQ(Canonical(nested(kJsonDepthMax)), nested(kJsonDepthMax));
    EXPECT_EQ(CheckJson(nested(kJsonDepthMax + 1)), Outcome::kMalformed);
    EXPECT_EQ(CheckJsonb(nested(kJsonDepthMax + 1)), Outcome::kMalformed);
  }
  // A million open brackets are refused as fast.
  EXPECT_EQ(CheckJson(std::string(1'000'000, '[')), Outcome::kMalformed);
}

TEST(Jsonb, RefusesDuplicateKeysHoweverManyThereAre) {
  for (const int keys : {2, 5, 12, 13, 14, 100, 1000}) {
    std::string text = "{";
    for (int i = 0; i < keys; ++i) absl::StrAppend(&text, i > 0 ? "," : "", "\"k", i, "\":0");
    const std::string distinct = text + "}";
    EXPECT_EQ(CheckJsonb(distinct), Outcome::kOk) << keys;
    EXPECT_NE(Canonical(distinct), "(refused)") << keys;
    for (const int repeated : {0, keys / 2, keys - 1}) {
      const std::string twice = absl::StrCat(text, ",\"k", repeated, "\":1}");
      EXPECT_EQ(CheckJsonb(twice), Outcome::kLossy) << keys;
      EXPECT_EQ(Canonical(twice), "(refused)") << keys;
      EXPECT_EQ(CheckJson(twice), Outcome::kOk) << keys;
    }
  }
}

TEST(Jsonb, ComparesKeysByWhatTheySay) {
  EXPECT_EQ(CheckJsonb(R"({"a":1,"\u0061":2})"), Outcome::kLossy);
  EXPECT_EQ(CheckJsonb(R"({"\/":1,"/":2})"), Outcome::kLossy);
  EXPECT_EQ(CheckJsonb(R"({"a":1,"A":2,"a ":3,"":4})"), Outcome::kOk);
  // The same key in different objects.
  EXPECT_EQ(CheckJsonb(R"({"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]})"), Outcome::kOk);
  EXPECT_EQ(CheckJsonb(R"({"b":{"a":1},"a":2,"b":3})"), Outcome::kLossy);
}

TEST(Jsonb, JudgesNumbersByNumericsLimits) {
  EXPECT_EQ(CheckJsonb("1e131071"), Outcome::kOk);
  EXPECT_EQ(CheckJsonb("1e131072"), Outcome::kOutOfRange);
  EXPECT_EQ(CheckJsonb("1e-16383"), Outcome::kOk);
  EXPECT_EQ(CheckJsonb("1e-16384"), Outcome::kOutOfRange);
  EXPECT_EQ(CheckJsonb(std::string(131'072, '9')), Outcome::kOk);
  EXPECT_EQ(CheckJsonb(std::string(131'073, '9')), Outcome::kOutOfRange);
  EXPECT_EQ(CheckJsonb("0." + std::string(16'383, '1')), Outcome::kOk);
  EXPECT_EQ(CheckJsonb("0." + std::string(16'384, '1')), Outcome::kOutOfRange);
  EXPECT_EQ(CheckJson("1e131072"), Outcome::kOk);
}

TEST(Jsonb, RefusesATextThatWouldGrowBeyondAMessageWhenItComesBack) {
  std::string text = "[0";
  // Nine bytes that come back as 131,073: 10,000 of them are more than 1 GiB.
  for (int i = 0; i < 10'000; ++i) text.append(",1e131071");
  EXPECT_EQ(CheckJsonb(text + "]"), Outcome::kTooLarge);
  EXPECT_EQ(CheckJson(text + "]"), Outcome::kOk);
}

TEST(CanonicalJsonb, HasTheFormOfTheServersOutputWithoutSpaces) {
  EXPECT_EQ(Canonical(R"( { "bb" : 1 , "a" : [ 1e2 , -0.0, 1.10 ] , "" : "\u00e9\/" } )"),
            "{\"\":\"\xc3\xa9/\",\"a\":[100,0.0,1.10],\"bb\":1}");
  EXPECT_EQ(Canonical("[[],{},[{}],\"\"]"), "[[],{},[{}],\"\"]");
  EXPECT_EQ(Canonical("\"[,\""), "\"[,\"");
}

TEST(CanonicalJsonb, KeepsLongNumbersShort) {
  const std::string plain = "1" + std::string(100'000, '0');
  EXPECT_EQ(Canonical("1e100000"), Canonical(plain));
  EXPECT_EQ(Canonical("10.0e99999"), Canonical(plain));
  EXPECT_LT(Canonical(plain).size(), 20u);
  EXPECT_NE(Canonical("1e100000"), Canonical("1e100001"));
  EXPECT_NE(Canonical("1e-100"), Canonical("10e-101"));   // one more digit behind the point
  EXPECT_NE(Canonical("1e100"), Canonical("-1e100"));
}

TEST(CanonicalJsonb, MeetsOnBothSidesOfTheLimitOfPlainNumbers) {
  for (int digits = 55; digits < 75; ++digits) {
    const std::string nines(static_cast<size_t>(digits), '9');
    EXPECT_EQ(Canonical(nines + "e0"), Canonical(nines));
    EXPECT_EQ(Canonical("-" + nines + "e0"), Canonical("-" + nines));
    EXPECT_EQ(Canonical(absl::StrCat("1e", digits)),
              Canonical("1" + std::string(static_cast<size_t>(digits), '0')));
    EXPECT_EQ(Canonical(absl::StrCat("1e-", digits)),
              Canonical("0." + std::string(static_cast<size_t>(digits) - 1, '0') + "1"));
    EXPECT_EQ(Canonical("-0." + std::string(static_cast<size_t>(digits), '0')),
              Canonical("0." + std::string(static_cast<size_t>(digits), '0')));
  }
}

// ---- Against a model. --------------------------------------------------------------------------

// A value, and a text that two of them share exactly when they are the same to jsonb.
struct Model {
  enum Kind { kLiteral, kNumber, kString, kArray, kObject } kind = kLiteral;
  std::string scalar;   // a literal; or a string's characters
  int64_t mantissa = 0; // a number is mantissa / 10^scale
  int scale = 0;
  std::vector<struct Member> members;  // keys are empty in arrays

  std::string Identity() const;
};

struct Member {
  std::string key;
  Model value;
};

std::string Model::Identity() const {
  switch (kind) {
    case kLiteral:
      return scalar;
    case kNumber:
      return absl::StrCat("n", mantissa, "/", scale);
    case kString:
      return absl::StrCat("s", scalar.size(), ":", scalar);
    case kArray:
    case kObject:
      break;
  }
  std::vector<std::string> parts;
  for (const auto& [key, value] : members) {
    parts.push_back(absl::StrCat(key.size(), ":", key, "=", value.Identity(), ";"));
  }
  if (kind == kObject) std::sort(parts.begin(), parts.end());
  std::string all = kind == kObject ? "{" : "[";
  for (const std::string& part : parts) all += part;
  return all + ")";
}

class Writer {
 public:
  explicit Writer(std::mt19937_64* random) : random_(*random) {}

  Model MakeModel(int depth) {
    Model model;
    const uint64_t kind = random_() % (depth > 0 ? 8 : 5);
    if (kind == 0) {
      static const char* const kWords[] = {"true", "false", "null"};
      model.scalar = kWords[random_() % 3];
    } else if (kind < 3) {
      model.kind = Model::kNumber;
      model.mantissa = static_cast<int64_t>(random_() >> (random_() % 64)) / 2;
      if (random_() % 2 == 0) model.mantissa = -model.mantissa;
      model.scale = static_cast<int>(random_() % 6) * static_cast<int>(random_() % 2);
    } else if (kind < 5) {
      model.kind = Model::kString;
      model.scalar = MakeString();
    } else {
      model.kind = kind == 5 ? Model::kArray : Model::kObject;
      std::set<std::string> keys;
      for (uint64_t i = random_() % 6; i > 0; --i) {
        const std::string key = kind == 5 ? "" : MakeString();
        if (kind != 5 && !keys.insert(key).second) continue;
        model.members.push_back({key, MakeModel(depth - 1)});
      }
    }
    return model;
  }

  // Another spelling each time.
  std::string Write(const Model& model) {
    switch (model.kind) {
      case Model::kLiteral:
        return model.scalar;
      case Model::kNumber:
        return WriteNumber(model);
      case Model::kString:
        return WriteString(model.scalar);
      case Model::kArray:
      case Model::kObject:
        break;
    }
    const bool is_object = model.kind == Model::kObject;
    auto members = model.members;
    if (is_object) std::shuffle(members.begin(), members.end(), random_);
    std::string text = is_object ? "{" : "[";
    for (size_t i = 0; i < members.size(); ++i) {
      if (i > 0) text += ",";
      if (is_object) absl::StrAppend(&text, Space(), WriteString(members[i].key), Space(), ":");
      absl::StrAppend(&text, Space(), Write(members[i].value), Space());
    }
    return absl::StrCat(text, members.empty() ? Space() : "", is_object ? "}" : "]");
  }

 private:
  std::string MakeString() {
    std::string text;
    for (uint64_t i = random_() % 5; i > 0; --i) {
      static const char* const kParts[] = {"a",  "b",    "\"",       "\\", "/",
                                           "\n", "\x01", "\xc3\xa9", ",",  "\xf0\x9f\x98\x80"};
      text += kParts[random_() % 10];
    }
    return text;
  }

  std::string Space() {
    static const char* const kSpaces[] = {"", "", " ", "\n", "\t\r "};
    return kSpaces[random_() % 5];
  }

  // Plainly, or with the point moved and an exponent that moves it back.
  std::string WriteNumber(const Model& model) {
    std::string digits = absl::StrCat(model.mantissa < 0 ? -model.mantissa : model.mantissa);
    const std::string sign = model.mantissa < 0 ? "-" : "";
    if (random_() % 3 == 0) {
      return absl::StrCat(sign, digits, random_() % 2 ? "e-" : "E-0", model.scale);
    }
    const auto scale = static_cast<size_t>(model.scale);
    if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
    if (scale > 0) digits.insert(digits.size() - scale, ".");
    return sign + digits;
  }

  std::string WriteString(absl::string_view text) {
    FieldBuffer plain;
    AppendJsonString(text, &plain);
    if (random_() % 2 == 0) return std::string(plain.data(), plain.size());
    std::string written = "\"";
    for (size_t i = 0; i < text.size(); ++i) {
      const auto c = static_cast<uint8_t>(text[i]);
      if (c == 0xc3) {
        written += "\\u00E9";
        i += 1;
      } else if (c == 0xf0) {
        written += "\\uD83D\\ude00";
        i += 3;
      } else {
        absl::StrAppend(&written, "\\u00", absl::Hex(c, absl::kZeroPad2));
      }
    }
    return written + "\"";
  }

  std::mt19937_64& random_;
};

TEST(CanonicalJsonb, IsTheSameForAllSpellingsOfAValue) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  Writer writer(&random);
  for (int i = 0; i < 5000; ++i) {
    const Model model = writer.MakeModel(4);
    const std::string first = writer.Write(model);
    const std::string second = writer.Write(model);
    ASSERT_EQ(CheckJson(first), Outcome::kOk) << first;
    ASSERT_EQ(CheckJsonb(first), Outcome::kOk) << first;
    ASSERT_EQ(Canonical(first), Canonical(second)) << first << "\n" << second;
    ASSERT_EQ(Canonical(Canonical(first)), Canonical(first));
  }
}

TEST(CanonicalJsonb, DiffersForDifferentValues) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  Writer writer(&random);
  std::vector<std::pair<std::string, std::string>> seen;
  for (int i = 0; i < 1500; ++i) {
    const Model model = writer.MakeModel(2);
    seen.emplace_back(model.Identity(), Canonical(writer.Write(model)));
  }
  for (const auto& [identity, canonical] : seen) {
    for (const auto& [other_identity, other_canonical] : seen) {
      ASSERT_EQ(identity == other_identity, canonical == other_canonical)
          << canonical << "\n" << other_canonical;
    }
  }
}

TEST(CanonicalJsonb, NeverAcceptsWhatTheCheckRefuses) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  Writer writer(&random);
  for (int i = 0; i < 20'000; ++i) {
    std::string text = writer.Write(writer.MakeModel(2));
    const size_t at = random() % text.size();
    switch (random() % 3) {
      case 0:
        text[at] = "{}[]\",:\\0e.-ntu "[random() % 16];
        break;
      case 1:
        text.erase(at, 1);
        break;
      default:
        text.insert(at, 1, "{}[]\",:\\0e.-ntu "[random() % 16]);
    }
    // A copy of the exact size, so that a sanitizer sees a read beyond the end.
    const std::vector<char> exact(text.begin(), text.end());
    const absl::string_view view(exact.data(), exact.size());
    const Outcome outcome = CheckJsonb(view);
    FieldBuffer at_once;
    ASSERT_EQ(CanonicalizeJsonb(view, &at_once), outcome) << text;
    if (outcome == Outcome::kInvalidUtf8) continue;
    if (outcome == Outcome::kOk) {
      ASSERT_EQ(at_once.view(), Canonical(view));
    }
    ASSERT_EQ(outcome == Outcome::kOk, Canonical(view) != "(refused)") << text;
    if (outcome == Outcome::kOk) {
      ASSERT_TRUE(IsJson(view));
    }
  }
}

TEST(CanonicalJsonb, MadeTogetherWithTheCheckRefusesTheSame) {
  const std::string large_number = absl::StrCat("1e", 131'072);
  for (const std::string& text :
       {std::string(), std::string("\"\xff\""), std::string("\"a\0\"", 4),
        std::string(R"({"a":1,"a":2})"), std::string(R"("\u0000")"), std::string(R"("\ud800")"),
        large_number, std::string("[1,")}) {
    FieldBuffer out;
    EXPECT_EQ(CanonicalizeJsonb(text, &out), CheckJsonb(text)) << text;
    EXPECT_NE(CheckJsonb(text), Outcome::kOk) << text;
  }
}

// ---- The codecs. -------------------------------------------------------------------------------

std::string EncodedText(Oid oid, const SourceValue& value, const ReadingRules& rules = {}) {
  const EncodedField field = EncodeOne(Bind(oid, -1, rules), value);
  return field.outcome == Outcome::kOk ? field.bytes : OutcomeName(field.outcome);
}

TEST(JsonCodec, PassesTextThroughByteForByte) {
  const std::string text = " { \"b\" : 1e2 ,\n\"a\":\"\\u0000\", \"a\": 1 } ";
  EXPECT_EQ(EncodedText(kOidJson, SourceValue::Text(text)), text);
  EXPECT_EQ(EncodedText(kOidJsonb, SourceValue::Text("{ }")), "\x01{ }");
}

TEST(JsonCodec, WritesNumbersAsNumbers) {
  EXPECT_EQ(EncodedText(kOidJson, SourceValue::Integer(INT64_MIN)), "-9223372036854775808");
  EXPECT_EQ(EncodedText(kOidJsonb, SourceValue::Integer(5)), "\x01" "5");
  EXPECT_EQ(EncodedText(kOidJson, SourceValue::Real(0.1)), "0.1");
  EXPECT_EQ(EncodedText(kOidJson, SourceValue::Real(5.0)), "5.0");
  EXPECT_EQ(EncodedText(kOidJson, SourceValue::Real(-0.0)), "-0.0");
  EXPECT_EQ(EncodedText(kOidJsonb, SourceValue::Real(-0.0)), "kLossy");
  for (const Oid oid : {kOidJson, kOidJsonb}) {
    EXPECT_EQ(EncodedText(oid, SourceValue::Real(HUGE_VAL)), "kOutOfRange");
    for (const double real : {1e300, 5e-324, 1.7976931348623157e308, -1e-7, 123456789.125}) {
      const EncodedField field = EncodeOne(Bind(oid), SourceValue::Real(real));
      EXPECT_EQ(field.outcome, Outcome::kOk);
      EXPECT_TRUE(IsJsonbSafe(absl::string_view(field.bytes).substr(oid == kOidJsonb ? 1 : 0)));
    }
  }
}

TEST(JsonCodec, ReadsABlobOnlyAsTheRulesSay) {
  const std::string jsonb = FromHex("4C17611331");
  const std::string text = "{\"a\":1}";
  ReadingRules rules;
  EXPECT_EQ(EncodedText(kOidJson, SourceValue::Blob(text), rules), "kAmbiguous");
  rules.blob = BlobReading::kUtf8Text;
  EXPECT_EQ(EncodedText(kOidJson, SourceValue::Blob(text), rules), text);
  EXPECT_EQ(EncodedText(kOidJson, SourceValue::Blob(jsonb), rules), "kMalformed");
  rules.blob = BlobReading::kSqliteJsonb;
  EXPECT_EQ(EncodedText(kOidJson, SourceValue::Blob(jsonb), rules), text);
  EXPECT_EQ(EncodedText(kOidJsonb, SourceValue::Blob(jsonb), rules), "\x01" + text);
  EXPECT_EQ(EncodedText(kOidJson, SourceValue::Blob(text), rules), "kMalformed");
  // {"a":1,"a":2}
  const std::string twice = FromHex("8C1761133117611332");
  EXPECT_EQ(EncodedText(kOidJsonb, SourceValue::Blob(twice), rules), "kLossy");
  EXPECT_EQ(EncodedText(kOidJson, SourceValue::Blob(twice), rules), "{\"a\":1,\"a\":2}");
}

TEST(JsonbCodec, RefusesAFieldOfAnotherVersion) {
  const ColumnCodec codec = Bind(kOidJsonb);
  std::string text;
  FieldBuffer out;
  for (const absl::string_view field : {"", "\x02{}", "{}", "\x01"}) {
    EXPECT_FALSE(codec.decode(field, codec.params, &text));
    EXPECT_FALSE(codec.canonical(field, codec.params, &out));
  }
}

}  // namespace
}  // namespace lite2pg
