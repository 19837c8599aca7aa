#include "config/describe_settings.hpp"
#include "config/load_settings.hpp"
#include "config/suggest.hpp"
#include "config/toml_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace callboard {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

/// A file that goes away with the test.
class temporary_file {
public:
  explicit temporary_file(std::string_view text) {
    path_ = std::filesystem::temp_directory_path()
            / ("callboard-" + std::to_string(::getpid()) + ".toml");
    std::ofstream{path_} << text;
  }
  ~temporary_file() {
    std::filesystem::remove(path_);
  }
  std::string path() const {
    return path_.string();
  }

private:
  std::filesystem::path path_;
};

std::vector<std::string> errors_of(std::string_view toml) {
  settings conf;
  std::vector<std::string> errors;
  read_toml_text(conf, toml, "f.toml", errors);
  return errors;
}

std::vector<std::string> errors_of(setting_sources from) {
  auto loaded = load_settings(from);
  return loaded ? std::vector<std::string>{} : loaded.error();
}

} // namespace

TEST(load_settings, flags_win_over_the_environment_which_wins_over_the_file) {
  const temporary_file file{"[listen]\nthreads = 3\nheader_timeout = \"3s\"\n"
                            "body_timeout = \"3s\"\n"};
  const auto loaded = load_settings(
    {.file = file.path(),
     .environment = {{"CALLBOARD_LISTEN_HEADER_TIMEOUT", "4s"},
                     {"CALLBOARD_LISTEN_BODY_TIMEOUT", "4s"}},
     .flags = {{find_setting("listen", "body_timeout"), "5s"}}});
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->conf.listen.threads, 3u);
  EXPECT_EQ(loaded->conf.listen.header_timeout, std::chrono::seconds{4});
  EXPECT_EQ(loaded->conf.listen.body_timeout, std::chrono::seconds{5});
  EXPECT_THAT(loaded->warnings, IsEmpty());
}

TEST(load_settings, without_any_source_the_defaults_hold) {
  const auto loaded = load_settings({});
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->conf.listen.address, "127.0.0.1:8080");
  EXPECT_EQ(loaded->conf.engine.shards, 16u);
}

TEST(load_settings, unknown_sections_and_keys_are_errors_with_a_suggestion) {
  EXPECT_THAT(
    errors_of("[lisen]\nadress = 1\n[listen]\nadress = \"x:1\"\n[zzzzzzzz]\n"),
    testing::UnorderedElementsAre(
      "f.toml:1: unknown section [lisen]; did you mean \"listen\"?",
      "f.toml:4: unknown key listen.adress; did you mean \"address\"?",
      "f.toml:5: unknown section [zzzzzzzz]"));
}

TEST(load_settings, a_wrong_type_names_line_key_value_and_what_is_allowed) {
  EXPECT_THAT(
    errors_of("[listen]\nthreads = \"two\"\n"),
    ElementsAre("f.toml:2: listen.threads = \"two\": expected a whole "
                "number from 1 to 256"));
  EXPECT_THAT(errors_of("[listen]\nidle_timeout = 30\n"),
              ElementsAre("f.toml:2: listen.idle_timeout = 30: expected a "
                          "duration from 100ms to 1d"));
  EXPECT_THAT(
    errors_of("[listen]\naddress = [1]\n"),
    ElementsAre(HasSubstr("listen.address = an array: expected HOST")));
  EXPECT_THAT(errors_of("listen = 3\n"),
              ElementsAre("f.toml:1: listen is a section: write [listen], then "
                          "its keys"));
}

TEST(load_settings, a_value_out_of_range_names_the_range) {
  EXPECT_THAT(
    errors_of("[engine]\nshards = 0\n"),
    ElementsAre("f.toml:2: engine.shards = 0: expected a whole number "
                "from 1 to 1024"));
  EXPECT_THAT(errors_of("[engine]\nshards = -1\n"), testing::SizeIs(1));
  EXPECT_THAT(errors_of("[limits]\nevent_bytes = \"1GiB\"\n"),
              ElementsAre(HasSubstr("expected a size from 1KiB to 64MiB")));
  EXPECT_THAT(errors_of("[log]\nlevel = \"loud\"\n"),
              ElementsAre(HasSubstr("one of trace, debug, info, warn, error")));
}

TEST(load_settings, all_errors_of_a_file_are_reported_at_once) {
  EXPECT_THAT(errors_of("[engine]\nshards = 0\nshard = 1\n[nod]\n"),
              testing::SizeIs(3));
}

TEST(load_settings, broken_toml_names_the_line) {
  EXPECT_THAT(errors_of("[listen]\nthreads = \n"),
              ElementsAre(testing::StartsWith("f.toml:2: ")));
}

