# What every target of ours is compiled with. One value of each definition for all translation units:
# Asio's macros change the layout of types, so two values in one program would be undefined behaviour.
set(PENSTOCK_TESTS AUTO CACHE STRING "Build the tests: ON, OFF or AUTO")
set(PENSTOCK_OUTER_TESTS "" CACHE PATH
    "Folder with e2e and campaign of another build, to be run on this build's penstock; empty: build them")
option(PENSTOCK_BENCH "Build the benchmarks, if there are any" ON)
option(PENSTOCK_PCH "Use precompiled headers" ON)
option(PENSTOCK_UNITY "Compile several files of a module as one; takes half the time" OFF)
option(PENSTOCK_FUZZ "Link the fuzz targets with libFuzzer instead of the corpus replay (clang)" OFF)
set(PENSTOCK_SANITIZE "" CACHE STRING "Value for -fsanitize=, empty for none")
set(PENSTOCK_REVISION "unknown" CACHE STRING "Source revision for `penstock version`; git = ask git")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# ccache needs to be told that a precompiled header does not hide what it was made of.
find_program(PENSTOCK_CCACHE ccache)
if(PENSTOCK_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      "${CMAKE_COMMAND}" -E env CCACHE_SLOPPINESS=pch_defines,time_macros "${PENSTOCK_CCACHE}")
endif()

add_library(penstock_options INTERFACE)
target_compile_features(penstock_options INTERFACE cxx_std_20)
# Not -Wnon-virtual-dtor: GCC reports it for every class derived from boost::system::error_category.
# -Wall has -Wdelete-non-virtual-dtor, which finds the mistake where it is made.
target_compile_options(penstock_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wold-style-cast -Werror
  -fno-omit-frame-pointer -fstack-protector-strong)
target_compile_definitions(penstock_options INTERFACE
  BOOST_ALL_NO_LIB
  BOOST_ASIO_NO_DEPRECATED
  BOOST_ASIO_NO_TS_EXECUTORS
  BOOST_ASIO_RECYCLING_ALLOCATOR_CACHE_SIZE=16
  SPDLOG_FMT_EXTERNAL)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND PENSTOCK_PCH)
  target_compile_options(penstock_options INTERFACE -fpch-preprocess -Winvalid-pch)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_definitions(penstock_options INTERFACE _FORTIFY_SOURCE=2 _GLIBCXX_ASSERTIONS)
endif()

if(PENSTOCK_SANITIZE)
  set(sanitize -fsanitize=${PENSTOCK_SANITIZE} -fno-sanitize-recover=all)
  target_compile_options(penstock_options INTERFACE ${sanitize})
  target_link_options(penstock_options INTERFACE ${sanitize})
  if(PENSTOCK_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Asio's fences are not understood by the thread sanitizer; what they guard is also atomic.
    target_compile_options(penstock_options INTERFACE -Wno-tsan)
  endif()
endif()
if(PENSTOCK_FUZZ)
  target_compile_options(penstock_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

option(PENSTOCK_NESTED_LOOP "Let the io_context drive the loop, for bench/engines to compare" OFF)
if(PENSTOCK_NESTED_LOOP)
  target_compile_definitions(penstock_options INTERFACE PENSTOCK_NESTED_LOOP)
endif()

# What profile-guided optimisation needs: one build that counts what runs, then, in the same folder,
# one that is made for it.
set(PENSTOCK_PROFILE "" CACHE STRING "generate or use a profile (GCC); empty: neither")
option(PENSTOCK_LTO "Optimise over all translation units at once" OFF)
if(PENSTOCK_PROFILE STREQUAL "generate")
  target_compile_options(penstock_options INTERFACE -fprofile-generate -fprofile-update=atomic)
  target_link_options(penstock_options INTERFACE -fprofile-generate)
elseif(PENSTOCK_PROFILE STREQUAL "use")
  # What the training did not reach is compiled as without a profile, and is no cause for a warning.
  target_compile_options(penstock_options INTERFACE
    -fprofile-use -fprofile-partial-training -Wno-missing-profile -Wno-coverage-mismatch)
  target_link_options(penstock_options INTERFACE -fprofile-use)
endif()
if(PENSTOCK_LTO)
  target_compile_options(penstock_options INTERFACE -flto=auto)
  target_link_options(penstock_options INTERFACE -flto=auto)
endif()

find_program(PENSTOCK_MOLD mold)
find_program(PENSTOCK_LLD NAMES ld.lld)
if(PENSTOCK_MOLD)
  target_link_options(penstock_options INTERFACE -fuse-ld=mold)
elseif(PENSTOCK_LLD)
  target_link_options(penstock_options INTERFACE -fuse-ld=lld)
endif()

# Linked last, so that its options stand behind those of penstock_options. That names of different files
# meet, or one is not used, says nothing about the files; where they clash, it does not compile.
add_library(penstock_unity_options INTERFACE)
target_compile_options(penstock_unity_options INTERFACE
  -Wno-shadow -Wno-unused-function $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
