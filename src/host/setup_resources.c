/* To be written. */
#include "host/setup.h"

void read_setup_resources(Reader *reader) {
}
