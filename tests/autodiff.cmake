foreach(test autodiff_gradient_test autodiff_program_test autodiff_tape_test)
  likeness_test(${test} LINKS likeness_autodiff)
endforeach()
