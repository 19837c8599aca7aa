#include "cli/pipeline.hpp"

#include "actors/model/ids.hpp"
#include "config/suggest.hpp"
#include "config/units.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace callboard {

namespace {

constexpr std::int64_t most_retries = 100;

/// The members of one table, taken by name; finish() complains of the others.
class table_reader {
public:
  table_reader(const toml::table& table, std::string where,
               const std::string& file, std::vector<std::string>& errors)
      : table_{table}, where_{std::move(where)}, file_{file}, errors_{errors} {
    // nop
  }

  void complain(const std::string& what) {
    complain(table_, what);
  }

  void complain(const toml::node& at, const std::string& what) {
    errors_.push_back(file_ + ':' + std::to_string(at.source().begin.line)
                      + ": " + where_ + what);
  }

  const toml::node* take(const std::string& key) {
    known_.push_back(key);
    return table_.get(key);
  }

  void text(const std::string& key, std::string& to) {
    if (const auto* node = take(key)) {
      if (const auto* x = node->as_string())
        to = x->get();
      else
        complain(*node, key + ": expected text");
    }
  }

  void texts(const std::string& key, std::vector<std::string>& to) {
    const auto* node = take(key);
    if (node == nullptr)
      return;
    const auto* list = node->as_array();
    if (list == nullptr) {
      complain(*node, key + ": expected a list of texts");
      return;
    }
    for (const auto& item : *list) {
      if (const auto* x = item.as_string())
        to.push_back(x->get());
      else
        complain(item, key + ": expected a list of texts");
    }
  }

  void duration(const std::string& key, std::chrono::milliseconds& to) {
    std::string spelled;
    const auto* node = table_.get(key);
    text(key, spelled);
    if (spelled.empty())
      return;
    if (const auto x = parse_duration(spelled))
      to = *x;
    else
      complain(*node, key + ": " + x.error().detail);
  }

  void environment(const std::string& key, environment_list& to) {
    const auto* node = take(key);
    if (node == nullptr)
      return;
    const auto* table = node->as_table();
    if (table == nullptr) {
      complain(*node, key + ": expected a table of texts");
      return;
    }
    for (const auto& [name, value] : *table) {
      if (const auto* x = value.as_string())
        to.emplace_back(name.str(), x->get());
      else
        complain(value,
                 key + '.' + std::string{name.str()} + ": expected text");
    }
  }

  void finish() {
    for (const auto& [name, value] : table_)
      if (std::ranges::find(known_, name.str()) == known_.end())
        complain(value, "unknown key " + std::string{name.str()}
                          + did_you_mean(name.str(), known_));
  }

private:
  const toml::table& table_;
  std::string where_;
  const std::string& file_;
  std::vector<std::string>& errors_;
  std::vector<std::string> known_;
};

class pipeline_reader {
public:
  pipeline_reader(const std::string& file, std::vector<std::string>& errors)
      : file_{file}, errors_{errors} {
    // nop
  }

  pipeline read(const toml::table& document) {
    pipeline out;
    table_reader in{document, "", file_, errors_};
    in.text("name", out.name);
    in.text("id", out.definition);
    in.texts("phases", out.phases);
    in.environment("env", out.env);
    const auto* steps = in.take("steps");
    in.finish();
    if (out.name.empty())
      in.complain("name is missing");
    if (!valid_id(out.definition))
      in.complain("id \"" + out.definition
                  + "\": expected 1 to 128 of A-Z a-z 0-9 . _ : -");
    if (steps == nullptr || !steps->is_array() || steps->as_array()->empty()) {
      in.complain("there are no [[steps]]");
      return out;
    }
    for (const auto& item : *steps->as_array()) {
      if (const auto* table = item.as_table())
        out.steps.push_back(read_step(*table, out));
      else
        in.complain(item, "steps: expected [[steps]] tables");
    }
    link(out, in);
    return out;
  }

private:
  pipeline_step read_step(const toml::table& table, const pipeline& all) {
    pipeline_step out;
    if (const auto* id = table.get_as<std::string>("id"))
      out.id = id->get();
    table_reader in{table, "step \"" + out.id + "\": ", file_, errors_};
    in.text("id", out.id);
    in.text("name", out.name);
    in.text("phase", out.phase);
    in.text("run", out.run);
    in.texts("needs", out.needs);
    in.duration("retry_delay", out.retry_delay);
    in.duration("timeout", out.timeout);
    in.environment("env", out.env);
    in.texts("artifacts", out.artifacts);
    read_retries(in, out);
    read_condition(in, out);
    read_input(in, out);
    in.finish();
    if (!valid_id(out.id))
      in.complain("id: expected 1 to 128 of A-Z a-z 0-9 . _ : -");
    if (std::ranges::find(all.steps, out.id, &pipeline_step::id)
        != all.steps.end())
      in.complain("there are two of this id");
    if (out.run.empty() && !out.input)
      in.complain("has neither run nor input: nothing to do");
    if (!out.phase.empty()
        && std::ranges::find(all.phases, out.phase) == all.phases.end())
      in.complain("phase \"" + out.phase + "\" is not among phases"
                  + did_you_mean(out.phase, all.phases));
    if (out.name.empty())
      out.name = out.id;
    return out;
  }

