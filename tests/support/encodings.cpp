#include "tests/support/encodings.hpp"

#include <zlib.h>
#include <zstd.h>

#include <stdexcept>

namespace callboard::test {

namespace {

constexpr int gzip_window = 15 + 16; // zlib's way to ask for a gzip header

z_stream input_of(std::string_view bytes) {
  z_stream stream{};
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  return stream;
}

/// Calls `step` with room in `stream` until it says that it has finished.
template <class F>
std::string drain(z_stream& stream, F step) {
  std::string result;
  char buffer[65536];
  for (;;) {
    stream.next_out = reinterpret_cast<Bytef*>(buffer);
    stream.avail_out = sizeof buffer;
    const int code = step();
    result.append(buffer, sizeof buffer - stream.avail_out);
    if (code == Z_STREAM_END)
      return result;
    if (code != Z_OK)
      throw std::runtime_error{"broken gzip data"};
  }
}

} // namespace

std::string gzip(std::string_view plain) {
  auto stream = input_of(plain);
  ::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip_window, 8,
                 Z_DEFAULT_STRATEGY);
  auto result = drain(stream, [&] { return ::deflate(&stream, Z_FINISH); });
  ::deflateEnd(&stream);
  return result;
}

std::string gunzip(std::string_view packed) {
  auto stream = input_of(packed);
  ::inflateInit2(&stream, gzip_window);
  auto result = drain(stream, [&] { return ::inflate(&stream, Z_NO_FLUSH); });
  ::inflateEnd(&stream);
  return result;
}

std::string zstd(std::string_view plain) {
  std::string result(::ZSTD_compressBound(plain.size()), '\0');
  const auto size = ::ZSTD_compress(result.data(), result.size(), plain.data(),
                                    plain.size(), 3);
  if (::ZSTD_isError(size) != 0)
    throw std::runtime_error{::ZSTD_getErrorName(size)};
  result.resize(size);
  return result;
}

std::string unzstd(std::string_view packed) {
  std::string result(std::size_t{64} << 20, '\0');
  const auto size = ::ZSTD_decompress(result.data(), result.size(),
                                      packed.data(), packed.size());
  if (::ZSTD_isError(size) != 0)
    throw std::runtime_error{::ZSTD_getErrorName(size)};
  result.resize(size);
  return result;
}

} // namespace callboard::test
