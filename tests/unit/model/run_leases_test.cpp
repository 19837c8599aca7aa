#include "actors/model/run_machine.hpp"

#include "tests/unit/model/drafts.hpp"

#include <gtest/gtest.h>

namespace callboard {
namespace {

using test::now_ms;
using test::room;

command_arguments command(run_command what, std::uint64_t term = 0) {
  command_arguments x;
  x.what = what;
  x.run = {"r.1"};
  x.lease.worker = "w";
  x.lease.secret = "0123456789abcdef";
  x.lease.term = term;
  x.lease.max_attempts = 2;
  return x;
}

run_machine queued() {
  run_machine machine;
  auto x = command(run_command::create);
  x.fields = R"({"workflow_definition_id":"build"})";
  auto made = machine.create(x, room, now_ms);
  EXPECT_TRUE(made);
  EXPECT_EQ(made->dispatch, (dispatch_note{dispatch_mark::queued, "build"}));
  return machine;
}

errc refusal(run_machine& machine, const command_arguments& x) {
  auto out = machine.decide(x, room, now_ms);
  return out ? errc::none : out.error().code;
}

lease_claim claim_of(const run_machine& machine) {
  auto token = lease_token({"r.1"}, *machine.brief().dispatch);
  auto claim = parse_lease(token);
  EXPECT_TRUE(claim) << token;
  return *claim;
}

std::string body(const event_record& x) {
  return std::string{x.body()};
}

TEST(run_leases_test, a_run_is_taken_once) {
  auto machine = queued();
  auto out = machine.decide(command(run_command::take), room, now_ms);
  ASSERT_TRUE(out);
  ASSERT_EQ(out->size(), 2u);
  EXPECT_NE(body((*out)[0]).find(
              R"("kind":"lease","action":"taken","worker":"w","attempt":1)"),
            std::string::npos)
    << body((*out)[0]);
  EXPECT_TRUE(body((*out)[1]).starts_with(
    R"({"status":"running","attempt":1,"worker":"w","started_at":)"))
    << body((*out)[1]);
  EXPECT_EQ(body((*out)[1]).find("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(refusal(machine, command(run_command::take)), errc::conflict);
}

TEST(run_leases_test, a_run_that_names_no_workflow_cannot_be_taken) {
  run_machine machine;
  ASSERT_TRUE(machine.create(command(run_command::create), room, now_ms));
  EXPECT_EQ(machine.brief().dispatch, nullptr);
  EXPECT_EQ(refusal(machine, command(run_command::take)), errc::conflict);
}

TEST(run_leases_test, a_lost_run_is_pending_again_and_then_fails) {
  auto machine = queued();
  ASSERT_EQ(refusal(machine, command(run_command::take)), errc::none);
  auto first = claim_of(machine);
  EXPECT_TRUE(machine.check_lease(first));
  EXPECT_EQ(refusal(machine, command(run_command::lose, 7)), errc::conflict);
  ASSERT_EQ(refusal(machine, command(run_command::lose, 1)), errc::none);
  EXPECT_EQ(machine.brief().status, run_status::pending);
  EXPECT_EQ(machine.check_lease(first).error().code, errc::conflict);
  ASSERT_EQ(refusal(machine, command(run_command::take)), errc::none);
  EXPECT_EQ(machine.check_lease(first).error().code, errc::conflict);
  EXPECT_TRUE(machine.check_lease(claim_of(machine)));
  EXPECT_EQ(machine.brief().dispatch->attempt, 2u);
  auto out = machine.decide(command(run_command::lose, 3), room, now_ms);
  ASSERT_TRUE(out);
  EXPECT_EQ(machine.brief().status, run_status::failed);
  EXPECT_NE(body((*out)[1]).find("given up: worker"), std::string::npos);
  EXPECT_NE(body((*out)[1]).find("completed_at"), std::string::npos);
}

TEST(run_leases_test, giving_a_run_back_counts_as_no_attempt) {
  auto machine = queued();
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(refusal(machine, command(run_command::take)), errc::none);
    auto x = command(run_command::release);
    x.lease.claim = claim_of(machine);
    ASSERT_EQ(refusal(machine, x), errc::none);
    EXPECT_EQ(refusal(machine, x), errc::conflict); // given back already
  }
  EXPECT_EQ(machine.brief().status, run_status::pending);
  EXPECT_EQ(machine.brief().dispatch->attempt, 0u);
  EXPECT_EQ(machine.brief().dispatch->term, 10u);
}

TEST(run_leases_test, the_end_of_a_run_is_the_end_of_its_lease) {
  auto machine = queued();
  ASSERT_EQ(refusal(machine, command(run_command::take)), errc::none);
  auto claim = claim_of(machine);
  ASSERT_EQ(refusal(machine, command(run_command::cancel)), errc::none);
  EXPECT_EQ(refusal(machine, command(run_command::lose, 1)), errc::conflict);
  auto x = command(run_command::release);
  x.lease.claim = claim;
  EXPECT_EQ(refusal(machine, x), errc::conflict);
  EXPECT_TRUE(machine.check_lease(claim)); // nobody else has had it since
}

TEST(lease_token_test, a_token_is_read_as_it_was_made) {
  dispatch_state held;
  held.attempt = 2;
  held.term = 18'446'744'073'709'551'615u;
  held.secret = std::string{"\0\x01\xff\x80", 4} + "0123456789ab";
  auto claim = parse_lease(lease_token({"a.b-c:d"}, held));
  ASSERT_TRUE(claim);
  EXPECT_EQ(*claim, (lease_claim{{"a.b-c:d"}, 2, held.term, held.secret}));
}

TEST(lease_token_test, anything_else_is_no_token) {
  std::string secret(32, 'a');
  for (auto text :
       {std::string{}, std::string{"1"}, "1.1." + secret, "1.1." + secret + ".",
        "1.1." + secret + ".a b", "-1.1." + secret + ".r",
        "1.." + secret + ".r", "1.18446744073709551616." + secret + ".r",
        "1.1." + secret.substr(1) + ".r", "1.1." + secret.substr(1) + "g.r",
        "1.1." + secret.substr(1) + "A.r"})
    EXPECT_EQ(parse_lease(text).error().code, errc::invalid) << text;
}

TEST(lease_token_test, only_a_workflows_name_that_fits_is_a_queue) {
  EXPECT_EQ(queue_of("build", "Build"), "build");
  EXPECT_EQ(queue_of("", "Build it"), "Build it");
  EXPECT_EQ(queue_of("no id", "Build it"), "Build it");
  EXPECT_EQ(queue_of("", ""), "");
  EXPECT_EQ(queue_of("", std::string(257, 'x')), "");
  EXPECT_EQ(queue_of("", std::string{"a\0b", 3}), "");
}

} // namespace
} // namespace callboard
