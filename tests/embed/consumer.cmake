# cmake -DSTEP=... -P consumer.cmake: programs outside the tree that use the library, built and run without a network.
#   install    installs the build tree BUILD under PREFIX
#   package    builds examples/embed-c against PREFIX with find_package() and runs it
#   package_cxx  the same for examples/minimise, in C++, without naming a standard
#   pkgconfig  builds it with the flags of PKG_CONFIG and the C compiler alone
#   subdirectory  builds tests/embed, which takes SOURCE in with add_subdirectory(): shared, core without exceptions, no dlib, no threads
#   command    the installed command, which must find the installed model
# Everything lies under WORK. PHOTO (without its ending) is what embed_photo wrote; empty where there is no packed head to draw one.

function(run)
  cmake_parse_arguments(ARG "" "STATUS;OUTPUT;ERRORS" "COMMAND" ${ARGN})
  execute_process(COMMAND ${ARG_COMMAND} WORKING_DIRECTORY ${WORK} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE errors)
  if(NOT DEFINED ARG_STATUS)
    set(ARG_STATUS 0)
  endif()
  if(NOT status STREQUAL ARG_STATUS)
    string(JOIN " " command ${ARG_COMMAND})
    message(FATAL_ERROR "${command}\nended with ${status}, not ${ARG_STATUS}\n${output}\n${errors}")
  endif()
  foreach(stream OUTPUT ERRORS)
    string(TOLOWER ${stream} name)
    if(DEFINED ARG_${stream} AND NOT ${name} MATCHES "${ARG_${stream}}")
      message(FATAL_ERROR "no \"${ARG_${stream}}\" in: ${${name}}")
    endif()
  endforeach()
  set(output "${output}" PARENT_SCOPE)
endfunction()

# What every build of examples/embed-c must do.
function(run_embed_c program model)
  run(COMMAND ${program} STATUS 100 ERRORS "likeness ${VERSION}")
  file(WRITE ${WORK}/tiny.ppm "P6 1 1 255\nRGB")
  run(COMMAND ${CMAKE_COMMAND} -E env LIKENESS_MODEL=${WORK}/none ${program} tiny.ppm STATUS 2 ERRORS "NOT_FOUND: .*none")
  if(PHOTO)
    run(COMMAND ${CMAKE_COMMAND} -E env LIKENESS_MODEL=${model} ${program} tiny.ppm 2 ${PHOTO}.txt STATUS 7 ERRORS "IMAGE_TOO_SMALL")
    run(COMMAND ${CMAKE_COMMAND} -E env LIKENESS_MODEL=${model} ${program} ${PHOTO}.ppm 0 ${PHOTO}.txt STATUS 1 ERRORS "INVALID_ARGUMENT")
    run(COMMAND ${CMAKE_COMMAND} -E env LIKENESS_MODEL=${model} ${program} ${PHOTO}.ppm 5 ${PHOTO}.txt ERRORS "step 1 of 5")
    string(JSON format GET "${output}" format)
    string(JSON iterations GET "${output}" fit iterations)
    string(JSON version GET "${output}" fit options version)
    if(NOT format STREQUAL "likeness-character" OR iterations GREATER 5 OR NOT version STREQUAL VERSION)
      message(FATAL_ERROR "not the character of a fit: ${output}")
    endif()
    file(WRITE ${WORK}/character.json "${output}")
  endif()
endfunction()

file(MAKE_DIRECTORY ${WORK})
set(model ${PREFIX}/share/likeness/models/makehuman-head)
set(strict "-Wall -Wextra -Wpedantic -Werror")

