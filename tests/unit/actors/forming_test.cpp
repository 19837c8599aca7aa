#include "actors/membership.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <set>

namespace callboard {
namespace {

/// Nodes and links in memory. Sessions are FIFO; a session that ends takes what
/// is on its way with it; a node that crashes keeps what it made durable.
class fake_cluster {
public:
  struct node {
    std::string name, disk;
    std::vector<std::string> join;
    bool has_data = false;
    // On the disk:
    membership::memory memory;
    bool disk_full = false;
    /// The process ends as soon as it has made its cluster durable.
    bool dies_after_join = false;
    // In the process:
    std::unique_ptr<membership> logic;
    bool dead = true;
    std::string last_log;
    std::uint64_t changes = 0;
  };

  explicit fake_cluster(std::size_t count) {
    std::vector<std::string> all;
    for (std::size_t i = 1; i <= count; ++i)
      all.push_back("n" + std::to_string(i) + ":7");
    for (std::size_t i = 1; i <= count; ++i)
      add("n" + std::to_string(i), all);
  }

  node& add(const std::string& name, std::vector<std::string> join) {
    auto& x = *nodes_.emplace_back(std::make_unique<node>());
    x.name = name;
    x.disk = "disk-" + name;
    x.join = std::move(join);
    return x;
  }

  node& at(std::size_t i) {
    return *nodes_.at(i);
  }

  std::size_t size() const {
    return nodes_.size();
  }

  void start(node& x) {
    x.dead = false;
    peer_identity self{x.name, x.disk, {}, x.name + ":7", "v", 1};
    membership::hooks hooks;
    hooks.join = [&x](const std::string& cluster,
                      const std::string& genesis) -> result<void> {
      if (x.dead || x.disk_full)
        return fail(errc::unavailable, "no space");
      EXPECT_TRUE(x.memory.cluster.empty() || x.memory.cluster == cluster);
      x.memory.cluster = cluster;
      x.memory.genesis = x.memory.latest = genesis;
      x.dead = x.dies_after_join;
      return {};
    };
    hooks.remember = [&x](const std::string& map) -> result<void> {
      if (x.dead || x.disk_full)
        return fail(errc::unavailable, "no space");
      EXPECT_FALSE(x.memory.cluster.empty());
      x.memory.latest = map;
      return {};
    };
    hooks.changed = [&x](auto now, auto genesis) {
      EXPECT_NE(now, nullptr);
      if (genesis) {
        EXPECT_EQ(genesis->version, 1u);
      }
      ++x.changes;
    };
    hooks.send = [this, &x](peer_session to, remote::message what) {
      if (!x.dead)
        post(x, to, std::move(what));
    };
    hooks.new_cluster
      = [this] { return "cluster-" + std::to_string(++clusters_); };
    hooks.log = [&x](const std::string& line) { x.last_log = line; };
    x.logic = std::make_unique<membership>(
      membership::options{self, x.join, 4, 3, x.has_data}, x.memory,
      std::move(hooks));
    EXPECT_TRUE(x.logic->start());
  }

  void crash(node& x) {
    cut_all(x);
    x.logic.reset();
    x.dead = true;
  }

  void link(node& a, node& b) {
    if (a.dead || b.dead || &a == &b || linked(a, b))
      return;
    peer_session session{++sessions_};
    links_.push_back({session, &a, &b, {}, {}});
    a.logic->up(session, identity(b));
    b.logic->up(session, identity(a));
  }

  void cut_all(node& x) {
    for (auto i = links_.size(); i-- > 0;)
      if (links_[i].a == &x || links_[i].b == &x)
        cut(i);
  }

  void cut(std::size_t i) {
    auto gone = std::move(links_[i]);
    links_.erase(links_.begin() + static_cast<std::ptrdiff_t>(i));
    for (auto end : {gone.a, gone.b})
      if (end->logic)
        end->logic->down(gone.session);
  }

