// Preloaded into a daemon: what it reads as /etc/resolv.conf is the file PENSTOCK_RESOLV_CONF. Not
// linked with anything of Penstock.
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

using open_function = FILE* (*)(const char*, const char*);

FILE* open_other(const char* name, const char* path, const char* mode) {
    const char* const other = std::getenv("PENSTOCK_RESOLV_CONF");
    const bool replaced = other != nullptr && std::strcmp(path, "/etc/resolv.conf") == 0;
    const auto next = reinterpret_cast<open_function>(::dlsym(RTLD_NEXT, name));
    return next(replaced ? other : path, mode);
}

}  // namespace

extern "C" {

FILE* fopen(const char* path, const char* mode) { return open_other("fopen", path, mode); }

FILE* fopen64(const char* path, const char* mode) { return open_other("fopen64", path, mode); }

}  // extern "C"
