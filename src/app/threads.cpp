#include "app/threads.hpp"

#include <pthread.h>

namespace penstock::app {

void name_this_thread(const std::string& name) noexcept {
    ::pthread_setname_np(::pthread_self(), name.substr(0, 15).c_str());
}

}  // namespace penstock::app
