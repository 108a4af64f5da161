foreach(test nn_network_test nn_optimizer_test nn_parity_test)
  likeness_test(${test} LINKS likeness_nn)
endforeach()
