/* tests/abuse/null_function.c -- a function that every store needs is NULL. */
#define ABUSE_NAME "null_function"
#define ABUSE_TOUCH NULL
#include "abuse.h"
