#include "cli/pipeline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace callboard {

using testing::ElementsAre;
using testing::HasSubstr;

namespace {

constexpr std::string_view good = R"(
name = "Build"
id = "build"
phases = ["make", "check"]
env = { LANG = "C" }

[[steps]]
id = "compile"
phase = "make"
run = "make"
retries = 2
retry_delay = "500ms"
timeout = "1m"
artifacts = ["a.out"]

[[steps]]
id = "approve"
name = "Ship it?"
phase = "check"
needs = ["compile"]
input = { prompt = "Ship?", type = "choice", options = ["yes", "no"] }

[[steps]]
id = "clean"
run = "rm -f a.out"
needs = ["approve"]
when = "always"
env = { A = "b" }
)";

std::vector<std::string> errors_of(const std::string& steps) {
  const auto parsed = parse_pipeline(
    "name = \"n\"\nid = \"i\"\nphases = [\"make\"]\n" + steps, "p");
  return parsed ? std::vector<std::string>{} : parsed.error();
}

} // namespace

TEST(pipeline, a_file_gives_steps_with_all_their_members) {
  const auto x = parse_pipeline(good, "p.toml");
  ASSERT_TRUE(x) << x.error().front();
  EXPECT_EQ(x->name, "Build");
  EXPECT_EQ(x->definition, "build");
  EXPECT_THAT(x->phases, ElementsAre("make", "check"));
  ASSERT_EQ(x->steps.size(), 3u);
  const auto& compile = x->steps[0];
  EXPECT_EQ(compile.name, "compile");
  EXPECT_EQ(compile.retries, 2u);
  EXPECT_EQ(compile.retry_delay, std::chrono::milliseconds{500});
  EXPECT_EQ(compile.timeout, std::chrono::minutes{1});
  EXPECT_THAT(compile.artifacts, ElementsAre("a.out"));
  const auto& approve = x->steps[1];
  EXPECT_THAT(approve.needed, ElementsAre(0u));
  ASSERT_TRUE(approve.input);
  EXPECT_THAT(approve.input->options, ElementsAre("yes", "no"));
  EXPECT_EQ(x->steps[2].when, run_condition::always);
  EXPECT_THAT(x->steps[2].env,
              ElementsAre(std::pair<std::string, std::string>{"A", "b"}));
}

TEST(pipeline, unknown_keys_are_errors_with_a_suggestion) {
  EXPECT_THAT(errors_of("[[steps]]\nid = \"a\"\nrun = \"x\"\nretrie = 1\n"),
              ElementsAre("p:7: step \"a\": unknown key retrie; did you mean "
                          "\"retries\"?"));
}

TEST(pipeline, a_step_must_have_something_to_do) {
  EXPECT_THAT(errors_of("[[steps]]\nid = \"a\"\n"),
              ElementsAre(HasSubstr("neither run nor input")));
}

TEST(pipeline, steps_and_phases_that_are_named_must_exist) {
  EXPECT_THAT(
    errors_of("[[steps]]\nid = \"a\"\nrun = \"x\"\nneeds = [\"b\"]\n"
              "phase = \"mike\"\n"),
    ElementsAre(HasSubstr("phase \"mike\" is not among phases; did you "
                          "mean \"make\"?"),
                HasSubstr("needs \"b\", which is not a step")));
}

TEST(pipeline, two_steps_may_not_have_one_id) {
  EXPECT_THAT(errors_of("[[steps]]\nid = \"a\"\nrun = \"x\"\n"
                        "[[steps]]\nid = \"a\"\nrun = \"x\"\n"),
              ElementsAre(HasSubstr("two of this id")));
}

TEST(pipeline, steps_may_not_need_each_other_in_a_circle) {
  const auto errors
    = errors_of("[[steps]]\nid = \"a\"\nrun = \"x\"\nneeds = [\"b\"]\n"
                "[[steps]]\nid = \"b\"\nrun = \"x\"\nneeds = [\"a\"]\n"
                "[[steps]]\nid = \"c\"\nrun = \"x\"\n");
  EXPECT_THAT(errors, ElementsAre(HasSubstr("\"a\": needs itself"),
                                  HasSubstr("\"b\": needs itself")));
}

TEST(pipeline, wrong_types_and_values_are_named) {
  EXPECT_THAT(errors_of("[[steps]]\nid = \"a\"\nrun = 1\nretries = 101\n"
                        "timeout = \"soon\"\nwhen = \"never\"\n"
                        "input = { options = [1] }\n"),
              testing::UnorderedElementsAre(
                HasSubstr("p:6: step \"a\": run: expected text"),
                HasSubstr("retries: expected a whole number from 0 to 100"),
                HasSubstr("timeout: expected a duration"),
                HasSubstr("when: expected success, failure or always"),
                HasSubstr("input: options: expected a list of texts"),
                HasSubstr("input: prompt is missing")));
}

TEST(pipeline, a_file_without_steps_is_refused) {
  EXPECT_THAT(errors_of(""), ElementsAre(HasSubstr("no [[steps]]")));
}

} // namespace callboard
