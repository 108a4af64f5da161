# Hostile files: one set of cases for the tests, the table and the fuzzers' corpus.
add_library(likeness_hostile STATIC image_files.cc image_hostile_cases.cc image_structure_cases.cc weights_hostile_cases.cc
                                    hostile_folder_cases.cc)
target_link_libraries(likeness_hostile PUBLIC likeness_image likeness_weights likeness_align PRIVATE likeness_stb likeness_warnings)
target_include_directories(likeness_hostile PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
if(UNIX)
  add_executable(hostile_table hostile_table.cc)
  target_link_libraries(hostile_table PRIVATE likeness_hostile likeness_warnings)
  foreach(kind photo model folder)
    add_test(NAME hostile_table_${kind} COMMAND hostile_table ${kind})
    set_tests_properties(hostile_table_${kind} PROPERTIES LABELS hostile TIMEOUT 600)
  endforeach()
endif()
