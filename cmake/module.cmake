# penstock_modules(<table>): one penstock_module for each row `name: the modules it knows`, and the
# list PENSTOCK_MODULES of their names.
function(penstock_modules table)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${table}")
  file(STRINGS "${table}" rows REGEX "^[a-z]")
  set(names "")
  foreach(row IN LISTS rows)
    string(REGEX MATCHALL "[a-z0-9_]+" row "${row}")
    list(POP_FRONT row name)
    list(APPEND names ${name})
    penstock_module(${name} KNOWS ${row})
  endforeach()
  set(PENSTOCK_MODULES ${names} PARENT_SCOPE)
endfunction()

# penstock_module(<name> KNOWS <modules>): the static library penstock_<name> from src/<name>/*.cpp.
# It links only what it is told to know, so a call to any other module does not link. A module without
# sources yet is an interface library, so that the build never waits for one.
# With PENSTOCK_UNITY its files are compiled eight at a time.
function(penstock_module name)
  cmake_parse_arguments(arg "" "" "KNOWS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/${name}/*.cpp")
  list(FILTER sources EXCLUDE REGEX "/src/app/main\\.cpp$")
  list(TRANSFORM arg_KNOWS PREPEND penstock_)
  set(target penstock_${name})

  if(sources OR name STREQUAL "base")  # base always has its build information
    add_library(${target} STATIC ${sources})
    target_include_directories(${target} PUBLIC "${CMAKE_SOURCE_DIR}/include"
                                         PRIVATE "${CMAKE_SOURCE_DIR}/src")
    target_link_libraries(${target} PUBLIC penstock_options ${arg_KNOWS})
    penstock_precompile(${name} ${target})
    if(PENSTOCK_UNITY)
      set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
      target_link_libraries(${target} PRIVATE penstock_unity_options)
    endif()
  else()
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE "${CMAKE_SOURCE_DIR}/include")
    target_link_libraries(${target} INTERFACE penstock_options ${arg_KNOWS})
  endif()
endfunction()

# penstock_uses(<name> PUBLIC|PRIVATE <libraries>): libraries that are not ours.
function(penstock_uses name)
  get_target_property(type penstock_${name} TYPE)
  if(type STREQUAL "INTERFACE_LIBRARY")
    cmake_parse_arguments(arg "" "" "PUBLIC;PRIVATE" ${ARGN})
    target_link_libraries(penstock_${name} INTERFACE ${arg_PUBLIC} ${arg_PRIVATE})
  else()
    target_link_libraries(penstock_${name} ${ARGN})
  endif()
endfunction()

# The standard library and io_context are most of what a file of ours compiles; measured, they are
# worth a precompiled header from `net` on. Left of it the files are small and cheap without one.
set(PENSTOCK_PCH_HEADERS
    <algorithm> <array> <atomic> <chrono> <coroutine> <functional> <memory> <optional> <span> <string>
    <string_view> <unordered_map> <utility> <vector>
    <boost/system/result.hpp> <boost/asio/io_context.hpp> <boost/asio/post.hpp>)
set(PENSTOCK_PCH_MODULES net upstream downstream proxy admin app)

function(penstock_precompile name target)
  if(NOT PENSTOCK_PCH OR NOT name IN_LIST PENSTOCK_PCH_MODULES)
    return()
  endif()
  if(name STREQUAL "net")
    target_precompile_headers(${target} PRIVATE ${PENSTOCK_PCH_HEADERS})
  else()
    target_precompile_headers(${target} REUSE_FROM penstock_net)
  endif()
endfunction()
