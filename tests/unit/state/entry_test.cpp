#include "storage/entry.hpp"
#include "storage/state_rows.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace callboard {
namespace {

event_record sample(std::string id) {
  event_record x;
  x.type = event_type::step_updated;
  x.timeline = timeline_kind::none;
  x.id = {std::move(id)};
  x.run = {"run-1"};
  x.step = {"step-1"};
  x.ts_ms = -5;
  x.tail = R"("type":"abc","data":{"changes":{"a":1}}})";
  x.type_begin = 8;
  x.type_size = 3;
  x.body_begin = 30;
  x.body_size = 7;
  return x;
}

TEST(state_entry, a_record_reads_back_as_it_was_written) {
  auto x = sample("e1");
  std::string bytes;
  encode_record(bytes, x);
  auto view = decode_record(bytes);
  ASSERT_TRUE(view) << view.error().detail;
  EXPECT_EQ(view->type, x.type);
  EXPECT_EQ(view->scope, x.scope);
  EXPECT_EQ(view->id, "e1");
  EXPECT_EQ(view->run, "run-1");
  EXPECT_EQ(view->step, "step-1");
  EXPECT_EQ(view->definition, "");
  EXPECT_EQ(view->ts_ms, -5);
  EXPECT_EQ(view->tail, x.tail);
  EXPECT_EQ(view->type_name, x.type_name());
  EXPECT_EQ(view->body, x.body());
}

TEST(state_entry, a_record_with_facts_reads_back_as_it_was_written) {
  auto x = sample("e1");
  x.facts = R"({"was":"running","phase":3})";
  std::string bytes;
  encode_record(bytes, x);
  auto view = decode_record(bytes);
  ASSERT_TRUE(view) << view.error().detail;
  EXPECT_EQ(view->facts, x.facts);
  EXPECT_EQ(view->tail, x.tail);
  EXPECT_EQ(view->body, x.body());
}

TEST(state_entry, a_record_of_the_first_format_is_one_without_facts) {
  std::string bytes;
  encode_record(bytes, sample("e1"));
  auto tail = bytes.size() - sample("e1").tail.size();
  EXPECT_EQ(bytes.substr(tail - 2, 2), std::string(2, 0)); // no mark, no facts
  bytes.erase(tail - 2, 2);
  bytes.front() = 1;
  auto old = decode_record(bytes);
  ASSERT_TRUE(old) << old.error().detail;
  EXPECT_EQ(old->tail, sample("e1").tail);
  EXPECT_EQ(old->facts, "");
  bytes.front() = 3;
  EXPECT_FALSE(decode_record(bytes));
}

TEST(state_entry, a_record_cut_anywhere_before_its_text_is_refused) {
  std::string bytes;
  encode_record(bytes, sample("e1"));
  auto text = sample("e1").tail.size();
  for (std::size_t size = 0; size < bytes.size() - text + 37; ++size)
    EXPECT_FALSE(decode_record(std::string_view{bytes}.substr(0, size)))
      << size;
}

TEST(state_entry, rows_of_the_first_format_are_read) {
  using namespace std::string_literals;
  auto tally = rows::decode_tally("\x01\x02\x03\x04"s);
  ASSERT_TRUE(tally);
  EXPECT_EQ(tally->artifacts, 4u);
  EXPECT_EQ(tally->phases, 0u);
  EXPECT_FALSE(tally->begun);
  auto step = rows::decode_step("\x01\x05\x01\x06status\x00\x09\"running\""s);
  ASSERT_TRUE(step);
  EXPECT_EQ(step->place, 5u);
  EXPECT_TRUE(step->open);
  EXPECT_FALSE(rows::decode_tally("\x03\x02\x03\x04"s));
}

TEST(state_entry, rows_keep_the_story) {
  rows::tally tally;
  tally.phases = 300;
  tally.begun = true;
  tally.failed_step = "s";
  auto read = rows::decode_tally(rows::encode(tally));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->phases, 300u);
  EXPECT_TRUE(read->begun);
  EXPECT_EQ(read->failed_step, "s");
  rows::step step;
  step.open = true;
  EXPECT_TRUE(rows::decode_step(rows::encode(step))->open);
}

TEST(state_entry, a_payload_yields_its_items_in_order) {
  room_key a{{"t"}, {"a"}}, tenant_room{{"t"}, {}};
  entry_writer out;
  EXPECT_TRUE(out.empty());
  out.add(a, {1}, 77, sample("e1"));
  out.add(a, {2}, 77, sample("e2"));
  out.trim(tenant_room, {9});
  out.add(a, {300}, 77, sample("e3"));
  EXPECT_EQ(out.count(), 4u);
  auto payload = out.take();
  EXPECT_TRUE(out.empty());

  std::vector<std::string> seen;
  entry_item item;
  entry_reader in{payload};
  while (in.next(item)) {
    std::string line = std::string{item.project} + ' '
                       + std::to_string(item.seq.value) + ' '
                       + std::to_string(item.epoch);
    if (item.op == entry_item::what::event)
      line += ' ' + std::string{decode_record(item.record)->id};
    seen.push_back(line);
  }
  EXPECT_TRUE(in.ok());
  EXPECT_EQ(seen, (std::vector<std::string>{"a 1 77 e1", "a 2 0 e2", " 9 0",
                                            "a 300 0 e3"}));
}

TEST(state_entry, a_writer_can_be_used_again_after_take) {
  room_key a{{"t"}, {"a"}};
  entry_writer out;
  out.add(a, {1}, 1, sample("e1"));
  (void)out.take();
  out.add(a, {2}, 1, sample("e2"));
  auto payload = out.take();
  entry_reader in{payload};
  entry_item item;
  ASSERT_TRUE(in.next(item));
  EXPECT_EQ(item.tenant, "t"); // said again in each payload
}

TEST(state_entry, an_empty_payload_is_a_barrier) {
  entry_reader in{""};
  entry_item item;
  EXPECT_FALSE(in.next(item));
  EXPECT_TRUE(in.ok());
}

TEST(state_entry, a_payload_cut_within_an_item_is_not_ok) {
  room_key a{{"t"}, {"a"}};
  entry_writer out;
  out.add(a, {1}, 77, sample("e1"));
  auto payload = out.take();
  for (std::size_t size = 2; size < payload.size(); ++size) {
    entry_reader in{std::string_view{payload}.substr(0, size)};
    entry_item item;
    while (in.next(item)) {
      // nop
    }
    EXPECT_FALSE(in.ok()) << size;
  }
}

} // namespace
} // namespace callboard
