likeness_test(base_test LINKS likeness_base)
