/* Walks config space. Pure: bytes in, facts out; any bytes are survived (fuzzed). */
#pragma once

#include "model/caps.h"

#include <stddef.h>

/* `length` may be less than a capability needs: what cannot be read is left at "none". Loops and wild pointers in the
 * capability lists end the walk. */
void config_parse(const uint8_t *bytes, size_t length, PciCaps *ret);
