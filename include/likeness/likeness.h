/* likeness in C: a portrait photo becomes the sliders of a game character.
 *
 *   likeness_model* model = NULL;
 *   likeness_result* result = NULL;
 *   if (likeness_model_load(NULL, &model) == LIKENESS_OK &&
 *       likeness_fit(model, rgb, width, height, (size_t)width * 3, NULL, NULL, &result) == LIKENESS_OK) {
 *     puts(likeness_result_json(result));
 *   } else {
 *     fprintf(stderr, "%s\n", likeness_error());
 *   }
 *   likeness_result_free(result);
 *   likeness_model_free(model);
 *
 * Errors. Functions that can fail return a likeness_status; likeness_error() has the sentence. No C++ exception leaves a function, and
 * no input makes one abort. Pointers that must not be NULL are checked: LIKENESS_INVALID_ARGUMENT. A pointer to freed or foreign memory
 * cannot be.
 * Out of memory. LIKENESS_OUT_OF_MEMORY gives back all that the call took; the model stays usable. docs/embedding.md names the two cases
 * where a failed allocation ends the process instead.
 * Ownership. What a load or fit hands out is freed by its own _free function. Strings and pictures of a result belong to it.
 * Threads. A model may be shared: any number of threads may fit with it at once, each call on the thread that made it (and on those of
 * the library, which start with the first fit and end at exit). A result may be read by many threads. Free either only when no other
 * thread uses it.
 * Text is UTF-8 and ends with a zero byte; paths are handed to the operating system as they are.
 * Growth. Structures carry their size, numbers are pinned, functions stay: a program built for this header works with later versions
 * of the same major version (before 1.0: of the same minor version).
 */
#ifndef LIKENESS_LIKENESS_H
#define LIKENESS_LIKENESS_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32) && defined(LIKENESS_SHARED)
#ifdef LIKENESS_BUILDING
#define LIKENESS_API __declspec(dllexport)
#else
#define LIKENESS_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define LIKENESS_API __attribute__((visibility("default")))
#else
#define LIKENESS_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Versions and errors ----------------------------------------------------------------------------------------------------- */

/* "MAJOR.MINOR.PATCH" of the library that runs. Never NULL, never freed. */
LIKENESS_API const char* likeness_version(void);

/* What a call came to. The numbers are those of status.hpp and never change meaning; later versions append. */
typedef enum likeness_status {
  LIKENESS_OK = 0,
  LIKENESS_INVALID_ARGUMENT = 1,   /* a NULL, a size or a number that is out of range */
  LIKENESS_NOT_FOUND = 2,          /* a file is missing: the sentence says which and what to do */
  LIKENESS_IO_ERROR = 3,           /* the operating system refused a read or write */
  LIKENESS_UNSUPPORTED_FORMAT = 4, /* the photo file is not JPEG, PNG or BMP */
  LIKENESS_CORRUPT_IMAGE = 5,      /* the photo file is truncated or damaged */
  LIKENESS_IMAGE_TOO_LARGE = 6,
  LIKENESS_IMAGE_TOO_SMALL = 7,
  LIKENESS_NO_FACE = 8,          /* no frontal face was found */
  LIKENESS_FACE_TOO_SMALL = 9,   /* too few pixels between the eyes */
  LIKENESS_POSE = 10,            /* the face is turned too far from frontal */
  LIKENESS_LANDMARKS_BAD = 11,   /* the landmarks do not look like a face */
  LIKENESS_CORRUPT_MODEL = 12,   /* a model file breaks its format's rules */
  LIKENESS_SCHEMA_MISMATCH = 13, /* the networks were trained for another scene */
  LIKENESS_CORRUPT_SCENE = 14,   /* scene.json or the head asset is malformed */
  LIKENESS_DIVERGED = 15,        /* the fit ran into numbers that are not finite */
  LIKENESS_CLIENT_FAILED = 16,   /* the game client crashed, timed out or answered nonsense */
  LIKENESS_UNAVAILABLE = 17,     /* left out of this build, e.g. finding faces without dlib */
  LIKENESS_OUT_OF_MEMORY = 18,
  LIKENESS_INTERNAL = 19 /* a defect of the library, or an exception thrown by a callback */
} likeness_status;

/* The upper-case name of a code as in the command's ledger, e.g. "NO_FACE"; "UNKNOWN" for a number that is none. Never NULL. */
LIKENESS_API const char* likeness_status_name(int32_t status);

/* One sentence about the last call on this thread that returned something else than LIKENESS_OK; "" before the first. Bound to the
 * thread, not to a handle: read it before the next call on the same thread. At most 1023 bytes. Never NULL. */
