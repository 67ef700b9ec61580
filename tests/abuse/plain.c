/* tests/abuse/plain.c -- does nothing wrong: what is wrong is where its file lies, or what became of it. */
#define ABUSE_NAME "plain"
#include "abuse.h"