  /// One message of one link. False: nothing is under way.
  bool deliver_one(std::mt19937& random) {
    bury();
    std::vector<std::pair<link_state*, bool>> busy;
    for (auto& x : links_) {
      if (!x.to_a.empty())
        busy.emplace_back(&x, true);
      if (!x.to_b.empty())
        busy.emplace_back(&x, false);
    }
    if (busy.empty())
      return false;
    auto [link, to_a] = busy[random() % busy.size()];
    auto& queue = to_a ? link->to_a : link->to_b;
    auto frame = std::move(queue.front());
    queue.pop_front();
    auto& logic = *(to_a ? link->a : link->b)->logic;
    auto what = remote::decode(frame);
    EXPECT_TRUE(what);
    if (auto x = std::get_if<remote::forming_notice>(&*what))
      logic.hear(link->session, *x);
    else
      logic.hear(link->session, std::get<remote::map_notice>(*what));
    bury();
    return true;
  }

  void settle(std::mt19937& random) {
    for (int rounds = 0; rounds < 4; ++rounds) {
      for (auto& a : nodes_)
        for (auto& b : nodes_)
          link(*a, *b);
      for (auto& x : nodes_)
        if (x->logic)
          x->logic->tick(now_ms_ += 1000);
      int bound = 100'000;
      while (deliver_one(random) && bound-- > 0)
        continue;
      EXPECT_GT(bound, 0);
    }
  }

  void pass(std::uint64_t ms) {
    now_ms_ += ms;
    for (auto& x : nodes_)
      if (x->logic)
        x->logic->tick(now_ms_);
  }

  /// Nobody ever has another first map than anybody else.
  std::set<std::string> clusters() const {
    std::set<std::string> out;
    for (auto& x : nodes_)
      if (!x->memory.cluster.empty())
        out.insert(x->memory.cluster + '/' + x->memory.genesis);
    return out;
  }

  std::size_t link_count() const {
    return links_.size();
  }

private:
  struct link_state {
    peer_session session;
    node* a;
    node* b;
    std::deque<std::string> to_a, to_b;
  };

  bool linked(const node& a, const node& b) const {
    return std::ranges::any_of(links_, [&](auto& x) {
      return (x.a == &a && x.b == &b) || (x.a == &b && x.b == &a);
    });
  }

  static peer_identity identity(const node& x) {
    return {x.name, x.disk, x.memory.cluster, x.name + ":7", "v", 1};
  }

  void post(node& from, peer_session to, remote::message what) {
    for (auto& x : links_)
      if (x.session == to)
        (x.a == &from ? x.to_b : x.to_a).push_back(remote::encode(what));
  }

  /// Processes that ended amid something.
  void bury() {
    for (auto& x : nodes_)
      if (x->dead && x->logic)
        crash(*x);
  }

