// The loop the other way round, for bench/engines alone (-DPENSTOCK_NESTED_LOOP=ON): the io_context
// drives and waits for the poller's descriptor as for one of its own. It costs two system calls
// more for each turn, an epoll_wait that finds events and the poller's own.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <unistd.h>

#include <chrono>
#include <optional>

namespace penstock::net {

class nested_wait {
 public:
    nested_wait(boost::asio::io_context& in, int poller_fd)
        : in_(in), set_(in.get_executor(), ::dup(poller_fd)) {}

    // Until the poller has something, something was posted, or the time is over.
    void wait(int timeout_ms) {
        if (!waits_) {
            waits_ = true;
            set_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                            [this](const boost::system::error_code&) { waits_ = false; });
        }
        if (timeout_ms < 0)
            in_.run_one();
        else
            in_.run_one_for(std::chrono::milliseconds(timeout_ms));
    }

 private:
    boost::asio::io_context& in_;
    boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type> set_;
    bool waits_ = false;
};

}  // namespace penstock::net
