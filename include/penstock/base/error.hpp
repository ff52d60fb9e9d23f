// Errors are values. Every fallible function returns result<T>, or result<void>, and is marked
// [[nodiscard]] because boost::system::result of Boost 1.81 is not.
//
// A module defines its own error_category and an `errc` enum; who receives an error compares it
// with an enumerator. Only proxy/failure turns an error into a status and a reason token.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

namespace penstock {

using error = boost::system::error_code;

// An error in two thirds of the room, for objects of which there are tens of thousands.
class packed_error {
 public:
    packed_error() noexcept = default;
    packed_error(const error& from) noexcept
        : category_(from ? &from.category() : nullptr), value_(from.value()) {}

    explicit operator bool() const noexcept { return category_ != nullptr; }
    operator error() const noexcept {
        return category_ == nullptr ? error() : error(value_, *category_);
    }

 private:
    const boost::system::error_category* category_ = nullptr;
    int value_ = 0;
};

template <class T>
using result = boost::system::result<T, error>;

}  // namespace penstock
