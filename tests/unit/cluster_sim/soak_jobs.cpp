#include "tests/unit/cluster_sim/soak_jobs.hpp"

#include "tests/support/temp_dir.hpp"
#include "tests/unit/cluster_sim/shape.hpp"

#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <vector>

namespace callboard::sim {

namespace {

/// What the processes share.
struct board {
  std::atomic<std::uint32_t> next{0}; ///< Not begun yet.
  std::atomic<bool> enough{false};
};

/// What a job says at a time; small enough for a pipe to pass it on whole.
struct note {
  enum class what : std::uint8_t { begins, broken, ended };
  what kind = what::begins;
  std::uint32_t seed = 0;
  history_figures figures = {}; ///< ended
  char text[300] = {};          ///< broken; ends with 0
};
static_assert(sizeof(note) <= 512);

/// Where nothing is really written, if there is such a place.
std::filesystem::path fast_folder() {
  std::filesystem::path memory{"/dev/shm"};
  return ::access(memory.c_str(), R_OK | W_OK | X_OK) == 0
           ? memory
           : std::filesystem::temp_directory_path();
}

// -- in a job's process
// ----------------------------------------------------------

void tell(int out, const note& x) {
  if (::write(out, &x, sizeof x) != static_cast<ssize_t>(sizeof x))
    std::_Exit(3);
}

void one_seed(const soak_options& opts, int out, std::uint32_t seed) {
  tell(out, {note::what::begins, seed});
  auto x = run_history(seed, opts.which);
  // While a disk is full, when RocksDB's own threads try again is not the
  // seed's.
  if (opts.twice && !shape_of(seed).full_disks
      && run_history(seed, opts.which).fingerprint != x.fingerprint)
    x.broken.push_back("the same seed made another history");
  for (auto& text : x.broken) {
    note y{note::what::broken, seed};
    text.copy(y.text, std::min(text.size(), sizeof y.text - 1));
    tell(out, y);
  }
  tell(out, {note::what::ended, seed, x.figures});
}

[[noreturn]] void work(const soak_options& opts, board& shared, int out) {
  for (auto seed = shared.next++;
       seed - opts.from < opts.seeds && !shared.enough; seed = shared.next++)
    one_seed(opts, out, seed);
  std::_Exit(0);
}

// -- in the process that began them
// ------------------------------------------------------

class jobs {
public:
  jobs(const soak_options& opts, const broken_listener& say)
      : opts_{opts}, say_{say}, folder_{fast_folder()} {
    auto place = ::mmap(nullptr, sizeof(board), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED)
      throw std::runtime_error{"no memory for the jobs"};
    board_ = new (place) board;
    board_->next = opts.from;
    // What a process leaves that ends in the middle goes with this folder.
    ::setenv("TMPDIR", folder_.path().c_str(), 1);
  }

  jobs(const jobs&) = delete;
  jobs& operator=(const jobs&) = delete;

  ~jobs() {
    ::munmap(board_, sizeof(board));
  }

  soak_result run() {
    for (std::uint32_t i = 0; i < std::max(opts_.jobs, 1u); ++i)
      begin();
    while (!jobs_.empty()) {
      std::vector<pollfd> all;
      for (auto& x : jobs_)
        all.push_back({x.in, POLLIN, 0});
      if (::poll(all.data(), all.size(), -1) < 0)
        continue; // a signal
      for (auto i = all.size(); i-- > 0;)
        if (all[i].revents != 0)
          hear(i);
    }
    return result_;
  }

private:
  struct job {
    pid_t process;
    int in;
    std::uint32_t seed = 0; ///< At it; 0: none.
  };

  void begin() {
    int ends[2];
    if (::pipe(ends) != 0)
      throw std::runtime_error{"no pipe for a job"};
    auto process = ::fork();
    if (process < 0)
      throw std::runtime_error{"a job cannot be started"};
    if (process == 0) {
      ::close(ends[0]);
      work(opts_, *board_, ends[1]);
    }
    ::close(ends[1]);
    jobs_.push_back({process, ends[0]});
  }

  void hear(std::size_t i) {
    auto& from = jobs_[i];
    note x;
    if (::read(from.in, &x, sizeof x) != static_cast<ssize_t>(sizeof x))
      return ended(i);
    from.seed = x.kind == note::what::ended ? 0 : x.seed;
    if (x.kind == note::what::broken)
      return broken(x.seed, x.text);
    if (x.kind == note::what::ended)
      add(x.figures);
  }

  void ended(std::size_t i) {
    auto gone = jobs_[i];
    jobs_.erase(jobs_.begin() + static_cast<std::ptrdiff_t>(i));
    ::close(gone.in);
    int status = 0;
    ::waitpid(gone.process, &status, 0);
    if (gone.seed == 0)
      return;
    // Promises are kept by ending, too; but nothing here breaks disks.
    broken(gone.seed, "the process ended in the middle (run this seed alone "
                      "to see why)");
    add({});
    begin();
  }

  void add(const history_figures& x) {
    ++result_.done;
    result_.sum += x;
  }

  void broken(std::uint32_t seed, const std::string& what) {
    if (last_broken_ != seed)
      ++result_.broken;
    last_broken_ = seed;
    if (result_.first_broken == 0 || seed < result_.first_broken)
      result_.first_broken = seed;
    if (opts_.stop_at_first)
      board_->enough = true;
    say_(seed, what);
  }

  soak_options opts_;
  const broken_listener& say_;
  test::temp_dir folder_;
  board* board_ = nullptr;
  std::vector<job> jobs_;
  std::uint32_t last_broken_ = 0;
  soak_result result_;
};

} // namespace

soak_result soak(const soak_options& opts, const broken_listener& say) {
  jobs x{opts, say};
  return x.run();
}

} // namespace callboard::sim
