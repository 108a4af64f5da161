find_package(hwy REQUIRED)
get_target_property(likeness_kernel_definitions likeness_kernels COMPILE_DEFINITIONS)
foreach(test kernels_conv_test kernels_bf16_test kernels_winograd_test kernels_elementwise_test kernels_sampling_test kernels_softmax_test kernels_number_test kernels_allocation_test kernels_targets_test)
  likeness_test(${test} LINKS likeness_kernels hwy::hwy)
  # So that Highway lists the same instruction sets here as the kernels were compiled for.
  target_compile_definitions(${test} PRIVATE ${likeness_kernel_definitions})
  # The references are compiled into the tests: where the machine always has fused multiply-adds (Arm), they would be fused too.
  target_compile_options(${test} PRIVATE -ffp-contract=off)
endforeach()
