#pragma once

#include "cli/client_options.hpp"
#include "cli/cluster_status.hpp"
#include "cli/exit_status.hpp"
#include "cli/http_client.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace callboard {

struct admin_options {
  client_options node;
  // status
  bool json = false;  ///< The document as it came.
  bool check = false; ///< Fail if something is wrong.
  bool watch = false; ///< Again and again, until stopped.
  std::chrono::milliseconds interval{2'000};
  // orders
  std::string name;        ///< Of the node.
  std::uint32_t shard = 0; ///< transfer, pin, unpin.
  bool wait = false;       ///< Until it is done.
  std::chrono::milliseconds timeout{600'000};
};

enum class admin_order : std::uint8_t {
  add_node,
  remove_node,
  rebalance,
  transfer,
  pin,
  unpin,
};

/// How the verbs reach the node and pass the time; tests give their own.
struct admin_node {
  std::function<result<node_reply>(
    std::string_view method, std::string_view target, std::string_view body)>
    call;
  std::function<std::chrono::steady_clock::time_point()> now;
  std::function<void(std::chrono::milliseconds)> pause;
  std::function<void(const std::string&)> print;    ///< Standard output.
  std::function<void(const std::string&)> progress; ///< Standard error.
};

/// Shows the cluster once. exit_status::failed with `check` if it has troubles.
exit_status show_status(const admin_options& x, admin_node& node);

/// Gives the order and, with `wait`, asks until it is done or the time is over
/// (exit_status::failed). While it waits, a node that does not answer is asked
/// again.
exit_status give_order(const admin_options& x, admin_order order,
                       admin_node& node);

/// The verbs: over HTTP, to the terminal.
exit_status admin_status(const admin_options& x);
exit_status admin_order_verb(const admin_options& x, admin_order order);

} // namespace callboard
