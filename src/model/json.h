/* JSON values that the files of this room share. */
#pragma once

#include "model/pci.h"

#include <jansson.h>

/* null for NULL. */
json_t *json_text(const char *text);
/* "0000:01:10.0" */
json_t *json_addr(PciAddr addr);
