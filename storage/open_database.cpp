#include "storage/open_database.hpp"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/status.h>

#include <cstdarg>
#include <cstddef>
#include <memory>
#include <system_error>

namespace callboard {

namespace {

std::string quoted(const std::filesystem::path& x) {
  return '"' + x.string() + '"';
}

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

/// RocksDB has no code for it. The first text is of this process, the second
/// (EAGAIN of the lock) of others.
bool means_in_use(const std::string& text) {
  return contains(text, "lock hold by current process")
         || (contains(text, "lock")
             && contains(text, "Resource temporarily unavailable"));
}

class silent_logger : public rocksdb::Logger {
public:
  using Logger::Logv;
  void Logv(const char* /*format*/, va_list /*arguments*/) override {
    // nop
  }
};

class no_automatic_recovery : public rocksdb::EventListener {
public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason /*reason*/,
                            rocksdb::Status /*error*/,
                            bool* automatic) override {
    *automatic = false;
  }
};

/// Whether some bytes can be written and synced right now.
bool has_room(rocksdb::Env& env, const std::filesystem::path& probe) {
  constexpr std::size_t probe_bytes = 256u << 10;
  auto status = rocksdb::WriteStringToFile(&env, std::string(probe_bytes, '\0'),
                                           probe.string(), true);
  env.DeleteFile(probe.string()).PermitUncheckedError();
  return status.ok();
}

} // namespace

void survive_full_disk(rocksdb::DBOptions& opts) {
  opts.info_log = std::make_shared<silent_logger>();
  opts.listeners.push_back(std::make_shared<no_automatic_recovery>());
}

void leave_something_to_flush(rocksdb::DB& db) {
  rocksdb::WriteOptions unlogged;
  unlogged.disableWAL = true;
  db.Delete(unlogged, "nothing").PermitUncheckedError();
}

// RocksDB comes back from "no space" while it fills a file, but never from "no
// space" while it begins its next write-ahead log: look for room first.
void resume_database(rocksdb::DB& db, const std::filesystem::path& dir) {
  if (has_room(*db.GetEnv(), dir / "room"))
    db.Resume().PermitUncheckedError();
}

result<void> make_database_folder(const std::filesystem::path& dir) {
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  if (!error && std::filesystem::is_directory(dir, error))
    return {};
  return fail(errc::internal,
              "cannot create the folder " + quoted(dir) + ": "
                + (error ? error.message() : "there is a file of that name")
                + "; give a data folder that this user may write to");
}

problem open_failure(const rocksdb::Status& status,
                     const std::filesystem::path& dir) {
  const auto text = status.ToString();
  if (means_in_use(text))
    return {errc::unavailable,
            quoted(dir)
              + " is open in another process; stop that one, or give this one "
                "another data folder"};
  if (means_no_space(status))
    return {errc::unavailable, "no space to open " + quoted(dir)
                                 + "; free some and start again (" + text
                                 + ")"};
  if (status.IsCorruption())
    return {errc::internal, quoted(dir)
                              + " is damaged; restore it from a backup or from "
                                "another node ("
                              + text + ")"};
  return {errc::internal, "cannot open " + quoted(dir)
                            + "; check that this user may read and write it ("
                            + text + ")"};
}

problem newer_format(const std::filesystem::path& dir, const std::string& found,
                     const std::string& known) {
  return {errc::conflict, quoted(dir) + " has format " + found
                            + ", and this program knows no later one than "
                            + known + "; start the newer program"};
}

bool means_no_space(const rocksdb::Status& status) {
  return status.IsNoSpace()
         || (status.IsIOError()
             && contains(status.ToString(), "quota exceeded"));
}

} // namespace callboard
