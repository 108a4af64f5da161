likeness_test(align_test LINKS likeness_align)
