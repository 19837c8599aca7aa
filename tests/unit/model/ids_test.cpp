#include "actors/model/ids.hpp"
#include "actors/model/problem.hpp"

#include <gtest/gtest.h>

namespace callboard {
namespace {

TEST(ids_test, an_id_has_1_to_128_of_the_allowed_characters) {
  EXPECT_TRUE(valid_id("a"));
  EXPECT_TRUE(valid_id("AZaz09._:-"));
  EXPECT_TRUE(valid_id(std::string(128, 'x')));
  EXPECT_FALSE(valid_id(""));
  EXPECT_FALSE(valid_id(std::string(129, 'x')));
  for (const auto* bad : {"a b", "a/b", "ä", "a\n", "a\"", "*", "a\x7f"})
    EXPECT_FALSE(valid_id(bad)) << bad;
  EXPECT_FALSE(valid_id(std::string_view{"a\0b", 3}));
}

TEST(ids_test, a_tenant_may_be_any_text_without_control_characters) {
  EXPECT_TRUE(valid_tenant("auth0|me@example.com"));
  EXPECT_TRUE(valid_tenant("Müller \"&\" Söhne"));
  EXPECT_FALSE(valid_tenant(""));
  EXPECT_FALSE(valid_tenant(std::string(129, 'x')));
  EXPECT_FALSE(valid_tenant("a\nb"));
  EXPECT_FALSE(valid_tenant("a\x7f"));
  EXPECT_FALSE(valid_tenant("\xc2\x85")) << "U+0085 is a control character";
  EXPECT_TRUE(valid_tenant("\xc2\xa0"));
  EXPECT_FALSE(valid_tenant("\xff"));
  EXPECT_FALSE(valid_tenant("\xc3"));
}

TEST(ids_test, a_room_is_named_after_its_project_or_its_tenant) {
  EXPECT_EQ(room_name({{"acme"}, {"p1"}}), "project:p1");
  EXPECT_EQ(room_name({{"acme"}, {}}), "tenant:acme");
}

TEST(problem_test, each_code_has_the_name_and_status_of_the_contract) {
  EXPECT_EQ(to_string(errc::invalid), "invalid");
  EXPECT_EQ(to_string(errc::method_not_allowed), "method_not_allowed");
  EXPECT_EQ(to_string(errc::too_large), "too_large");
  const std::pair<errc, int> expected[]{
    {errc::invalid, 400},   {errc::unauthenticated, 401},
    {errc::forbidden, 403}, {errc::not_found, 404},
    {errc::conflict, 409},  {errc::method_not_allowed, 405},
    {errc::too_large, 413}, {errc::rate_limited, 429},
    {errc::internal, 500},  {errc::unavailable, 503}};
  for (auto [code, status] : expected)
    EXPECT_EQ(http_status(code), status) << to_string(code);
}

} // namespace
} // namespace callboard