  std::vector<std::unique_ptr<node>> nodes_;
  std::vector<link_state> links_;
  std::uint64_t sessions_ = 0, clusters_ = 0, now_ms_ = 0;
};

void start_all(fake_cluster& net) {
  for (std::size_t i = 0; i < net.size(); ++i)
    net.start(net.at(i));
}

void expect_formed(fake_cluster& net, std::size_t members) {
  ASSERT_EQ(net.clusters().size(), 1u);
  for (std::size_t i = 0; i < members; ++i) {
    auto& logic = *net.at(i).logic;
    ASSERT_TRUE(logic.formed()) << net.at(i).name << ": " << net.at(i).last_log;
    EXPECT_EQ(logic.map()->nodes.size(), members);
    EXPECT_EQ(logic.self()->name, net.at(i).name);
    EXPECT_EQ(*logic.genesis(), *net.at(0).logic->genesis());
  }
}

TEST(forming, addresses_are_taken_apart_at_commas) {
  EXPECT_EQ(join_addresses(" a:1, b:2,,b:2 ,c:3"),
            (std::vector<std::string>{"a:1", "b:2", "c:3"}));
  EXPECT_TRUE(join_addresses("").empty());
}

TEST(forming, a_node_that_names_nobody_is_a_cluster_of_one_at_once) {
  fake_cluster net{0};
  auto& x = net.add("n1", {});
  net.start(x);
  ASSERT_TRUE(x.logic->formed());
  EXPECT_EQ(x.logic->map()->shards.size(), 4u);
  EXPECT_EQ(x.changes, 1u);
  EXPECT_EQ(x.memory.latest, encode(*x.logic->map()));
}

TEST(forming, the_nodes_that_name_each_other_become_one_cluster) {
  for (std::size_t count : {1, 2, 3, 5}) {
    std::mt19937 random{7};
    fake_cluster net{count};
    start_all(net);
    net.settle(random);
    expect_formed(net, count);
  }
}

TEST(forming, nothing_is_founded_before_all_are_there) {
  std::mt19937 random{7};
  fake_cluster net{3};
  net.start(net.at(0));
  net.start(net.at(1));
  net.settle(random);
  EXPECT_TRUE(net.clusters().empty());
  net.pass(40'000);
  net.pass(40'000);
  EXPECT_EQ(net.at(0).last_log, "belongs to no cluster: 3 nodes form the "
                                "cluster, 2 are there: this one and n2");
  net.start(net.at(2));
  net.settle(random);
  expect_formed(net, 3);
}

TEST(forming, nodes_that_count_differently_wait_and_say_so) {
  std::mt19937 random{7};
  fake_cluster net{3};
  net.at(2).join = {"n1:7", "n2:7", "n4:7"};
  start_all(net);
  net.settle(random);
  net.pass(40'000);
  EXPECT_TRUE(net.clusters().empty());
  EXPECT_NE(net.at(0).last_log.find("n3 (it expects 4)"), std::string::npos);
}

TEST(forming, a_founder_that_dies_before_it_tells_anybody_tells_them_later) {
  std::mt19937 random{7};
  fake_cluster net{3};
  net.at(0).dies_after_join = true;
  start_all(net);
  net.settle(random);
  EXPECT_EQ(net.clusters().size(), 1u);
  EXPECT_TRUE(net.at(1).memory.cluster.empty());
  net.at(0).dies_after_join = false;
  net.start(net.at(0));
  net.settle(random);
  expect_formed(net, 3);
}

TEST(forming, a_founder_that_never_comes_back_is_not_needed_by_the_told) {
  std::mt19937 random{7};
  fake_cluster net{3};
  net.start(net.at(0));
  net.start(net.at(1));
  net.settle(random);
  net.start(net.at(2));
  // n2 is told, n3 dies before it keeps it, then the founder is lost.
  net.at(2).dies_after_join = true;
  net.settle(random);
  net.crash(net.at(0));
  net.at(2).dies_after_join = false;
  net.at(2).memory = {};
  net.start(net.at(2));
  net.settle(random);
  EXPECT_EQ(net.clusters().size(), 1u);
  EXPECT_TRUE(net.at(2).logic->formed());
  EXPECT_NE(net.at(2).logic->genesis(), nullptr);
}

TEST(forming, a_node_with_a_full_disk_joins_when_there_is_room) {
  std::mt19937 random{7};
  fake_cluster net{3};
  net.at(1).disk_full = true;
  start_all(net);
  net.settle(random);
  EXPECT_FALSE(net.at(1).logic->formed());
  net.at(1).disk_full = false;
  net.settle(random);
  expect_formed(net, 3);
}

TEST(forming, a_node_that_is_not_in_the_map_waits_to_be_taken_in) {
  std::mt19937 random{7};
  fake_cluster net{3};
  start_all(net);
  net.settle(random);
  auto& fresh = net.add("n4", {"n1:7", "n2:7", "n3:7"});
  net.start(fresh);
  net.settle(random);
  net.pass(40'000);
  net.pass(40'000);
  EXPECT_FALSE(fresh.logic->formed());
  EXPECT_NE(fresh.last_log.find("callboard admin add-node n4"),
            std::string::npos);
  auto& first = *net.at(0).logic;
  ASSERT_NE(first.linked("n4"), nullptr);
  auto map
    = change(*first.map(), cluster_change::add_node{"n4", "disk-n4", "n4:7"});
  first.applied(encode(*map));
  net.settle(random);
  ASSERT_TRUE(fresh.logic->formed());
  EXPECT_EQ(*fresh.logic->map(), *map);
  EXPECT_EQ(fresh.logic->genesis(), nullptr); // it founds nothing
  EXPECT_EQ(*net.at(2).logic->map(), *map);
  EXPECT_EQ(fresh.logic->targets().size(), 3u);
  // And comes back as what it is.
  net.crash(fresh);
  net.start(fresh);
  EXPECT_EQ(fresh.logic->self()->number.value, 4u);
}

TEST(forming, a_node_that_lost_its_disk_says_which_one_to_remove) {
  std::mt19937 random{7};
  fake_cluster net{3};
  start_all(net);
  net.settle(random);
  net.crash(net.at(2));
  net.at(2).disk = "another-disk";
  net.at(2).memory = {};
  net.start(net.at(2));
  net.settle(random);
  net.pass(40'000);
  net.pass(40'000);
  EXPECT_FALSE(net.at(2).logic->formed());
  EXPECT_NE(net.at(2).last_log.find("callboard admin remove-node n3"),
            std::string::npos);
}

TEST(forming, a_node_with_data_of_its_own_forms_only_a_cluster_of_one) {
  std::mt19937 random{7};
  fake_cluster net{3};
  net.at(0).has_data = true;
  start_all(net);
  net.settle(random);
  net.pass(40'000);
  net.pass(40'000);
  EXPECT_TRUE(net.clusters().empty());
  EXPECT_NE(net.at(0).last_log.find("empty cluster.join"), std::string::npos);
  fake_cluster one{0};
  auto& x = one.add("n1", {});
  x.has_data = true;
  one.start(x);
  EXPECT_TRUE(x.logic->formed());
}

TEST(forming, only_newer_maps_of_the_own_cluster_are_taken) {
  std::mt19937 random{7};
  fake_cluster net{3};
  start_all(net);
  net.settle(random);
  auto& logic = *net.at(0).logic;
  auto newer = change(*logic.map(), cluster_change::remove_node{"n3"}).value();
  auto foreign = newer;
  foreign.cluster = "other";
  logic.hear({99}, remote::map_notice{encode(foreign)});
  EXPECT_EQ(logic.map()->version, 1u);
  logic.hear({99}, remote::map_notice{encode(newer)});
  EXPECT_EQ(logic.map()->version, 2u);
  logic.hear({99}, remote::map_notice{encode(*logic.genesis())});
  EXPECT_EQ(logic.map()->version, 2u);
  logic.hear({99}, remote::map_notice{"garbage"});
  net.settle(random);
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_EQ(net.at(i).logic->map()->version, 2u);
}

TEST(forming, a_removed_node_says_that_it_is_no_member) {
  std::mt19937 random{7};
  fake_cluster net{3};
  start_all(net);
  net.settle(random);
  auto& first = *net.at(0).logic;
  auto map = change(*first.map(), cluster_change::remove_node{"n3"}).value();
  map = change(map, cluster_change::drop_node{{3}}).value();
  first.applied(encode(map));
  net.settle(random);
  EXPECT_EQ(net.at(2).logic->self(), nullptr);
  EXPECT_NE(net.at(2).last_log.find("no member"), std::string::npos);
}

TEST(forming, whoever_dies_or_is_cut_off_when_there_is_one_cluster_at_most) {
  for (unsigned seed = 1; seed <= 1500; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random{seed};
    fake_cluster net{1 + random() % 5};
    for (int step = 0; step < 150; ++step) {
      auto& a = net.at(random() % net.size());
      auto& b = net.at(random() % net.size());
      switch (random() % 8) {
      case 0:
        if (a.dead && !a.logic) {
          a.dies_after_join = random() % 4 == 0;
          net.start(a);
        }
        break;
      case 1:
        if (!a.dead && random() % 3 == 0)
          net.crash(a);
        break;
      case 2:
      case 3:
        net.link(a, b);
        break;
      case 4:
        if (net.link_count() > 0 && random() % 3 == 0)
          net.cut(random() % net.link_count());
        break;
      case 5:
        net.pass(300);
        break;
      default:
        net.deliver_one(random);
      }
      ASSERT_LE(net.clusters().size(), 1u);
    }
    for (std::size_t i = 0; i < net.size(); ++i) {
      net.at(i).dies_after_join = false;
      if (net.at(i).dead)
        net.crash(net.at(i));
      if (!net.at(i).logic)
        net.start(net.at(i));
    }
    net.settle(random);
    expect_formed(net, net.size());
  }
}

} // namespace
} // namespace callboard
