/* tests/plugins_planted/store_eager.c -- leaves a file behind when it is loaded: proof that its code has run. */
#include "planted.h"

#include <stdio.h>
#include <stdlib.h>
PLANTED_MANIFEST("org.larder.planted.eager", "1.0", "eager", "")
PLANTED_TABLE
PLANTED_COMPONENT("eager", 0, planted_table)
PLANTED_PLUGIN("org.larder.planted.eager", "1.0.0")
__attribute__((constructor)) static void leave_proof(void) {
  const char *path = getenv("LARDER_PLANTED_PROOF");
  FILE *file = path == NULL ? NULL : fopen(path, "w");
  if (file != NULL) {
    fclose(file);
  }
}
