/* tests/abuse/no_symbol.c -- exports no descriptor. */
#define ABUSE_NAME "no_symbol"
#define ABUSE_OWN_DESCRIPTOR
#include "abuse.h"
LARDER_EXPORT extern const larder_component *const somebody_elses_symbol;
const larder_component *const somebody_elses_symbol = &abuse_component;
