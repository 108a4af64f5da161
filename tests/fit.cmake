likeness_test(fit_search_test LINKS likeness_fit)
likeness_test(fit_batch_test LINKS likeness_fit)
likeness_test(fit_model_test SOURCES fit_fixture.cc LINKS likeness_fit)
likeness_test(fit_companions_test SOURCES fit_fixture.cc LINKS likeness_fit)
