/* tests/plugins_planted/store_four.c -- not bad, but old: its table ends behind the four slots that a store needs. */
#include "planted.h"
PLANTED_MANIFEST("org.larder.planted.four", "1.0", "four", "\"sync\"")
static const struct {
  uint32_t struct_size, reserved;
  void (*slots[4])(void);
} planted_table = {8 + 4 * sizeof(void (*)(void)), 0,
                   {(void (*)(void))planted_get, (void (*)(void))planted_put,
                    (void (*)(void))planted_remove, (void (*)(void))planted_touch}};
PLANTED_COMPONENT("four", LARDER_STORE_CAP_SYNC, planted_table)
PLANTED_PLUGIN("org.larder.planted.four", "1.0.0")
