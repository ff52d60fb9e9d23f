#include "net/tls_session_store.hpp"

#include <algorithm>
#include <utility>

namespace penstock::net {

tls_session_store::kept tls_session_store::take(const std::string& origin, time_point now) {
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(origin);
    if (found == sessions_.end())
        return {};
    std::deque<kept>& of = found->second;
    while (!of.empty() && of.back().until <= now)
        of.pop_back();
    if (of.empty()) {
        sessions_.erase(found);
        return {};
    }
    SSL_SESSION* const newest = of.back().session.get();
    if (SSL_SESSION_get_protocol_version(newest) < TLS1_3_VERSION) {
        SSL_SESSION_up_ref(newest);
        return {session_ptr(newest), of.back().until};
    }
    kept taken = std::move(of.back());
    of.pop_back();
    if (of.empty())
        sessions_.erase(found);
    return taken;
}

void tls_session_store::put(const std::string& origin, kept one, time_point now) {
    const std::lock_guard lock(mutex_);
    if (one.until <= now || (sessions_.size() >= origins_max && !sessions_.contains(origin)))
        return;
    std::deque<kept>& of = sessions_[origin];
    // Of TLS 1.2 the newest stands for all.
    if (SSL_SESSION_get_protocol_version(one.session.get()) < TLS1_3_VERSION)
        of.clear();
    if (of.size() >= sessions_max)
        of.pop_front();
    of.push_back(std::move(one));
}

bool tls_session_store::knows(const digest& chain, time_point now) {
    const std::lock_guard lock(mutex_);
    const auto found = chains_.find(chain);
    if (found == chains_.end())
        return false;
    if (found->second > now)
        return true;
    chains_.erase(found);
    return false;
}

void tls_session_store::note(const digest& chain, time_point until) {
    const std::lock_guard lock(mutex_);
    if (chains_.size() >= chains_max)
        chains_.clear();
    chains_[chain] = until;
}

}  // namespace penstock::net
