// The program: hands its arguments to app::run and ends with what that says.
#include "penstock/app/app.hpp"
#include "penstock/net/openssl_memory.hpp"

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

int main(int count, char** values) {
    penstock::net::recycle_openssl_memory();
    try {
        const std::vector<std::string> arguments(values + (count > 0 ? 1 : 0), values + count);
        return penstock::app::run(arguments);
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "penstock: %s\n", failure.what());
        return penstock::app::exit_runtime;
    }
}
