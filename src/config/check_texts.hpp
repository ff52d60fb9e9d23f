// Checks of what a route makes of URLs, paths and hosts: texts with variables, the parts of a
// redirect and of a rewrite, shares of a split. Each reports to the section's reader.
#pragma once

#include "config/section.hpp"
#include "penstock/config/model.hpp"
#include "penstock/config/variables.hpp"

namespace penstock::config {

// Variables of a text, and the characters that may stand around them.
void check_text(reader& in, const yaml_node& node, text_place at);
// Whether a client could choose how the host of a URL, or of url_host, goes on
// (check_authority.cpp).
void check_authority(reader& in, const yaml_node& node, text_place at);
// The same of a response's field, if it is one that leads clients somewhere.
void check_location(reader& in, const yaml_node& name, const yaml_node& value);
void check_redirect(const section& from, const redirect& of);
void check_rewrite(const section& from, const route& of);
void check_split(const section& from, const route& of);
// What only routes with an upstream know.
void check_forwarding_texts(const section& from, const route& of);
// Redirects that send clients to where they are.
void check_redirect_loops(reader& in, const model& of);
// Who the client is, and what redirects make of it.
void check_client_address(const section& from, const model& of);

}  // namespace penstock::config
