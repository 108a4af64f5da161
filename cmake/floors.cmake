# The floors that LIKENESS_NO_EXCEPTIONS compiles with -fno-exceptions. The others meet exceptions: of dlib, of std::async, of hosts.
set(LIKENESS_CORE base image kernels autodiff weights nn)

# likeness_floor(NAME SOURCES ... LINKS ...): the static library likeness_NAME of the folder NAME.
#
# `#include "NAME/x.hpp"` resolves only through build/floors/NAME, a folder that holds one link to the source folder and that
# only targets linking likeness_NAME have on their include path. So an include that jumps to a floor above does not compile.
function(likeness_floor name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  set(gate ${PROJECT_BINARY_DIR}/floors/${name})
  file(MAKE_DIRECTORY ${gate})
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${name} ${gate}/${name} SYMBOLIC)
  add_library(likeness_${name} STATIC ${ARG_SOURCES})
  target_include_directories(likeness_${name} PUBLIC ${gate} ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(likeness_${name} PUBLIC ${ARG_LINKS} PRIVATE ${ARG_PRIVATE_LINKS} likeness_warnings)
  if(LIKENESS_NO_EXCEPTIONS AND name IN_LIST LIKENESS_CORE)
    target_compile_options(likeness_${name} PRIVATE -fno-exceptions)
  endif()
endfunction()

# Warnings for our own code; never errors for people who embed it. GCC 12 warns falsely (-Wrestrict) in its own std::string.
add_library(likeness_warnings INTERFACE)
if(PROJECT_IS_TOP_LEVEL)
  target_compile_options(likeness_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wno-restrict)
endif()

# Third-party header-only libraries whose Debian packages have no CMake target.
add_library(likeness_stb INTERFACE)
find_path(STB_INCLUDE_DIR stb_image.h PATH_SUFFIXES stb REQUIRED)
target_include_directories(likeness_stb SYSTEM INTERFACE ${STB_INCLUDE_DIR})

# likeness_test(NAME LINKS ...): tests/NAME.cc, one GoogleTest program, its cases listed in ctest (under LABEL, if given).
function(likeness_test name)
  cmake_parse_arguments(ARG "" "LABEL" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${name}.cc ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINKS} likeness_warnings GTest::gtest_main)
  target_precompile_headers(${name} REUSE_FROM test_headers)
  # GCC 12 warns falsely of its own std::string here too, once that comes precompiled.
  target_compile_options(${name} PRIVATE "$<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overflow;-Wno-array-bounds>")
  target_compile_definitions(${name} PRIVATE LIKENESS_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 300 LABELS "${ARG_LABEL}")
endfunction()
