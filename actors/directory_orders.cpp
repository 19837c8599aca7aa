#include "actors/directory_orders.hpp"

#include "actors/model/json_members.hpp"

#include <type_traits>

namespace callboard {

namespace {

using json::number_of;
using json::text_of;

class order_writer {
public:
  explicit order_writer(std::string_view change) {
    out_ += "{\"change\":";
    json::append_quoted(out_, change);
  }
  order_writer& text(std::string_view key, std::string_view value) {
    (out_ += ",\"").append(key) += "\":";
    json::append_quoted(out_, value);
    return *this;
  }
  order_writer& number(std::string_view key, std::uint64_t value) {
    (out_ += ",\"").append(key) += "\":";
    json::append_number(out_, value);
    return *this;
  }
  std::string end() {
    return std::move(out_) + '}';
  }

private:
  std::string out_;
};

} // namespace

std::string encode_order(const map_order& x) {
  return std::visit(
    [](const auto& y) {
      using type = std::decay_t<decltype(y)>;
      using namespace cluster_change;
      if constexpr (std::is_same_v<type, add_node>)
        return order_writer{"add_node"}
          .text("name", y.name)
          .text("disk", y.disk)
          .text("address", y.address)
          .end();
      else if constexpr (std::is_same_v<type, remove_node>)
        return order_writer{"remove_node"}.text("name", y.name).end();
      else if constexpr (std::is_same_v<type, drop_node>)
        return order_writer{"drop_node"}.number("node", y.number.value).end();
      else if constexpr (std::is_same_v<type, rebalance>)
        return order_writer{"rebalance"}.end();
      else if constexpr (std::is_same_v<type, pin>)
        return order_writer{"pin"}
          .number("shard", y.shard.value)
          .text("name", y.node)
          .end();
      else if constexpr (std::is_same_v<type, take_out>)
        return order_writer{"take_out"}
          .number("shard", y.shard.value)
          .number("node", y.node.value)
          .number("seen", y.seen)
          .end();
      else
        return order_writer{"give_back"}
          .number("shard", y.shard.value)
          .number("node", y.node.value)
          .end();
    },
    x);
}

result<map_order> decode_order(std::string_view text) {
  auto parsed = json::document::parse(text);
  if (!parsed)
    return tl::unexpected{parsed.error()};
  auto x = parsed->root();
  if (!x.is(json::kind::object))
    return fail(errc::invalid, "an order is a JSON object");
  auto change = text_of(x, "change");
  using namespace cluster_change;
  if (change == "add_node")
    return add_node{text_of(x, "name"), text_of(x, "disk"),
                    text_of(x, "address")};
  if (change == "remove_node")
    return remove_node{text_of(x, "name")};
  if (change == "drop_node")
    return drop_node{{number_of(x, "node")}};
  if (change == "rebalance")
    return rebalance{};
  if (change == "pin")
    return pin{{number_of(x, "shard")}, text_of(x, "name")};
  if (change == "take_out")
    return take_out{
      {number_of(x, "shard")}, {number_of(x, "node")}, number_of(x, "seen")};
  if (change == "give_back")
    return give_back{{number_of(x, "shard")}, {number_of(x, "node")}};
  return fail(errc::invalid, "there is no change '" + change + "' of the map");
}

result<cluster_map> apply_order(const cluster_map& at, const map_order& x,
                                cluster_change::moment when) {
  return std::visit(
    [&](const auto& y) {
      if constexpr (requires { change(at, y, when); })
        return change(at, y, when);
      else
        return change(at, y);
    },
    x);
}

} // namespace callboard
