#include "tests/unit/cluster_sim/quiet_cluster.hpp"

namespace callboard::sim {
namespace {

/// What a leader that is cut off says, and what becomes of it.
class refusal_test : public quiet_cluster {
protected:
  void order(std::size_t node, std::uint64_t request, run_command what,
             const std::string& run) {
    command_request x;
    x.room = room;
    x.arguments.what = what;
    x.arguments.run.value = run;
    x.arguments.fields = "{}";
    cluster.api(node).command(to(request), std::move(x));
  }

  void cut(std::size_t node, std::size_t other) {
    cluster.links().cut(node, other, true);
    cluster.links().cut(other, node, true);
  }

  void isolate(std::size_t node) {
    for (std::size_t i = 0; i < cluster.size(); ++i)
      if (i != node)
        cut(node, i);
  }

  void become(std::size_t node, std::uint64_t request, const std::string& run,
              const std::string& status) {
    publish(node, request,
            R"({"type":"workflow:execution:updated","data":{"execution_id":")"
              + run + R"(","changes":{"status":")" + status + "\"}}}");
    ASSERT_TRUE(answered(request));
  }

  /// Something in another room of the same shard.
  void neighbour(std::size_t node, std::uint64_t request) {
    const auto mine = room;
    const auto shard = cluster.shard_of(node, mine);
    for (int i = 0; room == mine || cluster.shard_of(node, room) != shard; ++i)
      room.project.value = "q" + std::to_string(i);
    publish(node, request, R"({"type":"sim:thing:happened","id":"n1"})");
    room = mine;
  }

  errc code_of(std::uint64_t request) {
    wait([&] { return answers.contains(request); });
    auto at = answers.find(request);
    if (at == answers.end() || at->second.outcome)
      return errc::none;
    return at->second.outcome.error().code;
  }

  /// Events of the room whose frames have that in them.
  std::size_t count(std::uint64_t request, std::string_view part) {
    cluster.api(leader()).history(to(request), {room, {}, {}, {}, 1u << 20});
    auto got = answered(request);
    EXPECT_TRUE(got);
    std::size_t out = 0;
    if (got)
      for (auto& x : std::get<history_answer>(*got->outcome).chunk.events)
        out += x.frame->find(part) != std::string::npos;
    return out;
  }
};

TEST_F(refusal_test, is_told_at_once_by_a_leader_that_is_one) {
  order(leader(), 1, run_command::create, "r1");
  ASSERT_TRUE(answered(1));
  order(leader(), 2, run_command::create, "r1");
  EXPECT_EQ(code_of(2), errc::conflict);
  order(leader(), 3, run_command::pause, "nobody");
  EXPECT_EQ(code_of(3), errc::not_found);
  become(leader(), 4, "r1", "running");
  publish(leader(), 5,
          R"({"type":"workflow:execution:updated","id":"e5","data":)"
          R"({"execution_id":"r1","changes":{"status":"pending"}}})");
  auto got = answered(5);
  ASSERT_TRUE(got);
  auto& results = std::get<publish_answer>(*got->outcome).results;
  ASSERT_EQ(results.size(), 1u);
  ASSERT_TRUE(results[0].error);
  EXPECT_EQ(results[0].error->code, errc::conflict);
  EXPECT_EQ(results[0].id, "e5");
}

TEST_F(refusal_test, does_not_rest_on_what_may_never_be) {
  const auto alone = leader();
  isolate(alone);
  order(alone, 1, run_command::create, "r1");
  cluster.run_for(50);
  order(alone, 2, run_command::create, "r1"); // "exists already"?
  cluster.run_for(300);
  EXPECT_FALSE(answers.contains(2));
  cluster.crash(alone);
  cluster.links().heal();
  cluster.run_for(5000);
  const auto other = (alone + 1) % cluster.size();
  cluster.api(other).ask(to(3), query::run_detail{room, {"r1"}});
  EXPECT_EQ(code_of(3), errc::not_found) << "it never was";
}

TEST_F(refusal_test, does_not_tell_what_another_leader_has_changed) {
  const auto old = leader();
  const auto other = (old + 1) % cluster.size();
  isolate(old);
  order(old, 2, run_command::pause, "r1"); // "no run r1"?
  cluster.run_for(700);
  EXPECT_FALSE(answers.contains(2)) << "it may lead no more";
  wait([&] { return leader() != old; });
  order(other, 1, run_command::create, "r1");
  ASSERT_TRUE(answered(1));
  become(other, 4, "r1", "running");
  EXPECT_FALSE(answers.contains(2));
  cluster.links().heal();
  EXPECT_TRUE(answered(2)) << "the next leader does it";
  EXPECT_EQ(count(3, R"("status":"paused")"), 1u);
}

// It was decided, but not in the log yet, when its leader could not lead any
// more; the same node leads next.
TEST_F(refusal_test, a_command_that_waited_for_a_leader_is_done_once) {
  const auto first = leader();
  const auto a = (first + 1) % cluster.size(), b = (first + 2) % cluster.size();
  become(first, 1, "r0", "failed");
  become(first, 2, "r1", "running");
  cluster.hold_reader(first, true);
  order(first, 3, run_command::retry, "r0"); // waits for the reader
  order(first, 4, run_command::pause, "r1"); // decided, and behind that
  cluster.run_for(50);
  cluster.crash(a);
  cluster.crash(b);
  neighbour(first, 6); // it has the longest log
  wait([&] { return cluster.api(first).ready().reason[0] == '0'; });
  cluster.hold_reader(first, false);
  cut(a, b); // and the others cannot elect one of them
  cluster.restart(a);
  cluster.restart(b);
  ASSERT_TRUE(answered(4));
  EXPECT_EQ(leader(), first);
  EXPECT_EQ(count(5, R"("status":"paused")"), 1u);
}

} // namespace
} // namespace callboard::sim
