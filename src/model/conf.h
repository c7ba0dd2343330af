/* What the configuration files say of PFs and their VFs: /etc/vfadm/NAME.conf and what stands beside it, read by want/conf_file.h.
 * Plain data. A number that is not said is -1. */
#pragma once

#include "model/pool.h"

/* What a PF can be known by, in the order of how well it lasts. */
typedef enum {
        MATCH_PERMANENT_MAC, /* PermanentMACAddress= */
        MATCH_PATH,          /* Path=: the PF's place in the tree of bridges, "pci0000:00/0000:00:02.0/0000:01:00.0" (Dev.path); may have wildcards */
        MATCH_SLOT,          /* Slot=: name of the physical slot (Dev.slot) */
        MATCH_DRIVER,        /* Driver=; may have wildcards */
        MATCH_NAME,          /* Name=: of its network device; may have wildcards. Warned about: a name can go to another card */
        MATCH_ADDRESS,       /* Address=: BDF. Warned about: a card that is added can move it */
        MATCH_KINDS,
} MatchKind;

typedef struct {
        char *path;    /* the file, below the root */
        unsigned line; /* from 1 */
} ConfPlace;

enum { CONF_VF_LAST = UINT32_MAX }; /* "[VF *]", "[VF 4-*]": up to the PF's last */

/* A section [VF 0-3]. */
typedef struct {
        ConfPlace place;
        unsigned first, last;
        VfState vf;     /* vf.known says which attributes are given; the MAC is that of VF `first` */
        bool mac_grows; /* "MACAddress=02:…:01+": grows by one from VF to VF */
        char *driver;   /* Driver=: "vfio" (the best VFIO driver the kernel names), "none", "host" (whichever of the host's takes it), or a
                           driver's name; NULL: not said */
} ConfVf;

/* A file with a [Match]: one or more PFs. */
typedef struct {
        ConfPlace place;              /* of its [Match] */
        GPtrArray *match[MATCH_KINDS];  /* char*: one of them must fit; NULL: not asked. What several kinds ask for must all fit */
        int64_t num_vfs;                /* VFs=; CONF_ALL_VFS: as many as it can have */
        int autoprobe;                  /* Autoprobe=: whether the kernel may bind drivers to VFs made later */
        int up;                         /* Up=yes: the PF's link is set up; "no" is not taken, since that is somebody else's to decide */
        bool report_only;               /* Drift=report: the service tells of what was changed by others, and leaves it */
        GPtrArray *vfs;                 /* ConfVf*, ordered by first; they do not overlap */
} ConfPf;
enum { CONF_ALL_VFS = INT64_MAX };

typedef struct {
        GPtrArray *pfs;      /* ConfPf*, in the order of their files' names */
        GPtrArray *pools;    /* Pool*, ordered by name; started or not is not looked at here */
        GPtrArray *files;    /* char*: the files that count, each before its drop-ins, below the root */
        GPtrArray *warnings; /* char*: "/etc/vfadm/lan.conf, line 3: …" */
} Conf;

Conf *conf_new(void);
void conf_free(Conf *conf);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Conf, conf_free)
ConfPf *conf_pf_new(const char *path, unsigned line);
void conf_pf_free(ConfPf *pf);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ConfPf, conf_pf_free)
ConfVf *conf_vf_new(const char *path, unsigned line);
void conf_vf_free(ConfVf *vf);

/* The device is a PF (or could have VFs by its capability) and all that [Match] asks for fits it. */
bool conf_matches(const ConfPf *conf, const Dev *dev);
/* The section of a VF, or NULL; *ret (may be NULL) is the state that it is to have, its own MAC counted. */
const ConfVf *conf_vf(const ConfPf *conf, unsigned index, VfState *ret);
/* How many VFs it is to have; -1: that is left as it is. */
int64_t conf_num_vfs(const ConfPf *conf, const Dev *pf);
/* The file's words for a MATCH_ kind: "PermanentMACAddress". */
const char *conf_match_key(MatchKind kind);
