# cowsql/raft. Defines Raft::raft. Exactly 0.22.1: Debian 12's own libraft 0.15.0
# is another library of the same name that loses committed entries under faults,
# and later versions changed who owns the memory of an event.

find_path(Raft_INCLUDE_DIR raft.h)
find_library(Raft_LIBRARY raft)
mark_as_advanced(Raft_INCLUDE_DIR Raft_LIBRARY)

if(Raft_INCLUDE_DIR)
  foreach(part MAJOR MINOR RELEASE)
    file(STRINGS "${Raft_INCLUDE_DIR}/raft.h" raft_${part}
         REGEX "^#define RAFT_VERSION_${part} [0-9]+$")
    string(REGEX REPLACE "[^0-9]" "" raft_${part} "${raft_${part}}")
  endforeach()
  if(raft_MAJOR STREQUAL "")
    set(Raft_VERSION "0.15.0") # the old header has no version macros
  else()
    set(Raft_VERSION "${raft_MAJOR}.${raft_MINOR}.${raft_RELEASE}")
  endif()
  if(NOT Raft_VERSION VERSION_EQUAL 0.22.1)
    message(FATAL_ERROR
      "libraft ${Raft_VERSION} found; exactly 0.22.1 is needed (package libraft-dev "
      "of bookworm-backports: run scripts/install-packages)")
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Raft
  REQUIRED_VARS Raft_LIBRARY Raft_INCLUDE_DIR VERSION_VAR Raft_VERSION)

if(Raft_FOUND AND NOT TARGET Raft::raft)
  add_library(Raft::raft UNKNOWN IMPORTED)
  set_target_properties(Raft::raft PROPERTIES
    IMPORTED_LOCATION "${Raft_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${Raft_INCLUDE_DIR}")
endif()
