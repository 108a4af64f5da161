find_package(nlohmann_json REQUIRED)
foreach(test nn_network_test nn_optimizer_test nn_parity_test nn_torchvision_test)
  likeness_test(${test} LINKS likeness_nn nlohmann_json::nlohmann_json)
endforeach()
