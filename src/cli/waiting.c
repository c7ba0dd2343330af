/* Waiting for PFs: looks again whenever udev tells of a device, until all are there or the time is over. */
#include "cli/waiting.h"

#include "host/host.h"
#include "watch/watch.h"

typedef struct {
        bool saw; /* something happened since the last look */
        bool over;
} Wait;

static void on_device(Watch *watch, const char *what, void *user) {
        ((Wait *) user)->saw = true;
}

static int on_deadline(void *user) {
        ((Wait *) user)->over = true;
        return G_SOURCE_REMOVE;
}

/* Its driver is there, and of a network card the device that VFs' MACs are set through. */
static bool is_ready(const Dev *pf) {
        return pf->is_pf && pf->driver && (!dev_is_network(pf) || dev_net(pf));
}

static bool is_here(const ConfPf *conf, const Snapshot *host) {
        for (unsigned i = 0; i < host->devs->len; i++)
                if (conf_matches(conf, host->devs->pdata[i]) && is_ready(host->devs->pdata[i]))
                        return true;
        return false;
}

/* What cannot be read now is not there now. */
static bool all_are_here(Io *io, const Conf *conf) {
        g_autoptr(Snapshot) host = host_read(io, 0, NULL);

        for (unsigned i = 0; i < conf->pfs->len; i++)
                if (!host || !is_here(conf->pfs->pdata[i], host))
                        return false;
        return true;
}

bool waiting_for_pfs(Io *io, const Conf *conf, unsigned ms, GError **error) {
        Wait wait = {0};
        /* Before the first look, so that nothing comes in between. */
        g_autoptr(Watch) watch = watch_devices(on_device, &wait, error);

        if (!watch)
                return all_are_here(io, conf);
        guint deadline = g_timeout_add(ms, on_deadline, &wait);
        bool here = all_are_here(io, conf);
        while (!here && !wait.over) {
                wait.saw = false;
                g_main_context_iteration(NULL, TRUE);
                while (g_main_context_iteration(NULL, FALSE)) /* a card tells of many devices at once */
                        ;
                if (wait.saw)
                        here = all_are_here(io, conf);
        }
        if (!wait.over)
                g_source_remove(deadline);
        return here;
}
