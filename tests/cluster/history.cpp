#include "tests/cluster/history.hpp"

#include <iterator>
#include <utility>

namespace callboard::test {

namespace {

template <class T>
void append(std::vector<T>& to, std::vector<T> from) {
  to.insert(to.end(), std::move_iterator{from.begin()},
            std::move_iterator{from.end()});
}

} // namespace

void history::join(history part) {
  append(attempts, std::move(part.attempts));
  append(viewings, std::move(part.viewings));
  append(readings, std::move(part.readings));
  for (auto& [room, events] : part.rooms)
    rooms[room] = std::move(events);
}

} // namespace callboard::test
