/* To be written. */
#include "host/setup.h"

void read_setup_mechanisms(Reader *reader) {
}
