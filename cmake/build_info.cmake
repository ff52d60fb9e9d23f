# penstock/base/build_info.hpp is defined by a file made here. Only the release preset asks git, so
# that a commit does not relink every test of a development tree.
set(PENSTOCK_BUILD_REVISION "${PENSTOCK_REVISION}")
if(PENSTOCK_REVISION STREQUAL "git")
  set(PENSTOCK_BUILD_REVISION "unknown")
  execute_process(
    COMMAND git -C "${CMAKE_SOURCE_DIR}" rev-parse --short=12 HEAD
    OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed)
    set(PENSTOCK_BUILD_REVISION "${revision}")
  endif()
endif()
set(PENSTOCK_BUILD_TYPE_NAME "${CMAKE_BUILD_TYPE}")
if(PENSTOCK_SANITIZE)
  string(APPEND PENSTOCK_BUILD_TYPE_NAME " (${PENSTOCK_SANITIZE})")
endif()

# prometheus-cpp's CMake package does not tell its version; the name of its library does.
get_target_property(PENSTOCK_PROMETHEUS prometheus-cpp::core LOCATION)
get_filename_component(PENSTOCK_PROMETHEUS "${PENSTOCK_PROMETHEUS}" REALPATH)
string(REGEX MATCH "[0-9]+\\.[0-9.]*[0-9]" PENSTOCK_PROMETHEUS "${PENSTOCK_PROMETHEUS}")
string(CONCAT PENSTOCK_BUILD_LIBRARIES
       "fmt ${fmt_VERSION}, spdlog ${spdlog_VERSION}, yaml-cpp ${yaml-cpp_VERSION}, "
       "prometheus-cpp ${PENSTOCK_PROMETHEUS}, CLI11 ${CLI11_VERSION}")

configure_file("${CMAKE_SOURCE_DIR}/cmake/build_info.cpp.in"
               "${CMAKE_BINARY_DIR}/generated/build_info.cpp" @ONLY)
target_sources(penstock_base PRIVATE "${CMAKE_BINARY_DIR}/generated/build_info.cpp")
