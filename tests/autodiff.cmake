# The catalogue needs only public headers: the seeded bugs link the same objects with other libraries.
add_library(operation_catalogue OBJECT operation_catalogue.cc operation_catalogue_linear.cc operation_catalogue_losses.cc
                                       operation_catalogue_pictures.cc)
target_include_directories(operation_catalogue PUBLIC ${PROJECT_SOURCE_DIR}/include)
target_link_libraries(operation_catalogue PRIVATE likeness_warnings)

likeness_test(autodiff_tape_test LINKS likeness_autodiff)
likeness_test(autodiff_operations_test LINKS operation_catalogue likeness_autodiff)
likeness_test(autodiff_text_test LINKS likeness_autodiff)
likeness_test(autodiff_gradcheck_test LINKS likeness_autodiff LABEL gradients)
likeness_test(autodiff_program_test LINKS likeness_autodiff LABEL gradients)
foreach(test autodiff_gradient_test autodiff_fusion_test)
  likeness_test(${test} LINKS operation_catalogue likeness_autodiff LABEL gradients)
endforeach()
likeness_test(autodiff_fit_test LINKS operation_catalogue likeness_nn LABEL gradients)