LIKENESS_API const char* likeness_error(void);

/* ---- Models ------------------------------------------------------------------------------------------------------------------ */

/* Networks, game client and landmark finder of one game. */
typedef struct likeness_model likeness_model;

typedef struct likeness_model_options {
  size_t size;           /* sizeof(likeness_model_options) */
  const char* folder;    /* generator.safetensors, extractor.safetensors, scene.json ...; NULL: $LIKENESS_MODEL, else the installed one */
  const char* scene;     /* NULL: scene.json in the folder, which may not start a program; a scene named here may */
  const char* landmarks; /* a landmark file that the manifest of its folder lists, or Debian's; NULL: landmarks68.dat in the folder, else
                            $LIKENESS_LANDMARKS, else Debian's where it is installed, else landmarks68-small.dat in the folder */
} likeness_model_options;

/* Sets every field to its default. `size` is sizeof(likeness_model_options) as the caller's compiler sees it. NULL: does nothing. */
LIKENESS_API void likeness_model_options_init(likeness_model_options* options, size_t size);

/* Loads a model; dlib's landmark file (97 MB), where there is one, takes the longest. options NULL: all defaults.
 * *model: the handle, NULL after an error. A missing landmark file is no error here, but at the first photo without landmarks.
 * Errors: INVALID_ARGUMENT, NOT_FOUND, IO_ERROR, CORRUPT_MODEL, CORRUPT_SCENE, SCHEMA_MISMATCH, CLIENT_FAILED, UNAVAILABLE,
 * OUT_OF_MEMORY. */
LIKENESS_API likeness_status likeness_model_load(const likeness_model_options* options, likeness_model** model);

/* Frees a model. NULL: does nothing. Results outlive their model. */
LIKENESS_API void likeness_model_free(likeness_model* model);

/* ---- Fitting ----------------------------------------------------------------------------------------------------------------- */

/* Called after every step of a fit, on the thread that called likeness_fit(). iteration counts from 1 to at most iterations; loss is 1
 * at the average face; similarity is at most 1. Return 0 to go on, anything else to stop with the best character so far
 * (LIKENESS_STOP_CANCELLED). Must not free the model that fits; must not leave by longjmp. */
typedef int (*likeness_progress)(void* user, int32_t iteration, int32_t iterations, double loss, double similarity);

enum { LIKENESS_LOSS_L1 = 0, LIKENESS_LOSS_L2 = 1 };
enum { LIKENESS_ALIGN_AFFINE = 0, LIKENESS_ALIGN_SIMILARITY = 1 };
enum { LIKENESS_OPTIMIZER_ADAM = 0, LIKENESS_OPTIMIZER_SGD = 1 };
enum { LIKENESS_OBJECTIVE_LIKENESS = 0, LIKENESS_OBJECTIVE_PLAIN = 1 };
enum { LIKENESS_START_GUESS = 0, LIKENESS_START_AVERAGE = 1 };
enum { LIKENESS_CHOICES_CLIENT = 0, LIKENESS_CHOICES_GENERATOR = 1 };

/* What the fields mean in full: FitOptions in likeness.hpp. */
typedef struct likeness_fit_options {
  size_t size;                /* sizeof(likeness_fit_options) */
  int32_t iterations;         /* gradient steps in all, 1 to 10000 */
  int32_t loss;               /* LIKENESS_LOSS_... */
  int32_t align;              /* LIKENESS_ALIGN_... */
  int32_t optimizer;          /* LIKENESS_OPTIMIZER_... */
  int32_t objective;          /* LIKENESS_OBJECTIVE_... */
  double threshold;           /* stop once the similarity reaches it; 1: never */
  double step;                /* first step size, above 0 */
  double prior;               /* weight of the distance from the average face, 0 or more */
  uint64_t seed;              /* 0: exactly at the start; else near it */
  likeness_progress progress; /* NULL: none */
  void* user;                 /* handed to progress */
  const char* name;           /* the character's name inside the .mhm; NULL: "likeness" */
  int32_t start;              /* LIKENESS_START_... */
  int32_t choices;            /* LIKENESS_CHOICES_...: whose pictures of the options are compared */
} likeness_fit_options;

/* Sets every field to its default. `size` is sizeof(likeness_fit_options) as the caller's compiler sees it. NULL: does nothing. */
LIKENESS_API void likeness_fit_options_init(likeness_fit_options* options, size_t size);

/* A fitted character. */
typedef struct likeness_result likeness_result;

