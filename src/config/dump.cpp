#include "penstock/config/dump.hpp"

#include "config/tables.hpp"

namespace penstock::config {

std::string dump(const model& from) {
    dump_writer out(from.written);
    write_rows(out, model_table().rows, from);
    return out.text() + "\n";
}

}  // namespace penstock::config
