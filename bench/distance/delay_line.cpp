// The tests' delay line as a program: delay_line TO_PORT MILLISECONDS_EACH_WAY prints "port N".
#include "support/delay_line.hpp"

#include <unistd.h>

#include <cstdlib>
#include <iostream>

int main(int argc, char** argv) {
    if (argc != 3)
        return 2;
    const penstock::test::delay_line line(static_cast<std::uint16_t>(std::atoi(argv[1])),
                                          penstock::test::milliseconds{std::atoi(argv[2])});
    std::cout << "port " << line.port() << std::endl;
    ::pause();
    return 0;
}