TEST(load_settings, a_file_that_cannot_be_read_is_named) {
  EXPECT_THAT(
    errors_of(setting_sources{.file = "/nowhere/x.toml"}),
    ElementsAre(HasSubstr("/nowhere/x.toml: cannot be read: No such")));
}

TEST(load_settings, the_secret_is_read_from_the_environment_only) {
  const auto loaded
    = load_settings({.environment = {{"CALLBOARD_AUTH_SECRET", "s3cret"}}});
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->conf.auth.secret, "s3cret");
  EXPECT_EQ(shown_value(loaded->conf, *find_setting("auth", "secret")),
            "(set)");
  EXPECT_THAT(errors_of("[auth]\nsecret = \"s3cret\"\n"),
              ElementsAre(testing::AllOf(HasSubstr("CALLBOARD_AUTH_SECRET"),
                                         testing::Not(HasSubstr("s3cret")))));
}

TEST(load_settings, a_bad_secret_is_not_printed) {
  const auto errors
    = errors_of({.environment = {{"CALLBOARD_AUTH_SECRET", "two\nlines"}}});
  EXPECT_THAT(errors, ElementsAre(testing::Not(HasSubstr("lines\""))));
}

TEST(load_settings, unknown_variables_of_ours_give_a_warning) {
  const auto loaded
    = load_settings({.environment = {{"CALLBOARD_LOG_LEVL", "debug"},
                                     {"CALLBOARD_URL", "http://x"},
                                     {"HOME", "/root"}}});
  ASSERT_TRUE(loaded);
  EXPECT_THAT(
    loaded->warnings,
    ElementsAre("environment: CALLBOARD_LOG_LEVL is not a setting; did "
                "you mean \"CALLBOARD_LOG_LEVEL\"?"));
}

TEST(load_settings, development_mode_refuses_addresses_that_others_reach) {
  const auto* dev = find_setting("node", "dev");
  const auto* address = find_setting("listen", "address");
  EXPECT_THAT(errors_of({.flags = {{dev, "true"}, {address, "0.0.0.0:1"}}}),
              ElementsAre(HasSubstr("loopback only, not on 0.0.0.0:1")));
  EXPECT_THAT(errors_of({.flags = {{dev, "true"}, {address, "127.0.0.2:0"}}}),
              IsEmpty());
  EXPECT_FALSE(is_loopback("127.example.com:80"));
  EXPECT_TRUE(is_loopback("[::1]:80"));
}

TEST(load_settings, rules_between_settings_are_checked) {
  EXPECT_THAT(
    errors_of({.flags = {{find_setting("listen", "idle_timeout"), "10s"}}}),
    ElementsAre(HasSubstr("listen.ping_interval is more than half")));
  EXPECT_THAT(errors_of({.flags = {{find_setting("node", "name"), "a b"}}}),
              ElementsAre(HasSubstr("node.name = \"a b\"")));
}

TEST(load_settings, a_cluster_is_set_up_in_any_of_the_three_ways) {
  const temporary_file file{"[cluster]\nlisten = \"127.0.0.1:7001\"\n"
                            "replicas = 5\nmoves = 4\n"};
  const auto loaded = load_settings(
    {.file = file.path(),
     .environment = {{"CALLBOARD_CLUSTER_SECRET", "s3cret"},
                     {"CALLBOARD_CLUSTER_MOVES", "3"}},
     .flags = {{find_setting("cluster", "join"),
                "127.0.0.1:7001, node-2.example:7001,[::1]:7001"}}});
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->conf.cluster.listen, "127.0.0.1:7001");
  EXPECT_EQ(loaded->conf.cluster.replicas, 5u);
  EXPECT_EQ(loaded->conf.cluster.moves, 3u);
  EXPECT_EQ(loaded->conf.cluster.secret, "s3cret");
  EXPECT_EQ(loaded->conf.cluster.join,
            "127.0.0.1:7001,node-2.example:7001,[::1]:7001");
}

TEST(load_settings, the_clusters_secret_is_not_taken_from_a_file_of_settings) {
  EXPECT_THAT(errors_of("[cluster]\nsecret = \"s3cret\"\n"),
              ElementsAre(testing::AllOf(HasSubstr("CALLBOARD_CLUSTER_SECRET"),
                                         HasSubstr("cluster.secret_file"),
                                         testing::Not(HasSubstr("s3cret")))));
}

TEST(load_settings, each_address_to_join_is_checked_and_the_wrong_one_named) {
  for (const auto& [list, bad] : {std::pair{"a:1,b", "b"},
                                  {"a:1,:2,c:3", ":2"},
                                  {"a:1,,c:3", ""},
                                  {"a:1,", ""},
                                  {"a:99999", "a:99999"},
                                  {"a:1, b:x", "b:x"}})
    EXPECT_THAT(errors_of({.flags = {{find_setting("cluster", "join"), list}}}),
                ElementsAre(HasSubstr("HOST:PORT, separated by commas; \""
                                      + std::string{bad} + "\" is not one")))
      << list;
}

