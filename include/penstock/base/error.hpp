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

template <class T>
using result = boost::system::result<T, error>;

}  // namespace penstock
