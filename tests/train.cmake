# Python tests of train/, where a Python with PyTorch, NumPy and Pillow is at hand.
find_program(LIKENESS_TRAIN_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
if(NOT LIKENESS_TRAIN_PYTHON)
  find_program(LIKENESS_TRAIN_PYTHON NAMES python3)
endif()
if(LIKENESS_TRAIN_PYTHON)
  execute_process(COMMAND ${LIKENESS_TRAIN_PYTHON} -c "import torch, numpy, PIL" RESULT_VARIABLE missing OUTPUT_QUIET ERROR_QUIET)
  if(missing EQUAL 0)
    foreach(name test_models test_scene_stream test_pseudo_labels test_augment test_calibrate test_export test_companions test_adopt_extractor test_blend_f
                 test_encoder test_extend_model test_fit_irises test_landmark_data test_teach_guess test_parallel test_pipeline test_train_f test_train_g)
      add_test(NAME train_${name} COMMAND ${LIKENESS_TRAIN_PYTHON} ${CMAKE_SOURCE_DIR}/train/${name}.py)
      set_tests_properties(train_${name} PROPERTIES ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1;OMP_NUM_THREADS=2")
    endforeach()
    add_test(NAME train_test_export_state_dict COMMAND ${CMAKE_COMMAND} -E env PYTHONDONTWRITEBYTECODE=1 LIKENESS_PROGRAM=$<TARGET_FILE:likeness>
             ${LIKENESS_TRAIN_PYTHON} ${CMAKE_SOURCE_DIR}/train/test_export_state_dict.py)
    if(TARGET head_asset)  # the whole recipe in miniature needs the client and its head
      set(client LIKENESS_PROGRAM=$<TARGET_FILE:likeness>)
    endif()
    add_test(NAME train_test_compact COMMAND ${CMAKE_COMMAND} -E env PYTHONDONTWRITEBYTECODE=1 ${client}
             ${LIKENESS_TRAIN_PYTHON} ${CMAKE_SOURCE_DIR}/train/test_compact.py)
  endif()
endif()
if(LIKENESS_WITH_DLIB)
  likeness_test(landmark_training_test LINKS likeness_landmark_training likeness_align)
  if(TARGET head_asset)
    likeness_test(landmark_shipped_test LINKS likeness_fit)
    add_dependencies(landmark_shipped_test head_asset)
  endif()
endif()
