// Viewers that stop reading, for a while and for good: they lose nothing, cost
// bounded memory, and delay nobody.

#include "tests/integration/live_node.hpp"

#include <map>
#include <thread>

namespace callboard::test {

namespace {

constexpr std::size_t mebibyte = 1u << 20;

class slow_viewers : public live_node {
protected:
  /// About `megabytes` of events of 8 KiB each.
  void publish_megabytes(int megabytes) {
    const std::string filler(8000, 'f');
    json::array events;
    for (int i = 0; i < 128; ++i)
      events.push_back(custom_event("test:big", {{"filler", filler}}));
    for (int i = 0; i < megabytes; ++i)
      published_ += publish(events).size();
  }

  /// Reads events of `in` until all of `seqs` have come, in this order.
  static void expect_exactly(ws_client& ws, const std::string& in,
                             const std::vector<std::uint64_t>& seqs) {
    std::size_t next = 0;
    const auto take = [&](const json::object& frame) {
      if (!frame.contains("seq") || text(frame, "room") != in)
        return;
      ASSERT_LT(next, seqs.size());
      ASSERT_EQ(number(frame, "seq"), seqs[next]) << "at place " << next;
      ++next;
    };
    while (next < seqs.size() && !HasFatalFailure()) {
      const auto message = ws.receive();
      if (message.type() == "lagged")
        continue;
      if (message.type() != "events") {
        take(message.data);
        continue;
      }
      for (const auto& item : message.data.at("events").as_array())
        take(item.as_object());
    }
  }

