/* To be written. */
#include "host/setup.h"

void read_setup_kernel(Reader *reader) {
}
