// Watches every frame of one NIC until it is told to stop, then says whether any carried a VLAN
// tag: "vlan-inside=none frames=12" or "vlan-inside=42 frames=12 tagged=7". The lab's guest runs it.
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

static volatile sig_atomic_t stopped;

static void
on_signal(int number)
{
	(void)number;
	stopped = 1;
}

// The tag's VLAN, or -1. A NIC that strips tags hands them to the kernel beside the frame.
static int
frame_vlan(struct msghdr *message, const unsigned char *frame, size_t length)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		struct tpacket_auxdata aux;

		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof aux);
		if (aux.tp_status & TP_STATUS_VLAN_VALID)
			return aux.tp_vlan_tci & 0xfff;
	}
	if (length >= 16 && ((frame[12] == 0x81 && frame[13] == 0x00) ||
			     (frame[12] == 0x88 && frame[13] == 0xa8)))
		return (frame[14] << 8 | frame[15]) & 0xfff;
	return -1;
}

static int
open_nic(const char *name)
{
	struct sockaddr_ll where = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	// Short, so that a signal that comes just before a read is not waited for long.
	struct timeval patience = {.tv_usec = 100000};
	int yes = 1;
	int nic = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));

	where.sll_ifindex = (int)if_nametoindex(name);
	if (nic < 0 || where.sll_ifindex == 0 ||
	    setsockopt(nic, SOL_PACKET, PACKET_AUXDATA, &yes, sizeof yes) ||
	    setsockopt(nic, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) ||
	    bind(nic, (struct sockaddr *)&where, sizeof where))
		return -1;
	return nic;
}

int
main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	unsigned long frames = 0, tagged = 0;
	int nic, last = -1;

	sigaction(SIGTERM, &action, NULL);
	if (argc != 2 || (nic = open_nic(argv[1])) < 0) {
		printf("vlan-inside=unknown error=%s\n", strerror(errno));
		return 1;
	}
	while (!stopped) {
		unsigned char frame[64], control[256];
		struct iovec part = {.iov_base = frame, .iov_len = sizeof frame};
		struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1,
					 .msg_control = control, .msg_controllen = sizeof control};
		ssize_t length = recvmsg(nic, &message, 0);
		int vlan;

		if (length < 0)
			continue;
		frames++;
		vlan = frame_vlan(&message, frame, (size_t)length);
		if (vlan >= 0) {
			tagged++;
			last = vlan;
		}
	}
	if (tagged)
		printf("vlan-inside=%d frames=%lu tagged=%lu\n", last, frames, tagged);
	else
		printf("vlan-inside=none frames=%lu\n", frames);
	return 0;
}
