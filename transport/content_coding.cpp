#include "transport/content_coding.hpp"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>

namespace callboard {

namespace {

constexpr std::size_t step_bytes = 64u << 10;

/// zlib: 15 bits of window, and 16 more means the gzip format.
constexpr int gzip_window = 15 + 16;

/// A sender may choose a window of up to 2 GiB; 8 MiB is what RFC 9659 allows.
constexpr int zstd_window_log = 23;

constexpr int fast_level = 1;

std::string_view trim(std::string_view x) noexcept {
  while (!x.empty() && (x.front() == ' ' || x.front() == '\t'))
    x.remove_prefix(1);
  while (!x.empty() && (x.back() == ' ' || x.back() == '\t'))
    x.remove_suffix(1);
  return x;
}

bool same_word(std::string_view a, std::string_view b) noexcept {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

/// The `q` of one element of Accept-Encoding in thousandths.
int quality(std::string_view parameters) noexcept {
  while (!parameters.empty()) {
    auto part = trim(parameters.substr(0, parameters.find(';')));
    if (part.size() > 2 && same_word(part.substr(0, 2), "q=")) {
      double q = 0;
      auto text = part.substr(2);
      auto [end, ec]
        = std::from_chars(text.data(), text.data() + text.size(), q);
      return ec == std::errc{} && q >= 0 && q <= 1 ? static_cast<int>(q * 1000)
                                                   : 0;
    }
    auto cut = parameters.find(';');
    parameters.remove_prefix(cut == parameters.npos ? parameters.size()
                                                    : cut + 1);
  }
  return 1000;
}

auto too_large(std::size_t max_bytes) {
  return fail(errc::too_large, "the unpacked body has more than "
                                 + std::to_string(max_bytes)
                                 + " bytes; send less at once");
}

auto damaged(std::string_view coding) {
  return fail(errc::invalid, "the body is not valid " + std::string{coding});
}

struct inflater {
  z_stream z{};
  bool good = inflateInit2(&z, gzip_window) == Z_OK;
  ~inflater() {
    if (good)
      inflateEnd(&z);
  }
};

struct deflater {
  z_stream z{};
  bool good = deflateInit2(&z, fast_level, Z_DEFLATED, gzip_window, 8,
                           Z_DEFAULT_STRATEGY)
              == Z_OK;
  ~deflater() {
    if (good)
      deflateEnd(&z);
  }
};

result<std::string> gunzip(std::string_view packed, std::size_t max_bytes) {
  inflater in;
  if (!in.good)
    return fail(errc::unavailable, "no memory to unpack the body");
  std::string out;
  std::array<char, step_bytes> step;
  in.z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  in.z.avail_in = static_cast<uInt>(packed.size());
  for (;;) {
    in.z.next_out = reinterpret_cast<Bytef*>(step.data());
    in.z.avail_out = static_cast<uInt>(step.size());
    int rc = inflate(&in.z, Z_NO_FLUSH);
    if (rc != Z_OK && rc != Z_STREAM_END)
      return damaged("gzip"); // Z_BUF_ERROR too: it ends in the middle
    out.append(step.data(), step.size() - in.z.avail_out);
    if (out.size() > max_bytes)
      return too_large(max_bytes);
    if (rc == Z_STREAM_END) {
      if (in.z.avail_in == 0)
        return out;
      if (inflateReset(&in.z) != Z_OK) // a file may have several members
        return damaged("gzip");
    }
  }
}

struct free_dctx {
  void operator()(ZSTD_DCtx* x) const noexcept {
    ZSTD_freeDCtx(x);
  }
};

result<std::string> unzstd(std::string_view packed, std::size_t max_bytes) {
  std::unique_ptr<ZSTD_DCtx, free_dctx> context{ZSTD_createDCtx()};
  if (!context
      || ZSTD_isError(ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax,
                                             zstd_window_log)))
    return fail(errc::unavailable, "no memory to unpack the body");
  std::string out;
  std::array<char, step_bytes> step;
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  for (;;) {
    ZSTD_outBuffer part{step.data(), step.size(), 0};
    auto rest = ZSTD_decompressStream(context.get(), &part, &in);
    if (ZSTD_isError(rest))
      return damaged("zstd");
    out.append(step.data(), part.pos);
    if (out.size() > max_bytes)
      return too_large(max_bytes);
    bool all_read = in.pos == in.size;
    if (all_read && rest == 0)
      return out;
    if (all_read && part.pos < part.size)
      return damaged("zstd"); // wants more input than there is
  }
}

std::optional<std::string> gzip(std::string_view text) {
  deflater out;
  if (!out.good)
    return std::nullopt;
  std::string packed;
  packed.resize(deflateBound(&out.z, static_cast<uLong>(text.size())));
  out.z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  out.z.avail_in = static_cast<uInt>(text.size());
  out.z.next_out = reinterpret_cast<Bytef*>(packed.data());
  out.z.avail_out = static_cast<uInt>(packed.size());
  if (deflate(&out.z, Z_FINISH) != Z_STREAM_END)
    return std::nullopt;
  packed.resize(out.z.total_out);
  return packed;
}

struct free_cctx {
  void operator()(ZSTD_CCtx* x) const noexcept {
    ZSTD_freeCCtx(x);
  }
};

std::optional<std::string> zstd(std::string_view text) {
  // Kept, as it takes longer to make than to use: one for each event loop.
  thread_local std::unique_ptr<ZSTD_CCtx, free_cctx> context{ZSTD_createCCtx()};
  if (!context)
    return std::nullopt;
  std::string packed;
  packed.resize(ZSTD_compressBound(text.size()));
  auto size = ZSTD_compressCCtx(context.get(), packed.data(), packed.size(),
                                text.data(), text.size(), fast_level);
  if (ZSTD_isError(size))
    return std::nullopt;
  packed.resize(size);
  return packed;
}

} // namespace

std::string_view to_string(content_coding x) noexcept {
  switch (x) {
  case content_coding::identity:
    return {};
  case content_coding::gzip:
    return "gzip";
  case content_coding::zstd:
    return "zstd";
  }
  return {};
}

result<content_coding> parse_content_encoding(std::string_view header) {
  auto word = trim(header);
  if (word.empty() || same_word(word, "identity"))
    return content_coding::identity;
  if (same_word(word, "gzip") || same_word(word, "x-gzip"))
    return content_coding::gzip;
  if (same_word(word, "zstd"))
    return content_coding::zstd;
  return fail(errc::invalid,
              "Content-Encoding is not one of gzip, zstd and identity");
}

content_coding choose_coding(std::string_view header) noexcept {
  int gzip_quality = -1, zstd_quality = -1, any_quality = 0;
  while (!header.empty()) {
    auto element = header.substr(0, header.find(','));
    header.remove_prefix(std::min(element.size() + 1, header.size()));
    auto cut = std::min(element.find(';'), element.size());
    auto word = trim(element.substr(0, cut));
    auto q = quality(element.substr(std::min(cut + 1, element.size())));
    if (same_word(word, "gzip") || same_word(word, "x-gzip"))
      gzip_quality = q;
    else if (same_word(word, "zstd"))
      zstd_quality = q;
    else if (word == "*")
      any_quality = q;
  }
  if (gzip_quality < 0)
    gzip_quality = any_quality;
  if (zstd_quality < 0)
    zstd_quality = any_quality;
  if (zstd_quality > 0 && zstd_quality >= gzip_quality)
    return content_coding::zstd;
  return gzip_quality > 0 ? content_coding::gzip : content_coding::identity;
}

result<std::string> decompress(std::string_view packed, content_coding coding,
                               std::size_t max_bytes) {
  switch (coding) {
  case content_coding::identity:
    return std::string{packed};
  case content_coding::gzip:
    return gunzip(packed, max_bytes);
  case content_coding::zstd:
    return unzstd(packed, max_bytes);
  }
  return fail(errc::internal, "unknown content coding");
}

std::optional<std::string> compress(std::string_view text,
                                    content_coding coding) {
  std::optional<std::string> packed;
  switch (coding) {
  case content_coding::identity:
    return std::nullopt;
  case content_coding::gzip:
    packed = gzip(text);
    break;
  case content_coding::zstd:
    packed = zstd(text);
    break;
  }
  if (packed && packed->size() >= text.size())
    return std::nullopt;
  return packed;
}

} // namespace callboard