  static void read_retries(table_reader& in, pipeline_step& out) {
    const auto* node = in.take("retries");
    if (node == nullptr)
      return;
    const auto* x = node->as_integer();
    if (x == nullptr || x->get() < 0 || x->get() > most_retries)
      in.complain(*node, "retries: expected a whole number from 0 to 100");
    else
      out.retries = static_cast<std::uint32_t>(x->get());
  }

  static void read_condition(table_reader& in, pipeline_step& out) {
    std::string word;
    in.text("when", word);
    if (word == "failure")
      out.when = run_condition::failure;
    else if (word == "always")
      out.when = run_condition::always;
    else if (!word.empty() && word != "success")
      in.complain("when: expected success, failure or always");
  }

  void read_input(table_reader& in, pipeline_step& out) {
    const auto* node = in.take("input");
    if (node == nullptr)
      return;
    const auto* table = node->as_table();
    if (table == nullptr) {
      in.complain(*node, "input: expected a table with prompt");
      return;
    }
    pipeline_input input;
    table_reader members{*table, "step \"" + out.id + "\": input: ", file_,
                         errors_};
    members.text("prompt", input.prompt);
    members.text("type", input.type);
    members.texts("options", input.options);
    members.finish();
    if (input.prompt.empty())
      members.complain("prompt is missing");
    out.input = std::move(input);
  }

  /// Turns `needs` into indexes and looks for circles.
  static void link(pipeline& all, table_reader& in) {
    std::vector<std::string> ids;
    for (const auto& step : all.steps)
      ids.push_back(step.id);
    for (auto& step : all.steps)
      for (const auto& need : step.needs) {
        const auto at = std::ranges::find(ids, need);
        if (at == ids.end())
          in.complain("step \"" + step.id + "\": needs \"" + need
                      + "\", which is not a step" + did_you_mean(need, ids));
        else
          step.needed.push_back(static_cast<std::size_t>(at - ids.begin()));
      }
    // Strike off steps whose needs are struck off; what stays is in a circle.
    std::vector<bool> done(all.steps.size());
    for (auto found = true; found;) {
      found = false;
      for (std::size_t i = 0; i < done.size(); ++i) {
        const auto& needed = all.steps[i].needed;
        if (!done[i] && std::ranges::all_of(needed, [&](auto x) -> bool {
              return done[x];
            }))
          done[i] = found = true;
      }
    }
    for (std::size_t i = 0; i < done.size(); ++i)
      if (!done[i])
        in.complain("step \"" + all.steps[i].id
                    + "\": needs itself, directly or through others");
  }

  const std::string& file_;
  std::vector<std::string>& errors_;
};

} // namespace

tl::expected<pipeline, std::vector<std::string>>
parse_pipeline(std::string_view text, const std::string& file) {
  std::vector<std::string> errors;
  try {
    auto out = pipeline_reader{file, errors}.read(toml::parse(text, file));
    if (errors.empty())
      return out;
  } catch (const toml::parse_error& e) {
    errors.push_back(file + ':' + std::to_string(e.source().begin.line) + ": "
                     + std::string{e.description()});
  }
  return tl::unexpected{std::move(errors)};
}

tl::expected<pipeline, std::vector<std::string>>
load_pipeline(const std::string& file) {
  std::ifstream in{file, std::ios::binary};
  if (!in)
    return tl::unexpected{
      std::vector{file + ": cannot be read: " + std::strerror(errno)}};
  std::ostringstream text;
  text << in.rdbuf();
  return parse_pipeline(text.str(), file);
}

} // namespace callboard
