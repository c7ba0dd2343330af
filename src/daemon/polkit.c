/* polkit's CheckAuthorization, and what stands in for it where there is no polkit. */
#include "daemon/polkit.h"

enum {
        ALLOW_INTERACTION = 1, /* CheckAuthorizationFlags of org.freedesktop.PolicyKit1.Authority */
        ANSWER_MS = 25 * 1000, /* without anybody to be asked */
};

typedef struct {
        GDBusConnection *connection;
        GCancellable *cancellable;
        char *sender, *action;
        PolkitSaid said;
        void *user;
} Question;

/* Takes the question over. */
static void answer(Question *question, const char *denied, const char *why) {
        question->said(denied, why, question->user);
        g_object_unref(question->connection);
        g_clear_object(&question->cancellable);
        g_free(question->sender);
        g_free(question->action);
        g_free(question);
}

static void deny(Question *question, const char *name, const char *why) {
        g_autofree char *said = g_strdup_printf("%s: %s", question->action, why);
        answer(question, name, said);
}

static void user_known(GObject *source, GAsyncResult *result, gpointer user) {
        Question *question = user;
        g_autoptr(GError) problem = NULL;
        g_autoptr(GVariant) reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &problem);
        guint32 uid = G_MAXUINT32;

        if (reply)
                g_variant_get(reply, "(u)", &uid);
        if (uid == 0)
                answer(question, NULL, NULL);
        else
                deny(question, DENIED, "there is no polkit that could allow it to anybody but root");
}

static void ask_for_user(Question *question) {
        g_dbus_connection_call(question->connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                               "GetConnectionUnixUser", g_variant_new("(s)", question->sender), G_VARIANT_TYPE("(u)"), G_DBUS_CALL_FLAGS_NONE,
                               ANSWER_MS, question->cancellable, user_known, question);
}

static bool no_polkit(const GError *problem) {
        return g_error_matches(problem, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN) ||
               g_error_matches(problem, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER);
}

static void polkit_said(GObject *source, GAsyncResult *result, gpointer user) {
        Question *question = user;
        g_autoptr(GError) problem = NULL;
        g_autoptr(GVariant) reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &problem);
        gboolean allowed = FALSE, challenge = FALSE;

        if (!reply && no_polkit(problem)) {
                ask_for_user(question);
                return;
        }
        if (!reply) {
                g_autofree char *why = g_strdup_printf("polkit did not answer: %s", problem->message);
                deny(question, DENIED, why);
                return;
        }
        g_variant_get(reply, "((bb@a{ss}))", &allowed, &challenge, NULL);
        if (allowed)
                answer(question, NULL, NULL);
        else if (challenge)
                deny(question, DENIED_NOT_ASKED, "polkit would have to ask somebody; call it interactively");
        else
                deny(question, DENIED, "polkit does not allow it");
}

void polkit_ask(GDBusConnection *connection, const char *sender, const char *action, GVariant *details, bool interactive,
                GCancellable *cancellable, PolkitSaid said, void *user) {
        Question *question = g_new0(Question, 1);
        GVariantBuilder subject;

        *question = (Question) {g_object_ref(connection), g_object_ref(cancellable), g_strdup(sender), g_strdup(action), said, user};
        g_variant_builder_init(&subject, G_VARIANT_TYPE("a{sv}"));
        g_variant_builder_add(&subject, "{sv}", "name", g_variant_new_string(sender));
        g_dbus_connection_call(connection, "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority",
                               "org.freedesktop.PolicyKit1.Authority", "CheckAuthorization",
                               g_variant_new("((sa{sv})s@a{ss}us)", "system-bus-name", &subject, action, details,
                                             interactive ? ALLOW_INTERACTION : 0, ""),
                               G_VARIANT_TYPE("((bba{ss}))"), G_DBUS_CALL_FLAGS_NONE, interactive ? G_MAXINT : ANSWER_MS, cancellable, polkit_said,
                               question);
}
