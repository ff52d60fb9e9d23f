// RFC 7541 on either side: a block that cannot be decoded ends the connection with
// COMPRESSION_ERROR, since nobody knows any more what the table holds (RFC 9113 §4.3).
#include "unit/http/h2_link.hpp"

#include <nghttp2/nghttp2.h>

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>

namespace penstock::http {
namespace {

namespace h2 = test::h2;
using namespace std::string_literals;

constexpr unsigned whole = h2::end_headers | h2::end_stream;

std::string block_of(std::uint32_t stream, std::string_view bytes) {
    return h2::frame(h2::headers, whole, stream, bytes);
}

struct bad_block {
    const char* name;
    std::string bytes;
};
std::ostream& operator<<(std::ostream& out, const bad_block& of) { return out << of.name; }

class Hpack : public testing::TestWithParam<bad_block> {};

TEST_P(Hpack, OfAClientEndsTheConnection) {
    for (const std::string& before : {std::string(), h2::block(h2::get())}) {
        test::h2_link to;
        ASSERT_EQ(to.greet(), h2_code::no_error);
        EXPECT_EQ(to.send(block_of(1, before + GetParam().bytes)), h2_code::compression_error);
        EXPECT_EQ(to.goaway(), h2_code::compression_error);
        EXPECT_EQ(to.session.next_changed(), nullptr);
    }
}

TEST_P(Hpack, OfAnOriginEndsTheConnection) {
    for (const std::string& before : {std::string(), h2::block({{":status", "200"}})}) {
        test::h2_origin_link to;
        (void)to.open();
        EXPECT_EQ(to.send(block_of(1, before + GetParam().bytes)), h2_code::compression_error);
        EXPECT_TRUE(to.session.ended());
    }
}

INSTANTIATE_TEST_SUITE_P(
    Rfc7541, Hpack,
    testing::Values(bad_block{"S2_3_3_IndexBehindTheTables", "\xbe"},
                    bad_block{"S2_3_3_NameBehindTheTables", "\x7e\1v"},
                    bad_block{"S5_1_IntegerThatOverflows", "\xff\xff\xff\xff\xff\xff\xff\xff\x7f"},
                    bad_block{"S5_1_IntegerThatIsCutOff", "\xff\x80"},
                    bad_block{"S5_2_StringThatIsCutOff", "\0\1x\5ab"s},
                    bad_block{"S5_2_HuffmanPaddingOfAByte", "\0\1x\x82\x1f\xff"s},
                    bad_block{"S5_2_HuffmanPaddingThatIsNotOnes", "\0\1x\x81\x18"s},
                    bad_block{"S5_2_HuffmanEndOfString", "\0\1x\x84\xff\xff\xff\xff"s},
                    bad_block{"S6_1_IndexZero", "\x80"},
                    bad_block{"S6_2_LiteralThatIsCutOff", "\x40"},
                    bad_block{"S6_3_TableAboveTheSetting", "\x3f\xe2\x1f"}),
    [](const auto& param) { return std::string(param.param.name); });

// §4.2: a change of size stands at the beginning of a block or nowhere.
TEST(HpackTable, ChangesItsSizeInFrontOfFieldsOnly) {
    test::h2_link to;
    ASSERT_EQ(to.greet(), h2_code::no_error);
    // Down to nothing and up again, as an encoder has to say it.
    EXPECT_EQ(to.send(block_of(1, "\x20\x3f\xe1\x1f" + h2::block(h2::get()))), h2_code::no_error);
    EXPECT_EQ(to.send(block_of(3, h2::block(h2::get()) + "\x20")), h2_code::compression_error);
    test::h2_origin_link origin;
    (void)origin.open();
    EXPECT_EQ(origin.send(block_of(1, "\x20\x3f\xe1\x1f" + h2::block({{":status", "200"}}))),
              h2_code::no_error);
    (void)origin.open();
    EXPECT_EQ(origin.send(block_of(3, h2::block({{":status", "200"}}) + "\x20")),
              h2_code::compression_error);
}

// §4.4: what a smaller table has lost is an index of nothing.
TEST(HpackTable, ForgetsWhatNoLongerFits) {
    const std::string kept = "\x40\1x\1y";  // 34 bytes of the table
    const std::string again = "\xbe";
    test::h2_link to;
    ASSERT_EQ(to.greet(), h2_code::no_error);
    EXPECT_EQ(to.send(block_of(1, h2::block(h2::get()) + kept)), h2_code::no_error);
    EXPECT_EQ(to.send(block_of(3, "\x3f\x03" + h2::block(h2::get()) + again)), h2_code::no_error);
    EXPECT_EQ(to.send(block_of(5, "\x3f\x02" + h2::block(h2::get()) + again)),
              h2_code::compression_error);
}

// RFC 9113 §4.3.1: whoever is told of a smaller table says in its next block that it keeps to it.
TEST(HpackTable, KeepsToTheSizeThatThePeerAllows) {
    test::h2_link to;
    ASSERT_EQ(to.send(h2::hello() + h2::frame(h2::settings, h2::ack, 0) +
                      h2::frame(h2::settings, 0, 0, "\0\1\0\0\0\0"s)),
              h2_code::no_error);
    ASSERT_EQ(to.send(h2::head(1, h2::get())), h2_code::no_error);
    h2_server_stream* const stream = to.session.next_changed();
    ASSERT_NE(stream, nullptr);
    response_head head;
    head.status = 204;
    head.fields.add("x-one", "1");
    ASSERT_TRUE(to.session.respond(*stream, head, std::nullopt, nullptr));
    const std::string block = to.one(h2::headers, 1).payload;
    EXPECT_EQ(block[0], '\x20');
    // Literals with incremental indexing begin with the bits 01: there is no room for one.
    EXPECT_NE(static_cast<unsigned char>(block[2]) >> 6U, 1U);
}

// §6.2.3: what must not stand in any table does not stand in one behind us either.
TEST(HpackSecret, StaysOutOfTheTablesOnItsWayThrough) {
    // Never indexed, with a new name; and the same as a field that may be indexed.
    // A short cookie would be kept out of the tables by the library.
    const std::string secret =
        "\x10\7x-token\4abcd\x10\6cookie\x1e" + std::string(30, 'a') + "\0\6cookie\3b=c"s;
    const std::string open = "\0\6x-open\4abcd"s;
    test::h2_link to;
    ASSERT_EQ(to.greet(), h2_code::no_error);
    ASSERT_EQ(to.send(block_of(1, h2::block(h2::get()) + secret + open)), h2_code::no_error);
    h2_server_stream* const stream = to.session.next_changed();
    ASSERT_NE(stream, nullptr);
    for (const fields::field one : stream->head.fields)
        EXPECT_EQ(one.never_indexed, one.name != "x-open") << one.name;

    h2_client_session origin{h2_limits{}};
    ASSERT_TRUE(origin.open(stream->head, {}, nullptr));
    std::string out;
    origin.send(out, std::string::npos);
    out.erase(0, h2::preface.size());
    h2::read_frame next;
    while (h2::next_frame(out, next) && next.type != h2::headers) {
    }
    ASSERT_EQ(next.type, h2::headers);
    // A decoder that tells how each field came.
    nghttp2_hd_inflater* inflater = nullptr;
    ASSERT_EQ(nghttp2_hd_inflate_new(&inflater), 0);
    const auto* at = reinterpret_cast<const std::uint8_t*>(next.payload.data());
    std::size_t left = next.payload.size();
    int seen = 0;
    for (int flags = 0; (flags & NGHTTP2_HD_INFLATE_FINAL) == 0;) {
        nghttp2_nv pair{};
        const ssize_t used = nghttp2_hd_inflate_hd2(inflater, &pair, &flags, at, left, 1);
        ASSERT_GE(used, 0);
        at += used;
        left -= static_cast<std::size_t>(used);
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0)
            continue;
        const std::string_view name(reinterpret_cast<const char*>(pair.name), pair.namelen);
        const bool is_secret = (pair.flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0;
        if (name == "x-token" || name == "cookie" || name == "x-open") {
            ++seen;
            EXPECT_EQ(is_secret, name != "x-open") << name;
        }
    }
    EXPECT_EQ(seen, 3);
    nghttp2_hd_inflate_del(inflater);
}

}  // namespace
}  // namespace penstock::http
