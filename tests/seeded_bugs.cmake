# Test the tests: kernels and autodiff once more, from copies in which every bug of seeded_bugs/table.cmake is a switch, under the
# same test programs (their very objects). The runner expects a failure for every bug and none without.
set(seeded_folder ${CMAKE_CURRENT_BINARY_DIR}/seeded)
set(seeded_scripts ${CMAKE_CURRENT_SOURCE_DIR}/seeded_bugs)

set(seeded_files "")
function(seeded_bug file)
  set(seeded_files ${seeded_files} ${file} PARENT_SCOPE)
endfunction()
include(${seeded_scripts}/table.cmake)
list(REMOVE_DUPLICATES seeded_files)
set(seeded_copies "")
foreach(file ${seeded_files})
  add_custom_command(
    OUTPUT ${seeded_folder}/${file}
    COMMAND ${CMAKE_COMMAND} -DFILE=${file} -DSOURCE_DIR=${PROJECT_SOURCE_DIR} -DOUTPUT=${seeded_folder}/${file} -P
            ${seeded_scripts}/mutate.cmake
    DEPENDS ${PROJECT_SOURCE_DIR}/${file} ${seeded_scripts}/table.cmake ${seeded_scripts}/mutate.cmake
    VERBATIM)
  list(APPEND seeded_copies ${seeded_folder}/${file})
endforeach()
add_custom_target(seeded_copies DEPENDS ${seeded_copies})

# The floor NAME once more: copies where there are any (headers too: their folder comes first), else the sources as they are.
function(seeded_floor name)
  get_target_property(sources likeness_${name} SOURCES)
  get_target_property(definitions likeness_${name} COMPILE_DEFINITIONS)
  get_target_property(options likeness_${name} COMPILE_OPTIONS)
  set(list "")
  foreach(source ${sources})
    if("${name}/${source}" IN_LIST seeded_files)
      list(APPEND list ${seeded_folder}/${name}/${source})
    else()
      list(APPEND list ${PROJECT_SOURCE_DIR}/${name}/${source})
    endif()
  endforeach()
  add_library(seeded_${name} STATIC ${list})
  target_include_directories(seeded_${name} PRIVATE ${seeded_folder} ${CMAKE_CURRENT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include
                                                    ${PROJECT_BINARY_DIR}/floors/kernels ${PROJECT_BINARY_DIR}/floors/autodiff)
  if(definitions)
    target_compile_definitions(seeded_${name} PRIVATE ${definitions})
  endif()
  if(options)
    target_compile_options(seeded_${name} PRIVATE ${options})
  endif()
  target_compile_options(seeded_${name} PRIVATE -O1)  # quick to build
  target_link_libraries(seeded_${name} PRIVATE likeness_base)
  add_dependencies(seeded_${name} seeded_copies)
endfunction()
seeded_floor(kernels)
target_sources(seeded_kernels PRIVATE seeded_bugs/switch.cc)
find_package(hwy REQUIRED)
target_link_libraries(seeded_kernels PRIVATE hwy::hwy)
seeded_floor(autodiff)
target_link_libraries(seeded_autodiff PRIVATE seeded_kernels)

set(seeded_programs "")
foreach(test autodiff_gradient_test autodiff_fusion_test autodiff_program_test autodiff_operations_test kernels_conv_test kernels_elementwise_test kernels_sampling_test)
  add_executable(seeded_${test} $<TARGET_OBJECTS:${test}>)
  if(test MATCHES "gradient|fusion")
    target_sources(seeded_${test} PRIVATE $<TARGET_OBJECTS:operation_catalogue>)
  endif()
  target_link_libraries(seeded_${test} PRIVATE seeded_autodiff seeded_kernels likeness_base hwy::hwy GTest::gtest_main)
  list(APPEND seeded_programs $<TARGET_FILE:seeded_${test}>)
endforeach()
add_test(NAME seeded_bugs COMMAND ${CMAKE_COMMAND} "-DPROGRAMS=${seeded_programs}" -P ${seeded_scripts}/run.cmake)
set_tests_properties(seeded_bugs PROPERTIES LABELS seeded-bugs TIMEOUT 900)
