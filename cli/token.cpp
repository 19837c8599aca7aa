#include "cli/token.hpp"

#include "transport/authenticator.hpp"

#include <cstdio>
#include <sstream>

namespace callboard {

namespace {

result<void> check(const token_options& options) {
  if (!valid_tenant(options.tenant))
    return fail(errc::invalid, "--tenant: expected 1 to 128 bytes of text");
  if (options.subject.empty())
    return fail(errc::invalid, "--sub: must not be empty");
  for (const auto& project : options.projects)
    if (!valid_id(project))
      return fail(errc::invalid,
                  "--project \"" + project
                    + "\": expected 1 to 128 of A-Z a-z 0-9 . _ : -");
  if (!options.default_project.empty() && !valid_id(options.default_project))
    return fail(errc::invalid,
                "--default-project \"" + options.default_project
                  + "\": expected 1 to 128 of A-Z a-z 0-9 . _ : -");
  std::istringstream words{options.scope};
  for (std::string word; words >> word;)
    if (word != "publish" && word != "subscribe" && word != "operate")
      return fail(errc::invalid,
                  "--scope: \"" + word
                    + "\" is none of publish, subscribe, operate");
  return {};
}

} // namespace

exit_status print_token(const settings& conf, const token_options& options) {
  if (const auto checked = check(options); !checked)
    return complain(exit_status::usage, checked.error().detail);
  const auto auth = authenticator::create(conf.auth);
  if (!auth)
    return complain(exit_status::usage, auth.error().detail);
  const auto token = auth->issue({.tenant = options.tenant,
                                  .subject = options.subject,
                                  .scope = options.scope,
                                  .projects = options.projects,
                                  .lifetime = options.lifetime,
                                  .default_project = options.default_project},
                                 std::chrono::system_clock::now());
  if (!token)
    return complain(token.error());
  std::printf("%s\n", token->c_str());
  return exit_status::done;
}

} // namespace callboard
