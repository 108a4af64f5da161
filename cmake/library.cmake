# likeness::likeness: all floors in one library, for programs that embed it. Static unless BUILD_SHARED_LIBS; the shared one exports
# the C API only (C++ types have no stable layout across compilers).
set(objects)
foreach(floor base image scene kernels autodiff weights nn align fit)
  list(APPEND objects $<TARGET_OBJECTS:likeness_${floor}>)
endforeach()
add_library(likeness_library ${objects})
add_library(likeness::likeness ALIAS likeness_library)
set_target_properties(likeness_library PROPERTIES OUTPUT_NAME likeness EXPORT_NAME likeness LINKER_LANGUAGE CXX VERSION ${PROJECT_VERSION}
                      SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
target_include_directories(likeness_library INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                           $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

# What is linked here, and what the installed package looks for (likeness-config.cmake.in makes likeness::NAME of each).
find_package(hwy REQUIRED)
find_package(Threads REQUIRED)
set(LIKENESS_SYSTEM_LIBRARIES hwy)
set(build_links hwy::hwy Threads::Threads)
set(package_links likeness::hwy Threads::Threads)
if(LIKENESS_WITH_DLIB)
  list(APPEND LIKENESS_SYSTEM_LIBRARIES dlib)
  list(APPEND build_links ${DLIB_LIBRARY})
  list(APPEND package_links likeness::dlib)
endif()
if(BUILD_SHARED_LIBS)
  # By file: the package would name the target to its users, who need none.
  list(TRANSFORM build_links REPLACE "hwy::hwy" "$<TARGET_FILE:hwy::hwy>")
endif()
target_link_libraries(likeness_library PRIVATE $<BUILD_INTERFACE:${build_links}>)
if(BUILD_SHARED_LIBS)
  if(UNIX AND NOT APPLE)
    set(map ${CMAKE_CURRENT_LIST_DIR}/likeness.map)
    target_link_options(likeness_library PRIVATE LINKER:--version-script=${map})
    set_property(TARGET likeness_library APPEND PROPERTY LINK_DEPENDS ${map})
  endif()
else()
  target_link_libraries(likeness_library INTERFACE $<INSTALL_INTERFACE:${package_links}>)
endif()

if(NOT LIKENESS_INSTALL)
  return()
endif()
include(CMakePackageConfigHelpers)
install(TARGETS likeness_library EXPORT likeness-targets)
install(DIRECTORY include/likeness TYPE INCLUDE FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/likeness)
install(EXPORT likeness-targets NAMESPACE likeness:: DESTINATION ${package_folder})

# What the C++ compiler links by itself and the C compiler does not.
set(LIKENESS_CXX_RUNTIME ${CMAKE_CXX_IMPLICIT_LINK_LIBRARIES})
list(REMOVE_ITEM LIKENESS_CXX_RUNTIME ${CMAKE_C_IMPLICIT_LINK_LIBRARIES} gcc gcc_s c)
list(REMOVE_DUPLICATES LIKENESS_CXX_RUNTIME)
set(LIKENESS_MODELS ${CMAKE_INSTALL_DATADIR}/likeness/models)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/likeness-config.cmake.in ${PROJECT_BINARY_DIR}/likeness-config.cmake
  INSTALL_DESTINATION ${package_folder} PATH_VARS LIKENESS_MODELS NO_SET_AND_CHECK_MACRO
  NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/likeness-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/likeness-config.cmake ${PROJECT_BINARY_DIR}/likeness-config-version.cmake DESTINATION ${package_folder})

# pkg-config; paths are relative, so that an installation can be moved.
file(RELATIVE_PATH LIKENESS_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" LIKENESS_PC_PREFIX "${LIKENESS_PC_PREFIX}")
set(LIKENESS_PC_LIBS "-L\${libdir} -llikeness")
if(NOT BUILD_SHARED_LIBS)
  foreach(library ${LIKENESS_SYSTEM_LIBRARIES} ${LIKENESS_CXX_RUNTIME})
    string(APPEND LIKENESS_PC_LIBS " -l${library}")
  endforeach()
  string(APPEND LIKENESS_PC_LIBS " -pthread")
endif()
configure_file(${CMAKE_CURRENT_LIST_DIR}/likeness.pc.in ${PROJECT_BINARY_DIR}/likeness.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/likeness.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
