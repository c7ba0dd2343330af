/* Files without what the configuration now says: lines are made comments, so that whoever wants them back takes RETIRED away from
 * their beginnings. Private to plan/; pure. */
#pragma once

#include "model/takeover.h"

#define RETIRED "#vfadm-retired: "

/* Mechanisms of this kind can be taken out of their files, or their files put aside. */
bool retire_knows(MechanismKind kind);
/* The text without what these mechanisms (const Mechanism*, all of one file and kind) do. NULL with the reason in *why (the caller
 * frees): it cannot be taken out without more. */
char *retire_text(const char *text, const GPtrArray *mechanisms, char **why);
