/* A small machine behind the seam for the tests of act/: one igb with VFs, one guest, and what the kernel answers when it is
 * told to fail. It also stands in for host_read(), rtnl.h and guest.h (fake_guests.c), so that these tests are of act/ alone; the
 * whole house is run on the simulated kernel. */
#pragma once

#include "act/act.h"
#include "model/books.h"
#include "model/snapshot.h"

#define PF_NAME "0000:01:00.0"
#define BOOT "11111111-2222-3333-4444-555555555555"

#define UUID "5c1f3c2e-0000-4000-8000-00000000beef"
/* VF 0 as an element, as libvirt keeps it, and a NIC of the network. */
#define ELEMENT "<interface type='hostdev' managed='yes'><mac address='52:54:00:00:00:01'/><source><address type='pci' domain='0x0000' bus='0x01' slot='0x10' function='0x0'/></source></interface>"
#define NETWORK_ELEMENT "<interface type='network'><mac address='52:54:00:00:00:02'/><source network='pt'/></interface>"

enum { MY_PID = 100, GUEST_PID = 812, DEAD_PID = 4000, MAX_VFS = 4 };

/* libvirt, with one guest "web1" and one network "pt". */
typedef struct {
        bool here;         /* it runs on this host */
        bool deaf;         /* but does not answer */
        bool has_guest;
        char *uuid;        /* that guest's */
        int pid;           /* of its process; 0: it is off */
        char *has;         /* id of VF 0 in the running guest, or NULL */
        char *element;     /* VF 0 (or the network's NIC) in its definition, or NULL */
        bool keeps;        /* the running guest answers "pending" */
        bool forgets_driver; /* leaves a device that it took back without a driver */
        bool defined_later;  /* VF 0 comes into the definition right after the books were read */
        bool ignores;      /* says yes to definitions, networks and holds, and does nothing */
        HostdevNetwork *network; /* NULL: not there */
        unsigned books_read;
} FakeService;

#define FILE_UUID "5c1f3c2e-0000-4000-8000-000000000a11"
#define XEN_ENTRY "0000:01:10.0,permissive=1"

/* Xen below this host, with one domain "web1", which has VF 0 at most, and a file etc/xen/web1.cfg. */
typedef struct {
        bool here;        /* vfadm's module for it is installed */
        bool deaf;        /* but Xen does not answer */
        unsigned domain;  /* its number; 0: it does not run */
        char *name;       /* as it runs: 'xl rename' changes it */
        const char *status;
        bool going;       /* it is dying: "running" no more */
        bool has;         /* VF 0 */
        bool has_file;
        bool file_has_uuid; /* FILE_UUID; else one is made up at each start */
        char *entry;      /* VF 0 in the file, or NULL */
        bool keeps;       /* answers "pending" */
        bool ignores;     /* says yes to plugging, and does nothing */
        bool comes_later; /* the domain gets VF 0 right after the books were read */
        int assignable;   /* VF 0: 1 or 0, as Xen was told last; -1: it was not */
        char *driver_path; /* what xl knows of its driver in dom0 */
        unsigned slots;   /* VFs (a bit each) that pciback takes by itself before igbvf, where it was loaded first */
        unsigned books_read;
} FakeXen;

typedef struct {
        Io io;
        GHashTable *files; /* path → text */
        GHashTable *links; /* path → target */
        GPtrArray *log;    /* char*: every change */
        int64_t clock;

        unsigned gives;    /* how many VFs the driver makes at most */
        VfState vfs[MAX_VFS];
        unsigned reports;  /* VF_* that the driver reports */
        bool refuses_zero_mac;
        bool ignores_vlan; /* says yes and does nothing */
        unsigned ignores_vlan_of; /* the same, for VF number this less 1 only */
        int busy;          /* so many netlink changes are answered EAGAIN; -1: all */
        bool nobody_binds; /* drivers_probe says yes and binds nothing */

        char *fail_prefix; /* a change whose log line begins so fails … */
        int fail_errno;    /* … with this */
        int fail_times;    /* … so many times; -1: always */
        int fail_after;    /* … but not the first so many times */
        bool fail_modules; /* no module can be loaded */
        int lock_result;   /* 0, or what taking a PF's lock gives */

        /* What a program does and says; its exit status. NULL: there is none. */
        int (*program)(Io *io, char *const argv[], GString *says);

        const char *pf_address; /* of the PF's network device; NULL: none */

        bool guest_runs;
        char *guest_has;   /* device id, or NULL */
        bool guest_keeps;  /* answers "pending" */
        bool guest_deaf;   /* its monitor does not answer */
        int user_pid;      /* a process that holds VF 0; 0: none */
        FakeService service;
        FakeXen xen;
        bool in_container; /* its processes are not the host's */
        unsigned vf_reads; /* how often it was asked for the state of the VFs */
        unsigned looks;    /* how often it was asked who uses some functions */
} Machine;

PciAddr machine_pf(void);
PciAddr machine_vf(unsigned index);

Machine *machine_new(unsigned num_vfs);
void machine_free(Machine *machine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Machine, machine_free)

void machine_put(Machine *machine, const char *path, const char *text);
void machine_set_driver(Machine *machine, unsigned vf, const char *driver, const char *driver_override);
/* "igbvf", "igbvf (igbvf)", "-": driver and override of a VF; the caller frees. */
char *machine_driver(Machine *machine, unsigned vf);
unsigned machine_num_vfs(Machine *machine);
char *machine_autoprobe(Machine *machine);
void machine_start_process(Machine *machine, int pid);
void machine_end_process(Machine *machine, int pid);
/* Notes a change; a negative errno when it is to fail. */
int machine_change(Machine *machine, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* libvirt is here, with its guest off, and its network active with VFs 0 and 1. */
void machine_start_service(Machine *machine);
/* The guest runs (pid GUEST_PID). */
void machine_start_guest(Machine *machine);
/* The network gave this VF to `owner`, or vfadm holds it (HOSTDEV_HOLDER); NULL: neither. */
void machine_set_port(Machine *machine, unsigned vf, const char *owner);
/* Who has the network's port of this VF; NULL: nobody. */
const char *machine_port(Machine *machine, unsigned vf);
/* This host is Xen's dom0, and the module for it is here; the domain does not run and its file does not name VF 0. */
void machine_start_xen(Machine *machine);
/* The domain runs, as number 3. */
void machine_start_domain(Machine *machine);
void machine_end_domain(Machine *machine);
/* The uuid of the running domain. */
const char *machine_domain_uuid(const Machine *machine);
void fake_xen_clear(FakeXen *xen);
void fake_service_init(FakeService *service);
void fake_service_clear(FakeService *service);
/* The log so far, one change a line, and empties it; the caller frees. */
char *machine_take_log(Machine *machine);
