#include "transport/monitor/recovery_point.hpp"
#include "transport/principal.hpp"
#include "transport/socketio/engine_packet.hpp"

#include <gtest/gtest.h>

#include <random>

using namespace callboard;

namespace {

principal user(std::string tenant, std::string subject) {
  principal x;
  x.tenant = {std::move(tenant)};
  x.subject = std::move(subject);
  return x;
}

recovery_point with_places(std::size_t count) {
  recovery_point x{1'767'323'045'678, true, {}};
  for (std::size_t i = 0; i < count; ++i)
    x.places.push_back({{"p" + std::to_string(i)}, {i}, {}});
  return x;
}

} // namespace

TEST(recovery_point, what_is_written_is_read_again) {
  for (auto& x : {recovery_point{1, false, {}}, with_places(0), with_places(32),
                  recovery_point{2, false, {{{"p"}, {7}, {"r:1"}}}},
                  recovery_point{3,
                                 true,
                                 {{{"p"}, {18'446'744'073'709'551'615u}, {}},
                                  {{"a-b_c.d:e"}, {0}, {"r"}}}}})
    EXPECT_EQ(decode_recovery_point(encode(x)), x);
}

TEST(recovery_point, too_many_places_are_no_offset) {
  EXPECT_EQ(encode(with_places(33)), "-");
  EXPECT_FALSE(decode_recovery_point("-"));
}

TEST(recovery_point, what_nobody_wrote_is_not_read) {
  for (auto* text : {"", "1", "2 1 E", "1 x E", "1 -1 E", "1 1 X", "1 1 E\np",
                     "1 1 E\np x r", "1 1 E\np 1", "1 1 E\np 1 a b",
                     "1 1 E\n 1 r", "1 1 E x", "1 1 T\np -1"})
    EXPECT_FALSE(decode_recovery_point(engine_io::to_base64url(text))) << text;
  EXPECT_FALSE(decode_recovery_point("not base64!"));
  EXPECT_FALSE(decode_recovery_point(std::string(20'000, 'A')));
}

TEST(recovery_point, changed_bytes_do_no_harm) {
  std::mt19937 random{1};
  auto good = encode({1'767'323'045'678,
                      true,
                      {{{"project"}, {41}, {}}, {{"p"}, {7}, {"run"}}}});
  for (int i = 0; i < 20'000; ++i) {
    auto text = good;
    for (auto n = 1 + random() % 3; n > 0; --n)
      text[random() % text.size()] = static_cast<char>(random());
    auto x = decode_recovery_point(text);
    EXPECT_EQ(x ? decode_recovery_point(encode(*x)) : x, x);
  }
}

TEST(recovery_point, an_id_belongs_to_one_user) {
  auto ann = user("t1", "ann");
  auto pid = new_recovery_id(ann);
  EXPECT_TRUE(is_recovery_id_of(ann, pid));
  EXPECT_NE(pid, new_recovery_id(ann));
  EXPECT_FALSE(is_recovery_id_of(user("t1", "bob"), pid));
  EXPECT_FALSE(is_recovery_id_of(user("t2", "ann"), pid));
  EXPECT_FALSE(is_recovery_id_of(user("t1a", "nn"), pid));
  EXPECT_FALSE(is_recovery_id_of(ann, pid.substr(1)));
  EXPECT_FALSE(is_recovery_id_of(ann, ""));
  EXPECT_EQ(socket_id_of(pid), socket_id_of(pid));
  EXPECT_NE(socket_id_of(pid), pid);
}
