find_package(nlohmann_json REQUIRED)
    likeness_test(golden_operations_test LINKS likeness_autodiff likeness_weights nlohmann_json::nlohmann_json)
