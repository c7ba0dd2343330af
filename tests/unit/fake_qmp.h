/* A QEMU that is none: it answers QMP over a socket pair, from a thread, as well or as badly as a test wants.
 * One may be used by many connections, one after another or at once, as long as it lives. Set it up before the
 * first connection. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct FakeQmp FakeQmp;

typedef enum {
        FAKE_QMP_GOOD,
        FAKE_QMP_HANGS,       /* takes the connection and says nothing */
        FAKE_QMP_HANGS_LATER, /* greets, then answers nothing after qmp_capabilities */
        FAKE_QMP_HANGS_DEL,   /* answers all but device_del */
        FAKE_QMP_CLOSES,      /* greets and closes */
        FAKE_QMP_NO_JSON,     /* sends "220 mail ready" */
        FAKE_QMP_BROKEN_JSON, /* greets, then sends braces with nonsense inside */
        FAKE_QMP_WRONG_ID,    /* answers with another question's id */
        FAKE_QMP_WRONG_SHAPE, /* answers everything with {"return": {"x": 1}} */
        FAKE_QMP_ENDLESS,     /* greets, then sends one JSON text that never ends */
        FAKE_QMP_FLOODS,      /* greets, then sends events instead of answers */
} FakeQmpManner;

typedef enum {
        FAKE_DELETE_SOON,   /* DEVICE_DELETED follows the answer */
        FAKE_DELETE_SLOW,   /* … 300 ms later */
        FAKE_DELETE_EARLY,  /* … comes before the answer */
        FAKE_DELETE_SILENT, /* it goes, without an event */
        FAKE_DELETE_NEVER,
        FAKE_DELETE_GUEST_ERROR, /* DEVICE_UNPLUG_GUEST_ERROR follows */
        FAKE_DELETE_UNDER_WAY,   /* "already in the process of unplug"; DEVICE_DELETED comes all the same */
        FAKE_DELETE_BUSY_ONCE,   /* the first request finds the power indicator blinking */
        FAKE_DELETE_BUSY,        /* every one does */
        FAKE_DELETE_REFUSED,     /* GenericError */
        FAKE_DELETE_ENDS,        /* QEMU ends: the connection closes, fake_qmp_ended() is true */
} FakeQmpDelete;

FakeQmp *fake_qmp_new(const char *name);
void fake_qmp_free(FakeQmp *fake);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FakeQmp, fake_qmp_free)

void fake_qmp_set_manner(FakeQmp *fake, FakeQmpManner manner);
void fake_qmp_set_delete(FakeQmp *fake, FakeQmpDelete delete);
/* Every device_add is refused with these words. NULL: it works again. */
void fake_qmp_set_refusal(FakeQmp *fake, const char *desc);
void fake_qmp_set_uuid(FakeQmp *fake, const char *uuid);
void fake_qmp_set_status(FakeQmp *fake, const char *status);
void fake_qmp_set_ram(FakeQmp *fake, uint64_t base, uint64_t plugged);
void fake_qmp_set_pretty(FakeQmp *fake, bool pretty);
void fake_qmp_set_viommu(FakeQmp *fake, bool viommu);
/* A machine of type pc: its root bus pci.0 takes devices. */
void fake_qmp_set_i440fx(FakeQmp *fake, bool i440fx);
/* The machine's type, "pc-q35-10.0"; and what query-chardev says of one. Without: QEMU does not tell. */
void fake_qmp_set_machine(FakeQmp *fake, const char *machine);
void fake_qmp_set_chardev(FakeQmp *fake, const char *label, bool frontend_open);

/* A pcie-root-port. */
void fake_qmp_add_slot(FakeQmp *fake, const char *bus, bool hotplug);
/* A device that is there already. `type` as QOM names it ("vfio-pci"); `id` NULL: it was given none; `host` NULL:
 * not told; `bus`: one of the slots, or NULL. */
void fake_qmp_add_device(FakeQmp *fake, const char *type, const char *id, const char *host, const char *bus);

bool fake_qmp_has_device(FakeQmp *fake, const char *id);
/* True when a device with this host= is in the guest: what a simulated host counts as in use. */
bool fake_qmp_has_host(FakeQmp *fake, const char *host);
bool fake_qmp_ended(FakeQmp *fake);
/* How often a command came. */
unsigned fake_qmp_count(FakeQmp *fake, const char *command);

/* A connected socket, the caller's. */
int fake_qmp_connect(FakeQmp *fake);
