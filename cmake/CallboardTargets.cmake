# callboard_library(<name> HEADERS <h>... SOURCES <c>... [DEPENDS <target>...] [PRIVATE_DEPENDS <target>...])
# callboard_test(<name> SOURCES <c>... [DEPENDS <target>...] [LABEL <label>] [TIMEOUT <s>])
#
# DEPENDS is the layering as the linker sees it; for headers: CheckLayers.cmake.
# Paths are relative to the calling CMakeLists.txt; includes start at the top of
# the tree ("actors/model/ids.hpp").

# How we compile our own code; never part of a public interface.
add_library(callboard_flags INTERFACE)
target_compile_options(callboard_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>)
if(CALLBOARD_WERROR)
  target_compile_options(callboard_flags INTERFACE -Werror)
  if(CALLBOARD_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # With sanitizers gcc takes moved variants and optionals for uninitialized.
    target_compile_options(callboard_flags INTERFACE -Wno-error=maybe-uninitialized)
  endif()
endif()
if(CALLBOARD_SANITIZE)
  add_compile_options(-fsanitize=${CALLBOARD_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${CALLBOARD_SANITIZE})
  if(CALLBOARD_SANITIZE MATCHES thread AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Asio uses fences, which gcc's thread sanitizer does not see; its locks and
    # queues are seen, so that nothing of ours is missed.
    add_compile_options(-Wno-tsan)
  endif()
endif()

function(callboard_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "HEADERS;SOURCES;DEPENDS;PRIVATE_DEPENDS")
  add_library(callboard_${name} STATIC)
  add_library(callboard::${name} ALIAS callboard_${name})
  target_sources(callboard_${name}
    PRIVATE ${arg_SOURCES}
    PUBLIC FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}" FILES ${arg_HEADERS})
  target_include_directories(callboard_${name} PUBLIC "${PROJECT_SOURCE_DIR}")
  target_compile_features(callboard_${name} PUBLIC cxx_std_20)
  target_link_libraries(callboard_${name}
    PUBLIC ${arg_DEPENDS}
    PRIVATE callboard_flags ${arg_PRIVATE_DEPENDS})
  # Compiles every header on its own: target all_verify_interface_header_sets.
  set_target_properties(callboard_${name} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
endfunction()

function(callboard_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "LABEL;TIMEOUT" "SOURCES;DEPENDS")
  if(NOT arg_LABEL)
    set(arg_LABEL unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${arg_DEPENDS} callboard_flags GTest::gtest_main)
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT})
endfunction()
