/* To be written. */
#include "host/setup.h"

void read_setup_firmware(Reader *reader) {
}
