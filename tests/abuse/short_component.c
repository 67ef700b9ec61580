/* tests/abuse/short_component.c -- its component says it ends before `create`. */
#define ABUSE_NAME "short_component"
#define ABUSE_COMPONENT_SIZE 16
#include "abuse.h"
