/* What the parts of the simulated kernel share. */
#pragma once

#include "io/tree.h"
#include "sim.h"

#include <errno.h>
#include <jansson.h>

typedef struct Fn Fn;
typedef struct Driver Driver;
typedef struct Virt Virt;
typedef struct Xen Xen;

/* A card: PF driver and what it does. */
typedef struct {
        const char *driver, *vf_driver;
        uint16_t vendor, pf_device, vf_device, subdevice;
        unsigned total, hw_total, offset, stride; /* hw_total: where the card has more than its driver gives, else 0 */
        unsigned accepts;      /* VF_* with an ndo */
        bool vlan_8021ad;
        bool enable_needs_up;  /* bnxt: 0 VFs while the PF is down */
        bool own_mac;          /* the PF learns the MAC that the VF's driver chose (igb, ixgbe) */
        unsigned busy;         /* how often a VF change is answered by -EAGAIN after VFs were made (i40e) */
        unsigned missing_ms;   /* how long a VF is left out of the list after a change (ice) */
        bool no_min_rate;      /* a minimum rate is -EINVAL */
        unsigned speed;        /* Mbit/s */
} Card;

typedef struct {
        VfState state;
        bool admin_mac;
        unsigned busy;
        int64_t missing_until;
} Vf;

/* One PCI function. */
struct Fn {
        PciAddr addr;
        char name[PCI_ADDR_TEXT_SIZE];
        char *path; /* "sys/devices/pci0000:00/…" */
        uint16_t vendor, device, subvendor, subdevice;
        uint32_t class_code;
        uint8_t revision, pcie_type;
        int group;
        const Card *card; /* PFs and VFs */
        Driver *driver;
        char *override;
        const char *native; /* the driver whose table holds its ids; NULL: none */

        Fn *pf; /* VFs */
        unsigned index;
        GPtrArray *vfs; /* PFs: Fn*, borrowed */
        Vf *vf;         /* PFs: card->total of them */
        bool autoprobe;

        const char *sub; /* "virtio1": folder between the function and its class devices; NULL: none */
        char *net;       /* name of its network device while it has one */
        char *home_net;  /* the name it gets, where its driver makes one and it is no card's */
        uint8_t home_mac[6];
        int ifindex;
        bool up;
        uint8_t mac[6];
        int holder;  /* pid that has it open, 0: nobody */
        uint32_t domain; /* Xen's owner of it: 0 dom0, DOMAIN_IO in quarantine, else a guest */
        unsigned resets;
};

struct Driver {
        char *name;
        bool vfio;      /* only by driver_override */
        bool managed;   /* driver_managed_dma: may live beside VFIO */
        bool pciback;   /* only by driver_override, and what its list of slots names */
};

typedef struct {
        char *id, *bus;
        Fn *host;
        bool leaving;
        int64_t leaves_at; /* 0: not by itself */
} GuestDev;

typedef struct {
        char *name;
        int pid;
        unsigned ports;
        GuestManners manners;
        GPtrArray *devices; /* GuestDev* */
} Guest;

typedef struct {
        int pid, parent;
        uint64_t start;
        char *comm;
        bool child; /* started through the seam */
        bool gone;  /* not running */
        bool let_go;
        char **argv;
} Proc;

typedef struct {
        char *name;
        int pid, id;
} Lock;

struct Sim {
        GRecMutex mutex;
        unsigned options;
        IoTree *tree;
        Io *tree_io;
        GPtrArray *fns;     /* Fn* */
        GPtrArray *drivers; /* Driver* */
        GPtrArray *procs;   /* Proc* */
        GPtrArray *locks;   /* Lock* */
        GPtrArray *guests;  /* Guest* */
        Virt *virt;         /* NULL: no libvirt */
        Xen *xen;           /* NULL: this is no dom0 */
        GPtrArray *threads; /* GThread*: QEMU monitors being served */
        GHashTable *peers;  /* our end of a monitor's socket → pid of its QEMU */
        unsigned cards;
        int next_pid, next_ifindex, next_lock, selves;
        uint32_t next_mac;
        int64_t skipped;    /* microseconds that the clock was moved on */
        int child_status;
        void (*scene)(Sim *sim, int pid, void *user);
        void *scene_user;
        bool closing;
        char *flight_path, *flight_text; /* a write still under way */
        const char *late_module;         /* udev will load it … */
        unsigned late_writes;            /* … after so many writes */

        unsigned count, questions, fail_at, crash_at;
        int fail_errno;
        GPtrArray *names;
        int log_fd;
        bool replaying;
        GString *disturbances;
};

/* The Io of one process. */
typedef struct {
        Io base;
        Sim *sim;
        int pid;
} SimIo;