if(STEP STREQUAL install)
  file(REMOVE_RECURSE ${PREFIX})
  run(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${PREFIX})
  # Every public header stands alone.
  file(GLOB headers RELATIVE ${PREFIX}/include ${PREFIX}/include/likeness/*.h*)
  foreach(header ${headers})
    file(WRITE ${WORK}/header.cc "#include \"${header}\"\n")
    run(COMMAND ${CXX_COMPILER} -std=c++20 -Wall -Wextra -Werror -fsyntax-only -I${PREFIX}/include header.cc)
  endforeach()
elseif(STEP STREQUAL package)
  file(REMOVE_RECURSE ${WORK}/package)
  run(COMMAND ${CMAKE_COMMAND} -S ${SOURCE}/examples/embed-c -B package -G ${GENERATOR} -DCMAKE_C_COMPILER=${C_COMPILER}
              -DCMAKE_PREFIX_PATH=${PREFIX} -DCMAKE_C_EXTENSIONS=OFF -DCMAKE_C_FLAGS=${strict})
  run(COMMAND ${CMAKE_COMMAND} --build package)
  run_embed_c(${WORK}/package/embed-c ${model})
  # A newer major or minor version is not this one.
  file(WRITE ${WORK}/newer/CMakeLists.txt "cmake_minimum_required(VERSION 3.16)\nproject(newer LANGUAGES C)\nfind_package(likeness 9.0 REQUIRED)\n")
  run(COMMAND ${CMAKE_COMMAND} -S newer -B newer/build -G ${GENERATOR} -DCMAKE_C_COMPILER=${C_COMPILER} -DCMAKE_PREFIX_PATH=${PREFIX}
      STATUS 1 ERRORS "version: ${VERSION}")
elseif(STEP STREQUAL package_cxx)
  file(REMOVE_RECURSE ${WORK}/package_cxx)
  run(COMMAND ${CMAKE_COMMAND} -S ${SOURCE}/examples/minimise -B package_cxx -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${CXX_COMPILER}
              -DCMAKE_PREFIX_PATH=${PREFIX} -DCMAKE_CXX_EXTENSIONS=OFF -DCMAKE_CXX_FLAGS=${strict})
  run(COMMAND ${CMAKE_COMMAND} --build package_cxx)
  run(COMMAND package_cxx/minimise OUTPUT "good.*good.*step 200: loss 0.00")
elseif(STEP STREQUAL pkgconfig)
  file(GLOB_RECURSE file ${PREFIX}/likeness.pc)
  get_filename_component(folder ${file} DIRECTORY)
  run(COMMAND ${CMAKE_COMMAND} -E env PKG_CONFIG_PATH=${folder} ${PKG_CONFIG} --cflags --libs likeness)
  separate_arguments(flags UNIX_COMMAND "${output}")
  run(COMMAND ${C_COMPILER} -std=c99 ${SOURCE}/examples/embed-c/main.c ${flags} -o pkgconfig-embed-c)
  run(COMMAND ${WORK}/pkgconfig-embed-c STATUS 100 ERRORS "likeness ${VERSION}")
elseif(STEP STREQUAL subdirectory)
  run(COMMAND ${CMAKE_COMMAND} -S ${SOURCE}/tests/embed -B subdirectory -G ${GENERATOR} -DCMAKE_C_COMPILER=${C_COMPILER}
              -DCMAKE_CXX_COMPILER=${CXX_COMPILER} -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER} -DLIKENESS_SOURCE=${SOURCE}
              -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS=-O1 -DBUILD_SHARED_LIBS=ON -DLIKENESS_NO_EXCEPTIONS=ON -DLIKENESS_WITH_DLIB=OFF
              -DLIKENESS_WITH_THREADS=OFF)
  run(COMMAND ${CMAKE_COMMAND} --build subdirectory --target embed-c --parallel 2)
  run_embed_c(${WORK}/subdirectory/embed-c ${SOURCE}/weights/models/makehuman-head)
  if(PHOTO)
    run(COMMAND ${CMAKE_COMMAND} -E env LIKENESS_MODEL=${SOURCE}/weights/models/makehuman-head ${WORK}/subdirectory/embed-c ${PHOTO}.ppm
        STATUS 17 ERRORS "UNAVAILABLE")
  endif()
  # The shared library exports the functions of likeness.h and nothing else.
  if(NM)
    run(COMMAND ${NM} -D --defined-only --format=posix subdirectory/likeness/liblikeness.so)
    string(REGEX MATCHALL "[^\n]+\n" lines "${output}")
    list(TRANSFORM lines REPLACE "^([^ ]+) .*" "\\1" OUTPUT_VARIABLE exported)
    file(READ ${SOURCE}/include/likeness/likeness.h header)
    string(REGEX MATCHALL "LIKENESS_API [^(]*[ *]likeness_[a-z_]+\\(" lines "${header}")
    list(TRANSFORM lines REPLACE ".*[ *](likeness_[a-z_]+)\\($" "\\1" OUTPUT_VARIABLE declared)
    list(SORT exported)
    list(SORT declared)
    list(LENGTH declared count)
    if(count LESS 17 OR NOT exported STREQUAL declared)
      message(FATAL_ERROR "exported: ${exported}\ndeclared: ${declared}")
    endif()
  endif()
elseif(STEP STREQUAL command)
  run(COMMAND ${PREFIX}/bin/likeness --version OUTPUT "likeness ${VERSION}")
  if(PHOTO)
    run(COMMAND ${CMAKE_COMMAND} -E env --unset=LIKENESS_MODEL ${PREFIX}/bin/likeness render character.json -o rendered.png)
  endif()
else()
  message(FATAL_ERROR "unknown step ${STEP}")
endif()
