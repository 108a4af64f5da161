# The example of README.md and docs/gradients.md: it checks its own gradient and prints a loss that falls.
add_executable(minimise ${PROJECT_SOURCE_DIR}/examples/minimise/minimise.cc)
target_link_libraries(minimise PRIVATE likeness_nn likeness_warnings)
add_test(NAME example_minimise COMMAND minimise)
set_tests_properties(example_minimise PROPERTIES PASS_REGULAR_EXPRESSION "good.*good.*step   0: loss 0.[1-9].*step 200: loss 0.00" TIMEOUT 60)