TEST(load_settings, what_a_cluster_needs_is_checked_together) {
  struct wrong {
    std::vector<std::pair<std::string_view, std::string>> flags;
    std::string_view says;
  };
  for (const auto& [flags, says] : std::vector<wrong>{
         {{{"listen", "127.0.0.1:1"}, {"certificate_file", "c"}},
          "all three or none"},
         {{{"listen", "127.0.0.1:1"}, {"key_file", "k"}, {"ca_file", "a"}},
          "all three or none"},
         {{{"advertise", "a:1"}}, "cluster.advertise without cluster.listen"},
         {{{"join", "a:1"}}, "cluster.join without cluster.listen"},
         {{{"listen", "127.0.0.1:1"}, {"advertise", "a:0"}}, "port 0"},
         {{{"replicas", "2"}}, "cluster.replicas is even"},
         {{{"election_timeout", "299ms"}}, "three times cluster.heartbeat"},
         {{{"link_timeout", "500ms"}}, "twice cluster.link_heartbeat"},
         {{{"listen", "127.0.0.1:1"}, {"frame_bytes", "16MiB"}},
          "cluster.frame_bytes is less"},
         {{{"listen", "127.0.0.1:1"}, {"link_queue_bytes", "16MiB"}},
          "cluster.link_queue_bytes is less"},
       }) {
    setting_sources from;
    from.environment = {{"CALLBOARD_CLUSTER_SECRET", "s3cret"}};
    for (const auto& [key, value] : flags)
      from.flags.emplace_back(find_setting("cluster", key), value);
    EXPECT_THAT(errors_of(from), ElementsAre(HasSubstr(std::string{says})));
  }
}

TEST(load_settings, nodes_of_a_cluster_know_each_other_by_something) {
  const auto flag = [](std::string_view key, std::string value) {
    return std::pair{find_setting("cluster", key), std::move(value)};
  };
  const auto listen = flag("listen", "127.0.0.1:7946");
  EXPECT_THAT(errors_of({.flags = {listen}}),
              ElementsAre(HasSubstr("CALLBOARD_CLUSTER_SECRET")));
  EXPECT_THAT(errors_of({.environment = {{"CALLBOARD_CLUSTER_SECRET", "x"}},
                         .flags = {listen}}),
              IsEmpty());
  EXPECT_THAT(errors_of({.flags = {listen, flag("secret_file", "s")}}),
              IsEmpty());
  EXPECT_THAT(
    errors_of({.flags = {listen, flag("certificate_file", "c"),
                         flag("key_file", "k"), flag("ca_file", "a")}}),
    IsEmpty());
  const auto dev = std::pair{find_setting("node", "dev"), std::string{"true"}};
  EXPECT_THAT(errors_of({.flags = {listen, dev}}), IsEmpty());
  EXPECT_THAT(errors_of({.flags = {flag("listen", "10.0.0.1:7946"), dev}}),
              ElementsAre(HasSubstr("loopback only, not on 10.0.0.1:7946")));
}

TEST(setting_table, every_default_is_within_its_own_range) {
  for (const auto& x : setting_table()) {
    settings conf;
    const auto text = shown_value(conf, x);
    EXPECT_TRUE(assign(conf, x, text)) << dotted_name(x) << " = " << text;
    EXPECT_EQ(shown_value(conf, x), text) << dotted_name(x);
  }
}

TEST(setting_table, names_are_unique_and_follow_from_section_and_key) {
  std::vector<std::string> names;
  for (const auto& x : setting_table())
    names.push_back(dotted_name(x));
  const auto count = names.size();
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  EXPECT_EQ(names.size(), count);
  const auto& x = *find_setting("limits", "outbound_queue_bytes");
  EXPECT_EQ(environment_name(x), "CALLBOARD_LIMITS_OUTBOUND_QUEUE_BYTES");
  EXPECT_EQ(flag_name(x), "--limits-outbound-queue-bytes");
}

TEST(describe_settings, the_generated_file_reads_back_without_errors) {
  EXPECT_THAT(errors_of(settings_as_toml()), IsEmpty());
}

TEST(suggest, only_words_that_are_near_are_suggested) {
  const std::vector<std::string> known{"threads", "address"};
  EXPECT_EQ(closest("thread", known), "threads");
  EXPECT_EQ(closest("adres", known), "address");
  EXPECT_EQ(closest("completely", known), "");
}

} // namespace callboard
