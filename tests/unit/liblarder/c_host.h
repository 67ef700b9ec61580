/* tests/unit/liblarder/c_host.h -- a host in C11, called by a test in C++. */
#ifndef LARDER_TESTS_C_HOST_H
#define LARDER_TESTS_C_HOST_H
#ifdef __cplusplus
extern "C" {
#endif
/* 0, or the line of c_host.c whose expectation did not hold. */
int c_host_runs(const char *plugins);
#ifdef __cplusplus
}
#endif
#endif
