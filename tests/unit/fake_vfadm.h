/* A program in the place of vfadm, for the tests of the service: it writes down how it was called and says what it was told to. */
#pragma once

#include "io_helpers.h"

typedef struct {
        Temp temp;
        char *program;
} FakeVfadm;

void fake_open(FakeVfadm *fake);
void fake_close(FakeVfadm *fake);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FakeVfadm, fake_close)
/* What it prints when called with these words ("pool list"), and its exit status. */
void fake_says(const FakeVfadm *fake, const char *words, const char *json, int status);
/* What it does before, in sh. */
void fake_does(const FakeVfadm *fake, const char *words, const char *script);
/* All calls until now, a line of words each. */
char *fake_calls(const FakeVfadm *fake);
/* How often these words were in them. */
unsigned fake_count(const FakeVfadm *fake, const char *words);

/* Runs the main loop until `done` says so; fails after a while. */
void loop_until(bool (*done)(void *user), void *user, const char *what);
/* Runs it for a while that is long enough for what must not happen. */
void loop_for(unsigned milliseconds);
