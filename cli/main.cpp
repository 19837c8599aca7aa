#include "cli/command_line.hpp"

int main(int argc, char** argv) {
  return callboard::command_line(argc, argv);
}
