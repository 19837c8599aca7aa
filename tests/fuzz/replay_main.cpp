// Stands in for libFuzzer where there is none: gives the target each file of
// the folders named on the command line, whole, cut short, and with bytes
// changed.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size);

namespace {

constexpr int mutations_per_file = 2'000;

void run(const std::string& input) {
  // On the heap and of exact size, so that a sanitizer sees reads beyond it.
  std::string copy(input);
  copy.shrink_to_fit();
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(copy.data()),
                         copy.size());
}

std::string mutated(std::string x, std::mt19937& random) {
  for (auto n = 1 + random() % 4; n > 0; --n) {
    auto at = x.empty() ? 0 : random() % x.size();
    switch (random() % 4) {
    case 0:
      if (!x.empty())
        x[at] = static_cast<char>(random());
      break;
    case 1:
      x.insert(at, 1, "\"\\{}[],:0e-\x80\xff"[random() % 14]);
      break;
    case 2:
      x.erase(at, 1 + random() % 8);
      break;
    default:
      x.insert(at, x.substr(at, random() % 32));
    }
  }
  return x;
}

} // namespace

int main(int count, char** arguments) {
  std::mt19937 random{1};
  std::size_t files = 0;
  for (int i = 1; i < count; ++i)
    for (const auto& file : std::filesystem::directory_iterator{arguments[i]}) {
      std::ifstream in{file.path(), std::ios::binary};
      std::string text{std::istreambuf_iterator<char>{in}, {}};
      run(text);
      for (std::size_t size = 0; size < text.size() && size < 2'000; ++size)
        run(text.substr(0, size));
      for (int j = 0; j < mutations_per_file; ++j)
        run(mutated(text, random));
      ++files;
    }
  std::printf("%zu files\n", files);
  return files > 0 ? 0 : 1; // an empty corpus is a mistake in the call
}
