/* How the host was set up: the order in which it is read. */
#include "host/setup.h"

void read_setup(Reader *reader) {
        reader->snapshot->setup = setup_new();
        read_setup_cpu(reader);
        read_setup_firmware(reader);
        read_setup_kernel(reader);
        read_setup_boot(reader);
        read_setup_initramfs(reader);
        read_setup_mechanisms(reader);
        read_setup_tools(reader);
        read_setup_resources(reader);
        read_setup_xen(reader);
}