  std::uint64_t published_ = 0;
};

} // namespace

TEST_F(slow_viewers,
       one_that_stops_for_a_while_is_told_and_carried_on_from_history) {
  auto slow = viewer({}, {.receive_buffer = 16 * 1024});
  slow.subscribe(room());
  publish_megabytes(24);
  std::uint64_t next = 1;
  bool lagged = false;
  while (next <= published_) {
    const auto message = slow.receive();
    if (message.type() == "lagged") {
      lagged = true;
      EXPECT_EQ(text(message.data, "room"), room());
      EXPECT_EQ(number(message.data, "from_seq"), next);
      continue;
    }
    ASSERT_EQ(message.seq(), next) << message.text.substr(0, 200);
    ++next;
  }
  EXPECT_TRUE(lagged);
  publish(custom_event("test:after", {}));
  EXPECT_EQ(slow.receive().type(), "test:after") << "live again";
}

TEST_F(slow_viewers, filters_views_and_batches_are_carried_on_as_well) {
  const auto slow = [this](const std::string& query) {
    return viewer(query, {.receive_buffer = 16 * 1024});
  };
  auto filtered = slow("");
  filtered.subscribe(room(), {{"types", {"workflow:*"}}});
  auto run_view = slow("");
  run_view.subscribe("execution:odd", {{"project_id", project}});
  auto batched = slow("batch=1");
  batched.subscribe(room());
  auto two_rooms = slow("");
  two_rooms.subscribe(room());
  two_rooms.subscribe("project:" + project + "-other");
  std::vector<std::uint64_t> all;
  std::vector<std::uint64_t> runs;
  std::vector<std::uint64_t> odd;
  const std::string filler(8000, 'f');
  for (int i = 0; i < 1000; ++i) {
    const auto* run = i % 2 != 0 ? "odd" : "even";
    const auto seqs
      = publish(json::array{run_event(run, {{"x", filler}}),
                            custom_event("test:x", {{"x", filler}})});
    all.insert(all.end(), seqs.begin(), seqs.end());
    runs.push_back(seqs.at(0));
    if (i % 2 != 0)
      odd.push_back(seqs.at(0));
    if (i % 10 == 0)
      http.publish(project + "-other", custom_event("test:x", {{"x", filler}}));
  }
  expect_exactly(filtered, room(), runs);
  expect_exactly(run_view, room(), odd);
  expect_exactly(batched, room(), all);
  expect_exactly(two_rooms, room(), all);
}

TEST_F(slow_viewers, a_tenants_viewer_loses_nothing_of_any_project) {
  const token_claims claims{.tenant = "tenant-of-slowness"};
  ws_client slow{
    node().port(),
    {.token = make_token(claims), .socket = {.receive_buffer = 16 * 1024}}};
  slow.subscribe("tenant:tenant-of-slowness");
  auto producer = client(claims);
  const std::string filler(8000, 'f');
  constexpr std::uint64_t rounds = 500;
  for (std::uint64_t i = 0; i < rounds; ++i) {
    for (const auto* name : {"a", "b", "c"}) {
      auto event = custom_event("test:x", {{"x", filler}});
      if (*name == 'c')
        event["scope"] = "tenant";
      ASSERT_EQ(producer.publish(name, event).status / 100, 2);
    }
  }
  std::map<std::string, std::uint64_t> last;
  std::uint64_t seen = 0;
  while (seen < 3 * rounds) {
    const auto message = slow.receive();
    if (message.seq() == 0)
      continue;
    ASSERT_EQ(message.seq(), ++last[text(message.data, "room")]);
    ++seen;
  }
}

TEST_F(slow_viewers, the_largest_events_fit_through_the_queue) {
  auto ws = viewer({}, {.receive_buffer = 16 * 1024});
  ws.subscribe(room());
  const auto empty
    = json::serialize(custom_event("test:big", {{"x", ""}})).size();
  const auto largest
    = custom_event("test:big", {{"x", std::string(mebibyte - empty, 'x')}});
  for (int i = 0; i < 5; ++i)
    publish(largest);
  for (std::uint64_t seq = 1; seq <= 5; ++seq)
    ASSERT_EQ(ws.receive_type("test:big").seq(), seq);
  auto late = viewer();
  late.subscribe(room(), {{"since", 0}});
  for (std::uint64_t seq = 1; seq <= 5; ++seq)
    ASSERT_EQ(late.receive_type("test:big").seq(), seq);
}

TEST_F(slow_viewers,
       those_that_stop_for_good_cost_bounded_memory_and_delay_nobody) {
  constexpr std::size_t stopped_count = 30;
  std::vector<ws_client> stopped;
  for (std::size_t i = 0; i < stopped_count; ++i) {
    stopped.push_back(viewer({}, {.receive_buffer = 16 * 1024}));
    stopped.back().subscribe(room());
  }
  auto healthy = viewer();
  healthy.subscribe(room());
  std::uint64_t seen = 0;
  std::thread reader{[&] {
    try {
      while (seen < 48 * 128)
        seen = std::max(seen, healthy.receive().seq());
    } catch (const std::exception& x) {
      ADD_FAILURE() << x.what();
    }
  }};
  publish_megabytes(8); // caches and buffers take their size
  const auto before = node().resident_bytes();
  publish_megabytes(40);
  reader.join();
  const auto after = node().resident_bytes();
  EXPECT_EQ(seen, published_) << "the one that reads has everything";
  // 30 queues of 1 MiB at most, and what the store's buffers still grow by;
  // were the 40 MiB kept for each, it would be 1,200.
  EXPECT_LT(after, before + 150 * mebibyte);
}

TEST_F(slow_viewers, one_that_reads_drop_by_drop_stays_in_sequence) {
  auto slow = viewer({}, {.receive_buffer = 4 * 1024});
  slow.subscribe(room(), {{"since", 0}});
  auto producer = in_background([this] { publish_megabytes(6); });
  std::uint64_t next = 1;
  while (next <= 6 * 128) {
    const auto message = slow.receive();
    if (message.seq() == 0)
      continue;
    ASSERT_EQ(message.seq(), next);
    ++next;
    if (next % 64 == 0)
      short_rest();
  }
  producer.join();
}

TEST_F(slow_viewers, one_that_goes_away_without_a_word_is_cleaned_up) {
  const auto before = node().open_descriptors();
  for (int i = 0; i < 50; ++i) {
    auto ws = viewer({}, {.receive_buffer = 4 * 1024});
    ws.subscribe(room());
    if (i % 2 == 0)
      ws.abandon();
  }
  publish_megabytes(2);
  EXPECT_TRUE(
    eventually([&] { return node().open_descriptors() <= before + 2; }))
    << node().open_descriptors() << " descriptors, " << before << " before";
}

} // namespace callboard::test
