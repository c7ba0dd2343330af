/* The files that fill Reader.snapshot->setup, one source each. Internal to host/. Each leaves what it cannot read as "not
 * known", and notes it (reader_note) where the reader of the report would want to know. */
#pragma once

#include "host/reader.h"

/* setup.c: all of it. */
void read_setup(Reader *reader);

void read_setup_cpu(Reader *reader);        /* setup_cpu.c: processor, /dev/kvm */
void read_setup_firmware(Reader *reader);   /* setup_firmware.c: ACPI tables (acpi.h), EFI, Secure Boot */
void read_setup_kernel(Reader *reader);     /* setup_kernel.c: command line, configuration, groups' types, modules, Xen */
void read_setup_boot(Reader *reader);       /* setup_boot.c: where boot parameters are kept */
void read_setup_initramfs(Reader *reader);  /* setup_initramfs.c: how Xen's pciback comes first at boot */
void read_setup_mechanisms(Reader *reader); /* setup_mechanisms.c and its parsers: what acts on VFs at boot */
void read_setup_tools(Reader *reader);      /* setup_tools.c: versions of libvirt, QEMU … */
void read_setup_xen(Reader *reader);       /* setup_xen.c: Xen's dom0 */
void read_setup_resources(Reader *reader);  /* setup_resources.c: Dev.resources */
