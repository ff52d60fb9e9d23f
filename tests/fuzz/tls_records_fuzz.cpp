// Any records of a client whose keys are right. The first byte is the suite; then come records: how
// they are made, type, length, padding, data. Some are sealed as told, some are raw, some changed.
// Whatever comes, data is no longer than its record, a failure is one for good and says why, and
// what the server owes fits into its room.
#include "net/tls_records.hpp"
#include "penstock/base/check.hpp"
#include "unit/net/tls_sealed.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace penstock;
using namespace penstock::net;

namespace {

class reader {
 public:
    reader(const std::uint8_t* data, std::size_t size) noexcept
        : rest_(reinterpret_cast<const char*>(data), size) {}

    [[nodiscard]] bool done() const noexcept { return rest_.empty(); }
    unsigned char byte() noexcept {
        if (rest_.empty())
            return 0;
        const auto next = static_cast<unsigned char>(rest_.front());
        rest_.remove_prefix(1);
        return next;
    }
    std::string_view text(std::size_t size) noexcept {
        const std::string_view next = rest_.substr(0, size);
        rest_.remove_prefix(next.size());
        return next;
    }

 private:
    std::string_view rest_;
};

std::string record_of(reader& from, net::test::sealing_client& client) {
    const unsigned char how = from.byte();
    const unsigned char type = from.byte();
    const std::size_t size = from.byte();
    const std::size_t padding = from.byte();
    std::string data(from.text(size));
    // Now and then as long as a record can be, or a little longer.
    if ((how & 0x10U) != 0)
        data.resize(tls_records::data_max - 8 + (how & 0x0fU), 'x');
    if ((how & 0x20U) != 0)
        return data;
    std::string record = client.seal(type, data, padding);
    if ((how & 0x40U) != 0)
        record[padding % record.size()] ^= 1;
    if ((how & 0x80U) != 0 && !client.tls12())
        PENSTOCK_CHECK(client.update_sealing());
    return record;
}

// Gives what is there to the server, as tls_session does. False once it has failed.
bool serve(std::string& received, tls_records& server, std::string& room) {
    for (;;) {
        const std::size_t size = tls_records::size_of(received);
        if (size == 0 || size > received.size())
            return true;
        const tls_records::opened got = server.open({received.data(), size}, room, time_point());
        PENSTOCK_CHECK(got.data.size() < size);
        PENSTOCK_CHECK((got.what == tls_records::event::data) == !got.data.empty());
        std::array<char, tls_records::message_max> out{};
        if (got.what == tls_records::event::failed) {
            PENSTOCK_CHECK(!server.failure().empty());
            PENSTOCK_CHECK(server.seal_alert(out.data()) <= out.size());
            return false;
        }
        if (got.what == tls_records::event::closed)
            return false;
        if (server.owes())
            PENSTOCK_CHECK(server.seal_owed(out.data()) == 5 + server.overhead());
        PENSTOCK_CHECK(!server.owes());
        received.erase(0, size);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    reader from(data, size);
    const unsigned char suite = from.byte();
    net::test::sealing_client client(
        static_cast<unsigned char>(1 + suite % net::test::sealing_client::suites));
    tls_records server;
    PENSTOCK_CHECK(client.good() && client.begin(server));
    std::string room((suite & 0x80U) != 0 ? 20000 : 10, '\0');
    std::string received;
    while (!from.done()) {
        received += record_of(from, client);
        if (!serve(received, server, room))
            break;
    }
    return 0;
}
