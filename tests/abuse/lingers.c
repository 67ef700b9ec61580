/* tests/abuse/lingers.c -- its threads run on when stop has returned, and when the process ends. */
#define ABUSE_NAME "lingers"
#define ABUSE_START begins
#include "abuse.h"

#include <pthread.h>
static void *idle(void *unused) {
  for (volatile unsigned n = 0;; ++n)
    if ((n & 0xffffff) == 0) sched_yield();
  return unused;
}
static larder_status begins(void *self, larder_errbuf *err) {
  (void)self, (void)err;
  for (int n = 0; n < 2; ++n) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, idle, NULL) == 0) pthread_detach(thread);
  }
  return LARDER_OK;
}
