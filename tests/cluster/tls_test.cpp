// Mutual TLS between real nodes: a cluster forms and goes on as without, and
// whoever shows another certificate, or none, stays outside. What is wrong, and
// what to do about it, is in the log of both sides.

#include "tests/cluster/cluster_test.hpp"
#include "tests/support/certificate_maker.hpp"

namespace callboard::test {

namespace {

using validity = certificate_maker::validity;

class tls : public cluster_test {
protected:
  /// Three nodes with certificates of one authority, linked and serving.
  void make_secured_cluster() {
    make_cluster({.start = false});
    for (int i = 0; i < nodes().size(); ++i)
      show_certificate(i, authority_.make(cluster_process::name(i)),
                       authority_);
    nodes().launch_all();
    nodes().await_all();
    ASSERT_TRUE(nodes().settled());
  }

  /// What the node's next start shows, and whose certificates it takes.
  void show_certificate(int i, const certificate_maker::files& files,
                        const certificate_maker& trusted) {
    auto& env = nodes().node(i).settings().env;
    env["CALLBOARD_CLUSTER_CERTIFICATE_FILE"] = files.certificate;
    env["CALLBOARD_CLUSTER_KEY_FILE"] = files.key;
    env["CALLBOARD_CLUSTER_CA_FILE"] = trusted.ca_file();
  }

  environment& env_of(int i) {
    return nodes().node(i).settings().env;
  }

  bool log_says(int i, const std::string& line) {
    return nodes().log(i).find(line) != std::string::npos;
  }

  /// Starts a node that does not belong here. In the end its own log has
  /// `inside` and that of each member `outside`, nobody knows it, and it never
  /// serves.
  void expect_outside(int stranger, const std::string& inside,
                      const std::string& outside) {
    const auto name = cluster_process::name(stranger);
    nodes().launch(stranger);
    EXPECT_TRUE(eventually([&] { return log_says(stranger, inside); }))
      << inside << "\nis not in the log of " << name << "\n"
      << nodes().log_ends();
    for (int i = 0; i < members; ++i) {
      EXPECT_TRUE(eventually([&] { return log_says(i, outside); }))
        << outside << "\nis not in the log of n" << i << "\n"
        << nodes().log_ends();
      const auto known = json::serialize(nodes().status(i).at("nodes"));
      EXPECT_EQ(known.find('"' + name + '"'), std::string::npos) << known;
    }
    EXPECT_TRUE(nodes().node(stranger).running()) << "it may be let in later";
    EXPECT_FALSE(log_says(stranger, "is up")) << nodes().log(stranger);
    nodes().kill(stranger);
  }

  static constexpr int members = 3;
  certificate_maker authority_;
};

} // namespace

TEST_F(tls, a_cluster_forms_serves_and_takes_a_killed_node_back) {
  make_secured_cluster();
  load work{nodes()};
  EXPECT_TRUE(work.flows(40));
  for (int round = 0; round < 2; ++round) {
    const int leader = nodes().find_leader("p0");
    nodes().kill(leader);
    EXPECT_TRUE(work.flows(40)) << nodes().log_ends();
    nodes().launch(leader);
    nodes().await_ready(leader);
    EXPECT_TRUE(nodes().settled(30s)) << nodes().log_ends();
  }
  EXPECT_TRUE(work.flows(40));
  EXPECT_EQ(work.finish(), "");
}

TEST_F(tls, certificates_do_without_a_secret) {
  make_cluster({.start = false});
  for (int i = 0; i < nodes().size(); ++i) {
    show_certificate(i, authority_.make(cluster_process::name(i)), authority_);
    env_of(i)["CALLBOARD_CLUSTER_SECRET"] = "";
  }
  nodes().launch_all();
  nodes().await_all();
  EXPECT_TRUE(nodes().settled());
  EXPECT_EQ(publish(1, "p", plain_event("a")), 1u) << last_answer();
}

TEST_F(tls, strangers_stay_outside_and_both_sides_say_why) {
  make_secured_cluster();
  load work{nodes()};
  EXPECT_TRUE(work.flows(20));
  const int stranger = nodes().add();
  const auto name = cluster_process::name(stranger);
  {
    SCOPED_TRACE("of another authority");
    certificate_maker other;
    show_certificate(stranger, other.make(name), other);
    expect_outside(stranger,
                   "let an authority in this node's cluster.ca_file sign its "
                   "cluster.certificate_file",
                   "let an authority in its cluster.ca_file sign this node's "
                   "cluster.certificate_file");
  }
  {
    SCOPED_TRACE("of another authority, but trusts ours");
    certificate_maker other;
    show_certificate(stranger, other.make(name), authority_);
    expect_outside(stranger,
                   "let an authority in its cluster.ca_file sign this node's "
                   "cluster.certificate_file",
                   "let an authority in this node's cluster.ca_file sign its "
                   "cluster.certificate_file");
  }
  {
    SCOPED_TRACE("expired");
    show_certificate(stranger, authority_.make(name, name, validity::expired),
                     authority_);
    expect_outside(stranger,
                   "renew this node's cluster.certificate_file and restart it",
                   "renew its cluster.certificate_file and restart it");
  }
  {
    SCOPED_TRACE("without the secret");
    show_certificate(stranger, authority_.make(name), authority_);
    env_of(stranger)["CALLBOARD_CLUSTER_SECRET"]
      = "another-secret-that-is-long-enough-0123456789";
    expect_outside(stranger, "cluster.secret is not", "cluster.secret is not");
    env_of(stranger)["CALLBOARD_CLUSTER_SECRET"]
      = env_of(0).at("CALLBOARD_CLUSTER_SECRET");
  }
  {
    SCOPED_TRACE("without TLS");
    for (const auto* file : {"CERTIFICATE_FILE", "KEY_FILE", "CA_FILE"})
      env_of(stranger).erase(std::string{"CALLBOARD_CLUSTER_"} + file);
    expect_outside(stranger, "it speaks TLS only; set cluster.certificate_file",
                   "it speaks no TLS: give all nodes cluster.certificate_file");
  }
  // What a good one of that name would have been told.
  show_certificate(stranger, authority_.make(name), authority_);
  nodes().launch(stranger);
  EXPECT_TRUE(eventually([&] { return log_says(stranger, "is up"); }))
    << nodes().log_ends();
  nodes().kill(stranger);
  EXPECT_TRUE(work.flows(20));
  EXPECT_EQ(work.finish(), "");
}

TEST_F(tls, a_node_needs_a_certificate_of_its_own_name) {
  make_secured_cluster();
  const int stranger = nodes().add();
  const auto name = cluster_process::name(stranger);
  show_certificate(stranger, authority_.make("n1"), authority_);
  nodes().launch(stranger);
  EXPECT_EQ(nodes().node(stranger).wait_exit(), 2);
  EXPECT_TRUE(log_says(stranger, "the DNS subject alternative name \"" + name
                                   + "\" (node.name) is missing"))
    << nodes().log(stranger);
  EXPECT_TRUE(publish(1, "p", plain_event("a"))) << last_answer();
}

} // namespace callboard::test
