/* A guest agent that is none: it answers over a socket pair, from a thread, as well or as badly as a test wants. One may be
 * used by one connection after another. */
#pragma once

#include <glib.h>

typedef enum {
        FAKE_AGENT_GOOD,
        FAKE_AGENT_LEFTOVERS, /* first what others asked for and did not stay to hear: half an answer, an answer, another sync's */
        FAKE_AGENT_SILENT,
        FAKE_AGENT_CLOSES,
        FAKE_AGENT_CLOSES_LATER, /* after the sync */
        FAKE_AGENT_WRONG_ID,     /* answers the sync with another number, then nothing */
        FAKE_AGENT_ENDLESS,      /* sends one line that never ends instead of the interfaces */
        FAKE_AGENT_FLOODS,       /* sends bytes without a sentinel, for ever */
} FakeAgentManner;

typedef struct FakeAgent FakeAgent;

/* `interfaces`: the line that answers guest-network-get-interfaces. */
FakeAgent *fake_agent_new(FakeAgentManner manner, const char *interfaces);
void fake_agent_free(FakeAgent *agent);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FakeAgent, fake_agent_free)
/* A connected socket, the caller's. */
int fake_agent_connect(FakeAgent *agent);
/* How often it was connected to. */
unsigned fake_agent_count(const FakeAgent *agent);
