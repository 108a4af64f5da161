# Embedding: the C API, and programs outside the tree that use the library (label `install`).
enable_language(C)
foreach(test embed_api_test embed_memory_test)
  likeness_test(${test} LINKS fit_fixture)
endforeach()
target_compile_definitions(embed_api_test PRIVATE LIKENESS_VERSION="${PROJECT_VERSION}")
# The header as strict C99.
add_library(embed_status OBJECT embed_status.c)
target_include_directories(embed_status PRIVATE ${PROJECT_SOURCE_DIR}/include)
set_target_properties(embed_status PROPERTIES C_STANDARD 99 C_EXTENSIONS OFF)
target_compile_options(embed_status PRIVATE -Wall -Wextra -Wpedantic -Werror)
target_link_libraries(embed_api_test PRIVATE embed_status)

set(embed_work ${PROJECT_BINARY_DIR}/embed)
set(embed_photo)
if(TARGET head_asset)
  add_executable(embed_photo embed_photo.cc)
  target_link_libraries(embed_photo PRIVATE likeness_scene likeness_base likeness_warnings)
  add_dependencies(embed_photo head_asset)
  set(embed_photo ${embed_work}/photo)
  file(MAKE_DIRECTORY ${embed_work})
  add_test(NAME embed_photo COMMAND embed_photo ${PROJECT_SOURCE_DIR}/weights/models/makehuman-head/scene.json ${embed_photo})
  set_tests_properties(embed_photo PROPERTIES LABELS install COST 300 FIXTURES_SETUP embed_photo)
endif()
find_program(LIKENESS_PKG_CONFIG NAMES pkg-config pkgconf)
set(embed_steps install package package_cxx command subdirectory)
if(LIKENESS_PKG_CONFIG)
  list(APPEND embed_steps pkgconfig)
endif()
if(CMAKE_CXX_FLAGS MATCHES "-fsanitize")
  set(embed_steps install subdirectory)  # programs that are not instrumented cannot link a library that is
endif()
foreach(step ${embed_steps})
  add_test(NAME embed_${step}
    COMMAND ${CMAKE_COMMAND} -DSTEP=${step} -DSOURCE=${PROJECT_SOURCE_DIR} -DBUILD=${PROJECT_BINARY_DIR} -DWORK=${embed_work}
            -DPREFIX=${embed_work}/prefix -DVERSION=${PROJECT_VERSION} -DPHOTO=${embed_photo} -DGENERATOR=${CMAKE_GENERATOR}
            -DC_COMPILER=${CMAKE_C_COMPILER} -DCXX_COMPILER=${CMAKE_CXX_COMPILER} -DLAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER}
            -DNM=${CMAKE_NM} -DPKG_CONFIG=${LIKENESS_PKG_CONFIG} -P ${CMAKE_CURRENT_SOURCE_DIR}/embed/consumer.cmake)
  set_tests_properties(embed_${step} PROPERTIES LABELS install TIMEOUT 1500
                       FIXTURES_REQUIRED "embed_prefix;embed_photo")
endforeach()
set_tests_properties(embed_subdirectory PROPERTIES COST 300)  # the longest, and what it waits for, begin first
set_tests_properties(embed_install PROPERTIES COST 300 FIXTURES_SETUP embed_prefix FIXTURES_REQUIRED "")
if(TEST embed_package)
  set_tests_properties(embed_package PROPERTIES FIXTURES_SETUP embed_character)
  set_tests_properties(embed_command PROPERTIES FIXTURES_REQUIRED "embed_prefix;embed_photo;embed_character")
endif()
