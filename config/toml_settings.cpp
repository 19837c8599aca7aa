#include "config/toml_settings.hpp"

#include "config/setting_table.hpp"
#include "config/suggest.hpp"

#include <toml++/toml.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace callboard {

namespace {

std::vector<std::string> section_names() {
  std::vector<std::string> out;
  for (const auto& x : setting_table())
    if (out.empty() || out.back() != x.section)
      out.emplace_back(x.section);
  return out;
}

std::vector<std::string> key_names(std::string_view section) {
  std::vector<std::string> out;
  for (const auto& x : setting_table())
    if (x.section == section)
      out.emplace_back(x.key);
  return out;
}

std::string printed(const toml::node& value) {
  std::ostringstream out;
  value.visit([&out](const auto& x) {
    if constexpr (toml::is_table<decltype(x)>)
      out << "a table";
    else if constexpr (toml::is_array<decltype(x)>)
      out << "an array";
    else if constexpr (toml::is_string<decltype(x)>)
      out << '"' << x.get() << '"';
    else
      out << std::boolalpha << x.get();
  });
  return out.str();
}

/// The one spelling that assign() reads, or empty if the value's type does not
/// suit the setting (a number where text is due, and so on).
std::optional<std::string> spelled(const setting_info& x,
                                   const toml::node& value) {
  const auto wants_number = x.kind == setting_kind::count;
  const auto wants_flag = x.kind == setting_kind::flag;
  if (const auto* text = value.as_string();
      text && !wants_number && !wants_flag)
    return text->get();
  if (const auto* number = value.as_integer();
      number && (wants_number || x.kind == setting_kind::size))
    return std::to_string(number->get());
  if (const auto* number = value.as_integer();
      number && x.kind == setting_kind::duration && number->get() == 0)
    return "0";
  if (const auto* flag = value.as_boolean(); flag && wants_flag)
    return flag->get() ? "true" : "false";
  return std::nullopt;
}

class reader {
public:
  reader(settings& conf, const std::string& file,
         std::vector<std::string>& errors)
      : conf_{conf}, file_{file}, errors_{errors} {
    // nop
  }

  void read(const toml::table& document) {
    for (const auto& [name, node] : document) {
      const auto* section = node.as_table();
      const auto keys = key_names(name.str());
      if (keys.empty())
        complain(name.source(), "unknown section [" + std::string{name.str()}
                                  + "]"
                                  + did_you_mean(name.str(), section_names()));
      else if (section == nullptr)
        complain(name.source(),
                 std::string{name.str()} + " is a section: write ["
                   + std::string{name.str()} + "], then its keys");
      else
        read_section(name.str(), *section, keys);
    }
  }

private:
  void read_section(std::string_view section, const toml::table& values,
                    const std::vector<std::string>& keys) {
    for (const auto& [name, value] : values) {
      const auto* x = find_setting(section, name.str());
      const auto full = std::string{section} + '.' + std::string{name.str()};
      if (x == nullptr)
        complain(name.source(),
                 "unknown key " + full + did_you_mean(name.str(), keys));
      else if (x->secret)
        complain(name.source(), full + " must not be in a file: give it as "
                                  + environment_name(*x)
                                  + ", or name a file with "
                                  + std::string{section} + ".secret_file");
      else
        read_value(*x, full, value);
    }
  }

  void read_value(const setting_info& x, const std::string& full,
                  const toml::node& value) {
    const auto text = spelled(x, value);
    if (!text) {
      complain(value.source(), full + " = " + printed(value) + ": expected "
                                 + allowed_values(x));
      return;
    }
    if (auto done = assign(conf_, x, *text); !done)
      complain(value.source(),
               full + " = " + printed(value) + ": " + done.error().detail);
  }

  void complain(const toml::source_region& where, const std::string& what) {
    errors_.push_back(file_ + ':' + std::to_string(where.begin.line) + ": "
                      + what);
  }

  settings& conf_;
  const std::string& file_;
  std::vector<std::string>& errors_;
};

} // namespace

void read_toml_file(settings& conf, const std::string& file,
                    std::vector<std::string>& errors) {
  std::ifstream in{file, std::ios::binary};
  std::ostringstream text;
  if (!in || !(text << in.rdbuf())) {
    // An empty file is a good one: only the stream's own failure counts.
    if (!in.is_open() || in.bad()) {
      errors.push_back(file + ": cannot be read: " + std::strerror(errno));
      return;
    }
  }
  read_toml_text(conf, text.str(), file, errors);
}

void read_toml_text(settings& conf, std::string_view text,
                    const std::string& file, std::vector<std::string>& errors) {
  try {
    reader{conf, file, errors}.read(toml::parse(text, file));
  } catch (const toml::parse_error& e) {
    errors.push_back(file + ':' + std::to_string(e.source().begin.line) + ": "
                     + std::string{e.description()});
  }
}

} // namespace callboard
