// More connections than there is room for: refused with an answer, and let in
// again when others have left.

#include "tests/integration/live_node.hpp"

namespace callboard::test {

namespace {

constexpr std::size_t room_for = 20;

class crowding : public live_node {
public:
  static void SetUpTestSuite() {
    start_node(
      {.env = {{"CALLBOARD_LISTEN_MAX_SESSIONS", std::to_string(room_for)}}});
  }
};

} // namespace

TEST_F(crowding,
       the_connections_beyond_the_limit_are_told_and_the_others_served) {
  std::vector<tcp_socket> sockets;
  for (std::size_t i = 0; i < 5 * room_for; ++i)
    sockets.push_back(tcp_socket::connect(node().port()));
  std::size_t served = 0;
  std::size_t refused = 0;
  for (auto& socket : sockets) {
    std::string buffer;
    http_response response;
    try {
      socket.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", within(patience));
    } catch (const connection_lost&) {
      // Refused already; what was said about it can still be read.
    }
    try {
      response = read_response(socket, buffer, within(patience));
    } catch (const connection_lost&) {
      response.status = 503; // reset, as we sent what nobody read
    }
    served += response.status == 200 ? 1u : 0u;
    refused += response.status == 503 ? 1u : 0u;
  }
  EXPECT_EQ(served, room_for);
  EXPECT_EQ(refused, 4 * room_for);
}

TEST_F(crowding, places_that_become_free_are_given_again) {
  for (int round = 0; round < 5 * static_cast<int>(room_for); ++round) {
    // However a connection ends, its place must come back.
    try {
      switch (round % 4) {
      case 0:
        tcp_socket::connect(node().port()).close();
        break;
      case 1:
        viewer().abandon();
        break;
      case 2:
        ws_client(node().port(), {.token = "bad"}).wait_close();
        break;
      default:
        ws_client(node().port(), {.token = http.token(), .path = "/nowhere"});
      }
    } catch (const upgrade_refused& x) {
      EXPECT_NE(x.response.status, 503) << "round " << round;
    }
    EXPECT_TRUE(
      eventually([] { return client().get("/healthz").status == 200; }));
  }
}

} // namespace callboard::test
