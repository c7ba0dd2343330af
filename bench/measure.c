/* Runs a command with its output thrown away and prints "WALL-us PROCESSOR-us PEAK-KiB STATUS". A process of its own,
 * because the kernel counts what a process had before its exec into its peak: a small parent adds nothing. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long microseconds(struct timeval time) {
        return time.tv_sec * 1000000LL + time.tv_usec;
}

int main(int argc, char **argv) {
        struct timespec began, ended;
        struct rusage usage;
        int status;

        if (argc < 2)
                return EXIT_FAILURE;
        clock_gettime(CLOCK_MONOTONIC, &began);
        pid_t child = fork();
        if (child == 0) {
                int null = open("/dev/null", O_RDWR);
                if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
                        _exit(126);
                execvp(argv[1], argv + 1);
                _exit(127);
        }
        if (child < 0 || wait4(child, &status, 0, &usage) != child)
                return EXIT_FAILURE;
        clock_gettime(CLOCK_MONOTONIC, &ended);
        printf("%lld %lld %ld %d\n", (ended.tv_sec - began.tv_sec) * 1000000LL + (ended.tv_nsec - began.tv_nsec) / 1000,
               microseconds(usage.ru_utime) + microseconds(usage.ru_stime), usage.ru_maxrss,
               WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
        return EXIT_SUCCESS;
}
