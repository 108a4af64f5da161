/* embed-c PHOTO.ppm [ITERATIONS [LANDMARKS.txt]]: prints the character of a photo as JSON.
 * PHOTO.ppm is a binary PPM with 8 bits a sample; LANDMARKS.txt holds 68 lines "x y" in pixels of the photo. The model is
 * $LIKENESS_MODEL, else the installed one. The exit status is the status code of likeness.h. */
#include <stdio.h>
#include <stdlib.h>

#include "likeness/likeness.h"

static uint8_t* read_ppm(const char* path, int* width, int* height) {
  FILE* file = fopen(path, "rb");
  uint8_t* rgb = NULL;
  if (file == NULL) return NULL;
  if (fscanf(file, "P6 %d %d 255%*c", width, height) == 2 && *width > 0 && *height > 0 && *width <= 16384 && *height <= 16384) {
    const size_t size = (size_t)*width * (size_t)*height * 3;
    rgb = malloc(size);
    if (rgb != NULL && fread(rgb, 1, size, file) != size) {
      free(rgb);
      rgb = NULL;
    }
  }
  fclose(file);
  return rgb;
}

static int read_landmarks(const char* path, double landmarks[136]) {
  FILE* file = fopen(path, "r");
  int count = 0;
  if (file == NULL) return 0;
  while (count < 136 && fscanf(file, "%lf", &landmarks[count]) == 1) ++count;
  fclose(file);
  return count == 136;
}

static int show_progress(void* user, int32_t iteration, int32_t iterations, double loss, double similarity) {
  (void)similarity;
  fprintf(user, "step %d of %d: loss %.4f\n", (int)iteration, (int)iterations, loss);
  return 0; /* go on */
}

int main(int argc, char** argv) {
  likeness_model* model = NULL;
  likeness_result* result = NULL;
  likeness_fit_options options;
  likeness_status status;
  double landmarks[136];
  int width, height;
  uint8_t* rgb = argc > 1 ? read_ppm(argv[1], &width, &height) : NULL;
  if (rgb == NULL || (argc > 3 && !read_landmarks(argv[3], landmarks))) {
    fprintf(stderr, "usage: embed-c PHOTO.ppm [ITERATIONS [LANDMARKS.txt]] (likeness %s)\n", likeness_version());
    free(rgb);
    return 100;
  }
  likeness_fit_options_init(&options, sizeof options);
  if (argc > 2) options.iterations = atoi(argv[2]);
  options.progress = show_progress;
  options.user = stderr;

  status = likeness_model_load(NULL, &model);
  if (status == LIKENESS_OK) {
    status = likeness_fit(model, rgb, width, height, (size_t)width * 3, argc > 3 ? landmarks : NULL, &options, &result);
  }
  if (status == LIKENESS_OK) {
    fputs(likeness_result_json(result), stdout);
  } else {
    fprintf(stderr, "%s: %s\n", likeness_status_name(status), likeness_error());
  }
  likeness_result_free(result);
  likeness_model_free(model);
  free(rgb);
  return (int)status;
}
