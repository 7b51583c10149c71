/* Preloaded into the server: opening a file below the folder HANGING_FOLDER takes for ever, as on a network disk that is away. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPEN(name)                                                       \
    int name(const char *path, int flags, ...) {                         \
        va_list rest;                                                    \
        va_start(rest, flags);                                           \
        int mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, int) : 0; \
        va_end(rest);                                                    \
        const char *folder = getenv("HANGING_FOLDER");                   \
        if (folder && strncmp(path, folder, strlen(folder)) == 0)        \
            for (;;)                                                     \
                pause();                                                 \
        int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, #name);   \
        return real(path, flags, mode);                                  \
    }
OPEN(open)
OPEN(open64)
