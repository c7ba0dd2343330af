/* A stage for stories: a simulated machine, a ledger of its own, and vfadm's verbs run on them as the CLI runs them.
 * A story is played once as it should go, then again with its n-th operation failing, and again dying at its n-th
 * operation, for every n: what stays must be the old state or the new one, never anything between. */
#pragma once

#include "model/lease.h"
#include "sim.h"
#include "want/want.h"

typedef struct Stage Stage;

typedef struct {
        const char *name;
        unsigned options;       /* of sim_new() */
        const char *cards[4];
        void (*prepare)(Stage *stage);
        bool (*play)(Stage *stage, GError **error);
        void (*check)(Stage *stage); /* after it went well (or was refused) */
        int refused;            /* VfadmError that playing must end with, changing nothing; 0: it goes well */
        const char *says;       /* with `refused`: what the message must hold */
        unsigned stride;        /* try only every stride-th operation, unless VFADM_STORIES=all; 0: every one */
        void (*settle)(Stage *stage); /* after recovery: ends what still runs, so that a second recovery can finish */
        bool counts;            /* makes or removes VFs: played dying while the kernel is at it, too */
        bool once;              /* played well only: it takes its time */
        bool half_done;         /* a failure may leave work for recovery (a guest has let go already) */
        bool (*partly)(Stage *stage, GError **error); /* what it may come to as well when it fails half-way: as after playing this */
        bool again;             /* many plans, or what cannot be undone: after a failure the next recovery brings it to its end */
        bool down;              /* played once more for each operation at which libvirt's daemon goes down */
        bool forgets;           /* undone, xl may not know any more which driver a function had: nobody else does */
        void (*meanwhile)(Stage *stage); /* what others do after a plan was made and before its first step */
} Story;

struct Stage {
        const Story *story;
        Sim *sim;
        char *ledger;
        GPtrArray *states; /* char*: dumps after each verb of a story that goes well; NULL: not kept */
        int other;         /* pid of somebody that `meanwhile` brings in */
};

/* Runs one verb as a process of its own. `words` are "key=value" arguments, may be NULL. Takes the want over. */
bool stage_do(Stage *stage, Want *want, const char *words, GError **error);
/* Several wants in one plan: all or none. Takes the wants over. */
bool stage_do_many(Stage *stage, Want **wants, unsigned n, GError **error);
bool stage_verb(Stage *stage, WantKind kind, const char *device, const char *words, GError **error);
bool stage_bind(Stage *stage, const char *device, const char *driver, bool with_group, GError **error);
bool stage_guest(Stage *stage, WantKind kind, const char *guest, const char *device, const char *words, GError **error);
/* The same, with SCOPE_* bits. */
bool stage_scoped(Stage *stage, WantKind kind, const char *guest, const char *device, unsigned scope, const char *words, GError **error);
bool stage_enable(Stage *stage, const char *pf, unsigned n, GError **error);
/* 'vfadm run': the command must contain "{vf}". */
bool stage_run(Stage *stage, const char *device, const char *words, const char *command, GError **error);
bool stage_recover(Stage *stage, GError **error);
/* Writes as somebody else at a shell; must succeed. */
void stage_echo(Stage *stage, const char *path, const char *text);
/* What a story does before it begins must go well; takes the error. */
void stage_must(bool ok, GError *error);
/* What somebody else does with libvirt, as sim_virsh(), which must go well. */
void stage_virsh(Stage *stage, const char *call, const char *name, const char *arg);
/* The same with Xen, as sim_xl(). */
void stage_xl(Stage *stage, const char *call, const char *name, const char *arg);
/* Machine and ledger in text. The caller frees. */
char *stage_dump(Stage *stage);
/* Leases of the ledger, Lease*. The caller unrefs. */
GPtrArray *stage_leases(Stage *stage);
/* A row of sim_dump() that begins with `start` (blanks skipped); the caller frees. NULL: none. */
char *stage_row(Stage *stage, const char *start);

/* Fails unless the row that begins with `start` holds `part`. */
void stage_expect(Stage *stage, const char *start, const char *part);
void stage_expect_no_row(Stage *stage, const char *start);
void stage_expect_leases(Stage *stage, unsigned n);

/* Adds the tests /well/NAME, /failing/NAME and /dying/NAME; /late/NAME where VFs are made or removed: dying while the
 * kernel is at it, which then finishes in the middle of the recovery; /down/NAME where libvirt's daemon goes down. */
void story_add(const Story *story);
/* stories_apply.c */
void stories_apply_add(void);
/* stories_boot.c */
void stories_boot_add(void);
/* stories_group.c */
void stories_group_add(void);
/* stories_libvirt.c, stories_service.c */
void stories_libvirt_add(void);
void stories_service_add(void);
/* stories_meanwhile.c */
void stories_meanwhile_add(void);
/* stories_xen.c, stories_xl.c */
void stories_xen_add(void);
void stories_xl_add(void);
