#pragma once

namespace callboard {

/// The program: reads the arguments, runs the verb, returns the exit status.
int command_line(int argc, const char* const* argv);

} // namespace callboard
