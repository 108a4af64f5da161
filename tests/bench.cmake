# The comparison's own arithmetic, with stand-ins for what it runs (shell scripts).
find_program(LIKENESS_BENCH_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
if(NOT LIKENESS_BENCH_PYTHON)
  find_program(LIKENESS_BENCH_PYTHON NAMES python3)
endif()
if(LIKENESS_BENCH_PYTHON AND CMAKE_SYSTEM_NAME STREQUAL Linux)
  add_test(NAME bench_compare COMMAND ${LIKENESS_BENCH_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/compare_test.py)
  set_tests_properties(bench_compare PROPERTIES ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1;OMP_NUM_THREADS=2")
endif()
