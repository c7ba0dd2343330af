/* A fuzz target without a fuzzer: runs it over every file of the folders that are named. */
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Number of files run; -1 when the folder cannot be read. */
static int replay_folder(const char *folder) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GDir) dir = g_dir_open(folder, 0, &error);
        const char *name;
        int files = 0;

        if (!dir) {
                g_printerr("%s\n", error->message);
                return -1;
        }
        while ((name = g_dir_read_name(dir))) {
                g_autofree char *path = g_build_filename(folder, name, NULL);
                g_autofree char *data = NULL;
                gsize size = 0;
                if (!g_file_get_contents(path, &data, &size, &error)) {
                        g_printerr("%s\n", error->message);
                        return -1;
                }
                /* Of exactly its size, so that reading one byte too many is seen. */
                g_autofree uint8_t *input = g_memdup2(data, size);
                g_printerr("%s\n", path); /* the last line before a crash names its input */
                LLVMFuzzerTestOneInput(input, size);
                files++;
        }
        return files;
}

int main(int argc, char **argv) {
        for (int i = 1; i < argc; i++) {
                int files = replay_folder(argv[i]);
                if (files <= 0) { /* an empty corpus would be a test that tests nothing */
                        g_printerr("%s: no inputs were run\n", argv[i]);
                        return EXIT_FAILURE;
                }
                g_print("%d inputs of %s\n", files, argv[i]);
        }
        return EXIT_SUCCESS;
}
