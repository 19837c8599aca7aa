#pragma once

#include "actors/model/problem.hpp"
#include "transport/content_coding.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace callboard {

/// What a request is answered with, before it becomes bytes.
struct http_reply {
  int status = 200;
  std::string body = {};
  std::string_view content_type = "application/json"; ///< Static text.
  std::string location = {};           ///< `Location`; empty: none.
  std::string allow = {};              ///< `Allow`; empty: none.
  bool preflight = false;              ///< Grants `allow` to a web page.
  std::string allow_headers = {};      ///< With preflight; empty: the usual.
  bool stream = false;                 ///< The body comes in chunks, later.
  std::string_view challenge = {};     ///< `WWW-Authenticate`; static text.
  std::chrono::seconds retry_after{0}; ///< `Retry-After`; 0: none.
};

/// RFC 9457. `status` 0: the one that goes with the code.
http_reply problem_reply(const problem& why, std::string_view request_id,
                         int status = 0);

/// `{"code","status","detail","pointer"}`: a problem inside another document.
void append_problem_object(std::string& out, const problem& why);

/// What the bytes of a reply depend on beside the reply.
struct reply_facts {
  std::string_view request_id;
  content_coding accepts = content_coding::identity;
  bool head_only = false; ///< Answer to HEAD: no body.
  bool keep_alive = true;
  bool http_1_0 = false;
  std::string_view cors_origin = {}; ///< `Access-Control-Allow-Origin`.
  bool cors_credentials = false;     ///< And cookies may come along.
};

/// A reply as it goes over the wire; two pieces, so that the body is not
/// copied.
struct reply_bytes {
  std::string head;
  std::string body;
};

/// Compresses when worth it and asked for, and encodes.
reply_bytes render(http_reply reply, const reply_facts& facts);

/// Whether `text` may be used as a request id: 1 to 128 of the characters of
/// ids. Anything else could break logs and headers.
bool sane_request_id(std::string_view text) noexcept;

} // namespace callboard
