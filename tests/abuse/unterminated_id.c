/* tests/abuse/unterminated_id.c -- the id of its descriptor does not end. */
#define ABUSE_NAME "unterminated_id"
#define ABUSE_ID_TEXT endless
static const char endless[4096] = {[0 ... 4095] = 'x'};
#include "abuse.h"
