// The tables of rows, one for each struct of the model that has several keys. Built once, when a
// configuration is first read.
#pragma once

#include "config/parts.hpp"
#include "penstock/config/model.hpp"

namespace penstock::config {

inline constexpr std::int64_t second = 1000;
inline constexpr std::int64_t minute = 60 * second;
inline constexpr std::int64_t hour = 60 * minute;
inline constexpr std::int64_t kibibyte = 1024;
inline constexpr std::int64_t gibibyte = kibibyte * kibibyte * kibibyte;
inline constexpr std::int64_t tebibyte = kibibyte * gibibyte;

// Zero is no duration to wait for: every wait has a deadline.
inline constexpr key_range wait_range{1, 24 * hour};
inline constexpr key_range body_range{0, tebibyte};
// RFC 9113 §6.9.2: every window begins with 65 535 bytes, and the connection's does not shrink.
inline constexpr key_range window_range{64 * kibibyte, 64 * kibibyte* kibibyte};

// The whole file.
[[nodiscard]] const table<model>& model_table();

// What files and objects share: taken over before keys are read, and not part of the model.
[[nodiscard]] row<model> include_row();
[[nodiscard]] row<model> defaults_row();
[[nodiscard]] row<model> policies_row();

[[nodiscard]] table<listener> listener_table();
[[nodiscard]] table<listener_tls> listener_tls_table();
[[nodiscard]] table<route> route_table();
[[nodiscard]] table<route_match> match_table();
[[nodiscard]] table<redirect> redirect_table();
[[nodiscard]] table<rewrite> rewrite_table();
[[nodiscard]] table<split_share> split_table();
// `request` and not response: the two differ in what may be done to Host.
[[nodiscard]] table<header_edits> header_edits_table(bool request);
[[nodiscard]] table<upstream> upstream_table();
[[nodiscard]] table<upstream_tls> upstream_tls_table();
[[nodiscard]] table<keepalive> keepalive_table();
[[nodiscard]] rows<kernel_options> kernel_rows();

}  // namespace penstock::config
