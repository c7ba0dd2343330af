/* Which devices a mechanism of setup.h means. */
#include "model/mechanism.h"

#include "base/text.h"

#include <string.h>

/* The text behind a bracket's ']', and whether `c` is in it; NULL: it is no bracket. */
static const char *bracket(const char *pattern, char c, bool *ret_in) {
        const char *at = pattern + 1;
        bool negative = *at == '!' || *at == '^', in = false;

        at += negative;
        for (bool first = true; *at && (first || *at != ']'); first = false) {
                if (at[1] == '-' && at[2] && at[2] != ']') {
                        in |= *at <= c && c <= at[2];
                        at += 3;
                } else {
                        in |= *at++ == c;
                }
        }
        *ret_in = in != negative;
        return *at == ']' ? at + 1 : NULL;
}

/* One character of the pattern against one of the text; NULL: it does not fit. */
static const char *one_fits(const char *pattern, const char *end, char c) {
        bool in;
        const char *behind;

        if (pattern >= end)
                return NULL;
        if (*pattern == '[' && (behind = bracket(pattern, c, &in)) && behind <= end)
                return in ? behind : NULL;
        return *pattern == '?' || *pattern == c ? pattern + 1 : NULL;
}

/* Only the last '*' is ever tried again, so this takes at most pattern times text, whoever wrote the pattern. */
static bool alternative_fits(const char *pattern, const char *end, const char *text) {
        const char *star = NULL, *again = NULL;

        while (*text) {
                const char *next;
                if (pattern < end && *pattern == '*') {
                        star = ++pattern;
                        again = text;
                } else if ((next = one_fits(pattern, end, *text))) {
                        pattern = next;
                        text++;
                } else if (star) {
                        pattern = star;
                        text = ++again;
                } else {
                        return false;
                }
        }
        while (pattern < end && *pattern == '*')
                pattern++;
        return pattern == end;
}

bool pattern_fits(const char *pattern, const char *text) {
        for (;;) {
                const char *end = strchr(pattern, '|');
                if (alternative_fits(pattern, end ? end : pattern + strlen(pattern), text))
                        return true;
                if (!end)
                        return false;
                pattern = end + 1;
        }
}

/* A module's name in modprobe.d has '_' where its driver may have '-'. */
static bool driver_fits(const char *pattern, const char *driver) {
        if (!driver)
                return false;
        g_autofree char *a = g_strdelimit(g_strdup(pattern), "-", '_');
        g_autofree char *b = g_strdelimit(g_strdup(driver), "-", '_');
        return pattern_fits(a, b);
}

static bool net_fits(const Mechanism *m, const Dev *dev) {
        bool mac = !mac_is_zero(m->mac);

        if (!m->netdev && !mac)
                return true;
        for (unsigned i = 0; i < dev->nets->len; i++) {
                const NetDev *net = dev->nets->pdata[i];
                if (port_name_is_representor(net->phys_port_name))
                        continue;
                if ((!m->netdev || pattern_fits(m->netdev, net->name)) &&
                    (!mac || memcmp(m->mac, net->mac, 6) == 0 || memcmp(m->mac, net->permanent_mac, 6) == 0))
                        return true;
        }
        return false;
}

static bool says(const Mechanism *m) {
        return m->driver || m->netdev || m->bdf || m->vendor || m->device || !mac_is_zero(m->mac);
}

bool mechanism_means(const Mechanism *m, const Dev *dev) {
        return says(m) && (!m->driver || driver_fits(m->driver, dev->driver)) && (!m->bdf || pattern_fits(m->bdf, dev->name)) &&
               (!m->vendor || m->vendor == dev->vendor) && (!m->device || m->device == dev->device) && net_fits(m, dev);
}

bool mechanism_may_mean(const Mechanism *m, const Dev *dev) {
        return !says(m) || mechanism_means(m, dev);
}

char *mechanism_place(const Mechanism *m) {
        return m->line ? g_strdup_printf("/%s:%u", m->path, m->line) : g_strdup_printf("/%s", m->path);
}
