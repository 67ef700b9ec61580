/* tests/abuse/many.c -- a plugin that ends the process when it is loaded, in a form that many copies can be made of.
 *
 * tests/support/many_plugins.py puts other numbers into the places of 00. */
#define ABUSE_NAME "many_00"
#define ABUSE_ID "org.larder.abuse.many-00"
#include "abuse.h"

#include <stdlib.h>

__attribute__((constructor)) static void loaded(void) { abort(); }
