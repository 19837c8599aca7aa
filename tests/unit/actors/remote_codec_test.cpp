#include "actors/model/event_record.hpp"
#include "actors/remote.hpp"

#include "tests/unit/actors/remote_samples.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <set>

namespace callboard::remote {
namespace {

std::string_view as_view(const shared_bytes& x) {
  return x ? std::string_view{*x} : std::string_view{};
}

publish_request request_of(const message& x) {
  return std::get<publish_request>(std::get<call>(x).body);
}

publish_request travelled(publish_request x) {
  auto frame = encode(call{{1}, 2, std::move(x)});
  auto out = decode(frame);
  EXPECT_TRUE(out) << out.error().detail;
  return request_of(*out);
}

void expect_equal(const event_draft& a, const event_draft& b) {
  EXPECT_EQ(a.type, b.type);
  EXPECT_EQ(a.scope, b.scope);
  EXPECT_EQ(a.delivery, b.delivery);
  EXPECT_EQ(a.timeline, b.timeline);
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.id_given, b.id_given);
  EXPECT_EQ(a.run, b.run);
  EXPECT_EQ(a.step, b.step);
  EXPECT_EQ(a.definition, b.definition);
  EXPECT_EQ(*a.source, *b.source);
  EXPECT_EQ(a.type_name, b.type_name);
  EXPECT_EQ(a.ts, b.ts);
  EXPECT_EQ(a.data, b.data);
  EXPECT_EQ(a.body, b.body);
  EXPECT_EQ(a.run_status_to, b.run_status_to);
  EXPECT_EQ(a.step_status_to, b.step_status_to);
  EXPECT_EQ(a.has_created_at, b.has_created_at);
  EXPECT_EQ(a.has_started_at, b.has_started_at);
  EXPECT_EQ(a.has_completed_at, b.has_completed_at);
  EXPECT_EQ(a.clears_started_at, b.clears_started_at);
  EXPECT_EQ(a.clears_completed_at, b.clears_completed_at);
  EXPECT_EQ(a.input_request, b.input_request);
  EXPECT_EQ(a.has_project_id, b.has_project_id);
  EXPECT_EQ(a.has_body_id, b.has_body_id);
}

/// Reads whatever the message's views point to, as a node that got it does.
void use(const message& x) {
  if (auto told = std::get_if<room_events>(&x)) {
    std::string read;
    for (auto& event : told->batch->events)
      read += std::string{event.type_name} + *event.frame;
    EXPECT_LT(read.size(), 1u << 20);
  }
  auto asked = std::get_if<call>(&x);
  if (asked == nullptr || !std::holds_alternative<publish_request>(asked->body))
    return;
  for (auto& item : std::get<publish_request>(asked->body).items)
    if (auto draft = std::get_if<event_draft>(&item)) {
      EXPECT_FALSE(ephemeral_frame(*draft, {}, 0).empty());
      EXPECT_FALSE(make_record(*draft, {}, 0, {}).tail.empty());
    }
}

TEST(remote_codec, every_message_survives_the_way_there) {
  std::set<std::size_t> kinds;
  for (auto& x : test::remote_samples()) {
    auto frame = encode(x);
    EXPECT_EQ(static_cast<std::uint8_t>(frame.at(0)), x.index());
    auto back = decode(frame);
    ASSERT_TRUE(back) << x.index() << ": " << back.error().detail;
    EXPECT_EQ(back->index(), x.index());
    // The samples have no field at its default, so that what is lost shows.
    EXPECT_EQ(encode(*back), frame) << x.index();
    kinds.insert(x.index());
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<message>);
}

TEST(remote_codec, every_body_and_every_outcome_is_among_the_samples) {
  std::set<std::size_t> bodies, queries, outcomes, admin;
  for (auto& x : test::remote_samples()) {
    if (auto c = std::get_if<call>(&x)) {
      bodies.insert(c->body.index());
      if (auto q = std::get_if<query::any>(&c->body))
        queries.insert(q->index());
    }
    if (auto as = std::get_if<call_answers>(&x))
      for (auto& a : as->answers)
        outcomes.insert(a.outcome ? a.outcome->index() : 99);
    if (auto a = std::get_if<admin_call>(&x))
      admin.insert(a->request.index());
  }
  EXPECT_EQ(bodies.size(), std::variant_size_v<call_body>);
  EXPECT_EQ(queries.size(), std::variant_size_v<query::any>);
  EXPECT_EQ(outcomes.size(), 4u);
  EXPECT_EQ(admin.size(), std::variant_size_v<admin_request>);
}

TEST(remote_codec, values_arrive_as_they_were_sent) {
  auto back = decode(
    encode(room_joined_by{{2}, {{{"acme"}, {"p1"}}, {10}, {3}, 4, 77, {12}}}));
  auto& joined = std::get<room_joined_by>(*back);
  EXPECT_EQ(joined.hub.value, 2u);
  EXPECT_EQ(joined.answer.room, (room_key{{"acme"}, {"p1"}}));
  EXPECT_EQ(joined.answer.head.value, 10u);
  EXPECT_EQ(joined.answer.oldest.value, 3u);
  EXPECT_EQ(joined.answer.epoch, 4u);
  EXPECT_EQ(joined.answer.token, 77u);
  EXPECT_EQ(joined.answer.term.value, 12u);
  back = decode(encode(
    call{{6},
         41,
         take_request{{{"t"}, {}}, "q", "w", std::chrono::milliseconds{-7}}}));
  auto& taken = std::get<take_request>(std::get<call>(*back).body);
  EXPECT_EQ(taken.wait.count(), -7);
  EXPECT_EQ(taken.worker, "w");
  EXPECT_EQ(std::get<call>(*back).token, 41u);
}

TEST(remote_codec, a_draft_arrives_with_everything_that_was_parsed) {
  for (auto& x : test::remote_samples()) {
    auto c = std::get_if<call>(&x);
    if (c == nullptr || !std::holds_alternative<publish_request>(c->body))
      continue;
    auto sent = request_of(x);
    auto got = travelled(sent);
    EXPECT_EQ(got.room, sent.room);
    EXPECT_EQ(got.bytes, sent.bytes);
    EXPECT_EQ(got.lease, sent.lease);
    ASSERT_EQ(got.items.size(), sent.items.size());
    for (std::size_t i = 0; i < sent.items.size(); ++i) {
      ASSERT_EQ(got.items[i].index(), sent.items[i].index());
      if (auto draft = std::get_if<event_draft>(&sent.items[i]))
        expect_equal(std::get<event_draft>(got.items[i]), *draft);
    }
  }
}

TEST(remote_codec, the_drafts_of_one_text_share_it_on_the_other_side_too) {
  auto sent = test::published_drafts(100);
  auto text = std::get<event_draft>(sent.items[0]).source;
  EXPECT_LT(encode(call{{1}, 2, sent}).size(),
            text->size() + 100 * 128); // once, not a hundred times
  auto got = travelled(sent);
  auto& first = std::get<event_draft>(got.items.front());
  for (auto& item : got.items) {
    auto& draft = std::get<event_draft>(item);
    EXPECT_EQ(draft.source, first.source);
    EXPECT_GE(draft.data.data(), first.source->data());
    EXPECT_LT(draft.data.data(), first.source->data() + first.source->size());
  }
}

TEST(remote_codec, a_text_that_comes_back_is_not_sent_again) {
  publish_request sent{{{"t"}, {"p"}}, {}, 0, {}};
  auto a = test::published_drafts(1).items[0];
  auto b = test::published_drafts(2).items[1];
  auto c = test::published_drafts(3).items[2];
  for (auto& item : {a, b, a, a, c, b, c, a})
    sent.items.push_back(item);
  auto got = travelled(sent);
  std::set<const std::string*> texts;
  for (std::size_t i = 0; i < sent.items.size(); ++i) {
    auto& draft = std::get<event_draft>(got.items[i]);
    expect_equal(draft, std::get<event_draft>(sent.items[i]));
    texts.insert(draft.source.get());
  }
  EXPECT_EQ(texts.size(), 3u);
}

TEST(remote_codec, what_a_room_says_is_encoded_once_for_all_nodes) {
  for (auto& x : test::remote_samples())
    if (auto told = std::get_if<room_events>(&x)) {
      auto frame = encoded(*told->batch);
      EXPECT_EQ(*frame, encode(x));
      EXPECT_EQ(encoded(*told->batch), frame);
      auto back = decode(*frame);
      ASSERT_TRUE(back);
      auto& got = *std::get<room_events>(*back).batch;
      EXPECT_EQ(got.room, told->batch->room);
      EXPECT_EQ(got.previous, told->batch->previous);
      EXPECT_EQ(got.term, told->batch->term);
      ASSERT_EQ(got.events.size(), 3u);
      for (std::size_t i = 0; i < 3; ++i) {
        auto& a = got.events[i];
        auto& b = told->batch->events[i];
        EXPECT_EQ(a.seq, b.seq);
        EXPECT_EQ(a.type_name, b.type_name);
        EXPECT_EQ(a.type_name.data() - a.frame->data(),
                  b.type_name.data() - b.frame->data());
        EXPECT_EQ(a.run, b.run);
        EXPECT_EQ(a.step, b.step);
        EXPECT_EQ(*a.frame, *b.frame);
        EXPECT_EQ(a.facts != nullptr, b.facts != nullptr);
        EXPECT_EQ(as_view(a.facts), as_view(b.facts));
      }
    }
}

TEST(remote_codec, a_type_named_by_a_constant_is_found_in_the_frame) {
  posted_event x;
  x.type_name = "workflow:execution:step:stream";
  x.frame = std::make_shared<const std::string>(
    stream_snapshot_frame({{"t"}, {"p"}}, {"r"}, {"s"}, "abc", 0));
  x.snapshot = true;
  auto back = decode(encode(streams{{1}, {{{"t"}, {"p"}}, 5, {x}}}));
  ASSERT_TRUE(back);
  auto& got = std::get<streams>(*back).answer.events.at(0);
  EXPECT_EQ(got.type_name, x.type_name);
  EXPECT_EQ(got.type_name.data(), got.frame->data() + 9);
  EXPECT_TRUE(got.snapshot);
}

TEST(remote_codec, a_frame_cut_short_anywhere_is_refused) {
  for (auto& x : test::remote_samples()) {
    auto frame = encode(x);
    for (std::size_t size = 0; size < frame.size(); ++size) {
      std::string part{frame, 0, size}; // own memory, for sanitizers
      part.shrink_to_fit();
      auto back = decode(part);
      ASSERT_FALSE(back) << x.index() << " at " << size;
      EXPECT_EQ(back.error().code, errc::invalid);
      EXPECT_FALSE(back.error().detail.empty());
    }
    EXPECT_FALSE(decode(frame + '\0')) << "with more behind it";
  }
}

TEST(remote_codec, another_version_or_an_unknown_type_is_refused) {
  auto frame = encode(leave_room{{{"t"}, {"p"}}});
  auto other = frame;
  other[1] = 2;
  EXPECT_FALSE(decode(other));
  other = frame;
  other[0] = static_cast<char>(std::variant_size_v<message>);
  EXPECT_FALSE(decode(other));
}

TEST(remote_codec, damaged_frames_never_crash_and_what_is_taken_can_be_sent) {
  std::mt19937 random{20260102};
  std::size_t taken = 0, refused = 0;
  for (auto& x : test::remote_samples()) {
    auto frame = encode(x);
    for (int i = 0; i < 3000; ++i) {
      auto bad = frame;
      for (auto n = 1 + random() % 3; n > 0; --n) {
        auto at = random() % bad.size();
        switch (random() % 4) {
        case 0:
          bad[at] = static_cast<char>(random());
          break;
        case 1: // sizes and offsets like to be huge or zero
          bad[at] = static_cast<char>(random() % 2 == 0 ? 0xff : 0);
          break;
        case 2:
          bad.erase(at, 1 + random() % 4);
          break;
        default:
          bad.insert(at, bad.substr(at, random() % 16));
        }
        if (bad.empty())
          bad.push_back('\0');
      }
      auto back = decode(bad);
      ++(back ? taken : refused);
      if (!back)
        continue;
      EXPECT_LE(encode(*back).size(), bad.size());
      use(*back);
    }
  }
  EXPECT_GT(taken, 1000u);
  EXPECT_GT(refused, 1000u);
}

TEST(remote_codec, a_count_beyond_the_frame_is_refused_before_it_is_believed) {
  // call, shard, token, publish_request with empty room names, bytes, no lease
  auto frame = encode(call{{1}, 2, publish_request{{}, {}, 0, {}}});
  auto claims = [&](std::uint32_t count, const std::string& behind) {
    auto x = frame.substr(0, frame.size() - 4);
    for (int shift = 24; shift >= 0; shift -= 8)
      x.push_back(static_cast<char>(count >> shift));
    return decode(x + behind);
  };
  EXPECT_TRUE(claims(0, ""));
  EXPECT_FALSE(claims(0xffffffff, ""));
  EXPECT_FALSE(claims(0xffffffff, std::string(1 << 16, '\0')));
  // The smallest item there is, a refusal without id and reason, would take
  // forty times as much memory as frame: nobody sends many of them.
  std::string smallest(7, '\0');
  std::string many;
  for (int i = 0; i < 1'000'000; ++i)
    many += smallest;
  EXPECT_TRUE(claims(3, many.substr(0, 21)));
  EXPECT_FALSE(claims(1'000'000, many));
}

TEST(remote_codec, drafts_are_cheap) {
  constexpr std::size_t count = 1000;
  message sent = call{{1}, 2, test::published_drafts(count)};
  auto clock = [] { return std::chrono::steady_clock::now(); };
  auto best_encode = std::chrono::nanoseconds::max(), best_decode = best_encode;
  for (int i = 0; i < 20; ++i) {
    auto begin = clock();
    auto frame = encode(sent);
    auto middle = clock();
    auto back = decode(frame);
    auto end = clock();
    ASSERT_TRUE(back);
    best_encode
      = std::min(best_encode, std::chrono::nanoseconds{middle - begin});
    best_decode = std::min(best_decode, std::chrono::nanoseconds{end - middle});
  }
  RecordProperty("encode_ns_per_draft",
                 static_cast<int>(best_encode.count() / 1000));
  RecordProperty("decode_ns_per_draft",
                 static_cast<int>(best_decode.count() / 1000));
  // Parsing one takes about 1000 ns; a generous bound that any machine keeps.
  EXPECT_LT(best_encode.count() / 1000, 5000);
  EXPECT_LT(best_decode.count() / 1000, 10000);
}

} // namespace
} // namespace callboard::remote