/* sim.c */
void sim_log(Sim *sim, int pid, const char *kind, const void *a, size_t a_length, const void *b, size_t b_length);
void sim_disturb(Sim *sim, const char *format, ...) G_GNUC_PRINTF(2, 3);
void tree_printf(Sim *sim, const char *path, const char *format, ...) G_GNUC_PRINTF(3, 4);
int64_t sim_now(Sim *sim);

/* sim_pci.c: functions and their files */
void pci_build(Sim *sim);
Fn *pci_find(Sim *sim, const char *name);
Fn *pci_add_vf(Sim *sim, Fn *pf, unsigned index);
void pci_remove(Sim *sim, Fn *fn);
void pci_render(Sim *sim, Fn *fn);       /* what may change: driver, override, group members, numvfs */
void pci_add_net(Sim *sim, Fn *fn, const char *name, const uint8_t mac[6]);
void pci_remove_net(Sim *sim, Fn *fn);
void pci_render_net(Sim *sim, Fn *fn);
void fn_free(Fn *fn);

/* sim_config.c */
void config_render(Sim *sim, Fn *fn);

/* sim_drv.c: drivers and what writing does */
Driver *drv_load(Sim *sim, const char *name);
int drv_probe(Sim *sim, Fn *fn);                 /* as device_attach(): 0, or a negative errno */
int drv_bind(Sim *sim, Fn *fn, Driver *driver);
void drv_unbind(Sim *sim, Fn *fn);
int drv_write(Sim *sim, const char *path, const char *text);
int drv_module(Sim *sim, const char *name);
void drv_forget(Sim *sim, const char *name);     /* its module is not loaded any more; nothing is bound to it */
void drv_reset(Sim *sim, Fn *fn);
void drv_flr(Fn *fn);
int drv_open(Sim *sim, Fn *fn, int pid);
void drv_close(Sim *sim, Fn *fn);

/* sim_boot.c */
void boot_build(Sim *sim);
void boot_replace(Sim *sim, const char *path, const char *text);
int boot_run(Sim *sim, const char *program, GString *says);
void boot_dump(Sim *sim, GString *out);

/* sim_net.c */
int net_request(Sim *sim, const void *request, size_t length, GByteArray *reply, char **extack);
int net_vf_mac(Sim *sim, Fn *pf, uint32_t index, const uint8_t mac[6]);
int net_vf_vlan(Sim *sim, Fn *pf, uint32_t index, uint32_t vlan, uint32_t qos, uint16_t proto);

/* sim_proc.c */
void proc_build(Sim *sim);
Proc *proc_add(Sim *sim, const char *comm, int parent, char *const argv[]);
Proc *proc_add_as(Sim *sim, int pid, const char *comm, int parent, char *const argv[]);
Proc *proc_find(Sim *sim, int pid);
void proc_start_at(Sim *sim, Proc *proc, uint64_t start);
void proc_end(Sim *sim, Proc *proc);
void proc_render_fds(Sim *sim, int pid);
void proc_go(Sim *sim, Proc *proc);
void proc_free(Proc *proc);
int sim_spawn(Sim *sim, int parent, char *const argv[], Proc **ret);

/* sim_monitor.c */
int mon_connect(Sim *sim, const char *path, unsigned timeout_ms);
int mon_peer(Sim *sim, int fd, pid_t *ret);
Guest *mon_find(Sim *sim, const char *name);
int mon_plug(Sim *sim, Guest *guest, const char *id, const char *bus, Fn *host);
void mon_unplug(Sim *sim, Guest *guest, const char *id);
void mon_asked(Sim *sim, Guest *guest, const char *id);
void mon_pulled(Sim *sim, Fn *host); /* the kernel asked the holder for the device back */
void guest_free(Guest *guest);

/* sim_virt.c */
void virt_free(Virt *virt);
void virt_settle(Sim *sim);
void virt_dump(Sim *sim, GString *text);
void virt_replay(Sim *sim, const char *call, const char *arg);
void virt_count(Sim *sim);

/* sim_xen.c */
enum { DOMAIN_IO = 0x7ff1 };
void xen_build(Sim *sim);
void xen_free(Xen *xen);
void xen_reboot(Sim *sim);
void xen_dump(Sim *sim, GString *text);
void xen_dump_owner(Sim *sim, const Fn *fn, GString *text);
void xen_replay(Sim *sim, const char *call, const char *arg);
bool xen_has_slot(const Sim *sim, const char *bdf); /* pciback takes it without driver_override */
void xen_put_slot(Sim *sim, const char *bdf, bool there);
bool xen_in_use(const Fn *fn); /* a guest has it */
