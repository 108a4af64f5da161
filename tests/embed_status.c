/* likeness.h as C99, alone: the list of codes for embed_api_test.cc. */
#include "likeness/likeness.h"

#define ENTRY(name) \
  { LIKENESS_##name, #name }

struct embed_status {
  likeness_status status;
  const char* name;
};

const struct embed_status embed_statuses[] = {
    ENTRY(OK),
    ENTRY(INVALID_ARGUMENT),
    ENTRY(NOT_FOUND),
    ENTRY(IO_ERROR),
    ENTRY(UNSUPPORTED_FORMAT),
    ENTRY(CORRUPT_IMAGE),
    ENTRY(IMAGE_TOO_LARGE),
    ENTRY(IMAGE_TOO_SMALL),
    ENTRY(NO_FACE),
    ENTRY(FACE_TOO_SMALL),
    ENTRY(POSE),
    ENTRY(LANDMARKS_BAD),
    ENTRY(CORRUPT_MODEL),
    ENTRY(SCHEMA_MISMATCH),
    ENTRY(CORRUPT_SCENE),
    ENTRY(DIVERGED),
    ENTRY(CLIENT_FAILED),
    ENTRY(UNAVAILABLE),
    ENTRY(OUT_OF_MEMORY),
    ENTRY(INTERNAL),
};
const int embed_status_count = sizeof embed_statuses / sizeof embed_statuses[0];