/* Fits RGB pixels: 8 bits a sample, sRGB, upright, rows from the top, row y at rgb + y * row_stride. The pixels are not kept.
 *   width, height  64 to 16384, at most 100 million pixels together
 *   row_stride     bytes from one row to the next, at least 3 * width
 *   landmarks      68 points x0, y0, x1, y1, ... in pixels of the photo (x right, y down, the first pixel's centre at 0.5, 0.5), in the
 *                  order of iBUG 300-W: jaw 0-16, brows 17-26, nose 27-35, eyes 36-47, mouth 48-67; NULL: dlib finds them
 *   options        NULL: all defaults
 *   *result        the character; NULL after an error, except that LIKENESS_DIVERGED may leave the best one before that
 * Equal inputs give equal results, whatever the number of threads.
 * Errors: INVALID_ARGUMENT, IMAGE_TOO_LARGE, IMAGE_TOO_SMALL, NO_FACE, FACE_TOO_SMALL, POSE, LANDMARKS_BAD, DIVERGED, CLIENT_FAILED,
 * OUT_OF_MEMORY; without landmarks also UNAVAILABLE (built without dlib), NOT_FOUND and CORRUPT_MODEL (landmark file). */
LIKENESS_API likeness_status likeness_fit(likeness_model* model, const uint8_t* rgb, int32_t width, int32_t height, size_t row_stride,
                                          const double* landmarks, const likeness_fit_options* options, likeness_result** result);

/* The same for the bytes of a JPEG, PNG or BMP file, told by content; EXIF orientation is applied, and landmarks are in pixels of the
 * upright photo. Errors also: UNSUPPORTED_FORMAT, CORRUPT_IMAGE. */
LIKENESS_API likeness_status likeness_fit_file(likeness_model* model, const void* bytes, size_t byte_count, const double* landmarks,
                                               const likeness_fit_options* options, likeness_result** result);

/* Threads that one fit may use, for the whole process: 1 fits on the caller's thread; less than 1: the default (the
 * environment's LIKENESS_NUM_THREADS, else OMP_NUM_THREADS, else the processors that the process may use). Built without threads
 * (LIKENESS_WITH_THREADS) every fit is serial and this does nothing. */
LIKENESS_API void likeness_set_threads(int32_t threads);

/* ---- Results. `result` must not be NULL for those that return no status: they then return NULL, NaN or -1. ---------------------- */

/* character.json, the same document as the command writes: every parameter by name in client units and in [0, 1], and under "fit" how it
 * came about. Valid until likeness_result_free(). */
LIKENESS_API const char* likeness_result_json(const likeness_result* result);

/* The character as a MakeHuman saved model, the text of a .mhm; NULL where the scene is not MakeHuman's head. */
LIKENESS_API const char* likeness_result_mhm(const likeness_result* result);

/* The share of other people's characters that would be less like the photo, 0 to 1 (models with companions). */
LIKENESS_API double likeness_result_similarity(const likeness_result* result);

/* Why the fit ended: LIKENESS_STOP_... */
enum {
  LIKENESS_STOP_ITERATIONS = 0, /* the iterations were used up */
  LIKENESS_STOP_THRESHOLD = 1,  /* the similarity reached the threshold */
  LIKENESS_STOP_PLATEAU = 2,    /* the loss stopped falling */
  LIKENESS_STOP_CANCELLED = 3,  /* the progress callback said so */
  LIKENESS_STOP_DIVERGED = 4    /* comes with LIKENESS_DIVERGED */
};
LIKENESS_API int32_t likeness_result_stop(const likeness_result* result);

/* The 68 landmarks used, 136 numbers as in likeness_fit(). */
LIKENESS_API const double* likeness_result_landmarks(const likeness_result* result);

enum {
  LIKENESS_PICTURE_ALIGNED = 0,   /* the photo on the reference face */
  LIKENESS_PICTURE_GENERATED = 1, /* the network's picture of the character */
  LIKENESS_PICTURE_RENDERED = 2   /* the game client's picture: frontal, without expression, standard light */
};

/* Picture `picture` (LIKENESS_PICTURE_...): `*side` x `*side` RGB pixels, 8 bits a sample, rows without padding. Not copied: valid until
 * likeness_result_free(). Errors: INVALID_ARGUMENT. */
LIKENESS_API likeness_status likeness_result_picture(const likeness_result* result, int32_t picture, const uint8_t** rgb, int32_t* side);

/* Frees a result. NULL: does nothing. */
LIKENESS_API void likeness_result_free(likeness_result* result);

#ifdef __cplusplus
}
#endif

#endif /* LIKENESS_LIKENESS_H */
